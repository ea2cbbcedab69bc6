//! A normal distribution whose mean is linear in columns X and in residuals z, at one class cell and node:
//! y = Σ_c z̄_c B_c X + ε, z̄ = (1, z), ε ~ N(0, V), V = A Aᵀ + Θ (A the loadings of analytic within residuals);
//! and the score from moments of y, X and z̄.
//!
//! With N = Σ n_i, R = Σ n_i E εεᵀ, G_c = Σ n_i E z̄_c ε Xᵀ (expectations over z), the score is
//! Σ_c tr((V⁻¹ G_c)ᵀ ∂B_c) + ½ tr(V⁻¹ (R − N V) V⁻¹ ∂V).

use super::accumulator::SlotSums;
use super::predictor::Affine;
use crate::linalg::{cholesky_in_place, invert_from_cholesky, log_det_from_cholesky};

/// Residual (co)variances of the observed outcomes at the current class cell.
pub(super) struct Theta {
    /// [p × p]
    pub value: Vec<f64>,
    /// Free parameters: (slot, i, j).
    pub entries: Vec<(usize, usize, usize)>,
}

/// Shape of the coefficients: `evaluate`d outcomes, components and nodes.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// Of all outcomes of the factor.
    pub coefficients: &'a [Affine],
    /// Those observed.
    pub observed: &'a [usize],
    /// Analytic residuals.
    pub n_within: usize,
    pub n_between: usize,
    /// Columns.
    pub m: usize,
    pub theta: &'a Theta,
    /// [m] columns of a row that shows the covariates that V depends on.
    pub x: &'a [f64],
}

impl Source<'_> {
    /// Coefficient of column m, component c (0 constant, then within, then between) in `values`, at node q.
    #[inline]
    fn index(&self, a: &Affine, m: usize, c: usize, q: usize) -> usize {
        (m * (1 + self.n_within + self.n_between) + c) * a.n + q
    }
    /// Σ_m X_m × coefficient.
    fn at_row(&self, a: &Affine, values: &[f64], c: usize, q: usize) -> f64 {
        (0..self.m).map(|m| self.x[m] * values[self.index(a, m, c, q)]).sum()
    }
    pub fn covariance_varies(&self) -> bool {
        self.observed.iter().map(|&i| &self.coefficients[i]).any(|a| {
            a.n > 1
                && (0..self.m).any(|m| {
                    (1..=self.n_within).any(|c| {
                        let start = self.index(a, m, c, 0);
                        a.value[start + 1..start + a.n].iter().any(|v| *v != a.value[start])
                    })
                })
        })
    }
}

/// The distribution at one node. Buffers are reused.
#[derive(Default)]
pub(super) struct Joint {
    pub p: usize,
    pub m: usize,
    /// 1 + analytic between residuals
    pub c: usize,
    /// V, its Cholesky factor and its inverse, [p × p]
    pub v: Vec<f64>,
    pub chol: Vec<f64>,
    pub inverse: Vec<f64>,
    pub log_det: f64,
    /// B_c, [c × p × m]
    pub b: Vec<f64>,
    /// V⁻¹ B_c
    pub e: Vec<f64>,
}

impl Joint {
    /// V and what follows from it; false where it is not positive definite.
    pub fn set_covariance(&mut self, s: &Source, q: usize) -> bool {
        let p = s.observed.len();
        self.p = p;
        self.v.clear();
        self.v.extend_from_slice(&s.theta.value);
        let mut loading = vec![0.0; if s.n_within > 0 { p } else { 0 }];
        for c in 1..=s.n_within {
            for (l, &i) in loading.iter_mut().zip(s.observed) {
                let a = &s.coefficients[i];
                *l = s.at_row(a, &a.value, c, q);
            }
            for i in 0..p {
                (0..p).for_each(|j| self.v[i * p + j] += loading[i] * loading[j]);
            }
        }
        self.chol.clone_from(&self.v);
        if !cholesky_in_place(&mut self.chol, p) {
            return false;
        }
        self.log_det = log_det_from_cholesky(&self.chol, p);
        self.inverse.resize(p * p, 0.0);
        invert_from_cholesky(&self.chol, p, &mut self.inverse);
        true
    }

    /// B; after `set_covariance`.
    pub fn set_mean(&mut self, s: &Source, q: usize) {
        let (p, m) = (self.p, s.m);
        self.m = m;
        self.c = 1 + s.n_between;
        self.b.resize(self.c * p * m, 0.0);
        for c in 0..self.c {
            let component = if c == 0 { 0 } else { s.n_within + c };
            for (i, &o) in s.observed.iter().enumerate() {
                let a = &s.coefficients[o];
                for k in 0..m {
                    self.b[(c * p + i) * m + k] = a.value[s.index(a, k, component, q)];
                }
            }
        }
    }

    /// V⁻¹ B; after `set_mean`.
    pub fn set_scaled(&mut self) {
        let (p, m) = (self.p, self.m);
        self.e.resize(self.c * p * m, 0.0);
        for c in 0..self.c {
            let of = c * p * m..(c + 1) * p * m;
            multiply(&self.inverse, &self.b[of.clone()], p, p, m, &mut self.e[of]);
        }
    }

    pub fn set(&mut self, s: &Source, q: usize) -> bool {
        if !self.set_covariance(s, q) {
            return false;
        }
        self.set_mean(s, q);
        self.set_scaled();
        true
    }

