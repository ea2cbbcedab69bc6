# engine_at(): posteriors and latent variables at given parameters, for any data and any enlarged specification.

# A specification whose parameters are all fixed at `values`; what is at a bound stays there.
fixed_spec <- function(spec, values) {
  spec$parameters <- Map(function(parameter, value) {
    list(name = parameter$name, free = FALSE, value = value, start = NULL, lower = NULL, upper = NULL)
  }, spec$parameters, as.numeric(values))
  spec$constraints <- list()
  spec
}

# With nothing free, a fit is one evaluation that also gives the latent variables. Integration as the fit ended with.
engine_at <- function(fit, spec, data, call = rlang::caller_env()) {
  options <- with_rule_of(fit$options, fit)
  options[c("starts", "final_starts")] <- 1L
  options$se <- "none"
  options["start_values"] <- list(NULL)
  run <- function(options) {
    raw_fit(
      spec, data$columns, data$cluster, data$frequency, data$unit_weights, data$cluster_weights,
      engine_options(options), NULL, call = call
    )
  }
  result <- run(options)
  error <- abs(number_or_na(result$integration$error))
  usual <- max(0.5, 5 * abs(number_or_na(fit$integration$error)), na.rm = TRUE)
  if (is.na(error) || error < usual || !isTRUE(result$integration$adaptive)) return(result)
  # Few points can mislead the adaptation of their places. Then common places, and more of them.
  options$quadrature$adaptive <- FALSE
  options$quadrature$points <- max(result$integration$points, 31L)
  common <- tryCatch(run(options), mlmix_error_engine = function(e) NULL)
  if (isTRUE(abs(number_or_na(common$integration$error)) < error)) common else result
}

# The fit as if made of other data: the same estimates, the posteriors of `data` (from new_data()).
fit_at <- function(fit, data, spec = fixed_spec(fit$spec, fit$parameters$estimate), call = rlang::caller_env()) {
  result <- engine_at(fit, spec, data, call)
  n <- data$n_new %||% length(data$row_used)
  first <- function(x) if (is.matrix(x)) x[seq_len(n), , drop = FALSE] else x[seq_len(n)]
  cut <- c("posterior_within", "posterior_joint")
  result$posterior_within <- lapply(result$posterior_within, first)
  if (!is.null(result$posterior_joint)) result$posterior_joint <- first(result$posterior_joint)
  result$latents <- lapply(result$latents, function(latent) {
    if (latent$level == "within") latent[c("mean", "sd")] <- lapply(latent[c("mean", "sd")], first)
    latent
  })
  fit[c(cut, "posterior_between", "latents", "log_likelihood", "log_likelihood_clusters")] <-
    result[c(cut, "posterior_between", "latents", "log_likelihood", "log_likelihood_clusters")]
  for (part in c("cluster", "frequency", "unit_weights", "cluster_weights")) {
    if (!is.null(data[[part]])) data[[part]] <- first(data[[part]])
  }
  data$columns <- lapply(data$columns, first)
  fit$data <- data
  fit
}
