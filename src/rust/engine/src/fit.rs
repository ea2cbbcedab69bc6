//! The engine's three requests: fit a model, evaluate it at given parameters, show its integration plan.

use rayon::prelude::*;

use crate::compiled::plan::{How, Plan};
use crate::compiled::{NodePlan, Program};
use crate::data::{RawData, Sample};
use crate::em::options::{Options, Quadrature, StandardErrors};
use crate::em::problem::{Monitor, Problem};
use crate::em::search::{adapt, climb, record, search, Climbed, Found, Ground};
use crate::em::space::Space;
use crate::em::strategy::{shares_patterns, Strategy, ACCEPTED, COMMON_TOLERANCE, EXPLOITED, POOR, SHRINKING};
use crate::error::{EngineError, Result};
use crate::inference::covariance::{identification, invert_kept, sandwich};
use crate::inference::information::{observed_information, without};
use crate::inference::louis;
use crate::inference::scores::{cluster_scores, cross_product};
use crate::inference::separation::separated;
use crate::likelihood::nodes::{NodeSet, Nodes};
use crate::likelihood::{evaluate as pass, Want};
use crate::optim::maximise::{maximise, Maximum, Settings, Status};
use crate::optim::{active_set, dot, Objective};
use crate::posterior::classes::class_posteriors;
use crate::posterior::latents::latent_posteriors;
use crate::quadrature::{self, Method, Rule};
use crate::result::assemble;
use crate::result::value::Value;
use crate::spec::{self, Level, Model};

/// A model, its data and its nodes, ready to be evaluated.
pub struct Prepared {
    pub program: Program,
    pub space: Space,
    pub nodes: Nodes,
    pub quadrature: Quadrature,
}

/// Common nodes below this share of the largest weight are dropped from grids.
const PRUNE: f64 = 1e-11;

fn rules(plan: &Plan, q: &Quadrature, seed: u64) -> Result<(Rule, Rule)> {
    let build = |level: Level| {
        let dims = plan.count(level, How::Numeric);
        let mut rule = quadrature::build(q.method, q.points, dims, seed, q.max_nodes)
            .map_err(|e| EngineError::Engine(e.to_string()))?;
        if !q.adaptive && dims > 0 {
            quadrature::prune(&mut rule, PRUNE);
        }
        Ok(rule)
    };
    let (between, within) = (build(Level::Between)?, build(Level::Within)?);
    if between.n_nodes.saturating_mul(within.n_nodes) > q.max_nodes {
        return Err(EngineError::Engine(format!(
            "{} × {} integration nodes are more than {}; use fewer points, or a Monte Carlo rule (method \"sobol\") of few points in all",
            between.n_nodes, within.n_nodes, q.max_nodes
        )));
    }
    Ok((between, within))
}

/// Compiles a model for its data and quadrature rule.
pub fn prepare(model: Model, plan: Plan, sample: Sample, quadrature: Quadrature, seed: u64) -> Result<Prepared> {
    let (between, within) = rules(&plan, &quadrature, seed)?;
    let node_plan = node_plan(&plan, &quadrature, (between.n_nodes, within.n_nodes));
    let program = Program::new(model, plan, sample, node_plan)?;
    let space = Space::new(&program)?;
    Ok(Prepared {
        space,
        program,
        nodes: Nodes { between: NodeSet::new(&between), within: NodeSet::new(&within) },
        quadrature,
    })
}

fn node_plan(plan: &Plan, q: &Quadrature, (between_nodes, within_nodes): (usize, usize)) -> NodePlan {
    let dims = numeric_dims(plan);
    let full = |n: usize, dims: usize| Some(n) == q.points.checked_pow(dims as u32);
    let tensor = matches!(q.method, Method::Rectangular | Method::GaussHermite)
        && full(between_nodes, dims.0)
        && full(within_nodes, dims.1);
    NodePlan { between_nodes, within_nodes, adaptive: q.adaptive, grid: tensor.then_some(q.points) }
}

fn numeric_dims(plan: &Plan) -> (usize, usize) {
    (plan.count(Level::Between, How::Numeric), plan.count(Level::Within, How::Numeric))
}

