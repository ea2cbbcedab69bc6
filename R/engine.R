# The only file that calls the engine: writes its input, and turns its warnings into R conditions.

# A model with nothing at the between level needs no clusters for its likelihood, only for its standard errors.
has_between_part <- function(resolved) {
  spec <- resolved$spec
  levels <- vapply(c(spec$classes, spec$latents, spec$outcomes), function(part) part$level, "")
  any(levels == "between") || !is.null(resolved$reshape)
}

# Moves such clusters to `robust_cluster`, so that the engine sees a single-level model.
separate_robust_cluster <- function(resolved) {
  if (!is.null(resolved$cluster) && !has_between_part(resolved)) {
    resolved$robust_cluster <- resolved$cluster
    resolved$cluster <- NULL
  }
  resolved
}

engine_fit <- function(resolved, weights, options, progress, call) {
  raw_fit(
    resolved$spec, resolved$columns, resolved$cluster, weights$frequency, weights$unit_weights,
    weights$cluster_weights, engine_options(options, resolved$robust_cluster, weights$counted), progress, call = call
  )
}

# Options for the engine; `robust_cluster` and `counted` (frequencies of persons) are left out unless there are any.
engine_options <- function(options, robust_cluster = NULL, counted = NULL) {
  if (!is.null(counted)) options$cluster_frequency <- I(counted)
  if (!is.null(options$start_values)) options$start_values <- I(options$start_values)
  if (!is.null(robust_cluster)) options$robust_cluster <- I(robust_cluster)
  if (isTRUE(getOption("mlmix.one_thread"))) options$threads <- 1L # a worker of parallel_map()
  options
}

# Options under which the engine integrates as the fit ended with.
with_rule_of <- function(options, fit) {
  options$quadrature[c("method", "points", "adaptive")] <- fit$integration[c("method", "points", "adaptive")]
  options$quadrature$steps <- if (identical(fit$integration$method, "graded")) {
    lapply(fit$integration$steps, function(step) {
      list(latent = step$latent, smooth = step$smooth, centre = I(step$centre), slope = I(step$slope))
    })
  }
  options
}

# The engine at given parameter values, with the data of a fit and the integration rule that it ended with.
engine_evaluate <- function(fit, parameters, call = rlang::caller_env()) {
  options <- with_rule_of(fit$options, fit)
  raw_evaluate(
    fit$spec, fit$data$columns, fit$data$cluster, fit$data$frequency, fit$data$unit_weights,
    fit$data$cluster_weights, engine_options(options, fit$data$robust_cluster, fit$data$counted), parameters, call = call
  )
}

# Each kind of warning has its own class; all are kept in the fit as well.
signal_engine_warnings <- function(warnings) {
  for (warning in warnings) {
    named <- utils::head(warning$parameters, 5)
    more <- length(warning$parameters) - length(named)
    more <- if (more > 0) paste(", and", more, "more") else ""
    cli::cli_warn(c(
      "{warning$message}",
      i = if (length(named) > 0) "{cli::qty(length(named))}Parameter{?s}: {.val {named}}{more}."
    ), class = c(paste0("mlmix_warning_", warning$kind), "mlmix_warning"))
  }
}
