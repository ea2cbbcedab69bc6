//! From the engine's nested result to plain R lists and vectors.
//!
//! Attributes are set in R, never here (extendr aborts R when setting one fails), so a matrix
//! travels as `list(.matrix, n_rows, n_cols)` and R/engine-values.R rebuilds it.
use extendr_api::prelude::*;
use mlmix_engine::result::value::Value;

pub fn to_r(value: Value) -> Robj {
    match value {
        Value::Null => ().into(),
        Value::Bool(x) => x.into(),
        Value::Int(x) => i32::try_from(x).map_or_else(|_| (x as f64).into(), Robj::from),
        Value::Number(x) => x.into(),
        Value::Text(x) => x.into(),
        Value::Numbers(x) => x.into(),
        Value::Ints(x) => x.into(),
        Value::Texts(x) => x.into(),
        Value::Matrix { values, n_rows, n_cols } => List::from_pairs([
            (".matrix", Robj::from(values)),
            ("n_rows", Robj::from(n_rows as i32)),
            ("n_cols", Robj::from(n_cols as i32)),
        ])
        .into(),
        Value::List(elements) => List::from_pairs(elements.into_iter().map(|(name, value)| (name, to_r(value)))).into(),
        Value::Items(items) => List::from_values(items.into_iter().map(to_r)).into(),
    }
}
