//! Maxima on the boundary of the parameter space are legitimate: they converge, are named, and leave the other parameters alone.

mod common;

use common::builder::*;
use common::{numbers, options_with, Case, Shape};
use mlmix_engine::em::problem::Silent;
use mlmix_engine::result::Value;
use mlmix_engine::rng::Stream;
use serde_json::json;

fn fit(case: &Case) -> Value {
    mlmix_engine::fit(&case.json(), case.data.clone(), &options_with(1, 1, 1, "observed"), &Silent).unwrap()
}

fn log_likelihood(fit: &Value) -> f64 {
    fit.get("log_likelihood").and_then(Value::as_f64).unwrap()
}

/// Converged, with exactly these parameters at the boundary and standard errors for all others.
fn check(case: &Case, fit: &Value, boundary: &[&str]) {
    let convergence = fit.get("convergence").unwrap();
    assert_eq!(convergence.get("status"), Some(&Value::Text("converged".into())), "{}: {convergence:?}", case.name);
    let Some(Value::Texts(status)) = fit.get("status") else { panic!("no status") };
    let errors = numbers(fit.get("std_error").unwrap());
    for ((p, status), error) in case.spec.parameters.iter().zip(status).zip(errors) {
        let name = p["name"].as_str().unwrap();
        let expected = if boundary.contains(&name) { "boundary" } else { "free" };
        assert_eq!(status, expected, "{}: {name}", case.name);
        assert_eq!(error.is_nan(), expected == "boundary", "{}: standard error of {name}", case.name);
    }
}

fn counts(name: &'static str, family: &str, y: Vec<f64>) -> Case {
    let mut s = Spec::default();
    let a = s.free("n~1", 0.7);
    let mut predictors = vec![vec![intercept(a)]];
    let mut auxiliary = vec![];
    if family.starts_with("zero") {
        let z = s.free("n^zero~1", -1.0);
        predictors.push(vec![intercept(z)]);
    }
    if family.ends_with("negative_binomial") {
        auxiliary.push(s.positive("n^disp", 0.3));
    }
    s.outcome("n", WITHIN, json!({"type": family}), predictors, auxiliary);
    let mut case = Case::new(name, s, Shape::Rows(y.len()));
    *case.column_mut("n") = y;
    case
}

/// Less spread than a Poisson variable: the dispersion is 0 and the rest is the Poisson fit.
#[test]
fn under_dispersed_counts() {
    let y: Vec<f64> = (0..200).map(|r| 1.0 + (r % 3) as f64).collect();
    let (poisson, case) =
        (fit(&counts("Poisson", "poisson", y.clone())), counts("negative binomial", "negative_binomial", y));
    let negative_binomial = fit(&case);
    check(&case, &negative_binomial, &["n^disp"]);
    assert!((log_likelihood(&negative_binomial) - log_likelihood(&poisson)).abs() < 0.01);
    let (a, b) = (numbers(negative_binomial.get("estimate").unwrap()), numbers(poisson.get("estimate").unwrap()));
    assert!((a[0] - b[0]).abs() < 1e-4, "{} and {}", a[0], b[0]);
}

/// No zeros at all: the extra-zero logit is held at its limit.
#[test]
fn no_excess_of_zeros() {
    let y: Vec<f64> = (0..200).map(|r| 1.0 + (r % 4) as f64).collect();
    let (poisson, case) =
        (fit(&counts("Poisson", "poisson", y.clone())), counts("zero-inflated Poisson", "zero_inflated_poisson", y));
    let inflated = fit(&case);
    check(&case, &inflated, &["n^zero~1"]);
    assert!((log_likelihood(&inflated) - log_likelihood(&poisson)).abs() < 0.01);
}

