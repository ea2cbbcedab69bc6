//! Two-stage random starts (Asparouhov & Muthén 2006, section 10) and adaptation of the nodes between climbs.

use rayon::prelude::*;

use super::admissible::{lifted, to_working};
use super::barrier::climb_inside;
use super::options::{Options, StandardErrors};
use super::problem::{Monitor, Problem};
use super::space::Space;
use super::starts::{has_local_maxima, Starts};
use crate::compiled::Program;
use crate::error::{EngineError, Result};
use crate::likelihood::nodes::Nodes;
use crate::likelihood::{evaluate, Want};
use crate::optim::maximise::{Manner, Maximum, Settings, Status};

#[derive(Clone, Debug)]
pub struct StartRow {
    /// From 1.
    pub start: usize,
    pub stage1: f64,
    /// NaN where the start was not continued.
    pub last: f64,
    pub iterations: usize,
    pub status: Option<Status>,
}

/// A climb's end and the nodes it ended with.
#[derive(Clone, Debug)]
pub struct Climbed {
    pub maximum: Maximum,
    pub nodes: Nodes,
    /// Adaptation was given up because it broke the integral.
    pub fell_back: bool,
    /// Free parameters of covariance matrices in natural form that are singular at the maximum.
    pub singular: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Found {
    pub best: Climbed,
    /// Where the final starts ended (their place in `rows`), for climbing on under another rule of integration.
    pub ends: Vec<(usize, Vec<f64>)>,
    pub rows: Vec<StartRow>,
    /// Final starts that reached the best log-likelihood.
    pub replicated: usize,
    pub evaluations: usize,
}

impl Found {
    /// Ends that are different maxima, the best first: of those with about equal log-likelihoods (within `same`) one
    /// stands for all. Per end: the starts that reached it (places in `rows`) and where it is.
    pub fn distinct(&self, same: f64) -> Vec<(Vec<usize>, Vec<f64>)> {
        let value = |k: usize| self.rows[k].last;
        let mut ends: Vec<&(usize, Vec<f64>)> = self.ends.iter().filter(|(k, _)| value(*k).is_finite()).collect();
        ends.sort_by(|a, b| value(b.0).total_cmp(&value(a.0)).then(a.0.cmp(&b.0)));
        let mut out: Vec<(Vec<usize>, Vec<f64>)> = vec![];
        for (k, x) in ends {
            match out.last_mut().filter(|(starts, _)| value(starts[0]) - value(*k) < same) {
                Some((starts, _)) => starts.push(*k),
                None => out.push((vec![*k], x.clone())),
            }
        }
        out
    }

    /// The best start's climb to the end: its row and the count of replications follow.
    fn finish(&mut self, last: Climbed, iterations: usize) {
        let top = last.maximum.value.f;
        let before = self.best.maximum.value.f;
        if let Some(row) = self.rows.iter_mut().find(|r| r.last == before) {
            row.last = top;
            row.iterations += last.maximum.iterations;
            row.status = Some(last.maximum.status);
        }
        let reached = self.rows.iter().filter(|r| (top - r.last).abs() < same_tolerance(top));
        self.replicated = reached.count();
        self.best = last;
        self.best.maximum.iterations += iterations;
    }
}

/// Newton decrement at which final starts are compared.
const COMPARED: f64 = 1e-5;
/// Log-likelihoods of final starts closer than this are as good as each other: their climbs are not at their ends.
const TIE: f64 = 1e-4;
/// Where the information matrix is worked out afterwards and steps with it are cheap: they go on from here.
const NEWTON_FOLLOWS: f64 = 1e-9;
/// Elsewhere, as a share of the tolerance: the information at the end of the climb is then that of the maximum.
const LAST_DIGITS: f64 = 1e-2;
const ROUNDS: usize = 15;

/// Moves the nodes to the posterior, a few times; false (and common nodes) where that breaks the integral: the
/// log-likelihood is not finite, or falls by far more than a change of nodes explains.
pub fn adapt(program: &Program, nodes: &mut Nodes, working: &[f64], sweeps: usize) -> bool {
    let want = Want { moments: true, ..Want::default() };
    let (mut first, mut before) = (f64::NAN, f64::NAN);
    let give_up = |nodes: &mut Nodes| {
        nodes.between.adapt(None);
        nodes.within.adapt(None);
        false
    };
    for sweep in 0..sweeps {
        let e = evaluate(program, nodes, working, want);
        if !e.log_likelihood.is_finite() {
            return give_up(nodes);
        }
        if (e.log_likelihood - before).abs() < 1e-9 * before.abs() {
            return true;
        }
        if sweep == 0 {
            first = e.log_likelihood;
        }
        before = e.log_likelihood;
        nodes.between.adapt(Some(e.between_moments));
        nodes.within.adapt(Some(e.within_moments));
    }
    let adapted = evaluate(program, nodes, working, Want::default()).log_likelihood;
    if !adapted.is_finite() || adapted < first - (10.0 + BREAKING * first.abs()) {
        return give_up(nodes);
    }
    true
}

/// Share of the log-likelihood that adaptation may cost before it counts as broken.
const BREAKING: f64 = 0.05;

/// What a climb is made on.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub program: &'a Program,
    pub space: &'a Space,
    /// Common nodes, from which adaptation starts.
    pub nodes: &'a Nodes,
    pub adaptive: bool,
    pub monitor: &'a dyn Monitor,
    /// See `Problem::curvature`.
    pub curvature: Option<&'a [f64]>,
}

