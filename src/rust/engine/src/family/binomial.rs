//! The binomial family: y successes in a known number of trials, each with probability F(η).

use super::link::Link;
use crate::numeric::log_factorial;
use crate::rng::Stream;

/// log of the binomial coefficient.
#[inline]
fn log_choose(trials: f64, y: f64) -> f64 {
    log_factorial(trials) - log_factorial(y) - log_factorial(trials - y)
}

/// count × value, 0 where the count is 0 even if the value is infinite.
#[inline]
fn times(count: f64, value: f64) -> f64 {
    if count == 0.0 {
        0.0
    } else {
        count * value
    }
}

/// y log F(η) + (trials − y) log(1 − F(η)).
#[inline]
fn log_kernel(link: Link, y: f64, trials: f64, eta: f64) -> f64 {
    times(y, link.log_cdf(eta)) + times(trials - y, link.log_cdf(-eta))
}

/// log P(y | trials, η), with the binomial coefficient.
#[inline]
pub fn log_density(link: Link, y: f64, trials: f64, eta: f64) -> f64 {
    log_choose(trials, y) + log_kernel(link, y, trials, eta)
}

/// Writes ∂/∂η; returns the log density.
#[inline]
pub fn score(link: Link, y: f64, trials: f64, eta: f64, out: &mut [f64]) -> f64 {
    out[0] = times(y, link.ratio(eta)) - times(trials - y, link.ratio(-eta));
    log_density(link, y, trials, eta)
}

/// −∂²/∂η².
#[inline]
pub fn observed_information(link: Link, y: f64, trials: f64, eta: f64, out: &mut [f64]) {
    out[0] = times(y, link.curvature(eta)) + times(trials - y, link.curvature(-eta));
}

/// The Fisher information about η.
#[inline]
pub fn expected_information(link: Link, trials: f64, eta: f64, out: &mut [f64]) {
    out[0] = trials * link.fisher(eta);
}

/// A draw.
pub fn sample(link: Link, trials: f64, eta: f64, rng: &mut Stream) -> f64 {
    rng.binomial(trials, link.cdf(eta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let p = 1.0 / (1.0 + (-0.3f64).exp());
        let want = (10.0 * p * p * (1.0 - p).powi(3)).ln();
        assert!((log_density(Link::Logit, 2.0, 5.0, 0.3) - want).abs() < 1e-13);
        assert_eq!(log_density(Link::Logit, 0.0, 0.0, 0.3), 0.0);
    }
}
