//! Assembles the documented result (inst/spec-format.md) from one point: estimates, errors, posteriors, diagnostics.

use super::value::Value;
use super::warnings::warnings;
use std::collections::HashMap;

use crate::compiled::plan::{How, Plan};
use crate::compiled::Program;
use crate::em::options::{NamedGrading, Options, Quadrature};
use crate::em::prepared::Gradings;
use crate::em::search::Found;
use crate::em::space::Space;
use crate::fit::Prepared;
use crate::inference::maximum::Inference;
use crate::likelihood::Evaluation;
use crate::linalg::{add_product, matmul};
use crate::optim::maximise::Status;
use crate::posterior::classes::ClassPosteriors;
use crate::posterior::latents::LatentPosteriors;
use crate::quadrature::Method;
use crate::simulate::Simulated;
use crate::spec::{Level, Model};

fn text(s: &str) -> Value {
    Value::Text(s.to_string())
}

fn entry(name: &str, value: Value) -> (String, Value) {
    (name.to_string(), value)
}

fn status_name(s: Option<Status>) -> &'static str {
    match s {
        Some(Status::Converged) => "converged",
        Some(Status::MaxIterations) => "max_iterations",
        Some(Status::Stalled) => "stalled",
        Some(Status::Cancelled) => "cancelled",
        None => "not continued",
    }
}

/// ∂ natural / ∂ coordinates over all parameters, column-major [n_parameters × n_coordinates].
fn jacobian(program: &Program, space: &Space, working: &[f64]) -> Vec<f64> {
    let (n, m) = (working.len(), space.dim());
    let in_block: Vec<bool> =
        (0..n).map(|p| program.working.blocks.iter().any(|b| b.parameters.contains(&p))).collect();
    let blocks = program.working.jacobian(working);
    let mut out = vec![0.0; n * m];
    for (k, column) in space.columns.iter().enumerate() {
        for &(p, w) in column {
            if in_block[p] {
                blocks.iter().filter(|(_, q, _)| *q == p).for_each(|(row, _, d)| out[k * n + row] += w * d);
            } else {
                out[k * n + p] += w;
            }
        }
    }
    out
}

/// Status of every parameter.
fn parameter_status(prepared: &Prepared, inference: &Inference, working: &[f64], natural: &[f64]) -> Vec<&'static str> {
    let model = &prepared.program.model;
    let mut status: Vec<&'static str> =
        model.parameters.iter().map(|p| if p.free { "free" } else { "fixed" }).collect();
    for (k, column) in prepared.space.columns.iter().enumerate() {
        for &(p, _) in column {
            if inference.held[k] {
                status[p] = "boundary";
            } else if inference.flat[k] {
                status[p] = "not identified";
            }
        }
    }
    let units: HashMap<usize, f64> = prepared.space.columns.iter().map(|c| c[0]).collect();
    // a variance of (almost) zero: the Cholesky row of its latent vanishes
    for b in &prepared.program.working.blocks {
        for i in 0..b.dim {
            let p = b.at(i, i);
            if model.parameters[p].free && natural[p].abs() < NO_VARIANCE * units.get(&p).map_or(1.0, |u| u * u) {
                status[p] = "boundary";
            } else if i > 0 && working[p] * working[p] < SINGULAR * natural[p] {
                // explained wholly by the latents before it: with one of them, a correlation of 1 or -1
                (0..i).map(|j| b.at(i, j)).filter(|&c| model.parameters[c].free).for_each(|c| status[c] = "boundary");
            }
        }
    }
    status
}

/// Variance, in the squared unit of its standard deviation, that counts as 0.
const NO_VARIANCE: f64 = 1e-6;
/// Share of a latent's variance that others of its block leave unexplained, below which the matrix counts as singular.
const SINGULAR: f64 = 1e-8;

