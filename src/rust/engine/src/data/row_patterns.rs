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

/// Whole numbers below this are looked up in an array.
const SMALL: usize = 64;

fn small(v: f64) -> Option<usize> {
    let whole = v as usize;
    (whole < SMALL && whole as f64 == v).then_some(whole)
}

/// Numbers rows by the bit patterns of some columns; none for no columns.
fn intern_rows(columns: &[Vec<f64>], which: &[usize], n_rows: usize) -> Vec<u32> {
    let Some((&first, others)) = which.split_first() else { return vec![] };
    let bits = |v: f64| if v.is_nan() { u64::MAX } else { (v + 0.0).to_bits() };
    let mut n = 0;
    let mut number = |known: &mut u32| {
        if *known == NONE {
            *known = n;
            n += 1;
        }
        *known
    };
    let mut of_small = [NONE; SMALL];
    let mut of_bits: QuickMap<u64, u32> = QuickMap::default();
    let id = |v: &f64| match small(*v) {
        Some(whole) => number(&mut of_small[whole]),
        None => number(of_bits.entry(bits(*v)).or_insert(NONE)),
    };
    let mut ids: Vec<u32> = columns[first][..n_rows].iter().map(id).collect();
    for &column in others {
        let mut map: QuickMap<(u32, u64), u32> = QuickMap::default();
        for (id, v) in ids.iter_mut().zip(&columns[column]) {
            let next = map.len() as u32;
            *id = *map.entry((*id, bits(*v))).or_insert(next);
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

/// Per row, the design and value numbers of one factor, by first appearance.
#[derive(Clone, Debug, Default)]
pub struct RowPatterns {
    /// Its number among those of a sample.
    pub id: usize,
    /// Empty where all rows have the same.
    design: Vec<u32>,
    /// `NONE` where every outcome of the factor is missing.
    pub value: Arc<Vec<u32>>,
    n_values: usize,
}

impl RowPatterns {
    fn new(id: usize, columns: &[Vec<f64>], n_rows: usize, by: &Distinguish) -> RowPatterns {
        let mut design = intern_rows(columns, &by.covariates, n_rows);
        let mut value = intern_rows(columns, &by.values, n_rows);
        if by.missing_matters {
            let missing = |&c: &usize| columns[c].iter().map(|v| f64::from(u8::from(v.is_nan()))).collect();
            let missing: Vec<Vec<f64>> = by.observed.iter().map(missing).collect();
            let all: Vec<usize> = (0..missing.len()).collect();
            let mask = intern_rows(&missing, &all, n_rows);
            design = match (design.is_empty(), mask.is_empty()) {
                (true, _) => mask,
                (_, true) => design,
                _ => pair(&design, &mask),
            };
        }
        if value.is_empty() {
            value = if design.is_empty() { vec![0; n_rows] } else { design.clone() };
        } else if !design.is_empty() {
            value = pair(&design, &value);
        }
        if !by.observed.is_empty() {
            for (row, v) in value.iter_mut().enumerate() {
                if by.observed.iter().all(|&c| columns[c][row].is_nan()) {
                    *v = NONE;
                }
            }
        }
        let n_values = value.iter().filter(|&&v| v != NONE).max().map_or(0, |v| *v as usize + 1);
        RowPatterns { id, design, value: Arc::new(value), n_values }
    }

    pub fn n_values(&self) -> usize {
        self.n_values
    }

    /// Every row has a value of its own.
    pub fn are_own(&self) -> bool {
        self.n_values == self.value.len() && self.is_complete()
    }

    /// No row counts as missing.
    pub fn is_complete(&self) -> bool {
        !self.value.contains(&NONE)
    }

    pub fn n_designs(&self) -> usize {
        self.design.iter().max().map_or(1, |d| *d as usize + 1)
    }

    #[inline]
    pub fn design(&self, row: usize) -> u32 {
        self.design.get(row).copied().unwrap_or(0)
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
        if let Some(found) = known.get(&by) {
            return found.clone();
        }
        let mut made = RowPatterns::new(known.len(), columns, n_rows, &by);
        if made.are_own() {
            // numbered by first appearance: the same numbers in all of them
            if let Some(other) = known.values().find(|p| p.are_own()) {
                made.value = other.value.clone();
            }
        }
        let made = Arc::new(made);
        known.insert(by, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_by_first_appearance() {
        let odd = vec![64.0, -0.0, f64::NAN, 0.5, 0.0, 63.0, f64::NAN, -1.0, 64.0, 0.5];
        let two = vec![1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 1.0, 7.0];
        let columns = [odd, two];
        assert_eq!(intern_rows(&columns, &[], 10), Vec::<u32>::new());
        assert_eq!(intern_rows(&columns, &[0], 10), [0, 1, 2, 3, 1, 4, 2, 5, 0, 3]);
        assert_eq!(intern_rows(&columns, &[0, 1], 10), [0, 1, 2, 3, 4, 5, 2, 6, 0, 7]);
        let by = |covariates: &[usize], values: &[usize]| {
            let all = values.to_vec();
            let by = Distinguish {
                covariates: covariates.to_vec(),
                values: all.clone(),
                observed: all,
                missing_matters: false,
            };
            RowPatterns::new(0, &columns, 10, &by)
        };
        let plain = by(&[], &[0]);
        assert!(!plain.is_complete() && !plain.are_own());
        assert_eq!((plain.n_designs(), plain.n_values(), plain.design(9)), (1, 6, 0));
        assert_eq!(*plain.value, [0, 1, NONE, 3, 1, 4, NONE, 5, 0, 3]);
        let logits = by(&[1], &[]);
        assert_eq!((logits.n_designs(), logits.n_values()), (3, 3));
        assert_eq!(*by(&[1], &[0]).value, [0, 1, NONE, 3, 4, 5, NONE, 6, 0, 7]);
    }
}
