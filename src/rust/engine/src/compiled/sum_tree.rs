//! Sums of table rows over several columns of patterns: combinations that many units share are added once.
//!
//! A unit's log density is a sum over items of rows of small tables. Instead of adding one row per item and unit, items
//! are merged two by two into joint patterns while these stay far fewer than the units (eight binary items have at most
//! 256): the joint tables are added up first, and units look up the few that remain. Posterior weights go the same way
//! back. The sums are the same numbers in another order.

use std::sync::Arc;

use super::factor::NONE;
use crate::data::row_patterns::QuickMap;

/// Joint patterns of two earlier nodes.
#[derive(Clone, Debug)]
pub struct Merge {
    pub children: [usize; 2],
    /// [n_patterns] the children's patterns, `NONE` where a child has nothing to add.
    pub pairs: Vec<[u32; 2]>,
}

/// A node that units look up.
#[derive(Clone, Debug)]
pub struct Root {
    pub node: usize,
    /// [n_units] its pattern, `NONE` where nothing is to be added.
    pub of_unit: Arc<Vec<u32>>,
    pub n_patterns: usize,
}

/// Nodes are the leaves (columns), then the merges in order.
#[derive(Clone, Debug, Default)]
pub struct SumTree {
    pub n_leaves: usize,
    pub merges: Vec<Merge>,
    pub roots: Vec<Root>,
}

/// Joint patterns must be this many times fewer than units: each lane of work keeps a table of them.
const FEWER: usize = 48;
const ALWAYS: usize = 16;

impl SumTree {
    /// `columns`: per leaf, its number of patterns and [n_units] patterns. `row`: length of a table row, which bounds memory.
    pub fn new(columns: Vec<(usize, Arc<Vec<u32>>)>, row: usize) -> SumTree {
        let mut out = SumTree { n_leaves: columns.len(), ..SumTree::default() };
        let n_units = columns.first().map_or(0, |c| c.1.len());
        let limit = (n_units / FEWER).max(ALWAYS).min((1 << 18) / row.max(1));
        let mut open: Vec<Root> = columns
            .into_iter()
            .enumerate()
            .map(|(node, (n_patterns, of_unit))| Root { node, of_unit, n_patterns })
            .collect();
        // the two smallest first; the first in order among equals
        loop {
            let mut by_size: Vec<usize> = (0..open.len()).collect();
            by_size.sort_by_key(|&k| (open[k].n_patterns, open[k].node));
            let (Some(&a), Some(&b)) = (by_size.first(), by_size.get(1)) else { break };
            let Some((pairs, of_unit)) = merge(&open[a], &open[b], limit) else { break };
            let root =
                Root { node: out.n_leaves + out.merges.len(), of_unit: Arc::new(of_unit), n_patterns: pairs.len() };
            out.merges.push(Merge { children: [open[a].node, open[b].node], pairs });
            open.remove(a.max(b));
            open.remove(a.min(b));
            open.push(root);
        }
        out.roots = open;
        out
    }

    /// Tables of the merges from those of the leaves, rows of `row` numbers.
    pub fn fill<'a>(&self, leaf: impl Fn(usize) -> &'a [f64], row: usize) -> Vec<Vec<f64>> {
        let mut inner: Vec<Vec<f64>> = Vec::with_capacity(self.merges.len());
        for m in &self.merges {
            let [left, right] =
                m.children.map(|c| if c < self.n_leaves { leaf(c) } else { &inner[c - self.n_leaves][..] });
            let mut table = vec![0.0; m.pairs.len() * row];
            for (out, pair) in table.chunks_exact_mut(row).zip(&m.pairs) {
                for (from, &p) in [left, right].into_iter().zip(pair) {
                    if p != NONE {
                        let from = &from[p as usize * row..(p as usize + 1) * row];
                        out.iter_mut().zip(from).for_each(|(o, f)| *o += f);
                    }
                }
            }
            inner.push(table);
        }
        inner
    }

    /// Weights of the roots' rows (one table per root) down to the leaves; `leaf` receives (leaf, its pattern, row).
    pub fn push_down(&self, roots: Vec<Vec<f64>>, row: usize, mut leaf: impl FnMut(usize, usize, &[f64])) {
        let mut inner: Vec<Vec<f64>> = self.merges.iter().map(|m| vec![0.0; m.pairs.len() * row]).collect();
        let mut give = |inner: &mut [Vec<f64>], node: usize, pattern: u32, values: &[f64]| {
            if pattern == NONE {
            } else if node < self.n_leaves {
                leaf(node, pattern as usize, values);
            } else {
                let to = &mut inner[node - self.n_leaves][pattern as usize * row..(pattern as usize + 1) * row];
                to.iter_mut().zip(values).for_each(|(t, v)| *t += v);
            }
        };
        for (root, table) in self.roots.iter().zip(&roots) {
            for (pattern, values) in table.chunks_exact(row).enumerate() {
                give(&mut inner, root.node, pattern as u32, values);
            }
        }
        for (k, m) in self.merges.iter().enumerate().rev() {
            let (before, rest) = inner.split_at_mut(k);
            for (pair, values) in m.pairs.iter().zip(rest[0].chunks_exact(row)) {
                give(before, m.children[0], pair[0], values);
                give(before, m.children[1], pair[1], values);
            }
        }
    }
}

