# monte_carlo(): data drawn from a model at known values and analysed again and again: recovery and power.

#' Monte Carlo study of a model
#'
#' Draws data from a model at given parameter values, fits one or several models to each draw, and summarises how well
#' the values are recovered: bias, mean squared error, standard errors, coverage of the confidence intervals, power.
#'
#' Before they are summarised, the classes of every fit are numbered by the true classes of its units: they are matched
#' so that the memberships agree best, small classes counting as much as large ones. Factors take the sign with which
#' their scores go with the true ones. Classes of a name that the generating model does not have keep the numbers with
#' which they were estimated.
#'
#' Replications run on the \pkg{future} plan in force (`future::plan("multisession")`, a cluster, a batch queue) if
#' \pkg{future.apply} is installed, otherwise one after another. The numbers are the same on every plan. On parallel
#' plans each fit uses one thread. Tried, with [bootstrap()] and [blrt()] too: sequential, multisession and multicore
#' plans, and the job registry of \pkg{future.batchtools} with jobs in the session, in processes and in a new R session
#' each (`batchtools_interactive`, `batchtools_multicore`, `batchtools_local`). Slurm, SGE, LSF and Torque use the same
#' registry with a template of the site; there was none to try.
#'
#' @param model A model from [mixture_model()] or a one-line model such as [lca()], from which data are drawn.
#' @param parameters Its true values, as in [simulate_data()].
#' @param n Whole number of units, or `c(clusters = 50, size = 10)`. For models without covariates.
#' @param replications Whole number, default 200.
#' @param data Instead of `n`: a data frame with covariates and the cluster variable, the same in all replications; or
#'   a function without arguments that draws one with R's generator, in each replication anew.
#' @param fit_model The model that is fitted to every draw, by default `model` itself. Or a named list of models, which
#'   are fitted to the same draws. Values of `parameters` count as true for their parameters of the same name.
#' @param true `NULL` (default), or named numbers: true values of quantities that are no parameters of `model`, such as
#'   those of `statistic` or parameters that another `fit_model` calls by another name.
#' @param starts Two whole numbers as in [mlmix()], or `NULL` (default): one start, at the true values, where these give
#'   all parameters of the fitted model, otherwise `c(10, 2)`. With more starts the first is at the true values.
#' @param statistic `NULL` (default), or a function of a fit that returns more quantities: named numbers, or a data
#'   frame with `name`, `estimate` and if available `std.error`, such as [derive()] gives.
#' @param level Number between 0 and 1, default 0.95: of the confidence intervals; tests are at `1 - level`.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @param file `NULL` (default), or the name of a file where finished replications are kept. Started again with the
#'   same arguments, the study goes on where it stopped, also with more `replications`.
#' @param progress `TRUE` or `FALSE`: whether to show a progress bar, by default in interactive sessions.
#' @param ... Passed to [mlmix()] for every fit: `se`, `integration`, `control`, `threads`, `cluster`; or `weights`,
#'   `cluster_weights`, `frequency` as names of variables in quotes.
#' @return A list of class `mlmix_monte_carlo`:
#'   * `estimates`: data frame, a row for each replication, model and free parameter: `replication`, `model`, `name`,
#'     `true`, `estimate`, `std.error`, `statistic`, `p.value`, `conf.low`, `conf.high`, `status`;
#'   * `fits`: data frame, a row for each replication and model: `replication`, `model`, `status` (`"converged"`,
#'     `"max_iterations"`, `"stalled"`, or `"failed"`), `reason` (of a failure), `log_likelihood`, `n_parameters`,
#'     `AIC`, `BIC`, `boundary` (number of parameters held at a boundary), `not_identified`, `seconds`;
#'   * `true` (named numbers), `replications`, `level`, `seed`.
#'
#'   `summary()` gives the table that `print()` shows, a data frame with a row for each model and parameter: `model`,
#'   `name`, `true`, `average`, `bias`, `mse`, `sd` (of the estimates), `se` (average standard error), `coverage`
#'   (share of intervals that contain the true value), `power` (share of Wald tests against 0 that are significant at
#'   `1 - level`; for a true value of 0 the type I error), `n` (replications used: those that converged), `n_se` (those
#'   of them with a standard error), `bias_error` and `coverage_error` (Monte Carlo standard errors). `se`, `coverage`
#'   and `power` use the `n_se` replications. `tidy()` gives the same with `term` for `name`.
#' @references Muthén, L. K. and Muthén, B. O. (2002). How to use a Monte Carlo study to decide on sample size and
#'   determine power. *Structural Equation Modeling*, 9, 599-620.
#'
#'   Stephens, M. (2000). Dealing with label switching in mixture models. *Journal of the Royal Statistical Society B*,
#'   62, 795-809.
#' @seealso [simulate_data()], [bootstrap()].
#' @examples
#' model <- lca(u1:u4, k = 2)
#' values <- c("u1~1[c=1]" = 2, "u1~1[c=2]" = -2, "u2~1[c=1]" = 1, "u2~1[c=2]" = -1, "u3~1[c=1]" = 1,
#'   "u3~1[c=2]" = -2, "u4~1[c=1]" = 2, "u4~1[c=2]" = 0, "c#1~1" = 0.5)
#' monte_carlo(model, values, n = 500, replications = 5, seed = 1)
#' @export
monte_carlo <- function(model, parameters, n = NULL, replications = 200, data = NULL, fit_model = model, true = NULL,
                        starts = NULL, statistic = NULL, level = 0.95, seed = NULL, file = NULL,
                        progress = interactive(), ...) {
  frame <- rlang::current_env()
  replications <- check_count(replications, "replications")
  level <- check_level(level)
  seed <- check_seed(seed, frame)
  progress <- check_flag(progress, "progress")
  study <- list(
    values = parameter_input(parameters, frame), model = check_is_model(model, "model", frame), size = n, data = data,
    models = check_fit_models(fit_model, frame), arguments = fit_arguments(starts, list(...), frame),
    statistic = check_statistic(statistic, frame), level = level
  )
  study$true <- c(study$values, check_true(true, names(study$values), frame))
  template <- with_seed(seed, study_template(study, frame)) # so errors show before any worker starts
  for (one in study$models) suppressMessages(resolve_draw(one, template, study, frame))
  study$template <- if (!is.function(data)) template
  results <- parallel_map(
    seq_len(replications), study_replication, seed, progress, study = study, file = file, task = study_task(study),
    globals = workspace_globals(c(list(model), study$models), list(statistic, data)), call = frame
  )
  new_monte_carlo(results, study, seed)
}