fn read(spec_json: &str, data: RawData, options_json: &str) -> Result<(Model, Sample, Options)> {
    let options = Options::parse(options_json)?;
    let model = spec::parse(spec_json, &data.columns.names)?;
    let mut sample = Sample::new(&model, data)?;
    if let Some(frequency) = &options.cluster_frequency {
        sample.count_clusters(frequency)?;
    }
    if let Some(v) = &options.start_values {
        if v.len() != model.parameters.len() {
            return Err(EngineError::spec(
                "start_values",
                format!("{} values for {} parameters", v.len(), model.parameters.len()),
            ));
        }
    }
    Ok((model, sample, options))
}

/// Moves of the nodes that bring them to the posterior from common ones.
const ADAPT_SWEEPS: usize = 8;
/// Newton steps after the search.
const NEWTON_ROUNDS: usize = 3;
/// Newton decrement from which steps with one information matrix lead to the maximum.
const NEAR: f64 = 1e-6;
/// Newton decrement from which the maximum is so near that the information matrix there is the same; where it has a
/// closed form it is cheap enough to be worked out again sooner.
const SAME: f64 = 2e-9;
const SAME_EXACT: f64 = 1e-10;
/// The same for the cross-products of scores, which cost little.
const SAME_SCORES: f64 = 1e-14;
/// Newton steps with one information matrix.
const FEW_STEPS: usize = 5;
/// Relative eigenvalue of the information below which it is worked out again more accurately.
const DOUBTFUL: f64 = 1e-6;
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

/// Estimates a model.
///
/// # Errors
/// `Spec`, `Data`, `Engine` with what is wrong; `Interrupted` when the monitor cancels.
pub fn fit(spec_json: &str, data: RawData, options_json: &str, monitor: &dyn Monitor) -> Result<Value> {
    let (model, sample, options) = read(spec_json, data, options_json)?;
    let (prepared, mut found) = estimate(model, sample, &options, monitor)?;
    let inference = infer(&prepared, &mut found, &options, monitor)?;
    let working = prepared.space.to_working(&found.best.maximum.x);
    let posteriors = class_posteriors(&prepared.program, &found.best.nodes, &working);
    let latents = latent_values(&prepared, found.best.nodes.are_adapted(), &working)?;
    let error = integration_error(&prepared, &found, &options)?;
    if monitor.cancelled() {
        return Err(EngineError::Interrupted);
    }
    let mut result = assemble::fit(&prepared, &options, &found, &inference, &posteriors, error);
    result.push("latents", latents);
    Ok(result)
}

/// Posterior means and standard deviations of the latent variables.
fn latent_values(prepared: &Prepared, adapted: bool, working: &[f64]) -> Result<Value> {
    let Prepared { program, nodes, quadrature, .. } = prepared;
    if program.model.latents.is_empty() {
        return Ok(Value::Items(vec![]));
    }
    let node_plan = node_plan(&program.plan, quadrature, program.n_nodes);
    let extended =
        Program::with_latents(program.model.clone(), program.plan.clone(), program.sample.clone(), node_plan)?;
    let mut nodes = nodes.clone();
    if adapted {
        adapt(&extended, &mut nodes, working, ADAPT_SWEEPS);
    }
    Ok(assemble::latents(&extended, &latent_posteriors(&extended, &nodes, working)))
}

fn full(options: &Options) -> Settings {
    Settings { max_iterations: options.max_iterations, tolerance: options.tolerance, em_only: false }
}

/// The search under the rule of integration that the strategy chooses, and under finer ones while the integral is poor.
fn estimate(model: Model, sample: Sample, options: &Options, monitor: &dyn Monitor) -> Result<(Prepared, Found)> {
    let plan = Plan::new(&model)?;
    let strategy = Strategy::new(&options.quadrature, numeric_dims(&plan));
    let (mut prepared, mut found) = estimate_usual(&model, &plan, &sample, &strategy, options, monitor)?;
    for rule in strategy.finer {
        let error = integration_error(&prepared, &found, options)?.abs();
        if error < POOR || monitor.cancelled() {
            break;
        }
        let finer = prepare(model.clone(), plan.clone(), sample.clone(), rule, options.seed)?;
        let ground =
            Ground { program: &finer.program, space: &finer.space, nodes: &finer.nodes, adaptive: false, monitor };
        let climbed: Vec<(usize, Climbed)> =
            found.ends.par_iter().map(|(k, x)| (*k, climb(ground, x.clone(), full(options), k + 1))).collect();
        let Ok(next) = record(climbed, found.rows.clone(), found.evaluations) else { break };
        // a finer rule that errs more says that nothing better can be had
        if integration_error(&finer, &next, options)?.abs() >= error {
            break;
        }
        (prepared, found) = (finer, next);
    }
    if monitor.cancelled() {
        return Err(EngineError::Interrupted);
    }
    Ok((prepared, found))
}

