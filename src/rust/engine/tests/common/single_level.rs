//! Test models without clusters.

use serde_json::json;

use super::builder::*;
use super::{Case, Shape};

pub fn cases() -> Vec<Case> {
    vec![
        every_family(),
        class_chain(3, 2),
        class_with_covariates(),
        numeric_factor_mixture(),
        analytic_factor_mixture(),
        factor_regressions(),
        squared_factor(),
        residual_covariances(),
        linear_constraints(),
        known_classes(),
        one_factor_behind_logits(),
    ]
}

/// Two classes; one outcome per family and link, each with an intercept per class and a common slope.
pub fn every_family() -> Case {
    let mut s = Spec::default();
    let logit = s.free("c#1~1", 0.3);
    s.class("c", WITHIN, vec![vec![intercept(logit)]]);
    let families = [
        ("gauss", json!({"type": "gaussian"}), vec![1.2]),
        ("logit", json!({"type": "bernoulli", "link": "logit"}), vec![]),
        ("probit", json!({"type": "bernoulli", "link": "probit"}), vec![]),
        ("ologit", json!({"type": "ordinal", "link": "logit", "n_categories": 4}), vec![-1.0, 0.2, 1.4]),
        ("oprobit", json!({"type": "ordinal", "link": "probit", "n_categories": 3}), vec![-0.6, 0.7]),
        ("nominal", json!({"type": "nominal", "n_categories": 3}), vec![]),
        ("poisson", json!({"type": "poisson"}), vec![]),
        ("negbin", json!({"type": "negative_binomial"}), vec![0.7]),
        ("zip", json!({"type": "zero_inflated_poisson"}), vec![]),
        ("zinb", json!({"type": "zero_inflated_negative_binomial"}), vec![0.8]),
        ("cens", json!({"type": "censored", "lower": -0.5, "upper": 1.5}), vec![1.3]),
        ("binlogit", json!({"type": "binomial", "link": "logit", "trials": "trials"}), vec![]),
        ("binprobit", json!({"type": "binomial", "link": "probit", "trials": "trials"}), vec![]),
    ];
    for (name, family, auxiliary) in families {
        let kind = family["type"].as_str().unwrap().to_string();
        let n_predictors = if name == "nominal" || kind.starts_with("zero") { 2 } else { 1 };
        let predictors = (0..n_predictors)
            .map(|k| {
                let high = if kind == "ordinal" { 0.0 } else { 0.8 - k as f64 };
                let a = s.by(&format!("{name}#{k}~1"), &["c"], &[high, -0.4]);
                let b = s.free(&format!("{name}#{k}~x"), 0.3);
                vec![intercept(a), slope(b, "x")]
            })
            .collect();
        let auxiliary = auxiliary.iter().enumerate().map(|(k, v)| s.free(&format!("{name}^{k}"), *v)).collect();
        s.outcome(name, WITHIN, family, predictors, auxiliary);
    }
    Case::new("every family", s, Shape::Rows(40))
}

/// A latent Markov chain with time-invariant items.
pub fn class_chain(times: usize, n_classes: usize) -> Case {
    class_chain_of(times, n_classes, Shape::Rows(50))
}

pub fn class_chain_of(times: usize, n_classes: usize, shape: Shape) -> Case {
    let mut s = Spec::default();
    let spread = |k: usize| 1.5 * (k as f64 - (n_classes as f64 - 1.0) / 2.0);
    let items: Vec<_> = (0..3)
        .map(|i| {
            s.by(
                &format!("u{i}~1"),
                &["c1"],
                &(0..n_classes).map(|k| spread(k) * (1.0 - 0.3 * i as f64)).collect::<Vec<_>>(),
            )
        })
        .collect();
    for t in 1..=times {
        let (name, before) = (format!("c{t}"), format!("c{}", t - 1));
        let logits = (0..n_classes - 1)
            .map(|k| {
                let a = match t {
                    1 => s.free(&format!("{name}#{k}~1"), 0.2 * k as f64),
                    _ => s.by(
                        &format!("{name}#{k}~1"),
                        &[&before],
                        &(0..n_classes)
                            .map(|from| if from == k { 1.2 } else { -0.3 + 0.1 * from as f64 })
                            .collect::<Vec<_>>(),
                    ),
                };
                vec![intercept(a)]
            })
            .collect();
        s.class(&name, WITHIN, logits);
        for (i, item) in items.iter().enumerate() {
            let mut own = item.clone();
            own["by"] = json!([name]);
            s.item(&format!("u{i}t{t}"), vec![intercept(own)]);
        }
    }
    Case::new("class chain", s, shape)
}

