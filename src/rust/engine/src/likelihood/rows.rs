//! Outcomes and class logits: their tables, and the scores and information of their parameters, for blocks of data patterns
//! instead of one by one.
//!
//! A predictor is η_iq = Σ β_t x_it L_t(q) over terms t: x a covariate (or 1) of pattern i, L a product of latents (or 1)
//! at node q. All patterns of a run of designs share the values of their latents, so derivatives are first summed over
//! the patterns times covariates, and only then meet what depends on the node.

use std::ops::Range;

use super::accumulator::SlotSums;
use super::nodes::Nodes;
use super::predictor::{self, latents, Affine, Point, Workspace};
use super::table::{at, class_stride, design_runs, each_cell, set_view, Layout};
use crate::compiled::factor::{Axis, Factor, FactorKind, NONE};
pub use crate::family::block::Information;
use crate::family::block::{Values, WeightedScores};
use crate::spec::{Coefficient, Predictor};
use crate::vector;

/// Patterns × nodes in a block.
const BLOCK: usize = 2048;
/// Patterns in a block.
const MOST_PATTERNS: usize = 256;

pub fn applies(f: &Factor) -> bool {
    matches!(f.kind, FactorKind::Outcome(_) | FactorKind::Logits(_))
}

/// Neither nodes nor latents enter.
pub fn is_plain(f: &Factor) -> bool {
    applies(f) && f.axis == Axis::None && f.latents.is_empty()
}

/// One class cell of a run of designs: where it stands in the table, and what its predictors are made of.
struct Cell {
    within: usize,
    between: usize,
    terms: Vec<Term>,
    /// Distinct products of latents at the nodes, with derivatives; the first is 1.
    products: Vec<Affine>,
    auxiliary: Vec<f64>,
    entries: Vec<Entry>,
}

struct Term {
    predictor: usize,
    coefficient: f64,
    covariate: Option<usize>,
    product: usize,
}

/// A derivative: of predictor (or auxiliary parameter) `of` with respect to `slot`, `scale` × covariate × along the nodes.
struct Entry {
    slot: u32,
    of: usize,
    covariate: Option<usize>,
    scale: f64,
    along: Along,
}

/// What varies with the node.
#[derive(Clone, Copy)]
enum Along {
    One,
    /// Value of a product of latents.
    Value(usize),
    /// One of its derivatives.
    Derivative(usize, usize),
}

impl Cell {
    fn along(&self, a: Along) -> Option<&[f64]> {
        match a {
            Along::One => None,
            Along::Value(p) => Some(&self.products[p].value),
            Along::Derivative(p, e) => Some(self.products[p].derivative_of(e)),
        }
    }
}

/// Predictors and auxiliary coefficients of the factor.
fn parts<'a>(point: &'a Point, f: &Factor) -> (&'a [Predictor], &'a [Coefficient]) {
    let model = &point.program.model;
    match f.kind {
        FactorKind::Outcome(o) => (&model.outcomes[o].predictors, &model.outcomes[o].auxiliary),
        FactorKind::Logits(c) => (&model.classes[c].logits, &[]),
        _ => (&[], &[]),
    }
}

