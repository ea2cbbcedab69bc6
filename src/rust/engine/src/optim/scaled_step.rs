//! Directions P⁻¹ g for a positive semi-definite P: the EM-gradient step (Lange 1995) when P is the complete-data information.

use std::cell::RefCell;

use crate::linalg::{cholesky_in_place, solve_lower, solve_lower_transposed};

/// A scaling matrix, factorised when it is first used for a set of coordinates that are free to move.
pub struct Scaling {
    /// Ridged matrix over all coordinates, [n × n].
    matrix: Vec<f64>,
    n: usize,
    factors: RefCell<Option<(Vec<bool>, Vec<Block>)>>,
}

/// Coordinates that only have information with each other (the categories of an item in a class, say).
struct Block {
    coordinates: Vec<usize>,
    cholesky: Vec<f64>,
}

impl Scaling {
    /// A small ridge, relative to each diagonal entry, keeps coordinates without information from moving far.
    pub fn new(matrix: &[f64], n: usize) -> Scaling {
        let mut m = matrix.to_vec();
        let largest = (0..n).map(|i| m[i * n + i]).fold(0.0, f64::max);
        for i in 0..n {
            m[i * n + i] = m[i * n + i] * (1.0 + 1e-10) + 1e-10 * largest + 1e-12;
        }
        Scaling { matrix: m, n, factors: RefCell::new(None) }
    }

    /// P⁻¹ g over the coordinates not held; 0 for those held.
    pub fn solve(&self, g: &[f64], held: &[bool]) -> Vec<f64> {
        let mut factors = self.factors.borrow_mut();
        if factors.as_ref().is_none_or(|(h, _)| h != held) {
            *factors = Some((held.to_vec(), self.factorise(held)));
        }
        let mut out = vec![0.0; self.n];
        for block in factors.iter().flat_map(|f| &f.1) {
            let m = block.coordinates.len();
            let mut x: Vec<f64> = block.coordinates.iter().map(|&i| g[i]).collect();
            solve_lower(&block.cholesky, m, &mut x);
            solve_lower_transposed(&block.cholesky, m, &mut x);
            block.coordinates.iter().zip(x).for_each(|(&i, x)| out[i] = x);
        }
        out
    }

    fn factorise(&self, held: &[bool]) -> Vec<Block> {
        let scale = (0..self.n).filter(|&i| !held[i]).map(|i| self.matrix[i * self.n + i]).fold(0.0, f64::max);
        let factorise = |coordinates: Vec<usize>| {
            let m = coordinates.len();
            let mut ridge = 0.0;
            loop {
                let mut a = vec![0.0; m * m];
                for (r, &i) in coordinates.iter().enumerate() {
                    for (c, &j) in coordinates.iter().enumerate() {
                        a[c * m + r] = self.matrix[i * self.n + j];
                    }
                    a[r * m + r] += ridge;
                }
                if cholesky_in_place(&mut a, m) {
                    return Block { coordinates, cholesky: a };
                }
                if ridge > scale * 1e3 || !scale.is_finite() {
                    // nothing usable: steepest ascent
                    let root = scale.max(1e-12).sqrt();
                    a.fill(0.0);
                    (0..m).for_each(|k| a[k * m + k] = root);
                    return Block { coordinates, cholesky: a };
                }
                ridge = (ridge * 10.0).max(scale * 1e-9).max(1e-12);
            }
        };
        self.components(held).into_iter().map(factorise).collect()
    }

    /// Sets of free coordinates connected by non-zero entries.
    fn components(&self, held: &[bool]) -> Vec<Vec<usize>> {
        let n = self.n;
        let mut seen = held.to_vec();
        let mut out = vec![];
        for first in 0..n {
            if seen[first] {
                continue;
            }
            seen[first] = true;
            let mut component = vec![first];
            let mut next = 0;
            while next < component.len() {
                let row = &self.matrix[component[next] * n..(component[next] + 1) * n];
                for (j, v) in row.iter().enumerate() {
                    if *v != 0.0 && !seen[j] {
                        seen[j] = true;
                        component.push(j);
                    }
                }
                next += 1;
            }
            component.sort_unstable();
            out.push(component);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_solved_apart_and_held_coordinates_stay() {
        #[rustfmt::skip]
        let p = [
            4.0, 0.0, 1.0, 0.0,
            0.0, 2.0, 0.0, 0.0,
            1.0, 0.0, 3.0, 0.0,
            0.0, 0.0, 0.0, 5.0,
        ];
        let scaling = Scaling::new(&p, 4);
        let x = scaling.solve(&[6.0, 2.0, 7.0, 1.0], &[false, false, false, true]);
        // 4 a + c = 6, a + 3 c = 7
        for (got, want) in x.iter().zip([1.0, 1.0, 2.0, 0.0]) {
            assert!((got - want).abs() < 1e-8, "{x:?}");
        }
        let y = scaling.solve(&[6.0, 2.0, 7.0, 5.0], &[false, false, true, false]);
        for (got, want) in y.iter().zip([1.5, 1.0, 0.0, 1.0]) {
            assert!((got - want).abs() < 1e-8, "{y:?}");
        }
    }
}