/// y1 and y2 correlate with y0 so strongly, and so little with each other, that y0's residual variance wants to be negative.
#[test]
fn heywood_case() {
    let mut s = Spec::default();
    s.latent("f", WITHIN, vec![], constant(1.0));
    for i in 0..3 {
        let (a, l, v) =
            (s.free(&format!("y{i}~1"), 0.0), s.free(&format!("y{i}~f"), 0.8), s.positive(&format!("y{i}~~y{i}"), 0.5));
        s.gaussian(&format!("y{i}"), vec![intercept(a), loading(l, "f")], v);
    }
    let mut case = Case::new("Heywood case", s, Shape::Rows(300));
    let mut rng = Stream::new(4, 4);
    let rows: Vec<[f64; 3]> = (0..300)
        .map(|_| {
            let (f, g) = (rng.normal(), rng.normal());
            [f + g, f + 0.7 * rng.normal(), g + 0.1 * f + 0.7 * rng.normal()]
        })
        .collect();
    (0..3).for_each(|i| *case.column_mut(&format!("y{i}")) = rows.iter().map(|r| r[i]).collect());
    let result = fit(&case);
    check(&case, &result, &["y0~~y0"]);
    // the others are at their maximum: y0 has its sample mean, and its variance is all loading
    let estimate = numbers(result.get("estimate").unwrap());
    let mean = rows.iter().map(|r| r[0]).sum::<f64>() / 300.0;
    let variance = rows.iter().map(|r| (r[0] - mean) * (r[0] - mean)).sum::<f64>() / 300.0;
    assert!(
        (estimate[0] - mean).abs() < 1e-3 && (estimate[1] * estimate[1] - variance).abs() < 0.01 * variance,
        "{estimate:?}"
    );
}

/// An item that everybody in a class solves: its logit is held at 15.
#[test]
fn an_item_without_failures() {
    let mut s = Spec::default();
    for i in 0..2 {
        let a = s.free(&format!("u{i}~1"), 0.5);
        s.item(&format!("u{i}"), vec![intercept(a)]);
    }
    let mut case = Case::new("item without failures", s, Shape::Rows(100));
    case.column_mut("u1").fill(1.0);
    let result = fit(&case);
    check(&case, &result, &["u1~1"]);
    assert_eq!(numbers(result.get("estimate").unwrap())[1], 15.0);
}

/// Clusters more alike than chance: the random-intercept variance is 0 and the rest is the fit without it.
#[test]
fn a_random_intercept_without_variance() {
    let mut s = Spec::default();
    let v = s.positive("y@id~~y@id", 0.5);
    s.latent("y@id", BETWEEN, vec![], v);
    let (m, v) = (s.free("y~1", 0.0), s.positive("y~~y", 1.0));
    s.gaussian("y", vec![intercept(m), loading(constant(1.0), "y@id")], v);
    let mut case = Case::new("no variance between clusters", s, Shape::Rows(80));
    case.data.cluster = Some((0..80).map(|r| r / 4).collect());
    *case.column_mut("y") = (0..80).map(|r| (r % 4) as f64).collect();
    let result = fit(&case);
    check(&case, &result, &["y@id~~y@id"]);
    let estimate = numbers(result.get("estimate").unwrap());
    assert!(
        estimate[0].abs() < 1e-6 && (estimate[1] - 1.5).abs() < 1e-6 && (estimate[2] - 1.25).abs() < 1e-6,
        "{estimate:?}"
    );
}

/// A bound on a variance holds, alone or in a block with covariances.
#[test]
fn bounds_on_variances_hold() {
    for correlated in [false, true] {
        let mut s = Spec::default();
        for name in ["a", "b"] {
            let v = s.positive(&format!("{name}~~{name}"), 0.3);
            s.parameters[index(&v)]["lower"] = json!(2.0);
            let m = s.free(&format!("{name}~1"), 0.0);
            s.latent(name, BETWEEN, vec![intercept(m)], v);
        }
        if correlated {
            let c = s.free("a~~b", 0.0);
            s.covariance("a", "b", c);
        }
        let v = s.positive("y~~y", 1.0);
        s.gaussian("y", vec![loading(constant(1.0), "a"), term(constant(1.0), Some("x"), &["b"])], v);
        let case = Case::new("bounded variances", s, Shape::Clusters(60));
        let result = fit(&case);
        let estimate = numbers(result.get("estimate").unwrap());
        assert!(estimate[0] >= 2.0 - 1e-8 && estimate[2] >= 2.0 - 1e-8, "correlated {correlated}: {estimate:?}");
    }
}

