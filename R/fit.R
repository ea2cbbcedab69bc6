# new_fit(): the fit as a plain list, from what the engine returned.

new_fit <- function(result, resolved, weights, model, options, call, n_rows, time) {
  parameters <- resolved$parameters
  parameters$estimate <- as.numeric(result$estimate)
  parameters$std.error <- na_if_nan(as.numeric(result$std_error))
  parameters$status <- as.character(unlist(result$status))
  free <- as.integer(unlist(result$free)) + 1L
  names <- parameters$name[free]
  data <- resolved[setdiff(names(resolved), c("spec", "parameters"))]
  data <- c(data, weights)
  data$n_rows <- n_rows
  result <- result[setdiff(names(result), c("estimate", "std_error", "status", "free"))]
  if (!is.null(result$vcov)) result$vcov <- named_square(result$vcov, names)
  result$gradient <- as.numeric(unlist(result$gradient))
  # Linear constraints leave fewer directions than parameters; the gradient is then along these.
  if (length(result$gradient) == length(names)) names(result$gradient) <- names
  result$starts <- as_starts(result$starts, result$replicated)
  result$replicated <- if (is.null(result$replicated)) result$starts$replicated else result$replicated
  result$starts <- result$starts$table
  result$warnings <- lapply(result$warnings, function(w) {
    list(kind = w$kind, message = w$message, parameters = as.character(unlist(w$parameters)))
  })
  result$n <- count_cases(data)
  structure(c(
    list(call = call, model = model, spec = resolved$spec, parameters = parameters, free = free),
    result,
    list(seed = options$seed, options = options, data = data, time = time,
         version = package_version_text())
  ), class = "mlmix")
}

na_if_nan <- function(x) replace(x, is.nan(x), NA_real_)

# A [n x n] matrix named by parameter.
named_square <- function(x, names) {
  matrix(na_if_nan(as.numeric(x)), length(names), dimnames = list(names, names))
}

# The start table as a data frame, and how many starts reached the best log-likelihood.
as_starts <- function(starts, replicated = NULL) {
  columns <- c("start", "stage1", "final", "iterations", "status")
  if (!is.null(starts$replicated)) replicated <- starts$replicated
  table <- as_frame(lapply(starts[intersect(columns, names(starts))], unlist))
  table$final <- na_if_nan(as.numeric(table$final))
  table$stage1 <- na_if_nan(as.numeric(table$stage1))
  list(table = table, replicated = as.integer(replicated))
}

# The number of cases for BIC: units (persons where items were stacked), counted by frequency.
count_cases <- function(data) {
  if (!is.null(data$reshape)) {
    # Frequencies of persons are cluster weights there; sampling weights sum to the number of persons.
    if (is.null(data$cluster_weights)) return(length(unique(data$cluster)))
    return(signif(sum(data$cluster_weights[!duplicated(data$cluster)]), 12))
  }
  if (is.null(data$frequency)) length(data$row_used) else sum(data$frequency)
}

# Weight of every unit in counts and averages: frequency x sampling weight (x cluster weight).
unit_weight <- function(fit) {
  weight <- rep(1, length(fit$data$row_used))
  for (part in c("frequency", "unit_weights", "cluster_weights")) {
    if (!is.null(fit$data[[part]])) weight <- weight * fit$data[[part]]
  }
  weight
}

# Whether parameters have normal priors; the estimates are then penalised.
has_priors <- function(fit) any(!is.na(fit$parameters$prior_sd))

# What the estimation maximised: the log-likelihood, with priors plus their log-densities.
penalised_value <- function(fit) fit$log_likelihood + if (has_priors(fit)) fit$log_prior else 0

# Log-densities of the priors in a parameter table at `values`.
log_prior_at <- function(parameters, values) {
  with <- which(!is.na(parameters$prior_sd))
  sum(stats::dnorm(values[with], parameters$prior_mean[with], parameters$prior_sd[with], log = TRUE))
}

# Weights other than frequencies (which are the cluster weights of persons where items were stacked).
has_sampling_weights <- function(fit) {
  data <- fit$data
  !is.null(data$unit_weights) || (!is.null(data$cluster_weights) && !identical(data$cluster_weights, data$counted))
}

# Weight of every cluster, in order of first appearance.
cluster_weight <- function(fit) {
  first <- !duplicated(fit$data$cluster)
  if (is.null(fit$data$cluster_weights)) rep(1, sum(first)) else fit$data$cluster_weights[first]
}

check_fit <- function(fit, call = rlang::caller_env(), arg = "fit") {
  if (!inherits(fit, "mlmix")) {
    abort_spec(c(
      "{.arg {arg}} must be a fitted model from {.fn mlmix}.", x = "You gave {describe(fit)}."
    ), call = call)
  }
  fit
}

# The class variables of one level (or both), each list(name, level, k, labels "c=1" ...).
fit_classes <- function(fit, level = c("within", "between")) {
  classes <- Filter(function(cl) cl$level %in% level, fit$spec$classes)
  lapply(stats::setNames(classes, vapply(classes, function(cl) cl$name, "")), function(cl) {
    list(name = cl$name, level = cl$level, k = cl$n_classes,
         labels = paste0(cl$name, "=", seq_len(cl$n_classes)))
  })
}

# Posterior probabilities of one class variable: [n_rows x k] within, [n_clusters x k] between.
class_posterior <- function(fit, name) {
  level <- fit_classes(fit)[[name]]$level
  posterior <- fit[[paste0("posterior_", level)]][[name]]
  matrix(as.numeric(posterior), ncol = fit_classes(fit)[[name]]$k)
}

# All class patterns of the variables, the first varying fastest: a data frame of class numbers with attribute labels.
fit_patterns <- function(classes) {
  if (length(classes) == 0) return(data.frame(row.names = 1L))
  expand.grid(lapply(classes, function(cl) seq_len(cl$k)), KEEP.OUT.ATTRS = FALSE)
}

# "c=1,d=2" for each row of patterns; "" without class variables.
fit_pattern_labels <- function(patterns) {
  if (ncol(patterns) == 0) return(rep("", nrow(patterns)))
  parts <- Map(function(name, k) paste0(name, "=", k), names(patterns), patterns)
  do.call(paste, c(unname(parts), sep = ","))
}

percent <- function(x) paste0(formatC(100 * x, format = "f", digits = 1), " %")
