//! Starting values: what the data say of one homogeneous class, and random perturbations of it (one stream per start).

use std::collections::BTreeMap;

use super::scales::{fixed_value, latent_scale, moments, predictor_scale, spread_of};
use crate::data::Sample;
use crate::family::{Family, Link};
use crate::numeric::normal_quantile;
use crate::rng::Stream;
use crate::spec::{Coefficient, Level, Model, Outcome, Predictor, Term};

/// Spread of the first start, as a share of that of the others.
const FIRST_REACH: f64 = 0.3;
/// Standard deviation of the log of starting variances behind class logits: from classes that mix within every cluster
/// to clusters of one class each, which are different maxima.
const LOGIT_VARIANCE_SPREAD: f64 = 2.0;

/// How a parameter is perturbed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// Leave it.
    Still,
    /// Add a normal deviate of this standard deviation.
    Shift(f64),
    /// Multiply by a number between 0.5 and 1.5.
    Scale,
    /// As `Scale`, of either sign from the second start on: within classes items need not point the same way, though most
    /// do in the sample.
    Loading,
    /// Multiply by the exponential of a normal deviate of this standard deviation: the order of magnitude is open.
    Magnitude(f64),
}

pub struct Starts {
    base: Vec<f64>,
    /// As `base`, but for the starting values that the specification gives.
    usual: Vec<f64>,
    role: Vec<Role>,
    /// Thresholds that move together: one list per outcome and class cell, with the deviate's standard deviation.
    together: Vec<(Vec<usize>, f64)>,
    /// Values are drawn as if covariates had mean 0: what each intercept (or threshold) takes on for the coefficients of
    /// those that have not, as (coefficient, factor).
    centring: Vec<(usize, Vec<(usize, f64)>)>,
}

fn quantile(link: Link, p: f64) -> f64 {
    let p = p.clamp(1e-3, 1.0 - 1e-3);
    match link {
        Link::Logit => (p / (1.0 - p)).ln(),
        Link::Probit => normal_quantile(p),
    }
}

/// Standard deviation of random intercepts of a class: wide, since well-separated starts find maxima that timid ones miss.
fn spread(link: Link) -> f64 {
    match link {
        Link::Logit => 2.5,
        Link::Probit => 1.5,
    }
}

/// How many rows show each category of an outcome.
struct Counts(Vec<f64>);

/// Value of a lone intercept, and the scale of the predictor, for one predictor of an outcome; `only`: a dummy whose rows
/// alone count.
fn intercept(o: &Outcome, k: usize, sample: &Sample, only: Option<usize>) -> (f64, f64) {
    let y = &sample.columns[o.column];
    let seen = || (0..sample.n_rows).filter(|&r| !y[r].is_nan() && only.is_none_or(|c| sample.columns[c][r] != 0.0));
    if let Family::Nominal { n_categories } = o.family {
        let counts = sample.remember(&[o.column, only.unwrap_or(usize::MAX)], || {
            let mut counts = vec![0.5; n_categories];
            seen().for_each(|r| counts[y[r] as usize - 1] += 1.0);
            Counts(counts)
        });
        return ((counts.0[k] / counts.0[n_categories - 1]).ln(), spread(Link::Logit));
    }
    let n = seen().count().max(1) as f64;
    let mean = seen().map(|r| y[r]).sum::<f64>() / n;
    let sd = moments(sample, o.column).sd();
    match o.family {
        Family::Gaussian | Family::Censored { .. } => (mean, sd),
        Family::Bernoulli { link } => (quantile(link, mean), spread(link)),
        Family::Binomial { link } => {
            let trials: f64 = o.trials.map_or(n, |t| seen().map(|r| sample.columns[t][r]).sum());
            (quantile(link, mean * n / trials.max(1.0)), spread(link))
        }
        Family::Ordinal { .. } | Family::Nominal { .. } => (0.0, 1.0),
        Family::Poisson | Family::NegativeBinomial => (mean.max(0.05).ln(), 0.7),
        Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => {
            if k == 0 {
                (mean.max(0.05).ln() + 0.3, 0.7)
            } else {
                (-1.0, 0.5)
            }
        }
    }
}

