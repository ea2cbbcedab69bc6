//! Observed information by differences of the exact gradient with fixed nodes: as few gradients as its error allows.

use super::covariance::{identification, Identified};
use crate::em::problem::Problem;
use crate::optim::differences::{columns, differences, symmetric, At, Columns, Order};
use crate::optim::Objective;

/// The observed information and what it says.
pub struct Observed {
    /// −∂² log L / ∂x ∂xᵀ, [n × n], zero rows and columns for held coordinates.
    pub information: Vec<f64>,
    pub identified: Identified,
    pub order: Order,
    /// Gradients that were worked out.
    pub evaluations: usize,
}

/// Relative error of the inverse (at most, in the weakest direction; a Frobenius norm overstates it) above which one-sided
/// differences give way to central ones: standard errors are then right to a thousandth.
const INVERSE_ERROR: f64 = 2e-3;
/// Relative eigenvalue below which the error of central differences (relative 1e-8) would hide or fake a flat direction.
pub const DOUBTFUL: f64 = 1e-6;

/// Differences of the lowest order whose error does not matter.
pub fn observed_information(problem: &Problem, at: At) -> Observed {
    let n = at.x.len();
    let free = at.held.iter().filter(|h| !**h).count();
    let identify = |information: &[f64]| identification(information, n, at.held, at.scale);
    let (information, error) = one_sided(problem, at);
    let identified = identify(&information);
    let mut evaluations = free + 1;
    if error < INVERSE_ERROR * identified.smallest {
        return Observed { information, identified, order: Order::OneSided, evaluations };
    }
    let surely_doubtful = identified.smallest + error < DOUBTFUL;
    if !surely_doubtful {
        let information = differences(problem, at, Order::Central);
        let identified = identify(&information);
        evaluations += 2 * free;
        if identified.smallest >= DOUBTFUL {
            return Observed { information, identified, order: Order::Central, evaluations };
        }
    }
    let information = differences(problem, at, Order::Fourth);
    let identified = identify(&information);
    Observed { information, identified, order: Order::Fourth, evaluations: evaluations + 4 * free }
}

/// The matrix by one-sided differences and an estimate of the Frobenius norm of its error E, both scaled to unit
/// diagonal.
///
/// The error of column k is (h_k / 2) ∂³ log L / ∂x_k² ∂x, so that E is not symmetric: half the difference from its
/// transpose is one estimate, blind to the diagonal. The other is a step backwards in all coordinates at once, with
/// steps v whose signs alternate: g(x − v) − g(x) ought to be I v, and |E v| is |E|_F |v| / √n on average over signs.
fn one_sided(problem: &Problem, at: At) -> (Vec<f64>, f64) {
    let n = at.x.len();
    let Columns { values, steps } = columns(problem, at, Order::OneSided);
    let matrix = symmetric(&values, at.held);
    let root: Vec<f64> = (0..n).map(|k| matrix[k * n + k].abs().sqrt()).collect();
    let free: Vec<usize> = (0..n).filter(|&k| !at.held[k] && root[k] > 0.0).collect();
    let mut skew = 0.0;
    for &i in &free {
        for &j in &free {
            let off = 0.5 * (values[i][j] - matrix[i * n + j]) / (root[i] * root[j]);
            skew += off * off;
        }
    }
    let mut v = vec![0.0; n];
    for (place, &k) in free.iter().enumerate() {
        v[k] = if place % 2 == 0 { steps[k] } else { -steps[k] } / (free.len() as f64).sqrt();
    }
    let back: Vec<f64> = at.x.iter().zip(&v).map(|(x, v)| x - v).collect();
    let there = problem.evaluate(&back, false);
    if !there.f.is_finite() {
        return (matrix, f64::NAN);
    }
    let (mut missed, mut length) = (0.0, 0.0);
    for &i in &free {
        let expected: f64 = free.iter().map(|&j| matrix[i * n + j] * v[j]).sum();
        let off = (there.gradient[i] - at.gradient[i] - expected) / root[i];
        missed += off * off;
        length += (v[i] * root[i]).powi(2);
    }
    let along = (missed / length.max(f64::MIN_POSITIVE)).sqrt() * (free.len() as f64).sqrt();
    (matrix, along.max(skew.sqrt()))
}
