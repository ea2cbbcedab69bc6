//! Posterior means and standard deviations of latent variables: factor scores (EAP) and random effects.
//!
//! Given class cell and nodes a latent is v + a_w z_w + a_b z_b in the analytic residuals, which are normal:
//! z_b | y ~ N(m, C) and z_w | y, z_b ~ N(K(r − A_b z_b), S). Moments are averaged over cells and nodes.

use crate::compiled::factor::{informative, FactorKind, NONE};
use crate::compiled::plan::How;
use crate::compiled::Program;
use crate::likelihood::cluster_gaussian::{self, Prepared};
use crate::likelihood::gaussian::{residual_posterior, ResidualPosterior};
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::{latents, At, Components, Point, Workspace};
use crate::likelihood::{between_cell, evaluate_with, Posterior, Sink, Want};
use crate::spec::Level;

/// Of every latent: [units or clusters of the program].
#[derive(Clone, Debug, Default)]
pub struct LatentPosteriors {
    pub mean: Vec<Vec<f64>>,
    pub variance: Vec<Vec<f64>>,
}

struct LatentSink {
    out: LatentPosteriors,
    /// Analytic posteriors of the current chunk.
    analytic: Option<Prepared>,
    workspace: Workspace,
    no_slots: Vec<u32>,
}

/// Mean and variance of a latent in one cell and node.
fn moments(
    value: &[f64],
    n: usize,
    q: usize,
    within: Option<&ResidualPosterior>,
    between: Option<(&[f64], &[f64])>,
    n_within: usize,
) -> (f64, f64) {
    let a = |c: usize| value[c * n + q];
    let (mut mean, mut variance) = (a(0), 0.0);
    let r = between.map_or(0, |b| b.0.len());
    let mut to_between: Vec<f64> = (0..r).map(|b| a(1 + n_within + b)).collect();
    for i in 0..n_within {
        match within {
            Some(w) => {
                mean += a(1 + i) * w.mean[i];
                for j in 0..n_within {
                    variance += a(1 + i) * w.covariance[i * n_within + j] * a(1 + j);
                }
                to_between.iter_mut().enumerate().for_each(|(b, t)| *t -= a(1 + i) * w.between[i * r + b]);
            }
            None => variance += a(1 + i) * a(1 + i), // nothing observed: the prior
        }
    }
    if let Some((m, c)) = between {
        for b in 0..r {
            mean += to_between[b] * m[b];
            for l in 0..r {
                variance += to_between[b] * c[b * r + l] * to_between[l];
            }
        }
    }
    (mean, variance)
}

/// Running E(f), E(f² ) over cells and nodes.
#[derive(Default)]
struct Mixture {
    weight: f64,
    mean: f64,
    square: f64,
}

impl Mixture {
    fn add(&mut self, weight: f64, (mean, variance): (f64, f64)) {
        self.weight += weight;
        self.mean += weight * mean;
        self.square += weight * (variance + mean * mean);
    }
    fn finish(&self) -> (f64, f64) {
        let mean = self.mean / self.weight;
        (mean, (self.square / self.weight - mean * mean).max(0.0))
    }
}

fn n_analytic_between(program: &Program) -> usize {
    program.plan.count(Level::Between, How::Analytic)
}

impl Sink for LatentSink {
    fn chunk(&mut self, point: &Point, nodes: &Nodes, chunk: usize) {
        let g = point.program.cluster_gaussian.as_ref();
        self.analytic = g.and_then(|g| cluster_gaussian::prepare(point, nodes, g, chunk, &mut self.workspace));
    }

