//! Optimiser coordinates: the free parameters on the working scale, less those that linear constraints determine.

use super::admissible::repaired;
use super::barrier::Barrier;
use super::prior::Priors;
use super::scales::{moments, units};
use crate::compiled::Program;
use crate::error::{EngineError, Result};
use crate::family::{Family, Link};
use crate::spec::{Coefficient, Model, Predictor};

/// working = offset + Σ_k x_k column_k
#[derive(Clone, Debug)]
pub struct Space {
    pub offset: Vec<f64>,
    /// Sparse columns: (parameter, weight); the first is the parameter that the coordinate stands for, in its unit.
    pub columns: Vec<Vec<(usize, f64)>>,
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
    pub priors: Priors,
    /// Without weight unless a climb jams at the edge of what is positive definite.
    pub barrier: Barrier,
}

/// A parameter that constraints determine: constant and terms (parameter, weight).
type Expression = (f64, Vec<(usize, f64)>);

/// Logits past these values are held and reported at the boundary.
pub const LOGIT_LIMIT: f64 = 15.0;
pub const PROBIT_LIMIT: f64 = 6.0;
/// Least residual variance, as a share of the outcome's variance.
const RELATIVE_FLOOR: f64 = 1e-6;

impl Space {
    /// # Errors
    /// `Spec` where constraints contradict each other.
    pub fn new(program: &Program) -> Result<Space> {
        let model = &program.model;
        let n = model.parameters.len();
        let fixed: Vec<f64> =
            model.parameters.iter().map(|p| if p.free { 0.0 } else { p.value.unwrap_or(0.0) }).collect();
        let fixed = repaired(program, &fixed, |p| !model.parameters[p].free);
        let offset0 = program.working.to_working(&fixed).unwrap_or(fixed);
        // eliminate one free parameter per constraint
        let mut expression: Vec<Option<Expression>> = vec![None; n];
        for c in &model.constraints {
            let mut value = c.value;
            let mut weights = vec![0.0; n];
            for &(p, w) in &c.weights {
                if !model.parameters[p].free {
                    value -= w * offset0[p];
                } else if let Some((v, terms)) = &expression[p] {
                    value -= w * v;
                    terms.iter().for_each(|(q, u)| weights[*q] += w * u);
                } else {
                    weights[p] += w;
                }
            }
            // the parameter to eliminate: one without bounds, of large weight
            let rank = |p: usize| {
                let open = model.parameters[p].lower == f64::NEG_INFINITY && model.parameters[p].upper == f64::INFINITY;
                weights[p].abs() * if open { 1.0 } else { 1e-6 }
            };
            let pivot = (0..n).max_by(|a, b| rank(*a).total_cmp(&rank(*b))).unwrap_or(0);
            let bounded = &model.parameters[pivot];
            if weights[pivot].abs() >= 1e-12 && (bounded.lower.is_finite() || bounded.upper.is_finite()) {
                return Err(EngineError::spec(
                    &bounded.name,
                    "a linear constraint among bounded parameters only cannot be used; drop the bounds of one",
                ));
            }
            if weights[pivot].abs() < 1e-12 {
                return Err(EngineError::spec(
                    "constraints",
                    "a linear constraint is redundant or contradicts the others",
                ));
            }
            let terms: Vec<(usize, f64)> = (0..n)
                .filter(|&q| q != pivot && weights[q] != 0.0)
                .map(|q| (q, -weights[q] / weights[pivot]))
                .collect();
            let value = value / weights[pivot];
            for e in expression.iter_mut().flatten() {
                if let Some(k) = e.1.iter().position(|(q, _)| *q == pivot) {
                    let (_, u) = e.1.remove(k);
                    e.0 += u * value;
                    for (q, t) in &terms {
                        match e.1.iter_mut().find(|(r, _)| r == q) {
                            Some(x) => x.1 += u * t,
                            None => e.1.push((*q, u * t)),
                        }
                    }
                }
            }
            expression[pivot] = Some((value, terms));
        }
        let mut offset = offset0;
        let mut columns = vec![];
        let (mut lower, mut upper) = (vec![], vec![]);
        let limits = limits(model);
        let floors = floors(program);
        let units = units(model, &program.plan, &program.working, &program.sample);
        for p in 0..n {
            if let Some((v, _)) = &expression[p] {
                offset[p] = *v;
            } else if model.parameters[p].free {
                let unit = units[p];
                let mut column = vec![(p, unit)];
                for (q, e) in expression.iter().enumerate() {
                    if let Some((_, terms)) = e {
                        column.extend(terms.iter().filter(|(r, _)| *r == p).map(|(_, w)| (q, w * unit)));
                    }
                }
                columns.push(column);
                let (lo, hi) = bounds(program, p, limits[p]);
                lower.push(lo.max(floors[p]) / unit);
                upper.push(hi / unit);
            }
        }
        Ok(Space { offset, columns, lower, upper, priors: Priors::new(model), barrier: Barrier::new(program) })
    }

    pub fn dim(&self) -> usize {
        self.columns.len()
    }

    pub fn to_working(&self, x: &[f64]) -> Vec<f64> {
        let mut out = self.offset.clone();
        for (column, v) in self.columns.iter().zip(x) {
            column.iter().for_each(|(p, w)| out[*p] += w * v);
        }
        out
    }

