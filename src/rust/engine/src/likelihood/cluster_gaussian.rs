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

use super::accumulator::{Accumulator, SlotSums};
use super::coefficients::{self, Frame};
use super::expected_information::{self, Part};
use super::gaussian::theta;
use super::joint_normal::{dot, multiply, Derivatives, Joint, ScoreMoments, Source, Theta};
use super::nodes::Nodes;
use super::predictor::{Affine, Point, Workspace};
use crate::compiled::between_cell;
use crate::compiled::cluster_moments::{Block, Piece, Portion};
use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::ClusterGaussian;
use crate::linalg::{cholesky_in_place, invert_from_cholesky, log_det_from_cholesky};

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

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

/// Coefficients of every factor and scope cell at the nodes of one piece.
#[derive(Default)]
struct Evaluated {
    /// [cell][factor][outcomes]
    coefficients: Vec<Vec<Affine>>,
}

/// What one evaluation of the clusters' factors needs.
struct Setting<'a> {
    point: &'a Point<'a>,
    nodes: &'a Nodes,
    g: &'a ClusterGaussian,
    factors: Vec<&'a Factor>,
    n_cells: usize,
    n_nodes: usize,
}

impl<'a> Setting<'a> {
    fn new(point: &'a Point<'a>, nodes: &'a Nodes, g: &'a ClusterGaussian) -> Self {
        let program = point.program;
        Setting {
            point,
            nodes,
            g,
            factors: g.factors().collect(),
            n_cells: program.model.n_cells(&g.classes),
            n_nodes: if g.uses_nodes { program.n_nodes.0 } else { 1 },
        }
    }

    fn set_state(&self, cell: usize, w: &mut Workspace) {
        w.state.resize(self.point.program.model.classes.len(), 0);
        self.point.program.model.set_states(&self.g.classes, cell, &mut w.state);
    }

    fn evaluate(&self, piece: &Piece, derivatives: bool, w: &mut Workspace, out: &mut Evaluated) {
        let frame = Frame { slot_of: &self.g.slot_of, n_between: self.g.n_dims, derivatives };
        out.coefficients.resize_with(self.n_cells * self.factors.len(), Vec::new);
        for (cell, out) in out.coefficients.chunks_exact_mut(self.factors.len()).enumerate() {
            self.set_state(cell, w);
            for (f, out) in self.factors.iter().zip(out) {
                let used = if f.axis.between() { self.point.program.n_nodes.0 } else { 1 };
                w.view.fill(self.nodes, (used, 1), piece.clusters.start, 0);
                coefficients::evaluate(self.point, f, frame, w, out);
            }
        }
    }

    /// Calls `each` for every cell and node of a portion's block, with (cell × nodes + node, the block's source,
    /// the factor's own node); false where a variance is not positive.
    fn each(
        &self,
        evaluated: &Evaluated,
        portion: &Portion,
        w: &mut Workspace,
        mut each: impl FnMut(usize, &Source, usize) -> bool,
    ) -> bool {
        (0..self.n_cells).all(|cell| {
            let Some((block, theta, x)) = self.block(portion.block, cell, w) else { return false };
            let source = self.source(evaluated, block, cell, &theta, &x);
            let own = source.coefficients[0].n;
            (0..self.n_nodes).all(|q| each(cell * self.n_nodes + q, &source, if own == 1 { 0 } else { q }))
        })
    }

    /// Block, residual covariance and columns of its representative row.
    fn block(&self, block: usize, cell: usize, w: &mut Workspace) -> Option<(&'a Block, Theta, Vec<f64>)> {
        let program = self.point.program;
        let block = &self.g.moments.blocks[block];
        let f = self.factors[block.factor];
        let (FactorKind::Gaussian(group), Some(linear)) = (&f.kind, &f.linear) else { return None };
        self.set_state(cell, w);
        let outcomes: Vec<usize> = block.observed.iter().map(|&i| group[i]).collect();
        let theta = theta(self.point, &outcomes, &w.state, &self.g.slot_of)?;
        let mut x = vec![0.0; linear.n_columns];
        linear.fill_x(&program.sample.columns, block.row, &mut x);
        Some((block, theta, x))
    }

