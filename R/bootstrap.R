# bootstrap(): the model of a fit estimated on resampled or simulated data, again and again.

#' Bootstrap a fit
#'
#' Estimates the model of a fit on many data sets like the one it was fitted to: drawn from the fitted model
#' (`"parametric"`), or from the data, independent units with replacement (`"cluster"`). Gives standard errors and
#' confidence intervals without the normal approximation, also of any function of a fit.
#'
#' With `type = "cluster"` whole clusters are drawn where the data have clusters (also those that a single-level model
#' was given for its standard errors), persons where items were stacked as in [gom()], otherwise rows. Rows with a
#' `frequency` count as so many. Sampling weights go along with their units. With `type = "parametric"` covariates,
#' clusters, missing values and weights stay as they are and outcomes are drawn; weights are then unrelated to them.
#'
#' The classes of every replication are matched with those of the fit by the memberships of the units, and factors take
#' the sign of the fit's, as in [monte_carlo()]. Every estimation starts from the fit's estimates, so a bootstrap
#' distribution describes the neighbourhood of this solution; more `starts` let a replication leave it.
#'
#' Replications run on the \pkg{future} plan in force if \pkg{future.apply} is installed, with the same numbers on every
#' plan, see [monte_carlo()].
#'
#' @param fit A fit from [mlmix()].
#' @param replications Whole number, default 200. Percentile intervals need 1000 or more.
#' @param type Text: `"parametric"` (default) or `"cluster"`.
#' @param statistic `NULL` (default), or a function of a fit that returns more quantities: named numbers, or a data
#'   frame with `name` and `estimate`, such as [derive()] gives.
#' @param starts One or two whole numbers as in [mlmix()], default 1: the first start is at the fit's estimates.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @param se `TRUE` or `FALSE` (default): whether replications get standard errors too, of the kind of the fit, for
#'   studentised intervals. They take time.
#' @param file `NULL` (default), or the name of a file where finished replications are kept. Started again with the
#'   same arguments, the bootstrap goes on where it stopped, also with more `replications`.
#' @param progress `TRUE` or `FALSE`: whether to show a progress bar, by default in interactive sessions.
#' @param threads Whole number, or `NULL` (default), as in [mlmix()]: threads of each estimation. On parallel plans one.
#' @return A list of class `mlmix_bootstrap`:
#'   * `estimates`: data frame, a row for each replication and free parameter or quantity of `statistic`:
#'     `replication`, `name`, `estimate`, with `se = TRUE` `std.error`, `status`;
#'   * `fits`: data frame, a row for each replication, as in [monte_carlo()];
#'   * `original`: data frame with `name`, `estimate`, `std.error` of the fit and `acceleration`, see
#'     [confint.mlmix_bootstrap()];
#'   * `type`, `unit` (what is drawn), `n_units`, `replications`, `seed`.
#'
#'   Replications that did not converge are left out of what follows and counted by `print()`. `summary()` and `tidy()`
#'   give a data frame with a row for each parameter or quantity: `name` (`term` in `tidy()`), `estimate` (of the fit),
#'   `bias` (average of the replications less the estimate), `std.error` (their standard deviation), `conf.low`,
#'   `conf.high`, and in `summary()` also `std.error.fit` (of the fit, for comparison) and `n` (replications used).
#'   `vcov()` gives the covariance matrix of the replications, `as.data.frame()` the element `estimates` of the
#'   replications used with the fit's estimate as `original`, for plots.
#' @references Efron, B. and Tibshirani, R. J. (1993). *An introduction to the bootstrap*. Chapman & Hall.
#'
#'   Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap methods and their application*. Cambridge University Press.
#' @seealso [confint.mlmix_bootstrap()] for kinds of intervals.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' boot <- bootstrap(fit, replications = 10, type = "cluster", seed = 1,
#'   statistic = function(fit) c(size = plogis(coef(fit)[["c#1~1"]])))
#' boot
#' @export
bootstrap <- function(fit, replications = 200, type = c("parametric", "cluster"), statistic = NULL, starts = 1,
                      seed = NULL, se = FALSE, file = NULL, progress = interactive(), threads = NULL) {
  frame <- rlang::current_env()
  check_fit(fit)
  replications <- check_count(replications, "replications")
  type <- check_choice(type, c("parametric", "cluster"), "type")
  seed <- check_seed(seed, frame)
  progress <- check_flag(progress, "progress")
  se <- check_flag(se, "se")
  if (se && is.null(fit$vcov)) {
    abort_spec(c(
      "{.code se = TRUE} needs a fit with standard errors.",
      i = "Fit with {.code se = \"robust\"} or {.code \"observed\"}; replications get the same kind."
    ))
  }
  check_store_file(file, frame)
  fit$options$threads <- check_threads(threads, frame)
  setup <- list(
    fit = fit, type = type, statistic = check_statistic(statistic, frame), starts = check_starts(starts, frame),
    se = if (se) fit$options$se else "none", units = independent_units(fit, frame)
  )
  original <- original_rows(fit, statistic)
  if (type == "parametric") setup$drawn <- expand_frequencies(fit, setup$units, frame)
  results <- parallel_map(
    seq_len(replications), bootstrap_replication, seed, progress, setup = setup, file = file,
    task = bootstrap_task(setup), globals = workspace_globals(list(), list(statistic)), call = frame
  )
  structure(
    list(
      estimates = bind_rows(lapply(results, `[[`, "estimates")), fits = bind_rows(lapply(results, `[[`, "fits")),
      original = data.frame(original, acceleration = accelerations(fit, statistic, original, setup$units, frame)),
      type = type, unit = setup$units$what, n_units = sum(setup$units$count),
      replications = replications, seed = seed
    ),
    class = "mlmix_bootstrap"
  )
}

