//! Posterior class probabilities within, between and joint, and expected counts of each class given its parents.

use std::sync::{Mutex, PoisonError};

use crate::compiled::elimination::cell_map;
use crate::compiled::factor::FactorKind;
use crate::compiled::Program;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::Point;
use crate::likelihood::{evaluate_with, PatternPosterior, Posterior, Sink, Want};

/// Joint posteriors are kept up to this many cells.
pub const MAX_JOINT: usize = 1024;

#[derive(Clone, Debug, Default)]
pub struct ClassPosteriors {
    /// Per within class variable, [distinct units × n_classes].
    pub within: Vec<Vec<f64>>,
    /// [distinct units × cells] over all within class variables, first fastest.
    pub joint: Option<Vec<f64>>,
    /// [distinct clusters × between cells], empty without between class variables
    pub between: Vec<f64>,
    /// Per within class variable, weighted expected counts over its logits' scope (empty without logits).
    pub transitions: Vec<Vec<f64>>,
    /// [distinct clusters] log-likelihood
    pub log_likelihood: Vec<f64>,
}

/// Posteriors of one lane, which go to their places in `whole` chunk by chunk; `transitions` add up until the end.
struct ClassSink<'a> {
    out: ClassPosteriors,
    /// Where `out` starts.
    first_cluster: Option<usize>,
    whole: &'a Mutex<ClassPosteriors>,
    clique_cells: &'a [Vec<u32>],
}

impl ClassSink<'_> {
    fn hand_over(&mut self, program: &Program) {
        let Some(cluster) = self.first_cluster.take() else { return };
        let unit = program.units.cluster_start[cluster];
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |to: &mut [f64], from: &mut Vec<f64>, first: usize| {
            from.drain(..).zip(to.iter_mut().skip(first)).for_each(|(v, to)| *to = v);
        };
        for ((to, from), &c) in whole.within.iter_mut().zip(&mut self.out.within).zip(&program.within_classes) {
            place(to, from, unit * program.model.classes[c].n_classes);
        }
        if let (Some(to), Some(from)) = (&mut whole.joint, &mut self.out.joint) {
            place(to, from, unit * n_joint(program));
        }
        place(&mut whole.between, &mut self.out.between, cluster * program.n_between_cells);
        place(&mut whole.log_likelihood, &mut self.out.log_likelihood, cluster);
    }
}

