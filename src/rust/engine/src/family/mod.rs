//! Response families: log density, score, information, sampling and support of one observed value given its predictors.

pub mod bernoulli;
pub mod binomial;
pub mod block;
pub mod censored;
#[cfg(test)]
mod checks;
pub mod gaussian;
pub mod link;
pub mod negative_binomial;
pub mod nominal;
pub mod ordinal;
mod ordinal_block;
pub mod poisson;
pub mod zero_inflated;

use crate::rng::Stream;
use censored::Bounds;
pub use link::Link;
use zero_inflated::Count;

/// The distribution of an outcome given its linear predictors `eta` and auxiliary parameters `aux`.
///
/// Throughout, `y` must be in the support (`check_value`), `aux` valid (`valid_auxiliary`) and `eta` finite; this is
/// checked once, where data and parameters enter, not here. `trials` is read by `Binomial` only.
#[derive(Clone, Debug, PartialEq)]
pub enum Family {
    /// `eta`: mean. `aux`: variance.
    Gaussian,
    /// `eta`: P(y = 1) = F(η). y is 0 or 1.
    Bernoulli { link: Link },
    /// `eta`: η. `aux`: thresholds τ_1 < … < τ_{K−1}, P(y ≤ k) = F(τ_k − η). y is 1..K.
    Ordinal { link: Link, n_categories: usize },
    /// `eta`: K − 1 logits against the last category. y is 1..K.
    Nominal { n_categories: usize },
    /// `eta`: log mean.
    Poisson,
    /// `eta`: log mean. `aux`: dispersion α > 0, variance = μ + α μ².
    NegativeBinomial,
    /// `eta`: log mean, logit of an extra zero.
    ZeroInflatedPoisson,
    /// `eta`: log mean, logit of an extra zero. `aux`: dispersion α > 0.
    ZeroInflatedNegativeBinomial,
    /// `eta`: latent mean. `aux`: variance. Values equal to a bound are censored there.
    Censored { lower: Option<f64>, upper: Option<f64> },
    /// `eta`: P = F(η). y is 0..trials; the density includes the binomial coefficient.
    Binomial { link: Link },
}

impl Family {
    /// Number of linear predictors, the length of `eta`.
    pub fn n_predictors(&self) -> usize {
        match self {
            Family::Nominal { n_categories } => n_categories - 1,
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => 2,
            _ => 1,
        }
    }

    /// Number of auxiliary parameters, the length of `aux`.
    pub fn n_auxiliary(&self) -> usize {
        match self {
            Family::Gaussian
            | Family::NegativeBinomial
            | Family::ZeroInflatedNegativeBinomial
            | Family::Censored { .. } => 1,
            Family::Ordinal { n_categories, .. } => n_categories - 1,
            _ => 0,
        }
    }

    /// Whether the auxiliary parameters are as many as needed, finite and allowed: variances and dispersions positive,
    /// thresholds strictly increasing.
    pub fn valid_auxiliary(&self, aux: &[f64]) -> bool {
        if aux.len() != self.n_auxiliary() || !aux.iter().all(|a| a.is_finite()) {
            return false;
        }
        match self {
            Family::Ordinal { .. } => aux.windows(2).all(|pair| pair[0] < pair[1]),
            _ => aux.iter().all(|&a| a > 0.0),
        }
    }

    /// Whether `y` is a value this family can produce.
    pub fn check_value(&self, y: f64, trials: f64) -> bool {
        let whole_up_to = |low: f64, high: f64| y.fract() == 0.0 && y >= low && y <= high;
        match *self {
            Family::Gaussian => y.is_finite(),
            Family::Bernoulli { .. } => y == 0.0 || y == 1.0,
            Family::Ordinal { n_categories, .. } | Family::Nominal { n_categories } => {
                whole_up_to(1.0, n_categories as f64)
            }
            Family::Poisson
            | Family::NegativeBinomial
            | Family::ZeroInflatedPoisson
            | Family::ZeroInflatedNegativeBinomial => whole_up_to(0.0, f64::MAX),
            Family::Censored { lower, upper } => {
                y.is_finite() && lower.is_none_or(|l| y >= l) && upper.is_none_or(|u| y <= u)
            }
            Family::Binomial { .. } => trials.is_finite() && trials.fract() == 0.0 && whole_up_to(0.0, trials),
        }
    }

    /// log f(y | eta, aux).
    #[inline]
    pub fn log_density(&self, y: f64, trials: f64, eta: &[f64], aux: &[f64]) -> f64 {
        match *self {
            Family::Gaussian => gaussian::log_density(y, eta[0], aux[0]),
            Family::Bernoulli { link } => bernoulli::log_density(link, y, eta[0]),
            Family::Ordinal { link, .. } => ordinal::log_density(link, y, eta[0], aux),
            Family::Nominal { .. } => nominal::log_density(y, eta),
            Family::Poisson => poisson::log_density(y, eta[0]),
            Family::NegativeBinomial => negative_binomial::log_density(y, eta[0], aux[0]),
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => {
                zero_inflated::log_density(count(aux), y, eta[0], eta[1])
            }
            Family::Censored { lower, upper } => censored::log_density(Bounds { lower, upper }, y, eta[0], aux[0]),
            Family::Binomial { link } => binomial::log_density(link, y, trials, eta[0]),
        }
    }

