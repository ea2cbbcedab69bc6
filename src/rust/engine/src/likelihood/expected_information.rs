//! Expected information of a normal density given the class cell: of units, or of whole clusters with their analytic
//! between residuals integrated out.
//!
//! Rows of block b: y = (B_0 + Σ_k z_k B_k) X + ε, ε ~ N(0, V_b), z ~ N(0, I) common to the cluster. Stacked over rows,
//! y ~ N(μ, Σ), Σ = W⁻¹ + A Aᵀ with W block-diagonal of V⁻¹, and
//! I_st = ∂μ_sᵀ Σ⁻¹ ∂μ_t + ½ tr(Σ⁻¹ ∂Σ_s Σ⁻¹ ∂Σ_t), ∂Σ = ∂A Aᵀ + A ∂Aᵀ + ∂V.
//! With M = I + AᵀWA, C = M⁻¹, K = AᵀΣ⁻¹A = I − C, a_s = AᵀW∂μ_s, R_s = ∂A_sᵀWA, J_s = AᵀW∂V_sWA (Woodbury):
//!
//! - mean:  ∂μ_sᵀW∂μ_t − a_sᵀ C a_t
//! - A, A:  tr(K ∂A_sᵀW∂A_t) − tr(K R_s C R_tᵀ) + tr(R_s C R_t C)
//! - V, A:  tr(C AᵀW∂V_sW∂A_t) − tr(C J_s C R_tᵀ)
//! - V, V:  ½ Σ_b N_b tr(V⁻¹∂V_sV⁻¹∂V_t) − tr(∂V_s V⁻¹ ∂V_t Z) + ½ tr(C J_s C J_t), Z = V⁻¹ Σ_kl C_kl (A_k A_lᵀ) V⁻¹
//!
//! all of them functions of N and Σ n X Xᵀ. As a scaling of the score it makes the steps of Fisher's scoring given the
//! classes, which need not wait for the random effects as EM does. Where residuals have no variance (A = 0) the
//! information of A vanishes, though the likelihood may be curved: see `curvature`, added to K.

use super::accumulator::SlotSums;
use super::joint_normal::{dot, multiply, CovarianceEntry, Derivatives, Joint};
use crate::linalg::{cholesky_in_place, invert_from_cholesky};

/// Least curvature.
const FLOOR: f64 = 0.01;

/// What to add to K_kk so that steps in A_k neither overshoot nor crawl.
///
/// With u = A_kᵀΣ⁻¹A_k / t² for A_k ∝ t, the score of t is t u (ω − 1), ω = E m_k² / K_kk of the data (1 under the
/// model), and the expected information 2 u K_kk. The observed one has − u (ω − 1) besides. Below 1 that is added
/// (at t = 0 the step then leads to 0 at once). Above 1, as the information is for t but the likelihood about quadratic
/// in t², a step multiplies t by 1 + (ρ − 1) / 2 where √ρ is right, ρ = 1 + (ω − 1) / K_kk.
pub(super) fn curvature(omega: f64, k: f64) -> f64 {
    if omega < 1.0 {
        (1.0 - omega).max(FLOOR)
    } else {
        let k = k.max(1e-8);
        (k * ((1.0 + (omega - 1.0) / k).sqrt() - 1.0)).max(FLOOR)
    }
}

/// Rows of one block.
pub(super) struct Part<'a> {
    pub joint: &'a Joint,
    pub derivatives: &'a Derivatives,
    pub n: f64,
    /// [m × m] Σ n X Xᵀ
    pub xx: &'a [f64],
}

/// Small matrices of one slot, [r] and [r × r].
#[derive(Default)]
struct OfSlot {
    a: Vec<f64>,
    r: Vec<f64>,
    j: Vec<f64>,
}

/// Entries of one slot: a range of `Derivatives::covariance`.
fn by_slot(entries: &[CovarianceEntry]) -> impl Iterator<Item = &[CovarianceEntry]> {
    entries.chunk_by(|a, b| a.slot == b.slot)
}

