//! The multinomial logit family for unordered categories: K − 1 logits against the last category.

use crate::rng::Stream;

/// log Σ_k exp(η_k) over all K categories, the last with η = 0.
#[inline]
fn log_normaliser(eta: &[f64]) -> f64 {
    let max = eta.iter().copied().fold(0.0, f64::max);
    let sum: f64 = eta.iter().map(|e| (e - max).exp()).sum();
    max + (sum + (-max).exp()).ln()
}

/// log P(y | η) for y in 1..K.
#[inline]
pub fn log_density(y: f64, eta: &[f64]) -> f64 {
    let own = eta.get(y as usize - 1).copied().unwrap_or(0.0);
    own - log_normaliser(eta)
}

/// Writes ∂/∂η, K − 1 numbers; returns the log density.
#[inline]
pub fn score(y: f64, eta: &[f64], out: &mut [f64]) -> f64 {
    let total = log_normaliser(eta);
    for (out, e) in out.iter_mut().zip(eta) {
        *out = -(e - total).exp();
    }
    match eta.get(y as usize - 1) {
        Some(own) => {
            out[y as usize - 1] += 1.0;
            own - total
        }
        None => -total,
    }
}

/// Minus the Hessian, diag(p) − p pᵀ, row-major; it does not depend on y, so it is the expected information too.
pub fn information(eta: &[f64], out: &mut [f64]) {
    let m = eta.len();
    let total = log_normaliser(eta);
    for (row, e) in eta.iter().enumerate() {
        let p = (e - total).exp();
        for (column, other) in eta.iter().enumerate() {
            let q = (other - total).exp();
            // 1 − p would cancel where p is close to one: it is the sum of the other probabilities.
            out[row * m + column] = if row == column { p * complement(row, eta, total) } else { -p * q };
        }
    }
}

/// The probability of all categories but `category`.
#[inline]
fn complement(category: usize, eta: &[f64], total: f64) -> f64 {
    let mut sum = (-total).exp();
    for (k, e) in eta.iter().enumerate() {
        if k != category {
            sum += (e - total).exp();
        }
    }
    sum
}

/// A draw from 1..K.
pub fn sample(eta: &[f64], rng: &mut Stream) -> f64 {
    let total = log_normaliser(eta);
    let mut left = rng.uniform();
    for (k, e) in eta.iter().enumerate() {
        left -= (e - total).exp();
        if left < 0.0 {
            return (k + 1) as f64;
        }
    }
    (eta.len() + 1) as f64
}

/// The mean category number.
pub fn mean(eta: &[f64]) -> f64 {
    let total = log_normaliser(eta);
    let first: f64 = eta.iter().enumerate().map(|(k, e)| (k + 1) as f64 * (e - total).exp()).sum();
    first + (eta.len() + 1) as f64 * (-total).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let eta = [0.2, -1.0];
        let sum = 0.2f64.exp() + (-1.0f64).exp() + 1.0;
        assert!((log_density(1.0, &eta) - (0.2f64.exp() / sum).ln()).abs() < 1e-15);
        assert!((log_density(3.0, &eta) + sum.ln()).abs() < 1e-15);
    }

    #[test]
    fn two_categories_are_a_binary_logit() {
        let (mut out, mut want) = ([0.0], [0.0]);
        score(2.0, &[0.9], &mut out);
        super::super::bernoulli::score(super::super::Link::Logit, 0.0, 0.9, &mut want);
        assert!((out[0] - want[0]).abs() < 1e-15);
    }
}
