//! Elementwise exponentials and logarithms of slices, eight numbers at a time where the processor can.
//!
//! The loops are plain Rust that the compiler vectorises; `pulp` picks the instruction set when the program runs. No
//! operation is fused or reordered, so that every processor gives the same bits. Errors are below 2 units in the last place.

use pulp::{Arch, Simd, WithSimd};

/// Runs a body compiled for every instruction set, with the best that the processor has. (A closure given to `dispatch`
/// is not inlined where the instruction set is known, so the arguments travel in a struct.)
macro_rules! vectorise {
    (($($args:tt)*) -> $out:ty $body:block) => { vectorise!([] ($($args)*) -> $out $body) };
    ([$(const $k:ident: usize)?] ($($arg:ident: $type:ty),*) -> $out:ty $body:block) => {{
        struct Body<'a $(, const $k: usize)?> {
            $($arg: $type,)*
            life: std::marker::PhantomData<&'a ()>,
        }
        impl<'a $(, const $k: usize)?> WithSimd for Body<'a $(, $k)?> {
            type Output = $out;
            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> $out {
                let Body { $($arg,)* life: _ } = self;
                $body
            }
        }
        Arch::new().dispatch(Body { $($arg,)* life: std::marker::PhantomData })
    }};
}

mod probit;
mod products;
mod softmax;

pub use probit::{add_probit_scores, log_bernoulli_probit};
pub use products::{
    add_and_dot, add_and_sum, add_both_and_sum, add_outer, add_product, add_rows, add_scaled, add_scaled_to_both,
    add_terms, add_to_rows, all_above, divide, multiply_within, product_and_sum, second_moments, Term, TERMS, WIDTH,
};
pub use softmax::{log_softmax, softmax};

/// 1.5 × 2⁵²: adding it rounds to a whole number and leaves that number in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// 2⁵² as a bit pattern: or-ing a small whole number into it makes 2⁵² plus that number.
const TWO_52_BITS: u64 = 0x4330_0000_0000_0000;
const TWO_52: f64 = 4_503_599_627_370_496.0;
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// Below this exp is taken as 0 (it would be subnormal), above `EXP_HIGH` as infinite.
const EXP_LOW: f64 = -708.0;
const EXP_HIGH: f64 = 709.0;

/// exp(x) = 2ᵏ exp(r), |r| ≤ ½ log 2, exp(r) by its Taylor series to the 13th power (next term below 5e-18).
#[inline(always)]
fn exp(x: f64) -> f64 {
    let y = x.clamp(EXP_LOW, EXP_HIGH);
    let shifted = y * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (y - k * LN_2_HIGH) - k * LN_2_LOW;
    let r2 = r * r;
    let r4 = r2 * r2;
    let low = (1.0 + r) + r2 * (1.0 / 2.0 + r * (1.0 / 6.0));
    let middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let high = (1.0 / 40_320.0 + r * (1.0 / 362_880.0)) + r2 * (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0));
    let top = 1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0);
    let series = low + r4 * (middle + r4 * (high + r4 * top));
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    let value = series * power;
    if x < EXP_LOW {
        0.0
    } else if x > EXP_HIGH {
        f64::INFINITY
    } else {
        value
    }
}

/// log(x) for positive normal x; −∞ at 0. x = 2ᵏ (1 + f); log(1 + f) with s = f / (2 + f) as in fdlibm (Sun 1993).
#[inline(always)]
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let e = f64::from_bits((bits >> 52) | TWO_52_BITS) - TWO_52;
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let large = m > std::f64::consts::SQRT_2;
    let f = if large { 0.5 * m } else { m } - 1.0;
    let k = e - if large { 1022.0 } else { 1023.0 };
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = w * (0.399_999_999_994_094_2 + w * (0.222_221_984_321_497_84 + w * 0.153_138_376_992_093_73));
    let even = z
        * (0.666_666_666_666_673_5
            + w * (0.285_714_287_436_623_9 + w * (0.181_835_721_616_180_5 + w * 0.147_981_986_051_165_86)));
    let half = 0.5 * f * f;
    let value = k * LN_2_HIGH - ((half - (s * (half + odd + even) + k * LN_2_LOW)) - f);
    if x > 0.0 {
        value
    } else {
        f64::NEG_INFINITY
    }
}

/// P of the less likely and of the likelier value of a logistic variable with logit η.
#[inline(always)]
fn logistic_tails(eta: f64) -> (f64, f64) {
    let e = exp(-eta.abs());
    let large = 1.0 / (1.0 + e);
    (e * large, large)
}

