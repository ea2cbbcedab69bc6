//! Observed information in closed form for mixtures without nodes: independent units, class cell by class cell.
//!
//! Louis (1982): I = Σ_i w_i { E(−∂² log f_i(y, c) | y) − Var(s_i(c) | y) }, s_i(c) the complete-data score in class cell
//! c. Predictors are linear in their coefficients, so second derivatives are those of the families. Cells are enumerated.

use rayon::prelude::*;

use super::closed_form::Exact;
use super::pairs::MATRIX;
use super::products::lanes;
use crate::compiled::elimination::cell_map;
use crate::compiled::factor::{Factor, FactorKind, NONE};
use crate::compiled::Program;
use crate::likelihood::accumulator::{Accumulator, SlotSums};
use crate::likelihood::derivatives::derivative_table;
use crate::likelihood::design_cells::slots_of_cells;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::{Point, Workspace};
use crate::likelihood::table::Task;
use crate::likelihood::{normalise, rows, table};
use crate::linalg::Gram;

/// Most class cells to enumerate.
const MAX_CELLS: usize = 128;

pub fn is_possible(program: &Program) -> bool {
    let plain = |f: &Factor| rows::is_plain(f) || matches!(f.kind, FactorKind::Known(_));
    program.n_outer() == 1
        && program.between_classes.is_empty()
        && program.cluster_factors.is_empty()
        && program.cluster_gaussian.is_none()
        && program.factors.iter().all(plain)
        && program.model.n_cells(&program.within_classes) <= MAX_CELLS
}

/// As those of pairs.rs.
pub fn steps(program: &Program) -> usize {
    let (cells, n) = (program.model.n_cells(&program.within_classes), program.model.parameters.len());
    let of_cell: usize = program.factors.iter().map(|f| f.parameters.len().div_ceil(f.n_within)).sum();
    let of_cell = of_cell.min(n);
    let squares = (cells * of_cell * of_cell + n * n) / 2 / MATRIX;
    program.units.n_units() * (cells * (2 * program.factors.len() + 2 * of_cell) + squares)
}

/// Log densities and their derivatives for the patterns of one factor.
#[derive(Default)]
pub(super) struct FactorTables {
    /// First value pattern of the tables.
    first: usize,
    pub log_density: Vec<f64>,
    /// [entry × slots]
    pub derivatives: Vec<f64>,
    /// Posterior weights of the entries.
    pub weights: Vec<f64>,
}

impl FactorTables {
    pub fn new(task: Task) -> Option<FactorTables> {
        let mut w = Workspace::default();
        let values = task.f.patterns.values_of(task.designs);
        let size = (values.1 - values.0) * table::Layout::new(task.f).row();
        let mut log_density = vec![0.0; size];
        if !table::fill(task, &mut log_density, &mut w) {
            return None;
        }
        let derivatives = derivative_table(task, &mut w);
        Some(FactorTables { first: values.0, log_density, derivatives, weights: vec![0.0; size] })
    }

    /// Adds E(−∂² log f) of the patterns with their weights.
    pub fn add_curvature(&self, task: Task, out: &mut Accumulator) {
        let f = task.f;
        if f.parameters.is_empty() || matches!(f.kind, FactorKind::Known(_)) {
            return;
        }
        let mut sums = SlotSums::default();
        sums.reset(f.parameters.len(), true);
        let w = &mut Workspace::default();
        rows::contract(task, &self.weights, rows::Information::Observed, w, &mut sums);
        out.scatter(&f.parameters, &sums.gradient, &sums.information);
    }
}

/// A class cell: the parameters that matter in it, and where the slots of each factor stand among them.
struct Cell {
    /// Place of the cell's parameters in `Cells::sets`.
    set: usize,
    /// Per factor, its within cell.
    of_factor: Vec<u32>,
    /// Per factor, (slot, place among the cell's parameters).
    places: Vec<Vec<(u32, u32)>>,
}

struct Cells {
    cells: Vec<Cell>,
    /// Distinct sets of parameters, ascending.
    sets: Vec<Vec<usize>>,
}

impl Cells {
    fn new(point: &Point, nodes: &Nodes) -> Cells {
        let program = point.program;
        let factors = &program.factors;
        let maps: Vec<Vec<u32>> =
            factors.iter().map(|f| cell_map(&program.model, &program.within_classes, &f.within)).collect();
        let slots: Vec<Vec<Vec<u32>>> = factors.iter().map(|f| slots_of_cells(point, nodes, f)).collect();
        let mut out = Cells { cells: vec![], sets: vec![] };
        for cell in 0..program.model.n_cells(&program.within_classes) {
            let of_factor: Vec<u32> = maps.iter().map(|m| m[cell]).collect();
            let used = || factors.iter().zip(&slots).zip(&of_factor).map(|((f, s), &c)| (f, &s[c as usize]));
            let mut parameters: Vec<usize> =
                used().flat_map(|(f, slots)| slots.iter().map(|&s| f.parameters[s as usize])).collect();
            parameters.sort_unstable();
            parameters.dedup();
            let place = |p: usize| parameters.partition_point(|&q| q < p) as u32;
            let places = used()
                .map(|(f, slots)| slots.iter().map(|&s| (s, place(f.parameters[s as usize]))).collect())
                .collect();
            let set = out.sets.iter().position(|s| *s == parameters).unwrap_or_else(|| {
                out.sets.push(parameters);
                out.sets.len() - 1
            });
            out.cells.push(Cell { set, of_factor, places });
        }
        out
    }
}

/// What one lane of chunks adds up.
struct Lane {
    /// Curvature less Σ w E(s sᵀ), [n_parameters × n_parameters].
    sums: Accumulator,
    /// Σ w E(s) E(s)ᵀ
    means: Vec<f64>,
    /// Per factor that all chunks share: posterior weights.
    weights: Vec<Vec<f64>>,
}

