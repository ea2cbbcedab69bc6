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
use super::products::{lanes, squares, Products};
use super::states::{has_curvature, n_patterns, n_states, Features};
use crate::compiled::Program;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::Point;
use crate::vector;

/// Unit patterns in a block.
const BLOCK: usize = 256;
/// Most numbers in what is kept of all units.
const MOST: usize = 1 << 22;
/// Most sums of products in a lane.
pub(super) const MOST_PRODUCTS: usize = 1 << 20;

/// Whether the recursion holds for the model and what it keeps is not too much.
pub fn is_possible(program: &Program) -> bool {
    let (outer, inner) = n_states(program);
    let kept = n_patterns(program) * outer * inner.max(program.model.parameters.len());
    let all = || program.factors.iter().chain(&program.cluster_factors);
    program.cluster_gaussian.is_none()
        && all().all(|f| f.patterns.local.is_none())
        && has_curvature(program)
        && kept <= MOST
        && Features::new(program).n_pairs() * outer * inner <= MOST_PRODUCTS
}

/// Multiply-adds of products of matrices that take as long as one step of other loops.
pub(super) const MATRIX: usize = 4;

/// What it costs, in steps of loops, which took 0.5 to 1.5 ns in the models measured (2PL, multilevel LCA, Grade of Membership).
pub fn steps(program: &Program) -> usize {
    let (outer, inner) = n_states(program);
    let (states, patterns, n) = (outer * inner, n_patterns(program), program.model.parameters.len());
    let (clusters, units) = (program.units.n_clusters(), program.units.n_units());
    let features = Features::new(program);
    // scores for every unit and state; derivatives for every state; cross-products of scores
    let columns: usize = program.factors.iter().map(|f| f.patterns.n_values() * f.parameters.len()).sum();
    let matrices = patterns * states * columns
        + states * features.n * n * (features.n + n)
        + (clusters + patterns) * outer * n * n / 2;
    let products = patterns * features.n_shown_pairs() * states.div_ceil(vector::WIDTH);
    matrices / MATRIX + products + patterns * states * (program.factors.len() + 4) + units * outer * n
}

/// Over the parameters; `None` where they are not admissible, a cluster is impossible or nodes are adapted.
pub fn information(point: &Point, nodes: &Nodes) -> Option<Exact> {
    let program = point.program;
    let mut parts = Parts::new(point, nodes)?;
    let blocks: Vec<Range<usize>> =
        (0..parts.n_patterns).step_by(BLOCK).map(|s| s..(s + BLOCK).min(parts.n_patterns)).collect();
    let of_blocks: Vec<Patterns> = blocks.par_iter().map(|b| parts.patterns(b.clone())).collect();
    let patterns = Patterns::join(of_blocks);
    let of_lanes: Vec<Clusters> = lanes(program.units.n_clusters())
        .into_par_iter()
        .map(|clusters| parts.clusters(nodes, &patterns, clusters))
        .collect::<Option<_>>()?;
    let mut of_lanes = of_lanes.into_iter();
    let mut clusters = of_lanes.next()?;
    for lane in of_lanes {
        vector::add(&mut clusters.weights, &lane.weights);
        vector::add(&mut clusters.between, &lane.between);
        vector::add(&mut clusters.scores, &lane.scores);
        clusters.of_factors.iter_mut().zip(&lane.of_factors).for_each(|(a, b)| vector::add(a, b));
    }
    let back: Vec<(Products, Vec<f64>)> = lanes(blocks.len())
        .into_par_iter()
        .map(|of_lane| parts.products(&patterns, &clusters.weights, &blocks[of_lane]))
        .collect();
    let mut products = Products::new(&parts.features, parts.states.n());
    let mut information = clusters.between;
    for (of_lane, means) in &back {
        products.merge(of_lane);
        vector::add(&mut information, means);
    }
    let states: Vec<(usize, usize)> = (0..parts.states.n()).map(|e| (e, e)).collect();
    information.iter_mut().zip(squares(&parts, &products, 0, &states)).for_each(|(i, s)| *i -= s);
    parts.weigh_entries(&products);
    parts.weights.splice(program.factors.len().., clusters.of_factors);
    vector::add(&mut information, &parts.curvature(nodes)?);
    Some(Exact { information, scores: Some(clusters.scores) })
}
