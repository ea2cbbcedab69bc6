//! Models whose maximum likelihood estimates have a closed form, with that solution.

use serde_json::json;

use super::builder::*;
use super::{Case, Shape};

/// Estimates in table order and the maximum of the log-likelihood.
pub struct Solution {
    pub estimate: Vec<f64>,
    pub log_likelihood: f64,
}

pub fn solved() -> Vec<(Case, Solution)> {
    vec![one_normal(), one_poisson(), one_ordinal(), one_nominal(), classes_all_known(), balanced_random_intercept()]
}

fn observed(case: &Case, name: &str) -> Vec<f64> {
    case.column(name).iter().copied().filter(|v| !v.is_nan()).collect()
}

fn mean(y: &[f64]) -> f64 {
    y.iter().sum::<f64>() / y.len() as f64
}

/// Mean of squared deviations from `m`.
fn spread(y: &[f64], m: f64) -> f64 {
    y.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / y.len() as f64
}

fn normal_log_likelihood(n: usize, variance: f64) -> f64 {
    -0.5 * n as f64 * ((2.0 * std::f64::consts::PI * variance).ln() + 1.0)
}

fn one_normal() -> (Case, Solution) {
    let mut s = Spec::default();
    let (m, v) = (s.free("y~1", 2.0), s.positive("y~~y", 1.5));
    s.gaussian("y", vec![intercept(m)], v);
    let case = Case::new("one normal", s, Shape::Rows(50));
    let y = observed(&case, "y");
    let m = mean(&y);
    let v = spread(&y, m);
    (case, Solution { estimate: vec![m, v], log_likelihood: normal_log_likelihood(y.len(), v) })
}

fn one_poisson() -> (Case, Solution) {
    let mut s = Spec::default();
    let a = s.free("n~1", 0.7);
    s.outcome("n", WITHIN, json!({"type": "poisson"}), vec![vec![intercept(a)]], vec![]);
    let case = Case::new("one Poisson", s, Shape::Rows(50));
    let y = observed(&case, "n");
    let m = mean(&y);
    let log_factorial = |n: f64| (1..=n as usize).map(|k| (k as f64).ln()).sum::<f64>();
    let log_likelihood = y.iter().map(|v| v * m.ln() - m - log_factorial(*v)).sum();
    (case, Solution { estimate: vec![m.ln()], log_likelihood })
}

/// Share of each category 1..K.
fn shares(y: &[f64], n_categories: usize) -> Vec<f64> {
    (1..=n_categories).map(|k| y.iter().filter(|v| **v == k as f64).count() as f64 / y.len() as f64).collect()
}

fn multinomial_log_likelihood(n: usize, shares: &[f64]) -> f64 {
    n as f64 * shares.iter().map(|p| p * p.ln()).sum::<f64>()
}

fn one_ordinal() -> (Case, Solution) {
    let mut s = Spec::default();
    let thresholds = [-0.8, 0.1, 1.0].iter().enumerate().map(|(k, t)| s.free(&format!("o|t{}", k + 1), *t)).collect();
    s.outcome("o", WITHIN, json!({"type": "ordinal", "link": "logit", "n_categories": 4}), vec![vec![]], thresholds);
    let case = Case::new("one ordinal", s, Shape::Rows(80));
    let p = shares(&observed(&case, "o"), 4);
    let below = |k: usize| p[..k].iter().sum::<f64>();
    let estimate = (1..4).map(|k| (below(k) / (1.0 - below(k))).ln()).collect();
    let log_likelihood = multinomial_log_likelihood(observed(&case, "o").len(), &p);
    (case, Solution { estimate, log_likelihood })
}

fn one_nominal() -> (Case, Solution) {
    let mut s = Spec::default();
    let (a, b) = (s.free("u#1~1", 0.5), s.free("u#2~1", -0.3));
    s.outcome(
        "u",
        WITHIN,
        json!({"type": "nominal", "n_categories": 3}),
        vec![vec![intercept(a)], vec![intercept(b)]],
        vec![],
    );
    let case = Case::new("one nominal", s, Shape::Rows(80));
    let y = observed(&case, "u");
    let p = shares(&y, 3);
    (
        case,
        Solution {
            estimate: vec![(p[0] / p[2]).ln(), (p[1] / p[2]).ln()],
            log_likelihood: multinomial_log_likelihood(y.len(), &p),
        },
    )
}

/// Every row's class is known: class shares, and mean and variance within each class.
fn classes_all_known() -> (Case, Solution) {
    let mut s = Spec::default();
    let logit = s.free("c#1~1", 0.4);
    s.class("c", WITHIN, vec![vec![intercept(logit)]]);
    let (m, v) = (s.by("y~1", &["c"], &[1.0, -1.0]), s.by("y~~y", &["c"], &[0.8, 1.4]));
    s.gaussian("y", vec![intercept(m)], v);
    let mut case = Case::new("classes all known", s, Shape::Rows(60));
    let group: Vec<f64> = (0..60).map(|r| if r % 5 < 3 { 1.0 } else { 2.0 }).collect();
    case.spec.classes[0]["known"] = json!("group");
    case.data.columns.names.push("group".into());
    case.data.columns.values.push(group.clone());
    let of = |k: f64| -> Vec<f64> {
        case.column("y").iter().zip(&group).filter(|(y, g)| **g == k && !y.is_nan()).map(|(y, _)| *y).collect()
    };
    let (a, b) = (of(1.0), of(2.0));
    let (ma, mb) = (mean(&a), mean(&b));
    let (va, vb) = (spread(&a, ma), spread(&b, mb));
    let log_likelihood = multinomial_log_likelihood(60, &[0.6, 0.4])
        + normal_log_likelihood(a.len(), va)
        + normal_log_likelihood(b.len(), vb);
    (case, Solution { estimate: vec![1.5f64.ln(), ma, mb, va, vb], log_likelihood })
}

/// One-way random effects, J clusters of n rows: σ² = SSW / (J (n − 1)), σ² + n τ² = SSB / J.
fn balanced_random_intercept() -> (Case, Solution) {
    let mut s = Spec::default();
    let v = s.free("y@id~~y@id", 1.0);
    s.latent("y@id", BETWEEN, vec![], v);
    let (m, v) = (s.free("y~1", 0.5), s.free("y~~y", 1.0));
    s.gaussian("y", vec![intercept(m), loading(constant(1.0), "y@id")], v);
    let (n_clusters, size) = (12, 4);
    let mut case = Case::new("balanced random intercept", s, Shape::Rows(n_clusters * size));
    case.data.cluster = Some((0..n_clusters * size).map(|r| r / size).collect());
    case.column_mut("y").fill(0.0);
    case.redraw(3);
    let y = case.column("y").to_vec();
    let m = mean(&y);
    let means: Vec<f64> = y.chunks_exact(size).map(mean).collect();
    let within: f64 = y.chunks_exact(size).zip(&means).map(|(y, m)| spread(y, *m) * size as f64).sum::<f64>()
        / (n_clusters * (size - 1)) as f64;
    let total = size as f64 * spread(&means, m); // σ² + n τ²
    let log_likelihood = -0.5
        * ((n_clusters * size) as f64 * ((2.0 * std::f64::consts::PI).ln() + 1.0)
            + (n_clusters * (size - 1)) as f64 * within.ln()
            + n_clusters as f64 * total.ln());
    (case, Solution { estimate: vec![(total - within) / size as f64, m, within], log_likelihood })
}
