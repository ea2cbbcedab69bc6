# Statistics of the fit to data drawn from it: their distribution when the model is true, for p-values.

# The model fitted to `draws` data sets drawn from `fit`, and `statistics(fit, call)` of each: list(statistics [draws x
# statistics] of the draws that worked, failures).
bootstrap_refits <- function(fit, draws, seed, statistics, call, progress = FALSE) {
  check_can_draw(fit, call)
  setup <- list(fit = fit[c("spec", "parameters", "free", "options", "data", "model")])
  setup$drawn <- expand_frequencies(fit, independent_units(fit, call), call)
  values <- parallel_map(seq_len(draws), bootstrap_refit, seed, progress = progress, setup = setup,
    statistics = statistics, label = "Bootstrap draw", call = call)
  worked <- !vapply(values, is.null, TRUE)
  list(statistics = do.call(rbind, values[worked]), failures = sum(!worked))
}

# One draw: the statistics, or NULL where the estimation fails or does not converge.
bootstrap_refit <- function(draw, seed, setup, statistics) {
  nothing <- function(e) NULL
  fit <- setup$fit
  tryCatch({
    sample <- simulated_sample(seed, setup)
    start <- movable(fit$parameters$estimate, fit$spec, fit$parameters)
    options <- warm_options(fit$options, start, fit$parameters, starts = c(2L, 1L), seed = seed, se = "none")
    options$threads <- min(options$threads, check_threads(NULL, NULL))
    again <- fit_again(sample$resolved, sample$weights, options, fit$model)
    if (is_converged(again)) statistics(again, NULL)
  }, mlmix_error_engine = nothing, mlmix_error_data = nothing, mlmix_error_spec = nothing)
}

# (1 + draws that reach it) / (1 + draws) for each statistic.
bootstrap_p_values <- function(observed, drawn) {
  if (is.null(drawn)) return(rep(NA_real_, length(observed)))
  vapply(seq_along(observed), function(j) {
    values <- drawn[, j][is.finite(drawn[, j])]
    (1 + sum(reaches(values, observed[[j]]))) / (1 + length(values))
  }, 0)
}
