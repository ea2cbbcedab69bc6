//! Climbs on common grids whose nodes follow the steps of class logits (quadrature/graded.rs).
//!
//! Slopes are held within what the nodes follow and let go round by round: else the first step would carry a logit past
//! nodes that stand too far apart, and the climb would end wherever it falls between two of them.

use super::estimate::Task;
use super::options::Quadrature;
use super::prepared::{Gradings, Prepared};
use super::search::{climb, Climbed};
use super::steps::{gradings, slopes, Slope, STEEPEST};
use crate::error::Result;
use crate::optim::maximise::{Manner, Settings, Status};
use crate::quadrature::Method;

/// Slope of a class logit (logits per standard deviation) that a search may reach on nodes that do not crowd.
pub(super) const FIRST_SLOPE: f64 = 40.0;
/// Share by which a climb may raise a slope on nodes graded for it: they still follow.
const ROOM: f64 = 2.0;
/// Share of the most that a slope may be at which it counts as held.
const REACHED: f64 = 0.999;
/// Newton decrement to which a climb goes before its nodes, or what holds a slope, are moved.
const UNDER_WAY: f64 = 1e-5;
/// A move of nodes, and the climb after it, that change the log-likelihood by less are the last.
const SETTLED: f64 = 1e-4;
/// Moves of nodes to the current steps, and iterations of the first climb and of those after it.
const ROUNDS: usize = 20;
const FIRST_ITERATIONS: usize = 40;
const ITERATIONS: usize = 80;

/// How far slopes may go in one round.
#[derive(Clone, Copy)]
struct Leash {
    /// Whether nodes crowd at steps, and for slopes how many times those at the start of the round.
    follow: bool,
    stretch: f64,
}

impl Leash {
    /// For a slope that is `here` at the start of the round.
    fn most(self, here: f64) -> f64 {
        match self.follow {
            true => (ROOM * self.stretch * here).clamp(FIRST_SLOPE, STEEPEST),
            // nodes cannot crowd
            false if here > REACHED * FIRST_SLOPE => f64::INFINITY,
            false => FIRST_SLOPE,
        }
    }

    /// As `most`, without the last bound, from which no round lets go.
    fn most_yet(self, here: f64) -> f64 {
        let most = self.most(here);
        if most < STEEPEST {
            most
        } else {
            f64::INFINITY
        }
    }
}

/// Iterations of a round, the first being 1.
fn iterations(round: usize, follow: bool, goal: usize) -> usize {
    match round {
        ROUNDS => goal,
        _ if !follow => goal,
        1 => FIRST_ITERATIONS.min(goal),
        _ => ITERATIONS.min(goal),
    }
}

impl Task<'_> {
    /// Climbs from `x`, round by round.
    pub(super) fn climb_graded(
        &self,
        q: Quadrature,
        x: Vec<f64>,
        goal: Settings,
        start: usize,
    ) -> Result<(Prepared, Climbed)> {
        let graded = Quadrature { method: Method::Graded, ..q };
        let mut prepared = self.prepare(q)?;
        let mut before: Option<(Gradings, Climbed)> = None;
        let (mut from, mut stretch) = (x, 1.0);
        let mut settings = goal;
        let mut round = 0;
        loop {
            round += 1;
            let gradings = self.gradings(&prepared, &from, stretch);
            let leash = Leash { follow: !gradings.are_plain(), stretch };
            let x = from.clone();
            let here = |s: &Slope| s.at(&x);
            if before.as_ref().is_none_or(|(g, _)| *g != gradings || stretch > 1.0) {
                let fresh = match leash.follow {
                    true => self.prepare_graded(graded, gradings.clone())?,
                    false => self.prepare(q)?,
                };
                prepared = hold_slopes(fresh, |s| leash.most(here(s)));
            }
            settings.max_iterations = iterations(round, leash.follow, goal.max_iterations);
            let next = climb(self.ground(&prepared, false), from, settings, start);
            from = next.maximum.x.clone();
            let stopped = next.maximum.status != Status::MaxIterations || !next.maximum.value.f.is_finite();
            let held = is_held(&prepared, &from, |s| leash.most_yet(here(s)));
            let same = self.gradings(&prepared, &from, 1.0) == gradings;
            let settled = before.as_ref().is_some_and(|(_, c)| has_settled(c, &next));
            let arrived = stopped && !held && (settled || same);
            let next = match before {
                Some((_, earlier)) => after(earlier, next),
                None => next,
            };
            if round == ROUNDS || self.monitor.cancelled() || arrived && settings.tolerance <= goal.tolerance {
                return Ok((prepared, next));
            }
            before = Some((gradings, next));
            stretch = if held { ROOM } else { 1.0 };
            settings.tolerance = if arrived { goal.tolerance } else { goal.tolerance.max(UNDER_WAY) };
            settings.manner = Manner::FromNearby;
        }
    }

    pub(super) fn gradings(&self, prepared: &Prepared, x: &[f64], stretch: f64) -> Gradings {
        gradings(&prepared.program, &prepared.space.to_working(x), prepared.quadrature.points, stretch)
    }
}

/// Whether neither the move of nodes nor the climb on them changed the log-likelihood.
fn has_settled(before: &Climbed, next: &Climbed) -> bool {
    let first = next.maximum.trace.first().copied().unwrap_or(f64::NAN);
    (first - before.maximum.value.f).abs().max(next.maximum.value.f - first) < SETTLED
}

/// `next` with the work of the rounds before it.
fn after(before: Climbed, mut next: Climbed) -> Climbed {
    next.maximum.iterations += before.maximum.iterations;
    next.maximum.evaluations += before.maximum.evaluations;
    next
}

/// `p` with each slope of a class logit that one coordinate sets held within ±`most`.
pub(super) fn hold_slopes(mut p: Prepared, most: impl Fn(&Slope) -> f64) -> Prepared {
    for s in slopes(&p.program, &p.space) {
        p.space.hold(s.coordinate, most(&s) / s.per_unit);
    }
    p
}

/// Whether a slope is held where it would go farther.
pub(super) fn is_held(p: &Prepared, x: &[f64], most: impl Fn(&Slope) -> f64) -> bool {
    slopes(&p.program, &p.space).iter().any(|s| s.at(x) > REACHED * most(s))
}
