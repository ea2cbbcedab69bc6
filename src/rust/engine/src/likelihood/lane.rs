//! One lane of the E-step: chunks of clusters forward and back, with buffers of its own.

use std::ops::Range;

use super::accumulator::{Accumulator, SlotSums};
use super::class_graph::{Buffers, Loan};
use super::cluster_gaussian::{self, Prepared};
use super::nodes::{Moments, NodeSet, Nodes};
use super::predictor::{Point, Workspace};
use super::run::{Posterior, Sink, Want};
use super::scaled::{self, Lookup, Scaled};
use super::table::{contract, fill, Layout};
use super::tables::{all_factors, Tables, Weights};
use crate::compiled::between_cell;
use crate::compiled::factor::{Factor, NONE};
use crate::compiled::shape::Shape;
use crate::vector;

pub(super) struct Lane<'a, S> {
    /// Blocks are of shared unit patterns, not of units.
    pub(super) shared_units: bool,
    point: &'a Point<'a>,
    nodes: &'a Nodes,
    tables: &'a Tables,
    shape: &'a Shape,
    want: Want,
    weighted: bool,
    pub(super) sink: S,
    workspace: Workspace,
    slots: SlotSums,
    pub(super) buffers: Loan,
    /// Per factor: table of the current chunk (local factors only).
    local: Vec<Vec<f64>>,
    /// The same as scaled probabilities, where it pays.
    scaled: Vec<Option<Scaled>>,
    pub(super) weights: Weights,
    pub(super) log_likelihood: f64,
    pub(super) sums: Accumulator,
    pub(super) clusters: Vec<f64>,
    pub(super) between_moments: Vec<Moments>,
    pub(super) within_moments: Vec<Moments>,
}

/// What units look up a part of a group's log density in.
struct Part<'a> {
    of: Of,
    log: &'a [f64],
    scaled: Option<&'a Scaled>,
    at: Lookup<'a>,
}

enum Of {
    Factor(usize),
    /// Of the group's tree.
    Root(usize),
}

/// Likelihoods below this (times their offset) are worked out with logarithms.
const SMALLEST: f64 = 1e-250;

