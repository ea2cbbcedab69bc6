//! Sum-product over the class graph with probabilities: products and sums forward, their derivatives back.
//!
//! With φ_c the product of a clique's factors and m_j the messages of its children, its own message is
//!     m_c(s) = Σ_v φ_c(v, s) Π_j m_j.
//! Back goes a_c = posterior weight × ∂ log L / ∂ m_c, which is weight / m_c at a root and else, for child j of clique c,
//!     a_j = Σ a_c φ_c Π_{i≠j} m_i;   a_c φ_c Π_j m_j are the posterior weights of the cells.
//! One division for each unit and node; no conditional probability is stored.
//!
//! Where the outer axis is long and runs of units share all factors that depend on it (in a two-level model the class
//! probabilities of the units of a cluster), units go one by one: φ is that of the run, the other factors of a unit enter
//! as single numbers, and the posterior weights of cells are sums over the run. Else some units go side by side.

use std::ops::Range;

use super::class_graph::{gather, spread, Buffers};
use crate::compiled::elimination::{Clique, Elimination};
use crate::compiled::shape::{Broadcast, Shape};
use crate::vector;

/// Shortest outer axis for which units may go one by one.
pub(super) const LONG: usize = 32;
/// Numbers per cell in a segment of short ones: those of all cells of a small graph stay in the first-level cache.
const SEGMENT: usize = 256;

/// Consecutive runs, worked through from the first clique to the last.
struct Segment {
    runs: Range<usize>,
    units: Range<usize>,
    /// Units go one by one.
    apart: bool,
}

impl Segment {
    /// Places of the segment's messages, [unit × outer]: of each unit, or of all.
    fn places(&self, outer: usize) -> impl Iterator<Item = Range<usize>> {
        let step = if self.apart { 1 } else { self.units.len() };
        let units = self.units.clone();
        units.step_by(step).map(move |u| u * outer..(u + step) * outer)
    }
}

/// What adjoints are worked out in; reused.
#[derive(Default)]
pub struct Scratch {
    /// [clique][separator cell × place]
    adjoints: Vec<Vec<f64>>,
    /// [clique][cell × place], summed over the units of a run.
    cells: Vec<Vec<f64>>,
    /// [clique cell]
    scales: Vec<f64>,
    sums: Vec<f64>,
    product: Vec<f64>,
    rest: Vec<f64>,
}

impl Buffers {
    fn segments(&self, outer: usize) -> Vec<Segment> {
        let n = self.runs.len();
        let apart = n < self.n_units;
        let step = if apart { 1 } else { (SEGMENT / outer).max(1) };
        let end = |run: usize| self.runs.get(run).copied().unwrap_or(self.n_units);
        let segment = |r: usize| {
            let runs = r..(r + step).min(n);
            Segment { units: self.runs[r]..end(runs.end), runs, apart }
        };
        let n = if self.cliques.is_empty() { 0 } else { n };
        (0..n).step_by(step).map(segment).collect()
    }

    /// As `forward` with probabilities: `groups` and `totals` hold numbers of at most 1, `totals` end as likelihoods. They
    /// are accurate where they have not become too small, which the caller must look at.
    pub fn forward_scaled(&mut self, graph: &Elimination, shape: &Shape) {
        self.scaled = true;
        self.multiply_totals(graph, shape);
        for segment in self.segments(shape.n_outer) {
            self.multiply_groups(&segment, graph, shape);
            for place in segment.places(shape.n_outer) {
                self.send(&segment, place, graph, shape);
            }
        }
    }

