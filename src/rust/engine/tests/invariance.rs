//! Changes of the data or the labels that must not change the likelihood.

mod common;

use common::builder::*;
use common::single_level::every_family;
use common::two_level::random_logits_of;
use common::{all_cases, numbers, options, options_with, Case, Shape};
use mlmix_engine::em::problem::Silent;
use mlmix_engine::fit::Prepared;
use mlmix_engine::likelihood::{evaluate, Evaluation, Want};
use mlmix_engine::result::Value;
use mlmix_engine::rng::Stream;
use proptest::prelude::*;

const WANT: Want = Want { gradient: true, information: true, moments: false };

/// Log-likelihood and gradient (by parameter) at the true values.
fn at_truth(case: &Case) -> (f64, Vec<f64>) {
    let p = case.prepared();
    let e = evaluate(&p.program, &p.nodes, &p.program.working.to_working(&case.spec.truth).unwrap(), WANT);
    (e.log_likelihood, e.sums.gradient)
}

fn assert_same(name: &str, a: &(f64, Vec<f64>), b: &(f64, Vec<f64>)) {
    assert!((a.0 - b.0).abs() < 1e-10 * (1.0 + a.0.abs()), "{name}: log-likelihood {} and {}", a.0, b.0);
    for (k, (x, y)) in a.1.iter().zip(&b.1).enumerate() {
        assert!((x - y).abs() < 1e-8 * (1.0 + x.abs()), "{name}: gradient {k} {x} and {y}");
    }
}

fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut rng = Stream::new(seed, 1);
    let mut order: Vec<usize> = (0..n).collect();
    (1..n).rev().for_each(|i| order.swap(i, rng.below(i + 1)));
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rows_does_not_matter(seed in 0u64..1000) {
        for case in all_cases() {
            let moved = case.take_rows(&shuffled(case.n_rows(), seed));
            assert_same(case.name, &at_truth(&case), &at_truth(&moved));
        }
    }

    #[test]
    fn a_frequency_is_a_repeated_row(seed in 0u64..1000) {
        let mut rng = Stream::new(seed, 2);
        for mut case in all_cases().into_iter().filter(|c| c.data.frequency.is_none()) {
            let times: Vec<usize> = (0..case.n_rows()).map(|_| 1 + rng.below(3)).collect();
            let rows: Vec<usize> = times.iter().enumerate().flat_map(|(row, &k)| std::iter::repeat_n(row, k)).collect();
            let repeated = case.take_rows(&rows);
            case.data.frequency = Some(times.iter().map(|k| *k as f64).collect());
            assert_same(case.name, &at_truth(&case), &at_truth(&repeated));
        }
    }

    #[test]
    fn labels_of_classes_do_not_matter(seed in 0u64..1000) {
        let (n_classes, n_items) = (4, 5);
        let mut rng = Stream::new(seed, 3);
        let mut logits: Vec<f64> = (1..n_classes).map(|_| rng.normal()).collect();
        logits.push(0.0);
        let items: Vec<Vec<f64>> = (0..n_items).map(|_| (0..n_classes).map(|_| 2.0 * rng.normal()).collect()).collect();
        let model = |order: &[usize]| {
            let mut s = Spec::default();
            let last = logits[order[n_classes - 1]];
            let terms = order[..n_classes - 1].iter().map(|&k| vec![intercept(s.free("c", logits[k] - last))]).collect();
            s.class("c", WITHIN, terms);
            for (i, values) in items.iter().enumerate() {
                let a = s.by("u", &["c"], &order.iter().map(|&k| values[k]).collect::<Vec<_>>());
                s.item(&format!("u{i}"), vec![intercept(a)]);
            }
            s
        };
        let case = Case::new("latent classes", model(&[0, 1, 2, 3]), Shape::Rows(30));
        let order = shuffled(n_classes, seed);
        let relabelled = Case { spec: model(&order), ..case.clone() };
        let (a, b) = (result(&case), result(&relabelled));
        prop_assert!((log_likelihood(&a) - log_likelihood(&b)).abs() < 1e-10 * log_likelihood(&a).abs());
        let posterior = |v: &Value| numbers(v.get("posterior_within").and_then(|p| p.get("c")).unwrap());
        let (pa, pb) = (posterior(&a), posterior(&b));
        for (new, &old) in order.iter().enumerate() {
            for row in 0..30 {
                prop_assert!((pb[new * 30 + row] - pa[old * 30 + row]).abs() < 1e-10);
            }
        }
    }
}

