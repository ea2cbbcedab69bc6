//! Sum-product elimination equals enumeration of every class pattern on random graphs, and the forward recursion on long chains.

mod common;

use common::builder::*;
use common::single_level::class_chain_of;
use common::{numbers, options, Case, Shape};
use mlmix_engine::em::problem::Silent;
use mlmix_engine::numeric::{log_expit, log_sum_exp};
use mlmix_engine::result::Value;
use mlmix_engine::rng::Stream;

/// A random model: class variables with parents among the earlier ones, bernoulli items on one or two of them.
/// Class variable 0 is on the between level.
struct Graph {
    n_classes: Vec<usize>,
    parents: Vec<Vec<usize>>,
    /// [class][logit][parent cell]
    logits: Vec<Vec<Vec<f64>>>,
    /// Class variables of each item, and its intercept in every cell.
    items: Vec<(Vec<usize>, Vec<f64>)>,
}

fn random_graph(seed: u64) -> Graph {
    let mut rng = Stream::new(seed, 0);
    let n = 3 + rng.below(3);
    let n_classes: Vec<usize> = (0..n).map(|_| 2 + rng.below(2)).collect();
    let parents: Vec<Vec<usize>> = (0..n).map(|c| (0..c).filter(|_| rng.uniform() < 0.5).collect()).collect();
    let cells = |of: &[usize]| of.iter().map(|&c| n_classes[c]).product::<usize>();
    let logits = (0..n)
        .map(|c| (1..n_classes[c]).map(|_| (0..cells(&parents[c])).map(|_| rng.normal()).collect()).collect())
        .collect();
    let items = (0..n + 2)
        .map(|i| {
            let first = i % n;
            let mut scope = vec![first];
            if rng.uniform() < 0.5 {
                scope.push((first + 1 + rng.below(n - 1)) % n);
            }
            let values = (0..cells(&scope)).map(|_| 1.5 * rng.normal()).collect();
            (scope, values)
        })
        .collect();
    Graph { n_classes, parents, logits, items }
}

fn name(class: usize) -> String {
    format!("c{class}")
}

impl Graph {
    fn case(&self) -> Case {
        let mut s = Spec::default();
        let names: Vec<String> = (0..self.n_classes.len()).map(name).collect();
        let of = |scope: &[usize]| scope.iter().map(|&c| names[c].as_str()).collect::<Vec<_>>();
        for (c, logits) in self.logits.iter().enumerate() {
            let logits =
                logits.iter().map(|values| vec![intercept(s.by(&names[c], &of(&self.parents[c]), values))]).collect();
            s.class(&names[c], if c == 0 { BETWEEN } else { WITHIN }, logits);
        }
        for (i, (scope, values)) in self.items.iter().enumerate() {
            let a = s.by(&format!("u{i}"), &of(scope), values);
            s.item(&format!("u{i}"), vec![intercept(a)]);
        }
        Case::new("random graph", s, Shape::Clusters(8))
    }

    fn cell(&self, scope: &[usize], state: &[usize]) -> usize {
        scope.iter().rev().fold(0, |cell, &c| cell * self.n_classes[c] + state[c])
    }

    fn states(&self, mut cell: usize) -> Vec<usize> {
        self.n_classes.iter().map(|k| (cell % k, cell /= k).0).collect()
    }

    fn n_cells(&self) -> usize {
        self.n_classes.iter().product()
    }

    fn log_prior(&self, class: usize, state: &[usize]) -> f64 {
        let cell = self.cell(&self.parents[class], state);
        let mut logits: Vec<f64> = self.logits[class].iter().map(|l| l[cell]).collect();
        logits.push(0.0);
        logits[state[class]] - log_sum_exp(&logits)
    }

    /// log P(within classes, items of a row | between class), the states of all variables given.
    fn log_row(&self, case: &Case, row: usize, state: &[usize]) -> f64 {
        let classes: f64 = (1..self.n_classes.len()).map(|c| self.log_prior(c, state)).sum();
        let items: f64 = self
            .items
            .iter()
            .enumerate()
            .map(|(i, (scope, values))| {
                let (y, eta) = (case.column(&format!("u{i}"))[row], values[self.cell(scope, state)]);
                if y.is_nan() {
                    0.0
                } else {
                    log_expit(if y == 1.0 { eta } else { -eta })
                }
            })
            .sum();
        classes + items
    }

