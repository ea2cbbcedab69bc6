//! One E-step of five tasks of the speed benchmark (bench/speed), against the arithmetic that it cannot do without.
//!
//! `e_step/…` evaluates log L, the gradient and the complete-data information at the values that data were drawn
//! from; `log_likelihood/…` log L alone; `limit/…` does the same number of multiply-adds and exponentials on arrays
//! that fit the cache, by the same vectorised exponential, and nothing else. One thread.

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Duration;

use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};

use common::builder::{constant, intercept, loading, Spec, BETWEEN, WITHIN};
use common::Case;
use mlmix_engine::em::options::Quadrature;
use mlmix_engine::em::search::adapt;
use mlmix_engine::likelihood::{evaluate, Want};
use mlmix_engine::quadrature::Method;
use mlmix_engine::{vector, Columns, RawData};
use pulp::Arch;

/// A task: data, rule, and what an E-step must at least compute.
struct Task {
    case: Case,
    rule: Quadrature,
    limit: Limit,
}

/// Counts of the arithmetic without which there is no E-step.
struct Limit {
    multiply_adds: usize,
    exponentials: usize,
    /// units × classes × nodes, the unit in which times are reported
    cells: usize,
}

fn rule(points: usize, adaptive: bool) -> Quadrature {
    Quadrature { method: Method::Rectangular, points, adaptive, max_nodes: 1_000_000 }
}

/// A case with data drawn at the true values; `sizes`: clusters × rows of each, no clusters where rows are 0.
fn drawn(name: &'static str, spec: Spec, n_clusters: usize, rows: usize) -> Case {
    let n = n_clusters * rows.max(1);
    let cluster = (rows > 0).then(|| (0..n).map(|row| row / rows).collect());
    let mut columns = Columns::default();
    for outcome in &spec.outcomes {
        columns.names.push(outcome["column"].as_str().unwrap().into());
        columns.values.push(vec![0.0; n]);
    }
    let data = RawData { columns, cluster, ..RawData::default() };
    let mut case = Case { name, spec, data };
    case.redraw(11);
    case
}

/// Distinct rows.
fn n_patterns(case: &Case) -> usize {
    let columns = &case.data.columns.values;
    let row = |i: usize| columns.iter().map(|y| y[i] as u8).collect::<Vec<_>>();
    (0..case.n_rows()).map(row).collect::<HashSet<_>>().len()
}

/// T1: 7,326 × 17 binary, three classes. Forward a sum over items and back the same for each pattern and class; the
/// posterior takes one exponential for each, and one logarithm for each pattern.
fn t1() -> Task {
    let (n, items, classes) = (7326, 17, 3);
    let mut s = Spec::default();
    let logits = [0.6, 0.2].iter().enumerate().map(|(k, v)| vec![intercept(s.free(&format!("c#{k}"), *v))]).collect();
    s.class("c", WITHIN, logits);
    for i in 0..items {
        let a = s.by(&format!("u{i}"), &["c"], &[1.7, if 2 * i < items { 1.4 } else { -1.4 }, -1.7]);
        s.item(&format!("u{i}"), vec![intercept(a)]);
    }
    let case = drawn("T1", s, n, 0);
    let patterns = n_patterns(&case);
    let limit = Limit {
        multiply_adds: 2 * patterns * classes * items,
        exponentials: patterns * (classes + 1),
        cells: n * classes,
    };
    Task { case, rule: rule(15, false), limit }
}

/// T5: 2,000 × 10 binary, two classes and a factor of 49 points. Forward a sum over items and back the same for each
/// pattern, class and point.
fn t5() -> Task {
    let (n, items, nodes) = (2000, 10, 49);
    let mut s = Spec::default();
    s.latent("f", WITHIN, vec![], constant(1.0));
    let logit = s.free("c#1", 0.4);
    s.class("c", WITHIN, vec![vec![intercept(logit)]]);
    for i in 0..items {
        let a = s.by(&format!("u{i}"), &["c"], &[1.7, -1.4]);
        let b = s.free(&format!("u{i}~f"), 0.7 + 0.1 * i as f64);
        s.item(&format!("u{i}"), vec![intercept(a), loading(b, "f")]);
    }
    let case = drawn("T5", s, n, 0);
    let cells = n_patterns(&case) * 2 * nodes;
    let limit = Limit { multiply_adds: 2 * cells * items, exponentials: cells, cells: n * 2 * nodes };
    Task { case, rule: rule(nodes, false), limit }
}

/// T6: stationary latent Markov chain, 2,000 × 5 binary items at 4 times, three states. Items cost what they do in T1, a
/// transition nine multiply-adds forward and nine back.
fn t6() -> Task {
    let (n, items, times, k) = (2000, 5, 4, 3);
    let mut s = Spec::default();
    let logits = [0.6, 0.2].iter().enumerate().map(|(j, v)| vec![intercept(s.free(&format!("c1#{j}"), *v))]).collect();
    s.class("c1", WITHIN, logits);
    for t in 2..=times {
        let before = format!("c{}", t - 1);
        let logits = [[2.0, 0.3, -1.5], [0.2, 1.8, -1.0]].iter().enumerate();
        let logits = logits.map(|(j, v)| vec![intercept(s.by(&format!("c{t}#{j}"), &[&before], v))]).collect();
        s.class(&format!("c{t}"), WITHIN, logits);
    }
    let shared: Vec<_> = (0..items).map(|i| s.by(&format!("u{i}"), &["c1"], &[1.7, 0.3 * i as f64, -1.7])).collect();
    for t in 1..=times {
        for (i, coefficient) in shared.iter().enumerate() {
            let mut own = coefficient.clone();
            own["by"] = serde_json::json!([format!("c{t}")]);
            s.item(&format!("u{i}_{t}"), vec![intercept(own)]);
        }
    }
    let case = drawn("T6", s, n, 0);
    let patterns = n_patterns(&case);
    let limit = Limit {
        multiply_adds: 2 * patterns * (times * items * k + (times - 1) * k * k),
        exponentials: patterns * (times * k + 1),
        cells: n * times * k,
    };
    Task { case, rule: rule(15, false), limit }
}

