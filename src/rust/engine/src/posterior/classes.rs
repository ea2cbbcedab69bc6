//! Posterior class probabilities within, between and joint, and expected counts of each class given its parents.

use crate::compiled::elimination::cell_map;
use crate::compiled::factor::FactorKind;
use crate::compiled::Program;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::Point;
use crate::likelihood::{evaluate_with, Posterior, Sink, Want};

/// Joint posteriors are kept up to this many cells.
pub const MAX_JOINT: usize = 1024;

#[derive(Clone, Debug, Default)]
pub struct ClassPosteriors {
    /// Per within class variable, [distinct units × n_classes].
    pub within: Vec<Vec<f64>>,
    /// [distinct units × cells] over all within class variables, first fastest.
    pub joint: Option<Vec<f64>>,
    /// [distinct clusters × between cells]
    pub between: Vec<f64>,
    /// Per within class variable, weighted expected counts over its logits' scope (empty without logits).
    pub transitions: Vec<Vec<f64>>,
    /// [distinct clusters] log-likelihood
    pub log_likelihood: Vec<f64>,
}

struct ClassSink<'a> {
    out: ClassPosteriors,
    clique_cells: &'a [Vec<u32>],
}

fn n_joint(program: &Program) -> usize {
    program.model.n_cells(&program.within_classes)
}

fn wants_joint(program: &Program) -> bool {
    program.within_classes.len() > 1 && n_joint(program) <= MAX_JOINT
}

/// For each cell over all within class variables, the cell of every clique.
fn clique_cells(program: &Program) -> Vec<Vec<u32>> {
    let variables = &program.within_classes;
    program
        .elimination
        .cliques
        .iter()
        .map(|c| {
            let mut scope = vec![c.variable];
            scope.extend(&c.separator);
            cell_map(&program.model, variables, &scope)
        })
        .collect()
}

impl Sink for ClassSink<'_> {
    fn cluster(&mut self, point: &Point, _nodes: &Nodes, _j: usize, log_likelihood: f64, posterior: &[f64]) {
        let nb = point.program.n_nodes.0;
        self.out.log_likelihood.push(log_likelihood);
        self.out.between.extend(posterior.chunks_exact(nb).map(|p| p.iter().sum::<f64>()));
    }

    fn units(&mut self, point: &Point, posterior: &Posterior) {
        let program = point.program;
        let n_units = posterior.units.len();
        let outer = posterior.shape.n_outer;
        let len = n_units * outer;
        let totals: Vec<f64> = posterior.weights.chunks_exact(outer).map(|w| w.iter().sum::<f64>()).collect();
        let share = |values: &[f64], i: usize| {
            let v: f64 = values[i * outer..(i + 1) * outer].iter().sum();
            if totals[i] > 0.0 {
                v / totals[i]
            } else {
                f64::NAN
            }
        };
        for (slot, &c) in program.within_classes.iter().enumerate() {
            let k = program.model.classes[c].n_classes;
            let Some(number) = program.elimination.cliques.iter().position(|q| q.variable == c) else { continue };
            let clique = &program.elimination.cliques[number];
            let cells = posterior.buffers.clique(number);
            for i in 0..n_units {
                for state in 0..k {
                    let p: f64 = (0..clique.n_separator)
                        .map(|s| share(&cells[(s * k + state) * len..(s * k + state + 1) * len], i))
                        .sum();
                    self.out.within[slot].push(p);
                }
            }
        }
        if let Some(joint) = &mut self.out.joint {
            // P(all) = P(root) Π P(variable | separator), within each outer cell
            let maps = &self.clique_cells;
            let mut cell_weights = vec![0.0; outer];
            for i in 0..n_units {
                for cell in 0..n_joint(program) {
                    cell_weights.copy_from_slice(&posterior.weights[i * outer..(i + 1) * outer]);
                    for (number, clique) in program.elimination.cliques.iter().enumerate() {
                        let cells = posterior.buffers.clique(number);
                        let at = maps[number][cell] as usize;
                        let separator = at / clique.n_states;
                        for (o, w) in cell_weights.iter_mut().enumerate().filter(|(_, w)| **w > 0.0) {
                            let total: f64 = (0..clique.n_states)
                                .map(|v| cells[(separator * clique.n_states + v) * len + i * outer + o])
                                .sum();
                            *w *= if total > 0.0 { cells[at * len + i * outer + o] / total } else { 0.0 };
                        }
                    }
                    let v: f64 = cell_weights.iter().sum();
                    joint.push(if totals[i] > 0.0 { v / totals[i] } else { f64::NAN });
                }
            }
        }
        for (g, group) in program.groups.iter().enumerate() {
            for &k in &group.factors {
                let FactorKind::Logits(c) = program.factors[k].kind else { continue };
                let Some(slot) = program.within_classes.iter().position(|&v| v == c) else { continue };
                let inner = posterior.shape.inner[g];
                let counts = &mut self.out.transitions[slot];
                counts.resize(group.n_within, 0.0);
                for (cell, count) in counts.iter_mut().enumerate() {
                    let values = &posterior.buffers.groups[g][cell * n_units * inner..(cell + 1) * n_units * inner];
                    for (i, u) in posterior.units.clone().enumerate() {
                        let weight = program.units.weight[program.units.cluster[u] as usize];
                        *count += weight * values[i * inner..(i + 1) * inner].iter().sum::<f64>();
                    }
                }
            }
        }
    }
}

/// Posteriors of the distinct units and clusters at working parameters.
pub fn class_posteriors(program: &Program, nodes: &Nodes, working: &[f64]) -> ClassPosteriors {
    let n = program.within_classes.len();
    let empty = || ClassPosteriors {
        within: vec![vec![]; n],
        transitions: vec![vec![]; n],
        joint: wants_joint(program).then(Vec::new),
        ..ClassPosteriors::default()
    };
    let maps = clique_cells(program);
    let (_, sinks) = evaluate_with(
        program,
        nodes,
        working,
        Want::default(),
        &|| ClassSink { out: empty(), clique_cells: &maps },
        false,
    );
    let mut out = empty();
    for s in sinks {
        let s = s.out;
        for (a, b) in out.within.iter_mut().zip(s.within) {
            a.extend(b);
        }
        for (a, b) in out.transitions.iter_mut().zip(s.transitions) {
            a.resize(a.len().max(b.len()), 0.0);
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
        if let (Some(a), Some(b)) = (&mut out.joint, s.joint) {
            a.extend(b);
        }
        out.between.extend(s.between);
        out.log_likelihood.extend(s.log_likelihood);
    }
    out
}
