//! Distinct data patterns of a factor: rows with equal covariates (designs) and equal outcome values share their densities.

use std::sync::Arc;

use super::factor::NONE;
use crate::data::row_patterns::RowPatterns;

/// Value patterns of a factor, sorted by design.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    /// [n_units] (clusters for a between-level factor) value pattern, `NONE` where all outcomes are missing.
    pub of_unit: Arc<Vec<u32>>,
    /// [n_values] a data row that shows the value.
    pub row: Vec<u32>,
    /// [n_designs + 1] first value pattern of each design.
    pub design_start: Vec<u32>,
    /// [n_designs] a data row that shows the design.
    pub design_row: Vec<u32>,
    /// [n_designs] the unit (or cluster) whose adapted nodes apply.
    pub design_unit: Vec<u32>,
    /// Designs of each chunk, [n_chunks + 1], when patterns are not shared between chunks.
    pub local: Option<Vec<u32>>,
}

impl Patterns {
    pub fn n_values(&self) -> usize {
        self.row.len()
    }
    pub fn n_designs(&self) -> usize {
        self.design_row.len()
    }
    /// First and last design (exclusive) of a chunk; all of them when patterns are shared.
    pub fn designs_of_chunk(&self, chunk: usize) -> (usize, usize) {
        match &self.local {
            Some(starts) => (starts[chunk] as usize, starts[chunk + 1] as usize),
            None => (0, self.n_designs()),
        }
    }
    /// Range of value patterns of a range of designs.
    pub fn values_of(&self, designs: (usize, usize)) -> (usize, usize) {
        (self.design_start[designs.0] as usize, self.design_start[designs.1] as usize)
    }
}

/// Every unit has a value of its own, in one design; each chunk has its own table.
pub fn own(unit_row: &[u32], chunk_start: &[usize]) -> Patterns {
    let starts: Vec<u32> = chunk_start.iter().map(|&u| u as u32).collect();
    let design_unit = starts[..starts.len() - 1].to_vec();
    Patterns {
        of_unit: Arc::new((0..unit_row.len() as u32).collect()),
        row: unit_row.to_vec(),
        design_row: design_unit.iter().map(|&u| unit_row[u as usize]).collect(),
        local: Some((0..starts.len() as u32).collect()),
        design_start: starts,
        design_unit,
    }
}

/// As `own`, each in a design of its own.
pub fn own_designs(unit_row: &[u32], chunk_start: &[usize]) -> Patterns {
    let n = unit_row.len() as u32;
    Patterns {
        of_unit: Arc::new((0..n).collect()),
        row: unit_row.to_vec(),
        design_row: unit_row.to_vec(),
        local: Some(chunk_start.iter().map(|&u| u as u32).collect()),
        design_start: (0..=n).collect(),
        design_unit: (0..n).collect(),
    }
}

/// What patterns may be shared across.
pub enum Sharing<'a> {
    /// All units share patterns.
    All,
    /// Only units with the same key share; keys ascend with the units, `chunk_start` are unit numbers.
    Key { key: &'a [u32], chunk_start: &'a [usize] },
}

/// Final patterns of a factor over units; `unit_row` is the data row that represents each unit.
pub fn build(rows: &RowPatterns, unit_row: &[u32], sharing: &Sharing) -> Patterns {
    let key_of = |u: usize| match sharing {
        Sharing::All => 0,
        Sharing::Key { key, .. } => key[u],
    };
    // (key, number) of each design and value of the rows under the key that had it last
    let mut designs = vec![(NONE, NONE); rows.n_designs()];
    let mut values = vec![(NONE, NONE); rows.n_values()];
    let (mut design_row, mut design_unit, mut value_row, mut value_design) = (vec![], vec![], vec![], vec![]);
    let mut of_unit = vec![NONE; unit_row.len()];
    let mut local = vec![];
    for (u, &row) in unit_row.iter().enumerate() {
        if let Sharing::Key { chunk_start, .. } = sharing {
            while local.len() < chunk_start.len() && chunk_start[local.len()] <= u {
                local.push(design_row.len() as u32);
            }
        }
        let value = rows.value[row as usize];
        if value == NONE {
            continue;
        }
        let key = key_of(u);
        let design = &mut designs[rows.design(row as usize) as usize];
        if design.0 != key {
            *design = (key, design_row.len() as u32);
            design_row.push(row);
            design_unit.push(u as u32);
        }
        let value = &mut values[value as usize];
        if value.0 != key {
            *value = (key, value_row.len() as u32);
            value_row.push(row);
            value_design.push(design.1);
        }
        of_unit[u] = value.1;
    }
    // sort values by design (stable counting sort)
    let mut design_start = vec![0u32; design_row.len() + 1];
    for &d in &value_design {
        design_start[d as usize + 1] += 1;
    }
    for d in 0..design_row.len() {
        design_start[d + 1] += design_start[d];
    }
    let mut next = design_start.clone();
    let mut row = vec![0; value_row.len()];
    let mut renumber = vec![0; value_row.len()];
    for (v, &d) in value_design.iter().enumerate() {
        let place = next[d as usize];
        next[d as usize] += 1;
        row[place as usize] = value_row[v];
        renumber[v] = place;
    }
    for v in of_unit.iter_mut().filter(|v| **v != NONE) {
        *v = renumber[*v as usize];
    }
    let local = match sharing {
        Sharing::All => None,
        Sharing::Key { chunk_start, .. } => {
            local.resize(chunk_start.len(), design_row.len() as u32);
            Some(local)
        }
    };
    Patterns { of_unit: Arc::new(of_unit), row, design_start, design_row, design_unit, local }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::row_patterns::{Distinguish, Known};

    #[test]
    fn own_patterns_are_those_of_different_values() {
        let columns = [(0..7).map(|v| 0.5 - f64::from(v)).collect::<Vec<f64>>()];
        let by = Distinguish { covariates: vec![], values: vec![0], observed: vec![0], missing_matters: false };
        let rows = Known::default().get(&columns, 7, by);
        let (unit_row, key, chunk_start) = ([0, 1, 2, 4, 5, 6], [0, 0, 0, 0, 1, 1], [0, 4, 6]);
        let built = build(&rows, &unit_row, &Sharing::Key { key: &key, chunk_start: &chunk_start });
        assert_eq!(format!("{:?}", own(&unit_row, &chunk_start)), format!("{built:?}"));
        let by = Distinguish { covariates: vec![0], values: vec![], observed: vec![], missing_matters: false };
        let rows = Known::default().get(&columns, 7, by);
        let built = build(&rows, &unit_row, &Sharing::Key { key: &key, chunk_start: &chunk_start });
        assert_eq!(format!("{:?}", own_designs(&unit_row, &chunk_start)), format!("{built:?}"));
    }
}
