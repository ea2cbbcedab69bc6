//! Scalar special functions, accurate in both tails: logs of sums, logistic, normal and gamma functions.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2};
use std::sync::LazyLock;

/// log(√(2π)).
pub const LOG_SQRT_2_PI: f64 = 0.918_938_533_204_672_8;

/// Below this, the normal tail uses its asymptotic series, whose first neglected term is under 1e-15.
const FAR_TAIL: f64 = -30.0;

/// log Σ exp(x_i). An empty slice, or one with only −∞, gives −∞.
#[inline]
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !max.is_finite() {
        return max;
    }
    let sum: f64 = x.iter().map(|&v| (v - max).exp()).sum();
    max + sum.ln()
}

/// log(exp(a) + exp(b)).
#[inline]
pub fn log_add_exp(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high.is_infinite() {
        return high;
    }
    high + (low - high).exp().ln_1p()
}

/// log(1 + exp(x)), without overflow.
#[inline]
pub fn log1p_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// log(1 − exp(x)) for x ≤ 0; −∞ at 0 (Mächler 2012, "Accurately computing log(1 − exp(−|a|))").
#[inline]
pub fn log1m_exp(x: f64) -> f64 {
    if x > -LN_2 {
        (-x.exp_m1()).ln()
    } else {
        (-x.exp()).ln_1p()
    }
}

/// The logistic distribution function 1 / (1 + exp(−x)).
#[inline]
pub fn expit(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// log of the logistic distribution function.
#[inline]
pub fn log_expit(x: f64) -> f64 {
    -log1p_exp(-x)
}

/// The standard normal distribution function Φ(x), with full relative accuracy in the lower tail.
#[inline]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// log φ(x), the standard normal log density.
#[inline]
pub fn normal_log_pdf(x: f64) -> f64 {
    -0.5 * x * x - LOG_SQRT_2_PI
}

/// log Φ(x). Below −30: log φ(x) − log(−x) + log of the tail series.
#[inline]
pub fn log_normal_cdf(x: f64) -> f64 {
    if x > 0.0 {
        (-normal_cdf(-x)).ln_1p()
    } else if x > FAR_TAIL {
        normal_cdf(x).ln()
    } else {
        normal_log_pdf(x) - (-x).ln() + tail_series(x).ln()
    }
}

/// φ(x) / Φ(x), the inverse Mills ratio of the lower tail; close to −x far below zero.
#[inline]
pub fn inverse_mills(x: f64) -> f64 {
    if x > FAR_TAIL {
        normal_log_pdf(x).exp() / normal_cdf(x)
    } else {
        -x / tail_series(x)
    }
}

/// −d²/dx² log Φ(x) = λ(x) (λ(x) + x) with λ the inverse Mills ratio; between 0 and 1.
#[inline]
pub fn normal_cdf_curvature(x: f64) -> f64 {
    if x > FAR_TAIL {
        let ratio = inverse_mills(x);
        ratio * (ratio + x)
    } else {
        // One minus the variance of a normal truncated to its far tail.
        let t = 1.0 / (x * x);
        1.0 - t * (1.0 - t * (6.0 - t * (50.0 - t * 518.0)))
    }
}

/// Φ(x) (−x) / φ(x) for x far below zero: 1 − 1/x² + 3/x⁴ − 15/x⁶ + … (Abramowitz & Stegun 1964, 26.2.12).
fn tail_series(x: f64) -> f64 {
    let t = 1.0 / (x * x);
    1.0 - t * (1.0 - 3.0 * t * (1.0 - 5.0 * t * (1.0 - 7.0 * t * (1.0 - 9.0 * t))))
}

/// The standard normal quantile: x with Φ(x) = p. Gives −∞ at 0 and ∞ at 1.
pub fn normal_quantile(p: f64) -> f64 {
    if p == 0.5 {
        return 0.0;
    }
    let x = -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p);
    if !x.is_finite() || x.abs() > 37.0 {
        return x;
    }
    // One Newton step on the smaller tail removes the error of the starting value.
    let density = normal_log_pdf(x).exp();
    if x < 0.0 {
        x - (normal_cdf(x) - p) / density
    } else {
        x + (normal_cdf(-x) - (1.0 - p)) / density
    }
}