fn estimate_usual(
    model: &Model,
    plan: &Plan,
    sample: &Sample,
    strategy: &Strategy,
    options: &Options,
    monitor: &dyn Monitor,
) -> Result<(Prepared, Found)> {
    let dims = numeric_dims(plan);
    let again = |q: Quadrature| prepare(model.clone(), plan.clone(), sample.clone(), q, options.seed);
    let run = |p: &Prepared, adaptive: bool, first: Option<&Prepared>| {
        search(&p.program, &p.space, &p.nodes, adaptive, first.map(|f| (&f.program, &f.nodes)), options, monitor)
    };
    // the best of a rough search climbs on under a finer rule
    let polish = |mut found: Found, p: &Prepared, adaptive: bool| {
        found.best = climb(
            Ground { program: &p.program, space: &p.space, nodes: &p.nodes, adaptive, monitor },
            found.best.maximum.x.clone(),
            full(options),
            0,
        );
        found
    };
    let mut tried: Option<(Prepared, Found, f64)> = None;
    for &common in &strategy.common {
        let prepared = again(common)?;
        if !shares_patterns(&prepared.program) {
            break;
        }
        let before = tried.as_ref().map(|t| t.2);
        let found = match (tried.take(), strategy.coarse) {
            (Some((_, rough, _)), _) => polish(rough, &prepared, false),
            (None, Some(coarse)) => polish(run(&again(coarse)?, false, None)?, &prepared, false),
            (None, None) => run(&prepared, false, None)?,
        };
        let error = integration_error(&prepared, &found, options)?.abs();
        if error < if before.is_some() { POOR } else { COMMON_TOLERANCE } {
            return Ok((prepared, found));
        }
        tried = Some((prepared, found, error));
        if before.is_some_and(|b| error > SHRINKING * b) {
            break;
        }
    }
    if let Some((prepared, found, _)) = tried.take_if(|(_, _, error)| *error < ACCEPTED) {
        return Ok((prepared, found));
    }
    let prepared = again(strategy.main)?;
    let found = match tried {
        Some((common, rough, error)) => {
            let found = polish(rough.clone(), &prepared, true);
            // a steep integrand can defeat adaptation: keep whichever rule a finer one confirms
            let adaptive_error = integration_error(&prepared, &found, options)?.abs();
            if adaptive_error.is_nan() || adaptive_error > error {
                return Ok((common, rough));
            }
            found
        }
        None if strategy.main.adaptive && dims != (0, 0) => {
            let rule = strategy.coarse_main.unwrap_or(strategy.main);
            let common = again(Quadrature { adaptive: false, ..rule })?;
            match strategy.coarse_main {
                Some(coarse) => polish(run(&again(coarse)?, true, Some(&common))?, &prepared, true),
                None => run(&prepared, true, Some(&common))?,
            }
        }
        None => run(&prepared, false, None)?,
    };
    if monitor.cancelled() {
        return Err(EngineError::Interrupted);
    }
    let random = strategy.main.method == Method::MonteCarlo && strategy.main.adaptive && dims != (0, 0);
    if random && !found.best.fell_back {
        // moved random points weigh more in the tails of the posterior, where the climb can pile up likelihood
        let error = integration_error(&prepared, &found, options)?.abs();
        if error.is_nan() || error > EXPLOITED {
            let common = again(Quadrature { adaptive: false, ..strategy.main })?;
            let mut found = run(&common, false, None)?;
            found.best.fell_back = true;
            return Ok((common, found));
        }
    }
    Ok((prepared, found))
}