/// T8: 2PL, 5,000 × 30 binary, 49 points common to all.
fn t8() -> Task {
    let (n, items, nodes) = (5000, 30, 49);
    let mut s = Spec::default();
    s.latent("f", WITHIN, vec![], constant(1.0));
    for i in 0..items {
        let a = s.free(&format!("u{i}~1"), -1.5 + 0.1 * i as f64);
        let b = s.free(&format!("u{i}~f"), 0.7 + 0.04 * i as f64);
        s.item(&format!("u{i}"), vec![intercept(a), loading(b, "f")]);
    }
    let case = drawn("T8", s, n, 0);
    let patterns = n_patterns(&case);
    let limit =
        Limit { multiply_adds: 2 * patterns * nodes * items, exponentials: patterns * (nodes + 1), cells: n * nodes };
    Task { case, rule: rule(nodes, false), limit }
}

/// T12: two-level transitions, 60 × 20 × 20 items, two classes at two times, 15 × 15 adaptive points. Items cost what
/// they do in T1; for each unit and node the chain of two classes takes six multiply-adds forward and six back, and one
/// exponential (its logarithm, to be summed over the units of a cluster). The engine has since learnt to multiply units
/// first; the count is kept, so that ratios of different days compare.
fn t12() -> Task {
    let (clusters, size, items, nodes) = (60, 20, 10, 225);
    let mut s = Spec::default();
    let v = s.free("a1~~a1", 1.9);
    s.latent("a1", BETWEEN, vec![], v);
    let (b, v) = (s.free("a2~a1", 0.38), s.free("a2~~a2", 0.35));
    s.latent("a2", BETWEEN, vec![loading(b, "a1")], v);
    let l = s.free("c1#1~1", -0.55);
    s.class("c1", WITHIN, vec![vec![intercept(l), loading(constant(1.0), "a1")]]);
    let l = s.by("c2#1~1", &["c1"], &[1.6, -1.3]);
    s.class("c2", WITHIN, vec![vec![intercept(l), loading(constant(1.0), "a2")]]);
    let shared: Vec<_> = (0..items).map(|i| s.by(&format!("u{i}"), &["c1"], &[1.5, -1.8 + 0.1 * i as f64])).collect();
    for class in ["c1", "c2"] {
        for (i, coefficient) in shared.iter().enumerate() {
            let mut own = coefficient.clone();
            own["by"] = serde_json::json!([class]);
            s.item(&format!("u{i}{class}"), vec![intercept(own)]);
        }
    }
    let n = clusters * size;
    let limit = Limit {
        multiply_adds: 2 * n * 4 * items + 12 * n * nodes,
        exponentials: n * nodes + n * 4,
        cells: n * 4 * nodes,
    };
    Task { case: drawn("T12", s, clusters, size), rule: rule(15, true), limit }
}

/// As many multiply-adds and exponentials: sums of scaled rows held in registers, the rows in the first cache; the
/// exponentials of `vector` on a block there.
fn bare(limit: &Limit, rows: &mut [f64], x: &mut [f64]) -> f64 {
    const WIDTH: usize = 32;
    let mut sums = [0.0; WIDTH];
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for _ in 0..limit.multiply_adds / rows.len() {
                for row in black_box(&mut *rows).chunks_exact(WIDTH) {
                    sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += 0.999 * v);
                }
            }
        },
    );
    for _ in 0..limit.exponentials / x.len() {
        x.fill(-0.5);
        vector::exp_in_place(black_box(&mut *x));
    }
    sums.iter().sum::<f64>() + x[0]
}

fn benches(c: &mut Criterion) {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for task in [t1(), t5(), t6(), t8(), t12()] {
        let prepared = task.case.prepared_with(&task.rule);
        let working = prepared.program.working.to_working(&task.case.spec.truth).unwrap();
        let mut nodes = prepared.nodes.clone();
        if task.rule.adaptive {
            assert!(adapt(&prepared.program, &mut nodes, &working, 4));
        }
        let cells = Throughput::Elements(task.limit.cells as u64);
        for (group, want) in [
            ("e_step", Want { gradient: true, information: true, moments: false }),
            ("log_likelihood", Want::default()),
        ] {
            let mut group = c.benchmark_group(group);
            group.throughput(cells.clone());
            group.bench_function(BenchmarkId::from_parameter(task.case.name), |b| {
                one_thread.install(|| b.iter(|| evaluate(&prepared.program, &nodes, black_box(&working), want)));
            });
        }
        let mut group = c.benchmark_group("limit");
        group.throughput(cells);
        let (mut rows, mut x) = (vec![1.0; 1024], vec![0.5; 1024]);
        group.bench_function(BenchmarkId::from_parameter(task.case.name), |b| {
            b.iter(|| bare(black_box(&task.limit), &mut rows, &mut x));
        });
    }
}

criterion_group! {
    name = e_steps;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = benches
}
criterion_main!(e_steps);
