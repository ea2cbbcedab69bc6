# One limit of a profile likelihood interval.
#
# With l the maximum and l_p(v) the largest log-likelihood where the parameter is v, the limit solves
#
#     d(v) = 2 (l - l_p(v)) = chi^2_{1, level}.
#
# The signed root sqrt(d(v)) is nearly linear in v, so it is what the root finding sees (Venzon and Moolgavkar 1988;
# Bates and Watts 1988, section 6.1). Every l_p(v) starts from the estimates at the nearest value before.

# list(end = data frame (limit, status, reason), points = data frame (name, value, deviance)).
profile_limit <- function(fit, name, side, critical) {
  profile <- new_profile(fit, name)
  end <- tryCatch(
    search_limit(profile, if (side == "lower") -1 else 1, sqrt(critical)),
    mlmix_profile_end = function(e) limit_end(NA_real_, "failed", cli::ansi_strip(conditionMessage(e)))
  )
  list(end = end, points = data.frame(name = name, value = profile$value, deviance = profile$deviance))
}

# An environment that remembers every point of the profile: value, deviance, estimates.
new_profile <- function(fit, name) {
  profile <- new.env(parent = emptyenv())
  profile$fit <- fit
  profile$index <- match(name, fit$parameters$name)
  profile$row <- fit$parameters[profile$index, ]
  profile$value <- profile$row$estimate
  profile$deviance <- 0
  profile$estimates <- list(fit$parameters$estimate)
  profile
}

limit_end <- function(limit, status, reason = NA_character_) {
  data.frame(limit = limit, status = status, reason = reason)
}

# Outwards until the root of the deviance passes the critical one, then between the last two points. Variances are
# searched on the log scale, which ends short of 0.
search_limit <- function(profile, direction, critical) {
  scale <- search_scale(profile$row)
  at <- scale$to(profile$row$estimate)
  far <- profile_end(profile$row, direction, scale)
  if (direction * (far$at - at) <= 0) return(far$reached)
  above <- function(x) sqrt(profile_deviance(profile, scale$from(x))) - critical
  inner <- list(at = at, height = -critical)
  step <- first_step(profile$row, critical, scale)
  for (attempt in seq_len(40)) {
    # Never past the end, and to the end itself only as the last step.
    x <- if (direction * (inner$at + direction * step - far$at) >= 0) far$at else inner$at + direction * step
    height <- above(x)
    if (height > 0) {
      root <- bracketed_root(above, inner, list(at = x, height = height))
      return(limit_end(scale$from(root), "found"))
    }
    if (x == far$at) return(far$reached)
    # Where a straight line from the estimate would pass, but not more than eight times as far.
    distance <- abs(x - at)
    slope <- (height + critical) / distance
    step <- if (slope > 0) min(max(1.2 * -height / slope, 0.1 * distance), 8 * distance) else 4 * distance
    inner <- list(at = x, height = height)
  }
  end_profile("The likelihood falls too slowly to find the limit.")
}

# The log for variances and dispersions, unless they are 0.
search_scale <- function(row) {
  if (row$kind %in% c("variance", "dispersion") && row$estimate > 1e-8) {
    list(to = log, from = exp, slope = 1 / row$estimate)
  } else {
    list(to = identity, from = identity, slope = 1)
  }
}

bracketed_root <- function(above, inner, outer) {
  both <- list(inner, outer)[order(c(inner$at, outer$at))]
  stats::uniroot(
    above, c(both[[1]]$at, both[[2]]$at), f.lower = both[[1]]$height, f.upper = both[[2]]$height,
    tol = 1e-4 * abs(outer$at - inner$at) + 1e-10
  )$root
}

# How far the search goes on one side, and what it means to have come so far.
profile_end <- function(row, direction, scale) {
  bound <- if (direction < 0) row$lower else row$upper
  if (is.finite(bound)) {
    # A variance of 0 counts as reached where the likelihood has not fallen far enough at 1e-6 of the estimate.
    at <- if (identical(scale$to, log) && bound <= 0) log(1e-6 * row$estimate) else scale$to(bound)
    return(list(at = at, reached = limit_end(bound, "boundary")))
  }
  infinite <- limit_end(direction * Inf, "infinite")
  # The engine holds logits and thresholds past 15, where a probability is 0 or 1 to seven digits.
  far <- if (row$kind %in% c("logit", "threshold") || row$status == "boundary") max(15, abs(row$estimate)) else
    1e4 * max(1, abs(row$estimate))
  list(at = if (identical(scale$to, log)) scale$to(far) else direction * far, reached = infinite)
}