/// A bound holds for the parameter that a linear constraint would eliminate as well.
#[test]
fn bounds_hold_under_linear_constraints() {
    for bounded in 0..2 {
        let mut s = Spec::default();
        let mut means = vec![];
        for i in 0..2 {
            let (m, v) = (s.free(&format!("y{i}~1"), i as f64), s.positive(&format!("y{i}~~y{i}"), 1.0));
            s.gaussian(&format!("y{i}"), vec![intercept(m.clone())], v);
            means.push(m);
        }
        s.parameters[index(&means[bounded])]["upper"] = json!(-0.5);
        s.constraint(&[(&means[0], 1.0), (&means[1], 1.0)], 1.0);
        let case = Case::new("bounds and a constraint", s, Shape::Rows(100));
        let estimate = numbers(fit(&case).get("estimate").unwrap());
        let (a, b) = (estimate[index(&means[0])], estimate[index(&means[1])]);
        assert!((a + b - 1.0).abs() < 1e-8, "{a} + {b}");
        assert!([a, b][bounded] <= -0.5 + 1e-8, "mean {bounded} is {}", [a, b][bounded]);
    }
}

/// y on x with a random intercept and slope in clusters; `equal`: of one variance, which makes the block a natural one.
fn intercept_and_slope(name: &'static str, equal: bool, correlation: f64) -> Case {
    let mut s = Spec::default();
    let v = s.positive("y@id~~y@id", 1.0);
    let w = if equal { v.clone() } else { s.positive("y.x@id~~y.x@id", 1.0) };
    s.latent("y@id", BETWEEN, vec![], v);
    s.latent("y.x@id", BETWEEN, vec![], w);
    let c = s.free("y@id~~y.x@id", correlation);
    s.covariance("y@id", "y.x@id", c);
    let (m, b, v) = (s.free("y~1", 0.5), s.free("y~x", 0.3), s.positive("y~~y", 1.0));
    let random = vec![loading(constant(1.0), "y@id"), term(constant(1.0), Some("x"), &["y.x@id"])];
    s.gaussian("y", [vec![intercept(m), slope(b, "x")], random].concat(), v);
    Case::new(name, s, Shape::Clusters(80))
}

fn evaluated(case: &Case, parameters: &[f64]) -> f64 {
    mlmix_engine::evaluate(&case.json(), case.data.clone(), &options_with(1, 1, 1, "none"), parameters, &Silent)
        .unwrap()
        .get("log_likelihood")
        .and_then(Value::as_f64)
        .unwrap()
}

/// The score with respect to a standard deviation of 0 is 0 whatever the data say: such a start must be left.
#[test]
fn a_variance_started_at_zero_is_left() {
    let case = intercept_and_slope("started at zero", false, 0.2);
    let usual = fit(&case);
    let mut options: serde_json::Value = serde_json::from_str(&options_with(1, 1, 1, "observed")).unwrap();
    options["start_values"] = json!([0.0, 0.0, 0.0, 0.5, 0.3, 1.0]);
    let lifted = mlmix_engine::fit(&case.json(), case.data.clone(), &options.to_string(), &Silent).unwrap();
    assert!((log_likelihood(&usual) - log_likelihood(&lifted)).abs() < 1e-6);
    assert!(numbers(lifted.get("estimate").unwrap())[0] > 0.1);
    check(&case, &lifted, &[]);
}

/// A singular covariance matrix is admissible, also where rounding made it indefinite; one that is indefinite is not.
#[test]
fn singular_matrices_survive_rounding() {
    for equal in [false, true] {
        let case = intercept_and_slope("rounded", equal, 0.5);
        let values = |c: f64| if equal { vec![0.7, c, 0.5, 0.3, 1.0] } else { vec![0.7, 0.7, c, 0.5, 0.3, 1.0] };
        let inside = evaluated(&case, &values(0.7 * (1.0 - 1e-6)));
        for outside in [1.0, 1.0 + 1e-10, 1.0 + 1e-8] {
            let at = evaluated(&case, &values(0.7 * outside));
            assert!((at - inside).abs() < 1e-3, "equal {equal}, {outside}: {at} instead of {inside}");
        }
        let options = options_with(1, 1, 1, "none");
        let beyond = mlmix_engine::evaluate(&case.json(), case.data.clone(), &options, &values(0.71), &Silent);
        let refused = beyond.is_err()
            || beyond.is_ok_and(|v| v.get("log_likelihood").and_then(Value::as_f64) == Some(f64::NEG_INFINITY));
        assert!(refused, "equal {equal}");
    }
}