# What a fit says about itself before any replication: the estimates with their standard errors.
original_rows <- function(fit, statistic) {
  rows <- natural_estimates(fit, 0.95, fixed = FALSE)[c("name", "estimate", "std.error")]
  rbind(rows, statistic_rows(fit, statistic, 0.95)[c("name", "estimate", "std.error")])
}

bootstrap_task <- function(setup) {
  fit <- setup$fit
  list(
    type = setup$type, model = to_spec_json(fit$spec), data = fit$data[c("columns", "cluster", "robust_cluster")],
    weights = fit_weights(fit), estimates = fit$parameters$estimate, starts = setup$starts,
    `standard errors` = setup$se,
    statistic = deparse(setup$statistic),
    `options of the fit` = fit$options[setdiff(names(fit$options), c("threads", "seed", "se"))]
  )
}

# Independent units ----------------------------------------------------------------------------------------------------

# list(what, index, count, weight): `index` numbers the unit of each row used, `count` says how many units like it there
# are (its frequency), `weight` which of the engine's weights multiplies with how often a unit is drawn.
independent_units <- function(fit, call) {
  data <- fit$data
  stacked <- !is.null(data$reshape)
  if (stacked || !is.null(data$cluster)) {
    index <- data$cluster + 1L
    counted <- stacked && "frequency" %in% names(fit$call)
    if (counted && any(c("weights", "cluster_weights") %in% names(fit$call))) {
      abort_spec(c(
        "A fit of stacked items with both a frequency and sampling weights cannot be bootstrapped.",
        i = "The two are one number for each person there. Give each person a row, without {.arg frequency}."
      ), call = call)
    }
    count <- if (counted) data$cluster_weights[!duplicated(index)] else rep(1, max(index))
    return(checked_units(if (stacked) "persons" else "clusters", index, count, "cluster_weights", call))
  }
  if (!is.null(data$robust_cluster)) {
    return(checked_units("clusters", data$robust_cluster + 1L, rep(1, max(data$robust_cluster) + 1), "frequency", call))
  }
  n <- length(data$row_used)
  checked_units("rows", seq_len(n), data$frequency %||% rep(1, n), "frequency", call)
}

checked_units <- function(what, index, count, weight, call) {
  if (any(count != round(count))) {
    abort_data(c(
      "The fit's {.arg frequency} has broken numbers, so there is no number of units to draw.",
      i = "For sampling weights use {.arg weights}."
    ), call = call)
  }
  list(what = what, index = index, count = count, weight = weight)
}

# How often each unit is drawn, of as many as there are.
draw_units <- function(units) as.numeric(stats::rmultinom(1, sum(units$count), units$count))

