//! Sum-product over the class graph with probabilities: products and sums forward, their derivatives back.
//!
//! With φ_c the product of a clique's factors and m_j the messages of its children, its own message is
//!     m_c(s) = Σ_v φ_c(v, s) Π_j m_j.
//! Back goes a_c = posterior weight × ∂ log L / ∂ m_c, which is weight / m_c at a root and else, for child j of clique c,
//!     a_j = Σ a_c φ_c Π_{i≠j} m_i;   a_c φ_c Π_j m_j are the posterior weights of the cells.
//! One division for each unit and node; no conditional probability is stored.
//!
//! φ is a number (`Source::scales`) times a row over units and nodes. Where the outer axis is long and runs of units share
//! all factors that depend on it (in a two-level model the class probabilities of the units of a cluster), units go one
//! by one: the row is the run's, the other factors of a unit are the number, and the posterior weights of cells are sums
//! over the run. Else some units go side by side: the number is what all units of the block share (class probabilities
//! without covariates), the row what each has of its own.

use std::ops::Range;

use super::class_graph::{spread, Buffers};
use crate::compiled::elimination::{Clique, Elimination};
use crate::compiled::shape::{Broadcast, Shape};
use crate::vector::{self, Term, TERMS};

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

/// Where φ of a clique's cells comes from.
#[derive(Default)]
pub(super) struct Source {
    /// Groups that enter as one number per cell.
    scales: Vec<usize>,
    rows: Rows,
    /// [clique cell] row of the cell, and whether it is the first cell of that row.
    row_of: Vec<(usize, bool)>,
    /// [child][clique cell] whether it is the first cell that takes that message of the child.
    first_of_message: Vec<Vec<bool>>,
}

#[derive(Default)]
enum Rows {
    /// 1 throughout: messages are all that varies.
    #[default]
    One,
    /// Those of one group, as they are.
    Group(usize),
    /// Products of groups, one for each cell, in `Buffers::cliques`.
    Product(Vec<usize>),
}

/// Whether each number is there for the first time.
fn is_first(numbers: &[u32]) -> Vec<bool> {
    let mut seen = vec![false; numbers.iter().max().map_or(0, |m| *m as usize + 1)];
    numbers.iter().map(|&m| !std::mem::replace(&mut seen[m as usize], true)).collect()
}

