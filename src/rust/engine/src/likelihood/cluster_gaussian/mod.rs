//! Clusters whose gaussian outcomes are one normal distribution given (between cell, node): the analytic between
//! residuals z ~ N(0, I) are integrated exactly.
//!
//! With rows y_i = (B_0 + Σ_k z_k B_k) X_i + ε_i, ε_i ~ N(0, V_i), n_i times each, and A_k = B_k X,
//! M = I + Σ n_i A_iᵀ V_i⁻¹ A_i, h = Σ n_i A_iᵀ V_i⁻¹ r_i, z | y ~ N(M⁻¹h, M⁻¹),
//! log L = Σ n_i log N(r_i; 0, V_i) − ½ log|M| + ½ hᵀ M⁻¹ h (Woodbury).
//! Everything is a function of cross-products of y and X (`compiled::cluster_moments`), so that no row is visited:
//! tr(V⁻¹ Σ n y yᵀ), tr((V⁻¹B_c)ᵀ Σ n y Xᵀ) per cluster, the rest per group of clusters of the same design.
//! The score is the posterior mean of the complete-data score over z (Fisher's identity), contracted once per block
//! from the posterior-weighted sums of Σ n y yᵀ, z̄ Σ n y Xᵀ and z̄ z̄ᵀ ⊗ Σ n X Xᵀ, z̄ = (1, z).

mod backward;
mod forward;
mod setting;

use super::expected_information;
use super::nodes::Nodes;
use super::predictor::{Point, Workspace};
use crate::compiled::cluster_moments::Piece;
use crate::compiled::{between_cell, ClusterGaussian};
pub use backward::ScoreWork;
use forward::Forward;
use setting::{Evaluated, Setting};

/// Posterior of z in one cluster, between cell and node.
#[derive(Clone, Copy, Debug)]
pub struct Conditional<'a> {
    pub mean: &'a [f64],
    /// [r × r]
    pub covariance: &'a [f64],
}

/// Clusters of one chunk.
pub struct Prepared {
    chunk: usize,
    first_cluster: usize,
    n_nodes: usize,
    /// Cells over the scope × nodes.
    n: usize,
    /// Analytic residuals.
    r: usize,
    /// For every cell over all between classes, the cell over the scope.
    cell_of: Vec<usize>,
    /// Group of each cluster, numbered through the chunk.
    group_of: Vec<usize>,
    /// First group of each piece.
    first_group: Vec<usize>,
    /// [cluster × n]
    log_density: Vec<f64>,
    /// [cluster × n × r]
    mean: Vec<f64>,
    /// [group × n × r × r]
    covariance: Vec<f64>,
}

/// Posterior of z for every cluster of a chunk; `None` where a variance is not positive.
pub fn prepare(point: &Point, nodes: &Nodes, g: &ClusterGaussian, chunk: usize, w: &mut Workspace) -> Option<Prepared> {
    let program = point.program;
    let setting = Setting::new(point, nodes, g);
    let pieces = &g.moments.pieces[g.moments.chunk_start[chunk]..g.moments.chunk_start[chunk + 1]];
    let first_cluster = program.units.chunk_start[chunk];
    let n_clusters = program.units.chunk_start[chunk + 1] - first_cluster;
    let (n, r) = (setting.n_cells * setting.n_nodes, g.n_dims);
    let mut first_group = vec![0];
    pieces.iter().for_each(|p| first_group.push(first_group[first_group.len() - 1] + p.n_groups));
    let n_groups = first_group[pieces.len()];
    let mut out = Prepared {
        chunk,
        first_cluster,
        n_nodes: setting.n_nodes,
        n,
        r,
        cell_of: (0..program.n_between_cells).map(|d| between_cell(program, &g.classes, d)).collect(),
        group_of: pieces
            .iter()
            .zip(&first_group)
            .flat_map(|(p, first)| p.group_of.iter().map(move |&k| k as usize + first))
            .collect(),
        first_group,
        log_density: vec![0.0; n_clusters * n],
        mean: vec![0.0; n_clusters * n * r],
        covariance: vec![0.0; n_groups * n * r * r],
    };
    let mut evaluated = Evaluated::default();
    let mut forward = Forward::default();
    for (k, piece) in pieces.iter().enumerate() {
        setting.evaluate(piece, false, w, &mut evaluated);
        if !forward.run(&setting, piece, &evaluated, w) {
            return None;
        }
        forward.finish(piece, k, &mut out)?;
    }
    Some(out)
}

