//! The end of a fit: observed information at the maximum, Newton steps to the last digit, and what is at a boundary or
//! not identified.

use super::closed_form;
use super::covariance::{identification, invert_kept, sandwich, silent, WEAK};
use super::information::{observed_information, DOUBTFUL};
use super::scores::cross_product;
use super::separation::separated;
use crate::em::options::{Options, StandardErrors};
use crate::em::prepared::Prepared;
use crate::em::problem::{Monitor, Problem};
use crate::em::search::Found;
use crate::em::space::Space;
use crate::error::{EngineError, Result};
use crate::optim::differences::{without, At};
use crate::optim::maximise::{maximise, Manner, Maximum, Settings, Status};
use crate::optim::{active_set, dot, Objective};

/// Newton steps after the search.
const NEWTON_ROUNDS: usize = 3;
/// Newton decrement from which steps with one information matrix lead to the maximum.
const NEAR: f64 = 1e-6;
/// Newton decrement from which the maximum is so near that the information matrix there is the same; where it has a
/// closed form it is cheap enough to be worked out again sooner.
const SAME: f64 = 2e-9;
const SAME_EXACT: f64 = 1e-10;
/// Newton decrement for each independent unit at which the scores' cross-products are the same: off by less than 1e-7.
const SAME_SCORES: f64 = 1e-14;
/// Share of the decrement that one Newton step leaves where the information is the same at its end: a relative change c of
/// it along the step leaves c² / 4.
const STRAIGHT: f64 = 1e-7;
/// Newton steps with one information matrix.
const FEW_STEPS: usize = 5;
/// Share of its limit from which a logit may be on its way there.
const FAR: f64 = 0.8;
/// Clusters for each parameter from which the scores' cross-products say what is identified.
const ENOUGH_CLUSTERS: usize = 3;
/// Newton decrement (about twice the log-likelihood still to be gained) that counts as a maximum.
const CONFIRMED: f64 = 1e-5;

/// What inference found at the maximum, in optimiser coordinates.
pub struct Inference {
    pub held: Vec<bool>,
    pub flat: Vec<bool>,
    pub saddle: bool,
    pub information: Option<Vec<f64>>,
    pub cross_product: Option<Vec<f64>>,
    /// For the standard errors asked for, NaN rows where there are none.
    pub vcov: Option<Vec<f64>>,
    pub scaling: f64,
}

