//! Joint normal density of several gaussian outcomes, analytic within latents integrated out:
//! y ~ N(μ, A Aᵀ + Θ), with exact scores and the expected information
//! I_st = ∂μ_sᵀ Σ⁻¹ ∂μ_t + ½ tr(Σ⁻¹ ∂Σ_s Σ⁻¹ ∂Σ_t).

use super::accumulator::SlotSums;
use super::predictor::{Affine, At, Point, Workspace};
use super::table::{evaluate_predictors, Layout};
use crate::compiled::factor::{residual_covariances, Factor, NONE};
use crate::linalg::{cholesky_in_place, invert_from_cholesky, log_det_from_cholesky, solve_lower};
use crate::spec::CovarianceOf;

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// Residual (co)variances of the observed outcomes at the current class cell.
pub(super) struct Theta {
    /// [p × p]
    pub value: Vec<f64>,
    /// Free parameters: (slot, i, j).
    pub entries: Vec<(usize, usize, usize)>,
}

/// Outcomes of the group that are observed in the design's row.
pub(super) fn observed(point: &Point, group: &[usize], row: usize) -> Vec<usize> {
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

pub(super) fn evaluate(point: &Point, outcomes: &[usize], at: &At, w: &mut Workspace) {
    let all = &point.program.model.outcomes;
    evaluate_predictors(point, outcomes.iter().map(|&o| &all[o].predictors[0]), at, w);
}

/// Posterior of the analytic between residuals that the outcomes also depend on, their components after `n_within`.
#[derive(Clone, Copy)]
pub(super) struct Between<'a> {
    pub mean: &'a [f64],
    /// [r × r]
    pub covariance: &'a [f64],
}

/// Σ = A Aᵀ + Θ at node q over the first `n_within` analytic components, [p × p].
pub(super) fn covariance(predictors: &[Affine], theta: &Theta, n_within: usize, q: usize) -> Vec<f64> {
    let p = predictors.len();
    let mut sigma = theta.value.clone();
    if let Some(first) = predictors.first() {
        let n = first.n;
        for c in 1..=n_within {
            for i in 0..p {
                for j in 0..p {
                    sigma[i * p + j] += predictors[i].value[c * n + q] * predictors[j].value[c * n + q];
                }
            }
        }
    }
    sigma
}

fn nodes_change_covariance(predictors: &[Affine]) -> bool {
    predictors.iter().any(|a| {
        a.n > 1 && (1..a.components).any(|c| a.value[c * a.n + 1..(c + 1) * a.n].iter().any(|v| *v != a.value[c * a.n]))
    })
}

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
    let outcomes = observed(point, group, f.patterns.row[values.0] as usize);
    let Some(theta) = theta(point, &outcomes, &w.state, &f.slot_of) else { return false };
    evaluate(point, &outcomes, at, w);
    let p = outcomes.len();
    let predictors = &w.predictors[..p];
    let varies = nodes_change_covariance(predictors);
    let columns: Vec<&[f64]> =
        outcomes.iter().map(|&o| &point.program.sample.columns[point.program.model.outcomes[o].column][..]).collect();
    let mut chol = vec![];
    let mut constant = 0.0;
    let mut r = vec![0.0; p];
    for q in 0..layout.n_nodes {
        if q == 0 || varies {
            chol = covariance(predictors, &theta, f.analytic.len(), q);
            if !cholesky_in_place(&mut chol, p) {
                return false;
            }
            constant = -0.5 * (p as f64 * LOG_2_PI + log_det_from_cholesky(&chol, p));
        }
        for v in values.0..values.1 {
            let row = f.patterns.row[v] as usize;
            for i in 0..p {
                r[i] = columns[i][row] - predictors[i].value[q];
            }
            solve_lower(&chol, p, &mut r);
            let quadratic: f64 = r.iter().map(|x| x * x).sum();
            table[layout.start(v - first, cell.0, cell.1) + q] = constant - 0.5 * quadratic;
        }
    }
    true
}

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
    let outcomes = observed(point, group, f.patterns.row[values.0] as usize);
    let Some(theta) = theta(point, &outcomes, &w.state, &f.slot_of) else { return };
    evaluate(point, &outcomes, at, w);
    let p = outcomes.len();
    let predictors = &w.predictors[..p];
    let columns: Vec<&[f64]> =
        outcomes.iter().map(|&o| &point.program.sample.columns[point.program.model.outcomes[o].column][..]).collect();
    let (mut r, mut first_moment, mut second) = (vec![0.0; p], vec![0.0; p], vec![0.0; p * p]);
    for q in 0..layout.n_nodes {
        let mut total = 0.0;
        first_moment.fill(0.0);
        second.fill(0.0);
        for v in values.0..values.1 {
            let weight = weights[layout.start(v - first, cell.0, cell.1) + q];
            if weight == 0.0 {
                continue;
            }
            let row = f.patterns.row[v] as usize;
            for i in 0..p {
                r[i] = columns[i][row] - predictors[i].value[q];
            }
            total += weight;
            for i in 0..p {
                first_moment[i] += weight * r[i];
                for j in 0..=i {
                    second[i * p + j] += weight * r[i] * r[j];
                }
            }
        }
        if total > 0.0 {
            for i in 0..p {
                for j in 0..i {
                    second[j * p + i] = second[i * p + j];
                }
            }
            add_node(predictors, &theta, f.analytic.len(), q, total, &first_moment, &second, None, sums);
        }
    }
}

