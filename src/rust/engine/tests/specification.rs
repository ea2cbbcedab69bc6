//! What the border refuses, and that each message names the element.

mod common;

use common::builder::*;
use common::single_level::every_family;
use common::two_level::{linear_mixed_model, residual_covariance_by_class_with_random_intercept};
use common::{options, Case, Shape};
use mlmix_engine::em::problem::Silent;
use mlmix_engine::{EngineError, RawData};
use serde_json::{json, Value};

/// The error of evaluating a changed specification at the case's true parameters.
fn refused(case: &Case, spec: &Value, data: RawData, words: &[&str]) -> EngineError {
    match mlmix_engine::evaluate(&spec.to_string(), data, &options(1), &case.spec.truth, &Silent) {
        Ok(_) => panic!("accepted, instead of a message that says {words:?}"),
        Err(e) => e,
    }
}

/// The change is refused as a specification error whose message holds all of `words`.
fn check(case: &Case, change: impl Fn(&mut Value), words: &[&str]) {
    let mut spec = case.spec.json();
    change(&mut spec);
    let error = refused(case, &spec, case.data.clone(), words);
    assert_eq!(error.kind(), "spec", "{error}");
    let message = error.to_string();
    for w in words {
        assert!(message.contains(w), "`{message}` does not say `{w}`");
    }
}

fn outcome<'a>(spec: &'a mut Value, name: &str) -> &'a mut Value {
    spec["outcomes"].as_array_mut().unwrap().iter_mut().find(|o| o["name"] == name).unwrap()
}

#[test]
fn unknown_fields_and_versions_are_refused() {
    let case = every_family();
    check(&case, |s| s["version"] = json!(2), &["version", "2", "1"]);
    check(&case, |s| s["extra"] = json!(1), &["extra"]);
    check(&case, |s| s["classes"][0]["size"] = json!(1), &["size"]);
    check(&case, |s| s["outcomes"][0]["family"]["link"] = json!("logit"), &["link"]);
    check(&case, |s| s["outcomes"][0]["predictors"][0]["terms"][0]["power"] = json!(2), &["power"]);
    check(&case, |s| s["parameters"][0]["label"] = json!("a"), &["label"]);
    check(&case, |s| s["outcomes"][1]["family"]["type"] = json!("gamma"), &["gamma"]);
    check(&case, |s| s["outcomes"][1]["family"]["link"] = json!("cloglog"), &["cloglog"]);
    check(&case, |s| s["classes"][0]["level"] = json!("middle"), &["middle"]);
    check(&case, |s| *s = json!([]), &["specification"]);
}

#[test]
fn unknown_names_are_refused() {
    let case = every_family();
    check(&case, |s| outcome(s, "logit")["column"] = json!("nowhere"), &["logit", "nowhere"]);
    check(
        &case,
        |s| outcome(s, "logit")["predictors"][0]["terms"][1]["covariate"] = json!("nowhere"),
        &["logit", "nowhere"],
    );
    check(&case, |s| outcome(s, "logit")["predictors"][0]["terms"][1]["latents"] = json!(["f"]), &["logit", "f"]);
    check(
        &case,
        |s| outcome(s, "logit")["predictors"][0]["terms"][0]["coefficient"]["by"] = json!(["k"]),
        &["logit", "k"],
    );
    check(&case, |s| outcome(s, "binlogit")["family"]["trials"] = json!("nowhere"), &["binlogit", "nowhere"]);
    check(&case, |s| s["classes"][0]["known"] = json!("nowhere"), &["c", "nowhere"]);
    check(
        &case,
        |s| s["covariances"] = json!([{"a": "gauss", "b": "logit", "value": {"constant": 0.1}}]),
        &["gauss~~logit"],
    );
}

