//! The E-step: chunks of clusters forward and back, in lanes that are fixed by the data and reduced in order, so that
//! any number of threads gives the same result to the last bit.

use std::ops::Range;

use rayon::prelude::*;

use super::accumulator::Accumulator;
use super::class_graph::{Buffers, Loan};
use super::lane::Lane;
use super::nodes::{Moments, Nodes};
use super::predictor::Point;
use super::residuals::Residuals;
use super::shared_units;
use super::tables::{contract_shared, return_workspace, weights_suffice, Tables, Weights};
use super::unit_means::{self, PatternPosterior};
use crate::compiled::shape::Shape;
use crate::compiled::Program;

/// Lanes of work; a property of the data, not of the machine.
pub(super) const MAX_LANES: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
pub struct Want {
    pub gradient: bool,
    pub information: bool,
    /// Posterior location and scale of the numeric dimensions, for adaptation.
    pub moments: bool,
}

/// What one pass over the data gives.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Σ weight × log L of the clusters; -inf where the parameters are not admissible.
    pub log_likelihood: f64,
    pub sums: Accumulator,
    /// [distinct clusters] unweighted
    pub clusters: Vec<f64>,
    pub between_moments: Vec<Moments>,
    pub within_moments: Vec<Moments>,
    /// Where the posterior weights of the tables hold all that the parameters depend on.
    pub expected: Option<Expected>,
}

/// What `complete_data` starts from.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Posterior weights of every factor's table.
    pub weights: Vec<Vec<f64>>,
    /// Σ weight × log f at the parameters that the weights come from.
    pub log_likelihood: f64,
}

impl Evaluation {
    /// Adds what follows from the weights of tables that all chunks share.
    pub(super) fn finish(&mut self, point: &Point, nodes: &Nodes, tables: &Tables, weights: Weights, want: Want) {
        let weights = weights.into_factors(point.program);
        contract_shared(point, nodes, &weights, want.information, &mut self.sums);
        if want.information && weights_suffice(point.program) {
            self.expected = Some(Expected { log_likelihood: tables.weighted(&weights), weights });
        }
    }
}

/// Posterior quantities of one block of units, offered to a sink.
pub struct Posterior<'a> {
    pub program: &'a Program,
    pub nodes: &'a Nodes,
    pub units: Range<usize>,
    pub buffers: &'a Buffers,
    pub shape: &'a Shape,
    /// [units × outer] posterior weight of (between cell, node) for each unit, times the unit's count in `Weighting`.
    pub weights: &'a [f64],
}

/// Receives posteriors; `cluster` comes before the units of that cluster.
pub trait Sink: Send {
    /// Nothing is received: units may be summed by pattern.
    const IS_EMPTY: bool = false;
    fn cluster(&mut self, _point: &Point, _nodes: &Nodes, _cluster: usize, _log_likelihood: f64, _posterior: &[f64]) {}
    fn units(&mut self, _point: &Point, _posterior: &Posterior) {}
    /// Called at the start of each chunk.
    fn chunk(&mut self, _point: &Point, _nodes: &Nodes, _chunk: usize) {}
    /// Where units share patterns: names of the functions of a unit pattern whose posterior means tell all about its
    /// units; `unit` then takes the place of `units`. `None`: units have to be seen.
    fn functions(&self, _program: &Program, _pattern: usize) -> Option<Vec<u32>> {
        None
    }
    /// The functions of pattern v, the i-th of its block, times the posterior of the within nodes: [function × outer].
    fn fill_functions(
        &self,
        _point: &Point,
        _posterior: &PatternPosterior,
        (_v, _i): (usize, usize),
        _names: &[u32],
        _values: &mut [f64],
    ) {
    }
    /// Posterior means of the functions for one unit of the cluster that came last.
    fn unit(&mut self, _point: &Point, _unit: usize, _names: &[u32], _means: &[f64]) {}
}

impl Sink for () {
    const IS_EMPTY: bool = true;
}

/// Log-likelihood, gradient and whatever else is wanted at working-scale parameters.
pub fn evaluate(program: &Program, nodes: &Nodes, working: &[f64], want: Want) -> Evaluation {
    evaluate_with::<()>(program, nodes, working, want, &|| (), true).0
}

/// As `evaluate`, with a sink per lane that sees every posterior. `weighted`: posteriors carry cluster weights.
pub fn evaluate_with<S: Sink>(
    program: &Program,
    nodes: &Nodes,
    working: &[f64],
    want: Want,
    sink: &(dyn Fn() -> S + Sync),
    weighted: bool,
) -> (Evaluation, Vec<S>) {
    let n_parameters = program.model.parameters.len();
    let failed = || Evaluation {
        log_likelihood: f64::NEG_INFINITY,
        sums: Accumulator::new(n_parameters, want.information),
        clusters: vec![],
        between_moments: vec![],
        within_moments: vec![],
        expected: None,
    };
    let Some(residuals) = Residuals::new(program, working) else { return (failed(), vec![]) };
    let point = Point { program, parameters: working, residuals: &residuals };
    let by_pattern = program.sharing.is_some() && !want.moments && program.cluster_gaussian.is_none() && S::IS_EMPTY;
    let means = !by_pattern && !want.moments && !want.gradient;
    let names = if means { unit_means::wanted(program, nodes, &sink()) } else { None };
    let Some(tables) = Tables::new(&point, nodes, !by_pattern && names.is_none()) else { return (failed(), vec![]) };
    if let Some(names) = names {
        return unit_means::run(&point, nodes, &tables, &names, sink, failed());
    }
    if by_pattern {
        return (shared_units::evaluate(&point, nodes, &tables, want, failed()), vec![]);
    }
    let n_chunks = program.units.n_chunks();
    let n_lanes = n_chunks.min(MAX_LANES);
    let lanes: Vec<Option<Lane<S>>> = (0..n_lanes)
        .into_par_iter()
        .map(|k| {
            let chunks = k * n_chunks / n_lanes..(k + 1) * n_chunks / n_lanes;
            let mut lane = Lane::new(&point, nodes, &tables, want, weighted, sink());
            for chunk in chunks {
                if !lane.run(chunk) {
                    return None;
                }
            }
            // to this thread's spare ones: those of the thread that adds up the lanes would pile up
            lane.buffers = Loan::default();
            return_workspace(std::mem::take(&mut lane.workspace));
            Some(lane)
        })
        .collect();
    let mut out = failed();
    let Some(lanes) = lanes.into_iter().collect::<Option<Vec<_>>>() else { return (out, vec![]) };
    out.log_likelihood = 0.0;
    let mut weights = Weights::default();
    let mut sinks = vec![];
    for lane in lanes {
        out.log_likelihood += lane.log_likelihood;
        out.sums.add(&lane.sums);
        out.clusters.extend(lane.clusters);
        out.between_moments.extend(lane.between_moments);
        out.within_moments.extend(lane.within_moments);
        weights.merge(lane.weights);
        sinks.push(lane.sink);
    }
    if !out.log_likelihood.is_finite() {
        out.log_likelihood = f64::NEG_INFINITY;
        return (out, sinks);
    }
    if want.gradient {
        out.finish(&point, nodes, &tables, weights, want);
    }
    (out, sinks)
}
