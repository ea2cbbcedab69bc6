//! The censored normal (Tobit) family: η is the latent mean, the auxiliary parameter the residual variance; values
//! at a bound stand for all latent values beyond it.

use super::gaussian;
use crate::numeric::{inverse_mills, log_normal_cdf, normal_cdf, normal_cdf_curvature, normal_log_pdf};
use crate::rng::Stream;

/// The bounds of the recorded values; `None` where there is no censoring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

impl Bounds {
    /// For a censored y, the side (−1 lower, +1 upper) and x with P(y) = Φ(x).
    #[inline]
    fn censored(&self, y: f64, eta: f64, sd: f64) -> Option<(f64, f64)> {
        match (self.lower, self.upper) {
            (Some(lower), _) if y <= lower => Some((-1.0, (lower - eta) / sd)),
            (_, Some(upper)) if y >= upper => Some((1.0, (eta - upper) / sd)),
            _ => None,
        }
    }
}

/// log f(y | η, variance): a log density inside the bounds, a log probability at them.
#[inline]
pub fn log_density(bounds: Bounds, y: f64, eta: f64, variance: f64) -> f64 {
    match bounds.censored(y, eta, variance.sqrt()) {
        Some((_, x)) => log_normal_cdf(x),
        None => gaussian::log_density(y, eta, variance),
    }
}

/// Writes ∂/∂(η, variance); returns the log density. At a bound, with λ = φ(x)/Φ(x), they are
/// side × λ/σ and −λ x / (2σ²).
pub fn score(bounds: Bounds, y: f64, eta: f64, variance: f64, out: &mut [f64]) -> f64 {
    let sd = variance.sqrt();
    match bounds.censored(y, eta, sd) {
        Some((side, x)) => {
            let ratio = inverse_mills(x);
            out[0] = side * ratio / sd;
            out[1] = -0.5 * ratio * x / variance;
            log_normal_cdf(x)
        }
        None => gaussian::score(y, eta, variance, out),
    }
}

/// Minus the Hessian in (η, variance), row-major 2 × 2. At a bound, with h = λ (λ + x): h/σ², side × (λ − h x)/(2σ³)
/// and (h x² − 3 λ x)/(4σ⁴).
pub fn observed_information(bounds: Bounds, y: f64, eta: f64, variance: f64, out: &mut [f64]) {
    let sd = variance.sqrt();
    match bounds.censored(y, eta, sd) {
        Some((side, x)) => {
            let (ratio, curvature) = (inverse_mills(x), normal_cdf_curvature(x));
            out[0] = curvature / variance;
            out[1] = 0.5 * side * (ratio - curvature * x) / (variance * sd);
            out[2] = out[1];
            out[3] = 0.25 * x * (curvature * x - 3.0 * ratio) / (variance * variance);
        }
        None => gaussian::observed_information(y, eta, variance, out),
    }
}

/// The expected information in (η, variance): the scores' outer product at each bound times its probability, plus
/// that of the uncensored part, from the moments M_r = ∫ z^r φ(z) dz between the standardised bounds
/// (M_r = (r − 1) M_{r−2} + a^{r−1} φ(a) − b^{r−1} φ(b)).
pub fn expected_information(bounds: Bounds, eta: f64, variance: f64, out: &mut [f64]) {
    let sd = variance.sqrt();
    let (m0, m1) = inner_moments(bounds, eta, sd);
    let (mut m2, mut m3, mut m4) = (m0, 2.0 * m1, 3.0 * m0);
    let (mut mean_mean, mut mean_var, mut var_var) = (0.0, 0.0, 0.0);
    for (bound, side) in [(bounds.lower, -1.0), (bounds.upper, 1.0)] {
        let Some(bound) = bound else { continue };
        let z = (bound - eta) / sd;
        let density = normal_log_pdf(z).exp();
        let edge = -side * z * density;
        m2 += edge;
        m3 += edge * z;
        m4 += edge * (3.0 + z * z);
        // P(at the bound) × score², in units of 1/σ and 1/(2σ²); x is −side × z.
        let (x, ratio) = (-side * z, inverse_mills(-side * z));
        let mass = density * ratio;
        mean_mean += mass;
        mean_var -= side * mass * x;
        var_var += mass * x * x;
    }
    mean_mean += m2.max(0.0);
    mean_var += m3 - m1;
    var_var += (m4 - 2.0 * m2 + m0).max(0.0);
    // Rounding must not make the matrix indefinite where almost nothing is uncensored.
    let largest = (mean_mean * var_var).sqrt();
    out[0] = mean_mean / variance;
    out[1] = 0.5 * mean_var.clamp(-largest, largest) / (variance * sd);
    out[2] = out[1];
    out[3] = 0.25 * var_var / (variance * variance);
}

/// M_0 and M_1: probability and unscaled mean of the standardised uncensored part.
fn inner_moments(bounds: Bounds, eta: f64, sd: f64) -> (f64, f64) {
    let below = bounds.lower.map(|bound| (bound - eta) / sd);
    let above = bounds.upper.map(|bound| (bound - eta) / sd);
    let density = |z: Option<f64>| z.map_or(0.0, |z| normal_log_pdf(z).exp());
    let m0 = match (below, above) {
        (None, None) => 1.0,
        (Some(a), None) => normal_cdf(-a),
        (None, Some(b)) => normal_cdf(b),
        (Some(a), Some(b)) if a > 0.0 => normal_cdf(-a) - normal_cdf(-b),
        (Some(a), Some(b)) => normal_cdf(b) - normal_cdf(a),
    };
    (m0, density(below) - density(above))
}

/// A draw.
pub fn sample(bounds: Bounds, eta: f64, variance: f64, rng: &mut Stream) -> f64 {
    let y = gaussian::sample(eta, variance, rng);
    let y = bounds.lower.map_or(y, |lower| y.max(lower));
    bounds.upper.map_or(y, |upper| y.min(upper))
}

/// The mean of the recorded (censored) values.
pub fn mean(bounds: Bounds, eta: f64, variance: f64) -> f64 {
    let sd = variance.sqrt();
    let (m0, m1) = inner_moments(bounds, eta, sd);
    let below = bounds.lower.map_or(0.0, |lower| lower * normal_cdf((lower - eta) / sd));
    let above = bounds.upper.map_or(0.0, |upper| upper * normal_cdf((eta - upper) / sd));
    below + above + eta * m0 + sd * m1
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Bounds = Bounds { lower: Some(-1.0), upper: Some(2.0) };

    #[test]
    fn closed_form() {
        let at_lower = normal_cdf((-1.0 - 0.5) / 2.0).ln();
        assert!((log_density(BOTH, -1.0, 0.5, 4.0) - at_lower).abs() < 1e-14);
        let at_upper = normal_cdf((0.5 - 2.0) / 2.0).ln();
        assert!((log_density(BOTH, 2.0, 0.5, 4.0) - at_upper).abs() < 1e-14);
        assert_eq!(log_density(BOTH, 0.3, 0.5, 4.0), gaussian::log_density(0.3, 0.5, 4.0));
    }

    #[test]
    fn without_bounds_it_is_the_normal() {
        let (mut got, mut want) = ([0.0; 4], [0.0; 4]);
        expected_information(Bounds { lower: None, upper: None }, 0.3, 1.7, &mut got);
        gaussian::expected_information(1.7, &mut want);
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-15);
        }
    }
}