impl<'a, S: Sink> Lane<'a, S> {
    pub(super) fn new(
        point: &'a Point<'a>,
        nodes: &'a Nodes,
        tables: &'a Tables,
        want: Want,
        weighted: bool,
        sink: S,
    ) -> Self {
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
        let plain =
            n_between == 1 && program.cluster_factors.is_empty() && analytic.is_none() && self.nodes.between.dims == 0;
        for (j, p) in clusters.clone().zip(posterior.chunks_exact_mut(n_between)) {
            if !plain {
                self.cluster_log(chunk, j, p);
            }
            if let Some(a) = analytic {
                a.add_log(j, program.n_nodes.0, p);
            }
            for u in program.units.cluster_start[j]..program.units.cluster_start[j + 1] {
                let count = program.units.count[u];
                if count != 0.0 {
                    let from = &unit_log[(u - units.start) * n_between..(u - units.start + 1) * n_between];
                    p.iter_mut().zip(from).for_each(|(p, l)| *p += count * l);
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
                self.between_moments.push(moments(&self.nodes.between, j, p));
            }
            self.sink.cluster(self.point, self.nodes, j, total, p);
        }
        // back: posterior weights of units, then of every factor's cells
        for b in blocks(units.clone(), block) {
            if !single {
                let again = &mut unit_log[(b.start - units.start) * n_between..(b.end - units.start) * n_between];
                self.forward(chunk, b.clone(), again);
            }
            let weights = self.unit_weights(b.clone(), &clusters, posterior);
            self.buffers.backward(&weights, &program.elimination, self.shape);
            if self.want.moments {
                for (u, weights) in b.clone().zip(weights.chunks_exact(self.shape.n_outer)) {
                    self.within_moments.push(moments(&self.nodes.within, u, weights));
                }
            }
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

    fn fill_local(&mut self, chunk: usize, n_units: usize) -> bool {
        let n_unit_factors = self.point.program.factors.len();
        for (k, f) in all_factors(self.point.program).enumerate() {
            if f.patterns.local.is_none() {
                continue;
            }
            let designs = f.patterns.designs_of_chunk(chunk);
            let values = f.patterns.values_of(designs);
            let size = (values.1 - values.0) * Layout::new(f).row();
            self.local[k].clear();
            self.local[k].resize(size, 0.0);
            if !fill(self.point, self.nodes, f, designs, &mut self.local[k], &mut self.workspace) {
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

    /// The tables that a group's factors have units look up.
    fn parts(&self, g: usize, chunk: usize, units: &Range<usize>) -> Vec<Part<'_>> {
        let program = self.point.program;
        let group = &program.groups[g];
        let at = |of_unit: &'a [u32], first: usize| Lookup {
            of_unit: &of_unit[units.clone()],
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

    /// From tables to `out`, the log-likelihood of every unit by (between cell, node), and posterior weights of the
    /// within nodes in `buffers.totals`.
    pub(super) fn forward(&mut self, chunk: usize, units: Range<usize>, out: &mut [f64]) {
        let program = self.point.program;
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.prepare(units.len(), &program.elimination, &program.groups, self.shape);
        if self.shared_units || !self.forward_scaled(chunk, &units, &mut buffers, out) {
            self.forward_log(chunk, &units, &mut buffers, out);
        }
        self.buffers = buffers;
    }

    fn forward_log(&self, chunk: usize, units: &Range<usize>, buffers: &mut Buffers, out: &mut [f64]) {
        let program = self.point.program;
        buffers.clear();
        self.node_weights(units, &mut buffers.totals);
        for g in 0..program.groups.len() {
            for part in self.parts(g, chunk, units) {
                scaled::gather(&mut buffers.groups[g], part.log, part.at);
            }
        }
        buffers.forward(&program.elimination, self.shape);
        integrate_within(&mut buffers.totals, program.n_nodes.1, out);
    }

    /// As `forward_log` with probabilities instead of their logarithms; false where one has become too small.
    fn forward_scaled(&self, chunk: usize, units: &Range<usize>, buffers: &mut Buffers, out: &mut [f64]) -> bool {
        let program = self.point.program;
        let mut offset = vec![0.0; units.len()];
        if self.nodes.within.is_adapted() {
            self.node_weights(units, &mut buffers.totals);
            scaled::exponentiate(&mut buffers.totals, self.shape.n_outer, &mut offset);
        } else if self.has_node_weights() {
            let mut weights = vec![0.0; program.n_nodes.1];
            self.nodes.within.fill_log_weights(0, &mut weights);
            vector::exp_in_place(&mut weights);
            buffers.totals.chunks_exact_mut(weights.len()).for_each(|t| t.copy_from_slice(&weights));
        } else {
            buffers.totals.fill(1.0);
        }
        for g in 0..program.groups.len() {
            let values = &mut buffers.groups[g];
            let (quick, slow): (Vec<Part>, Vec<Part>) =
                self.parts(g, chunk, units).into_iter().partition(|p| p.scaled.is_some());
            if !slow.is_empty() {
                values.fill(0.0);
                slow.iter().for_each(|part| scaled::gather(values, part.log, part.at));
                scaled::exponentiate(values, self.shape.inner[g], &mut offset);
            } else if quick.is_empty() {
                values.fill(1.0);
            }
            for (i, part) in quick.iter().enumerate() {
                let Some(table) = part.scaled else { continue };
                scaled::multiply(values, table, part.at, i == 0 && slow.is_empty(), &mut offset);
            }
        }
        buffers.forward_scaled(&program.elimination, self.shape);
        integrate_scaled(&mut buffers.totals, program.n_nodes.1, &offset, out)
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

    /// Adds the posterior weights of the groups to the weights of their tables.
    pub(super) fn scatter(&mut self, chunk: usize, units: Range<usize>) {
        let program = self.point.program;
        let mut weights = std::mem::take(&mut self.weights);
        for g in 0..program.groups.len() {
            for Part { of, log, at, .. } in self.parts(g, chunk, &units) {
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
        let mut weights = vec![0.0; units.len() * self.shape.n_outer];
        let by_unit = weights.chunks_exact_mut(self.shape.n_outer);
        for ((u, out), totals) in units.zip(by_unit).zip(self.buffers.totals.chunks_exact(self.shape.n_outer)) {
            let j = program.units.cluster[u] as usize;
            // a unit of weight zero still gets its posterior
            let count = program.units.count[u];
            let scale = if self.weighted { count * program.units.weight[j] } else { count.max(1e-100) };
            let p = &posterior[(j - clusters.start) * n_between..(j - clusters.start + 1) * n_between];
            if nw == 1 {
                out.iter_mut().zip(p).for_each(|(o, p)| *o = scale * p);
            } else {
                for ((out, totals), p) in out.chunks_exact_mut(nw).zip(totals.chunks_exact(nw)).zip(p) {
                    out.iter_mut().zip(totals).for_each(|(o, t)| *o = scale * p * t);
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
            let first =
                if f.patterns.local.is_some() { f.patterns.values_of(f.patterns.designs_of_chunk(chunk)).0 } else { 0 };
            let layout = Layout::new(f);
            let size = if f.patterns.local.is_some() { self.local[k].len() } else { self.tables.factors[k].len() };
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
            contract(self.point, self.nodes, f, designs, weights, &mut self.workspace, &mut self.slots);
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
pub(super) fn normalise(p: &mut [f64]) -> f64 {
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

/// `out`: log sums over the within nodes, whose log values become probabilities.
fn integrate_within(totals: &mut [f64], n_within: usize, out: &mut [f64]) {
    if n_within == 1 {
        out.copy_from_slice(totals);
    } else {
        out.iter_mut().zip(totals.chunks_exact_mut(n_within)).for_each(|(o, t)| *o = normalise(t));
    }
}

pub(super) fn is_too_small(likelihood: f64) -> bool {
    likelihood.is_nan() || likelihood <= SMALLEST
}

/// As `integrate_within` for likelihoods, whose logarithms lack `offset` [unit]; false where one is too small to be accurate.
fn integrate_scaled(totals: &mut [f64], n_within: usize, offset: &[f64], out: &mut [f64]) -> bool {
    let row = out.len() / offset.len().max(1);
    out.chunks_exact_mut(row.max(1)).zip(offset).for_each(|(o, offset)| o.fill(*offset));
    if n_within == 1 {
        if totals.iter().any(|t| is_too_small(*t)) {
            return false;
        }
        vector::add_ln(totals, out);
        return true;
    }
    for (o, t) in out.iter_mut().zip(totals.chunks_exact_mut(n_within)) {
        let sum = vector::sum(t);
        if is_too_small(sum) {
            return false;
        }
        *o += sum.ln();
        let inverse = 1.0 / sum;
        t.iter_mut().for_each(|t| *t *= inverse);
    }
    true
}

/// Posterior location and scale of the nodes of a cluster or unit, from weights [… × node].
fn moments(nodes: &NodeSet, of: usize, posterior: &[f64]) -> Moments {
    let n = nodes.n;
    let mut by_node = vec![0.0; n];
    posterior.chunks_exact(n).for_each(|p| by_node.iter_mut().zip(p).for_each(|(b, p)| *b += p));
    weighted_moments(&nodes.z(of, n), nodes.dims, &by_node)
}

/// Mean and Cholesky factor of the covariance of nodes under unnormalised weights.
fn weighted_moments(z: &[f64], dims: usize, weights: &[f64]) -> Moments {
    let n = weights.len();
    let total: f64 = weights.iter().sum();
    let mut out = Moments { mean: vec![0.0; dims], scale: vec![0.0; dims * dims] };
    for k in 0..dims {
        out.scale[k * dims + k] = 1.0;
    }
    if total <= 0.0 {
        return out;
    }
    for k in 0..dims {
        out.mean[k] = (0..n).map(|q| weights[q] * z[k * n + q]).sum::<f64>() / total;
    }
    let mut covariance = vec![0.0; dims * (dims + 1) / 2];
    for i in 0..dims {
        for j in 0..=i {
            let c: f64 =
                (0..n).map(|q| weights[q] * (z[i * n + q] - out.mean[i]) * (z[j * n + q] - out.mean[j])).sum::<f64>()
                    / total;
            covariance[i * (i + 1) / 2 + j] = c + if i == j { 1e-6 } else { 0.0 };
        }
    }
    if let Some(l) = crate::compiled::working::semidefinite_cholesky(&covariance, dims) {
        for i in 0..dims {
            for j in 0..=i {
                out.scale[i * dims + j] = l[i * (i + 1) / 2 + j];
            }
        }
    }
    out
}
