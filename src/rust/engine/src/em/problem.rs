//! The likelihood (with priors and barrier, where there are any) as a function of optimiser coordinates, for given nodes.

use std::sync::Arc;

use super::space::Space;
use crate::compiled::Program;
use crate::inference::scores::score_squares;
use crate::likelihood::accumulator::Accumulator;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::{complete_data, evaluate, Want};
use crate::optim::{Objective, Touching, Value};

/// Progress and cancellation, seen from any thread.
pub trait Monitor: Sync {
    fn cancelled(&self) -> bool;
    fn report(&self, start: usize, iteration: usize, best: f64);
}

/// A monitor that never cancels.
pub struct Silent;

impl Monitor for Silent {
    fn cancelled(&self) -> bool {
        false
    }
    fn report(&self, _start: usize, _iteration: usize, _best: f64) {}
}

/// Clusters for each coordinate, for cross-products of scores to say how the log-likelihood curves.
const ENOUGH_CLUSTERS: usize = 3;

#[derive(Clone, Copy)]
pub struct Problem<'a> {
    pub program: &'a Program,
    pub space: &'a Space,
    pub nodes: &'a Nodes,
    pub monitor: &'a dyn Monitor,
    pub start: usize,
    /// Minus the second derivatives near the maximum, as another rule of integration gave them.
    pub curvature: Option<&'a [f64]>,
}

impl<'a> Problem<'a> {
    pub fn new(program: &'a Program, space: &'a Space, nodes: &'a Nodes, monitor: &'a dyn Monitor) -> Problem<'a> {
        Problem { program, space, nodes, monitor, start: 0, curvature: None }
    }

    /// What is added to log-likelihoods: the priors' log-density, and the barrier where a climb needs it.
    fn added(&self, working: &[f64]) -> f64 {
        self.space.priors.log_density(working) + self.space.barrier.value(working)
    }

    /// Minus the second derivatives of what is added.
    fn add_precision(&self, working: &[f64], information: &mut [f64]) {
        self.space.priors.add_precision(information, working.len());
        self.space.barrier.add_information(working, information);
    }

    /// A log-likelihood (observed or complete-data) with what is added, in the optimiser's coordinates.
    fn complete(&self, working: &[f64], f: f64, mut sums: Accumulator) -> Value {
        self.space.priors.add_gradient(working, &mut sums.gradient);
        self.space.barrier.add_gradient(working, &mut sums.gradient);
        if let Some(i) = &mut sums.information {
            self.add_precision(working, i);
        }
        Value {
            f: f + self.added(working),
            gradient: self.space.gradient(&sums.gradient),
            scaling: sums.information.map(|i| self.space.matrix(&i, working.len())),
            touching: None,
        }
    }
}

impl Objective for Problem<'_> {
    fn evaluate(&self, x: &[f64], want_scaling: bool) -> Value {
        let working = self.space.to_working(x);
        if self.monitor.cancelled() {
            return Value { f: f64::NEG_INFINITY, gradient: vec![0.0; x.len()], scaling: None, touching: None };
        }
        let e = evaluate(
            self.program,
            self.nodes,
            &working,
            Want { gradient: true, information: want_scaling, moments: false },
        );
        let added = self.added(&working);
        let touching = e.expected.map(|e| Arc::new(Touching { weights: e.weights, f: e.log_likelihood + added }));
        Value { touching, ..self.complete(&working, e.log_likelihood, e.sums) }
    }
    /// The expected complete-data log-likelihood, of which the E-step has left the posterior weights.
    fn surrogate(&self, weights: &[Vec<f64>], x: &[f64], want_scaling: bool) -> Option<Value> {
        let working = self.space.to_working(x);
        let (f, sums) = complete_data(self.program, self.nodes, &working, weights, want_scaling)?;
        Some(self.complete(&working, f, sums))
    }
    /// What is known, or cross-products of the clusters' scores (Berndt, Hall, Hall & Hausman 1974) where there are enough
    /// clusters.
    fn curvature(&self, x: &[f64]) -> Option<Vec<f64>> {
        if let Some(known) = self.curvature {
            return Some(known.to_vec());
        }
        let units = &self.program.units;
        if units.n_clusters() < ENOUGH_CLUSTERS * x.len() {
            return None;
        }
        let squares = score_squares(self.program, self.space, self.nodes, x, &units.weight);
        let working = self.space.to_working(x);
        let mut added = vec![0.0; working.len() * working.len()];
        self.add_precision(&working, &mut added);
        Some(squares.iter().zip(self.space.matrix(&added, working.len())).map(|(s, a)| s + a).collect())
    }
    fn lower(&self) -> &[f64] {
        &self.space.lower
    }
    fn upper(&self) -> &[f64] {
        &self.space.upper
    }
    fn cancelled(&self, iteration: usize, best: f64) -> bool {
        self.monitor.report(self.start, iteration, best);
        self.monitor.cancelled()
    }
}
