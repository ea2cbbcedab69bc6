//! From R's vectors to the engine's data; everything is copied out of R's memory before a thread starts.
use crate::bridge::{Condition, Outcome};
use extendr_api::prelude::*;
use mlmix_engine::{Columns, RawData};
use serde_json::Value as Json;

fn wrong(argument: &str, wanted: &str) -> Condition {
    Condition::new("data", format!("`{argument}` must be {wanted}"))
}

/// Text as UTF-8: what is not is Latin-1, the only other encoding that R marks.
fn utf8(text: &str) -> String {
    match std::str::from_utf8(text.as_bytes()) {
        Ok(text) => text.into(),
        Err(_) => text.bytes().map(char::from).collect(),
    }
}

/// A specification or options as JSON text: a list is written as jsonlite does with `auto_unbox`, so that a vector of
/// length one is a scalar unless it has class `AsIs`. What is text already is taken as it is.
pub fn json(argument: &str, value: &Robj) -> Outcome<String> {
    match value.as_str() {
        Some(text) => Ok(utf8(text)),
        None if value.is_list() => json_value(argument, value).map(|json| json.to_string()),
        None => Err(wrong(argument, "a list or one string of JSON")),
    }
}

fn json_value(argument: &str, value: &Robj) -> Outcome<Json> {
    let refused = || wrong(argument, "made of lists, text and numbers");
    let mut elements: Vec<Json> = match value.rtype() {
        Rtype::Null => return Ok(Json::Null),
        Rtype::List => return json_list(argument, &value.as_list().ok_or_else(refused)?),
        Rtype::Strings => value.as_str_iter().ok_or_else(refused)?.map(|text| utf8(text).into()).collect(),
        Rtype::Integers => {
            let whole = |x: &i32| if *x == i32::MIN { Json::Null } else { Json::from(*x) };
            value.as_integer_slice().ok_or_else(refused)?.iter().map(whole).collect()
        }
        Rtype::Doubles => value.as_real_slice().ok_or_else(refused)?.iter().map(|x| json_number(*x)).collect(),
        Rtype::Logicals => {
            let truth = |x: &Rbool| if x.is_na() { Json::Null } else { Json::from(x.is_true()) };
            value.as_logical_slice().ok_or_else(refused)?.iter().map(truth).collect()
        }
        _ => return Err(refused()),
    };
    match elements.pop() {
        Some(scalar) if elements.is_empty() && !value.inherits("AsIs") => Ok(scalar),
        last => Ok(elements.into_iter().chain(last).collect()),
    }
}

fn json_list(argument: &str, list: &List) -> Outcome<Json> {
    let elements = list.values().map(|element| json_value(argument, &element));
    match list.names() {
        Some(names) => names.zip(elements).map(|(name, element)| Ok((utf8(name), element?))).collect(),
        None => elements.collect(),
    }
}

/// Whole numbers without a decimal point, since R's counts and indices may be doubles; what is not finite is null.
fn json_number(x: f64) -> Json {
    if x.fract() == 0.0 && x.abs() < 1e15 {
        Json::from(x as i64)
    } else {
        Json::from(x)
    }
}

/// A numeric vector, copied; missing integers become NaN.
pub fn numbers(argument: &str, value: &Robj) -> Outcome<Vec<f64>> {
    if let Some(whole) = value.as_integer_slice() {
        return Ok(whole.iter().map(|&x| if x == i32::MIN { f64::NAN } else { x.into() }).collect());
    }
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
        result.names.push(utf8(name));
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