    /// φ of the segment's runs.
    fn multiply_groups(&mut self, segment: &Segment, graph: &Elimination, shape: &Shape) {
        let outer = shape.n_outer;
        let len = self.runs.len() * outer;
        let at = segment.runs.start * outer..segment.runs.end * outer;
        for (phi, clique) in self.cliques.iter_mut().zip(&graph.cliques) {
            let mut empty = true;
            for &g in clique.groups.iter().filter(|g| !segment.apart || shape.inner[**g] > 1) {
                let (inner, how) = (shape.inner[g], &shape.broadcast[g]);
                let size = self.groups[g].len() / graph.groups[g].n_cells;
                for (phi, &from) in phi.chunks_exact_mut(len).zip(&graph.groups[g].cell_of) {
                    let start = from as usize * size + segment.runs.start * inner;
                    let from = &self.groups[g][start..start + segment.runs.len() * inner];
                    if empty {
                        let copy = |to: &mut [f64], from: &[f64]| to.copy_from_slice(from);
                        spread(&mut phi[at.clone()], from, how, inner, outer, copy, |to, from| *to = from);
                    } else {
                        spread(&mut phi[at.clone()], from, how, inner, outer, vector::multiply, |to, from| *to *= from);
                    }
                }
                empty = false;
            }
            if empty {
                phi.chunks_exact_mut(len).for_each(|phi| phi[at.clone()].fill(1.0));
            }
        }
    }

    /// Factors that no class enters: where a group has values of units that share them.
    fn shared(&self, inner: usize) -> Vec<(Range<usize>, Range<usize>)> {
        if inner == 1 || self.runs.len() == self.n_units {
            return vec![(0..self.n_units, 0..self.n_units)];
        }
        let ends = self.runs[1..].iter().copied().chain([self.n_units]);
        let units = self.runs.iter().zip(ends).enumerate();
        units.flat_map(|(r, (&start, end))| (start..end).map(move |u| (r..r + 1, u..u + 1))).collect()
    }

    /// `totals` times the factors that no class enters.
    fn multiply_totals(&mut self, graph: &Elimination, shape: &Shape) {
        for (g, _) in graph.groups.iter().enumerate().filter(|(_, scoped)| scoped.clique.is_none()) {
            let (inner, outer, how) = (shape.inner[g], shape.n_outer, &shape.broadcast[g]);
            for (slots, units) in self.shared(inner) {
                let from = &self.groups[g][slots.start * inner..slots.end * inner];
                let to = &mut self.totals[units.start * outer..units.end * outer];
                spread(to, from, how, inner, outer, vector::multiply, |to, from| *to *= from);
            }
        }
    }

    /// Weights of the factors that no class enters.
    fn hand_out_totals(&mut self, weights: &[f64], graph: &Elimination, shape: &Shape) {
        for (g, _) in graph.groups.iter().enumerate().filter(|(_, scoped)| scoped.clique.is_none()) {
            let (inner, outer, how) = (shape.inner[g], shape.n_outer, &shape.broadcast[g]);
            if matches!(how, Broadcast::Same) && self.runs.len() == self.n_units {
                self.groups[g].copy_from_slice(weights);
                continue;
            }
            self.groups[g].fill(0.0);
            for (slots, units) in self.shared(inner) {
                let to = &mut self.groups[g][slots.start * inner..slots.end * inner];
                gather(to, &weights[units.start * outer..units.end * outer], how, inner, outer);
            }
        }
    }

    /// All messages at one place, and `totals` times those of the roots.
    fn send(&mut self, segment: &Segment, place: Range<usize>, graph: &Elimination, shape: &Shape) {
        let len = self.n_units * shape.n_outer;
        let mut scratch = std::mem::take(&mut self.scratch);
        for (c, clique) in graph.cliques.iter().enumerate() {
            self.fill_scales(segment, &place, (graph, clique), shape, &mut scratch.scales);
            let (before, after) = self.messages.split_at_mut(c);
            let children = Children { clique, messages: before, len, place: &place };
            let to_separator = after[0].chunks_exact_mut(len);
            for (s, to) in to_separator.enumerate() {
                let to = &mut to[place.clone()];
                for v in 0..clique.n_states {
                    let cell = s * clique.n_states + v;
                    let phi = phi(&self.cliques[c], cell, segment, self.runs.len(), shape.n_outer);
                    let (scale, assign) = (scratch.scales[cell], v == 0);
                    match children.combined(cell, None, &mut scratch.product) {
                        None => vector::add_scaled(to, scale, phi, assign),
                        Some(m) => vector::add_product(to, scale, phi, m, assign),
                    }
                }
            }
            if clique.is_root {
                vector::multiply(&mut self.totals[place.clone()], &self.messages[c][place.clone()]);
            }
        }
        self.scratch = scratch;
    }

