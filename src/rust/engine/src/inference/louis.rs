//! Observed information in closed form for mixtures without nodes: units that are independent given their classes.
//!
//! Louis (1982): I = Σ_i w_i { E(−∂² log f_i(y, c) | y) − Var(s_i(c) | y) }, s_i(c) the complete-data score in class cell
//! c. Predictors are linear in their coefficients, so second derivatives are those of the families. Cells are enumerated.

use rayon::prelude::*;

use crate::compiled::elimination::cell_map;
use crate::compiled::factor::{Factor, FactorKind, NONE};
use crate::compiled::Program;
use crate::em::space::Space;
use crate::likelihood::accumulator::{Accumulator, SlotSums};
use crate::likelihood::derivatives::derivative_table;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::{Point, Workspace};
use crate::likelihood::residuals::Residuals;
use crate::likelihood::{rows, table};
use crate::linalg::Gram;
use crate::numeric::log_sum_exp;

/// Most class cells to enumerate.
const MAX_CELLS: usize = 128;
const LANES: usize = 16;

pub fn applies(program: &Program) -> bool {
    let plain = |f: &Factor| rows::applies(f) || matches!(f.kind, FactorKind::Known(_));
    program.n_outer() == 1
        && program.between_classes.is_empty()
        && program.cluster_factors.is_empty()
        && program.cluster_gaussian.is_none()
        && program.factors.iter().all(plain)
        && program.model.n_cells(&program.within_classes) <= MAX_CELLS
}

/// Log densities and their derivatives for the patterns of one factor.
#[derive(Default)]
struct FactorTables {
    /// First value pattern of the tables.
    first: usize,
    log_density: Vec<f64>,
    /// Per entry of the table, where its non-zero derivatives start in `scores`.
    start: Vec<u32>,
    /// (parameter, derivative)
    scores: Vec<(u32, f64)>,
    /// Posterior weights of the entries.
    weights: Vec<f64>,
}

impl FactorTables {
    fn new(point: &Point, nodes: &Nodes, f: &Factor, designs: (usize, usize)) -> Option<FactorTables> {
        let mut w = Workspace::default();
        let values = f.patterns.values_of(designs);
        let size = (values.1 - values.0) * f.n_within;
        let mut out = FactorTables {
            first: values.0,
            log_density: vec![0.0; size],
            weights: vec![0.0; size],
            ..FactorTables::default()
        };
        if !table::fill(point, nodes, f, designs, &mut out.log_density, &mut w) {
            return None;
        }
        let m = f.parameters.len();
        let derivatives = derivative_table(point, nodes, f, designs, &mut w);
        for entry in 0..size {
            out.start.push(out.scores.len() as u32);
            let row = &derivatives[entry * m..(entry + 1) * m];
            let nonzero = row.iter().zip(&f.parameters).filter(|(d, _)| **d != 0.0);
            out.scores.extend(nonzero.map(|(d, &p)| (p as u32, *d)));
        }
        out.start.push(out.scores.len() as u32);
        Some(out)
    }

    fn scores(&self, entry: usize) -> &[(u32, f64)] {
        &self.scores[self.start[entry] as usize..self.start[entry + 1] as usize]
    }

    /// Adds E(−∂² log f) of the patterns with their weights.
    fn add_curvature(&self, point: &Point, f: &Factor, designs: (usize, usize), out: &mut Accumulator) {
        if f.parameters.is_empty() || matches!(f.kind, FactorKind::Known(_)) {
            return;
        }
        let mut sums = SlotSums::default();
        sums.reset(f.parameters.len(), true);
        rows::contract(point, f, designs, &self.weights, rows::Information::Observed, &mut sums);
        out.scatter(&f.parameters, &sums.gradient, &sums.information);
    }
}

/// What one lane of chunks adds up.
struct Lane {
    /// Curvature less variance of the scores, [n_parameters × n_parameters].
    sums: Accumulator,
    /// Per factor that all chunks share: posterior weights.
    weights: Vec<Vec<f64>>,
}

