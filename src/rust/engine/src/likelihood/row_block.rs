//! Inner loops over rows of one joint normal density: quadratic forms, and weighted moments of residuals.
//!
//! Rows are taken eight at a time, side by side (`Pack`), so that every operation is on whole vectors and sums are in
//! a fixed order; missing rows of the last pack have weight 0. `pulp` picks the instruction set, nothing is fused.

use pulp::{Arch, Simd, WithSimd};

use super::joint_normal::Joint;

const LANES: usize = 8;
/// Packs per block: a block of a few outcomes stays in the first-level cache.
const PACKS: usize = 8;
/// Rows per block.
pub(super) const BLOCK: usize = LANES * PACKS;

type Pack = [f64; LANES];

/// Outcomes and columns of up to `BLOCK` rows.
#[derive(Default)]
pub(super) struct RowBlock {
    packs: usize,
    /// [packs × p], [packs × (m − 1)]: the constant column is left out.
    y: Vec<Pack>,
    x: Vec<Pack>,
    /// [packs] posterior weights
    w: Vec<Pack>,
    /// [packs × p] residuals
    r: Vec<Pack>,
}

/// Sums that `add_moments` adds to, by lane.
#[derive(Default)]
pub(super) struct Moments {
    n: Pack,
    /// [p × m], [p × (p + 1) / 2], [(m − 1) × m]
    g: Vec<Pack>,
    r: Vec<Pack>,
    xx: Vec<Pack>,
}

impl RowBlock {
    /// Reads the rows' outcomes (their columns, less a centre) and, by `fill_x`, their columns X.
    pub fn read(
        &mut self,
        rows: &[u32],
        outcomes: &[(&[f64], f64)],
        m: usize,
        mut fill_x: impl FnMut(usize, &mut [f64]),
    ) {
        let p = outcomes.len();
        self.packs = rows.len().div_ceil(LANES);
        self.y.resize(self.packs * p, [0.0; LANES]);
        for (y, rows) in self.y.chunks_exact_mut(p.max(1)).zip(rows.chunks(LANES)) {
            for (y, (column, centre)) in y.iter_mut().zip(outcomes) {
                y.iter_mut().zip(rows).for_each(|(y, &row)| *y = column[row as usize] - centre);
            }
        }
        self.x.resize(self.packs * (m - 1), [0.0; LANES]);
        if m > 1 {
            let mut x = vec![0.0; m];
            for (k, &row) in rows.iter().enumerate() {
                fill_x(row as usize, &mut x);
                let to = &mut self.x[k / LANES * (m - 1)..(k / LANES + 1) * (m - 1)];
                to.iter_mut().zip(&x[1..]).for_each(|(to, x)| to[k % LANES] = *x);
            }
        }
    }

    /// Weights of the rows read; returns their sum.
    pub fn weigh(&mut self, weights: impl Iterator<Item = f64>) -> f64 {
        self.w.clear();
        self.w.resize(self.packs, [0.0; LANES]);
        let mut total = 0.0;
        self.w.as_flattened_mut().iter_mut().zip(weights).for_each(|(to, w)| {
            *to = w;
            total += w;
        });
        total
    }

    /// out = (y − B X)ᵀ V⁻¹ (y − B X) of every row.
    pub fn quadratic(&mut self, joint: &Joint, out: &mut [f64; BLOCK]) {
        self.r.resize(joint.p, [0.0; LANES]);
        Arch::new().dispatch(Quadratic { rows: self, joint, out });
    }

    /// Residual r = y − B X of row k, into `out` [p].
    pub fn residual(&self, joint: &Joint, k: usize, out: &mut [f64]) {
        let (p, m, lane) = (joint.p, joint.m, k % LANES);
        let (y, x) = (&self.y[k / LANES * p..], &self.x[k / LANES * (m - 1)..]);
        for (i, out) in out.iter_mut().enumerate() {
            let b = &joint.b[i * m..(i + 1) * m];
            *out = b[1..].iter().zip(x).fold(y[i][lane] - b[0], |r, (b, x)| r - b * x[lane]);
        }
    }

    /// Column m of row k.
    pub fn column(&self, n_columns: usize, m: usize, k: usize) -> f64 {
        if m == 0 {
            1.0
        } else {
            self.x[k / LANES * (n_columns - 1) + m - 1][k % LANES]
        }
    }

    /// Adds the weighted moments of the rows.
    pub fn add_moments(&mut self, joint: &Joint, sums: &mut Moments) {
        self.r.resize(joint.p, [0.0; LANES]);
        Arch::new().dispatch(AddMoments { rows: self, joint, sums });
    }
}

#[inline(always)]
fn subtract(to: &mut Pack, a: f64, b: &Pack) {
    for (to, b) in to.iter_mut().zip(b) {
        *to -= a * b;
    }
}

#[inline(always)]
fn add_product(to: &mut Pack, a: &Pack, b: &Pack) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to += a * b;
    }
}

