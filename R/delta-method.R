# The delta method: standard errors of any function of the parameters, by numeric derivatives.

# `fun` takes all natural parameters (table order) and returns a numeric vector. Returns list(estimate, std_error,
# vcov, boundary, lost, fixed). Parameters held at a boundary count as fixed; a result that depends on nothing else has
# no standard error, and neither has one that depends on a parameter that is not identified. `boundary`, `lost` and
# `fixed` say which results depend on held ones, on ones not identified, and on no free one at all (error 0).
delta_method <- function(fit, fun) {
  theta <- fit$parameters$estimate
  estimate <- fun(theta)
  jacobian <- numeric_jacobian(fun, theta, fit$free, fit$parameters)
  depends <- abs(jacobian) > 0
  vcov <- fit$vcov
  if (is.null(vcov)) {
    vcov <- matrix(NA_real_, length(fit$free), length(fit$free))
  }
  status <- fit$parameters$status[fit$free]
  held <- status == "boundary"
  lost <- !held & is.na(diag(vcov))
  usable <- !held & !lost
  covariance <- jacobian[, usable, drop = FALSE] %*% vcov[usable, usable, drop = FALSE] %*%
    t(jacobian[, usable, drop = FALSE])
  std_error <- sqrt(pmax(diag(covariance), 0))
  on <- function(which) rowSums(depends[, which, drop = FALSE]) > 0
  std_error[on(lost) | (rowSums(depends) > 0 & !on(usable))] <- NA_real_
  list(
    estimate = estimate, std_error = std_error, vcov = covariance, boundary = on(held), lost = on(lost),
    fixed = rowSums(depends) == 0
  )
}

# Four-point central differences with respect to the parameters in `free`, inside their bounds: [length(fun) x
# length(free)].
numeric_jacobian <- function(fun, theta, free, parameters) {
  n <- length(fun(theta))
  columns <- lapply(free, function(i) {
    step <- 1e-4 * max(1, abs(theta[[i]]))
    room <- c(theta[[i]] - parameters$lower[[i]], parameters$upper[[i]] - theta[[i]])
    room <- room[is.finite(room) & room > 0]
    step <- min(step, room / 4)
    at <- function(k) fun(replace(theta, i, theta[[i]] + k * step))
    (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
  })
  matrix(unlist(columns), n, length(free))
}

# The usual columns after an estimate: Wald statistic, p-value and limits on the natural scale.
wald_columns <- function(estimate, std_error, level = 0.95) {
  z <- stats::qnorm(1 - (1 - level) / 2)
  statistic <- ifelse(!is.na(std_error) & std_error > 0, estimate / std_error, NA_real_)
  data.frame(
    estimate = estimate, std.error = std_error, statistic = statistic,
    p.value = 2 * stats::pnorm(-abs(statistic)),
    conf.low = estimate - z * std_error, conf.high = estimate + z * std_error
  )
}

check_level <- function(level, arg = "level", call = rlang::caller_env()) {
  if (!(is.numeric(level) && length(level) == 1 && is.finite(level) && level > 0 && level < 1)) {
    abort_spec(c(
      "{.arg {arg}} must be one number between 0 and 1, such as 0.95.", x = "You gave {describe(level)}."
    ), call = call)
  }
  level
}
