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
    let root: Vec<f64> = free.iter().map(|&i| information[i * n + i].abs().sqrt()).collect();
    let mut a = vec![0.0; m * m];
    for (r, &i) in free.iter().enumerate() {
        for (c, &j) in free.iter().enumerate() {
            a[c * m + r] = information[i * n + j] / (root[r] * root[c]);
        }
    }
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
            let v = &vectors[k * m..(k + 1) * m];
            let largest = v.iter().fold(0.0f64, |a, b| a.max(b.abs()));
            for (r, &i) in free.iter().enumerate() {
                if v[r].abs() > 0.1 * largest {
                    out.flat[i] = true;
                }
            }
        }
    }
    out
}

/// Inverse over the coordinates kept; rows of the others are NaN.
pub fn invert_kept(information: &[f64], n: usize, kept: &[bool]) -> Option<Vec<f64>> {
    let free: Vec<usize> = (0..n).filter(|&i| kept[i]).collect();
    let m = free.len();
    let mut out = vec![f64::NAN; n * n];
    if m == 0 {
        return Some(out);
    }
    let root: Vec<f64> = free.iter().map(|&i| information[i * n + i].abs().sqrt().max(1e-150)).collect();
    let mut a = vec![0.0; m * m];
    for (r, &i) in free.iter().enumerate() {
        for (c, &j) in free.iter().enumerate() {
            a[c * m + r] = information[i * n + j] / (root[r] * root[c]);
        }
    }
    let inverse = invert_spd(&a, m)?;
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
