//! The E-step: chunks of clusters forward and back, in lanes that are fixed by the data and reduced in order, so that
//! any number of threads gives the same result to the last bit.

use std::ops::Range;

use rayon::prelude::*;

use super::accumulator::{Accumulator, SlotSums};
use super::class_graph::{Broadcast, Buffers, Shape};
use super::cluster_gaussian;
use super::nodes::{Moments, Nodes};
use super::predictor::{Point, Workspace};
use super::residuals::Residuals;
use super::shared_units;
use super::table::{contract, fill, Layout};
use crate::compiled::factor::{Factor, NONE};
use crate::compiled::{Group, Program};
use crate::numeric::log_sum_exp;

/// Lanes of work; a property of the data, not of the machine.
pub(super) const MAX_LANES: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
pub struct Want {
    pub gradient: bool,
    pub information: bool,
    /// Posterior location and scale of the numeric dimensions, for adaptation.
    pub moments: bool,
}

/// What one pass over the data gives.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Σ weight × log L of the clusters; -inf where the parameters are not admissible.
    pub log_likelihood: f64,
    pub sums: Accumulator,
    /// [distinct clusters] unweighted
    pub clusters: Vec<f64>,
    pub between_moments: Vec<Moments>,
    pub within_moments: Vec<Moments>,
}

/// Posterior quantities of one block of units, offered to a sink.
pub struct Posterior<'a> {
    pub program: &'a Program,
    pub nodes: &'a Nodes,
    pub units: Range<usize>,
    pub buffers: &'a Buffers,
    pub shape: &'a Shape,
    /// [units × outer] posterior weight of (between cell, node) for each unit, times the unit's count in `Weighting`.
    pub weights: &'a [f64],
}

/// Receives posteriors; `cluster` comes before the units of that cluster.
pub trait Sink: Send {
    /// Nothing is received: units may be summed by pattern.
    const IS_EMPTY: bool = false;
    fn cluster(&mut self, _point: &Point, _nodes: &Nodes, _cluster: usize, _log_likelihood: f64, _posterior: &[f64]) {}
    fn units(&mut self, _point: &Point, _posterior: &Posterior) {}
    /// Called at the start of each chunk.
    fn chunk(&mut self, _point: &Point, _nodes: &Nodes, _chunk: usize) {}
}

impl Sink for () {
    const IS_EMPTY: bool = true;
}

pub(super) fn shape_of(program: &Program) -> Shape {
    let (nb, nw) = program.n_nodes;
    let cells = program.n_between_cells;
    let n_outer = program.n_outer();
    let describe = |g: &Group| {
        let nodes = g.nodes.0 * g.nodes.1;
        let inner = g.n_between * nodes;
        if inner == 1 {
            return (inner, if n_outer == 1 { Broadcast::Same } else { Broadcast::Scalar });
        }
        let mut map = vec![0u32; n_outer];
        for d in 0..cells {
            let cb = between_cell(program, &g.between, d);
            for qb in 0..nb {
                for qw in 0..nw {
                    let node = (qb % g.nodes.0) * g.nodes.1 + qw % g.nodes.1;
                    map[(d * nb + qb) * nw + qw] = (cb * nodes + node) as u32;
                }
            }
        }
        let identity = inner == n_outer && map.iter().enumerate().all(|(i, &m)| i == m as usize);
        (inner, if identity { Broadcast::Same } else { Broadcast::Map(map) })
    };
    let described: Vec<(usize, Broadcast)> = program.groups.iter().map(describe).collect();
    Shape {
        n_outer,
        inner: described.iter().map(|d| d.0).collect(),
        broadcast: described.into_iter().map(|d| d.1).collect(),
    }
}

/// Log-likelihood, gradient and whatever else is wanted at working-scale parameters.
pub fn evaluate(program: &Program, nodes: &Nodes, working: &[f64], want: Want) -> Evaluation {
    evaluate_with::<()>(program, nodes, working, want, &|| (), true).0
}

