//! What a lane does with tables: those of its chunk's own factors, and the posterior weights of all.

use std::ops::Range;

use super::forward::{Of, Part};
use super::lane::Lane;
use super::rows::{self, Information};
use super::run::Sink;
use super::scaled::{self, Lookup, Scaled};
use super::table::{contract, fill, Layout, Task};
use super::tables::all_factors;
use crate::compiled::between_cell;
use crate::compiled::factor::{Factor, FactorKind, NONE};

impl<S: Sink> Lane<'_, S> {
    pub(super) fn fill_local(&mut self, chunk: usize, n_units: usize) -> bool {
        let n_unit_factors = self.point.program.factors.len();
        for (k, f) in all_factors(self.point.program).enumerate() {
            if f.patterns.local.is_none() {
                continue;
            }
            let designs = f.patterns.designs_of_chunk(chunk);
            let values = f.patterns.values_of(designs);
            let size = (values.1 - values.0) * Layout::new(f).row();
            // what the last chunk left is written over
            self.local[k].resize(size, 0.0);
            let task = Task { point: self.point, nodes: self.nodes, f, designs };
            if matches!(f.kind, FactorKind::Logits(_)) {
                let p = self.scaled[k].get_or_insert_default().probabilities(size, values.1 - values.0);
                if !rows::fill(task, &mut self.local[k], Some(p), &mut self.workspace) {
                    return false;
                }
            } else {
                if !fill(task, &mut self.local[k], &mut self.workspace) {
                    return false;
                }
                let pays = k < n_unit_factors && scaled::pays(values.1 - values.0, n_units);
                self.scaled[k] = pays.then(|| Scaled::new(&self.local[k], Layout::new(f).row()));
            }
            if self.want.gradient {
                self.weights.clear_factor(k, size);
            }
        }
        true
    }

    /// Table of a factor and the number of its first value pattern.
    pub(super) fn table(&self, k: usize, f: &Factor, chunk: usize) -> (&[f64], usize) {
        match f.patterns.local {
            Some(_) => (&self.local[k], f.patterns.values_of(f.patterns.designs_of_chunk(chunk)).0),
            None => (&self.tables.factors[k], 0),
        }
    }

    /// Adds the posterior weights of the groups to the weights of their tables.
    pub(super) fn scatter(&mut self, chunk: usize, units: Range<usize>) {
        let program = self.point.program;
        let mut weights = std::mem::take(&mut self.weights);
        for g in 0..program.groups.len() {
            let parts = self.parts(g, chunk, &units, &self.buffers.runs, self.buffers.same[g]);
            let estimated = |p: &&Part| !matches!(p.of, Of::Factor(k) if program.factors[k].parameters.is_empty());
            let parts: Vec<&Part> = parts.iter().filter(estimated).collect();
            let mut tables: Vec<Vec<f64>> = parts.iter().map(|p| weights.take(g, p.of, p.log.len())).collect();
            let mut at: Vec<(&mut [f64], Lookup)> =
                tables.iter_mut().map(|t| &mut t[..]).zip(parts.iter().map(|p| p.at)).collect();
            scaled::scatter(&mut at, &self.buffers.groups[g]);
            parts.iter().zip(tables).for_each(|(p, table)| weights.put(g, p.of, table));
        }
        self.weights = weights;
    }

    /// Adds the cluster-level posterior weights of [clusters × between cell × node].
    pub(super) fn scatter_clusters(&mut self, chunk: usize, clusters: Range<usize>, posterior: &[f64]) {
        let program = self.point.program;
        let nb = program.n_nodes.0;
        let n_between = program.n_between_cells * nb;
        for (i, f) in program.cluster_factors.iter().enumerate() {
            let k = program.factors.len() + i;
            let (table, first) = self.table(k, f, chunk);
            let size = table.len();
            let layout = Layout::new(f);
            let to = self.weights.factor(k, size);
            for j in clusters.clone().filter(|&j| f.patterns.of_unit[j] != NONE) {
                let weight = if self.weighted { program.units.weight[j] } else { 1.0 };
                let p = &posterior[(j - clusters.start) * n_between..(j - clusters.start + 1) * n_between];
                for (d, p) in p.chunks_exact(nb).enumerate() {
                    let start =
                        layout.start(f.patterns.of_unit[j] as usize - first, 0, between_cell(program, &f.between, d));
                    for (q, p) in p.iter().enumerate() {
                        to[start + q % layout.n_nodes] += weight * p;
                    }
                }
            }
        }
    }

    /// Cluster-level posterior weights, then scores of the factors local to this chunk.
    pub(super) fn finish_chunk(&mut self, chunk: usize, clusters: Range<usize>, posterior: &[f64]) {
        let program = self.point.program;
        self.scatter_clusters(chunk, clusters, posterior);
        for (k, f) in all_factors(program).enumerate().filter(|(_, f)| f.patterns.local.is_some()) {
            let designs = f.patterns.designs_of_chunk(chunk);
            self.slots.reset(f.parameters.len(), self.want.information);
            let size = self.local[k].len();
            let weights = self.weights.factor(k, size);
            let task = Task { point: self.point, nodes: self.nodes, f, designs };
            match &self.scaled[k] {
                Some(scaled) if matches!(f.kind, FactorKind::Logits(_)) => {
                    let (p, which) = (Some(&scaled.values[..]), Information::Expected);
                    rows::contract(task, weights, p, which, &mut self.workspace, &mut self.slots);
                }
                _ => contract(task, weights, &mut self.workspace, &mut self.slots),
            }
            let sums = self.sums.sized(program.model.parameters.len(), self.want.information);
            sums.scatter(&f.parameters, &self.slots.gradient, &self.slots.information);
        }
    }
}