#[inline(always)]
fn residual(joint: &Joint, i: usize, y: &Pack, x: &[Pack]) -> Pack {
    let b = &joint.b[i * joint.m..(i + 1) * joint.m];
    let mut r = *y;
    r.iter_mut().for_each(|r| *r -= b[0]);
    for (b, x) in b[1..].iter().zip(x) {
        subtract(&mut r, *b, x);
    }
    r
}

struct Quadratic<'a> {
    rows: &'a mut RowBlock,
    joint: &'a Joint,
    out: &'a mut [f64; BLOCK],
}

impl WithSimd for Quadratic<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Quadratic { rows, joint, out } = self;
        let (p, m) = (joint.p, joint.m);
        let RowBlock { packs, y, x, r: z, .. } = rows;
        for (k, out) in out.chunks_exact_mut(LANES).enumerate().take(*packs) {
            let (y, x) = (&y[k * p..(k + 1) * p], &x[k * (m - 1)..(k + 1) * (m - 1)]);
            let mut sum = [0.0; LANES];
            for i in 0..p {
                let mut r = residual(joint, i, &y[i], x);
                for (h, z) in z[..i].iter().enumerate() {
                    subtract(&mut r, joint.chol[i + h * p], z);
                }
                let scale = 1.0 / joint.chol[i + i * p];
                r.iter_mut().for_each(|r| *r *= scale);
                add_product(&mut sum, &r, &r);
                z[i] = r;
            }
            out.copy_from_slice(&sum);
        }
    }
}

struct AddMoments<'a> {
    rows: &'a mut RowBlock,
    joint: &'a Joint,
    sums: &'a mut Moments,
}

impl WithSimd for AddMoments<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let AddMoments { rows, joint, sums } = self;
        let (p, m) = (joint.p, joint.m);
        let RowBlock { packs, y, x, r, w } = rows;
        for (k, w) in w.iter().enumerate().take(*packs) {
            let (y, x) = (&y[k * p..(k + 1) * p], &x[k * (m - 1)..(k + 1) * (m - 1)]);
            sums.n.iter_mut().zip(w).for_each(|(n, w)| *n += w);
            let mut pair = 0;
            for i in 0..p {
                let this = residual(joint, i, &y[i], x);
                r[i] = this;
                let mut weighted = this;
                weighted.iter_mut().zip(w).for_each(|(r, w)| *r *= w);
                let g = &mut sums.g[i * m..(i + 1) * m];
                g[0].iter_mut().zip(&weighted).for_each(|(g, r)| *g += r);
                for (g, x) in g[1..].iter_mut().zip(x) {
                    add_product(g, &weighted, x);
                }
                for r in &r[..=i] {
                    add_product(&mut sums.r[pair], &weighted, r);
                    pair += 1;
                }
            }
            if !sums.xx.is_empty() {
                for (a, left) in x.iter().enumerate() {
                    let mut weighted = *left;
                    weighted.iter_mut().zip(w).for_each(|(x, w)| *x *= w);
                    let xx = &mut sums.xx[a * m..(a + 1) * m];
                    xx[0].iter_mut().zip(&weighted).for_each(|(s, x)| *s += x);
                    for (xx, right) in xx[1..].iter_mut().zip(&x[..=a]) {
                        add_product(xx, &weighted, right);
                    }
                }
            }
        }
    }
}

fn across(lanes: &Pack) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

impl Moments {
    pub fn reset(&mut self, p: usize, m: usize, want_xx: bool) {
        self.n = [0.0; LANES];
        let of_xx = if want_xx { (m - 1) * m } else { 0 };
        for (v, size) in [(&mut self.g, p * m), (&mut self.r, p * (p + 1) / 2), (&mut self.xx, of_xx)] {
            v.clear();
            v.resize(size, [0.0; LANES]);
        }
    }

    /// Σ w
    pub fn n(&self) -> f64 {
        across(&self.n)
    }

    /// Σ w r Xᵀ, [p × m]
    pub fn g(&self, out: &mut [f64]) {
        out.iter_mut().zip(&self.g).for_each(|(o, g)| *o = across(g));
    }

    /// Σ w r rᵀ, [p × p]
    pub fn r(&self, p: usize, out: &mut [f64]) {
        let mut pairs = self.r.iter();
        for i in 0..p {
            for (j, pair) in (0..=i).zip(&mut pairs) {
                out[i * p + j] = across(pair);
                out[j * p + i] = out[i * p + j];
            }
        }
    }

    /// Σ w X Xᵀ, [m × m]
    pub fn xx(&self, m: usize, out: &mut [f64]) {
        out[0] = self.n();
        for a in 1..m {
            for b in 0..=a {
                out[a * m + b] = across(&self.xx[(a - 1) * m + b]);
                out[b * m + a] = out[a * m + b];
            }
        }
    }
}