    /// [clique cell] product of the factors that do not depend on the outer axis, where units go one by one.
    fn fill_scales(
        &self,
        segment: &Segment,
        place: &Range<usize>,
        (graph, clique): (&Elimination, &Clique),
        shape: &Shape,
        scales: &mut Vec<f64>,
    ) {
        scales.clear();
        scales.resize(clique.n_cells(), 1.0);
        if !segment.apart {
            return;
        }
        let unit = place.start / shape.n_outer;
        for &g in clique.groups.iter().filter(|g| shape.inner[**g] == 1) {
            let cells = &graph.groups[g].cell_of;
            scales.iter_mut().zip(cells).for_each(|(s, &c)| *s *= self.groups[g][c as usize * self.n_units + unit]);
        }
    }

    /// As `backward`, after `forward_scaled`; weights of what a run shares are sums over its units.
    pub(super) fn backward_scaled(&mut self, weights: &[f64], graph: &Elimination, shape: &Shape) {
        self.hand_out_totals(weights, graph, shape);
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.adjoints.resize(graph.cliques.len(), vec![]);
        scratch.cells.resize(graph.cliques.len(), vec![]);
        for segment in self.segments(shape.n_outer) {
            for (cells, clique) in scratch.cells.iter_mut().zip(&graph.cliques).filter(|_| segment.apart) {
                cells.clear();
                cells.resize(clique.n_cells() * shape.n_outer, 0.0);
            }
            for place in segment.places(shape.n_outer) {
                self.receive(&segment, place, weights, graph, shape, &mut scratch);
            }
            self.hand_out(&segment, graph, shape, &scratch.cells);
        }
        self.scratch = scratch;
    }

    /// Adjoints of all messages at one place; adds the posterior weights of cells to those of the run.
    fn receive(
        &mut self,
        segment: &Segment,
        place: Range<usize>,
        weights: &[f64],
        graph: &Elimination,
        shape: &Shape,
        scratch: &mut Scratch,
    ) {
        let len = self.n_units * shape.n_outer;
        let n = place.len();
        for ((adjoint, clique), messages) in scratch.adjoints.iter_mut().zip(&graph.cliques).zip(&self.messages) {
            adjoint.clear();
            adjoint.resize(clique.n_separator * n, 0.0);
            if clique.is_root {
                vector::divide(adjoint, &weights[place.clone()], &messages[place.clone()]);
            }
        }
        for (c, clique) in graph.cliques.iter().enumerate().rev() {
            self.fill_scales(segment, &place, (graph, clique), shape, &mut scratch.scales);
            let children = Children { clique, messages: &self.messages[..c], len, place: &place };
            let (below, own) = scratch.adjoints.split_at_mut(c);
            scratch.sums.resize(clique.n_cells(), 0.0);
            for cell in 0..clique.n_cells() {
                let s = cell / clique.n_states;
                let adjoint = &own[0][s * n..(s + 1) * n];
                let start = (cell * self.runs.len() + segment.runs.start) * shape.n_outer;
                let phi = &mut self.cliques[c][start..start + n];
                // one by one, weights are added to those of the run; side by side, they take the place of φ
                let to = segment.apart.then(|| &mut scratch.cells[c][cell * n..(cell + 1) * n]);
                let (scale, sum) = (scratch.scales[cell], &mut scratch.sums[cell]);
                match (&clique.children[..], to) {
                    ([], None) => vector::multiply(phi, adjoint),
                    ([], Some(to)) => *sum = vector::add_and_sum(to, scale, adjoint, phi),
                    ([(child, map)], to) => {
                        let (from, message) = (map[cell] as usize, children.message(0, cell));
                        let below = &mut below[*child][from * n..(from + 1) * n];
                        match to {
                            None => vector::multiply_and_add(phi, below, adjoint, message),
                            Some(to) => *sum = vector::add_both_and_sum(to, below, scale, adjoint, phi, message),
                        }
                    }
                    (several, to) => {
                        scratch.rest.resize(n, 0.0);
                        for (j, (child, map)) in several.iter().enumerate() {
                            let from = map[cell] as usize;
                            let others = children.combined(cell, Some(j), &mut scratch.product).unwrap_or(phi);
                            vector::add_product(&mut scratch.rest, scale, phi, others, true);
                            let below = &mut below[*child][from * n..(from + 1) * n];
                            vector::add_product(below, 1.0, adjoint, &scratch.rest, false);
                        }
                        vector::multiply(&mut scratch.rest, children.message(several.len() - 1, cell));
                        match to {
                            None => vector::add_product(phi, 1.0, adjoint, &scratch.rest, true),
                            Some(to) => *sum = vector::add_and_sum(to, 1.0, adjoint, &scratch.rest),
                        }
                    }
                }
            }
            if segment.apart {
                let unit = place.start / shape.n_outer;
                for &g in clique.groups.iter().filter(|g| shape.inner[**g] == 1) {
                    let to = &mut self.groups[g];
                    to.iter_mut().skip(unit).step_by(self.n_units).for_each(|v| *v = 0.0);
                    for (&cell, sum) in graph.groups[g].cell_of.iter().zip(&scratch.sums) {
                        to[cell as usize * self.n_units + unit] += sum;
                    }
                }
            }
        }
    }

