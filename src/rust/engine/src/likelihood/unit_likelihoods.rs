//! From what the sum-product leaves to likelihoods of units, integrated over the within nodes, and on to log-likelihoods
//! of clusters.
//!
//! A cluster's units are multiplied, for each (between cell, between node), and the logarithm is taken only where the
//! product would become too small or too large: one for some ten units.

use std::ops::Range;

use super::class_graph::Buffers;
use super::lane::normalise;
use super::scaled::{is_too_small, SMALLEST};
use crate::vector;

/// Fewer (between cell, between node) than this are summed as logarithms.
const SHORT: usize = 8;
/// Products beyond these bounds are put away as logarithms: one more factor, above `SMALLEST`, leaves them normal numbers.
const BOUNDS: (f64, f64) = (1e-50, 1e50);
/// Units that stand for up to so many are multiplied as often.
const OFTEN: f64 = 8.0;

/// Π of units' likelihoods that is not in their log sum yet.
#[derive(Default)]
pub struct Product {
    /// [between cell, between node]
    values: Vec<f64>,
    /// Is 1 throughout.
    empty: bool,
}

impl Product {
    fn clear(&mut self, len: usize) {
        self.values.clear();
        self.values.resize(len, 1.0);
        self.empty = true;
    }

    /// `log` takes what does not fit.
    fn multiply(&mut self, likelihoods: &[f64], log: &mut [f64]) {
        self.empty = false;
        if !vector::multiply_within(&mut self.values, likelihoods, BOUNDS) {
            self.put_away(log);
        }
    }

    fn put_away(&mut self, log: &mut [f64]) {
        if !self.empty {
            vector::add_ln(&self.values, log);
            self.clear(log.len());
        }
    }
}

impl Buffers {
    /// Log sums over the within nodes, whose log values become probabilities.
    pub(super) fn integrate(&mut self, n_within: usize) {
        if n_within > 1 {
            self.integrals.clear();
            self.integrals.extend(self.totals.chunks_exact_mut(n_within).map(normalise));
        }
    }

    /// As `integrate` for likelihoods; false where one is too small to be accurate.
    pub(super) fn integrate_scaled(&mut self, n_within: usize) -> bool {
        if n_within == 1 {
            return vector::all_above(&self.totals, SMALLEST);
        }
        self.integrals.clear();
        for t in self.totals.chunks_exact_mut(n_within) {
            let sum = vector::sum(t);
            if is_too_small(sum) {
                return false;
            }
            self.integrals.push(sum);
            let inverse = 1.0 / sum;
            t.iter_mut().for_each(|t| *t *= inverse);
        }
        true
    }

    /// [unit × (between cell, between node)], without `offset`; log-likelihoods unless `scaled`.
    fn of_units(&self, n_within: usize) -> &[f64] {
        if n_within == 1 {
            &self.totals
        } else {
            &self.integrals
        }
    }

    /// Log-likelihoods of the block's units by (between cell, between node).
    pub(super) fn log_likelihoods(&self, n_within: usize, out: &mut [f64]) {
        let likelihoods = self.of_units(n_within);
        if !self.scaled {
            return out.copy_from_slice(likelihoods);
        }
        let row = out.len() / self.n_units.max(1);
        out.chunks_exact_mut(row.max(1)).zip(&self.offset).for_each(|(o, offset)| o.fill(*offset));
        vector::add_ln(likelihoods, out);
    }

    /// Adds count × log-likelihood of the block's units `which` to `log` [between cell, between node].
    pub(super) fn add_units(&mut self, n_within: usize, which: Range<usize>, counts: &[f64], log: &mut [f64]) {
        let row = log.len();
        let mut product = std::mem::take(&mut self.product);
        let mut logs = std::mem::take(&mut self.unit_logs);
        let likelihoods = &self.of_units(n_within)[which.start * row..which.end * row];
        let by_product = |count: f64| self.scaled && row >= SHORT && count <= OFTEN && count.fract() == 0.0;
        if !counts.iter().all(|count| by_product(*count)) {
            logs.clear();
            logs.resize(likelihoods.len(), 0.0);
            if self.scaled {
                vector::add_ln(likelihoods, &mut logs);
            } else {
                logs.copy_from_slice(likelihoods);
            }
        }
        product.clear(row);
        for (u, (&count, likelihoods)) in counts.iter().zip(likelihoods.chunks_exact(row)).enumerate() {
            if by_product(count) {
                (0..count as usize).for_each(|_| product.multiply(likelihoods, log));
            } else if count != 0.0 {
                vector::add_scaled(log, count, &logs[u * row..(u + 1) * row], false);
            }
        }
        product.put_away(log);
        if self.scaled {
            let offset: f64 = counts.iter().zip(&self.offset[which]).map(|(count, offset)| count * offset).sum();
            log.iter_mut().for_each(|l| *l += offset);
        }
        (self.product, self.unit_logs) = (product, logs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units whose likelihoods would not fit one number together, some of them above 1, with counts of all kinds.
    #[test]
    fn products_equal_sums_of_logarithms() {
        for row in [1, SHORT, 19] {
            let counts = [1.0, 3.0, 0.0, 2.5, 1.0, 100.0, 8.0].repeat(40);
            let n_units = counts.len();
            let likelihood = |i: usize| 10f64.powi([-249, -3, 2, -120, 30, 0, -17][i * i % 7]) * (1.0 + i as f64 / 1e4);
            let totals: Vec<f64> = (0..n_units * row).map(likelihood).collect();
            let offset: Vec<f64> = (0..n_units).map(|u| -(u as f64)).collect();
            let mut want = vec![1.0; row];
            for (u, count) in counts.iter().enumerate() {
                let values = totals[u * row..(u + 1) * row].iter();
                want.iter_mut().zip(values).for_each(|(w, v)| *w += count * (v.ln() + offset[u]));
            }
            let mut buffers = Buffers { n_units, totals, offset, scaled: true, ..Buffers::default() };
            let mut log = vec![1.0; row];
            for part in [0..5, 5..n_units] {
                buffers.add_units(1, part.clone(), &counts[part], &mut log);
            }
            for (log, want) in log.iter().zip(&want) {
                assert!((log - want).abs() < 1e-13 * want.abs(), "{log} instead of {want}");
            }
        }
    }
}
