//! Weighted sums of products of features, Σ_u ω_u x_u x_uᵀ for many weights at a time, and what they say of scores.

use std::ops::Range;

use rayon::prelude::*;

use super::pair_sums::Parts;
use super::states::{pair, Features};
use crate::compiled::factor::NONE;
use crate::linalg::{add_product, matmul};
use crate::vector;

/// [pair of features][column], a column for each weight that a unit has.
pub(super) struct Products {
    n_columns: usize,
    sums: Vec<f64>,
    /// Of the unit that comes next: features, rows, weights.
    shown: Vec<usize>,
    rows: Vec<u32>,
    padded: Vec<f64>,
}

impl Products {
    pub fn new(features: &Features, n_columns: usize) -> Products {
        let padded = vec![0.0; n_columns.next_multiple_of(vector::WIDTH)];
        let sums = vec![0.0; features.n_pairs() * padded.len()];
        Products { n_columns, sums, shown: vec![], rows: vec![], padded }
    }

    /// Adds the unit (or pattern) `i` with its weights, one per column.
    pub fn add(&mut self, parts: &Parts, i: usize, weights: &[f64]) {
        self.shown.clear();
        self.shown.push(0);
        for (of_value, values) in parts.features.of_value.iter().zip(&parts.values) {
            let feature = if values[i] == NONE { NONE } else { of_value[values[i] as usize] };
            self.shown.extend((feature != NONE).then_some(feature as usize));
        }
        self.rows.clear();
        for (place, &a) in self.shown.iter().enumerate() {
            self.rows.extend(self.shown[..=place].iter().map(|&b| pair(a, b) as u32));
        }
        self.padded[..self.n_columns].copy_from_slice(weights);
        vector::add_to_rows(&self.padded, &self.rows, &mut self.sums);
    }

    pub fn merge(&mut self, other: &Products) {
        vector::add(&mut self.sums, &other.sums);
    }

    pub fn get(&self, a: usize, b: usize, column: usize) -> f64 {
        self.sums[pair(a, b) * self.padded.len() + column]
    }
}

/// Scores in one state, linear in features: D, [parameter that matters × feature].
struct Linear {
    parameters: Vec<usize>,
    scores: Vec<f64>,
}

impl Linear {
    fn new(parts: &Parts, e: usize) -> Linear {
        let (n, n_features) = (parts.point.parameters.len(), parts.features.n);
        let mut all = vec![0.0; n * n_features];
        for (k, f) in parts.point.program.factors.iter().enumerate() {
            let of_value = &parts.features.of_value[k];
            // the value that the others are compared with, if it is not that of missing ones
            let compared = of_value.first() == Some(&NONE);
            for (v, &feature) in of_value.iter().enumerate() {
                let feature = if feature == NONE { 0 } else { feature as usize };
                for (s, &p) in f.parameters.iter().enumerate() {
                    let base = if compared && feature > 0 { parts.derivatives(k, 0, e)[s] } else { 0.0 };
                    all[feature * n + p] += parts.derivatives(k, v, e)[s] - base;
                }
            }
        }
        let parameters: Vec<usize> = (0..n).filter(|&p| all.iter().skip(p).step_by(n).any(|s| *s != 0.0)).collect();
        let scores = all.chunks_exact(n).flat_map(|of_feature| parameters.iter().map(|&p| of_feature[p])).collect();
        Linear { parameters, scores }
    }
}

/// Σ D_eᵀ (Σ ω x xᵀ) D_f over the columns (e, f) of the products from `first` on; where e ≠ f, with its transpose.
pub(super) fn squares(parts: &Parts, products: &Products, first: usize, columns: &[(usize, usize)]) -> Vec<f64> {
    let (n, n_features) = (parts.point.parameters.len(), parts.features.n);
    let linear: Vec<Linear> = (0..parts.states.n()).into_par_iter().map(|e| Linear::new(parts, e)).collect();
    let of_lane = |range: Range<usize>| {
        let mut out = vec![0.0; n * n];
        let mut full = vec![0.0; n_features * n_features];
        let (mut half, mut block) = (vec![], vec![]);
        for column in range {
            let (left, right) = (&linear[columns[column].0], &linear[columns[column].1]);
            let (rows, width) = (left.parameters.len(), right.parameters.len());
            for a in 0..n_features {
                (0..n_features).for_each(|b| full[a * n_features + b] = products.get(a, b, first + column));
            }
            half.clear();
            half.resize(rows * n_features, 0.0);
            block.clear();
            block.resize(rows * width, 0.0);
            // [parameters × features] times [features × features], times its transpose given row by row
            matmul(&left.scores, &full, (rows, n_features, n_features), &mut half);
            add_product(&half, &right.scores, (rows, n_features, width), &mut block);
            for (j, &q) in right.parameters.iter().enumerate() {
                for (i, &p) in left.parameters.iter().enumerate() {
                    out[q * n + p] += block[j * rows + i];
                    if columns[column].0 != columns[column].1 {
                        out[p * n + q] += block[j * rows + i];
                    }
                }
            }
        }
        out
    };
    let of_lanes: Vec<Vec<f64>> = lanes(columns.len()).into_par_iter().map(of_lane).collect();
    let mut out = vec![0.0; n * n];
    of_lanes.iter().for_each(|s| vector::add(&mut out, s));
    out
}

const LANES: usize = 16;

/// Parts of 0..n that are worked on side by side; they do not depend on the number of threads.
pub(super) fn lanes(n: usize) -> Vec<Range<usize>> {
    let lanes = n.min(LANES);
    (0..lanes).map(|k| k * n / lanes..(k + 1) * n / lanes).collect()
}
