//! log L and, by one reverse sweep with posterior weights, its exact gradient for the quadrature in use
//! (Fisher's identity), the complete-data information, scores of clusters and posterior moments.

pub mod accumulator;
pub mod class_graph;
pub mod cluster_gaussian;
mod cluster_rows;
mod coefficients;
pub mod derivatives;
pub mod design_cells;
mod expected_information;
mod forward;
pub mod gaussian;
mod joint_normal;
mod lane;
mod lane_tables;
pub mod nodes;
mod pattern_block;
pub mod predictor;
pub mod residuals;
mod row_block;
pub mod rows;
mod run;
mod scaled;
mod shared_units;
mod sum_product;
pub mod table;
mod tables;
mod unit_likelihoods;
mod unit_means;

pub use crate::compiled::between_cell;
pub use lane::normalise;
pub use run::{evaluate, evaluate_with, Evaluation, Posterior, Sink, Want};
pub use tables::complete_data;
pub use unit_means::PatternPosterior;
