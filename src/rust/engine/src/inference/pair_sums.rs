//! What a closed form with pairs of features adds up: unit patterns, clusters, products of features, and scores by state.

use std::ops::Range;

use rayon::prelude::*;

use super::factor_tables::{add_curvature, FactorTables};
use super::products::Products;
use super::states::{n_patterns, Features, States};
use crate::compiled::factor::NONE;
use crate::likelihood::accumulator::Accumulator;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::normalise;
use crate::likelihood::predictor::Point;
use crate::likelihood::table::{Layout, Task};
use crate::linalg::{matmul, Gram};
use crate::vector;

/// Everything that does not depend on the cluster.
pub(super) struct Parts<'a> {
    pub point: &'a Point<'a>,
    pub states: States,
    pub features: Features,
    pub tables: Vec<FactorTables>,
    pub cluster_tables: Vec<FactorTables>,
    /// Per factor and cluster factor, [entry of its table] posterior weight.
    pub weights: Vec<Vec<f64>>,
    /// Per factor, [pattern] its value.
    pub values: Vec<&'a [u32]>,
    /// Per factor, place of its scores among all factors' values × slots; then their number.
    pub column: Vec<usize>,
    /// [outer state] scores, [inner state][column]
    pub scores: Vec<Vec<f64>>,
    pub n_patterns: usize,
}

/// Of unit patterns, one after the other.
pub(super) struct Patterns {
    /// [outer] log-likelihood
    pub log: Vec<f64>,
    /// [state] probability of the inner state given the outer one
    pub p: Vec<f64>,
    /// [outer × parameters] E(score | outer state)
    pub mean: Vec<f64>,
}

impl Patterns {
    pub fn join(blocks: Vec<Patterns>) -> Patterns {
        let all = |of: fn(&Patterns) -> &[f64]| blocks.iter().map(of).collect::<Vec<_>>().concat();
        Patterns { log: all(|b| &b.log), p: all(|b| &b.p), mean: all(|b| &b.mean) }
    }
}

/// What one lane of clusters adds up.
pub(super) struct Clusters {
    /// [pattern × outer] Σ weight × posterior of the outer state
    pub weights: Vec<f64>,
    /// Per cluster factor, posterior weights of its table.
    pub of_factors: Vec<Vec<f64>>,
    /// Σ g gᵀ − Σ_b w_b g_b g_bᵀ
    pub between: Vec<f64>,
    /// Σ weight² g gᵀ
    pub scores: Vec<f64>,
}

