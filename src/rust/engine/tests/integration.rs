//! Analytic integration agrees with fine quadrature over every latent dimension; closed-form maxima are found.

mod common;

use common::builder::*;
use common::closed_form::solved;
use common::two_level::residual_covariance_by_class_with_random_intercept;
use common::{all_cases, numbers, options_with, Case};
use mlmix_engine::compiled::plan::{How, Plan};
use mlmix_engine::compiled::{NodePlan, Program};
use mlmix_engine::em::problem::Silent;
use mlmix_engine::likelihood::nodes::{NodeSet, Nodes};
use mlmix_engine::likelihood::{evaluate, Want};
use mlmix_engine::quadrature::{build, Method};
use mlmix_engine::result::Value;
use mlmix_engine::spec::Level;

const DIMENSIONS: usize = 3;

/// Log-likelihood at the true parameters on a fine common grid; every dimension numeric, or as planned.
fn on_grid(case: &Case, all_numeric: bool) -> f64 {
    let p = case.prepared();
    let (model, sample) = (p.program.model.clone(), p.program.sample.clone());
    let plan = if all_numeric { Plan::all_numeric(&model) } else { Plan::new(&model) }.unwrap();
    let points = if plan.dimensions.len() <= 2 { 61 } else { 31 };
    let rule = |level| build(Method::GaussHermite, points, plan.count(level, How::Numeric), 1, 1_000_000).unwrap();
    let (between, within) = (rule(Level::Between), rule(Level::Within));
    let node_plan =
        NodePlan { between_nodes: between.n_nodes, within_nodes: within.n_nodes, adaptive: false, grid: None };
    let program = Program::new(model, plan, sample, node_plan).unwrap();
    let nodes = Nodes { between: NodeSet::new(&between), within: NodeSet::new(&within) };
    let working = program.working.to_working(&case.spec.truth).unwrap();
    evaluate(&program, &nodes, &working, Want::default()).log_likelihood
}

/// Whether the plan integrates a dimension analytically.
fn is_analytic(case: &Case) -> bool {
    case.prepared().program.plan.dimensions.iter().any(|d| d.how == How::Analytic)
}

fn agree(case: &Case) {
    let (planned, numeric) = (on_grid(case, false), on_grid(case, true));
    assert!((planned - numeric).abs() < 1e-4, "{}: {planned} as planned, {numeric} all numeric", case.name);
}

#[test]
fn analytic_dimensions_agree_with_quadrature() {
    let cases: Vec<Case> = all_cases()
        .into_iter()
        .filter(|c| is_analytic(c) && c.prepared().program.plan.dimensions.len() <= DIMENSIONS)
        .collect();
    let names: Vec<&str> = cases.iter().map(|c| c.name).collect();
    for expected in
        ["analytic factor mixture", "linear mixed model", "random loading", "between regression", "between outcomes"]
    {
        assert!(names.contains(&expected), "{expected} is not integrated analytically; these are: {names:?}");
    }
    cases.iter().for_each(agree);
}

#[test]
fn a_class_in_a_residual_covariance_makes_the_random_intercept_numeric() {
    let case = residual_covariance_by_class_with_random_intercept();
    assert!(!is_analytic(&case));
    agree(&case);
}

#[test]
fn closed_form_maxima_are_found() {
    for (case, solution) in solved() {
        let fit = mlmix_engine::fit(&case.json(), case.data.clone(), &options_with(1, 1, 1, "observed"), &Silent)
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let log_likelihood = fit.get("log_likelihood").and_then(Value::as_f64).unwrap();
        let scale = 1.0 + solution.log_likelihood.abs();
        assert!(
            (log_likelihood - solution.log_likelihood).abs() < 1e-9 * scale,
            "{}: {log_likelihood} instead of {}",
            case.name,
            solution.log_likelihood
        );
        for (got, want) in numbers(fit.get("estimate").unwrap()).iter().zip(&solution.estimate) {
            assert!((got - want).abs() < 1e-4, "{}: {got} instead of {want}", case.name);
        }
        let status = fit.get("convergence").and_then(|c| c.get("status")).unwrap();
        assert_eq!(status, &Value::Text("converged".into()), "{}", case.name);
    }
}

