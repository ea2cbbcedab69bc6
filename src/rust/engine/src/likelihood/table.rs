//! Log density tables of a factor, [value pattern × within cell × between cell × node], and their contraction with
//! posterior weights into scores (Fisher's identity) and complete-data information.

use std::ops::Range;

use super::accumulator::SlotSums;
use super::gaussian;
use super::nodes::Nodes;
use super::predictor::{latents, predictor, Affine, At, Components, Point, Workspace};
use super::rows;
use crate::compiled::factor::{Factor, FactorKind, NONE};
use crate::compiled::Program;
use crate::family::block::{Information, Values};
use crate::spec::{Level, Outcome};
use crate::vector;

/// Where the entries of a factor stand in its table.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub n_within: usize,
    /// Between cells × nodes.
    pub n_inner: usize,
    pub n_nodes: usize,
}

impl Layout {
    pub fn new(f: &Factor) -> Layout {
        let n_nodes = f.n_nodes();
        Layout { n_within: f.n_within, n_inner: f.n_between * n_nodes, n_nodes }
    }
    pub fn row(&self) -> usize {
        self.n_within * self.n_inner
    }
    #[inline]
    pub fn start(&self, value: usize, cell_within: usize, cell_between: usize) -> usize {
        (value * self.n_within + cell_within) * self.n_inner + cell_between * self.n_nodes
    }
}

/// Calls `each(cell_within, cell_between)` for every cell of the factor, with the states set in `w.state`.
pub(super) fn each_cell(
    program: &Program,
    f: &Factor,
    w: &mut Workspace,
    mut each: impl FnMut(&mut Workspace, usize, usize) -> bool,
) -> bool {
    w.state.resize(program.model.classes.len(), 0);
    for cb in 0..f.n_between {
        program.model.set_states(&f.between, cb, &mut w.state);
        for cw in 0..f.n_within {
            program.model.set_states(&f.within, cw, &mut w.state);
            if !each(w, cw, cb) {
                return false;
            }
        }
    }
    true
}

pub(super) fn set_view(program: &Program, nodes: &Nodes, f: &Factor, design: usize, w: &mut Workspace) {
    let unit = f.patterns.design_unit[design] as usize;
    match f.level {
        Level::Within => w.view.fill(nodes, f.nodes, program.units.cluster[unit] as usize, unit),
        Level::Between => w.view.fill(nodes, f.nodes, unit, 0),
    }
}

pub(super) fn at<'a>(f: &'a Factor, design: usize, derivatives: bool) -> At<'a> {
    At {
        row: f.patterns.design_row[design] as usize,
        slot_of: &f.slot_of,
        components: Components { within: &f.analytic, n_between: 0 },
        derivatives,
    }
}

/// Consecutive designs with the same nodes and values of all latents: the units of one cluster where only latents of the
/// between level enter, else single ones.
pub(super) fn design_runs<'a>(
    program: &'a Program,
    f: &'a Factor,
    designs: (usize, usize),
) -> impl Iterator<Item = Range<usize>> + 'a {
    let of_cluster = f.level == Level::Within
        && !f.axis.within()
        && f.latents.iter().all(|&l| program.model.latents[l].level == Level::Between);
    let cluster = move |d: usize| program.units.cluster[f.patterns.design_unit[d] as usize];
    let mut next = designs.0;
    std::iter::from_fn(move || {
        let start = next;
        if start == designs.1 {
            return None;
        }
        next += 1;
        while of_cluster && next < designs.1 && cluster(next) == cluster(start) {
            next += 1;
        }
        Some(start..next)
    })
}