# The weights with which the rows of the fit make the sample drawn: the likelihood of a unit drawn twice counts twice.
resampled_weights <- function(fit, units, times) {
  weights <- fit_weights(fit)
  own <- weights[[units$weight]]
  # What is in `count` is replaced by `times`; other weights of the unit stay.
  is_count <- units$what == "rows" || any(units$count != 1)
  if (is.null(own) || is_count) own <- rep(1, length(units$index))
  weights[[units$weight]] <- own * times[units$index]
  if (units$weight == "cluster_weights") weights["counted"] <- list(NULL)
  weights
}

# For outcomes to be drawn every unit needs rows of its own: rows of frequency f are written f times.
expand_frequencies <- function(fit, units, call) {
  resolved <- fit_resolved(fit)
  weights <- fit_weights(fit)
  frequency <- weights$frequency
  weights["frequency"] <- list(NULL)
  if (units$weight == "cluster_weights" && any(units$count != 1)) {
    weights[c("cluster_weights", "counted")] <- list(NULL)
    rows <- split(seq_along(units$index), units$index)
    copies <- rep(rows, units$count)
    place <- unlist(copies, use.names = FALSE)
    resolved <- take_rows(resolved, place)
    resolved$cluster <- rep(seq_along(copies) - 1L, lengths(copies))
    return(list(resolved = resolved, weights = weights))
  }
  if (is.null(frequency)) return(list(resolved = resolved, weights = weights))
  checked_units("rows", units$index, frequency, "frequency", call)
  place <- rep(seq_along(frequency), frequency)
  list(resolved = take_rows(resolved, place), weights = lapply(weights, function(w) if (!is.null(w)) w[place]))
}

# A resolved model with some of its rows, or with some of them several times.
take_rows <- function(resolved, place) {
  resolved$columns <- lapply(resolved$columns, `[`, place)
  for (part in c("row_used", "robust_cluster")) {
    if (!is.null(resolved[[part]])) resolved[[part]] <- resolved[[part]][place]
  }
  if (!is.null(resolved$cluster)) resolved$cluster <- number_clusters(resolved$cluster[place])$index - 1L
  resolved
}

# One replication ------------------------------------------------------------------------------------------------------

bootstrap_replication <- function(replication, seed, setup) {
  part <- tryCatch(bootstrap_fit(seed, setup), error = failed_part)
  lapply(part[c("estimates", "fits")], function(rows) {
    if (!is.null(rows)) data.frame(replication = replication, rows)
  })
}

bootstrap_fit <- function(seed, setup) {
  sample <- if (setup$type == "parametric") simulated_sample(seed, setup) else resample(setup)
  fit <- setup$fit
  options <- warm_options(fit$options, fit$parameters$estimate, fit$parameters, setup$starts,
    seed = (seed + 1L) %% .Machine$integer.max, se = setup$se)
  columns <- c("name", "estimate", if (setup$se != "none") "std.error", "status")
  found <- relabel(fit_again(sample$resolved, sample$weights, options, fit$model), sample$reference)
  list(
    estimates = rbind(
      natural_estimates(found, 0.95, fixed = FALSE)[columns], statistic_rows(found, setup$statistic, 0.95)[columns]
    ),
    fits = fit_row(found)
  )
}

# Outcomes drawn from the model at the fit's estimates, with the classes and latent values they came from.
simulated_sample <- function(seed, setup) {
  resolved <- setup$drawn$resolved
  drawn <- engine_simulate(resolved, setup$fit$parameters$estimate, seed, NULL)
  for (item in resolved$items) resolved$columns[[item$column]] <- drawn$outcomes[[item$name]]
  reference <- list(classes = lapply(drawn$classes, indicator), latents = drawn$latents)
  list(resolved = resolved, weights = setup$drawn$weights, reference = reference)
}

# Units drawn with replacement from the data; R's generator is at the replication's seed.
resample <- function(setup) {
  fit <- setup$fit
  weights <- resampled_weights(fit, setup$units, draw_units(setup$units))
  names <- names(fit_classes(fit))
  latents <- vapply(fit$latents, function(latent) latent$name, "")
  reference <- list(
    classes = lapply(stats::setNames(names, names), membership_by_row, fit = fit),
    latents = lapply(stats::setNames(latents, latents), latent_by_row, fit = fit)
  )
  list(resolved = fit_resolved(fit), weights = weights, reference = reference)
}
