//! Maximisation of a smooth function with exact gradients; knows no statistics.

use std::sync::Arc;

pub mod differences;
pub mod lbfgs;
pub mod maximise;
pub mod scaled_step;

/// Value, gradient and (if asked for) a positive semi-definite scaling matrix at a point.
#[derive(Clone, Debug)]
pub struct Value {
    /// -inf where the point is not admissible.
    pub f: f64,
    pub gradient: Vec<f64>,
    /// [n × n]
    pub scaling: Option<Vec<f64>>,
    /// What `Objective::surrogate` needs to know of the point.
    pub touching: Option<Arc<Touching>>,
}

impl Value {
    /// The diagonal of the scaling; ones without it.
    pub fn scale(&self) -> Vec<f64> {
        let n = self.gradient.len();
        self.scaling.as_ref().map_or(vec![1.0; n], |s| (0..n).map(|i| s[i * n + i]).collect())
    }
}

/// Where a surrogate touches the function.
#[derive(Clone, Debug)]
pub struct Touching {
    pub weights: Vec<Vec<f64>>,
    /// The surrogate there.
    pub f: f64,
}

/// A function to be maximised over a box.
pub trait Objective: Sync {
    fn evaluate(&self, x: &[f64], want_scaling: bool) -> Value;
    /// At `x`, a function that touches this one where `weights` come from, lies below it (up to a constant), and costs
    /// much less. Its gradient and scaling come if asked for.
    fn surrogate(&self, _weights: &[Vec<f64>], _x: &[f64], _want_scaling: bool) -> Option<Value> {
        None
    }
    /// A guess at minus the second derivatives near a maximum that is better than the scaling and costs a few evaluations.
    fn curvature(&self, _x: &[f64]) -> Option<Vec<f64>> {
        None
    }
    /// Bounds of each coordinate (±inf where there are none).
    fn lower(&self) -> &[f64];
    fn upper(&self) -> &[f64];
    /// Called once per iteration; true asks to stop.
    fn cancelled(&self, iteration: usize, best: f64) -> bool;
}

/// Coordinates at a bound whose gradient points outwards.
pub fn active_set(objective: &dyn Objective, x: &[f64], gradient: &[f64]) -> Vec<bool> {
    let (lower, upper) = (objective.lower(), objective.upper());
    (0..x.len()).map(|i| (x[i] >= upper[i] && gradient[i] > 0.0) || (x[i] <= lower[i] && gradient[i] < 0.0)).collect()
}

pub fn project(objective: &dyn Objective, x: &mut [f64]) {
    for (i, v) in x.iter_mut().enumerate() {
        *v = v.clamp(objective.lower()[i], objective.upper()[i]);
    }
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
