//! The binary family: P(y = 1) = F(η).

use super::link::Link;
use crate::rng::Stream;

/// +1 for y = 1 and −1 for y = 0, so that P(y) = F(sign × η).
#[inline]
fn sign(y: f64) -> f64 {
    2.0 * y - 1.0
}

/// log P(y | η).
#[inline]
pub fn log_density(link: Link, y: f64, eta: f64) -> f64 {
    link.log_cdf(sign(y) * eta)
}

/// Writes ∂/∂η; returns the log density.
#[inline]
pub fn score(link: Link, y: f64, eta: f64, out: &mut [f64]) -> f64 {
    let s = sign(y);
    out[0] = s * link.ratio(s * eta);
    link.log_cdf(s * eta)
}

/// −∂²/∂η².
#[inline]
pub fn observed_information(link: Link, y: f64, eta: f64, out: &mut [f64]) {
    out[0] = link.curvature(sign(y) * eta);
}

/// The Fisher information about η.
#[inline]
pub fn expected_information(link: Link, eta: f64, out: &mut [f64]) {
    out[0] = link.fisher(eta);
}

/// A draw, 0 or 1.
pub fn sample(link: Link, eta: f64, rng: &mut Stream) -> f64 {
    f64::from(u8::from(rng.uniform() < link.cdf(eta)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let p = 1.0 / (1.0 + (-0.8f64).exp());
        assert!((log_density(Link::Logit, 1.0, 0.8) - p.ln()).abs() < 1e-15);
        assert!((log_density(Link::Logit, 0.0, 0.8) - (1.0 - p).ln()).abs() < 1e-15);
        let mut out = [0.0];
        score(Link::Logit, 1.0, 0.8, &mut out);
        assert!((out[0] - (1.0 - p)).abs() < 1e-15);
        expected_information(Link::Logit, 0.8, &mut out);
        assert!((out[0] - p * (1.0 - p)).abs() < 1e-15);
        // Reference: R 4.2.2, pnorm(-1.96, log.p = TRUE)
        assert!((log_density(Link::Probit, 0.0, 1.96) + 3.688_963_651_729_638_5).abs() < 1e-14);
    }
}