/// Fills the table of the given designs (its first entry is the first value of the first design).
/// Returns false where a variance is not positive or thresholds are out of order.
pub fn fill(
    point: &Point,
    nodes: &Nodes,
    f: &Factor,
    designs: (usize, usize),
    table: &mut [f64],
    w: &mut Workspace,
) -> bool {
    if matches!(f.kind, FactorKind::Latent(_)) {
        return true; // the table stays zero
    }
    if rows::applies(f) {
        return rows::fill(point, f, designs, table);
    }
    let program = point.program;
    let layout = Layout::new(f);
    let first = f.patterns.values_of(designs).0;
    for run in design_runs(program, f, designs) {
        set_view(program, nodes, f, run.start, w);
        let ok = each_cell(program, f, w, |w, cw, cb| {
            if let FactorKind::Logits(c) = f.kind {
                if w.state[c] != 0 {
                    return true;
                }
            }
            latents(point, &f.latents, &at(f, run.start, false), w);
            run.clone().all(|design| {
                let at = at(f, design, false);
                let values = f.patterns.values_of((design, design + 1));
                match &f.kind {
                    FactorKind::Latent(_) => true,
                    FactorKind::Known(c) => {
                        fill_known(program, f, *c, values, first, &layout, (cw, cb), w.state[*c], table);
                        true
                    }
                    FactorKind::Outcome(o) => fill_outcome(
                        point,
                        &program.model.outcomes[*o],
                        f,
                        &at,
                        values,
                        first,
                        &layout,
                        (cw, cb),
                        w,
                        table,
                    ),
                    FactorKind::Logits(c) => {
                        fill_logits(
                            point,
                            *c,
                            &at,
                            values.0 - first,
                            &layout,
                            (cw, cb),
                            class_stride(program, f, *c),
                            w,
                            table,
                        );
                        true
                    }
                    FactorKind::Gaussian(group) => {
                        gaussian::fill(point, group, f, &at, values, first, &layout, (cw, cb), w, table)
                    }
                }
            })
        });
        if !ok {
            return false;
        }
    }
    true
}

/// Contracts posterior weights (laid out as the table) into `sums`, by slot of the factor.
pub fn contract(
    point: &Point,
    nodes: &Nodes,
    f: &Factor,
    designs: (usize, usize),
    weights: &[f64],
    w: &mut Workspace,
    sums: &mut SlotSums,
) {
    if f.parameters.is_empty() {
        return;
    }
    if rows::applies(f) {
        return rows::contract(point, f, designs, weights, Information::Expected, sums);
    }
    let program = point.program;
    let layout = Layout::new(f);
    let first = f.patterns.values_of(designs).0;
    for run in design_runs(program, f, designs) {
        set_view(program, nodes, f, run.start, w);
        each_cell(program, f, w, |w, cw, cb| {
            if let FactorKind::Logits(c) = f.kind {
                if w.state[c] != 0 {
                    return true;
                }
            }
            latents(point, &f.latents, &at(f, run.start, true), w);
            for design in run.clone() {
                let at = at(f, design, true);
                let values = f.patterns.values_of((design, design + 1));
                match &f.kind {
                    FactorKind::Known(_) | FactorKind::Latent(_) => {}
                    FactorKind::Outcome(o) => contract_outcome(
                        point,
                        &program.model.outcomes[*o],
                        &at,
                        values,
                        f,
                        first,
                        &layout,
                        (cw, cb),
                        w,
                        weights,
                        sums,
                    ),
                    FactorKind::Logits(c) => contract_logits(
                        point,
                        *c,
                        &at,
                        values.0 - first,
                        &layout,
                        (cw, cb),
                        class_stride(program, f, *c),
                        w,
                        weights,
                        sums,
                    ),
                    FactorKind::Gaussian(group) => {
                        gaussian::contract(point, group, f, &at, values, first, &layout, (cw, cb), w, weights, sums)
                    }
                }
            }
            true
        });
    }
}

#[allow(clippy::too_many_arguments)]
fn fill_known(
    program: &Program,
    f: &Factor,
    class: usize,
    values: (usize, usize),
    first: usize,
    layout: &Layout,
    cell: (usize, usize),
    state: usize,
    table: &mut [f64],
) {
    let column = program.model.classes[class].known.unwrap_or(0);
    for v in values.0..values.1 {
        let known = program.sample.columns[column][f.patterns.row[v] as usize];
        let start = layout.start(v - first, cell.0, cell.1);
        table[start] = if known.is_nan() || known as usize == state + 1 { 0.0 } else { f64::NEG_INFINITY };
    }
}

pub(super) fn auxiliary(o: &Outcome, state: &[usize], parameters: &[f64]) -> Vec<f64> {
    o.auxiliary.iter().map(|a| a.value(state, parameters)).collect()
}

/// Evaluates predictors, in order, into `w.predictors`, from latents already evaluated.
pub(super) fn evaluate_predictors<'a>(
    point: &Point,
    which: impl ExactSizeIterator<Item = &'a crate::spec::Predictor>,
    at: &At,
    w: &mut Workspace,
) {
    if w.predictors.len() < which.len() {
        w.predictors.resize(which.len(), Affine::default());
    }
    for (k, p) in which.enumerate() {
        predictor(p, point, at, &w.state, w.view.n, &w.latents, &mut w.predictors[k]);
    }
}

