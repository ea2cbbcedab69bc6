//! Scores of single clusters (Fisher's identity), and their cross-products.

use rayon::prelude::*;

use crate::compiled::factor::{Factor, NONE};
use crate::compiled::Program;
use crate::em::space::Space;
use crate::likelihood::cluster_gaussian::{self, Prepared, ScoreWork};
use crate::likelihood::derivatives::derivative_table;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::{Point, Workspace};
use crate::likelihood::residuals::Residuals;
use crate::likelihood::table::{Layout, Task};
use crate::likelihood::{evaluate_with, PatternPosterior, Posterior, Sink, Want};
use crate::linalg::Gram;
use crate::vector;

struct ScoreSink<'a> {
    /// Derivative tables of the factors that all chunks share.
    shared: &'a [Vec<f64>],
    /// Those of the current chunk's own factors.
    local: Vec<Vec<f64>>,
    first: Vec<usize>,
    /// [clusters of the lane so far × parameters]
    scores: Vec<f64>,
    first_cluster: Option<usize>,
    /// Where only the sum of their squares is wanted: it, and the space of the coordinates. Rows are then of one batch.
    squares: Option<(Gram, &'a Space, &'a [f64])>,
    units_seen: bool,
    /// Analytic posteriors of the current chunk.
    analytic: Option<Prepared>,
    work: ScoreWork,
    workspace: Workspace,
}

fn factors(program: &Program) -> impl Iterator<Item = (usize, &Factor)> {
    program.factors.iter().chain(&program.cluster_factors).enumerate()
}

impl ScoreSink<'_> {
    fn table(&self, k: usize, f: &Factor) -> &[f64] {
        if f.patterns.local.is_some() {
            &self.local[k]
        } else {
            &self.shared[k]
        }
    }

    /// Adds the rows to the sum of squares and forgets them.
    fn flush(&mut self, n_parameters: usize) {
        let (Some((gram, space, weights)), Some(first)) = (&mut self.squares, self.first_cluster) else { return };
        for (row, weight) in self.scores.chunks_exact(n_parameters).zip(&weights[first..]) {
            gram.add(&space.gradient(row), *weight);
        }
        self.scores.clear();
        self.first_cluster = None;
    }
}

