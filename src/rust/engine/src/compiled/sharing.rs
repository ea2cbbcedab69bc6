//! Units of different clusters with equal data share their likelihood when all nodes are common (a Grade of Membership
//! person is a cluster of items: there are only as many unit patterns as items × categories).

use super::factor::Factor;
use super::patterns::QuickMap;
use super::units::Units;

#[derive(Clone, Debug)]
pub struct UnitSharing {
    /// [n_units] unit pattern.
    pub of_unit: Vec<u32>,
    /// Per factor, [n_patterns] its value pattern.
    pub values: Vec<Vec<u32>>,
    pub n_patterns: usize,
}

/// Doubles in one lane's table of posterior weights (pattern × between cell × node).
const MAX_TABLE: usize = 1 << 21;

impl UnitSharing {
    /// `None` where nodes are not common or patterns are not at least two times fewer than units.
    pub fn new(factors: &[Factor], units: &Units, n_between: usize) -> Option<UnitSharing> {
        if factors.iter().any(|f| f.patterns.local.is_some()) {
            return None;
        }
        let n = units.n_units();
        let mut of_unit = vec![0u32; n];
        for f in factors {
            let mut map: QuickMap<(u32, u32), u32> = QuickMap::default();
            for (id, &v) in of_unit.iter_mut().zip(&f.patterns.of_unit) {
                let next = map.len() as u32;
                *id = *map.entry((*id, v)).or_insert(next);
            }
        }
        let n_patterns = of_unit.iter().max().map_or(0, |m| *m as usize + 1);
        if n_patterns * 2 > n || n_patterns * n_between > MAX_TABLE {
            return None;
        }
        let mut first = vec![usize::MAX; n_patterns];
        of_unit.iter().enumerate().rev().for_each(|(u, &p)| first[p as usize] = u);
        let values = factors.iter().map(|f| first.iter().map(|&u| f.patterns.of_unit[u]).collect()).collect();
        Some(UnitSharing { of_unit, values, n_patterns })
    }
}
