//! Tables that all chunks share, summed over joint patterns (compiled/sum_tree.rs), and the posterior weights of their rows.

use std::cell::RefCell;

use rayon::prelude::*;

use super::accumulator::{Accumulator, SlotSums};
use super::forward::Of;
use super::nodes::Nodes;
use super::predictor::{Point, Workspace};
use super::residuals::Residuals;
use super::scaled::{self, Scaled};
use super::table::{contract, fill, Layout, Task};
use crate::compiled::factor::Factor;
use crate::compiled::sum_tree::Root;
use crate::compiled::{Group, Program};
use crate::vector;

/// Unit factors, then cluster factors: the order of tables and weights.
pub(super) fn all_factors(program: &Program) -> impl Iterator<Item = &Factor> {
    program.factors.iter().chain(&program.cluster_factors)
}

/// Numbers in the table of a factor whose patterns all chunks share.
fn table_size(f: &Factor) -> usize {
    if f.patterns.local.is_some() {
        0
    } else {
        f.patterns.n_values() * Layout::new(f).row()
    }
}

/// Numbers in the tables of one parallel task.
const TASK: usize = 4096;

thread_local! {
    /// Kept from pass to pass: the tables of an E-step are often a hundred numbers, less work than their buffers.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// The thread's workspace, for a lane; `return_workspace` when it is done.
pub(super) fn borrow_workspace() -> Workspace {
    WORKSPACE.take()
}

pub(super) fn return_workspace(w: Workspace) {
    WORKSPACE.set(w);
}

/// How many factors make a task that is worth handing to another thread.
fn task_length(factors: &[&Factor]) -> usize {
    let total: usize = factors.iter().map(|f| table_size(f)).sum();
    (TASK * factors.len()).div_ceil(total.max(1)).max(1)
}

pub struct Tables {
    /// Per factor, empty for those whose patterns belong to a chunk.
    pub factors: Vec<Vec<f64>>,
    /// [group][merge of its tree]
    merged: Vec<Vec<Vec<f64>>>,
    /// [group][root of its tree], where it pays
    scaled: Vec<Vec<Option<Scaled>>>,
}

impl Tables {
    /// `None` where a variance is not positive or thresholds are out of order.
    /// `merge`: whether the sums over joint patterns are wanted.
    pub fn new(point: &Point, nodes: &Nodes, merge: bool) -> Option<Tables> {
        let program = point.program;
        let all: Vec<&Factor> = all_factors(program).collect();
        let one = |f: &&Factor| {
            if f.patterns.local.is_some() {
                return Some(vec![]);
            }
            let mut table = vec![0.0; table_size(f)];
            WORKSPACE.with_borrow_mut(|w| fill(Task::all(point, nodes, f), &mut table, w)).then_some(table)
        };
        let tasks = all.par_iter().with_min_len(task_length(&all));
        let factors = tasks.map(one).collect::<Option<Vec<_>>>()?;
        let groups = if merge { &program.groups[..] } else { &[] };
        let merged = groups.par_iter().map(|g| g.tree.fill(|l| &factors[g.shared[l]], g.row())).collect();
        let mut out = Tables { factors, merged, scaled: vec![] };
        let n_units = program.units.n_units();
        let of_group = |(g, group): (usize, &Group)| {
            let of_root = |(r, root): (usize, &Root)| {
                scaled::pays(root.n_patterns, n_units).then(|| Scaled::new(out.root(group, g, r), group.row()))
            };
            group.tree.roots.iter().enumerate().map(of_root).collect()
        };
        out.scaled = groups.par_iter().enumerate().map(of_group).collect();
        Some(out)
    }

    /// Σ weight × log f over the tables that all chunks share.
    pub fn weighted(&self, weights: &[Vec<f64>]) -> f64 {
        // what has no weight may be impossible
        let dot = |(table, weights): (&Vec<f64>, &Vec<f64>)| -> f64 {
            table.iter().zip(weights).filter(|(_, w)| **w != 0.0).map(|(t, w)| t * w).sum()
        };
        self.factors.iter().zip(weights).map(dot).sum()
    }

    /// The root's table as scaled probabilities, where many units look up few rows.
    pub(super) fn scaled_root(&self, g: usize, root: usize) -> Option<&Scaled> {
        self.scaled[g][root].as_ref()
    }

    /// Table of a root of the group's tree.
    pub fn root(&self, group: &Group, g: usize, root: usize) -> &[f64] {
        let node = group.tree.roots[root].node;
        match node.checked_sub(group.tree.n_leaves) {
            None => &self.factors[group.shared[node]],
            Some(merge) => &self.merged[g][merge],
        }
    }
}

/// Posterior weights of table rows; tables appear when something is added to them.
#[derive(Default)]
pub struct Weights {
    factors: Vec<Vec<f64>>,
    /// [group][root]
    roots: Vec<Vec<Vec<f64>>>,
}

fn slot<T: Default + Clone>(v: &mut Vec<T>, k: usize) -> &mut T {
    if v.len() <= k {
        v.resize(k + 1, T::default());
    }
    &mut v[k]
}

fn sized(v: &mut Vec<f64>, size: usize) -> &mut [f64] {
    if v.is_empty() {
        v.resize(size, 0.0);
    }
    v
}

fn add_or_take(to: &mut Vec<f64>, from: Vec<f64>) {
    if to.is_empty() {
        *to = from;
    } else {
        vector::add(to, &from);
    }
}

impl Weights {
    pub fn factor(&mut self, k: usize, size: usize) -> &mut [f64] {
        sized(slot(&mut self.factors, k), size)
    }

    pub fn clear_factor(&mut self, k: usize, size: usize) {
        let weights = slot(&mut self.factors, k);
        weights.clear();
        weights.resize(size, 0.0);
    }

    fn table(&mut self, group: usize, of: Of) -> &mut Vec<f64> {
        match of {
            Of::Factor(k) => slot(&mut self.factors, k),
            Of::Root(r) => slot(slot(&mut self.roots, group), r),
        }
    }

    /// A table to add to, until it is `put` back.
    pub(super) fn take(&mut self, group: usize, of: Of, size: usize) -> Vec<f64> {
        let mut table = std::mem::take(self.table(group, of));
        sized(&mut table, size);
        table
    }

    pub(super) fn put(&mut self, group: usize, of: Of, table: Vec<f64>) {
        *self.table(group, of) = table;
    }

    pub fn merge(&mut self, other: Weights) {
        for (k, from) in other.factors.into_iter().enumerate() {
            add_or_take(slot(&mut self.factors, k), from);
        }
        for (g, roots) in other.roots.into_iter().enumerate() {
            for (r, from) in roots.into_iter().enumerate() {
                add_or_take(slot(slot(&mut self.roots, g), r), from);
            }
        }
    }

    /// Weights per factor, with those of joint patterns handed down to the factors' own.
    pub fn into_factors(mut self, program: &Program) -> Vec<Vec<f64>> {
        for (group, roots) in program.groups.iter().zip(std::mem::take(&mut self.roots)) {
            let row = group.row();
            group.tree.push_down(roots, row, |leaf, pattern, values| {
                let k = group.shared[leaf];
                let to = self.factor(k, program.factors[k].patterns.n_values() * row);
                to[pattern * row..(pattern + 1) * row].iter_mut().zip(values).for_each(|(t, v)| *t += v);
            });
        }
        self.factors.resize(program.factors.len() + program.cluster_factors.len(), vec![]);
        self.factors
    }
}

/// Adds scores and information of the factors whose patterns all chunks share, given the weights of their tables.
pub fn contract_shared(point: &Point, nodes: &Nodes, weights: &[Vec<f64>], information: bool, out: &mut Accumulator) {
    let factors: Vec<&Factor> = all_factors(point.program).collect();
    let one = |(f, weights): (&&Factor, &Vec<f64>)| {
        let mut slots = SlotSums::default();
        if f.patterns.local.is_none() && !weights.is_empty() {
            slots.reset(f.parameters.len(), information);
            WORKSPACE.with_borrow_mut(|w| contract(Task::all(point, nodes, f), weights, w, &mut slots));
        }
        slots
    };
    let tasks = factors.par_iter().zip(weights).with_min_len(task_length(&factors));
    let contracted: Vec<SlotSums> = tasks.map(one).collect();
    for (f, slots) in factors.iter().zip(&contracted).filter(|(_, s)| s.n > 0) {
        out.scatter(&f.parameters, &slots.gradient, &slots.information);
    }
}

/// Whether the tables' weights hold all that the parameters depend on.
pub fn weights_suffice(program: &Program) -> bool {
    program.cluster_gaussian.is_none()
        && all_factors(program).all(|f| f.patterns.local.is_none() || f.parameters.is_empty())
}

/// Expected complete-data log-likelihood Σ weight × log f, and if asked for its gradient and information; `None` where
/// not admissible.
pub fn complete_data(
    program: &Program,
    nodes: &Nodes,
    working: &[f64],
    weights: &[Vec<f64>],
    want_sums: bool,
) -> Option<(f64, Accumulator)> {
    let residuals = Residuals::new(program, working)?;
    let point = Point { program, parameters: working, residuals: &residuals };
    let tables = Tables::new(&point, nodes, false)?;
    let mut sums = Accumulator::new(working.len(), want_sums);
    if want_sums {
        contract_shared(&point, nodes, weights, true, &mut sums);
    }
    Some((tables.weighted(weights), sums))
}
