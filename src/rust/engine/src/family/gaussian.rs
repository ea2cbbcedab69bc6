//! The normal family: predictor is the mean, the auxiliary parameter the residual variance.

use crate::numeric::LOG_SQRT_2_PI;
use crate::rng::Stream;

/// log N(y; eta, variance).
#[inline]
pub fn log_density(y: f64, eta: f64, variance: f64) -> f64 {
    let r = y - eta;
    -LOG_SQRT_2_PI - 0.5 * (variance.ln() + r * r / variance)
}

/// Writes ∂/∂(mean, variance); returns the log density.
#[inline]
pub fn score(y: f64, eta: f64, variance: f64, out: &mut [f64]) -> f64 {
    let r = y - eta;
    out[0] = r / variance;
    out[1] = 0.5 * (r * r / variance - 1.0) / variance;
    log_density(y, eta, variance)
}

/// Minus the Hessian in (mean, variance), row-major 2 × 2.
#[inline]
pub fn observed_information(y: f64, eta: f64, variance: f64, out: &mut [f64]) {
    let r = y - eta;
    out[0] = 1.0 / variance;
    out[1] = r / (variance * variance);
    out[2] = out[1];
    out[3] = (r * r / variance - 0.5) / (variance * variance);
}

/// The expected information in (mean, variance), diagonal.
#[inline]
pub fn expected_information(variance: f64, out: &mut [f64]) {
    out[0] = 1.0 / variance;
    out[1] = 0.0;
    out[2] = 0.0;
    out[3] = 0.5 / (variance * variance);
}

/// A draw.
pub fn sample(eta: f64, variance: f64, rng: &mut Stream) -> f64 {
    eta + variance.sqrt() * rng.normal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let want = -0.5 * (2.0 * std::f64::consts::PI * 4.0f64).ln() - 0.5 * 9.0 / 4.0;
        assert!((log_density(5.0, 2.0, 4.0) - want).abs() < 1e-14);
        let mut out = [0.0; 2];
        score(5.0, 2.0, 4.0, &mut out);
        assert_eq!(out, [0.75, 0.5 * (2.25 - 1.0) / 4.0]);
    }
}
