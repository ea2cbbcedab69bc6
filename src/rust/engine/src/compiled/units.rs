//! Collapsing: units that are alike within their cluster, clusters that are alike, and the chunks work is done in.

use std::ops::Deref;
use std::sync::Arc;

use super::factor::NONE;
use crate::data::row_patterns::{QuickMap, RowPatterns};
use crate::data::Sample;

/// Combinations are looked up in an array of at most this many times the rows.
const DENSE: usize = 4;

/// Distinct units, grouped by distinct cluster.
#[derive(Clone, Debug, Default)]
pub struct Collapsed {
    /// [n_units] representative data row.
    pub row: Vec<u32>,
    /// [n_units] how many units of its cluster it stands for.
    pub count: Vec<f64>,
    /// [n_units] cluster.
    pub cluster: Vec<u32>,
    /// [n_clusters + 1] first unit of each cluster.
    pub cluster_start: Vec<usize>,
    /// [n_clusters] representative data row.
    pub cluster_row: Vec<u32>,
    /// [n_clusters] Σ frequency × weight: multiplies log L.
    pub weight: Vec<f64>,
    /// [n_clusters] Σ frequency × weight²: multiplies the outer product of scores.
    pub weight_squared: Vec<f64>,
    /// [n_rows] unit of each data row.
    pub of_row: Vec<u32>,
    /// [clusters of the data] distinct cluster.
    pub of_cluster: Vec<u32>,
}

/// Distinct units, which programs share, and the chunks they are worked through in.
#[derive(Clone, Debug)]
pub struct Units {
    collapsed: Arc<Collapsed>,
    /// Clusters of each chunk, [n_chunks + 1].
    pub chunk_start: Vec<usize>,
}

impl Deref for Units {
    type Target = Collapsed;
    fn deref(&self) -> &Collapsed {
        &self.collapsed
    }
}

impl Collapsed {
    pub fn n_units(&self) -> usize {
        self.row.len()
    }
    pub fn n_clusters(&self) -> usize {
        self.cluster_row.len()
    }
    /// Every cluster is one unit, and weights are 1 or count duplicates.
    pub fn are_alone(&self) -> bool {
        self.n_units() == self.n_clusters()
            && self.weight == self.weight_squared
            && self.count.iter().all(|c| *c == 1.0)
    }