/// Score of one value pattern at one node, by slot.
#[allow(clippy::too_many_arguments)]
pub(super) fn score(
    point: &Point,
    group: &[usize],
    f: &Factor,
    at: &At,
    value: usize,
    q: usize,
    w: &mut Workspace,
    sums: &mut SlotSums,
) {
    let row = f.patterns.row[value] as usize;
    let outcomes = observed(point, group, row);
    let Some(theta) = theta(point, &outcomes, &w.state, &f.slot_of) else { return };
    evaluate(point, &outcomes, at, w);
    let predictors = &w.predictors[..outcomes.len()];
    let model = &point.program.model;
    let r: Vec<f64> = outcomes
        .iter()
        .zip(predictors)
        .map(|(&o, p)| point.program.sample.columns[model.outcomes[o].column][row] - p.value[q])
        .collect();
    let second: Vec<f64> = r.iter().flat_map(|a| r.iter().map(move |b| a * b)).collect();
    add_node(predictors, &theta, f.analytic.len(), q, 1.0, &r, &second, None, sums);
}

/// Scores and information from Σ w, Σ w r, Σ w r rᵀ (expectations over the between residuals, if any) at one node.
#[allow(clippy::too_many_arguments)]
pub(super) fn add_node(
    predictors: &[Affine],
    theta: &Theta,
    n_within: usize,
    q: usize,
    total: f64,
    first_moment: &[f64],
    second: &[f64],
    between: Option<Between>,
    sums: &mut SlotSums,
) {
    let p = predictors.len();
    let sigma = covariance(predictors, theta, n_within, q);
    let mut chol = sigma.clone();
    if !cholesky_in_place(&mut chol, p) {
        return;
    }
    let mut inverse = vec![0.0; p * p];
    invert_from_cholesky(&chol, p, &mut inverse);
    let pull: Vec<f64> = (0..p).map(|i| (0..p).map(|j| inverse[i * p + j] * first_moment[j]).sum()).collect();
    let excess: Vec<f64> = second.iter().zip(&sigma).map(|(s, g)| s - total * g).collect();
    let g: Vec<f64> = multiply(&multiply(&inverse, &excess, p), &inverse, p).iter().map(|v| 0.5 * v).collect();
    let mut slots: Vec<u32> = predictors
        .iter()
        .flat_map(|a| a.slots.iter().copied())
        .chain(theta.entries.iter().map(|e| e.0 as u32))
        .collect();
    slots.sort_unstable();
    slots.dedup();
    // V⁻¹ A_b C: pairs with ∂A_b
    let n_between = between.map_or(0, |b| b.mean.len());
    let loading = |a: &Affine, k: usize| a.value[(1 + n_within + k) * a.n + q];
    let mut spread = vec![0.0; p * n_between];
    if let Some(b) = between {
        for i in 0..p {
            for k in 0..n_between {
                let ac: f64 = (0..p)
                    .map(|j| {
                        inverse[i * p + j]
                            * (0..n_between)
                                .map(|l| loading(&predictors[j], l) * b.covariance[l * n_between + k])
                                .sum::<f64>()
                    })
                    .sum();
                spread[i * n_between + k] = ac;
            }
        }
    }
    let mut derivatives: Vec<SlotDerivative> = vec![];
    for &s in &slots {
        let d = SlotDerivative::new(s, predictors, theta, n_within, q, between);
        let mut v = d.mean.iter().zip(&pull).map(|(a, b)| a * b).sum::<f64>()
            + g.iter().zip(&d.covariance).map(|(a, b)| a * b).sum::<f64>();
        v -= total * d.loadings.iter().zip(&spread).map(|(a, b)| a * b).sum::<f64>();
        sums.gradient[s as usize] += v;
        derivatives.push(d);
    }
    if !sums.want_information {
        return;
    }
    for d in derivatives.iter_mut() {
        if d.covariance.iter().any(|v| *v != 0.0) {
            d.scaled = Some(multiply(&inverse, &d.covariance, p));
        }
    }
    for (a, x) in derivatives.iter().enumerate() {
        for (b, y) in derivatives[..=a].iter().enumerate() {
            let mut v = 0.0;
            for i in (0..p).filter(|&i| x.mean[i] != 0.0) {
                v += x.mean[i] * (0..p).map(|j| inverse[i * p + j] * y.mean[j]).sum::<f64>();
            }
            if let (Some(x), Some(y)) = (&x.scaled, &y.scaled) {
                v += 0.5 * (0..p * p).map(|e| x[e] * y[(e % p) * p + e / p]).sum::<f64>();
            }
            if let Some(between) = between {
                // tr(∂A_s C ∂A_tᵀ V⁻¹)
                for (i, k) in (0..p * n_between)
                    .map(|e| (e / n_between, e % n_between))
                    .filter(|(i, k)| x.loadings[i * n_between + k] != 0.0)
                {
                    for j in 0..p {
                        let yc: f64 = (0..n_between)
                            .map(|l| y.loadings[j * n_between + l] * between.covariance[l * n_between + k])
                            .sum();
                        v += x.loadings[i * n_between + k] * yc * inverse[i * p + j];
                    }
                }
            }
            if v != 0.0 {
                sums.add_information(slots[a] as usize, slots[b] as usize, total * v);
            }
        }
    }
}

