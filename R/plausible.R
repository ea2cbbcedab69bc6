# plausible_draws(): classes, random effects and factors drawn from their posterior distribution.
#
# Everything of a cluster is drawn together, in an order in which each part is easy given those before:
#   1. between classes d, one after the other, from P(d_s | d_1, ..., d_(s-1), y);
#   2. random effects and between factors b given d: normal with their posterior mean and covariance matrix;
#   3. within classes c given d and b: units are then independent, P(c | d, b, y_i);
#   4. factors f given c, d and b: normal with their posterior mean and covariance matrix.
# A class variable is given by making it known, a random effect by making it a covariate; the engine then has the
# posterior of the rest. Covariances come from sums, cov(u, v) = (var(u + v) - var(u) - var(v)) / 2, the sums being
# latent variables without a residual. Where everything that depends on a latent variable is normal its posterior is
# normal and the draws are exact; elsewhere it is an approximation.

#' Draws of classes and latent variables
#'
#' Several complete versions of what was not observed, for analyses that should carry its uncertainty on (plausible
#' values): analyse each and combine the results with Rubin's rules.
#'
#' @param fit A fit from [mlmix()].
#' @param m Whole number, default 5: how many draws.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @return A list of `m` data frames. Each has a row for each row of the data, `NA` for rows left out: `row`, the
#'   cluster's id, then the class of every class variable and the value of every factor and random effect under their
#'   names; those of clusters are the same for all their units. Models that stack items ([gom()]) have a row for each
#'   person and item, with `item`. The attribute `"how"` is a data frame that says of each (`name`) whether it is drawn
#'   from its posterior (`how`: `"exact"`) or from a normal distribution with the posterior's mean and covariance matrix
#'   (`"normal approximation"`); the attribute `"seed"` has the seed.
#' @details
#' Draws are given the estimates of the parameters: their own uncertainty is not in them. They are drawn from the model
#' that was fitted: relations with variables that were not in it come out too weak; [three_step()] and [two_step()] do
#' not have that bias. A row with a frequency is one row, with one draw: repeat the rows of the data first.
#' @references Asparouhov, T. and Muthén, B. (2010). Plausible values for latent variables using Mplus. Technical
#'   report.
#'
#'   Mislevy, R. J. (1991). Randomization-based inference about latent variables from complex samples. *Psychometrika*,
#'   56, 177-196.
#' @seealso [posterior()], [factor_scores()] for means instead of draws.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' draws <- plausible_draws(fit, m = 3, seed = 1)
#' sapply(draws, function(draw) mean(draw$c == 1))
#' @export
plausible_draws <- function(fit, m = 5, seed = NULL) {
  frame <- rlang::current_env()
  check_fit(fit)
  m <- check_count(m, "m")
  seed <- check_seed(seed, frame)
  if (length(fit$spec$classes) + length(fit$spec$latents) == 0) {
    abort_spec("The model has no class variable, factor or random effect: there is nothing to draw.")
  }
  start <- list(spec = fixed_spec(fit$spec, fit$parameters$estimate), data = fit$data, drawn = list())
  # Moments that nothing drawn before can change are the same in all draws.
  levels <- c(
    if (length(fit_classes(fit, "between")) == 0) "between",
    if (length(fit_classes(fit)) + length(latents_of(fit, "between")) == 0) "within"
  )
  start$moments <- sapply(levels, latent_moments, fit = fit, state = start, call = frame, simplify = FALSE)
  draws <- with_seed(seed, {
    lapply(seq_len(m), function(i) into_units(fit, unit_columns(fit, one_draw(fit, start, frame))))
  })
  structure(draws, how = draw_methods(fit), seed = seed)
}

# Everything drawn once: named list of values of units or clusters.
one_draw <- function(fit, state, call) {
  # At the start what the fit holds is what the engine would say.
  result <- fit
  for (class in fit_classes(fit, "between")) {
    if (is.null(result)) result <- engine_at(fit, state$spec, state$data, call)
    state <- give_class(state, class, draw_classes(result$posterior_between[[class$name]]))
    result <- NULL
  }
  state <- draw_latents(fit, state, "between", call)
  if (length(latents_of(fit, "between")) > 0) result <- NULL
  within <- fit_classes(fit, "within")
  if (length(within) > 0 && is.null(result)) result <- engine_at(fit, state$spec, state$data, call)
  if (length(within) > 1 && !is.null(result$posterior_joint)) {
    patterns <- fit_patterns(within)
    chosen <- draw_classes(matrix(as.numeric(result$posterior_joint), ncol = nrow(patterns)))
    for (class in within) state <- give_class(state, class, patterns[[class$name]][chosen])
  } else {
    for (class in within) {
      if (is.null(result)) result <- engine_at(fit, state$spec, state$data, call)
      state <- give_class(state, class, draw_classes(result$posterior_within[[class$name]]))
      result <- NULL
    }
  }
  draw_latents(fit, state, "within", call)$drawn
}

# One class for each row of probabilities.
draw_classes <- function(p) {
  p <- as.matrix(p)
  u <- stats::runif(nrow(p)) * rowSums(p)
  below <- t(apply(p, 1, cumsum))
  if (ncol(p) == 1) return(rep(1L, nrow(p)))
  as.integer(1 + rowSums(below[, -ncol(p), drop = FALSE] < u))
}