/// Covariance matrix on the natural scale over free parameters; NaN where a parameter has no standard error.
fn natural_vcov(jacobian: &[f64], vcov: &[f64], n: usize, m: usize, free: &[usize], status: &[&str]) -> Vec<f64> {
    let clean: Vec<f64> = vcov.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
    let mut half = vec![0.0; n * m];
    matmul(jacobian, &clean, (n, m, m), &mut half);
    let mut all = vec![0.0; n * n];
    add_product(&half, jacobian, (n, m, n), &mut all);
    let f = free.len();
    let mut out = vec![f64::NAN; f * f];
    for (a, &p) in free.iter().enumerate() {
        for (b, &q) in free.iter().enumerate() {
            if status[p] == "free" && status[q] == "free" {
                out[b * f + a] = all[q * n + p];
            }
        }
    }
    out
}

/// Information and cross-product on the natural scale are those of the coordinates where the two scales agree;
/// blocks estimated through their Cholesky factor are transformed with the inverse Jacobian.
fn on_coordinates(matrix: &Option<Vec<f64>>, space: &Space) -> Value {
    match matrix {
        Some(v) => Value::matrix(space.matrix_in_data_units(v), space.dim(), space.dim()),
        None => Value::Null,
    }
}

/// The result of a fit.
pub fn fit(
    prepared: &Prepared,
    options: &Options,
    found: &Found,
    inference: &Inference,
    posteriors: ClassPosteriors,
    integration_error: f64,
) -> Value {
    let Prepared { program, space, .. } = prepared;
    let model = &program.model;
    let maximum = &found.best.maximum;
    let working = space.to_working(&maximum.x);
    let natural = program.working.to_natural(&working);
    let (n, m) = (natural.len(), space.dim());
    let status = parameter_status(prepared, inference, &working, &natural);
    let free: Vec<usize> = (0..n).filter(|&p| model.parameters[p].free).collect();
    let j = jacobian(program, space, &working);
    let vcov = inference.vcov.as_ref().map(|v| natural_vcov(&j, v, n, m, &free, &status));
    let mut std_error = vec![f64::NAN; n];
    if let Some(v) = &vcov {
        for (a, &p) in free.iter().enumerate() {
            std_error[p] = v[a * free.len() + a].max(0.0).sqrt();
            if v[a * free.len() + a].is_nan() {
                std_error[p] = f64::NAN;
            }
        }
    }
    let gradient = space.in_data_units(&maximum.value.gradient);
    let max_gradient =
        gradient.iter().zip(&inference.held).filter(|(_, h)| !**h).fold(0.0f64, |a, (g, _)| a.max(g.abs()));
    let log_prior = space.priors.log_density(&working);
    let mut out = vec![
        entry("estimate", natural.clone().into()),
        entry("std_error", std_error.into()),
        entry("status", Value::Texts(status.iter().map(|s| s.to_string()).collect())),
        entry("free", Value::Ints(free.iter().map(|p| *p as i32).collect())),
        entry("vcov", vcov.map_or(Value::Null, |v| Value::matrix(v, free.len(), free.len()))),
        entry("information", on_coordinates(&inference.information, space)),
        entry("cross_product", on_coordinates(&inference.cross_product, space)),
        entry("gradient", gradient.into()),
        entry("log_likelihood", (maximum.value.f - log_prior).into()),
        entry("log_prior", log_prior.into()),
        entry("n_free", Value::Int(m as i64)),
        entry("n_units", program.sample.n_units.into()),
        entry("n_clusters", Value::Int(program.sample.n_clusters as i64)),
        entry("scaling", inference.scaling.into()),
        entry(
            "convergence",
            Value::list([
                ("status", text(status_name(Some(maximum.status)))),
                ("newton_decrement", maximum.decrement.into()),
                ("max_gradient", max_gradient.into()),
                ("iterations", Value::Int(maximum.iterations as i64)),
                ("e_steps", Value::Int(found.evaluations as i64)),
            ]),
        ),
        entry("starts", starts(found)),
        entry("replicated", Value::Int(found.replicated as i64)),
    ];
    out.extend(posterior_entries(program, posteriors));
    out.push(entry(
        "integration",
        integration(
            model,
            &program.plan,
            &prepared.quadrature,
            &prepared.gradings,
            program.n_nodes.0 * program.n_nodes.1,
            integration_error,
        ),
    ));
    out.push(entry(
        "warnings",
        Value::Items(warnings(prepared, options, found, inference, &status, integration_error)),
    ));
    Value::List(out)
}