/// Whether a latent's residual is a random effect of a class logit: it enters one with a constant coefficient.
fn enters_class_logit(model: &Model, latent: usize) -> bool {
    let terms = model.classes.iter().flat_map(|c| &c.logits).flat_map(|p| &p.terms);
    terms.filter(|t| t.latents.contains(&latent)).any(|t| fixed_value(model, &t.coefficient).is_some_and(|v| v != 0.0))
}

fn is_dummy(sample: &Sample, column: usize) -> bool {
    sample.columns[column].iter().all(|v| *v == 0.0 || *v == 1.0)
}

impl Starts {
    pub fn new(model: &Model, sample: &Sample) -> Starts {
        let n = model.parameters.len();
        let centring = centring(model, sample);
        let mut s =
            Starts { base: vec![0.0; n], usual: vec![], role: vec![Role::Still; n], together: vec![], centring };
        for c in &model.classes {
            for t in c.logits.iter().flat_map(|p| &p.terms) {
                let plain = t.covariate.is_none() && t.latents.is_empty();
                s.set(
                    &t.coefficient,
                    if t.latents.is_empty() { 0.0 } else { 0.5 },
                    if plain { Role::Shift(0.5) } else { Role::Shift(0.2 / spread_of(t, sample)) },
                );
            }
        }
        for (k, l) in model.latents.iter().enumerate() {
            let scale = latent_scale(model, sample, k);
            let role = if enters_class_logit(model, k) { Role::Magnitude(LOGIT_VARIANCE_SPREAD) } else { Role::Scale };
            s.set(&l.variance, 0.4 * scale * scale, role);
            for t in &l.predictor.terms {
                let by_class = !t.coefficient.classes().is_empty();
                let shift = if by_class && t.latents.is_empty() { scale } else { 0.1 };
                s.set(&t.coefficient, 0.0, Role::Shift(shift / spread_of(t, sample)));
            }
        }
        s.factor_means(model, sample);
        for o in &model.outcomes {
            for (k, p) in o.predictors.iter().enumerate() {
                s.outcome_predictor(o, k, p, sample);
            }
            s.auxiliary(model, o, sample);
        }
        s.usual.clone_from(&s.base);
        for (p, v) in model.parameters.iter().enumerate() {
            if let Some(start) = v.start {
                s.base[p] = start;
            }
            if !v.free {
                s.base[p] = v.value.unwrap_or(0.0);
                s.role[p] = Role::Still;
            }
            s.base[p] = s.base[p].clamp(v.lower, v.upper);
        }
        s
    }

    /// Starting value of a parameter where nothing is given, before it is perturbed.
    pub fn usual(&self, parameter: usize) -> f64 {
        self.usual[parameter]
    }

    fn set(&mut self, c: &Coefficient, value: f64, role: Role) {
        for &p in c.parameters() {
            self.base[p] = value;
            self.role[p] = role;
        }
    }

    /// A factor behind gaussian outcomes without intercepts carries their mean.
    fn factor_means(&mut self, model: &Model, sample: &Sample) {
        let mut done = vec![false; model.latents.len()];
        for o in model.outcomes.iter().filter(|o| o.family == Family::Gaussian) {
            let terms = &o.predictors[0].terms;
            if terms.iter().any(|t| t.latents.is_empty() && t.covariate.is_none()) {
                continue;
            }
            for t in terms.iter().filter(|t| t.latents.len() == 1 && t.covariate.is_none()) {
                let (l, loading) = (t.latents[0], fixed_value(model, &t.coefficient).unwrap_or(0.0));
                if done[l] || loading == 0.0 {
                    continue;
                }
                done[l] = true;
                let mean = moments(sample, o.column).mean / loading;
                for m in
                    model.latents[l].predictor.terms.iter().filter(|m| m.latents.is_empty() && m.covariate.is_none())
                {
                    m.coefficient.parameters().iter().for_each(|&p| self.base[p] = mean);
                }
            }
        }
    }

