//! Units of different clusters with equal data share their likelihood when all nodes are common (a Grade of Membership
//! person is a cluster of items: there are only as many unit patterns as items × categories).

use std::sync::Arc;

use super::factor::{Factor, NONE};
use super::sum_tree::SumTree;
use super::units::Units;
use super::Kept;
use crate::data::row_patterns::QuickMap;

#[derive(Clone, Debug)]
pub struct UnitSharing {
    /// [n_units] unit pattern.
    pub of_unit: Vec<u32>,
    /// Per factor, [n_patterns] its value pattern.
    pub values: Vec<Vec<u32>>,
    pub n_patterns: usize,
    pub clusters: Option<ClusterSums>,
}

/// Clusters as rows over positions (first unit, second unit, …), merged where clusters share them: the items of a Grade
/// of Membership person.
#[derive(Clone, Debug)]
pub struct ClusterSums {
    /// Per position, (unit pattern, how many units of the cluster) of each of the tree's leaf patterns.
    pub positions: Vec<Vec<(u32, f64)>>,
    pub tree: SumTree,
    /// The tree's roots, those with fewest patterns first.
    pub by_size: Vec<usize>,
    /// All clusters, sorted by their patterns of the roots `by_size`.
    pub order: Vec<u32>,
}

/// Clusters as rows over positions, not merged.
struct ClusterRows {
    positions: Vec<Vec<(u32, f64)>>,
    /// Per position, how many leaf patterns there are and that of each cluster.
    columns: Vec<(usize, Arc<Vec<u32>>)>,
}

impl ClusterRows {
    /// Without positions where units are far fewer than clusters × positions.
    fn new(of_unit: &[u32], units: &Units) -> ClusterRows {
        let n = units.n_clusters();
        let longest = units.cluster_start.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        let mut out = ClusterRows { positions: vec![], columns: vec![] };
        if longest * n > 4 * of_unit.len() || longest < 2 {
            return out;
        }
        for p in 0..longest {
            let mut map: QuickMap<(u32, u64), u32> = QuickMap::default();
            let mut values = vec![];
            let column: Vec<u32> = (0..n)
                .map(|j| {
                    let u = units.cluster_start[j] + p;
                    if u >= units.cluster_start[j + 1] || units.count[u] == 0.0 {
                        return NONE;
                    }
                    *map.entry((of_unit[u], units.count[u].to_bits())).or_insert_with(|| {
                        values.push((of_unit[u], units.count[u]));
                        values.len() as u32 - 1
                    })
                })
                .collect();
            out.columns.push((values.len(), Arc::new(column)));
            out.positions.push(values);
        }
        out
    }
}

impl ClusterSums {
    /// `None` where nothing can be merged.
    fn new(rows: &ClusterRows, row: usize) -> Option<ClusterSums> {
        let tree = SumTree::new(rows.columns.clone(), row);
        if tree.merges.is_empty() {
            return None;
        }
        let mut by_size: Vec<usize> = (0..tree.roots.len()).collect();
        by_size.sort_by_key(|&r| tree.roots[r].n_patterns);
        let mut order: Vec<u32> = (0..tree.roots[0].of_unit.len() as u32).collect();
        // stable: the last key first
        by_size.iter().rev().for_each(|&r| order.sort_by_key(|&j| tree.roots[r].of_unit[j as usize]));
        Some(ClusterSums { positions: rows.positions.clone(), tree, by_size, order })
    }
}

/// Units numbered by their data, whichever cluster they are in.
struct Numbered {
    of_unit: Vec<u32>,
    values: Vec<Vec<u32>>,
    n_patterns: usize,
}

impl Numbered {
    fn new(factors: &[Factor], n: usize) -> Numbered {
        let mut of_unit = vec![0u32; n];
        for f in factors {
            let mut map: QuickMap<(u32, u32), u32> = QuickMap::default();
            for (id, &v) in of_unit.iter_mut().zip(&*f.patterns.of_unit) {
                let next = map.len() as u32;
                *id = *map.entry((*id, v)).or_insert(next);
            }
        }
        let n_patterns = of_unit.iter().max().map_or(0, |m| *m as usize + 1);
        let mut first = vec![usize::MAX; n_patterns];
        of_unit.iter().enumerate().rev().for_each(|(u, &p)| first[p as usize] = u);
        let values = factors.iter().map(|f| first.iter().map(|&u| f.patterns.of_unit[u]).collect()).collect();
        Numbered { of_unit, values, n_patterns }
    }
}

/// Doubles in one lane's table of posterior weights (pattern × between cell × node).
const MAX_TABLE: usize = 1 << 21;

impl UnitSharing {
    /// `None` where nodes are not common or patterns are not at least two times fewer than units (units on their own all
    /// differ).
    pub fn new(factors: &[Factor], units: &Units, n_between: usize, kept: &Kept) -> Option<UnitSharing> {
        let n = units.n_units();
        if n == units.n_clusters() || factors.iter().any(|f| f.patterns.local.is_some()) {
            return None;
        }
        let numbered = kept.get(&[], || Numbered::new(factors, n));
        let n_patterns = numbered.n_patterns;
        if n_patterns * 2 > n || n_patterns * n_between > MAX_TABLE {
            return None;
        }
        let rows = kept.get(&[], || ClusterRows::new(&numbered.of_unit, units));
        let clusters = ClusterSums::new(&rows, n_between);
        let (of_unit, values) = (numbered.of_unit.clone(), numbered.values.clone());
        Some(UnitSharing { of_unit, values, n_patterns, clusters })
    }
}
