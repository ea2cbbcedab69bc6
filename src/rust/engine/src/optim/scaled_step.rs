//! Directions P⁻¹ g for a positive semi-definite P: the EM-gradient step (Lange 1995) when P is the complete-data information.

use crate::linalg::solve_spd;

/// A factorised scaling restricted to the coordinates that are free to move.
pub struct Scaling {
    /// Ridged matrix over all coordinates, [n × n].
    matrix: Vec<f64>,
    n: usize,
}

impl Scaling {
    /// A small ridge, relative to each diagonal entry, keeps coordinates without information from moving far.
    pub fn new(matrix: &[f64], n: usize) -> Scaling {
        let mut m = matrix.to_vec();
        let largest = (0..n).map(|i| m[i * n + i]).fold(0.0, f64::max);
        for i in 0..n {
            m[i * n + i] = m[i * n + i] * (1.0 + 1e-10) + 1e-10 * largest + 1e-12;
        }
        Scaling { matrix: m, n }
    }

    /// P⁻¹ g over the coordinates not held; 0 for those held.
    pub fn solve(&self, g: &[f64], held: &[bool]) -> Vec<f64> {
        let n = self.n;
        let free: Vec<usize> = (0..n).filter(|&i| !held[i]).collect();
        let m = free.len();
        let mut out = vec![0.0; n];
        if m == 0 {
            return out;
        }
        let mut a = vec![0.0; m * m];
        for (r, &i) in free.iter().enumerate() {
            for (c, &j) in free.iter().enumerate() {
                a[c * m + r] = self.matrix[i * n + j];
            }
        }
        let b: Vec<f64> = free.iter().map(|&i| g[i]).collect();
        let mut ridge = 0.0;
        let scale = (0..m).map(|i| a[i * m + i]).fold(0.0, f64::max);
        let x = loop {
            let mut damped = a.clone();
            (0..m).for_each(|i| damped[i * m + i] += ridge);
            match solve_spd(&damped, m, &b) {
                Some(x) if x.iter().all(|v| v.is_finite()) => break x,
                _ if ridge > scale * 1e3 => break b.iter().map(|v| v / scale.max(1e-12)).collect(),
                _ => ridge = (ridge * 10.0).max(scale * 1e-9).max(1e-12),
            }
        };
        for (&i, v) in free.iter().zip(x) {
            out[i] = v;
        }
        out
    }
}
