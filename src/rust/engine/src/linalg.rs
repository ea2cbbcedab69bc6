//! Dense linear algebra on column-major slices: plain loops for the small matrices of hot loops, faer for larger ones.
//!
//! Element (row, column) of an n × n matrix is `a[row + column * n]`.

use faer::linalg::matmul::matmul as faer_matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::solvers::{DenseSolveCore, Llt};
use faer::{Accum, MatMut, MatRef, Par, Side};

/// The smallest pivot of a Cholesky factorisation, relative to its diagonal element, that is not rounding error.
#[inline]
fn smallest_pivot(n: usize) -> f64 {
    n as f64 * f64::EPSILON
}

/// Replaces the symmetric matrix `a`, of which only the lower triangle is read, by its lower Cholesky factor L,
/// a = L Lᵀ, with zeros above the diagonal.
///
/// False when `a` is not positive definite beyond rounding error (or not finite); `a` is then partly overwritten.
pub fn cholesky_in_place(a: &mut [f64], n: usize) -> bool {
    let tolerance = smallest_pivot(n);
    for j in 0..n {
        let diagonal = a[j + j * n];
        let mut pivot = diagonal;
        for k in 0..j {
            pivot -= a[j + k * n] * a[j + k * n];
        }
        if !(pivot > tolerance * diagonal && pivot.is_finite()) {
            return false;
        }
        let root = pivot.sqrt();
        a[j + j * n] = root;
        for i in j + 1..n {
            let mut sum = a[i + j * n];
            for k in 0..j {
                sum -= a[i + k * n] * a[j + k * n];
            }
            a[i + j * n] = sum / root;
        }
        for i in 0..j {
            a[i + j * n] = 0.0;
        }
    }
    true
}

/// Solves L x = b in place; `l` is lower triangular.
#[inline]
pub fn solve_lower(l: &[f64], n: usize, b: &mut [f64]) {
    for j in 0..n {
        let x = b[j] / l[j + j * n];
        b[j] = x;
        for i in j + 1..n {
            b[i] -= l[i + j * n] * x;
        }
    }
}

/// Solves Lᵀ x = b in place; `l` is lower triangular.
#[inline]
pub fn solve_lower_transposed(l: &[f64], n: usize, b: &mut [f64]) {
    for j in (0..n).rev() {
        let mut sum = b[j];
        for i in j + 1..n {
            sum -= l[i + j * n] * b[i];
        }
        b[j] = sum / l[j + j * n];
    }
}

/// log |a| from the Cholesky factor of a.
#[inline]
pub fn log_det_from_cholesky(l: &[f64], n: usize) -> f64 {
    2.0 * (0..n).map(|j| l[j + j * n].ln()).sum::<f64>()
}

/// Writes a⁻¹ (both triangles) to `out`, n × n, from the Cholesky factor of a.
pub fn invert_from_cholesky(l: &[f64], n: usize, out: &mut [f64]) {
    out[..n * n].fill(0.0);
    for j in 0..n {
        let column = &mut out[j * n..(j + 1) * n];
        column[j] = 1.0;
        solve_lower(l, n, column);
        solve_lower_transposed(l, n, column);
    }
    for j in 0..n {
        for i in 0..j {
            let mean = 0.5 * (out[i + j * n] + out[j + i * n]);
            out[i + j * n] = mean;
            out[j + i * n] = mean;
        }
    }
}

/// Eigenvalues (ascending) and eigenvectors (columns of an n × n matrix) of the symmetric matrix `a`, of which only
/// the lower triangle is read. All are NaN when `a` is not finite.
pub fn symmetric_eigen(a: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let finite = a.iter().all(|v| v.is_finite());
    let matrix = MatRef::from_column_major_slice(a, n, n);
    match matrix.self_adjoint_eigen(Side::Lower) {
        Ok(eigen) if finite => {
            let values = eigen.S().column_vector().iter().copied().collect();
            (values, to_vec(eigen.U()))
        }
        _ => (vec![f64::NAN; n], vec![f64::NAN; n * n]),
    }
}

/// a⁻¹ for a symmetric `a` (lower triangle read). `None` when it is not positive definite beyond rounding error.
pub fn invert_spd(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let factor = factor_spd(a, n)?;
    let mut inverse = to_vec(factor.inverse().as_ref());
    for j in 0..n {
        for i in 0..j {
            let mean = 0.5 * (inverse[i + j * n] + inverse[j + i * n]);
            inverse[i + j * n] = mean;
            inverse[j + i * n] = mean;
        }
    }
    Some(inverse)
}

