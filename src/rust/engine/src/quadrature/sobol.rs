//! Quasi-Monte Carlo quadrature: a randomly scrambled Sobol sequence, mapped to the normal by its quantile function.

use crate::numeric::normal_quantile;
use crate::rng::Stream;

/// Most dimensions the table of direction numbers serves.
pub const MOST_DIMENSIONS: usize = DIRECTIONS.len() + 1;

/// Binary digits of a coordinate.
const BITS: usize = 32;

/// The stream of a seed that scrambles Sobol points, and nothing else.
const STREAM: u64 = 0x736f_626f_6c00_0000;

/// A primitive polynomial over GF(2) and the first direction numbers of one dimension.
struct Direction {
    /// Inner coefficients a_1 … a_{s−1} of the polynomial, read as a binary number; its degree s is `m.len()`.
    inner: u32,
    /// m_1 … m_s, each odd and below 2^k.
    m: &'static [u32],
}

const fn direction(inner: u32, m: &'static [u32]) -> Direction {
    Direction { inner, m }
}

/// Dimensions 2 to 37 of Joe & Kuo (2008), "Constructing Sobol sequences with better two-dimensional projections",
/// SIAM J. Sci. Comput. 30, table new-joe-kuo-6. The first dimension is the van der Corput sequence.
const DIRECTIONS: [Direction; 36] = [
    direction(0, &[1]),
    direction(1, &[1, 3]),
    direction(1, &[1, 3, 1]),
    direction(2, &[1, 1, 1]),
    direction(1, &[1, 1, 3, 3]),
    direction(4, &[1, 3, 5, 13]),
    direction(2, &[1, 1, 5, 5, 17]),
    direction(4, &[1, 1, 5, 5, 5]),
    direction(7, &[1, 1, 7, 11, 19]),
    direction(11, &[1, 1, 5, 1, 1]),
    direction(13, &[1, 1, 1, 3, 11]),
    direction(14, &[1, 3, 5, 5, 31]),
    direction(1, &[1, 3, 3, 9, 7, 49]),
    direction(13, &[1, 1, 1, 15, 21, 21]),
    direction(16, &[1, 3, 1, 13, 27, 49]),
    direction(19, &[1, 1, 1, 15, 7, 5]),
    direction(22, &[1, 3, 1, 15, 13, 25]),
    direction(25, &[1, 1, 5, 5, 19, 61]),
    direction(1, &[1, 3, 7, 11, 23, 15, 103]),
    direction(4, &[1, 3, 7, 13, 13, 15, 69]),
    direction(7, &[1, 1, 3, 13, 7, 35, 63]),
    direction(8, &[1, 3, 5, 9, 1, 25, 53]),
    direction(14, &[1, 3, 1, 13, 9, 35, 107]),
    direction(19, &[1, 3, 1, 5, 27, 61, 31]),
    direction(21, &[1, 1, 5, 11, 19, 41, 61]),
    direction(28, &[1, 3, 5, 3, 3, 13, 69]),
    direction(31, &[1, 1, 7, 13, 1, 19, 1]),
    direction(32, &[1, 3, 7, 5, 13, 19, 59]),
    direction(37, &[1, 1, 3, 9, 25, 29, 41]),
    direction(41, &[1, 3, 5, 13, 23, 1, 55]),
    direction(42, &[1, 3, 7, 3, 13, 59, 17]),
    direction(50, &[1, 3, 1, 3, 5, 53, 69]),
    direction(55, &[1, 1, 5, 5, 23, 33, 13]),
    direction(56, &[1, 1, 7, 7, 1, 61, 123]),
    direction(59, &[1, 1, 7, 9, 13, 61, 49]),
    direction(62, &[1, 3, 3, 5, 3, 55, 33]),
];

/// `[points × dims]`, node-major. A power of 2 is the natural number of points.
pub fn nodes(points: usize, dims: usize, seed: u64) -> Vec<f64> {
    let mut rng = Stream::new(seed, STREAM);
    let columns: Vec<[u32; BITS]> = (0..dims).map(|dim| scramble(&direction_numbers(dim), &mut rng)).collect();
    let mut coordinates: Vec<u32> = (0..dims).map(|_| random_word(&mut rng)).collect();
    let mut out = Vec::with_capacity(points * dims);
    for q in 0..points {
        for &x in &coordinates {
            out.push(normal_quantile((f64::from(x) + 0.5) / 2f64.powi(BITS as i32)));
        }
        // Gray code order: the next point differs by one direction number (Antonov & Saleev 1979).
        let changed = (q as u32).trailing_ones() as usize % BITS;
        for (x, column) in coordinates.iter_mut().zip(&columns) {
            *x ^= column[changed];
        }
    }
    out
}