impl Sink for ScoreSink<'_> {
    fn chunk(&mut self, point: &Point, nodes: &Nodes, chunk: usize) {
        let program = point.program;
        self.local.resize(self.shared.len(), vec![]);
        self.first.resize(self.shared.len(), 0);
        for (k, f) in factors(program).filter(|(_, f)| f.patterns.local.is_some()) {
            let designs = f.patterns.designs_of_chunk(chunk);
            self.first[k] = f.patterns.values_of(designs).0;
            self.local[k] = derivative_table(Task { point, nodes, f, designs }, &mut self.workspace);
        }
        let analytic = program.cluster_gaussian.as_ref();
        self.analytic = analytic.and_then(|g| cluster_gaussian::prepare(point, nodes, g, chunk, &mut self.workspace));
    }

    fn cluster(&mut self, point: &Point, nodes: &Nodes, j: usize, _log_likelihood: f64, posterior: &[f64]) {
        let program = point.program;
        let n = program.model.parameters.len();
        if std::mem::take(&mut self.units_seen) {
            self.flush(n);
        }
        self.first_cluster.get_or_insert(j);
        let start = self.scores.len();
        self.scores.resize(start + n, 0.0);
        let nb = program.n_nodes.0;
        for (k, f) in factors(program).skip(program.factors.len()) {
            let (v, m) = (f.patterns.of_unit[j], f.parameters.len());
            if v == NONE || m == 0 {
                continue;
            }
            let layout = Layout::new(f);
            for (d, p) in posterior.chunks_exact(nb).enumerate() {
                let row = layout.start(
                    v as usize - self.first[k],
                    0,
                    crate::likelihood::between_cell(program, &f.between, d),
                );
                for (q, p) in p.iter().enumerate() {
                    let entry = row + q % layout.n_nodes;
                    for (s, &parameter) in f.parameters.iter().enumerate() {
                        let d = self.table(k, f)[entry * m + s];
                        self.scores[start + parameter] += p * d;
                    }
                }
            }
        }
        if let Some(a) = &self.analytic {
            a.add_score(point, nodes, j, posterior, &mut self.work, &mut self.scores[start..]);
        }
    }

    fn units(&mut self, point: &Point, posterior: &Posterior) {
        let program = point.program;
        let n = program.model.parameters.len();
        self.units_seen = true;
        let first_cluster = self.first_cluster.unwrap_or(0);
        let n_units = posterior.units.len();
        for (g, group) in program.groups.iter().enumerate() {
            let inner = posterior.shape.inner[g];
            for &k in &group.factors {
                let f = &program.factors[k];
                let m = f.parameters.len();
                if m == 0 {
                    continue;
                }
                for (i, u) in posterior.units.clone().enumerate() {
                    let v = f.patterns.of_unit[u];
                    if v == NONE {
                        continue;
                    }
                    let at = (program.units.cluster[u] as usize - first_cluster) * n;
                    for cell in 0..group.n_within {
                        let weights = &posterior.buffers.groups[g]
                            [(cell * n_units + i) * inner..(cell * n_units + i + 1) * inner];
                        let entry = ((v as usize - self.first[k]) * group.n_within + cell) * inner;
                        for (e, w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                            for (s, &parameter) in f.parameters.iter().enumerate() {
                                let d = self.table(k, f)[(entry + e) * m + s];
                                self.scores[at + parameter] += w * d;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The derivatives of a unit's log-likelihood given the cluster's classes and nodes: one function per parameter.
    fn functions(&self, program: &Program, pattern: usize) -> Option<Vec<u32>> {
        let sharing = program.sharing.as_ref()?;
        let present = program.factors.iter().zip(&sharing.values).filter(|(_, values)| values[pattern] != NONE);
        let mut out: Vec<u32> = present.flat_map(|(f, _)| f.parameters.iter().map(|&p| p as u32)).collect();
        out.sort_unstable();
        out.dedup();
        Some(out)
    }

    fn fill_functions(
        &self,
        point: &Point,
        posterior: &PatternPosterior,
        (v, i): (usize, usize),
        names: &[u32],
        values: &mut [f64],
    ) {
        let program = point.program;
        let Some(sharing) = &program.sharing else { return };
        let outer = program.shape.n_outer;
        for (g, group) in program.groups.iter().enumerate() {
            let scoped = &program.elimination.groups[g];
            let inner = posterior.inner(g);
            let cells = if scoped.clique.is_some() { &scoped.cell_of[..] } else { &[0] };
            for &k in group.factors.iter().filter(|&&k| sharing.values[k][v] != NONE) {
                let f = &program.factors[k];
                let m = f.parameters.len();
                let place = |p: &usize| names.iter().position(|&n| n as usize == *p);
                let places: Vec<usize> = f.parameters.iter().filter_map(place).collect();
                for (cell, &of_group) in cells.iter().enumerate() {
                    let row = sharing.values[k][v] as usize * group.n_within + of_group as usize;
                    let entry = row * program.shape.inner[g];
                    for (o, w) in posterior.of(scoped.clique, cell, i).iter().enumerate() {
                        let at = (entry + inner(o)) * m;
                        for (&place, d) in places.iter().zip(&self.shared[k][at..at + m]) {
                            values[place * outer + o] += w * d;
                        }
                    }
                }
            }
        }
    }

    fn unit(&mut self, point: &Point, unit: usize, names: &[u32], means: &[f64]) {
        let units = &point.program.units;
        self.units_seen = true;
        let place = units.cluster[unit] as usize - self.first_cluster.unwrap_or(0);
        let row = &mut self.scores[place * point.program.model.parameters.len()..];
        names.iter().zip(means).for_each(|(&p, mean)| row[p as usize] += units.count[unit] * mean);
    }
}

/// Unweighted score of every distinct cluster in optimiser coordinates, [clusters × coordinates], row by row.
pub fn cluster_scores(program: &Program, space: &Space, nodes: &Nodes, x: &[f64]) -> Vec<f64> {
    let n = program.model.parameters.len();
    let keep = |sinks: Vec<ScoreSink>| {
        sinks.iter().flat_map(|s| s.scores.chunks_exact(n)).flat_map(|row| space.gradient(row)).collect()
    };
    with_scores(program, space, nodes, x, None, keep).unwrap_or_default()
}

/// Σ weight × s sᵀ over distinct clusters in optimiser coordinates, without keeping the scores.
pub fn score_squares(program: &Program, space: &Space, nodes: &Nodes, x: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; x.len() * x.len()];
    let add_up = |sinks: Vec<ScoreSink>| {
        for mut sink in sinks {
            sink.flush(program.model.parameters.len());
            let squares = sink.squares.map(|(gram, ..)| gram.finish()).unwrap_or_default();
            vector::add(&mut out, &squares);
        }
    };
    with_scores(program, space, nodes, x, Some(weights), add_up);
    out
}

/// `finish` receives the lanes' sinks in order; `None` where the parameters are not admissible.
fn with_scores<T>(
    program: &Program,
    space: &Space,
    nodes: &Nodes,
    x: &[f64],
    squares: Option<&[f64]>,
    finish: impl FnOnce(Vec<ScoreSink>) -> T,
) -> Option<T> {
    let working = space.to_working(x);
    let residuals = Residuals::new(program, &working)?;
    let point = Point { program, parameters: &working, residuals: &residuals };
    let shared: Vec<Vec<f64>> = factors(program)
        .map(|(_, f)| {
            if f.patterns.local.is_some() {
                return vec![];
            }
            derivative_table(Task::all(&point, nodes, f), &mut Workspace::default())
        })
        .collect();
    let make = || ScoreSink {
        shared: &shared,
        local: vec![],
        first: vec![],
        scores: vec![],
        first_cluster: None,
        squares: squares.map(|weights| (Gram::new(x.len()), space, weights)),
        units_seen: false,
        analytic: None,
        work: ScoreWork::default(),
        workspace: Workspace::default(),
    };
    let (_, sinks) = evaluate_with(program, nodes, &working, Want::default(), &make, false);
    Some(finish(sinks))
}

/// Σ weight² × s sᵀ over independent clusters; with `groups` (one per data cluster) scores are summed within groups first.
pub fn cross_product(program: &Program, space: &Space, nodes: &Nodes, x: &[f64], groups: Option<&[usize]>) -> Vec<f64> {
    let Some(groups) = groups else {
        return score_squares(program, space, nodes, x, &program.units.weight_squared);
    };
    let dim = x.len();
    let scores = cluster_scores(program, space, nodes, x);
    let n_groups = groups.iter().max().map_or(0, |m| m + 1);
    let mut summed = vec![0.0; n_groups * dim];
    for (row, &g) in groups.iter().enumerate() {
        let cluster = program.sample.cluster(row);
        let j = program.units.of_cluster[cluster] as usize;
        let weight = program.sample.frequency[cluster] * program.sample.cluster_weight[cluster];
        summed[g * dim..(g + 1) * dim]
            .iter_mut()
            .zip(&scores[j * dim..(j + 1) * dim])
            .for_each(|(a, b)| *a += weight * b);
    }
    squares_of_rows(&summed, dim)
}

/// Rows that one task adds up.
const ROWS: usize = 4096;

/// Σ row rowᵀ.
fn squares_of_rows(rows: &[f64], dim: usize) -> Vec<f64> {
    let parts: Vec<Vec<f64>> = rows
        .par_chunks(ROWS * dim.max(1))
        .map(|rows| {
            let mut sum = Gram::new(dim);
            rows.chunks_exact(dim.max(1)).for_each(|row| sum.add(row, 1.0));
            sum.finish()
        })
        .collect();
    let mut out = vec![0.0; dim * dim];
    parts.iter().for_each(|p| vector::add(&mut out, p));
    out
}
