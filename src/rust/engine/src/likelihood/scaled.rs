//! Rows of probabilities in place of their logarithms: exp(log value − the row's largest) with that largest kept apart.
//!
//! Where many units look up few rows, exponentials are taken once per row and units multiply: no exponential or
//! logarithm per unit, class cell and node remains. Factors are at most 1, so products can only become too small; the
//! sum-product notices (`class_graph::Buffers::forward_scaled`) and repeats the block with logarithms.

use crate::compiled::factor::NONE;
use crate::vector;

/// Rows must be this many times fewer than the units that look them up.
const FEWER: usize = 2;

#[derive(Clone, Debug, Default)]
pub(super) struct Scaled {
    /// [row][cell × inner], at most 1.
    pub values: Vec<f64>,
    /// [row] logarithm of what the row was divided by.
    pub offset: Vec<f64>,
}

/// Likelihoods below this (times their offset) are worked out with logarithms.
pub(super) const SMALLEST: f64 = 1e-250;

pub(super) fn is_too_small(likelihood: f64) -> bool {
    likelihood.is_nan() || likelihood <= SMALLEST
}

pub(super) fn pays(n_rows: usize, n_units: usize) -> bool {
    n_rows * FEWER <= n_units
}

impl Scaled {
    /// `table`: log values, rows of `row` numbers.
    pub fn new(table: &[f64], row: usize) -> Scaled {
        let mut values = table.to_vec();
        let offset: Vec<f64> = values.chunks_exact_mut(row).map(take_largest).collect();
        vector::exp_in_place(&mut values);
        Scaled { values, offset }
    }

    /// Makes room for probabilities, divided by nothing.
    pub fn probabilities(&mut self, size: usize, n_rows: usize) -> &mut [f64] {
        self.values.resize(size, 0.0);
        self.offset.clear();
        self.offset.resize(n_rows, 0.0);
        &mut self.values
    }
}

/// Subtracts a row's largest number and returns it; 0 for a row that is −∞ throughout.
fn take_largest(row: &mut [f64]) -> f64 {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let top = if top == f64::NEG_INFINITY { 0.0 } else { top };
    row.iter_mut().for_each(|v| *v -= top);
    top
}

/// Log values [cell][run × inner] of a block become probabilities; what they were divided by is added to `offset` [unit].
/// `runs`: first unit of each run.
pub(super) fn exponentiate(values: &mut [f64], inner: usize, runs: &[usize], offset: &mut [f64]) {
    let n = runs.len();
    let mut top = vec![f64::NEG_INFINITY; n];
    for cell in values.chunks_exact(n * inner) {
        for (top, v) in top.iter_mut().zip(cell.chunks_exact(inner)) {
            *top = v.iter().fold(*top, |a, b| a.max(*b));
        }
    }
    top.iter_mut().filter(|t| **t == f64::NEG_INFINITY).for_each(|t| *t = 0.0);
    for cell in values.chunks_exact_mut(n * inner) {
        for (top, v) in top.iter().zip(cell.chunks_exact_mut(inner)) {
            v.iter_mut().for_each(|v| *v -= top);
        }
    }
    vector::exp_in_place(values);
    let ends = runs[1..].iter().copied().chain([offset.len()]);
    for ((&start, end), top) in runs.iter().zip(ends).zip(&top) {
        offset[start..end].iter_mut().for_each(|o| *o += top);
    }
}

/// How the rows of a table stand to the units of a block.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    /// [unit] its row, `NONE` where nothing is looked up.
    pub of_unit: &'a [u32],
    /// First unit of every run of units that share values (`class_graph::Buffers::runs`); only they have values where
    /// `inner` is not 1.
    pub runs: &'a [usize],
    /// Number of the table's first row.
    pub first: usize,
    pub n_cells: usize,
    pub inner: usize,
}

impl Lookup<'_> {
    /// Of every unit.
    fn rows(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.of_unit.iter().map(|&v| self.row(v))
    }
    /// Of every run.
    fn rows_of_runs(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.runs.iter().map(|&u| self.row(self.of_unit[u]))
    }
    #[inline(always)]
    fn row(&self, v: u32) -> Option<usize> {
        (v != NONE).then(|| v as usize - self.first)
    }
    /// Whether all units look up one row.
    pub fn is_same(&self) -> bool {
        self.of_unit.iter().all(|v| *v == self.of_unit[0] && *v != NONE)
    }
    /// Whether a unit looks up what the unit before it does.
    pub fn same_as_before(&self, unit: usize) -> bool {
        self.of_unit[unit] == self.of_unit[unit - 1]
    }
}

