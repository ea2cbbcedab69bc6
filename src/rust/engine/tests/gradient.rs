//! The gradient is exact: central differences, scores of clusters, and the information's symmetry, for every test model.

mod common;

use common::two_level::residual_covariance_by_class_with_random_intercept;
use common::{all_cases, near_truth, Case};
use mlmix_engine::compiled::factor::NONE;
use mlmix_engine::em::problem::{Problem, Silent};
use mlmix_engine::fit::Prepared;
use mlmix_engine::inference::closed_form::Way;
use mlmix_engine::inference::covariance::invert_kept;
use mlmix_engine::inference::information::observed_information;
use mlmix_engine::inference::scores::{cluster_scores, cross_product, score_squares};
use mlmix_engine::likelihood::{evaluate, Want};
use mlmix_engine::optim::differences::{differences, At, Order};
use mlmix_engine::optim::maximise::{maximise, Manner, Settings, Status};
use mlmix_engine::optim::{active_set, Objective, Touching};
use mlmix_engine::rng::Stream;

const WANT: Want = Want { gradient: true, information: true, moments: false };

fn log_likelihood(p: &Prepared, x: &[f64]) -> f64 {
    evaluate(&p.program, &p.nodes, &p.space.to_working(x), Want::default()).log_likelihood
}

/// Random points with a finite log-likelihood, away from the optimum.
fn points(case: &Case, p: &Prepared) -> Vec<Vec<f64>> {
    let mut rng = Stream::new(99, 0);
    let found: Vec<Vec<f64>> = (0..12)
        .map(|_| near_truth(case, p, &mut rng, 0.15))
        .filter(|x| log_likelihood(p, x).is_finite())
        .take(2)
        .collect();
    assert_eq!(found.len(), 2, "{}: too few admissible points", case.name);
    found
}