/// Writes the product of `a` [rows × inner] and `b` [inner × columns] to `out` [rows × columns];
/// `shape` is (rows, inner, columns).
pub fn matmul(a: &[f64], b: &[f64], shape: (usize, usize, usize), out: &mut [f64]) {
    let (rows, inner, columns) = shape;
    faer_matmul(
        MatMut::from_column_major_slice_mut(out, rows, columns),
        Accum::Replace,
        MatRef::from_column_major_slice(a, rows, inner),
        MatRef::from_column_major_slice(b, inner, columns),
        1.0,
        Par::Seq,
    );
}

/// Adds the product of `a` [rows × inner] and `b` [inner × columns], which is given row by row, to `out` [rows × columns];
/// `shape` is (rows, inner, columns).
pub fn add_product(a: &[f64], b: &[f64], shape: (usize, usize, usize), out: &mut [f64]) {
    let (rows, inner, columns) = shape;
    faer_matmul(
        MatMut::from_column_major_slice_mut(out, rows, columns),
        Accum::Add,
        MatRef::from_column_major_slice(a, rows, inner),
        MatRef::from_row_major_slice(b, inner, columns),
        1.0,
        Par::Seq,
    );
}

/// Σ w r rᵀ over rows r, added up a block of rows at a time.
pub struct Gram {
    n: usize,
    /// [rows waiting × n], each times √w
    waiting: Vec<f64>,
    /// Lower triangle of the sum.
    sum: Vec<f64>,
}

impl Gram {
    const BLOCK: usize = 256;

    pub fn new(n: usize) -> Gram {
        Gram { n, waiting: vec![], sum: vec![0.0; n * n] }
    }

    /// `weight` must not be negative.
    pub fn add(&mut self, row: &[f64], weight: f64) {
        let root = weight.sqrt();
        self.waiting.extend(row.iter().map(|v| root * v));
        if self.waiting.len() >= Gram::BLOCK * self.n {
            self.flush();
        }
    }

    /// Adds rows with weight 1 that are given column by column, [n × rows].
    pub fn add_columns(&mut self, columns: &[f64]) {
        let rows = columns.len().checked_div(self.n).unwrap_or(0);
        add_squares(MatRef::from_row_major_slice(columns, self.n, rows), &mut self.sum);
    }

    fn flush(&mut self) {
        let rows = self.waiting.len().checked_div(self.n).unwrap_or(0);
        add_squares(MatRef::from_column_major_slice(&self.waiting, self.n, rows), &mut self.sum);
        self.waiting.clear();
    }

    /// The sum, n × n, both triangles.
    pub fn finish(mut self) -> Vec<f64> {
        self.flush();
        for j in 0..self.n {
            for i in 0..j {
                self.sum[i + j * self.n] = self.sum[j + i * self.n];
            }
        }
        self.sum
    }
}

