//! EM steps while they gain fast, then L-BFGS seeded with the EM information. An EM step climbs the surrogate (the
//! expected complete-data log-likelihood) where it is cheap, else it is one Newton step on it.
//!
//! Neither phase takes a small gain per step for convergence: the test is the Newton decrement gᵀ H g, with H the
//! current inverse-Hessian approximation; the caller confirms it with the observed information.

use super::lbfgs::Lbfgs;
use super::scaled_step::Scaling;
use super::{active_set, dot, project, Objective, Touching, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Converged,
    MaxIterations,
    /// No step in the direction of ascent improves the function.
    Stalled,
    Cancelled,
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub max_iterations: usize,
    /// On the Newton decrement.
    pub tolerance: f64,
    pub manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// EM-gradient steps alone (first stage of random starts).
    EmOnly,
    /// EM-gradient steps, then quasi-Newton steps.
    FromAfar,
    /// The maximum is near: quasi-Newton steps at once, from the objective's guess at its curvature.
    FromNearby,
}

#[derive(Clone, Debug)]
pub struct Maximum {
    pub x: Vec<f64>,
    pub value: Value,
    pub status: Status,
    pub decrement: f64,
    pub iterations: usize,
    pub evaluations: usize,
    /// Log of accepted values, for tests of monotonicity.
    pub trace: Vec<f64>,
}

/// EM steps before slow gains hand over, and the gain that is small from the second step on: many climbs start where
/// another has ended, under other nodes.
const MIN_EM: usize = 6;
const NEAR: f64 = 1e-3;
const MAX_EM: usize = 60;
const MAX_CUTS: usize = 40;
/// Quasi-Newton steps in turn that gain nothing but rounding error.
const MAX_IDLE: usize = 10;
/// Share to which a step that goes too far is cut at most.
const LEAST_CUT: f64 = 0.1;
/// Newton steps on the surrogate, and how near its maximum (share of the first decrement) is near enough.
const SURROGATE_STEPS: usize = 6;
const SURROGATE_HALVINGS: i32 = 10;
const SURROGATE_ENOUGH: f64 = 0.02;
/// Quasi-Newton steps after which the seed is made anew: first, and again and again.
const FIRST_REFRESH: usize = 15;
const REFRESH: usize = 60;
/// Share of the scaling in the seed of the quasi-Newton phase.
const RIDGE: f64 = 0.01;
const MEMORY: usize = 12;

struct Climb<'a> {
    objective: &'a dyn Objective,
    x: Vec<f64>,
    value: Value,
    iterations: usize,
    evaluations: usize,
    trace: Vec<f64>,
}

impl Climb<'_> {
    fn held(&self) -> Vec<bool> {
        active_set(self.objective, &self.x, &self.value.gradient)
    }

    /// Tries x + d, cutting the step until `accept(f_new, x_new − x)`; returns the step taken.
    fn search(&mut self, d: &[f64], want_scaling: bool, accept: impl Fn(f64, &[f64]) -> bool) -> Option<Vec<f64>> {
        let mut step = 1.0;
        for _ in 0..MAX_CUTS {
            let mut x: Vec<f64> = self.x.iter().zip(d).map(|(x, d)| x + step * d).collect();
            project(self.objective, &mut x);
            let value = self.objective.evaluate(&x, want_scaling);
            self.evaluations += 1;
            let moved: Vec<f64> = x.iter().zip(&self.x).map(|(a, b)| a - b).collect();
            if value.f.is_finite() && accept(value.f, &moved) {
                self.x = x;
                self.value = value;
                self.trace.push(self.value.f);
                return Some(moved);
            }
            // the top of the parabola through the value and slope here and the value there
            let (slope, gain) = (dot(&self.value.gradient, &moved), value.f - self.value.f);
            let top = 0.5 * slope / (slope - gain);
            step *= if top.is_finite() { top.clamp(LEAST_CUT, 0.5) } else { 0.5 };
        }
        None
    }

    /// Where a step `d` goes too far for the surrogate: from here to near its maximum, by Newton steps. `None` where `d`
    /// will do, or without a surrogate.
    fn surrogate_step(&self, d: &[f64], decrement: f64, held: &[bool]) -> Option<Vec<f64>> {
        let Touching { weights, f } = self.value.touching.as_deref()?;
        let mut f = *f;
        let value = |x: &[f64]| self.objective.surrogate(weights, x, false).map(|v| v.f);
        let along = |x: &[f64], d: &[f64], step: f64| {
            let mut to: Vec<f64> = x.iter().zip(d).map(|(x, d)| x + step * d).collect();
            project(self.objective, &mut to);
            to
        };
        let mut x = self.x.clone();
        let mut d = d.to_vec();
        if value(&along(&x, &d, 1.0)).is_some_and(|v| v >= f) {
            return None;
        }
        for _ in 0..SURROGATE_STEPS {
            let steps = (0..SURROGATE_HALVINGS).map(|k| along(&x, &d, 0.5f64.powi(k)));
            let Some(to) = steps.into_iter().find(|to| value(to).is_some_and(|v| v >= f)) else { break };
            x = to;
            let value = self.objective.surrogate(weights, &x, true)?;
            f = value.f;
            d = Scaling::new(value.scaling.as_deref()?, x.len()).solve(&value.gradient, held);
            if dot(&value.gradient, &d) < SURROGATE_ENOUGH * decrement {
                break;
            }
        }
        Some(x.iter().zip(&self.x).map(|(a, b)| a - b).collect())
    }

    fn scaling(&self) -> Vec<f64> {
        self.value.scaling.clone().unwrap_or_else(|| identity(self.x.len()))
    }

    /// What the quasi-Newton phase goes on from near the maximum and when it takes long: the curvature, kept off singular
    /// by a share of the scaling.
    fn curvature(&self) -> Option<Vec<f64>> {
        let curvature = self.objective.curvature(&self.x)?;
        Some(curvature.iter().zip(self.scaling()).map(|(c, s)| (1.0 - RIDGE) * c + RIDGE * s).collect())
    }

    fn finish(self, status: Status, decrement: f64) -> Maximum {
        Maximum {
            x: self.x,
            value: self.value,
            status,
            decrement,
            iterations: self.iterations,
            evaluations: self.evaluations,
            trace: self.trace,
        }
    }
}

