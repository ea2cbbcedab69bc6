//! The functions R calls: each reads its arguments, runs the engine, and returns `list(ok)` or `list(err)`.
#![allow(clippy::too_many_arguments)] // .Call() has no other way to pass a request
use extendr_api::prelude::*;

mod bridge;
mod from_r;
mod to_r;

use bridge::{boundary, run_with_progress};
use from_r::{json, numbers, raw_data, threads};
use to_r::to_r;

/// Estimates the model.
#[extendr]
fn engine_fit(
    spec: Robj,
    columns: Robj,
    cluster: Robj,
    frequency: Robj,
    unit_weights: Robj,
    cluster_weights: Robj,
    options: Robj,
    progress: Robj,
) -> Robj {
    boundary(|| {
        let (spec, options) = (json("spec", &spec)?, json("options", &options)?);
        let data = raw_data(&columns, &cluster, &frequency, &unit_weights, &cluster_weights)?;
        run_with_progress(threads(&options), &progress, |monitor| mlmix_engine::fit(&spec, data, &options, monitor))
            .map(to_r)
    })
}

/// Log-likelihood, scores and posteriors at the parameters given.
#[extendr]
fn engine_evaluate(
    spec: Robj,
    columns: Robj,
    cluster: Robj,
    frequency: Robj,
    unit_weights: Robj,
    cluster_weights: Robj,
    options: Robj,
    parameters: Robj,
) -> Robj {
    boundary(|| {
        let (spec, options) = (json("spec", &spec)?, json("options", &options)?);
        let data = raw_data(&columns, &cluster, &frequency, &unit_weights, &cluster_weights)?;
        let parameters = numbers("parameters", &parameters)?;
        run_with_progress(threads(&options), &().into(), |monitor| {
            mlmix_engine::evaluate(&spec, data, &options, &parameters, monitor)
        })
        .map(to_r)
    })
}

/// Which dimensions are integrated numerically, and why.
#[extendr]
fn engine_plan(
    spec: Robj,
    columns: Robj,
    cluster: Robj,
    frequency: Robj,
    unit_weights: Robj,
    cluster_weights: Robj,
    options: Robj,
) -> Robj {
    boundary(|| {
        let (spec, options) = (json("spec", &spec)?, json("options", &options)?);
        let data = raw_data(&columns, &cluster, &frequency, &unit_weights, &cluster_weights)?;
        run_with_progress(threads(&options), &().into(), |_| mlmix_engine::plan(&spec, data, &options)).map(to_r)
    })
}

/// Data drawn from the model at the parameters given.
#[extendr]
fn engine_simulate(
    spec: Robj,
    columns: Robj,
    cluster: Robj,
    frequency: Robj,
    unit_weights: Robj,
    cluster_weights: Robj,
    options: Robj,
    parameters: Robj,
) -> Robj {
    boundary(|| {
        let (spec, options) = (json("spec", &spec)?, json("options", &options)?);
        let data = raw_data(&columns, &cluster, &frequency, &unit_weights, &cluster_weights)?;
        let parameters = numbers("parameters", &parameters)?;
        run_with_progress(threads(&options), &().into(), |_| mlmix_engine::simulate(&spec, data, &options, &parameters))
            .map(to_r)
    })
}

extendr_module! {
    mod mlmix;
    fn engine_fit;
    fn engine_evaluate;
    fn engine_plan;
    fn engine_simulate;
}
