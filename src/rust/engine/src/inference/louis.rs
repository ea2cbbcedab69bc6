//! Observed information in closed form for mixtures without nodes: independent units, class cell by class cell.
//!
//! Louis (1982): I = Σ_i w_i { E(−∂² log f_i(y, c) | y) − Var(s_i(c) | y) }, s_i(c) the complete-data score in class cell
//! c. Predictors are linear in their coefficients, so second derivatives are those of the families. Cells are enumerated.

use rayon::prelude::*;

use super::closed_form::Exact;
use super::factor_tables::{add_curvature, FactorTables};
use super::pairs::MATRIX;
use super::products::lanes;
use super::unit_block::{UnitBlock, UNITS};
use crate::compiled::elimination::cell_map;
use crate::compiled::factor::{Factor, FactorKind};
use crate::compiled::Program;
use crate::likelihood::accumulator::Accumulator;
use crate::likelihood::design_cells::slots_of_cells;
use crate::likelihood::nodes::Nodes;
use crate::likelihood::predictor::Point;
use crate::likelihood::rows;
use crate::likelihood::table::Task;
use crate::linalg::Gram;
use crate::vector;

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

/// A class cell: the parameters that matter in it, and where the slots of each factor stand among them.
pub(super) struct Cell {
    /// Place of the cell's parameters in `Cells::sets`.
    set: usize,
    /// Per factor, its within cell.
    pub of_factor: Vec<u32>,
    /// Per factor, (slot, place among the cell's parameters).
    pub places: Vec<Vec<(u32, u32)>>,
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
    /// Curvature of the chunks' own factors, less Σ w E(s sᵀ), [n_parameters × n_parameters].
    sums: Accumulator,
    /// Σ w E(s) E(s)ᵀ
    means: Vec<f64>,
    /// Per factor that all chunks share, [entry] posterior weight.
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
    let mut weights = weights_of(&shared);
    for lane in of_lanes {
        sums.add(&lane.sums);
        vector::add(&mut means, &lane.means);
        weights.iter_mut().zip(&lane.weights).for_each(|(to, from)| vector::add(to, from));
    }
    for (f, weights) in program.factors.iter().zip(&weights).filter(|(f, _)| f.patterns.local.is_none()) {
        add_curvature(Task::all(point, nodes, f), weights, &mut sums);
    }
    let mut information = sums.information?;
    vector::add(&mut information, &means);
    Some(Exact { information, scores: program.units.are_alone().then_some(means) })
}

/// Zero for every entry.
fn weights_of(tables: &[FactorTables]) -> Vec<Vec<f64>> {
    tables.iter().map(|t| vec![0.0; t.log_density.len()]).collect()
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
    let mut sums = Accumulator::new(n, true);
    let mut weights = weights_of(shared);
    // per set of parameters: Σ w p s sᵀ
    let mut squares: Vec<Gram> = cells.sets.iter().map(|s| Gram::new(s.len())).collect();
    let mut means = Gram::new(n);
    let mut block = UnitBlock::default();
    for chunk in chunks {
        let task_of = |f| Task { point, nodes, f, designs: f.patterns.designs_of_chunk(chunk) };
        let mut local = vec![];
        for f in &program.factors {
            local.push(match f.patterns.local {
                Some(_) => FactorTables::new(task_of(f))?,
                None => FactorTables::default(),
            });
        }
        let is_local = |k: usize| program.factors[k].patterns.local.is_some();
        let tables: Vec<&FactorTables> =
            (0..local.len()).map(|k| if is_local(k) { &local[k] } else { &shared[k] }).collect();
        let mut local_weights = weights_of(&local);
        let clusters = program.units.chunk_start[chunk]..program.units.chunk_start[chunk + 1];
        let units = program.units.cluster_start[clusters.start]..program.units.cluster_start[clusters.end];
        for start in units.clone().step_by(UNITS) {
            block.read(program, &tables, start..(start + UNITS).min(units.end));
            block.posteriors(&tables, &cells.cells);
            block.mean.clear();
            block.mean.resize(n * block.n, 0.0);
            for (c, cell) in cells.cells.iter().enumerate() {
                let parameters = &cells.sets[cell.set];
                block.scores(&tables, cell, parameters.len());
                block.add_to_mean(c, parameters);
                squares[cell.set].add_columns(block.weighted_scores(c));
                for k in 0..tables.len() {
                    let to = if is_local(k) { &mut local_weights[k] } else { &mut weights[k] };
                    block.add_weights(c, (k, cell.of_factor[k]), to);
                }
            }
            means.add_columns(block.weighted_mean());
        }
        for (f, weights) in program.factors.iter().zip(&local_weights).filter(|(f, _)| f.patterns.local.is_some()) {
            add_curvature(task_of(f), weights, &mut sums);
        }
    }
    let information = sums.information.as_mut()?;
    for (set, squares) in cells.sets.iter().zip(squares) {
        let squares = squares.finish();
        for (i, &a) in set.iter().enumerate() {
            for (j, &b) in set.iter().enumerate() {
                information[a * n + b] -= squares[i * set.len() + j];
            }
        }
    }
    Some(Lane { sums, means: means.finish(), weights })
}
