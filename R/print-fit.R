# print(fit): the fit in a dozen lines within 80 columns.

#' @export
print.mlmix <- function(x, ...) {
  cat(fit_lines(x), sep = "\n")
  sizes <- size_lines(x)
  if (length(sizes) > 0) cat("", "Class sizes (estimated)", sizes, sep = "\n")
  notes <- warning_lines(x)
  if (length(notes) > 0) cat("", notes, sep = "\n")
  invisible(x)
}

# Data, log-likelihood, criteria and convergence.
fit_lines <- function(x) {
  wrap <- function(...) strwrap(paste0(...), 80, exdent = 2)
  c(
    wrap("Mixture model with ", model_words(x)),
    wrap(data_words(x)),
    "",
    wrap("Log-likelihood ", fixed_digits(x$log_likelihood, 3), " with ", plural(x$n_free, "free parameter"),
      replicated_words(x)),
    wrap(criteria_words(x)),
    wrap(convergence_words(x)),
    wrap(error_words(x)),
    integration_words(x)
  )
}

model_words <- function(x) {
  classes <- vapply(fit_classes(x), function(class) {
    paste0(class$name, " (", plural(class$k, "class", "classes"), if (class$level == "between") " of clusters", ")")
  }, "")
  latents <- x$spec$latents
  random <- is_random_effect(latents)
  parts <- c(
    if (length(classes) > 0) paste("class variable", paste(classes, collapse = ", ")),
    if (any(!random)) plural(sum(!random), "factor"),
    if (any(random)) plural(sum(random), "random effect"),
    plural(length(x$spec$outcomes), "outcome")
  )
  paste(parts, collapse = "; ")
}

data_words <- function(x) {
  data <- x$data
  units <- if (!is.null(data$reshape)) {
    paste(plural(x$n, "person", "persons"), "with", plural(length(data$row_used), "response"))
  } else if (is.null(data$frequency)) {
    plural(length(data$row_used), "unit")
  } else {
    paste(plural(format(x$n), "unit"), "in", plural(length(data$row_used), "row"))
  }
  clusters <- if (!is.null(data$cluster) && is.null(data$reshape)) {
    paste(" in", plural(length(data$cluster_ids), "cluster"), paste0("(", data$cluster_name, ")"))
  } else if (!is.null(data$robust_cluster)) {
    paste0("; standard errors robust to ", plural(length(data$cluster_ids), "cluster"), " (", data$cluster_name, ")")
  }
  dropped <- sum(unlist(data$dropped))
  weighted <- !is.null(data$unit_weights) || !is.null(data$cluster_weights)
  paste0("Data: ", units, clusters, if (dropped > 0) paste0("; ", plural(dropped, "row"), " left out"),
    if (weighted) "; weighted")
}

replicated_words <- function(x) {
  carried <- sum(!is.na(x$starts$final))
  reached <- integer_or_na(x$replicated)
  if (is.na(reached) || carried == 0) return("")
  paste0(", reached by ", reached, " of the ", plural(carried, "start"), " carried to the end (", nrow(x$starts), " tried)")
}

criteria_words <- function(x) {
  entropy <- entropy(x)
  paste0(
    "AIC ", fixed_digits(stats::AIC(x), 2), ", BIC ", fixed_digits(stats::BIC(x), 2), ", adjusted BIC ",
    fixed_digits(information_criterion(x, log((x$n + 2) / 24)), 2),
    if (!is.na(entropy)) paste0(", entropy ", fixed_digits(entropy, 3))
  )
}

convergence_words <- function(x) {
  status <- switch(x$convergence$status,
    converged = "Converged", max_iterations = "NOT converged: the limit of iterations was reached",
    stalled = "NOT converged: no step improved the log-likelihood", cancelled = "NOT converged: stopped by the user",
    x$convergence$status
  )
  decrement <- number_or_na(x$convergence$newton_decrement)
  paste0(status, " after ", plural(x$convergence$iterations, "iteration"),
    if (!is.na(decrement)) paste0(" (Newton decrement ", format(signif(decrement, 2)), ")"))
}

error_words <- function(x) {
  paste0("Standard errors: ", switch(x$options$se,
    robust = "robust (sandwich)", observed = "observed information", opg = "outer product of gradients", none = "none"
  ))
}

integration_words <- function(x) {
  part <- integration(x)
  if (!any(part$dimensions$how == "numeric")) character() else integration_lines(part)
}

size_lines <- function(x) {
  sizes <- class_sizes(x)
  if (nrow(sizes) == 0) return(character())
  width <- max(nchar(sizes$class))
  bars <- strrep("#", round(30 * sizes$proportion))
  paste0("  ", formatC(sizes$class, width = -width), "  ", formatC(percent(sizes$proportion), width = 7), "  ", bars)
}

warning_lines <- function(x) {
  unlist(lapply(x$warnings, function(w) strwrap(paste("Note:", w$message), 80, exdent = 2)))
}
