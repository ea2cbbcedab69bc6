//! The specification as it arrives from R (format: inst/spec-format.md) and its checked, index-based form.

mod check;
mod raw;

pub use raw::{parse, RawSpec};

use crate::family::Family;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Within,
    Between,
}

/// A coefficient: a constant, one parameter, or one parameter per pattern of class variables
/// (the first class variable varies fastest). Indices point into `Model::classes` and `Model::parameters`.
#[derive(Clone, Debug, PartialEq)]
pub enum Coefficient {
    Constant(f64),
    Parameter(usize),
    ByClass { classes: Vec<usize>, strides: Vec<usize>, parameters: Vec<usize> },
}

impl Coefficient {
    /// The parameter that applies where class variable k is in state `state[k]`.
    #[inline]
    pub fn parameter(&self, state: &[usize]) -> Option<usize> {
        match self {
            Coefficient::Constant(_) => None,
            Coefficient::Parameter(p) => Some(*p),
            Coefficient::ByClass { classes, strides, parameters } => {
                let mut cell = 0;
                for (c, s) in classes.iter().zip(strides) {
                    cell += state[*c] * s;
                }
                Some(parameters[cell])
            }
        }
    }
    /// Its value where class variable k is in state `state[k]`.
    #[inline]
    pub fn value(&self, state: &[usize], parameters: &[f64]) -> f64 {
        match self {
            Coefficient::Constant(v) => *v,
            _ => parameters[self.parameter(state).unwrap_or(0)],
        }
    }
    pub fn classes(&self) -> &[usize] {
        match self {
            Coefficient::ByClass { classes, .. } => classes,
            _ => &[],
        }
    }
    pub fn parameters(&self) -> &[usize] {
        match self {
            Coefficient::Constant(_) => &[],
            Coefficient::Parameter(p) => std::slice::from_ref(p),
            Coefficient::ByClass { parameters, .. } => parameters,
        }
    }
    pub fn is_zero(&self) -> bool {
        matches!(self, Coefficient::Constant(v) if *v == 0.0)
    }
}

/// coefficient × (covariate or 1) × product of latent variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub coefficient: Coefficient,
    /// Column index.
    pub covariate: Option<usize>,
    /// Indices into `Model::latents`, at most two.
    pub latents: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Predictor {
    pub terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClassVariable {
    pub name: String,
    pub level: Level,
    pub n_classes: usize,
    /// One predictor per class but the last, the reference.
    pub logits: Vec<Predictor>,
    /// Column with the known class (1..n_classes, NaN unknown).
    pub known: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Latent {
    pub name: String,
    pub level: Level,
    pub predictor: Predictor,
    pub variance: Coefficient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CovarianceOf {
    Latents(usize, usize),
    Outcomes(usize, usize),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    pub of: CovarianceOf,
    pub value: Coefficient,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub name: String,
    pub column: usize,
    /// Column with the number of trials (binomial family only).
    pub trials: Option<usize>,
    pub level: Level,
    pub family: Family,
    pub predictors: Vec<Predictor>,
    pub auxiliary: Vec<Coefficient>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub free: bool,
    pub value: Option<f64>,
    pub start: Option<f64>,
    pub lower: f64,
    pub upper: f64,
    /// Only on free parameters.
    pub prior: Option<Prior>,
}

/// A normal prior on a parameter's natural scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    pub mean: f64,
    pub sd: f64,
}

/// Σ weight × parameter = value.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    pub weights: Vec<(usize, f64)>,
    pub value: f64,
}

/// A checked specification: every name is an index, every index is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub classes: Vec<ClassVariable>,
    pub latents: Vec<Latent>,
    pub covariances: Vec<Covariance>,
    pub outcomes: Vec<Outcome>,
    pub parameters: Vec<Parameter>,
    pub constraints: Vec<Constraint>,
    pub column_names: Vec<String>,
}

impl Model {
    pub fn classes_of(&self, level: Level) -> Vec<usize> {
        (0..self.classes.len()).filter(|&c| self.classes[c].level == level).collect()
    }
    /// Number of cells of the given class variables.
    pub fn n_cells(&self, classes: &[usize]) -> usize {
        classes.iter().map(|&c| self.classes[c].n_classes).product()
    }
    /// Writes the states of cell `cell` (first variable fastest) into `state`.
    pub fn set_states(&self, classes: &[usize], mut cell: usize, state: &mut [usize]) {
        for &c in classes {
            let k = self.classes[c].n_classes;
            state[c] = cell % k;
            cell /= k;
        }
    }
}
