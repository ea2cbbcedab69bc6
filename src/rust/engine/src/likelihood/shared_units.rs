//! The E-step where clusters share unit patterns: each pattern's likelihood is computed once per (between cell, node),
//! clusters only add rows of that table, and the way back goes through the patterns again.

use std::ops::Range;

use rayon::prelude::*;

use super::cluster_rows::{Back, Posteriors, Rows};
use super::lane::{block_size, blocks, Lane};
use super::nodes::Nodes;
use super::predictor::Point;
use super::run::{Evaluation, Want, MAX_LANES};
use super::tables::{Tables, Weights};
use crate::vector;

/// A lane for blocks of unit patterns.
pub(super) fn pattern_lane<'a>(point: &'a Point<'a>, nodes: &'a Nodes, tables: &'a Tables, want: Want) -> Lane<'a, ()> {
    let mut lane = Lane::new(point, nodes, tables, want, true, ());
    lane.shared_units = true;
    lane
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
    let lanes: Vec<ClusterLane> = rows
        .lanes(n_clusters)
        .into_par_iter()
        .map(|places| sum_clusters(Posteriors::new(lane(want), &rows, &places), &rows, places, want.gradient))
        .collect();
    out.log_likelihood = 0.0;
    out.clusters = vec![0.0; n_clusters];
    let mut place = 0;
    let mut row_weights: Vec<Vec<f64>> = vec![];
    let mut weights = Weights::default();
    for l in lanes {
        out.log_likelihood += l.log_likelihood;
        for log in l.clusters {
            out.clusters[rows.cluster(place)] = log;
            place += 1;
        }
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

/// Of the clusters at some places of the rows' order.
fn sum_clusters(mut posteriors: Posteriors, rows: &Rows, places: Range<usize>, gradient: bool) -> ClusterLane {
    let point = posteriors.lane.point;
    let units = &point.program.units;
    let mut out = ClusterLane { log_likelihood: 0.0, clusters: vec![], rows: vec![], weights: Weights::default() };
    let mut back = gradient.then(|| Back::new(rows));
    let mut p = vec![0.0; rows.row()];
    for j in places.map(|place| rows.cluster(place)) {
        let (total, scale) = posteriors.of(j, &mut p);
        out.clusters.push(total);
        if units.weight[j] > 0.0 {
            out.log_likelihood += units.weight[j] * total;
        }
        let Some(back) = back.as_mut().filter(|_| total.is_finite()) else { continue };
        posteriors.lane.scatter_clusters(0, j..j + 1, &p);
        back.add(point, j, &p, scale * units.weight[j]);
    }
    out.rows = back.map(Back::finish).unwrap_or_default();
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