# From now on the class is known.
give_class <- function(state, class, values) {
  column <- paste0(".known_", class$name)
  rows <- if (class$level == "between") state$data$cluster + 1L else seq_along(values)
  state$data$columns[[column]] <- as.numeric(values[rows])
  state$spec$classes <- lapply(state$spec$classes, function(one) {
    if (one$name == class$name) one$known <- column
    one
  })
  state$drawn[[class$name]] <- values
  state
}

latents_of <- function(fit, level) {
  vapply(Filter(function(latent) latent$level == level, fit$spec$latents), function(latent) latent$name, "")
}

# The latent variables of a level, together; from then on they are covariates.
draw_latents <- function(fit, state, level, call) {
  moments <- state$moments[[level]] %||% latent_moments(level, fit, state, call)
  names <- colnames(moments$mean)
  values <- moments$mean
  for (i in seq_len(nrow(values))) values[i, ] <- values[i, ] + normal_draw(moments$vcov(i))
  for (name in names) state <- give_latent(state, name, level, unname(values[, name]))
  state
}

# Posterior means [units or clusters x latent variables] and covariance matrices, vcov(i), of a level.
latent_moments <- function(level, fit, state, call) {
  names <- latents_of(fit, level)
  if (length(names) == 0) return(list(mean = matrix(0, 0, 0)))
  pairs <- if (length(names) > 1) utils::combn(length(names), 2) else matrix(0, 2, 0)
  enlarged <- state$spec
  for (j in seq_len(ncol(pairs))) {
    sum <- lapply(names[pairs[, j]], function(name) {
      list(coefficient = list(constant = 1), covariate = NULL, latents = I(name))
    })
    enlarged$latents <- c(enlarged$latents, list(list(
      name = paste0(".sum", j), level = level, predictor = list(terms = sum), variance = list(constant = 0)
    )))
  }
  found <- engine_at(fit, enlarged, state$data, call)$latents
  names(found) <- vapply(found, function(latent) latent$name, "")
  column <- function(part) function(name) as.numeric(found[[name]][[part]])
  mean <- do.call(cbind, sapply(names, column("mean"), simplify = FALSE))
  variance <- do.call(cbind, lapply(names, column("sd")))^2
  sums <- lapply(paste0(".sum", seq_len(ncol(pairs)), recycle0 = TRUE), column("sd"))
  list(mean = mean, vcov = function(i) {
    vcov <- diag(variance[i, ], length(names))
    for (j in seq_len(ncol(pairs))) {
      a <- pairs[1, j]
      b <- pairs[2, j]
      vcov[a, b] <- vcov[b, a] <- (sums[[j]][[i]]^2 - vcov[a, a] - vcov[b, b]) / 2
    }
    vcov
  })
}

# A draw from N(0, vcov), which may have no variance in some directions.
normal_draw <- function(vcov) {
  if (length(vcov) == 1) return(stats::rnorm(1) * sqrt(vcov[[1]]))
  root <- eigen(vcov, symmetric = TRUE)
  as.numeric(root$vectors %*% (sqrt(pmax(root$values, 0)) * stats::rnorm(nrow(vcov))))
}

give_latent <- function(state, name, level, values) {
  column <- paste0(".value_", name)
  rows <- if (level == "between") state$data$cluster + 1L else seq_along(values)
  state$data$columns[[column]] <- values[rows]
  given <- list(coefficient = list(constant = 1), covariate = column, latents = I(character(0)))
  state$spec$latents <- lapply(state$spec$latents, function(latent) {
    if (latent$name == name) {
      latent$predictor <- list(terms = list(given))
      latent$variance <- list(constant = 0)
    }
    latent
  })
  state$spec$covariances <- Filter(function(pair) !name %in% c(pair$a, pair$b), state$spec$covariances)
  state$drawn[[name]] <- values
  state
}

# The draws as columns of units, classes first.
unit_columns <- function(fit, drawn) {
  cluster <- fit$data$cluster
  between <- c(names(fit_classes(fit, "between")), latents_of(fit, "between"))
  order <- c(names(fit_classes(fit)), vapply(fit$spec$latents, function(latent) latent$name, ""))
  lapply(order, function(name) {
    values <- drawn[[name]]
    if (name %in% between) values <- values[cluster + 1L]
    stats::setNames(data.frame(values), name)
  })
}

# Which draws are exact: latent variables of a level without numeric integration, and all classes unless random effects
# that they depend on are approximated.
draw_methods <- function(fit) {
  dimensions <- new_integration(fit$integration)$dimensions
  approximate <- function(level) any(dimensions$level == level & dimensions$how == "numeric")
  latents <- data.frame(
    name = vapply(fit$spec$latents, function(latent) latent$name, ""),
    approximate = vapply(fit$spec$latents, function(latent) approximate(latent$level), TRUE), stringsAsFactors = FALSE
  )
  classes <- data.frame(
    name = names(fit_classes(fit)) %||% character(0),
    approximate = vapply(fit_classes(fit), function(class) class$level == "within" && approximate("between"), TRUE),
    stringsAsFactors = FALSE
  )
  both <- rbind(classes, latents)
  how <- ifelse(both$approximate, "normal approximation", "exact")
  data.frame(name = both$name, how, stringsAsFactors = FALSE)
}
