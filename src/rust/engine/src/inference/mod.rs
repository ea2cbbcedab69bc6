//! Information, scores by cluster, standard errors, and what the information says about identification.

pub mod closed_form;
pub mod covariance;
mod factor_tables;
pub mod information;
pub mod louis;
pub mod maximum;
mod pair_sums;
pub mod pairs;
mod products;
pub mod scores;
pub mod separation;
mod states;
mod unit_block;
pub mod unit_pairs;
