//! Independent units side by side: posterior probabilities of their class cells, and their scores in each.

use std::ops::Range;

use super::factor_tables::FactorTables;
use super::louis::Cell;
use crate::compiled::factor::NONE;
use crate::compiled::Program;
use crate::vector;

/// Most units in a block.
pub(super) const UNITS: usize = 128;

#[derive(Default)]
pub(super) struct UnitBlock {
    /// Units in the block.
    pub n: usize,
    weight: Vec<f64>,
    /// Per factor, [unit] where its entries start in the factor's table; `NONE` where the factor does not count.
    rows: Vec<Vec<u32>>,
    /// [cell][unit] posterior probability
    probability: Vec<Vec<f64>>,
    /// Of the cell that is looked at, [parameter × unit].
    scores: Vec<f64>,
    /// E(score), [parameter × unit].
    pub mean: Vec<f64>,
    root: Vec<f64>,
}

/// Calls `with` for the units that a factor counts for, with their numbers.
fn each_present(rows: &[u32], numbers: &mut [f64], mut with: impl FnMut(usize, &mut f64)) {
    for (&row, number) in rows.iter().zip(numbers).filter(|(row, _)| **row != NONE) {
        with(row as usize, number);
    }
}

impl UnitBlock {
    pub fn read(&mut self, program: &Program, tables: &[&FactorTables], units: Range<usize>) {
        let all = &program.units;
        self.n = units.len();
        self.weight.clear();
        self.weight.extend(units.clone().map(|u| all.count[u] * all.weight[all.cluster[u] as usize]));
        self.rows.resize(tables.len(), vec![]);
        for ((rows, f), t) in self.rows.iter_mut().zip(&program.factors).zip(tables) {
            let place = |v: u32| if v == NONE { NONE } else { (v - t.first as u32) * f.n_within as u32 };
            rows.clear();
            rows.extend(f.patterns.of_unit[units.clone()].iter().map(|&v| place(v)));
        }
    }

    /// Units that are impossible have probability 0 everywhere.
    pub fn posteriors(&mut self, tables: &[&FactorTables], cells: &[Cell]) {
        self.probability.resize(cells.len(), vec![]);
        for (p, cell) in self.probability.iter_mut().zip(cells) {
            p.clear();
            p.resize(self.n, 0.0);
            for ((rows, t), &entry) in self.rows.iter().zip(tables).zip(&cell.of_factor) {
                each_present(rows, p, |row, p| *p += t.log_density[row + entry as usize]);
            }
        }
        vector::softmax(&mut self.probability.iter_mut().map(|p| &mut p[..]).collect::<Vec<_>>());
        self.probability.iter_mut().flatten().filter(|p| p.is_nan()).for_each(|p| *p = 0.0);
    }

    /// Scores of the parameters that matter in a cell.
    pub fn scores(&mut self, tables: &[&FactorTables], cell: &Cell, n_parameters: usize) {
        self.scores.clear();
        self.scores.resize(n_parameters * self.n, 0.0);
        for (k, (rows, t)) in self.rows.iter().zip(tables).enumerate() {
            let slots = t.derivatives.len() / t.log_density.len().max(1);
            for &(slot, place) in &cell.places[k] {
                let first = cell.of_factor[k] as usize * slots + slot as usize;
                let scores = &mut self.scores[place as usize * self.n..(place as usize + 1) * self.n];
                each_present(rows, scores, |row, s| *s += t.derivatives[row * slots + first]);
            }
        }
    }

    /// Adds probability × scores of cell `c`, whose parameters are given.
    pub fn add_to_mean(&mut self, c: usize, parameters: &[usize]) {
        for (&a, scores) in parameters.iter().zip(self.scores.chunks_exact(self.n)) {
            let mean = &mut self.mean[a * self.n..(a + 1) * self.n];
            vector::add_product(mean, 1.0, &self.probability[c], scores, false);
        }
    }

    /// √(weight × probability) × scores of cell `c`.
    pub fn weighted_scores(&mut self, c: usize) -> &[f64] {
        self.root.clear();
        self.root.extend(self.weight.iter().zip(&self.probability[c]).map(|(w, p)| (w * p).sqrt()));
        self.scores.chunks_exact_mut(self.n).for_each(|s| vector::multiply(s, &self.root));
        &self.scores
    }

    /// √weight × E(score).
    pub fn weighted_mean(&mut self) -> &[f64] {
        self.root.clear();
        self.root.extend(self.weight.iter().map(|w| w.sqrt()));
        self.mean.chunks_exact_mut(self.n).for_each(|s| vector::multiply(s, &self.root));
        &self.mean
    }

    /// Adds the posterior weights of cell `c` to the entries of factor `k`, which has its within cell there.
    pub fn add_weights(&mut self, c: usize, (k, within): (usize, u32), to: &mut [f64]) {
        let Self { rows, probability, weight, .. } = self;
        for ((&row, p), w) in rows[k].iter().zip(&probability[c]).zip(weight).filter(|((row, _), _)| **row != NONE) {
            to[(row + within) as usize] += *w * p;
        }
    }
}
