//! A block of value patterns: their covariates and outcomes, predictors at the nodes, and sums over patterns.

use std::ops::Range;

use super::accumulator::SlotSums;
use super::design_cells::{Along, Cell};
use super::predictor::Point;
use crate::compiled::factor::{Factor, FactorKind};
use crate::family::block::{Values, WeightedScores};
use crate::vector;

/// Covariates by pattern, all else by [pattern × node].
#[derive(Default)]
pub(super) struct Block {
    n_patterns: usize,
    n_nodes: usize,
    /// [covariate][pattern]
    pub x: Vec<Vec<f64>>,
    pub y: Vec<f64>,
    pub trials: Vec<f64>,
    /// [predictor]
    pub eta: Vec<Vec<f64>>,
    /// P(class = k), [K]
    pub p: Vec<Vec<f64>>,
}

impl Block {
    pub fn len(&self) -> usize {
        self.n_patterns * self.n_nodes
    }

    /// Reads value patterns `values` of the factor.
    pub fn read(&mut self, point: &Point, f: &Factor, values: Range<usize>, n_nodes: usize) {
        let columns = &point.program.sample.columns;
        let rows = &f.patterns.row[values];
        (self.n_patterns, self.n_nodes) = (rows.len(), n_nodes);
        let first = rows.first().map_or(0, |r| *r as usize);
        let in_a_row = rows.iter().enumerate().all(|(i, &r)| r as usize == first + i);
        self.x.resize(f.covariates.len(), vec![]);
        for (x, &column) in self.x.iter_mut().zip(&f.covariates) {
            x.clear();
            if in_a_row {
                x.extend_from_slice(&columns[column][first..first + rows.len()]);
            } else {
                x.extend(rows.iter().map(|&r| columns[column][r as usize]));
            }
        }
        let repeat = |to: &mut Vec<f64>, column: usize| {
            to.clear();
            let values = rows.iter().map(|&r| columns[column][r as usize]);
            if n_nodes == 1 {
                to.extend(values);
            } else {
                values.for_each(|v| to.extend(std::iter::repeat_n(v, n_nodes)));
            }
        };
        if let FactorKind::Outcome(o) = f.kind {
            let outcome = &point.program.model.outcomes[o];
            repeat(&mut self.y, outcome.column);
            match outcome.trials {
                Some(t) => repeat(&mut self.trials, t),
                None => self.trials.resize(rows.len() * n_nodes, 1.0),
            }
        }
    }

    pub fn predict(&mut self, cell: &Cell, n_predictors: usize) {
        let (n, len) = (self.n_nodes, self.len());
        self.eta.resize(n_predictors, vec![]);
        for (a, eta) in self.eta.iter_mut().enumerate() {
            eta.clear();
            let terms = |along: bool| cell.terms.iter().filter(move |t| t.predictor == a && (t.product > 0) == along);
            // what does not depend on the node, by pattern
            eta.resize(self.n_patterns, 0.0);
            for t in terms(false) {
                let b = t.coefficient;
                match t.covariate {
                    None => eta.iter_mut().for_each(|e| *e += b),
                    Some(c) => eta.iter_mut().zip(&self.x[c]).for_each(|(e, x)| *e += b * x),
                }
            }
            if n > 1 {
                let constant = std::mem::take(eta);
                eta.reserve(len);
                constant.iter().for_each(|c| eta.extend(std::iter::repeat_n(*c, n)));
            }
            for t in terms(true) {
                let factor = t.covariate.map(|c| &self.x[c][..]);
                // components of analytic residuals come after those of the nodes
                vector::add_outer(t.coefficient, factor, &cell.products[t.product].value[..n], eta);
            }
        }
    }

    /// Calls `with` with the outcomes and predictors of the block.
    pub fn values<T>(&self, aux: &[f64], with: impl FnOnce(Values) -> T) -> T {
        let values = |eta: &[&[f64]]| with(Values { y: &self.y, trials: &self.trials, eta, aux });
        match &self.eta[..] {
            [one] => values(&[one]),
            all => values(&all.iter().map(|eta| &eta[..]).collect::<Vec<_>>()),
        }
    }

    /// P(class = k) into `p` and its logarithm in place of the logits, [K][pattern × node]; the last class has logit 0.
    pub fn log_softmax(&mut self) {
        self.eta.push(vec![0.0; self.len()]);
        self.p.clone_from(&self.eta);
        vector::log_softmax(&mut slices(&mut self.eta), &mut slices(&mut self.p));
    }

