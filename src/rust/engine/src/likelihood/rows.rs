//! Factors that no node or latent variable enters: one number per data pattern and class cell, worked through in blocks of
//! patterns instead of one by one.
//!
//! A predictor is η = c + Σ β x over covariate columns; scores and information of β are Σ g x and Σ h x xᵀ over the block.

use super::accumulator::SlotSums;
use super::predictor::Point;
use super::table::Layout;
use crate::compiled::factor::{Axis, Factor, FactorKind, NONE};
pub use crate::family::block::Information;
use crate::family::block::{Values, WeightedScores};
use crate::spec::{Coefficient, Predictor};
use crate::vector;

/// Patterns in a block.
const BLOCK: usize = 256;

pub fn applies(f: &Factor) -> bool {
    f.axis == Axis::None && f.latents.is_empty() && matches!(f.kind, FactorKind::Outcome(_) | FactorKind::Logits(_))
}

/// One class cell: where it stands in the table, and its predictors.
struct Cell {
    within: usize,
    between: usize,
    predictors: Vec<Sum>,
    auxiliary: Vec<f64>,
    /// Slots with what multiplies the derivative in predictor (or auxiliary) `of`: a covariate of the block, or 1.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    slot: u32,
    of: usize,
    covariate: Option<usize>,
}

/// c + Σ β x, x by its place among the factor's covariates.
struct Sum {
    constant: f64,
    terms: Vec<(f64, usize)>,
}

/// A block of value patterns: their covariates, outcomes and trials.
#[derive(Default)]
struct Block {
    /// [covariate][pattern]
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    trials: Vec<f64>,
    /// [predictor][pattern]
    eta: Vec<Vec<f64>>,
}

/// Predictors and auxiliary coefficients of the factor, and the state that its cells leave out (a class's own logits).
fn parts<'a>(point: &'a Point, f: &Factor) -> (&'a [Predictor], &'a [Coefficient], Option<usize>) {
    let model = &point.program.model;
    match f.kind {
        FactorKind::Outcome(o) => (&model.outcomes[o].predictors, &model.outcomes[o].auxiliary, None),
        FactorKind::Logits(c) => (&model.classes[c].logits, &[], Some(c)),
        _ => (&[], &[], None),
    }
}

fn cells(point: &Point, f: &Factor) -> Vec<Cell> {
    let model = &point.program.model;
    let (predictors, auxiliary, own) = parts(point, f);
    let mut state = vec![0; model.classes.len()];
    let mut out = vec![];
    let place = |column: usize| f.covariates.iter().position(|&c| c == column).unwrap_or(0);
    for between in 0..f.n_between {
        model.set_states(&f.between, between, &mut state);
        for within in 0..f.n_within {
            model.set_states(&f.within, within, &mut state);
            if own.is_some_and(|c| state[c] != 0) {
                continue;
            }
            let slot = |c: &Coefficient| c.parameter(&state).map_or(NONE, |p| f.slot_of[p]);
            let mut cell = Cell { within, between, predictors: vec![], auxiliary: vec![], entries: vec![] };
            for (of, p) in predictors.iter().enumerate() {
                let mut sum = Sum { constant: 0.0, terms: vec![] };
                for t in &p.terms {
                    let value = t.coefficient.value(&state, point.parameters);
                    let covariate = t.covariate.map(place);
                    match covariate {
                        None => sum.constant += value,
                        Some(x) => sum.terms.push((value, x)),
                    }
                    cell.entries.push(Entry { slot: slot(&t.coefficient), of, covariate });
                }
                cell.predictors.push(sum);
            }
            for (k, a) in auxiliary.iter().enumerate() {
                cell.auxiliary.push(a.value(&state, point.parameters));
                cell.entries.push(Entry { slot: slot(a), of: predictors.len() + k, covariate: None });
            }
            cell.entries.retain(|e| e.slot != NONE);
            out.push(cell);
        }
    }
    out
}