/// Cells of the factor; those of a class's own states are one. Latents are evaluated at the first design of the run.
fn cells(
    point: &Point,
    nodes: &Nodes,
    f: &Factor,
    run: &Range<usize>,
    derivatives: bool,
    w: &mut Workspace,
) -> Vec<Cell> {
    let (predictors, auxiliary) = parts(point, f);
    let own = if let FactorKind::Logits(c) = f.kind { Some(c) } else { None };
    let place = |column: usize| f.covariates.iter().position(|&c| c == column).unwrap_or(0);
    if is_plain(f) {
        w.view.n = 1;
    } else {
        set_view(point.program, nodes, f, run.start, w);
    }
    let mut out = vec![];
    each_cell(point.program, f, w, |w, within, between| {
        if own.is_some_and(|c| w.state[c] != 0) {
            return true;
        }
        if !f.latents.is_empty() {
            latents(point, &f.latents, &at(f, run.start, derivatives), w);
        }
        let slot = |c: &Coefficient| c.parameter(&w.state).map_or(NONE, |p| f.slot_of[p]);
        let mut of_product: Vec<&[usize]> = vec![&[]];
        let mut cell = Cell { within, between, terms: vec![], products: vec![], auxiliary: vec![], entries: vec![] };
        for (of, p) in predictors.iter().enumerate() {
            for t in &p.terms {
                let product = of_product.iter().position(|l| *l == &t.latents[..]).unwrap_or_else(|| {
                    of_product.push(&t.latents);
                    of_product.len() - 1
                });
                let coefficient = t.coefficient.value(&w.state, point.parameters);
                let covariate = t.covariate.map(place);
                cell.terms.push(Term { predictor: of, coefficient, covariate, product });
                let along = if product == 0 { Along::One } else { Along::Value(product) };
                cell.entries.push(Entry { slot: slot(&t.coefficient), of, covariate, scale: 1.0, along });
            }
        }
        cell.products = of_product.iter().map(|l| product(l, &w.latents, w.view.n, derivatives)).collect();
        for t in &cell.terms {
            for (e, &slot) in cell.products[t.product].slots.iter().enumerate() {
                let along = Along::Derivative(t.product, e);
                let (of, covariate, scale) = (t.predictor, t.covariate, t.coefficient);
                cell.entries.push(Entry { slot, of, covariate, scale, along });
            }
        }
        for (k, a) in auxiliary.iter().enumerate() {
            cell.auxiliary.push(a.value(&w.state, point.parameters));
            let of = predictors.len() + k;
            cell.entries.push(Entry { slot: slot(a), of, covariate: None, scale: 1.0, along: Along::One });
        }
        cell.entries.retain(|e| e.slot != NONE);
        out.push(cell);
        true
    });
    out
}

/// Product of at most two latents at the nodes; none: 1.
fn product(which: &[usize], latents: &[Affine], n: usize, derivatives: bool) -> Affine {
    match *which {
        [] => Affine::default(),
        [l] => latents[l].clone(),
        [a, b, ..] => {
            let (f, g) = (&latents[a], &latents[b]);
            let mut out = Affine::default();
            out.reset(n, 1);
            predictor::multiply(&mut out.value, n, &f.value, &g.value);
            if derivatives {
                for (f, g) in [(f, g), (g, f)] {
                    for (e, &slot) in f.slots.iter().enumerate() {
                        let start = out.entry(slot);
                        let to = &mut out.derivative[start..start + n];
                        let both = f.derivative_of(e).iter().zip(&g.value);
                        to.iter_mut().zip(both).for_each(|(o, (d, g))| *o += d * g);
                    }
                }
            }
            out
        }
    }
}

