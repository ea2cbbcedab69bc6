//! Where clusters share unit patterns: the rows that clusters add up, their posteriors, and the way of these back to rows.
//!
//! Neighbours that agree in their first rows (compiled/sharing.rs has the order) share the product of these, and what goes
//! back to them is summed first.

use std::ops::Range;

use super::lane::{normalise, Lane};
use super::predictor::Point;
use super::run::MAX_LANES;
use super::scaled::{is_too_small, Scaled};
use crate::compiled::factor::NONE;
use crate::compiled::sharing::{ClusterSums, UnitSharing};
use crate::vector;

/// Clusters in a lane for each row of its tables of weights.
const FEWER: usize = 8;
const MIN_LANES: usize = 4;

/// Rows that clusters add up: those of the unit patterns, or joint ones of several units.
pub(super) struct Rows<'a> {
    sharing: &'a UnitSharing,
    sums: Option<&'a ClusterSums>,
    /// Numbers in a row: (between cell, node).
    row: usize,
    /// [n_patterns × row]
    patterns: Vec<f64>,
    /// [position] and [merge] tables of `sums`
    leaves: Vec<Vec<f64>>,
    merged: Vec<Vec<f64>>,
    /// Tables of the roots of `sums` as scaled probabilities.
    scaled: Vec<Scaled>,
}

impl<'a> Rows<'a> {
    pub fn new(sharing: &'a UnitSharing, row: usize, patterns: Vec<f64>) -> Rows<'a> {
        let sums = sharing.clusters.as_ref();
        let mut out = Rows { sharing, sums, row, patterns, leaves: vec![], merged: vec![], scaled: vec![] };
        if let Some(sums) = sums {
            let scaled = |&(pattern, count): &(u32, f64)| out.pattern(pattern).iter().map(move |v| count * v);
            out.leaves = sums.positions.iter().map(|values| values.iter().flat_map(scaled).collect()).collect();
            out.merged = sums.tree.fill(|l| &out.leaves[l], row);
            out.scaled = sums.tree.roots.iter().map(|r| Scaled::new(out.root(sums, r.node), row)).collect();
        }
        out
    }

    /// Numbers in a row: (between cell, node).
    pub fn row(&self) -> usize {
        self.row
    }

    /// Table of a root of the clusters' tree.
    fn root(&self, sums: &ClusterSums, node: usize) -> &[f64] {
        match node.checked_sub(sums.tree.n_leaves) {
            None => &self.leaves[node],
            Some(merge) => &self.merged[merge],
        }
    }

    /// The row of a root that cluster j multiplies, and what it was divided by.
    fn scaled(&self, sums: &ClusterSums, root: usize, j: usize) -> Option<(&[f64], f64)> {
        let pattern = sums.tree.roots[root].of_unit[j] as usize;
        let table = &self.scaled[root];
        (pattern as u32 != NONE)
            .then(|| (&table.values[pattern * self.row..(pattern + 1) * self.row], table.offset[pattern]))
    }

    fn pattern(&self, pattern: u32) -> &[f64] {
        &self.patterns[pattern as usize * self.row..(pattern as usize + 1) * self.row]
    }

    /// Adds the log-likelihoods of a cluster's units.
    fn add_units(&self, point: &Point, j: usize, to: &mut [f64]) {
        let mut add = |count: f64, from: &[f64]| to.iter_mut().zip(from).for_each(|(t, f)| *t += count * f);
        match self.sums {
            Some(sums) => {
                for root in sums.tree.roots.iter().filter(|r| r.of_unit[j] != NONE) {
                    let table = self.root(sums, root.node);
                    let start = root.of_unit[j] as usize * self.row;
                    add(1.0, &table[start..start + self.row]);
                }
            }
            None => {
                let units = &point.program.units;
                for u in (units.cluster_start[j]..units.cluster_start[j + 1]).filter(|&u| units.count[u] != 0.0) {
                    add(units.count[u], self.pattern(self.sharing.of_unit[u]));
                }
            }
        }
    }

    /// Rows in the tables of posterior weights.
    fn n_rows(&self) -> usize {
        self.sums.map_or(self.sharing.n_patterns, |s| s.tree.roots.iter().map(|r| r.n_patterns).sum())
    }

    /// Parts of all clusters, in the order of `cluster`, that are worked on side by side. Each has tables of weights of its
    /// own, which are not to be more work than its clusters.
    pub fn lanes(&self, n_clusters: usize) -> Vec<Range<usize>> {
        let n = (n_clusters / (FEWER * self.n_rows().max(1))).next_power_of_two();
        let n = n.clamp(MIN_LANES, MAX_LANES).min(n_clusters);
        (0..n).map(|k| k * n_clusters / n..(k + 1) * n_clusters / n).collect()
    }

    /// The cluster at a place of the order in which neighbours share most.
    pub fn cluster(&self, place: usize) -> usize {
        self.sums.map_or(place, |s| s.order[place] as usize)
    }

    /// Weights of the unit patterns from the tables of all lanes.
    pub fn pattern_weights(&self, weights: Vec<Vec<f64>>) -> Vec<f64> {
        let Some(sums) = self.sums else { return weights.into_iter().next().unwrap_or_default() };
        let mut out = vec![0.0; self.patterns.len()];
        sums.tree.push_down(weights, self.row, |position, value, weights| {
            let (pattern, count) = sums.positions[position][value];
            let start = pattern as usize * self.row;
            out[start..start + self.row].iter_mut().zip(weights).for_each(|(o, w)| *o += count * w);
        });
        out
    }
}

/// Of the clusters that agree in some first roots: the pattern of the last of these roots, and numbers by row.
#[derive(Clone)]
struct Shared {
    pattern: u32,
    values: Vec<f64>,
    /// What a product was divided by.
    offset: f64,
}

impl Shared {
    /// For all roots but the last.
    fn new(rows: &Rows) -> Vec<Shared> {
        let n = rows.sums.map_or(0, |s| s.by_size.len() - 1);
        vec![Shared { pattern: NONE, values: vec![0.0; rows.row], offset: 0.0 }; n]
    }
}

/// For how many first roots cluster j has the patterns of the cluster before it.
fn n_same(sums: &ClusterSums, j: usize, known: &[Shared]) -> usize {
    let of_roots = sums.by_size.iter().map(|&r| sums.tree.roots[r].of_unit[j]);
    of_roots.zip(known).take_while(|(pattern, shared)| *pattern == shared.pattern).count()
}

/// Posteriors of clusters, over (between cell, node).
pub(super) struct Posteriors<'a> {
    pub lane: Lane<'a, ()>,
    rows: &'a Rows<'a>,
    /// Without factors of their own, all clusters have the same weights of the nodes.
    prior: Option<Vec<f64>>,
    /// Products of the prior and the rows of the last cluster.
    shared: Vec<Shared>,
    /// How many of them are worked out.
    known: usize,
}

