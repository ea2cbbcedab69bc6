//! Test models with clusters.

use serde_json::json;

use super::builder::*;
use super::{Case, Shape};

const CLUSTERS: Shape = Shape::Clusters(15);

pub fn cases() -> Vec<Case> {
    vec![
        linear_mixed_model(),
        random_effects_of_equal_variance(),
        between_class_mixture(),
        within_class_random_intercept(),
        between_and_within_classes(),
        random_logits(),
        two_level_factor(),
        random_loading(),
        between_outcomes(),
        between_regression(),
        item_membership(),
        weighted(),
    ]
}

/// Correlated random intercept and slope, a gaussian outcome: analytic, covariance in Cholesky form.
pub fn linear_mixed_model() -> Case {
    let mut s = Spec::default();
    random_line(&mut s, [0.8, 0.3, 0.6]);
    let (a, b, v) = (s.free("y~1", 0.5), s.free("y~x", 0.7), s.free("y~~y", 1.1));
    s.gaussian(
        "y",
        vec![intercept(a), slope(b, "x"), loading(constant(1.0), "y@id"), term(constant(1.0), Some("x"), &["y.x@id"])],
        v,
    );
    Case::new("linear mixed model", s, CLUSTERS)
}

/// Random intercept `y@id` and slope `y.x@id` with a free covariance matrix.
fn random_line(s: &mut Spec, [intercept, covariance, slope]: [f64; 3]) {
    let (v, w) = (s.free("y@id~~y@id", intercept), s.free("y.x@id~~y.x@id", slope));
    s.latent("y@id", BETWEEN, vec![], v);
    s.latent("y.x@id", BETWEEN, vec![], w);
    let c = s.free("y@id~~y.x@id", covariance);
    s.covariance("y@id", "y.x@id", c);
}

/// Two correlated random effects of equal variance: the block stays on its natural scale.
fn random_effects_of_equal_variance() -> Case {
    let mut s = Spec::default();
    let v = s.free("variance", 0.7);
    s.latent("a", BETWEEN, vec![], v.clone());
    s.latent("b", BETWEEN, vec![], v);
    let c = s.free("a~~b", 0.2);
    s.covariance("b", "a", c);
    for (i, latent) in ["a", "b"].into_iter().enumerate() {
        let (m, v) = (s.free(&format!("y{i}~1"), 0.2), s.free(&format!("y{i}~~y{i}"), 0.9));
        s.gaussian(&format!("y{i}"), vec![intercept(m), loading(constant(1.0), latent)], v);
    }
    let m = s.free("u~1", -0.2);
    s.item("u", vec![intercept(m), loading(constant(1.0), "a")]);
    Case::new("random effects of equal variance", s, CLUSTERS)
}

/// The paper's Model 5: line, residual variance and random-effect covariances by a between class.
fn between_class_mixture() -> Case {
    let mut s = Spec::default();
    let (l, m) = (s.free("d#1~1", 0.2), s.free("d#1~w", 0.5));
    s.class("d", BETWEEN, vec![vec![intercept(l), slope(m, "w")]]);
    let (v, w) = (s.by("a~~a", &["d"], &[0.5, 1.0]), s.by("b~~b", &["d"], &[0.4, 0.6]));
    s.latent("a", BETWEEN, vec![], v);
    s.latent("b", BETWEEN, vec![], w);
    let c = s.by("a~~b", &["d"], &[0.2, -0.1]);
    s.covariance("a", "b", c);
    let (a, b, v) =
        (s.by("y~1", &["d"], &[1.5, -0.5]), s.by("y~x", &["d"], &[0.8, -0.2]), s.by("y~~y", &["d"], &[1.0, 1.3]));
    s.gaussian(
        "y",
        vec![intercept(a), slope(b, "x"), loading(constant(1.0), "a"), term(constant(1.0), Some("x"), &["b"])],
        v,
    );
    Case::new("between-class mixture", s, CLUSTERS)
}

/// The paper's Model 6: a within class with a random logit, and a random intercept of y that becomes numeric.
fn within_class_random_intercept() -> Case {
    let mut s = Spec::default();
    let v = s.free("c#1@id~~c#1@id", 0.7);
    s.latent("c#1@id", BETWEEN, vec![], v);
    let v = s.free("y@id~~y@id", 0.5);
    s.latent("y@id", BETWEEN, vec![], v);
    let l = s.free("c#1~1", 0.3);
    s.class("c", WITHIN, vec![vec![intercept(l), loading(constant(1.0), "c#1@id")]]);
    let (a, b, v) = (s.by("y~1", &["c"], &[1.5, -0.5]), s.by("y~x", &["c"], &[0.8, -0.2]), s.free("y~~y", 1.0));
    s.gaussian("y", vec![intercept(a), slope(b, "x"), loading(constant(1.0), "y@id")], v);
    Case::new("within class, random intercept", s, CLUSTERS)
}

