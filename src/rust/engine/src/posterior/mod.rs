//! Posterior quantities at the estimate: class probabilities, expected counts, latent variables.

pub mod classes;
pub mod latents;