/// Observed information at the maximum, Newton steps until its decrement is small, and the covariance matrices.
pub fn infer(prepared: &Prepared, found: &mut Found, options: &Options, monitor: &dyn Monitor) -> Result<Inference> {
    let Prepared { program, space, .. } = prepared;
    let n = space.dim();
    let m = &mut found.best.maximum;
    let problem = Problem::new(program, space, &found.best.nodes, monitor);
    let singular = &found.best.singular;
    let mut out = Inference {
        held: held(&problem, m, singular),
        flat: vec![false; n],
        saddle: false,
        information: None,
        cross_product: None,
        vcov: None,
        scaling: f64::NAN,
    };
    if options.se == StandardErrors::None || n == 0 {
        return Ok(out);
    }
    let prior = space.prior_precision();
    let mut information = vec![];
    let mut unit_scores = None;
    let mut weakest = 0.0;
    for round in 0..=NEWTON_ROUNDS {
        m.value = problem.evaluate(&m.x, true);
        found.evaluations += 1;
        let scale = m.value.scale();
        out.held = held(&problem, m, singular);
        let certain = separated(program, space, &found.best.nodes, &space.to_working(&m.x));
        out.held.iter_mut().zip(certain).for_each(|(h, s)| *h |= s);
        let exact = closed_form::information(program, space, &found.best.nodes, &m.x);
        let is_exact = exact.is_some();
        let closed = exact.map(|e| {
            unit_scores = e.scores;
            without(plus(e.information, &prior), &out.held)
        });
        let id;
        (information, id) = match closed {
            Some(i) => {
                let id = identification(&i, n, &out.held, &scale);
                (i, id)
            }
            None => {
                let at = At { x: &m.x, gradient: &m.value.gradient, scale: &scale, held: &out.held };
                let observed = observed_information(&problem, at);
                found.evaluations += observed.evaluations;
                (observed.information, observed.identified)
            }
        };
        if monitor.cancelled() {
            return Err(EngineError::Interrupted);
        }
        if round < NEWTON_ROUNDS && run_to_limits(space, m, &information, &out.held) {
            continue;
        }
        (out.flat, out.saddle, weakest) = (id.flat, id.saddle, id.smallest);
        let kept: Vec<bool> = (0..n).map(|i| !out.held[i] && !out.flat[i]).collect();
        let Some(inverse) = invert_kept(&information, n, &kept) else { break };
        let step = newton_step(&inverse, &m.value.gradient, &kept);
        m.decrement = dot(&step, &m.value.gradient);
        // a gradient that is not quite zero curves flat directions: where one is in doubt, climb to the last bit
        let enough = if id.smallest < DOUBTFUL { 1e-20 } else { options.tolerance };
        let before = m.decrement;
        let near_enough = if is_exact { enough.min(SAME_EXACT) } else { enough };
        if before > near_enough && before < NEAR && m.status != Status::MaxIterations {
            let steps = newton_steps(&problem, m, &inverse, &kept, near_enough);
            found.evaluations += steps;
            unit_scores = unit_scores.filter(|_| before <= SAME_EXACT);
            let same = if is_exact { SAME_EXACT } else { SAME };
            let straight = !is_exact && steps == 1 && m.decrement.abs() <= STRAIGHT * before;
            if before > same && !straight && m.decrement <= enough && round < NEWTON_ROUNDS {
                continue;
            }
        }
        let g = &m.value.gradient;
        let step = newton_step(&inverse, g, &kept);
        let target: Vec<f64> = m.x.iter().zip(&step).map(|(x, s)| x + s).collect();
        if m.decrement.abs() <= enough || m.status == Status::MaxIterations || round == NEWTON_ROUNDS {
            // the last Newton step squares the error: estimates to the digits that others print
            if m.decrement.abs() <= enough {
                let last = problem.evaluate(&target, false);
                let shorter = dot(&last.gradient, &last.gradient) < dot(g, g);
                if last.f.is_finite() && last.f >= m.value.f - 1e-12 * m.value.f.abs() && shorter {
                    (m.x, m.value.f, m.value.gradient) = (target, last.f, last.gradient);
                }
            }
            break;
        }
        // Newton finish; where it cannot improve, climb again from here
        let f = problem.evaluate(&target, false).f;
        let from = if f.is_finite() && f >= m.value.f - 1e-12 * m.value.f.abs() { target } else { m.x.clone() };
        let again = maximise(
            &problem,
            from,
            Settings { max_iterations: 200, tolerance: options.tolerance * 1e-2, manner: Manner::FromAfar },
        );
        m.iterations += again.iterations;
        m.evaluations += again.evaluations;
        if !again.value.f.is_finite() || again.value.f < m.value.f - 1e-9 * m.value.f.abs() {
            break;
        }
        m.x = again.x;
    }
    if m.status != Status::MaxIterations {
        m.status = if m.decrement.abs() <= CONFIRMED { Status::Converged } else { Status::Stalled };
    }
    let mut kept: Vec<bool> = (0..n).map(|i| !out.held[i] && !out.flat[i]).collect();
    let alone = options.robust_cluster.is_none();
    let same = m.decrement.abs() < SAME_SCORES * program.units.n_clusters() as f64;
    let cross = unit_scores
        .filter(|_| alone && same)
        .unwrap_or_else(|| cross_product(program, space, &found.best.nodes, &m.x, options.robust_cluster.as_deref()));
    // a prior is one more independent observation, in robust errors too
    let cross = plus(cross, &prior);
    let enough_clusters = program.sample.n_clusters > ENOUGH_CLUSTERS * kept.iter().filter(|k| **k).count();
    if alone && enough_clusters && weakest < WEAK {
        let silent = silent(&information, &cross, n, &kept);
        for (i, _) in silent.iter().enumerate().filter(|(_, s)| **s) {
            (out.flat[i], kept[i]) = (true, false);
        }
    }
    if let Some(inverse) = invert_kept(&information, n, &kept) {
        out.scaling = scaling_factor(&inverse, &cross, &out.held, &kept);
        out.vcov = match options.se {
            StandardErrors::Robust => Some(sandwich(&inverse, &cross, n, &kept)),
            StandardErrors::Opg => invert_kept(&cross, n, &kept),
            _ => Some(inverse),
        };
    }
    out.information = Some(information);
    out.cross_product = Some(cross);
    Ok(out)
}