    fn source<'b>(
        &self,
        evaluated: &'b Evaluated,
        block: &'b Block,
        cell: usize,
        theta: &'b Theta,
        x: &'b [f64],
    ) -> Source<'b> {
        Source {
            coefficients: &evaluated.coefficients[cell * self.factors.len() + block.factor],
            observed: &block.observed,
            n_within: self.factors[block.factor].analytic.len(),
            n_between: self.g.n_dims,
            m: x.len(),
            theta,
            x,
        }
    }
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

/// Sums over the blocks of one piece.
#[derive(Default)]
struct Forward {
    /// Analytic residuals; cells × nodes.
    r: usize,
    n: usize,
    /// [group × n × (r × r + r + 1)]: Σ A_kᵀ V⁻¹ A_l, −Σ A_kᵀ V⁻¹ μ, −½ Σ n (p log 2π + log|V|) − ½ Σ μᵀV⁻¹μ
    group: Vec<f64>,
    /// [cluster × n × (1 + r)]: Σ μᵀV⁻¹y − ½ Σ yᵀV⁻¹y, Σ A_kᵀ V⁻¹ y
    cluster: Vec<f64>,
    joint: Joint,
    bxx: Vec<f64>,
}

impl Forward {
    fn run(&mut self, s: &Setting, piece: &Piece, evaluated: &Evaluated, w: &mut Workspace) -> bool {
        let (n, r) = (s.n_cells * s.n_nodes, s.g.n_dims);
        (self.n, self.r) = (n, r);
        let of_group = r * r + r + 1;
        for (v, size) in
            [(&mut self.group, piece.n_groups * n * of_group), (&mut self.cluster, piece.clusters.len() * n * (1 + r))]
        {
            v.clear();
            v.resize(size, 0.0);
        }
        let Forward { group, cluster, joint, bxx, .. } = self;
        piece.portions.iter().all(|portion| {
            s.each(evaluated, portion, w, |cn, source, q| {
                if !joint.set(source, q) {
                    return false;
                }
                let (p, m) = (portion.p, portion.m);
                let size = p * m;
                bxx.resize(joint.c * size, 0.0);
                let constant = p as f64 * LOG_2_PI + joint.log_det;
                for (design, xx) in portion.designs.iter().zip(portion.xx.chunks_exact(m * m)) {
                    let start = (design.group as usize * n + cn) * of_group;
                    let to = &mut group[start..start + of_group];
                    multiply(&joint.b, xx, joint.c * p, m, m, bxx);
                    for k in 0..r {
                        let e = joint.e_of(1 + k);
                        for l in 0..=k {
                            let v = dot(e, &bxx[(1 + l) * size..(2 + l) * size]);
                            to[k * r + l] += v;
                            if l < k {
                                to[l * r + k] += v;
                            }
                        }
                        to[r * r + k] -= dot(e, &bxx[..size]);
                    }
                    to[r * r + r] -= 0.5 * (design.n * constant + dot(joint.e_of(0), &bxx[..size]));
                }
                let moments = portion.yx.chunks_exact(size).zip(portion.yy.chunks_exact(p * p));
                for (member, (yx, yy)) in portion.members.iter().zip(moments) {
                    let start = (member.cluster as usize * n + cn) * (1 + r);
                    let to = &mut cluster[start..start + 1 + r];
                    to[0] -= 0.5 * dot(&joint.inverse, yy);
                    for (to, e) in to.iter_mut().zip(joint.e.chunks_exact(size)) {
                        *to += dot(e, yx);
                    }
                }
                true
            })
        })
    }

