//! One lane of the E-step: chunks of clusters forward and back, with buffers of its own.

use std::ops::Range;

use super::accumulator::{Accumulator, SlotSums};
use super::class_graph::Loan;
use super::cluster_gaussian::{self, Prepared};
use super::forward::{Of, Part};
use super::nodes::{Moments, Nodes};
use super::predictor::{Point, Workspace};
use super::run::{Posterior, Sink, Want};
use super::scaled::{self, Scaled};
use super::table::{contract, fill, Layout, Task};
use super::tables::{all_factors, Tables, Weights};
use crate::compiled::between_cell;
use crate::compiled::factor::{Factor, NONE};
use crate::compiled::shape::Shape;
use crate::vector;

pub(super) struct Lane<'a, S> {
    /// Blocks are of shared unit patterns, not of units.
    pub(super) shared_units: bool,
    pub(super) point: &'a Point<'a>,
    pub(super) nodes: &'a Nodes,
    pub(super) tables: &'a Tables,
    pub(super) shape: &'a Shape,
    want: Want,
    weighted: bool,
    pub(super) sink: S,
    workspace: Workspace,
    slots: SlotSums,
    pub(super) buffers: Loan,
    /// Per factor: table of the current chunk (local factors only).
    pub(super) local: Vec<Vec<f64>>,
    /// The same as scaled probabilities, where it pays.
    pub(super) scaled: Vec<Option<Scaled>>,
    /// Weights of the within nodes that all units share.
    pub(super) common_weights: Vec<f64>,
    pub(super) weights: Weights,
    pub(super) log_likelihood: f64,
    pub(super) sums: Accumulator,
    pub(super) clusters: Vec<f64>,
    pub(super) between_moments: Vec<Moments>,
    pub(super) within_moments: Vec<Moments>,
}

impl<'a, S: Sink> Lane<'a, S> {
    pub(super) fn new(
        point: &'a Point<'a>,
        nodes: &'a Nodes,
        tables: &'a Tables,
        want: Want,
        weighted: bool,
        sink: S,
    ) -> Self {
        let mut common_weights = vec![0.0; nodes.within.n];
        if !nodes.within.is_adapted() {
            nodes.within.fill_log_weights(0, &mut common_weights);
            vector::exp_in_place(&mut common_weights);
        }
        Lane {
            shared_units: false,
            point,
            nodes,
            tables,
            shape: &point.program.shape,
            want,
            weighted,
            sink,
            workspace: Workspace::default(),
            slots: SlotSums::default(),
            buffers: Loan::take(),
            local: vec![vec![]; tables.factors.len()],
            scaled: vec![None; tables.factors.len()],
            common_weights,
            weights: Weights::default(),
            log_likelihood: 0.0,
            sums: Accumulator::default(),
            clusters: vec![],
            between_moments: vec![],
            within_moments: vec![],
        }
    }

    pub(super) fn run(&mut self, chunk: usize) -> bool {
        let program = self.point.program;
        let clusters = program.units.chunk_start[chunk]..program.units.chunk_start[chunk + 1];
        let units = program.units.cluster_start[clusters.start]..program.units.cluster_start[clusters.end];
        if !self.fill_local(chunk, units.len()) {
            return false;
        }
        self.sink.chunk(self.point, self.nodes, chunk);
        let analytic = match &program.cluster_gaussian {
            Some(g) => match cluster_gaussian::prepare(self.point, self.nodes, g, chunk, &mut self.workspace) {
                Some(a) => Some(a),
                None => return false,
            },
            None => None,
        };
        // posterior of (between cell, between node) of every cluster
        let n_between = self.shape.n_outer / program.n_nodes.1;
        let mut posterior = vec![0.0; clusters.len() * n_between];
        let block = block_size(self.shape, program.elimination.total_cells()).max(1);
        let mut next = clusters.start;
        while next < clusters.end {
            let batch = next..program.units.batch_end(next, clusters.end, block);
            next = batch.end;
            let p = (batch.start - clusters.start) * n_between..(batch.end - clusters.start) * n_between;
            if !self.run_batch(chunk, batch, block, &analytic, &mut posterior[p]) {
                return false;
            }
        }
        if self.want.gradient {
            self.finish_chunk(chunk, clusters, &posterior);
            if let (Some(a), Some(g)) = (&analytic, &program.cluster_gaussian) {
                a.contract(
                    self.point,
                    self.nodes,
                    g,
                    &posterior,
                    self.want.information,
                    &mut self.workspace,
                    self.sums.sized(program.model.parameters.len(), self.want.information),
                );
            }
        }
        true
    }

