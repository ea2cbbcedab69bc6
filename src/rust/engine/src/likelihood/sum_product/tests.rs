//! Probabilities against logarithms (`class_graph`), on a tree of classes.

use super::*;
use crate::compiled::elimination::ScopedGroup;

/// Two binary variables below one of three states, and one below another binary one: cells are (state, separator state).
fn tree() -> Elimination {
    let clique = |variable, n_states, n_separator, groups: &[usize], children: &[(usize, &[u32])]| Clique {
        variable,
        separator: vec![],
        n_states,
        n_separator,
        groups: groups.to_vec(),
        children: children.iter().map(|(c, map)| (*c, map.to_vec())).collect(),
        is_root: n_separator == 1,
    };
    let group = |clique, cell_of: &[u32], n_cells| ScopedGroup { clique, cell_of: cell_of.to_vec(), n_cells };
    Elimination {
        cliques: vec![
            clique(0, 2, 3, &[0, 1], &[]),
            clique(1, 2, 3, &[2], &[]),
            clique(2, 3, 1, &[3, 4], &[(0, &[0, 1, 2]), (1, &[0, 1, 2])]),
            clique(3, 2, 2, &[5], &[]),
            clique(4, 2, 1, &[8], &[(3, &[0, 1])]),
        ],
        groups: vec![
            group(Some(0), &[0, 1, 2, 3, 4, 5], 6),
            group(Some(0), &[0, 1, 0, 1, 0, 1], 2),
            group(Some(1), &[0, 1, 2, 3, 4, 5], 6),
            group(Some(2), &[0, 1, 2], 3),
            group(Some(2), &[0, 0, 1], 2),
            group(Some(3), &[0, 1, 0, 1], 2),
            group(None, &[], 1),
            group(None, &[], 1),
            group(Some(4), &[0, 1], 2),
        ],
    }
}

/// Shapes of one class cell fewer or more nodes than `LONG`, and none at all.
fn shape(n_outer: usize) -> Shape {
    let map: Vec<u32> = (0..n_outer as u32).map(|i| i / 3).collect();
    let (short, all) = (n_outer / 3, n_outer);
    let (scalar, inner) = if n_outer == 1 {
        (Broadcast::Same, vec![1; 9])
    } else {
        (Broadcast::Scalar, vec![all, 1, short, short, 1, all, short, 1, 1])
    };
    let how = |&i: &usize| match i {
        1 => scalar.clone(),
        i if i == all => Broadcast::Same,
        _ => Broadcast::Tile,
    };
    let mut broadcast: Vec<Broadcast> = inner.iter().map(how).collect();
    if n_outer > 1 {
        broadcast[3] = Broadcast::Map(map);
    }
    Shape { n_outer, broadcast, inner }
}

/// What units share: the first ones of runs, where groups depend on nodes, and groups that are the same for all.
#[derive(Clone)]
struct Shared {
    runs: Vec<usize>,
    same: Vec<bool>,
}

impl Shared {
    fn run_of(&self, unit: usize) -> usize {
        self.runs.iter().filter(|r| **r <= unit).count() - 1
    }
    /// Where unit `unit` finds a group's values, and how many places there are.
    fn slot(&self, g: usize, inner: usize, unit: usize) -> usize {
        match inner {
            _ if self.same[g] => 0,
            1 => unit,
            _ => self.run_of(unit),
        }
    }
    fn n_slots(&self, g: usize, inner: usize, n_units: usize) -> usize {
        self.slot(g, inner, n_units - 1) + 1
    }
}