    /// Log-likelihood, and per row the posterior of every pattern of all class variables.
    fn enumerate(&self, case: &Case) -> (f64, Vec<Vec<f64>>) {
        let cluster = case.data.cluster.as_ref().unwrap();
        let (n_rows, n_between) = (case.n_rows(), self.n_classes[0]);
        let rows: Vec<Vec<f64>> = (0..n_rows)
            .map(|row| (0..self.n_cells()).map(|cell| self.log_row(case, row, &self.states(cell))).collect())
            .collect();
        let given = |row: usize, d: usize| -> f64 {
            log_sum_exp(&rows[row].iter().skip(d).step_by(n_between).copied().collect::<Vec<_>>())
        };
        let n_clusters = cluster.iter().max().unwrap() + 1;
        let mut total = 0.0;
        let mut posterior = vec![vec![]; n_rows];
        for j in 0..n_clusters {
            let members: Vec<usize> = (0..n_rows).filter(|&r| cluster[r] == j).collect();
            let joint: Vec<f64> = (0..n_between)
                .map(|d| {
                    let mut state = vec![0; self.n_classes.len()];
                    state[0] = d;
                    self.log_prior(0, &state) + members.iter().map(|&r| given(r, d)).sum::<f64>()
                })
                .collect();
            let log_cluster = log_sum_exp(&joint);
            total += log_cluster;
            for &r in &members {
                posterior[r] = (0..self.n_cells())
                    .map(|cell| {
                        (joint[cell % n_between] - log_cluster + rows[r][cell] - given(r, cell % n_between)).exp()
                    })
                    .collect();
            }
        }
        (total, posterior)
    }
}

fn evaluate(case: &Case) -> Value {
    mlmix_engine::evaluate(&case.json(), case.data.clone(), &options(1), &case.spec.truth, &Silent).unwrap()
}

#[test]
fn elimination_equals_enumeration_on_random_graphs() {
    for seed in 0..30 {
        let graph = random_graph(seed);
        let case = graph.case();
        let result = evaluate(&case);
        let (want, posterior) = graph.enumerate(&case);
        let got = result.get("log_likelihood").and_then(Value::as_f64).unwrap();
        assert!((got - want).abs() < 1e-9 * want.abs(), "graph {seed}: {got} instead of {want}");
        for c in 0..graph.n_classes.len() {
            let k = graph.n_classes[c];
            let marginal = |row: usize, class: usize| -> f64 {
                (0..graph.n_cells())
                    .filter(|&cell| graph.states(cell)[c] == class)
                    .map(|cell| posterior[row][cell])
                    .sum()
            };
            let (table, rows): (&str, Vec<usize>) = if c == 0 {
                let cluster = case.data.cluster.as_ref().unwrap();
                ("posterior_between", (0..8).map(|j| cluster.iter().position(|v| *v == j).unwrap()).collect())
            } else {
                ("posterior_within", (0..case.n_rows()).collect())
            };
            let got = numbers(result.get(table).and_then(|t| t.get(&name(c))).unwrap());
            for (i, &row) in rows.iter().enumerate() {
                for class in 0..k {
                    let (a, b) = (got[class * rows.len() + i], marginal(row, class));
                    assert!(
                        (a - b).abs() < 1e-9,
                        "graph {seed}: P({} = {class}) of row {row} is {a} instead of {b}",
                        name(c)
                    );
                }
            }
        }
    }
}

#[test]
fn joint_posteriors_follow_the_order_of_the_specification() {
    for seed in 0..30 {
        let graph = random_graph(seed);
        let case = graph.case();
        let result = evaluate(&case);
        let Some(table @ Value::Matrix { .. }) = result.get("posterior_joint") else { continue };
        let (got, n_rows) = (numbers(table), case.n_rows());
        let (_, posterior) = graph.enumerate(&case);
        for (row, p) in posterior.iter().enumerate() {
            for (within, p) in p.chunks_exact(graph.n_classes[0]).enumerate() {
                let (a, b) = (got[within * n_rows + row], p.iter().sum::<f64>());
                assert!((a - b).abs() < 1e-9, "graph {seed}: pattern {within} of row {row} has {a} instead of {b}");
            }
        }
    }
}

#[test]
fn expected_transitions_are_sums_of_posteriors() {
    for seed in 0..30 {
        let graph = random_graph(seed);
        let case = graph.case();
        let result = evaluate(&case);
        let (_, posterior) = graph.enumerate(&case);
        for c in (1..graph.n_classes.len()).filter(|&c| !graph.parents[c].is_empty()) {
            let parents: Vec<usize> = graph.parents[c].iter().copied().filter(|&p| p != 0).collect();
            let Some(table) = result.get("transitions").and_then(|t| t.get(&name(c))) else {
                assert!(parents.is_empty(), "graph {seed}: no transitions of {}", name(c));
                continue;
            };
            let got = numbers(table);
            let n_parents = got.len() / graph.n_classes[c];
            let mut want = vec![0.0; got.len()];
            for p in &posterior {
                for (cell, p) in p.iter().enumerate() {
                    let state = graph.states(cell);
                    want[state[c] * n_parents + graph.cell(&parents, &state)] += p;
                }
            }
            for (a, b) in got.iter().zip(&want) {
                assert!((a - b).abs() < 1e-8, "graph {seed}, {}: {got:?} instead of {want:?}", name(c));
            }
        }
    }
}