/// Units that look up one number per class cell have a version for every usual number of cells.
macro_rules! by_cells {
    ($at:ident, $cells:ident($($arg:expr),*), $others:expr) => {
        match ($at.inner, $at.n_cells) {
            (1, 1) => $cells::<1>($($arg),*),
            (1, 2) => $cells::<2>($($arg),*),
            (1, 3) => $cells::<3>($($arg),*),
            (1, 4) => $cells::<4>($($arg),*),
            (1, 5) => $cells::<5>($($arg),*),
            (1, 6) => $cells::<6>($($arg),*),
            (1, 7) => $cells::<7>($($arg),*),
            (1, 8) => $cells::<8>($($arg),*),
            (1, 9) => $cells::<9>($($arg),*),
            (1, 10) => $cells::<10>($($arg),*),
            (1, 12) => $cells::<12>($($arg),*),
            (1, 16) => $cells::<16>($($arg),*),
            _ => $others,
        }
    };
}

/// `out`, [cell][unit or run × inner], times each one's row of every table; their offsets are added to `offset` [unit].
/// `assign`: `out` has nothing in it yet. All lookups are of one group: they have the same cells.
pub(super) fn multiply(out: &mut [f64], factors: &[(&Scaled, Lookup)], assign: bool, offset: &mut [f64]) {
    let Some(&(_, at)) = factors.first() else { return };
    by_cells!(at, multiply_cells(out, factors, assign, offset), multiply_rows(out, factors, assign, offset))
}

/// What units look up K numbers in.
#[derive(Clone, Copy)]
struct Rows<'a, const K: usize> {
    values: &'a [[f64; K]],
    offset: &'a [f64],
    of_unit: &'a [u32],
    first: u32,
}

impl<'a, const K: usize> Rows<'a, K> {
    fn new(&(table, at): &(&'a Scaled, Lookup<'a>), n: usize) -> Self {
        let values = table.values.as_chunks().0;
        Rows { values, offset: &table.offset[..values.len()], of_unit: &at.of_unit[..n], first: at.first as u32 }
    }
}

fn multiply_cells<const K: usize>(out: &mut [f64], factors: &[(&Scaled, Lookup)], assign: bool, offset: &mut [f64]) {
    let mut out: [&mut [f64]; K] = columns(out, offset.len());
    let rows: Vec<Rows<K>> = factors.iter().map(|factor| Rows::new(factor, offset.len())).collect();
    let (fours, rest) = rows.as_chunks::<4>();
    let (twos, ones) = rest.as_chunks::<2>();
    let mut assign = assign;
    for rows in fours {
        multiply_at_once(&mut out, rows, std::mem::take(&mut assign), offset);
    }
    for rows in twos {
        multiply_at_once(&mut out, rows, std::mem::take(&mut assign), offset);
    }
    for rows in ones {
        multiply_at_once(&mut out, &[*rows], std::mem::take(&mut assign), offset);
    }
}

fn multiply_at_once<const K: usize, const N: usize>(
    out: &mut [&mut [f64]; K],
    rows: &[Rows<K>; N],
    assign: bool,
    offset: &mut [f64],
) {
    for (u, offset) in offset.iter_mut().enumerate() {
        let mut product = if assign { [1.0; K] } else { std::array::from_fn(|k| out[k][u]) };
        let mut sum = *offset;
        for rows in rows {
            let v = rows.of_unit[u];
            if v != NONE {
                let r = (v - rows.first) as usize;
                product.iter_mut().zip(&rows.values[r]).for_each(|(p, v)| *p *= v);
                sum += rows.offset[r];
            }
        }
        *offset = sum;
        out.iter_mut().zip(product).for_each(|(out, p)| out[u] = p);
    }
}

/// K columns of length n.
fn columns<const K: usize>(all: &mut [f64], n: usize) -> [&mut [f64]; K] {
    let mut rest = all;
    std::array::from_fn(|_| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(n);
        rest = tail;
        head
    })
}