    /// Posterior weights of the segment's cells, to `cliques` and on to the groups.
    fn hand_out(&mut self, segment: &Segment, graph: &Elimination, shape: &Shape, cells: &[Vec<f64>]) {
        let outer = shape.n_outer;
        let at = segment.runs.start * outer..segment.runs.end * outer;
        let len = self.runs.len() * outer;
        for (c, (clique, all)) in graph.cliques.iter().zip(&mut self.cliques).enumerate() {
            if segment.apart {
                let of_run = all.chunks_exact_mut(len).zip(cells[c].chunks_exact(outer));
                of_run.for_each(|(all, cells)| all[at.clone()].copy_from_slice(cells));
            }
            for &g in clique.groups.iter().filter(|g| !segment.apart || shape.inner[**g] > 1) {
                let (inner, how, scoped) = (shape.inner[g], &shape.broadcast[g], &graph.groups[g]);
                let size = self.groups[g].len() / scoped.n_cells;
                let slots = segment.runs.start * inner..segment.runs.end * inner;
                let copy = matches!(how, Broadcast::Same) && scoped.n_cells == clique.n_cells();
                let to = &mut self.groups[g];
                if !copy {
                    to.chunks_exact_mut(size).for_each(|to| to[slots.clone()].fill(0.0));
                }
                for (all, &cell) in all.chunks_exact(len).zip(&scoped.cell_of) {
                    let to = &mut to[cell as usize * size..(cell as usize + 1) * size][slots.clone()];
                    if copy {
                        to.copy_from_slice(&all[at.clone()]);
                    } else {
                        gather(to, &all[at.clone()], how, inner, outer);
                    }
                }
            }
        }
    }
}

/// φ of a cell of a clique, [runs of the segment × outer].
fn phi<'a>(all: &'a [f64], cell: usize, segment: &Segment, n_runs: usize, outer: usize) -> &'a [f64] {
    let start = (cell * n_runs + segment.runs.start) * outer;
    &all[start..start + segment.runs.len() * outer]
}

/// Messages that enter a clique at one place.
struct Children<'a> {
    clique: &'a Clique,
    messages: &'a [Vec<f64>],
    /// Numbers in a message's cell.
    len: usize,
    place: &'a Range<usize>,
}

impl<'a> Children<'a> {
    fn message(&self, j: usize, cell: usize) -> &'a [f64] {
        let (child, map) = &self.clique.children[j];
        let start = map[cell] as usize * self.len;
        &self.messages[*child][start + self.place.start..start + self.place.end]
    }

    /// Product of the messages to a cell, but for one child's.
    fn combined<'b>(&self, cell: usize, but: Option<usize>, product: &'b mut Vec<f64>) -> Option<&'b [f64]>
    where
        'a: 'b,
    {
        let mut which = (0..self.clique.children.len()).filter(|j| Some(*j) != but);
        let first = self.message(which.next()?, cell);
        let Some(second) = which.next() else { return Some(first) };
        product.resize(first.len(), 0.0);
        vector::add_product(product, 1.0, first, self.message(second, cell), true);
        which.for_each(|j| vector::multiply(product, self.message(j, cell)));
        Some(product)
    }
}

#[cfg(test)]
mod tests;