/// Class variables of both levels; the within one depends on the between one, on x and on a random logit.
fn between_and_within_classes() -> Case {
    let mut s = Spec::default();
    let (l, m) = (s.free("d#1~1", 0.2), s.free("d#1~w", -0.4));
    s.class("d", BETWEEN, vec![vec![intercept(l), slope(m, "w")]]);
    let v = s.by("c#1@id~~c#1@id", &["d"], &[0.5, 0.9]);
    s.latent("c#1@id", BETWEEN, vec![], v);
    let logits = (1..3)
        .map(|k| {
            let a = s.by(&format!("c#{k}~1"), &["d"], &[0.4 - 0.2 * k as f64, -0.5]);
            let b = s.free(&format!("c#{k}~x"), 0.3);
            vec![intercept(a), slope(b, "x"), loading(constant(1.0), "c#1@id")]
        })
        .collect();
    s.class("c", WITHIN, logits);
    for i in 0..4 {
        let a = s.by(&format!("u{i}~1"), &["c"], &[1.2 - 0.2 * i as f64, -1.0, 0.3]);
        s.item(&format!("u{i}"), vec![intercept(a)]);
    }
    Case::new("between and within classes", s, CLUSTERS)
}

/// A two-wave chain whose logits have random effects, the second regressed on the first (section 4 of the paper).
fn random_logits() -> Case {
    random_logits_of(CLUSTERS)
}

pub fn random_logits_of(shape: Shape) -> Case {
    let mut s = Spec::default();
    let v = s.free("a1~~a1", 0.8);
    s.latent("a1", BETWEEN, vec![], v);
    let (b, v) = (s.free("a2~a1", 0.5), s.free("a2~~a2", 0.4));
    s.latent("a2", BETWEEN, vec![loading(b, "a1")], v);
    let l = s.free("c1#1~1", 0.2);
    s.class("c1", WITHIN, vec![vec![intercept(l), loading(constant(1.0), "a1")]]);
    let l = s.by("c2#1~1", &["c1"], &[1.0, -0.8]);
    s.class("c2", WITHIN, vec![vec![intercept(l), loading(constant(1.0), "a2")]]);
    for (t, class) in ["c1", "c2"].into_iter().enumerate() {
        for i in 0..3 {
            let a = s.by(&format!("u{i}t{t}~1"), &[class], &[1.1, -1.0 + 0.1 * i as f64]);
            s.item(&format!("u{i}t{t}"), vec![intercept(a)]);
        }
    }
    Case::new("random logits", s, shape)
}

/// A factor with a random intercept and a class behind its mean, ordinal items: numeric on both levels.
fn two_level_factor() -> Case {
    let mut s = Spec::default();
    let v = s.free("f@id~~f@id", 0.5);
    s.latent("f@id", BETWEEN, vec![], v);
    let l = s.free("c#1~1", 0.1);
    s.class("c", WITHIN, vec![vec![intercept(l)]]);
    let (m, v) = (s.by("f~1", &["c"], &[0.8, -0.6]), s.free("f~~f", 0.9));
    s.latent("f", WITHIN, vec![intercept(m), loading(constant(1.0), "f@id")], v);
    for i in 0..3 {
        let l = s.free(&format!("u{i}~f"), 0.8 + 0.2 * i as f64);
        let thresholds = (0..2).map(|k| s.free(&format!("u{i}|t{k}"), -0.5 + 1.2 * k as f64)).collect();
        let family = json!({"type": "ordinal", "link": "logit", "n_categories": 3});
        s.outcome(&format!("u{i}"), WITHIN, family, vec![vec![loading(l, "f")]], thresholds);
    }
    Case::new("two-level factor", s, CLUSTERS)
}

/// Random loading: the between effect is numeric, the within factor stays analytic.
fn random_loading() -> Case {
    let mut s = Spec::default();
    let (m, v) = (s.free("b~1", 0.9), s.free("b~~b", 0.3));
    s.latent("b", BETWEEN, vec![intercept(m)], v);
    s.latent("f", WITHIN, vec![], constant(1.0));
    for i in 0..3 {
        let (a, v) = (s.free(&format!("y{i}~1"), 0.1), s.free(&format!("y{i}~~y{i}"), 0.8));
        let weight =
            if i == 0 { term(constant(1.0), None, &["b", "f"]) } else { loading(s.free(&format!("y{i}~f"), 0.7), "f") };
        s.gaussian(&format!("y{i}"), vec![intercept(a), weight], v);
    }
    Case::new("random loading", s, CLUSTERS)
}

