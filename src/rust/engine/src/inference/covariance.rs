//! Covariance matrices of the estimates, with singular directions named by parameter instead of pseudo-inverted.

use crate::linalg::{invert_spd, matmul, symmetric_eigen};

/// What the information matrix says.
#[derive(Clone, Debug)]
pub struct Identified {
    /// Coordinates in directions along which the likelihood is flat.
    pub flat: Vec<bool>,
    /// The point is not a maximum: the likelihood increases along some direction.
    pub saddle: bool,
    /// Smallest eigenvalue of the scaled information relative to the largest.
    pub smallest: f64,
}

/// Relative eigenvalue below which a direction counts as flat.
const FLAT: f64 = 2e-9;
/// Relative eigenvalue below which scores are asked, too, and the share of it that they must have.
pub const WEAK: f64 = 1e-3;
const SILENT: f64 = 1e-3;

/// Eigen-analysis of the information scaled to unit diagonal, over the coordinates not held.
pub fn identification(information: &[f64], n: usize, held: &[bool], scale: &[f64]) -> Identified {
    let mut out = Identified { flat: vec![false; n], saddle: false, smallest: 1.0 };
    let mut free: Vec<usize> = (0..n).filter(|&i| !held[i]).collect();
    // a coordinate without any information of its own
    free.retain(|&i| {
        let d = information[i * n + i];
        let empty = !d.is_finite() || d.abs() <= FLAT * scale[i].max(1e-8);
        out.flat[i] = empty;
        !empty
    });
    let m = free.len();
    if m == 0 {
        return out;
    }
    let a = scaled(information, n, &free, &roots(information, n, &free));
    if a.iter().any(|v| !v.is_finite()) {
        free.iter().for_each(|&i| out.flat[i] = true);
        return out;
    }
    let (values, vectors) = symmetric_eigen(&a, m);
    let top = values.last().copied().unwrap_or(1.0);
    out.smallest = values[0] / top;
    for (k, &value) in values.iter().enumerate() {
        if value < -1e-6 * top {
            out.saddle = true;
        }
        if value < FLAT * top {
            mark(&vectors[k * m..(k + 1) * m], &free, &mut out.flat);
        }
    }
    out
}

/// Coordinates (of those kept) in directions along which the information is weak and the scores of all clusters vanish.
/// Where the clusters are many both are about the same, so that the log-likelihood is flat there: what curvature there is
/// comes from rounding, or bends a flat curve.
pub fn silent(information: &[f64], cross_product: &[f64], n: usize, kept: &[bool]) -> Vec<bool> {
    let free: Vec<usize> = (0..n).filter(|&i| kept[i]).collect();
    let m = free.len();
    let mut out = vec![false; n];
    let root = roots(information, n, &free);
    let (a, b) = (scaled(information, n, &free, &root), scaled(cross_product, n, &free, &root));
    let (values, vectors) = symmetric_eigen(&a, m);
    let top = values.last().copied().unwrap_or(1.0);
    for (value, v) in values.iter().zip(vectors.chunks_exact(m.max(1))).filter(|(value, _)| **value < WEAK * top) {
        let of_scores: f64 = (0..m * m).map(|e| v[e / m] * b[e] * v[e % m]).sum();
        if of_scores < SILENT * value {
            mark(v, &free, &mut out);
        }
    }
    out
}

/// Coordinates (`free` ones) that matter in a direction.
fn mark(direction: &[f64], free: &[usize], out: &mut [bool]) {
    let largest = direction.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let matter = free.iter().zip(direction).filter(|(_, v)| v.abs() > 0.1 * largest);
    matter.for_each(|(&i, _)| out[i] = true);
}

/// Roots of the diagonal.
fn roots(matrix: &[f64], n: usize, free: &[usize]) -> Vec<f64> {
    free.iter().map(|&i| matrix[i * n + i].abs().sqrt()).collect()
}

/// The part of a matrix that belongs to `free` coordinates, in units of `root`.
fn scaled(matrix: &[f64], n: usize, free: &[usize], root: &[f64]) -> Vec<f64> {
    let m = free.len();
    (0..m * m).map(|e| matrix[free[e % m] * n + free[e / m]] / (root[e % m] * root[e / m])).collect()
}

/// Inverse over the coordinates kept; rows of the others are NaN.
pub fn invert_kept(information: &[f64], n: usize, kept: &[bool]) -> Option<Vec<f64>> {
    let free: Vec<usize> = (0..n).filter(|&i| kept[i]).collect();
    let m = free.len();
    let mut out = vec![f64::NAN; n * n];
    if m == 0 {
        return Some(out);
    }
    let root: Vec<f64> = roots(information, n, &free).into_iter().map(|r| r.max(1e-150)).collect();
    let inverse = invert_spd(&scaled(information, n, &free, &root), m)?;
    for (r, &i) in free.iter().enumerate() {
        for (c, &j) in free.iter().enumerate() {
            out[i * n + j] = inverse[c * m + r] / (root[r] * root[c]);
        }
    }
    Some(out)
}

/// A⁻¹ B A⁻¹ over the coordinates kept.
pub fn sandwich(inverse: &[f64], cross_product: &[f64], n: usize, kept: &[bool]) -> Vec<f64> {
    let free: Vec<usize> = (0..n).filter(|&i| kept[i]).collect();
    let m = free.len();
    let take = |full: &[f64]| -> Vec<f64> { (0..m * m).map(|e| full[free[e % m] * n + free[e / m]]).collect() };
    let (a, b) = (take(inverse), take(cross_product));
    let (mut ab, mut aba) = (vec![0.0; m * m], vec![0.0; m * m]);
    matmul(&a, &b, (m, m, m), &mut ab);
    matmul(&ab, &a, (m, m, m), &mut aba);
    let mut out = vec![f64::NAN; n * n];
    for (r, &i) in free.iter().enumerate() {
        for (c, &j) in free.iter().enumerate() {
            out[i * n + j] = aba[c * m + r];
        }
    }
    out
}
