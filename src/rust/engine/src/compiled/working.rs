//! The working scale: covariance blocks of latent variables as Cholesky factors, everything else as it is.
//!
//! A block Ψ = L Lᵀ whose entries are all free and shared only with identical blocks is estimated through L, so that a
//! matrix that is not positive definite cannot be reached and a zero variance is an interior point. The entry L_ij takes
//! the place of ψ_ij in the parameter vector. Other blocks (fixed or partly equal entries) stay natural: a step that
//! leaves the positive definite region is refused by the likelihood.

use std::collections::HashMap;

use super::plan::{Plan, ResidualBlock};
use crate::spec::{Coefficient, Model};

/// Parameters of one lower triangle, row by row: (0,0), (1,0), (1,1), …
#[derive(Clone, Debug, PartialEq)]
pub struct CholeskyBlock {
    pub dim: usize,
    pub parameters: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct Working {
    /// Per residual block of the plan: whether its parameters hold L instead of Ψ.
    pub is_cholesky: Vec<bool>,
    /// Distinct blocks in Cholesky form.
    pub blocks: Vec<CholeskyBlock>,
}

/// Coefficient of entry (i, j), j ≤ i, of a residual block; `None` where structurally zero.
pub fn entry<'a>(model: &'a Model, block: &ResidualBlock, i: usize, j: usize) -> Option<&'a Coefficient> {
    if i == j {
        Some(&model.latents[block.latents[i]].variance)
    } else {
        block.covariances[i * (i - 1) / 2 + j].map(|c| &model.covariances[c].value)
    }
}

/// The parameters of the block in one class cell, if every entry is a parameter.
fn triangle(model: &Model, block: &ResidualBlock, state: &[usize]) -> Option<Vec<usize>> {
    let mut ids = vec![];
    for i in 0..block.latents.len() {
        for j in 0..=i {
            ids.push(entry(model, block, i, j)?.parameter(state)?);
        }
    }
    Some(ids)
}