/// Intercept and slope are one random effect: the maximum has correlation 1 and is that of one effect u (1 + λ x).
#[test]
fn a_correlation_of_one_converges_and_is_named() {
    let mut case = intercept_and_slope("correlation of one", false, 0.5);
    let cluster = case.data.cluster.clone().unwrap();
    let x = case.column("x").to_vec();
    let mut rng = Stream::new(3, 1);
    let u: Vec<f64> = (0..80).map(|_| rng.normal()).collect();
    *case.column_mut("y") = (0..x.len()).map(|r| 0.5 + u[cluster[r]] * (1.0 + 0.6 * x[r]) + rng.normal()).collect();
    let result = fit(&case);
    check(&case, &result, &["y@id~~y.x@id"]);
    let e = numbers(result.get("estimate").unwrap());
    assert!((e[2] / (e[0] * e[1]).sqrt() - 1.0).abs() < 1e-6, "{e:?}");
    let mut s = Spec::default();
    let v = s.positive("u~~u", 1.0);
    s.latent("u", BETWEEN, vec![], v);
    let l = s.free("y~u.x", 0.5);
    let (m, b, v) = (s.free("y~1", 0.5), s.free("y~x", 0.3), s.positive("y~~y", 1.0));
    let random = vec![loading(constant(1.0), "u"), term(l, Some("x"), &["u"])];
    s.gaussian("y", [vec![intercept(m), slope(b, "x")], random].concat(), v);
    let mut one = Case::new("one effect", s, Shape::Clusters(80));
    one.data = case.data.clone();
    assert!((log_likelihood(&result) - log_likelihood(&fit(&one))).abs() < 1e-6);
}

/// y = (1 + x) u + e, with `apart` random effects of intercept and slope that have equal variances and a free covariance.
fn line_of_one_effect(apart: bool) -> Case {
    let mut s = Spec::default();
    let (a, b, v) = (s.free("y~1", 0.0), s.free("y~x", 0.0), s.free("y~~y", 1.0));
    let w = s.free("variance", 0.7);
    s.latent("u", BETWEEN, vec![], w.clone());
    if apart {
        s.latent("v", BETWEEN, vec![], w);
        let c = s.free("covariance", 0.2);
        s.covariance("v", "u", c);
    }
    let slope_effect = if apart { "v" } else { "u" };
    let effects = [loading(constant(1.0), "u"), term(constant(1.0), Some("x"), &[slope_effect])];
    s.gaussian("y", [intercept(a), slope(b, "x")].into_iter().chain(effects).collect(), v);
    let mut case = Case::new(if apart { "two effects" } else { "one effect" }, s, Shape::Rows(480));
    case.data.cluster = Some((0..480).map(|r| r / 6).collect());
    let x = case.column_mut("x").clone();
    let mut rng = Stream::new(3, 3);
    let u: Vec<f64> = (0..80).map(|_| rng.normal()).collect();
    *case.column_mut("y") = (0..480).map(|r| u[r / 6] * (1.0 + x[r]) + rng.normal()).collect();
    case
}

/// Items of one factor, with `apart` of two standardised factors with a free correlation.
fn items_of_one_factor(apart: bool) -> Case {
    let mut s = Spec::default();
    s.latent("f", WITHIN, vec![], constant(1.0));
    if apart {
        s.latent("g", WITHIN, vec![], constant(1.0));
        let r = s.free("correlation", 0.3);
        s.covariance("g", "f", r);
    }
    for i in 0..8 {
        let (a, l) = (s.free(&format!("u{i}~1"), 0.0), s.free(&format!("u{i}~f"), 1.0));
        s.item(&format!("u{i}"), vec![intercept(a), loading(l, if apart && i >= 4 { "g" } else { "f" })]);
    }
    let mut case = Case::new(if apart { "two factors" } else { "one factor" }, s, Shape::Rows(600));
    let mut rng = Stream::new(3, 8);
    let f: Vec<f64> = (0..600).map(|_| rng.normal()).collect();
    for i in 0..8 {
        *case.column_mut(&format!("u{i}")) =
            f.iter().map(|f| f64::from(u8::from(1.2 * f + 1.8 * rng.normal() > 0.0))).collect();
    }
    case
}