    /// Clusters that fit a block of units, or one larger than that.
    fn run_batch(
        &mut self,
        chunk: usize,
        clusters: Range<usize>,
        block: usize,
        analytic: &Option<Prepared>,
        posterior: &mut [f64],
    ) -> bool {
        let program = self.point.program;
        let n_between = self.shape.n_outer / program.n_nodes.1;
        let units = program.units.cluster_start[clusters.start]..program.units.cluster_start[clusters.end];
        let single = units.len() <= block;
        // forward: log-likelihood of every unit given (between cell, between node)
        let mut unit_log = vec![0.0; units.len() * n_between];
        for b in blocks(units.clone(), block) {
            let out = &mut unit_log[(b.start - units.start) * n_between..(b.end - units.start) * n_between];
            self.forward(chunk, b, out);
        }
        if self.add_alone(clusters.clone(), &unit_log) {
            posterior.fill(1.0);
        } else if !self.add_clusters(chunk, clusters.clone(), analytic, &unit_log, posterior) {
            return false;
        }
        if !self.want.gradient && !self.want.moments && S::IS_EMPTY {
            return true;
        }
        // back: posterior weights of units, then of every factor's cells
        for b in blocks(units.clone(), block) {
            if !single {
                let again = &mut unit_log[(b.start - units.start) * n_between..(b.end - units.start) * n_between];
                self.forward(chunk, b.clone(), again);
            }
            let weights = self.unit_weights(b.clone(), &clusters, posterior);
            if self.want.moments {
                for (u, weights) in b.clone().zip(weights.chunks_exact(self.shape.n_outer)) {
                    self.within_moments.push(self.nodes.within.moments(u, weights));
                }
            }
            if !self.want.gradient && S::IS_EMPTY {
                continue;
            }
            self.buffers.backward(&weights, &program.elimination, self.shape);
            if self.want.gradient {
                self.scatter(chunk, b.clone());
            }
            self.sink.units(
                self.point,
                &Posterior {
                    program,
                    nodes: self.nodes,
                    units: b,
                    buffers: &self.buffers,
                    shape: self.shape,
                    weights: &weights,
                },
            );
        }
        true
    }

    /// Clusters are the sums of their units, and nothing else.
    fn are_sums(&self) -> bool {
        let program = self.point.program;
        self.shape.n_outer == program.n_nodes.1
            && program.cluster_factors.is_empty()
            && program.cluster_gaussian.is_none()
            && self.nodes.between.dims == 0
    }

    /// The batch's clusters where each is one unit and nothing else enters; false where that does not apply.
    fn add_alone(&mut self, clusters: Range<usize>, unit_log: &[f64]) -> bool {
        let units = &self.point.program.units;
        let counts = &units.count[units.cluster_start[clusters.start]..units.cluster_start[clusters.end]];
        let watched = self.want.moments || !S::IS_EMPTY;
        let alone = counts.len() == clusters.len() && counts.iter().all(|c| *c == 1.0);
        if watched || !alone || !self.are_sums() {
            return false;
        }
        let total = vector::dot(&units.weight[clusters], unit_log);
        if total.is_finite() {
            self.log_likelihood += total;
            self.clusters.extend_from_slice(unit_log);
        }
        total.is_finite()
    }

    /// Log-likelihoods of clusters and their posteriors, from those of their units; false where one is impossible.
    fn add_clusters(
        &mut self,
        chunk: usize,
        clusters: Range<usize>,
        analytic: &Option<Prepared>,
        unit_log: &[f64],
        posterior: &mut [f64],
    ) -> bool {
        let program = self.point.program;
        let n_between = self.shape.n_outer / program.n_nodes.1;
        let first = program.units.cluster_start[clusters.start];
        let are_sums = self.are_sums();
        for (j, p) in clusters.zip(posterior.chunks_exact_mut(n_between)) {
            if !are_sums {
                self.cluster_log(chunk, j, p);
            }
            if let Some(a) = analytic {
                a.add_log(j, program.n_nodes.0, p);
            }
            for u in program.units.cluster_start[j]..program.units.cluster_start[j + 1] {
                let count = program.units.count[u];
                if count != 0.0 {
                    let from = &unit_log[(u - first) * n_between..(u - first + 1) * n_between];
                    vector::add_scaled(p, count, from, false);
                }
            }
            let total = normalise(p);
            if program.units.weight[j] > 0.0 {
                self.log_likelihood += program.units.weight[j] * total;
            }
            self.clusters.push(total);
            if !total.is_finite() && program.units.weight[j] > 0.0 {
                return false;
            }
            if self.want.moments {
                self.between_moments.push(self.nodes.between.moments(j, p));
            }
            self.sink.cluster(self.point, self.nodes, j, total, p);
        }
        true
    }

