//! Natural parameters at the edge of what is admissible, made fit to start or to evaluate from: covariance matrices that
//! rounding has made slightly indefinite, and free variances of exactly 0, from where no gradient leads away.

use super::starts::Starts;
use crate::compiled::working::{entry, semidefinite_cholesky};
use crate::compiled::Program;
use crate::spec::Coefficient;

/// Share by which covariances are brought nearer to 0, in turn, until the matrix is admissible.
const SHRINK: [f64; 3] = [1e-9, 1e-8, 1e-7];
/// Least pivot, as a share of the variance, of a matrix that is not estimated through its Cholesky factor.
const LEAST_PIVOT: f64 = 1e-12;

/// Working parameters of natural ones; singular matrices are accepted although rounding made them indefinite.
/// `None` where a covariance matrix is indefinite beyond rounding.
pub fn to_working(program: &Program, natural: &[f64]) -> Option<Vec<f64>> {
    program.working.to_working(&repaired(program, natural, |_| true))
}

/// `natural` with the covariances of indefinite matrices shrunk by at most 1e-7 of themselves, where that helps.
/// `known`: parameters whose values are given; matrices with others are left alone.
pub fn repaired(program: &Program, natural: &[f64], known: impl Fn(usize) -> bool) -> Vec<f64> {
    let model = &program.model;
    let mut out = natural.to_vec();
    let mut state = vec![0; model.classes.len()];
    for (k, block) in program.plan.blocks.iter().enumerate().filter(|(_, b)| b.latents.len() > 1) {
        let dim = block.latents.len();
        for cell in 0..model.n_cells(&block.classes) {
            model.set_states(&block.classes, cell, &mut state);
            let coefficients: Vec<(bool, Option<&Coefficient>)> =
                (0..dim).flat_map(|i| (0..=i).map(move |j| (i == j, entry(model, block, i, j)))).collect();
            let of = |c: &Option<&Coefficient>| c.and_then(|c| c.parameter(&state));
            if coefficients.iter().filter_map(|(_, c)| of(c)).any(|p| !known(p)) {
                continue;
            }
            let triangle = |values: &[f64]| -> Vec<f64> {
                coefficients.iter().map(|(_, c)| c.map_or(0.0, |c| c.value(&state, values))).collect()
            };
            let admissible = |values: &[f64]| {
                let triangle = triangle(values);
                let pivot = |l: &[f64], e: usize| l[e].powi(2) > LEAST_PIVOT * triangle[e];
                semidefinite_cholesky(&triangle, dim)
                    .is_some_and(|l| program.working.is_cholesky[k] || (0..dim).all(|i| pivot(&l, i * (i + 1) / 2 + i)))
            };
            if admissible(&out) {
                continue;
            }
            let shrunk = SHRINK.iter().find_map(|share| {
                let mut next = out.clone();
                let mut covariances: Vec<usize> =
                    coefficients.iter().filter(|(diagonal, _)| !diagonal).filter_map(|(_, c)| of(c)).collect();
                covariances.sort_unstable();
                covariances.dedup();
                covariances.iter().for_each(|&p| next[p] *= 1.0 - share);
                admissible(&next).then_some(next)
            });
            if let Some(next) = shrunk {
                out = next;
            }
        }
    }
    out
}

/// A free standard deviation of 0 is a stationary point whatever the data say: it is lifted to a small one, and returns
/// to 0 where the maximum is there. The same holds for residuals that other latents of a block explain wholly.
pub fn lifted(program: &Program, starts: &Starts, mut working: Vec<f64>) -> Vec<f64> {
    for b in &program.working.blocks {
        for i in 0..b.dim {
            let p = b.at(i, i);
            let usual = starts.usual(p).abs().sqrt();
            if program.model.parameters[p].free && working[p].abs() < 1e-4 * usual {
                working[p] = LIFT * usual;
            }
        }
    }
    working
}

/// Share of the usual starting standard deviation.
const LIFT: f64 = 0.1;
