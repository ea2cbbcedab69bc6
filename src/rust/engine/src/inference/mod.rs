//! Information, scores by cluster, standard errors, and what the information says about identification.

pub mod covariance;
pub mod information;
pub mod louis;
pub mod maximum;
pub mod scores;
pub mod separation;
