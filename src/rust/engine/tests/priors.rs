//! Normal priors: in the objective, its gradient and its information, for every test model; refused where meaningless.

mod common;

use common::{all_cases, near_truth, options_with, Case};
use mlmix_engine::em::problem::{Problem, Silent};
use mlmix_engine::fit::Prepared;
use mlmix_engine::optim::{Objective, Value};
use mlmix_engine::rng::Stream;
use serde_json::{json, Value as Json};

/// Parameters of a coefficient.
fn indices(coefficient: &Json) -> Vec<usize> {
    let one = coefficient["parameter"].as_u64().into_iter();
    let many = coefficient["parameters"].as_array().into_iter().flatten().filter_map(Json::as_u64);
    one.chain(many).map(|p| p as usize).collect()
}

/// Parameters of variances, covariances and dispersions.
fn scales(case: &Case) -> Vec<usize> {
    let spec = &case.spec;
    let latents = spec.latents.iter().map(|l| &l["variance"]);
    let pairs = spec.covariances.iter().map(|c| &c["value"]);
    let not_ordinal = spec.outcomes.iter().filter(|o| o["family"]["type"] != "ordinal");
    let residuals = not_ordinal.flat_map(|o| o["auxiliary"].as_array().into_iter().flatten());
    latents.chain(pairs).chain(residuals).flat_map(indices).collect()
}

/// The prior (mean, sd) of parameter p in these tests.
fn prior(p: usize) -> (f64, f64) {
    (0.3 - 0.1 * p as f64, 0.5 + 0.2 * (p % 4) as f64)
}

/// The case with a prior on every parameter that may have one, and these parameters.
fn with_priors(case: &Case) -> (Case, Vec<usize>) {
    let (mut case, scales) = (case.clone(), scales(case));
    let free = |p: &usize| case.spec.parameters[*p]["free"] == true && !scales.contains(p);
    let used: Vec<usize> = (0..case.spec.parameters.len()).filter(free).collect();
    for &p in &used {
        let (mean, sd) = prior(p);
        case.spec.parameters[p]["prior"] = json!({"mean": mean, "sd": sd});
    }
    (case, used)
}

fn value(p: &Prepared, x: &[f64]) -> Value {
    Problem::new(&p.program, &p.space, &p.nodes, &Silent).evaluate(x, true)
}

#[test]
fn priors_enter_objective_gradient_and_information() {
    for case in all_cases() {
        let (penalised, used) = with_priors(&case);
        let (plain, p) = (case.prepared(), penalised.prepared());
        let mut rng = Stream::new(99, 0);
        let x = (0..12).map(|_| near_truth(&case, &plain, &mut rng, 0.15)).find(|x| value(&plain, x).f.is_finite());
        let x = x.unwrap();
        let working = p.space.to_working(&x);
        let density = |working: &[f64]| -> f64 {
            let one = |&k: &usize| {
                let (mean, sd) = prior(k);
                (-0.5 * ((working[k] - mean) / sd).powi(2)).exp() / (sd * (2.0 * std::f64::consts::PI).sqrt())
            };
            used.iter().map(|k| one(k).ln()).sum()
        };
        let (before, after) = (value(&plain, &x), value(&p, &x));
        assert!((after.f - before.f - density(&working)).abs() < 1e-9 * before.f.abs(), "{}", case.name);
        let n = x.len();
        let at = |i: usize, step: f64| {
            let mut moved = x.clone();
            moved[i] += step;
            density(&p.space.to_working(&moved))
        };
        let (with, without) = (after.scaling.unwrap(), before.scaling.unwrap());
        for i in 0..n {
            let h = 1e-4;
            let slope = (at(i, h) - at(i, -h)) / (2.0 * h);
            let gained = after.gradient[i] - before.gradient[i];
            assert!((gained - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{}: {gained} {slope}", case.name);
            let curvature = -(at(i, h) - 2.0 * at(i, 0.0) + at(i, -h)) / (h * h);
            let gained = with[i * n + i] - without[i * n + i];
            assert!((gained - curvature).abs() < 1e-4 * (1.0 + curvature), "{}: {gained} {curvature}", case.name);
        }
    }
}

/// With a prior so narrow that the data say nothing, the estimate is its mean and its error the prior's.
#[test]
fn a_narrow_prior_decides_and_is_not_in_the_log_likelihood() {
    let mut case = common::single_level::cases().into_iter().next().unwrap();
    let p = with_priors(&case).1[0];
    let options = options_with(1, 1, 1, "observed");
    let number = |v: &mlmix_engine::result::Value, name: &str| v.get(name).and_then(|v| v.as_f64()).unwrap();
    let free = mlmix_engine::fit(&case.json(), case.data.clone(), &options, &Silent).unwrap();
    case.spec.parameters[p]["prior"] = json!({"mean": 0.2, "sd": 1e-4});
    let fit = mlmix_engine::fit(&case.json(), case.data.clone(), &options, &Silent).unwrap();
    let of = |v: &mlmix_engine::result::Value, name: &str| common::numbers(v.get(name).unwrap())[p];
    assert!((of(&fit, "estimate") - 0.2).abs() < 1e-5);
    assert!((of(&fit, "std_error") / 1e-4 - 1.0).abs() < 1e-3);
    assert!(number(&fit, "log_likelihood") < number(&free, "log_likelihood"));
    assert_eq!(number(&free, "log_prior"), 0.0);
    let top = -(1e-4_f64 * (2.0 * std::f64::consts::PI).sqrt()).ln();
    assert!((number(&fit, "log_prior") - top).abs() < 1e-2);
}

#[test]
fn impossible_priors_are_refused() {
    let case = common::two_level::cases().into_iter().find(|c| !c.spec.latents.is_empty()).unwrap();
    let refused = |p: usize, prior: Json| {
        let mut spec = case.spec.json();
        spec["parameters"][p]["prior"] = prior;
        mlmix_engine::spec::parse(&spec.to_string(), &case.data.columns.names).unwrap_err().to_string()
    };
    let coefficient = with_priors(&case).1[0];
    assert!(refused(coefficient, json!({"mean": 0.0, "sd": 0.0})).contains("sd above 0"));
    assert!(refused(coefficient, json!({"mean": 0.0})).contains("sd"));
    let variance = scales(&case)[0];
    assert!(refused(variance, json!({"mean": 0.0, "sd": 1.0})).contains("variance"));
}
