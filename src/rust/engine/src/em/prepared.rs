//! A model compiled for its data and its nodes, and how far off the integral is.

use super::options::{NamedGrading, Options, Quadrature, QuadratureRequest};
use super::search::Found;
use super::space::Space;
use crate::compiled::plan::{How, Plan};
use crate::compiled::{NodePlan, Program};
use crate::data::Sample;
use crate::error::{EngineError, Result};
use crate::likelihood::nodes::{NodeSet, Nodes};
use crate::likelihood::{evaluate as pass, Want};
use crate::quadrature::{self, Grading, Method, Rule, Step};
use crate::spec::{Level, Model};

/// A model, its data and its nodes, ready to be evaluated.
pub struct Prepared {
    pub program: Program,
    pub space: Space,
    pub nodes: Nodes,
    pub quadrature: Quadrature,
    pub gradings: Gradings,
}

/// Nodes graded by dimension, between and within; empty where no dimension is.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Gradings {
    pub between: Vec<Grading>,
    pub within: Vec<Grading>,
}

impl Gradings {
    pub fn are_plain(&self) -> bool {
        self.all().all(|g| g.steps.is_empty())
    }

    fn all(&self) -> impl Iterator<Item = &Grading> {
        self.between.iter().chain(&self.within)
    }

    /// As returned with a fit; dimensions without steps are left out.
    pub fn named(&self, model: &Model, plan: &Plan) -> Vec<NamedGrading> {
        let latents = [Level::Between, Level::Within].into_iter().flat_map(|l| numeric_latents(plan, l));
        let graded = latents.zip(self.all()).filter(|(_, g)| !g.steps.is_empty());
        graded
            .map(|(latent, g)| NamedGrading {
                latent: model.latents[latent].name.clone(),
                smooth: g.smooth,
                centre: g.steps.iter().map(|s| s.centre).collect(),
                slope: g.steps.iter().map(|s| s.slope).collect(),
            })
            .collect()
    }

    /// What a request gives; `None` leaves it to the parameters.
    pub fn given(request: &QuadratureRequest, model: &Model, plan: &Plan) -> Option<Gradings> {
        request.steps.as_ref().map(|steps| Gradings::of(steps, model, plan))
    }

    /// The dimensions of `plan`, graded as named; those not named are equally spaced.
    fn of(named: &[NamedGrading], model: &Model, plan: &Plan) -> Gradings {
        let grading = |latent: usize| {
            let found = named.iter().find(|n| n.latent == model.latents[latent].name);
            found.map_or(Grading::default(), |n| Grading {
                steps: n.centre.iter().zip(&n.slope).map(|(&centre, &slope)| Step { centre, slope }).collect(),
                smooth: n.smooth,
            })
        };
        let at = |level| numeric_latents(plan, level).map(grading).collect();
        Gradings { between: at(Level::Between), within: at(Level::Within) }
    }
}

/// Latents integrated on nodes, in the order of the dimensions of a level.
fn numeric_latents(plan: &Plan, level: Level) -> impl Iterator<Item = usize> + '_ {
    plan.dimensions.iter().filter(move |d| d.level == level && d.how == How::Numeric).map(|d| d.latent)
}

/// Common nodes below this share of the largest weight are dropped from grids.
const PRUNE: f64 = 1e-11;

pub fn rules(plan: &Plan, q: &Quadrature, gradings: &Gradings, seed: u64) -> Result<(Rule, Rule)> {
    let build = |level: Level, graded: &[Grading]| {
        let dims = plan.count(level, How::Numeric);
        let built = if graded.iter().all(|g| g.steps.is_empty()) {
            quadrature::build(q.method, q.points, dims, seed, q.max_nodes)
        } else {
            quadrature::build_graded(q.points, graded, q.max_nodes)
        };
        let mut rule = built.map_err(|e| EngineError::Engine(e.to_string()))?;
        if !q.adaptive && dims > 0 {
            quadrature::prune(&mut rule, PRUNE);
        }
        Ok(rule)
    };
    let (between, within) = (build(Level::Between, &gradings.between)?, build(Level::Within, &gradings.within)?);
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
    prepare_graded(model, plan, sample, quadrature, Gradings::default(), seed)
}

/// As `prepare`, on nodes that crowd where `gradings` says.
pub fn prepare_graded(
    model: Model,
    plan: Plan,
    sample: Sample,
    quadrature: Quadrature,
    gradings: Gradings,
    seed: u64,
) -> Result<Prepared> {
    let (between, within) = rules(&plan, &quadrature, &gradings, seed)?;
    let node_plan = node_plan(&plan, &quadrature, (between.n_nodes, within.n_nodes));
    let program = Program::new(model, plan, sample, node_plan)?;
    let space = Space::new(&program)?;
    Ok(Prepared {
        space,
        program,
        nodes: Nodes { between: NodeSet::new(&between), within: NodeSet::new(&within) },
        quadrature,
        gradings,
    })
}

pub fn node_plan(plan: &Plan, q: &Quadrature, (between_nodes, within_nodes): (usize, usize)) -> NodePlan {
    let dims = numeric_dims(plan);
    let full = |n: usize, dims: usize| Some(n) == q.points.checked_pow(dims as u32);
    let tensor = matches!(q.method, Method::Rectangular | Method::GaussHermite)
        && full(between_nodes, dims.0)
        && full(within_nodes, dims.1);
    NodePlan { between_nodes, within_nodes, adaptive: q.adaptive, grid: tensor.then_some(q.points) }
}

pub fn numeric_dims(plan: &Plan) -> (usize, usize) {
    (plan.count(Level::Between, How::Numeric), plan.count(Level::Within, How::Numeric))
}

/// Change of the log-likelihood under about twice the points per dimension; NaN without numeric dimensions.
pub fn integration_error(prepared: &Prepared, found: &Found, options: &Options) -> Result<f64> {
    let Prepared { program, space, .. } = prepared;
    let nodes = &found.best.nodes;
    if nodes.between.dims + nodes.within.dims == 0 {
        return Ok(f64::NAN);
    }
    let seed = options.seed.wrapping_add(1);
    let finer = Quadrature { points: 2 * prepared.quadrature.points - 1, max_nodes: 200_000, ..prepared.quadrature };
    let (model, plan, sample) = (program.model.clone(), program.plan.clone(), program.sample.clone());
    let Ok(mut fine) = prepare_graded(model, plan, sample, finer, prepared.gradings.clone(), seed) else {
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
