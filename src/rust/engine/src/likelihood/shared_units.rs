//! The E-step where clusters share unit patterns: each pattern's likelihood is computed once per (between cell, node),
//! clusters only add rows of that table, and the way back goes through the patterns again.

use std::ops::Range;

use rayon::prelude::*;

use super::class_graph::Shape;
use super::nodes::Nodes;
use super::predictor::Point;
use super::run::{block_size, blocks, contract_shared, integrate_within, Evaluation, Lane, Want, MAX_LANES};
use crate::numeric::log_sum_exp;

/// Sums of one lane of clusters.
struct ClusterLane {
    log_likelihood: f64,
    clusters: Vec<f64>,
    /// [pattern × between] posterior weights
    patterns: Vec<f64>,
    /// per factor, of the cluster level
    weights: Vec<Vec<f64>>,
}

pub fn evaluate(
    point: &Point,
    nodes: &Nodes,
    shared: &[Vec<f64>],
    shape: &Shape,
    want: Want,
    mut out: Evaluation,
) -> Evaluation {
    let program = point.program;
    let Some(sharing) = &program.sharing else { return out };
    let nw = program.n_nodes.1;
    let n_between = shape.n_outer / nw;
    let block = block_size(shape, program.elimination.total_cells()).clamp(1, 512);
    let lane = |want: Want| {
        let mut lane = Lane::new(point, nodes, shared, shape, want, true, ());
        lane.shared_units = true;
        lane
    };
    let all: Vec<Range<usize>> = blocks(0..sharing.n_patterns, block).collect();
    let unit_log: Vec<f64> = all
        .par_iter()
        .flat_map_iter(|b| {
            let mut lane = lane(Want::default());
            lane.forward(0, b.clone());
            let mut log = vec![0.0; b.len() * n_between];
            integrate_within(&lane.buffers.totals, nw, &mut log);
            log
        })
        .collect();
    let n_clusters = program.units.n_clusters();
    let n_lanes = n_clusters.min(MAX_LANES);
    let lanes: Vec<ClusterLane> = (0..n_lanes)
        .into_par_iter()
        .map(|k| {
            let clusters = k * n_clusters / n_lanes..(k + 1) * n_clusters / n_lanes;
            sum_clusters(point, &mut lane(want), clusters, &unit_log, n_between, want.gradient)
        })
        .collect();
    out.log_likelihood = 0.0;
    let mut patterns = vec![0.0; if want.gradient { unit_log.len() } else { 0 }];
    let mut weights: Vec<Vec<f64>> = vec![];
    for l in lanes {
        out.log_likelihood += l.log_likelihood;
        out.clusters.extend(l.clusters);
        add(&mut patterns, &l.patterns);
        merge(&mut weights, l.weights);
    }
    if !out.log_likelihood.is_finite() {
        out.log_likelihood = f64::NEG_INFINITY;
        return out;
    }
    if want.gradient {
        let n_lanes = all.len().min(MAX_LANES);
        let back: Vec<Vec<Vec<f64>>> = (0..n_lanes)
            .into_par_iter()
            .map(|k| {
                let mut lane = lane(want);
                for b in &all[k * all.len() / n_lanes..(k + 1) * all.len() / n_lanes] {
                    lane.forward(0, b.clone());
                    let range = b.start * n_between..b.end * n_between;
                    let posterior = unit_weights(&lane.buffers.totals, &unit_log[range.clone()], &patterns[range], nw);
                    lane.buffers.backward(&posterior, &program.elimination, shape);
                    lane.scatter(0, b.clone());
                }
                std::mem::take(&mut lane.weights)
            })
            .collect();
        back.into_iter().for_each(|w| merge(&mut weights, w));
        contract_shared(point, nodes, weights, want.information, &mut out.sums);
    }
    out
}

fn sum_clusters(
    point: &Point,
    lane: &mut Lane<()>,
    clusters: Range<usize>,
    unit_log: &[f64],
    n_between: usize,
    gradient: bool,
) -> ClusterLane {
    let program = point.program;
    let units = &program.units;
    let of_unit = program.sharing.as_ref().map_or(&[][..], |s| &s.of_unit);
    let mut out = ClusterLane {
        log_likelihood: 0.0,
        clusters: vec![],
        patterns: vec![0.0; if gradient { unit_log.len() } else { 0 }],
        weights: vec![],
    };
    let mut p = vec![0.0; n_between];
    for j in clusters {
        // patterns that no chunk has to itself: chunk 0 stands for all
        lane.cluster_log(0, j, &mut p);
        let range = units.cluster_start[j]..units.cluster_start[j + 1];
        for u in range.clone().filter(|&u| units.count[u] != 0.0) {
            let row = of_unit[u] as usize * n_between;
            let count = units.count[u];
            p.iter_mut().zip(&unit_log[row..row + n_between]).for_each(|(p, l)| *p += count * l);
        }
        let total = log_sum_exp(&p);
        out.clusters.push(total);
        if units.weight[j] > 0.0 {
            out.log_likelihood += units.weight[j] * total;
        }
        if !gradient || !total.is_finite() {
            continue;
        }
        p.iter_mut().for_each(|v| *v = (*v - total).exp());
        lane.scatter_clusters(0, j..j + 1, &p);
        p.iter_mut().for_each(|v| *v *= units.weight[j]);
        for u in range {
            let row = of_unit[u] as usize * n_between;
            let count = units.count[u];
            out.patterns[row..row + n_between].iter_mut().zip(&p).for_each(|(w, p)| *w += count * p);
        }
    }
    out.weights = std::mem::take(&mut lane.weights);
    out
}

/// Posterior weights over the within nodes, from those over (between cell, between node).
fn unit_weights(totals: &[f64], unit_log: &[f64], weights: &[f64], n_within: usize) -> Vec<f64> {
    if n_within == 1 {
        return weights.to_vec();
    }
    let mut out = vec![0.0; totals.len()];
    for (b, (&l, &w)) in unit_log.iter().zip(weights).enumerate().filter(|(_, (_, w))| **w > 0.0) {
        for q in 0..n_within {
            out[b * n_within + q] = w * (totals[b * n_within + q] - l).exp();
        }
    }
    out
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
}

/// Adds tables of posterior weights, one per factor.
pub(super) fn merge(to: &mut Vec<Vec<f64>>, from: Vec<Vec<f64>>) {
    if to.is_empty() {
        *to = from;
    } else {
        to.iter_mut().zip(&from).for_each(|(a, b)| add(a, b));
    }
}
