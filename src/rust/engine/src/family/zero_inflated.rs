//! Zero-inflated counts: with probability expit(ζ) an extra zero, otherwise a Poisson or negative binomial count.

use super::{negative_binomial, poisson};
use crate::numeric::{expit, log1p_exp, log_add_exp};
use crate::rng::Stream;

// With π = expit(ζ), l₀ = log P(count = 0) and w = expit(ζ − l₀), the posterior probability that a zero is extra:
//   y = 0:  log f = log(e^ζ + e^{l₀}) − log(1 + e^ζ),  ∂/∂ζ = w − π,  ∂/∂θ = (1 − w) s₀
//   y > 0:  log f = log count(y)     − log(1 + e^ζ),  ∂/∂ζ = −π,     ∂/∂θ = s
// where s₀, s are the scores of the count family in its own parameters θ.

/// The count family that is inflated, with its dispersion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Count {
    Poisson,
    NegativeBinomial { alpha: f64 },
}

impl Count {
    /// Number of its parameters: η, and α if there is one.
    #[inline]
    fn len(self) -> usize {
        match self {
            Count::Poisson => 1,
            Count::NegativeBinomial { .. } => 2,
        }
    }

    #[inline]
    fn log_density(self, y: f64, eta: f64) -> f64 {
        match self {
            Count::Poisson => poisson::log_density(y, eta),
            Count::NegativeBinomial { alpha } => negative_binomial::log_density(y, eta, alpha),
        }
    }

    #[inline]
    fn score(self, y: f64, eta: f64) -> (f64, [f64; 2]) {
        let mut out = [0.0; 2];
        let value = match self {
            Count::Poisson => poisson::score(y, eta, &mut out),
            Count::NegativeBinomial { alpha } => negative_binomial::score(y, eta, alpha, &mut out),
        };
        (value, out)
    }

    #[inline]
    fn observed_information(self, y: f64, eta: f64) -> [f64; 4] {
        let mut out = [0.0; 4];
        match self {
            Count::Poisson => poisson::information(eta, &mut out),
            Count::NegativeBinomial { alpha } => {
                negative_binomial::observed_information(y, eta, alpha, &mut out);
            }
        }
        out
    }
}

/// Where the count family's parameters (η, α) stand among (η, ζ, α).
const PLACE: [usize; 2] = [0, 2];

/// log P(y | η, ζ, α).
#[inline]
pub fn log_density(count: Count, y: f64, eta: f64, zeta: f64) -> f64 {
    let log_count = count.log_density(y, eta);
    if y == 0.0 {
        log_add_exp(zeta, log_count) - log1p_exp(zeta)
    } else {
        log_count - log1p_exp(zeta)
    }
}

/// Writes ∂/∂(η, ζ, α); returns the log density.
pub fn score(count: Count, y: f64, eta: f64, zeta: f64, out: &mut [f64]) -> f64 {
    let (log_count, s) = count.score(y, eta);
    let is_zero = y == 0.0;
    // The posterior probability that this is an extra zero, and its complement.
    let extra = if is_zero { expit(zeta - log_count) } else { 0.0 };
    let ordinary = if is_zero { expit(log_count - zeta) } else { 1.0 };
    out[1] = extra - expit(zeta);
    for k in 0..count.len() {
        out[PLACE[k]] = if ordinary == 0.0 { 0.0 } else { ordinary * s[k] };
    }
    if is_zero {
        log_add_exp(zeta, log_count) - log1p_exp(zeta)
    } else {
        log_count - log1p_exp(zeta)
    }
}

/// Minus the Hessian in (η, ζ, α), row-major.
pub fn observed_information(count: Count, y: f64, eta: f64, zeta: f64, out: &mut [f64]) {
    let n = count.len();
    let m = n + 1;
    let info = count.observed_information(y, eta);
    let prior = expit(zeta) * expit(-zeta);
    out.fill(0.0);
    if y > 0.0 {
        out[m + 1] = prior;
        for row in 0..n {
            for column in 0..n {
                out[PLACE[row] * m + PLACE[column]] = info[row * n + column];
            }
        }
        return;
    }
    let (log_count, s) = count.score(y, eta);
    let ordinary = expit(log_count - zeta);
    let spread = ordinary * expit(zeta - log_count);
    out[m + 1] = prior - spread;
    if ordinary == 0.0 {
        return;
    }
    for row in 0..n {
        out[m + PLACE[row]] = spread * s[row];
        out[PLACE[row] * m + 1] = spread * s[row];
        for column in 0..n {
            out[PLACE[row] * m + PLACE[column]] = ordinary * info[row * n + column] - spread * s[row] * s[column];
        }
    }
}

/// Poisson: the expected information in (η, ζ). With f₀ = exp(l₀), its entries are (1 − π)(μ − w f₀ μ²),
/// π w (1 − π)(1 − f₀) and, between them, −(1 − π) f₀ w μ.
///
/// Negative binomial: the information of the complete data, had the extra zeros been marked: (1 − π) times the
/// count family's (see there) for (η, α) and π (1 − π) for ζ. It is positive semi-definite and never below the
/// expected information but for the count family's own approximation, so steps taken with it are cautious.
pub fn expected_information(count: Count, eta: f64, zeta: f64, out: &mut [f64]) {
    let (extra, ordinary) = (expit(zeta), expit(-zeta));
    match count {
        Count::Poisson => {
            let mean = poisson::exp_finite(eta);
            let posterior = expit(zeta + mean);
            // w f₀ μ, which is below 1/e however large μ is.
            let overlap = posterior * (eta - mean).exp();
            out[0] = ordinary * mean * (1.0 - overlap);
            out[1] = -ordinary * overlap;
            out[2] = out[1];
            out[3] = extra * posterior * ordinary * -(-mean).exp_m1();
        }
        Count::NegativeBinomial { alpha } => {
            let mut info = [0.0; 4];
            negative_binomial::expected_information(eta, alpha, &mut info);
            out.fill(0.0);
            out[0] = ordinary * info[0];
            out[4] = extra * ordinary;
            out[8] = ordinary * info[3];
        }
    }
}

/// A draw.
pub fn sample(count: Count, eta: f64, zeta: f64, rng: &mut Stream) -> f64 {
    if rng.uniform() < expit(zeta) {
        return 0.0;
    }
    match count {
        Count::Poisson => poisson::sample(eta, rng),
        Count::NegativeBinomial { alpha } => negative_binomial::sample(eta, alpha, rng),
    }
}

/// The mean (1 − π) μ.
pub fn mean(eta: f64, zeta: f64) -> f64 {
    expit(-zeta) * poisson::exp_finite(eta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_form() {
        let (mean, extra) = (2.0f64, 0.25f64);
        let zeta = (extra / (1.0 - extra)).ln();
        let zero = (extra + (1.0 - extra) * (-mean).exp()).ln();
        assert!((log_density(Count::Poisson, 0.0, mean.ln(), zeta) - zero).abs() < 1e-14);
        let three = ((1.0 - extra) * 8.0 * (-mean).exp() / 6.0).ln();
        assert!((log_density(Count::Poisson, 3.0, mean.ln(), zeta) - three).abs() < 1e-14);
    }

    #[test]
    fn without_extra_zeros_it_is_the_count_family() {
        for count in [Count::Poisson, Count::NegativeBinomial { alpha: 0.7 }] {
            for y in [0.0, 1.0, 6.0] {
                let got = log_density(count, y, 0.4, -700.0);
                assert!((got - count.log_density(y, 0.4)).abs() < 1e-14);
            }
        }
    }
}
