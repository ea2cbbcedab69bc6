//! From a program to its maximum: coordinates, starting values, adaptation of the nodes, the two-stage random starts.

pub mod admissible;
pub mod barrier;
pub mod estimate;
mod graded;
pub mod options;
pub mod prepared;
pub mod prior;
pub mod problem;
pub mod scales;
pub mod search;
pub mod space;
pub mod starts;
pub mod steps;
pub mod strategy;
