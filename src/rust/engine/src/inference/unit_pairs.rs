//! As pairs.rs for units that are clusters of their own and have no outer state: nothing is kept of a unit.
//!
//! E(s_u) = Σ_e p_ue D_eᵀ x_u, so that Σ_u w_u E(s_u) E(s_u)ᵀ = Σ_e Σ_f D_eᵀ (Σ_u w_u p_ue p_uf x_u x_uᵀ) D_f: the products of
//! features have a column for each state and one for each pair of states.

use rayon::prelude::*;

use super::closed_form::Exact;
use super::pair_sums::Parts;
use super::pairs::{MATRIX, MOST_PRODUCTS};
use super::products::{lanes, squares, Products};
use super::states::{has_curvature, n_states, Features};
use crate::compiled::Program;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::Point;
use crate::vector;

/// Units whose posteriors are worked out together.
const BLOCK: usize = 256;

/// Columns of the products: states, then pairs of states.
fn n_columns(n_states: usize) -> usize {
    n_states + n_states * (n_states + 1) / 2
}

pub fn is_possible(program: &Program) -> bool {
    let (outer, inner) = n_states(program);
    outer == 1
        && program.units.are_alone()
        && program.cluster_gaussian.is_none()
        && program.cluster_factors.is_empty()
        && program.factors.iter().all(|f| f.patterns.local.is_none())
        && has_curvature(program)
        && Features::new(program).n_pairs() * n_columns(inner) <= MOST_PRODUCTS
}

/// As those of pairs.rs.
pub fn steps(program: &Program) -> usize {
    let (_, states) = n_states(program);
    let (units, n) = (program.units.n_units(), program.model.parameters.len());
    let features = Features::new(program);
    let columns = n_columns(states);
    let products = features.n_shown_pairs() * columns.div_ceil(vector::WIDTH);
    let derivatives = columns * features.n * n * (features.n + n);
    units * (states * (program.factors.len() + 4) + columns + products) + derivatives / MATRIX
}

/// Over the parameters; `None` where they are not admissible, a unit is impossible or nodes are adapted.
pub fn information(point: &Point, nodes: &Nodes) -> Option<Exact> {
    let program = point.program;
    let mut parts = Parts::new(point, nodes)?;
    let n_states = parts.states.n();
    let of_lanes: Vec<Products> = lanes(program.units.n_units())
        .into_par_iter()
        .map(|units| {
            let mut out = Products::new(&parts.features, n_columns(n_states));
            let mut weights = vec![];
            for start in units.clone().step_by(BLOCK) {
                let block = start..(start + BLOCK).min(units.end);
                let posteriors = parts.posteriors(block.clone());
                for (u, (p, log)) in block.zip(posteriors.p.chunks_exact(n_states).zip(&posteriors.log)) {
                    let weight = program.units.weight[program.units.cluster[u] as usize];
                    if weight == 0.0 {
                        continue;
                    }
                    if !log.is_finite() {
                        return None;
                    }
                    weights.clear();
                    weights.extend(p.iter().map(|p| weight * p));
                    (0..n_states).for_each(|e| weights.extend(p[..=e].iter().map(|f| weight * p[e] * f)));
                    out.add(&parts, u, &weights);
                }
            }
            Some(out)
        })
        .collect::<Option<_>>()?;
    let mut products = Products::new(&parts.features, n_columns(n_states));
    of_lanes.iter().for_each(|lane| products.merge(lane));
    let states: Vec<(usize, usize)> = (0..n_states).map(|e| (e, e)).collect();
    let pairs: Vec<(usize, usize)> = (0..n_states).flat_map(|e| (0..=e).map(move |f| (e, f))).collect();
    let within = squares(&parts, &products, 0, &states);
    let means = squares(&parts, &products, n_states, &pairs);
    parts.weigh_entries(&products);
    let mut information = parts.curvature(nodes)?;
    vector::add(&mut information, &means);
    information.iter_mut().zip(&within).for_each(|(i, s)| *i -= s);
    Some(Exact { information, scores: Some(means) })
}
