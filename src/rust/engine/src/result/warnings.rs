//! Warnings of a fit, in words: convergence, boundaries, identification, integration, replication.

use super::value::Value;
use crate::compiled::Program;
use crate::em::options::{Options, StandardErrors};
use crate::em::search::Found;
use crate::fit::Prepared;
use crate::inference::maximum::Inference;
use crate::optim::maximise::Status;
use crate::quadrature::Method;
use crate::spec::{Level, Model};

fn warning(kind: &str, message: String, parameters: Vec<String>) -> Value {
    Value::list([
        ("kind", Value::Text(kind.to_string())),
        ("message", Value::Text(message)),
        ("parameters", Value::Texts(parameters)),
    ])
}

/// What a reader of the fit is to know, each with its kind and the parameters it concerns.
pub fn warnings(
    prepared: &Prepared,
    options: &Options,
    found: &Found,
    inference: &Inference,
    status: &[&str],
    integration_error: f64,
) -> Vec<Value> {
    let model = &prepared.program.model;
    let named = |what: &str| -> Vec<String> {
        (0..status.len()).filter(|&p| status[p] == what).map(|p| model.parameters[p].name.clone()).collect()
    };
    let maximum = &found.best.maximum;
    let mut out = vec![];
    match maximum.status {
        Status::MaxIterations => out.push(warning(
            "convergence",
            format!("Not converged after {} iterations; raise max_iterations.", maximum.iterations),
            vec![],
        )),
        Status::Stalled => out.push(warning(
            "convergence",
            "The iterations stalled before the gradient vanished; the estimates may not be a maximum.".into(),
            vec![],
        )),
        _ => {}
    }
    if inference.saddle {
        out.push(warning(
            "convergence",
            "The information matrix is not positive definite: the solution is not a regular maximum.".into(),
            vec![],
        ));
    }
    let boundary = named("boundary");
    if !boundary.is_empty() {
        out.push(warning(
            "boundary",
            match boundary.len() {
                1 => "1 parameter ended at the boundary of the parameter space and has no standard error.".into(),
                n => format!("{n} parameters ended at the boundary of the parameter space and have no standard error."),
            },
            boundary,
        ));
    }
    let flat = named("not identified");
    if !flat.is_empty() {
        out.push(warning(
            "identification",
            match flat.len() {
                1 => "The data do not identify 1 parameter: the log-likelihood is flat in its direction. It has no standard error.".into(),
                n => format!("The data do not identify {n} parameters: the log-likelihood is flat in their direction. They have no standard error."),
            },
            flat,
        ));
    }
    let runaway = runaway_logits(model, &prepared.space.to_working(&maximum.x), &prepared.program);
    if !runaway.is_empty() {
        out.push(warning(
            "boundary",
            "A random class logit varies so much that the units of a cluster are nearly all in one class; a class variable of the clusters (level = \"between\") is the simpler model.".into(),
            runaway,
        ));
    }
    if found.best.fell_back {
        out.push(warning(
            "integration",
            match prepared.quadrature.method {
                Method::MonteCarlo => "Adaptive random points broke the integral; the points are common to all clusters. Method \"sobol\" or a grid is more accurate.",
                _ => "Adaptive quadrature failed; the nodes are common to all clusters.",
            }
            .into(),
            vec![],
        ));
    }
    if integration_error.abs() > 0.05 {
        out.push(warning("integration", format!("About twice the integration points change the log-likelihood by {integration_error:.3}; raise `points`."), vec![]));
    }
    let continued = found.rows.iter().filter(|r| r.status.is_some()).count();
    if continued > 1 && found.replicated < 2 {
        out.push(warning(
            "replication",
            format!("The best log-likelihood was reached by 1 of {continued} final starts; raise `starts`."),
            vec![],
        ));
    }
    if options.se != StandardErrors::None && inference.vcov.is_none() && prepared.space.dim() > 0 {
        out.push(warning(
            "identification",
            "The information matrix could not be inverted; there are no standard errors.".into(),
            vec![],
        ));
    }
    out
}

/// Standard deviation of a random class logit from which P(class) is 0 or 1 in nearly every cluster.
const RUNAWAY: f64 = 30.0;

/// Variances of between latents without an equation of their own that stand in a class logit and are beyond `RUNAWAY`.
fn runaway_logits(model: &Model, working: &[f64], program: &Program) -> Vec<String> {
    let natural = program.working.to_natural(working);
    let in_logit = |l: usize| {
        let within = model.classes.iter().filter(|c| c.level == Level::Within);
        within.flat_map(|c| &c.logits).flat_map(|p| &p.terms).any(|t| t.latents == [l] && t.covariate.is_none())
    };
    let variances = model.latents.iter().enumerate().filter(|(l, v)| v.level == Level::Between && in_logit(*l));
    variances
        .flat_map(|(_, v)| v.variance.parameters())
        .filter(|&&p| model.parameters[p].free && natural[p] > RUNAWAY * RUNAWAY)
        .map(|&p| model.parameters[p].name.clone())
        .collect()
}