/// Climbs from `x`; with adaptive nodes, alternates climbing on fixed nodes and moving them until both stand still.
pub fn climb(ground: Ground, x: Vec<f64>, settings: Settings, start: usize) -> Climbed {
    let Ground { program, space, nodes: common, adaptive, monitor, curvature } = ground;
    let mut nodes = common.clone();
    let run = |nodes: &Nodes, x: Vec<f64>, settings: Settings| {
        climb_inside(Problem { program, space, nodes, monitor, start, curvature }, x, settings)
    };
    let numeric = nodes.between.dims + nodes.within.dims > 0;
    if !adaptive || !numeric || settings.manner == Manner::EmOnly {
        let (maximum, singular) = run(&nodes, x, settings);
        return Climbed { maximum, nodes, fell_back: false, singular };
    }
    let mut fell_back = !adapt(program, &mut nodes, &space.to_working(&x), 4);
    let mut total: Option<Maximum> = None;
    let mut singular = vec![];
    for round in 0..ROUNDS {
        let cap = if round < 3 && !fell_back { 12 << round } else { settings.max_iterations };
        let manner = if round < 3 { settings.manner } else { Manner::FromNearby };
        let from = total.as_ref().map_or_else(|| x.clone(), |t: &Maximum| t.x.clone());
        let mut m;
        (m, singular) =
            run(&nodes, from, Settings { max_iterations: cap.min(settings.max_iterations), manner, ..settings });
        let first_value = m.trace.first().copied().unwrap_or(f64::NAN);
        if let Some(t) = &total {
            m.iterations += t.iterations;
            m.evaluations += t.evaluations;
        }
        let settled = m.status == Status::Converged && total.is_some() && (m.value.f - first_value).abs() < 1e-6;
        let stop = settled
            || fell_back
            || m.status == Status::Cancelled
            || m.iterations >= settings.max_iterations
            || !m.value.f.is_finite();
        let x_now = m.x.clone();
        total = Some(m);
        if stop {
            break;
        }
        fell_back = !adapt(program, &mut nodes, &space.to_working(&x_now), 3);
    }
    let maximum = total.unwrap_or_else(|| run(&nodes, x, settings).0);
    Climbed { maximum, nodes, fell_back, singular }
}

