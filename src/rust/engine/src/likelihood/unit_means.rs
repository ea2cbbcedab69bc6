//! A pass for sinks where clusters share unit patterns (compiled/sharing.rs): what a sink wants to know of a unit is the
//! posterior mean of some functions of its pattern and the nodes, E{h(pattern, z) | cluster}. They are worked out once
//! per pattern, and each cluster only meets them with the posterior of its nodes.

use std::ops::Range;

use rayon::prelude::*;

use super::class_graph::Buffers;
use super::cluster_rows::{Posteriors, Rows};
use super::lane::{block_size, blocks};
use super::nodes::Nodes;
use super::predictor::Point;
use super::run::{Evaluation, Sink, MAX_LANES};
use super::shared_units::{pattern_lane, unit_weights};
use super::tables::{all_factors, Tables};
use crate::compiled::shape::{Broadcast, Shape};
use crate::compiled::sharing::UnitSharing;
use crate::compiled::Program;
use crate::vector;

/// Most numbers in all functions together.
const MOST: usize = 1 << 24;
/// Numbers in the posteriors of a batch of clusters, and clusters in it.
const BATCH: usize = 1 << 17;
const MOST_CLUSTERS: usize = 64;

/// Posterior of the classes of a block of unit patterns at given between cells and nodes.
pub struct PatternPosterior<'a> {
    buffers: &'a Buffers,
    shape: &'a Shape,
    /// [pattern × outer] of the within nodes alone.
    within_nodes: &'a [f64],
}

impl PatternPosterior<'_> {
    /// Of a clique's cell and the within nodes (of these alone without a clique), for the i-th pattern of the block, [outer].
    pub fn of(&self, clique: Option<usize>, cell: usize, i: usize) -> &[f64] {
        let outer = self.shape.n_outer;
        let start = clique.map_or(0, |_| cell * self.buffers.n_units * outer) + i * outer;
        &clique.map_or(self.within_nodes, |c| self.buffers.clique(c))[start..start + outer]
    }

    /// Where group g has the values of each outer cell.
    pub fn inner(&self, g: usize) -> impl Fn(usize) -> usize + '_ {
        let (how, inner) = (&self.shape.broadcast[g], self.shape.inner[g]);
        move |outer| match how {
            Broadcast::Same => outer,
            Broadcast::Scalar => 0,
            Broadcast::Tile => outer % inner,
            Broadcast::Map(map) => map[outer] as usize,
        }
    }
}

/// Per unit pattern, the names of the functions that the sink wants; `None` where units have to be seen one by one.
pub(super) fn wanted<S: Sink>(program: &Program, nodes: &Nodes, sink: &S) -> Option<Vec<Vec<u32>>> {
    let sharing = program.sharing.as_ref()?;
    let local = all_factors(program).any(|f| f.patterns.local.is_some());
    if local || nodes.are_adapted() || program.cluster_gaussian.is_some() {
        return None;
    }
    let names: Vec<Vec<u32>> = (0..sharing.n_patterns).map(|v| sink.functions(program, v)).collect::<Option<_>>()?;
    let total: usize = names.iter().map(Vec::len).sum();
    (total * program.shape.n_outer <= MOST).then_some(names)
}

/// The sinks of all lanes, in order; none where a cluster is impossible.
pub(super) fn run<S: Sink>(
    point: &Point,
    nodes: &Nodes,
    tables: &Tables,
    names: &[Vec<u32>],
    sink: &(dyn Fn() -> S + Sync),
    mut out: Evaluation,
) -> (Evaluation, Vec<S>) {
    let program = point.program;
    let Some(sharing) = &program.sharing else { return (out, vec![]) };
    let size = block_size(&program.shape, program.elimination.total_cells()).clamp(1, 512);
    let all: Vec<Range<usize>> = blocks(0..sharing.n_patterns, size).collect();
    let of_block = |b: &Range<usize>| of_patterns(point, nodes, tables, names, &sink(), b.clone());
    let (logs, functions): (Vec<Vec<f64>>, Vec<Vec<Vec<f64>>>) = all.par_iter().map(of_block).unzip();
    let task = Task {
        point,
        nodes,
        tables,
        names,
        sharing,
        rows: &Rows::new(sharing, program.shape.n_outer / program.n_nodes.1, logs.concat()),
        functions: &functions.into_iter().flatten().collect::<Vec<_>>(),
    };
    let n = program.units.n_clusters();
    let n_lanes = n.min(MAX_LANES);
    let lanes: Option<Vec<(S, Vec<f64>)>> =
        (0..n_lanes).into_par_iter().map(|k| task.lane(k * n / n_lanes..(k + 1) * n / n_lanes, sink())).collect();
    let Some(lanes) = lanes else { return (out, vec![]) };
    let (sinks, clusters): (Vec<S>, Vec<Vec<f64>>) = lanes.into_iter().unzip();
    out.clusters = clusters.concat();
    let counted = program.units.weight.iter().zip(&out.clusters).filter(|(w, _)| **w > 0.0);
    out.log_likelihood = counted.map(|(w, l)| w * l).sum();
    (out, sinks)
}

