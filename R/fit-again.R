# fit_again(): a resolved model estimated again, quietly, on other data or from other values.

# `resolved` from resolve_model() or from a fit, `weights` from engine_weights(), `options` from fit_options().
fit_again <- function(resolved, weights, options, model = NULL, n_rows = resolved$n_rows, call = NULL) {
  started <- proc.time()[["elapsed"]]
  result <- engine_fit(resolved, weights, options, FALSE, call)
  new_fit(result, resolved, weights, model, options, call = NULL, n_rows = n_rows,
    time = proc.time()[["elapsed"]] - started)
}

# The resolved model and the weights that a fit was made with; `parameters` as before the estimation.
fit_resolved <- function(fit) {
  parameters <- fit$parameters[setdiff(names(fit$parameters), c("estimate", "std.error", "status"))]
  c(list(spec = fit$spec, parameters = parameters), fit$data[setdiff(names(fit$data), names(fit_weights(fit)))])
}

fit_weights <- function(fit) fit$data[intersect(c("frequency", "unit_weights", "cluster_weights", "counted"), names(fit$data))]

# Values from which an estimation can start: a variance of exactly 0 is a point that it would never leave.
start_from <- function(values, parameters) {
  stuck <- parameters$free & parameters$kind %in% c("variance", "dispersion") & values < 1e-8
  replace(values, stuck, 1e-3)
}

# The options of a fit with one start at `values` (and random ones after it if `starts` has more).
warm_options <- function(options, values, parameters, starts = c(1L, 1L), seed = options$seed, se = options$se) {
  options$starts <- starts[[1]]
  options$final_starts <- starts[[2]]
  options$start_values <- if (!is.null(values)) unname(start_from(values, parameters))
  options$seed <- seed
  options$se <- se
  options
}