fn result(case: &Case) -> Value {
    mlmix_engine::evaluate(&case.json(), case.data.clone(), &options(1), &case.spec.truth, &Silent).unwrap()
}

fn log_likelihood(v: &Value) -> f64 {
    v.get("log_likelihood").and_then(Value::as_f64).unwrap()
}

#[test]
fn posteriors_sum_to_one() {
    for case in all_cases() {
        let r = result(&case);
        for table in ["posterior_within", "posterior_between", "class_prob"] {
            let Some(Value::List(entries)) = r.get(table) else { continue };
            for (name, value) in entries {
                let p = numbers(value);
                let n_rows = if let Value::Matrix { n_rows, .. } = value { *n_rows } else { 1 };
                for row in 0..n_rows {
                    let sum: f64 = p.iter().skip(row).step_by(n_rows).sum();
                    assert!((sum - 1.0).abs() < 1e-9, "{}: {table} of {name}, row {row}: {sum}", case.name);
                }
                assert!(p.iter().all(|v| (-1e-12..=1.0 + 1e-12).contains(v)), "{}: {table} of {name}", case.name);
            }
        }
    }
}

/// Adds a covariate that differs in every row, with coefficient 0, to every equation: nothing can then be collapsed.
fn uncollapsed(case: &Case) -> Case {
    let mut out = case.clone();
    let n = case.n_rows();
    let by_row: Vec<f64> = (0..n).map(|r| r as f64).collect();
    let by_cluster = case.data.cluster.as_ref().map_or(by_row.clone(), |c| c.iter().map(|j| *j as f64).collect());
    for (name, values) in [("by_row", by_row), ("by_cluster", by_cluster)] {
        out.data.columns.names.push(name.into());
        out.data.columns.values.push(values);
    }
    let none =
        |level: &serde_json::Value| slope(constant(0.0), if level == "within" { "by_row" } else { "by_cluster" });
    for o in &mut out.spec.outcomes {
        let term = none(&o["level"]);
        o["predictors"][0]["terms"].as_array_mut().unwrap().push(term);
    }
    for c in &mut out.spec.classes {
        let term = none(&c["level"]);
        c["logits"][0]["terms"].as_array_mut().unwrap().push(term);
    }
    out
}

#[test]
fn collapsed_units_equal_uncollapsed_ones() {
    for case in all_cases() {
        let open = uncollapsed(&case);
        let (a, b) = (case.prepared(), open.prepared());
        assert!(a.program.units.n_units() <= b.program.units.n_units());
        assert_eq!(b.program.units.n_units(), case.n_rows(), "{}", case.name);
        assert_same(case.name, &at_truth(&case), &at_truth(&open));
    }
}

/// Clusters that look their units up in a table of patterns, against each computing its own.
#[test]
fn shared_unit_patterns_equal_unshared_ones() {
    let mut shared = vec![];
    for case in all_cases() {
        let mut p = case.prepared();
        let working = p.program.working.to_working(&case.spec.truth).unwrap();
        if p.program.sharing.is_none() {
            continue;
        }
        shared.push(case.name);
        let a = evaluate(&p.program, &p.nodes, &working, WANT);
        p.program.sharing = None;
        let b = evaluate(&p.program, &p.nodes, &working, WANT);
        assert_same(case.name, &(a.log_likelihood, a.sums.gradient), &(b.log_likelihood, b.sums.gradient));
        assert_same(case.name, &(0.0, a.clusters), &(0.0, b.clusters));
        assert_same(case.name, &(0.0, a.sums.information.unwrap()), &(0.0, b.sums.information.unwrap()));
    }
    assert!(shared.contains(&"grade of membership"), "patterns are shared in {shared:?}");
}

#[test]
fn a_class_variable_of_one_class_changes_nothing() {
    for case in all_cases() {
        let mut wider = case.clone();
        wider.spec.class("single", WITHIN, vec![]);
        assert_same(case.name, &at_truth(&case), &at_truth(&wider));
    }
}