/// The clique of each within class variable, where none is in the scope of another and each has logits.
fn separate_cliques(program: &Program) -> Option<Vec<usize>> {
    let cliques = &program.elimination.cliques;
    let clique = |&c: &usize| cliques.iter().position(|q| q.variable == c && q.n_separator == 1);
    let alone = |&c: &usize| {
        let mut groups = program.groups.iter();
        let of_c = |k: &usize| matches!(program.factors[*k].kind, FactorKind::Logits(d) if d == c);
        groups.any(|g| g.within == [c] && g.factors.iter().any(of_c))
    };
    program.within_classes.iter().map(|c| clique(c).filter(|_| alone(c))).collect()
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
    fn chunk(&mut self, point: &Point, _nodes: &Nodes, _chunk: usize) {
        self.hand_over(point.program);
    }

    fn cluster(&mut self, point: &Point, _nodes: &Nodes, j: usize, log_likelihood: f64, posterior: &[f64]) {
        let nb = point.program.n_nodes.0;
        self.first_cluster.get_or_insert(j);
        self.out.log_likelihood.push(log_likelihood);
        if !point.program.between_classes.is_empty() {
            self.out.between.extend(posterior.chunks_exact(nb).map(|p| p.iter().sum::<f64>()));
        }
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
            let cliques = &program.elimination.cliques;
            let cells_of: Vec<&[f64]> = (0..cliques.len()).map(|k| posterior.buffers.clique(k)).collect();
            let mut given: Vec<Vec<f64>> = cliques.iter().map(|c| vec![0.0; c.n_cells()]).collect();
            let n = n_joint(program);
            for (i, total) in totals.iter().enumerate() {
                let first = joint.len();
                joint.resize(first + n, if *total > 0.0 { 0.0 } else { f64::NAN });
                for o in (i * outer..(i + 1) * outer).filter(|&o| posterior.weights[o] > 0.0) {
                    for ((given, cells), clique) in given.iter_mut().zip(&cells_of).zip(cliques) {
                        for (s, states) in given.chunks_exact_mut(clique.n_states).enumerate() {
                            let of_state = |v: usize| cells[(s * clique.n_states + v) * len + o];
                            states.iter_mut().enumerate().for_each(|(v, p)| *p = of_state(v));
                            normalise_sum(states);
                        }
                    }
                    let weight = posterior.weights[o] / total;
                    for (cell, p) in joint[first..].iter_mut().enumerate() {
                        *p += given.iter().zip(self.clique_cells).fold(weight, |p, (g, m)| p * g[m[cell] as usize]);
                    }
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

    /// The probabilities of the classes, one variable after the other.
    fn functions(&self, program: &Program, _pattern: usize) -> Option<Vec<u32>> {
        let separate = self.out.joint.is_none() && separate_cliques(program).is_some();
        let total: usize = program.within_classes.iter().map(|&c| program.model.classes[c].n_classes).sum();
        separate.then(|| (0..total as u32).collect())
    }

    fn fill_functions(
        &self,
        point: &Point,
        posterior: &PatternPosterior,
        (_v, i): (usize, usize),
        _names: &[u32],
        values: &mut [f64],
    ) {
        let program = point.program;
        let Some(cliques) = separate_cliques(program) else { return };
        let mut values = values.chunks_exact_mut(program.shape.n_outer);
        for c in cliques {
            let states = (0..program.elimination.cliques[c].n_states).zip(&mut values);
            states.for_each(|(state, to)| to.copy_from_slice(posterior.of(Some(c), state, i)));
        }
    }

    fn unit(&mut self, point: &Point, unit: usize, _names: &[u32], means: &[f64]) {
        let program = point.program;
        let units = &program.units;
        let weight = units.weight[units.cluster[unit] as usize] * units.count[unit];
        let mut rest = means;
        for (slot, &c) in program.within_classes.iter().enumerate() {
            let (means, others) = rest.split_at(program.model.classes[c].n_classes);
            rest = others;
            let total: f64 = means.iter().sum();
            let share = |m: &f64| if total > 0.0 { m / total } else { f64::NAN };
            self.out.within[slot].extend(means.iter().map(share));
            let counts = &mut self.out.transitions[slot];
            counts.resize(means.len(), 0.0);
            counts.iter_mut().zip(means).for_each(|(count, m)| *count += weight * m);
        }
    }
}

/// Divides by the sum, if there is one.
fn normalise_sum(values: &mut [f64]) {
    let total: f64 = values.iter().sum();
    let factor = if total > 0.0 { 1.0 / total } else { 0.0 };
    values.iter_mut().for_each(|v| *v *= factor);
}

/// Posteriors of the distinct units and clusters at working parameters.
pub fn class_posteriors(program: &Program, nodes: &Nodes, working: &[f64]) -> ClassPosteriors {
    let (n_units, n_clusters) = (program.units.n_units(), program.units.n_clusters());
    let between_cells = if program.between_classes.is_empty() { 0 } else { program.n_between_cells };
    let of_length = |units: usize, clusters: usize| ClassPosteriors {
        within: program.within_classes.iter().map(|&c| vec![0.0; units * program.model.classes[c].n_classes]).collect(),
        joint: wants_joint(program).then(|| vec![0.0; units * n_joint(program)]),
        between: vec![0.0; clusters * between_cells],
        transitions: vec![vec![]; program.within_classes.len()],
        log_likelihood: vec![0.0; clusters],
    };
    let whole = Mutex::new(of_length(n_units, n_clusters));
    let maps = clique_cells(program);
    let make = || ClassSink { out: of_length(0, 0), first_cluster: None, whole: &whole, clique_cells: &maps };
    let (_, mut sinks) = evaluate_with(program, nodes, working, Want::default(), &make, false);
    sinks.iter_mut().for_each(|s| s.hand_over(program));
    let transitions: Vec<Vec<Vec<f64>>> = sinks.into_iter().map(|s| s.out.transitions).collect();
    let mut out = whole.into_inner().unwrap_or_else(PoisonError::into_inner);
    for of_lane in transitions {
        for (a, b) in out.transitions.iter_mut().zip(of_lane) {
            a.resize(a.len().max(b.len()), 0.0);
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
    }
    out
}
