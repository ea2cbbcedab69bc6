//! Joint normal density of several gaussian outcomes of a unit, analytic within latents integrated out:
//! y ~ N(B X, V), V = A Aᵀ + Θ, X the factor's columns; with exact scores and the expected information.
//!
//! Rows of one design share V (its Cholesky factor is worked out once per cell, and per node where loadings vary with
//! nodes); they are taken in blocks, so that the inner loops run over rows. Scores are contracted once per cell and
//! node, from Σ w r, Σ w r rᵀ and Σ w r Xᵀ of the residuals r = y − B X.

use super::accumulator::SlotSums;
use super::coefficients::{self, Frame};
use super::expected_information::{self, Part};
use super::joint_normal::{dot, Derivatives, Joint, ScoreMoments, Source, Theta};
use super::predictor::{Affine, At, Point, Workspace};
use super::row_block::{Moments, RowBlock, BLOCK};
use super::table::{evaluate_predictors, Layout};
use crate::compiled::factor::{residual_covariances, Factor, NONE};
use crate::linalg::{cholesky_in_place, invert_from_cholesky, solve_lower};
use crate::spec::CovarianceOf;

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// Outcomes of the group that are observed in the design's row.
fn observed(point: &Point, group: &[usize], row: usize) -> Vec<usize> {
    let p = point.program;
    group.iter().copied().filter(|&o| !p.sample.columns[p.model.outcomes[o].column][row].is_nan()).collect()
}

/// `None` where a residual variance is not positive.
pub(super) fn theta(point: &Point, outcomes: &[usize], state: &[usize], slot_of: &[u32]) -> Option<Theta> {
    let model = &point.program.model;
    let p = outcomes.len();
    let mut t = Theta { value: vec![0.0; p * p], entries: vec![] };
    let mut put = |i: usize, j: usize, c: &crate::spec::Coefficient| {
        let v = c.value(state, point.parameters);
        t.value[i * p + j] = v;
        t.value[j * p + i] = v;
        if let Some(slot) = c.parameter(state).map(|q| slot_of[q]).filter(|s| *s != NONE) {
            t.entries.push((slot as usize, i, j));
        }
        v
    };
    for (i, &o) in outcomes.iter().enumerate() {
        if put(i, i, &model.outcomes[o].auxiliary[0]) <= 0.0 {
            return None;
        }
    }
    for c in residual_covariances(model, outcomes) {
        let CovarianceOf::Outcomes(a, b) = model.covariances[c].of else { continue };
        let place = |o: usize| outcomes.iter().position(|&x| x == o).unwrap_or(0);
        put(place(a), place(b), &model.covariances[c].value);
    }
    Some(t)
}

/// Buffers that evaluations reuse.
#[derive(Default)]
pub(crate) struct Buffers {
    coefficients: Vec<Affine>,
    joint: Joint,
    derivatives: Derivatives,
    score: ScoreMoments,
    moments: Moments,
    block: RowBlock,
}

/// A design's distribution in one cell.
struct Design<'a> {
    f: &'a Factor,
    /// Positions in the group of what is observed.
    observed: Vec<usize>,
    theta: Theta,
    x: Vec<f64>,
    /// Columns of the data and centres of the observed outcomes.
    columns: Vec<(&'a [f64], f64)>,
}

impl<'a> Design<'a> {
    fn new(point: &Point<'a>, group: &[usize], f: &'a Factor, row: usize, state: &[usize]) -> Option<Self> {
        let (sample, model) = (&point.program.sample, &point.program.model);
        let linear = f.linear.as_ref()?;
        let column = |i: usize| &sample.columns[model.outcomes[group[i]].column][..];
        let observed: Vec<usize> = (0..group.len()).filter(|&i| !column(i)[row].is_nan()).collect();
        let outcomes: Vec<usize> = observed.iter().map(|&i| group[i]).collect();
        let theta = theta(point, &outcomes, state, &f.slot_of)?;
        let mut x = vec![0.0; linear.n_columns];
        linear.fill_x(&sample.columns, row, &mut x);
        let columns = observed.iter().map(|&i| (column(i), linear.outcome_centre[i])).collect();
        Some(Design { f, observed, theta, x, columns })
    }

    fn source<'b>(&'b self, coefficients: &'b [Affine]) -> Source<'b> {
        Source {
            coefficients,
            observed: &self.observed,
            n_within: self.f.analytic.len(),
            n_between: 0,
            m: self.x.len(),
            theta: &self.theta,
            x: &self.x,
        }
    }