#[allow(clippy::too_many_arguments)]
fn fill_outcome(
    point: &Point,
    o: &Outcome,
    f: &Factor,
    at: &At,
    values: (usize, usize),
    first: usize,
    layout: &Layout,
    cell: (usize, usize),
    w: &mut Workspace,
    table: &mut [f64],
) -> bool {
    let aux = auxiliary(o, &w.state, point.parameters);
    if !o.family.valid_auxiliary(&aux) {
        return false;
    }
    evaluate_predictors(point, o.predictors.iter(), at, w);
    let columns = &point.program.sample.columns;
    let n = layout.n_nodes;
    let eta: Vec<&[f64]> = w.predictors[..o.predictors.len()].iter().map(|p| &p.value[..n]).collect();
    let (mut y, mut trials) = (vec![0.0; n], vec![1.0; n]);
    for v in values.0..values.1 {
        let row = f.patterns.row[v] as usize;
        y.fill(columns[o.column][row]);
        if let Some(t) = o.trials {
            trials.fill(columns[t][row]);
        }
        let start = layout.start(v - first, cell.0, cell.1);
        let of_nodes = Values { y: &y, trials: &trials, eta: &eta, aux: &aux };
        o.family.log_densities(of_nodes, &mut table[start..start + n]);
    }
    true
}

/// What multiplies the derivative in one predictor: a value at every node, or the same at all.
#[derive(Clone, Copy)]
enum Multiplier<'a> {
    Nodes(&'a [f64]),
    Constant(f64),
}