/// [within cell] the slots whose derivative need not be zero there, for a plain factor.
pub fn slots_of_cells(point: &Point, nodes: &Nodes, f: &Factor) -> Vec<Vec<u32>> {
    let mut out = vec![vec![]; f.n_within];
    if !is_plain(f) {
        return out;
    }
    let (stride, states) = match f.kind {
        FactorKind::Logits(c) => (class_stride(point.program, f, c).0, point.program.model.classes[c].n_classes),
        _ => (0, 1),
    };
    for cell in cells(point, nodes, f, &(0..0), false, &mut Workspace::default()) {
        let mut slots: Vec<u32> = cell.entries.iter().map(|e| e.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        (0..states).for_each(|state| out[cell.within + state * stride].clone_from(&slots));
    }
    out
}

/// A block of value patterns: covariates by pattern, all else by [pattern × node].
#[derive(Default)]
struct Block {
    n_patterns: usize,
    n_nodes: usize,
    /// [covariate][pattern]
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    trials: Vec<f64>,
    /// [predictor]
    eta: Vec<Vec<f64>>,
}

impl Block {
    fn len(&self) -> usize {
        self.n_patterns * self.n_nodes
    }

    /// Reads value patterns `values` of the factor.
    fn read(&mut self, point: &Point, f: &Factor, values: Range<usize>, n_nodes: usize) {
        let columns = &point.program.sample.columns;
        let rows = &f.patterns.row[values];
        (self.n_patterns, self.n_nodes) = (rows.len(), n_nodes);
        self.x.resize(f.covariates.len(), vec![]);
        for (x, &column) in self.x.iter_mut().zip(&f.covariates) {
            x.clear();
            x.extend(rows.iter().map(|&r| columns[column][r as usize]));
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

    fn predict(&mut self, cell: &Cell, n_predictors: usize) {
        let (n, len) = (self.n_nodes, self.len());
        self.eta.resize(n_predictors, vec![]);
        for (a, eta) in self.eta.iter_mut().enumerate() {
            eta.clear();
            eta.resize(len, 0.0);
            for t in cell.terms.iter().filter(|t| t.predictor == a) {
                let b = t.coefficient;
                let along = (t.product > 0).then(|| &cell.products[t.product].value[..]);
                match (along, t.covariate) {
                    (None, None) => eta.iter_mut().for_each(|e| *e += b),
                    (None, Some(c)) if n == 1 => eta.iter_mut().zip(&self.x[c]).for_each(|(e, x)| *e += b * x),
                    (None, Some(c)) => {
                        for (eta, x) in eta.chunks_exact_mut(n).zip(&self.x[c]) {
                            eta.iter_mut().for_each(|e| *e += b * x);
                        }
                    }
                    (Some(z), c) => {
                        for (i, eta) in eta.chunks_exact_mut(n).enumerate() {
                            let b = b * c.map_or(1.0, |c| self.x[c][i]);
                            eta.iter_mut().zip(z).for_each(|(e, z)| *e += b * z);
                        }
                    }
                }
            }
        }
    }

    /// log P(class = k), [K][pattern × node], in place of the logits; the last class has logit 0.
    fn log_softmax(&mut self) {
        self.eta.push(vec![0.0; self.len()]);
        vector::log_softmax(&mut self.eta.iter_mut().map(|e| &mut e[..]).collect::<Vec<_>>());
    }

    /// Adds Σ_patterns weight × covariates to `to` [node].
    fn add_moments(&self, weight: &[f64], x: Option<usize>, other: Option<usize>, to: &mut [f64]) {
        let columns: Vec<&[f64]> = x.iter().chain(&other).map(|&c| &self.x[c][..]).collect();
        if self.n_nodes == 1 {
            to[0] += match columns[..] {
                [] => vector::sum(weight),
                [x] => vector::dot(weight, x),
                [x, y, ..] => vector::dot3(weight, x, y),
            };
            return;
        }
        for (i, weight) in weight.chunks_exact(self.n_nodes).enumerate() {
            let x: f64 = columns.iter().map(|x| x[i]).product();
            if x == 1.0 {
                to.iter_mut().zip(weight).for_each(|(t, w)| *t += w);
            } else if x != 0.0 {
                to.iter_mut().zip(weight).for_each(|(t, w)| *t += x * w);
            }
        }
    }
}

/// Distance between a class's states in a table.
fn stride(point: &Point, f: &Factor, layout: &Layout) -> usize {
    let FactorKind::Logits(c) = f.kind else { return 0 };
    let (within, between) = class_stride(point.program, f, c);
    within * layout.n_inner + between * layout.n_nodes
}

/// Runs of designs whose latents and nodes are the same.
fn runs<'a>(point: &'a Point, f: &'a Factor, designs: (usize, usize)) -> Box<dyn Iterator<Item = Range<usize>> + 'a> {
    if is_plain(f) {
        Box::new(std::iter::once(designs.0..designs.1))
    } else {
        Box::new(design_runs(point.program, f, designs))
    }
}

fn blocks(f: &Factor, run: &Range<usize>, n_nodes: usize) -> impl Iterator<Item = Range<usize>> {
    let (first, last) = f.patterns.values_of((run.start, run.end));
    let size = (BLOCK / n_nodes).clamp(1, MOST_PATTERNS);
    (first..last).step_by(size).map(move |v| v..(v + size).min(last))
}

/// Copies [pattern × node] numbers into rows of a table, or out of them.
fn write(table: &mut [f64], start: usize, row: usize, n: usize, from: &[f64]) {
    if n == 1 {
        table[start..].iter_mut().step_by(row).zip(from).for_each(|(t, v)| *t = *v);
        return;
    }
    for (i, from) in from.chunks_exact(n).enumerate() {
        table[start + i * row..start + i * row + n].copy_from_slice(from);
    }
}

fn read(table: &[f64], start: usize, row: usize, n: usize, to: &mut [f64]) {
    if n == 1 {
        to.iter_mut().zip(table[start..].iter().step_by(row)).for_each(|(t, v)| *t = *v);
        return;
    }
    for (i, to) in to.chunks_exact_mut(n).enumerate() {
        to.copy_from_slice(&table[start + i * row..start + i * row + n]);
    }
}

/// As `table::fill`.
pub fn fill(
    point: &Point,
    nodes: &Nodes,
    f: &Factor,
    designs: (usize, usize),
    table: &mut [f64],
    w: &mut Workspace,
) -> bool {
    let layout = Layout::new(f);
    let n = layout.n_nodes;
    let first = f.patterns.values_of(designs).0;
    let (row, stride) = (layout.row(), stride(point, f, &layout));
    let n_predictors = parts(point, f).0.len();
    let mut block = Block::default();
    let mut out = vec![];
    for run in runs(point, f, designs) {
        let cells = cells(point, nodes, f, &run, false, w);
        for values in blocks(f, &run, n) {
            block.read(point, f, values.clone(), n);
            for cell in &cells {
                block.predict(cell, n_predictors);
                let start = layout.start(values.start - first, cell.within, cell.between);
                if let FactorKind::Outcome(o) = f.kind {
                    let family = &point.program.model.outcomes[o].family;
                    if !family.valid_auxiliary(&cell.auxiliary) {
                        return false;
                    }
                    out.resize(block.len(), 0.0);
                    let eta: Vec<&[f64]> = block.eta.iter().map(|e| &e[..]).collect();
                    let v = Values { y: &block.y, trials: &block.trials, eta: &eta, aux: &cell.auxiliary };
                    family.log_densities(v, &mut out);
                    write(table, start, row, n, &out);
                } else {
                    block.log_softmax();
                    block.eta.iter().enumerate().for_each(|(k, p)| write(table, start + k * stride, row, n, p));
                }
            }
        }
    }
    true
}

/// As `table::contract`, with either information.
#[allow(clippy::too_many_arguments)]
pub fn contract(
    point: &Point,
    nodes: &Nodes,
    f: &Factor,
    designs: (usize, usize),
    weights: &[f64],
    which: Information,
    w: &mut Workspace,
    sums: &mut SlotSums,
) {
    let layout = Layout::new(f);
    let n = layout.n_nodes;
    let first = f.patterns.values_of(designs).0;
    let (row, stride) = (layout.row(), stride(point, f, &layout));
    let n_predictors = parts(point, f).0.len();
    let mut block = Block::default();
    let mut share: Vec<Vec<f64>> = vec![];
    for run in runs(point, f, designs) {
        let cells = cells(point, nodes, f, &run, true, w);
        let mut sums_of_cells: Vec<NodeSums> =
            cells.iter().map(|c| NodeSums::new(c, n, sums.want_information)).collect();
        for values in blocks(f, &run, n) {
            block.read(point, f, values.clone(), n);
            for (cell, node_sums) in cells.iter().zip(&mut sums_of_cells) {
                block.predict(cell, n_predictors);
                let start = layout.start(values.start - first, cell.within, cell.between);
                w.scores.reset(block.len(), n_predictors + cell.auxiliary.len(), sums.want_information);
                if let FactorKind::Outcome(o) = f.kind {
                    share.resize(1, vec![]);
                    share[0].resize(block.len(), 0.0);
                    read(weights, start, row, n, &mut share[0]);
                    let eta: Vec<&[f64]> = block.eta.iter().map(|e| &e[..]).collect();
                    let v = Values { y: &block.y, trials: &block.trials, eta: &eta, aux: &cell.auxiliary };
                    point.program.model.outcomes[o].family.add_weighted_scores(v, &share[0], which, &mut w.scores);
                } else {
                    block.log_softmax();
                    share.resize(block.eta.len(), vec![]);
                    for (k, share) in share.iter_mut().enumerate() {
                        share.resize(block.len(), 0.0);
                        read(weights, start + k * stride, row, n, share);
                    }
                    add_logit_scores(&mut block.eta, &share, &mut w.scores);
                }
                node_sums.add(&block, &w.scores);
            }
        }
        cells.iter().zip(&sums_of_cells).for_each(|(cell, node_sums)| node_sums.add_to(cell, sums));
    }
}

/// Scores w_k − w p_k and information w (diag p − p pᵀ) of the logits; `log_p` becomes p.
fn add_logit_scores(log_p: &mut [Vec<f64>], weights: &[Vec<f64>], out: &mut WeightedScores) {
    let (n, m) = (out.n, out.m);
    let mut total = vec![0.0; n];
    weights.iter().for_each(|w| vector::add(&mut total, w));
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

/// Scores and information of one cell, times covariates and summed over patterns.
struct NodeSums {
    n: usize,
    /// Distinct (predictor or auxiliary parameter, covariate) of the entries.
    columns: Vec<(usize, Option<usize>)>,
    /// [column × node]
    score: Vec<f64>,
    /// [pair of columns × node], pairs (k, l ≤ k) at k (k + 1) / 2 + l; empty where not wanted
    information: Vec<f64>,
}

impl NodeSums {
    fn new(cell: &Cell, n: usize, information: bool) -> NodeSums {
        let mut columns: Vec<(usize, Option<usize>)> = vec![];
        for e in &cell.entries {
            if !columns.contains(&(e.of, e.covariate)) {
                columns.push((e.of, e.covariate));
            }
        }
        let m = columns.len();
        let pairs = if information { m * (m + 1) / 2 } else { 0 };
        NodeSums { n, columns, score: vec![0.0; m * n], information: vec![0.0; pairs * n] }
    }

    fn add(&mut self, block: &Block, scores: &WeightedScores) {
        let (n, len, m) = (self.n, scores.n, scores.m);
        for (k, &(a, x)) in self.columns.iter().enumerate() {
            let to = &mut self.score[k * n..(k + 1) * n];
            block.add_moments(&scores.score[a * len..(a + 1) * len], x, None, to);
        }
        if self.information.is_empty() {
            return;
        }
        let pairs = (0..self.columns.len()).flat_map(|k| (0..=k).map(move |l| (k, l)));
        for ((k, l), to) in pairs.zip(self.information.chunks_exact_mut(n)) {
            let ((a, x), (b, y)) = (self.columns[k], self.columns[l]);
            block.add_moments(&scores.information[(a * m + b) * len..(a * m + b + 1) * len], x, y, to);
        }
    }

    fn add_to(&self, cell: &Cell, sums: &mut SlotSums) {
        let n = self.n;
        let column = |e: &Entry| self.columns.iter().position(|c| *c == (e.of, e.covariate)).unwrap_or(0);
        let entries: Vec<(&Entry, usize, Option<&[f64]>)> =
            cell.entries.iter().map(|e| (e, column(e), cell.along(e.along))).collect();
        for (i, &(e, k, d)) in entries.iter().enumerate() {
            let score = &self.score[k * n..(k + 1) * n];
            sums.gradient[e.slot as usize] += e.scale * d.map_or_else(|| vector::sum(score), |d| vector::dot(score, d));
            if !sums.want_information {
                continue;
            }
            for (j, &(other, l, c)) in entries[..=i].iter().enumerate() {
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
        }
    }
}