    /// P(class = k) into `p`, as `log_softmax`.
    pub fn softmax(&mut self) {
        std::mem::swap(&mut self.p, &mut self.eta);
        self.p.push(vec![0.0; self.len()]);
        vector::softmax(&mut slices(&mut self.p));
    }

    /// Adds the derivatives with respect to slots to a table, [entry × slot]; `score`, [predictor × pattern × node].
    pub fn add_derivatives(&self, cell: &Cell, score: &[f64], at: Entries, out: &mut [f64]) {
        let n = self.n_nodes;
        for e in &cell.entries {
            let score = score[e.of * self.len()..].chunks_exact(n);
            let along = cell.along(e.along);
            for (i, score) in score.take(self.n_patterns).enumerate() {
                let scale = e.scale * e.covariate.map_or(1.0, |c| self.x[c][i]);
                let first = (at.start + i * at.row) * at.slots + e.slot as usize;
                for (q, (to, s)) in out[first..].iter_mut().step_by(at.slots).zip(score).enumerate() {
                    *to += scale * s * along.map_or(1.0, |a| a[q]);
                }
            }
        }
    }

    /// Adds scale × Σ_patterns weight × covariates to `to` [node].
    fn add_moments(&self, scale: f64, weight: &[f64], (x, other): (Option<usize>, Option<usize>), to: &mut [f64]) {
        let [x, other] = [x, other].map(|c| c.map(|c| &self.x[c][..]));
        if self.n_nodes > 1 {
            return vector::add_rows(scale, weight, x, other, to);
        }
        let sum = match (x, other) {
            (None, None) => vector::sum(weight),
            (Some(x), None) | (None, Some(x)) => vector::dot(weight, x),
            (Some(x), Some(y)) => vector::dot3(weight, x, y),
        };
        to[0] += scale * sum;
    }
}

fn slices(of: &mut [Vec<f64>]) -> Vec<&mut [f64]> {
    of.iter_mut().map(|v| &mut v[..]).collect()
}

/// Where a block's values stand in a table: the first one, the distance from pattern to pattern, and numbers in an entry.
pub(super) struct Entries {
    pub start: usize,
    pub row: usize,
    pub slots: usize,
}

/// Scores and information of one cell, times covariates and summed over patterns.
#[derive(Default)]
pub(super) struct NodeSums {
    n: usize,
    /// Distinct (predictor or auxiliary parameter, covariate) of the entries.
    columns: Vec<(usize, Option<usize>)>,
    /// [entry of the cell] its column
    column_of: Vec<usize>,
    /// Every predictor has the same covariates, this many, in the same order, and nothing else has columns.
    covariates: Option<usize>,
    /// [column × node]
    score: Vec<f64>,
    /// [pair of columns × node], pairs (k, l ≤ k) at k (k + 1) / 2 + l; empty where not wanted
    information: Vec<f64>,
}

fn same_covariates(columns: &[(usize, Option<usize>)]) -> Option<usize> {
    let n = columns.iter().take_while(|c| c.0 == 0).count();
    let of_first = |(i, c): (usize, &(usize, Option<usize>))| *c == (i / n, columns[i % n].1);
    (n > 0 && columns.len().is_multiple_of(n) && columns.iter().enumerate().all(of_first)).then_some(n)
}

impl NodeSums {
    /// Zero, for a cell.
    pub fn reset(&mut self, cell: &Cell, n: usize, information: bool) {
        self.n = n;
        self.columns.clear();
        self.column_of.clear();
        for e in &cell.entries {
            let key = (e.of, e.covariate);
            let column = self.columns.iter().position(|c| *c == key).unwrap_or(self.columns.len());
            if column == self.columns.len() {
                self.columns.push(key);
            }
            self.column_of.push(column);
        }
        self.covariates = same_covariates(&self.columns);
        let m = self.columns.len();
        let pairs = if information { m * (m + 1) / 2 } else { 0 };
        for (sums, size) in [(&mut self.score, m * n), (&mut self.information, pairs * n)] {
            sums.clear();
            sums.resize(size, 0.0);
        }
    }

