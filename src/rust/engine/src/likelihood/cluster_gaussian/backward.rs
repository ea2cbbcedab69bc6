//! Back: from posterior weights to scores and information, of a chunk and of single clusters.

use super::setting::{Evaluated, Setting};
use super::{add_outer, Prepared};
use crate::compiled::cluster_moments::Piece;
use crate::compiled::ClusterGaussian;
use crate::likelihood::accumulator::{Accumulator, SlotSums};
use crate::likelihood::expected_information::{self, Part};
use crate::likelihood::joint_normal::{dot, multiply, Derivatives, Joint, ScoreMoments};
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::{Point, Workspace};

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
