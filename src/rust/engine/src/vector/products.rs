//! Sums of products of slices: what the sum-product over class variables consists of.

use pulp::{Arch, Simd, WithSimd};

const LANES: usize = 8;

/// Eight numbers side by side; whole ones at a time, so that the compiler keeps them in vectors.
type Pack = [f64; LANES];

#[inline(always)]
fn multiply(a: &Pack, b: &Pack) -> Pack {
    std::array::from_fn(|k| a[k] * b[k])
}

#[inline(always)]
fn add(to: &mut Pack, p: &Pack) {
    to.iter_mut().zip(p).for_each(|(to, p)| *to += p);
}

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

/// scale × x, times y where there is one.
#[derive(Clone, Copy, Default)]
pub struct Term<'a> {
    scale: f64,
    x: &'a [f64],
    y: Option<&'a [f64]>,
}

impl<'a> Term<'a> {
    /// One factor at least must be there.
    pub fn new(scale: f64, x: Option<&'a [f64]>, y: Option<&'a [f64]>) -> Term<'a> {
        match x {
            Some(x) => Term { scale, x, y },
            None => Term { scale, x: y.unwrap_or_default(), y: None },
        }
    }
}

/// Most terms that go in one pass.
pub const TERMS: usize = 4;

/// Adds up to `TERMS` terms of one kind to `to`, or without what that holds where `assign`.
pub fn add_terms(to: &mut [f64], terms: &[Term], assign: bool) {
    match *terms {
        [a] => add_some([a], to, assign),
        [a, b] => add_some([a, b], to, assign),
        [a, b, c] => add_some([a, b, c], to, assign),
        [a, b, c, d] => add_some([a, b, c, d], to, assign),
        _ => {}
    }
}

fn add_some<const K: usize>(terms: [Term; K], to: &mut [f64], assign: bool) {
    let (scale, x) = (terms.map(|t| t.scale), terms.map(|t| t.x));
    match terms[0].y {
        None => add_sums(to, scale, x, assign),
        Some(_) => add_sums_of_products(to, scale, x, terms.map(|t| t.y.unwrap_or_default()), assign),
    }
}

fn add_sums<const K: usize>(to: &mut [f64], scale: [f64; K], x: [&[f64]; K], assign: bool) {
    vectorise!([const K: usize] (to: &'a mut [f64], scale: [f64; K], x: [&'a [f64]; K], assign: bool) -> () {
        let x = x.map(|x| &x[..to.len()]);
        for i in 0..to.len() {
            let mut sum = scale[0] * x[0][i];
            for k in 1..K {
                sum += scale[k] * x[k][i];
            }
            to[i] = if assign { sum } else { to[i] + sum };
        }
    })
}

fn add_sums_of_products<const K: usize>(to: &mut [f64], scale: [f64; K], x: [&[f64]; K], y: [&[f64]; K], assign: bool) {
    vectorise!([const K: usize]
        (to: &'a mut [f64], scale: [f64; K], x: [&'a [f64]; K], y: [&'a [f64]; K], assign: bool) -> () {
        let (x, y) = (x.map(|x| &x[..to.len()]), y.map(|y| &y[..to.len()]));
        for i in 0..to.len() {
            let mut sum = scale[0] * x[0][i] * y[0][i];
            for k in 1..K {
                sum += scale[k] * x[k][i] * y[k][i];
            }
            to[i] = if assign { sum } else { to[i] + sum };
        }
    })
}

/// `to` plus p, or p alone.
#[inline(always)]
fn add_or_assign(to: &mut Pack, p: &Pack, assign: bool) {
    to.iter_mut().zip(p).for_each(|(to, p)| *to = if assign { *p } else { *to + p });
}

/// Adds p_i = scale × x_i y_i to `to` (or puts it there where `assign`); returns Σ p_i.
pub fn add_and_sum(to: &mut [f64], scale: f64, x: &[f64], y: &[f64], assign: bool) -> f64 {
    vectorise!((to: &'a mut [f64], scale: f64, x: &'a [f64], y: &'a [f64], assign: bool) -> f64 {
        let mut sums = [0.0; LANES];
        let (to, to_rest) = to.as_chunks_mut::<LANES>();
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        for ((to, x), y) in to.iter_mut().zip(x).zip(y) {
            let p = multiply(&x.map(|x| scale * x), y);
            add_or_assign(to, &p, assign);
            add(&mut sums, &p);
        }
        let mut rest = 0.0;
        for ((to, x), y) in to_rest.iter_mut().zip(x_rest).zip(y_rest) {
            let p = scale * x * y;
            *to = if assign { p } else { *to + p };
            rest += p;
        }
        across(sums) + rest
    })
}

