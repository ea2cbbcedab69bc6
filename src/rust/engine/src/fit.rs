//! The engine's three requests: fit a model, evaluate it at given parameters, show its integration plan.

use crate::compiled::plan::Plan;
use crate::compiled::Program;
use crate::data::{RawData, Sample};
use crate::em::admissible::to_working;
use crate::em::estimate::estimate;
use crate::em::options::{Options, Quadrature};
use crate::em::prepared::{integration_error, node_plan, numeric_dims, prepare_graded, rules, Gradings};
pub use crate::em::prepared::{prepare, Prepared};
use crate::em::problem::Monitor;
use crate::em::search::adapt;
use crate::em::steps::gradings;
use crate::em::strategy::Strategy;
use crate::error::{EngineError, Result};
use crate::inference::maximum::infer;
use crate::inference::scores::cluster_scores;
use crate::likelihood::{evaluate as pass, Evaluation, Want};
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
    let mut result = assemble::fit(&prepared, &options, &found, &inference, posteriors, error);
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
        let at = gradings(&prepared.program, &working, rule.points, 1.0);
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
    Ok(assemble::evaluation(&program, &space, &e, posteriors, &scores))
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