/// log P(items) of a chain by the forward recursion, from the case's true values.
fn forward(case: &Case, times: usize, n_classes: usize) -> f64 {
    let spec = case.spec.json();
    let value = |coefficient: &serde_json::Value, cell: usize| -> f64 {
        let p = if coefficient["by"].is_null() { &coefficient["parameter"] } else { &coefficient["parameters"][cell] };
        case.spec.truth[p.as_u64().unwrap() as usize]
    };
    let log_prior = |t: usize, from: usize| -> Vec<f64> {
        let terms = spec["classes"][t]["logits"].as_array().unwrap();
        let mut logits: Vec<f64> = terms.iter().map(|l| value(&l["terms"][0]["coefficient"], from)).collect();
        logits.push(0.0);
        let total = log_sum_exp(&logits);
        logits.iter().map(|l| l - total).collect()
    };
    let density = |row: usize, t: usize, class: usize| -> f64 {
        let items = spec["outcomes"].as_array().unwrap().iter().skip(3 * t).take(3);
        items
            .map(|o| {
                let y = case.column(o["name"].as_str().unwrap())[row];
                let eta = value(&o["predictors"][0]["terms"][0]["coefficient"], class);
                if y.is_nan() {
                    0.0
                } else {
                    log_expit(if y == 1.0 { eta } else { -eta })
                }
            })
            .sum()
    };
    (0..case.n_rows())
        .map(|row| {
            let mut log_p: Vec<f64> = log_prior(0, 0).iter().enumerate().map(|(k, p)| p + density(row, 0, k)).collect();
            for t in 1..times {
                let into: Vec<Vec<f64>> = (0..n_classes).map(|from| log_prior(t, from)).collect();
                log_p = (0..n_classes)
                    .map(|to| {
                        let paths: Vec<f64> = (0..n_classes).map(|from| log_p[from] + into[from][to]).collect();
                        log_sum_exp(&paths) + density(row, t, to)
                    })
                    .collect();
            }
            log_sum_exp(&log_p)
        })
        .sum()
}

#[test]
fn ten_occasions_of_four_classes_equal_the_forward_recursion() {
    let case = class_chain_of(10, 4, Shape::Rows(300));
    let p = case.prepared();
    assert!(p.program.elimination.max_cells() <= 16, "the chain is not eliminated link by link");
    let got = evaluate(&case).get("log_likelihood").and_then(Value::as_f64).unwrap();
    let want = forward(&case, 10, 4);
    assert!((got - want).abs() < 1e-9 * want.abs(), "{got} instead of {want}");
}

/// Three hundred items that contradict both classes: the likelihood of a unit is far below the smallest number.
#[test]
fn improbable_units_are_worked_out_with_logarithms() {
    let mut s = Spec::default();
    let share = s.free("c#1~1", 0.4);
    s.class("c", WITHIN, vec![vec![intercept(share)]]);
    let n_items = 300;
    for i in 0..n_items {
        let value = s.by(&format!("u{i}~1"), &["c"], &[14.0, -13.0]);
        s.item(&format!("u{i}"), vec![intercept(value)]);
    }
    let n = 40;
    let mut case = Case::new("improbable", s, Shape::Rows(n));
    let mut rng = Stream::new(3, 0);
    let mut counts = vec![0.0; n];
    for i in 0..n_items {
        let y: Vec<f64> = (0..n).map(|_| f64::from(u8::from(rng.uniform() < 0.5))).collect();
        counts.iter_mut().zip(&y).for_each(|(c, y)| *c += y);
        case.column_mut(&format!("u{i}")).copy_from_slice(&y);
    }
    let unit = |ones: &f64| {
        let zeros = n_items as f64 - ones;
        let class = |logit: f64, eta: f64| log_expit(logit) + ones * log_expit(eta) + zeros * log_expit(-eta);
        log_sum_exp(&[class(0.4, 14.0), class(-0.4, -13.0)])
    };
    let want: f64 = counts.iter().map(unit).sum();
    let got = evaluate(&case).get("log_likelihood").and_then(Value::as_f64).unwrap();
    assert!((got - want).abs() < 1e-10 * want.abs(), "{got} instead of {want}");
}
