//! Reproducible random numbers: one independent stream per (seed, stream number), and the distributions models draw from.

use rand_core::Rng;
use rand_pcg::Pcg64;

/// A PCG-64 generator (O'Neill 2014). Streams with different numbers are independent sequences, so any division
/// of work over threads draws the same numbers.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: Pcg64,
}

impl Stream {
    /// The stream numbered `stream` of the family that `seed` starts.
    pub fn new(seed: u64, stream: u64) -> Self {
        let state = (u128::from(mix(seed)) << 64) | u128::from(mix(seed ^ mix(stream)));
        Stream { generator: Pcg64::new(state, u128::from(stream)) }
    }

    /// Uniform on the open interval (0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 52) as f64;
        ((self.generator.next_u64() >> 12) as f64 + 0.5) * STEP
    }

    /// Standard normal, by the polar method (Marsaglia & Bray 1964).
    pub fn normal(&mut self) -> f64 {
        loop {
            let u = 2.0 * self.uniform() - 1.0;
            let v = 2.0 * self.uniform() - 1.0;
            let s = u * u + v * v;
            if s < 1.0 && s > 0.0 {
                return u * (-2.0 * s.ln() / s).sqrt();
            }
        }
    }

    /// An index drawn with probability proportional to `probs` (non-negative, not all zero).
    pub fn categorical(&mut self, probs: &[f64]) -> usize {
        let mut left = self.uniform() * probs.iter().sum::<f64>();
        let mut last = 0;
        for (k, &p) in probs.iter().enumerate() {
            if p > 0.0 {
                last = k;
                if left < p {
                    return k;
                }
                left -= p;
            }
        }
        last
    }

    /// A whole number from 0 to n − 1, each equally likely; n ≥ 1 (Lemire 2019).
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        let unfair = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.generator.next_u64()) * u128::from(n);
            if product as u64 >= unfair {
                return (product >> 64) as usize;
            }
        }
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Poisson. Small means by multiplying uniforms; a large mean is first thinned with a gamma variate, the
    /// waiting time for the m-th event (Ahrens & Dieter 1974).
    pub fn poisson(&mut self, mean: f64) -> f64 {
        let (mut mean, mut count) = (mean, 0.0);
        while mean > 20.0 {
            let m = (0.875 * mean).floor();
            let waiting = self.gamma(m);
            if waiting > mean {
                return count + self.binomial(m - 1.0, mean / waiting);
            }
            count += m;
            mean -= waiting;
        }
        let limit = (-mean).exp();
        let mut product = self.uniform();
        while product > limit {
            count += 1.0;
            product *= self.uniform();
        }
        count
    }

    /// Gamma with the given shape > 0 and scale 1 (Marsaglia & Tsang 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.uniform().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                return d * v;
            }
        }
    }

    /// Beta(a, b) as a ratio of gamma variates.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let x = self.gamma(a);
        x / (x + self.gamma(b))
    }

    /// Binomial with `trials` (a whole number) and success probability `p`. Many trials are halved at the median
    /// order statistic, a beta variate, until few are left to count (Ahrens & Dieter 1974).
    pub fn binomial(&mut self, trials: f64, p: f64) -> f64 {
        let (mut n, mut p, mut count) = (trials, p, 0.0);
        while n > 40.0 {
            let a = 1.0 + (n / 2.0).floor();
            let b = n + 1.0 - a;
            let split = self.beta(a, b);
            if split <= p {
                count += a;
                n = b - 1.0;
                p = (p - split) / (1.0 - split);
            } else {
                n = a - 1.0;
                p /= split;
            }
        }
        while n >= 1.0 {
            if self.uniform() < p {
                count += 1.0;
            }
            n -= 1.0;
        }
        count
    }

    /// Negative binomial with variance mean + alpha mean²: a Poisson whose mean is gamma distributed.
    pub fn negative_binomial(&mut self, mean: f64, alpha: f64) -> f64 {
        let rate = mean * alpha * self.gamma(1.0 / alpha);
        self.poisson(rate)
    }
}