# The arguments ------------------------------------------------------------------------------------------------------

check_is_model <- function(model, arg, call) {
  if (!inherits(model, "mlmix_model")) {
    abort_spec(c(
      "{.arg {arg}} must be a model.", x = "You gave {describe(model)}.",
      i = "Make one with {.fn mixture_model} or a one-line model such as {.fn lca}."
    ), call = call)
  }
  model
}

check_fit_models <- function(models, call) {
  if (inherits(models, "mlmix_model")) return(list(model = models))
  named <- is.list(models) && length(models) > 0 && !is.null(names(models)) && all(nzchar(names(models))) &&
    !anyDuplicated(names(models))
  if (!named || !all(vapply(models, inherits, TRUE, "mlmix_model"))) {
    abort_spec(c(
      "{.arg fit_model} must be a model or a list of models, each with a name of its own.",
      x = "You gave {describe(models)}.",
      i = "For example {.code fit_model = list(two = lca(u1:u4, k = 2), three = lca(u1:u4, k = 3))}."
    ), call = call)
  }
  models
}

check_statistic <- function(statistic, call) {
  if (!is.null(statistic) && !is.function(statistic)) {
    abort_spec(c(
      "{.arg statistic} must be {.code NULL} or a function of a fit.", x = "You gave {describe(statistic)}.",
      i = "For example {.code statistic = function(fit) derive(fit, size = plogis(`c#1~1`))}."
    ), call = call)
  }
  statistic
}

check_true <- function(true, given, call) {
  ok <- is.null(true) || (is.numeric(true) && !is.null(names(true)) && all(nzchar(names(true))) &&
    !anyDuplicated(names(true)))
  if (!ok) {
    abort_spec(c(
      "{.arg true} must be {.code NULL} or numbers, each with a name of its own.", x = "You gave {describe(true)}."
    ), call = call)
  }
  twice <- intersect(names(true), given)
  if (length(twice) > 0) {
    abort_spec("{.arg true} names {.val {twice}}, which {?has its/have their} value{?s} in {.arg parameters}.",
      call = call)
  }
  true
}

