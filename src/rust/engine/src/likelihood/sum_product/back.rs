//! The way back through the class graph with probabilities: adjoints of messages, posterior weights of cells.

use std::ops::Range;

use super::{Children, Rows, Scratch, Segment};
use crate::compiled::elimination::Elimination;
use crate::compiled::shape::{Broadcast, Shape};
use crate::likelihood::class_graph::{gather, Buffers};
use crate::vector::{self, Term};

impl Buffers {
    /// As `backward`, after `forward_scaled`; weights of what a run or all units share are sums over these.
    pub(in crate::likelihood) fn backward_scaled(&mut self, weights: &[f64], graph: &Elimination, shape: &Shape) {
        self.hand_out_totals(weights, graph, shape);
        let mut scratch = std::mem::take(&mut self.scratch);
        let len = self.runs.len() * shape.n_outer;
        scratch.adjoints.resize(graph.cliques.len(), vec![]);
        scratch.rows.resize(graph.cliques.len(), vec![]);
        scratch.cells.resize(graph.cliques.len(), vec![]);
        for (c, (clique, source)) in graph.cliques.iter().zip(&self.sources).enumerate() {
            scratch.cells[c].clear();
            scratch.cells[c].resize(clique.n_cells(), 0.0);
            let n_rows = match source.rows {
                Rows::One => 0,
                Rows::Group(g) => graph.groups[g].n_cells,
                Rows::Product(_) => clique.n_cells(),
            };
            scratch.rows[c].resize(n_rows * len, 0.0);
        }
        for segment in self.segments(shape.n_outer) {
            for place in segment.places(shape.n_outer) {
                self.receive(&segment, place, weights, graph, shape, &mut scratch);
            }
            self.hand_out(&segment, graph, shape, &scratch.rows);
        }
        for (c, source) in self.sources.iter().enumerate() {
            match source.rows {
                Rows::One => {}
                Rows::Group(g) => std::mem::swap(&mut self.groups[g], &mut scratch.rows[c]),
                Rows::Product(_) => std::mem::swap(&mut self.cliques[c], &mut scratch.rows[c]),
            }
            for &g in source.scales.iter().filter(|g| self.same[**g]) {
                self.groups[g].fill(0.0);
                let cells = graph.groups[g].cell_of.iter().zip(&scratch.cells[c]);
                cells.for_each(|(&cell, sum)| self.groups[g][cell as usize] += sum);
            }
        }
        self.scratch = scratch;
    }

    /// Adjoints of all messages at one place; adds the posterior weights of cells to those of rows and numbers.
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
        // of a run's units one by one, or of units side by side
        let opens_run = place.start == segment.units.start * shape.n_outer;
        for ((adjoint, clique), messages) in scratch.adjoints.iter_mut().zip(&graph.cliques).zip(&self.messages) {
            adjoint.resize(clique.n_separator * n, 0.0);
            if clique.is_root {
                vector::divide(adjoint, &weights[place.clone()], &messages[place.clone()]);
            }
        }
        for (c, clique) in graph.cliques.iter().enumerate().rev() {
            self.fill_scales(c, &place, graph, shape, &mut scratch.scales);
            let source = &self.sources[c];
            let children = Children { clique, messages: &self.messages[..c], len, place: &place };
            let (below, own) = scratch.adjoints.split_at_mut(c);
            scratch.sums.resize(clique.n_cells(), 0.0);
            for cell in 0..clique.n_cells() {
                let s = cell / clique.n_states;
                let adjoint = &own[0][s * n..(s + 1) * n];
                let row = self.row(c, cell, segment, shape.n_outer);
                let (number, is_first) = source.row_of[cell];
                let start = (number * self.runs.len() + segment.runs.start) * shape.n_outer;
                let to = scratch.rows[c].get_mut(start..start + n).unwrap_or_default();
                let (scale, assign) = (scratch.scales[cell], is_first && opens_run);
                scratch.sums[cell] = match (&clique.children[..], row) {
                    ([], None) => 0.0,
                    ([], Some(row)) => vector::add_and_sum(to, scale, adjoint, row, assign),
                    ([(child, map)], row) => {
                        let (from, message) = (map[cell] as usize, children.message(0, cell));
                        let below = &mut below[*child][from * n..(from + 1) * n];
                        let first = source.first_of_message[0][cell];
                        match row {
                            None => vector::add_and_dot(below, scale, adjoint, message, first),
                            Some(row) => {
                                vector::add_both_and_sum(to, below, scale, adjoint, row, message, (assign, first))
                            }
                        }
                    }
                    (several, row) => {
                        scratch.rest.resize(n, 0.0);
                        for (j, (child, map)) in several.iter().enumerate() {
                            let from = map[cell] as usize;
                            let others = children.combined(cell, Some(j), &mut scratch.product);
                            vector::add_terms(&mut scratch.rest, &[Term::new(scale, row, others)], true);
                            let below = &mut below[*child][from * n..(from + 1) * n];
                            let first = source.first_of_message[j][cell];
                            vector::add_product(below, 1.0, adjoint, &scratch.rest, first);
                        }
                        vector::multiply(&mut scratch.rest, children.message(several.len() - 1, cell));
                        match row {
                            None => vector::dot(adjoint, &scratch.rest),
                            Some(_) => vector::add_and_sum(to, 1.0, adjoint, &scratch.rest, assign),
                        }
                    }
                };
            }
            if source.scales.is_empty() {
                continue;
            }
            scratch.cells[c].iter_mut().zip(&scratch.sums).for_each(|(all, sum)| *all += sum);
            for &g in source.scales.iter().filter(|g| !self.same[**g]) {
                let unit = place.start / shape.n_outer;
                let to = &mut self.groups[g];
                to.iter_mut().skip(unit).step_by(self.n_units).for_each(|v| *v = 0.0);
                for (&cell, sum) in graph.groups[g].cell_of.iter().zip(&scratch.sums) {
                    to[cell as usize * self.n_units + unit] += sum;
                }
            }
        }
    }

    /// Posterior weights of the segment's rows, to the groups that these are products of.
    fn hand_out(&mut self, segment: &Segment, graph: &Elimination, shape: &Shape, rows: &[Vec<f64>]) {
        let outer = shape.n_outer;
        let at = segment.runs.start * outer..segment.runs.end * outer;
        let len = self.runs.len() * outer;
        for ((clique, source), rows) in graph.cliques.iter().zip(&self.sources).zip(rows) {
            let Rows::Product(groups) = &source.rows else { continue };
            for &g in groups {
                let (inner, how, scoped) = (shape.inner[g], &shape.broadcast[g], &graph.groups[g]);
                let size = self.groups[g].len() / scoped.n_cells;
                let slots = segment.runs.start * inner..segment.runs.end * inner;
                let copy = matches!(how, Broadcast::Same) && scoped.n_cells == clique.n_cells();
                let to = &mut self.groups[g];
                if !copy {
                    to.chunks_exact_mut(size).for_each(|to| to[slots.clone()].fill(0.0));
                }
                for (row, &cell) in rows.chunks_exact(len).zip(&scoped.cell_of) {
                    let to = &mut to[cell as usize * size..(cell as usize + 1) * size][slots.clone()];
                    if copy {
                        to.copy_from_slice(&row[at.clone()]);
                    } else {
                        gather(to, &row[at.clone()], how, inner, outer);
                    }
                }
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
}