/// As `evaluate`, with a sink per lane that sees every posterior. `weighted`: posteriors carry cluster weights.
pub fn evaluate_with<S: Sink>(
    program: &Program,
    nodes: &Nodes,
    working: &[f64],
    want: Want,
    sink: &(dyn Fn() -> S + Sync),
    weighted: bool,
) -> (Evaluation, Vec<S>) {
    let n_parameters = program.model.parameters.len();
    let failed = || Evaluation {
        log_likelihood: f64::NEG_INFINITY,
        sums: Accumulator::new(n_parameters, want.information),
        clusters: vec![],
        between_moments: vec![],
        within_moments: vec![],
    };
    let Some(residuals) = Residuals::new(program, working) else { return (failed(), vec![]) };
    let point = Point { program, parameters: working, residuals: &residuals };
    let Some(shared) = shared_tables(&point, nodes) else { return (failed(), vec![]) };
    let shape = shape_of(program);
    if program.sharing.is_some() && !want.moments && program.cluster_gaussian.is_none() && S::IS_EMPTY {
        return (shared_units::evaluate(&point, nodes, &shared, &shape, want, failed()), vec![]);
    }
    let n_chunks = program.units.n_chunks();
    let n_lanes = n_chunks.min(MAX_LANES);
    let lanes: Vec<Option<Lane<S>>> = (0..n_lanes)
        .into_par_iter()
        .map(|k| {
            let chunks = k * n_chunks / n_lanes..(k + 1) * n_chunks / n_lanes;
            let mut lane = Lane::new(&point, nodes, &shared, &shape, want, weighted, sink());
            for chunk in chunks {
                if !lane.run(chunk) {
                    return None;
                }
            }
            Some(lane)
        })
        .collect();
    let mut out = failed();
    let Some(lanes) = lanes.into_iter().collect::<Option<Vec<_>>>() else { return (out, vec![]) };
    out.log_likelihood = 0.0;
    let mut weights: Vec<Vec<f64>> = vec![];
    let mut sinks = vec![];
    for lane in lanes {
        out.log_likelihood += lane.log_likelihood;
        out.sums.add(&lane.sums);
        out.clusters.extend(lane.clusters);
        out.between_moments.extend(lane.between_moments);
        out.within_moments.extend(lane.within_moments);
        shared_units::merge(&mut weights, lane.weights);
        sinks.push(lane.sink);
    }
    if !out.log_likelihood.is_finite() {
        out.log_likelihood = f64::NEG_INFINITY;
        return (out, sinks);
    }
    if want.gradient {
        contract_shared(&point, nodes, weights, want.information, &mut out.sums);
    }
    (out, sinks)
}

/// Scores and information of the factors whose patterns all chunks share, from their posterior weights.
pub(super) fn contract_shared(
    point: &Point,
    nodes: &Nodes,
    weights: Vec<Vec<f64>>,
    information: bool,
    out: &mut Accumulator,
) {
    let n_parameters = point.program.model.parameters.len();
    let contracted: Vec<Accumulator> = all_factors(point.program)
        .collect::<Vec<_>>()
        .into_par_iter()
        .zip(weights)
        .map(|(f, w)| {
            let mut sums = Accumulator::new(n_parameters, information);
            if f.patterns.local.is_none() {
                contract_range(
                    point,
                    nodes,
                    f,
                    (0, f.patterns.n_designs()),
                    &w,
                    information,
                    &mut Workspace::default(),
                    &mut SlotSums::default(),
                    &mut sums,
                );
            }
            sums
        })
        .collect();
    contracted.iter().for_each(|c| out.add(c));
}

/// Unit factors, then cluster factors: the order of tables and weights.
pub(super) fn all_factors(program: &Program) -> impl Iterator<Item = &Factor> {
    program.factors.iter().chain(&program.cluster_factors)
}

/// Tables of the factors whose patterns are shared by all chunks (empty for the others).
pub(super) fn shared_tables(point: &Point, nodes: &Nodes) -> Option<Vec<Vec<f64>>> {
    all_factors(point.program)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|f| {
            if f.patterns.local.is_some() {
                return Some(vec![]);
            }
            let mut table = vec![0.0; f.patterns.n_values() * Layout::new(f).row()];
            fill(point, nodes, f, (0, f.patterns.n_designs()), &mut table, &mut Workspace::default()).then_some(table)
        })
        .collect()
}

#[allow(clippy::too_many_arguments)]
fn contract_range(
    point: &Point,
    nodes: &Nodes,
    f: &Factor,
    designs: (usize, usize),
    weights: &[f64],
    information: bool,
    w: &mut Workspace,
    slots: &mut SlotSums,
    sums: &mut Accumulator,
) {
    slots.reset(f.parameters.len(), information);
    contract(point, nodes, f, designs, weights, w, slots);
    sums.scatter(&f.parameters, &slots.gradient, &slots.information);
}