/// Joint patterns of two roots, numbered by first appearance; `None` where there are more than `limit`.
fn merge(a: &Root, b: &Root, limit: usize) -> Option<(Vec<[u32; 2]>, Vec<u32>)> {
    let mut pairs: Vec<[u32; 2]> = vec![];
    let mut map: QuickMap<u64, u32> = QuickMap::default();
    // few combinations: a table of them instead of a map
    let dense = (a.n_patterns + 1) * (b.n_patterns + 1);
    let mut table = vec![NONE; if dense <= 1 << 16 { dense } else { 0 }];
    let mut of_unit = Vec::with_capacity(a.of_unit.len());
    for (&x, &y) in a.of_unit.iter().zip(&*b.of_unit) {
        if x == NONE && y == NONE {
            of_unit.push(NONE);
            continue;
        }
        let id = if table.is_empty() {
            map.entry(u64::from(x) << 32 | u64::from(y)).or_insert(NONE)
        } else {
            // NONE + 1 wraps to 0
            &mut table[x.wrapping_add(1) as usize * (b.n_patterns + 1) + y.wrapping_add(1) as usize]
        };
        if *id == NONE {
            if pairs.len() == limit {
                return None;
            }
            *id = pairs.len() as u32;
            pairs.push([x, y]);
        }
        of_unit.push(*id);
    }
    Some((pairs, of_unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 columns of 2–4 categories with holes: sums and weights through the tree equal those made directly.
    #[test]
    fn sums_and_weights_equal_direct_ones() {
        let n = 3000;
        let row = 3;
        let mut state = 1u64;
        let mut draw = |k: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % k
        };
        let columns: Vec<(usize, Arc<Vec<u32>>)> = (0..20)
            .map(|c| {
                let k = 2 + c % 3;
                (k, Arc::new((0..n).map(|_| if draw(15) == 0 { NONE } else { draw(k) as u32 }).collect()))
            })
            .collect();
        let tables: Vec<Vec<f64>> =
            columns.iter().map(|(k, _)| (0..k * row).map(|_| draw(1000) as f64).collect()).collect();
        let tree = SumTree::new(columns.clone(), row);
        assert!(tree.roots.len() <= 10, "{} roots", tree.roots.len());
        let inner = tree.fill(|l| &tables[l], row);
        let at = |node: usize| if node < tree.n_leaves { &tables[node] } else { &inner[node - tree.n_leaves] };
        let mut roots: Vec<Vec<f64>> = tree.roots.iter().map(|r| vec![0.0; r.n_patterns * row]).collect();
        let mut expected: Vec<Vec<f64>> = tables.iter().map(|t| vec![0.0; t.len()]).collect();
        for u in 0..n {
            for e in 0..row {
                let direct: f64 = (columns.iter().zip(&tables))
                    .filter(|((_, c), _)| c[u] != NONE)
                    .map(|((_, c), t)| t[c[u] as usize * row + e])
                    .sum();
                let through: f64 = (tree.roots.iter())
                    .filter(|r| r.of_unit[u] != NONE)
                    .map(|r| at(r.node)[r.of_unit[u] as usize * row + e])
                    .sum();
                assert_eq!(direct, through);
                let weight = draw(100) as f64;
                for (root, r) in roots.iter_mut().zip(&tree.roots).filter(|(_, r)| r.of_unit[u] != NONE) {
                    root[r.of_unit[u] as usize * row + e] += weight;
                }
                for (w, (_, c)) in expected.iter_mut().zip(&columns).filter(|(_, (_, c))| c[u] != NONE) {
                    w[c[u] as usize * row + e] += weight;
                }
            }
        }
        let mut weights: Vec<Vec<f64>> = tables.iter().map(|t| vec![0.0; t.len()]).collect();
        tree.push_down(roots, row, |l, p, values| {
            weights[l][p * row..(p + 1) * row].iter_mut().zip(values).for_each(|(w, v)| *w += v);
        });
        assert_eq!(weights, expected);
    }
}