impl Working {
    pub fn new(model: &Model, plan: &Plan) -> Working {
        let mut state = vec![0; model.classes.len()];
        let triangles: Vec<Vec<Option<Vec<usize>>>> = plan
            .blocks
            .iter()
            .map(|b| {
                (0..model.n_cells(&b.classes))
                    .map(|cell| {
                        model.set_states(&b.classes, cell, &mut state);
                        triangle(model, b, &state)
                    })
                    .collect()
            })
            .collect();
        let elsewhere = used_elsewhere(model, plan);
        let mut is_cholesky: Vec<bool> = plan
            .blocks
            .iter()
            .zip(&triangles)
            .map(|(b, cells)| {
                cells.iter().all(|t| match t {
                    None => b.latents.len() == 1, // a constant variance
                    Some(ids) => {
                        ids.iter().all(|&p| !elsewhere[p] && (ids.len() == 1 || open(model, p))) && distinct(ids)
                    }
                })
            })
            .collect();
        loop {
            // a parameter must always sit in the same triangle, and never in a natural block as well
            let mut owner: HashMap<usize, Option<&Vec<usize>>> = HashMap::new();
            for (cells, _) in triangles.iter().zip(&is_cholesky).filter(|(_, cholesky)| !**cholesky) {
                cells.iter().flatten().flatten().for_each(|&p| {
                    owner.insert(p, None);
                });
            }
            let mut changed = false;
            for (k, cells) in triangles.iter().enumerate() {
                if !is_cholesky[k] {
                    continue;
                }
                for ids in cells.iter().flatten() {
                    for p in ids {
                        if *owner.entry(*p).or_insert(Some(ids)) != Some(ids) {
                            is_cholesky[k] = false;
                            changed = true;
                        }
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let mut blocks: Vec<CholeskyBlock> = vec![];
        for (k, cells) in triangles.iter().enumerate().filter(|(k, _)| is_cholesky[*k]) {
            for ids in cells.iter().flatten() {
                let block = CholeskyBlock { dim: plan.blocks[k].latents.len(), parameters: ids.clone() };
                if !blocks.contains(&block) {
                    blocks.push(block);
                }
            }
        }
        Working { is_cholesky, blocks }
    }

    /// Natural parameters to working ones. Returns false where a covariance matrix is not positive semi-definite.
    pub fn to_working(&self, natural: &[f64]) -> Option<Vec<f64>> {
        let mut out = natural.to_vec();
        for b in &self.blocks {
            let l = semidefinite_cholesky(&b.parameters.iter().map(|&p| natural[p]).collect::<Vec<_>>(), b.dim)?;
            for (&p, v) in b.parameters.iter().zip(l) {
                out[p] = v;
            }
        }
        Some(out)
    }

    pub fn to_natural(&self, working: &[f64]) -> Vec<f64> {
        let mut out = working.to_vec();
        for b in &self.blocks {
            for i in 0..b.dim {
                for j in 0..=i {
                    let sum = (0..=j).map(|k| working[b.at(i, k)] * working[b.at(j, k)]).sum();
                    out[b.at(i, j)] = sum;
                }
            }
        }
        out
    }

    /// ∂ natural / ∂ working for the parameters of the Cholesky blocks: (row natural, column working, derivative).
    pub fn jacobian(&self, working: &[f64]) -> Vec<(usize, usize, f64)> {
        let mut out = vec![];
        for b in &self.blocks {
            for i in 0..b.dim {
                for j in 0..=i {
                    for k in 0..=j {
                        // ψ_ij = Σ_k L_ik L_jk
                        out.push((b.at(i, j), b.at(i, k), working[b.at(j, k)]));
                        out.push((b.at(i, j), b.at(j, k), working[b.at(i, k)]));
                    }
                }
            }
        }
        out
    }
}

impl CholeskyBlock {
    pub fn at(&self, i: usize, j: usize) -> usize {
        self.parameters[i * (i + 1) / 2 + j]
    }
}

/// Free and without bounds that the Cholesky factor could not respect.
fn open(model: &Model, p: usize) -> bool {
    let p = &model.parameters[p];
    p.free && p.lower <= 0.0 && p.upper == f64::INFINITY
}

fn distinct(ids: &[usize]) -> bool {
    ids.iter().enumerate().all(|(i, p)| !ids[..i].contains(p))
}

/// Parameters that also appear outside latent (co)variances, or in a linear constraint.
fn used_elsewhere(model: &Model, plan: &Plan) -> Vec<bool> {
    let mut used = vec![false; model.parameters.len()];
    let predictors = model
        .classes
        .iter()
        .flat_map(|c| &c.logits)
        .chain(model.latents.iter().map(|l| &l.predictor))
        .chain(model.outcomes.iter().flat_map(|o| &o.predictors));
    for t in predictors.flat_map(|p| &p.terms) {
        t.coefficient.parameters().iter().for_each(|&p| used[p] = true);
    }
    for a in model.outcomes.iter().flat_map(|o| &o.auxiliary) {
        a.parameters().iter().for_each(|&p| used[p] = true);
    }
    for (k, c) in model.covariances.iter().enumerate() {
        if !plan.blocks.iter().any(|b| b.covariances.contains(&Some(k))) {
            c.value.parameters().iter().for_each(|&p| used[p] = true);
        }
    }
    model.constraints.iter().flat_map(|c| &c.weights).for_each(|(p, _)| used[*p] = true);
    used
}

/// Cholesky factor (lower triangle, row by row) of a positive semi-definite matrix given the same way.
pub fn semidefinite_cholesky(triangle: &[f64], dim: usize) -> Option<Vec<f64>> {
    let at = |i: usize, j: usize| i * (i + 1) / 2 + j;
    let mut l = vec![0.0; triangle.len()];
    for i in 0..dim {
        for j in 0..=i {
            let rest: f64 = triangle[at(i, j)] - (0..j).map(|k| l[at(i, k)] * l[at(j, k)]).sum::<f64>();
            if i == j {
                if rest < -1e-10 * triangle[at(i, i)].abs() {
                    return None;
                }
                l[at(i, i)] = rest.max(0.0).sqrt();
            } else if l[at(j, j)] > 0.0 {
                l[at(i, j)] = rest / l[at(j, j)];
            } else if rest * rest > 1e-16 * triangle[at(i, i)].abs() * triangle[at(j, j)].abs() {
                return None;
            }
        }
    }
    Some(l)
}