/// log n! for n ≥ 0.
#[inline]
pub fn log_factorial(n: f64) -> f64 {
    static SMALL: LazyLock<Vec<f64>> = LazyLock::new(|| (0..256).map(|n| ln_gamma(f64::from(n) + 1.0)).collect());
    if n < 2.0 {
        0.0
    } else if n.fract() == 0.0 && n < 256.0 {
        SMALL[n as usize]
    } else {
        ln_gamma(n + 1.0)
    }
}

/// log Γ(x) for x > 0.
#[inline]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// ψ(x), the first derivative of log Γ, for x > 0.
pub fn digamma(x: f64) -> f64 {
    // Recurrence ψ(x) = ψ(x + 1) − 1/x up to 10, then the asymptotic series (Abramowitz & Stegun 1964, 6.3.18).
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let t = 1.0 / (x * x);
    let tail = t
        * (1.0 / 12.0
            - t * (1.0 / 120.0 - t * (1.0 / 252.0 - t * (1.0 / 240.0 - t * (1.0 / 132.0 - t * 691.0 / 32_760.0)))));
    sum + x.ln() - 0.5 / x - tail
}

/// ψ'(x), the second derivative of log Γ, for x > 0.
pub fn trigamma(x: f64) -> f64 {
    // Recurrence ψ'(x) = ψ'(x + 1) + 1/x² up to 10, then the asymptotic series (Abramowitz & Stegun 1964, 6.4.12).
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let t = 1.0 / (x * x);
    let tail = t
        * (1.0 / 6.0 - t * (1.0 / 30.0 - t * (1.0 / 42.0 - t * (1.0 / 30.0 - t * (5.0 / 66.0 - t * 691.0 / 2_730.0)))));
    sum + (1.0 + 0.5 / x + tail) / x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: f64, want: f64, relative: f64) {
        assert!((got - want).abs() <= relative * want.abs().max(1e-300), "got {got:e}, want {want:e}");
    }

    #[test]
    fn log_sum_exp_handles_extremes() {
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY, 2.5]), 2.5);
        assert_close(log_sum_exp(&[700.0, 700.0]), 700.0 + LN_2, 1e-15);
        assert_close(log_sum_exp(&[-7000.0, -7000.0]), -7000.0 + LN_2, 1e-15);
        assert_close(log_add_exp(0.3, -1.2), log_sum_exp(&[0.3, -1.2]), 1e-15);
        assert_eq!(log_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(log_add_exp(f64::NEG_INFINITY, 1.0), 1.0);
    }

    #[test]
    fn logistic_functions_agree_and_do_not_overflow() {
        for x in [-700.0, -50.0, -1.3, 0.0, 0.7, 40.0, 700.0] {
            assert!((expit(x) + expit(-x) - 1.0).abs() < 1e-15);
            assert_close(log_expit(x) - log_expit(-x), x, 1e-14);
            assert_close(expit(x), log_expit(x).exp(), 1e-12);
        }
        assert_eq!(log1p_exp(700.0), 700.0);
        assert_close(log1p_exp(-700.0), (-700.0f64).exp(), 1e-12);
        assert_eq!(log_expit(-700.0), -700.0);
    }

    #[test]
    fn log1m_exp_is_accurate_near_zero_and_far() {
        assert_close(log1m_exp(-1e-20), (1e-20f64).ln(), 1e-14);
        assert_close(log1m_exp(-LN_2), -LN_2, 1e-14);
        assert_close(log1m_exp(-50.0), -(-50.0f64).exp(), 1e-14);
        assert_eq!(log1m_exp(0.0), f64::NEG_INFINITY);
    }

    /// Reference: R 4.2.2, `pnorm(x, log.p = TRUE)`.
    #[test]
    fn log_normal_cdf_matches_r() {
        for (x, want) in [
            (-700.0, -245007.47002090907),
            (-100.0, -5_005.524_208_694_205),
            (-38.0, -726.5572160188201),
            (-30.0, -454.321_243_956_343_2),
            (-29.5, -439.42947460915025),
            (-10.0, -53.23128515051247),
            (-3.0, -6.607_726_221_510_349),
            (-0.5, -1.1759117615936185),
            (0.25, -0.512_984_075_409_430_5),
            (2.0, -0.023012909328963493),
            (8.0, -6.220_960_574_271_787e-16),
            (30.0, -4.906_713_927_148_187e-198),
        ] {
            assert_close(log_normal_cdf(x), want, 1e-13);
        }
    }

    #[test]
    fn normal_functions_join_smoothly_and_differentiate() {
        let below = -30.0 - 1e-9;
        let above = -30.0 + 1e-9;
        assert!((log_normal_cdf(below) - log_normal_cdf(above) + 2e-9 * 30.03).abs() < 1e-10);
        assert_close(inverse_mills(below), inverse_mills(above), 1e-9);
        assert_close(normal_cdf_curvature(below), normal_cdf_curvature(above), 1e-8);
        for x in [-700.0, -100.0, -31.0, -12.0, -2.0, 0.0, 1.5, 6.0] {
            let h = 1e-5 * (1.0 + f64::abs(x));
            let slope = (log_normal_cdf(x + h) - log_normal_cdf(x - h)) / (2.0 * h);
            assert!((slope - inverse_mills(x)).abs() < 1e-6 * (1.0 + inverse_mills(x)), "x = {x}");
            let curvature = -(inverse_mills(x + h) - inverse_mills(x - h)) / (2.0 * h);
            assert!((curvature - normal_cdf_curvature(x)).abs() < 1e-6, "x = {x}");
        }
        assert_eq!(inverse_mills(700.0), 0.0);
        assert_close(inverse_mills(-700.0), 700.0 + 1.0 / 700.0, 1e-8);
    }

    /// Reference: R 4.2.2, `qnorm(p)`.
    #[test]
    fn normal_quantile_matches_r() {
        for (p, want) in [
            (1e-300, -37.047_096_299_361_2),
            (1e-20, -9.262_340_089_798_405),
            (1e-5, -4.2648907939228256),
            (0.01, -2.3263478740408408),
            (0.3, -0.524_400_512_708_040_7),
            (0.5, 0.0),
            (0.9, 1.2815515655446008),
            (0.999_999_999_9, 6.361_340_889_697_421),
        ] {
            assert!((normal_quantile(p) - want).abs() < 1e-14 * (1.0 + f64::abs(want)), "p = {p}");
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }

    /// Reference: R 4.2.2, `lgamma(x)`, `digamma(x)`, `trigamma(x)`.
    #[test]
    fn gamma_functions_match_r() {
        for (x, log_gamma, first, second) in [
            (0.01, 4.599_479_878_042_022, -100.56088545786866, 10001.621213528313),
            (0.5, 0.572_364_942_924_700_1, -1.963_510_026_021_423, 4.934802200544679),
            (1.0, 0.0, -0.577_215_664_901_532_3, 1.6449340668482264),
            (3.75, 1.4868155785934172, 1.1825373886117965, 0.3053398526902531),
            (50.0, 144.56574394634487, 3.901989673427892, 0.020201333226697128),
            (1000000.0, 12815504.569147611, 13.81551005796419, 1.0000005000001672e-06),
        ] {
            assert!((ln_gamma(x) - log_gamma).abs() <= 1e-14 * (1.0 + f64::abs(log_gamma)));
            assert!((digamma(x) - first).abs() <= 1e-14 * (1.0 + f64::abs(first)), "x = {x}");
            assert_close(trigamma(x), second, 1e-14);
        }
        assert_eq!(log_factorial(0.0), 0.0);
        assert_eq!(log_factorial(1.0), 0.0);
        assert_close(log_factorial(5.0), 120.0f64.ln(), 1e-15);
    }
}
