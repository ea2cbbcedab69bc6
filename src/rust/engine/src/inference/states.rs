//! States that units are independent given (between cell × between node × within cell × within node), where factors' tables
//! have them, and the features of a unit's data that its scores are linear in.

use crate::compiled::elimination::cell_map;
use crate::compiled::factor::{Factor, FactorKind, NONE};
use crate::compiled::{between_cell, Program};
use crate::likelihood::nodes::Nodes;
use crate::likelihood::rows;
use crate::likelihood::table::Layout;
use crate::spec::{Coefficient, Term};

/// Distinct units: those of all clusters together where they share patterns.
pub fn n_patterns(program: &Program) -> usize {
    program.sharing.as_ref().map_or(program.units.n_units(), |s| s.n_patterns)
}

/// (outer, inner) states.
pub fn n_states(program: &Program) -> (usize, usize) {
    let (between, within) = program.n_nodes;
    (program.n_between_cells * between, program.model.n_cells(&program.within_classes) * within)
}

/// All states, those of one (between cell, between node) after the other.
pub struct States {
    /// Between cells × nodes.
    pub n_outer: usize,
    /// Within cells × nodes.
    pub n_inner: usize,
    /// Per factor, [state] its entry in a row of the factor's table.
    pub entry: Vec<Vec<u32>>,
    /// Factors that have all states at the same entries.
    pub alike: Vec<Vec<usize>>,
    /// Per cluster factor, [outer state].
    pub cluster_entry: Vec<Vec<u32>>,
    /// [inner state] log weight of the within node.
    pub log_weight: Vec<f64>,
}

impl States {
    pub fn new(program: &Program, nodes: &Nodes) -> States {
        let (n_between, n_within) = program.n_nodes;
        let n_cells = program.model.n_cells(&program.within_classes);
        let entries = |f: &Factor, inner: bool| {
            let layout = Layout::new(f);
            let cells = if inner { cell_map(&program.model, &program.within_classes, &f.within) } else { vec![0] };
            let n_within = if inner { n_within } else { 1 };
            let mut out = vec![];
            for d in 0..program.n_between_cells {
                let between = between_cell(program, &f.between, d);
                for q in 0..n_between {
                    for &cell in &cells {
                        let start = layout.start(0, cell as usize, between) + (q % f.nodes.0) * f.nodes.1;
                        out.extend((0..n_within).map(|r| (start + r % f.nodes.1) as u32));
                    }
                }
            }
            out
        };
        let mut of_nodes = vec![0.0; n_within];
        nodes.within.fill_log_weights(0, &mut of_nodes);
        let entry: Vec<Vec<u32>> = program.factors.iter().map(|f| entries(f, true)).collect();
        let row = |k: usize| Layout::new(&program.factors[k]).row();
        let mut alike: Vec<Vec<usize>> = vec![];
        for k in 0..entry.len() {
            match alike.iter_mut().find(|others| row(others[0]) == row(k) && entry[others[0]] == entry[k]) {
                Some(others) => others.push(k),
                None => alike.push(vec![k]),
            }
        }
        States {
            n_outer: program.n_between_cells * n_between,
            n_inner: n_cells * n_within,
            entry,
            alike,
            cluster_entry: program.cluster_factors.iter().map(|f| entries(f, false)).collect(),
            log_weight: of_nodes.repeat(n_cells),
        }
    }

    pub fn n(&self) -> usize {
        self.n_outer * self.n_inner
    }
}

/// 1, and for each value of each factor whether a unit shows it; one value of each factor (none at all, if that occurs) is
/// what the others are compared with.
pub struct Features {
    /// With the constant, which is the first.
    pub n: usize,
    /// Per factor, [value] its feature; `NONE` for the one compared with.
    pub of_value: Vec<Vec<u32>>,
}

impl Features {
    pub fn new(program: &Program) -> Features {
        let mut n = 1;
        let of_factor = |f: &Factor| {
            let compared = usize::from(!f.patterns.of_unit.contains(&NONE));
            let of_value = |v: usize| {
                let none = f.parameters.is_empty() || v < compared;
                n += u32::from(!none);
                if none {
                    NONE
                } else {
                    n - 1
                }
            };
            (0..f.patterns.n_values()).map(of_value).collect()
        };
        let of_value = program.factors.iter().map(of_factor).collect();
        Features { n: n as usize, of_value }
    }

    /// Most products of two features that one unit shows.
    pub fn n_shown_pairs(&self) -> usize {
        let shown = 1 + self.of_value.iter().filter(|f| f.iter().any(|v| *v != NONE)).count();
        shown * (shown + 1) / 2
    }

    /// Number of products of two features.
    pub fn n_pairs(&self) -> usize {
        self.n * (self.n + 1) / 2
    }
}

/// Place of a product of two features.
pub fn pair(a: usize, b: usize) -> usize {
    let (high, low) = (a.max(b), a.min(b));
    high * (high + 1) / 2 + low
}

/// Whether second derivatives are those of the families and of products of coefficients and latents: latents are linear in
/// their parameters.
pub fn has_curvature(program: &Program) -> bool {
    let model = &program.model;
    let free = |c: &Coefficient| c.parameters().iter().any(|&p| model.parameters[p].free);
    // per latent, whether it depends on parameters, and linearly
    let mut latents: Vec<(bool, bool)> = vec![];
    let linear = |latents: &[(bool, bool)], t: &Term| {
        let moving = t.latents.iter().filter(|&&l| latents[l].0).count();
        moving <= 1 && t.latents.iter().all(|&l| latents[l].1)
    };
    for (l, latent) in model.latents.iter().enumerate() {
        let terms = &latent.predictor.terms;
        let of_terms = terms.iter().any(|t| free(&t.coefficient) || t.latents.iter().any(|&l| latents[l].0));
        let straight =
            |t: &Term| linear(&latents, t) && !(free(&t.coefficient) && t.latents.iter().any(|&l| latents[l].0));
        let straight = terms.iter().all(straight);
        let residual = program.plan.block_of[l];
        let cholesky = residual.is_none_or(|(b, _)| program.working.is_cholesky[b]);
        latents.push((of_terms || residual.is_some(), straight && cholesky));
    }
    let of_factor = |f: &Factor| match &f.kind {
        FactorKind::Known(_) => true,
        FactorKind::Outcome(o) => {
            model.outcomes[*o].predictors.iter().flat_map(|p| &p.terms).all(|t| linear(&latents, t))
        }
        FactorKind::Logits(c) => model.classes[*c].logits.iter().flat_map(|p| &p.terms).all(|t| linear(&latents, t)),
        FactorKind::Gaussian(_) | FactorKind::Latent(_) => false,
    };
    program.factors.iter().chain(&program.cluster_factors).all(of_factor)
        && program.factors.iter().chain(&program.cluster_factors).all(|f| rows::applies(f) || f.parameters.is_empty())
}