/// Coordinates at a bound, or of covariance matrices (their parameters: `singular`) that are singular.
fn held(problem: &Problem, m: &Maximum, singular: &[usize]) -> Vec<bool> {
    let mut out = active_set(problem, &m.x, &m.value.gradient);
    let at_edge = problem.space.columns.iter().map(|c| c.iter().any(|(p, _)| singular.contains(p)));
    out.iter_mut().zip(at_edge).for_each(|(h, s)| *h |= s);
    out
}

/// Logits and probits (coordinates between −limit and limit) on their way to their limit, that is to a probability of 0 or
/// 1: the climb ends where nothing is left to be gained, short of it, with a standard error wider than all that is
/// possible. They are put at the limit; false where there are none.
fn run_to_limits(space: &Space, m: &mut Maximum, information: &[f64], held: &[bool]) -> bool {
    let n = held.len();
    let mut any = false;
    for k in 0..n {
        let limit = space.upper[k];
        let is_logit = limit.is_finite() && space.lower[k] == -limit;
        let outwards = m.value.gradient[k] * m.x[k] > 0.0 && m.x[k].abs() > FAR * limit;
        if is_logit && !held[k] && outwards && information[k * n + k] * limit * limit < 1.0 {
            m.x[k] = limit.copysign(m.x[k]);
            any = true;
        }
    }
    any
}

/// The MLR scaling factor, the mean diagonal of A⁻¹ B; as Mplus, a held logit counts 1.
fn scaling_factor(inverse: &[f64], cross: &[f64], held: &[bool], kept: &[bool]) -> f64 {
    let n = held.len();
    let held = held.iter().filter(|h| **h).count();
    let count = held + kept.iter().filter(|k| **k).count();
    let diagonal = |i: usize| (0..n).filter(|&j| kept[j]).map(|j| inverse[i * n + j] * cross[j * n + i]).sum::<f64>();
    (held as f64 + (0..n).filter(|&i| kept[i]).map(diagonal).sum::<f64>()) / count as f64
}

fn newton_step(inverse: &[f64], gradient: &[f64], kept: &[bool]) -> Vec<f64> {
    let n = gradient.len();
    let row = |i: usize| (0..n).filter(|&j| kept[j]).map(|j| inverse[i * n + j] * gradient[j]).sum::<f64>();
    (0..n).map(|i| if kept[i] { row(i) } else { 0.0 }).collect()
}

/// Steps with one information matrix, as long as each leaves at most a tenth of the decrement; returns their number.
fn newton_steps(problem: &Problem, m: &mut Maximum, inverse: &[f64], kept: &[bool], enough: f64) -> usize {
    for k in 1..=FEW_STEPS {
        let step = newton_step(inverse, &m.value.gradient, kept);
        let x: Vec<f64> = m.x.iter().zip(&step).map(|(x, s)| x + s).collect();
        let value = problem.evaluate(&x, false);
        let decrement = dot(&newton_step(inverse, &value.gradient, kept), &value.gradient);
        let rises = value.f.is_finite() && value.f >= m.value.f - 1e-12 * m.value.f.abs();
        if !rises || decrement.abs() > 0.1 * m.decrement.abs() {
            return k;
        }
        (m.x, m.value.f, m.value.gradient, m.decrement) = (x, value.f, value.gradient, decrement);
        if decrement.abs() <= enough {
            return k;
        }
    }
    FEW_STEPS
}

fn plus(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}