/// Derivative of mean, Σ and between loadings by one parameter.
struct SlotDerivative {
    /// ∂μ + ∂A_b E(z), [p]
    mean: Vec<f64>,
    /// ∂Σ, [p × p]
    covariance: Vec<f64>,
    /// ∂A_b, [p × r]
    loadings: Vec<f64>,
    /// Σ⁻¹ ∂Σ where it is not zero
    scaled: Option<Vec<f64>>,
}

impl SlotDerivative {
    fn new(
        slot: u32,
        predictors: &[Affine],
        theta: &Theta,
        n_within: usize,
        q: usize,
        between: Option<Between>,
    ) -> SlotDerivative {
        let p = predictors.len();
        let r = between.map_or(0, |b| b.mean.len());
        let mut out = SlotDerivative {
            mean: vec![0.0; p],
            covariance: vec![0.0; p * p],
            loadings: vec![0.0; p * r],
            scaled: None,
        };
        for (i, a) in predictors.iter().enumerate() {
            let Some(e) = a.slots.iter().position(|x| *x == slot) else { continue };
            let d = a.derivative_of(e);
            out.mean[i] = d[q];
            for c in 1..=n_within {
                let da = d[c * a.n + q];
                if da != 0.0 {
                    for (j, b) in predictors.iter().enumerate() {
                        let v = da * b.value[c * b.n + q];
                        out.covariance[i * p + j] += v;
                        out.covariance[j * p + i] += v;
                    }
                }
            }
            if let Some(b) = between {
                for k in 0..r {
                    let da = d[(1 + n_within + k) * a.n + q];
                    out.loadings[i * r + k] = da;
                    out.mean[i] += da * b.mean[k];
                }
            }
        }
        for &(_, i, j) in theta.entries.iter().filter(|e| e.0 as u32 == slot) {
            out.covariance[i * p + j] += 1.0;
            if i != j {
                out.covariance[j * p + i] += 1.0;
            }
        }
        out
    }
}

fn multiply(a: &[f64], b: &[f64], p: usize) -> Vec<f64> {
    (0..p * p).map(|x| (0..p).map(|k| a[(x / p) * p + k] * b[k * p + x % p]).sum()).collect()
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
