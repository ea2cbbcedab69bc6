# A latent variable whose variance is fixed at 0 has no residual, and costs no dimension of integration.

# In the specification such a variance is the constant 0 instead of a parameter fixed there. Its covariances must be
# fixed at 0 too, and are left out.
zero_variances <- function(spec, frame, call) {
  fixed_at_zero <- function(coefficient) {
    position <- c(coefficient[["parameter"]], unlist(coefficient[["parameters"]])) + 1L
    length(position) > 0 && all(!frame$free[position] & frame$value[position] %in% 0)
  }
  zero <- character(0)
  spec$latents <- lapply(spec$latents, function(latent) {
    if (fixed_at_zero(latent$variance)) {
      zero <<- c(zero, latent$name)
      latent$variance <- list(constant = 0)
    }
    latent
  })
  touched <- vapply(spec$covariances, function(cov) any(c(cov$a, cov$b) %in% zero), TRUE)
  for (cov in spec$covariances[touched]) {
    if (!fixed_at_zero(cov$value)) {
      name <- frame$name[[c(cov$value[["parameter"]], unlist(cov$value[["parameters"]]))[[1]] + 1L]]
      abort_spec(c(
        "{.val {intersect(c(cov$a, cov$b), zero)}} has its variance fixed at 0, but a free covariance.",
        i = "Fix that at 0 as well: {.code constrain(fix(\"{name}\" = 0))}."
      ), call = call)
    }
  }
  if (length(touched) > 0) spec$covariances <- spec$covariances[!touched]
  spec
}