/// Symmetric ∂V, [p × p].
fn full(entries: &[CovarianceEntry], p: usize) -> Vec<f64> {
    let mut out = vec![0.0; p * p];
    for e in entries {
        out[e.i * p + e.j] += e.value;
        if e.i != e.j {
            out[e.j * p + e.i] += e.value;
        }
    }
    out
}

fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    multiply(a, b, n, n, n, &mut out);
    out
}

/// tr(a bᵀ) is `dot`; this is tr(a b).
fn trace(a: &[f64], b: &[f64], n: usize) -> f64 {
    (0..n * n).map(|e| a[e] * b[(e % n) * n + e / n]).sum()
}

/// Adds weight × information of one cluster (or, without between residuals, of units) to the slots.
/// `curvatures`: [between residuals] added to K.
pub(super) fn add(parts: &[Part], curvatures: &[f64], weight: f64, sums: &mut SlotSums) {
    let r = curvatures.len();
    if r == 0 {
        parts.iter().for_each(|part| add_independent(part, weight, sums));
        return;
    }
    // Σ n B_c X Xᵀ, [c × p × m]
    let bx: Vec<Vec<f64>> = parts
        .iter()
        .map(|part| {
            let (p, m) = (part.joint.p, part.joint.m);
            let mut out = vec![0.0; part.joint.c * p * m];
            multiply(&part.joint.b, part.xx, part.joint.c * p, m, m, &mut out);
            out
        })
        .collect();
    let mut c = vec![0.0; r * r];
    for k in 0..r {
        c[k * r + k] = 1.0;
    }
    for (part, bx) in parts.iter().zip(&bx) {
        let size = part.joint.p * part.joint.m;
        for k in 0..r {
            for l in 0..r {
                c[k * r + l] += dot(part.joint.e_of(1 + k), &bx[(1 + l) * size..(2 + l) * size]);
            }
        }
    }
    let mut chol = c.clone();
    if !cholesky_in_place(&mut chol, r) {
        return;
    }
    invert_from_cholesky(&chol, r, &mut c);
    let mut k_matrix: Vec<f64> = c.iter().map(|v| -v).collect();
    for (k, curvature) in curvatures.iter().enumerate() {
        k_matrix[k * r + k] += 1.0 + curvature;
    }
    let mut active: Vec<u32> = parts.iter().flat_map(|p| p.derivatives.slots()).collect();
    active.sort_unstable();
    active.dedup();
    let mut place = vec![0usize; sums.n];
    active.iter().enumerate().for_each(|(i, &s)| place[s as usize] = i);
    let mut of_slot: Vec<OfSlot> = vec![];
    of_slot.resize_with(active.len(), || OfSlot { a: vec![0.0; r], r: vec![0.0; r * r], j: vec![0.0; r * r] });
    for (part, bx) in parts.iter().zip(&bx) {
        add_part(part, bx, r, &c, &k_matrix, &place, &mut of_slot, weight, sums);
    }
    finish(&active, &of_slot, r, &c, &k_matrix, weight, sums);
}

/// Without between residuals: means with themselves, ½ N tr(V⁻¹∂V_sV⁻¹∂V_t).
fn add_independent(part: &Part, weight: f64, sums: &mut SlotSums) {
    let (joint, d) = (part.joint, part.derivatives);
    add_mean(part, weight, &[], 0, sums);
    let p = joint.p;
    let mut y = vec![0.0; p * p];
    for entries in by_slot(&d.covariance) {
        let slot = entries[0].slot;
        scale_both(entries, &joint.inverse, p, &mut y);
        for e in d.covariance.iter().take_while(|e| e.slot <= slot) {
            let twice = if e.i == e.j { 1.0 } else { 2.0 };
            add_pair(sums, slot, e.slot, 1.0, 0.5 * weight * part.n * twice * e.value * y[e.i * p + e.j]);
        }
    }
}

