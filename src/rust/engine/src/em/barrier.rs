//! Maxima at singular covariance matrices that are not estimated through a Cholesky factor (fixed or equal entries).
//!
//! Steps out of the positive definite region are refused, so that a climb towards its edge jams: every step is cut to
//! a fraction. Such a climb goes on inside, with μ log |Ψ| added to the log-likelihood and μ falling to nearly 0 (Fiacco &
//! McCormick 1968); at the end the log-likelihood is about μ × (dimensions lost) below its supremum.

use super::problem::Problem;
use crate::compiled::working::entry;
use crate::compiled::Program;
use crate::linalg::{cholesky_in_place, invert_spd, log_det_from_cholesky, matmul, symmetric_eigen};
use crate::optim::maximise::{maximise, Manner, Maximum, Settings, Status};
use crate::optim::Objective;

/// A covariance matrix in one class cell: for each entry (both triangles) its parameter, or its value.
#[derive(Clone, Debug, PartialEq)]
struct Matrix {
    dim: usize,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Entry {
    Parameter(usize),
    Fixed(f64),
}

/// μ Σ log |Ψ| over the distinct matrices in natural form that have free parameters.
#[derive(Clone, Debug)]
pub struct Barrier {
    matrices: Vec<Matrix>,
    /// Per parameter of the model, whether it is free.
    free: Vec<bool>,
    pub weight: f64,
}

/// Least eigenvalue of a correlation matrix below which a climb may be jammed at the edge.
const NEAR: f64 = 0.01;
/// Share to which that eigenvalue falls with the last tenfold fall of the weight, where the maximum is at the edge.
const EDGE: f64 = 0.5;
/// The barrier's weights, in turn.
const WEIGHTS: [f64; 6] = [0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6];
/// Iterations of a climb until one looks whether it is jammed.
const PATIENCE: usize = 60;
/// Share by which covariances are brought nearer to 0 before a jammed climb goes on.
const INSIDE: f64 = 0.02;

impl Barrier {
    pub fn new(program: &Program) -> Barrier {
        let model = &program.model;
        let free: Vec<bool> = model.parameters.iter().map(|p| p.free).collect();
        let mut state = vec![0; model.classes.len()];
        let mut matrices: Vec<Matrix> = vec![];
        for (block, _) in program.plan.blocks.iter().zip(&program.working.is_cholesky).filter(|(_, c)| !**c) {
            let dim = block.latents.len();
            for cell in 0..model.n_cells(&block.classes) {
                model.set_states(&block.classes, cell, &mut state);
                let at = |i: usize, j: usize| match entry(model, block, i.max(j), i.min(j)) {
                    None => Entry::Fixed(0.0),
                    Some(c) => c.parameter(&state).map_or_else(|| Entry::Fixed(c.value(&state, &[])), Entry::Parameter),
                };
                let matrix = Matrix { dim, entries: (0..dim * dim).map(|e| at(e / dim, e % dim)).collect() };
                if matrix.parameters().any(|p| free[p]) && !matrices.contains(&matrix) {
                    matrices.push(matrix);
                }
            }
        }
        Barrier { matrices, free, weight: 0.0 }
    }

    /// −∞ where a matrix is not positive definite; 0 without weight.
    pub fn value(&self, working: &[f64]) -> f64 {
        if self.weight == 0.0 {
            return 0.0;
        }
        let log_det = |m: &Matrix| m.factor(working).map_or(f64::NEG_INFINITY, |l| log_det_from_cholesky(&l, m.dim));
        self.weight * self.matrices.iter().map(log_det).sum::<f64>()
    }

    /// Adds the derivatives over the parameters: ∂ log |Ψ| = tr(Ψ⁻¹ ∂Ψ).
    pub fn add_gradient(&self, working: &[f64], gradient: &mut [f64]) {
        for (m, inverse) in self.inverses(working) {
            for (e, v) in m.entries.iter().zip(&inverse) {
                if let Entry::Parameter(p) = e {
                    gradient[*p] += self.weight * v;
                }
            }
        }
    }

    /// Adds minus the second derivatives, tr(Ψ⁻¹ ∂Ψ Ψ⁻¹ ∂Ψ), to a matrix over the parameters.
    pub fn add_information(&self, working: &[f64], information: &mut [f64]) {
        let n = self.free.len();
        for (m, inverse) in self.inverses(working) {
            let parameters = m.distinct();
            let products: Vec<Vec<f64>> = parameters.iter().map(|&p| m.times_derivative(&inverse, p)).collect();
            for (a, &p) in products.iter().zip(&parameters) {
                for (b, &q) in products.iter().zip(&parameters) {
                    let trace: f64 = (0..m.dim * m.dim).map(|e| a[e] * b[(e % m.dim) * m.dim + e / m.dim]).sum();
                    information[p * n + q] += self.weight * trace;
                }
            }
        }
    }

    fn inverses(&self, working: &[f64]) -> Vec<(&Matrix, Vec<f64>)> {
        let matrices = self.matrices.iter().filter(|_| self.weight > 0.0);
        matrices.filter_map(|m| invert_spd(&m.values(working), m.dim).map(|i| (m, i))).collect()
    }