/// Observed information at the maximum, Newton steps until its decrement is small, and the covariance matrices.
fn infer(prepared: &Prepared, found: &mut Found, options: &Options, monitor: &dyn Monitor) -> Result<Inference> {
    let Prepared { program, space, .. } = prepared;
    let n = space.dim();
    let m = &mut found.best.maximum;
    let problem = Problem { program, space, nodes: &found.best.nodes, monitor, start: 0 };
    let mut out = Inference {
        held: active_set(&problem, &m.x, &m.value.gradient),
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
    for round in 0..=NEWTON_ROUNDS {
        m.value = problem.evaluate(&m.x, true);
        found.evaluations += 1;
        let scale: Vec<f64> = m.value.scaling.as_ref().map_or(vec![1.0; n], |s| (0..n).map(|i| s[i * n + i]).collect());
        out.held = active_set(&problem, &m.x, &m.value.gradient);
        let certain = separated(program, space, &found.best.nodes, &space.to_working(&m.x));
        out.held.iter_mut().zip(certain).for_each(|(h, s)| *h |= s);
        let exact = louis::applies(program)
            .then(|| louis::louis_information(program, space, &found.best.nodes, &m.x))
            .flatten();
        let is_exact = exact.is_some();
        let closed = exact.map(|e| {
            unit_scores = Some(e.scores);
            without(plus(e.information, &prior), &out.held)
        });
        information = closed.unwrap_or_else(|| observed_information(&problem, &m.x, &out.held, &scale, false));
        if monitor.cancelled() {
            return Err(EngineError::Interrupted);
        }
        let mut id = identification(&information, n, &out.held, &scale);
        found.evaluations += if is_exact { 0 } else { 2 * n };
        if id.smallest < DOUBTFUL && !is_exact {
            information = observed_information(&problem, &m.x, &out.held, &scale, true);
            found.evaluations += 4 * n;
            id = identification(&information, n, &out.held, &scale);
        }
        (out.flat, out.saddle) = (id.flat, id.saddle);
        let kept: Vec<bool> = (0..n).map(|i| !out.held[i] && !out.flat[i]).collect();
        let Some(inverse) = invert_kept(&information, n, &kept) else { break };
        let step = newton_step(&inverse, &m.value.gradient, &kept);
        m.decrement = dot(&step, &m.value.gradient);
        // a gradient that is not quite zero curves flat directions: where one is in doubt, climb to the last bit
        let enough = if id.smallest < DOUBTFUL { 1e-20 } else { options.tolerance };
        let before = m.decrement;
        if before > enough && before < NEAR && m.status != Status::MaxIterations {
            found.evaluations += newton_steps(&problem, m, &inverse, &kept, enough);
            if before > if is_exact { SAME_EXACT } else { SAME } && m.decrement <= enough && round < NEWTON_ROUNDS {
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
            Settings { max_iterations: 200, tolerance: options.tolerance * 1e-2, em_only: false },
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
    let kept: Vec<bool> = (0..n).map(|i| !out.held[i] && !out.flat[i]).collect();
    let alone = options.robust_cluster.is_none() && program.units.are_alone();
    let cross = unit_scores.filter(|_| alone && m.decrement.abs() < SAME_SCORES).unwrap_or_else(|| {
        let scores = cluster_scores(program, space, &found.best.nodes, &m.x);
        cross_product(program, &scores, n, options.robust_cluster.as_deref())
    });
    // a prior is one more independent observation, in robust errors too
    let cross = plus(cross, &prior);
    if let Some(inverse) = invert_kept(&information, n, &kept) {
        let robust = sandwich(&inverse, &cross, n, &kept);
        // as Mplus: a held logit counts 1 in the trace
        let held = out.held.iter().filter(|h| **h).count();
        let count = held + kept.iter().filter(|k| **k).count();
        let diagonal =
            |i: usize| (0..n).filter(|&j| kept[j]).map(|j| inverse[i * n + j] * cross[j * n + i]).sum::<f64>();
        out.scaling = (held as f64 + (0..n).filter(|&i| kept[i]).map(diagonal).sum::<f64>()) / count as f64;
        out.vcov = match options.se {
            StandardErrors::Robust => Some(robust),
            StandardErrors::Opg => invert_kept(&cross, n, &kept),
            _ => Some(inverse),
        };
    }
    out.information = Some(information);
    out.cross_product = Some(cross);
    Ok(out)
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

/// Change of the log-likelihood under about twice the points per dimension; NaN without numeric dimensions.
fn integration_error(prepared: &Prepared, found: &Found, options: &Options) -> Result<f64> {
    let Prepared { program, space, .. } = prepared;
    let nodes = &found.best.nodes;
    if nodes.between.dims + nodes.within.dims == 0 {
        return Ok(f64::NAN);
    }
    let seed = options.seed.wrapping_add(1);
    let finer = Quadrature { points: 2 * prepared.quadrature.points - 1, max_nodes: 200_000, ..prepared.quadrature };
    let Ok(mut fine) = prepare(program.model.clone(), program.plan.clone(), program.sample.clone(), finer, seed) else {
        return Ok(f64::NAN);
    };
    let working = space.to_working(&found.best.maximum.x);
    if nodes.are_adapted() {
        let e = pass(program, nodes, &working, Want { moments: true, ..Want::default() });
        fine.nodes.between.adapt(Some(e.between_moments));
        fine.nodes.within.adapt(Some(e.within_moments));
    }
    let log_likelihood = found.best.maximum.value.f - space.priors.log_density(&working);
    Ok(pass(&fine.program, &fine.nodes, &working, Want::default()).log_likelihood - log_likelihood)
}

/// Log-likelihood, gradient and posteriors at given natural parameters; nothing is estimated.
///
/// # Errors
/// As `fit`; `Spec` where the parameters are not admissible.
pub fn evaluate(
    spec_json: &str,
    data: RawData,
    options_json: &str,
    parameters: &[f64],
    _monitor: &dyn Monitor,
) -> Result<Value> {
    let (model, sample, options) = read(spec_json, data, options_json)?;
    if parameters.len() != model.parameters.len() {
        return Err(EngineError::spec(
            "parameters",
            format!("{} values for {} parameters", parameters.len(), model.parameters.len()),
        ));
    }
    let plan = Plan::new(&model)?;
    let rule = Strategy::new(&options.quadrature, numeric_dims(&plan)).main;
    let Prepared { program, space, mut nodes, .. } = prepare(model, plan, sample, rule, options.seed)?;
    let working = program
        .working
        .to_working(parameters)
        .ok_or_else(|| EngineError::spec("parameters", "a covariance matrix is not positive semi-definite"))?;
    let x = space.from_working(&working);
    if let Some(p) = space.to_working(&x).iter().zip(&working).position(|(a, b)| (a - b).abs() > 1e-8 * (1.0 + b.abs()))
    {
        return Err(EngineError::spec(
            &program.model.parameters[p].name,
            format!("{} contradicts its fixed value or a linear constraint", parameters[p]),
        ));
    }
    if rule.adaptive {
        adapt(&program, &mut nodes, &working, ADAPT_SWEEPS);
    }
    let e = pass(&program, &nodes, &working, Want { gradient: true, ..Want::default() });
    let posteriors = class_posteriors(&program, &nodes, &working);
    let scores = cluster_scores(&program, &space, &nodes, &x);
    Ok(assemble::evaluation(&program, &space, &e, &posteriors, &scores))
}

/// The dimensions of integration, why each is numeric or analytic, and the number of nodes.
///
/// # Errors
/// As `fit`.
pub fn plan(spec_json: &str, data: RawData, options_json: &str) -> Result<Value> {
    let (model, _sample, options) = read(spec_json, data, options_json)?;
    let plan = Plan::new(&model)?;
    let strategy = Strategy::new(&options.quadrature, numeric_dims(&plan));
    let nodes = rules(&plan, &strategy.main, options.seed).map(|(b, w)| b.n_nodes * w.n_nodes)?;
    Ok(assemble::plan(&model, &plan, &strategy.main, nodes))
}

/// Outcomes drawn from the model at given natural parameters, for the rows and covariates given.
///
/// # Errors
/// As `fit`; `Spec` where the parameters are not admissible.
pub fn simulate(spec_json: &str, data: RawData, options_json: &str, parameters: &[f64]) -> Result<Value> {
    let (model, sample, options) = read(spec_json, data, options_json)?;
    if parameters.len() != model.parameters.len() {
        return Err(EngineError::spec(
            "parameters",
            format!("{} values for {} parameters", parameters.len(), model.parameters.len()),
        ));
    }
    let names = (
        model.outcomes.iter().map(|o| o.name.clone()).collect(),
        model.classes.iter().map(|c| c.name.clone()).collect(),
        model.latents.iter().map(|l| l.name.clone()).collect(),
    );
    let drawn = crate::simulate::simulate(model, sample, parameters, options.seed)?;
    Ok(assemble::simulation(names, drawn))
}