/// −∂² log L / ∂x ∂xᵀ in optimiser coordinates, [n × n]; `None` where the parameters are not admissible.
pub fn louis_information(program: &Program, space: &Space, nodes: &Nodes, x: &[f64]) -> Option<Vec<f64>> {
    let working = space.to_working(x);
    let residuals = Residuals::new(program, &working)?;
    let point = Point { program, parameters: &working, residuals: &residuals };
    let n = working.len();
    let shared: Vec<FactorTables> = program
        .factors
        .par_iter()
        .map(|f| match f.patterns.local {
            Some(_) => Some(FactorTables::default()),
            None => FactorTables::new(&point, nodes, f, (0, f.patterns.n_designs())),
        })
        .collect::<Option<_>>()?;
    let cells: Vec<Vec<u32>> =
        program.factors.iter().map(|f| cell_map(&program.model, &program.within_classes, &f.within)).collect();
    let n_chunks = program.units.n_chunks();
    let n_lanes = n_chunks.min(LANES);
    let lanes: Vec<Lane> = (0..n_lanes)
        .into_par_iter()
        .map(|k| {
            let chunks = k * n_chunks / n_lanes..(k + 1) * n_chunks / n_lanes;
            run_lane(&point, nodes, &shared, &cells, chunks)
        })
        .collect::<Option<_>>()?;
    let mut sums = Accumulator::new(n, true);
    let mut shared = shared;
    for lane in lanes {
        sums.add(&lane.sums);
        for (to, from) in shared.iter_mut().zip(lane.weights) {
            to.weights.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        }
    }
    for (f, t) in program.factors.iter().zip(&shared).filter(|(f, _)| f.patterns.local.is_none()) {
        t.add_curvature(&point, f, (0, f.patterns.n_designs()), &mut sums);
    }
    sums.information.map(|i| space.matrix(&i, n))
}

fn run_lane(
    point: &Point,
    nodes: &Nodes,
    shared: &[FactorTables],
    cells: &[Vec<u32>],
    chunks: std::ops::Range<usize>,
) -> Option<Lane> {
    let program = point.program;
    let n = point.parameters.len();
    let n_cells = program.model.n_cells(&program.within_classes);
    let mut lane =
        Lane { sums: Accumulator::new(n, true), weights: shared.iter().map(|t| vec![0.0; t.weights.len()]).collect() };
    let mut log_p = vec![0.0; n_cells];
    let mut mean = vec![0.0; n];
    let mut score: Vec<(u32, f64)> = vec![];
    // Σ w E(s sᵀ), lower triangle, and Σ w E(s) E(s)ᵀ
    let mut squares = vec![0.0; n * n];
    let mut means = Gram::new(n);
    for chunk in chunks {
        let mut local: Vec<FactorTables> = vec![];
        for f in &program.factors {
            local.push(match f.patterns.local {
                Some(_) => FactorTables::new(point, nodes, f, f.patterns.designs_of_chunk(chunk))?,
                None => FactorTables::default(),
            });
        }
        let clusters = program.units.chunk_start[chunk]..program.units.chunk_start[chunk + 1];
        for u in program.units.cluster_start[clusters.start]..program.units.cluster_start[clusters.end] {
            let weight = program.units.count[u] * program.units.weight[program.units.cluster[u] as usize];
            if weight == 0.0 {
                continue;
            }
            // the factors that count for this unit, and the row of their tables
            let present = || {
                program.factors.iter().enumerate().filter(|(_, f)| f.patterns.of_unit[u] != NONE).map(|(k, f)| {
                    let t = if f.patterns.local.is_some() { &local[k] } else { &shared[k] };
                    (k, t, (f.patterns.of_unit[u] as usize - t.first) * f.n_within)
                })
            };
            for (cell, l) in log_p.iter_mut().enumerate() {
                *l = present().map(|(k, t, row)| t.log_density[row + cells[k][cell] as usize]).sum();
            }
            let total = log_sum_exp(&log_p);
            mean.fill(0.0);
            for (cell, l) in log_p.iter().enumerate() {
                let p = (l - total).exp();
                if p == 0.0 {
                    continue;
                }
                score.clear();
                present().for_each(|(k, t, row)| score.extend(t.scores(row + cells[k][cell] as usize)));
                score.sort_unstable_by_key(|s| s.0);
                // a parameter that several factors share has one score
                score.dedup_by(|next, kept| next.0 == kept.0 && (kept.1 += next.1, true).1);
                for (i, &(a, s)) in score.iter().enumerate() {
                    mean[a as usize] += p * s;
                    let row = &mut squares[a as usize * n..(a as usize + 1) * n];
                    score[..=i].iter().for_each(|&(b, t)| row[b as usize] += weight * p * s * t);
                }
            }
            means.add(&mean, weight);
            let places: Vec<(usize, usize)> = present().map(|(k, _, row)| (k, row)).collect();
            for (cell, l) in log_p.iter().enumerate() {
                let p = weight * (l - total).exp();
                for &(k, row) in &places {
                    let entry = row + cells[k][cell] as usize;
                    match program.factors[k].patterns.local {
                        Some(_) => local[k].weights[entry] += p,
                        None => lane.weights[k][entry] += p,
                    }
                }
            }
        }
        for (f, t) in program.factors.iter().zip(&local).filter(|(f, _)| f.patterns.local.is_some()) {
            t.add_curvature(point, f, f.patterns.designs_of_chunk(chunk), &mut lane.sums);
        }
    }
    let information = lane.sums.information.as_mut()?;
    information.iter_mut().zip(means.finish()).for_each(|(i, m)| *i += m);
    for a in 0..n {
        for b in 0..=a {
            information[a * n + b] -= squares[a * n + b];
            if a != b {
                information[b * n + a] -= squares[a * n + b];
            }
        }
    }
    Some(lane)
}