    pub fn add(&mut self, block: &Block, scores: &WeightedScores) {
        let (len, m) = (scores.n, scores.m);
        for (&(a, x), to) in self.columns.iter().zip(self.score.chunks_exact_mut(self.n)) {
            block.add_moments(1.0, &scores.score[a * len..(a + 1) * len], (x, None), to);
        }
        if scores.information.is_empty() {
            return;
        }
        let of = |a: usize, b: usize| &scores.information[(a * m + b) * len..(a * m + b + 1) * len];
        match self.covariates.filter(|_| self.n == 1) {
            Some(1) => self.add_moments::<1>(block, of),
            Some(2) => self.add_moments::<2>(block, of),
            Some(3) => self.add_moments::<3>(block, of),
            Some(4) => self.add_moments::<4>(block, of),
            _ => self.add_information(block, |a, b| (1.0, of(a, b))),
        }
    }

    /// As `add_information` where predictors have the same C covariates.
    fn add_moments<'a, const C: usize>(&mut self, block: &Block, of: impl Fn(usize, usize) -> &'a [f64]) {
        let ones = vec![1.0; block.len()];
        let x: [&[f64]; C] = std::array::from_fn(|k| self.columns[k].1.map_or(&ones[..], |c| &block.x[c]));
        for a in 0..self.columns.len() / C {
            for b in 0..=a {
                let moments = vector::second_moments(of(a, b), x);
                for k in 0..C {
                    for l in 0..if a == b { k + 1 } else { C } {
                        let row = a * C + k;
                        self.information[row * (row + 1) / 2 + b * C + l] += moments[k.max(l)][k.min(l)];
                    }
                }
            }
        }
    }

    /// Adds information that is the same for all values but for their weights: `of_one`, [m × m].
    pub fn add_constant(&mut self, block: &Block, weights: &[f64], of_one: &[f64], m: usize) {
        self.add_information(block, |a, b| (of_one[a * m + b], weights));
    }

    /// `of`: for two predictors (or auxiliary parameters), a factor and [pattern × node] numbers.
    fn add_information<'a>(&mut self, block: &Block, of: impl Fn(usize, usize) -> (f64, &'a [f64])) {
        let pairs = (0..self.columns.len()).flat_map(|k| (0..=k).map(move |l| (k, l)));
        for ((k, l), to) in pairs.zip(self.information.chunks_exact_mut(self.n)) {
            let ((a, x), (b, y)) = (self.columns[k], self.columns[l]);
            let (scale, values) = of(a, b);
            if scale != 0.0 {
                block.add_moments(scale, values, (x, y), to);
            }
        }
    }

    /// `curved`: with the second derivatives of predictors, −score × ∂²η of coefficients times latents that depend on
    /// parameters themselves.
    pub fn add_to(&self, cell: &Cell, curved: bool, sums: &mut SlotSums) {
        let n = self.n;
        let entries = || cell.entries.iter().zip(&self.column_of).map(|(e, &column)| (e, column, cell.along(e.along)));
        for (i, (e, k, d)) in entries().enumerate() {
            let score = &self.score[k * n..(k + 1) * n];
            sums.gradient[e.slot as usize] += e.scale * d.map_or_else(|| vector::sum(score), |d| vector::dot(score, d));
            if !sums.want_information {
                continue;
            }
            for (j, (other, l, c)) in entries().take(i + 1).enumerate() {
                let pair = k.max(l) * (k.max(l) + 1) / 2 + k.min(l);
                let h = &self.information[pair * n..(pair + 1) * n];
                let v = match (d, c) {
                    (None, None) => vector::sum(h),
                    (Some(d), None) | (None, Some(d)) => vector::dot(h, d),
                    (Some(d), Some(c)) => vector::dot3(h, d, c),
                };
                // two entries of one slot: both orders count
                let both = if e.slot == other.slot && i != j { 2.0 } else { 1.0 };
                sums.add_information(e.slot as usize, other.slot as usize, both * e.scale * other.scale * v);
            }
            if let (true, Along::Value(p)) = (curved, e.along) {
                let product = &cell.products[p];
                for (d, &slot) in product.slots.iter().enumerate() {
                    let v = vector::dot(score, product.derivative_of(d));
                    let both = if e.slot == slot { 2.0 } else { 1.0 };
                    sums.add_information(e.slot as usize, slot as usize, -both * e.scale * v);
                }
            }
        }
    }
}