/// [within cell] the slots whose derivative need not be zero there.
pub fn slots_of_cells(point: &Point, f: &Factor) -> Vec<Vec<u32>> {
    let mut out = vec![vec![]; f.n_within];
    if !applies(f) {
        return out;
    }
    let (stride, states) = match f.kind {
        FactorKind::Logits(c) => {
            (super::table::class_stride(point.program, f, c).0, point.program.model.classes[c].n_classes)
        }
        _ => (0, 1),
    };
    for cell in cells(point, f) {
        let mut slots: Vec<u32> = cell.entries.iter().map(|e| e.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        (0..states).for_each(|state| out[cell.within + state * stride].clone_from(&slots));
    }
    out
}

impl Block {
    /// Reads value patterns `values` of the factor.
    fn read(&mut self, point: &Point, f: &Factor, values: std::ops::Range<usize>) {
        let columns = &point.program.sample.columns;
        let rows = &f.patterns.row[values];
        let gather = |to: &mut Vec<f64>, column: usize| {
            to.clear();
            to.extend(rows.iter().map(|&r| columns[column][r as usize]));
        };
        self.x.resize(f.covariates.len(), vec![]);
        self.x.iter_mut().zip(&f.covariates).for_each(|(x, &c)| gather(x, c));
        if let FactorKind::Outcome(o) = f.kind {
            let outcome = &point.program.model.outcomes[o];
            gather(&mut self.y, outcome.column);
            match outcome.trials {
                Some(t) => gather(&mut self.trials, t),
                None => self.trials.resize(rows.len(), 1.0),
            }
            self.trials.truncate(rows.len());
        }
    }

    fn predict(&mut self, cell: &Cell, n: usize) {
        self.eta.resize(cell.predictors.len(), vec![]);
        for (eta, sum) in self.eta.iter_mut().zip(&cell.predictors) {
            eta.clear();
            eta.resize(n, sum.constant);
            for &(b, x) in &sum.terms {
                eta.iter_mut().zip(&self.x[x]).for_each(|(e, x)| *e += b * x);
            }
        }
    }

    /// log P(class = k) of every pattern, [K][pattern], in place of the logits; the last class has logit 0.
    fn log_softmax(&mut self, n: usize) {
        self.eta.push(vec![0.0; n]);
        vector::log_softmax(&mut self.eta.iter_mut().map(|e| &mut e[..]).collect::<Vec<_>>());
    }
}

/// Distance between a class's states in a table.
fn stride(point: &Point, f: &Factor, layout: &Layout) -> usize {
    let FactorKind::Logits(c) = f.kind else { return 0 };
    let (within, between) = super::table::class_stride(point.program, f, c);
    within * layout.n_inner + between * layout.n_nodes
}

fn blocks(f: &Factor, designs: (usize, usize)) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (first, last) = f.patterns.values_of(designs);
    (first..last).step_by(BLOCK).map(move |v| v..(v + BLOCK).min(last))
}

/// As `table::fill`.
pub fn fill(point: &Point, f: &Factor, designs: (usize, usize), table: &mut [f64]) -> bool {
    let layout = Layout::new(f);
    let cells = cells(point, f);
    let first = f.patterns.values_of(designs).0;
    let (row, stride) = (layout.row(), stride(point, f, &layout));
    let mut block = Block::default();
    let mut out = vec![];
    for values in blocks(f, designs) {
        let n = values.len();
        block.read(point, f, values.clone());
        for cell in &cells {
            block.predict(cell, n);
            let start = layout.start(values.start - first, cell.within, cell.between);
            let mut write = |from: &[f64], start: usize| {
                table[start..].iter_mut().step_by(row).zip(from).for_each(|(t, v)| *t = *v);
            };
            if let FactorKind::Outcome(o) = f.kind {
                let family = &point.program.model.outcomes[o].family;
                if !family.valid_auxiliary(&cell.auxiliary) {
                    return false;
                }
                out.resize(n, 0.0);
                let eta: Vec<&[f64]> = block.eta.iter().map(|e| &e[..]).collect();
                let v = Values { y: &block.y, trials: &block.trials, eta: &eta, aux: &cell.auxiliary };
                family.log_densities(v, &mut out);
                write(&out, start);
            } else {
                block.log_softmax(n);
                block.eta.iter().enumerate().for_each(|(k, log_p)| write(log_p, start + k * stride));
            }
        }
    }
    true
}