# What mlmix() takes besides model, data and seed, checked once: list(starts, options, cluster, weights).
fit_arguments <- function(starts, given, call) {
  accepted <- c("se", "integration", "threads", "control", "cluster", "weights", "cluster_weights", "frequency")
  unknown <- setdiff(if (length(given) > 0) rlang::names2(given), accepted)
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg ...} takes arguments of {.fn mlmix}: {.arg {accepted}}.",
      x = if (unknown[[1]] == "") "You gave one without a name." else "You gave {.arg {unknown}}."
    ), call = call)
  }
  weights <- given[intersect(c("frequency", "weights", "cluster_weights"), names(given))]
  for (name in names(weights)) {
    check_string(weights[[name]], name, "the name of a variable of the data", call = call)
  }
  options <- fit_options(
    starts %||% 1L, 1L, given$se %||% "robust", given$integration %||% quadrature(), given$threads,
    given$control %||% mlmix_control(), call
  )
  list(starts = starts, options = options, cluster = given$cluster, weights = weights)
}

# What makes two studies the same, without environments, which differ from session to session.
study_task <- function(study) {
  words <- function(model) paste(format(model), collapse = "\n")
  list(
    model = words(study$model), parameters = study$true, `number of units` = unname(unlist(study$size)),
    data = if (is.function(study$data)) deparse(study$data) else study$data,
    `fitted models` = lapply(study$models, words), starts = study$arguments$starts,
    `arguments of the fit` = plain_arguments(study$arguments), statistic = deparse(study$statistic),
    level = study$level
  )
}

plain_arguments <- function(arguments) {
  arguments$options <- arguments$options[setdiff(names(arguments$options), c("threads", "seed"))]
  rapply(arguments, function(x) unclass(x), how = "replace")
}

# One replication ----------------------------------------------------------------------------------------------------

# Rows for `estimates` and for `fits` of all models: list(estimates, fits).
study_replication <- function(replication, seed, study) {
  drawn <- draw_for_study(study, seed, NULL)
  parts <- Map(function(model, name) {
    part <- tryCatch(fit_draw(model, drawn, study, seed), error = failed_part)
    lapply(part, function(rows) if (!is.null(rows)) data.frame(replication = replication, model = name, rows))
  }, study$models, names(study$models))
  list(
    estimates = bind_rows(lapply(parts, `[[`, "estimates")), fits = bind_rows(lapply(parts, `[[`, "fits"))
  )
}

# Data with the true classes and latent values: list(data, template, classes, latents, rows). `classes` and `latents`
# have one value for each row that the engine drew, `rows` its row of the data.
draw_for_study <- function(study, seed, call) {
  template <- study$template %||% study_template(study, call)
  drawn <- engine_simulate(template$resolved, template$values, seed, call)
  data <- outcomes_into(template$base, template$data, drawn, template$resolved, study$model, latent = FALSE)
  list(
    data = data, template = template, classes = drawn$classes, latents = drawn$latents,
    rows = template$resolved$row_used, stacked = !is.null(template$resolved$reshape)
  )
}

# The generating model, resolved with its covariates and clusters: list(base, data, resolved, values). `data` has every
# category of every outcome, which a draw may lack.
study_template <- function(study, call) {
  n <- unlist(study$size)
  base <- if (is.function(study$data)) study$data() else study$data
  if (is.null(n) == is.null(base)) {
    abort_spec(c(
      "Give either {.arg n} or {.arg data}.",
      i = "{.code n = 500}, {.code n = c(clusters = 50, size = 10)}, or a data frame with covariates and clusters."
    ), call = call)
  }
  base <- if (is.null(base)) data_of_size(study$model, n, call) else check_data(base, call)
  data <- add_outcomes(study$model, base, names(study$values), call)
  resolved <- suppressMessages(separate_robust_cluster(resolve_model(study$model, data, call = call)))
  values <- parameter_values(study$values, resolved$parameters, call)
  list(base = base, data = data, resolved = resolved, values = values)
}

# An analysis model with the data of a draw: list(resolved, weights).
resolve_draw <- function(model, drawn, study, call) {
  arguments <- study$arguments
  resolved <- separate_robust_cluster(resolve_model(model, drawn$data, arguments$cluster, call = call))
  given <- function(name) {
    value <- arguments$weights[[name]]
    if (is.null(value)) return(NULL)
    weight_values(rlang::new_quosure(value), drawn$data, name, call)
  }
  weights <- engine_weights(resolved, given("frequency"), given("weights"), given("cluster_weights"), call)
  list(resolved = resolved, weights = weights)
}

