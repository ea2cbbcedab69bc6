# Statistics of the fit to data drawn from it: their distribution when the model is true, for p-values.

# The model fitted to `draws` data sets drawn from `fit`, and `statistics(fit, call)` of each: list(statistics [draws x
# statistics] of the draws that worked, failures). Draws are those of blrt().
bootstrap_refits <- function(fit, draws, seed, statistics, call, progress = FALSE) {
  check_can_draw(fit, call)
  slim <- fit[c("spec", "parameters", "free", "options", "data", "model", "integration", "seed")]
  class(slim) <- "mlmix"
  values <- parallel_map(element_seeds(seed, draws), bootstrap_refit, seed, progress = progress, fit = slim,
    statistics = statistics, label = "Bootstrap draw", call = call)
  worked <- !vapply(values, is.null, TRUE)
  list(statistics = do.call(rbind, values[worked]), failures = sum(!worked))
}

# One draw: the statistics, or NULL where the estimation fails or does not converge.
bootstrap_refit <- function(draw_seed, seed, fit, statistics) {
  nothing <- function(e) NULL
  tryCatch({
    model <- draw_model(fit)
    single <- expanded_fit(fit)
    single$data$columns <- put_outcomes(model, draw_outcomes(model, draw_seed))
    refitted <- estimate_again(single, single$data$columns, list(), starts = c(2L, 1L), seed = draw_seed,
      start_values = model$start, threads = check_threads(NULL, NULL), call = NULL)
    if (is_converged(refitted)) statistics(refitted, NULL)
  }, mlmix_error_engine = nothing, mlmix_error_data = nothing, mlmix_error_spec = nothing)
}

# A fit to a frequency table as one to its single rows.
expanded_fit <- function(fit) {
  rows <- expanded_rows(fit)
  data <- fit$data
  data$columns <- lapply(data$columns, function(column) column[rows$row])
  data["cluster"] <- list(rows$cluster)
  if (!is.null(data$robust_cluster)) data$robust_cluster <- data$robust_cluster[rows$row]
  data$row_used <- rows$key
  data$n_rows <- rows$n_units
  data[c("frequency", "unit_weights", "cluster_weights")] <- NULL
  fit$data <- data
  fit
}

# (1 + draws that reach it) / (1 + draws) for each statistic.
bootstrap_p_values <- function(observed, drawn) {
  if (is.null(drawn)) return(rep(NA_real_, length(observed)))
  vapply(seq_along(observed), function(j) {
    values <- drawn[, j][is.finite(drawn[, j])]
    (1 + sum(reaches(values, observed[[j]]))) / (1 + length(values))
  }, 0)
}