impl<'a> Multiplier<'a> {
    fn new(values: &'a [f64]) -> Multiplier<'a> {
        let first = values[0];
        if values.iter().all(|v| *v == first) {
            Multiplier::Constant(first)
        } else {
            Multiplier::Nodes(values)
        }
    }
    /// Σ_nodes g × multiplier.
    fn sum(self, g: &[f64]) -> f64 {
        match self {
            Multiplier::Nodes(d) => vector::dot(g, d),
            Multiplier::Constant(c) => c * vector::sum(g),
        }
    }
    /// Σ_nodes h × both multipliers.
    fn sum_with(self, other: Multiplier, h: &[f64]) -> f64 {
        match (self, other) {
            (Multiplier::Nodes(d), Multiplier::Nodes(e)) => vector::dot3(h, d, e),
            (Multiplier::Constant(c), d) | (d, Multiplier::Constant(c)) => c * d.sum(h),
        }
    }
}

/// Adds Σ_nodes of (gradient, information) in the predictors and auxiliary parameters to the slots.
/// `g[a][q]`, `h[(a, b)][q]` over a = predictors then auxiliary.
fn chain_to_slots(predictors: &[Affine], auxiliary_slots: &[u32], n: usize, g: &[f64], h: &[f64], sums: &mut SlotSums) {
    let m = predictors.len() + auxiliary_slots.len();
    // entries: (row of g, slot, multiplier)
    let mut entries: Vec<(usize, usize, Multiplier)> = vec![];
    for (a, p) in predictors.iter().enumerate() {
        for (e, &slot) in p.slots.iter().enumerate() {
            entries.push((a, slot as usize, Multiplier::new(&p.derivative_of(e)[..n])));
        }
    }
    for (k, &slot) in auxiliary_slots.iter().enumerate() {
        if slot != NONE {
            entries.push((predictors.len() + k, slot as usize, Multiplier::Constant(1.0)));
        }
    }
    for (i, &(a, s, ds)) in entries.iter().enumerate() {
        sums.gradient[s] += ds.sum(&g[a * n..(a + 1) * n]);
        if sums.want_information {
            for (j, &(b, t, dt)) in entries[..=i].iter().enumerate() {
                let v = ds.sum_with(dt, &h[(a * m + b) * n..(a * m + b + 1) * n]);
                // two entries of one slot: both orders count
                let both = if s == t && i != j { 2.0 } else { 1.0 };
                sums.add_information(s, t, both * v);
            }
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn contract_outcome(
    point: &Point,
    o: &Outcome,
    at: &At,
    values: (usize, usize),
    f: &Factor,
    first: usize,
    layout: &Layout,
    cell: (usize, usize),
    w: &mut Workspace,
    weights: &[f64],
    sums: &mut SlotSums,
) {
    let aux = auxiliary(o, &w.state, point.parameters);
    evaluate_predictors(point, o.predictors.iter(), at, w);
    let columns = &point.program.sample.columns;
    let (n, k) = (layout.n_nodes, o.predictors.len());
    let eta: Vec<&[f64]> = w.predictors[..k].iter().map(|p| &p.value[..n]).collect();
    let (mut y, mut trials) = (vec![0.0; n], vec![1.0; n]);
    w.scores.reset(n, k + aux.len(), sums.want_information);
    for v in values.0..values.1 {
        let row = f.patterns.row[v] as usize;
        y.fill(columns[o.column][row]);
        if let Some(t) = o.trials {
            trials.fill(columns[t][row]);
        }
        let start = layout.start(v - first, cell.0, cell.1);
        let of_nodes = Values { y: &y, trials: &trials, eta: &eta, aux: &aux };
        o.family.add_weighted_scores(of_nodes, &weights[start..start + n], Information::Expected, &mut w.scores);
    }
    let slots: Vec<u32> = o.auxiliary.iter().map(|a| a.parameter(&w.state).map_or(NONE, |p| at.slot_of[p])).collect();
    chain_to_slots(&w.predictors[..k], &slots, n, &w.scores.score, &w.scores.information, sums);
}

/// Distance in the table between consecutive states of a class variable: (in within cells, in inner entries).
pub(super) fn class_stride(program: &Program, f: &Factor, class: usize) -> (usize, usize) {
    let stride_in = |list: &[usize]| {
        list.iter().take_while(|&&c| c != class).map(|&c| program.model.classes[c].n_classes).product::<usize>()
    };
    match f.level {
        Level::Within => (stride_in(&f.within), 0),
        Level::Between => (0, stride_in(&f.between)),
    }
}

/// log P(class = k) for all k and nodes, [K × n]; the last class has logit 0.
pub(super) fn log_softmax(predictors: &[Affine], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; (predictors.len() + 1) * n];
    out.chunks_exact_mut(n).zip(predictors).for_each(|(o, p)| o.copy_from_slice(&p.value[..n]));
    vector::log_softmax(&mut out.chunks_exact_mut(n).collect::<Vec<_>>());
    out
}

#[allow(clippy::too_many_arguments)]
fn fill_logits(
    point: &Point,
    class: usize,
    at: &At,
    value: usize,
    layout: &Layout,
    cell: (usize, usize),
    stride: (usize, usize),
    w: &mut Workspace,
    table: &mut [f64],
) {
    let logits = &point.program.model.classes[class].logits;
    evaluate_predictors(point, logits.iter(), at, w);
    let n = layout.n_nodes;
    let log_p = log_softmax(&w.predictors[..logits.len()], n);
    for k in 0..=logits.len() {
        let start = layout.start(value, cell.0 + k * stride.0, cell.1 + k * stride.1);
        table[start..start + n].copy_from_slice(&log_p[k * n..(k + 1) * n]);
    }
}

#[allow(clippy::too_many_arguments)]
fn contract_logits(
    point: &Point,
    class: usize,
    at: &At,
    value: usize,
    layout: &Layout,
    cell: (usize, usize),
    stride: (usize, usize),
    w: &mut Workspace,
    weights: &[f64],
    sums: &mut SlotSums,
) {
    let logits = &point.program.model.classes[class].logits;
    let m = logits.len();
    evaluate_predictors(point, logits.iter(), at, w);
    let n = layout.n_nodes;
    let mut p = log_softmax(&w.predictors[..m], n);
    vector::exp_in_place(&mut p);
    let weight = |k: usize, q: usize| weights[layout.start(value, cell.0 + k * stride.0, cell.1 + k * stride.1) + q];
    let (mut g, mut h) = (vec![0.0; m * n], vec![0.0; m * m * n]);
    for q in 0..n {
        let total: f64 = (0..=m).map(|k| weight(k, q)).sum();
        for a in 0..m {
            g[a * n + q] = weight(a, q) - total * p[a * n + q];
            for b in 0..m {
                let same = if a == b { p[a * n + q] } else { 0.0 };
                h[(a * m + b) * n + q] = total * (same - p[a * n + q] * p[b * n + q]);
            }
        }
    }
    chain_to_slots(&w.predictors[..m], &[], n, &g, &h, sums);
}
