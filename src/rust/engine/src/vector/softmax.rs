//! Logits of categories to probabilities. K categories have one slice each; those without a slice do not exist.

use pulp::{Arch, Simd, WithSimd};

use super::{add, add_ln, add_scaled, exp_difference};

/// Logits become log probabilities; `p` becomes the probabilities.
pub fn log_softmax(logits: &mut [&mut [f64]], p: &mut [&mut [f64]]) {
    let mut top = largest(logits);
    let mut sum = vec![0.0; top.len()];
    for (l, p) in logits.iter().zip(&mut *p) {
        p.copy_from_slice(l);
        exp_difference(p, &top);
        add(&mut sum, p);
    }
    add_ln(&sum, &mut top);
    logits.iter_mut().for_each(|l| add_scaled(l, -1.0, &top, false));
    p.iter_mut().for_each(|p| divide_by(p, &sum));
}

/// Logits become probabilities.
pub fn softmax(logits: &mut [&mut [f64]]) {
    let top = largest(logits);
    let mut sum = vec![0.0; top.len()];
    for l in logits.iter_mut() {
        exp_difference(l, &top);
        add(&mut sum, l);
    }
    logits.iter_mut().for_each(|l| divide_by(l, &sum));
}

fn largest(logits: &[&mut [f64]]) -> Vec<f64> {
    let Some((first, others)) = logits.split_first() else { return vec![] };
    let mut top = first.to_vec();
    others.iter().for_each(|l| raise(&mut top, l));
    top
}

/// x_i ← the larger one of x_i and y_i.
fn raise(x: &mut [f64], y: &[f64]) {
    vectorise!((x: &'a mut [f64], y: &'a [f64]) -> () {
        x.iter_mut().zip(y).for_each(|(x, y)| *x = x.max(*y));
    })
}

fn divide_by(x: &mut [f64], y: &[f64]) {
    vectorise!((x: &'a mut [f64], y: &'a [f64]) -> () {
        x.iter_mut().zip(y).for_each(|(x, y)| *x /= y);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_and_impossible_logits() {
        let (mut a, mut b) = ([0.0, 1.0], [0.0, f64::NEG_INFINITY]);
        let (mut p, mut q) = ([0.0; 2], [0.0; 2]);
        log_softmax(&mut [&mut a, &mut b], &mut [&mut p, &mut q]);
        assert!((a[0] - 0.5f64.ln()).abs() < 1e-15 && a[0] == b[0]);
        assert_eq!((a[1], b[1]), (0.0, f64::NEG_INFINITY));
        assert_eq!((p, q), ([0.5, 1.0], [0.5, 0.0]));
        let (mut a, mut b) = ([0.0, 1.0, 700.0], [0.0, f64::NEG_INFINITY, -700.0]);
        softmax(&mut [&mut a, &mut b]);
        assert_eq!((a, b), ([0.5, 1.0, 1.0], [0.5, 0.0, 0.0]));
    }

    #[test]
    fn both_agree() {
        let logits: [[f64; 9]; 3] = std::array::from_fn(|k| std::array::from_fn(|i| (k * i) as f64 - 4.0));
        fn slices(of: &mut [[f64; 9]; 3]) -> Vec<&mut [f64]> {
            of.iter_mut().map(|l| &mut l[..]).collect()
        }
        let (mut log, mut plain, mut p) = (logits, logits, logits);
        log_softmax(&mut slices(&mut log), &mut slices(&mut p));
        softmax(&mut slices(&mut plain));
        assert_eq!(p, plain);
        for (log, plain) in log.iter().flatten().zip(plain.iter().flatten()) {
            assert!((log.exp() - plain).abs() < 1e-15);
        }
    }
}