/// Matrices with equal or fixed entries are estimated as they are; their correlations of 1 are boundaries as well.
#[test]
fn correlations_of_one_in_restricted_matrices() {
    for (apart, together, boundary, tolerance) in [
        (line_of_one_effect(true), line_of_one_effect(false), vec!["variance", "covariance"], 1e-4),
        // two dimensions of integration against one
        (items_of_one_factor(true), items_of_one_factor(false), vec!["correlation"], 0.02),
    ] {
        let (one, two) = (fit(&together), fit(&apart));
        check(&apart, &two, &boundary);
        let (a, b) = (log_likelihood(&two), log_likelihood(&one));
        assert!((a - b).abs() < tolerance, "{}: {a} and {b}", apart.name);
    }
}

/// Value, gradient and curvature of the barrier alone, as differences see them.
#[test]
fn the_barrier_has_the_derivatives_it_says() {
    for case in [line_of_one_effect(true), items_of_one_factor(true)] {
        let plain = case.prepared();
        let mut guarded = plain.space.clone();
        guarded.barrier.weight = 0.7;
        let barrier = &guarded.barrier;
        let n = case.spec.parameters.len();
        let at: Vec<f64> = (0..n).map(|p| 0.9 - 0.5 * f64::from(u8::from(p + 1 == n)) + 0.01 * p as f64).collect();
        let names: Vec<&str> = case.spec.parameters.iter().map(|p| p["name"].as_str().unwrap()).collect();
        let get = |v: &[f64], name: &str| names.iter().position(|n| *n == name).map_or(1.0, |p| v[p]);
        let covariance = if names.contains(&"covariance") { "covariance" } else { "correlation" };
        let log_det = |v: &[f64]| 0.7 * (get(v, "variance").powi(2) - get(v, covariance).powi(2)).ln();
        assert!((barrier.value(&at) - log_det(&at)).abs() < 1e-12, "{}", case.name);
        let mut information = vec![0.0; n * n];
        barrier.add_information(&at, &mut information);
        let gradient = |v: &[f64]| {
            let mut g = vec![0.0; n];
            barrier.add_gradient(v, &mut g);
            g
        };
        let moved = |p: usize, step: f64| {
            let mut v = at.clone();
            v[p] += step;
            v
        };
        let g = gradient(&at);
        for p in 0..n {
            let h = 1e-5;
            let (up, down) = (moved(p, h), moved(p, -h));
            let slope = (barrier.value(&up) - barrier.value(&down)) / (2.0 * h);
            assert!((g[p] - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{}: {} {slope}", names[p], g[p]);
            for (q, (a, b)) in gradient(&up).into_iter().zip(gradient(&down)).enumerate() {
                let curvature = (b - a) / (2.0 * h);
                let own = information[p * n + q];
                assert!((own - curvature).abs() < 1e-5 * (1.0 + curvature.abs()), "{}: {own} {curvature}", names[p]);
            }
        }
    }
}

/// A class in which everybody solves an item: whatever the link, its logit or probit ends at the limit, and not where the
/// climb has nothing left to gain.
#[test]
fn items_without_failures_in_a_class() {
    for (link, limit) in [("logit", 15.0), ("probit", 6.0)] {
        let mut s = Spec::default();
        let c = s.free("c#1~1", 0.0);
        s.class("c", WITHIN, vec![vec![intercept(c)]]);
        for i in 0..5 {
            let a = s.by(&format!("u{i}~1"), &["c"], &[1.2, -1.2]);
            let family = json!({"type": "bernoulli", "link": link});
            s.outcome(&format!("u{i}"), WITHIN, family, vec![vec![intercept(a)]], vec![]);
        }
        let mut case = Case::new("item without failures in a class", s, Shape::Rows(400));
        let mut rng = Stream::new(12, 0);
        let class: Vec<bool> = (0..400).map(|_| rng.uniform() < 0.5).collect();
        for i in 0..5 {
            let solved = |high: &bool, u: f64| if *high { i == 0 || u < 0.85 } else { u < 0.15 };
            *case.column_mut(&format!("u{i}")) =
                class.iter().map(|h| f64::from(u8::from(solved(h, rng.uniform())))).collect();
        }
        let result = fit(&case);
        check(&case, &result, &["u0~1[0]"]);
        let at = case.spec.parameters.iter().position(|p| p["name"] == "u0~1[0]").unwrap();
        assert_eq!(numbers(result.get("estimate").unwrap())[at], limit, "{link}");
    }
}
