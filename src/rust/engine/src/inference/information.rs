//! Observed information: central differences of the exact gradient, with fixed nodes.

use rayon::prelude::*;

use crate::em::problem::Problem;
use crate::optim::Objective;

/// −∂²log L / ∂x ∂xᵀ over the coordinates not held, [n × n] with zero rows for held ones.
/// `scale`: diagonal of the complete-data information, which sets the steps. `accurate`: fourth-order differences, for
/// matrices so badly conditioned that the error of second-order ones (relative 1e-8) would hide or fake a flat direction.
pub fn observed_information(problem: &Problem, x: &[f64], held: &[bool], scale: &[f64], accurate: bool) -> Vec<f64> {
    let n = x.len();
    let columns: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|k| {
            if held[k] {
                return vec![0.0; n];
            }
            let mut h = (STEP / scale[k].max(1e-12).sqrt()).clamp(1e-7, 1e-3 * (1.0 + x[k].abs()));
            for _ in 0..20 {
                let column = if accurate { fourth_order(problem, x, k, 5.0 * h) } else { slope(problem, x, k, h) };
                if let Some(column) = column {
                    return column;
                }
                h *= 0.5; // too close to an inadmissible point
            }
            vec![f64::NAN; n]
        })
        .collect();
    let mut out = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            out[i * n + j] = 0.5 * (columns[i][j] + columns[j][i]);
        }
    }
    without(out, held)
}

/// A matrix [n × n] with zeros in the rows and columns of held coordinates.
pub fn without(mut matrix: Vec<f64>, held: &[bool]) -> Vec<f64> {
    let n = held.len();
    let outside = matrix.iter_mut().enumerate().filter(|(e, _)| held[e / n] || held[e % n]);
    outside.for_each(|(_, v)| *v = 0.0);
    matrix
}

/// Step in units of the coordinate's complete-data standard error.
const STEP: f64 = 2e-4;

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
