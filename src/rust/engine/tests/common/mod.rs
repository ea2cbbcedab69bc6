//! Test models: a specification, data drawn from it, and the parameters they were drawn at.

#![allow(dead_code)] // every test binary uses a part of it

pub mod builder;
pub mod closed_form;
pub mod single_level;
pub mod two_level;

use builder::Spec;
use mlmix_engine::compiled::plan::Plan;
use mlmix_engine::em::options::Quadrature;
use mlmix_engine::fit::{prepare, Prepared};
use mlmix_engine::quadrature::Method;
use mlmix_engine::result::Value;
use mlmix_engine::rng::Stream;
use mlmix_engine::spec::parse;
use mlmix_engine::{data::Sample, Columns, RawData};

/// A model with data.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub spec: Spec,
    pub data: RawData,
}

/// Rows and clusters of a case's data.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Independent rows.
    Rows(usize),
    /// Clusters of 2, 3, 4, 2, … rows.
    Clusters(usize),
}

/// Every model that the generic tests run.
pub fn all_cases() -> Vec<Case> {
    let mut cases = single_level::cases();
    cases.extend(two_level::cases());
    cases
}

impl Case {
    /// Draws data at the true parameters: `x` varies within clusters, `w` between them, `trials` is 6;
    /// every eleventh value of a within outcome is then made missing.
    pub fn new(name: &'static str, spec: Spec, shape: Shape) -> Case {
        let data = blank(&spec, shape);
        let mut case = Case { name, spec, data };
        case.redraw(17);
        let outcomes = case.spec.outcomes.clone();
        for (k, o) in outcomes.iter().enumerate() {
            if o["level"] == "within" {
                let y = case.column_mut(o["column"].as_str().unwrap());
                (0..y.len()).filter(|row| (row + 3 * k) % 11 == 0).for_each(|row| y[row] = f64::NAN);
            }
        }
        case
    }

    /// Replaces the outcomes by new draws.
    pub fn redraw(&mut self, seed: u64) -> Value {
        let drawn = mlmix_engine::simulate(&self.json(), self.data.clone(), &options(seed), &self.spec.truth)
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        for o in self.spec.outcomes.clone() {
            let name = o["name"].as_str().unwrap();
            let values = numbers(drawn.get("outcomes").and_then(|l| l.get(name)).unwrap());
            *self.column_mut(o["column"].as_str().unwrap()) = values;
        }
        drawn
    }

    pub fn json(&self) -> String {
        self.spec.json().to_string()
    }

    pub fn column_mut(&mut self, name: &str) -> &mut Vec<f64> {
        let k = self.data.columns.names.iter().position(|n| n == name).unwrap();
        &mut self.data.columns.values[k]
    }

    pub fn column(&self, name: &str) -> &[f64] {
        let k = self.data.columns.names.iter().position(|n| n == name).unwrap();
        &self.data.columns.values[k]
    }

    pub fn n_rows(&self) -> usize {
        self.data.columns.values[0].len()
    }

    pub fn is_two_level(&self) -> bool {
        self.data.cluster.is_some()
    }

    /// Compiled with Gauss–Hermite nodes common to all clusters: the log-likelihood is then one smooth function.
    pub fn prepared(&self) -> Prepared {
        self.prepared_with(&quadrature(5, false))
    }

    pub fn prepared_with(&self, q: &Quadrature) -> Prepared {
        let model = parse(&self.json(), &self.data.columns.names).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let sample = Sample::new(&model, self.data.clone()).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let plan = Plan::new(&model).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        prepare(model, plan, sample, *q, 1).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// Keeps only the given rows, in that order; clusters are numbered anew.
    pub fn take_rows(&self, rows: &[usize]) -> Case {
        let mut out = self.clone();
        for column in &mut out.data.columns.values {
            *column = rows.iter().map(|&r| column[r]).collect();
        }
        for w in
            [&mut out.data.frequency, &mut out.data.unit_weights, &mut out.data.cluster_weights].into_iter().flatten()
        {
            *w = rows.iter().map(|&r| w[r]).collect();
        }
        if let Some(cluster) = &mut out.data.cluster {
            let mut seen: Vec<usize> = vec![];
            *cluster = rows
                .iter()
                .map(|&r| {
                    let old = cluster[r];
                    seen.iter().position(|&s| s == old).unwrap_or_else(|| {
                        seen.push(old);
                        seen.len() - 1
                    })
                })
                .collect();
        }
        out
    }
}

pub fn quadrature(points: usize, adaptive: bool) -> Quadrature {
    Quadrature { method: Method::GaussHermite, points, adaptive, max_nodes: 1_000_000 }
}

/// Options of a fit as JSON; 5 Gauss–Hermite points, not adaptive.
pub fn options(seed: u64) -> String {
    options_with(seed, 1, 1, "none")
}

pub fn options_with(seed: u64, starts: usize, final_starts: usize, se: &str) -> String {
    serde_json::json!({
        "starts": starts, "final_starts": final_starts, "seed": seed, "se": se,
        "quadrature": {"method": "gauss_hermite", "points": 5, "adaptive": false},
    })
    .to_string()
}

pub fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Numbers(x) => x.clone(),
        Value::Matrix { values, .. } => values.clone(),
        other => panic!("expected numbers, got {other:?}"),
    }
}

/// Coordinates of the true parameters, moved by normal deviates of standard deviation `spread`.
pub fn near_truth(case: &Case, p: &Prepared, rng: &mut Stream, spread: f64) -> Vec<f64> {
    let working = p.program.working.to_working(&case.spec.truth).unwrap();
    let near: Vec<f64> = working.iter().map(|w| w + spread * rng.normal()).collect();
    p.space.from_working(&near)
}

/// Covariates drawn, outcomes at a value that their family allows.
fn blank(spec: &Spec, shape: Shape) -> RawData {
    let cluster: Option<Vec<usize>> = match shape {
        Shape::Rows(_) => None,
        Shape::Clusters(n) => Some((0..n).flat_map(|j| std::iter::repeat_n(j, 2 + j % 3)).collect()),
    };
    let n = match (&cluster, shape) {
        (Some(c), _) => c.len(),
        (None, Shape::Rows(n) | Shape::Clusters(n)) => n,
    };
    let mut rng = Stream::new(5, 0);
    // rounded, so that some rows share their covariates
    let mut round = || (2.0 * rng.normal()).round() / 2.0;
    let x: Vec<f64> = (0..n).map(|_| round()).collect();
    let by_cluster: Vec<f64> = (0..n).map(|_| round()).collect();
    let w: Vec<f64> = (0..n).map(|row| by_cluster[cluster.as_ref().map_or(row, |c| c[row])]).collect();
    let mut columns =
        Columns { names: vec!["x".into(), "w".into(), "trials".into()], values: vec![x, w, vec![6.0; n]] };
    for o in &spec.outcomes {
        let value = match o["family"]["type"].as_str().unwrap() {
            "ordinal" | "nominal" => 1.0,
            "censored" => o["family"]["lower"].as_f64().unwrap_or(0.0),
            _ => 0.0,
        };
        columns.names.push(o["column"].as_str().unwrap().into());
        columns.values.push(vec![value; n]);
    }
    RawData { columns, cluster, ..RawData::default() }
}