/// Values of every plain intercept and class logit at ±700, all else at the truth.
#[test]
fn the_log_likelihood_is_finite_where_predictors_are_700() {
    let mut rng = Stream::new(8, 0);
    for case in std::iter::once(every_family()).chain(all_cases()) {
        let p = case.prepared();
        let names = &p.program.model.parameters;
        for _ in 0..4 {
            let mut natural = case.spec.truth.clone();
            for (v, parameter) in natural.iter_mut().zip(names) {
                if parameter.name.contains("~1") {
                    *v = if rng.uniform() < 0.5 { 700.0 } else { -700.0 };
                }
            }
            let working = p.program.working.to_working(&natural).unwrap();
            let e = evaluate(&p.program, &p.nodes, &working, WANT);
            assert!(e.log_likelihood.is_finite(), "{}: log-likelihood {}", case.name, e.log_likelihood);
            assert!(e.sums.gradient.iter().all(|g| g.is_finite()), "{}: gradient {:?}", case.name, e.sums.gradient);
            assert!(e.sums.information.unwrap().iter().all(|g| g.is_finite()), "{}: information", case.name);
        }
    }
}

fn with_threads<T: Send>(n: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(run)
}

fn bits(e: &Evaluation) -> Vec<u64> {
    let information = e.sums.information.as_ref().unwrap();
    std::iter::once(&e.log_likelihood)
        .chain(&e.sums.gradient)
        .chain(information)
        .chain(&e.clusters)
        .map(|v| v.to_bits())
        .collect()
}

#[test]
fn threads_do_not_change_an_evaluation_by_a_bit() {
    let case = random_logits_of(Shape::Clusters(1500));
    let p: Prepared = case.prepared();
    assert!(p.program.units.n_chunks() >= 3, "too small a case to be divided: {} chunks", p.program.units.n_chunks());
    let working = p.program.working.to_working(&case.spec.truth).unwrap();
    let run = |threads: usize| with_threads(threads, || bits(&evaluate(&p.program, &p.nodes, &working, WANT)));
    let one = run(1);
    assert!(one == run(2) && one == run(3));
}

#[test]
fn threads_do_not_change_a_fit_by_a_bit() {
    let case = random_logits_of(Shape::Clusters(40));
    let run = |threads: usize| {
        with_threads(threads, || {
            let fit =
                mlmix_engine::fit(&case.json(), case.data.clone(), &options_with(3, 6, 2, "robust"), &Silent).unwrap();
            format!("{fit:?}") // shortest digits that give back each number
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn rows_without_weight_have_posteriors_and_no_influence() {
    let mut case = random_logits_of(Shape::Clusters(12));
    let n = case.n_rows();
    case.data.unit_weights = Some((0..n).map(|r| f64::from(u8::from(r % 5 != 4))).collect());
    let kept = case.take_rows(&(0..n).filter(|r| r % 5 != 4).collect::<Vec<_>>());
    assert_same("zero weights", &at_truth(&case), &at_truth(&kept));
    let p = numbers(result(&case).get("posterior_within").and_then(|p| p.get("c1")).unwrap());
    assert!(p.iter().all(|v| v.is_finite()), "{p:?}");
}

/// `class_prob` is the average posterior probability (inst/spec-format.md), here by Bayes' theorem.
#[test]
fn class_sizes_are_average_posterior_probabilities() {
    let mut s = Spec::default();
    let (a, b) = (s.free("c#1~1", 0.4), s.free("c#1~x", 0.9));
    s.class("c", WITHIN, vec![vec![intercept(a), slope(b, "x")]]);
    let u = s.by("u~1", &["c"], &[1.0, -1.0]);
    s.item("u", vec![intercept(u)]);
    let mut case = Case::new("one item", s, Shape::Rows(40));
    case.column_mut("u").fill(1.0);
    let expit = |x: f64| 1.0 / (1.0 + (-x).exp());
    let posterior = |p: f64| p * expit(1.0) / (p * expit(1.0) + (1.0 - p) * expit(-1.0));
    let want = case.column("x").iter().map(|x| posterior(expit(0.4 + 0.9 * x))).sum::<f64>() / 40.0;
    let got = numbers(result(&case).get("class_prob").and_then(|p| p.get("c")).unwrap())[0];
    assert!((got - want).abs() < 1e-10, "{got} instead of {want}");
}
