//! The E-step where clusters share unit patterns: each pattern's likelihood is computed once per (between cell, node),
//! clusters only add rows of that table, and the way back goes through the patterns again.

use std::ops::Range;

use rayon::prelude::*;

use super::lane::{block_size, blocks, normalise, Lane};
use super::nodes::Nodes;
use super::predictor::Point;
use super::run::{Evaluation, Want, MAX_LANES};
use super::scaled::{is_too_small, Scaled};
use super::tables::{Tables, Weights};
use crate::compiled::factor::NONE;
use crate::compiled::sharing::{ClusterSums, UnitSharing};
use crate::vector;

/// Rows that clusters add up: those of the unit patterns, or joint ones of several units.
pub(super) struct Rows<'a> {
    sharing: &'a UnitSharing,
    sums: Option<&'a ClusterSums>,
    /// Numbers in a row: (between cell, node).
    row: usize,
    /// [n_patterns × row]
    patterns: Vec<f64>,
    /// [position] and [merge] tables of `sums`
    leaves: Vec<Vec<f64>>,
    merged: Vec<Vec<f64>>,
    /// Tables of the roots of `sums` as scaled probabilities.
    scaled: Vec<Scaled>,
}

impl<'a> Rows<'a> {
    pub fn new(sharing: &'a UnitSharing, row: usize, patterns: Vec<f64>) -> Rows<'a> {
        let sums = sharing.clusters.as_ref();
        let mut out = Rows { sharing, sums, row, patterns, leaves: vec![], merged: vec![], scaled: vec![] };
        if let Some(sums) = sums {
            let scaled = |&(pattern, count): &(u32, f64)| out.pattern(pattern).iter().map(move |v| count * v);
            out.leaves = sums.positions.iter().map(|values| values.iter().flat_map(scaled).collect()).collect();
            out.merged = sums.tree.fill(|l| &out.leaves[l], row);
            out.scaled = sums.tree.roots.iter().map(|r| Scaled::new(out.root(sums, r.node), row)).collect();
        }
        out
    }

    /// Numbers in a row: (between cell, node).
    pub fn row(&self) -> usize {
        self.row
    }

    /// Table of a root of the clusters' tree.
    fn root(&self, sums: &ClusterSums, node: usize) -> &[f64] {
        match node.checked_sub(sums.tree.n_leaves) {
            None => &self.leaves[node],
            Some(merge) => &self.merged[merge],
        }
    }

    /// Posterior of cluster j from `prior` [row], into `p`; the log-likelihood, or `None` where it needs logarithms.
    fn posterior(&self, j: usize, prior: &[f64], p: &mut [f64]) -> Option<f64> {
        let sums = self.sums?;
        p.copy_from_slice(prior);
        let mut offset = 0.0;
        for (root, table) in sums.tree.roots.iter().zip(&self.scaled).filter(|(r, _)| r.of_unit[j] != NONE) {
            let pattern = root.of_unit[j] as usize;
            vector::multiply(p, &table.values[pattern * self.row..(pattern + 1) * self.row]);
            offset += table.offset[pattern];
        }
        let sum = vector::sum(p);
        if is_too_small(sum) {
            return None;
        }
        let inverse = 1.0 / sum;
        p.iter_mut().for_each(|p| *p *= inverse);
        Some(offset + sum.ln())
    }

    fn pattern(&self, pattern: u32) -> &[f64] {
        &self.patterns[pattern as usize * self.row..(pattern as usize + 1) * self.row]
    }

    /// Adds the log-likelihoods of a cluster's units.
    fn add_units(&self, point: &Point, j: usize, to: &mut [f64]) {
        let mut add = |count: f64, from: &[f64]| to.iter_mut().zip(from).for_each(|(t, f)| *t += count * f);
        match self.sums {
            Some(sums) => {
                for root in sums.tree.roots.iter().filter(|r| r.of_unit[j] != NONE) {
                    let table = self.root(sums, root.node);
                    let start = root.of_unit[j] as usize * self.row;
                    add(1.0, &table[start..start + self.row]);
                }
            }
            None => {
                let units = &point.program.units;
                for u in (units.cluster_start[j]..units.cluster_start[j + 1]).filter(|&u| units.count[u] != 0.0) {
                    add(units.count[u], self.pattern(self.sharing.of_unit[u]));
                }
            }
        }
    }

    /// Tables of posterior weights for one lane.
    fn weights(&self) -> Vec<Vec<f64>> {
        match self.sums {
            Some(sums) => sums.tree.roots.iter().map(|r| vec![0.0; r.n_patterns * self.row]).collect(),
            None => vec![vec![0.0; self.patterns.len()]],
        }
    }

    fn add_weights(&self, point: &Point, j: usize, posterior: &[f64], to: &mut [Vec<f64>]) {
        let mut add = |table: usize, pattern: u32, count: f64| {
            let start = pattern as usize * self.row;
            let to = &mut to[table][start..start + self.row];
            if count == 1.0 {
                vector::add(to, posterior);
            } else {
                to.iter_mut().zip(posterior).for_each(|(t, p)| *t += count * p);
            }
        };
        match self.sums {
            Some(sums) => {
                for (r, root) in sums.tree.roots.iter().enumerate().filter(|(_, r)| r.of_unit[j] != NONE) {
                    add(r, root.of_unit[j], 1.0);
                }
            }
            None => {
                let units = &point.program.units;
                for u in units.cluster_start[j]..units.cluster_start[j + 1] {
                    add(0, self.sharing.of_unit[u], units.count[u]);
                }
            }
        }
    }

    /// Weights of the unit patterns from the tables of all lanes.
    fn pattern_weights(&self, weights: Vec<Vec<f64>>) -> Vec<f64> {
        let Some(sums) = self.sums else { return weights.into_iter().next().unwrap_or_default() };
        let mut out = vec![0.0; self.patterns.len()];
        sums.tree.push_down(weights, self.row, |position, value, weights| {
            let (pattern, count) = sums.positions[position][value];
            let start = pattern as usize * self.row;
            out[start..start + self.row].iter_mut().zip(weights).for_each(|(o, w)| *o += count * w);
        });
        out
    }
}

/// A lane for blocks of unit patterns.
pub(super) fn pattern_lane<'a>(point: &'a Point<'a>, nodes: &'a Nodes, tables: &'a Tables, want: Want) -> Lane<'a, ()> {
    let mut lane = Lane::new(point, nodes, tables, want, true, ());
    lane.shared_units = true;
    lane
}

/// Posteriors of clusters, over (between cell, node).
pub(super) struct Posteriors<'a> {
    lane: Lane<'a, ()>,
    rows: &'a Rows<'a>,
    /// Without factors of their own, all clusters have the same weights of the nodes.
    prior: Option<Vec<f64>>,
}

