//! Sum-product over the within class variables for a block of units: log-likelihoods forward, posterior weights back.
//! With logarithms here, with probabilities in `sum_product`.
//!
//! Buffers are laid out [cell][unit × outer], outer = (between cell, between node, within node), so that every step is
//! a pass over long contiguous vectors.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use super::sum_product::{Scratch, Source};
use super::unit_likelihoods::Product;
use crate::compiled::elimination::Elimination;
use crate::compiled::shape::{Broadcast, Shape};
use crate::vector::{self, add, multiply};

/// Buffers of one thread, reused from block to block.
#[derive(Default)]
pub struct Buffers {
    pub n_units: usize,
    /// First unit of every run of units that share what depends on nodes: single units unless `forward_scaled` follows.
    pub runs: Vec<usize>,
    /// [group] whether all units share its values: false unless `forward_scaled` follows.
    pub same: Vec<bool>,
    /// `cliques` are to hold the posterior weights of all cells after `backward_scaled`.
    pub by_cell: bool,
    /// [group][within cell][unit × inner]: values forward, posterior weights after `backward`. Of runs instead of units
    /// where inner is not 1, once for all units that are the same.
    pub groups: Vec<Vec<f64>>,
    /// [clique][cell][run × outer]: conditional probabilities of the eliminated variable, or products of factors after
    /// `forward_scaled`; posterior weights after `backward`.
    pub(super) cliques: Vec<Vec<f64>>,
    /// [clique][separator cell][unit × outer]
    pub(super) messages: Vec<Vec<f64>>,
    /// [unit × outer] log-likelihood of each unit, or its likelihood after `forward_scaled`; probabilities of the within
    /// nodes once these are integrated over.
    pub totals: Vec<f64>,
    /// [unit × (between cell, between node)] what `totals` were where there are within nodes.
    pub(super) integrals: Vec<f64>,
    /// [unit] log of what likelihoods were divided by, after `forward_scaled`.
    pub(super) offset: Vec<f64>,
    /// Of a cluster's units where these are summed as logarithms, and otherwise their product.
    pub(super) unit_logs: Vec<f64>,
    pub(super) product: Product,
    /// [unit × outer] posterior weights.
    pub unit_weights: Vec<f64>,
    /// `forward_scaled` came last.
    pub(super) scaled: bool,
    /// [clique]
    pub(super) sources: Vec<Source>,
    pub(super) scratch: Scratch,
}

thread_local! {
    /// Buffers that lanes of this thread have done with: large blocks of memory are not given back between E-steps.
    static SPARE: RefCell<Vec<Buffers>> = const { RefCell::new(vec![]) };
}

/// Buffers on loan from the thread's spare ones; the default is none.
#[derive(Default)]
pub struct Loan(Buffers);

impl Loan {
    pub fn take() -> Loan {
        Loan(SPARE.with(|s| s.borrow_mut().pop()).unwrap_or_default())
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let buffers = std::mem::take(&mut self.0);
        if buffers.totals.capacity() == 0 {
            return;
        }
        SPARE.with(|s| s.borrow_mut().push(buffers));
    }
}

impl Deref for Loan {
    type Target = Buffers;
    fn deref(&self) -> &Buffers {
        &self.0
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut Buffers {
        &mut self.0
    }
}

impl Buffers {
    /// Sizes all buffers for a block of units that share nothing; what they hold is left over from before.
    pub fn prepare(&mut self, n_units: usize, graph: &Elimination, shape: &Shape) {
        self.prepare_shared(n_units, (0..n_units).collect(), vec![false; graph.groups.len()], graph, shape);
        self.by_cell = true;
    }

