//! The nested, R-like value in which the engine hands over its results.

/// What a result may contain. The binding crate turns it into plain R lists and vectors;
/// nothing here knows R.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    Ints(Vec<i32>),
    Texts(Vec<String>),
    /// `values` is column-major, `n_rows * n_cols` long.
    Matrix {
        values: Vec<f64>,
        n_rows: usize,
        n_cols: usize,
    },
    /// Named elements, in order.
    List(Vec<(String, Value)>),
    /// Elements without names.
    Items(Vec<Value>),
}

impl Value {
    /// A matrix from column-major values.
    pub fn matrix(values: Vec<f64>, n_rows: usize, n_cols: usize) -> Self {
        assert_eq!(values.len(), n_rows * n_cols, "a matrix holds n_rows × n_cols values");
        Value::Matrix { values, n_rows, n_cols }
    }

    /// A named list: `Value::list([("n_units", n.into()), …])`.
    pub fn list<N: Into<String>>(elements: impl IntoIterator<Item = (N, Value)>) -> Self {
        Value::List(elements.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// The element of that name, if this is a list that has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::List(elements) => elements.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Adds a named element to a list.
    pub fn push(&mut self, name: &str, value: Value) {
        if let Value::List(elements) = self {
            elements.push((name.to_string(), value));
        }
    }

    /// The number held, whole or not.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(x) => Some(*x),
            Value::Int(i) => Some(*i as f64),
            _ => None,
        }
    }
}

/// One `From` per Rust type that has its own variant.
macro_rules! from_own_variant {
    ($($rust:ty => $variant:ident),* $(,)?) => {
        $(impl From<$rust> for Value {
            fn from(x: $rust) -> Self {
                Value::$variant(x)
            }
        })*
    };
}
from_own_variant! {
    bool => Bool, i64 => Int, f64 => Number, String => Text,
    Vec<f64> => Numbers, Vec<i32> => Ints, Vec<String> => Texts, Vec<Value> => Items,
}

impl From<usize> for Value {
    fn from(x: usize) -> Self {
        Value::Int(x as i64)
    }
}

impl From<&str> for Value {
    fn from(x: &str) -> Self {
        Value::Text(x.to_string())
    }
}

/// Counts and indices; every one must fit in R's 32-bit integer.
impl From<Vec<usize>> for Value {
    fn from(x: Vec<usize>) -> Self {
        Value::Ints(x.into_iter().map(|i| i32::try_from(i).expect("an index below 2^31")).collect())
    }
}

/// `None` is `Null`.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(x: Option<T>) -> Self {
        x.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_choose_the_matching_variant() {
        assert_eq!(Value::from(3usize), Value::Int(3));
        assert_eq!(Value::from(vec![0usize, 2]), Value::Ints(vec![0, 2]));
        assert_eq!(Value::from(Some("a")), Value::Text("a".into()));
        assert_eq!(Value::from(None::<f64>), Value::Null);
        assert_eq!(Value::from(vec![1.5]), Value::Numbers(vec![1.5]));
    }

    #[test]
    fn elements_are_found_by_name() {
        let fit = Value::list([("log_likelihood", (-2.5).into()), ("n_units", 10usize.into())]);
        assert_eq!(fit.get("log_likelihood").and_then(Value::as_f64), Some(-2.5));
        assert_eq!(fit.get("n_units").and_then(Value::as_f64), Some(10.0));
        assert_eq!(fit.get("absent"), None);
        assert_eq!(Value::Null.get("n_units"), None);
    }

    #[test]
    #[should_panic(expected = "n_rows × n_cols")]
    fn a_matrix_of_the_wrong_size_is_refused() {
        Value::matrix(vec![1.0, 2.0], 2, 2);
    }
}