# A Wald interval's half width, or a small step where there is no standard error.
first_step <- function(row, critical, scale) {
  if (!is.na(row$std.error) && row$std.error > 0) return(critical * row$std.error * scale$slope)
  if (row$status == "boundary" && row$kind %in% c("variance", "dispersion")) return(0.05)
  max(0.1, 0.25 * abs(scale$to(row$estimate)))
}

# d(v), remembered.
profile_deviance <- function(profile, value) {
  known <- match(value, profile$value)
  if (!is.na(known)) return(profile$deviance[[known]])
  nearest <- which.min(abs(profile$value - value))
  again <- constrained_fit(profile$fit, profile$index, value, profile$estimates[[nearest]])
  # the prior of the fixed parameter still counts
  prior <- log_prior_at(profile$row, value)
  deviance <- 2 * (penalised_value(profile$fit) - penalised_value(again) - prior)
  if (deviance < -1e-3) {
    end_profile(paste0("Fixed at ", signif(value, 4), " the model has a higher log-likelihood than the fit, by ",
      signif(-deviance / 2, 3), "."))
  }
  deviance <- max(deviance, 0)
  profile$value <- c(profile$value, value)
  profile$deviance <- c(profile$deviance, deviance)
  profile$estimates <- c(profile$estimates, list(again$parameters$estimate))
  deviance
}

# The fit's model with one parameter fixed, estimated from `from`.
constrained_fit <- function(fit, index, value, from) {
  resolved <- fit_resolved(fit)
  fixed <- list(name = resolved$parameters$name[[index]], free = FALSE, value = value)
  resolved$spec$parameters[[index]] <- c(fixed, list(start = NULL, lower = NULL, upper = NULL))
  resolved$parameters$free[[index]] <- FALSE
  resolved$parameters$value[[index]] <- value
  resolved$parameters[index, c("lower", "upper", "prior_mean", "prior_sd")] <- NA_real_
  from <- feasible_start(replace(from, index, value), from, fit, index)
  options <- warm_options(fit$options, from, resolved$parameters, se = "none")
  again <- tryCatch(fit_again(resolved, fit_weights(fit), options), mlmix_error_engine = identity)
  if (inherits(again, "error")) end_profile(paste0("Fixed at ", signif(value, 4), ": ", conditionMessage(again)))
  # The Newton decrement is twice what the log-likelihood could still gain, so d(v) is then exact to 0.001.
  near <- isTRUE(number_or_na(again$convergence$newton_decrement) < 1e-3)
  if (!is_converged(again) && !near) {
    end_profile(paste0("Fixed at ", signif(value, 4), " the estimation did not converge (",
      again$convergence$status, ")."))
  }
  again
}

end_profile <- function(reason) {
  stop(structure(class = c("mlmix_profile_end", "error", "condition"), list(message = reason, call = NULL)))
}

# Starting values that the fixed value has made impossible are moved: thresholds stay in order, and where a variance
# changes, correlations rather than covariances stay.
feasible_start <- function(values, before, fit, index) {
  p <- fit$parameters
  row <- p[index, ]
  if (row$kind == "threshold") {
    same <- which(p$kind == "threshold" & p$target == row$target & p$class == row$class)
    number <- as.numeric(sub("^.*[|]t([0-9]+).*$", "\\1", p$name[same]))
    gap <- (number - number[[match(index, same)]]) * 0.1
    values[same] <- ifelse(gap > 0, pmax(values[same], values[[index]] + gap),
      ifelse(gap < 0, pmin(values[same], values[[index]] + gap), values[same]))
    return(values)
  }
  if (row$kind == "variance" && before[[index]] > 0) {
    beside <- which(p$kind == "covariance" & p$free & (p$target == row$target | p$term == row$target))
    values[beside] <- values[beside] * sqrt(values[[index]] / before[[index]])
  }
  if (row$kind == "covariance") {
    variances <- which(p$kind == "variance" & p$target %in% c(row$target, row$term) & p$free &
      (p$class == "" | row$class == "" | p$class == row$class))
    largest <- prod(values[variances])
    if (length(variances) == 2 && largest <= 1.02 * values[[index]]^2) {
      values[variances] <- values[variances] * sqrt(1.05 * values[[index]]^2 / max(largest, 1e-12))
    }
  }
  values
}
