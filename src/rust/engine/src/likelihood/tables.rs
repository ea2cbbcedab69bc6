//! Tables that all chunks share, summed over joint patterns (compiled/sum_tree.rs), and the posterior weights of their rows.

use rayon::prelude::*;

use super::accumulator::{Accumulator, SlotSums};
use super::nodes::Nodes;
use super::predictor::{Point, Workspace};
use super::table::{contract, fill, Layout};
use crate::compiled::factor::Factor;
use crate::compiled::{Group, Program};

/// Unit factors, then cluster factors: the order of tables and weights.
pub(super) fn all_factors(program: &Program) -> impl Iterator<Item = &Factor> {
    program.factors.iter().chain(&program.cluster_factors)
}

pub struct Tables {
    /// Per factor, empty for those whose patterns belong to a chunk.
    pub factors: Vec<Vec<f64>>,
    /// [group][merge of its tree]
    merged: Vec<Vec<Vec<f64>>>,
}

impl Tables {
    /// `None` where a variance is not positive or thresholds are out of order.
    /// `merge`: whether the sums over joint patterns are wanted.
    pub fn new(point: &Point, nodes: &Nodes, merge: bool) -> Option<Tables> {
        let program = point.program;
        let factors = all_factors(program)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|f| {
                if f.patterns.local.is_some() {
                    return Some(vec![]);
                }
                let mut table = vec![0.0; f.patterns.n_values() * Layout::new(f).row()];
                fill(point, nodes, f, (0, f.patterns.n_designs()), &mut table, &mut Workspace::default())
                    .then_some(table)
            })
            .collect::<Option<Vec<_>>>()?;
        let groups = if merge { &program.groups[..] } else { &[] };
        let merged = groups.par_iter().map(|g| g.tree.fill(|l| &factors[g.shared[l]], g.row())).collect();
        Some(Tables { factors, merged })
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

fn add(to: &mut Vec<f64>, from: Vec<f64>) {
    if to.is_empty() {
        *to = from;
    } else {
        to.iter_mut().zip(&from).for_each(|(a, b)| *a += b);
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

    pub fn root(&mut self, group: usize, root: usize, size: usize) -> &mut [f64] {
        sized(slot(slot(&mut self.roots, group), root), size)
    }

    pub fn merge(&mut self, other: Weights) {
        for (k, from) in other.factors.into_iter().enumerate() {
            add(slot(&mut self.factors, k), from);
        }
        for (g, roots) in other.roots.into_iter().enumerate() {
            for (r, from) in roots.into_iter().enumerate() {
                add(slot(slot(&mut self.roots, g), r), from);
            }
        }
    }

    /// Scores and information of the factors whose patterns all chunks share.
    pub fn contract(mut self, point: &Point, nodes: &Nodes, information: bool, out: &mut Accumulator) {
        let program = point.program;
        for (group, roots) in program.groups.iter().zip(std::mem::take(&mut self.roots)) {
            let row = group.row();
            group.tree.push_down(roots, row, |leaf, pattern, values| {
                let k = group.shared[leaf];
                let to = self.factor(k, program.factors[k].patterns.n_values() * row);
                to[pattern * row..(pattern + 1) * row].iter_mut().zip(values).for_each(|(t, v)| *t += v);
            });
        }
        self.factors.resize(program.factors.len() + program.cluster_factors.len(), vec![]);
        let factors: Vec<&Factor> = all_factors(program).collect();
        let contracted: Vec<SlotSums> = factors
            .par_iter()
            .zip(&self.factors)
            .map(|(f, weights)| {
                let mut slots = SlotSums::default();
                if f.patterns.local.is_none() && !weights.is_empty() {
                    slots.reset(f.parameters.len(), information);
                    let designs = (0, f.patterns.n_designs());
                    contract(point, nodes, f, designs, weights, &mut Workspace::default(), &mut slots);
                }
                slots
            })
            .collect();
        for (f, slots) in factors.iter().zip(&contracted).filter(|(_, s)| s.n > 0) {
            out.scatter(&f.parameters, &slots.gradient, &slots.information);
        }
    }
}
