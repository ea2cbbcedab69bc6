//! Draws data from any specification at given parameters: clusters, then units, each in the order of the equations.
//!
//! Every latent residual is drawn (nothing is integrated), so the plan makes all dimensions numeric.

use crate::compiled::factor::NONE;
use crate::compiled::plan::Plan;
use crate::compiled::{NodePlan, Program};
use crate::data::Sample;
use crate::em::admissible::to_working;
use crate::error::{EngineError, Result};
use crate::likelihood::predictor::{latents, predictor, Affine, At, Components, Point, Workspace};
use crate::likelihood::residuals::Residuals;
use crate::linalg::cholesky_in_place;
use crate::rng::Stream;
use crate::spec::{CovarianceOf, Level, Model, Predictor};

/// Simulated columns and what was drawn behind them.
#[derive(Clone, Debug, Default)]
pub struct Simulated {
    /// Per outcome of the model, [n_rows].
    pub outcomes: Vec<Vec<f64>>,
    /// Per class variable, [n_rows], from 1.
    pub classes: Vec<Vec<f64>>,
    /// Per latent variable, [n_rows].
    pub latents: Vec<Vec<f64>>,
}

/// Simulates outcomes for the rows, clusters and covariates of `sample`.
/// Missing outcome values stay missing; the values themselves are not used.
///
/// # Errors
/// `Spec` where the parameters are not admissible.
pub fn simulate(model: Model, sample: Sample, natural: &[f64], seed: u64) -> Result<Simulated> {
    let plan = Plan::all_numeric(&model)?;
    let program =
        Program::new(model, plan, sample, NodePlan { between_nodes: 1, within_nodes: 1, adaptive: false, grid: None })?;
    let inadmissible = |what: &str| EngineError::spec("parameters", format!("{what} is not positive definite"));
    let working = to_working(&program, natural).ok_or_else(|| inadmissible("a covariance matrix"))?;
    let residuals = Residuals::new(&program, &working).ok_or_else(|| inadmissible("a covariance matrix"))?;
    let point = Point { program: &program, parameters: &working, residuals: &residuals };
    let model = &program.model;
    let n = program.sample.n_rows;
    let mut out = Simulated {
        outcomes: vec![vec![f64::NAN; n]; model.outcomes.len()],
        classes: vec![vec![f64::NAN; n]; model.classes.len()],
        latents: vec![vec![f64::NAN; n]; model.latents.len()],
    };
    let mut rows_of: Vec<Vec<usize>> = vec![vec![]; program.sample.n_clusters];
    (0..n).for_each(|row| rows_of[program.sample.cluster(row)].push(row));
    for (j, rows) in rows_of.iter().enumerate() {
        let mut draw = Draw::new(&point, Stream::new(seed, j as u64));
        draw.begin(Level::Between);
        draw.level(Level::Between, rows[0])?;
        for &row in rows {
            draw.begin(Level::Within);
            draw.level(Level::Within, row)?;
            for (o, y) in draw.outcomes.iter().enumerate() {
                if !program.sample.columns[model.outcomes[o].column][row].is_nan() {
                    out.outcomes[o][row] = *y;
                }
            }
            (0..model.classes.len()).for_each(|c| out.classes[c][row] = (draw.w.state[c] + 1) as f64);
            (0..model.latents.len()).for_each(|l| out.latents[l][row] = draw.w.latents[l].value[0]);
        }
    }
    Ok(out)
}

struct Draw<'a> {
    point: &'a Point<'a>,
    rng: Stream,
    w: Workspace,
    /// All parameters are constants here.
    no_slots: Vec<u32>,
    outcomes: Vec<f64>,
}

