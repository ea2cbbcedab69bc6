//! Probabilities against logarithms (`class_graph`), on a tree of classes.

use super::*;
use crate::compiled::elimination::ScopedGroup;

/// Two binary variables below one of three states, and one on its own: cells are (state, separator state).
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
            clique(3, 2, 1, &[5], &[]),
        ],
        groups: vec![
            group(Some(0), &[0, 1, 2, 3, 4, 5], 6),
            group(Some(0), &[0, 1, 0, 1, 0, 1], 2),
            group(Some(1), &[0, 1, 2, 3, 4, 5], 6),
            group(Some(2), &[0, 1, 2], 3),
            group(Some(2), &[0, 0, 1], 2),
            group(Some(3), &[0, 1], 2),
            group(None, &[], 1),
            group(None, &[], 1),
        ],
    }
}

/// Shapes of one class cell fewer or more nodes than `LONG`, and none at all.
fn shape(n_outer: usize) -> Shape {
    let map: Vec<u32> = (0..n_outer as u32).map(|i| i / 3).collect();
    let (short, all) = (n_outer / 3, n_outer);
    let (scalar, inner) = if n_outer == 1 {
        (Broadcast::Same, vec![1; 8])
    } else {
        (Broadcast::Scalar, vec![all, 1, short, short, 1, all, short, 1])
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

/// Log values of every group, the same for the units of each run where they depend on nodes; −∞ among them.
fn values(graph: &Elimination, shape: &Shape, runs: &[usize], n_units: usize, by_run: bool) -> Vec<Vec<f64>> {
    let run_of = |u: usize| runs.iter().filter(|r| **r <= u).count() - 1;
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
        let slots: Vec<usize> = match (inner > 1, by_run) {
            (true, true) => (0..runs.len()).collect(),
            (true, false) => (0..n_units).map(run_of).collect(),
            (false, _) => (0..n_units).collect(),
        };
        let cells = (0..group.n_cells).flat_map(|c| slots.iter().map(move |s| (c, *s)));
        cells.flat_map(|(c, s)| (0..inner).map(move |i| one(g, c, s, i))).collect()
    };
    graph.groups.iter().enumerate().map(of_group).collect()
}

fn close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{a} {b}"));
}

/// Probabilities give what logarithms give, forward and back, unit by unit and by runs.
#[test]
fn probabilities_agree_with_logarithms() {
    let graph = tree();
    let n_units = 7;
    for n_outer in [1, 6, 48] {
        let shape = shape(n_outer);
        let shared = [0, 3, 4];
        let weights: Vec<f64> = (0..n_units * n_outer).map(|i| ((i * 31) % 17) as f64 * 0.1).collect();
        let mut by_log = Buffers::default();
        by_log.prepare(n_units, (0..n_units).collect(), &graph, &shape);
        by_log.clear();
        by_log.groups = values(&graph, &shape, &shared, n_units, false);
        by_log.forward(&graph, &shape);
        by_log.backward(&weights, &graph, &shape);
        let with_runs = if n_outer < LONG { (0..n_units).collect() } else { shared.to_vec() };
        for runs in [(0..n_units).collect::<Vec<_>>(), with_runs] {
            let by_run = runs.len() < n_units;
            let mut buffers = Buffers::default();
            buffers.prepare(n_units, runs, &graph, &shape);
            buffers.groups = values(&graph, &shape, &shared, n_units, by_run);
            buffers.groups.iter_mut().for_each(|g| vector::exp_in_place(g));
            buffers.totals.fill(1.0);
            buffers.forward_scaled(&graph, &shape);
            let mut logs = vec![0.0; buffers.totals.len()];
            vector::add_ln(&buffers.totals, &mut logs);
            close(&logs, &by_log.totals);
            buffers.backward(&weights, &graph, &shape);
            for (g, (a, b)) in buffers.groups.iter().zip(&by_log.groups).enumerate() {
                let inner = shape.inner[g];
                if !by_run || inner == 1 {
                    close(a, b);
                    continue;
                }
                let cells = a.chunks_exact(shared.len() * inner).zip(b.chunks_exact(n_units * inner));
                for (a, b) in cells {
                    let mut sums = vec![0.0; a.len()];
                    for (u, b) in b.chunks_exact(inner).enumerate() {
                        let run = shared.iter().filter(|r| **r <= u).count() - 1;
                        vector::add(&mut sums[run * inner..(run + 1) * inner], b);
                    }
                    close(a, &sums);
                }
            }
            if !by_run {
                buffers.cliques.iter().zip(&by_log.cliques).for_each(|(a, b)| close(a, b));
            }
        }
    }
}
