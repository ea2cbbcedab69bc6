//! Where class logits rise steeply along one numeric dimension, at given parameters: nodes are to crowd there
//! (quadrature/graded.rs).

use super::prepared::Gradings;
use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::plan::How;
use crate::compiled::Program;
use crate::likelihood::predictor::{latents, predictor, Affine, At, Components, Point, Workspace};
use crate::likelihood::residuals::Residuals;
use crate::quadrature::{follows, Grading, Step};
use crate::spec::Level;

/// Logits per standard deviation from which the variance is on its way to infinity. The least move of the parameters
/// carries such a step past some nodes, and a climb ends wherever it falls between two of them, or on one, which then
/// stands for clusters of mixed classes that the limit does not have; in one dimension a fine grid of fixed places can be
/// had instead, which errs alike in every fit.
const LIMIT: f64 = 200.0;
/// In more dimensions nodes then crowd as for this slope, so that one node carries little weight.
const CLOSEST: f64 = 6400.0;
/// A step farther out than this has no weight.
const OUTERMOST: f64 = 6.5;
/// Steps closer than this share of their width count as one.
const SAME: f64 = 0.5;

/// Gradings of all numeric dimensions for steps that `points` equally spaced nodes do not follow; none where a class logit
/// depends on covariates or on several dimensions, so that its steps are not at one place.
pub fn gradings(program: &Program, working: &[f64], points: usize) -> Gradings {
    let plain = |level| vec![Grading::default(); program.plan.count(level, How::Numeric)];
    let mut out = Gradings { between: plain(Level::Between), within: plain(Level::Within) };
    if program.plan.count(Level::Between, How::Analytic) > 0 {
        return out;
    }
    let Some(residuals) = Residuals::new(program, working) else { return out };
    let point = Point { program, parameters: working, residuals: &residuals };
    let n_between = out.between.len();
    let mut all: Vec<Grading> = vec![Grading::default(); n_between + out.within.len()];
    for f in program.factors.iter().chain(&program.cluster_factors) {
        match &f.kind {
            FactorKind::Logits(c) if f.covariates.is_empty() && f.analytic.is_empty() => {
                add_steps(&point, f, *c, points, &mut all);
            }
            FactorKind::Known(_) => {}
            _ => {
                let mut w = at_axes(&point, f, &vec![0; program.model.classes.len()], all.len(), n_between);
                for l in &f.latents {
                    let values = &mut w.latents[*l].value;
                    all.iter_mut().enumerate().for_each(|(d, g)| g.smooth |= values[1 + d] != values[0]);
                }
            }
        }
    }
    if all.len() == 1 && all[0].steps.iter().any(|s| s.slope >= LIMIT) {
        return out;
    }
    out.within = all.split_off(n_between);
    out.between = all;
    out
}

/// Whether a class logit's variance is on its way to infinity.
pub fn run_away(gradings: &Gradings) -> bool {
    gradings.between.iter().chain(&gradings.within).flat_map(|g| &g.steps).any(|s| s.slope > LIMIT)
}

/// Latents of a factor at the origin and at 1 on each axis.
fn at_axes(point: &Point, f: &Factor, state: &[usize], dims: usize, n_between: usize) -> Workspace {
    let n = 1 + dims;
    let mut w = Workspace { state: state.to_vec(), ..Workspace::default() };
    w.view.n = n;
    let axis = |d: usize| (0..n).map(move |q| f64::from(u8::from(q == 1 + d)));
    w.view.between = (0..n_between).flat_map(axis).collect();
    w.view.within = (n_between..dims).flat_map(axis).collect();
    latents(point, &f.latents, &at(f), &mut w);
    w
}

fn at(f: &Factor) -> At<'_> {
    At { row: 0, slot_of: &f.slot_of, components: Components { within: &f.analytic, n_between: 0 }, derivatives: false }
}

fn add_steps(point: &Point, f: &Factor, class: usize, points: usize, all: &mut [Grading]) {
    let model = &point.program.model;
    let others: Vec<usize> = f.within.iter().chain(&f.between).copied().filter(|&c| c != class).collect();
    let mut state = vec![0; model.classes.len()];
    for cell in 0..model.n_cells(&others) {
        model.set_states(&others, cell, &mut state);
        let w = at_axes(point, f, &state, all.len(), point_n_between(point));
        let mut logits: Vec<Vec<f64>> = vec![];
        for p in &model.classes[class].logits {
            let mut out = Affine::default();
            predictor(p, point, &at(f), &state, w.view.n, &w.latents, &mut out);
            logits.push(out.value[..w.view.n].to_vec());
        }
        logits.push(vec![0.0; w.view.n]);
        for (k, first) in logits.iter().enumerate() {
            for second in &logits[..k] {
                let difference: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
                add_step(&difference, points, all);
            }
        }
    }
}

fn point_n_between(point: &Point) -> usize {
    point.program.plan.count(Level::Between, How::Numeric)
}

/// `difference`: of two logits, at the origin and at 1 on each axis.
fn add_step(difference: &[f64], points: usize, all: &mut [Grading]) {
    let slopes: Vec<f64> = difference[1..].iter().map(|v| v - difference[0]).collect();
    let mut moving = slopes.iter().enumerate().filter(|(_, s)| s.abs() > 1e-9);
    let (Some((d, &slope)), None) = (moving.next(), moving.next()) else { return };
    if follows(points, slope) {
        return;
    }
    // in few places, so that small moves of the parameters leave the nodes where they are
    let runaway = slope.abs() > LIMIT;
    let steep = if runaway { CLOSEST } else { 2f64.powf((2.0 * slope.abs().log2()).ceil() / 2.0).min(LIMIT) };
    let step = Step { centre: (-difference[0] / slope * steep).round() / steep, slope: steep };
    let steps = &mut all[d].steps;
    let same = |s: &Step| (s.centre - step.centre).abs() < SAME / s.slope && step.slope < 2.0 * s.slope;
    if step.centre.abs() < OUTERMOST && !steps.iter().any(same) {
        steps.push(step);
    }
}