pub(super) struct Lane<'a, S> {
    /// Blocks are of shared unit patterns, not of units.
    pub(super) shared_units: bool,
    point: &'a Point<'a>,
    nodes: &'a Nodes,
    shared: &'a [Vec<f64>],
    shape: &'a Shape,
    want: Want,
    weighted: bool,
    sink: S,
    workspace: Workspace,
    slots: SlotSums,
    pub(super) buffers: Buffers,
    /// Per factor: table of the current chunk (local factors only) and posterior weights.
    local: Vec<Vec<f64>>,
    pub(super) weights: Vec<Vec<f64>>,
    log_likelihood: f64,
    sums: Accumulator,
    clusters: Vec<f64>,
    between_moments: Vec<Moments>,
    within_moments: Vec<Moments>,
}

impl<'a, S: Sink> Lane<'a, S> {
    pub(super) fn new(
        point: &'a Point<'a>,
        nodes: &'a Nodes,
        shared: &'a [Vec<f64>],
        shape: &'a Shape,
        want: Want,
        weighted: bool,
        sink: S,
    ) -> Self {
        let weights = if want.gradient {
            shared.iter().map(|t| vec![0.0; t.len()]).collect()
        } else {
            vec![vec![]; shared.len()]
        };
        Lane {
            shared_units: false,
            point,
            nodes,
            shared,
            shape,
            want,
            weighted,
            sink,
            workspace: Workspace::default(),
            slots: SlotSums::default(),
            buffers: Buffers::default(),
            local: vec![vec![]; shared.len()],
            weights,
            log_likelihood: 0.0,
            sums: Accumulator::new(point.program.model.parameters.len(), want.information),
            clusters: vec![],
            between_moments: vec![],
            within_moments: vec![],
        }
    }

