//! Log density tables of a factor, [value pattern × within cell × between cell × node], and their contraction with
//! posterior weights into scores (Fisher's identity) and complete-data information.

use std::ops::Range;

use super::accumulator::SlotSums;
use super::gaussian;
use super::nodes::Nodes;
use super::predictor::{latents, predictor, Affine, At, Components, Point, Workspace};
use super::rows;
use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::Program;
use crate::family::block::Information;
use crate::spec::Level;

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

/// Consecutive designs with the same nodes and values of all latents: all where neither enters, the units of one cluster
/// where only latents of the between level enter, else single ones.
pub(super) fn design_runs<'a>(
    program: &'a Program,
    f: &'a Factor,
    designs: (usize, usize),
) -> impl Iterator<Item = Range<usize>> + 'a {
    let whole = rows::is_plain(f);
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
        next = if whole { designs.1 } else { start + 1 };
        while of_cluster && next < designs.1 && cluster(next) == cluster(start) {
            next += 1;
        }
        Some(start..next)
    })
}

/// Designs of a factor, to be evaluated at a point. Tables start at the first value of the first design.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub point: &'a Point<'a>,
    pub nodes: &'a Nodes,
    pub f: &'a Factor,
    pub designs: (usize, usize),
}

impl<'a> Task<'a> {
    /// All designs of the factor.
    pub fn all(point: &'a Point, nodes: &'a Nodes, f: &'a Factor) -> Task<'a> {
        Task { point, nodes, f, designs: (0, f.patterns.n_designs()) }
    }
}

/// Fills the table; false where a variance is not positive or thresholds are out of order.
pub fn fill(task: Task, table: &mut [f64], w: &mut Workspace) -> bool {
    let Task { point, nodes, f, designs } = task;
    if matches!(f.kind, FactorKind::Latent(_)) {
        return true; // the table stays zero
    }
    if rows::applies(f) {
        return rows::fill(task, table, None, w);
    }
    let program = point.program;
    let layout = Layout::new(f);
    let first = f.patterns.values_of(designs).0;
    for run in design_runs(program, f, designs) {
        set_view(program, nodes, f, run.start, w);
        let ok = each_cell(program, f, w, |w, cw, cb| {
            latents(point, &f.latents, &at(f, run.start, false), w);
            run.clone().all(|design| {
                let at = at(f, design, false);
                let values = f.patterns.values_of((design, design + 1));
                match &f.kind {
                    FactorKind::Known(c) => {
                        fill_known(program, f, *c, values, first, &layout, (cw, cb), w.state[*c], table);
                        true
                    }
                    FactorKind::Gaussian(group) => {
                        gaussian::fill(point, group, f, &at, values, first, &layout, (cw, cb), w, table)
                    }
                    FactorKind::Outcome(_) | FactorKind::Logits(_) | FactorKind::Latent(_) => true,
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
pub fn contract(task: Task, weights: &[f64], w: &mut Workspace, sums: &mut SlotSums) {
    let Task { point, nodes, f, designs } = task;
    if f.parameters.is_empty() {
        return;
    }
    if rows::applies(f) {
        return rows::contract(task, weights, None, Information::Expected, w, sums);
    }
    let FactorKind::Gaussian(group) = &f.kind else { return };
    let program = point.program;
    let layout = Layout::new(f);
    let first = f.patterns.values_of(designs).0;
    for run in design_runs(program, f, designs) {
        set_view(program, nodes, f, run.start, w);
        each_cell(program, f, w, |w, cw, cb| {
            latents(point, &f.latents, &at(f, run.start, true), w);
            for design in run.clone() {
                let at = at(f, design, true);
                let values = f.patterns.values_of((design, design + 1));
                gaussian::contract(point, group, f, &at, values, first, &layout, (cw, cb), w, weights, sums);
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