impl<'a> Posteriors<'a> {
    pub fn new(lane: Lane<'a, ()>, rows: &'a Rows<'a>, clusters: &Range<usize>) -> Posteriors<'a> {
        let prior = (lane.point.program.cluster_factors.is_empty() && !clusters.is_empty()).then(|| {
            let mut p = vec![0.0; rows.row];
            lane.cluster_log(0, clusters.start, &mut p);
            vector::exp_in_place(&mut p);
            p
        });
        Posteriors { lane, rows, prior, shared: Shared::new(rows), known: 0 }
    }

    /// The log-likelihood of cluster j, and the factor that makes `p` [row] its posterior.
    pub fn of(&mut self, j: usize, p: &mut [f64]) -> (f64, f64) {
        self.product(j, p).unwrap_or_else(|| {
            // patterns that no chunk has to itself: chunk 0 stands for all
            self.lane.cluster_log(0, j, p);
            self.rows.add_units(self.lane.point, j, p);
            (normalise(p), 1.0)
        })
    }

    /// `None` where it needs logarithms.
    fn product(&mut self, j: usize, p: &mut [f64]) -> Option<(f64, f64)> {
        let rows = self.rows;
        let (sums, prior) = (rows.sums?, self.prior.as_deref()?);
        let (&last, first) = sums.by_size.split_last()?;
        let same = n_same(sums, j, &self.shared[..self.known]);
        for (d, &root) in first.iter().enumerate().skip(same) {
            let (before, rest) = self.shared.split_at_mut(d);
            let (from, offset) = before.last().map_or((prior, 0.0), |s| (&s.values, s.offset));
            let to = &mut rest[0];
            to.pattern = sums.tree.roots[root].of_unit[j];
            match rows.scaled(sums, root, j) {
                Some((row, of_row)) => {
                    to.offset = offset + of_row;
                    vector::add_product(&mut to.values, 1.0, from, row, true);
                }
                None => {
                    to.offset = offset;
                    to.values.copy_from_slice(from);
                }
            }
        }
        self.known = first.len();
        let (from, offset) = self.shared.last().map_or((prior, 0.0), |s| (&s.values, s.offset));
        let (sum, offset) = match rows.scaled(sums, last, j) {
            Some((row, of_row)) => (vector::product_and_sum(p, from, row), offset + of_row),
            None => {
                p.copy_from_slice(from);
                (vector::sum(p), offset)
            }
        };
        (!is_too_small(sum)).then(|| (offset + sum.ln(), 1.0 / sum))
    }
}

/// Posterior weights of clusters on their way back to the rows.
pub(super) struct Back<'a> {
    rows: &'a Rows<'a>,
    /// [root], or of the unit patterns; [pattern × row]
    tables: Vec<Vec<f64>>,
    /// Sums of weights that wait for a cluster with other patterns.
    shared: Vec<Shared>,
    known: usize,
}

