//! The serde image of the JSON specification; unknown fields and other versions are refused.

use serde::Deserialize;

use super::{check, Model};
use crate::error::{EngineError, Result};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSpec {
    pub version: u32,
    pub classes: Vec<RawClass>,
    pub latents: Vec<RawLatent>,
    pub covariances: Vec<RawCovariance>,
    pub outcomes: Vec<RawOutcome>,
    pub parameters: Vec<RawParameter>,
    pub constraints: Vec<RawConstraint>,
}

#[derive(Debug, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum RawLevel {
    Within,
    Between,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawClass {
    pub name: String,
    pub level: RawLevel,
    pub n_classes: usize,
    pub logits: Vec<RawPredictor>,
    #[serde(default)]
    pub known: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLatent {
    pub name: String,
    pub level: RawLevel,
    pub predictor: RawPredictor,
    pub variance: RawCoefficient,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCovariance {
    pub a: String,
    pub b: String,
    pub value: RawCoefficient,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOutcome {
    pub name: String,
    pub column: String,
    pub level: RawLevel,
    pub family: RawFamily,
    pub predictors: Vec<RawPredictor>,
    #[serde(default)]
    pub auxiliary: Vec<RawCoefficient>,
}

#[derive(Debug, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum RawLink {
    Logit,
    Probit,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RawFamily {
    Gaussian {},
    Bernoulli { link: RawLink },
    Ordinal { link: RawLink, n_categories: usize },
    Nominal { n_categories: usize },
    Poisson {},
    NegativeBinomial {},
    ZeroInflatedPoisson {},
    ZeroInflatedNegativeBinomial {},
    Censored { lower: Option<f64>, upper: Option<f64> },
    Binomial { link: RawLink, trials: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPredictor {
    pub terms: Vec<RawTerm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTerm {
    pub coefficient: RawCoefficient,
    #[serde(default)]
    pub covariate: Option<String>,
    #[serde(default)]
    pub latents: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCoefficient {
    #[serde(default)]
    pub constant: Option<f64>,
    #[serde(default)]
    pub parameter: Option<usize>,
    #[serde(default)]
    pub by: Option<Vec<String>>,
    #[serde(default)]
    pub parameters: Option<Vec<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawParameter {
    pub name: String,
    pub free: bool,
    #[serde(default)]
    pub value: Option<f64>,
    #[serde(default)]
    pub start: Option<f64>,
    #[serde(default)]
    pub lower: Option<f64>,
    #[serde(default)]
    pub upper: Option<f64>,
    #[serde(default)]
    pub prior: Option<RawPrior>,
}

#[derive(Debug, Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
pub struct RawPrior {
    pub mean: f64,
    pub sd: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConstraint {
    pub weights: Vec<(usize, f64)>,
    pub value: f64,
}

/// Reads and checks a specification against the columns it may use.
///
/// # Errors
/// `Spec` where the JSON is malformed, a field or name is unknown, or an index is out of range.
pub fn parse(json: &str, column_names: &[String]) -> Result<Model> {
    let raw: RawSpec = serde_json::from_str(json).map_err(|e| EngineError::spec("specification", e.to_string()))?;
    check::check(raw, column_names)
}