/// V⁻¹ ∂V V⁻¹: by entries where they are few.
fn scale_both(entries: &[CovarianceEntry], inverse: &[f64], p: usize, out: &mut [f64]) {
    if entries.len() > 2 * p {
        let half = product(inverse, &full(entries, p), p);
        multiply(&half, inverse, p, p, p, out);
        return;
    }
    out.fill(0.0);
    for e in entries {
        let (a, b) = (&inverse[e.i * p..(e.i + 1) * p], &inverse[e.j * p..(e.j + 1) * p]);
        let v = if e.i == e.j { 0.5 } else { 1.0 } * e.value;
        for (i, out) in out.chunks_exact_mut(p).enumerate() {
            let (x, y) = (v * a[i], v * b[i]);
            out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o += x * b + y * a);
        }
    }
}

/// Means with themselves, and loadings with themselves under `k_matrix`, [r × r].
fn add_mean(part: &Part, weight: f64, k_matrix: &[f64], r: usize, sums: &mut SlotSums) {
    let (joint, d) = (part.joint, part.derivatives);
    let (p, m) = (joint.p, joint.m);
    for (x, a) in d.mean.iter().enumerate() {
        for (y, b) in d.mean[..=x].iter().enumerate() {
            let between = match (a.c, b.c) {
                (0, 0) => 1.0,
                (0, _) | (_, 0) => continue,
                (k, l) => k_matrix[(k - 1) * r + l - 1],
            };
            let v = weight * between * joint.inverse[a.i * p + b.i] * a.value * b.value * part.xx[a.m * m + b.m];
            add_pair(sums, a.slot, b.slot, if x == y { 1.0 } else { 2.0 }, v);
        }
    }
}

/// Terms that are sums over blocks, and the sums that the others need.
#[allow(clippy::too_many_arguments)]
fn add_part(
    part: &Part,
    bx: &[f64],
    r: usize,
    c: &[f64],
    k_matrix: &[f64],
    place: &[usize],
    of_slot: &mut [OfSlot],
    weight: f64,
    sums: &mut SlotSums,
) {
    let (joint, d) = (part.joint, part.derivatives);
    let (p, m) = (joint.p, joint.m);
    let size = p * m;
    let inverse = &joint.inverse;
    // F_k = V⁻¹ Σ n B_k X Xᵀ
    let mut f = vec![0.0; r * size];
    for (f, bx) in f.chunks_exact_mut(size).zip(bx[size..].chunks_exact(size)) {
        multiply(inverse, bx, p, p, m, f);
    }
    for e in &d.mean {
        let s = &mut of_slot[place[e.slot as usize]];
        for k in 0..r {
            let v = e.value * f[k * size + e.i * m + e.m];
            if e.c == 0 {
                s.a[k] += v;
            } else {
                s.r[(e.c - 1) * r + k] += v;
            }
        }
    }
    add_mean(part, weight, k_matrix, r, sums);
    if d.covariance.is_empty() {
        return;
    }
    // Z, and Σ_k C_kl Σ n B_k X Xᵀ
    let (mut z, mut cbx, mut scaled) = (vec![0.0; p * p], vec![0.0; r * size], vec![0.0; size]);
    for (l, cbx) in cbx.chunks_exact_mut(size).enumerate() {
        for (k, bx) in bx[size..].chunks_exact(size).enumerate() {
            cbx.iter_mut().zip(bx).for_each(|(o, b)| *o += c[k * r + l] * b);
        }
        let e = joint.e_of(1 + l);
        multiply(inverse, cbx, p, p, m, &mut scaled);
        for i in 0..p {
            for j in 0..p {
                z[i * p + j] += dot(&scaled[i * m..(i + 1) * m], &e[j * m..(j + 1) * m]);
            }
        }
    }
    let mut y = vec![0.0; p * p];
    for entries in by_slot(&d.covariance) {
        let slot = entries[0].slot;
        scale_both(entries, inverse, p, &mut y);
        let zdv = product(&product(&z, &full(entries, p), p), inverse, p); // Z ∂V V⁻¹
        let against = |i: usize, j: usize| 0.5 * (part.n * y[i * p + j] - zdv[i * p + j] - zdv[j * p + i]);
        for e in d.covariance.iter().take_while(|e| e.slot <= slot) {
            let twice = if e.i == e.j { 1.0 } else { 2.0 };
            // the sum over a slot's own entries is whole already
            add_pair(sums, slot, e.slot, 1.0, weight * twice * e.value * against(e.i, e.j));
        }
        let s = &mut of_slot[place[slot as usize]];
        for (l, (bx, cbx)) in bx[size..].chunks_exact(size).zip(cbx.chunks_exact(size)).enumerate() {
            multiply(&y, bx, p, p, m, &mut scaled);
            for k in 0..r {
                s.j[k * r + l] += dot(joint.b_of(1 + k), &scaled);
            }
            multiply(&y, cbx, p, p, m, &mut scaled);
            for e in d.mean.iter().filter(|e| e.c == 1 + l) {
                add_pair(sums, slot, e.slot, 2.0, weight * e.value * scaled[e.i * m + e.m]);
            }
        }
    }
}

