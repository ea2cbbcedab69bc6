//! The scales of the data: what starting values spread by, and the units in which the optimiser counts parameters.
//!
//! With units, tolerances and ridges mean the same for an income in cents and in millions. They are powers of 2, so that
//! nothing is rounded on the way.

use crate::compiled::plan::Plan;
use crate::compiled::working::{entry, Working};
use crate::data::Sample;
use crate::family::Family;
use crate::spec::{Coefficient, CovarianceOf, Model, Outcome, Term};

/// Variance that a constant column counts with.
const LEAST_VARIANCE: f64 = 1e-8;
/// Share of the squared mean below which a variance is rounding error.
const ROUNDING: f64 = 1e-28;

/// Mean and variance of the observed values of a column.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    pub mean: f64,
    /// 0 for a constant.
    variance: f64,
}

/// They are asked for by every term, start and rule of integration, and worked out once.
pub fn moments(sample: &Sample, column: usize) -> Moments {
    *sample.remember(&[column], || moments_of(&sample.columns[column]))
}

fn moments_of(column: &[f64]) -> Moments {
    let seen = column.iter().filter(|v| !v.is_nan());
    let n = seen.clone().count().max(1) as f64;
    let mean = seen.clone().sum::<f64>() / n;
    let variance = seen.map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    Moments { mean, variance: if variance > ROUNDING * mean * mean { variance } else { 0.0 } }
}

impl Moments {
    /// Of an outcome: small where it is constant.
    pub fn variance(self) -> f64 {
        if self.variance > 0.0 {
            self.variance
        } else {
            LEAST_VARIANCE
        }
    }
    pub fn sd(self) -> f64 {
        self.variance().sqrt()
    }
    /// Of a covariate: 1 where it is constant.
    pub fn spread(self) -> f64 {
        if self.variance > 0.0 {
            self.variance.sqrt()
        } else {
            1.0
        }
    }
    /// Root mean square; 1 where all are 0.
    fn size(self) -> f64 {
        let square = self.variance + self.mean * self.mean;
        if square > 0.0 {
            square.sqrt()
        } else {
            1.0
        }
    }
}

/// Standard deviation of a term's covariate; 1 without one and where it is constant.
pub fn spread_of(t: &Term, sample: &Sample) -> f64 {
    t.covariate.map_or(1.0, |c| moments(sample, c).spread())
}

/// What counts as a large change of an outcome's predictor.
pub fn predictor_scale(o: &Outcome, sample: &Sample) -> f64 {
    match o.family {
        Family::Gaussian | Family::Censored { .. } => moments(sample, o.column).sd(),
        _ => 1.0,
    }
}

/// Value of a coefficient that is not estimated.
pub fn fixed_value(model: &Model, c: &Coefficient) -> Option<f64> {
    match c {
        Coefficient::Constant(v) => Some(*v),
        Coefficient::Parameter(p) if !model.parameters[*p].free => model.parameters[*p].value,
        _ => None,
    }
}

/// Standard deviation that suits a latent: that of a gaussian outcome it enters with a constant coefficient, else 1.
pub fn latent_scale(model: &Model, sample: &Sample, latent: usize) -> f64 {
    for o in model.outcomes.iter().filter(|o| matches!(o.family, Family::Gaussian | Family::Censored { .. })) {
        for t in o.predictors.iter().flat_map(|p| &p.terms).filter(|t| t.latents.contains(&latent)) {
            if fixed_value(model, &t.coefficient).is_some_and(|v| v != 0.0) {
                return moments(sample, o.column).sd() / t.covariate.map_or(1.0, |c| moments(sample, c).size());
            }
        }
    }
    1.0
}

/// The unit of every working parameter.
pub fn units(model: &Model, plan: &Plan, working: &Working, sample: &Sample) -> Vec<f64> {
    let mut out = vec![1.0; model.parameters.len()];
    let mut set = |c: &Coefficient, unit: f64| c.parameters().iter().for_each(|&p| out[p] = power_of_two(unit));
    let latents: Vec<f64> = (0..model.latents.len()).map(|l| latent_scale(model, sample, l)).collect();
    let of_term =
        |t: &Term, scale: f64| scale / spread_of(t, sample) / t.latents.iter().map(|&l| latents[l]).product::<f64>();
    for t in model.classes.iter().flat_map(|c| &c.logits).flat_map(|p| &p.terms) {
        set(&t.coefficient, of_term(t, 1.0));
    }
    for (l, scale) in model.latents.iter().zip(&latents) {
        l.predictor.terms.iter().for_each(|t| set(&t.coefficient, of_term(t, *scale)));
    }
    for (block, is_cholesky) in plan.blocks.iter().zip(&working.is_cholesky) {
        for (i, &l) in block.latents.iter().enumerate() {
            for (j, &m) in block.latents.iter().enumerate().take(i + 1) {
                let Some(c) = entry(model, block, i, j) else { continue };
                set(c, latents[l] * if *is_cholesky { 1.0 } else { latents[m] });
            }
        }
    }
    for o in &model.outcomes {
        let scale = predictor_scale(o, sample);
        o.predictors.iter().flat_map(|p| &p.terms).for_each(|t| set(&t.coefficient, of_term(t, scale)));
        if matches!(o.family, Family::Gaussian | Family::Censored { .. }) {
            set(&o.auxiliary[0], scale * scale);
        }
    }
    for c in &model.covariances {
        if let CovarianceOf::Outcomes(a, b) = c.of {
            set(&c.value, predictor_scale(&model.outcomes[a], sample) * predictor_scale(&model.outcomes[b], sample));
        }
    }
    out
}

fn power_of_two(unit: f64) -> f64 {
    if unit.is_finite() && unit > 0.0 {
        unit.log2().round().exp2()
    } else {
        1.0
    }
}
