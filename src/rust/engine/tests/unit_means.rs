//! Scores of clusters, posteriors of classes and of latent variables where clusters share unit patterns, against the same
//! model that is kept from sharing: a covariate of coefficient 0 that no two rows have in common.

mod common;

use common::builder::{constant, intercept, loading, slope, Spec, BETWEEN, WITHIN};
use common::two_level::random_logits_of;
use common::{near_truth, quadrature, Case, Shape};
use mlmix_engine::compiled::Program;
use mlmix_engine::em::prepared::node_plan;
use mlmix_engine::fit::Prepared;
use mlmix_engine::inference::scores::{cluster_scores, score_squares};
use mlmix_engine::posterior::classes::{class_posteriors, ClassPosteriors};
use mlmix_engine::posterior::latents::latent_posteriors;
use mlmix_engine::rng::Stream;

const CLUSTERS: Shape = Shape::Clusters(150);

/// A Grade of Membership model with a factor behind the items; `between`: and classes of clusters behind the logit.
fn memberships(between: bool) -> Case {
    let mut s = Spec::default();
    let mut logit = vec![intercept(s.free("c#1~1", 0.2)), loading(constant(1.0), "g")];
    if between {
        let l = s.free("d#1~1", 0.3);
        s.class("d", BETWEEN, vec![vec![intercept(l)]]);
        logit[0] = intercept(s.by("c#1~d", &["d"], &[0.6, -0.9]));
    }
    s.class("c", WITHIN, vec![logit]);
    for latent in ["g", "f"] {
        let v = s.free(&format!("{latent}~~{latent}"), 0.7);
        s.latent(latent, BETWEEN, vec![], v);
    }
    for i in 0..3 {
        let a = s.by(&format!("u{i}~1"), &["c"], &[1.1, -0.8]);
        let b = if i == 0 { constant(1.0) } else { s.free(&format!("u{i}~f"), 0.5) };
        s.item(&format!("u{i}"), vec![intercept(a), loading(b, "f")]);
    }
    Case::new("memberships", s, CLUSTERS)
}

fn weighted(mut case: Case) -> Case {
    case.data.unit_weights = Some((0..case.n_rows()).map(|row| if row % 5 == 0 { 2.0 } else { 1.0 }).collect());
    case
}

/// The same likelihood, but no two rows are alike.
fn without_sharing(case: &Case) -> Case {
    let mut out = case.clone();
    for class in out.spec.classes.iter_mut().filter(|c| c["level"] == WITHIN) {
        class["logits"][0]["terms"].as_array_mut().unwrap().push(slope(constant(0.0), "x"));
    }
    (0..).zip(out.column_mut("x")).for_each(|(row, x)| *x = f64::from(row));
    out
}

fn close(a: &[f64], b: &[f64], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{what}, number {i}: {a} instead of {b}");
    }
}

/// Rows of `values`, `of` [place] rows of `width` numbers.
fn in_order(values: &[f64], of: &[u32], width: usize) -> Vec<f64> {
    of.iter().flat_map(|&k| values[k as usize * width..(k as usize + 1) * width].iter().copied()).collect()
}

/// [data row or data cluster] of all that class posteriors hold.
fn by_row(p: &Program, posteriors: &ClassPosteriors) -> Vec<Vec<f64>> {
    let k = |slot: usize| p.model.classes[p.within_classes[slot]].n_classes;
    let within = posteriors.within.iter().enumerate();
    let mut out: Vec<Vec<f64>> = within.map(|(slot, w)| in_order(w, &p.units.of_row, k(slot))).collect();
    let between_cells = if p.between_classes.is_empty() { 0 } else { p.n_between_cells };
    out.push(in_order(&posteriors.between, &p.units.of_cluster, between_cells));
    out.push(in_order(&posteriors.log_likelihood, &p.units.of_cluster, 1));
    out.extend(posteriors.joint.iter().map(|j| in_order(j, &p.units.of_row, j.len() / p.units.n_units())));
    out.extend(posteriors.transitions.iter().cloned());
    out
}

/// [data cluster] means and variances of all latents.
fn latents(p: &Prepared, working: &[f64]) -> Vec<Vec<f64>> {
    let Program { model, plan, sample, .. } = p.program.clone();
    let nodes = node_plan(&p.program.plan, &p.quadrature, p.program.n_nodes);
    let extended = Program::with_latents(model, plan, sample, nodes).unwrap();
    let found = latent_posteriors(&extended, &p.nodes, working);
    found.mean.iter().chain(&found.variance).map(|v| in_order(v, &extended.units.of_cluster, 1)).collect()
}

#[test]
fn sharing_changes_nothing() {
    for case in
        [memberships(false), weighted(memberships(false)), weighted(memberships(true)), random_logits_of(CLUSTERS)]
    {
        let [shared, own] = [case.clone(), without_sharing(&case)].map(|c| c.prepared_with(&quadrature(7, false)));
        assert!(shared.program.sharing.is_some() && own.program.sharing.is_none());
        let x = near_truth(&case, &shared, &mut Stream::new(5, 0), 0.2);
        let dim = x.len();
        let scores = |p: &Prepared| {
            let distinct = cluster_scores(&p.program, &p.space, &p.nodes, &x);
            in_order(&distinct, &p.program.units.of_cluster, dim)
        };
        close(&scores(&shared), &scores(&own), "scores");
        let squares = |p: &Prepared| score_squares(&p.program, &p.space, &p.nodes, &x, &p.program.units.weight_squared);
        close(&squares(&shared), &squares(&own), "squares of scores");
        let working = shared.space.to_working(&x);
        let classes = |p: &Prepared| by_row(&p.program, &class_posteriors(&p.program, &p.nodes, &working));
        for (k, (a, b)) in classes(&shared).iter().zip(classes(&own)).enumerate() {
            close(a, &b, &format!("classes, part {k}"));
        }
        for (a, b) in latents(&shared, &working).iter().zip(latents(&own, &working)) {
            close(a, &b, "latents");
        }
    }
}
