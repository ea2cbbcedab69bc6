//! Densities, weighted scores and informations of many values at once: a family is looked up once per block.

use super::{ordinal_block, Family, Link};
use crate::vector;

/// Values with their predictors, all of one length.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    pub y: &'a [f64],
    pub trials: &'a [f64],
    /// [n_predictors][n]
    pub eta: &'a [&'a [f64]],
    pub aux: &'a [f64],
}

/// Second derivatives at the data, or their (positive semi-definite) expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Information {
    Expected,
    Observed,
}

/// Weights below this are left out of scores: thousands of nodes of this weight change nothing in print.
const NEGLIGIBLE: f64 = 1e-14;

/// Sums over values of weight × score and weight × expected information.
#[derive(Default)]
pub struct WeightedScores {
    pub n: usize,
    /// Predictors and auxiliary parameters.
    pub m: usize,
    /// [m × n]
    pub score: Vec<f64>,
    /// [m × m × n], empty where no information is wanted
    pub information: Vec<f64>,
    one_score: Vec<f64>,
    one_information: Vec<f64>,
    one_eta: Vec<f64>,
}

impl WeightedScores {
    pub fn reset(&mut self, n: usize, m: usize, information: bool) {
        (self.n, self.m) = (n, m);
        let zero = |v: &mut Vec<f64>, len: usize| {
            v.clear();
            v.resize(len, 0.0);
        };
        zero(&mut self.score, m * n);
        zero(&mut self.information, if information { m * m * n } else { 0 });
        zero(&mut self.one_score, m);
        zero(&mut self.one_information, m * m);
    }
}

impl Family {
    /// log f of every value.
    pub fn log_densities(&self, v: Values, out: &mut [f64]) {
        match self {
            Family::Gaussian => {
                let constant = -crate::numeric::LOG_SQRT_2_PI - 0.5 * v.aux[0].ln();
                let half_precision = 0.5 / v.aux[0];
                for ((out, y), eta) in out.iter_mut().zip(v.y).zip(v.eta[0]) {
                    let r = y - eta;
                    *out = constant - half_precision * r * r;
                }
            }
            Family::Bernoulli { link: Link::Logit } => vector::log_bernoulli_logit(v.y, v.eta[0], out),
            Family::Bernoulli { link: Link::Probit } => vector::log_bernoulli_probit(v.y, v.eta[0], out),
            Family::Ordinal { link: Link::Logit, .. } => ordinal_block::log_densities(v.y, v.eta[0], v.aux, out),
            _ if v.eta.len() == 1 => {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = self.log_density(v.y[i], v.trials[i], &v.eta[0][i..=i], v.aux);
                }
            }
            _ => {
                let mut eta = vec![0.0; v.eta.len()];
                for (i, out) in out.iter_mut().enumerate() {
                    eta.iter_mut().zip(v.eta).for_each(|(e, all)| *e = all[i]);
                    *out = self.log_density(v.y[i], v.trials[i], &eta, v.aux);
                }
            }
        }
    }

    /// Information in (eta…, aux…) where it depends on nothing else.
    pub fn constant_information(&self, aux: &[f64], which: Information) -> Option<[f64; 4]> {
        let mut out = [0.0; 4];
        let is_constant = *self == Family::Gaussian && which == Information::Expected;
        is_constant.then(|| {
            super::gaussian::expected_information(aux[0], &mut out);
            out
        })
    }

    /// Adds weight × (score, information) of every value in (eta…, aux…) to `out`, which has been reset.
    pub fn add_weighted_scores(&self, v: Values, weights: &[f64], which: Information, out: &mut WeightedScores) {
        let n = out.n;
        match self {
            Family::Gaussian => {
                let precision = 1.0 / v.aux[0];
                let (mean, variance) = out.score.split_at_mut(n);
                vector::add_gaussian_scores(v.y, v.eta[0], weights, precision, mean, variance);
                if out.information.is_empty() {
                    return;
                }
                let square = precision * precision;
                for (i, w) in weights.iter().enumerate() {
                    out.information[i] += w * precision;
                    if which == Information::Expected {
                        out.information[3 * n + i] += w * 0.5 * square;
                    } else {
                        let r = v.y[i] - v.eta[0][i];
                        out.information[n + i] += w * r * square;
                        out.information[2 * n + i] += w * r * square;
                        out.information[3 * n + i] += w * (r * r * precision - 0.5) * square;
                    }
                }
            }
            Family::Bernoulli { link: Link::Logit } => {
                vector::add_logistic_scores(v.y, v.eta[0], weights, &mut out.score, &mut out.information);
            }
            Family::Bernoulli { link: Link::Probit }
                if out.information.is_empty() || which == Information::Expected =>
            {
                vector::add_probit_scores(v.y, v.eta[0], weights, &mut out.score, &mut out.information);
            }
            Family::Ordinal { link: Link::Logit, .. }
                if out.information.is_empty() || which == Information::Expected =>
            {
                ordinal_block::add_weighted_scores(v.y, v.eta[0], v.aux, weights, out);
            }
            _ => {
                out.one_eta.resize(v.eta.len(), 0.0);
                for i in (0..n).filter(|&i| weights[i] >= NEGLIGIBLE) {
                    out.one_eta.iter_mut().zip(v.eta).for_each(|(e, all)| *e = all[i]);
                    self.score(v.y[i], v.trials[i], &out.one_eta, v.aux, &mut out.one_score);
                    for (a, s) in out.one_score.iter().enumerate() {
                        out.score[a * n + i] += weights[i] * s;
                    }
                    if !out.information.is_empty() {
                        let (y, trials, eta) = (v.y[i], v.trials[i], &out.one_eta[..]);
                        let to = &mut out.one_information;
                        match which {
                            Information::Expected => self.expected_information(y, trials, eta, v.aux, to),
                            Information::Observed => self.observed_information(y, trials, eta, v.aux, to),
                        }
                        for (x, h) in out.one_information.iter().enumerate() {
                            out.information[x * n + i] += weights[i] * h;
                        }
                    }
                }
            }
        }
    }
}
