//! Normal priors on single parameters: the log-density that is added to the log-likelihood, its gradient and precision.
//!
//! Priors are stated for parameters that the working scale leaves as they are (`spec::check` refuses variances), so
//! they are sums of squares in the optimiser's coordinates too.

use crate::spec::{Model, Prior};

/// Per parameter with a prior: its index and the prior.
#[derive(Clone, Debug, Default)]
pub struct Priors(Vec<(usize, Prior)>);

impl Priors {
    pub fn new(model: &Model) -> Priors {
        let stated = model.parameters.iter().enumerate().filter_map(|(p, parameter)| Some((p, parameter.prior?)));
        Priors(stated.collect())
    }

    /// Σ log φ((θ − mean) / sd) − log sd at working parameters; 0 without priors.
    pub fn log_density(&self, working: &[f64]) -> f64 {
        let one = |&(p, Prior { mean, sd }): &(usize, Prior)| {
            let z = (working[p] - mean) / sd;
            -0.5 * (z * z + (2.0 * std::f64::consts::PI).ln()) - sd.ln()
        };
        self.0.iter().map(one).sum()
    }

    /// Adds ∂ log density / ∂ working to a gradient over parameters.
    pub fn add_gradient(&self, working: &[f64], gradient: &mut [f64]) {
        for &(p, Prior { mean, sd }) in &self.0 {
            gradient[p] -= (working[p] - mean) / (sd * sd);
        }
    }

    /// Adds 1 / sd² to the diagonal of an information matrix over the `n` parameters.
    pub fn add_precision(&self, information: &mut [f64], n: usize) {
        for &(p, Prior { sd, .. }) in &self.0 {
            information[p * n + p] += 1.0 / (sd * sd);
        }
    }

    /// Parameters with a prior.
    pub fn parameters(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|(p, _)| *p)
    }
}
