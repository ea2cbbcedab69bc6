//! Simulated data have the moments of their model, and a fit recovers the parameters.

mod common;

use common::builder::*;
use common::two_level::{between_outcomes, linear_mixed_model};
use common::{numbers, options_with, Case, Shape};
use mlmix_engine::em::problem::Silent;
use mlmix_engine::family::{Family, Link};
use mlmix_engine::result::Value;
use serde_json::json;

const ROWS: usize = 20_000;

fn mean(y: &[f64]) -> f64 {
    y.iter().sum::<f64>() / y.len() as f64
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum::<f64>() / a.len() as f64
}

/// Within five standard errors.
fn assert_mean(name: &str, y: &[f64], want: f64) {
    let error = (covariance(y, y) / y.len() as f64).sqrt();
    assert!(
        (mean(y) - want).abs() < 5.0 * error,
        "{name}: mean {} instead of {want} (standard error {error})",
        mean(y)
    );
}

fn drawn(case: &mut Case, seed: u64) -> Value {
    case.redraw(seed)
}

fn of<'a>(drawn: &'a Value, table: &str, name: &str) -> &'a Value {
    drawn.get(table).and_then(|t| t.get(name)).unwrap()
}

/// Family, predictors and auxiliary values; E(y) and, where it has a short formula, the variance.
/// Specification of the family, the family, predictors, auxiliary parameters, trials.
type FamilyCase = (serde_json::Value, Family, Vec<f64>, Vec<f64>, Option<f64>);

fn families() -> Vec<FamilyCase> {
    let p = |eta: f64| 1.0 / (1.0 + (-eta).exp());
    let mu = 0.6f64.exp();
    let zero = p(-0.8);
    let inflated = |extra: f64| (1.0 - zero) * (mu + extra * mu * mu + zero * mu * mu);
    vec![
        (json!({"type": "gaussian"}), Family::Gaussian, vec![0.7], vec![1.8], Some(1.8)),
        (
            json!({"type": "bernoulli", "link": "logit"}),
            Family::Bernoulli { link: Link::Logit },
            vec![0.4],
            vec![],
            Some(p(0.4) * p(-0.4)),
        ),
        (
            json!({"type": "bernoulli", "link": "probit"}),
            Family::Bernoulli { link: Link::Probit },
            vec![0.4],
            vec![],
            None,
        ),
        (
            json!({"type": "ordinal", "link": "logit", "n_categories": 4}),
            Family::Ordinal { link: Link::Logit, n_categories: 4 },
            vec![0.3],
            vec![-1.0, 0.2, 1.4],
            None,
        ),
        (
            json!({"type": "ordinal", "link": "probit", "n_categories": 3}),
            Family::Ordinal { link: Link::Probit, n_categories: 3 },
            vec![-0.2],
            vec![-0.6, 0.7],
            None,
        ),
        (
            json!({"type": "nominal", "n_categories": 3}),
            Family::Nominal { n_categories: 3 },
            vec![0.5, -0.4],
            vec![],
            None,
        ),
        (json!({"type": "poisson"}), Family::Poisson, vec![0.6], vec![], Some(mu)),
        (
            json!({"type": "negative_binomial"}),
            Family::NegativeBinomial,
            vec![0.6],
            vec![0.5],
            Some(mu + 0.5 * mu * mu),
        ),
        (
            json!({"type": "zero_inflated_poisson"}),
            Family::ZeroInflatedPoisson,
            vec![0.6, -0.8],
            vec![],
            Some(inflated(0.0)),
        ),
        (
            json!({"type": "zero_inflated_negative_binomial"}),
            Family::ZeroInflatedNegativeBinomial,
            vec![0.6, -0.8],
            vec![0.5],
            Some(inflated(0.5)),
        ),
        (
            json!({"type": "censored", "lower": -0.5, "upper": 1.5}),
            Family::Censored { lower: Some(-0.5), upper: Some(1.5) },
            vec![0.7],
            vec![1.8],
            None,
        ),
        (
            json!({"type": "binomial", "link": "logit", "trials": "trials"}),
            Family::Binomial { link: Link::Logit },
            vec![0.4],
            vec![],
            Some(6.0 * p(0.4) * p(-0.4)),
        ),
        (
            json!({"type": "binomial", "link": "probit", "trials": "trials"}),
            Family::Binomial { link: Link::Probit },
            vec![-0.3],
            vec![],
            None,
        ),
    ]
}

#[test]
fn every_family_has_its_moments() {
    let mut s = Spec::default();
    for (i, (json, _, eta, aux, _)) in families().into_iter().enumerate() {
        let predictors = eta.iter().map(|e| vec![intercept(s.free("eta", *e))]).collect();
        let auxiliary = aux.iter().map(|a| s.free("aux", *a)).collect();
        s.outcome(&format!("y{i}"), WITHIN, json, predictors, auxiliary);
    }
    let mut case = Case::new("families", s, Shape::Rows(ROWS));
    (0..families().len()).for_each(|i| {
        case.column_mut(&format!("y{i}")).iter_mut().for_each(|y| *y = if y.is_nan() { 1.0 } else { *y })
    });
    let drawn = drawn(&mut case, 2);
    for (i, (json, family, eta, aux, variance)) in families().into_iter().enumerate() {
        let name = json["type"].as_str().unwrap();
        let y = numbers(of(&drawn, "outcomes", &format!("y{i}")));
        assert_mean(name, &y, family.mean(6.0, &eta, &aux));
        if let Some(want) = variance {
            let squares: Vec<f64> = y.iter().map(|v| (v - mean(&y)) * (v - mean(&y))).collect();
            assert_mean(&format!("{name}, squared deviations"), &squares, want);
        }
        // P(y = 1) in the data against the density
        let share: Vec<f64> = y.iter().map(|v| f64::from(u8::from(*v == 1.0))).collect();
        if !matches!(family, Family::Gaussian | Family::Censored { .. }) {
            assert_mean(&format!("{name}, share of 1"), &share, family.log_density(1.0, 6.0, &eta, &aux).exp());
        }
    }
}

