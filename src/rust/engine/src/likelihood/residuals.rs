//! Cholesky factors T of the latent residual covariances, Ψ = T Tᵀ, by class cell, with their derivatives.
//!
//! Where a block is estimated through T itself the derivative is 1. Otherwise T = chol(Ψ) and
//! dT = T Φ(T⁻¹ dΨ T⁻ᵀ), Φ taking the lower triangle with half the diagonal (Smith 1995).

use crate::compiled::working::entry;
use crate::compiled::Program;
use crate::spec::Coefficient;

/// One block in one class cell.
#[derive(Clone, Debug)]
pub struct Factorised {
    pub dim: usize,
    /// [dim × dim] row by row, lower triangle.
    pub t: Vec<f64>,
    /// Derivative of `t` by free parameter.
    pub derivatives: Vec<(usize, Vec<f64>)>,
}

#[derive(Clone, Debug)]
pub struct Residuals {
    /// [block][cell over the block's classes]
    pub blocks: Vec<Vec<Factorised>>,
}

impl Residuals {
    /// `None` where a covariance matrix is not positive definite at these working parameters.
    pub fn new(program: &Program, working: &[f64]) -> Option<Residuals> {
        let model = &program.model;
        let mut state = vec![0; model.classes.len()];
        let mut blocks = vec![];
        for (k, block) in program.plan.blocks.iter().enumerate() {
            let mut cells = vec![];
            for cell in 0..model.n_cells(&block.classes) {
                model.set_states(&block.classes, cell, &mut state);
                let coefficient = |i: usize, j: usize| entry(model, block, i.max(j), i.min(j));
                let m = block.latents.len();
                cells.push(if program.working.is_cholesky[k] {
                    direct(m, coefficient, &state, working, &program.model)?
                } else {
                    factorise(m, coefficient, &state, working, &program.model)?
                });
            }
            blocks.push(cells);
        }
        Some(Residuals { blocks })
    }
}

fn direct<'a>(
    m: usize,
    at: impl Fn(usize, usize) -> Option<&'a Coefficient>,
    state: &[usize],
    working: &[f64],
    model: &crate::spec::Model,
) -> Option<Factorised> {
    let mut t = vec![0.0; m * m];
    let mut derivatives = vec![];
    for i in 0..m {
        for j in 0..=i {
            let Some(c) = at(i, j) else { continue };
            match c.parameter(state) {
                None => t[i * m + j] = c.value(state, working).max(0.0).sqrt(),
                Some(p) => {
                    t[i * m + j] = working[p];
                    if model.parameters[p].free {
                        let mut d = vec![0.0; m * m];
                        d[i * m + j] = 1.0;
                        derivatives.push((p, d));
                    }
                }
            }
        }
    }
    Some(Factorised { dim: m, t, derivatives })
}

fn factorise<'a>(
    m: usize,
    at: impl Fn(usize, usize) -> Option<&'a Coefficient>,
    state: &[usize],
    working: &[f64],
    model: &crate::spec::Model,
) -> Option<Factorised> {
    let value = |i: usize, j: usize| at(i, j).map_or(0.0, |c| c.value(state, working));
    let mut t = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..=i {
            let rest = value(i, j) - (0..j).map(|k| t[i * m + k] * t[j * m + k]).sum::<f64>();
            if i == j {
                if rest <= 1e-12 {
                    return None;
                }
                t[i * m + i] = rest.sqrt();
            } else {
                t[i * m + j] = rest / t[j * m + j];
            }
        }
    }
    let mut seen: Vec<usize> = vec![];
    let mut derivatives = vec![];
    for i in 0..m {
        for j in 0..=i {
            let Some(p) = at(i, j).and_then(|c| c.parameter(state)) else { continue };
            if !model.parameters[p].free || seen.contains(&p) {
                continue;
            }
            seen.push(p);
            // dΨ has a one wherever this parameter stands
            let one = |a: usize, b: usize| f64::from(u8::from(at(a, b).and_then(|c| c.parameter(state)) == Some(p)));
            let d: Vec<f64> = (0..m * m).map(|x| one(x / m, x % m)).collect();
            derivatives.push((p, cholesky_derivative(&t, &d, m)));
        }
    }
    Some(Factorised { dim: m, t, derivatives })
}

/// dT for a symmetric dΨ, both row by row.
fn cholesky_derivative(t: &[f64], d: &[f64], m: usize) -> Vec<f64> {
    // X = T⁻¹ dΨ, then Y = X T⁻ᵀ
    let mut x = d.to_vec();
    for col in 0..m {
        for i in 0..m {
            let s: f64 = (0..i).map(|k| t[i * m + k] * x[k * m + col]).sum();
            x[i * m + col] = (x[i * m + col] - s) / t[i * m + i];
        }
    }
    let mut y = x;
    for row in 0..m {
        for i in 0..m {
            let s: f64 = (0..i).map(|k| t[i * m + k] * y[row * m + k]).sum();
            y[row * m + i] = (y[row * m + i] - s) / t[i * m + i];
        }
    }
    let phi = |i: usize, j: usize| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 0.5 * y[i * m + i],
        std::cmp::Ordering::Greater => y[i * m + j],
    };
    (0..m * m)
        .map(|e| (0..m).map(|k| if k <= e / m { t[(e / m) * m + k] * phi(k, e % m) } else { 0.0 }).sum())
        .collect()
}