/// Over the parameters; `None` where they are not admissible.
pub fn information(point: &Point, nodes: &Nodes) -> Option<Exact> {
    let program = point.program;
    let n = point.parameters.len();
    let shared: Vec<FactorTables> = program
        .factors
        .par_iter()
        .map(|f| match f.patterns.local {
            Some(_) => Some(FactorTables::default()),
            None => FactorTables::new(Task::all(point, nodes, f)),
        })
        .collect::<Option<_>>()?;
    let cells = Cells::new(point, nodes);
    let of_lanes: Vec<Lane> = lanes(program.units.n_chunks())
        .into_par_iter()
        .map(|chunks| run_lane(point, nodes, &shared, &cells, chunks))
        .collect::<Option<_>>()?;
    let mut sums = Accumulator::new(n, true);
    let mut means = vec![0.0; n * n];
    let mut shared = shared;
    for lane in of_lanes {
        sums.add(&lane.sums);
        means.iter_mut().zip(&lane.means).for_each(|(a, b)| *a += b);
        for (to, from) in shared.iter_mut().zip(lane.weights) {
            to.weights.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        }
    }
    for (f, t) in program.factors.iter().zip(&shared).filter(|(f, _)| f.patterns.local.is_none()) {
        t.add_curvature(Task::all(point, nodes, f), &mut sums);
    }
    let mut information = sums.information?;
    information.iter_mut().zip(&means).for_each(|(i, m)| *i += m);
    Some(Exact { information, scores: program.units.are_alone().then_some(means) })
}

fn run_lane(
    point: &Point,
    nodes: &Nodes,
    shared: &[FactorTables],
    cells: &Cells,
    chunks: std::ops::Range<usize>,
) -> Option<Lane> {
    let program = point.program;
    let n = point.parameters.len();
    let mut lane = Lane {
        sums: Accumulator::new(n, true),
        means: vec![],
        weights: shared.iter().map(|t| vec![0.0; t.weights.len()]).collect(),
    };
    let mut probability = vec![0.0; cells.cells.len()];
    let mut mean = vec![0.0; n];
    let mut score = vec![];
    // per set of parameters: Σ w p s sᵀ
    let mut squares: Vec<Gram> = cells.sets.iter().map(|s| Gram::new(s.len())).collect();
    let mut means = Gram::new(n);
    for chunk in chunks {
        let task_of = |f| Task { point, nodes, f, designs: f.patterns.designs_of_chunk(chunk) };
        let mut local: Vec<FactorTables> = vec![];
        for f in &program.factors {
            local.push(match f.patterns.local {
                Some(_) => FactorTables::new(task_of(f))?,
                None => FactorTables::default(),
            });
        }
        let clusters = program.units.chunk_start[chunk]..program.units.chunk_start[chunk + 1];
        for u in program.units.cluster_start[clusters.start]..program.units.cluster_start[clusters.end] {
            let weight = program.units.count[u] * program.units.weight[program.units.cluster[u] as usize];
            if weight == 0.0 {
                continue;
            }
            // the factors that count for this unit, and where their tables' rows for it start
            let present: Vec<(usize, usize)> = program
                .factors
                .iter()
                .enumerate()
                .filter(|(_, f)| f.patterns.of_unit[u] != NONE)
                .map(|(k, f)| {
                    let first = if f.patterns.local.is_some() { local[k].first } else { shared[k].first };
                    (k, (f.patterns.of_unit[u] as usize - first) * f.n_within)
                })
                .collect();
            let is_local = |k: usize| program.factors[k].patterns.local.is_some();
            let tables = |k: usize| if is_local(k) { &local[k] } else { &shared[k] };
            for (p, cell) in probability.iter_mut().zip(&cells.cells) {
                *p = present.iter().map(|&(k, row)| tables(k).log_density[row + cell.of_factor[k] as usize]).sum();
            }
            normalise(&mut probability);
            mean.fill(0.0);
            for (cell, &p) in cells.cells.iter().zip(&probability).filter(|(_, p)| **p > 0.0) {
                let parameters = &cells.sets[cell.set];
                score.clear();
                score.resize(parameters.len(), 0.0);
                for &(k, row) in &present {
                    let m = program.factors[k].parameters.len();
                    let entry = row + cell.of_factor[k] as usize;
                    let derivatives = &tables(k).derivatives[entry * m..(entry + 1) * m];
                    for &(slot, place) in &cell.places[k] {
                        score[place as usize] += derivatives[slot as usize];
                    }
                }
                squares[cell.set].add(&score, weight * p);
                parameters.iter().zip(&score).for_each(|(&a, s)| mean[a] += p * s);
            }
            means.add(&mean, weight);
            for (cell, p) in cells.cells.iter().zip(&probability) {
                for &(k, row) in &present {
                    let entry = row + cell.of_factor[k] as usize;
                    let weights = if is_local(k) { &mut local[k].weights } else { &mut lane.weights[k] };
                    weights[entry] += weight * p;
                }
            }
        }
        for (f, t) in program.factors.iter().zip(&local).filter(|(f, _)| f.patterns.local.is_some()) {
            t.add_curvature(task_of(f), &mut lane.sums);
        }
    }
    lane.means = means.finish();
    let information = lane.sums.information.as_mut()?;
    for (set, squares) in cells.sets.iter().zip(squares) {
        let squares = squares.finish();
        for (i, &a) in set.iter().enumerate() {
            for (j, &b) in set.iter().enumerate() {
                information[a * n + b] -= squares[i * set.len() + j];
            }
        }
    }
    Some(lane)
}
