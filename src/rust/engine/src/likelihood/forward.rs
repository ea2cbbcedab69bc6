//! The way forward for a block of units: from tables to each unit's log-likelihood and the posterior of its nodes, with
//! probabilities where they stay large enough, else with their logarithms.

use std::ops::Range;

use super::class_graph::Buffers;
use super::lane::Lane;
use super::run::Sink;
use super::scaled::{self, Lookup, Scaled};
use super::sum_product;
use crate::compiled::shape::Broadcast;

/// What units look up a part of a group's log density in.
pub(super) struct Part<'a> {
    pub of: Of,
    pub log: &'a [f64],
    scaled: Option<&'a Scaled>,
    pub at: Lookup<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Of {
    Factor(usize),
    /// Of the group's tree.
    Root(usize),
}

impl<'a, S: Sink> Lane<'a, S> {
    /// The tables that a group's factors have units look up; `same`: the first unit for all.
    pub(super) fn parts<'b>(
        &'b self,
        g: usize,
        chunk: usize,
        units: &Range<usize>,
        runs: &'b [usize],
        same: bool,
    ) -> Vec<Part<'b>> {
        let program = self.point.program;
        let group = &program.groups[g];
        let at = |of_unit: &'a [u32], first: usize| Lookup {
            of_unit: &of_unit[if same { units.start..units.start + 1 } else { units.clone() }],
            runs,
            first,
            n_cells: group.n_within,
            inner: self.shape.inner[g],
        };
        if let (true, Some(sharing)) = (self.shared_units, &program.sharing) {
            let part = |&k: &usize| {
                let table = &self.tables.factors[k];
                Part { of: Of::Factor(k), log: table, scaled: None, at: at(&sharing.values[k], 0) }
            };
            return group.factors.iter().map(part).collect();
        }
        let roots = group.tree.roots.iter().enumerate().map(|(r, root)| Part {
            of: Of::Root(r),
            log: self.tables.root(group, g, r),
            scaled: self.tables.scaled_root(g, r),
            at: at(&root.of_unit, 0),
        });
        let local = group.local.iter().map(|&k| {
            let patterns = &program.factors[k].patterns;
            let first = patterns.values_of(patterns.designs_of_chunk(chunk)).0;
            let scaled = self.scaled[k].as_ref();
            Part { of: Of::Factor(k), log: &self.local[k], scaled, at: at(&patterns.of_unit, first) }
        });
        roots.chain(local).collect()
    }

    /// From tables to the likelihood of every unit by (between cell, node), left in the buffers, and posterior weights of
    /// the within nodes in `buffers.totals`.
    pub(super) fn forward(&mut self, chunk: usize, units: Range<usize>) {
        let program = self.point.program;
        let mut buffers = std::mem::take(&mut self.buffers);
        let (n, graph) = (units.len(), &program.elimination);
        if self.only_adds() {
            buffers.prepare(n, graph, self.shape);
            let Buffers { totals, runs, .. } = &mut *buffers;
            totals.fill(0.0);
            for g in 0..program.groups.len() {
                let parts = self.parts(g, chunk, &units, runs, false);
                parts.iter().for_each(|part| scaled::gather(totals, part.log, part.at));
            }
        } else {
            let scaled = !self.shared_units && {
                if S::IS_EMPTY {
                    let (runs, same) = (self.runs(chunk, &units), self.same(chunk, &units));
                    buffers.prepare_shared(n, runs, same, graph, self.shape);
                } else {
                    buffers.prepare(n, graph, self.shape);
                }
                self.forward_scaled(chunk, &units, &mut buffers)
            };
            if !scaled {
                buffers.prepare(n, graph, self.shape);
                self.forward_log(chunk, &units, &mut buffers);
            }
        }
        self.buffers = buffers;
    }

    /// [group] whether all units look up the same rows of what depends on classes, and not on nodes.
    fn same(&self, chunk: usize, units: &Range<usize>) -> Vec<bool> {
        let graph = &self.point.program.elimination;
        let is_same = |g: usize| {
            let parts = || self.parts(g, chunk, units, &[], false);
            self.shape.inner[g] == 1 && graph.groups[g].clique.is_some() && parts().iter().all(|p| p.at.is_same())
        };
        (0..graph.groups.len()).map(is_same).collect()
    }

    /// First units of runs that look up the same rows of all that depends on nodes.
    fn runs(&self, chunk: usize, units: &Range<usize>) -> Vec<usize> {
        let all = 0..units.len();
        if self.shape.n_outer < sum_product::LONG {
            return all.collect();
        }
        let groups = (0..self.shape.inner.len()).filter(|&g| self.shape.inner[g] > 1);
        let parts: Vec<Part> = groups.flat_map(|g| self.parts(g, chunk, units, &[], false)).collect();
        all.filter(|&u| u == 0 || !parts.iter().all(|p| p.at.same_as_before(u))).collect()
    }

    /// No class and no node of a unit's own: its log-likelihood is a sum of rows.
    fn only_adds(&self) -> bool {
        let same = |b: &Broadcast| matches!(b, Broadcast::Same);
        self.point.program.elimination.cliques.is_empty()
            && !self.has_node_weights()
            && self.shape.broadcast.iter().all(same)
    }

    fn forward_log(&self, chunk: usize, units: &Range<usize>, buffers: &mut Buffers) {
        let program = self.point.program;
        buffers.clear();
        self.node_weights(units, &mut buffers.totals);
        for g in 0..program.groups.len() {
            for part in self.parts(g, chunk, units, &buffers.runs, false) {
                scaled::gather(&mut buffers.groups[g], part.log, part.at);
            }
        }
        buffers.forward(&program.elimination, self.shape);
        buffers.integrate(program.n_nodes.1);
    }

    /// As `forward_log` with probabilities instead of their logarithms; false where one has become too small.
    fn forward_scaled(&self, chunk: usize, units: &Range<usize>, buffers: &mut Buffers) -> bool {
        let program = self.point.program;
        let mut offset = std::mem::take(&mut buffers.offset);
        offset.clear();
        offset.resize(units.len(), 0.0);
        let mut all_offset = 0.0;
        let single: Vec<usize> = (0..units.len()).collect();
        if self.nodes.within.is_adapted() {
            self.node_weights(units, &mut buffers.totals);
            scaled::exponentiate(&mut buffers.totals, self.shape.n_outer, &single, &mut offset);
        } else if self.has_node_weights() {
            let weights = &self.common_weights[..];
            buffers.totals.chunks_exact_mut(weights.len()).for_each(|t| t.copy_from_slice(weights));
        }
        for g in 0..program.groups.len() {
            let same = buffers.same[g];
            let values = &mut buffers.groups[g];
            // of a group that all units share: added to all at last
            let mut common = [0.0];
            let offset = if same { &mut common[..] } else { &mut offset[..] };
            let parts = self.parts(g, chunk, units, &buffers.runs, same);
            let quick: Vec<(&Scaled, Lookup)> = parts.iter().filter_map(|p| Some((p.scaled?, p.at))).collect();
            let slow: Vec<&Part> = parts.iter().filter(|p| p.scaled.is_none()).collect();
            if !slow.is_empty() {
                values.fill(0.0);
                slow.iter().for_each(|part| scaled::gather(values, part.log, part.at));
                let inner = self.shape.inner[g];
                let runs = if inner > 1 { &buffers.runs } else { &single[..offset.len()] };
                scaled::exponentiate(values, inner, runs, offset);
            } else if quick.is_empty() {
                values.fill(1.0);
            }
            scaled::multiply(values, &quick, slow.is_empty(), offset);
            all_offset += common[0];
        }
        buffers.forward_scaled(&program.elimination, self.shape, !self.has_node_weights());
        offset.iter_mut().for_each(|o| *o += all_offset);
        buffers.offset = offset;
        buffers.integrate_scaled(program.n_nodes.1)
    }

    fn has_node_weights(&self) -> bool {
        self.point.program.n_nodes.1 > 1 || self.nodes.within.is_adapted()
    }

    /// Log weights of the within nodes of each unit, [unit × outer].
    fn node_weights(&self, units: &Range<usize>, totals: &mut [f64]) {
        if !self.has_node_weights() {
            return;
        }
        let nw = self.point.program.n_nodes.1;
        for (u, t) in units.clone().zip(totals.chunks_exact_mut(self.shape.n_outer)) {
            let (first, rest) = t.split_at_mut(nw);
            self.nodes.within.fill_log_weights(u, first);
            rest.chunks_exact_mut(nw).for_each(|t| t.copy_from_slice(first));
        }
    }
}