    /// Posterior means, covariances and log densities of the clusters of piece `k`.
    fn finish(&mut self, piece: &Piece, k: usize, out: &mut Prepared) -> Option<()> {
        let (n, r) = (self.n, self.r);
        let first = out.first_group[k] * n;
        for (e, of_group) in self.group.chunks_exact_mut(r * r + r + 1).enumerate() {
            let (m, rest) = of_group.split_at_mut(r * r);
            (0..r).for_each(|k| m[k * r + k] += 1.0);
            if !cholesky_in_place(m, r) {
                return None;
            }
            rest[r] -= 0.5 * log_det_from_cholesky(m, r);
            let inverse = &mut out.covariance[(first + e) * r * r..(first + e + 1) * r * r];
            invert_from_cholesky(m, r, inverse);
        }
        let offset = piece.clusters.start - out.first_cluster;
        for (k, &group) in piece.group_of.iter().enumerate() {
            for cn in 0..n {
                let from = &self.cluster[(k * n + cn) * (1 + r)..(k * n + cn + 1) * (1 + r)];
                let e = group as usize * n + cn;
                let of_group = &self.group[e * (r * r + r + 1) + r * r..(e + 1) * (r * r + r + 1)];
                let covariance = &out.covariance[(first + e) * r * r..(first + e + 1) * r * r];
                let place = (offset + k) * n + cn;
                let mean = &mut out.mean[place * r..(place + 1) * r];
                let mut gain = 0.0;
                for a in 0..r {
                    let row = &covariance[a * r..(a + 1) * r];
                    let v: f64 = (0..r).map(|b| row[b] * (from[1 + b] + of_group[b])).sum();
                    mean[a] = v;
                    gain += v * (from[1 + a] + of_group[a]);
                }
                out.log_density[place] = from[0] + of_group[r] + 0.5 * gain;
            }
        }
        Some(())
    }
}

/// Posterior-weighted sums of one block at one cell and node.
#[derive(Default)]
struct Backward {
    joint: Joint,
    derivatives: Derivatives,
    score: ScoreMoments,
    /// [c × p × m] Σ E z̄_c Σ n y Xᵀ
    yx: Vec<f64>,
    /// [c × c × m × m] Σ E z̄ z̄ᵀ ⊗ Σ n X Xᵀ
    xx: Vec<f64>,
    bxx: Vec<f64>,
}

impl Backward {
    fn reset(&mut self) {
        let (c, p, m) = (self.joint.c, self.joint.p, self.joint.m);
        self.score.reset(&self.joint);
        for (v, size) in [(&mut self.yx, c * p * m), (&mut self.xx, c * c * m * m)] {
            v.clear();
            v.resize(size, 0.0);
        }
    }

    /// Adds a cluster's Σ n y yᵀ and E z̄ ⊗ Σ n y Xᵀ.
    fn add_cluster(&mut self, share: f64, mean: &[f64], yx: &[f64], yy: &[f64]) {
        self.score.r.iter_mut().zip(yy).for_each(|(r, y)| *r += share * y);
        let (first, rest) = self.yx.split_at_mut(yx.len());
        first.iter_mut().zip(yx).for_each(|(a, b)| *a += share * b);
        for (to, z) in rest.chunks_exact_mut(yx.len()).zip(mean) {
            to.iter_mut().zip(yx).for_each(|(a, b)| *a += share * z * b);
        }
    }

    /// Adds z̄ z̄ᵀ ⊗ Σ n X Xᵀ of the clusters of one design.
    fn add_design(&mut self, total: f64, n: f64, zz: &[f64], xx: &[f64]) {
        self.score.n += total * n;
        for (to, z) in self.xx.chunks_exact_mut(xx.len()).zip(zz) {
            to.iter_mut().zip(xx).for_each(|(a, b)| *a += z * b);
        }
    }

    /// From the sums to the score.
    fn contract(&mut self, slots: &mut SlotSums) {
        let (c, p, m) = (self.joint.c, self.joint.p, self.joint.m);
        let (size, square) = (p * m, m * m);
        // G_a = Σ E z̄_a y Xᵀ − Σ_b B_b Σ E z̄_a z̄_b X Xᵀ
        self.score.g.copy_from_slice(&self.yx);
        self.bxx.resize(size, 0.0);
        for a in 0..c {
            for b in 0..c {
                multiply(self.joint.b_of(b), &self.xx[(a * c + b) * square..][..square], p, m, m, &mut self.bxx);
                let to = &mut self.score.g[a * size..(a + 1) * size];
                to.iter_mut().zip(&self.bxx).for_each(|(g, v)| *g -= v);
            }
        }
        // R = Σ y yᵀ − Σ_a B_a (Σ E z̄_a y Xᵀ)ᵀ − Σ_a G_a B_aᵀ
        for a in 0..c {
            let b = self.joint.b_of(a);
            let of = a * size..(a + 1) * size;
            let (yx, g) = (&self.yx[of.clone()], &self.score.g[of]);
            for i in 0..p {
                for j in 0..p {
                    let (row_i, row_j) = (i * m..(i + 1) * m, j * m..(j + 1) * m);
                    self.score.r[i * p + j] -= dot(&b[row_i.clone()], &yx[row_j.clone()]) + dot(&g[row_i], &b[row_j]);
                }
            }
        }
        self.score.contract(&self.joint, &self.derivatives, slots);
    }
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