/// Maximises from `x`.
pub fn maximise(objective: &dyn Objective, mut x: Vec<f64>, settings: Settings) -> Maximum {
    project(objective, &mut x);
    let value = objective.evaluate(&x, true);
    let mut c = Climb { objective, x, trace: vec![value.f], value, iterations: 0, evaluations: 1 };
    if !c.value.f.is_finite() {
        return c.finish(Status::Stalled, f64::NAN);
    }
    let known = if settings.manner == Manner::FromNearby { c.curvature() } else { None };
    let seed = match known {
        Some(seed) => seed,
        None => match em_phase(&mut c, settings) {
            Some((status, decrement)) => return c.finish(status, decrement),
            None => c.scaling(),
        },
    };
    let (status, decrement) = quasi_newton_phase(&mut c, settings, &seed);
    c.finish(status, decrement)
}

/// `None` hands over to the quasi-Newton phase.
fn em_phase(c: &mut Climb, settings: Settings) -> Option<(Status, f64)> {
    let n = c.x.len();
    let em_only = settings.manner == Manner::EmOnly;
    let mut last_gain = f64::INFINITY;
    for k in 0.. {
        if c.objective.cancelled(c.iterations, c.value.f) {
            return Some((Status::Cancelled, f64::NAN));
        }
        let held = c.held();
        let scaling = Scaling::new(c.value.scaling.as_deref()?, n);
        let d = scaling.solve(&c.value.gradient, &held);
        let decrement = dot(&c.value.gradient, &d);
        if c.iterations >= settings.max_iterations {
            return Some((Status::MaxIterations, decrement));
        }
        if decrement < settings.tolerance * 1e-3 {
            // EM decrements understate the distance; the quasi-Newton phase must agree
            return if em_only { Some((Status::Converged, decrement)) } else { None };
        }
        let d = c.surrogate_step(&d, decrement, &held).unwrap_or(d);
        let before = c.value.f;
        let slack = 1e-12 * (1.0 + before.abs());
        if c.search(&d, true, |f, _| f >= before - slack).is_none() {
            return if em_only { Some((Status::Stalled, decrement)) } else { None };
        }
        c.iterations += 1;
        let gain = c.value.f - before;
        let slow = gain > 0.6 * last_gain && gain < 0.5 + 1e-5 * before.abs();
        let near = k >= 1 && gain < NEAR;
        if !em_only && (near || k >= MIN_EM && slow || k >= MAX_EM) {
            return None;
        }
        last_gain = gain;
    }
    None
}

fn quasi_newton_phase(c: &mut Climb, settings: Settings, seed: &[f64]) -> (Status, f64) {
    let n = c.x.len();
    let mut memory = Lbfgs::new(MEMORY);
    let mut seed = Scaling::new(seed, n);
    let mut held = c.held();
    let mut fresh = true;
    let mut small = 0;
    let mut idle = 0;
    // rounding leaves nothing to gain: near enough, or not?
    let stuck = |decrement: f64| {
        if decrement < settings.tolerance * 100.0 {
            Status::Converged
        } else {
            Status::Stalled
        }
    };
    for k in 1.. {
        if c.objective.cancelled(c.iterations, c.value.f) {
            return (Status::Cancelled, f64::NAN);
        }
        let now = c.held();
        if now != held {
            held = now;
            memory.clear();
            fresh = true;
        }
        let g = c.value.gradient.clone();
        let mut d = memory.direction(&g, &seed, &held);
        let mut decrement = dot(&g, &d);
        if !decrement.is_finite() || decrement < 0.0 {
            memory.clear();
            d = seed.solve(&g, &held);
            decrement = dot(&g, &d);
            fresh = true;
        }
        if decrement < settings.tolerance {
            small += 1;
            // twice in a row, once with curvature learnt on the way, or so small that EM alone says it
            if small >= 2 || decrement < settings.tolerance * 1e-4 {
                return (Status::Converged, decrement);
            }
        } else {
            small = 0;
        }
        if c.iterations >= settings.max_iterations {
            return (Status::MaxIterations, decrement);
        }
        let before = c.value.f;
        let slack = 1e-13 * (1.0 + before.abs());
        let refresh = k == FIRST_REFRESH || k % REFRESH == 0;
        let Some(s) = c.search(&d, refresh, |f, moved| f >= before + 1e-4 * dot(&g, moved).max(0.0) - slack) else {
            if fresh {
                return (stuck(decrement), decrement);
            }
            memory.clear();
            fresh = true;
            continue;
        };
        c.iterations += 1;
        fresh = false;
        idle = if c.value.f - before <= slack { idle + 1 } else { 0 };
        if idle == MAX_IDLE {
            return (stuck(decrement), decrement);
        }
        let y = g.iter().zip(&c.value.gradient).map(|(old, new)| old - new).collect();
        memory.update(s, y);
        if refresh {
            seed = Scaling::new(&c.curvature().unwrap_or_else(|| c.scaling()), n);
        }
    }
    (Status::Stalled, f64::NAN)
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect()
}
