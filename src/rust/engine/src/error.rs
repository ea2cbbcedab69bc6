//! The one error type of the engine; every message names what was given and what is accepted.

use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Error)]
pub enum EngineError {
    /// The specification is malformed or inconsistent.
    #[error("{field}: {problem}")]
    Spec { field: String, problem: String },
    /// The data do not fit the specification.
    #[error("column `{column}`: {problem}")]
    Data { column: String, problem: String },
    /// The request cannot be computed (too many nodes, no usable start, …).
    #[error("{0}")]
    Engine(String),
    #[error("interrupted by the user")]
    Interrupted,
}

impl EngineError {
    pub fn spec(field: impl Into<String>, problem: impl Into<String>) -> Self {
        EngineError::Spec { field: field.into(), problem: problem.into() }
    }
    pub fn data(column: impl Into<String>, problem: impl Into<String>) -> Self {
        EngineError::Data { column: column.into(), problem: problem.into() }
    }
    /// The condition class that R raises.
    pub fn kind(&self) -> &'static str {
        match self {
            EngineError::Spec { .. } => "spec",
            EngineError::Data { .. } => "data",
            EngineError::Engine(_) => "engine",
            EngineError::Interrupted => "interrupt",
        }
    }
}

pub type Result<T> = std::result::Result<T, EngineError>;