    /// Coordinates of working parameters (those that constraints determine are ignored).
    pub fn from_working(&self, working: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|c| working[c[0].0] / c[0].1).collect()
    }

    /// Keeps coordinate `k` between −most and most, too.
    pub fn hold(&mut self, k: usize, most: f64) {
        self.lower[k] = self.lower[k].max(-most);
        self.upper[k] = self.upper[k].min(most);
    }

    /// The unit of a coordinate.
    pub fn unit(&self, k: usize) -> f64 {
        self.columns[k][0].1
    }

    /// A gradient over the coordinates in the units of the data.
    pub fn in_data_units(&self, gradient: &[f64]) -> Vec<f64> {
        gradient.iter().enumerate().map(|(k, g)| g / self.unit(k)).collect()
    }

    /// The same of a matrix of second derivatives or of products of gradients, [coordinates × coordinates].
    pub fn matrix_in_data_units(&self, matrix: &[f64]) -> Vec<f64> {
        let m = self.dim();
        matrix.iter().enumerate().map(|(e, v)| v / (self.unit(e / m) * self.unit(e % m))).collect()
    }

    pub fn gradient(&self, working: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|c| c.iter().map(|(p, w)| w * working[*p]).sum()).collect()
    }

    /// The precision of the priors, [coordinates × coordinates].
    pub fn prior_precision(&self) -> Vec<f64> {
        let n = self.offset.len();
        let mut full = vec![0.0; n * n];
        self.priors.add_precision(&mut full, n);
        self.matrix(&full, n)
    }

    /// Nᵀ I N for a symmetric matrix over parameters.
    pub fn matrix(&self, full: &[f64], n: usize) -> Vec<f64> {
        let m = self.dim();
        let mut out = vec![0.0; m * m];
        for i in 0..m {
            for j in 0..=i {
                let mut v = 0.0;
                for (p, u) in &self.columns[i] {
                    for (q, w) in &self.columns[j] {
                        v += u * w * full[p * n + q];
                    }
                }
                out[i * m + j] = v;
                out[j * m + i] = v;
            }
        }
        out
    }
}

fn bounds(program: &Program, p: usize, limit: f64) -> (f64, f64) {
    let parameter = &program.model.parameters[p];
    let (mut lower, mut upper) = (parameter.lower, parameter.upper);
    if let Some(block) = program.working.blocks.iter().find(|b| b.parameters.contains(&p)) {
        // bounds are stated for the variance; a single variance is estimated as a standard deviation of either sign
        if block.dim > 1 || (lower <= 0.0 && upper == f64::INFINITY) {
            return (f64::NEG_INFINITY, f64::INFINITY);
        }
        lower = lower.max(0.0).sqrt();
        upper = upper.sqrt();
    }
    (lower.max(-limit), upper.min(limit))
}

/// Smallest residual variances and dispersions: at 0 the likelihood does not exist, just above it a boundary is reported.
fn floors(program: &Program) -> Vec<f64> {
    let mut out = vec![f64::NEG_INFINITY; program.model.parameters.len()];
    for o in &program.model.outcomes {
        let floor = match o.family {
            Family::Gaussian | Family::Censored { .. } => {
                RELATIVE_FLOOR * moments(&program.sample, o.column).variance()
            }
            Family::NegativeBinomial | Family::ZeroInflatedNegativeBinomial => RELATIVE_FLOOR,
            _ => continue,
        };
        o.auxiliary[0].parameters().iter().for_each(|&p| out[p] = floor);
    }
    out
}

/// ±15 on logits (±6 on probits) that are a plain intercept or threshold: P(y = 1) is then 0 or 1 in print.
fn limits(model: &Model) -> Vec<f64> {
    let mut out = vec![f64::INFINITY; model.parameters.len()];
    let mut used = vec![false; model.parameters.len()];
    let plain = |p: &Predictor| p.terms.iter().all(|t| t.latents.is_empty() && (t.covariate.is_none()));
    let mut limit = |c: &Coefficient, value: f64| c.parameters().iter().for_each(|&p| out[p] = value);
    for c in &model.classes {
        for t in c.logits.iter().filter(|p| plain(p)).flat_map(|p| &p.terms) {
            limit(&t.coefficient, LOGIT_LIMIT);
        }
    }
    for o in &model.outcomes {
        let value = match o.family {
            Family::Bernoulli { link } | Family::Ordinal { link, .. } | Family::Binomial { link } => match link {
                Link::Logit => LOGIT_LIMIT,
                Link::Probit => PROBIT_LIMIT,
            },
            Family::Nominal { .. } => LOGIT_LIMIT,
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => {
                // only the logit of an extra zero
                o.predictors[1..]
                    .iter()
                    .filter(|p| plain(p))
                    .flat_map(|p| &p.terms)
                    .for_each(|t| limit(&t.coefficient, LOGIT_LIMIT));
                continue;
            }
            _ => continue,
        };
        if o.predictors.iter().all(plain) {
            o.predictors.iter().flat_map(|p| &p.terms).for_each(|t| limit(&t.coefficient, value));
            o.auxiliary.iter().for_each(|a| limit(a, value));
        }
    }
    // a parameter that also stands in an equation with covariates or latents keeps no limit
    let not_plain = model
        .classes
        .iter()
        .flat_map(|c| &c.logits)
        .chain(model.outcomes.iter().flat_map(|o| &o.predictors))
        .filter(|p| !plain(p));
    for t in not_plain.flat_map(|p| &p.terms).chain(model.latents.iter().flat_map(|l| &l.predictor.terms)) {
        t.coefficient.parameters().iter().for_each(|&p| used[p] = true);
    }
    (0..out.len()).filter(|&p| used[p]).for_each(|p| out[p] = f64::INFINITY);
    out
}