#[test]
fn wrong_lengths_and_indices_are_refused() {
    let case = every_family();
    let n = case.spec.truth.len();
    check(&case, |s| outcome(s, "ologit")["auxiliary"].as_array_mut().unwrap().truncate(2), &["ologit", "2", "3"]);
    check(&case, |s| outcome(s, "zip")["predictors"].as_array_mut().unwrap().truncate(1), &["zip", "1", "2"]);
    check(
        &case,
        |s| outcome(s, "logit")["predictors"][0]["terms"][0]["coefficient"]["parameters"] = json!([0]),
        &["logit", "1 parameters", "2"],
    );
    check(
        &case,
        |s| outcome(s, "logit")["predictors"][0]["terms"][1]["coefficient"] = json!({"parameter": n}),
        &["logit", &n.to_string()],
    );
    check(
        &case,
        |s| outcome(s, "logit")["predictors"][0]["terms"][1]["coefficient"] = json!({"constant": 1.0, "parameter": 0}),
        &["logit", "coefficient"],
    );
    check(
        &case,
        |s| outcome(s, "logit")["predictors"][0]["terms"][1]["latents"] = json!(["f", "f", "f"]),
        &["logit", "two"],
    );
    check(&case, |s| s["classes"][0]["logits"] = json!([]), &["c", "0 logits", "2 classes"]);
    check(&case, |s| s["classes"][0]["n_classes"] = json!(0), &["c"]);
    check(
        &case,
        |s| s["constraints"] = json!([{"weights": [[n, 1.0]], "value": 0.0}]),
        &["constraints", &n.to_string()],
    );
    check(&case, |s| outcome(s, "nominal")["family"]["n_categories"] = json!(1), &["nominal", "categories"]);
    check(&case, |s| s["parameters"][0]["free"] = json!(false), &["c#1~1", "value"]);
    check(
        &case,
        |s| (s["parameters"][0]["lower"], s["parameters"][0]["upper"]) = (json!(1.0), json!(-1.0)),
        &["c#1~1", "1", "-1"],
    );
    let short = mlmix_engine::evaluate(&case.json(), case.data.clone(), &options(1), &[0.0], &Silent).unwrap_err();
    assert!(short.to_string().contains("parameters: 1 values"), "{short}");
}

#[test]
fn contradicting_constraints_are_refused() {
    let case = every_family();
    let twice = |first: f64, second: f64| json!([{"weights": [[1, 1.0], [2, 1.0]], "value": first}, {"weights": [[1, 2.0], [2, 2.0]], "value": second}]);
    check(&case, |s| s["constraints"] = twice(1.0, 3.0), &["constraint"]);
}

/// Levels: an equation of the between level cannot use what varies within clusters.
#[test]
fn the_between_level_cannot_use_the_within_level() {
    let case = residual_covariance_by_class_with_random_intercept();
    let by_class = json!({"by": ["c"], "parameters": [0, 0]});
    check(&case, |s| s["latents"][0]["variance"] = by_class.clone(), &["a", "within-level", "c"]);
    check(
        &case,
        |s| s["latents"][0]["predictor"]["terms"] = json!([{"coefficient": by_class}]),
        &["a", "within-level", "c"],
    );
}

#[test]
fn a_between_covariance_cannot_vary_by_a_within_class() {
    let mut s = linear_mixed_model().spec;
    let l = s.free("c#1~1", 0.0);
    s.class("c", WITHIN, vec![vec![intercept(l)]]);
    let case = Case::new("two effects and a class", s, Shape::Clusters(5));
    check(&case, |s| s["covariances"][0]["value"] = json!({"by": ["c"], "parameters": [2, 2]}), &["within-level", "c"]);
}

#[test]
fn a_class_cannot_depend_on_itself_through_a_latent() {
    let mut s = Spec::default();
    let m = s.free("f~1", 0.5);
    s.latent("f", WITHIN, vec![intercept(m)], constant(1.0));
    let l = s.free("c#1~1", 0.0);
    s.class("c", WITHIN, vec![vec![intercept(l), loading(constant(1.0), "f")]]);
    let a = s.by("u~1", &["c"], &[0.5, -0.5]);
    s.item("u", vec![intercept(a)]);
    let case = Case::new("class behind its own factor", s, Shape::Rows(10));
    check(
        &case,
        |s| s["latents"][0]["predictor"]["terms"][0]["coefficient"] = json!({"by": ["c"], "parameters": [0, 0]}),
        &["c", "f"],
    );
}

#[test]
fn latents_are_used_after_their_declaration() {
    let case = linear_mixed_model();
    let uses_later = json!([{"coefficient": {"constant": 1.0}, "latents": ["y.x@id"]}]);
    check(&case, |s| s["latents"][0]["predictor"]["terms"] = uses_later.clone(), &["y@id", "y.x@id"]);
}

