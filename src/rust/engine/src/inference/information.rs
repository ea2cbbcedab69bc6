//! Observed information by differences of the exact gradient with fixed nodes: as few gradients as its error allows.

use rayon::prelude::*;

use super::covariance::{identification, Identified};
use crate::em::problem::Problem;
use crate::optim::Objective;

/// Differences that approximate a column of second derivatives, with the errors of their orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// (g(x) − g(x + h)) / h: one gradient for each coordinate.
    OneSided,
    /// (g(x − h) − g(x + h)) / 2h: two gradients.
    Central,
    /// Richardson's extrapolation of two central differences: four gradients.
    Fourth,
}

/// A point with what is known there.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub x: &'a [f64],
    pub gradient: &'a [f64],
    /// Diagonal of the complete-data information, which sets the steps.
    pub scale: &'a [f64],
    /// Coordinates left out.
    pub held: &'a [bool],
}

/// The observed information and what it says.
pub struct Observed {
    /// −∂² log L / ∂x ∂xᵀ, [n × n], zero rows and columns for held coordinates.
    pub information: Vec<f64>,
    pub identified: Identified,
    pub order: Order,
    /// Gradients that were worked out.
    pub evaluations: usize,
}

/// Relative error of the inverse above which one-sided differences give way to central ones.
const INVERSE_ERROR: f64 = 1e-3;
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

/// −∂² log L / ∂x ∂xᵀ over the coordinates not held, [n × n] with zero rows and columns for held ones.
pub fn differences(problem: &Problem, at: At, order: Order) -> Vec<f64> {
    symmetric(&columns(problem, at, order).values, at.held)
}

/// Column k: −∂ gradient / ∂x_k; zeros for held coordinates, NaN where no step is admissible.
struct Columns {
    values: Vec<Vec<f64>>,
    steps: Vec<f64>,
}

fn columns(problem: &Problem, at: At, order: Order) -> Columns {
    let n = at.x.len();
    let found: Vec<(Vec<f64>, f64)> = (0..n)
        .into_par_iter()
        .map(|k| {
            if at.held[k] {
                return (vec![0.0; n], 0.0);
            }
            let size = 1.0 + at.x[k].abs();
            let error = 1.0 / at.scale[k].max(1e-12).sqrt();
            let mut h = (CENTRAL * error).clamp(1e-7, 1e-3 * size);
            if order == Order::OneSided {
                h = h.min((ONE_SIDED * error).max(ROUNDING * size));
            }
            for _ in 0..HALVINGS {
                let column = match order {
                    Order::OneSided => towards(problem, at, k, h).or_else(|| towards(problem, at, k, -h)),
                    Order::Central => slope(problem, at.x, k, h),
                    Order::Fourth => fourth_order(problem, at.x, k, 5.0 * h),
                };
                if let Some(column) = column {
                    return (column, h);
                }
                h *= 0.5; // too close to an inadmissible point
            }
            (vec![f64::NAN; n], h)
        })
        .collect();
    let (values, steps) = found.into_iter().unzip();
    Columns { values, steps }
}

fn symmetric(columns: &[Vec<f64>], held: &[bool]) -> Vec<f64> {
    let n = columns.len();
    let mean = |e: usize| 0.5 * (columns[e / n][e % n] + columns[e % n][e / n]);
    without((0..n * n).map(mean).collect(), held)
}

/// A matrix [n × n] with zeros in the rows and columns of held coordinates.
pub fn without(mut matrix: Vec<f64>, held: &[bool]) -> Vec<f64> {
    let n = held.len();
    let outside = matrix.iter_mut().enumerate().filter(|(e, _)| held[e / n] || held[e % n]);
    outside.for_each(|(_, v)| *v = 0.0);
    matrix
}

/// Steps in units of the coordinate's complete-data standard error. The truncation error of one-sided differences is
/// about the step over the root of the number of observations that bear on a coordinate; that of rounding is far below.
const ONE_SIDED: f64 = 1e-6;
const CENTRAL: f64 = 2e-4;
/// Least one-sided step, as a share of the coordinate.
const ROUNDING: f64 = 1e-9;
const HALVINGS: usize = 20;

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

/// −∂ gradient / ∂x_k by the difference from here; `None` at an inadmissible point.
fn towards(problem: &Problem, at: At, k: usize, h: f64) -> Option<Vec<f64>> {
    let mut moved = at.x.to_vec();
    moved[k] += h;
    let h = moved[k] - at.x[k];
    let there = problem.evaluate(&moved, false);
    there
        .f
        .is_finite()
        .then(|| at.gradient.iter().zip(&there.gradient).map(|(here, there)| (here - there) / h).collect())
}

/// −∂ gradient / ∂x_k by central differences; `None` at an inadmissible point.
fn slope(problem: &Problem, x: &[f64], k: usize, h: f64) -> Option<Vec<f64>> {
    let gradient = |step: f64| {
        let mut moved = x.to_vec();
        moved[k] += step;
        problem.evaluate(&moved, false)
    };
    let (up, down) = (gradient(h), gradient(-h));
    (up.f.is_finite() && down.f.is_finite())
        .then(|| up.gradient.iter().zip(&down.gradient).map(|(u, d)| (d - u) / (2.0 * h)).collect())
}

/// Richardson's extrapolation of two central differences.
fn fourth_order(problem: &Problem, x: &[f64], k: usize, h: f64) -> Option<Vec<f64>> {
    let (near, far) = (slope(problem, x, k, h)?, slope(problem, x, k, 2.0 * h)?);
    Some(near.iter().zip(&far).map(|(a, b)| (4.0 * a - b) / 3.0).collect())
}