    fn cluster(&mut self, point: &Point, nodes: &Nodes, j: usize, _log_likelihood: f64, posterior: &[f64]) {
        let program = point.program;
        let nb = program.n_nodes.0;
        let analytic = self.analytic.as_ref();
        let w = &mut self.workspace;
        w.view.fill(nodes, (nb, 1), j, 0);
        w.state.resize(program.model.classes.len(), 0);
        let between: Vec<usize> =
            (0..program.model.latents.len()).filter(|&l| program.model.latents[l].level == Level::Between).collect();
        let components = Components { within: &[], n_between: n_analytic_between(program) };
        let at =
            At { row: program.units.cluster_row[j] as usize, slot_of: &self.no_slots, components, derivatives: false };
        let mut mixtures: Vec<Mixture> = between.iter().map(|_| Mixture::default()).collect();
        for (d, p) in posterior.chunks_exact(nb).enumerate() {
            program.model.set_states(&program.between_classes, d, &mut w.state);
            latents(point, &between, &at, w);
            for (m, &l) in mixtures.iter_mut().zip(&between) {
                for (q, &p) in p.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    let c = analytic.map(|a| a.conditional(j, d, q)).map(|c| (c.mean, c.covariance));
                    m.add(p, moments(&w.latents[l].value, nb, q, None, c, 0));
                }
            }
        }
        for (m, &l) in mixtures.iter().zip(&between) {
            let (mean, variance) = m.finish();
            self.out.mean[l].push(mean);
            self.out.variance[l].push(variance);
        }
    }

    fn units(&mut self, point: &Point, posterior: &Posterior) {
        let program = point.program;
        let n_units = posterior.units.len();
        for (g, group) in program.groups.iter().enumerate() {
            let inner = posterior.shape.inner[g];
            for &k in &group.factors {
                let f = &program.factors[k];
                let FactorKind::Latent(l) = f.kind else { continue };
                let outcomes: Vec<usize> = informative(&program.model, &program.plan, l)
                    .into_iter()
                    .filter(|&o| program.model.outcomes[o].level == Level::Within)
                    .collect();
                let n_between = n_analytic_between(program);
                let components = Components { within: &f.analytic, n_between };
                for (i, u) in posterior.units.clone().enumerate() {
                    let j = program.units.cluster[u] as usize;
                    let analytic = self.analytic.as_ref();
                    let at = At {
                        row: program.units.row[u] as usize,
                        slot_of: &self.no_slots,
                        components,
                        derivatives: false,
                    };
                    let w = &mut self.workspace;
                    w.state.resize(program.model.classes.len(), 0);
                    let mut mixture = Mixture::default();
                    for cb in 0..f.n_between {
                        program.model.set_states(&f.between, cb, &mut w.state);
                        let d = (0..program.n_between_cells)
                            .find(|&d| between_cell(program, &f.between, d) == cb)
                            .unwrap_or(0);
                        for cw in 0..f.n_within {
                            program.model.set_states(&f.within, cw, &mut w.state);
                            w.view.fill(posterior.nodes, f.nodes, j, u);
                            let n = w.view.n;
                            latents(point, &f.latents, &at, w);
                            let value = w.latents[l].value.clone();
                            let start = (cw * n_units + i) * inner + cb * n;
                            let weights = &posterior.buffers.groups[g][start..start + n];
                            for (q, &p) in weights.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                                let within = residual_posterior(point, &outcomes, &at, n_between, q, w);
                                let qb = q / f.nodes.1;
                                let c = analytic.map(|a| a.conditional(j, d, qb));
                                mixture.add(
                                    p,
                                    moments(
                                        &value,
                                        n,
                                        q,
                                        within.as_ref(),
                                        c.map(|c| (c.mean, c.covariance)),
                                        f.analytic.len(),
                                    ),
                                );
                            }
                        }
                    }
                    let (mean, variance) = mixture.finish();
                    self.out.mean[l].push(mean);
                    self.out.variance[l].push(variance);
                }
            }
        }
    }

    /// Latents of the between level alone ask nothing of units.
    fn functions(&self, program: &Program, _pattern: usize) -> Option<Vec<u32>> {
        let within = program.factors.iter().any(|f| matches!(f.kind, FactorKind::Latent(_)));
        (!within).then(Vec::new)
    }
}

/// Posterior moments of every latent variable; `program` must be compiled with latents.
pub fn latent_posteriors(program: &Program, nodes: &Nodes, working: &[f64]) -> LatentPosteriors {
    let n = program.model.latents.len();
    let empty = || LatentPosteriors { mean: vec![vec![]; n], variance: vec![vec![]; n] };
    let make = || LatentSink {
        out: empty(),
        analytic: None,
        workspace: Workspace::default(),
        no_slots: vec![NONE; working.len()],
    };
    let (_, sinks) = evaluate_with(program, nodes, working, Want::default(), &make, false);
    let mut out = empty();
    for s in sinks {
        for l in 0..n {
            out.mean[l].extend(&s.out.mean[l]);
            out.variance[l].extend(&s.out.variance[l]);
        }
    }
    out
}