    /// The least eigenvalue of each matrix's correlations.
    fn least(&self, working: &[f64]) -> Vec<f64> {
        self.matrices.iter().map(|m| m.least(working)).collect()
    }

    /// The free covariances of nearly singular matrices, a little nearer to 0.
    fn inside(&self, mut working: Vec<f64>) -> Vec<f64> {
        let mut covariances: Vec<usize> =
            self.matrices.iter().filter(|m| m.least(&working) < NEAR).flat_map(Matrix::covariances).collect();
        covariances.sort_unstable();
        covariances.dedup();
        covariances.into_iter().filter(|&p| self.free[p]).for_each(|p| working[p] *= 1.0 - INSIDE);
        working
    }
}

impl Matrix {
    fn parameters(&self) -> impl Iterator<Item = usize> + '_ {
        self.entries.iter().filter_map(|e| if let Entry::Parameter(p) = e { Some(*p) } else { None })
    }

    fn distinct(&self) -> Vec<usize> {
        let mut out: Vec<usize> = self.parameters().collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Parameters off the diagonal that are not variances as well.
    fn covariances(&self) -> Vec<usize> {
        let on_diagonal = |p: &usize| (0..self.dim).any(|i| self.entries[i * self.dim + i] == Entry::Parameter(*p));
        self.distinct().into_iter().filter(|p| !on_diagonal(p)).collect()
    }

    fn values(&self, working: &[f64]) -> Vec<f64> {
        let value = |e: &Entry| match *e {
            Entry::Parameter(p) => working[p],
            Entry::Fixed(v) => v,
        };
        self.entries.iter().map(value).collect()
    }

    fn factor(&self, working: &[f64]) -> Option<Vec<f64>> {
        let mut l = self.values(working);
        cholesky_in_place(&mut l, self.dim).then_some(l)
    }

    /// Ψ⁻¹ ∂Ψ/∂p
    fn times_derivative(&self, inverse: &[f64], p: usize) -> Vec<f64> {
        let derivative: Vec<f64> =
            self.entries.iter().map(|e| f64::from(u8::from(*e == Entry::Parameter(p)))).collect();
        let mut out = vec![0.0; self.dim * self.dim];
        matmul(inverse, &derivative, (self.dim, self.dim, self.dim), &mut out);
        out
    }

    /// The least eigenvalue of its correlations.
    fn least(&self, working: &[f64]) -> f64 {
        let v = self.values(working);
        let at = |i: usize| v[i * self.dim + i].max(f64::MIN_POSITIVE).sqrt();
        let correlations: Vec<f64> =
            (0..self.dim * self.dim).map(|e| v[e] / (at(e / self.dim) * at(e % self.dim))).collect();
        symmetric_eigen(&correlations, self.dim).0[0]
    }
}

/// The end of a climb on fixed nodes, and the free parameters of matrices that are singular there.
pub fn climb_inside(problem: Problem, x: Vec<f64>, settings: Settings) -> (Maximum, Vec<usize>) {
    let Problem { space, .. } = problem;
    let barrier = &space.barrier;
    if barrier.matrices.is_empty() || settings.manner == Manner::EmOnly || settings.max_iterations <= PATIENCE {
        return (maximise(&problem, x, settings), vec![]);
    }
    // goes on from `before` with at most `patience` iterations
    let on = |problem: &Problem, before: Option<&Maximum>, x: Vec<f64>, patience: usize, tolerance: f64| {
        let done = before.map_or(0, |m| m.iterations);
        let left = settings.max_iterations.saturating_sub(done).min(patience);
        let mut m = maximise(problem, x, Settings { max_iterations: left, tolerance, ..settings });
        m.iterations += done;
        m.evaluations += before.map_or(0, |m| m.evaluations);
        m
    };
    let mut now = on(&problem, None, x, PATIENCE, settings.tolerance);
    let working = space.to_working(&now.x);
    if now.status != Status::Cancelled && barrier.least(&working).iter().any(|e| *e < NEAR) {
        let mut guarded = space.clone();
        let mut before = vec![];
        now.x = space.from_working(&barrier.inside(working));
        for weight in WEIGHTS {
            before = barrier.least(&space.to_working(&now.x));
            guarded.barrier.weight = weight;
            let inside = Problem { space: &guarded, ..problem };
            now = on(&inside, Some(&now), now.x.clone(), usize::MAX, settings.tolerance.max(0.1 * weight));
        }
        // an edge draws near as the weight falls, a maximum inside stays where it is
        let after = barrier.least(&space.to_working(&now.x));
        let singular: Vec<&Matrix> = (barrier.matrices.iter().zip(before).zip(after))
            .filter_map(|((m, before), after)| (after < EDGE * before).then_some(m))
            .collect();
        if !singular.is_empty() {
            now.value = problem.evaluate(&now.x, true);
            let parameters = singular.into_iter().flat_map(Matrix::distinct);
            return (now, parameters.filter(|&p| barrier.free[p]).collect());
        }
        now.status = Status::MaxIterations;
    }
    if now.status == Status::MaxIterations && now.iterations < settings.max_iterations {
        now = on(&problem, Some(&now), now.x.clone(), usize::MAX, settings.tolerance);
    }
    (now, vec![])
}