fn multiply_rows(out: &mut [f64], factors: &[(&Scaled, Lookup)], assign: bool, offset: &mut [f64]) {
    for (i, (table, at)) in factors.iter().enumerate() {
        offset.iter_mut().zip(at.rows()).for_each(|(o, row)| *o += row.map_or(0.0, |r| table.offset[r]));
        multiply_by(out, &table.values, *at, assign && i == 0);
    }
}

fn multiply_by(out: &mut [f64], values: &[f64], at: Lookup, assign: bool) {
    if at.inner == 1 {
        for (cell, out) in out.chunks_exact_mut(at.of_unit.len()).enumerate() {
            for (out, row) in out.iter_mut().zip(at.rows()) {
                let factor = row.map_or(1.0, |r| values[r * at.n_cells + cell]);
                *out = if assign { factor } else { *out * factor };
            }
        }
        return;
    }
    for (cell, out) in out.chunks_exact_mut(at.runs.len() * at.inner).enumerate() {
        for (out, row) in out.chunks_exact_mut(at.inner).zip(at.rows_of_runs()) {
            match row {
                Some(r) => {
                    let start = (r * at.n_cells + cell) * at.inner;
                    let row = &values[start..start + at.inner];
                    if assign {
                        out.copy_from_slice(row);
                    } else {
                        vector::multiply(out, row);
                    }
                }
                None if assign => out.fill(1.0),
                None => {}
            }
        }
    }
}

/// Adds weights [cell][unit × inner] to the units' rows of tables [row][cell × inner]. All lookups are of one group: they
/// have the same cells.
pub(super) fn scatter(tables: &mut [(&mut [f64], Lookup)], from: &[f64]) {
    let Some(&(_, at)) = tables.first() else { return };
    by_cells!(at, scatter_cells(tables, from), tables.iter_mut().for_each(|(table, at)| scatter_rows(table, from, *at)))
}

fn scatter_cells<const K: usize>(tables: &mut [(&mut [f64], Lookup)], from: &[f64]) {
    let (fours, rest) = tables.as_chunks_mut::<4>();
    let (twos, ones) = rest.as_chunks_mut::<2>();
    fours.iter_mut().for_each(|tables| scatter_at_once::<K, 4>(tables, from));
    twos.iter_mut().for_each(|tables| scatter_at_once::<K, 2>(tables, from));
    ones.as_chunks_mut::<1>().0.iter_mut().for_each(|table| scatter_at_once::<K, 1>(table, from));
}

fn scatter_at_once<const K: usize, const N: usize>(tables: &mut [(&mut [f64], Lookup); N], from: &[f64]) {
    let n = tables[0].1.of_unit.len();
    let from: [&[f64]; K] = std::array::from_fn(|k| &from[k * n..(k + 1) * n]);
    let mut tables =
        tables.each_mut().map(|(table, at)| (table.as_chunks_mut::<K>().0, &at.of_unit[..n], at.first as u32));
    for u in 0..n {
        let weights = from.map(|from| from[u]);
        for (rows, of_unit, first) in &mut tables {
            let v = of_unit[u];
            if v != NONE {
                rows[(v - *first) as usize].iter_mut().zip(weights).for_each(|(t, w)| *t += w);
            }
        }
    }
}

fn scatter_rows(table: &mut [f64], from: &[f64], at: Lookup) {
    if at.inner == 1 {
        for (cell, from) in from.chunks_exact(at.of_unit.len()).enumerate() {
            for (from, row) in from.iter().zip(at.rows()) {
                let Some(r) = row else { continue };
                table[r * at.n_cells + cell] += from;
            }
        }
        return;
    }
    for (cell, from) in from.chunks_exact(at.runs.len() * at.inner).enumerate() {
        for (from, row) in from.chunks_exact(at.inner).zip(at.rows_of_runs()) {
            let Some(r) = row else { continue };
            let start = (r * at.n_cells + cell) * at.inner;
            vector::add(&mut table[start..start + at.inner], from);
        }
    }
}

fn gather_cells<const K: usize>(out: &mut [f64], table: &[f64], at: Lookup) {
    let n = at.of_unit.len();
    let rows = table.as_chunks::<K>().0;
    let mut out: [&mut [f64]; K] = columns(out, n);
    for (u, row) in at.rows().enumerate() {
        let Some(r) = row else { continue };
        out.iter_mut().zip(&rows[r]).for_each(|(out, v)| out[u] += v);
    }
}