/// Log-likelihoods of a block of patterns, [pattern × row], and their functions, [pattern][function × row].
fn of_patterns<S: Sink>(
    point: &Point,
    nodes: &Nodes,
    tables: &Tables,
    names: &[Vec<u32>],
    sink: &S,
    patterns: Range<usize>,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let program = point.program;
    let (outer, nw) = (program.shape.n_outer, program.n_nodes.1);
    let mut lane = pattern_lane(point, nodes, tables, Default::default());
    let mut log = vec![0.0; patterns.len() * outer / nw];
    lane.forward(0, patterns.clone());
    lane.buffers.log_likelihoods(nw, &mut log);
    if names[patterns.clone()].iter().all(Vec::is_empty) {
        return (log, vec![vec![]; patterns.len()]);
    }
    let within_nodes = unit_weights(&lane.buffers.totals, &vec![1.0; log.len()], nw);
    lane.buffers.backward(&within_nodes, &program.elimination, &program.shape);
    let posterior = PatternPosterior { buffers: &lane.buffers, shape: &program.shape, within_nodes: &within_nodes };
    let of_pattern = |(i, v): (usize, usize)| {
        let mut values = vec![0.0; names[v].len() * outer];
        sink.fill_functions(point, &posterior, (v, i), &names[v], &mut values);
        if nw == 1 {
            return values;
        }
        values.chunks_exact(nw).map(|v| v.iter().sum()).collect()
    };
    let functions = patterns.clone().enumerate().map(of_pattern).collect();
    (log, functions)
}

#[derive(Clone, Copy)]
struct Task<'a> {
    point: &'a Point<'a>,
    nodes: &'a Nodes,
    tables: &'a Tables,
    names: &'a [Vec<u32>],
    sharing: &'a UnitSharing,
    rows: &'a Rows<'a>,
    /// [pattern][function × row]
    functions: &'a [Vec<f64>],
}

impl Task<'_> {
    /// Clusters of one lane, batch by batch; `None` where one that counts is impossible.
    fn lane<S: Sink>(self, clusters: Range<usize>, mut sink: S) -> Option<(S, Vec<f64>)> {
        let Task { point, nodes, tables, names, sharing, rows, .. } = self;
        let units = &point.program.units;
        sink.chunk(point, nodes, 0);
        let row = rows.row();
        let mut posteriors = Posteriors::new(pattern_lane(point, nodes, tables, Default::default()), rows, &clusters);
        let mut logs = Vec::with_capacity(clusters.len());
        let widest = names.iter().map(Vec::len).max().unwrap_or(0);
        let (mut p, mut means) = (vec![], vec![]);
        for batch in blocks(clusters, (BATCH / row).clamp(1, MOST_CLUSTERS)) {
            p.resize(batch.len() * row, 0.0);
            for (j, p) in batch.clone().zip(p.chunks_exact_mut(row)) {
                let (log, scale) = posteriors.of(j, p);
                p.iter_mut().for_each(|p| *p *= scale);
                if !log.is_finite() && units.weight[j] > 0.0 {
                    return None;
                }
                logs.push(log);
            }
            let range = units.cluster_start[batch.start]..units.cluster_start[batch.end];
            means.resize(range.len() * widest, 0.0);
            if widest > 0 {
                self.fill_means(batch.start, range.clone(), &p, widest, &mut means);
            }
            let of_batch = logs.len() - batch.len();
            for (j, p) in batch.clone().zip(p.chunks_exact(row)) {
                sink.cluster(point, nodes, j, logs[of_batch + j - batch.start], p);
                for u in units.cluster_start[j]..units.cluster_start[j + 1] {
                    let names = &names[sharing.of_unit[u] as usize];
                    let start = (u - range.start) * widest;
                    sink.unit(point, u, names, &means[start..start + names.len()]);
                }
            }
        }
        Some((sink, logs))
    }

    /// [unit × widest] posterior means; units of one pattern after the other, so that its functions stay in the cache.
    fn fill_means(self, first: usize, units: Range<usize>, p: &[f64], widest: usize, means: &mut [f64]) {
        let row = self.rows.row();
        let mut order: Vec<usize> = units.clone().collect();
        order.sort_by_key(|&u| self.sharing.of_unit[u]);
        for u in order {
            let j = self.point.program.units.cluster[u] as usize - first;
            let p = &p[j * row..(j + 1) * row];
            let to = &mut means[(u - units.start) * widest..(u - units.start + 1) * widest];
            let functions = self.functions[self.sharing.of_unit[u] as usize].chunks_exact(row);
            to.iter_mut().zip(functions).for_each(|(to, h)| *to = vector::dot(p, h));
        }
    }
}