    /// As `prepare` where units share values: the first ones of runs, and groups that are the same for all.
    pub fn prepare_shared(
        &mut self,
        n_units: usize,
        runs: Vec<usize>,
        same: Vec<bool>,
        graph: &Elimination,
        shape: &Shape,
    ) {
        self.n_units = n_units;
        self.runs = runs;
        self.same = same;
        self.by_cell = false;
        self.scaled = false;
        let n_runs = self.runs.len();
        self.groups.resize(graph.groups.len(), vec![]);
        self.cliques.resize(graph.cliques.len(), vec![]);
        self.messages.resize(graph.cliques.len(), vec![]);
        for (g, group) in graph.groups.iter().enumerate() {
            let slots = match shape.inner[g] {
                _ if self.same[g] => 1,
                1 => n_units,
                _ => n_runs,
            };
            self.groups[g].resize(group.n_cells * slots * shape.inner[g], 0.0);
        }
        let len = n_units * shape.n_outer;
        for (c, clique) in graph.cliques.iter().enumerate() {
            self.cliques[c].resize(clique.n_cells() * n_runs * shape.n_outer, 0.0);
            self.messages[c].resize(clique.n_separator * len, 0.0);
        }
        self.totals.resize(len, 0.0);
    }

    /// Empties what log values are added to.
    pub fn clear(&mut self) {
        let all = self.groups.iter_mut().chain(&mut self.cliques).chain([&mut self.totals]);
        all.for_each(|v| v.fill(0.0));
    }

    /// From the groups' log values (and what `totals` already holds) to each unit's log-likelihood.
    pub fn forward(&mut self, graph: &Elimination, shape: &Shape) {
        let len = self.n_units * shape.n_outer;
        for (g, scoped) in graph.groups.iter().enumerate() {
            let size = self.n_units * shape.inner[g];
            match scoped.clique {
                None => spread(
                    &mut self.totals,
                    &self.groups[g][..size],
                    &shape.broadcast[g],
                    shape.inner[g],
                    shape.n_outer,
                    add,
                    |to, from| *to += from,
                ),
                Some(c) => {
                    for (cell, &from) in scoped.cell_of.iter().enumerate() {
                        let from = from as usize * size;
                        spread(
                            &mut self.cliques[c][cell * len..(cell + 1) * len],
                            &self.groups[g][from..from + size],
                            &shape.broadcast[g],
                            shape.inner[g],
                            shape.n_outer,
                            add,
                            |to, from| *to += from,
                        );
                    }
                }
            }
        }
        for (c, clique) in graph.cliques.iter().enumerate() {
            for (child, map) in &clique.children {
                for (cell, &from) in map.iter().enumerate() {
                    let message = &self.messages[*child][from as usize * len..(from as usize + 1) * len];
                    add(&mut self.cliques[c][cell * len..(cell + 1) * len], message);
                }
            }
            let k = clique.n_states;
            for s in 0..clique.n_separator {
                eliminate(
                    &mut self.cliques[c][s * k * len..(s + 1) * k * len],
                    &mut self.messages[c][s * len..(s + 1) * len],
                    k,
                );
            }
            if clique.is_root {
                let (totals, messages) = (&mut self.totals, &self.messages[c]);
                add(totals, messages);
            }
        }
    }

    /// From posterior weights [unit × outer] to weights of every group's cells (left in `groups`).
    pub fn backward(&mut self, weights: &[f64], graph: &Elimination, shape: &Shape) {
        if self.scaled {
            return self.backward_scaled(weights, graph, shape);
        }
        let len = self.n_units * shape.n_outer;
        for (g, scoped) in graph.groups.iter().enumerate() {
            match (scoped.clique, &shape.broadcast[g]) {
                (None, Broadcast::Same) => self.groups[g].copy_from_slice(weights),
                _ => self.groups[g].fill(0.0),
            }
        }
        for (c, clique) in graph.cliques.iter().enumerate() {
            if clique.is_root {
                self.messages[c].copy_from_slice(weights);
            } else {
                self.messages[c].fill(0.0);
            }
        }
        for (c, clique) in graph.cliques.iter().enumerate().rev() {
            let k = clique.n_states;
            for cell in 0..clique.n_cells() {
                let separator = &self.messages[c][(cell / k) * len..(cell / k + 1) * len];
                multiply(&mut self.cliques[c][cell * len..(cell + 1) * len], separator);
            }
            for (child, map) in &clique.children {
                for (cell, &to) in map.iter().enumerate() {
                    let to = to as usize;
                    add(
                        &mut self.messages[*child][to * len..(to + 1) * len],
                        &self.cliques[c][cell * len..(cell + 1) * len],
                    );
                }
            }
        }
        for (g, scoped) in graph.groups.iter().enumerate() {
            let size = self.n_units * shape.inner[g];
            match scoped.clique {
                None if matches!(shape.broadcast[g], Broadcast::Same) => {}
                None => {
                    gather(&mut self.groups[g][..size], weights, &shape.broadcast[g], shape.inner[g], shape.n_outer)
                }
                Some(c) => {
                    for (cell, &to) in scoped.cell_of.iter().enumerate() {
                        let to = to as usize * size;
                        gather(
                            &mut self.groups[g][to..to + size],
                            &self.cliques[c][cell * len..(cell + 1) * len],
                            &shape.broadcast[g],
                            shape.inner[g],
                            shape.n_outer,
                        );
                    }
                }
            }
        }
    }