    /// Writes the score ∂ log f / ∂ (eta…, aux…), `n_predictors + n_auxiliary` numbers; returns the log density.
    #[inline]
    pub fn score(&self, y: f64, trials: f64, eta: &[f64], aux: &[f64], out: &mut [f64]) -> f64 {
        match *self {
            Family::Gaussian => gaussian::score(y, eta[0], aux[0], out),
            Family::Bernoulli { link } => bernoulli::score(link, y, eta[0], out),
            Family::Ordinal { link, .. } => ordinal::score(link, y, eta[0], aux, out),
            Family::Nominal { .. } => nominal::score(y, eta, out),
            Family::Poisson => poisson::score(y, eta[0], out),
            Family::NegativeBinomial => negative_binomial::score(y, eta[0], aux[0], out),
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => {
                zero_inflated::score(count(aux), y, eta[0], eta[1], out)
            }
            Family::Censored { lower, upper } => censored::score(Bounds { lower, upper }, y, eta[0], aux[0], out),
            Family::Binomial { link } => binomial::score(link, y, trials, eta[0], out),
        }
    }

    /// Writes minus the Hessian of log f at the observed y in (eta…, aux…): exact second derivatives, m × m row-major
    /// (symmetric) with m = `n_predictors + n_auxiliary`.
    #[inline]
    pub fn observed_information(&self, y: f64, trials: f64, eta: &[f64], aux: &[f64], out: &mut [f64]) {
        match *self {
            Family::Gaussian => gaussian::observed_information(y, eta[0], aux[0], out),
            Family::Bernoulli { link } => bernoulli::observed_information(link, y, eta[0], out),
            Family::Ordinal { link, .. } => {
                ordinal::observed_information(link, y, eta[0], aux, out);
            }
            Family::Nominal { .. } => nominal::information(eta, out),
            Family::Poisson => poisson::information(eta[0], out),
            Family::NegativeBinomial => {
                negative_binomial::observed_information(y, eta[0], aux[0], out);
            }
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => {
                zero_inflated::observed_information(count(aux), y, eta[0], eta[1], out);
            }
            Family::Censored { lower, upper } => {
                censored::observed_information(Bounds { lower, upper }, y, eta[0], aux[0], out);
            }
            Family::Binomial { link } => {
                binomial::observed_information(link, y, trials, eta[0], out);
            }
        }
    }

    /// Writes a positive semi-definite information in (eta…, aux…), laid out as `observed_information`: the expected
    /// information, except for the negative binomial's dispersion and the zero-inflated negative binomial (see those
    /// files). No family's depends on y, which is accepted so that callers treat both informations alike.
    #[inline]
    pub fn expected_information(&self, _y: f64, trials: f64, eta: &[f64], aux: &[f64], out: &mut [f64]) {
        match *self {
            Family::Gaussian => gaussian::expected_information(aux[0], out),
            Family::Bernoulli { link } => bernoulli::expected_information(link, eta[0], out),
            Family::Ordinal { link, .. } => ordinal::expected_information(link, eta[0], aux, out),
            Family::Nominal { .. } => nominal::information(eta, out),
            Family::Poisson => poisson::information(eta[0], out),
            Family::NegativeBinomial => {
                negative_binomial::expected_information(eta[0], aux[0], out);
            }
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => {
                zero_inflated::expected_information(count(aux), eta[0], eta[1], out);
            }
            Family::Censored { lower, upper } => {
                censored::expected_information(Bounds { lower, upper }, eta[0], aux[0], out);
            }
            Family::Binomial { link } => {
                binomial::expected_information(link, trials, eta[0], out);
            }
        }
    }

    /// A draw of y.
    pub fn sample(&self, trials: f64, eta: &[f64], aux: &[f64], rng: &mut Stream) -> f64 {
        match *self {
            Family::Gaussian => gaussian::sample(eta[0], aux[0], rng),
            Family::Bernoulli { link } => bernoulli::sample(link, eta[0], rng),
            Family::Ordinal { link, .. } => ordinal::sample(link, eta[0], aux, rng),
            Family::Nominal { .. } => nominal::sample(eta, rng),
            Family::Poisson => poisson::sample(eta[0], rng),
            Family::NegativeBinomial => negative_binomial::sample(eta[0], aux[0], rng),
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => {
                zero_inflated::sample(count(aux), eta[0], eta[1], rng)
            }
            Family::Censored { lower, upper } => censored::sample(Bounds { lower, upper }, eta[0], aux[0], rng),
            Family::Binomial { link } => binomial::sample(link, trials, eta[0], rng),
        }
    }

    /// E(y); for ordinal and nominal outcomes the mean category number, for censored ones that of the recorded value.
    pub fn mean(&self, trials: f64, eta: &[f64], aux: &[f64]) -> f64 {
        match *self {
            Family::Gaussian => eta[0],
            Family::Bernoulli { link } => link.cdf(eta[0]),
            Family::Ordinal { link, .. } => ordinal::mean(link, eta[0], aux),
            Family::Nominal { .. } => nominal::mean(eta),
            Family::Poisson | Family::NegativeBinomial => poisson::exp_finite(eta[0]),
            Family::ZeroInflatedPoisson | Family::ZeroInflatedNegativeBinomial => zero_inflated::mean(eta[0], eta[1]),
            Family::Censored { lower, upper } => censored::mean(Bounds { lower, upper }, eta[0], aux[0]),
            Family::Binomial { link } => trials * link.cdf(eta[0]),
        }
    }
}

/// The count family inside a zero-inflated one: negative binomial when there is a dispersion.
#[inline]
fn count(aux: &[f64]) -> Count {
    match aux.first() {
        Some(&alpha) => Count::NegativeBinomial { alpha },
        None => Count::Poisson,
    }
}