/// Log values of every group, as many as `stored` asks for and shared as `shared` says; −∞ among them.
fn values(graph: &Elimination, shape: &Shape, shared: &Shared, stored: &Shared, n_units: usize) -> Vec<Vec<f64>> {
    let one = |g: usize, cell: usize, slot: usize, i: usize| {
        let h = (g * 7919 + cell * 104_729 + slot * 1_299_709 + i * 15_485_863) % 1000;
        if g == 0 && h < 30 {
            f64::NEG_INFINITY
        } else {
            -(h as f64) * 0.01
        }
    };
    let of_group = |(g, group): (usize, &ScopedGroup)| {
        let inner = shape.inner[g];
        let first_unit = |slot: usize| (0..n_units).find(|u| stored.slot(g, inner, *u) == slot).unwrap();
        let slots: Vec<usize> =
            (0..stored.n_slots(g, inner, n_units)).map(|s| shared.slot(g, inner, first_unit(s))).collect();
        let cells = (0..group.n_cells).flat_map(|c| slots.iter().map(move |s| (c, *s)));
        cells.flat_map(|(c, s)| (0..inner).map(move |i| one(g, c, s, i))).collect()
    };
    graph.groups.iter().enumerate().map(of_group).collect()
}

fn close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{a} {b}"));
}

/// Probabilities give what logarithms give, forward and back: cell by cell, unit by unit, by runs, and with groups that
/// are the same for all.
#[test]
fn probabilities_agree_with_logarithms() {
    let graph = tree();
    let n_units = 7;
    let none = Shared { runs: (0..n_units).collect(), same: vec![false; graph.groups.len()] };
    for (n_outer, same) in [(1, false), (1, true), (6, false), (6, true), (48, false), (48, true)] {
        let shape = shape(n_outer);
        let is_same = |g: usize| same && [1, 4, 5, 8].contains(&g) && shape.inner[g] == 1;
        let shared = Shared { runs: vec![0, 3, 4], same: (0..graph.groups.len()).map(is_same).collect() };
        let weights: Vec<f64> = (0..n_units * n_outer).map(|i| ((i * 31) % 17) as f64 * 0.1).collect();
        let mut by_log = Buffers::default();
        by_log.prepare(n_units, &graph, &shape);
        by_log.clear();
        by_log.groups = values(&graph, &shape, &shared, &none, n_units);
        by_log.forward(&graph, &shape);
        by_log.backward(&weights, &graph, &shape);
        let one_by_one = Shared { runs: none.runs.clone(), ..shared.clone() };
        let by_runs = if n_outer < LONG { one_by_one.clone() } else { shared.clone() };
        for stored in [&none, &one_by_one, &by_runs] {
            for by_cell in [true, false] {
                let mut buffers = Buffers::default();
                if by_cell {
                    buffers.prepare(n_units, &graph, &shape);
                } else {
                    let Shared { runs, same } = stored.clone();
                    buffers.prepare_shared(n_units, runs, same, &graph, &shape);
                }
                let stored = if by_cell { &none } else { stored };
                buffers.groups = values(&graph, &shape, &shared, stored, n_units);
                buffers.groups.iter_mut().for_each(|g| vector::exp_in_place(g));
                let blank = n_outer == 6;
                buffers.totals.fill(if blank { f64::NAN } else { 1.0 });
                buffers.forward_scaled(&graph, &shape, blank);
                let mut logs = vec![0.0; buffers.totals.len()];
                vector::add_ln(&buffers.totals, &mut logs);
                close(&logs, &by_log.totals);
                buffers.backward(&weights, &graph, &shape);
                for (g, (a, b)) in buffers.groups.iter().zip(&by_log.groups).enumerate() {
                    let inner = shape.inner[g];
                    let n = stored.n_slots(g, inner, n_units);
                    for (a, b) in a.chunks_exact(n * inner).zip(b.chunks_exact(n_units * inner)) {
                        let mut sums = vec![0.0; n * inner];
                        for (u, b) in b.chunks_exact(inner).enumerate() {
                            let slot = stored.slot(g, inner, u);
                            vector::add(&mut sums[slot * inner..(slot + 1) * inner], b);
                        }
                        close(a, &sums);
                    }
                }
                if by_cell {
                    buffers.cliques.iter().zip(&by_log.cliques).for_each(|(a, b)| close(a, b));
                }
            }
        }
    }
}
