//! Outcomes and class logits: their tables, and the scores and information of their parameters, for blocks of data patterns
//! instead of one by one.
//!
//! A predictor is η_iq = Σ β_t x_it L_t(q) over terms t: x a covariate (or 1) of pattern i, L a product of latents (or 1)
//! at node q. All patterns of a run of designs share the values of their latents, so derivatives are first summed over
//! the patterns times covariates, and only then meet what depends on the node.

use std::ops::Range;

use super::accumulator::SlotSums;
use super::design_cells::{cells as set_cells, parts, Cells};
use super::pattern_block::{Block, Entries, NodeSums};
use super::predictor::{Point, Workspace};
use super::table::{class_stride, design_runs, Layout, Task};
use crate::compiled::factor::{Axis, Factor, FactorKind};
pub use crate::family::block::Information;
use crate::family::block::WeightedScores;
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

/// Distance between a class's states in a table.
fn stride(point: &Point, f: &Factor, layout: &Layout) -> usize {
    let FactorKind::Logits(c) = f.kind else { return 0 };
    let (within, between) = class_stride(point.program, f, c);
    within * layout.n_inner + between * layout.n_nodes
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

/// What is kept from factor to factor, so that small tables cost no allocation.
#[derive(Default)]
pub struct Buffers {
    block: Block,
    cells: Cells,
    /// [cell]
    sums: Vec<NodeSums>,
    densities: Vec<f64>,
    /// Weights by predictor.
    share: Vec<Vec<f64>>,
}

/// As `table::fill`; `p`: class probabilities too, laid out as the table.
pub fn fill(task: Task, table: &mut [f64], p: Option<&mut [f64]>, w: &mut Workspace) -> bool {
    let mut buffers = std::mem::take(&mut w.rows);
    let admissible = fill_with(task, table, p, w, &mut buffers);
    w.rows = buffers;
    admissible
}

fn fill_with(
    task: Task,
    table: &mut [f64],
    mut p: Option<&mut [f64]>,
    w: &mut Workspace,
    buffers: &mut Buffers,
) -> bool {
    let Task { point, nodes, f, designs } = task;
    let Buffers { block, cells, densities, .. } = buffers;
    let layout = Layout::new(f);
    let n = layout.n_nodes;
    let first = f.patterns.values_of(designs).0;
    let (row, stride) = (layout.row(), stride(point, f, &layout));
    let n_predictors = parts(point, f).0.len();
    for run in design_runs(point.program, f, designs) {
        set_cells(point, nodes, f, &run, false, w, cells);
        for values in blocks(f, &run, n) {
            block.read(point, f, values.clone(), n);
            for cell in cells.iter() {
                block.predict(cell, n_predictors);
                let start = layout.start(values.start - first, cell.within, cell.between);
                if let FactorKind::Outcome(o) = f.kind {
                    let family = &point.program.model.outcomes[o].family;
                    if !family.valid_auxiliary(&cell.auxiliary) {
                        return false;
                    }
                    if row == n {
                        let to = &mut table[start..start + block.len()];
                        block.values(&cell.auxiliary, |v| family.log_densities(v, to));
                    } else {
                        densities.resize(block.len(), 0.0);
                        block.values(&cell.auxiliary, |v| family.log_densities(v, densities));
                        write(table, start, row, n, densities);
                    }
                } else {
                    block.log_softmax();
                    let at = |k| start + k * stride;
                    block.eta.iter().enumerate().for_each(|(k, log)| write(table, at(k), row, n, log));
                    if let Some(p) = &mut p {
                        block.p.iter().enumerate().for_each(|(k, of_class)| write(p, at(k), row, n, of_class));
                    }
                }
            }
        }
    }
    true
}

/// As `table::contract`, with either information; `p`: class probabilities where `fill` has worked them out.
pub fn contract(
    task: Task,
    weights: &[f64],
    p: Option<&[f64]>,
    which: Information,
    w: &mut Workspace,
    sums: &mut SlotSums,
) {
    let mut buffers = std::mem::take(&mut w.rows);
    contract_with(task, (weights, p), which, w, &mut buffers, sums);
    w.rows = buffers;
}

fn contract_with(
    task: Task,
    (weights, p): (&[f64], Option<&[f64]>),
    which: Information,
    w: &mut Workspace,
    buffers: &mut Buffers,
    sums: &mut SlotSums,
) {
    let Task { point, nodes, f, designs } = task;
    let Buffers { block, cells, sums: sums_of_cells, share, .. } = buffers;
    let layout = Layout::new(f);
    let n = layout.n_nodes;
    let first = f.patterns.values_of(designs).0;
    let (row, stride) = (layout.row(), stride(point, f, &layout));
    let n_predictors = parts(point, f).0.len();
    let curved = which == Information::Observed;
    for run in design_runs(point.program, f, designs) {
        set_cells(point, nodes, f, &run, true, w, cells);
        if sums_of_cells.len() < cells.iter().len() {
            sums_of_cells.resize_with(cells.iter().len(), NodeSums::default);
        }
        cells.iter().zip(&mut *sums_of_cells).for_each(|(c, s)| s.reset(c, n, sums.want_information));
        for values in blocks(f, &run, n) {
            block.read(point, f, values.clone(), n);
            for (cell, node_sums) in cells.iter().zip(&mut *sums_of_cells) {
                let start = layout.start(values.start - first, cell.within, cell.between);
                let m = n_predictors + cell.auxiliary.len();
                if let FactorKind::Outcome(o) = f.kind {
                    block.predict(cell, n_predictors);
                    let family = &point.program.model.outcomes[o].family;
                    let constant =
                        family.constant_information(&cell.auxiliary, which).filter(|_| sums.want_information);
                    w.scores.reset(block.len(), m, sums.want_information && constant.is_none());
                    share.resize(share.len().max(1), vec![]);
                    let weights = if row == n {
                        &weights[start..start + block.len()]
                    } else {
                        share[0].resize(block.len(), 0.0);
                        read(weights, start, row, n, &mut share[0]);
                        &share[0]
                    };
                    block.values(&cell.auxiliary, |v| family.add_weighted_scores(v, weights, which, &mut w.scores));
                    if let Some(of_one) = constant {
                        node_sums.add_constant(block, weights, &of_one, m);
                    }
                } else {
                    w.scores.reset(block.len(), m, sums.want_information);
                    let len = block.len();
                    let of_classes = |table: &[f64], to: &mut Vec<Vec<f64>>| {
                        to.resize(n_predictors + 1, vec![]);
                        for (k, to) in to.iter_mut().enumerate() {
                            to.resize(len, 0.0);
                            read(table, start + k * stride, row, n, to);
                        }
                    };
                    match p {
                        Some(p) => of_classes(p, &mut block.p),
                        None => {
                            block.predict(cell, n_predictors);
                            block.softmax();
                        }
                    }
                    of_classes(weights, share);
                    add_logit_scores(&block.p, share, &mut w.scores);
                }
                node_sums.add(block, &w.scores);
            }
        }
        cells.iter().zip(&*sums_of_cells).for_each(|(cell, node_sums)| node_sums.add_to(cell, curved, sums));
    }
}

/// ∂ log f / ∂ slot, [entry of the table × slot], added to `out`.
pub fn derivatives(task: Task, out: &mut [f64], w: &mut Workspace) {
    let mut buffers = std::mem::take(&mut w.rows);
    derivatives_with(task, out, w, &mut buffers);
    w.rows = buffers;
}

fn derivatives_with(task: Task, out: &mut [f64], w: &mut Workspace, buffers: &mut Buffers) {
    let Task { point, nodes, f, designs } = task;
    let Buffers { block, cells, share, .. } = buffers;
    let layout = Layout::new(f);
    let first = f.patterns.values_of(designs).0;
    let stride = stride(point, f, &layout);
    let n_predictors = parts(point, f).0.len();
    for run in design_runs(point.program, f, designs) {
        set_cells(point, nodes, f, &run, true, w, cells);
        for values in blocks(f, &run, layout.n_nodes) {
            block.read(point, f, values.clone(), layout.n_nodes);
            for cell in cells.iter() {
                block.predict(cell, n_predictors);
                let start = layout.start(values.start - first, cell.within, cell.between);
                let to = |start| Entries { start, row: layout.row(), slots: f.parameters.len() };
                if let FactorKind::Outcome(o) = f.kind {
                    let family = &point.program.model.outcomes[o].family;
                    let (ones, which) = (vec![1.0; block.len()], Information::Expected);
                    w.scores.reset(block.len(), n_predictors + cell.auxiliary.len(), false);
                    block.values(&cell.auxiliary, |v| family.add_weighted_scores(v, &ones, which, &mut w.scores));
                    block.add_derivatives(cell, &w.scores.score, to(start), out);
                } else {
                    block.softmax();
                    share.resize(block.p.len(), vec![]);
                    for state in 0..block.p.len() {
                        for (k, share) in share.iter_mut().enumerate() {
                            share.clear();
                            share.resize(block.len(), f64::from(u8::from(k == state)));
                        }
                        w.scores.reset(block.len(), n_predictors, false);
                        add_logit_scores(&block.p, share, &mut w.scores);
                        block.add_derivatives(cell, &w.scores.score, to(start + state * stride), out);
                    }
                }
            }
        }
    }
}

/// Scores w_k − w p_k and information w (diag p − p pᵀ) of the logits.
fn add_logit_scores(p: &[Vec<f64>], weights: &[Vec<f64>], out: &mut WeightedScores) {
    let (n, m) = (out.n, out.m);
    let (mut total, mut share) = (vec![0.0; n], vec![0.0; n]);
    weights.iter().for_each(|w| vector::add(&mut total, w));
    for a in 0..m {
        // w p_a
        vector::add_product(&mut share, 1.0, &total, &p[a], true);
        let score = &mut out.score[a * n..(a + 1) * n];
        score.copy_from_slice(&weights[a]);
        vector::add_scaled(score, -1.0, &share, false);
        if out.information.is_empty() {
            continue;
        }
        for (b, information) in out.information[a * m * n..(a + 1) * m * n].chunks_exact_mut(n).enumerate() {
            vector::add_product(information, -1.0, &share, &p[b], true);
            if a == b {
                vector::add(information, &share);
            }
        }
    }
}
