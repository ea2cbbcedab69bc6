//! Second derivatives by differences of exact gradients.

use rayon::prelude::*;

use super::Objective;

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
    /// Diagonal of the scaling, which sets the steps.
    pub scale: &'a [f64],
    /// Coordinates left out.
    pub held: &'a [bool],
}

/// Steps in units of one over the root of the coordinate's scaling (its standard error if the data were complete). The
/// truncation error of one-sided differences is about the step over the root of the number of observations that bear on
/// a coordinate; that of rounding is far below.
const ONE_SIDED: f64 = 1e-6;
const CENTRAL: f64 = 2e-4;
/// Least one-sided step, as a share of the coordinate.
const ROUNDING: f64 = 1e-9;
const HALVINGS: usize = 20;

/// Minus the second derivatives over the coordinates not held, [n × n] with zero rows and columns for held ones.
pub fn differences(objective: &dyn Objective, at: At, order: Order) -> Vec<f64> {
    symmetric(&columns(objective, at, order).values, at.held)
}

/// Column k: minus the derivative of the gradient by x_k; zeros for held coordinates, NaN where no step is admissible.
pub struct Columns {
    pub values: Vec<Vec<f64>>,
    pub steps: Vec<f64>,
}

pub fn columns(objective: &dyn Objective, at: At, order: Order) -> Columns {
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
                    Order::OneSided => towards(objective, at, k, h).or_else(|| towards(objective, at, k, -h)),
                    Order::Central => slope(objective, at.x, k, h),
                    Order::Fourth => fourth_order(objective, at.x, k, 5.0 * h),
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

pub fn symmetric(columns: &[Vec<f64>], held: &[bool]) -> Vec<f64> {
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

/// Minus the derivative of the gradient by x_k: the difference from here; `None` at an inadmissible point.
fn towards(objective: &dyn Objective, at: At, k: usize, h: f64) -> Option<Vec<f64>> {
    let mut moved = at.x.to_vec();
    moved[k] += h;
    let h = moved[k] - at.x[k];
    let there = objective.evaluate(&moved, false);
    there
        .f
        .is_finite()
        .then(|| at.gradient.iter().zip(&there.gradient).map(|(here, there)| (here - there) / h).collect())
}

/// Minus the derivative of the gradient by x_k, by central differences; `None` at an inadmissible point.
fn slope(objective: &dyn Objective, x: &[f64], k: usize, h: f64) -> Option<Vec<f64>> {
    let gradient = |step: f64| {
        let mut moved = x.to_vec();
        moved[k] += step;
        objective.evaluate(&moved, false)
    };
    let (up, down) = (gradient(h), gradient(-h));
    (up.f.is_finite() && down.f.is_finite())
        .then(|| up.gradient.iter().zip(&down.gradient).map(|(u, d)| (d - u) / (2.0 * h)).collect())
}

/// Richardson's extrapolation of two central differences.
fn fourth_order(objective: &dyn Objective, x: &[f64], k: usize, h: f64) -> Option<Vec<f64>> {
    let (near, far) = (slope(objective, x, k, h)?, slope(objective, x, k, 2.0 * h)?);
    Some(near.iter().zip(&far).map(|(a, b)| (4.0 * a - b) / 3.0).collect())
}
