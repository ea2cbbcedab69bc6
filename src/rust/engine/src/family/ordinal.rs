//! The cumulative family for ordered categories: P(y ≤ k) = F(τ_k − η), thresholds τ_1 < … < τ_{K−1}.

use super::link::{Interval, Link};
use crate::rng::Stream;

/// The limits of category `y` (1..K) on the latent scale, τ_{y−1} − η and τ_y − η.
#[inline]
fn limits(y: usize, eta: f64, thresholds: &[f64]) -> (f64, f64) {
    let lower = if y == 1 { f64::NEG_INFINITY } else { thresholds[y - 2] - eta };
    let upper = if y > thresholds.len() { f64::INFINITY } else { thresholds[y - 1] - eta };
    (lower, upper)
}

#[inline]
fn interval(link: Link, y: usize, eta: f64, thresholds: &[f64]) -> Interval {
    let (lower, upper) = limits(y, eta, thresholds);
    link.interval(lower, upper)
}

/// log P(y | η, thresholds).
#[inline]
pub fn log_density(link: Link, y: f64, eta: f64, thresholds: &[f64]) -> f64 {
    let (lower, upper) = limits(y as usize, eta, thresholds);
    link.log_interval(lower, upper)
}

/// Writes ∂/∂(η, thresholds), `thresholds.len() + 1` numbers; returns the log density.
#[inline]
pub fn score(link: Link, y: f64, eta: f64, thresholds: &[f64], out: &mut [f64]) -> f64 {
    let y = y as usize;
    let i = interval(link, y, eta, thresholds);
    out.fill(0.0);
    out[0] = -i.shift;
    if y > 1 {
        out[y - 1] = i.lower;
    }
    if y <= thresholds.len() {
        out[y] = i.upper;
    }
    i.log_prob
}

/// Minus the Hessian in (η, thresholds), row-major.
pub fn observed_information(link: Link, y: f64, eta: f64, thresholds: &[f64], out: &mut [f64]) {
    let y = y as usize;
    let m = thresholds.len() + 1;
    let i = interval(link, y, eta, thresholds);
    out.fill(0.0);
    out[0] = -(i.lower_shift + i.upper_shift);
    let (lower, upper) = (y - 1, y);
    if y > 1 {
        out[lower] = i.lower_shift;
        out[lower * m] = i.lower_shift;
        out[lower * m + lower] = i.cross - i.lower_shift;
    }
    if y < m {
        out[upper] = i.upper_shift;
        out[upper * m] = i.upper_shift;
        out[upper * m + upper] = i.cross - i.upper_shift;
    }
    if y > 1 && y < m {
        out[lower * m + upper] = -i.cross;
        out[upper * m + lower] = -i.cross;
    }
}

/// The expected information in (η, thresholds): Σ_k P_k s_k s_kᵀ over the categories, each with a score of at most
/// three entries.
pub fn expected_information(link: Link, eta: f64, thresholds: &[f64], out: &mut [f64]) {
    let m = thresholds.len() + 1;
    out.fill(0.0);
    for y in 1..=m {
        let i = interval(link, y, eta, thresholds);
        let prob = i.log_prob.exp();
        if prob == 0.0 {
            continue;
        }
        let entries = [
            (0, -i.shift),
            (y - 1, if y > 1 { i.lower } else { 0.0 }),
            (if y < m { y } else { 0 }, if y < m { i.upper } else { 0.0 }),
        ];
        for (row, a) in entries {
            for (column, b) in entries {
                out[row * m + column] += prob * a * b;
            }
        }
    }
}

/// A draw: the category in which a latent η + error falls.
pub fn sample(link: Link, eta: f64, thresholds: &[f64], rng: &mut Stream) -> f64 {
    let latent = eta + link.sample_error(rng);
    1.0 + thresholds.iter().filter(|&&t| latent > t).count() as f64
}

/// The mean category number, 1 + Σ_k P(y > k).
pub fn mean(link: Link, eta: f64, thresholds: &[f64]) -> f64 {
    1.0 + thresholds.iter().map(|t| link.cdf(eta - t)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let thresholds = [-0.5, 1.0];
        for link in [Link::Logit, Link::Probit] {
            let middle = link.cdf(1.0 - 0.3) - link.cdf(-0.5 - 0.3);
            let got = log_density(link, 2.0, 0.3, &thresholds);
            assert!((got - middle.ln()).abs() < 1e-14);
            assert_eq!(log_density(link, 1.0, 0.3, &thresholds), link.log_cdf(-0.8));
            assert_eq!(log_density(link, 3.0, 0.3, &thresholds), link.log_cdf(-0.7));
        }
    }

    #[test]
    fn two_categories_are_a_binary_outcome() {
        let (mut ordinal, mut binary) = ([0.0; 2], [0.0]);
        for link in [Link::Logit, Link::Probit] {
            let a = score(link, 2.0, 0.4, &[0.7], &mut ordinal);
            let b = super::super::bernoulli::score(link, 1.0, 0.4 - 0.7, &mut binary);
            assert!((a - b).abs() < 1e-14);
            assert!((ordinal[0] - binary[0]).abs() < 1e-14);
            assert!((ordinal[1] + binary[0]).abs() < 1e-14);
        }
    }
}