    /// Reads the rows of some values.
    fn read(&self, point: &Point, rows: &[u32], block: &mut RowBlock) {
        let columns = &point.program.sample.columns;
        block.read(rows, &self.columns, self.x.len(), |row, x| {
            if let Some(linear) = &self.f.linear {
                linear.fill_x(columns, row, x);
            }
        });
    }
}

fn frame<'a>(f: &'a Factor, derivatives: bool) -> Frame<'a> {
    Frame { slot_of: &f.slot_of, n_between: 0, derivatives }
}

/// Log densities of the values at every node.
#[allow(clippy::too_many_arguments)]
pub fn fill(
    point: &Point,
    group: &[usize],
    f: &Factor,
    at: &At,
    values: (usize, usize),
    first: usize,
    layout: &Layout,
    cell: (usize, usize),
    w: &mut Workspace,
    table: &mut [f64],
) -> bool {
    let Some(design) = Design::new(point, group, f, at.row, &w.state) else { return false };
    let mut buffers = std::mem::take(&mut w.gaussian);
    coefficients::evaluate(point, f, frame(f, false), w, &mut buffers.coefficients);
    let Buffers { coefficients, joint, block, .. } = &mut buffers;
    let source = design.source(coefficients);
    let varies = source.covariance_varies();
    let mut ok = true;
    let mut constant = 0.0;
    let mut quadratic = [0.0; BLOCK];
    for q in 0..layout.n_nodes {
        if q == 0 || varies {
            ok = joint.set_covariance(&source, q);
            if !ok {
                break;
            }
            constant = -0.5 * (joint.p as f64 * LOG_2_PI + joint.log_det);
        }
        joint.set_mean(&source, q);
        for v in (values.0..values.1).step_by(BLOCK) {
            let rows = &f.patterns.row[v..(v + BLOCK).min(values.1)];
            if q == 0 || values.1 - values.0 > BLOCK {
                design.read(point, rows, block);
            }
            block.quadratic(joint, &mut quadratic);
            for (k, quadratic) in quadratic[..rows.len()].iter().enumerate() {
                table[layout.start(v + k - first, cell.0, cell.1) + q] = constant - 0.5 * quadratic;
            }
        }
    }
    w.gaussian = buffers;
    ok
}

/// Scores and information from posterior weights.
#[allow(clippy::too_many_arguments)]
pub fn contract(
    point: &Point,
    group: &[usize],
    f: &Factor,
    at: &At,
    values: (usize, usize),
    first: usize,
    layout: &Layout,
    cell: (usize, usize),
    w: &mut Workspace,
    weights: &[f64],
    sums: &mut SlotSums,
) {
    let Some(design) = Design::new(point, group, f, at.row, &w.state) else { return };
    let mut buffers = std::mem::take(&mut w.gaussian);
    coefficients::evaluate(point, f, frame(f, true), w, &mut buffers.coefficients);
    let Buffers { coefficients, joint, derivatives, score, moments, block } = &mut buffers;
    let source = design.source(coefficients);
    let varies = source.covariance_varies();
    let (p, m) = (source.observed.len(), source.m);
    for q in 0..layout.n_nodes {
        if (q == 0 || varies) && !joint.set_covariance(&source, q) {
            break;
        }
        joint.set_mean(&source, q);
        moments.reset(p, m, sums.want_information);
        for v in (values.0..values.1).step_by(BLOCK) {
            let rows = &f.patterns.row[v..(v + BLOCK).min(values.1)];
            if q == 0 || values.1 - values.0 > BLOCK {
                design.read(point, rows, block);
            }
            let weight = |k: usize| weights[layout.start(v + k - first, cell.0, cell.1) + q];
            if block.weigh((0..rows.len()).map(weight)) > 0.0 {
                block.add_moments(joint, moments);
            }
        }
        if moments.n() > 0.0 {
            derivatives.set(&source, q);
            if sums.want_information {
                let mut xx = vec![0.0; m * m];
                moments.xx(m, &mut xx);
                let part = Part { joint, derivatives, n: moments.n(), xx: &xx };
                expected_information::add(&[part], &[], 1.0, sums);
            }
            score.reset(joint);
            score.n = moments.n();
            moments.g(&mut score.g);
            moments.r(p, &mut score.r);
            score.contract(joint, derivatives, sums);
        }
    }
    w.gaussian = buffers;
}