/// Adds p_i = scale × x_i to `to` (or puts it there where `assign`); returns Σ p_i y_i.
pub fn add_and_dot(to: &mut [f64], scale: f64, x: &[f64], y: &[f64], assign: bool) -> f64 {
    vectorise!((to: &'a mut [f64], scale: f64, x: &'a [f64], y: &'a [f64], assign: bool) -> f64 {
        let mut sums = [0.0; LANES];
        let (to, to_rest) = to.as_chunks_mut::<LANES>();
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        for ((to, x), y) in to.iter_mut().zip(x).zip(y) {
            let p = x.map(|x| scale * x);
            add_or_assign(to, &p, assign);
            add(&mut sums, &multiply(&p, y));
        }
        let mut rest = 0.0;
        for ((to, x), y) in to_rest.iter_mut().zip(x_rest).zip(y_rest) {
            let p = scale * x;
            *to = if assign { p } else { *to + p };
            rest += p * y;
        }
        across(sums) + rest
    })
}

/// to_i ← x_i y_i; returns their sum.
pub fn product_and_sum(to: &mut [f64], x: &[f64], y: &[f64]) -> f64 {
    vectorise!((to: &'a mut [f64], x: &'a [f64], y: &'a [f64]) -> f64 {
        let mut sums = [0.0; LANES];
        let (to, to_rest) = to.as_chunks_mut::<LANES>();
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        for ((to, x), y) in to.iter_mut().zip(x).zip(y) {
            *to = multiply(x, y);
            add(&mut sums, to);
        }
        let mut rest = 0.0;
        for ((to, x), y) in to_rest.iter_mut().zip(x_rest).zip(y_rest) {
            *to = x * y;
            rest += *to;
        }
        across(sums) + rest
    })
}

/// Σ w_i x_ki x_li for l ≤ k (elsewhere 0).
pub fn second_moments<const C: usize>(w: &[f64], x: [&[f64]; C]) -> [[f64; C]; C] {
    vectorise!([const C: usize] (w: &'a [f64], x: [&'a [f64]; C]) -> [[f64; C]; C] {
        let x = x.map(|x| &x[..w.len()]);
        let mut sums = [[[0.0; LANES]; C]; C];
        let (packs, rest) = w.as_chunks::<LANES>();
        let columns = x.map(|x| x.as_chunks::<LANES>().0);
        for (i, w) in packs.iter().enumerate() {
            for k in 0..C {
                let product = multiply(w, &columns[k][i]);
                (0..=k).for_each(|l| add(&mut sums[k][l], &multiply(&product, &columns[l][i])));
            }
        }
        let mut out = sums.map(|of_k| of_k.map(across));
        for (i, w) in (w.len() - rest.len()..).zip(rest) {
            for k in 0..C {
                (0..=k).for_each(|l| out[k][l] += w * x[k][i] * x[l][i]);
            }
        }
        out
    })
}

/// Adds scale × x_i to a_i and to b_i.
pub fn add_scaled_to_both(a: &mut [f64], b: &mut [f64], scale: f64, x: &[f64]) {
    vectorise!((a: &'a mut [f64], b: &'a mut [f64], scale: f64, x: &'a [f64]) -> () {
        for ((a, b), x) in a.iter_mut().zip(b).zip(x) {
            let p = scale * x;
            *a += p;
            *b += p;
        }
    })
}

