//! Log probabilities and scores of binary probit outcomes.
//!
//! With z = |η| / √2 and t = 2 / (2 + z), erfc(z) = t exp(−z² + C(t)) for a smooth C, here its Chebyshev series on
//! [0, 1] (terms past the last are below 3e-17), so that log Φ(−|η|) has no exponential and loses no digits in the tail.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use pulp::{Arch, Simd, WithSimd};

use super::{exp, ln};

/// Chebyshev coefficients of C, half of the first.
const SERIES: [f64; 28] = [
    -0.651_326_859_890_854_7,
    0.641_969_792_356_490_3,
    0.019_476_473_204_185_836,
    -0.009_561_514_786_808_632,
    -9.465_953_444_820_369e-4,
    3.668_394_978_527_614_5e-4,
    4.252_332_480_690_777e-5,
    -2.027_857_811_253_424_4e-5,
    -1.624_290_004_647_025e-6,
    1.303_655_835_580_522_5e-6,
    1.562_644_172_206_677e-8,
    -8.523_809_591_492_706e-8,
    6.529_054_439_099_194e-9,
    5.059_343_495_551_34e-9,
    -9.913_641_564_931_323e-10,
    -2.273_651_222_928_692_7e-10,
    9.646_791_101_966_447e-11,
    2.394_038_083_646_804_6e-12,
    -6.886_027_527_148_829e-12,
    8.944_879_279_257_72e-13,
    3.130_921_394_257_694e-13,
    -1.127_082_232_735_236e-13,
    3.810_903_933_915_89e-16,
    7.106_097_523_284_705e-15,
    -1.523_027_901_052_793_3e-15,
    -9.457_541_867_482_357e-17,
    1.210_243_064_457_784e-16,
    -2.817e-17,
];

/// t and C(t) at |η|.
#[inline(always)]
fn series(a: f64) -> (f64, f64) {
    let t = 2.0 / (2.0 + a * FRAC_1_SQRT_2);
    let x = 4.0 * t - 2.0;
    let (mut d, mut dd) = (0.0, 0.0);
    for c in SERIES[1..].iter().rev() {
        (d, dd) = (x * d - dd + c, d);
    }
    (t, 0.5 * x * d - dd + SERIES[0])
}

/// log Φ(x)
#[inline(always)]
fn log_cdf(x: f64) -> f64 {
    let a = x.abs();
    let (t, c) = series(a);
    let below = ln(0.5 * t) + (c - 0.5 * a * a);
    // log(1 − u) by its value where 1 − u was rounded to, and what rounding lost
    let u = exp(below);
    let rest = 1.0 - u;
    let above = ln(rest) - ((rest - 1.0) + u) / rest;
    if x < 0.0 {
        below
    } else {
        above
    }
}

/// φ(a) / Φ(−a) and φ(a) / Φ(a) for a ≥ 0.
#[inline(always)]
fn ratios(a: f64) -> (f64, f64) {
    let (t, c) = series(a);
    let root = 1.0 / (2.0 * PI).sqrt();
    let density = exp(-0.5 * a * a);
    let tail = 0.5 * t * exp(c);
    (root / tail, root * density / (1.0 - tail * density))
}

/// ∂ log P(y) / ∂η and φ² / (Φ (1 − Φ)).
#[inline(always)]
fn score_and_information(y: f64, eta: f64) -> (f64, f64) {
    let (below, above) = ratios(eta.abs());
    let sign = 2.0 * y - 1.0;
    (sign * if sign * eta < 0.0 { below } else { above }, below * above)
}

/// out_i = log P(y_i) with P(1) = Φ(η_i), y 0 or 1; relative error below 1e-14, and 1e-12 where P differs from 1 by less
/// than 1e-100.
pub fn log_bernoulli_probit(y: &[f64], eta: &[f64], out: &mut [f64]) {
    vectorise!((y: &'a [f64], eta: &'a [f64], out: &'a mut [f64]) -> () {
        for ((y, eta), out) in y.iter().zip(eta).zip(out.iter_mut()) {
            *out = log_cdf((2.0 * y - 1.0) * eta);
        }
    })
}

/// Adds w ∂ log P(y) / ∂η to `score` and, unless it is empty, w φ² / (Φ (1 − Φ)) to `information`.
pub fn add_probit_scores(y: &[f64], eta: &[f64], weights: &[f64], score: &mut [f64], information: &mut [f64]) {
    vectorise!(
        (y: &'a [f64], eta: &'a [f64], weights: &'a [f64], score: &'a mut [f64], information: &'a mut [f64]) -> () {
            if information.is_empty() {
                for (((y, eta), w), score) in y.iter().zip(eta).zip(weights).zip(score.iter_mut()) {
                    *score += w * score_and_information(*y, *eta).0;
                }
                return;
            }
            let rows = y.iter().zip(eta).zip(weights).zip(score.iter_mut()).zip(information.iter_mut());
            for ((((y, eta), w), score), information) in rows {
                let (s, i) = score_and_information(*y, *eta);
                *score += w * s;
                *information += w * i;
            }
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{inverse_mills, log_normal_cdf};

    #[test]
    fn they_agree_with_the_scalar_functions() {
        let eta: Vec<f64> = (-4000..=4000).map(|k| f64::from(k) * 0.011).chain([-700.0, -60.0, 60.0, 700.0]).collect();
        let n = eta.len();
        for value in [0.0, 1.0] {
            let y = vec![value; n];
            let mut out = vec![0.0; n];
            log_bernoulli_probit(&y, &eta, &mut out);
            let (mut score, mut information) = (vec![0.0; n], vec![0.0; n]);
            add_probit_scores(&y, &eta, &vec![2.0; n], &mut score, &mut information);
            let mut alone = vec![0.0; n];
            add_probit_scores(&y, &eta, &vec![2.0; n], &mut alone, &mut []);
            assert_eq!(alone, score);
            for (i, eta) in eta.iter().enumerate() {
                let s = 2.0 * value - 1.0;
                let close = |got: f64, want: f64| (got - want).abs() <= 1e-12 * want.abs() + 1e-300;
                assert!(close(out[i], log_normal_cdf(s * eta)), "{eta}: {} {}", out[i], log_normal_cdf(s * eta));
                assert!(close(score[i], 2.0 * s * inverse_mills(s * eta)), "{eta}: {}", score[i]);
                let want = 2.0 * inverse_mills(*eta) * inverse_mills(-eta);
                assert!(close(information[i], want), "{eta}: {} {want}", information[i]);
            }
        }
    }
}