/// Adds log values of the units' rows to `out`, [cell][unit × inner].
pub(super) fn gather(out: &mut [f64], table: &[f64], at: Lookup) {
    by_cells!(at, gather_cells(out, table, at), gather_rows(out, table, at))
}

fn gather_rows(out: &mut [f64], table: &[f64], at: Lookup) {
    if at.inner == 1 {
        for (cell, out) in out.chunks_exact_mut(at.of_unit.len()).enumerate() {
            for (out, row) in out.iter_mut().zip(at.rows()) {
                *out += row.map_or(0.0, |r| table[r * at.n_cells + cell]);
            }
        }
        return;
    }
    for (cell, out) in out.chunks_exact_mut(at.runs.len() * at.inner).enumerate() {
        for (out, row) in out.chunks_exact_mut(at.inner).zip(at.rows_of_runs()) {
            let Some(r) = row else { continue };
            let start = (r * at.n_cells + cell) * at.inner;
            vector::add(out, &table[start..start + at.inner]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of scaled rows are the exponentials of sums of log rows, for every width and with rows left out.
    #[test]
    fn products_equal_exponentials_of_sums() {
        let of_unit = [2, 0, NONE, 1, 2];
        let n = of_unit.len();
        let runs: Vec<usize> = (0..n).collect();
        let widths = (1..=17).map(|n_cells| (n_cells, 1));
        for (n_cells, inner) in widths.chain([(2, 3), (1, 4)]) {
            let row = n_cells * inner;
            let log: Vec<f64> = (0..3 * row).map(|i| -((i * 7 % 11) as f64) * 0.3).collect();
            let at = Lookup { of_unit: &of_unit, runs: &runs, first: 0, n_cells, inner };
            let mut sums = vec![0.0; n * row];
            gather(&mut sums, &log, at);
            gather(&mut sums, &log, at);
            let table = Scaled::new(&log, row);
            let (mut product, mut offset) = (vec![f64::NAN; n * row], vec![0.0; n]);
            multiply(&mut product, &[(&table, at)], true, &mut offset);
            multiply(&mut product, &[(&table, at)], false, &mut offset);
            let (mut at_once, mut offset_at_once) = (vec![f64::NAN; n * row], vec![0.0; n]);
            multiply(&mut at_once, &[(&table, at); 2], true, &mut offset_at_once);
            assert_eq!((&at_once, &offset_at_once), (&product, &offset));
            multiply(&mut product, &[(&table, at); 5], false, &mut offset);
            multiply(&mut at_once, &[(&table, at); 3], false, &mut offset_at_once);
            multiply(&mut at_once, &[(&table, at); 2], false, &mut offset_at_once);
            assert_eq!((&at_once, &offset_at_once), (&product, &offset));
            let (mut product, mut offset) = (vec![f64::NAN; n * row], vec![0.0; n]);
            multiply(&mut product, &[(&table, at); 2], true, &mut offset);
            let mut offset_of_sums = vec![0.0; n];
            let mut exponentials = sums.clone();
            exponentiate(&mut exponentials, inner, &runs, &mut offset_of_sums);
            for (i, sum) in sums.iter().enumerate() {
                let unit = i / inner % n;
                assert!((product[i].ln() + offset[unit] - sum).abs() < 1e-14);
                assert!((exponentials[i].ln() + offset_of_sums[unit] - sum).abs() < 1e-14);
            }
            let (mut by_cells, mut by_rows) = (vec![0.0; 3 * row], vec![0.0; 3 * row]);
            scatter(&mut [(&mut by_cells, at)], &sums);
            scatter_rows(&mut by_rows, &sums, at);
            assert_eq!(by_cells, by_rows);
            let mut at_once = vec![vec![0.0; 3 * row]; 7];
            let mut tables: Vec<(&mut [f64], Lookup)> = at_once.iter_mut().map(|t| (&mut t[..], at)).collect();
            scatter(&mut tables, &sums);
            assert!(at_once.iter().all(|t| *t == by_rows));
        }
    }

    #[test]
    fn a_row_that_is_impossible_throughout_is_zero() {
        let table = Scaled::new(&[f64::NEG_INFINITY, f64::NEG_INFINITY], 2);
        assert_eq!((table.values, table.offset), (vec![0.0, 0.0], vec![0.0]));
    }
}
