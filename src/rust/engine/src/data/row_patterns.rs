//! Rows that are alike in some columns, numbered; a fit asks for the same columns under several rules of integration.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// No pattern.
pub const NONE: u32 = u32::MAX;

/// A multiplicative hash for short integer keys; iteration order of these maps is never used.
#[derive(Default)]
pub struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }
    fn write_u32(&mut self, v: u32) {
        self.write_u64(u64::from(v));
    }
    fn write_usize(&mut self, v: usize) {
        self.write_u64(v as u64);
    }
    fn write_u64(&mut self, v: u64) {
        self.0 = (self.0.rotate_left(5) ^ v).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

/// Numbers rows by the bit patterns of some columns.
fn intern_rows(columns: &[Vec<f64>], which: &[usize], n_rows: usize) -> Vec<u32> {
    if which.is_empty() {
        return vec![0; n_rows];
    }
    let bits = |v: f64| if v.is_nan() { u64::MAX } else { (v + 0.0).to_bits() };
    let mut ids = vec![0u32; n_rows];
    for (k, &column) in which.iter().enumerate() {
        let mut map: QuickMap<(u32, u64), u32> = QuickMap::default();
        for (row, id) in ids.iter_mut().enumerate() {
            let next = map.len() as u32;
            let before = if k == 0 { 0 } else { *id };
            *id = *map.entry((before, bits(columns[column][row]))).or_insert(next);
        }
    }
    ids
}

/// The columns in which rows of a factor can differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Distinguish {
    pub covariates: Vec<usize>,
    pub values: Vec<usize>,
    /// A row counts as missing where all of these are missing.
    pub observed: Vec<usize>,
    /// Designs differ by which outcomes are missing (joint normal densities).
    pub missing_matters: bool,
}

/// Per row, the design and value numbers of one factor.
#[derive(Clone, Debug, Default)]
pub struct RowPatterns {
    pub design: Vec<u32>,
    /// `NONE` where every outcome of the factor is missing.
    pub value: Vec<u32>,
}

impl RowPatterns {
    fn new(columns: &[Vec<f64>], n_rows: usize, by: &Distinguish) -> RowPatterns {
        let mut design = intern_rows(columns, &by.covariates, n_rows);
        let mut value = intern_rows(columns, &by.values, n_rows);
        if by.missing_matters {
            let missing = |&c: &usize| columns[c].iter().map(|v| f64::from(u8::from(v.is_nan()))).collect();
            let missing: Vec<Vec<f64>> = by.observed.iter().map(missing).collect();
            let all: Vec<usize> = (0..missing.len()).collect();
            let mask = intern_rows(&missing, &all, n_rows);
            design = pair(&design, &mask);
        }
        value = pair(&design, &value);
        if !by.observed.is_empty() {
            for (row, v) in value.iter_mut().enumerate() {
                if by.observed.iter().all(|&c| columns[c][row].is_nan()) {
                    *v = NONE;
                }
            }
        }
        RowPatterns { design, value }
    }
}

fn pair(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut map: QuickMap<(u32, u32), u32> = QuickMap::default();
    a.iter()
        .zip(b)
        .map(|(&x, &y)| {
            let next = map.len() as u32;
            *map.entry((x, y)).or_insert(next)
        })
        .collect()
}

/// Patterns that have been worked out.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<Distinguish, Arc<RowPatterns>>>);

impl Known {
    /// As `RowPatterns::new`.
    pub fn get(&self, columns: &[Vec<f64>], n_rows: usize, by: Distinguish) -> Arc<RowPatterns> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let work_out = |by: &Distinguish| Arc::new(RowPatterns::new(columns, n_rows, by));
        known.entry(by).or_insert_with_key(work_out).clone()
    }
}