impl<'a> Back<'a> {
    pub fn new(rows: &'a Rows<'a>) -> Back<'a> {
        let tables = match rows.sums {
            Some(sums) => sums.tree.roots.iter().map(|r| vec![0.0; r.n_patterns * rows.row]).collect(),
            None => vec![vec![0.0; rows.patterns.len()]],
        };
        Back { rows, tables, shared: Shared::new(rows), known: 0 }
    }

    /// Adds scale × p of cluster j.
    pub fn add(&mut self, point: &Point, j: usize, p: &[f64], scale: f64) {
        let Rows { sums, row, sharing, .. } = *self.rows;
        let Some(sums) = sums else {
            let units = &point.program.units;
            for u in units.cluster_start[j]..units.cluster_start[j + 1] {
                let start = sharing.of_unit[u] as usize * row;
                vector::add_scaled(&mut self.tables[0][start..start + row], scale * units.count[u], p, false);
            }
            return;
        };
        self.hand_on(sums, n_same(sums, j, &self.shared[..self.known]));
        let patterns = sums.by_size.iter().map(|&r| sums.tree.roots[r].of_unit[j]);
        self.shared.iter_mut().zip(patterns).for_each(|(s, pattern)| s.pattern = pattern);
        self.known = self.shared.len();
        let last = sums.by_size[self.known];
        let pattern = sums.tree.roots[last].of_unit[j] as usize;
        let of_last = (pattern as u32 != NONE).then(|| &mut self.tables[last][pattern * row..(pattern + 1) * row]);
        match (of_last, self.shared.last_mut()) {
            (Some(a), Some(b)) => vector::add_scaled_to_both(a, &mut b.values, scale, p),
            (Some(a), None) => vector::add_scaled(a, scale, p, false),
            (None, Some(b)) => vector::add_scaled(&mut b.values, scale, p, false),
            (None, None) => {}
        }
    }

    /// What waits goes to its rows and to what waits for fewer roots, but for the first `keep`.
    fn hand_on(&mut self, sums: &ClusterSums, keep: usize) {
        let row = self.rows.row;
        for d in (keep..self.known).rev() {
            let (before, rest) = self.shared.split_at_mut(d);
            let Shared { pattern, values, .. } = &mut rest[0];
            if *pattern != NONE {
                let start = *pattern as usize * row;
                vector::add(&mut self.tables[sums.by_size[d]][start..start + row], values);
            }
            if let Some(s) = before.last_mut() {
                vector::add(&mut s.values, values);
            }
            values.fill(0.0);
        }
    }

    /// The tables, when all clusters are in.
    pub fn finish(mut self) -> Vec<Vec<f64>> {
        if let Some(sums) = self.rows.sums {
            self.hand_on(sums, 0);
        }
        self.tables
    }
}