    /// After `backward`: posterior weights of a clique, [cell][unit × outer].
    pub fn clique(&self, c: usize) -> &[f64] {
        &self.cliques[c]
    }
}

/// Slices of at least this length are handed to vectorised loops.
const SLICE: usize = 8;

/// `each` for two slices of one length, `one` for two numbers.
#[inline]
pub(super) fn spread(
    to: &mut [f64],
    from: &[f64],
    how: &Broadcast,
    inner: usize,
    outer: usize,
    each: impl Fn(&mut [f64], &[f64]),
    one: impl Fn(&mut f64, f64),
) {
    match how {
        Broadcast::Same => each(to, from),
        Broadcast::Tile => {
            for (t, f) in to.chunks_exact_mut(outer).zip(from.chunks_exact(inner)) {
                if inner < SLICE {
                    t.chunks_exact_mut(inner).for_each(|t| t.iter_mut().zip(f).for_each(|(t, f)| one(t, *f)));
                } else {
                    t.chunks_exact_mut(inner).for_each(|t| each(t, f));
                }
            }
        }
        Broadcast::Scalar => {
            to.chunks_exact_mut(outer).zip(from).for_each(|(t, f)| t.iter_mut().for_each(|t| one(t, *f)));
        }
        Broadcast::Map(map) => {
            for (t, f) in to.chunks_exact_mut(outer).zip(from.chunks_exact(inner)) {
                t.iter_mut().zip(map).for_each(|(t, &m)| one(t, f[m as usize]));
            }
        }
    }
}

pub(super) fn gather(to: &mut [f64], from: &[f64], how: &Broadcast, inner: usize, outer: usize) {
    match how {
        Broadcast::Same => add(to, from),
        Broadcast::Tile => {
            for (t, f) in to.chunks_exact_mut(inner).zip(from.chunks_exact(outer)) {
                f.chunks_exact(inner).for_each(|f| t.iter_mut().zip(f).for_each(|(t, f)| *t += f));
            }
        }
        Broadcast::Scalar => to.iter_mut().zip(from.chunks_exact(outer)).for_each(|(t, f)| *t += vector::sum(f)),
        Broadcast::Map(map) => {
            for (t, f) in to.chunks_exact_mut(inner).zip(from.chunks_exact(outer)) {
                f.iter().zip(map).for_each(|(f, &m)| t[m as usize] += f);
            }
        }
    }
}

/// Sums one variable out: `message` = log Σ_v exp(cells_v); cells become the conditional probabilities of v.
fn eliminate(cells: &mut [f64], message: &mut [f64], n_states: usize) {
    let len = message.len();
    message.copy_from_slice(&cells[..len]);
    for v in 1..n_states {
        for (m, c) in message.iter_mut().zip(&cells[v * len..(v + 1) * len]) {
            *m = m.max(*c);
        }
    }
    let mut sum = vec![0.0; len];
    for cells in cells.chunks_exact_mut(len) {
        vector::exp_difference(cells, message);
        add(&mut sum, cells);
    }
    for cells in cells.chunks_exact_mut(len) {
        // no state is possible: 0 stays 0
        cells.iter_mut().zip(&sum).for_each(|(c, s)| *c /= s.max(f64::MIN_POSITIVE));
    }
    vector::add_ln(&sum, message);
}
