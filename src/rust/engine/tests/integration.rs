//! Analytic integration agrees with adaptive quadrature over every latent dimension; closed-form maxima are found.

mod common;

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

/// Log-likelihood at the true parameters, nodes adapted; every dimension numeric, or as planned.
fn adapted(case: &Case, all_numeric: bool, points: usize) -> f64 {
    let p = case.prepared();
    let (model, sample) = (p.program.model.clone(), p.program.sample.clone());
    let plan = if all_numeric { Plan::all_numeric(&model) } else { Plan::new(&model) }.unwrap();
    let rule = |level| build(Method::GaussHermite, points, plan.count(level, How::Numeric), 1, 1_000_000).unwrap();
    let (between, within) = (rule(Level::Between), rule(Level::Within));
    let node_plan = NodePlan { between_nodes: between.n_nodes, within_nodes: within.n_nodes, adaptive: true };
    let program = Program::new(model, plan, sample, node_plan).unwrap();
    let mut nodes = Nodes { between: NodeSet::new(&between), within: NodeSet::new(&within) };
    let working = program.working.to_working(&case.spec.truth).unwrap();
    for _ in 0..10 {
        let e = evaluate(&program, &nodes, &working, Want { moments: true, ..Want::default() });
        nodes.between.adapt(Some(&e.between_moments));
        nodes.within.adapt(Some(&e.within_moments));
    }
    evaluate(&program, &nodes, &working, Want::default()).log_likelihood
}

/// Whether the plan integrates a dimension analytically.
fn is_analytic(case: &Case) -> bool {
    case.prepared().program.plan.dimensions.iter().any(|d| d.how == How::Analytic)
}

fn agree(case: &Case) {
    let (planned, numeric) = (adapted(case, false, 13), adapted(case, true, 13));
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