    fn outcome_predictor(&mut self, o: &Outcome, k: usize, p: &Predictor, sample: &Sample) {
        let has_intercept = p.terms.iter().any(|t| t.covariate.is_none() && t.latents.is_empty());
        for t in &p.terms {
            let by_class = !t.coefficient.classes().is_empty();
            match (t.covariate, t.latents.len()) {
                (None, 0) => {
                    let (value, scale) = intercept(o, k, sample, None);
                    self.set(&t.coefficient, value, if by_class { Role::Shift(scale) } else { Role::Still });
                }
                (Some(c), 0) if !has_intercept && is_dummy(sample, c) => {
                    let (value, scale) = intercept(o, k, sample, Some(c));
                    self.set(&t.coefficient, value, if by_class { Role::Shift(scale) } else { Role::Still });
                }
                (Some(c), 0) => {
                    let scale = predictor_scale(o, sample) / moments(sample, c).spread();
                    self.set(&t.coefficient, 0.0, Role::Shift(if by_class { 0.5 * scale } else { 0.1 * scale }));
                }
                (_, _) => {
                    let scale = predictor_scale(o, sample);
                    self.set(&t.coefficient, 0.7 * scale, Role::Loading);
                }
            }
        }
    }

    fn auxiliary(&mut self, model: &Model, o: &Outcome, sample: &Sample) {
        match o.family {
            Family::Gaussian | Family::Censored { .. } => {
                self.set(&o.auxiliary[0], 0.6 * moments(sample, o.column).variance(), Role::Scale)
            }
            Family::NegativeBinomial | Family::ZeroInflatedNegativeBinomial => {
                self.set(&o.auxiliary[0], 0.5, Role::Scale)
            }
            Family::Ordinal { link, n_categories } => {
                let y = &sample.columns[o.column];
                let seen = y.iter().filter(|v| !v.is_nan()).count().max(1) as f64;
                for k in 1..n_categories {
                    let below = y.iter().filter(|v| **v <= k as f64).count() as f64;
                    // keep empty categories apart
                    let share = (below + 0.5 * k as f64) / (seen + 0.5 * n_categories as f64);
                    self.set(&o.auxiliary[k - 1], quantile(link, share) + 1e-3 * k as f64, Role::Still);
                }
                let classes = o.auxiliary[0].classes();
                if !classes.is_empty() {
                    let mut state = vec![0; model.classes.len()];
                    for cell in 0..model.n_cells(classes) {
                        model.set_states(classes, cell, &mut state);
                        let list: Vec<usize> = o
                            .auxiliary
                            .iter()
                            .filter_map(|a| a.parameter(&state))
                            .filter(|&p| model.parameters[p].free)
                            .collect();
                        if !self.together.iter().any(|(l, _)| l.iter().any(|p| list.contains(p))) {
                            self.together.push((list, spread(link)));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Natural starting values number `start` (from 0); the same seed and number give the same values anywhere. The first
    /// start is close to one homogeneous class, from where the likeliest structure mostly emerges.
    pub fn draw(&self, model: &Model, seed: u64, start: usize) -> Vec<f64> {
        let reach = if start == 0 { FIRST_REACH } else { 1.0 };
        let mut rng = Stream::new(seed, start as u64);
        let mut out = self.base.clone();
        for (p, role) in self.role.iter().enumerate() {
            // every parameter uses its draws whether or not it moves, so that streams stay aligned
            let (normal, uniform) = (rng.normal(), rng.uniform());
            match role {
                Role::Still => {}
                Role::Shift(sd) if model.parameters[p].start.is_none() => out[p] += reach * sd * normal,
                Role::Loading if model.parameters[p].start.is_none() => {
                    let sign = if start > 0 && normal < 0.0 { -1.0 } else { 1.0 };
                    out[p] *= sign * (0.5 + uniform);
                }
                Role::Scale if model.parameters[p].start.is_none() => out[p] *= 0.5 + uniform,
                Role::Magnitude(sd) if model.parameters[p].start.is_none() => out[p] *= (reach * sd * normal).exp(),
                _ => {}
            }
            out[p] = out[p].clamp(model.parameters[p].lower, model.parameters[p].upper);
        }
        for (list, sd) in &self.together {
            let shift = reach * sd * rng.normal();
            list.iter().filter(|p| model.parameters[**p].start.is_none()).for_each(|&p| out[p] += shift);
        }
        for (p, list) in &self.centring {
            let parameter = &model.parameters[*p];
            if parameter.free && parameter.start.is_none() {
                let moved = out[*p] + list.iter().map(|(q, factor)| factor * out[*q]).sum::<f64>();
                out[*p] = moved.clamp(parameter.lower, parameter.upper);
            }
        }
        out
    }
}

/// See `Starts::centring`; where an intercept serves several class patterns or predictors, the average over them.
fn centring<'a>(model: &'a Model, sample: &Sample) -> Vec<(usize, Vec<(usize, f64)>)> {
    let mut cells: BTreeMap<usize, (f64, Vec<(usize, f64)>)> = BTreeMap::new();
    let mut add = |anchors: &[&'a Coefficient], sign: f64, p: &'a Predictor| {
        if anchors.is_empty() {
            return;
        }
        let of_covariate = |t: &'a Term| Some((&t.coefficient, moments(sample, t.covariate?).mean));
        let slopes: Vec<(&Coefficient, f64)> =
            p.terms.iter().filter(|t| t.latents.is_empty()).filter_map(of_covariate).collect();
        let all = anchors.iter().copied().chain(slopes.iter().map(|(c, _)| *c));
        let mut classes: Vec<usize> = all.flat_map(|c| c.classes()).copied().collect();
        classes.sort_unstable();
        classes.dedup();
        let mut state = vec![0; model.classes.len()];
        for cell in 0..model.n_cells(&classes) {
            model.set_states(&classes, cell, &mut state);
            for anchor in anchors.iter().filter_map(|c| c.parameter(&state)) {
                let (count, list) = cells.entry(anchor).or_default();
                *count += 1.0;
                list.extend(slopes.iter().filter_map(|(c, mean)| Some((c.parameter(&state)?, sign * mean))));
            }
        }
    };
    let of_classes = model.classes.iter().flat_map(|c| &c.logits);
    let of_latents = model.latents.iter().map(|l| &l.predictor);
    let of_outcomes = model.outcomes.iter().flat_map(|o| &o.predictors);
    for p in of_classes.chain(of_latents).chain(of_outcomes) {
        let intercepts = p.terms.iter().filter(|t| t.covariate.is_none() && t.latents.is_empty());
        add(&intercepts.map(|t| &t.coefficient).collect::<Vec<_>>(), -1.0, p);
    }
    for o in model.outcomes.iter().filter(|o| matches!(o.family, Family::Ordinal { .. })) {
        add(&o.auxiliary.iter().collect::<Vec<_>>(), 1.0, &o.predictors[0]);
    }
    let averaged = |(p, (count, list)): (usize, (f64, Vec<(usize, f64)>))| {
        (p, list.into_iter().map(|(q, factor)| (q, factor / count)).collect())
    };
    cells.into_iter().map(averaged).collect()
}

/// Whether random starts make sense: some class variable has more than one class, or two within latents have free
/// loadings. (With one factor the likelihood has its maximum and its mirror image in practice.)
pub fn has_local_maxima(model: &Model) -> bool {
    let free = |c: &Coefficient| c.parameters().iter().any(|&p| model.parameters[p].free);
    let terms = model.outcomes.iter().flat_map(|o| &o.predictors).flat_map(|p| &p.terms);
    let mut loaded: Vec<usize> = terms
        .filter(|t| free(&t.coefficient))
        .flat_map(|t| &t.latents)
        .copied()
        .filter(|&l| model.latents[l].level == Level::Within)
        .collect();
    loaded.sort_unstable();
    loaded.dedup();
    model.classes.iter().any(|c| c.n_classes > 1) || loaded.len() > 1
}