fn starts(found: &Found) -> Value {
    let rows = &found.rows;
    Value::list([
        ("start", Value::Ints(rows.iter().map(|r| r.start as i32).collect())),
        ("stage1", Value::Numbers(rows.iter().map(|r| r.stage1).collect())),
        ("final", Value::Numbers(rows.iter().map(|r| r.last).collect())),
        ("iterations", Value::Ints(rows.iter().map(|r| r.iterations as i32).collect())),
        ("status", Value::Texts(rows.iter().map(|r| status_name(r.status).to_string()).collect())),
    ])
}

/// Spreads [distinct × k] (row by row) over rows, column-major.
fn spread(values: Vec<f64>, k: usize, of: &[u32]) -> Value {
    let n = of.len();
    let mut out = Vec::with_capacity(n * k);
    (0..k).for_each(|c| out.extend(of.iter().map(|&u| values[u as usize * k + c])));
    Value::matrix(out, n, k)
}

/// Each of the vectors of `p` is freed when it is spread.
fn posterior_entries(program: &Program, p: ClassPosteriors) -> Vec<(String, Value)> {
    let model = &program.model;
    let units = &program.units;
    let mut within = vec![];
    let mut sizes = vec![];
    let mut transitions = vec![];
    let by_variable = program.within_classes.iter().zip(p.within).zip(p.transitions);
    for ((&c, values), counts) in by_variable {
        let (k, name) = (model.classes[c].n_classes, model.classes[c].name.clone());
        let mut size = vec![0.0; k];
        for (u, row) in values.chunks_exact(k).enumerate() {
            let weight = units.count[u] * units.weight[units.cluster[u] as usize];
            if weight > 0.0 {
                size.iter_mut().zip(row).for_each(|(s, v)| *s += weight * v);
            }
        }
        within.push((name.clone(), spread(values, k, &units.of_row)));
        let total: f64 = size.iter().sum();
        sizes.push((name.clone(), Value::Numbers(size.iter().map(|s| s / total).collect())));
        let parents = counts.len() / k.max(1);
        if parents > 1 {
            transitions.push((name, Value::matrix(counts, parents, k)));
        }
    }
    let mut between = vec![];
    for &d in &program.between_classes {
        let k = model.classes[d].n_classes;
        let mut marginal = vec![];
        let mut state = vec![0; model.classes.len()];
        for row in p.between.chunks_exact(program.n_between_cells) {
            let mut m = vec![0.0; k];
            for (cell, v) in row.iter().enumerate() {
                model.set_states(&program.between_classes, cell, &mut state);
                m[state[d]] += v;
            }
            marginal.extend(m);
        }
        let mut size = vec![0.0; k];
        for (j, row) in marginal.chunks_exact(k).enumerate() {
            size.iter_mut().zip(row).for_each(|(s, v)| *s += units.weight[j] * v);
        }
        let total: f64 = size.iter().sum();
        sizes.push((model.classes[d].name.clone(), Value::Numbers(size.iter().map(|s| s / total).collect())));
        between.push((model.classes[d].name.clone(), spread(marginal, k, &units.of_cluster)));
    }
    let joint = match p.joint {
        Some(values) => spread(values, program.model.n_cells(&program.within_classes), &program.units.of_row),
        None => Value::Null,
    };
    vec![
        entry(
            "log_likelihood_clusters",
            Value::Numbers(units.of_cluster.iter().map(|&j| p.log_likelihood[j as usize]).collect()),
        ),
        entry("posterior_within", Value::List(within)),
        entry("posterior_joint", joint),
        entry("posterior_between", Value::List(between)),
        entry("class_prob", Value::List(sizes)),
        entry("transitions", Value::List(transitions)),
    ]
}

fn method_name(m: Method) -> &'static str {
    match m {
        Method::Rectangular => "rectangular",
        Method::Graded => "graded",
        Method::GaussHermite => "gauss_hermite",
        Method::MonteCarlo => "monte_carlo",
        Method::Sobol => "sobol",
    }
}