/// v_1 … v_32 of a dimension (from 0), as binary fractions in 32 bits:
/// v_k = a_1 v_{k−1} ⊕ … ⊕ a_{s−1} v_{k−s+1} ⊕ v_{k−s} ⊕ (v_{k−s} / 2^s).
fn direction_numbers(dim: usize) -> [u32; BITS] {
    let mut v = [0u32; BITS];
    if dim == 0 {
        for (k, v) in v.iter_mut().enumerate() {
            *v = 1 << (BITS - 1 - k);
        }
        return v;
    }
    let Direction { inner, m } = DIRECTIONS[dim - 1];
    let degree = m.len();
    for k in 0..BITS {
        if k < degree {
            v[k] = m[k] << (BITS - 1 - k);
            continue;
        }
        v[k] = v[k - degree] ^ (v[k - degree] >> degree);
        for i in 1..degree {
            if (inner >> (degree - 1 - i)) & 1 == 1 {
                v[k] ^= v[k - i];
            }
        }
    }
    v
}

/// Multiplies the direction numbers by a random lower triangular binary matrix with ones on its diagonal, which with
/// a random shift makes every point uniform and keeps the sequence's evenness (Matoušek 1998).
fn scramble(v: &[u32; BITS], rng: &mut Stream) -> [u32; BITS] {
    let mut out = [0u32; BITS];
    for digit in 0..BITS {
        // Row of the matrix: its own digit (counted from the most significant) and random earlier ones.
        let own = 1u32 << (BITS - 1 - digit);
        let earlier = !(own | (own - 1));
        let row = own | (random_word(rng) & earlier);
        for (out, v) in out.iter_mut().zip(v) {
            if (v & row).count_ones() % 2 == 1 {
                *out |= own;
            }
        }
    }
    out
}

/// 32 random bits.
fn random_word(rng: &mut Stream) -> u32 {
    rng.below(1 << BITS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::normal_cdf;

    /// By hand, v_k = m_k / 2^k: dimension 2 has m_3 = 2·3 ⊕ 3 = 5, dimension 3 has m_3 = 2·3 ⊕ 4·1 ⊕ 1 = 3.
    #[test]
    fn direction_numbers_of_the_first_dimensions() {
        let unit = |dim: usize, k: usize| f64::from(direction_numbers(dim)[k]) / 2f64.powi(32);
        assert_eq!([unit(0, 0), unit(0, 1), unit(0, 2)], [0.5, 0.25, 0.125]);
        assert_eq!([unit(1, 0), unit(1, 1), unit(1, 2)], [0.5, 0.75, 0.625]);
        assert_eq!([unit(2, 0), unit(2, 1), unit(2, 2)], [0.5, 0.75, 0.375]);
    }

    #[test]
    fn table_entries_are_odd_and_small_enough() {
        for d in &DIRECTIONS {
            for (k, m) in d.m.iter().enumerate() {
                assert!(m % 2 == 1 && *m < 2 << k);
            }
            assert!(d.inner < 1 << (d.m.len() - 1));
        }
    }

    /// Each coordinate of the first 2^r points falls once in every interval of length 2^−r.
    #[test]
    fn every_dimension_is_evenly_spread() {
        let (n, dims) = (256, MOST_DIMENSIONS);
        let nodes = nodes(n, dims, 9);
        for dim in 0..dims {
            let mut seen = vec![false; n];
            for q in 0..n {
                let bin = (normal_cdf(nodes[q * dims + dim]) * n as f64) as usize;
                assert!(!seen[bin], "dimension {dim}");
                seen[bin] = true;
            }
        }
    }

    /// The first two dimensions form a (0, r, 2)-net: one point in every box of area 2^−r.
    #[test]
    fn first_two_dimensions_are_a_net() {
        let n = 64;
        let nodes = nodes(n, 2, 4);
        for split in 0..=6 {
            let (wide, tall) = (1usize << split, n >> split);
            let mut seen = vec![false; n];
            for q in 0..n {
                let column = (normal_cdf(nodes[2 * q]) * wide as f64) as usize;
                let row = (normal_cdf(nodes[2 * q + 1]) * tall as f64) as usize;
                assert!(!seen[column * tall + row], "split {split}");
                seen[column * tall + row] = true;
            }
        }
    }

    #[test]
    fn high_dimensions_integrate_products() {
        let (n, dims) = (4_096, 20);
        let nodes = nodes(n, dims, 2);
        let mean: f64 = nodes.chunks(dims).map(|z| (0.2 * z.iter().sum::<f64>()).exp()).sum::<f64>() / n as f64;
        assert!((mean / 0.4f64.exp() - 1.0).abs() < 0.01, "{mean}");
    }
}
