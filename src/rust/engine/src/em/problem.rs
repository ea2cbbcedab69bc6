//! The likelihood (with the priors, where there are any) as a function of optimiser coordinates, for given nodes.

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

pub struct Problem<'a> {
    pub program: &'a Program,
    pub space: &'a Space,
    pub nodes: &'a Nodes,
    pub monitor: &'a dyn Monitor,
    pub start: usize,
}

impl Problem<'_> {
    /// A log-likelihood (observed or complete-data) with the priors, in the optimiser's coordinates.
    fn with_priors(&self, working: &[f64], f: f64, mut sums: Accumulator) -> Value {
        let priors = &self.space.priors;
        priors.add_gradient(working, &mut sums.gradient);
        if let Some(i) = &mut sums.information {
            priors.add_precision(i, working.len());
        }
        Value {
            f: f + priors.log_density(working),
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
        let prior = self.space.priors.log_density(&working);
        let touching = e.expected.map(|e| Arc::new(Touching { weights: e.weights, f: e.log_likelihood + prior }));
        Value { touching, ..self.with_priors(&working, e.log_likelihood, e.sums) }
    }
    /// The expected complete-data log-likelihood, of which the E-step has left the posterior weights.
    fn surrogate(&self, weights: &[Vec<f64>], x: &[f64], want_scaling: bool) -> Option<Value> {
        let working = self.space.to_working(x);
        let (f, sums) = complete_data(self.program, self.nodes, &working, weights, want_scaling)?;
        Some(self.with_priors(&working, f, sums))
    }
    /// Cross-products of the clusters' scores (Berndt, Hall, Hall & Hausman 1974), where there are enough clusters.
    fn curvature(&self, x: &[f64]) -> Option<Vec<f64>> {
        let units = &self.program.units;
        if units.n_clusters() < ENOUGH_CLUSTERS * x.len() {
            return None;
        }
        let squares = score_squares(self.program, self.space, self.nodes, x, &units.weight);
        Some(squares.iter().zip(self.space.prior_precision()).map(|(s, p)| s + p).collect())
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