/// Adds v to both triangles; on the diagonal `orders` times.
fn add_pair(sums: &mut SlotSums, s: u32, t: u32, orders: f64, v: f64) {
    if s == t {
        sums.information[s as usize * sums.n + s as usize] += orders * v;
    } else {
        sums.add_information(s as usize, t as usize, v);
    }
}

/// Terms in the sums over all blocks.
fn finish(active: &[u32], of_slot: &[OfSlot], r: usize, c: &[f64], k_matrix: &[f64], weight: f64, sums: &mut SlotSums) {
    struct Scaled {
        /// C a
        a: Vec<f64>,
        /// R C, K R C, C J
        rc: Vec<f64>,
        krc: Vec<f64>,
        cj: Vec<f64>,
        /// C J C
        cjc: Vec<f64>,
    }
    let scaled: Vec<Scaled> = of_slot
        .iter()
        .map(|s| {
            let rc = product(&s.r, c, r);
            let cj = product(c, &s.j, r);
            Scaled {
                a: (0..r).map(|k| dot(&c[k * r..(k + 1) * r], &s.a)).collect(),
                krc: product(k_matrix, &rc, r),
                rc,
                cjc: product(&cj, c, r),
                cj,
            }
        })
        .collect();
    for (x, (s, of_s)) in scaled.iter().zip(of_slot).enumerate() {
        for (y, (t, of_t)) in scaled[..=x].iter().zip(of_slot).enumerate() {
            let v = trace(&s.rc, &t.rc, r)
                - dot(&s.a, &of_t.a)
                - dot(&s.krc, &of_t.r)
                - dot(&s.cjc, &of_t.r)
                - dot(&t.cjc, &of_s.r)
                + 0.5 * trace(&s.cj, &t.cj, r);
            add_pair(sums, active[x], active[y], 1.0, weight * v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::joint_normal::MeanEntry;
    use super::*;
    use crate::linalg::invert_spd;
    use crate::rng::Stream;

    /// One block with its rows of X, [rows × m].
    struct Block {
        joint: Joint,
        derivatives: Derivatives,
        rows: Vec<Vec<f64>>,
    }

    const R: usize = 2;
    const M: usize = 2;
    const SLOTS: usize = 5;

    fn random_block(p: usize, n_rows: usize, rng: &mut Stream) -> Block {
        let mut joint = Joint { p, m: M, c: 1 + R, ..Joint::default() };
        let root: Vec<f64> = (0..p * p).map(|_| rng.normal()).collect();
        joint.v = (0..p * p).map(|e| dot(&root[e / p * p..][..p], &root[e % p * p..][..p])).collect();
        (0..p).for_each(|i| joint.v[i * p + i] += 1.0);
        joint.inverse = invert_spd(&joint.v, p).unwrap();
        joint.b = (0..(1 + R) * p * M).map(|_| rng.normal()).collect();
        joint.set_scaled();
        let mut derivatives = Derivatives::default();
        for slot in 0..SLOTS as u32 {
            // a slot may move means, loadings and covariances at once
            for c in 0..=R {
                let (i, m) = (slot as usize % p, c % M);
                derivatives.mean.push(MeanEntry { slot, c, i, m, value: rng.normal() });
            }
            for i in 0..p {
                derivatives.covariance.push(CovarianceEntry { slot, i, j: i / 2, value: rng.normal() });
            }
        }
        let rows = (0..n_rows).map(|_| (0..M).map(|_| rng.normal()).collect()).collect();
        Block { joint, derivatives, rows }
    }

    impl Block {
        fn xx(&self) -> Vec<f64> {
            (0..M * M).map(|e| self.rows.iter().map(|x| x[e / M] * x[e % M]).sum()).collect()
        }
    }

    /// Stacked Σ, and ∂μ and ∂Σ of every slot.
    fn dense(blocks: &[Block]) -> (Vec<f64>, Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let places: Vec<(usize, usize, usize)> = blocks
            .iter()
            .enumerate()
            .flat_map(|(b, block)| {
                (0..block.rows.len()).flat_map(move |row| (0..block.joint.p).map(move |i| (b, row, i)))
            })
            .collect();
        let n = places.len();
        let loading = |(b, row, i): (usize, usize, usize), c: usize| {
            dot(&blocks[b].joint.b_of(c)[i * M..(i + 1) * M], &blocks[b].rows[row])
        };
        let moved = |(b, row, i): (usize, usize, usize), slot: usize, c: usize| -> f64 {
            let entries = blocks[b].derivatives.mean.iter();
            entries
                .filter(|e| e.slot as usize == slot && e.c == c && e.i == i)
                .map(|e| e.value * blocks[b].rows[row][e.m])
                .sum()
        };
        let same_row = |s: (usize, usize, usize), t: (usize, usize, usize)| (s.0, s.1) == (t.0, t.1);
        let mut sigma = vec![0.0; n * n];
        let (mut means, mut covariances) = (vec![vec![0.0; n]; SLOTS], vec![vec![0.0; n * n]; SLOTS]);
        for (x, &s) in places.iter().enumerate() {
            for (y, &t) in places.iter().enumerate() {
                sigma[x * n + y] = (1..=R).map(|c| loading(s, c) * loading(t, c)).sum();
                if same_row(s, t) {
                    sigma[x * n + y] += blocks[s.0].joint.v[s.2 * blocks[s.0].joint.p + t.2];
                }
            }
            for slot in 0..SLOTS {
                means[slot][x] = moved(s, slot, 0);
                for (y, &t) in places.iter().enumerate() {
                    let mut v: f64 =
                        (1..=R).map(|c| moved(s, slot, c) * loading(t, c) + loading(s, c) * moved(t, slot, c)).sum();
                    if same_row(s, t) {
                        let p = blocks[s.0].joint.p;
                        let entries = &blocks[s.0].derivatives.covariance;
                        let of_slot: Vec<_> = entries.iter().filter(|e| e.slot as usize == slot).copied().collect();
                        v += full(&of_slot, p)[s.2 * p + t.2];
                    }
                    covariances[slot][x * n + y] = v;
                }
            }
        }
        (sigma, means, covariances)
    }

    #[test]
    fn information_equals_that_of_the_stacked_normal_distribution() {
        let mut rng = Stream::new(3, 0);
        let blocks = [random_block(2, 3, &mut rng), random_block(1, 4, &mut rng)];
        let (sigma, means, covariances) = dense(&blocks);
        let n = means[0].len();
        let inverse = invert_spd(&sigma, n).unwrap();
        let xx: Vec<Vec<f64>> = blocks.iter().map(Block::xx).collect();
        let parts: Vec<Part> = blocks
            .iter()
            .zip(&xx)
            .map(|(b, xx)| Part { joint: &b.joint, derivatives: &b.derivatives, n: b.rows.len() as f64, xx })
            .collect();
        let mut sums = SlotSums::default();
        sums.reset(SLOTS, true);
        add(&parts, &[0.0; R], 1.5, &mut sums);
        for s in 0..SLOTS {
            for t in 0..SLOTS {
                let mean: f64 = (0..n * n).map(|e| means[s][e / n] * inverse[e] * means[t][e % n]).sum();
                let (a, b) = (product(&inverse, &covariances[s], n), product(&inverse, &covariances[t], n));
                let want = 1.5 * (mean + 0.5 * trace(&a, &b, n));
                let got = sums.information[s * SLOTS + t];
                assert!((got - want).abs() < 1e-9 * (1.0 + want.abs()), "{s} {t}: {got} instead of {want}");
            }
        }
    }
}
