//! The Poisson family: η is the log mean.

use crate::numeric::log_factorial;
use crate::rng::Stream;

/// exp(η), held below infinity so that no difference of two of them is undefined.
#[inline]
pub fn exp_finite(eta: f64) -> f64 {
    eta.exp().min(f64::MAX)
}

/// log P(y | η).
#[inline]
pub fn log_density(y: f64, eta: f64) -> f64 {
    y * eta - exp_finite(eta) - log_factorial(y)
}

/// Writes ∂/∂η; returns the log density.
#[inline]
pub fn score(y: f64, eta: f64, out: &mut [f64]) -> f64 {
    out[0] = y - exp_finite(eta);
    log_density(y, eta)
}

/// −∂²/∂η² = exp(η); it does not depend on y, so it is the expected information too.
#[inline]
pub fn information(eta: f64, out: &mut [f64]) {
    out[0] = exp_finite(eta);
}

/// A draw.
pub fn sample(eta: f64, rng: &mut Stream) -> f64 {
    rng.poisson(exp_finite(eta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let want = (2.5f64.powi(3) * (-2.5f64).exp() / 6.0).ln();
        assert!((log_density(3.0, 2.5f64.ln()) - want).abs() < 1e-14);
        assert_eq!(log_density(0.0, -700.0), -(-700.0f64).exp());
    }
}
