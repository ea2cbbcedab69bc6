//! Builds specifications (inst/spec-format.md) for tests, with a parameter table that remembers the true values.

use serde_json::{json, Value};

/// The pieces of one specification.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    pub parameters: Vec<Value>,
    /// Value of every parameter, in table order.
    pub truth: Vec<f64>,
    pub classes: Vec<Value>,
    pub latents: Vec<Value>,
    pub covariances: Vec<Value>,
    pub outcomes: Vec<Value>,
    pub constraints: Vec<Value>,
}

pub const WITHIN: &str = "within";
pub const BETWEEN: &str = "between";

impl Spec {
    pub fn json(&self) -> Value {
        json!({
            "version": 1, "classes": self.classes, "latents": self.latents, "covariances": self.covariances,
            "outcomes": self.outcomes, "parameters": self.parameters, "constraints": self.constraints,
        })
    }

    fn add(&mut self, mut parameter: Value, truth: f64) -> Value {
        for field in ["value", "start", "lower", "upper"] {
            parameter.as_object_mut().unwrap().entry(field).or_insert(Value::Null);
        }
        self.parameters.push(parameter);
        self.truth.push(truth);
        json!({"parameter": self.parameters.len() - 1})
    }

    /// A free parameter.
    pub fn free(&mut self, name: &str, truth: f64) -> Value {
        self.add(json!({"name": name, "free": true}), truth)
    }

    /// A free parameter with a lower bound of 0.
    pub fn positive(&mut self, name: &str, truth: f64) -> Value {
        self.add(json!({"name": name, "free": true, "lower": 0.0}), truth)
    }

    pub fn fixed(&mut self, name: &str, value: f64) -> Value {
        self.add(json!({"name": name, "free": false, "value": value}), value)
    }

    /// One free parameter per pattern of the class variables, the first fastest.
    pub fn by(&mut self, name: &str, classes: &[&str], truths: &[f64]) -> Value {
        let first = self.parameters.len();
        for (k, &t) in truths.iter().enumerate() {
            self.free(&format!("{name}[{k}]"), t);
        }
        json!({"by": classes, "parameters": (first..first + truths.len()).collect::<Vec<_>>()})
    }

    /// `logits`: terms of each class but the last.
    pub fn class(&mut self, name: &str, level: &str, logits: Vec<Vec<Value>>) {
        let n_classes = logits.len() + 1;
        let logits: Vec<Value> = logits.into_iter().map(|terms| json!({"terms": terms})).collect();
        self.classes
            .push(json!({"name": name, "level": level, "n_classes": n_classes, "logits": logits, "known": null}));
    }

    pub fn latent(&mut self, name: &str, level: &str, terms: Vec<Value>, variance: Value) {
        self.latents.push(json!({"name": name, "level": level, "predictor": {"terms": terms}, "variance": variance}));
    }

    pub fn covariance(&mut self, a: &str, b: &str, value: Value) {
        self.covariances.push(json!({"a": a, "b": b, "value": value}));
    }

    /// An outcome whose column has its own name.
    pub fn outcome(
        &mut self,
        name: &str,
        level: &str,
        family: Value,
        predictors: Vec<Vec<Value>>,
        auxiliary: Vec<Value>,
    ) {
        let predictors: Vec<Value> = predictors.into_iter().map(|terms| json!({"terms": terms})).collect();
        self.outcomes.push(json!({
            "name": name, "column": name, "level": level, "family": family, "predictors": predictors, "auxiliary": auxiliary,
        }));
    }

    /// A bernoulli item (logit link).
    pub fn item(&mut self, name: &str, terms: Vec<Value>) {
        self.outcome(name, WITHIN, bernoulli(), vec![terms], vec![]);
    }

    /// A gaussian within-level outcome.
    pub fn gaussian(&mut self, name: &str, terms: Vec<Value>, variance: Value) {
        self.outcome(name, WITHIN, json!({"type": "gaussian"}), vec![terms], vec![variance]);
    }

    /// Σ weight × parameter = value.
    pub fn constraint(&mut self, weights: &[(&Value, f64)], value: f64) {
        let weights: Vec<Value> = weights.iter().map(|(p, w)| json!([index(p), w])).collect();
        self.constraints.push(json!({"weights": weights, "value": value}));
    }
}

pub fn index(coefficient: &Value) -> usize {
    coefficient["parameter"].as_u64().unwrap() as usize
}

pub fn bernoulli() -> Value {
    json!({"type": "bernoulli", "link": "logit"})
}

pub fn constant(value: f64) -> Value {
    json!({"constant": value})
}

pub fn intercept(coefficient: Value) -> Value {
    term(coefficient, None, &[])
}

pub fn slope(coefficient: Value, covariate: &str) -> Value {
    term(coefficient, Some(covariate), &[])
}

pub fn loading(coefficient: Value, latent: &str) -> Value {
    term(coefficient, None, &[latent])
}

/// coefficient × covariate × product of latents
pub fn term(coefficient: Value, covariate: Option<&str>, latents: &[&str]) -> Value {
    json!({"coefficient": coefficient, "covariate": covariate, "latents": latents})
}