/// x_i ← exp(x_i). Results below 1e-307 are 0.
pub fn exp_in_place(x: &mut [f64]) {
    vectorise!((x: &'a mut [f64]) -> () { x.iter_mut().for_each(|v| *v = exp(*v)); })
}

/// x_i ← exp(x_i − y_i), 0 where x_i = −∞ whatever y_i.
pub fn exp_difference(x: &mut [f64], y: &[f64]) {
    vectorise!((x: &'a mut [f64], y: &'a [f64]) -> () {
        for (x, y) in x.iter_mut().zip(y) {
            let e = exp(*x - *y);
            *x = if *x == f64::NEG_INFINITY { 0.0 } else { e };
        }
    })
}

/// Adds log(x_i) to y_i; x_i = 0 leaves y_i alone.
pub fn add_ln(x: &[f64], y: &mut [f64]) {
    vectorise!((x: &'a [f64], y: &'a mut [f64]) -> () {
        for (x, y) in x.iter().zip(y) {
            let l = ln(*x);
            *y += if *x > 0.0 { l } else { 0.0 };
        }
    })
}

/// out_i = log P(y_i) with P(1) = 1 / (1 + exp(−η_i)), y 0 or 1; absolute error below 4e-16 (1 + |η_i|).
pub fn log_bernoulli_logit(y: &[f64], eta: &[f64], out: &mut [f64]) {
    vectorise!((y: &'a [f64], eta: &'a [f64], out: &'a mut [f64]) -> () {
        for ((y, eta), out) in y.iter().zip(eta).zip(out.iter_mut()) {
            let x = (1.0 - 2.0 * y) * eta;
            *out = -(x.max(0.0) + ln(1.0 + exp(-x.abs())));
        }
    })
}

/// out_i ← out_i − log(1 + exp(x_i)).
pub fn subtract_softplus(x: &[f64], out: &mut [f64]) {
    vectorise!((x: &'a [f64], out: &'a mut [f64]) -> () {
        for (x, out) in x.iter().zip(out.iter_mut()) {
            *out -= x.max(0.0) + ln(1.0 + exp(-x.abs()));
        }
    })
}

/// below_i = 1 / (1 + exp(η_i − t)) and above_i = 1 − below_i, both to full relative accuracy.
pub fn logistic_tails_around(t: f64, eta: &[f64], below: &mut [f64], above: &mut [f64]) {
    vectorise!((t: f64, eta: &'a [f64], below: &'a mut [f64], above: &'a mut [f64]) -> () {
        for ((eta, below), above) in eta.iter().zip(below.iter_mut()).zip(above.iter_mut()) {
            let x = *eta - t;
            let (small, large) = logistic_tails(x);
            (*below, *above) = if x < 0.0 { (large, small) } else { (small, large) };
        }
    })
}

/// Adds w (y − p) to `score` and, unless it is empty, w p (1 − p) to `information`, p = 1 / (1 + exp(−η)).
pub fn add_logistic_scores(y: &[f64], eta: &[f64], weights: &[f64], score: &mut [f64], information: &mut [f64]) {
    vectorise!((y: &'a [f64], eta: &'a [f64], weights: &'a [f64], score: &'a mut [f64], information: &'a mut [f64]) -> () {
        let values = y.iter().zip(eta).zip(weights).zip(score.iter_mut());
        if information.is_empty() {
            for (((y, eta), w), score) in values {
                let (small, large) = logistic_tails(*eta);
                *score += w * (y - if *eta < 0.0 { small } else { large });
            }
            return;
        }
        for ((((y, eta), w), score), information) in values.zip(information.iter_mut()) {
            let (small, large) = logistic_tails(*eta);
            *score += w * (y - if *eta < 0.0 { small } else { large });
            *information += w * small * large;
        }
    })
}

/// Eight sums side by side, so that they do not wait for each other; always added in the same order.
#[inline(always)]
fn add_up(n: usize, term: impl Fn(usize) -> f64) -> f64 {
    let mut eight = [0.0; 8];
    for i in 0..n / 8 {
        for (k, s) in eight.iter_mut().enumerate() {
            *s += term(8 * i + k);
        }
    }
    let rest: f64 = (n / 8 * 8..n).map(&term).sum();
    products::across(eight) + rest
}

/// Adds w (y − η) / σ² to `mean` and w ((y − η)² / σ² − 1) / 2σ² to `variance`, `precision` = 1 / σ².
pub fn add_gaussian_scores(
    y: &[f64],
    eta: &[f64],
    weights: &[f64],
    precision: f64,
    mean: &mut [f64],
    variance: &mut [f64],
) {
    vectorise!((y: &'a [f64], eta: &'a [f64], weights: &'a [f64], precision: f64, mean: &'a mut [f64], variance: &'a mut [f64]) -> () {
        let rows = y.iter().zip(eta).zip(weights).zip(mean.iter_mut()).zip(variance.iter_mut());
        for ((((y, eta), w), mean), variance) in rows {
            let r = y - eta;
            *mean += w * r * precision;
            *variance += w * 0.5 * (r * r * precision - 1.0) * precision;
        }
    })
}

/// Σ a_i.
pub fn sum(a: &[f64]) -> f64 {
    vectorise!((a: &'a [f64]) -> f64 { add_up(a.len(), |i| a[i]) })
}

/// Σ a_i b_i.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    vectorise!((a: &'a [f64], b: &'a [f64]) -> f64 {
        let b = &b[..a.len()];
        add_up(a.len(), |i| a[i] * b[i])
    })
}

/// Σ a_i b_i c_i.
pub fn dot3(a: &[f64], b: &[f64], c: &[f64]) -> f64 {
    vectorise!((a: &'a [f64], b: &'a [f64], c: &'a [f64]) -> f64 {
        let (b, c) = (&b[..a.len()], &c[..a.len()]);
        add_up(a.len(), |i| a[i] * b[i] * c[i])
    })
}

/// Σ x_i exp-shifted: x_i ← exp(x_i − max), returns (max, Σ). (−∞, 0) where all are −∞; then x is all 0.
pub fn exp_normalise(x: &mut [f64]) -> (f64, f64) {
    vectorise!((x: &'a mut [f64]) -> (f64, f64) {
        let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if max == f64::NEG_INFINITY {
            x.fill(0.0);
            return (max, 0.0);
        }
        x.iter_mut().for_each(|v| *v = exp(*v - max));
        (max, add_up(x.len(), |i| x[i]))
    })
}

/// x_i ← x_i + y_i.
pub fn add(x: &mut [f64], y: &[f64]) {
    vectorise!((x: &'a mut [f64], y: &'a [f64]) -> () {
        x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
    })
}

/// x_i ← x_i y_i.
pub fn multiply(x: &mut [f64], y: &[f64]) {
    vectorise!((x: &'a mut [f64], y: &'a [f64]) -> () {
        x.iter_mut().zip(y).for_each(|(x, y)| *x *= y);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Vec<f64> {
        (-7_000..7_000).map(|i| f64::from(i) * 0.1 + 0.0123).collect()
    }

    fn ulps(a: f64, b: f64) -> f64 {
        ((a - b) / (b.abs() * f64::EPSILON)).abs()
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let mut x = points();
        exp_in_place(&mut x);
        for (e, p) in x.iter().zip(points()) {
            assert!(ulps(*e, p.exp()) < 2.0, "exp({p})");
        }
    }

    #[test]
    fn exp_at_the_ends() {
        let mut x = vec![f64::NEG_INFINITY, -800.0, 0.0, 800.0, f64::INFINITY, f64::NAN];
        exp_in_place(&mut x);
        assert_eq!(x[..5], [0.0, 0.0, 1.0, f64::INFINITY, f64::INFINITY]);
        assert!(x[5].is_nan());
        let mut y = vec![f64::NEG_INFINITY, 1.0];
        exp_difference(&mut y, &[f64::NEG_INFINITY, 1.0]);
        assert_eq!(y, [0.0, 1.0]);
    }

    #[test]
    fn logarithms_are_within_two_units_in_the_last_place() {
        for p in points() {
            let x = p.exp();
            if x.is_normal() {
                assert!(ulps(ln(x), x.ln()) < 2.0, "log({x})");
            }
        }
        assert_eq!(ln(1.0), 0.0);
        let mut y = vec![3.0];
        add_ln(&[0.0], &mut y);
        assert_eq!(y, [3.0]);
    }

    #[test]
    fn logistic_functions_agree_with_the_scalar_ones() {
        let eta = points();
        let n = eta.len();
        for value in [0.0, 1.0] {
            let y = vec![value; n];
            let mut out = vec![0.0; n];
            log_bernoulli_logit(&y, &eta, &mut out);
            let (mut score, mut information) = (vec![0.0; n], vec![0.0; n]);
            add_logistic_scores(&y, &eta, &vec![2.0; n], &mut score, &mut information);
            for (i, eta) in eta.iter().enumerate() {
                let want = crate::numeric::log_expit((2.0 * value - 1.0) * eta);
                assert!((out[i] - want).abs() <= 4e-16 * (1.0 + eta.abs()), "{eta}");
                let p = crate::numeric::expit(*eta);
                assert!((score[i] - 2.0 * (value - p)).abs() < 1e-15);
                assert!((information[i] - 2.0 * p * crate::numeric::expit(-eta)).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn sums_equal_plain_ones() {
        let x: Vec<f64> = (0..31).map(f64::from).collect();
        assert_eq!(sum(&x), 465.0);
        assert_eq!(dot(&x, &x), 9455.0);
        assert_eq!(dot3(&x, &x, &x[..31]), 216_225.0);
        assert_eq!(sum(&x[..3]), 3.0);
    }

    #[test]
    fn normalising_gives_the_maximum_and_the_sum() {
        let mut x = vec![-1000.0, -1001.0, f64::NEG_INFINITY];
        let (max, sum) = exp_normalise(&mut x);
        assert_eq!(max, -1000.0);
        assert!((sum - (1.0 + (-1.0f64).exp())).abs() < 1e-15);
        assert_eq!(x[2], 0.0);
    }
}
