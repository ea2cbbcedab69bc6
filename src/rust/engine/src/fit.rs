//! The engine's three requests: fit a model, evaluate it at given parameters, show its integration plan.

use crate::compiled::plan::Plan;
use crate::compiled::Program;
use crate::data::{RawData, Sample};
use crate::em::admissible::to_working;
use crate::em::estimate::estimate;
use crate::em::options::{Options, Quadrature, StandardErrors};
use crate::em::prepared::{integration_error, node_plan, numeric_dims, prepare_graded, rules, Gradings};
pub use crate::em::prepared::{prepare, Prepared};
use crate::em::problem::{Monitor, Problem};
use crate::em::search::{adapt, Found};
use crate::em::steps::gradings;
use crate::em::strategy::Strategy;
use crate::error::{EngineError, Result};
use crate::inference::covariance::{identification, invert_kept, sandwich};
use crate::inference::information::{observed_information, without};
use crate::inference::louis;
use crate::inference::scores::{cluster_scores, cross_product};
use crate::inference::separation::separated;
use crate::likelihood::{evaluate as pass, Evaluation, Want};
use crate::optim::maximise::{maximise, Maximum, Settings, Status};
use crate::optim::{active_set, dot, Objective};
use crate::posterior::classes::class_posteriors;
use crate::posterior::latents::latent_posteriors;
use crate::quadrature::Method;
use crate::result::assemble;
use crate::result::value::Value;
use crate::spec::{self, Model};

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
/// Points per dimension below which adapted nodes are looked for on a fine grid.
const FEW: usize = 15;
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
            unit_scores = unit_scores.filter(|_| before <= SAME_EXACT);
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
    let same = m.decrement.abs() < SAME_SCORES * program.units.n_clusters() as f64;
    let cross = unit_scores
        .filter(|_| alone && same)
        .unwrap_or_else(|| cross_product(program, space, &found.best.nodes, &m.x, options.robust_cluster.as_deref()));
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
    let given = Gradings::given(&options.quadrature, &model, &plan);
    let mut prepared = prepare_graded(model, plan, sample, rule, given.clone().unwrap_or_default(), options.seed)?;
    let working = to_working(&prepared.program, parameters)
        .ok_or_else(|| EngineError::spec("parameters", "a covariance matrix is not positive semi-definite"))?;
    if rule.method == Method::Graded && given.is_none() {
        let at = gradings(&prepared.program, &working, rule.points);
        let Prepared { program: Program { model, plan, sample, .. }, .. } = prepared;
        prepared = prepare_graded(model, plan, sample, rule, at, options.seed)?;
    }
    let Prepared { program, space, mut nodes, .. } = prepared;
    let x = space.from_working(&working);
    if let Some(p) = space.to_working(&x).iter().zip(&working).position(|(a, b)| (a - b).abs() > 2e-7 * (1.0 + b.abs()))
    {
        return Err(EngineError::spec(
            &program.model.parameters[p].name,
            format!("{} contradicts its fixed value or a linear constraint", parameters[p]),
        ));
    }
    if rule.adaptive {
        adapt(&program, &mut nodes, &working, ADAPT_SWEEPS);
        if let Some(found) = found_on_fine_grid(&program, &rule, &working, options.seed)? {
            nodes.between.adapt(Some(found.between_moments));
            nodes.within.adapt(Some(found.within_moments));
            adapt(&program, &mut nodes, &working, 2);
        }
    }
    let e = pass(&program, &nodes, &working, Want { gradient: true, ..Want::default() });
    let posteriors = class_posteriors(&program, &nodes, &working);
    let scores = cluster_scores(&program, &space, &nodes, &x);
    Ok(assemble::evaluation(&program, &space, &e, &posteriors, &scores))
}

/// Few points cannot find a narrow posterior by themselves: its location and scale from a fine grid.
fn found_on_fine_grid(program: &Program, rule: &Quadrature, working: &[f64], seed: u64) -> Result<Option<Evaluation>> {
    let dims = numeric_dims(&program.plan);
    let points = match dims.0 + dims.1 {
        1 => 401,
        2 => 61,
        3 => 21,
        _ => return Ok(None),
    };
    if rule.points >= FEW || !matches!(rule.method, Method::Rectangular | Method::GaussHermite) {
        return Ok(None);
    }
    let fine = Quadrature { method: Method::Rectangular, points, ..*rule };
    let (model, plan, sample) = (program.model.clone(), program.plan.clone(), program.sample.clone());
    let Prepared { program, nodes, .. } = prepare(model, plan, sample, fine, seed)?;
    let e = pass(&program, &nodes, working, Want { moments: true, ..Want::default() });
    Ok(e.log_likelihood.is_finite().then_some(e))
}

/// The dimensions of integration, why each is numeric or analytic, and the number of nodes.
///
/// # Errors
/// As `fit`.
pub fn plan(spec_json: &str, data: RawData, options_json: &str) -> Result<Value> {
    let (model, _sample, options) = read(spec_json, data, options_json)?;
    let plan = Plan::new(&model)?;
    let strategy = Strategy::new(&options.quadrature, numeric_dims(&plan));
    let nodes = rules(&plan, &strategy.main, &Gradings::default(), options.seed).map(|(b, w)| b.n_nodes * w.n_nodes)?;
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