/// Adds p_i = scale × x_i y_i to `part` and p_i z_i to `to` (or puts them there where `assign`: (to, part)); returns
/// Σ p_i z_i.
pub fn add_both_and_sum(
    to: &mut [f64],
    part: &mut [f64],
    scale: f64,
    x: &[f64],
    y: &[f64],
    z: &[f64],
    assign: (bool, bool),
) -> f64 {
    vectorise!((
        to: &'a mut [f64],
        part: &'a mut [f64],
        scale: f64,
        x: &'a [f64],
        y: &'a [f64],
        z: &'a [f64],
        assign: (bool, bool)
    ) -> f64 {
        let mut sums = [0.0; LANES];
        let ((to, to_rest), (part, part_rest)) = (to.as_chunks_mut::<LANES>(), part.as_chunks_mut::<LANES>());
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        let (z, z_rest) = z.as_chunks::<LANES>();
        for ((((to, part), x), y), z) in to.iter_mut().zip(part).zip(x).zip(y).zip(z) {
            let p = multiply(&x.map(|x| scale * x), y);
            add_or_assign(part, &p, assign.1);
            let p = multiply(&p, z);
            add_or_assign(to, &p, assign.0);
            add(&mut sums, &p);
        }
        let mut rest = 0.0;
        for ((((to, part), x), y), z) in to_rest.iter_mut().zip(part_rest).zip(x_rest).zip(y_rest).zip(z_rest) {
            let p = scale * x * y;
            *part = if assign.1 { p } else { *part + p };
            *to = if assign.0 { p * z } else { *to + p * z };
            rest += p * z;
        }
        across(sums) + rest
    })
}