impl Prepared {
    pub fn conditional(&self, j: usize, between: usize, q: usize) -> Conditional<'_> {
        let k = j - self.first_cluster;
        let (cn, r) = (self.place(between, q), self.r);
        let (mean, covariance) = (k * self.n + cn, self.group_of[k] * self.n + cn);
        Conditional {
            mean: &self.mean[mean * r..(mean + 1) * r],
            covariance: &self.covariance[covariance * r * r..(covariance + 1) * r * r],
        }
    }

    /// Entry of a cell over all between classes and a node among the scope's cells and nodes.
    #[inline]
    fn place(&self, between: usize, q: usize) -> usize {
        self.cell_of[between] * self.n_nodes + if self.n_nodes == 1 { 0 } else { q }
    }

    /// Adds log densities to [between cell × node].
    pub fn add_log(&self, j: usize, n_nodes: usize, out: &mut [f64]) {
        let log_density = &self.log_density[(j - self.first_cluster) * self.n..(j - self.first_cluster + 1) * self.n];
        for (d, o) in out.chunks_exact_mut(n_nodes).enumerate() {
            for (q, o) in o.iter_mut().enumerate() {
                *o += log_density[self.place(d, q)];
            }
        }
    }

    /// Adds `weight` × a posterior over [between cell × node] to [scope cell × node].
    fn add_shares(&self, n_nodes: usize, posterior: &[f64], weight: f64, out: &mut [f64]) {
        for (d, p) in posterior.chunks_exact(n_nodes).enumerate() {
            for (q, p) in p.iter().enumerate() {
                out[self.place(d, q)] += weight * p;
            }
        }
    }

    fn pieces<'a>(&self, g: &'a ClusterGaussian) -> &'a [Piece] {
        &g.moments.pieces[g.moments.chunk_start[self.chunk]..g.moments.chunk_start[self.chunk + 1]]
    }

    /// Posterior weight of every cluster at [scope cell × node], and Σ weight × E z̄ z̄ᵀ of every group.
    fn weigh(&self, point: &Point, posterior: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let program = point.program;
        let nb = program.n_nodes.0;
        let (n, r, c) = (self.n, self.r, 1 + self.r);
        let mut shares = vec![0.0; self.group_of.len() * n];
        let mut zz = vec![0.0; self.first_group[self.first_group.len() - 1] * n * c * c];
        let posteriors = posterior.chunks_exact(program.n_between_cells * nb);
        for (k, (posterior, shares)) in posteriors.zip(shares.chunks_exact_mut(n)).enumerate() {
            self.add_shares(nb, posterior, program.units.weight[self.first_cluster + k], shares);
            for (cn, &share) in shares.iter().enumerate() {
                let mean = &self.mean[(k * n + cn) * r..(k * n + cn + 1) * r];
                let start = (self.group_of[k] * n + cn) * c * c;
                add_outer(share, mean, &mut zz[start..start + c * c]);
            }
        }
        for (entry, zz) in zz.chunks_exact_mut(c * c).enumerate() {
            self.add_covariance(entry, zz);
        }
        (shares, zz)
    }

    /// Curvature of each residual's loadings by scope cell, [cell × r].
    fn curvatures(&self, zz: &[f64], n_cells: usize) -> Vec<f64> {
        let (n, r, c) = (self.n, self.r, 1 + self.r);
        let mut out = vec![];
        for cell in 0..n_cells {
            for k in 0..r {
                // Σ E z², Σ Var(z | y), Σ 1
                let (mut square, mut variance, mut total) = (0.0, 0.0, 0.0);
                for (e, zz) in zz.chunks_exact(c * c).enumerate().filter(|(e, _)| e % n / self.n_nodes == cell) {
                    square += zz[(1 + k) * c + 1 + k];
                    variance += zz[0] * self.covariance[e * r * r + k * r + k];
                    total += zz[0];
                }
                let expected = total - variance;
                let omega = if expected > 0.0 { (square - variance) / expected } else { 1.0 };
                out.push(expected_information::curvature(omega, expected / total.max(1e-300)));
            }
        }
        out
    }

    /// Adds share × M⁻¹ of a group's entry to Σ share × z̄ z̄ᵀ.
    fn add_covariance(&self, entry: usize, zz: &mut [f64]) {
        let (r, c) = (self.r, 1 + self.r);
        let covariance = &self.covariance[entry * r * r..(entry + 1) * r * r];
        let total = zz[0];
        for a in 0..r {
            for b in 0..r {
                zz[(1 + a) * c + 1 + b] += total * covariance[a * r + b];
            }
        }
    }
}

/// Adds share × (1, z)(1, z)ᵀ.
#[inline]
fn add_outer(share: f64, mean: &[f64], out: &mut [f64]) {
    let c = 1 + mean.len();
    out[0] += share;
    for (a, x) in mean.iter().enumerate() {
        let v = share * x;
        out[1 + a] += v;
        out[(1 + a) * c] += v;
        for (b, y) in mean.iter().enumerate() {
            out[(1 + a) * c + 1 + b] += v * y;
        }
    }
}