impl<'a> Posteriors<'a> {
    pub fn new(lane: Lane<'a, ()>, rows: &'a Rows<'a>, clusters: &Range<usize>) -> Posteriors<'a> {
        let prior = (lane.point.program.cluster_factors.is_empty() && !clusters.is_empty()).then(|| {
            let mut p = vec![0.0; rows.row];
            lane.cluster_log(0, clusters.start, &mut p);
            vector::exp_in_place(&mut p);
            p
        });
        Posteriors { lane, rows, prior }
    }

    /// The log-likelihood of cluster j; its posterior goes to `p` [row].
    pub fn of(&mut self, j: usize, p: &mut [f64]) -> f64 {
        let quick = self.prior.as_ref().and_then(|prior| self.rows.posterior(j, prior, p));
        quick.unwrap_or_else(|| {
            // patterns that no chunk has to itself: chunk 0 stands for all
            self.lane.cluster_log(0, j, p);
            self.rows.add_units(self.lane.point, j, p);
            normalise(p)
        })
    }
}

/// Sums of one lane of clusters.
struct ClusterLane {
    log_likelihood: f64,
    clusters: Vec<f64>,
    /// Posterior weights of the rows that clusters add up, and of cluster-level factors.
    rows: Vec<Vec<f64>>,
    weights: Weights,
}

pub fn evaluate(point: &Point, nodes: &Nodes, tables: &Tables, want: Want, mut out: Evaluation) -> Evaluation {
    let program = point.program;
    let Some(sharing) = &program.sharing else { return out };
    let nw = program.n_nodes.1;
    let row = program.shape.n_outer / nw;
    let block = block_size(&program.shape, program.elimination.total_cells()).clamp(1, 512);
    let lane = |want: Want| pattern_lane(point, nodes, tables, want);
    let all: Vec<Range<usize>> = blocks(0..sharing.n_patterns, block).collect();
    let forward = |b: &Range<usize>| {
        let mut lane = lane(Want::default());
        let mut log = vec![0.0; b.len() * row];
        lane.forward(0, b.clone());
        lane.buffers.log_likelihoods(nw, &mut log);
        log
    };
    let rows = Rows::new(sharing, row, all.par_iter().flat_map_iter(forward).collect());
    let n_clusters = program.units.n_clusters();
    let n_lanes = n_clusters.min(MAX_LANES);
    let lanes: Vec<ClusterLane> = (0..n_lanes)
        .into_par_iter()
        .map(|k| {
            let clusters = k * n_clusters / n_lanes..(k + 1) * n_clusters / n_lanes;
            sum_clusters(Posteriors::new(lane(want), &rows, &clusters), clusters, want.gradient)
        })
        .collect();
    out.log_likelihood = 0.0;
    let mut row_weights: Vec<Vec<f64>> = vec![];
    let mut weights = Weights::default();
    for l in lanes {
        out.log_likelihood += l.log_likelihood;
        out.clusters.extend(l.clusters);
        if row_weights.is_empty() {
            row_weights = l.rows;
        } else {
            row_weights.iter_mut().zip(&l.rows).for_each(|(a, b)| vector::add(a, b));
        }
        weights.merge(l.weights);
    }
    if !out.log_likelihood.is_finite() {
        out.log_likelihood = f64::NEG_INFINITY;
        return out;
    }
    if want.gradient {
        let pattern_weights = rows.pattern_weights(row_weights);
        let n_lanes = all.len().min(MAX_LANES);
        let back: Vec<Weights> = (0..n_lanes)
            .into_par_iter()
            .map(|k| {
                let mut lane = lane(want);
                for b in &all[k * all.len() / n_lanes..(k + 1) * all.len() / n_lanes] {
                    lane.forward(0, b.clone());
                    let posterior =
                        unit_weights(&lane.buffers.totals, &pattern_weights[b.start * row..b.end * row], nw);
                    lane.buffers.backward(&posterior, &program.elimination, &program.shape);
                    lane.scatter(0, b.clone());
                }
                lane.weights
            })
            .collect();
        back.into_iter().for_each(|w| weights.merge(w));
        out.finish(point, nodes, tables, weights, want);
    }
    out
}

fn sum_clusters(mut posteriors: Posteriors, clusters: Range<usize>, gradient: bool) -> ClusterLane {
    let rows = posteriors.rows;
    let point = posteriors.lane.point;
    let units = &point.program.units;
    let mut out = ClusterLane {
        log_likelihood: 0.0,
        clusters: vec![],
        rows: if gradient { rows.weights() } else { vec![] },
        weights: Weights::default(),
    };
    let mut p = vec![0.0; rows.row];
    for j in clusters {
        let total = posteriors.of(j, &mut p);
        out.clusters.push(total);
        if units.weight[j] > 0.0 {
            out.log_likelihood += units.weight[j] * total;
        }
        if !gradient || !total.is_finite() {
            continue;
        }
        posteriors.lane.scatter_clusters(0, j..j + 1, &p);
        p.iter_mut().for_each(|v| *v *= units.weight[j]);
        rows.add_weights(point, j, &p, &mut out.rows);
    }
    out.weights = std::mem::take(&mut posteriors.lane.weights);
    out
}

/// Posterior weights over the within nodes, from those over (between cell, between node) and the nodes' own.
pub(super) fn unit_weights(totals: &[f64], weights: &[f64], n_within: usize) -> Vec<f64> {
    if n_within == 1 {
        return weights.to_vec();
    }
    totals.chunks_exact(n_within).zip(weights).flat_map(|(t, w)| t.iter().map(move |t| w * t)).collect()
}