    fn fill_local(&mut self, chunk: usize, n_units: usize) -> bool {
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
            if !fill(task, &mut self.local[k], &mut self.workspace) {
                return false;
            }
            let pays = k < n_unit_factors && scaled::pays(values.1 - values.0, n_units);
            self.scaled[k] = pays.then(|| Scaled::new(&self.local[k], Layout::new(f).row()));
            if self.want.gradient {
                self.weights.clear_factor(k, size);
            }
        }
        true
    }

    /// Table of a factor and the number of its first value pattern.
    fn table(&self, k: usize, f: &Factor, chunk: usize) -> (&[f64], usize) {
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
            for Part { of, log, at, .. } in self.parts(g, chunk, &units, &self.buffers.runs) {
                let to = match of {
                    Of::Root(r) => weights.root(g, r, log.len()),
                    Of::Factor(k) if program.factors[k].parameters.is_empty() => continue,
                    Of::Factor(k) => weights.factor(k, log.len()),
                };
                scaled::scatter(to, &self.buffers.groups[g], at);
            }
        }
        self.weights = weights;
    }

    /// log of between node weights and cluster-level factors, by (between cell, between node).
    pub(super) fn cluster_log(&self, chunk: usize, j: usize, out: &mut [f64]) {
        let program = self.point.program;
        let nb = program.n_nodes.0;
        let (first, rest) = out.split_at_mut(nb);
        self.nodes.between.fill_log_weights(j, first);
        rest.chunks_exact_mut(nb).for_each(|o| o.copy_from_slice(first));
        for (i, f) in program.cluster_factors.iter().enumerate() {
            let v = f.patterns.of_unit[j];
            if v == NONE {
                continue;
            }
            let (table, first) = self.table(program.factors.len() + i, f, chunk);
            let layout = Layout::new(f);
            for (d, o) in out.chunks_exact_mut(nb).enumerate() {
                let start = layout.start(v as usize - first, 0, between_cell(program, &f.between, d));
                for (q, o) in o.iter_mut().enumerate() {
                    *o += table[start + q % layout.n_nodes];
                }
            }
        }
    }

    /// [unit × outer] posterior weights, from those of the clusters and of the within nodes.
    fn unit_weights(&self, units: Range<usize>, clusters: &Range<usize>, posterior: &[f64]) -> Vec<f64> {
        let program = self.point.program;
        let nw = program.n_nodes.1;
        let n_between = self.shape.n_outer / nw;
        let alone = units.len() == clusters.len() && self.shape.n_outer == 1 && self.weighted;
        if alone && program.units.count[units.clone()].iter().all(|c| *c == 1.0) {
            return program.units.weight[clusters.clone()].iter().zip(posterior).map(|(w, p)| w * p).collect();
        }
        let mut weights = vec![0.0; units.len() * self.shape.n_outer];
        let by_unit = weights.chunks_exact_mut(self.shape.n_outer);
        for ((u, out), totals) in units.zip(by_unit).zip(self.buffers.totals.chunks_exact(self.shape.n_outer)) {
            let j = program.units.cluster[u] as usize;
            // a unit of weight zero still gets its posterior
            let count = program.units.count[u];
            let scale = if self.weighted { count * program.units.weight[j] } else { count.max(1e-100) };
            let p = &posterior[(j - clusters.start) * n_between..(j - clusters.start + 1) * n_between];
            if nw == 1 {
                vector::add_scaled(out, scale, p, true);
            } else {
                for ((out, totals), p) in out.chunks_exact_mut(nw).zip(totals.chunks_exact(nw)).zip(p) {
                    vector::add_scaled(out, scale * p, totals, true);
                }
            }
        }
        weights
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
    fn finish_chunk(&mut self, chunk: usize, clusters: Range<usize>, posterior: &[f64]) {
        let program = self.point.program;
        self.scatter_clusters(chunk, clusters, posterior);
        for (k, f) in all_factors(program).enumerate().filter(|(_, f)| f.patterns.local.is_some()) {
            let designs = f.patterns.designs_of_chunk(chunk);
            self.slots.reset(f.parameters.len(), self.want.information);
            let size = self.local[k].len();
            let weights = self.weights.factor(k, size);
            let task = Task { point: self.point, nodes: self.nodes, f, designs };
            contract(task, weights, &mut self.workspace, &mut self.slots);
            let sums = self.sums.sized(program.model.parameters.len(), self.want.information);
            sums.scatter(&f.parameters, &self.slots.gradient, &self.slots.information);
        }
    }
}

/// Units whose buffers stay in the second-level cache.
pub(super) fn block_size(shape: &Shape, cells: usize) -> usize {
    (1usize << BLOCK_BITS) / (shape.n_outer * cells.max(1))
}

/// Numbers in the buffers of a block, as a power of 2.
const BLOCK_BITS: u32 = 15;

pub(super) fn blocks(units: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let (start, end) = (units.start, units.end);
    (start..end).step_by(size).map(move |s| s..(s + size).min(end))
}

/// Log values become probabilities; returns the log of their sum.
pub fn normalise(p: &mut [f64]) -> f64 {
    if let [only] = p {
        let total = *only;
        *only = if total.is_nan() { total } else { 1.0 };
        return total;
    }
    let (top, sum) = vector::exp_normalise(p);
    if sum > 0.0 {
        p.iter_mut().for_each(|v| *v /= sum);
    }
    top + sum.ln()
}