#[test]
fn missing_values_stay_missing() {
    let mut case = linear_mixed_model();
    let missing: Vec<bool> = case.column("y").iter().map(|v| v.is_nan()).collect();
    assert!(missing.contains(&true));
    drawn(&mut case, 5);
    assert_eq!(missing, case.column("y").iter().map(|v| v.is_nan()).collect::<Vec<_>>());
}

#[test]
fn the_same_seed_draws_the_same_data() {
    let mut case = linear_mixed_model();
    let (a, b, c) = (drawn(&mut case, 5), drawn(&mut case, 5), drawn(&mut case, 6));
    let text = |v: &Value| format!("{v:?}");
    assert_eq!(text(&a), text(&b));
    assert_ne!(text(&a), text(&c));
}

#[test]
fn random_effects_and_residuals_have_their_covariances() {
    let s = between_outcomes().spec;
    let truth = |name: &str| {
        let k = s.parameters.iter().position(|p| p["name"] == name).unwrap();
        s.truth[k]
    };
    let mut case = Case::new("many clusters", s.clone(), Shape::Clusters(8000));
    let drawn = drawn(&mut case, 3);
    let cluster = case.data.cluster.clone().unwrap();
    let first: Vec<usize> = (0..8000)
        .scan(0, |row, j| {
            while cluster[*row] != j {
                *row += 1;
            }
            Some(*row)
        })
        .collect();
    let by_cluster = |table: &str, name: &str| -> Vec<f64> {
        let v = numbers(of(&drawn, table, name));
        for (row, &j) in cluster.iter().enumerate() {
            assert_eq!(v[row], v[first[j]], "{name} differs within cluster {j}");
        }
        first.iter().map(|&r| v[r]).collect()
    };
    let (a, b, w) = (by_cluster("latents", "a"), by_cluster("latents", "b"), case.column("w"));
    let products = |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(x, y)| x * y).collect() };
    assert_mean("a~~a", &products(&a, &a), truth("a~~a"));
    assert_mean("b~~b", &products(&b, &b), truth("b~~b"));
    assert_mean("a~~b", &products(&a, &b), truth("a~~b"));
    let residual = |name: &str, effect: &str, latent: &[f64]| -> Vec<f64> {
        let y = by_cluster("outcomes", name);
        (0..8000)
            .map(|j| {
                y[j] - truth(&format!("{name}~1"))
                    - truth(&format!("{name}~{effect}")) * latent[j]
                    - truth(&format!("{name}~w")) * w[first[j]]
            })
            .collect()
    };
    let (p, q) = (residual("p", "a", &a), residual("q", "b", &b));
    assert_mean("p~~p", &products(&p, &p), truth("p~~p"));
    assert_mean("q~~q", &products(&q, &q), truth("q~~q"));
    assert_mean("p~~q", &products(&p, &q), truth("p~~q"));
}

#[test]
fn a_refit_recovers_the_parameters() {
    let mut s = Spec::default();
    let (a, b) = (s.free("c#1~1", -0.3), s.free("c#1~x", 0.8));
    s.class("c", WITHIN, vec![vec![intercept(a), slope(b, "x")]]);
    for i in 0..5 {
        let a = s.by(&format!("u{i}~1"), &["c"], &[1.4 - 0.1 * i as f64, -1.2]);
        s.item(&format!("u{i}"), vec![intercept(a)]);
    }
    let (m, v) = (s.by("y~1", &["c"], &[1.0, -0.6]), s.positive("y~~y", 1.1));
    s.gaussian("y", vec![intercept(m)], v);
    let case = Case::new("latent classes with a covariate", s, Shape::Rows(1500));
    let mut options: serde_json::Value = serde_json::from_str(&options_with(1, 1, 1, "observed")).unwrap();
    options["start_values"] = json!(case.spec.truth);
    let fit = mlmix_engine::fit(&case.json(), case.data.clone(), &options.to_string(), &Silent).unwrap();
    let (estimate, error) = (numbers(fit.get("estimate").unwrap()), numbers(fit.get("std_error").unwrap()));
    let mut squares = 0.0;
    for ((e, se), (t, p)) in estimate.iter().zip(&error).zip(case.spec.truth.iter().zip(&case.spec.parameters)) {
        let z = (e - t) / se;
        assert!(z.abs() < 4.0, "{}: {e} (standard error {se}) instead of {t}", p["name"]);
        squares += z * z;
    }
    let n = estimate.len() as f64;
    // standard errors of the right size: Σ z² is near its degrees of freedom
    assert!(squares > 0.2 * n && squares < 2.5 * n, "Σ z² = {squares} for {n} parameters");
}
