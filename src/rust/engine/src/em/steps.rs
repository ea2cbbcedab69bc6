//! Where class logits rise steeply along one numeric dimension, at given parameters: nodes are to crowd there
//! (quadrature/graded.rs).

use super::prepared::Gradings;
use super::space::Space;
use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::plan::How;
use crate::compiled::Program;
use crate::likelihood::predictor::{latents, predictor, Affine, At, Components, Point, Workspace};
use crate::likelihood::residuals::Residuals;
use crate::quadrature::{follows, Grading, Step};
use crate::spec::{Coefficient, Level, Model};

/// Logits per standard deviation at which a variance on its way to infinity is stopped: P(class) is then between 0.1 and
/// 0.9 over less than a thousandth of a standard deviation.
pub const STEEPEST: f64 = 6400.0;
/// A step farther out than this has no weight.
const OUTERMOST: f64 = 6.5;
/// Steps closer than this share of their width count as one.
const SAME: f64 = 0.5;

/// Gradings of all numeric dimensions for steps `stretch` times as steep as those at `working` where `points` equally
/// spaced nodes do not follow them; none where a class logit depends on covariates or on several dimensions, so that its
/// steps are not at one place.
pub fn gradings(program: &Program, working: &[f64], points: usize, stretch: f64) -> Gradings {
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
                add_steps(&point, f, *c, (points, stretch), &mut all);
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
    out.within = all.split_off(n_between);
    out.between = all;
    out
}

/// What a coordinate times `per_unit` is: the slope of a class logit along a numeric latent variable.
#[derive(Clone, Copy, Debug)]
pub struct Slope {
    pub coordinate: usize,
    pub per_unit: f64,
}

impl Slope {
    /// Its size where the coordinates are `x`.
    pub fn at(&self, x: &[f64]) -> f64 {
        (self.per_unit * x[self.coordinate]).abs()
    }
}

/// The coordinates that set the slope of a class logit alone: a standard deviation behind a fixed coefficient, the
/// coefficient of a latent variable whose variance is fixed.
pub fn slopes(program: &Program, space: &Space) -> Vec<Slope> {
    let model = &program.model;
    let numeric = |l: usize| program.plan.dimensions.iter().any(|d| d.latent == l && d.how == How::Numeric);
    let terms = model.classes.iter().flat_map(|c| &c.logits).flat_map(|p| &p.terms).filter(|t| t.covariate.is_none());
    let mut out: Vec<Slope> = vec![];
    for t in terms {
        let &[latent] = t.latents.as_slice() else { continue };
        let variance = &model.latents[latent].variance;
        let alone = |p: &usize| program.working.blocks.iter().any(|b| b.dim == 1 && b.parameters.contains(p));
        let (moving, fixed) = match (is_free(model, &t.coefficient), is_free(model, variance)) {
            (false, true) if variance.parameters().iter().all(alone) => (variance, largest(model, &t.coefficient)),
            (true, false) => (&t.coefficient, largest(model, variance).sqrt()),
            _ => continue,
        };
        if !numeric(latent) || fixed == 0.0 {
            continue;
        }
        for (coordinate, column) in space.columns.iter().enumerate() {
            let weights = column.iter().filter(|(p, _)| moving.parameters().contains(p)).map(|(_, w)| w.abs());
            let per_unit = fixed * weights.fold(0.0, f64::max);
            match out.iter_mut().find(|s| s.coordinate == coordinate) {
                Some(s) => s.per_unit = s.per_unit.max(per_unit),
                None if per_unit > 0.0 => out.push(Slope { coordinate, per_unit }),
                None => {}
            }
        }
    }
    out
}

fn is_free(model: &Model, c: &Coefficient) -> bool {
    c.parameters().iter().any(|&p| model.parameters[p].free)
}

/// The largest absolute value of a fixed coefficient.
fn largest(model: &Model, c: &Coefficient) -> f64 {
    let given = |p: &usize| model.parameters[*p].value.unwrap_or(0.0).abs();
    match c {
        Coefficient::Constant(v) => v.abs(),
        _ => c.parameters().iter().map(given).fold(0.0, f64::max),
    }
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

fn add_steps(point: &Point, f: &Factor, class: usize, nodes: (usize, f64), all: &mut [Grading]) {
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
                add_step(&difference, nodes, all);
            }
        }
    }
}

fn point_n_between(point: &Point) -> usize {
    point.program.plan.count(Level::Between, How::Numeric)
}

/// `difference`: of two logits, at the origin and at 1 on each axis.
fn add_step(difference: &[f64], (points, stretch): (usize, f64), all: &mut [Grading]) {
    let slopes: Vec<f64> = difference[1..].iter().map(|v| v - difference[0]).collect();
    let mut moving = slopes.iter().enumerate().filter(|(_, s)| s.abs() > 1e-9);
    let (Some((d, &slope)), None) = (moving.next(), moving.next()) else { return };
    let steepest = stretch * slope.abs();
    if follows(points, steepest) {
        return;
    }
    // in few places, so that small moves of the parameters leave the nodes where they are
    let steep = 2f64.powf((2.0 * steepest.log2()).ceil() / 2.0).min(STEEPEST);
    let step = Step { centre: (-difference[0] / slope * steep).round() / steep, slope: steep };
    let steps = &mut all[d].steps;
    let same = |s: &Step| (s.centre - step.centre).abs() < SAME / s.slope && step.slope < 2.0 * s.slope;
    if step.centre.abs() < OUTERMOST && !steps.iter().any(same) {
        steps.push(step);
    }
}
