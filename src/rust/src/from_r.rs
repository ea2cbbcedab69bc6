//! From R's vectors to the engine's data; everything is copied out of R's memory before a thread starts.
use crate::bridge::{Condition, Outcome};
use extendr_api::prelude::*;
use mlmix_engine::{Columns, RawData};

fn wrong(argument: &str, wanted: &str) -> Condition {
    Condition::new("data", format!("`{argument}` must be {wanted}"))
}

/// One string, such as the JSON text of a specification.
pub fn text(argument: &str, value: &Robj) -> Outcome<String> {
    value.as_str().map(String::from).ok_or_else(|| wrong(argument, "one character string"))
}

/// A numeric vector, copied.
pub fn numbers(argument: &str, value: &Robj) -> Outcome<Vec<f64>> {
    value.as_real_vector().ok_or_else(|| wrong(argument, "a numeric (double) vector"))
}

fn optional_numbers(argument: &str, value: &Robj) -> Outcome<Option<Vec<f64>>> {
    if value.is_null() {
        return Ok(None);
    }
    numbers(argument, value).map(Some)
}

/// Cluster numbers 0, 1, …, one per row.
fn optional_clusters(value: &Robj) -> Outcome<Option<Vec<usize>>> {
    if value.is_null() {
        return Ok(None);
    }
    let refused = || wrong("cluster", "an integer vector of cluster numbers 0, 1, 2, ... without NA");
    let codes = value.as_integer_vector().ok_or_else(refused)?;
    codes.into_iter().map(|code| usize::try_from(code).map_err(|_| refused())).collect::<Outcome<_>>().map(Some)
}

fn columns(value: &Robj) -> Outcome<Columns> {
    let list = value.as_list().ok_or_else(|| wrong("columns", "a named list of numeric vectors"))?;
    let mut result = Columns { names: Vec::new(), values: Vec::new() };
    for (name, column) in list.iter() {
        result.values.push(numbers(&format!("columns${name}"), &column)?);
        result.names.push(name.to_string());
    }
    Ok(result)
}

/// The data of one call: numeric columns, cluster of each row, and weights, each of which may be `NULL`.
pub fn raw_data(
    columns_list: &Robj,
    cluster: &Robj,
    frequency: &Robj,
    unit_weights: &Robj,
    cluster_weights: &Robj,
) -> Outcome<RawData> {
    Ok(RawData {
        columns: columns(columns_list)?,
        cluster: optional_clusters(cluster)?,
        frequency: optional_numbers("frequency", frequency)?,
        unit_weights: optional_numbers("unit_weights", unit_weights)?,
        cluster_weights: optional_numbers("cluster_weights", cluster_weights)?,
    })
}

/// The number of threads asked for in the options; one when they do not say.
pub fn threads(options_json: &str) -> usize {
    serde_json::from_str::<serde_json::Value>(options_json)
        .ok()
        .and_then(|options| options.get("threads")?.as_u64())
        .map_or(1, |threads| threads.clamp(1, 1024) as usize)
}
