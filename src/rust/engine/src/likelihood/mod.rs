//! log L and, by one reverse sweep with posterior weights, its exact gradient for the quadrature in use
//! (Fisher's identity), the complete-data information, scores of clusters and posterior moments.

pub mod accumulator;
pub mod class_graph;
pub mod cluster_gaussian;
pub mod derivatives;
pub mod gaussian;
mod lane;
pub mod nodes;
pub mod predictor;
pub mod residuals;
pub mod rows;
mod run;
mod shared_units;
pub mod table;
mod tables;

pub use crate::compiled::between_cell;
pub use run::{evaluate, evaluate_with, Evaluation, Posterior, Sink, Want};
