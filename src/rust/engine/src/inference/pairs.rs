//! Observed information in closed form (Louis 1982) where units show few values: categorical items, with nodes and levels.
//!
//! Units are independent given the outer state b (between classes and nodes) of their cluster, so that
//! I = Σ_j Σ_b w_jb { Σ_u [E(−∂² log f | b) − Var(s_u | b)] − g_jb g_jbᵀ } + g_j g_jᵀ, g_jb = Σ_u E(s_u | b) + score of the
//! cluster's own factors, g_j = Σ_b w_jb g_jb. In one state e = (b, inner state) the score of a unit is linear in 0/1 features of
//! its data, s_u = D_eᵀ x_u, so that Σ_u ω_ue s_u s_uᵀ = D_eᵀ (Σ_u ω_ue x_u x_uᵀ) D_e: products of features meet the posterior
//! weights of all states in one product of matrices, and derivatives come last.

use std::ops::Range;

use rayon::prelude::*;

use super::closed_form::Exact;
use super::pair_sums::{Clusters, Parts, Patterns};
use super::states::{has_curvature, n_patterns, n_states, Features};
use crate::compiled::{Group, Program};
use crate::em::space::Space;
use crate::likelihood::accumulator::Accumulator;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::Point;
use crate::likelihood::residuals::Residuals;
use crate::likelihood::table::Task;
use crate::vector;

/// Unit patterns in a block.
const BLOCK: usize = 256;
const LANES: usize = 16;
/// Most numbers in what is kept of all units.
const MOST: usize = 1 << 22;

/// Whether the recursion holds for the model and what it keeps is not too much.
pub fn is_possible(program: &Program) -> bool {
    let (outer, inner) = n_states(program);
    let kept = n_patterns(program) * outer * inner.max(program.model.parameters.len());
    let all = || program.factors.iter().chain(&program.cluster_factors);
    program.cluster_gaussian.is_none()
        && all().all(|f| f.patterns.local.is_none())
        && has_curvature(program)
        && kept <= MOST
        && Features::new(program).n_pairs() * (BLOCK + outer * inner) <= MOST
}

/// Multiply-adds of products of matrices that take as long as one step of other loops.
const MATRIX: usize = 4;
/// Steps for each state of a class and its separator: exponentials, quotients.
const CELL: usize = 8;

/// Whether it costs less than one gradient per parameter. Both are counted in steps of loops, which took 0.5 to 1.5 ns in the
/// models measured (2PL: a third of the differences, multilevel LCA: a tenth; Grade of Membership, where each cluster meets
/// a hundred nodes with few data, would take thrice as long).
pub fn pays(program: &Program) -> bool {
    let (outer, inner) = n_states(program);
    let (states, patterns, n) = (outer * inner, n_patterns(program), program.model.parameters.len());
    let (clusters, units) = (program.units.n_clusters(), program.units.n_units());
    let features = Features::new(program);
    // products of features and scores for every unit and state; derivatives for every state; cross-products of scores
    let columns: usize = program.factors.iter().map(|f| f.patterns.n_values() * f.parameters.len()).sum();
    let matrices = patterns * states * (features.n_pairs() + columns)
        + states * features.n * n * (features.n + n)
        + (clusters + patterns) * outer * n * n / 2;
    let loops = patterns * (states * (program.factors.len() + 4) + features.n_pairs()) + units * outer * n;
    // forward and back: rows that units look up, class cells, rows that clusters add up
    let lookups = |g: &Group| g.row() * (g.tree.roots.len() + g.local.len());
    let of_pattern = program.groups.iter().map(lookups).sum::<usize>()
        + CELL * program.n_outer() * program.elimination.total_cells();
    let of_clusters = match program.sharing.as_ref().and_then(|s| s.clusters.as_ref()) {
        Some(sums) => sums.tree.roots.len() * clusters,
        None => units,
    };
    let gradient = 2 * (patterns * of_pattern + outer * of_clusters);
    matrices / MATRIX + loops < gradient * n
}

/// `None` where the parameters are not admissible, or a cluster is impossible.
pub fn information(program: &Program, space: &Space, nodes: &Nodes, x: &[f64]) -> Option<Exact> {
    if nodes.are_adapted() {
        return None;
    }
    let working = space.to_working(x);
    let residuals = Residuals::new(program, &working)?;
    let point = Point { program, parameters: &working, residuals: &residuals };
    let n = working.len();
    let mut parts = Parts::new(&point, nodes)?;
    let mut patterns = Patterns::default();
    let blocks: Vec<Range<usize>> =
        (0..parts.n_patterns).step_by(BLOCK).map(|s| s..(s + BLOCK).min(parts.n_patterns)).collect();
    let of_blocks: Vec<Patterns> = blocks.par_iter().map(|b| parts.patterns(b.clone())).collect();
    of_blocks.iter().for_each(|b| patterns.extend(b));
    let n_clusters = program.units.n_clusters();
    let lanes: Vec<Clusters> = lanes(n_clusters)
        .into_par_iter()
        .map(|clusters| parts.clusters(nodes, &patterns, clusters))
        .collect::<Option<_>>()?;
    let mut lanes = lanes.into_iter();
    let mut clusters = lanes.next()?;
    for lane in lanes {
        vector::add(&mut clusters.weights, &lane.weights);
        vector::add(&mut clusters.between, &lane.between);
        vector::add(&mut clusters.scores, &lane.scores);
        clusters.of_factors.iter_mut().zip(&lane.of_factors).for_each(|(a, b)| vector::add(a, b));
    }
    let back: Vec<(Vec<f64>, Vec<f64>)> =
        lanes_of(&blocks).into_par_iter().map(|blocks| parts.products(&patterns, &clusters.weights, blocks)).collect();
    let mut products = vec![0.0; parts.features.n_pairs() * parts.states.n()];
    let mut information = clusters.between;
    for (of_lane, means) in &back {
        vector::add(&mut products, of_lane);
        vector::add(&mut information, means);
    }
    let squares: Vec<Vec<f64>> = lanes_of(&(0..parts.states.n()).collect::<Vec<_>>())
        .into_par_iter()
        .map(|e| parts.squares(&products, e))
        .collect();
    squares.iter().for_each(|s| information.iter_mut().zip(s).for_each(|(i, s)| *i -= s));
    parts.weigh_entries(&products);
    for (table, weights) in parts.cluster_tables.iter_mut().zip(clusters.of_factors) {
        table.weights = weights;
    }
    let mut sums = Accumulator::new(n, true);
    let all = program.factors.iter().chain(&program.cluster_factors);
    for (f, t) in all.zip(parts.tables.iter().chain(&parts.cluster_tables)) {
        t.add_curvature(Task::all(&point, nodes, f), &mut sums);
    }
    vector::add(&mut information, &sums.information?);
    Some(Exact { information: space.matrix(&information, n), scores: Some(space.matrix(&clusters.scores, n)) })
}

fn lanes(n: usize) -> Vec<Range<usize>> {
    let lanes = n.min(LANES);
    (0..lanes).map(|k| k * n / lanes..(k + 1) * n / lanes).collect()
}

fn lanes_of<T>(all: &[T]) -> Vec<&[T]> {
    lanes(all.len()).into_iter().map(|r| &all[r]).collect()
}
