# Which variances a larger model frees at 0, and how their estimates go together there.

# list(names, weights, df, kind) of the mixture for the likelihood ratio of two fits, `change` the difference of their
# numbers of parameters. `kind`: "plain" (no variance is freed), "one", "several" (weights from the information),
# "bound" (no weights are known: those of the largest p-value there can be); "infinite" (one variance that is not 0 but
# infinite under the smaller model: in units of 1 / sd the boundary is again at 0), "unknown" (several such: no p).
boundary_mixture <- function(small, large, change, call) {
  freed <- freed_variances(small, large)
  k <- length(freed)
  if (is.na(change) || k == 0 || k > change) return(list(names = freed, weights = 1, df = change, kind = "plain"))
  infinite <- any(infinite_variances(small, large, freed))
  if (infinite && k > 1) return(list(names = freed, weights = NA_real_, df = change, kind = "unknown"))
  if (k == 1) {
    return(list(names = freed, weights = c(0.5, 0.5), df = change - 1:0, kind = if (infinite) "infinite" else "one"))
  }
  correlation <- if (!any_covariance(large, freed, small)) variance_correlation(small, large, freed, call)
  if (is.null(correlation)) {
    # No cone inside a half space gives larger p-values than the half space (Perlman 1969).
    return(list(names = freed, weights = c(0.5, 0.5), df = change - 1:0, kind = "bound"))
  }
  list(names = freed, weights = chi_bar_weights(correlation), df = change - k + 0:k, kind = "several")
}

# Names of the variances of random effects and factors that are free in the larger model, and 0 in the smaller one or
# not in it at all.
freed_variances <- function(small, large) {
  p <- large$parameters
  free <- p$name[p$free & p$kind == "variance" & p$name %in% random_variances(large)]
  before <- small$parameters
  place <- match(free, before$name)
  new <- is.na(place) | (!before$free[place] & before$value[place] %in% 0)
  # A variance by class is not new where the smaller model has one for all classes.
  new <- new & !(is.na(place) & sub("\\[.*$", "", free) %in% before$name[before$free])
  free[new]
}

# Which of them are infinite under the smaller model: those of the logits of a class that each unit has for itself in
# the larger model, and a whole cluster or person in the smaller one.
infinite_variances <- function(small, large, freed) {
  stacked <- is.null(small$data$reshape) && !is.null(large$data$reshape)
  whole <- vapply(fit_classes(small), function(class) class$level == "between" || stacked, NA)
  target <- large$parameters$target[match(freed, large$parameters$name)]
  logit <- grepl("#[0-9]+@", target)
  logit & sub("#.*$", "", target) %in% intersect(names(whole)[whole], names(fit_classes(large, "within")))
}

# Names of the variances of random effects and factors.
random_variances <- function(fit) {
  p <- fit$parameters
  p$name[p$kind == "variance" & p$target %in% fit$data$latents$name]
}

# Whether two of the freed variances get a covariance too: their matrix is then 0 under the smaller model, and what it
# may become is no orthant.
any_covariance <- function(large, freed, small) {
  p <- large$parameters
  targets <- p$target[p$name %in% freed]
  any(p$kind == "covariance" & p$free & p$target %in% targets & p$term %in% targets)
}

# The correlation matrix of the estimates of the freed variances under the smaller model: from the cross-products of
# the scores of independent contributions at its estimates. NULL where it cannot be worked out.
variance_correlation <- function(small, large, freed, call) {
  theta <- null_values(small, large, freed)
  if (is.null(theta)) return(NULL)
  nothing <- function(e) if (inherits(e, "mlmix_interrupt")) stop(e) else NULL
  scores <- tryCatch(boundary_scores(large, theta, freed, small), error = nothing)
  if (is.null(scores) || !all(is.finite(scores))) return(NULL)
  scale <- sqrt(colSums(scores^2))
  kept <- scale > 0
  place <- match(freed, large$parameters$name[large$free])
  if (!all(kept[place])) return(NULL)
  information <- crossprod(scores[, kept, drop = FALSE]) / outer(scale[kept], scale[kept])
  inverse <- tryCatch(solve(information, tol = 1e-10), error = nothing)
  place <- match(place, which(kept))
  if (is.null(inverse)) return(NULL)
  stats::cov2cor(inverse[place, place, drop = FALSE])
}

# The parameters of the larger model that make it the smaller one, natural scale; NULL where that is not plain to see.
null_values <- function(small, large, freed) {
  p <- large$parameters
  before <- small$parameters
  stem <- function(names) sub("\\[.*$", "", names)
  place <- match(p$name, before$name)
  place[is.na(place)] <- match(stem(p$name[is.na(place)]), before$name)
  theta <- ifelse(p$free, before$estimate[place], p$estimate)
  # What the smaller model lacks is 0 in it: effects and covariances.
  absent <- is.na(theta) & p$kind %in% c("slope", "logit", "loading", "covariance", "regression")
  theta[absent | p$name %in% freed] <- 0
  if (anyNA(theta)) NULL else theta
}

# Scores of the contributions at the smaller model, [contributions x free parameters], by differences; of the freed
# variances one-sided.
boundary_scores <- function(large, theta, freed, small) {
  p <- large$parameters
  position <- match(freed, p$name)
  at <- function(values) as.numeric(posteriors_at(large, values)$log_likelihood_clusters)
  root <- sqrt(contribution_multiplier(large)$whole)
  # Variances so small that they do nothing, but not 0, where the engine has no covariances.
  steps <- vapply(position, function(i) variance_step(at, replace(theta, position, 1e-10), i), 0)
  base <- replace(theta, position, 1e-4 * steps)
  at_base <- at(base)
  vapply(large$free, function(i) {
    if (i %in% position) {
      step <- steps[[match(i, position)]]
      return(root * (at(replace(base, i, base[[i]] + step)) - at_base) / step)
    }
    middle <- base
    if (p$kind[[i]] == "covariance") {
      # With a variance that has left 0, so that it may differ from 0 itself.
      own <- match(c(p$target[[i]], p$term[[i]]), p$target[p$kind == "variance"])
      own <- which(p$kind == "variance")[own]
      middle[intersect(own, position)] <- steps[match(intersect(own, position), position)]
      step <- 0.1 * sqrt(prod(middle[own]))
    } else {
      step <- 1e-4 * max(1, abs(theta[[i]]))
      if (p$kind[[i]] %in% c("variance", "dispersion")) step <- 1e-3 * theta[[i]]
    }
    up <- at(replace(middle, i, middle[[i]] + step))
    down <- at(replace(middle, i, middle[[i]] - step))
    root * (up - down) / (2 * step)
  }, numeric(length(at_base)))
}

# A variance that moves some contribution by 0.001: small, and well above rounding.
variance_step <- function(at, theta, i) {
  base <- at(theta)
  step <- 1e-6
  while (step < 1e6 && max(abs(at(replace(theta, i, step)) - base)) < 1e-3) step <- 4 * step
  step
}