    fn run(&mut self, chunk: usize) -> bool {
        let program = self.point.program;
        let clusters = program.units.chunk_start[chunk]..program.units.chunk_start[chunk + 1];
        let units = program.units.cluster_start[clusters.start]..program.units.cluster_start[clusters.end];
        if !self.fill_local(chunk) {
            return false;
        }
        self.sink.chunk(self.point, self.nodes, chunk);
        let analytic = match &program.cluster_gaussian {
            Some(g) => {
                match cluster_gaussian::prepare(self.point, self.nodes, g, clusters.clone(), &mut self.workspace) {
                    Some(a) => Some(a),
                    None => return false,
                }
            }
            None => None,
        };
        let n_between = self.shape.n_outer / program.n_nodes.1;
        let block = block_size(self.shape, program.elimination.total_cells()).max(1);
        let single = units.len() <= block;
        // forward: log-likelihood of every unit given (between cell, between node)
        let mut unit_log = vec![0.0; units.len() * n_between];
        for b in blocks(units.clone(), block) {
            self.forward(chunk, b.clone());
            let out = &mut unit_log[(b.start - units.start) * n_between..(b.end - units.start) * n_between];
            integrate_within(&self.buffers.totals, program.n_nodes.1, out);
        }
        // clusters: posterior of (between cell, between node)
        let mut posterior = vec![0.0; clusters.len() * n_between];
        for j in clusters.clone() {
            let p = &mut posterior[(j - clusters.start) * n_between..(j - clusters.start + 1) * n_between];
            self.cluster_log(chunk, j, p);
            if let Some(a) = &analytic {
                a.add_log(j, program, p);
            }
            for u in program.units.cluster_start[j]..program.units.cluster_start[j + 1] {
                let count = program.units.count[u];
                if count != 0.0 {
                    let from = &unit_log[(u - units.start) * n_between..(u - units.start + 1) * n_between];
                    p.iter_mut().zip(from).for_each(|(p, l)| *p += count * l);
                }
            }
            let total = log_sum_exp(p);
            p.iter_mut().for_each(|v| *v = (*v - total).exp());
            if program.units.weight[j] > 0.0 {
                self.log_likelihood += program.units.weight[j] * total;
            }
            self.clusters.push(total);
            if !total.is_finite() && program.units.weight[j] > 0.0 {
                return false;
            }
            if self.want.moments {
                self.between_moments.push(between_moments(self.nodes, program, j, p));
            }
            self.sink.cluster(self.point, self.nodes, j, total, p);
        }
        // back: posterior weights of units, then of every factor's cells
        for b in blocks(units.clone(), block) {
            if !single {
                self.forward(chunk, b.clone());
            }
            let weights =
                self.unit_weights(b.clone(), &clusters, &posterior, &unit_log[(b.start - units.start) * n_between..]);
            self.buffers.backward(&weights, &program.elimination, self.shape);
            if self.want.moments {
                for (k, u) in b.clone().enumerate() {
                    self.within_moments.push(within_moments(
                        self.nodes,
                        u,
                        &weights[k * self.shape.n_outer..(k + 1) * self.shape.n_outer],
                    ));
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
        if self.want.gradient {
            self.finish_chunk(chunk, clusters.clone(), &posterior);
            if let (Some(a), Some(g)) = (&analytic, &program.cluster_gaussian) {
                a.contract(
                    self.point,
                    self.nodes,
                    g,
                    clusters,
                    &posterior,
                    self.want.information,
                    &mut self.workspace,
                    &mut self.sums,
                );
            }
        }
        true
    }

    fn fill_local(&mut self, chunk: usize) -> bool {
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
            if self.want.gradient {
                self.weights[k].clear();
                self.weights[k].resize(size, 0.0);
            }
        }
        true
    }

    /// Table of a factor and the number of its first value pattern.
    fn table(&self, k: usize, f: &Factor, chunk: usize) -> (&[f64], usize) {
        match f.patterns.local {
            Some(_) => (&self.local[k], f.patterns.values_of(f.patterns.designs_of_chunk(chunk)).0),
            None => (&self.shared[k], 0),
        }
    }

    /// Value patterns of factor k over what is being summed: units, or unit patterns shared by clusters.
    fn index(&self, k: usize) -> &'a [u32] {
        let program = self.point.program;
        match (self.shared_units, &program.sharing) {
            (true, Some(s)) => &s.values[k],
            _ => &program.factors[k].patterns.of_unit,
        }
    }

    pub(super) fn forward(&mut self, chunk: usize, units: Range<usize>) {
        let program = self.point.program;
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.prepare(units.len(), &program.elimination, &program.groups, self.shape);
        let nw = program.n_nodes.1;
        if nw > 1 || self.nodes.within.is_adapted() {
            for (k, u) in units.clone().enumerate() {
                let t = &mut buffers.totals[k * self.shape.n_outer..(k + 1) * self.shape.n_outer];
                let (first, rest) = t.split_at_mut(nw);
                self.nodes.within.fill_log_weights(u, first);
                rest.chunks_exact_mut(nw).for_each(|t| t.copy_from_slice(first));
            }
        }
        for (g, group) in program.groups.iter().enumerate() {
            let inner = self.shape.inner[g];
            for &k in &group.factors {
                let f = &program.factors[k];
                let (table, first) = self.table(k, f, chunk);
                let of_unit = &self.index(k)[units.clone()];
                for cell in 0..group.n_within {
                    let out = &mut buffers.groups[g][cell * units.len() * inner..(cell + 1) * units.len() * inner];
                    if inner == 1 {
                        for (out, &v) in out.iter_mut().zip(of_unit) {
                            if v != NONE {
                                *out += table[(v as usize - first) * group.n_within + cell];
                            }
                        }
                    } else {
                        for (out, &v) in out.chunks_exact_mut(inner).zip(of_unit) {
                            if v != NONE {
                                let start = ((v as usize - first) * group.n_within + cell) * inner;
                                out.iter_mut().zip(&table[start..start + inner]).for_each(|(o, t)| *o += t);
                            }
                        }
                    }
                }
            }
        }
        buffers.forward(&program.elimination, self.shape);
        self.buffers = buffers;
    }

    /// Adds the posterior weights of the groups to the weights of their factors' tables.
    pub(super) fn scatter(&mut self, chunk: usize, units: Range<usize>) {
        let program = self.point.program;
        for (g, group) in program.groups.iter().enumerate() {
            let inner = self.shape.inner[g];
            for &k in &group.factors {
                let f = &program.factors[k];
                if f.parameters.is_empty() {
                    continue;
                }
                let first = if f.patterns.local.is_some() {
                    f.patterns.values_of(f.patterns.designs_of_chunk(chunk)).0
                } else {
                    0
                };
                let of_unit = &self.index(k)[units.clone()];
                let weights = &mut self.weights[k];
                for cell in 0..group.n_within {
                    let from = &self.buffers.groups[g][cell * units.len() * inner..(cell + 1) * units.len() * inner];
                    for (from, &v) in from.chunks_exact(inner).zip(of_unit) {
                        if v != NONE {
                            let start = ((v as usize - first) * group.n_within + cell) * inner;
                            weights[start..start + inner].iter_mut().zip(from).for_each(|(w, f)| *w += f);
                        }
                    }
                }
            }
        }
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

    fn unit_weights(
        &self,
        units: Range<usize>,
        clusters: &Range<usize>,
        posterior: &[f64],
        unit_log: &[f64],
    ) -> Vec<f64> {
        let program = self.point.program;
        let nw = program.n_nodes.1;
        let n_between = self.shape.n_outer / nw;
        let mut weights = vec![0.0; units.len() * self.shape.n_outer];
        for (k, u) in units.enumerate() {
            let j = program.units.cluster[u] as usize;
            // a unit of weight zero still gets its posterior
            let count = program.units.count[u];
            let scale = if self.weighted { count * program.units.weight[j] } else { count.max(1e-100) };
            for b in 0..n_between {
                let p = scale * posterior[(j - clusters.start) * n_between + b];
                let start = (k * n_between + b) * nw;
                if nw == 1 {
                    weights[start] = p;
                } else if p > 0.0 {
                    let l = unit_log[k * n_between + b];
                    for q in 0..nw {
                        weights[start + q] = p * (self.buffers.totals[start + q] - l).exp();
                    }
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
            for j in clusters.clone().filter(|&j| f.patterns.of_unit[j] != NONE) {
                let weight = if self.weighted { program.units.weight[j] } else { 1.0 };
                let p = &posterior[(j - clusters.start) * n_between..(j - clusters.start + 1) * n_between];
                for (d, p) in p.chunks_exact(nb).enumerate() {
                    let start =
                        layout.start(f.patterns.of_unit[j] as usize - first, 0, between_cell(program, &f.between, d));
                    for (q, p) in p.iter().enumerate() {
                        self.weights[k][start + q % layout.n_nodes] += weight * p;
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
            contract_range(
                self.point,
                self.nodes,
                f,
                designs,
                &self.weights[k],
                self.want.information,
                &mut self.workspace,
                &mut self.slots,
                &mut self.sums,
            );
        }
    }
}

/// Cell over `classes` of a cell over all between class variables.
pub fn between_cell(program: &Program, classes: &[usize], mut cell: usize) -> usize {
    let (mut out, mut stride) = (0, 1);
    let mut place = 0;
    for &c in &program.between_classes {
        let k = program.model.classes[c].n_classes;
        if place < classes.len() && classes[place] == c {
            out += (cell % k) * stride;
            stride *= k;
            place += 1;
        }
        cell /= k;
    }
    out
}

pub(super) fn block_size(shape: &Shape, cells: usize) -> usize {
    (1usize << 19) / (shape.n_outer * cells.max(1))
}

pub(super) fn blocks(units: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let (start, end) = (units.start, units.end);
    (start..end).step_by(size).map(move |s| s..(s + size).min(end))
}

pub(super) fn integrate_within(totals: &[f64], n_within: usize, out: &mut [f64]) {
    if n_within == 1 {
        out.copy_from_slice(totals);
    } else {
        out.iter_mut().zip(totals.chunks_exact(n_within)).for_each(|(o, t)| *o = log_sum_exp(t));
    }
}

fn between_moments(nodes: &Nodes, program: &Program, j: usize, posterior: &[f64]) -> Moments {
    let n = program.n_nodes.0;
    let mut by_node = vec![0.0; n];
    posterior.chunks_exact(n).for_each(|p| by_node.iter_mut().zip(p).for_each(|(b, p)| *b += p));
    weighted_moments(&nodes.between.z(j, n), nodes.between.dims, &by_node)
}

fn within_moments(nodes: &Nodes, unit: usize, weights: &[f64]) -> Moments {
    let n = nodes.within.n;
    let mut by_node = vec![0.0; n];
    weights.chunks_exact(n).for_each(|p| by_node.iter_mut().zip(p).for_each(|(b, p)| *b += p));
    weighted_moments(&nodes.within.z(unit, n), nodes.within.dims, &by_node)
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