impl<'a> Parts<'a> {
    /// `None` where the parameters are not admissible, and where nodes are adapted and tables not common.
    pub fn new(point: &'a Point<'a>, nodes: &Nodes) -> Option<Parts<'a>> {
        if nodes.are_adapted() {
            return None;
        }
        let program = point.program;
        let fill = |f| FactorTables::new(Task::all(point, nodes, f));
        let tables: Vec<FactorTables> = program.factors.par_iter().map(fill).collect::<Option<_>>()?;
        let cluster_tables: Vec<FactorTables> = program.cluster_factors.par_iter().map(fill).collect::<Option<_>>()?;
        let all = tables.iter().chain(&cluster_tables);
        let weights = all.map(|t| vec![0.0; t.log_density.len()]).collect();
        let states = States::new(program, nodes);
        let values: Vec<&[u32]> = match &program.sharing {
            Some(s) => s.values.iter().map(|v| &v[..]).collect(),
            None => program.factors.iter().map(|f| &f.patterns.of_unit[..]).collect(),
        };
        let mut column = vec![0];
        for f in &program.factors {
            column.push(column[column.len() - 1] + f.patterns.n_values() * f.parameters.len());
        }
        let mut out = Parts {
            point,
            states,
            features: Features::new(program),
            tables,
            cluster_tables,
            weights,
            values,
            column,
            scores: vec![],
            n_patterns: n_patterns(program),
        };
        out.scores = (0..out.states.n_outer).map(|b| out.scores_of(b)).collect();
        Some(out)
    }

    /// Derivatives of factor k by value `v` in state `e`.
    pub fn derivatives(&self, k: usize, v: usize, e: usize) -> &[f64] {
        let f = &self.point.program.factors[k];
        let m = f.parameters.len();
        let entry = v * f.n_within * f.n_between * f.n_nodes() + self.states.entry[k][e] as usize;
        &self.tables[k].derivatives[entry * m..(entry + 1) * m]
    }

    fn scores_of(&self, outer: usize) -> Vec<f64> {
        let mut out = vec![];
        for e in outer * self.states.n_inner..(outer + 1) * self.states.n_inner {
            for (k, f) in self.point.program.factors.iter().enumerate() {
                (0..f.patterns.n_values()).for_each(|v| out.extend_from_slice(self.derivatives(k, v, e)));
            }
        }
        out
    }

    /// Log-likelihoods and probabilities of the states of some unit patterns; `mean` is left empty.
    pub fn posteriors(&self, range: Range<usize>) -> Patterns {
        let (n_states, n_outer) = (self.states.n(), self.states.n_outer);
        let mut p = Vec::with_capacity(range.len() * n_states);
        let mut log = Vec::with_capacity(range.len() * n_outer);
        let mut sum = vec![];
        for i in range {
            let start = p.len();
            (0..n_outer).for_each(|_| p.extend_from_slice(&self.states.log_weight));
            let row = &mut p[start..];
            for alike in &self.states.alike {
                sum.clear();
                for &k in alike.iter().filter(|k| self.values[**k][i] != NONE) {
                    let size = Layout::new(&self.point.program.factors[k]).row();
                    let v = self.values[k][i] as usize;
                    sum.resize(size, 0.0);
                    vector::add(&mut sum, &self.tables[k].log_density[v * size..(v + 1) * size]);
                }
                if !sum.is_empty() {
                    row.iter_mut().zip(&self.states.entry[alike[0]]).for_each(|(r, &e)| *r += sum[e as usize]);
                }
            }
            log.extend(row.chunks_exact_mut(self.states.n_inner).map(normalise_or_none));
        }
        Patterns { log, p, mean: vec![] }
    }

    pub fn patterns(&self, range: Range<usize>) -> Patterns {
        let program = self.point.program;
        let States { n_outer, n_inner, .. } = self.states;
        let (n_states, n) = (self.states.n(), self.point.parameters.len());
        let mut out = self.posteriors(range.clone());
        let n_columns = self.column[program.factors.len()];
        out.mean = vec![0.0; range.len() * n_outer * n];
        let mut by_column = vec![0.0; n_columns * range.len()];
        let mut of_outer = vec![];
        for b in 0..n_outer {
            of_outer.clear();
            out.p.chunks_exact(n_states).for_each(|p| of_outer.extend_from_slice(&p[b * n_inner..(b + 1) * n_inner]));
            matmul(&self.scores[b], &of_outer, (n_columns, n_inner, range.len()), &mut by_column);
            for (i, by_column) in range.clone().zip(by_column.chunks_exact(n_columns.max(1))) {
                let start = ((i - range.start) * n_outer + b) * n;
                let mean = &mut out.mean[start..start + n];
                for (k, f) in program.factors.iter().enumerate().filter(|(k, _)| self.values[*k][i] != NONE) {
                    let from = self.column[k] + self.values[k][i] as usize * f.parameters.len();
                    f.parameters.iter().zip(&by_column[from..]).for_each(|(&p, s)| mean[p] += s);
                }
            }
        }
        out
    }

    pub fn clusters(&self, nodes: &Nodes, patterns: &Patterns, clusters: Range<usize>) -> Option<Clusters> {
        let program = self.point.program;
        let units = &program.units;
        let (n_outer, n) = (self.states.n_outer, self.point.parameters.len());
        let mut out = Clusters {
            weights: vec![0.0; self.n_patterns * n_outer],
            of_factors: self.cluster_tables.iter().map(|t| vec![0.0; t.log_density.len()]).collect(),
            between: vec![0.0; n * n],
            scores: vec![],
        };
        let (mut outer, mut means, mut scores) = (Gram::new(n), Gram::new(n), Gram::new(n));
        let (mut w, mut given, mut g) = (vec![0.0; n_outer], vec![0.0; n_outer * n], vec![0.0; n]);
        let pattern = |u: usize| program.sharing.as_ref().map_or(u, |s| s.of_unit[u] as usize);
        for j in clusters.filter(|&j| units.weight[j] > 0.0) {
            let (first, rest) = w.split_at_mut(program.n_nodes.0);
            nodes.between.fill_log_weights(j, first);
            rest.chunks_exact_mut(first.len()).for_each(|r| r.copy_from_slice(first));
            given.fill(0.0);
            for u in units.cluster_start[j]..units.cluster_start[j + 1] {
                let (i, count) = (pattern(u), units.count[u]);
                let log = &patterns.log[i * n_outer..(i + 1) * n_outer];
                w.iter_mut().zip(log).filter(|_| count != 0.0).for_each(|(w, l)| *w += count * l);
                let mean = &patterns.mean[i * n_outer * n..(i + 1) * n_outer * n];
                given.iter_mut().zip(mean).for_each(|(g, m)| *g += count * m);
            }
            for (k, f) in program.cluster_factors.iter().enumerate().filter(|(_, f)| f.patterns.of_unit[j] != NONE) {
                let (m, start) = (f.parameters.len(), f.patterns.of_unit[j] as usize * f.n_between * f.n_nodes());
                let table = &self.cluster_tables[k];
                for (b, &e) in self.states.cluster_entry[k].iter().enumerate() {
                    let entry = start + e as usize;
                    w[b] += table.log_density[entry];
                    let derivatives = &table.derivatives[entry * m..(entry + 1) * m];
                    f.parameters.iter().zip(derivatives).for_each(|(&p, d)| given[b * n + p] += d);
                }
            }
            let weight = units.weight[j];
            if !normalise_or_none(&mut w).is_finite() {
                return None;
            }
            g.fill(0.0);
            for (w, given) in w.iter().zip(given.chunks_exact(n)).filter(|(w, _)| **w > 0.0) {
                g.iter_mut().zip(given).for_each(|(g, v)| *g += w * v);
                if n_outer > 1 {
                    outer.add(given, weight * w);
                }
            }
            if n_outer > 1 {
                means.add(&g, weight);
            }
            scores.add(&g, units.weight_squared[j]);
            for u in units.cluster_start[j]..units.cluster_start[j + 1] {
                let to = &mut out.weights[pattern(u) * n_outer..(pattern(u) + 1) * n_outer];
                to.iter_mut().zip(&w).for_each(|(t, w)| *t += weight * units.count[u] * w);
            }
            for (k, f) in program.cluster_factors.iter().enumerate().filter(|(_, f)| f.patterns.of_unit[j] != NONE) {
                let start = f.patterns.of_unit[j] as usize * f.n_between * f.n_nodes();
                for (&e, w) in self.states.cluster_entry[k].iter().zip(&w) {
                    out.of_factors[k][start + e as usize] += weight * w;
                }
            }
        }
        vector::add(&mut out.between, &means.finish());
        out.between.iter_mut().zip(outer.finish()).for_each(|(b, o)| *b -= o);
        out.scores = scores.finish();
        Some(out)
    }

    /// Σ ω x xᵀ by state and Σ weight × E(s | b) E(s | b)ᵀ, over blocks of patterns.
    pub fn products(&self, patterns: &Patterns, weights: &[f64], blocks: &[Range<usize>]) -> (Products, Vec<f64>) {
        let States { n_outer, n_inner, .. } = self.states;
        let (n_states, n) = (self.states.n(), self.point.parameters.len());
        let mut out = Products::new(&self.features, n_states);
        let mut means = Gram::new(n);
        let mut omega = vec![0.0; n_states];
        for i in blocks.iter().flat_map(|b| b.clone()) {
            let of_state = patterns.p[i * n_states..(i + 1) * n_states].chunks_exact(n_inner);
            let of_outer = &weights[i * n_outer..(i + 1) * n_outer];
            for (b, ((to, p), &w)) in omega.chunks_exact_mut(n_inner).zip(of_state).zip(of_outer).enumerate() {
                to.iter_mut().zip(p).for_each(|(o, p)| *o = w * p);
                if w > 0.0 {
                    means.add(&patterns.mean[(i * n_outer + b) * n..(i * n_outer + b + 1) * n], w);
                }
            }
            out.add(self, i, &omega);
        }
        (out, means.finish())
    }

    /// E(−∂² log f) of all factors with the weights of their tables' entries, over the parameters.
    pub fn curvature(&self, nodes: &Nodes) -> Option<Vec<f64>> {
        let program = self.point.program;
        let mut sums = Accumulator::new(self.point.parameters.len(), true);
        let all = program.factors.iter().chain(&program.cluster_factors);
        for (f, weights) in all.zip(&self.weights) {
            add_curvature(Task::all(self.point, nodes, f), weights, &mut sums);
        }
        sums.information
    }

    /// Posterior weights of the tables' entries: sums of features.
    pub fn weigh_entries(&mut self, products: &Products) {
        for (k, f) in self.point.program.factors.iter().enumerate().filter(|(_, f)| !f.parameters.is_empty()) {
            let size = f.n_within * f.n_between * f.n_nodes();
            let weights = &mut self.weights[k];
            for (e, &entry) in self.states.entry[k].iter().enumerate() {
                let mut rest = products.get(0, 0, e);
                for (v, &feature) in self.features.of_value[k].iter().enumerate().filter(|(_, f)| **f != NONE) {
                    let w = products.get(feature as usize, 0, e);
                    weights[v * size + entry as usize] += w;
                    rest -= w;
                }
                if self.features.of_value[k].first() == Some(&NONE) {
                    weights[entry as usize] += rest.max(0.0);
                }
            }
        }
    }
}

/// As `normalise`; nothing where all is impossible.
fn normalise_or_none(p: &mut [f64]) -> f64 {
    if p.iter().all(|v| *v == f64::NEG_INFINITY) {
        p.fill(0.0);
        return f64::NEG_INFINITY;
    }
    normalise(p)
}
