//! One lane of the E-step: chunks of clusters forward and back, with buffers of its own.

use std::ops::Range;

use super::accumulator::{Accumulator, SlotSums};
use super::class_graph::Loan;
use super::cluster_gaussian::{self, Prepared};
use super::nodes::{Moments, Nodes};
use super::predictor::{Point, Workspace};
use super::run::{Posterior, Sink, Want};
use super::scaled::Scaled;
use super::table::Layout;
use super::tables::{borrow_workspace, Tables, Weights};
use crate::compiled::between_cell;
use crate::compiled::factor::NONE;
use crate::compiled::shape::Shape;
use crate::compiled::units::Collapsed;
use crate::vector;

pub(super) struct Lane<'a, S> {
    /// Blocks are of shared unit patterns, not of units.
    pub(super) shared_units: bool,
    pub(super) point: &'a Point<'a>,
    pub(super) nodes: &'a Nodes,
    pub(super) tables: &'a Tables,
    pub(super) shape: &'a Shape,
    pub(super) want: Want,
    pub(super) weighted: bool,
    pub(super) sink: S,
    pub(super) workspace: Workspace,
    pub(super) slots: SlotSums,
    pub(super) buffers: Loan,
    /// Per factor: table of the current chunk (local factors only).
    pub(super) local: Vec<Vec<f64>>,
    /// The same as scaled probabilities, where it pays; those of classes always.
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
            workspace: borrow_workspace(),
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
        let units = program.units.cluster_start[clusters.start]..program.units.cluster_start[clusters.end];
        let single = units.len() <= block;
        let alone = self.are_alone(&clusters);
        if !alone {
            self.open_clusters(chunk, clusters.clone(), analytic, posterior);
        }
        for b in blocks(units.clone(), block) {
            self.forward(chunk, b.clone());
            if alone {
                let of_block = b.start - units.start..b.end - units.start;
                self.buffers.log_likelihoods(program.n_nodes.1, &mut posterior[of_block]);
            } else {
                self.add_units(b, &clusters, posterior);
            }
        }
        let possible = if alone {
            self.close_alone(clusters.clone(), posterior)
        } else {
            self.close_clusters(clusters.clone(), posterior)
        };
        if !possible {
            return false;
        }
        if !self.want.gradient && !self.want.moments && S::IS_EMPTY {
            return true;
        }
        let mut weights = std::mem::take(&mut self.buffers.unit_weights);
        // back: posterior weights of units, then of every factor's cells
        for b in blocks(units.clone(), block) {
            if !single {
                self.forward(chunk, b.clone());
            }
            self.fill_unit_weights(b.clone(), &clusters, posterior, &mut weights);
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
        self.buffers.unit_weights = weights;
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

    /// Each cluster of the batch is one unit, nothing else enters, and nobody watches.
    fn are_alone(&self, clusters: &Range<usize>) -> bool {
        let units = &self.point.program.units;
        let counts = &units.count[units.cluster_start[clusters.start]..units.cluster_start[clusters.end]];
        let watched = self.want.moments || !S::IS_EMPTY;
        !watched && counts.len() == clusters.len() && counts.iter().all(|c| *c == 1.0) && self.are_sums()
    }

    /// From log-likelihoods of clusters to their posteriors, which are 1; false where one is impossible.
    fn close_alone(&mut self, clusters: Range<usize>, posterior: &mut [f64]) -> bool {
        let total = vector::dot(&self.point.program.units.weight[clusters], posterior);
        if total.is_finite() {
            self.log_likelihood += total;
            self.clusters.extend_from_slice(posterior);
        }
        posterior.fill(1.0);
        total.is_finite()
    }

    /// What enters clusters besides their units: log weights of nodes and log densities of the between level.
    fn open_clusters(&self, chunk: usize, clusters: Range<usize>, analytic: &Option<Prepared>, log: &mut [f64]) {
        let program = self.point.program;
        let are_sums = self.are_sums();
        let n_between = self.shape.n_outer / program.n_nodes.1;
        for (j, log) in clusters.zip(log.chunks_exact_mut(n_between)) {
            if !are_sums {
                self.cluster_log(chunk, j, log);
            }
            if let Some(a) = analytic {
                a.add_log(j, program.n_nodes.0, log);
            }
        }
    }

    /// Adds log-likelihoods of the units that came last to those of their clusters.
    fn add_units(&mut self, units: Range<usize>, clusters: &Range<usize>, log: &mut [f64]) {
        let Collapsed { cluster_start, count, cluster, .. } = &*self.point.program.units;
        let n_between = self.shape.n_outer / self.point.program.n_nodes.1;
        let mut next = units.start;
        while next < units.end {
            let j = cluster[next] as usize;
            let which = next..cluster_start[j + 1].min(units.end);
            next = which.end;
            let log = &mut log[(j - clusters.start) * n_between..(j - clusters.start + 1) * n_between];
            let of_block = which.start - units.start..which.end - units.start;
            self.buffers.add_units(self.point.program.n_nodes.1, of_block, &count[which], log);
        }
    }

    /// From log-likelihoods of clusters by (between cell, between node) to their posteriors; false where one is
    /// impossible.
    fn close_clusters(&mut self, clusters: Range<usize>, posterior: &mut [f64]) -> bool {
        let program = self.point.program;
        let n_between = self.shape.n_outer / program.n_nodes.1;
        for (j, p) in clusters.zip(posterior.chunks_exact_mut(n_between)) {
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
    fn fill_unit_weights(
        &self,
        units: Range<usize>,
        clusters: &Range<usize>,
        posterior: &[f64],
        weights: &mut Vec<f64>,
    ) {
        let program = self.point.program;
        let nw = program.n_nodes.1;
        let n_between = self.shape.n_outer / nw;
        weights.resize(units.len() * self.shape.n_outer, 0.0);
        let alone = units.len() == clusters.len() && self.shape.n_outer == 1 && self.weighted;
        if alone && program.units.count[units.clone()].iter().all(|c| *c == 1.0) {
            return vector::add_product(weights, 1.0, &program.units.weight[clusters.clone()], posterior, true);
        }
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
