# The acceleration of BCa intervals: how fast the standard error of an estimate changes with the estimate.
#
# With U_i the influence of independent unit i on the estimate (the derivative with respect to its weight),
#
#   a = sum U_i^3 / (6 (sum U_i^2)^(3/2))
#
# (Efron 1987, eq. 7.3 without a model; for a model the same with its scores, section 5, of which the observed
# third moment is an estimate). For maximum likelihood U_i = V s_i with s_i the unit's score and V the inverse of the
# observed information. A quantity that the user takes from a fit may depend on the data too, as class sizes do through
# posteriors: its influence is its change when the weight of the unit grows and the estimates move by U_i with it.

# One number for each row of `original`; NA where there is no standard error.
accelerations <- function(fit, statistic, original, units, call) {
  out <- rep(NA_real_, nrow(original))
  own <- which(fit$parameters$status != "fixed")
  nothing <- function(e) if (inherits(e, "mlmix_interrupt")) stop(e) else NULL
  parts <- tryCatch(parameter_influences(fit, units, call), error = nothing)
  if (is.null(parts)) return(out)
  out[match(parts$position, own)] <- skewness_of(parts$influence, units$count)
  if (nrow(original) > length(own)) {
    more <- tryCatch(quantity_influences(fit, statistic, parts, units), error = nothing)
    if (!is.null(more)) out[-seq_along(own)] <- skewness_of(more$influence, more$count)
  }
  out
}

skewness_of <- function(influence, count) {
  sums <- function(power) colSums(count * influence^power)
  ifelse(sums(2) < 1e-300, NA_real_, sums(3) / (6 * sums(2)^1.5))
}

# list(influence [units x parameters], position of the parameters in the table); of each unit of those counted as many.
parameter_influences <- function(fit, units, call) {
  vcov <- model_vcov(fit, call)
  used <- which(!is.na(diag(vcov)))
  if (length(used) == 0) return(NULL)
  scores <- vapply(used, function(i) {
    contribution_slopes(fit, fit$free[[i]], sqrt(vcov[i, i]))
  }, numeric(length(fit$log_likelihood_clusters)))
  scores <- contribution_multiplier(fit)$whole * scores
  of_contribution <- if (is.null(fit$data$cluster)) units$index else seq_len(nrow(scores))
  sums <- rowsum(scores, of_contribution, reorder = TRUE) / units$count
  list(influence = sums %*% vcov[used, used, drop = FALSE], position = fit$free[used])
}

# The inverse of the observed information, in parameters.
model_vcov <- function(fit, call) {
  if (identical(fit$options$se, "observed") && !is.null(fit$vcov)) return(fit$vcov)
  estimate_again(fit, fit$data$columns, fit$data, starts = c(1, 1), seed = fit$seed, se = "observed",
    start_values = fit$parameters$estimate, call = call)$vcov
}

# Derivatives of each contribution to the log-likelihood with respect to one parameter.
contribution_slopes <- function(fit, position, std_error) {
  theta <- fit$parameters$estimate
  room <- c(theta[[position]] - fit$parameters$lower[[position]], fit$parameters$upper[[position]] - theta[[position]])
  step <- min(0.02 * std_error, room[is.finite(room) & room > 0] / 4)
  at <- function(sign) {
    moved <- replace(theta, position, theta[[position]] + sign * step)
    as.numeric(posteriors_at(fit, moved)$log_likelihood_clusters)
  }
  (at(1) - at(-1)) / (2 * step)
}

# list(influence [groups x quantities], count). More than 100 units are taken in groups, spread over the data: sums of
# independent units, whose third moments add up like their own.
quantity_influences <- function(fit, statistic, parts, units, most = 100) {
  n <- length(units$count)
  single <- n <= most || any(units$count != 1)
  group <- if (single) seq_len(n) else (seq_len(n) - 1) %% most + 1
  influence <- vapply(seq_len(max(group)), function(g) {
    inside <- group == g
    move <- colSums(parts$influence[inside, , drop = FALSE])
    at <- function(weight) statistic_rows(moved_fit(fit, parts$position, weight * move, units, inside, weight),
      statistic, 0.95)$estimate
    (at(0.02) - at(-0.02)) / 0.04
  }, numeric(nrow(statistic_rows(fit, statistic, 0.95))))
  list(influence = t(matrix(influence, ncol = max(group))), count = if (single) units$count else rep(1, most))
}

# The fit at other estimates, with the posteriors there of data in which some units weigh more.
moved_fit <- function(fit, position, move, units, inside, weight) {
  theta <- replace(fit$parameters$estimate, position, fit$parameters$estimate[position] + move)
  weights <- resampled_weights(fit, units, units$count + weight * inside)
  fit$data[names(weights)] <- weights
  result <- posteriors_at(fit, theta)
  parts <- c("log_likelihood", "log_likelihood_clusters", "posterior_within", "posterior_joint", "posterior_between",
    "class_prob", "transitions")
  fit$parameters$estimate <- theta
  fit[parts] <- result[parts]
  fit
}
