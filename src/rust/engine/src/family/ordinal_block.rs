//! The cumulative logit family for many values at once, from one pair of tail probabilities per threshold:
//! P(y = k) = F_k (1 − F_{k−1}) (1 − exp(τ_{k−1} − τ_k)) with F_k = 1 / (1 + exp(η − τ_k)), which does not cancel.

use super::block::WeightedScores;
use crate::numeric::log1m_exp;
use crate::vector;

/// What categories are, whatever the predictor.
struct Categories<'a> {
    thresholds: &'a [f64],
}

impl Categories<'_> {
    fn count(&self) -> usize {
        self.thresholds.len() + 1
    }

    /// Distance of the two thresholds of an inner category; `None` for others, and for category 0, which does not exist.
    fn width(&self, k: usize) -> Option<f64> {
        (k > 1 && k < self.count()).then(|| self.thresholds[k - 1] - self.thresholds[k - 2])
    }

    /// log(1 − exp(−width)), 0 for the outer categories.
    fn log_share(&self, k: usize) -> f64 {
        self.width(k).map_or(0.0, |w| if w > 0.0 { log1m_exp(-w) } else { f64::NEG_INFINITY })
    }

    /// 1 / (exp(width) − 1), 0 for the outer categories and, where there is nothing between them, equal thresholds.
    fn rest(&self, k: usize) -> f64 {
        self.width(k).filter(|w| *w > 0.0).map_or(0.0, |w| 1.0 / w.exp_m1())
    }
}

/// log P(y_i | η_i, thresholds), y 1, 2, …
pub fn log_densities(y: &[f64], eta: &[f64], thresholds: &[f64], out: &mut [f64]) {
    let c = Categories { thresholds };
    let n = y.len();
    let mut above = vec![0.0; 2 * n];
    let (below, above) = above.split_at_mut(n);
    let far = f64::MAX.sqrt();
    let shares: Vec<f64> = (0..=c.count()).map(|k| c.log_share(k)).collect();
    for i in 0..n {
        let k = y[i] as usize;
        below[i] = if k > 1 { thresholds[k - 2] - eta[i] } else { -far };
        above[i] = if k < c.count() { eta[i] - thresholds[k - 1] } else { -far };
        out[i] = shares[k];
    }
    vector::subtract_softplus(below, out);
    vector::subtract_softplus(above, out);
}

/// Adds weight × score and, if wanted, weight × expected information in (η, thresholds) to `out`.
pub fn add_weighted_scores(y: &[f64], eta: &[f64], thresholds: &[f64], weights: &[f64], out: &mut WeightedScores) {
    let c = Categories { thresholds };
    let (n, m) = (y.len(), c.count());
    let rest: Vec<f64> = (0..=m).map(|k| c.rest(k)).collect();
    // F_k and 1 − F_k for k = 0..=m, [m + 1][n]
    let (mut lower, mut upper) = (vec![0.0; (m + 1) * n], vec![1.0; (m + 1) * n]);
    lower[m * n..].fill(1.0);
    upper[m * n..].fill(0.0);
    for (k, t) in thresholds.iter().enumerate() {
        let at = (k + 1) * n..(k + 2) * n;
        vector::logistic_tails_around(*t, eta, &mut lower[at.clone()], &mut upper[at]);
    }
    for i in 0..n {
        let k = y[i] as usize;
        let (below, above) = (lower[(k - 1) * n + i], upper[k * n + i]);
        let w = weights[i];
        out.score[i] += w * (below - above);
        if k > 1 {
            out.score[(k - 1) * n + i] -= w * (below + rest[k]);
        }
        if k < m {
            out.score[k * n + i] += w * (above + rest[k]);
        }
    }
    if out.information.is_empty() {
        return;
    }
    for k in 1..=m {
        let share = c.log_share(k).exp();
        let mut add = |a: usize, b: usize, product: &dyn Fn(f64, f64) -> f64| {
            let at = (a * m + b) * n;
            for i in 0..n {
                let (below, above) = (lower[(k - 1) * n + i], upper[k * n + i]);
                let p = lower[k * n + i] * upper[(k - 1) * n + i] * share;
                let value = weights[i] * p * product(below, above);
                out.information[at + i] += value;
                if a != b {
                    out.information[(b * m + a) * n + i] += value;
                }
            }
        };
        let r = rest[k];
        add(0, 0, &|below, above| (below - above) * (below - above));
        if k > 1 {
            add(0, k - 1, &|below, above| (above - below) * (below + r));
            add(k - 1, k - 1, &|below, _| (below + r) * (below + r));
        }
        if k < m {
            add(0, k, &|below, above| (below - above) * (above + r));
            add(k, k, &|_, above| (above + r) * (above + r));
        }
        if k > 1 && k < m {
            add(k - 1, k, &|below, above| -(below + r) * (above + r));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ordinal, Link};
    use super::*;

    const THRESHOLDS: [f64; 3] = [-1.3, 0.2, 0.9];
    const ETA: [f64; 9] = [-0.7, 0.1, 2.0, -4.0, 0.5, 30.0, -30.0, 500.0, -500.0];

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * (1.0 + b.abs())
    }

    #[test]
    fn one_by_one_is_the_same() {
        for k in 1..=4 {
            let y = [f64::from(k); ETA.len()];
            let weights: Vec<f64> = (0..ETA.len()).map(|i| 0.3 + i as f64).collect();
            let mut log_p = [0.0; ETA.len()];
            log_densities(&y, &ETA, &THRESHOLDS, &mut log_p);
            let mut sums = WeightedScores::default();
            sums.reset(ETA.len(), 4, true);
            add_weighted_scores(&y, &ETA, &THRESHOLDS, &weights, &mut sums);
            let (mut score, mut information) = ([0.0; 4], [0.0; 16]);
            for (i, &eta) in ETA.iter().enumerate() {
                let want = ordinal::score(Link::Logit, y[i], eta, &THRESHOLDS, &mut score);
                assert!(close(log_p[i], want), "{k}, {eta}: {} instead of {want}", log_p[i]);
                ordinal::expected_information(Link::Logit, eta, &THRESHOLDS, &mut information);
                for a in 0..4 {
                    let got = sums.score[a * ETA.len() + i];
                    assert!(close(got, weights[i] * score[a]), "{k}, {eta}, {a}: {got}");
                    for b in 0..4 {
                        let got = sums.information[(a * 4 + b) * ETA.len() + i];
                        assert!(close(got, weights[i] * information[a * 4 + b]), "{k}, {eta}, {a}, {b}: {got}");
                    }
                }
            }
        }
    }

    #[test]
    fn equal_thresholds_leave_nothing_between_them() {
        let mut log_p = [0.0; 2];
        log_densities(&[2.0, 3.0], &[0.0, 0.0], &[0.5, 0.5], &mut log_p);
        assert_eq!(log_p[0], f64::NEG_INFINITY);
        assert!(log_p[1].is_finite());
    }
}
