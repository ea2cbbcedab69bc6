//! Sums of products of slices: what the sum-product over class variables consists of.

use pulp::{Arch, Simd, WithSimd};

const LANES: usize = 8;

/// to_i ← to_i + scale × x_i, or without what `to` holds where `assign`.
pub fn add_scaled(to: &mut [f64], scale: f64, x: &[f64], assign: bool) {
    vectorise!((to: &'a mut [f64], scale: f64, x: &'a [f64], assign: bool) -> () {
        let values = to.iter_mut().zip(x);
        if assign {
            values.for_each(|(to, x)| *to = scale * x);
        } else {
            values.for_each(|(to, x)| *to += scale * x);
        }
    })
}

/// to_i ← to_i + scale × x_i y_i, or without what `to` holds where `assign`.
pub fn add_product(to: &mut [f64], scale: f64, x: &[f64], y: &[f64], assign: bool) {
    vectorise!((to: &'a mut [f64], scale: f64, x: &'a [f64], y: &'a [f64], assign: bool) -> () {
        let values = to.iter_mut().zip(x).zip(y);
        if assign {
            values.for_each(|((to, x), y)| *to = scale * x * y);
        } else {
            values.for_each(|((to, x), y)| *to += scale * x * y);
        }
    })
}

/// Adds p_i = scale × x_i y_i to `to`; returns Σ p_i.
pub fn add_and_sum(to: &mut [f64], scale: f64, x: &[f64], y: &[f64]) -> f64 {
    vectorise!((to: &'a mut [f64], scale: f64, x: &'a [f64], y: &'a [f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let (to, to_rest) = to.as_chunks_mut::<LANES>();
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        for ((to, x), y) in to.iter_mut().zip(x).zip(y) {
            for k in 0..LANES {
                let p = scale * x[k] * y[k];
                to[k] += p;
                sums[k] += p;
            }
        }
        let mut rest = 0.0;
        for ((to, x), y) in to_rest.iter_mut().zip(x_rest).zip(y_rest) {
            let p = scale * x * y;
            *to += p;
            rest += p;
        }
        across(&sums) + rest
    })
}

/// Adds p_i = scale × x_i y_i to `part` and p_i z_i to `to`; returns Σ p_i z_i.
pub fn add_both_and_sum(to: &mut [f64], part: &mut [f64], scale: f64, x: &[f64], y: &[f64], z: &[f64]) -> f64 {
    vectorise!((to: &'a mut [f64], part: &'a mut [f64], scale: f64, x: &'a [f64], y: &'a [f64], z: &'a [f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let ((to, to_rest), (part, part_rest)) = (to.as_chunks_mut::<LANES>(), part.as_chunks_mut::<LANES>());
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        let (z, z_rest) = z.as_chunks::<LANES>();
        for ((((to, part), x), y), z) in to.iter_mut().zip(part).zip(x).zip(y).zip(z) {
            for k in 0..LANES {
                let p = scale * x[k] * y[k];
                part[k] += p;
                let p = p * z[k];
                to[k] += p;
                sums[k] += p;
            }
        }
        let mut rest = 0.0;
        for ((((to, part), x), y), z) in to_rest.iter_mut().zip(part_rest).zip(x_rest).zip(y_rest).zip(z_rest) {
            let p = scale * x * y;
            *part += p;
            *to += p * z;
            rest += p * z;
        }
        across(&sums) + rest
    })
}

/// x_i ← x_i y_i, added to `part_i` and then multiplied by z_i.
pub fn multiply_and_add(x: &mut [f64], part: &mut [f64], y: &[f64], z: &[f64]) {
    vectorise!((x: &'a mut [f64], part: &'a mut [f64], y: &'a [f64], z: &'a [f64]) -> () {
        for (((x, part), y), z) in x.iter_mut().zip(part.iter_mut()).zip(y).zip(z) {
            let p = *x * y;
            *part += p;
            *x = p * z;
        }
    })
}

/// Whether all x_i are above `least`; NaN is not.
pub fn all_above(x: &[f64], least: f64) -> bool {
    vectorise!((x: &'a [f64], least: f64) -> bool {
        x.iter().map(|x| u64::from(*x > least)).sum::<u64>() == x.len() as u64
    })
}

/// to_i ← x_i / y_i; where y_i is 0 or subnormal, divided by the smallest normal number.
pub fn divide(to: &mut [f64], x: &[f64], y: &[f64]) {
    vectorise!((to: &'a mut [f64], x: &'a [f64], y: &'a [f64]) -> () {
        for ((to, x), y) in to.iter_mut().zip(x).zip(y) {
            *to = x / y.max(f64::MIN_POSITIVE);
        }
    })
}

#[inline(always)]
fn across(sums: &[f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_equal_plain_ones() {
        for n in [3, 8, 21] {
            let column = |k: usize| (0..n).map(|i| ((i * k + 1) % 5) as f64).collect::<Vec<f64>>();
            let (x, y, z) = (column(2), column(3), column(7));
            let plain: Vec<f64> = x.iter().zip(&y).map(|(x, y)| 2.0 * x * y).collect();
            let (mut to, mut part) = (vec![9.0; n], vec![0.0; n]);
            add_product(&mut to, 2.0, &x, &y, true);
            assert_eq!(to, plain);
            assert_eq!(add_and_sum(&mut part, 2.0, &x, &y), plain.iter().sum::<f64>());
            assert_eq!(part, plain);
            add_product(&mut part, -2.0, &x, &y, false);
            assert_eq!(part, vec![0.0; n]);
            let sum = add_both_and_sum(&mut to, &mut part, 2.0, &x, &y, &z);
            assert_eq!(part, plain);
            assert_eq!(sum, plain.iter().zip(&z).map(|(p, z)| p * z).sum::<f64>());
            for i in 0..n {
                assert_eq!(to[i], plain[i] * (1.0 + z[i]));
            }
            multiply_and_add(&mut to, &mut part, &y, &z);
            for i in 0..n {
                let product = plain[i] * (1.0 + z[i]) * y[i];
                assert_eq!((part[i], to[i]), (plain[i] + product, product * z[i]));
            }
            assert!(all_above(&x, -1.0) && !all_above(&x, 1.0));
            add_scaled(&mut to, 0.5, &x, true);
            add_scaled(&mut to, 0.5, &x, false);
            assert_eq!(to, x);
            divide(&mut to, &x, &vec![4.0; n]);
            assert_eq!(to[0], x[0] / 4.0);
        }
        let mut to = [1.0];
        divide(&mut to, &[0.0], &[0.0]);
        assert_eq!(to, [0.0]);
        assert!(!all_above(&[1.0, f64::NAN], 0.0));
    }
}