/// Log-likelihood at the true parameters through the public request.
fn requested(case: &Case, method: &str, points: usize, adaptive: bool) -> f64 {
    let mut options: serde_json::Value = serde_json::from_str(&options_with(1, 1, 1, "none")).unwrap();
    options["quadrature"] = serde_json::json!({"method": method, "points": points, "adaptive": adaptive});
    mlmix_engine::evaluate(&case.json(), case.data.clone(), &options.to_string(), &case.spec.truth, &Silent)
        .unwrap_or_else(|e| panic!("{}: {e}", case.name))
        .get("log_likelihood")
        .and_then(Value::as_f64)
        .unwrap()
}

#[test]
fn every_rule_agrees_with_a_fine_grid() {
    let numeric = |c: &Case| c.prepared().program.plan.dimensions.iter().filter(|d| d.how == How::Numeric).count();
    for case in all_cases().iter().filter(|c| (1..=2).contains(&numeric(c))) {
        let p = case.prepared();
        let both_levels = p.nodes.between.dims > 0 && p.nodes.within.dims > 0;
        let fine = requested(case, "rectangular", if both_levels { 51 } else { 101 }, false);
        let mut rules = vec![
            ("gauss_hermite", 15, true, 1e-3),
            ("rectangular", 15, true, 1e-2),
            ("gauss_hermite", 31, false, 1e-2),
        ];
        if !both_levels {
            rules.push(("sobol", 2048, false, 0.1));
        }
        for (method, points, adaptive, tolerance) in rules {
            let got = requested(case, method, points, adaptive);
            assert!(
                (got - fine).abs() < tolerance,
                "{}: {method}, {points} points, adaptive {adaptive}: {got} instead of {fine}",
                case.name
            );
        }
    }
}

/// Thirty steep items: nine points of a prior cannot find posteriors this narrow, a fine grid can.
#[test]
fn few_adapted_points_find_narrow_posteriors() {
    let mut s = Spec::default();
    s.latent("f", WITHIN, vec![], constant(1.0));
    for i in 0..30 {
        let (a, l) = (s.free(&format!("u{i}~1"), 0.4 * f64::from(i) - 6.0), s.free(&format!("u{i}~f"), 6.0));
        s.item(&format!("u{i}"), vec![intercept(a), loading(l, "f")]);
    }
    let case = Case::new("steep items", s, common::Shape::Rows(100));
    let fine = requested(&case, "rectangular", 1601, false);
    for method in ["rectangular", "gauss_hermite"] {
        let got = requested(&case, method, 9, true);
        assert!((got - fine).abs() < 1.0, "{method}: {got} instead of {fine}");
    }
}

/// Units of a cluster are nearly all in one class: the class logit is a step in its random effect. The nodes of the usual
/// rule follow it, however large its variance; 401 equally spaced ones agree.
#[test]
fn nodes_follow_steep_class_logits() {
    let mut s = Spec::default();
    let v = s.positive("c@id~~c@id", 225.0);
    s.latent("c@id", BETWEEN, vec![], v);
    let a = s.free("c~1", 3.0);
    s.class("c", WITHIN, vec![vec![intercept(a), loading(constant(1.0), "c@id")]]);
    for i in 0..4 {
        let u = s.by(&format!("u{i}~1"), &["c"], &[1.5, -1.5]);
        s.item(&format!("u{i}"), vec![intercept(u)]);
    }
    let mut case = Case::new("steep class logit", s, common::Shape::Clusters(200));
    // patterns are to be shared
    for i in 0..4 {
        case.column_mut(&format!("u{i}")).iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = 0.0);
    }
    let mut options: serde_json::Value = serde_json::from_str(&options_with(1, 1, 1, "none")).unwrap();
    options["quadrature"] = serde_json::json!({"method": "auto"});
    options["start_values"] = serde_json::json!(case.spec.truth);
    let fit = mlmix_engine::fit(&case.json(), case.data.clone(), &options.to_string(), &Silent).unwrap();
    let integration = fit.get("integration").unwrap();
    let nodes = integration.get("n_nodes").and_then(Value::as_f64).unwrap();
    assert!(integration.get("error").and_then(Value::as_f64).unwrap().abs() < 5e-3, "{integration:?}");
    case.spec.truth = numbers(fit.get("estimate").unwrap());
    let (got, fine) =
        (fit.get("log_likelihood").and_then(Value::as_f64).unwrap(), requested(&case, "rectangular", 3201, false));
    assert!((got - fine).abs() < 0.01, "{got} with {nodes} nodes instead of {fine}");
}