fn integration(
    model: &Model,
    plan: &Plan,
    quadrature: &Quadrature,
    gradings: &Gradings,
    n_nodes: usize,
    error: f64,
) -> Value {
    let dimensions = plan
        .dimensions
        .iter()
        .map(|d| {
            Value::list([
                ("name", text(&model.latents[d.latent].name)),
                ("level", text(if d.level == Level::Within { "within" } else { "between" })),
                ("how", text(if d.how == How::Numeric { "numeric" } else { "analytic" })),
                ("why", text(&d.why)),
            ])
        })
        .collect();
    Value::list([
        ("dimensions", Value::Items(dimensions)),
        ("method", text(method_name(quadrature.method))),
        ("points", Value::Int(quadrature.points as i64)),
        ("adaptive", Value::Bool(quadrature.adaptive)),
        ("n_nodes", Value::Int(n_nodes as i64)),
        ("steps", Value::Items(gradings.named(model, plan).into_iter().map(steps).collect())),
        ("error", error.into()),
    ])
}

/// Where nodes crowd along one dimension, as the options of a request take it.
fn steps(g: NamedGrading) -> Value {
    Value::list([
        ("latent", Value::Text(g.latent)),
        ("smooth", Value::Bool(g.smooth)),
        ("centre", Value::Numbers(g.centre)),
        ("slope", Value::Numbers(g.slope)),
    ])
}

/// The integration plan alone.
pub fn plan(model: &Model, plan: &Plan, quadrature: &Quadrature, n_nodes: usize) -> Value {
    integration(model, plan, quadrature, &Gradings::default(), n_nodes, f64::NAN)
}

/// The result of an evaluation at given parameters.
pub fn evaluation(
    program: &Program,
    space: &Space,
    e: &Evaluation,
    posteriors: ClassPosteriors,
    scores: &[f64],
) -> Value {
    let m = space.dim();
    let n = scores.len() / m.max(1);
    let scores: Vec<f64> = scores.chunks_exact(m.max(1)).flat_map(|row| space.in_data_units(row)).collect();
    let mut out = vec![
        entry("log_likelihood", e.log_likelihood.into()),
        entry("gradient", space.in_data_units(&space.gradient(&e.sums.gradient)).into()),
        entry("n_free", Value::Int(m as i64)),
        entry("scores", if n == 0 { Value::Null } else { spread(scores, m, &program.units.of_cluster) }),
    ];
    if e.log_likelihood.is_finite() {
        out.extend(posterior_entries(program, posteriors));
    }
    Value::List(out)
}

/// Simulated outcomes, classes and latent variables, each a named list of columns.
pub fn simulation((outcomes, classes, latents): (Vec<String>, Vec<String>, Vec<String>), drawn: Simulated) -> Value {
    let columns = |names: Vec<String>, values: Vec<Vec<f64>>| {
        Value::List(names.into_iter().zip(values.into_iter().map(Value::Numbers)).collect())
    };
    Value::list([
        ("outcomes", columns(outcomes, drawn.outcomes)),
        ("classes", columns(classes, drawn.classes)),
        ("latents", columns(latents, drawn.latents)),
    ])
}

/// Posterior means and standard deviations of the latent variables, spread over rows or clusters.
pub fn latents(program: &Program, p: &LatentPosteriors) -> Value {
    let describe = |(l, latent): (usize, &crate::spec::Latent)| {
        let within = latent.level == Level::Within;
        let of = if within { &program.units.of_row } else { &program.units.of_cluster };
        let pick = |v: &[f64], f: fn(f64) -> f64| Value::Numbers(of.iter().map(|&u| f(v[u as usize])).collect());
        Value::list([
            ("name", text(&latent.name)),
            ("level", text(if within { "within" } else { "between" })),
            ("mean", pick(&p.mean[l], |v| v)),
            ("sd", pick(&p.variance[l], f64::sqrt)),
        ])
    };
    Value::Items(program.model.latents.iter().enumerate().map(describe).collect())
}