impl<'a> Draw<'a> {
    fn new(point: &'a Point<'a>, rng: Stream) -> Draw<'a> {
        let model = &point.program.model;
        let mut w = Workspace { state: vec![0; model.classes.len()], ..Workspace::default() };
        w.view.n = 1;
        w.latents.resize(model.latents.len(), Affine::default());
        Draw {
            point,
            rng,
            w,
            no_slots: vec![NONE; model.parameters.len()],
            outcomes: vec![f64::NAN; model.outcomes.len()],
        }
    }

    /// New standardised residuals for one level.
    fn begin(&mut self, level: Level) {
        let n = self.point.program.plan.count(level, crate::compiled::plan::How::Numeric);
        let z: Vec<f64> = (0..n).map(|_| self.rng.normal()).collect();
        match level {
            Level::Between => {
                self.w.view.within =
                    vec![0.0; self.point.program.plan.count(Level::Within, crate::compiled::plan::How::Numeric)];
                self.w.view.between = z;
            }
            Level::Within => self.w.view.within = z,
        }
    }

    fn at(&self, row: usize) -> At<'_> {
        At { row, slot_of: &self.no_slots, components: Components::NONE, derivatives: false }
    }

    fn eta(&mut self, p: &Predictor, row: usize) -> f64 {
        let mut out = Affine::default();
        predictor(p, self.point, &self.at(row), &self.w.state, 1, &self.w.latents, &mut out);
        out.value[0]
    }

    fn update_latents(&mut self, row: usize) {
        let all: Vec<usize> = (0..self.point.program.model.latents.len()).collect();
        let slots = std::mem::take(&mut self.no_slots);
        let at = At { row, slot_of: &slots, components: Components::NONE, derivatives: false };
        latents(self.point, &all, &at, &mut self.w);
        self.no_slots = slots;
    }

    /// Classes, then outcomes of one level; latents are evaluated anew after every class drawn.
    fn level(&mut self, level: Level, row: usize) -> Result<()> {
        let model = &self.point.program.model;
        self.update_latents(row);
        for c in model.classes_of(level) {
            let mut logits: Vec<f64> = model.classes[c].logits.iter().map(|p| self.eta(p, row)).collect();
            logits.push(0.0);
            let top = logits.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            let weights: Vec<f64> = logits.iter().map(|l| (l - top).exp()).collect();
            let total: f64 = weights.iter().sum();
            let probabilities: Vec<f64> = weights.iter().map(|w| w / total).collect();
            let known = model.classes[c].known.map_or(f64::NAN, |k| self.point.program.sample.columns[k][row]);
            let drawn = self.rng.categorical(&probabilities);
            self.w.state[c] = if known.is_nan() { drawn } else { known as usize - 1 };
            self.update_latents(row);
        }
        let errors = self.gaussian_errors(level)?;
        for (o, outcome) in model.outcomes.iter().enumerate().filter(|(_, o)| o.level == level) {
            let eta: Vec<f64> = outcome.predictors.iter().map(|p| self.eta(p, row)).collect();
            let aux: Vec<f64> =
                outcome.auxiliary.iter().map(|a| a.value(&self.w.state, self.point.parameters)).collect();
            if !outcome.family.valid_auxiliary(&aux) {
                return Err(EngineError::spec(
                    &outcome.name,
                    "its variance, thresholds or dispersion are not admissible",
                ));
            }
            self.outcomes[o] = match errors.iter().find(|(k, _)| *k == o) {
                Some((_, e)) => eta[0] + e,
                None => {
                    let trials = outcome.trials.map_or(1.0, |t| self.point.program.sample.columns[t][row]);
                    outcome.family.sample(trials, &eta, &aux, &mut self.rng)
                }
            };
        }
        Ok(())
    }

    /// Residuals of gaussian outcomes that have covariances.
    fn gaussian_errors(&mut self, level: Level) -> Result<Vec<(usize, f64)>> {
        let model = &self.point.program.model;
        let mut members: Vec<usize> = vec![];
        for c in &model.covariances {
            if let CovarianceOf::Outcomes(a, b) = c.of {
                members.extend([a, b].into_iter().filter(|&o| model.outcomes[o].level == level));
            }
        }
        members.sort_unstable();
        members.dedup();
        let p = members.len();
        if p == 0 {
            return Ok(vec![]);
        }
        let place = |o: usize| members.iter().position(|&m| m == o).unwrap_or(0);
        let mut theta = vec![0.0; p * p];
        for (i, &o) in members.iter().enumerate() {
            theta[i * p + i] = model.outcomes[o].auxiliary[0].value(&self.w.state, self.point.parameters);
        }
        for c in &model.covariances {
            if let CovarianceOf::Outcomes(a, b) = c.of {
                if model.outcomes[a].level == level {
                    let v = c.value.value(&self.w.state, self.point.parameters);
                    theta[place(a) * p + place(b)] = v;
                    theta[place(b) * p + place(a)] = v;
                }
            }
        }
        if !cholesky_in_place(&mut theta, p) {
            return Err(EngineError::spec("parameters", "a residual covariance matrix is not positive definite"));
        }
        let z: Vec<f64> = (0..p).map(|_| self.rng.normal()).collect();
        Ok(members.iter().enumerate().map(|(i, &o)| (o, (0..=i).map(|k| theta[k * p + i] * z[k]).sum())).collect())
    }
}