/// What adjoints are worked out in; reused.
#[derive(Default)]
pub struct Scratch {
    /// [clique][separator cell × place]
    adjoints: Vec<Vec<f64>>,
    /// [clique][row][run × outer] posterior weights
    rows: Vec<Vec<f64>>,
    /// [clique][clique cell] posterior weights, summed over the block
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
        let apart = self.is_apart();
        let step = if apart { 1 } else { (SEGMENT / outer).max(1) };
        let end = |run: usize| self.runs.get(run).copied().unwrap_or(self.n_units);
        let segment = |r: usize| {
            let runs = r..(r + step).min(n);
            Segment { units: self.runs[r]..end(runs.end), runs, apart }
        };
        let n = if self.cliques.is_empty() { 0 } else { n };
        (0..n).step_by(step).map(segment).collect()
    }

    fn is_apart(&self) -> bool {
        self.runs.len() < self.n_units
    }

    fn source(&self, clique: &Clique, graph: &Elimination, shape: &Shape) -> Source {
        let apart = self.is_apart();
        let is_scale = |g: &usize| self.same[*g] || apart && shape.inner[*g] == 1;
        let (scales, others): (Vec<usize>, Vec<usize>) = clique.groups.iter().partition(|g| is_scale(g));
        let rows = match others[..] {
            [] if !self.by_cell && !clique.children.is_empty() => Rows::One,
            [g] if !self.by_cell && matches!(shape.broadcast[g], Broadcast::Same) => Rows::Group(g),
            _ => Rows::Product(others),
        };
        let row_of = match rows {
            Rows::Group(g) => {
                let cells = &graph.groups[g].cell_of;
                cells.iter().map(|c| *c as usize).zip(is_first(cells)).collect()
            }
            _ => (0..clique.n_cells()).map(|cell| (cell, true)).collect(),
        };
        let first_of_message = clique.children.iter().map(|(_, map)| is_first(map)).collect();
        Source { scales, rows, row_of, first_of_message }
    }

    /// As `forward` with probabilities: `groups` and `totals` hold numbers of at most 1, `totals` end as likelihoods. They
    /// are accurate where they have not become too small, which the caller must look at. `blank`: instead of holding 1
    /// `totals` hold nothing.
    pub fn forward_scaled(&mut self, graph: &Elimination, shape: &Shape, blank: bool) {
        self.scaled = true;
        let only_cliques = graph.groups.iter().all(|group| group.clique.is_some());
        let opens = graph.cliques.iter().position(|clique| clique.is_root && blank && only_cliques);
        if blank && opens.is_none() {
            self.totals.fill(1.0);
        }
        self.sources = graph.cliques.iter().map(|clique| self.source(clique, graph, shape)).collect();
        self.multiply_totals(graph, shape);
        for segment in self.segments(shape.n_outer) {
            self.multiply_groups(&segment, graph, shape);
            for place in segment.places(shape.n_outer) {
                self.send(&segment, place, graph, shape, opens);
            }
        }
    }

    /// Rows of the segment's runs that are products of groups.
    fn multiply_groups(&mut self, segment: &Segment, graph: &Elimination, shape: &Shape) {
        let outer = shape.n_outer;
        let len = self.runs.len() * outer;
        let at = segment.runs.start * outer..segment.runs.end * outer;
        for (rows, source) in self.cliques.iter_mut().zip(&self.sources) {
            let Rows::Product(groups) = &source.rows else { continue };
            for (i, &g) in groups.iter().enumerate() {
                let (inner, how) = (shape.inner[g], &shape.broadcast[g]);
                let size = self.groups[g].len() / graph.groups[g].n_cells;
                for (row, &from) in rows.chunks_exact_mut(len).zip(&graph.groups[g].cell_of) {
                    let start = from as usize * size + segment.runs.start * inner;
                    let from = &self.groups[g][start..start + segment.runs.len() * inner];
                    if i == 0 {
                        let copy = |to: &mut [f64], from: &[f64]| to.copy_from_slice(from);
                        spread(&mut row[at.clone()], from, how, inner, outer, copy, |to, from| *to = from);
                    } else {
                        spread(&mut row[at.clone()], from, how, inner, outer, vector::multiply, |to, from| *to *= from);
                    }
                }
            }
            if groups.is_empty() {
                rows.chunks_exact_mut(len).for_each(|row| row[at.clone()].fill(1.0));
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

    /// The segment's part of the row of a clique's cell.
    #[inline]
    fn row(&self, c: usize, cell: usize, segment: &Segment, outer: usize) -> Option<&[f64]> {
        let source = &self.sources[c];
        let rows = match source.rows {
            Rows::One => return None,
            Rows::Group(g) => &self.groups[g],
            Rows::Product(_) => &self.cliques[c],
        };
        let start = (source.row_of[cell].0 * self.runs.len() + segment.runs.start) * outer;
        Some(&rows[start..start + segment.runs.len() * outer])
    }

    /// All messages at one place, and `totals` times those of the roots; `opens`: the root that finds nothing in `totals`.
    fn send(
        &mut self,
        segment: &Segment,
        place: Range<usize>,
        graph: &Elimination,
        shape: &Shape,
        opens: Option<usize>,
    ) {
        let len = self.n_units * shape.n_outer;
        let mut scratch = std::mem::take(&mut self.scratch);
        for (c, clique) in graph.cliques.iter().enumerate() {
            self.fill_scales(c, &place, graph, shape, &mut scratch.scales);
            let mut messages = std::mem::take(&mut self.messages[c]);
            let children = Children { clique, messages: &self.messages[..c], len, place: &place };
            let at_once = if clique.children.len() > 1 { 1 } else { TERMS };
            for (s, to) in messages.chunks_exact_mut(len).enumerate() {
                let states = s * clique.n_states..(s + 1) * clique.n_states;
                for first in states.clone().step_by(at_once) {
                    let last = (first + at_once).min(states.end);
                    let mut terms = [Term::default(); TERMS];
                    let product = children.combined(first, None, &mut scratch.product);
                    for (cell, term) in (first..last).zip(&mut terms) {
                        let message = if cell == first { product } else { children.only(cell) };
                        let row = self.row(c, cell, segment, shape.n_outer);
                        *term = Term::new(scratch.scales[cell], row, message);
                    }
                    vector::add_terms(&mut to[place.clone()], &terms[..last - first], first == states.start);
                }
            }
            if opens == Some(c) {
                self.totals[place.clone()].copy_from_slice(&messages[place.clone()]);
            } else if clique.is_root {
                vector::multiply(&mut self.totals[place.clone()], &messages[place.clone()]);
            }
            self.messages[c] = messages;
        }
        self.scratch = scratch;
    }

    /// [clique cell] what multiplies the rows at a place.
    fn fill_scales(&self, c: usize, place: &Range<usize>, graph: &Elimination, shape: &Shape, scales: &mut Vec<f64>) {
        scales.clear();
        scales.resize(graph.cliques[c].n_cells(), 1.0);
        for &g in &self.sources[c].scales {
            let (unit, n) = self.scale_of(g, place, shape);
            let cells = &graph.groups[g].cell_of;
            scales.iter_mut().zip(cells).for_each(|(s, &cell)| *s *= self.groups[g][cell as usize * n + unit]);
        }
    }

    /// Where a group's numbers for a place are in each of its cells, and how many there are.
    fn scale_of(&self, g: usize, place: &Range<usize>, shape: &Shape) -> (usize, usize) {
        if self.same[g] {
            (0, 1)
        } else {
            (place.start / shape.n_outer, self.n_units)
        }
    }
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
    #[inline]
    fn message(&self, j: usize, cell: usize) -> &'a [f64] {
        let (child, map) = &self.clique.children[j];
        let start = map[cell] as usize * self.len;
        &self.messages[*child][start + self.place.start..start + self.place.end]
    }

    /// That of the only child.
    #[inline]
    fn only(&self, cell: usize) -> Option<&'a [f64]> {
        (!self.clique.children.is_empty()).then(|| self.message(0, cell))
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

mod back;
#[cfg(test)]
mod tests;
