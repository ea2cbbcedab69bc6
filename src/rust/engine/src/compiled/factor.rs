//! A factor of the likelihood: what it is, which class variables and node axes it depends on, and its parameters.

use std::sync::Arc;

use super::linear::Linear;
use super::patterns::Patterns;
use super::plan::{How, Plan, Reach};
use crate::family::Family;
use crate::spec::{Level, Model, Predictor};

pub use crate::data::row_patterns::NONE;

/// Which quadrature nodes a factor depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    None,
    Between,
    Within,
    Both,
}

impl Axis {
    fn new(between: bool, within: bool) -> Axis {
        match (between, within) {
            (false, false) => Axis::None,
            (true, false) => Axis::Between,
            (false, true) => Axis::Within,
            (true, true) => Axis::Both,
        }
    }
    pub fn between(self) -> bool {
        matches!(self, Axis::Between | Axis::Both)
    }
    pub fn within(self) -> bool {
        matches!(self, Axis::Within | Axis::Both)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum FactorKind {
    /// Density of one outcome given its predictors.
    Outcome(usize),
    /// P(class variable | its parents): its own states are an axis of the factor's table.
    Logits(usize),
    /// 1 where the class variable is in its known class, else 0.
    Known(usize),
    /// Joint normal density of several gaussian outcomes, analytic within latents integrated out.
    Gaussian(Vec<usize>),
    /// 1: only makes the posterior over a latent variable's scope available.
    Latent(usize),
}

#[derive(Clone, Debug)]
pub struct Factor {
    pub kind: FactorKind,
    pub level: Level,
    /// Class variables in its scope, first fastest.
    pub within: Vec<usize>,
    pub between: Vec<usize>,
    pub n_within: usize,
    pub n_between: usize,
    pub axis: Axis,
    /// Leading numeric dimensions (between, within) that it depends on.
    pub leading: (usize, usize),
    /// Distinct nodes along its axis (between, within): fewer than all where it depends on leading dimensions only.
    pub nodes: (usize, usize),
    /// Latents to evaluate, in order.
    pub latents: Vec<usize>,
    /// Analytic within dimensions (their numbers) whose residuals enter.
    pub analytic: Vec<usize>,
    /// Free parameters it depends on.
    pub parameters: Vec<usize>,
    /// Position of each model parameter in `parameters`, `NONE` where it does not enter or is fixed.
    pub slot_of: Vec<u32>,
    /// Columns that distinguish its designs.
    pub covariates: Vec<usize>,
    /// Columns that distinguish its values (outcomes, trials, known class).
    pub values: Vec<usize>,
    /// Columns of which at least one must be observed for the factor to count.
    pub observed: Vec<usize>,
    /// Of a joint normal density: the columns in which its predictors are linear.
    pub linear: Option<Linear>,
    pub patterns: Arc<Patterns>,
}

impl Factor {
    pub fn new(model: &Model, plan: &Plan, kind: FactorKind, level: Level) -> Factor {
        let mut reach = Reach::default();
        let (mut values, mut observed) = (vec![], vec![]);
        let add = |r: &mut Reach, predictors: &[Predictor]| {
            predictors.iter().for_each(|p| r.absorb_predictor(p, &plan.reach))
        };
        match &kind {
            FactorKind::Outcome(o) => {
                let outcome = &model.outcomes[*o];
                add(&mut reach, &outcome.predictors);
                for a in &outcome.auxiliary {
                    reach.classes.extend(a.classes());
                    reach.parameters.extend(a.parameters());
                }
                values.push(outcome.column);
                observed.push(outcome.column);
                values.extend(outcome.trials);
            }
            FactorKind::Logits(c) => {
                add(&mut reach, &model.classes[*c].logits);
                reach.classes.push(*c);
            }
            FactorKind::Known(c) => {
                reach.classes.push(*c);
                values.extend(model.classes[*c].known);
                observed.extend(model.classes[*c].known);
            }
            FactorKind::Latent(l) => {
                reach.absorb(&plan.reach[*l]);
                for o in informative(model, plan, *l) {
                    add(&mut reach, &model.outcomes[o].predictors);
                    reach.classes.extend(model.outcomes[o].auxiliary[0].classes());
                    residual_covariances(model, &[o])
                        .iter()
                        .for_each(|&c| reach.classes.extend(model.covariances[c].value.classes()));
                }
            }
            FactorKind::Gaussian(group) => {
                for &o in group {
                    add(&mut reach, &model.outcomes[o].predictors);
                    reach.classes.extend(model.outcomes[o].auxiliary[0].classes());
                    reach.parameters.extend(model.outcomes[o].auxiliary[0].parameters());
                    values.push(model.outcomes[o].column);
                    observed.push(model.outcomes[o].column);
                }
                for c in residual_covariances(model, group) {
                    reach.classes.extend(model.covariances[c].value.classes());
                    reach.parameters.extend(model.covariances[c].value.parameters());
                }
            }
        }
        reach.tidy();
        let of_level =
            |l: Level| reach.classes.iter().copied().filter(|&c| model.classes[c].level == l).collect::<Vec<_>>();
        let (within, between) = (of_level(Level::Within), of_level(Level::Between));
        let uses = |l: Level, how: How| {
            reach.residuals.iter().any(|&r| {
                plan.dimension_of[r].is_some_and(|d| plan.dimensions[d].level == l && plan.dimensions[d].how == how)
            })
        };
        let leading = |l: Level| {
            let dims = reach.residuals.iter().filter_map(|&r| plan.dimension_of[r]).map(|d| &plan.dimensions[d]);
            dims.filter(|d| d.level == l && d.how == How::Numeric).map(|d| d.index + 1).max().unwrap_or(0)
        };
        let mut analytic: Vec<usize> = reach
            .residuals
            .iter()
            .filter_map(|&r| plan.dimension_of[r])
            .filter(|&d| plan.dimensions[d].level == Level::Within && plan.dimensions[d].how == How::Analytic)
            .map(|d| plan.dimensions[d].index)
            .collect();
        analytic.sort_unstable();
        if matches!(kind, FactorKind::Latent(_)) {
            reach.parameters.clear();
        }
        let mut covariates = reach.covariates;
        let linear = match &kind {
            FactorKind::Gaussian(group) => {
                // rows of one design share the covariance; the other covariates only move the mean
                let linear = Linear::new(model, plan, group, &reach.latents);
                let (shape, mean) = covariates.iter().partition(|c| linear.of_covariance.contains(c));
                covariates = shape;
                values.extend::<Vec<usize>>(mean);
                Some(linear)
            }
            _ => None,
        };
        let parameters: Vec<usize> = reach.parameters.iter().copied().filter(|&p| model.parameters[p].free).collect();
        let mut slot_of = vec![NONE; model.parameters.len()];
        for (s, &p) in parameters.iter().enumerate() {
            slot_of[p] = s as u32;
        }
        Factor {
            axis: Axis::new(uses(Level::Between, How::Numeric), uses(Level::Within, How::Numeric)),
            leading: (leading(Level::Between), leading(Level::Within)),
            nodes: (1, 1),
            n_within: model.n_cells(&within),
            n_between: model.n_cells(&between),
            level,
            within,
            between,
            latents: reach.latents,
            analytic,
            parameters,
            slot_of,
            covariates,
            linear,
            values,
            observed,
            patterns: Arc::default(),
            kind,
        }
    }

    /// Whether the joint density of this group also involves an analytic between dimension.
    pub fn touches_analytic_between(model: &Model, plan: &Plan, group: &[usize]) -> bool {
        let mut reach = Reach::default();
        group.iter().flat_map(|&o| &model.outcomes[o].predictors).for_each(|p| reach.absorb_predictor(p, &plan.reach));
        reach
            .residuals
            .iter()
            .filter_map(|&r| plan.dimension_of[r])
            .any(|d| plan.dimensions[d].level == Level::Between && plan.dimensions[d].how == How::Analytic)
    }

    pub fn n_nodes(&self) -> usize {
        self.nodes.0 * self.nodes.1
    }

    pub fn n_cells(&self) -> usize {
        self.n_within * self.n_between
    }
}

/// Gaussian outcomes on which the posterior of a latent's analytic parts depends, through the joint density of its
/// group or, where between dimensions are analytic, of the whole cluster.
pub fn informative(model: &Model, plan: &Plan, latent: usize) -> Vec<usize> {
    let analytic = |reach: &Reach, level: Level| {
        let mut dims: Vec<usize> = reach.residuals.iter().filter_map(|&r| plan.dimension_of[r]).collect();
        dims.retain(|&d| plan.dimensions[d].how == How::Analytic && plan.dimensions[d].level == level);
        dims
    };
    let of_group = |group: &[usize]| {
        let mut r = Reach::default();
        group.iter().flat_map(|&o| &model.outcomes[o].predictors).for_each(|p| r.absorb_predictor(p, &plan.reach));
        r.tidy();
        r
    };
    let mine = analytic(&plan.reach[latent], Level::Within);
    let mut out: Vec<usize> = vec![];
    let mut between = !analytic(&plan.reach[latent], Level::Between).is_empty();
    for group in &plan.gaussian_groups {
        let r = of_group(group);
        if analytic(&r, Level::Within).iter().any(|d| mine.contains(d)) {
            out.extend(group);
            between |= !analytic(&r, Level::Between).is_empty();
        }
    }
    if between {
        out.extend(plan.gaussian_groups.iter().filter(|g| Factor::touches_analytic_between(model, plan, g)).flatten());
        let observed_between =
            |o: &usize| model.outcomes[*o].level == Level::Between && model.outcomes[*o].family == Family::Gaussian;
        out.extend((0..model.outcomes.len()).filter(observed_between));
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Residual covariances among the given gaussian outcomes.
pub fn residual_covariances(model: &Model, group: &[usize]) -> Vec<usize> {
    use crate::spec::CovarianceOf::Outcomes;
    (0..model.covariances.len())
        .filter(|&c| matches!(model.covariances[c].of, Outcomes(a, b) if group.contains(&a) && group.contains(&b)))
        .collect()
}
