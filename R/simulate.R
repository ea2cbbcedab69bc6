# simulate_data() and simulate(): data drawn from a model at given parameters, or from a fit.

#' Simulate data from a model
#'
#' Draws latent classes, factors, random effects and outcomes from any model, for studies of power and recovery and to
#' see what a model implies.
#'
#' @param model A model from [mixture_model()] or a one-line model such as [lca()].
#' @param parameters Named numeric vector with a value for every free parameter, by the names of [parameters()]. Or a
#'   data frame with `name` and `estimate` (as from [estimates()]) or `value` (as from [parameters()], filled in). Fixed
#'   parameters may be left out.
#' @param n Whole number of units, or `c(clusters = 50, size = 10)`: clusters and units in each. For models without
#'   covariates.
#' @param data Data frame or `NULL` (default), instead of `n`: covariates, the cluster variable, and other variables to
#'   keep, one row per unit. Outcomes that are there give their categories and keep their missing values, otherwise
#'   their values are not used.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @param latent `FALSE` (default) or `TRUE`: whether to add the classes, factors and random effects that were drawn,
#'   under their names.
#' @return A data frame: `data` (or the cluster variable) with the outcomes. Without outcomes in `data`, categories are
#'   numbers: 0 and 1 for two, else factors of 1, 2, ..., as many as `parameters` has thresholds or logits for.
#' @seealso [simulate.mlmix()] for data from a fit.
#' @examples
#' model <- lca(u1:u4, k = 2)
#' values <- c("u1~1[c=1]" = 2, "u1~1[c=2]" = -2, "u2~1[c=1]" = 1, "u2~1[c=2]" = -1, "u3~1[c=1]" = 1,
#'   "u3~1[c=2]" = -2, "u4~1[c=1]" = 2, "u4~1[c=2]" = 0, "c#1~1" = 0.5)
#' head(simulate_data(model, values, n = 100, seed = 1, latent = TRUE))
#'
#' growth <- mixture_model(outcome(y ~ time + (1 | id)))
#' waves <- data.frame(id = rep(1:20, each = 4), time = 0:3)
#' values <- c("y~1" = 1, "y~time" = 0.5, "y~~y" = 1, "y@id~~y@id" = 2)
#' head(simulate_data(growth, values, data = waves, seed = 1))
#' @export
simulate_data <- function(model, parameters, n = NULL, data = NULL, seed = NULL, latent = FALSE) {
  frame <- rlang::current_env()
  if (!inherits(model, "mlmix_model")) {
    abort_spec(c("{.arg model} must be a model.", x = "You gave {describe(model)}."))
  }
  if (is.null(n) == is.null(data)) {
    abort_spec(c(
      "Give either {.arg n} or {.arg data}.",
      i = "{.code n = 500}, {.code n = c(clusters = 50, size = 10)}, or a data frame with covariates and clusters."
    ))
  }
  seed <- check_seed(seed, frame)
  latent <- check_flag(latent, "latent")
  given <- parameter_input(parameters, frame)
  data <- if (is.null(data)) data_of_size(model, n, frame) else check_data(data, frame)
  template <- add_outcomes(model, data, names(given), frame)
  resolved <- separate_robust_cluster(resolve_model(model, template, call = frame))
  values <- parameter_values(given, resolved$parameters, frame)
  drawn <- engine_simulate(resolved, values, seed, frame)
  outcomes_into(data, template, drawn, resolved, model, latent)
}

#' Simulate data from a fit
#'
#' @param object A fit from [mlmix()].
#' @param nsim Whole number, default 1: how many data sets.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @param data Data frame or `NULL` (default): the data of the fit, whose other variables are kept. Without it only the
#'   outcomes are given, and `.row`.
#' @param latent `FALSE` (default) or `TRUE`: whether to add the classes, factors and random effects that were drawn.
#' @param ... Not used.
#' @return A list of `nsim` data frames with as many rows as the data of the fit. Covariates, clusters and missing
#'   values are those of the fit. The attribute `"seed"` has the seed.
#' @seealso [simulate_data()] for data from a model without a fit.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' sets <- simulate(fit, nsim = 2, seed = 1, data = carcinoma)
#' colMeans(sets[[1]])
#' @importFrom stats simulate
#' @method simulate mlmix
#' @export
simulate.mlmix <- function(object, nsim = 1, seed = NULL, data = NULL, latent = FALSE, ...) {
  frame <- rlang::current_env()
  nsim <- check_count(nsim, "nsim")
  seed <- check_seed(seed, frame)
  latent <- check_flag(latent, "latent")
  n <- object$data$n_rows
  if (!is.null(data) && (!is.data.frame(data) || nrow(data) != n)) {
    abort_data(c(
      "{.arg data} must be the data frame that the model was fitted to, with {n} row{?s}.",
      x = if (is.data.frame(data)) "You gave {nrow(data)} row{?s}." else "You gave {describe(data)}."
    ))
  }
  base <- if (is.null(data)) data.frame(.row = seq_len(n)) else as.data.frame(data)
  resolved <- c(object["spec"], object$data)
  sets <- lapply(seq_len(nsim), function(i) {
    one <- (seed + i - 1) %% .Machine$integer.max
    drawn <- engine_simulate(resolved, object$parameters$estimate, one, frame)
    outcomes_into(base, base, drawn, resolved, object$model, latent)
  })
  structure(sets, seed = seed)
}
