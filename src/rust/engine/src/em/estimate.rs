//! The search under the rule of integration that the strategy chooses, and under finer ones while the integral is poor.

use rayon::prelude::*;

use super::graded::{hold_slopes, is_held, FIRST_SLOPE};
use super::options::{Options, Quadrature};
use super::prepared::{integration_error, numeric_dims, prepare_graded, Gradings, Prepared};
use super::problem::{Monitor, Problem};
use super::search::{climb, record, search, Climbed, Found, Ground};
use super::strategy::{shares_patterns, Coarse, Strategy, ACCEPTED, COMMON_TOLERANCE, EXPLOITED, POOR, SHRINKING};
use crate::compiled::plan::Plan;
use crate::data::Sample;
use crate::error::{EngineError, Result};
use crate::optim::differences::{differences, At, Order};
use crate::optim::maximise::{Manner, Settings};
use crate::optim::{active_set, Objective};
use crate::quadrature::Method;
use crate::spec::Model;

/// Newton decrement at which starts under a rough rule are compared: its own error is larger.
const ROUGH: f64 = 1e-3;
/// Log-likelihoods under a rough rule closer than this count as the same maximum.
const SAME_ROUGH: f64 = 0.02;
/// Newton decrements to which the ends of a rough search climb under the finer rule, and how far behind the best they may
/// then be to stay in the race. Those as good as the best (`SAME_ROUGH`) have the same maximum before them and join it.
const RACE: [(f64, f64); 2] = [(0.01, 5.0), (1e-5, 0.0)];

/// What is estimated, and how.
pub(super) struct Task<'a> {
    model: Model,
    plan: Plan,
    sample: Sample,
    strategy: Strategy,
    /// Where the request says that nodes are to crowd.
    given: Option<Gradings>,
    options: &'a Options,
    pub(super) monitor: &'a dyn Monitor,
}

/// # Errors
/// `Interrupted`, or `Engine` where no start has a finite log-likelihood.
pub fn estimate(model: Model, sample: Sample, options: &Options, monitor: &dyn Monitor) -> Result<(Prepared, Found)> {
    let plan = Plan::new(&model)?;
    let strategy = Strategy::new(&options.quadrature, numeric_dims(&plan));
    let given = Gradings::given(&options.quadrature, &model, &plan);
    let task = Task { model, plan, sample, strategy, given, options, monitor };
    let (mut prepared, mut found) = task.usual()?;
    task.finer(&mut prepared, &mut found)?;
    if monitor.cancelled() {
        return Err(EngineError::Interrupted);
    }
    Ok((prepared, found))
}

/// A search on common grids that their finer versions do not confirm.
struct Unconfirmed {
    prepared: Prepared,
    found: Found,
    error: f64,
}

/// A maximum of a rough search on its way under a finer rule.
struct End {
    /// Places of the starts that reached it.
    starts: Vec<usize>,
    x: Vec<f64>,
    iterations: usize,
    evaluations: usize,
    racing: bool,
    reached: Option<(Prepared, Climbed)>,
}

impl End {
    fn value(&self) -> f64 {
        self.reached.as_ref().map_or(f64::NEG_INFINITY, |(_, c)| c.maximum.value.f)
    }
}

/// The ends with those that are as good as the best one, `top`, made part of it.
fn join(ends: Vec<End>, top: f64) -> Vec<End> {
    let (mut same, mut out): (Vec<End>, Vec<End>) = ends.into_iter().partition(|e| e.value() > top - SAME_ROUGH);
    if let Some(k) = same.iter().position(|e| e.value() == top) {
        let mut best = same.swap_remove(k);
        for e in same {
            best.starts.extend(e.starts);
            best.evaluations += e.evaluations;
        }
        best.starts.sort_unstable();
        out.insert(0, best);
    }
    out
}