/// Adds a aᵀ, its lower triangle.
fn add_squares(a: MatRef<f64>, sum: &mut [f64]) {
    triangular::matmul(
        MatMut::from_column_major_slice_mut(sum, a.nrows(), a.nrows()),
        BlockStructure::TriangularLower,
        Accum::Add,
        a,
        BlockStructure::Rectangular,
        a.transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// faer's Cholesky factor, refused where a pivot is within rounding error of zero.
fn factor_spd(a: &[f64], n: usize) -> Option<Llt<f64>> {
    let factor = MatRef::from_column_major_slice(a, n, n).llt(Side::Lower).ok()?;
    let tolerance = smallest_pivot(n);
    let l = factor.L();
    let definite = (0..n).all(|j| l[(j, j)] * l[(j, j)] > tolerance * a[j + j * n]);
    definite.then_some(factor)
}

/// The elements of a matrix in column-major order.
fn to_vec(matrix: MatRef<'_, f64>) -> Vec<f64> {
    let mut out = Vec::with_capacity(matrix.nrows() * matrix.ncols());
    for column in matrix.col_iter() {
        out.extend(column.iter());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn gram_matrix_equals_the_sum_of_outer_products() {
        let mut rng = Stream::new(5, 0);
        let n = 7;
        let mut gram = Gram::new(n);
        let mut want = vec![0.0; n * n];
        for _ in 0..600 {
            let row: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
            let weight = rng.uniform();
            gram.add(&row, weight);
            for e in 0..n * n {
                want[e] += weight * row[e / n] * row[e % n];
            }
        }
        for (g, w) in gram.finish().iter().zip(&want) {
            assert!((g - w).abs() < 1e-10, "{g} {w}");
        }
        assert_eq!(Gram::new(2).finish(), [0.0; 4]);
    }

    /// A random positive definite matrix, B Bᵀ + I.
    fn random_spd(n: usize, rng: &mut Stream) -> Vec<f64> {
        let b: Vec<f64> = (0..n * n).map(|_| rng.normal()).collect();
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                a[i + j * n] = (0..n).map(|k| b[i + k * n] * b[j + k * n]).sum();
            }
            a[i + i * n] += 1.0;
        }
        a
    }

    fn assert_all_close(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-9, "got {got}, want {want}");
        }
    }

    fn identity(n: usize) -> Vec<f64> {
        (0..n * n).map(|i| f64::from(u8::from(i % n == i / n))).collect()
    }

    fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
        let mut out = vec![f64::NAN; n * n];
        matmul(a, b, (n, n, n), &mut out);
        out
    }

    #[test]
    fn cholesky_of_a_known_matrix() {
        let mut a = [4.0, 2.0, f64::NAN, 10.0];
        assert!(cholesky_in_place(&mut a, 2));
        assert_eq!(a, [2.0, 1.0, 0.0, 3.0]);
        assert!((log_det_from_cholesky(&a, 2) - 36.0f64.ln()).abs() < 1e-15);
        let mut b = [8.0, 19.0];
        solve_lower(&a, 2, &mut b);
        assert_eq!(b, [4.0, 5.0]);
        solve_lower_transposed(&a, 2, &mut b);
        assert_all_close(&b, &[(4.0 - 5.0 / 3.0) / 2.0, 5.0 / 3.0]);
    }

    #[test]
    fn small_and_large_routines_agree() {
        let mut rng = Stream::new(1, 1);
        for n in [1, 2, 5, 12, 60] {
            let a = random_spd(n, &mut rng);
            let mut l = a.clone();
            assert!(cholesky_in_place(&mut l, n));
            let mut inverse = vec![0.0; n * n];
            invert_from_cholesky(&l, n, &mut inverse);
            assert_all_close(&product(&a, &inverse, n), &identity(n));
            assert_all_close(&invert_spd(&a, n).unwrap(), &inverse);
            let b: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
            let mut x = b.clone();
            solve_lower(&l, n, &mut x);
            solve_lower_transposed(&l, n, &mut x);
            let (values, _) = symmetric_eigen(&a, n);
            let log_det: f64 = values.iter().map(|v| v.ln()).sum();
            assert!((log_det - log_det_from_cholesky(&l, n)).abs() < 1e-9);
        }
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let mut rng = Stream::new(2, 1);
        let n = 7;
        let a = random_spd(n, &mut rng);
        let (values, vectors) = symmetric_eigen(&a, n);
        assert!(values.windows(2).all(|w| w[0] <= w[1]));
        let mut rebuilt = vec![0.0; n * n];
        for k in 0..n {
            for i in 0..n {
                for j in 0..n {
                    rebuilt[i + j * n] += values[k] * vectors[i + k * n] * vectors[j + k * n];
                }
            }
        }
        assert_all_close(&rebuilt, &a);
        assert!(symmetric_eigen(&[f64::NAN], 1).0[0].is_nan());
    }

    #[test]
    fn matrices_that_are_not_positive_definite_are_refused() {
        // Indefinite; singular; singular up to rounding; not finite.
        for a in [[1.0, 2.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.1, 0.3, 0.3, 0.9], [f64::NAN, 0.0, 0.0, 1.0]] {
            assert!(!cholesky_in_place(&mut a.clone(), 2), "{a:?}");
            assert!(invert_spd(&a, 2).is_none(), "{a:?}");
        }
        // Badly scaled, but positive definite.
        let scaled = [1e-20, 0.0, 0.0, 1e20];
        assert!(cholesky_in_place(&mut scaled.clone(), 2));
        assert!(invert_spd(&scaled, 2).is_some());
    }

    #[test]
    fn products_of_rectangular_matrices() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, 2.0];
        let mut out = [f64::NAN; 2];
        matmul(&a, &b, (2, 3, 1), &mut out);
        assert_eq!(out, [11.0, 14.0]);
        let mut sum = [1.0; 4];
        add_product(&a, &[1.0, 0.0, 0.0, 1.0, 2.0, 1.0], (2, 3, 2), &mut sum);
        assert_eq!(sum, [12.0, 15.0, 9.0, 11.0]);
        assert!(cholesky_in_place(&mut [], 0));
    }
}