/// As `table::contract`, with either information.
pub fn contract(
    point: &Point,
    f: &Factor,
    designs: (usize, usize),
    weights: &[f64],
    which: Information,
    sums: &mut SlotSums,
) {
    let layout = Layout::new(f);
    let cells = cells(point, f);
    let first = f.patterns.values_of(designs).0;
    let (row, stride) = (layout.row(), stride(point, f, &layout));
    let mut block = Block::default();
    let mut scores = WeightedScores::default();
    let mut share: Vec<Vec<f64>> = vec![];
    for values in blocks(f, designs) {
        let n = values.len();
        block.read(point, f, values.clone());
        for cell in &cells {
            block.predict(cell, n);
            let start = layout.start(values.start - first, cell.within, cell.between);
            let read = |to: &mut Vec<f64>, start: usize| {
                to.clear();
                to.extend(weights[start..].iter().step_by(row).take(n));
            };
            scores.reset(n, cell.predictors.len() + cell.auxiliary.len(), sums.want_information);
            if let FactorKind::Outcome(o) = f.kind {
                share.resize(1, vec![]);
                read(&mut share[0], start);
                let eta: Vec<&[f64]> = block.eta.iter().map(|e| &e[..]).collect();
                let v = Values { y: &block.y, trials: &block.trials, eta: &eta, aux: &cell.auxiliary };
                point.program.model.outcomes[o].family.add_weighted_scores(v, &share[0], which, &mut scores);
            } else {
                block.log_softmax(n);
                share.resize(block.eta.len(), vec![]);
                share.iter_mut().enumerate().for_each(|(k, s)| read(s, start + k * stride));
                add_logit_scores(&mut block.eta, &share, &mut scores);
            }
            add_entries(&cell.entries, &block.x, &scores, sums);
        }
    }
}

/// Scores w_k − w p_k and information w (diag p − p pᵀ) of the logits; `log_p` becomes p.
fn add_logit_scores(log_p: &mut [Vec<f64>], weights: &[Vec<f64>], out: &mut WeightedScores) {
    let (n, m) = (out.n, out.m);
    let mut total = vec![0.0; n];
    weights.iter().for_each(|w| total.iter_mut().zip(w).for_each(|(t, w)| *t += w));
    log_p.iter_mut().for_each(|p| vector::exp_in_place(p));
    for a in 0..m {
        for i in 0..n {
            out.score[a * n + i] = weights[a][i] - total[i] * log_p[a][i];
        }
        if out.information.is_empty() {
            continue;
        }
        for b in 0..m {
            for i in 0..n {
                let same = if a == b { log_p[a][i] } else { 0.0 };
                out.information[(a * m + b) * n + i] = total[i] * (same - log_p[a][i] * log_p[b][i]);
            }
        }
    }
}

/// Σ over the block of score × covariate, and of information × both covariates.
fn add_entries(entries: &[Entry], x: &[Vec<f64>], scores: &WeightedScores, sums: &mut SlotSums) {
    let (n, m) = (scores.n, scores.m);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut product = vec![0.0; n];
    for (i, e) in entries.iter().enumerate() {
        let g = &scores.score[e.of * n..(e.of + 1) * n];
        sums.gradient[e.slot as usize] += match e.covariate {
            None => g.iter().sum(),
            Some(c) => dot(g, &x[c]),
        };
        if !sums.want_information {
            continue;
        }
        for (j, d) in entries[..=i].iter().enumerate() {
            let h = &scores.information[(e.of * m + d.of) * n..(e.of * m + d.of + 1) * n];
            let v = match (e.covariate, d.covariate) {
                (None, None) => h.iter().sum(),
                (Some(c), None) | (None, Some(c)) => dot(h, &x[c]),
                (Some(a), Some(b)) => {
                    product.iter_mut().zip(h).zip(&x[a]).for_each(|((p, h), x)| *p = h * x);
                    dot(&product, &x[b])
                }
            };
            // two entries of one slot: both orders count
            let both = if e.slot == d.slot && i != j { 2.0 } else { 1.0 };
            sums.add_information(e.slot as usize, d.slot as usize, both * v);
        }
    }
}