#[test]
fn gradient_equals_central_differences() {
    let mut wrong = vec![];
    for case in all_cases() {
        let p = case.prepared();
        for x in points(&case, &p) {
            let e = evaluate(&p.program, &p.nodes, &p.space.to_working(&x), WANT);
            let gradient = p.space.gradient(&e.sums.gradient);
            for k in 0..x.len() {
                let h = 1e-5;
                let at = |step: f64| {
                    let mut moved = x.clone();
                    moved[k] += step;
                    log_likelihood(&p, &moved)
                };
                // fourth order
                let difference = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let close = (gradient[k] - difference).abs() < 2e-6 * (1.0 + difference.abs());
                if !close {
                    let name = &p.program.model.parameters[p.space.columns[k][0].0].name;
                    wrong.push(format!("{}: {name} {} instead of {difference}", case.name, gradient[k]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Σ weight × score of each cluster against the gradient.
fn check_scores(case: &Case) {
    let p = case.prepared();
    let x = &points(case, &p)[0];
    let e = evaluate(&p.program, &p.nodes, &p.space.to_working(x), WANT);
    let gradient = p.space.gradient(&e.sums.gradient);
    let scores = cluster_scores(&p.program, &p.space, &p.nodes, x);
    let mut sum = vec![0.0; x.len()];
    for (row, weight) in scores.chunks_exact(x.len()).zip(&p.program.units.weight) {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += weight * v);
    }
    for (k, (s, g)) in sum.iter().zip(&gradient).enumerate() {
        assert!((s - g).abs() < 1e-8 * (1.0 + g.abs()), "{}: coordinate {k} {s} instead of {g}", case.name);
    }
}

#[test]
fn scores_of_clusters_sum_to_the_gradient() {
    all_cases().iter().for_each(check_scores);
}

#[test]
fn only_a_residual_covariance_depends_on_the_class() {
    check_scores(&residual_covariance_by_class_with_random_intercept());
}

#[test]
fn log_likelihoods_of_clusters_sum_to_the_total() {
    for case in all_cases() {
        let p = case.prepared();
        let x = &points(&case, &p)[0];
        let e = evaluate(&p.program, &p.nodes, &p.space.to_working(x), WANT);
        let sum: f64 = e.clusters.iter().zip(&p.program.units.weight).map(|(l, w)| l * w).sum();
        assert!((sum - e.log_likelihood).abs() < 1e-10 * e.log_likelihood.abs(), "{}", case.name);
    }
}

#[test]
fn complete_data_information_is_symmetric_and_not_negative() {
    let mut rng = Stream::new(4, 0);
    for case in all_cases() {
        let p = case.prepared();
        let x = &points(&case, &p)[0];
        let e = evaluate(&p.program, &p.nodes, &p.space.to_working(x), WANT);
        let n = x.len();
        let information = p.space.matrix(e.sums.information.as_ref().unwrap(), p.program.model.parameters.len());
        let largest = information.iter().fold(0.0f64, |a, b| a.max(b.abs()));
        for _ in 0..20 {
            let v: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
            let form: f64 = (0..n * n).map(|e| v[e / n] * information[e] * v[e % n]).sum();
            assert!(form > -1e-8 * largest, "{}: {form}", case.name);
        }
        for e in 0..n * n {
            let (a, b) = (information[e], information[(e % n) * n + e / n]);
            assert!((a - b).abs() <= 1e-9 * largest, "{}: entry {e} {a} {b}", case.name);
        }
    }
}

/// Sums of squared scores, with and without groups, equal those of the rows.
#[test]
fn squares_of_scores_equal_those_of_the_rows() {
    for case in all_cases() {
        let p = case.prepared();
        let x = &points(&case, &p)[0];
        let n = x.len();
        let units = &p.program.units;
        let rows = cluster_scores(&p.program, &p.space, &p.nodes, x);
        let weights: Vec<f64> = (0..units.n_clusters()).map(|j| 0.5 + j as f64 % 3.0).collect();
        let squares = score_squares(&p.program, &p.space, &p.nodes, x, &weights);
        let pairs = rows.chunks_exact(n).zip(&weights);
        for (e, s) in squares.iter().enumerate() {
            let want: f64 = pairs.clone().map(|(row, w)| w * row[e / n] * row[e % n]).sum();
            assert!((s - want).abs() < 1e-10 * (1.0 + want.abs()), "{}: {s} instead of {want}", case.name);
        }
        // each cluster of the data a group of its own
        let groups: Vec<usize> = (0..p.program.sample.n_rows).map(|row| p.program.sample.cluster(row)).collect();
        let alone = cross_product(&p.program, &p.space, &p.nodes, x, None);
        let grouped = cross_product(&p.program, &p.space, &p.nodes, x, Some(&groups));
        let same = p.program.sample.frequency.are_one() && !p.program.sample.two_level;
        for (a, g) in alone.iter().zip(&grouped).filter(|_| same) {
            assert!((a - g).abs() < 1e-9 * (1.0 + a.abs()), "{}: {g} instead of {a}", case.name);
        }
    }
}

/// Louis' closed forms against differences of the exact gradient, away from the maximum.
#[test]
fn closed_form_information_agrees_with_differences() {
    let mut seen: Vec<(&str, Way)> = vec![];
    // nodes between, nodes within, classes between, factors between, patterns that clusters share, missing values, weights
    let mut kinds = [false; 7];
    for case in all_cases() {
        let p = case.prepared();
        let x = &points(&case, &p)[0];
        let n = x.len();
        let problem = Problem::new(&p.program, &p.space, &p.nodes, &Silent);
        let gradient = problem.evaluate(x, false).gradient;
        let at = At { x, gradient: &gradient, scale: &vec![1e4; n], held: &vec![false; n] };
        let ways: Vec<Way> = Way::ALL.into_iter().filter(|w| w.is_possible(&p.program)).collect();
        if ways.is_empty() {
            continue;
        }
        let differences = differences(&problem, at, Order::Fourth);
        let largest = differences.iter().fold(0.0f64, |a, b| a.max(b.abs()));
        let squares = cross_product(&p.program, &p.space, &p.nodes, x, None);
        for way in ways {
            seen.push((case.name, way));
            let program = &p.program;
            let missing = program.factors.iter().any(|f| f.patterns.of_unit.contains(&NONE));
            let here = [
                program.n_nodes.0 > 1,
                program.n_nodes.1 > 1,
                !program.between_classes.is_empty(),
                !program.cluster_factors.is_empty(),
                program.sharing.is_some(),
                missing,
                program.units.weight != program.units.weight_squared,
            ];
            kinds.iter_mut().zip(here).for_each(|(k, here)| *k |= here && way == Way::Pairs);
            let exact = way.information(&p.program, &p.space, &p.nodes, x).unwrap();
            assert!(exact.scores.is_some() || way == Way::Cells, "{}", case.name);
            for (e, s) in squares.iter().zip(exact.scores.iter().flatten()) {
                assert!((e - s).abs() < 1e-9 * (1.0 + e.abs()), "{}, {way:?}: {s} instead of {e}", case.name);
            }
            for (e, (c, d)) in exact.information.iter().zip(&differences).enumerate() {
                let off = (c - d).abs();
                assert!(
                    off < 1e-6 * (largest.sqrt() + d.abs()),
                    "{}, {way:?}: entry {e} {c} instead of {d}",
                    case.name
                );
            }
        }
    }
    let count = |way| seen.iter().filter(|s| s.1 == way).count();
    assert!(Way::ALL.into_iter().all(|w| count(w) >= 4), "{seen:?}");
    assert_eq!(kinds, [true; 7], "{seen:?}");
}

/// At the maximum: where one-sided differences are taken for good enough, standard errors are those of fourth-order
/// differences to 1e-4.
#[test]
fn one_sided_differences_are_accurate_where_they_are_used() {
    let mut accepted = vec![];
    for case in all_cases() {
        let p = case.prepared();
        let problem = Problem::new(&p.program, &p.space, &p.nodes, &Silent);
        let from = near_truth(&case, &p, &mut Stream::new(21, 0), 0.05);
        let m = maximise(&problem, from, Settings { max_iterations: 500, tolerance: 1e-9, manner: Manner::FromAfar });
        if m.status != Status::Converged {
            continue; // at the edge of admissible matrices, which `climb_inside` is for
        }
        let (n, here) = (m.x.len(), problem.evaluate(&m.x, true));
        let held = active_set(&problem, &m.x, &here.gradient);
        let at = At { x: &m.x, gradient: &here.gradient, scale: &here.scale(), held: &held };
        let observed = observed_information(&problem, at);
        if observed.order != Order::OneSided {
            continue;
        }
        accepted.push(case.name);
        let kept: Vec<bool> = held.iter().map(|h| !h).collect();
        let accurate = invert_kept(&differences(&problem, at, Order::Fourth), n, &kept).unwrap();
        let inverse = invert_kept(&observed.information, n, &kept).unwrap();
        for k in (0..n).filter(|&k| kept[k]) {
            let (got, want) = (inverse[k * n + k].sqrt(), accurate[k * n + k].sqrt());
            assert!((got - want).abs() < 1e-4 * want, "{}: coordinate {k} {got} instead of {want}", case.name);
        }
    }
    assert!(accepted.len() >= 7, "{accepted:?}");
    assert!(!accepted.contains(&"every family"), "flat directions need more");
}

/// The expected complete-data log-likelihood has the gradient of log L where its weights come from, the gradient of its
/// own differences elsewhere, and rises by less than log L does.
#[test]
fn surrogates_touch_the_log_likelihood_from_below() {
    let mut seen = 0;
    for case in all_cases() {
        let p = case.prepared();
        let problem = Problem::new(&p.program, &p.space, &p.nodes, &Silent);
        let at = points(&case, &p);
        let here = problem.evaluate(&at[0], true);
        let Some(Touching { weights, f }) = here.touching.as_deref() else { continue };
        seen += 1;
        let surrogate = |x: &[f64]| problem.surrogate(weights, x, true).unwrap();
        let (first, second) = (surrogate(&at[0]), surrogate(&at[1]));
        assert!((first.f - f).abs() < 1e-9 * (1.0 + f.abs()), "{}: {f} instead of {}", case.name, first.f);
        for (a, b) in first.gradient.iter().zip(&here.gradient) {
            assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{}: {a} instead of {b}", case.name);
        }
        let gain = problem.evaluate(&at[1], false).f - here.f;
        assert!(second.f - first.f < gain + 1e-9, "{}: {} above {gain}", case.name, second.f - first.f);
        for k in 0..at[1].len() {
            let moved = |step: f64| {
                let mut x = at[1].clone();
                x[k] += step;
                surrogate(&x).f
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let off = (second.gradient[k] - difference).abs();
            assert!(off < 1e-4 * (1.0 + difference.abs()), "{}: coordinate {k} is off by {off}", case.name);
        }
    }
    assert!(seen >= 8, "{seen} models with tables that all units share");
}