/// x_i ← x_i y_i; whether all lie between `bounds`.
pub fn multiply_within(x: &mut [f64], y: &[f64], bounds: (f64, f64)) -> bool {
    vectorise!((x: &'a mut [f64], y: &'a [f64], bounds: (f64, f64)) -> bool {
        let mut within = 0;
        for (x, y) in x.iter_mut().zip(y) {
            *x *= y;
            within += u64::from(*x > bounds.0) & u64::from(*x < bounds.1);
        }
        within == x.len() as u64
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

/// Adds scale × Σ_i x_i y_i row_i to `to`; x and y are 1 where they are not given.
pub fn add_rows(scale: f64, rows: &[f64], x: Option<&[f64]>, y: Option<&[f64]>, to: &mut [f64]) {
    vectorise!((scale: f64, rows: &'a [f64], x: Option<&'a [f64]>, y: Option<&'a [f64]>, to: &'a mut [f64]) -> () {
        for (i, row) in rows.chunks_exact(to.len()).enumerate() {
            let factor = scale * x.map_or(1.0, |x| x[i]) * y.map_or(1.0, |y| y[i]);
            if factor != 0.0 {
                to.iter_mut().zip(row).for_each(|(t, r)| *t += factor * r);
            }
        }
    })
}

/// Adds scale × x_i z to row i of `rows`; x is 1 where it is not given.
pub fn add_outer(scale: f64, x: Option<&[f64]>, z: &[f64], rows: &mut [f64]) {
    vectorise!((scale: f64, x: Option<&'a [f64]>, z: &'a [f64], rows: &'a mut [f64]) -> () {
        for (i, row) in rows.chunks_exact_mut(z.len()).enumerate() {
            let factor = scale * x.map_or(1.0, |x| x[i]);
            row.iter_mut().zip(z).for_each(|(r, z)| *r += factor * z);
        }
    })
}

/// Numbers in rows of `add_to_rows` come in multiples of this.
pub const WIDTH: usize = 4;

/// Adds `row` to the rows `at` of `to`, which are as long.
pub fn add_to_rows(row: &[f64], at: &[u32], to: &mut [f64]) {
    let row = row.as_chunks::<WIDTH>().0;
    let to = to.as_chunks_mut::<WIDTH>().0;
    vectorise!((row: &'a [[f64; WIDTH]], at: &'a [u32], to: &'a mut [[f64; WIDTH]]) -> () {
        for &r in at {
            let start = r as usize * row.len();
            for (to, from) in to[start..start + row.len()].iter_mut().zip(row) {
                to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
            }
        }
    })
}

/// Sum of eight, always in the same order. Behind a `black_box`, or else the compiler orders whole loops by these pairs
/// and shuffles every vector that goes in.
#[inline(always)]
pub(super) fn across(sums: Pack) -> f64 {
    let [a, b, c, d, e, f, g, h] = std::hint::black_box(sums);
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
            let (mut to, mut part) = (vec![9.0; n], vec![f64::NAN; n]);
            add_product(&mut to, 2.0, &x, &y, true);
            assert_eq!(to, plain);
            assert_eq!(add_and_sum(&mut part, 2.0, &x, &y, true), plain.iter().sum::<f64>());
            assert_eq!(part, plain);
            add_product(&mut part, -2.0, &x, &y, false);
            assert_eq!(part, vec![0.0; n]);
            let sum = add_both_and_sum(&mut to, &mut part, 2.0, &x, &y, &z, (false, false));
            assert_eq!(part, plain);
            assert_eq!(sum, plain.iter().zip(&z).map(|(p, z)| p * z).sum::<f64>());
            for i in 0..n {
                assert_eq!(to[i], plain[i] * (1.0 + z[i]));
            }
            to.fill(1.0);
            let before = to.clone();
            assert_eq!(add_and_dot(&mut to, 2.0, &x, &y, false), plain.iter().sum::<f64>());
            to.iter().zip(&before).zip(&x).for_each(|((to, before), x)| assert_eq!(*to, before + 2.0 * x));
            assert!(multiply_within(&mut to, &y, (-1.0, 99.0)) && !multiply_within(&mut to, &y, (0.0, 99.0)));
            to.iter().zip(&x).zip(&y).for_each(|((to, x), y)| assert_eq!(*to, (1.0 + 2.0 * x) * y * y));
            assert!(all_above(&x, -1.0) && !all_above(&x, 1.0));
            let moments = second_moments(&z, [&x, &y]);
            let plain_moment = |a: &[f64], b: &[f64]| (0..n).map(|i| z[i] * a[i] * b[i]).sum::<f64>();
            assert_eq!(moments, [[plain_moment(&x, &x), 0.0], [plain_moment(&x, &y), plain_moment(&y, &y)]]);
            assert_eq!(product_and_sum(&mut to, &x, &y), plain.iter().sum::<f64>() / 2.0);
            add_scaled_to_both(&mut part, &mut to, 0.0, &x);
            let before = part.clone();
            add_scaled_to_both(&mut to, &mut part, 1.0, &plain);
            for i in 0..n {
                assert_eq!((to[i], part[i]), (1.5 * plain[i], before[i] + plain[i]));
            }
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

    #[test]
    fn terms_are_added_in_one_pass() {
        let columns: Vec<Vec<f64>> =
            (1..=2 * TERMS).map(|k| (0..21).map(|i| ((i * k + 1) % 7) as f64).collect()).collect();
        for (n, both) in (1..=TERMS).flat_map(|n| [(n, false), (n, true)]) {
            let term = |k: usize| Term::new(k as f64, Some(&columns[k]), both.then_some(&columns[TERMS + k]));
            let terms: Vec<Term> = (0..n).map(term).collect();
            let mut to = vec![f64::NAN; 21];
            add_terms(&mut to, &terms, true);
            add_terms(&mut to, &terms, false);
            for (i, to) in to.iter().enumerate() {
                let one = |k: usize| k as f64 * columns[k][i] * if both { columns[TERMS + k][i] } else { 1.0 };
                assert_eq!(*to, 2.0 * (0..n).map(one).sum::<f64>());
            }
        }
        let mut to = [0.0];
        add_terms(&mut to, &[Term::new(2.0, None, Some(&[3.0]))], true);
        assert_eq!(to, [6.0]);
    }

    #[test]
    fn rows_and_outer_products() {
        let (x, y, z) = ([2.0, 0.0, 1.0], [1.0, 5.0, -3.0], [1.0, 10.0]);
        let mut rows = vec![1.0; 6];
        add_outer(2.0, Some(&x), &z, &mut rows);
        assert_eq!(rows, [5.0, 41.0, 1.0, 1.0, 3.0, 21.0]);
        add_outer(1.0, None, &z, &mut rows);
        assert_eq!(rows, [6.0, 51.0, 2.0, 11.0, 4.0, 31.0]);
        let mut to = vec![1.0, 0.0];
        add_rows(1.0, &rows, None, None, &mut to);
        assert_eq!(to, [13.0, 93.0]);
        add_rows(0.5, &rows, Some(&x), Some(&y), &mut to);
        assert_eq!(to, [13.0 + 6.0 - 6.0, 93.0 + 51.0 - 46.5]);
    }

    #[test]
    fn a_row_is_added_to_the_rows_named() {
        let mut to = vec![1.0; 24];
        add_to_rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[2, 0, 2], &mut to);
        assert_eq!(to[..8], [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        assert_eq!(to[8..16], [1.0; 8]);
        assert_eq!(to[16..], [3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 17.0]);
    }
}
