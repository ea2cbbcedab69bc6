# What the uncertainty of a first step adds to the standard errors of the next.
#
# Step two estimates theta_2 with a quantity lambda of step one held fixed. With V_2 its own covariance matrix,
#
#   V = V_2 + G V_lambda G',   G = d theta_2 / d lambda'
#
# (Bakk, Oberski and Vermunt 2014, eq. 12; Bakk and Kuha 2018, eq. 8; the same as H^-1 C V C' H^-1 by the implicit
# function theorem). The product is summed over the columns v of a square root of V_lambda, each from estimating
# step two anew at lambda + v/2 and lambda - v/2, so that steps are as large as the uncertainty is.

# G V G' for at(shift) -> theta_2; `vcov` is that of lambda.
propagated <- function(vcov, at) {
  root <- eigen((vcov + t(vcov)) / 2, symmetric = TRUE)
  keep <- which(root$values > 1e-10 * max(root$values, 1e-300))
  total <- 0
  for (i in keep) {
    half <- root$vectors[, i] * sqrt(root$values[[i]]) / 2
    total <- total + tcrossprod(at(half) - at(-half))
  }
  total
}

# Covariance of functions of the posteriors of a fit: `fun` takes a list like the engine's result. Parameters at a
# boundary or not identified are taken as fixed.
posterior_vcov <- function(fit, fun) {
  used <- which(!is.na(diag(fit$vcov)))
  jacobian <- vapply(used, function(i) {
    position <- fit$free[[i]]
    theta <- fit$parameters$estimate
    step <- 0.05 * sqrt(fit$vcov[i, i])
    room <- c(
      theta[[position]] - fit$parameters$lower[[position]], fit$parameters$upper[[position]] - theta[[position]]
    )
    step <- min(step, room[is.finite(room) & room > 0] / 4)
    at <- function(sign) fun(posteriors_at(fit, replace(theta, position, theta[[position]] + sign * step)))
    (at(1) - at(-1)) / (2 * step)
  }, fun(fit))
  jacobian <- matrix(jacobian, ncol = length(used))
  jacobian %*% fit$vcov[used, used, drop = FALSE] %*% t(jacobian)
}

# Posteriors at other parameters, whatever constraints hold among them.
posteriors_at <- function(fit, theta) {
  fit$spec <- fixed_spec(fit$spec, theta)
  engine_evaluate(fit, theta)
}

# All parameters of a fit estimated anew from its estimates, with some of its fixed ones at other values.
refit_with_fixed <- function(fit, position, values) {
  theta <- replace(fit$parameters$estimate, position, values)
  spec <- fit$spec
  for (i in seq_along(position)) spec$parameters[[position[[i]]]]$value <- values[[i]]
  options <- fit$options
  options[c("starts", "final_starts")] <- 1L
  options$se <- "none"
  options$tolerance <- 1e-13
  options$start_values <- theta
  options$quadrature[c("method", "points", "adaptive")] <- fit$integration[c("method", "points", "adaptive")]
  result <- raw_fit(
    to_spec_json(spec), fit$data$columns, fit$data$cluster, fit$data$frequency, fit$data$unit_weights,
    fit$data$cluster_weights, options_json(options), NULL
  )
  as.numeric(result$estimate)
}

# A fit with a wider covariance matrix of its free parameters.
with_vcov <- function(fit, extra) {
  fit$vcov <- fit$vcov + extra
  fit$parameters$std.error[fit$free] <- sqrt(diag(fit$vcov))
  fit
}

check_first_step <- function(fit, correct, call) {
  if (correct && is.null(fit$vcov)) {
    abort_spec(c(
      "The first step has no standard errors: it was made with {.code se = \"none\"}.",
      i = "Use {.code update(fit, se = \"robust\")}, or {.code correct = FALSE}, which takes it as known."
    ), call = call)
  }
}