    /// `within`, `between`: row patterns of every within and between factor.
    pub fn new(sample: &Sample, within: &[Arc<RowPatterns>], between: &[Arc<RowPatterns>]) -> Collapsed {
        if !sample.two_level {
            return Collapsed::alone(sample, &combine(within.iter().chain(between), sample.n_rows));
        }
        let signature = combine(within.iter(), sample.n_rows);
        let cluster_signature = combine(between.iter(), sample.n_rows);
        let mut rows_of: Vec<Vec<u32>> = vec![vec![]; sample.n_clusters];
        (0..sample.n_rows).for_each(|row| rows_of[sample.cluster(row)].push(row as u32));
        let mut out = Collapsed {
            of_row: vec![0; sample.n_rows],
            of_cluster: vec![0; sample.n_clusters],
            cluster_start: vec![0],
            ..Collapsed::default()
        };
        let mut seen: QuickMap<u64, Vec<u32>> = QuickMap::default();
        let mut contents: Vec<Vec<(u32, u64)>> = vec![];
        for (j, rows) in rows_of.iter().enumerate() {
            // distinct units of this cluster, in order of first appearance
            let mut place: QuickMap<u32, u32> = QuickMap::default();
            let (mut first, mut count) = (vec![], vec![]);
            let mut local_of: Vec<u32> = Vec::with_capacity(rows.len());
            for &row in rows {
                let k = *place.entry(signature[row as usize]).or_insert_with(|| {
                    first.push(row);
                    count.push(0.0);
                    first.len() as u32 - 1
                });
                count[k as usize] += sample.unit_weight[row as usize];
                local_of.push(k);
            }
            let mut content: Vec<(u32, u64)> =
                first.iter().zip(&count).map(|(&r, &c): (&u32, &f64)| (signature[r as usize], c.to_bits())).collect();
            content.push((cluster_signature[rows[0] as usize], 0));
            let hash = content
                .iter()
                .fold(0u64, |h, &(s, c)| (h.rotate_left(7) ^ u64::from(s) ^ c).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let same = seen.entry(hash).or_default();
            let found = same.iter().copied().find(|&g| contents[g as usize] == content);
            let g = found.unwrap_or_else(|| {
                let g = contents.len() as u32;
                same.push(g);
                contents.push(content);
                out.row.extend(&first);
                out.count.extend(&count);
                out.cluster.extend(std::iter::repeat_n(g, first.len()));
                out.cluster_start.push(out.row.len());
                out.cluster_row.push(rows[0]);
                out.weight.push(0.0);
                out.weight_squared.push(0.0);
                g
            });
            let (f, w) = (sample.frequency[j], sample.cluster_weight[j]);
            out.weight[g as usize] += f * w;
            out.weight_squared[g as usize] += f * w * w;
            out.of_cluster[j] = g;
            let start = out.cluster_start[g as usize] as u32;
            for (&row, &k) in rows.iter().zip(&local_of) {
                out.of_row[row as usize] = start + k;
            }
        }
        out
    }

    /// Of rows that are clusters of their own; `signature`: of their patterns, numbered by first appearance.
    fn alone(sample: &Sample, signature: &[u32]) -> Collapsed {
        let mut out = Collapsed { cluster_start: vec![0], ..Collapsed::default() };
        for (row, &unit) in signature.iter().enumerate() {
            if unit as usize == out.row.len() {
                out.row.push(row as u32);
                out.cluster.push(unit);
                out.cluster_start.push(out.row.len());
                out.weight.push(0.0);
                out.weight_squared.push(0.0);
            }
            let (f, w) = (sample.frequency[row], sample.cluster_weight[row]);
            out.weight[unit as usize] += f * w;
            out.weight_squared[unit as usize] += f * w * w;
        }
        out.count = vec![1.0; out.row.len()];
        out.cluster_row.clone_from(&out.row);
        out.of_row = signature.to_vec();
        out.of_cluster = signature.to_vec();
        out
    }

    /// End of the clusters from `start` on that have at most `max_units` units together, or of the first alone.
    pub fn batch_end(&self, start: usize, last: usize, max_units: usize) -> usize {
        let limit = self.cluster_start[start] + max_units;
        let fits = self.cluster_start[start + 2..=last].iter().take_while(|&&end| end <= limit).count();
        start + 1 + fits
    }
}

impl Units {
    /// Chunks of at most `max_units` units (at least one cluster each).
    pub fn cut(collapsed: Arc<Collapsed>, max_units: usize) -> Units {
        let mut chunk_start = vec![0];
        let mut units = 0;
        for (j, w) in collapsed.cluster_start.windows(2).enumerate() {
            let n = w[1] - w[0];
            if units > 0 && units + n > max_units {
                chunk_start.push(j);
                units = 0;
            }
            units += n;
        }
        chunk_start.push(collapsed.n_clusters());
        Units { collapsed, chunk_start }
    }

    pub fn n_chunks(&self) -> usize {
        self.chunk_start.len() - 1
    }
    /// First unit of each chunk, [n_chunks + 1].
    pub fn chunk_unit_start(&self) -> Vec<usize> {
        self.chunk_start.iter().map(|&c| self.cluster_start[c]).collect()
    }
}

/// One number per row for the combination of all its patterns, by first appearance.
fn combine<'a>(patterns: impl Iterator<Item = &'a Arc<RowPatterns>>, n_rows: usize) -> Vec<u32> {
    let mut ids = vec![0u32; n_rows];
    let mut n_ids = 1;
    for p in patterns {
        if n_ids == n_rows {
            break; // all differ already
        }
        // a value says which design it is of
        let n_values = p.n_values();
        let mut next = 0;
        let mut number = |known: &mut u32| {
            if *known == NONE {
                *known = next;
                next += 1;
            }
            *known
        };
        if n_ids * (n_values + 1) <= DENSE * n_rows {
            let mut known = vec![NONE; n_ids * (n_values + 1)];
            for (id, &value) in ids.iter_mut().zip(&*p.value) {
                *id = number(&mut known[*id as usize * (n_values + 1) + n_values.min(value as usize)]);
            }
        } else {
            let mut known: QuickMap<(u32, u32), u32> = QuickMap::default();
            for (id, &value) in ids.iter_mut().zip(&*p.value) {
                *id = number(known.entry((*id, value)).or_insert(NONE));
            }
        }
        n_ids = next as usize;
    }
    ids
}
