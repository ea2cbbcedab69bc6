//! Clusters whose gaussian outcomes are one normal distribution given (between cell, node): the analytic between
//! residuals z ~ N(0, I) are integrated exactly.
//!
//! With unit densities N(y_i; μ_i + A_i z, V_i) and unit counts n_i,
//! M = I + Σ n_i A_iᵀ V_i⁻¹ A_i, h = Σ n_i A_iᵀ V_i⁻¹ r_i, z | y ~ N(M⁻¹h, M⁻¹),
//! log L = Σ n_i log N(r_i; 0, V_i) − ½ log|M| + ½ hᵀ M⁻¹ h (Woodbury).
//! The score is the posterior mean of the complete-data score over z (Fisher's identity).

use std::ops::Range;

use super::accumulator::{Accumulator, SlotSums};
use super::gaussian::{add_node, covariance, evaluate, observed, theta, Between, Theta};
use super::nodes::Nodes;
use super::predictor::{latents, At, Components, Point, Workspace};
use crate::compiled::between_cell;
use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::{ClusterGaussian, Program};
use crate::linalg::{
    cholesky_in_place, invert_from_cholesky, log_det_from_cholesky, solve_lower, solve_lower_transposed,
};

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// Posterior of z in one cluster, between cell and node.
#[derive(Clone, Debug, Default)]
pub struct Conditional {
    pub log_density: f64,
    pub mean: Vec<f64>,
    /// [r × r]
    pub covariance: Vec<f64>,
}

/// Clusters of one chunk.
pub struct Prepared {
    first_cluster: usize,
    n_cells: usize,
    n_nodes: usize,
    /// [cluster][cell × node]
    conditionals: Vec<Vec<Conditional>>,
    /// For every cell over all between classes, the cell over the scope.
    cell_of: Vec<usize>,
}

impl Prepared {
    pub fn conditional(&self, j: usize, between: usize, q: usize) -> &Conditional {
        let q = if self.n_nodes == 1 { 0 } else { q };
        &self.conditionals[j - self.first_cluster][self.cell_of[between] * self.n_nodes + q]
    }