/// Between-level outcomes: two correlated gaussian ones on an analytic effect, and a count on a numeric one.
pub fn between_outcomes() -> Case {
    let mut s = Spec::default();
    let (v, w) = (s.free("a~~a", 0.7), s.free("b~~b", 0.6));
    s.latent("a", BETWEEN, vec![], v);
    s.latent("b", BETWEEN, vec![], w);
    let c = s.free("a~~b", 0.2);
    s.covariance("a", "b", c);
    let (m, v) = (s.free("y~1", 0.3), s.free("y~~y", 1.0));
    s.gaussian("y", vec![intercept(m), loading(constant(1.0), "a")], v);
    let m = s.free("u~1", 0.1);
    s.item("u", vec![intercept(m), loading(constant(1.0), "b")]);
    for (name, effect) in [("p", "a"), ("q", "b")] {
        let (m, l, x, v) = (
            s.free(&format!("{name}~1"), 0.5),
            s.free(&format!("{name}~{effect}"), 0.6),
            s.free(&format!("{name}~w"), 0.4),
            s.free(&format!("{name}~~{name}"), 0.8),
        );
        s.outcome(
            name,
            BETWEEN,
            json!({"type": "gaussian"}),
            vec![vec![intercept(m), loading(l, effect), slope(x, "w")]],
            vec![v],
        );
    }
    let c = s.free("p~~q", 0.3);
    s.covariance("p", "q", c);
    let (m, l) = (s.free("n~1", 0.2), s.free("n~b", 0.5));
    s.outcome("n", BETWEEN, json!({"type": "poisson"}), vec![vec![intercept(m), loading(l, "b")]], vec![]);
    Case::new("between outcomes", s, CLUSTERS)
}

/// Random effects regressed on each other and on w, all analytic; a between factor behind two outcomes' intercepts.
fn between_regression() -> Case {
    let mut s = Spec::default();
    let (g, v) = (s.free("a~w", 0.5), s.free("a~~a", 0.6));
    s.latent("a", BETWEEN, vec![slope(g, "w")], v);
    let (b, v) = (s.free("b~a", 0.7), s.free("b~~b", 0.5));
    s.latent("b", BETWEEN, vec![loading(b, "a")], v);
    let v = s.free("f~~f", 0.8);
    s.latent("f", WITHIN, vec![], v);
    for (i, effect) in ["a", "b"].into_iter().enumerate() {
        let (m, l, v) =
            (s.free(&format!("y{i}~1"), 0.2), s.free(&format!("y{i}~f"), 0.6), s.free(&format!("y{i}~~y{i}"), 0.9));
        s.gaussian(&format!("y{i}"), vec![intercept(m), loading(constant(1.0), effect), loading(l, "f")], v);
    }
    Case::new("between regression", s, CLUSTERS)
}

/// Grade of membership: items of a person in long form, memberships behind the class of each item.
fn item_membership() -> Case {
    let mut s = Spec::default();
    let v = s.free("g~~g", 1.2);
    s.latent("g", BETWEEN, vec![], v);
    let l = s.free("c#1~1", 0.2);
    s.class("c", WITHIN, vec![vec![intercept(l), loading(constant(1.0), "g")]]);
    let (a, b) = (s.by("u~1", &["c"], &[1.0, -0.9]), s.by("u~x", &["c"], &[0.5, -0.3]));
    s.outcome(
        "u",
        WITHIN,
        json!({"type": "bernoulli", "link": "probit"}),
        vec![vec![intercept(a), slope(b, "x")]],
        vec![],
    );
    Case::new("grade of membership", s, Shape::Clusters(20))
}

/// Model 6 with frequencies, unit weights and cluster weights.
fn weighted() -> Case {
    let mut case = within_class_random_intercept();
    let n = case.n_rows();
    let cluster = case.data.cluster.clone().unwrap();
    case.data.frequency = Some((0..n).map(|r| 1.0 + (r % 3) as f64).collect());
    case.data.unit_weights = Some((0..n).map(|r| 0.5 + 0.25 * (r % 4) as f64).collect());
    case.data.cluster_weights = Some(cluster.iter().map(|j| 0.7 + 0.3 * (j % 3) as f64).collect());
    case.name = "weights";
    case
}

/// Only a residual covariance depends on the class; the random intercept must not be integrated as if nothing did.
pub fn residual_covariance_by_class_with_random_intercept() -> Case {
    let mut s = Spec::default();
    let l = s.free("c#1~1", 0.1);
    s.class("c", WITHIN, vec![vec![intercept(l)]]);
    let v = s.free("a~~a", 0.7);
    s.latent("a", BETWEEN, vec![], v);
    for i in 0..2 {
        let (m, v) = (s.free(&format!("y{i}~1"), 0.3), s.free(&format!("y{i}~~y{i}"), 1.2));
        s.gaussian(&format!("y{i}"), vec![intercept(m), loading(constant(1.0), "a")], v);
    }
    let c = s.by("y0~~y1", &["c"], &[0.8, -0.7]);
    s.covariance("y0", "y1", c);
    Case::new("residual covariance by class, random intercept", s, CLUSTERS)
}
