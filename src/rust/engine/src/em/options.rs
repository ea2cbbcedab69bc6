//! Options of a fit, as they arrive from R (format: inst/spec-format.md).

use serde::Deserialize;

use crate::error::{EngineError, Result};
use crate::quadrature::Method;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StandardErrors {
    Robust,
    Observed,
    Opg,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawMethod {
    Auto,
    Rectangular,
    Graded,
    GaussHermite,
    MonteCarlo,
    Sobol,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuadrature {
    method: RawMethod,
    #[serde(default)]
    points: Option<usize>,
    #[serde(default)]
    adaptive: Option<bool>,
    #[serde(default)]
    max_nodes: Option<usize>,
    #[serde(default)]
    steps: Option<Vec<NamedGrading>>,
}

/// Where a graded rule crowds its nodes, of one dimension; as a fit returns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedGrading {
    pub latent: String,
    pub smooth: bool,
    pub centre: Vec<f64>,
    pub slope: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOptions {
    starts: usize,
    final_starts: usize,
    #[serde(default)]
    stage1_iterations: Option<usize>,
    seed: u64,
    se: StandardErrors,
    quadrature: RawQuadrature,
    #[serde(default)]
    threads: Option<usize>,
    #[serde(default)]
    max_iterations: Option<usize>,
    #[serde(default)]
    tolerance: Option<f64>,
    #[serde(default)]
    start_values: Option<Vec<f64>>,
    /// Independent group of each row, for cluster-robust errors of single-level models.
    #[serde(default)]
    robust_cluster: Option<Vec<usize>>,
    /// How many clusters each row's cluster stands for, [rows]; a part of its cluster weight.
    #[serde(default)]
    cluster_frequency: Option<Vec<f64>>,
}

/// What the user asked for; `None` leaves the choice to `strategy`.
#[derive(Clone, Debug)]
pub struct QuadratureRequest {
    pub method: Option<Method>,
    pub points: Option<usize>,
    pub adaptive: Option<bool>,
    pub max_nodes: usize,
    /// Of a graded rule; `None`: where class logits are steep.
    pub steps: Option<Vec<NamedGrading>>,
}

/// A rule that can be built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quadrature {
    pub method: Method,
    pub points: usize,
    pub adaptive: bool,
    pub max_nodes: usize,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub starts: usize,
    pub final_starts: usize,
    pub stage1_iterations: usize,
    pub seed: u64,
    pub se: StandardErrors,
    pub quadrature: QuadratureRequest,
    pub threads: usize,
    pub max_iterations: usize,
    pub tolerance: f64,
    pub start_values: Option<Vec<f64>>,
    pub robust_cluster: Option<Vec<usize>>,
    pub cluster_frequency: Option<Vec<f64>>,
}

const MAX_NODES: usize = 10_000_000;

impl Options {
    /// # Errors
    /// `Spec` naming the option.
    pub fn parse(json: &str) -> Result<Options> {
        let raw: RawOptions = serde_json::from_str(json).map_err(|e| EngineError::spec("options", e.to_string()))?;
        if raw.starts == 0 || raw.final_starts == 0 || raw.final_starts > raw.starts {
            return Err(EngineError::spec(
                "starts",
                format!(
                    "{} and {}; needs at least 1 start, of which 1 to all are continued",
                    raw.starts, raw.final_starts
                ),
            ));
        }
        if raw.quadrature.points == Some(0) {
            return Err(EngineError::spec("points", "needs at least 1 quadrature point"));
        }
        if raw.quadrature.method == RawMethod::Graded && raw.quadrature.adaptive == Some(true) {
            return Err(EngineError::spec(
                "adaptive",
                "graded nodes are common to all clusters; they cannot be adaptive",
            ));
        }
        Ok(Options {
            starts: raw.starts,
            final_starts: raw.final_starts,
            stage1_iterations: raw.stage1_iterations.unwrap_or(10),
            seed: raw.seed,
            se: raw.se,
            quadrature: QuadratureRequest {
                method: match raw.quadrature.method {
                    RawMethod::Auto => None,
                    RawMethod::Rectangular => Some(Method::Rectangular),
                    RawMethod::Graded => Some(Method::Graded),
                    RawMethod::GaussHermite => Some(Method::GaussHermite),
                    RawMethod::MonteCarlo => Some(Method::MonteCarlo),
                    RawMethod::Sobol => Some(Method::Sobol),
                },
                points: raw.quadrature.points,
                adaptive: raw.quadrature.adaptive,
                max_nodes: raw.quadrature.max_nodes.unwrap_or(MAX_NODES),
                steps: raw.quadrature.steps,
            },
            threads: raw.threads.unwrap_or(1).max(1),
            max_iterations: raw.max_iterations.unwrap_or(2000),
            tolerance: raw.tolerance.unwrap_or(1e-8),
            start_values: raw.start_values,
            robust_cluster: raw.robust_cluster,
            cluster_frequency: raw.cluster_frequency,
        })
    }
}