    /// Score and information of the chunk's clusters; `posterior`: [clusters × between cell × node].
    #[allow(clippy::too_many_arguments)]
    pub fn contract(
        &self,
        point: &Point,
        nodes: &Nodes,
        g: &ClusterGaussian,
        posterior: &[f64],
        information: bool,
        w: &mut Workspace,
        sums: &mut Accumulator,
    ) {
        let n = self.n;
        let setting = Setting::new(point, nodes, g);
        let mut evaluated = Evaluated::default();
        let mut back = Backward::default();
        let mut slots = SlotSums::default();
        slots.reset(g.parameters.len(), information);
        let c = 1 + self.r;
        let (shares, zz) = self.weigh(point, posterior);
        let curvatures = if information { self.curvatures(&zz, setting.n_cells) } else { vec![] };
        for (k, piece) in self.pieces(g).iter().enumerate() {
            let offset = piece.clusters.start - self.first_cluster;
            let shares = &shares[offset * n..(offset + piece.clusters.len()) * n];
            let zz = &zz[self.first_group[k] * n * c * c..self.first_group[k + 1] * n * c * c];
            setting.evaluate(piece, true, w, &mut evaluated);
            for portion in &piece.portions {
                let size = portion.p * portion.m;
                setting.each(&evaluated, portion, w, |cn, source, q| {
                    if !back.joint.set(source, q) {
                        return false;
                    }
                    back.derivatives.set(source, q);
                    back.reset();
                    let moments = portion.yx.chunks_exact(size).zip(portion.yy.chunks_exact(portion.p * portion.p));
                    for (member, (yx, yy)) in portion.members.iter().zip(moments) {
                        let i = member.cluster as usize;
                        let share = shares[i * n + cn];
                        if share != 0.0 {
                            let place = (offset + i) * n + cn;
                            back.add_cluster(share, &self.mean[place * self.r..(place + 1) * self.r], yx, yy);
                        }
                    }
                    for (design, xx) in portion.designs.iter().zip(portion.xx.chunks_exact(portion.m * portion.m)) {
                        let start = (design.group as usize * n + cn) * c * c;
                        back.add_design(zz[start], design.n, &zz[start..start + c * c], xx);
                    }
                    if back.score.n > 0.0 {
                        back.contract(&mut slots);
                    }
                    true
                });
            }
            if information {
                add_information(&setting, &evaluated, piece, (zz, &curvatures), w, &mut slots);
            }
        }
        sums.scatter(&g.parameters, &slots.gradient, &slots.information);
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

/// Expected information: by kind of cluster (about as many rows in every block), for the mean of its designs.
fn add_information(
    s: &Setting,
    evaluated: &Evaluated,
    piece: &Piece,
    (zz, curvatures): (&[f64], &[f64]),
    w: &mut Workspace,
    slots: &mut SlotSums,
) {
    let (n, c) = (s.n_cells * s.n_nodes, 1 + s.g.n_dims);
    let total_of = |group: u32, cn: usize| zz[(group as usize * n + cn) * c * c];
    for alike in &piece.alike {
        for cell in 0..s.n_cells {
            for q in 0..s.n_nodes {
                let cn = cell * s.n_nodes + q;
                let total: f64 = alike.groups.iter().map(|&k| total_of(k, cn)).sum();
                if total <= 0.0 {
                    continue;
                }
                let mut parts = vec![];
                for (portion, designs) in &alike.parts {
                    let portion = &piece.portions[*portion];
                    let Some((block, theta, x)) = s.block(portion.block, cell, w) else { return };
                    let source = s.source(evaluated, block, cell, &theta, &x);
                    let own = if source.coefficients[0].n == 1 { 0 } else { q };
                    let (mut joint, mut derivatives) = (Joint::default(), Derivatives::default());
                    if !joint.set(&source, own) {
                        return;
                    }
                    derivatives.set(&source, own);
                    let square = portion.m * portion.m;
                    let (mut rows, mut xx) = (0.0, vec![0.0; square]);
                    for (&d, &group) in designs.iter().zip(&alike.groups) {
                        let share = total_of(group, cn) / total;
                        rows += share * portion.designs[d as usize].n;
                        let from = &portion.xx[d as usize * square..(d as usize + 1) * square];
                        xx.iter_mut().zip(from).for_each(|(a, b)| *a += share * b);
                    }
                    parts.push((joint, derivatives, rows, xx));
                }
                let parts: Vec<Part> =
                    parts.iter().map(|(joint, derivatives, n, xx)| Part { joint, derivatives, n: *n, xx }).collect();
                let of_cell = &curvatures[cell * s.g.n_dims..(cell + 1) * s.g.n_dims];
                expected_information::add(&parts, of_cell, total, slots);
            }
        }
    }
}

/// Buffers for scores of single clusters.
#[derive(Default)]
pub struct ScoreWork {
    workspace: Workspace,
    evaluated: Evaluated,
    /// First cluster of the piece that the coefficients are for.
    piece: Option<usize>,
    back: Backward,
    slots: SlotSums,
    shares: Vec<f64>,
    zz: Vec<f64>,
}

impl Prepared {
    /// Adds the score of cluster `j` over all parameters, given its posterior over [between cell × node].
    pub fn add_score(
        &self,
        point: &Point,
        nodes: &Nodes,
        j: usize,
        posterior: &[f64],
        work: &mut ScoreWork,
        out: &mut [f64],
    ) {
        let Some(g) = &point.program.cluster_gaussian else { return };
        let setting = Setting::new(point, nodes, g);
        let (n, r, c) = (self.n, self.r, 1 + self.r);
        let pieces = self.pieces(g);
        let piece = &pieces[pieces.partition_point(|p| p.clusters.end <= j)];
        let ScoreWork { workspace, evaluated, back, slots, shares, zz, .. } = work;
        if work.piece != Some(piece.clusters.start) {
            setting.evaluate(piece, true, workspace, evaluated);
            work.piece = Some(piece.clusters.start);
        }
        shares.clear();
        shares.resize(n, 0.0);
        self.add_shares(point.program.n_nodes.0, posterior, 1.0, shares);
        slots.reset(g.parameters.len(), false);
        let place = j - self.first_cluster;
        for &(portion, member) in piece.of_cluster(j - piece.clusters.start) {
            let (portion, member) = (&piece.portions[portion as usize], member as usize);
            let (size, square, of_yy) = (portion.p * portion.m, portion.m * portion.m, portion.p * portion.p);
            let design = portion.members[member].design as usize;
            setting.each(evaluated, portion, workspace, |cn, source, q| {
                if shares[cn] == 0.0 {
                    return true;
                }
                if !back.joint.set(source, q) {
                    return false;
                }
                back.derivatives.set(source, q);
                back.reset();
                let mean = &self.mean[(place * n + cn) * r..(place * n + cn + 1) * r];
                zz.clear();
                zz.resize(c * c, 0.0);
                add_outer(shares[cn], mean, zz);
                self.add_covariance(self.group_of[place] * n + cn, zz);
                let yx = &portion.yx[member * size..(member + 1) * size];
                back.add_cluster(shares[cn], mean, yx, &portion.yy[member * of_yy..(member + 1) * of_yy]);
                let xx = &portion.xx[design * square..(design + 1) * square];
                back.add_design(shares[cn], portion.designs[design].n, zz, xx);
                back.contract(slots);
                true
            });
        }
        g.parameters.iter().zip(&slots.gradient).for_each(|(&p, v)| out[p] += v);
    }
}
