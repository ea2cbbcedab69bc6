# What the uncertainty of a first step adds to the standard errors of the next.
#
# Step two estimates theta_2 with a quantity lambda of step one held fixed. With V_2 its own covariance matrix,
#
#   V = V_2 + G V_lambda G',   G = d theta_2 / d lambda'
#
# (Bakk, Oberski and Vermunt 2014, eq. 12; Bakk and Kuha 2018, eq. 8; the same as H^-1 C V C' H^-1 by the implicit
# function theorem). The product is summed over the columns v of a square root of V_lambda, each from estimating
# step two anew at lambda + v/2 and lambda - v/2, so that steps are as large as the uncertainty is.

# G V G' for at(shift) -> theta_2, which is `base` at no shift; `vcov` is that of lambda. at() gives NULL where a shift
# leaves the possible values, for instance a correlation beyond 1: then the other side counts double.
propagated <- function(vcov, base, at, call) {
  root <- eigen((vcov + t(vcov)) / 2, symmetric = TRUE)
  keep <- which(root$values > 1e-10 * max(root$values, 1e-300))
  total <- matrix(0, length(base), length(base))
  for (i in keep) {
    half <- root$vectors[, i] * sqrt(root$values[[i]]) / 2
    change <- two_sided(base, function(sign) at(sign * half))
    if (is.null(change)) stop_correction(call)
    total <- total + tcrossprod(change)
  }
  total
}

# at(1) - at(-1), from one side where the other is NULL; NULL if both are.
two_sided <- function(base, at) {
  up <- at(1)
  down <- at(-1)
  if (is.null(up) && is.null(down)) return(NULL)
  if (is.null(up)) return(2 * (base - down))
  if (is.null(down)) return(2 * (up - base))
  up - down
}

stop_correction <- function(call) {
  abort_spec(c(
    "The uncertainty of the first step cannot be worked out: the next step has no solution near its estimates.",
    i = "{.code correct = FALSE} takes the first step as known."
  ), call = call)
}

# Covariance of functions of the posteriors of a fit: `fun` takes a list like the engine's result. Parameters at a
# boundary or not identified are taken as fixed.
posterior_vcov <- function(fit, fun) {
  used <- which(!is.na(diag(fit$vcov)))
  base <- fun(fit)
  jacobian <- vapply(used, function(i) {
    position <- fit$free[[i]]
    theta <- fit$parameters$estimate
    step <- 0.05 * sqrt(fit$vcov[i, i])
    room <- c(
      theta[[position]] - fit$parameters$lower[[position]], fit$parameters$upper[[position]] - theta[[position]]
    )
    step <- min(step, room[is.finite(room) & room > 0] / 4)
    change <- two_sided(base, function(sign) {
      result <- posteriors_at(fit, replace(theta, position, theta[[position]] + sign * step))
      if (is.finite(result$log_likelihood)) fun(result)
    })
    if (is.null(change)) 0 * base else change / (2 * step)
  }, base)
  jacobian <- matrix(jacobian, ncol = length(used))
  jacobian %*% fit$vcov[used, used, drop = FALSE] %*% t(jacobian)
}

# Posteriors at other parameters, whatever constraints hold among them.
posteriors_at <- function(fit, theta) {
  fit$spec <- fixed_spec(fit$spec, theta)
  values <- vapply(fit$spec$parameters, function(parameter) parameter$value, 0)
  result <- engine_evaluate(fit, values)
  if (!is.null(fit$joint_between_of)) result$joint_between <- joint_between(fit, values)
  result
}

# All parameters of a fit estimated anew from its estimates, with some of its fixed ones at other values; NULL where
# that is impossible.
refit_with_fixed <- function(fit, position, values) {
  theta <- replace(fit$parameters$estimate, position, values)
  spec <- fit$spec
  for (i in position) spec$parameters[[i]]$value <- theta[[i]]
  options <- with_rule_of(fit$options, fit)
  options[c("starts", "final_starts")] <- 1L
  options$se <- "none"
  options$tolerance <- 1e-13
  options$start_values <- theta
  result <- tryCatch(raw_fit(
    spec, fit$data$columns, fit$data$cluster, fit$data$frequency, fit$data$unit_weights,
    fit$data$cluster_weights, engine_options(options), NULL
  ), mlmix_error_engine = function(e) NULL)
  if (!is.null(result)) as.numeric(result$estimate)
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