/// Three classes with covariates in the logits, a second class variable that depends on the first, and x.
fn class_with_covariates() -> Case {
    let mut s = Spec::default();
    let (a, b) = (s.free("c#1~1", 0.4), s.free("c#1~x", -0.5));
    let (c, d) = (s.free("c#2~1", -0.2), s.free("c#2~x", 0.6));
    s.class("c", WITHIN, vec![vec![intercept(a), slope(b, "x")], vec![intercept(c), slope(d, "x")]]);
    let by_class = s.by("d#1~1", &["c"], &[0.5, -0.5, 1.0]);
    let slopes = s.by("d#1~x", &["c"], &[0.2, 0.6, -0.4]);
    s.class("d", WITHIN, vec![vec![intercept(by_class), slope(slopes, "x")]]);
    for i in 0..4 {
        let shift = i as f64 * 0.2;
        let a = s.by(&format!("u{i}~1"), &["c"], &[1.2 - shift, -1.0, 0.2 + shift]);
        s.item(&format!("u{i}"), vec![intercept(a)]);
    }
    for i in 0..2 {
        let both = s.by(&format!("v{i}~1"), &["c", "d"], &[0.5, -0.4, 0.8, -1.1, 0.3, 0.1]);
        s.item(&format!("v{i}"), vec![intercept(both)]);
    }
    Case::new("classes with covariates", s, Shape::Rows(60))
}

/// Bernoulli and ordinal items on one factor, mean and variance by class: one numeric within dimension.
fn numeric_factor_mixture() -> Case {
    let mut s = Spec::default();
    let logit = s.free("c#1~1", -0.3);
    s.class("c", WITHIN, vec![vec![intercept(logit)]]);
    let mean = s.by("f~1", &["c"], &[0.9, -0.4]);
    let variance = s.by("f~~f", &["c"], &[1.0, 0.6]);
    s.latent("f", WITHIN, vec![intercept(mean)], variance);
    for i in 0..3 {
        let (a, l) = (s.by(&format!("u{i}~1"), &["c"], &[0.4, -0.2]), s.free(&format!("u{i}~f"), 0.7 + 0.2 * i as f64));
        s.item(&format!("u{i}"), vec![intercept(a), loading(l, "f")]);
    }
    let (t1, t2) = (s.free("o|t1", -0.5), s.free("o|t2", 0.8));
    let l = s.free("o~f", 1.1);
    let family = json!({"type": "ordinal", "link": "probit", "n_categories": 3});
    s.outcome("o", WITHIN, family, vec![vec![loading(l, "f")]], vec![t1, t2]);
    Case::new("numeric factor mixture", s, Shape::Rows(40))
}

/// Gaussian items on two correlated factors, means and loadings by class: integrated analytically.
fn analytic_factor_mixture() -> Case {
    let mut s = Spec::default();
    let logit = s.free("c#1~1", 0.2);
    s.class("c", WITHIN, vec![vec![intercept(logit)]]);
    let (m, v, w) = (s.by("f~1", &["c"], &[1.0, -0.5]), s.free("f~~f", 1.0), s.free("g~~g", 0.8));
    s.latent("f", WITHIN, vec![intercept(m)], v);
    s.latent("g", WITHIN, vec![], w);
    let cov = s.free("f~~g", 0.3);
    s.covariance("f", "g", cov);
    for i in 0..5 {
        let factor = if i < 3 { "f" } else { "g" };
        let l = s.by(&format!("y{i}~{factor}"), &["c"], &[0.8 + 0.1 * i as f64, 0.6]);
        let (a, v) = (s.free(&format!("y{i}~1"), 0.1), s.free(&format!("y{i}~~y{i}"), 0.9));
        s.gaussian(&format!("y{i}"), vec![intercept(a), loading(l, factor)], v);
    }
    Case::new("analytic factor mixture", s, Shape::Rows(40))
}

/// A factor regressed on another and on x; one outcome is binary, so that both factors are numeric, and one gaussian.
fn factor_regressions() -> Case {
    let mut s = Spec::default();
    let (v, b, g, w) = (s.free("f~~f", 0.9), s.free("g~f", 0.5), s.free("g~x", 0.4), s.free("g~~g", 0.7));
    s.latent("f", WITHIN, vec![], v);
    s.latent("g", WITHIN, vec![loading(b, "f"), slope(g, "x")], w);
    for (i, factor) in ["f", "f", "g", "g"].into_iter().enumerate() {
        let (a, l) = (s.free(&format!("u{i}~1"), 0.2), s.free(&format!("u{i}~{factor}"), 0.9));
        s.item(&format!("u{i}"), vec![intercept(a), loading(l, factor)]);
    }
    let (a, l, v) = (s.free("y~1", 0.5), s.free("y~x:f", 0.6), s.free("y~~y", 1.1));
    s.gaussian("y", vec![intercept(a), term(l, Some("x"), &["f"])], v);
    Case::new("factor regressions", s, Shape::Rows(30))
}