    #[inline]
    pub fn e_of(&self, c: usize) -> &[f64] {
        &self.e[c * self.p * self.m..(c + 1) * self.p * self.m]
    }
    #[inline]
    pub fn b_of(&self, c: usize) -> &[f64] {
        &self.b[c * self.p * self.m..(c + 1) * self.p * self.m]
    }
}

/// `a` [rows × inner] times `b` [inner × columns], row by row.
pub(super) fn multiply(a: &[f64], b: &[f64], rows: usize, inner: usize, columns: usize, out: &mut [f64]) {
    for i in 0..rows {
        let out = &mut out[i * columns..(i + 1) * columns];
        out.fill(0.0);
        for k in 0..inner {
            let v = a[i * inner + k];
            if v != 0.0 {
                out.iter_mut().zip(&b[k * columns..(k + 1) * columns]).for_each(|(o, b)| *o += v * b);
            }
        }
    }
}

#[inline]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// ∂B_c[i, m] by a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct MeanEntry {
    pub slot: u32,
    pub c: usize,
    pub i: usize,
    pub m: usize,
    pub value: f64,
}

/// ∂V[i, j] = ∂V[j, i] by a slot, i ≥ j.
#[derive(Clone, Copy, Debug)]
pub(super) struct CovarianceEntry {
    pub slot: u32,
    pub i: usize,
    pub j: usize,
    pub value: f64,
}

/// Nonzero derivatives at one node.
#[derive(Default)]
pub(super) struct Derivatives {
    pub mean: Vec<MeanEntry>,
    /// By slot.
    pub covariance: Vec<CovarianceEntry>,
}

impl Derivatives {
    /// From coefficients evaluated with derivatives.
    pub fn set(&mut self, s: &Source, q: usize) {
        self.mean.clear();
        self.covariance.clear();
        let loading = |i: usize, c: usize| {
            let a = &s.coefficients[s.observed[i]];
            s.at_row(a, &a.value, c, q)
        };
        for (i, &o) in s.observed.iter().enumerate() {
            let a = &s.coefficients[o];
            for (e, &slot) in a.slots.iter().enumerate() {
                let d = a.derivative_of(e);
                for c in 0..=s.n_between {
                    let component = if c == 0 { 0 } else { s.n_within + c };
                    for m in 0..s.m {
                        let value = d[s.index(a, m, component, q)];
                        if value != 0.0 {
                            self.mean.push(MeanEntry { slot, c, i, m, value });
                        }
                    }
                }
                for c in 1..=s.n_within {
                    let da = s.at_row(a, d, c, q);
                    if da != 0.0 {
                        for j in 0..s.observed.len() {
                            let value = da * loading(j, c) * if i == j { 2.0 } else { 1.0 };
                            if value != 0.0 {
                                self.covariance.push(CovarianceEntry { slot, i: i.max(j), j: i.min(j), value });
                            }
                        }
                    }
                }
            }
        }
        let theta = s.theta.entries.iter();
        self.covariance.extend(theta.map(|&(slot, i, j)| CovarianceEntry {
            slot: slot as u32,
            i: i.max(j),
            j: i.min(j),
            value: 1.0,
        }));
        self.covariance.sort_by_key(|e| e.slot);
    }

    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.mean.iter().map(|e| e.slot).chain(self.covariance.iter().map(|e| e.slot))
    }
}

/// N, R and G of the posterior-weighted data.
#[derive(Default)]
pub(super) struct ScoreMoments {
    pub n: f64,
    /// [p × p]
    pub r: Vec<f64>,
    /// [c × p × m]
    pub g: Vec<f64>,
    scratch: Vec<f64>,
}

impl ScoreMoments {
    pub fn reset(&mut self, joint: &Joint) {
        self.n = 0.0;
        for (v, size) in [(&mut self.r, joint.p * joint.p), (&mut self.g, joint.c * joint.p * joint.m)] {
            v.clear();
            v.resize(size, 0.0);
        }
    }

    /// Adds the score.
    pub fn contract(&mut self, joint: &Joint, d: &Derivatives, sums: &mut SlotSums) {
        let (p, m) = (joint.p, joint.m);
        let scratch = &mut self.scratch;
        scratch.resize((p * m).max(2 * p * p), 0.0);
        // V⁻¹ G_c, entries are few
        for e in &d.mean {
            let g = &self.g[e.c * p * m..(e.c + 1) * p * m];
            let v: f64 = (0..p).map(|k| joint.inverse[e.i * p + k] * g[k * m + e.m]).sum();
            sums.gradient[e.slot as usize] += e.value * v;
        }
        if d.covariance.is_empty() {
            return;
        }
        for (r, v) in self.r.iter_mut().zip(&joint.v) {
            *r -= self.n * v;
        }
        let (half, whole) = scratch.split_at_mut(p * p);
        multiply(&joint.inverse, &self.r, p, p, p, half);
        multiply(half, &joint.inverse, p, p, p, &mut whole[..p * p]);
        for e in &d.covariance {
            let twice = if e.i == e.j { 0.5 } else { 1.0 };
            sums.gradient[e.slot as usize] += twice * e.value * 0.5 * (whole[e.i * p + e.j] + whole[e.j * p + e.i]);
        }
    }
}