/// A bijection of the 64-bit numbers that scatters neighbours (SplitMix64: Steele, Lea & Flood 2014).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 100_000;

    /// Mean and variance of N draws must lie within five standard errors of their expectations.
    fn check_moments(mean: f64, variance: f64, kurtosis: f64, mut draw: impl FnMut(&mut Stream) -> f64) {
        let mut rng = Stream::new(42, 7);
        let draws: Vec<f64> = (0..N).map(|_| draw(&mut rng)).collect();
        let n = N as f64;
        let m = draws.iter().sum::<f64>() / n;
        let v = draws.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (n - 1.0);
        assert!((m - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {m}, expected {mean}");
        let error = variance * ((kurtosis - 1.0) / n).sqrt();
        assert!((v - variance).abs() < 5.0 * error, "variance {v}, expected {variance}");
    }

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, stream| {
            let mut s = Stream::new(seed, stream);
            (0..5).map(|_| s.uniform()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert_ne!(draw(1, 2), draw(2, 1));
    }

    #[test]
    fn neighbouring_streams_are_uncorrelated() {
        for (other_seed, other_stream) in [(9, 1), (10, 0), (10, 1)] {
            let (mut a, mut b) = (Stream::new(9, 0), Stream::new(other_seed, other_stream));
            let covariance: f64 = (0..N).map(|_| (a.uniform() - 0.5) * (b.uniform() - 0.5)).sum::<f64>() / N as f64;
            assert!(covariance.abs() < 5.0 / 12.0 / (N as f64).sqrt());
        }
    }

    #[test]
    fn continuous_moments() {
        check_moments(0.5, 1.0 / 12.0, 1.8, |r| r.uniform());
        check_moments(0.0, 1.0, 3.0, |r| r.normal());
        check_moments(1.0, 1.0, 9.0, |r| r.exponential());
        for shape in [0.3, 1.0, 4.5] {
            check_moments(shape, shape, 3.0 + 6.0 / shape, |r| r.gamma(shape));
        }
        check_moments(0.4, 0.24 / 6.0, 3.0, |r| r.beta(2.0, 3.0));
    }

    #[test]
    fn count_moments() {
        for mean in [0.2, 3.0, 19.0, 60.0, 5_000.0] {
            check_moments(mean, mean, 3.0 + 1.0 / mean, |r| r.poisson(mean));
        }
        for (n, p) in [(1.0, 0.3), (30.0, 0.9), (1_000.0, 0.02)] {
            let v = n * p * (1.0 - p);
            check_moments(n * p, v, 3.0 + (1.0 - 6.0 * p * (1.0 - p)) / v, |r| r.binomial(n, p));
        }
        for (mean, alpha) in [(2.0, 0.5), (30.0, 1.5)] {
            let v = mean + alpha * mean * mean;
            check_moments(mean, v, 3.0 + 6.0 * alpha + 1.0 / v, |r| r.negative_binomial(mean, alpha));
        }
    }

    #[test]
    fn choices_follow_their_probabilities() {
        let mut rng = Stream::new(3, 0);
        let mut counts = [0usize; 4];
        for _ in 0..N {
            counts[rng.categorical(&[0.2, 0.0, 0.5, 0.3])] += 1;
        }
        assert_eq!(counts[1], 0);
        for (count, p) in counts.iter().zip([0.2, 0.0, 0.5, 0.3]) {
            assert!((*count as f64 - N as f64 * p).abs() <= 5.0 * (N as f64 * p * (1.0 - p)).sqrt());
        }
        let mut counts = [0usize; 7];
        for _ in 0..N {
            counts[rng.below(7)] += 1;
        }
        let p = 1.0 / 7.0;
        for count in counts {
            assert!((count as f64 - N as f64 * p).abs() <= 5.0 * (N as f64 * p * (1.0 - p)).sqrt());
        }
    }
}
