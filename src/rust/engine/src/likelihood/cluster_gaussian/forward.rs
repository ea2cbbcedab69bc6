//! Forward: from cross-products to the posterior of z and the log density of every cluster of a piece.

use super::setting::{Evaluated, Setting};
use super::Prepared;
use crate::compiled::cluster_moments::Piece;
use crate::likelihood::joint_normal::{dot, multiply, Joint};
use crate::likelihood::predictor::Workspace;
use crate::linalg::{cholesky_in_place, invert_from_cholesky, log_det_from_cholesky};

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// Sums over the blocks of one piece.
#[derive(Default)]
pub(super) struct Forward {
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
    pub fn run(&mut self, s: &Setting, piece: &Piece, evaluated: &Evaluated, w: &mut Workspace) -> bool {
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
    pub fn finish(&mut self, piece: &Piece, k: usize, out: &mut Prepared) -> Option<()> {
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