/// Scores of every value at every node: calls `each(value, node, score by slot)`.
#[allow(clippy::too_many_arguments)]
pub(super) fn scores(
    point: &Point,
    group: &[usize],
    f: &Factor,
    at: &At,
    values: (usize, usize),
    n_nodes: usize,
    w: &mut Workspace,
    mut each: impl FnMut(usize, usize, &[f64]),
) {
    let Some(design) = Design::new(point, group, f, at.row, &w.state) else { return };
    let mut buffers = std::mem::take(&mut w.gaussian);
    coefficients::evaluate(point, f, frame(f, true), w, &mut buffers.coefficients);
    let Buffers { coefficients, joint, derivatives, block, .. } = &mut buffers;
    let source = design.source(coefficients);
    let mut out = vec![0.0; f.parameters.len()];
    for q in 0..n_nodes {
        if !joint.set_covariance(&source, q) {
            break;
        }
        joint.set_mean(&source, q);
        derivatives.set(&source, q);
        let p = joint.p;
        let (mut residual, mut pull) = (vec![0.0; p], vec![0.0; p]);
        for v in (values.0..values.1).step_by(BLOCK) {
            let rows = &f.patterns.row[v..(v + BLOCK).min(values.1)];
            design.read(point, rows, block);
            for k in 0..rows.len() {
                block.residual(joint, k, &mut residual);
                // V⁻¹ r
                for (i, pull) in pull.iter_mut().enumerate() {
                    *pull = dot(&joint.inverse[i * p..(i + 1) * p], &residual);
                }
                out.fill(0.0);
                for e in &derivatives.mean {
                    out[e.slot as usize] += e.value * pull[e.i] * block.column(joint.m, e.m, k);
                }
                for e in &derivatives.covariance {
                    let twice = if e.i == e.j { 0.5 } else { 1.0 };
                    out[e.slot as usize] += twice * e.value * (pull[e.i] * pull[e.j] - joint.inverse[e.i * p + e.j]);
                }
                each(v + k, q, &out);
            }
        }
    }
    w.gaussian = buffers;
}

fn evaluate(point: &Point, outcomes: &[usize], at: &At, w: &mut Workspace) {
    let all = &point.program.model.outcomes;
    evaluate_predictors(point, outcomes.iter().map(|&o| &all[o].predictors[0]), at, w);
}

/// Posterior of the within residuals z of a group at one node, given the between residuals:
/// z | y, z_b ~ N(K (r − A_b z_b), S).
pub struct ResidualPosterior {
    /// K r, [k]
    pub mean: Vec<f64>,
    /// K A_b, [k × r]
    pub between: Vec<f64>,
    /// S, [k × k]
    pub covariance: Vec<f64>,
}

/// `None` where nothing of the group is observed or a variance is not positive.
pub fn residual_posterior(
    point: &Point,
    group: &[usize],
    at: &At,
    n_between: usize,
    q: usize,
    w: &mut Workspace,
) -> Option<ResidualPosterior> {
    let outcomes = observed(point, group, at.row);
    let k = at.components.within.len();
    if outcomes.is_empty() || k == 0 {
        return None;
    }
    let theta = theta(point, &outcomes, &w.state, at.slot_of)?;
    evaluate(point, &outcomes, at, w);
    let p = outcomes.len();
    let model = &point.program.model;
    let a = |i: usize, c: usize| w.predictors[i].value[c * w.predictors[i].n + q];
    let mut chol = theta.value;
    if !cholesky_in_place(&mut chol, p) {
        return None;
    }
    let whiten = |mut v: Vec<f64>| {
        solve_lower(&chol, p, &mut v);
        v
    };
    let r = whiten(
        (0..p).map(|i| point.program.sample.columns[model.outcomes[outcomes[i]].column][at.row] - a(i, 0)).collect(),
    );
    let loadings: Vec<Vec<f64>> = (0..k + n_between).map(|c| whiten((0..p).map(|i| a(i, 1 + c)).collect())).collect();
    let inner = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let mut m: Vec<f64> =
        (0..k * k).map(|e| inner(&loadings[e / k], &loadings[e % k]) + f64::from(u8::from(e / k == e % k))).collect();
    if !cholesky_in_place(&mut m, k) {
        return None;
    }
    let mut covariance = vec![0.0; k * k];
    invert_from_cholesky(&m, k, &mut covariance);
    let apply = |v: &[f64]| -> Vec<f64> {
        (0..k).map(|i| (0..k).map(|j| covariance[i * k + j] * inner(&loadings[j], v)).sum()).collect()
    };
    let mean = apply(&r);
    let columns: Vec<Vec<f64>> = (0..n_between).map(|b| apply(&loadings[k + b])).collect();
    let between = (0..k * n_between).map(|e| columns[e % n_between][e / n_between]).collect();
    Some(ResidualPosterior { mean, between, covariance })
}