fit_draw <- function(model, drawn, study, seed) {
  ready <- suppressMessages(resolve_draw(model, drawn, study, NULL))
  table <- ready$resolved$parameters
  from <- ifelse(table$free, study$true[table$name], table$value)
  known <- !anyNA(from)
  starts <- study$arguments$starts %||% if (known) c(1L, 1L) else c(10L, 2L)
  options <- warm_options(study$arguments$options, if (known) from, table, rep_len(starts, 2),
    seed = (seed + 1L) %% .Machine$integer.max)
  fit <- fit_again(ready$resolved, ready$weights, options, model, nrow(drawn$data))
  fit <- relabel(fit, drawn_reference(fit, drawn))
  list(estimates = estimate_rows(fit, study), fits = fit_row(fit))
}

# The true classes and latent values of the rows that a fit used.
drawn_reference <- function(fit, drawn) {
  at <- function(values) {
    if (drawn$stacked == is.null(fit$data$reshape)) return(NULL) # units there are items here
    if (drawn$stacked && length(values) != length(fit$data$row_used)) return(NULL)
    if (drawn$stacked) values else values[match(fit$data$row_used, drawn$rows)]
  }
  present <- function(parts) Filter(Negate(is.null), lapply(parts, at))
  list(classes = lapply(present(drawn$classes), indicator), latents = present(drawn$latents))
}

estimate_rows <- function(fit, study) {
  columns <- c("name", "estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high", "status")
  rows <- natural_estimates(fit, study$level, fixed = FALSE)[columns]
  rbind(rows, statistic_rows(fit, study$statistic, study$level))
}

# What the user's function of a fit returns, in the same columns; NULL without one.
statistic_rows <- function(fit, statistic, level) {
  if (is.null(statistic)) return(NULL)
  value <- statistic(fit)
  if (is.null(value)) return(NULL)
  described <- describe(value)
  if (is.numeric(value)) value <- list(name = names(value), estimate = unname(value))
  if (!is.list(value) || !is.character(value$name) || !is.numeric(value$estimate) || !all(nzchar(value$name))) {
    abort_spec(c(
      "{.arg statistic} must return named numbers, or a data frame with {.field name} and {.field estimate}.",
      x = "It returned {described}."
    ), call = NULL)
  }
  error <- if (is.null(value$std.error)) rep(NA_real_, length(value$estimate)) else as.numeric(value$std.error)
  data.frame(name = value$name, wald_columns(value$estimate, error, level), status = "derived")
}

fit_row <- function(fit) {
  data.frame(
    status = fit$convergence$status, reason = NA_character_, log_likelihood = fit$log_likelihood,
    n_parameters = fit$n_free, AIC = stats::AIC(fit), BIC = stats::BIC(fit),
    boundary = sum(fit$parameters$status == "boundary"),
    not_identified = sum(fit$parameters$status == "not identified"), seconds = fit$time
  )
}

# A failure is a result; Ctrl-C, which the engine turns into an error of its own class in scripts, is not.
failed_part <- function(e) {
  if (inherits(e, "mlmix_interrupt")) stop(e)
  reason <- cli::ansi_strip(conditionMessage(e))
  list(fits = data.frame(
    status = "failed", reason = reason, log_likelihood = NA_real_, n_parameters = NA_integer_, AIC = NA_real_,
    BIC = NA_real_, boundary = NA_integer_, not_identified = NA_integer_, seconds = NA_real_
  ))
}

# The result ---------------------------------------------------------------------------------------------------------

new_monte_carlo <- function(results, study, seed) {
  estimates <- bind_rows(lapply(results, `[[`, "estimates"))
  fits <- bind_rows(lapply(results, `[[`, "fits"))
  if (nrow(estimates) > 0) {
    place <- match("estimate", names(estimates))
    true <- unname(study$true[estimates$name])
    estimates <- data.frame(estimates[seq_len(place - 1)], true = true, estimates[place:ncol(estimates)])
  }
  structure(
    list(
      estimates = estimates, fits = fits, true = study$true, models = names(study$models),
      replications = length(results), level = study$level, seed = seed
    ),
    class = "mlmix_monte_carlo"
  )
}
