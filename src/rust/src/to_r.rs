//! From the engine's nested result to plain R lists and vectors.
//!
//! Every vector is freed once it is copied. Attributes are never set here (extendr aborts R when setting one fails).
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
        Value::Matrix { values, n_rows, n_cols } => {
            let mut matrix = RMatrix::<f64>::new(n_rows, n_cols);
            if !values.is_empty() {
                matrix.data_mut().copy_from_slice(&values);
            }
            matrix.into()
        }
        Value::List(elements) => List::from_pairs(elements.into_iter().map(|(name, value)| (name, to_r(value)))).into(),
        Value::Items(items) => List::from_values(items.into_iter().map(to_r)).into(),
    }
}