/// A factor and its square.
fn squared_factor() -> Case {
    let mut s = Spec::default();
    let v = s.free("f~~f", 0.8);
    s.latent("f", WITHIN, vec![], v);
    for i in 0..3 {
        let (a, l, v) =
            (s.free(&format!("y{i}~1"), 0.3), s.free(&format!("y{i}~f"), 0.7), s.free(&format!("y{i}~~y{i}"), 0.8));
        let mut terms = vec![intercept(a), loading(l, "f")];
        if i == 2 {
            let q = s.free("y2~f:f", 0.4);
            terms.push(term(q, None, &["f", "f"]));
        }
        s.gaussian(&format!("y{i}"), terms, v);
    }
    Case::new("squared factor", s, Shape::Rows(30))
}

/// Class-specific residual covariances of gaussian outcomes.
fn residual_covariances() -> Case {
    let mut s = Spec::default();
    let (a, b) = (s.free("c#1~1", 0.1), s.free("c#1~x", 0.5));
    s.class("c", WITHIN, vec![vec![intercept(a), slope(b, "x")]]);
    for i in 0..3 {
        let (m, v) =
            (s.by(&format!("y{i}~1"), &["c"], &[1.0, -0.6]), s.by(&format!("y{i}~~y{i}"), &["c"], &[1.1, 1.6]));
        s.gaussian(&format!("y{i}"), vec![intercept(m)], v);
    }
    let by_class = s.by("y0~~y1", &["c"], &[0.4, -0.3]);
    s.covariance("y0", "y1", by_class);
    let common = s.free("y1~~y2", 0.2);
    s.covariance("y2", "y1", common);
    Case::new("residual covariances", s, Shape::Rows(40))
}

/// Linear constraints among intercepts, loadings and variances.
fn linear_constraints() -> Case {
    let mut s = Spec::default();
    let logit = s.free("c#1~1", 0.3);
    s.class("c", WITHIN, vec![vec![intercept(logit)]]);
    let v = s.free("f~~f", 0.8);
    s.latent("f", WITHIN, vec![], v.clone());
    let mut loadings = vec![];
    let mut intercepts = vec![];
    for i in 0..4 {
        let (a, l) = (s.by(&format!("u{i}~1"), &["c"], &[0.8, -0.4]), s.free(&format!("u{i}~f"), 1.0));
        s.item(&format!("u{i}"), vec![intercept(a.clone()), loading(l.clone(), "f")]);
        loadings.push(l);
        intercepts.push(json!({"parameter": a["parameters"][0]}));
    }
    s.constraint(&loadings.iter().map(|l| (l, 1.0)).collect::<Vec<_>>(), 4.0);
    s.constraint(&[(&intercepts[0], 2.0), (&intercepts[1], -1.0), (&loadings[0], 0.5)], 1.3);
    s.constraint(&[(&v, 1.0), (&loadings[1], -0.8)], 0.0);
    Case::new("linear constraints", s, Shape::Rows(40))
}

/// A class that is known in some rows.
fn known_classes() -> Case {
    let mut case = class_with_covariates();
    let known = (0..case.n_rows()).map(|r| if r % 4 == 0 { 1.0 + (r / 4 % 3) as f64 } else { f64::NAN }).collect();
    case.data.columns.names.push("group".into());
    case.data.columns.values.push(known);
    case.spec.classes[0]["known"] = json!("group");
    case.name = "known classes";
    case
}

/// Two class logits share one factor: latents without variance of their own cost no dimension.
fn one_factor_behind_logits() -> Case {
    let mut s = Spec::default();
    s.latent("f", WITHIN, vec![], constant(1.0));
    let l = s.free("g~f", 0.8);
    s.latent("g", WITHIN, vec![loading(l, "f")], constant(0.0));
    let (a, b) = (s.free("c#1~1", 0.4), s.free("c#2~1", -0.1));
    let other = s.free("c#2~f", -0.5);
    s.class(
        "c",
        WITHIN,
        vec![vec![intercept(a), loading(constant(1.0), "g")], vec![intercept(b), loading(other, "f")]],
    );
    for i in 0..3 {
        let a = s.by(&format!("u{i}~1"), &["c"], &[1.2, -1.0, 0.2]);
        s.item(&format!("u{i}"), vec![intercept(a)]);
    }
    let (a, l) = (s.free("v~1", 0.1), s.free("v~f", 0.6));
    s.item("v", vec![intercept(a), loading(l, "f")]);
    Case::new("one factor behind logits", s, Shape::Rows(40))
}