#[test]
fn negative_fixed_variances_are_refused() {
    let case = linear_mixed_model();
    check(
        &case,
        |s| (s["covariances"], s["latents"][0]["variance"]) = (json!([]), json!({"constant": -1.0})),
        &["y@id"],
    );
}

#[test]
fn parameters_that_break_fixed_values_are_refused_or_used_throughout() {
    let mut case = every_family();
    case.spec.parameters[0] =
        json!({"name": "c#1~1", "free": false, "value": 0.3, "start": null, "lower": null, "upper": null});
    let mut values = case.spec.truth.clone();
    values[0] = 1.5;
    let Ok(result) = mlmix_engine::evaluate(&case.json(), case.data.clone(), &options(1), &values, &Silent) else {
        return;
    };
    // scores and gradient must come from one point
    let (gradient, scores) =
        (common::numbers(result.get("gradient").unwrap()), common::numbers(result.get("scores").unwrap()));
    for (k, column) in scores.chunks_exact(case.n_rows()).enumerate() {
        let sum: f64 = column.iter().sum();
        assert!((sum - gradient[k]).abs() < 1e-8 * (1.0 + sum.abs()), "coordinate {k}: {sum} and {}", gradient[k]);
    }
}

/// A change of the data that must be refused, naming the column.
fn check_data(case: &Case, column: &str, row: usize, value: f64, words: &[&str]) {
    let mut changed = case.clone();
    changed.column_mut(column)[row] = value;
    let error = refused(case, &case.spec.json(), changed.data, words);
    assert_eq!(error.kind(), "data", "{error}");
    let message = error.to_string();
    for w in words.iter().chain(&[column]) {
        assert!(message.contains(w), "`{message}` does not say `{w}`");
    }
}

#[test]
fn values_outside_the_support_are_refused() {
    let case = every_family();
    for (column, value) in [
        ("logit", 2.0),
        ("ologit", 0.0),
        ("oprobit", 4.0),
        ("nominal", 1.5),
        ("poisson", -1.0),
        ("negbin", 0.5),
        ("cens", 1.6),
        ("binlogit", 7.0),
    ] {
        check_data(&case, column, 3, value, &["row 4", &value.to_string()]);
    }
    check_data(&case, "gauss", 0, f64::INFINITY, &["row 1"]);
    check_data(&case, "x", 1, f64::NAN, &["row 2", "covariates"]);
}

#[test]
fn between_columns_are_constant_within_clusters() {
    let mut s = Spec::default();
    let (v, g) = (s.free("a~~a", 1.0), s.free("a~w", 0.4));
    s.latent("a", BETWEEN, vec![slope(g, "w")], v);
    let (m, v) = (s.free("y~1", 0.0), s.free("y~~y", 1.0));
    s.gaussian("y", vec![intercept(m), loading(constant(1.0), "a")], v);
    let (m, l) = (s.free("n~1", 0.0), s.free("n~a", 0.5));
    s.outcome(
        "n",
        BETWEEN,
        json!({"type": "binomial", "link": "logit", "trials": "trials"}),
        vec![vec![intercept(m), loading(l, "a")]],
        vec![],
    );
    let case = Case::new("between binomial", s, Shape::Clusters(6));
    check_data(&case, "w", 1, 9.0, &["varies"]);
    let other = if case.column("n")[0] == 0.0 { 1.0 } else { 0.0 };
    check_data(&case, "n", 1, other, &["varies"]);
    check_data(&case, "trials", 1, 9.0, &["varies"]);
}

#[test]
fn weights_and_clusters_are_checked() {
    let case = linear_mixed_model();
    let spec = case.spec.json();
    let with = |change: &dyn Fn(&mut RawData)| {
        let mut data = case.data.clone();
        change(&mut data);
        refused(&case, &spec, data, &[]).to_string()
    };
    let n = case.n_rows();
    assert!(with(&|d| d.unit_weights = Some(vec![-1.0; n])).contains("weights"));
    assert!(with(&|d| d.frequency = Some(vec![1.0; 2])).contains("frequency"));
    assert!(with(&|d| d.cluster_weights = Some((0..n).map(|r| r as f64).collect())).contains("cluster_weights"));
    assert!(with(&|d| d.cluster = Some(vec![1; n])).contains("gaps"));
    assert!(with(&|d| d.cluster = Some(vec![0; 2])).contains("cluster"));
    assert!(with(&|d| d.columns.values[0].truncate(1)).contains("values"));
}
