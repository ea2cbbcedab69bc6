//! Link functions: the logistic and normal distribution functions F, their logs, derivatives and interval probabilities.

use crate::numeric;
use crate::rng::Stream;

/// The distribution function F of a binary or ordinal outcome's latent error. Both are symmetric: 1 − F(x) = F(−x).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    Logit,
    Probit,
}

/// log P with P = F(upper) − F(lower), and its derivatives with respect to the two limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// log P.
    pub log_prob: f64,
    /// ∂ log P / ∂ lower (not positive).
    pub lower: f64,
    /// ∂ log P / ∂ upper (not negative).
    pub upper: f64,
    /// `lower + upper`: the derivative when both limits move together.
    pub shift: f64,
    /// ∂² log P / ∂ lower ∂ upper.
    pub cross: f64,
    /// ∂ shift / ∂ lower; the second derivative in `lower` is `lower_shift − cross`.
    pub lower_shift: f64,
    /// ∂ shift / ∂ upper; the second derivative in `upper` is `upper_shift − cross`.
    pub upper_shift: f64,
}

impl Link {
    /// F(x).
    #[inline]
    pub fn cdf(self, x: f64) -> f64 {
        match self {
            Link::Logit => numeric::expit(x),
            Link::Probit => numeric::normal_cdf(x),
        }
    }

    /// log F(x); log(1 − F(x)) is `log_cdf(-x)`.
    #[inline]
    pub fn log_cdf(self, x: f64) -> f64 {
        match self {
            Link::Logit => numeric::log_expit(x),
            Link::Probit => numeric::log_normal_cdf(x),
        }
    }

    /// F'(x) / F(x), the derivative of log F.
    #[inline]
    pub fn ratio(self, x: f64) -> f64 {
        match self {
            Link::Logit => numeric::expit(-x),
            Link::Probit => numeric::inverse_mills(x),
        }
    }

    /// −d²/dx² log F(x); positive, because F is log-concave.
    #[inline]
    pub fn curvature(self, x: f64) -> f64 {
        match self {
            Link::Logit => numeric::expit(x) * numeric::expit(-x),
            Link::Probit => numeric::normal_cdf_curvature(x),
        }
    }

    /// F'(x)² / (F(x) (1 − F(x))), the Fisher information of one binary outcome about x.
    #[inline]
    pub fn fisher(self, x: f64) -> f64 {
        self.ratio(x) * self.ratio(-x)
    }

    /// log(F(upper) − F(lower)). The limits may be infinite; −∞ when `lower >= upper`.
    #[inline]
    pub fn log_interval(self, lower: f64, upper: f64) -> f64 {
        if lower >= upper {
            return f64::NEG_INFINITY;
        }
        if lower == f64::NEG_INFINITY {
            return self.log_cdf(upper);
        }
        if upper == f64::INFINITY {
            return self.log_cdf(-lower);
        }
        match self {
            // F(b) − F(a) = F(b) (1 − F(a)) (1 − exp(a − b)) for the logistic F.
            Link::Logit => numeric::log_expit(upper) + numeric::log_expit(-lower) + numeric::log1m_exp(lower - upper),
            // Reflected so that the interval is not in the upper tail: Φ(b) − Φ(a) = Φ(−a) − Φ(−b).
            Link::Probit => {
                let (a, b) = if lower > 0.0 { (-upper, -lower) } else { (lower, upper) };
                let log_cdf = numeric::log_normal_cdf(b);
                log_cdf + numeric::log1m_exp(numeric::log_normal_cdf(a) - log_cdf)
            }
        }
    }