impl Task<'_> {
    pub(super) fn prepare(&self, q: Quadrature) -> Result<Prepared> {
        self.prepare_graded(q, self.given.clone().unwrap_or_default())
    }

    pub(super) fn prepare_graded(&self, q: Quadrature, gradings: Gradings) -> Result<Prepared> {
        let (model, plan, sample) = (self.model.clone(), self.plan.clone(), self.sample.clone());
        prepare_graded(model, plan, sample, q, gradings, self.options.seed)
    }

    pub(super) fn ground<'b>(&'b self, p: &'b Prepared, adaptive: bool) -> Ground<'b> {
        Ground {
            program: &p.program,
            space: &p.space,
            nodes: &p.nodes,
            adaptive,
            monitor: self.monitor,
            curvature: None,
        }
    }

    fn full(&self) -> Settings {
        let Options { max_iterations, tolerance, .. } = *self.options;
        Settings { max_iterations, tolerance, manner: Manner::FromAfar }
    }

    /// The best of a rough search, made on `rough`, climbs on under a finer rule with the curvature of the rough one.
    fn polish(&self, mut found: Found, rough: &Prepared, p: &Prepared) -> Found {
        let best = &found.best;
        let Prepared { program, space, .. } = rough;
        let problem = Problem::new(program, space, &best.nodes, self.monitor);
        let here = problem.evaluate(&best.maximum.x, true);
        let held = active_set(&problem, &best.maximum.x, &here.gradient);
        let at = At { x: &best.maximum.x, gradient: &here.gradient, scale: &here.scale(), held: &held };
        let curvature = differences(&problem, at, Order::OneSided);
        let settings = Settings { manner: Manner::FromNearby, ..self.full() };
        let ground = Ground { curvature: Some(&curvature), ..self.ground(p, true) };
        found.best = climb(ground, best.maximum.x.clone(), settings, 0);
        found.evaluations += found.best.maximum.evaluations + space.dim() + 1;
        found
    }

    fn usual(&self) -> Result<(Prepared, Found)> {
        let strategy = &self.strategy;
        let mut tried = None;
        if let Some(&first) = strategy.common.first() {
            let prepared = self.prepare(first)?;
            if shares_patterns(&prepared.program) {
                match self.on_common_grids(prepared)? {
                    // adaptive nodes cannot follow steps
                    t if t.error < ACCEPTED || !t.prepared.gradings.are_plain() => return Ok((t.prepared, t.found)),
                    t => tried = Some(t),
                }
            }
        }
        let prepared = self.prepare(strategy.main)?;
        let found = match tried {
            Some(Unconfirmed { prepared: common, found: rough, error }) => {
                let found = self.polish(rough.clone(), &common, &prepared);
                // a steep integrand can defeat adaptation: keep whichever rule a finer one confirms
                let adaptive_error = integration_error(&prepared, &found, self.options)?.abs();
                if adaptive_error.is_nan() || adaptive_error > error {
                    return Ok((common, rough));
                }
                found
            }
            None if strategy.main.adaptive && numeric_dims(&self.plan) != (0, 0) => {
                let rule = strategy.coarse_main.unwrap_or(strategy.main);
                let common = self.prepare(Quadrature { adaptive: false, ..rule })?;
                let first = Some((&common.program, &common.nodes));
                match strategy.coarse_main {
                    Some(coarse) => {
                        let rough = self.prepare(coarse)?;
                        self.polish(search(self.ground(&rough, true), first, self.options)?, &rough, &prepared)
                    }
                    None => search(self.ground(&prepared, true), first, self.options)?,
                }
            }
            None => {
                if strategy.main.method == Method::Graded && self.given.is_none() {
                    let held = hold_slopes(prepared, |_| FIRST_SLOPE);
                    return self.climb_ends(strategy.main, search(self.ground(&held, false), None, self.options)?);
                }
                search(self.ground(&prepared, false), None, self.options)?
            }
        };
        if self.monitor.cancelled() {
            return Err(EngineError::Interrupted);
        }
        let random = strategy.main.method == Method::MonteCarlo && strategy.main.adaptive;
        if random && numeric_dims(&self.plan) != (0, 0) && !found.best.fell_back {
            // moved random points weigh more in the tails of the posterior, where the climb can pile up likelihood
            let error = integration_error(&prepared, &found, self.options)?.abs();
            if error.is_nan() || error > EXPLOITED {
                let common = self.prepare(Quadrature { adaptive: false, ..strategy.main })?;
                let mut found = search(self.ground(&common, false), None, self.options)?;
                found.best.fell_back = true;
                return Ok((common, found));
            }
        }
        Ok((prepared, found))
    }

    /// Ever finer grids common to all while they help, graded where class logits are steps.
    fn on_common_grids(&self, first: Prepared) -> Result<Unconfirmed> {
        let grids = &self.strategy.common;
        let (prepared, found) = match self.strategy.coarse {
            Some(coarse) => self.climb_ends(grids[0], self.rough_search(coarse)?)?,
            None => {
                let first = hold_slopes(first, |_| FIRST_SLOPE);
                let found = search(self.ground(&first, false), None, self.options)?;
                (first, found)
            }
        };
        let error = integration_error(&prepared, &found, self.options)?.abs();
        let mut now = Unconfirmed { prepared, found, error };
        if now.error < COMMON_TOLERANCE {
            return Ok(now);
        }
        let x = &now.found.best.maximum.x;
        let steep = !self.gradings(&now.prepared, x, 1.0).are_plain() || is_held(&now.prepared, x, |_| FIRST_SLOPE);
        if self.strategy.coarse.is_none() && steep {
            let (prepared, found) = self.climb_ends(grids[0], now.found)?;
            let error = integration_error(&prepared, &found, self.options)?.abs();
            now = Unconfirmed { prepared, found, error };
        }
        for &grid in &grids[1..] {
            if now.error < POOR || self.monitor.cancelled() {
                break;
            }
            let (prepared, best) = self.climb_graded(grid, now.found.best.maximum.x.clone(), self.full(), 0)?;
            let found = Found { best, ..now.found };
            let error = integration_error(&prepared, &found, self.options)?.abs();
            let stop = error > SHRINKING * now.error;
            now = Unconfirmed { prepared, found, error };
            if stop {
                break;
            }
        }
        Ok(now)
    }

    fn rough_search(&self, coarse: Coarse) -> Result<Found> {
        let short = self.prepare(coarse.first)?;
        let long = hold_slopes(self.prepare(coarse.last)?, |_| FIRST_SLOPE);
        let options = Options { tolerance: self.options.tolerance.max(ROUGH), ..self.options.clone() };
        search(self.ground(&long, false), Some((&short.program, &short.nodes)), &options)
    }

    /// The maxima that a rough search found climb on under a finer rule, those far behind not to the end.
    fn climb_ends(&self, q: Quadrature, rough: Found) -> Result<(Prepared, Found)> {
        let mut ends: Vec<End> = rough
            .distinct(SAME_ROUGH)
            .into_iter()
            .map(|(starts, x)| End { starts, x, iterations: 0, evaluations: 0, racing: true, reached: None })
            .collect();
        let last = (0.0, 0.0);
        for (tolerance, behind) in RACE.into_iter().chain([last]) {
            let settings = Settings { tolerance: self.options.tolerance.max(tolerance), ..self.full() };
            ends.par_iter_mut().filter(|e| e.racing).try_for_each(|e| self.climb_end(q, e, settings))?;
            if self.monitor.cancelled() {
                return Err(EngineError::Interrupted);
            }
            let top = ends.iter().map(End::value).fold(f64::NEG_INFINITY, f64::max);
            ends = join(ends, top);
            // the first of equals
            let best = ends.iter().position(|e| e.value() == top);
            for (k, e) in ends.iter_mut().enumerate() {
                e.racing = e.racing && (best == Some(k) || behind > 0.0 && e.value() > top - behind);
            }
        }
        let mut best = None;
        let mut finals = vec![];
        for e in ends {
            let Some((prepared, mut climbed)) = e.reached else { continue };
            if e.racing {
                best = Some(prepared);
            }
            (climbed.maximum.iterations, climbed.maximum.evaluations) = (e.iterations, e.evaluations);
            for (i, k) in e.starts.into_iter().enumerate() {
                finals.push((k, climbed.clone()));
                // the others with this end were not climbed again
                if i == 0 {
                    (climbed.maximum.iterations, climbed.maximum.evaluations) = (0, 0);
                }
            }
        }
        finals.sort_by_key(|(k, _)| *k);
        let found = record(finals, rough.rows, rough.evaluations, 0.0)?;
        let prepared = match best {
            Some(p) => p,
            None => self.prepare(q)?,
        };
        Ok((prepared, found))
    }

    fn climb_end(&self, q: Quadrature, e: &mut End, settings: Settings) -> Result<()> {
        let (prepared, climbed) = self.climb_graded(q, e.x.clone(), settings, e.starts[0] + 1)?;
        e.x = climbed.maximum.x.clone();
        e.iterations += climbed.maximum.iterations;
        e.evaluations += climbed.maximum.evaluations;
        e.reached = Some((prepared, climbed));
        Ok(())
    }

    /// In one dimension, ever finer common grids for all final starts while the integral is poor.
    fn finer(&self, prepared: &mut Prepared, found: &mut Found) -> Result<()> {
        for &rule in &self.strategy.finer {
            let error = integration_error(prepared, found, self.options)?.abs();
            if error < POOR || self.monitor.cancelled() {
                break;
            }
            let finer = self.prepare(rule)?;
            let ground = self.ground(&finer, false);
            let climbed: Vec<(usize, Climbed)> =
                found.ends.par_iter().map(|(k, x)| (*k, climb(ground, x.clone(), self.full(), k + 1))).collect();
            let Ok(next) = record(climbed, found.rows.clone(), found.evaluations, 0.0) else { break };
            // a finer rule that errs more says that nothing better can be had
            if integration_error(&finer, &next, self.options)?.abs() >= error {
                break;
            }
            (*prepared, *found) = (finer, next);
        }
        Ok(())
    }
}
