//! What closed forms know of one factor: its log densities, their derivatives, and the curvature of its posterior weights.

use crate::compiled::factor::FactorKind;
use crate::likelihood::accumulator::{Accumulator, SlotSums};
use crate::likelihood::derivatives::derivative_table;
use crate::likelihood::predictor::Workspace;
use crate::likelihood::table::Task;
use crate::likelihood::{rows, table};

/// Log densities and their derivatives for the patterns of one factor.
#[derive(Default)]
pub(super) struct FactorTables {
    /// First value pattern of the tables.
    pub first: usize,
    pub log_density: Vec<f64>,
    /// [entry × slots]; 0 for impossible entries, whose own need not be finite.
    pub derivatives: Vec<f64>,
}

impl FactorTables {
    pub fn new(task: Task) -> Option<FactorTables> {
        let mut w = Workspace::default();
        let values = task.f.patterns.values_of(task.designs);
        let mut log_density = vec![0.0; (values.1 - values.0) * table::Layout::new(task.f).row()];
        if !table::fill(task, &mut log_density, &mut w) {
            return None;
        }
        let mut derivatives = derivative_table(task, &mut w);
        let of_entries = derivatives.chunks_exact_mut(task.f.parameters.len().max(1));
        of_entries.zip(&log_density).filter(|(_, log)| **log == f64::NEG_INFINITY).for_each(|(d, _)| d.fill(0.0));
        Some(FactorTables { first: values.0, log_density, derivatives })
    }
}

/// Adds E(−∂² log f) of the patterns of a factor with the posterior weights of its table's entries.
pub(super) fn add_curvature(task: Task, weights: &[f64], out: &mut Accumulator) {
    let f = task.f;
    if f.parameters.is_empty() || matches!(f.kind, FactorKind::Known(_)) {
        return;
    }
    let mut sums = SlotSums::default();
    sums.reset(f.parameters.len(), true);
    rows::contract(task, weights, None, rows::Information::Observed, &mut Workspace::default(), &mut sums);
    out.scatter(&f.parameters, &sums.gradient, &sums.information);
}