/// Runs all starts. `first_stage`: a program with common nodes (same model and data) for the short climbs.
///
/// # Errors
/// `Interrupted`, or `Engine` where no start has a finite log-likelihood.
pub fn search(ground: Ground, first_stage: Option<(&Program, &Nodes)>, options: &Options) -> Result<Found> {
    let Ground { program, space, nodes, adaptive, monitor, .. } = ground;
    let model = &program.model;
    let starts = Starts::new(model, &program.sample);
    let n_starts = if has_local_maxima(model) { options.starts } else { 1 };
    let draw = |k: usize| -> Option<Vec<f64>> {
        let natural = match (&options.start_values, k) {
            (Some(v), 0) => v.clone(),
            _ => starts.draw(model, options.seed, k),
        };
        to_working(program, &natural).map(|w| space.from_working(&lifted(program, &starts, w)))
    };
    let full =
        Settings { max_iterations: options.max_iterations, tolerance: options.tolerance, manner: Manner::FromAfar };
    let continued: Vec<(usize, Vec<f64>, f64)>;
    let rows: Vec<StartRow>;
    let mut evaluations = 0;
    if n_starts == 1 {
        let x = draw(0).ok_or_else(|| {
            EngineError::Engine("the starting values give a covariance matrix that is not positive definite".into())
        })?;
        rows = vec![StartRow { start: 1, stage1: f64::NAN, last: f64::NAN, iterations: 0, status: None }];
        continued = vec![(0, x, f64::NAN)];
    } else {
        let stage1 = Settings {
            max_iterations: options.stage1_iterations,
            tolerance: options.tolerance,
            manner: Manner::EmOnly,
        };
        let (first_program, first_nodes) = first_stage.unwrap_or((program, nodes));
        let stage1_ground = Ground { program: first_program, nodes: first_nodes, adaptive: false, ..ground };
        let first: Vec<Option<Climbed>> =
            (0..n_starts).into_par_iter().map(|k| draw(k).map(|x| climb(stage1_ground, x, stage1, k + 1))).collect();
        rows = first
            .iter()
            .enumerate()
            .map(|(k, c)| StartRow {
                start: k + 1,
                stage1: c.as_ref().map_or(f64::NEG_INFINITY, |c| c.maximum.value.f),
                last: f64::NAN,
                iterations: c.as_ref().map_or(0, |c| c.maximum.iterations),
                status: None,
            })
            .collect();
        evaluations += first.iter().flatten().map(|c| c.maximum.evaluations).sum::<usize>();
        let mut order: Vec<usize> = (0..n_starts).filter(|&k| rows[k].stage1.is_finite()).collect();
        order.sort_by(|a, b| rows[*b].stage1.total_cmp(&rows[*a].stage1).then(a.cmp(b)));
        order.truncate(options.final_starts.min(n_starts));
        continued = order
            .into_iter()
            .filter_map(|k| first[k].as_ref().map(|c| (k, c.maximum.x.clone(), c.maximum.value.f)))
            .collect();
    }
    if monitor.cancelled() {
        return Err(EngineError::Interrupted);
    }
    // the starts are compared when they are about this close to their maxima; the best goes on to its own
    // standard errors need the maximum to the last digit: where their information is cheaper by Newton steps than to be
    // worked out again, from not so near
    let newton_pays = options.se != StandardErrors::None && program.n_outer() > 1;
    let last_digits = if newton_pays { NEWTON_FOLLOWS } else { LAST_DIGITS * full.tolerance };
    let alone = if options.se == StandardErrors::None { full.tolerance } else { full.tolerance.min(last_digits) };
    let tolerance = if continued.len() > 1 { full.tolerance.max(COMPARED) } else { alone };
    let close = Settings { tolerance, ..full };
    let finals: Vec<(usize, Climbed)> =
        continued.into_par_iter().map(|(k, x, _)| (k, climb(ground, x, close, k + 1))).collect();
    if monitor.cancelled() {
        return Err(EngineError::Interrupted);
    }
    let mut found = record(finals, rows, evaluations, TIE)?;
    if close.tolerance > full.tolerance {
        let best = &found.best.maximum;
        let (iterations, before) = (best.iterations, best.value.f);
        let on = Ground { nodes: &found.best.nodes, adaptive: adaptive && !found.best.fell_back, ..ground };
        let settings = Settings { tolerance: last_digits, manner: Manner::FromNearby, ..full };
        let last = climb(on, best.x.clone(), settings, 0);
        found.evaluations += last.maximum.evaluations;
        if last.maximum.value.f >= before - same_tolerance(before) {
            found.finish(last, iterations);
        }
    }
    Ok(found)
}

/// Writes where the final starts ended into their rows and picks the best; closer than `tie` are as good.
///
/// # Errors
/// `Engine` where no start has a finite log-likelihood.
pub fn record(
    finals: Vec<(usize, Climbed)>,
    mut rows: Vec<StartRow>,
    mut evaluations: usize,
    tie: f64,
) -> Result<Found> {
    for (k, c) in &finals {
        rows[*k].last = c.maximum.value.f;
        rows[*k].iterations += c.maximum.iterations;
        rows[*k].status = Some(c.maximum.status);
        evaluations += c.maximum.evaluations;
    }
    let ends = finals.iter().map(|(k, c)| (*k, c.maximum.x.clone())).collect();
    let reached: Vec<f64> = finals.iter().map(|(_, c)| c.maximum.value.f).collect();
    let highest = reached.iter().copied().filter(|f| f.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let best = finals
        .into_iter()
        .filter(|(_, c)| c.maximum.value.f.is_finite() && c.maximum.value.f >= highest - tie)
        // the first start of those that are as good as can be told, so that ties do not depend on rounding
        .min_by_key(|(k, _)| *k)
        .ok_or_else(|| {
            EngineError::Engine(
                "no start has a finite log-likelihood; check starting values, bounds and fixed values".into(),
            )
        })?
        .1;
    let top = best.maximum.value.f;
    let replicated = reached.iter().filter(|f| (top - **f).abs() < same_tolerance(top)).count();
    Ok(Found { best, ends, rows, replicated, evaluations })
}

/// Two log-likelihoods closer than this count as the same maximum.
pub fn same_tolerance(log_likelihood: f64) -> f64 {
    1e-3 + 1e-7 * log_likelihood.abs()
}
