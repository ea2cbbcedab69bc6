//! Estimation of multilevel mixture models (Asparouhov & Muthén 2006): one engine, every model is a specification.
//!
//! `fit` reads a specification and numeric columns, runs the two-stage random starts and returns estimates, standard
//! errors, posteriors and diagnostics, all from one point.

#![forbid(unsafe_code)]

pub mod compiled;
pub mod data;
pub mod em;
pub mod error;
pub mod family;
pub mod fit;
pub mod inference;
pub mod likelihood;
pub mod linalg;
pub mod numeric;
pub mod optim;
pub mod posterior;
pub mod quadrature;
pub mod result;
pub mod rng;
pub mod simulate;
pub mod spec;
pub mod vector;

pub use data::{Columns, RawData};
pub use em::problem::Monitor;
pub use error::EngineError;
pub use fit::{evaluate, fit, plan, simulate};
