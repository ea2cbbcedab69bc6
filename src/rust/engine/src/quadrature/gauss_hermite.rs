//! Gauss–Hermite quadrature for the standard normal weight: eigenvalue start, Newton finish, weights on the log scale.

use super::{normalise, Line};
use crate::linalg::symmetric_eigen;

/// Most points in one dimension; beyond it weights differ by over 10¹⁵⁰ and no precision is gained.
pub const MOST_POINTS: usize = 200;

/// The rule in one dimension.
///
/// Orthonormal Hermite polynomials: z h_k = √(k+1) h_{k+1} + √k h_{k−1}, so nodes are the eigenvalues of the Jacobi
/// matrix with √k beside the diagonal (Golub & Welsch 1969). As h_n' = √n h_{n−1}, Newton steps polish them, and the
/// weights 1 / (n h_{n−1}(z)²) keep their relative accuracy far into the tails, which the eigenvectors' would not.
pub fn line(points: usize) -> Line {
    let n = points;
    let mut jacobi = vec![0.0; n * n];
    for k in 1..n {
        let beside = (k as f64).sqrt();
        jacobi[k + (k - 1) * n] = beside;
        jacobi[k - 1 + k * n] = beside;
    }
    let (mut nodes, _) = symmetric_eigen(&jacobi, n);
    let root_n = (n as f64).sqrt();
    for node in &mut nodes {
        for _ in 0..3 {
            let (own, previous) = hermite(n, *node);
            *node -= own / (root_n * previous);
        }
    }
    for q in 0..n / 2 {
        let reach = 0.5 * (nodes[n - 1 - q] - nodes[q]);
        nodes[q] = -reach;
        nodes[n - 1 - q] = reach;
    }
    if n % 2 == 1 {
        nodes[n / 2] = 0.0;
    }
    let mut log_weights: Vec<f64> =
        nodes.iter().map(|&z| -(n as f64).ln() - 2.0 * hermite(n, z).1.abs().ln()).collect();
    normalise(&mut log_weights);
    Line { nodes, log_weights }
}

/// (h_n(z), h_{n−1}(z)), the orthonormal Hermite polynomials for the weight φ; n ≥ 1.
fn hermite(n: usize, z: f64) -> (f64, f64) {
    let (mut previous, mut own) = (1.0, z);
    for k in 1..n {
        let k = k as f64;
        let next = (z * own - k.sqrt() * previous) / (k + 1.0).sqrt();
        previous = own;
        own = next;
    }
    (own, previous)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::log_factorial;

    /// Exact for z^r, r ≤ 2n − 1: the moments are 0 and (r − 1)!!, compared on the log scale.
    #[test]
    fn exact_to_degree_twice_points_less_one() {
        for n in [1, 2, 3, 8, 15, 40, 101, 200] {
            let rule = line(n);
            for half in 0..n {
                let log_moment: Vec<f64> = rule
                    .nodes
                    .iter()
                    .zip(&rule.log_weights)
                    .filter(|(z, _)| **z != 0.0 || half == 0)
                    .map(|(z, w)| w + if half == 0 { 0.0 } else { 2.0 * half as f64 * z.abs().ln() })
                    .collect();
                let got = crate::numeric::log_sum_exp(&log_moment);
                // (2h − 1)!! = (2h)! / (2^h h!)
                let h = half as f64;
                let want = log_factorial(2.0 * h) - h * std::f64::consts::LN_2 - log_factorial(h);
                if n == 1 {
                    assert_eq!(got, 0.0);
                } else {
                    assert!((got - want).abs() < 1e-11 * (1.0 + want), "n {n}, degree {}", 2 * half);
                }
            }
        }
    }

    #[test]
    fn three_points_in_closed_form() {
        let rule = line(3);
        assert!((rule.nodes[2] - 3.0f64.sqrt()).abs() < 1e-15);
        assert_eq!(rule.nodes[1], 0.0);
        assert!((rule.log_weights[1] - (2.0f64 / 3.0).ln()).abs() < 1e-15);
        assert!((rule.log_weights[0] - (1.0f64 / 6.0).ln()).abs() < 1e-15);
    }
}