    /// `log_interval` with first and second derivatives; those of an infinite limit, and all of an empty interval, are 0.
    pub fn interval(self, lower: f64, upper: f64) -> Interval {
        let log_prob = self.log_interval(lower, upper);
        let mut result = Interval { log_prob, ..Interval::default() };
        if log_prob == f64::NEG_INFINITY {
            return result;
        }
        if lower == f64::NEG_INFINITY {
            if upper < f64::INFINITY {
                result.upper = self.ratio(upper);
                result.shift = result.upper;
                result.upper_shift = -self.curvature(upper);
            }
            return result;
        }
        if upper == f64::INFINITY {
            result.lower = -self.ratio(-lower);
            result.shift = result.lower;
            result.lower_shift = -self.curvature(-lower);
            return result;
        }
        match self {
            // With d = b − a: ∂/∂b = 1 − F(b) + 1/(e^d − 1), ∂/∂a = −F(a) − 1/(e^d − 1).
            Link::Logit => {
                let half_width = 0.5 * (upper - lower);
                let rest = 1.0 / (upper - lower).exp_m1();
                let sinh = half_width.sinh();
                result.lower = -numeric::expit(lower) - rest;
                result.upper = numeric::expit(-upper) + rest;
                result.shift = numeric::expit(-upper) - numeric::expit(lower);
                result.cross = 0.25 / (sinh * sinh);
                result.lower_shift = -self.curvature(lower);
                result.upper_shift = -self.curvature(upper);
            }
            // ∂/∂b = φ(b)/P, ∂/∂a = −φ(a)/P, and φ'(x) = −x φ(x).
            Link::Probit => {
                result.lower = -(numeric::normal_log_pdf(lower) - log_prob).exp();
                result.upper = (numeric::normal_log_pdf(upper) - log_prob).exp();
                result.shift = result.lower + result.upper;
                result.cross = -result.lower * result.upper;
                result.lower_shift = -result.lower * (lower + result.shift);
                result.upper_shift = -result.upper * (upper + result.shift);
            }
        }
        result
    }

    /// A draw from the distribution F.
    pub fn sample_error(self, rng: &mut Stream) -> f64 {
        match self {
            Link::Logit => {
                let u = rng.uniform();
                (u / (1.0 - u)).ln()
            }
            Link::Probit => rng.normal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: [Link; 2] = [Link::Logit, Link::Probit];

    fn assert_close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance * (1.0 + want.abs()), "got {got:e}, want {want:e}");
    }

    #[test]
    fn derivatives_of_log_cdf_match_differences() {
        let h = 1e-5;
        for link in LINKS {
            for x in [-40.0, -8.0, -1.1, 0.0, 0.6, 3.0, 7.0] {
                let slope = (link.log_cdf(x + h) - link.log_cdf(x - h)) / (2.0 * h);
                assert_close(link.ratio(x), slope, 1e-7);
                let bend = -(link.ratio(x + h) - link.ratio(x - h)) / (2.0 * h);
                assert_close(link.curvature(x), bend, 1e-7);
                assert_close(link.cdf(x) + link.cdf(-x), 1.0, 1e-15);
            }
            let (p, f) = (link.cdf(0.4), link.ratio(0.4) * link.cdf(0.4));
            assert_close(link.fisher(0.4), f * f / (p * (1.0 - p)), 1e-14);
        }
    }

    #[test]
    fn interval_probability_is_a_difference() {
        for link in LINKS {
            for (a, b) in [(-1.0, 0.5), (0.2, 0.21), (-3.0, 4.0), (1.0, 2.0)] {
                assert_close(link.log_interval(a, b), (link.cdf(b) - link.cdf(a)).ln(), 1e-12);
            }
            assert_eq!(link.log_interval(f64::NEG_INFINITY, f64::INFINITY), 0.0);
            assert_eq!(link.log_interval(1.0, 1.0), f64::NEG_INFINITY);
            // A narrow interval in either tail: P ≈ F'(x) × width.
            for x in [-700.0, 700.0] {
                let width = 1e-6;
                let density = link.ratio(x).ln() + link.log_cdf(x);
                let mirrored = link.ratio(-x).ln() + link.log_cdf(-x);
                let want = if x < 0.0 { density } else { mirrored } + f64::ln(width);
                assert_close(link.log_interval(x - width / 2.0, x + width / 2.0), want, 1e-6);
            }
        }
    }

    #[test]
    fn interval_derivatives_match_differences() {
        let h = 1e-5;
        for link in LINKS {
            for (a, b) in [(-1.0, 0.5), (0.2, 0.6), (-9.0, -7.5), (5.0, 6.0), (-20.0, 15.0)] {
                let i = link.interval(a, b);
                let (up, down) = (link.interval(a, b + h), link.interval(a, b - h));
                assert_close(i.upper, (up.log_prob - down.log_prob) / (2.0 * h), 1e-6);
                assert_close(i.upper_shift - i.cross, (up.upper - down.upper) / (2.0 * h), 1e-6);
                assert_close(i.cross, (up.lower - down.lower) / (2.0 * h), 1e-6);
                let (up, down) = (link.interval(a + h, b), link.interval(a - h, b));
                assert_close(i.lower, (up.log_prob - down.log_prob) / (2.0 * h), 1e-6);
                assert_close(i.lower_shift - i.cross, (up.lower - down.lower) / (2.0 * h), 1e-6);
                assert_close(i.shift, i.lower + i.upper, 1e-10);
            }
        }
    }
}