    /// Adds log densities to [between cell × node].
    pub fn add_log(&self, j: usize, program: &Program, out: &mut [f64]) {
        let nb = program.n_nodes.0;
        for (d, o) in out.chunks_exact_mut(nb).enumerate() {
            for (q, o) in o.iter_mut().enumerate() {
                *o += self.conditional(j, d, q).log_density;
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub fn contract(
        &self,
        point: &Point,
        nodes: &Nodes,
        g: &ClusterGaussian,
        clusters: Range<usize>,
        posterior: &[f64],
        information: bool,
        w: &mut Workspace,
        sums: &mut Accumulator,
    ) {
        let program = point.program;
        let n = program.n_between_cells * program.n_nodes.0;
        for j in clusters.clone() {
            let p = &posterior[(j - clusters.start) * n..(j - clusters.start + 1) * n];
            self.contract_cluster(point, nodes, g, j, p, program.units.weight[j], information, w, sums);
        }
    }

    /// Score and complete-data information of one cluster, times `weight`.
    #[allow(clippy::too_many_arguments)]
    pub fn contract_cluster(
        &self,
        point: &Point,
        nodes: &Nodes,
        g: &ClusterGaussian,
        j: usize,
        posterior: &[f64],
        weight: f64,
        information: bool,
        w: &mut Workspace,
        sums: &mut Accumulator,
    ) {
        let program = point.program;
        let nb = program.n_nodes.0;
        // posterior of (scope cell, node)
        let mut by_cell = vec![0.0; self.n_cells * self.n_nodes];
        for (d, p) in posterior.chunks_exact(nb).enumerate() {
            for (q, p) in p.iter().enumerate() {
                by_cell[self.cell_of[d] * self.n_nodes + if self.n_nodes == 1 { 0 } else { q }] += p;
            }
        }
        let mut slots = SlotSums::default();
        for f in g.within.iter().chain(&g.between) {
            slots.reset(f.parameters.len(), information);
            for (row, count) in rows(program, f, j) {
                for cell in 0..self.n_cells {
                    let Some(outcomes) = set_up(point, nodes, g, f, j, row, cell, true, w) else { continue };
                    let Some(theta) = theta(point, &outcomes, &w.state, &f.slot_of) else { continue };
                    let p = outcomes.len();
                    for q in 0..self.n_nodes {
                        let share = weight * count * by_cell[cell * self.n_nodes + q];
                        if share == 0.0 {
                            continue;
                        }
                        let at = if w.view.n == 1 { 0 } else { q };
                        let c = &self.conditionals[j - self.first_cluster][cell * self.n_nodes + q];
                        let (residual, a) = residual_and_loadings(point, f, g, &outcomes, row, at, w);
                        let r = g.n_dims;
                        let e: Vec<f64> = (0..p)
                            .map(|i| residual[i] - (0..r).map(|k| a[i * r + k] * c.mean[k]).sum::<f64>())
                            .collect();
                        let mut second = vec![0.0; p * p];
                        for i in 0..p {
                            for l in 0..p {
                                let mut v = e[i] * e[l];
                                for k in 0..r {
                                    for m in 0..r {
                                        v += a[i * r + k] * c.covariance[k * r + m] * a[l * r + m];
                                    }
                                }
                                second[i * p + l] = share * v;
                            }
                        }
                        let first: Vec<f64> = e.iter().map(|v| share * v).collect();
                        let between = Between { mean: &c.mean, covariance: &c.covariance };
                        add_node(
                            &w.predictors[..p],
                            &theta,
                            f.analytic.len(),
                            at,
                            share,
                            &first,
                            &second,
                            Some(between),
                            &mut slots,
                        );
                    }
                }
            }
            sums.scatter(&f.parameters, &slots.gradient, &slots.information);
        }
    }
}

/// Data rows of a factor in a cluster with their counts: its units, or the cluster itself.
fn rows(program: &Program, f: &Factor, j: usize) -> Vec<(usize, f64)> {
    let u = &program.units;
    match f.level {
        crate::spec::Level::Within => {
            (u.cluster_start[j]..u.cluster_start[j + 1]).map(|i| (u.row[i] as usize, u.count[i])).collect()
        }
        crate::spec::Level::Between => vec![(u.cluster_row[j] as usize, 1.0)],
    }
}

/// Evaluates the factor's predictors for one row and scope cell; `None` where nothing is observed.
#[allow(clippy::too_many_arguments)]
fn set_up(
    point: &Point,
    nodes: &Nodes,
    g: &ClusterGaussian,
    f: &Factor,
    j: usize,
    row: usize,
    cell: usize,
    derivatives: bool,
    w: &mut Workspace,
) -> Option<Vec<usize>> {
    let program = point.program;
    let FactorKind::Gaussian(group) = &f.kind else { return None };
    let outcomes = observed(point, group, row);
    if outcomes.is_empty() {
        return None;
    }
    w.state.resize(program.model.classes.len(), 0);
    program.model.set_states(&g.classes, cell, &mut w.state);
    let used = if f.axis.between() { program.n_nodes.0 } else { 1 };
    w.view.fill(nodes, (used, 1), j, 0);
    let at = At {
        row,
        slot_of: &f.slot_of,
        components: Components { within: &f.analytic, n_between: g.n_dims },
        derivatives,
    };
    latents(point, &f.latents, &at, w);
    evaluate(point, &outcomes, &at, w);
    Some(outcomes)
}

/// y − μ [p] and A_b [p × r] at a node.
fn residual_and_loadings(
    point: &Point,
    f: &Factor,
    g: &ClusterGaussian,
    outcomes: &[usize],
    row: usize,
    q: usize,
    w: &Workspace,
) -> (Vec<f64>, Vec<f64>) {
    let program = point.program;
    let residual = outcomes
        .iter()
        .zip(&w.predictors)
        .map(|(&o, p)| program.sample.columns[program.model.outcomes[o].column][row] - p.value[q])
        .collect();
    let from = 1 + f.analytic.len();
    let loadings = w.predictors[..outcomes.len()]
        .iter()
        .flat_map(|p| (0..g.n_dims).map(move |k| p.value[(from + k) * p.n + q]))
        .collect();
    (residual, loadings)
}

/// Posterior of z for every cluster of a chunk; `None` where a variance is not positive.
pub fn prepare(
    point: &Point,
    nodes: &Nodes,
    g: &ClusterGaussian,
    clusters: Range<usize>,
    w: &mut Workspace,
) -> Option<Prepared> {
    let program = point.program;
    let n_cells = program.model.n_cells(&g.classes);
    let n_nodes = if g.uses_nodes { program.n_nodes.0 } else { 1 };
    let mut conditionals = vec![];
    for j in clusters.clone() {
        let mut of_cluster = vec![];
        for cell in 0..n_cells {
            let mut sums = vec![Sums::new(g.n_dims); n_nodes];
            for f in g.within.iter().chain(&g.between) {
                for (row, count) in rows(program, f, j) {
                    let Some(outcomes) = set_up(point, nodes, g, f, j, row, cell, false, w) else { continue };
                    let theta = theta(point, &outcomes, &w.state, &f.slot_of)?;
                    for (q, s) in sums.iter_mut().enumerate() {
                        let q = if w.view.n == 1 { 0 } else { q };
                        s.add(point, g, f, &outcomes, &theta, row, count, q, w)?;
                    }
                }
            }
            for s in sums {
                of_cluster.push(s.finish()?);
            }
        }
        conditionals.push(of_cluster);
    }
    let cell_of = (0..program.n_between_cells).map(|d| between_cell(program, &g.classes, d)).collect();
    Some(Prepared { first_cluster: clusters.start, n_cells, n_nodes, conditionals, cell_of })
}

#[derive(Clone)]
struct Sums {
    r: usize,
    log_density: f64,
    /// M, h
    m: Vec<f64>,
    h: Vec<f64>,
}

impl Sums {
    fn new(r: usize) -> Sums {
        let mut m = vec![0.0; r * r];
        for k in 0..r {
            m[k * r + k] = 1.0;
        }
        Sums { r, log_density: 0.0, m, h: vec![0.0; r] }
    }

    #[allow(clippy::too_many_arguments)]
    fn add(
        &mut self,
        point: &Point,
        g: &ClusterGaussian,
        f: &Factor,
        outcomes: &[usize],
        theta: &Theta,
        row: usize,
        count: f64,
        q: usize,
        w: &Workspace,
    ) -> Option<()> {
        let p = outcomes.len();
        let mut chol = covariance(&w.predictors[..p], theta, f.analytic.len(), q);
        if !cholesky_in_place(&mut chol, p) {
            return None;
        }
        let (mut residual, loadings) = residual_and_loadings(point, f, g, outcomes, row, q, w);
        solve_lower(&chol, p, &mut residual);
        let quadratic: f64 = residual.iter().map(|x| x * x).sum();
        self.log_density -= 0.5 * count * (p as f64 * LOG_2_PI + log_det_from_cholesky(&chol, p) + quadratic);
        let r = self.r;
        let mut whitened = vec![0.0; r * p];
        for k in 0..r {
            for i in 0..p {
                whitened[k * p + i] = loadings[i * r + k];
            }
            solve_lower(&chol, p, &mut whitened[k * p..(k + 1) * p]);
        }
        for k in 0..r {
            let a = &whitened[k * p..(k + 1) * p];
            self.h[k] += count * a.iter().zip(&residual).map(|(x, y)| x * y).sum::<f64>();
            for l in 0..r {
                self.m[k * r + l] +=
                    count * a.iter().zip(&whitened[l * p..(l + 1) * p]).map(|(x, y)| x * y).sum::<f64>();
            }
        }
        Some(())
    }

    fn finish(mut self) -> Option<Conditional> {
        let r = self.r;
        if !cholesky_in_place(&mut self.m, r) {
            return None;
        }
        let mut mean = self.h.clone();
        solve_lower(&self.m, r, &mut mean);
        let gain: f64 = mean.iter().map(|x| x * x).sum();
        solve_lower_transposed(&self.m, r, &mut mean);
        let log_density = self.log_density + 0.5 * gain - 0.5 * log_det_from_cholesky(&self.m, r);
        let mut inverse = vec![0.0; r * r];
        invert_from_cholesky(&self.m, r, &mut inverse);
        Some(Conditional { log_density, mean, covariance: inverse })
    }
}
