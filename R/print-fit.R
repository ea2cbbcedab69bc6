# print(fit): the fit in a dozen lines within 80 columns.

#' @export
print.mlmix <- function(x, ...) {
  cat(fit_lines(x), sep = "\n")
  sizes <- size_lines(x)
  if (length(sizes) > 0) cat("", "Class sizes (estimated proportion and number)", sizes, sep = "\n")
  notes <- warning_lines(x)
  if (length(notes) > 0) cat("", notes, sep = "\n")
  classes <- if (length(x$spec$classes) > 0) " Classes: posterior()."
  cat("", paste0("Estimates: summary(), tidy().", classes, " Pictures: plot()."), sep = "\n")
  invisible(x)
}

# Model, data, log-likelihood, criteria and convergence.
fit_lines <- function(x) {
  c(
    strwrap(paste("Mixture model with", model_words(x)), 80, exdent = 2),
    strwrap(data_words(x), 80, exdent = 2),
    "",
    labelled_lines(fit_facts(x))
  )
}

# Named texts; what does not apply is left out.
fit_facts <- function(x) {
  facts <- c(
    `Log-likelihood` = paste(fixed_digits(x$log_likelihood, 3), "with", plural(x$n_free, "free parameter")),
    Priors = prior_line(x), `Best solution` = replicated_words(x), `AIC, BIC` = criteria_words(x), Entropy = entropy_words(x),
    Convergence = convergence_words(x), `Standard errors` = error_words(x), Integration = integration_line(x)
  )
  facts[nzchar(facts)]
}

# "label  text", the texts aligned and wrapped within 80 columns.
labelled_lines <- function(texts) {
  width <- max(nchar(names(texts))) + 2
  unlist(Map(function(label, text) {
    strwrap(text, 80 - 2, initial = formatC(label, width = -width), prefix = strrep(" ", width))
  }, names(texts), texts), use.names = FALSE)
}

model_words <- function(x) {
  classes <- vapply(fit_classes(x), function(class) {
    paste0(class$name, " (", plural(class$k, "class", "classes"), if (class$level == "between") " of clusters", ")")
  }, "")
  random <- is_random_effect(x$spec$latents)
  parts <- c(
    if (length(classes) > 0) {
      paste0("class variable", if (length(classes) > 1) "s", " ", paste(classes, collapse = ", "))
    },
    if (any(!random)) plural(sum(!random), "factor"),
    if (any(random)) plural(sum(random), "random effect"),
    plural(length(x$spec$outcomes), "outcome")
  )
  paste(parts, collapse = "; ")
}

data_words <- function(x) {
  data <- x$data
  units <- if (!is.null(data$reshape)) {
    rows <- length(unique(data$cluster))
    paste0(
      plural(big_number(x$n), "person"), if (!is.null(data$counted)) paste(" in", plural(rows, "row"), "of data"),
      " with ", plural(length(data$row_used), "response"), if (!is.null(data$counted)) " in these rows"
    )
  } else if (is.null(data$frequency)) {
    plural(length(data$row_used), "unit")
  } else {
    paste(plural(big_number(x$n), "unit"), "in", plural(length(data$row_used), "row"))
  }
  clusters <- if (!is.null(data$cluster) && is.null(data$reshape)) {
    paste(" in", plural(length(data$cluster_ids), "cluster"), paste0("(", data$cluster_name, ")"))
  } else if (!is.null(data$robust_cluster)) {
    paste0("; standard errors robust to ", plural(length(data$cluster_ids), "cluster"), " (", data$cluster_name, ")")
  }
  dropped <- sum(unlist(data$dropped))
  paste0("Data: ", units, clusters, if (dropped > 0) paste0("; ", plural(dropped, "row"), " left out"),
    if (has_sampling_weights(x)) "; weighted")
}

# With priors the estimates are not those of maximum likelihood.
prior_line <- function(x) {
  if (!has_priors(x)) return("")
  paste0("normal, on ", plural(sum(!is.na(x$parameters$prior_sd)), "parameter"), ": penalised estimates; with them ",
    fixed_digits(penalised_value(x), 3))
}

replicated_words <- function(x) {
  carried <- sum(!is.na(x$starts$final))
  reached <- integer_or_na(x$replicated)
  if (is.na(reached) || carried == 0) return("")
  if (nrow(x$starts) == 1) {
    # The engine leaves out random starts where a model has nothing that they could tell apart.
    return(if (isTRUE(x$options$starts > 1)) "from one start; this model needs no more" else "from one start only")
  }
  paste0("reached by ", reached, " of ", plural(carried, "start"), " carried to the end (", nrow(x$starts), " tried)")
}

criteria_words <- function(x) {
  paste0(
    fixed_digits(stats::AIC(x), 2), ", ", fixed_digits(stats::BIC(x), 2), "; sample-size adjusted BIC ",
    fixed_digits(information_criterion(x, log((x$n + 2) / 24)), 2)
  )
}

entropy_words <- function(x) {
  value <- entropy(x)
  if (is.na(value)) "" else fixed_digits(value, 3)
}

convergence_words <- function(x) {
  status <- switch(x$convergence$status,
    converged = "yes", max_iterations = "NO: the limit of iterations was reached",
    stalled = "NO: no step improved the log-likelihood", cancelled = "NO: stopped by the user",
    x$convergence$status
  )
  decrement <- number_or_na(x$convergence$newton_decrement)
  paste0(status, ", after ", plural(x$convergence$iterations, "iteration"),
    if (!is.na(decrement)) paste0(" (Newton decrement ", format(signif(decrement, 2)), ")"))
}

error_words <- function(x) {
  switch(x$options$se,
    robust = "robust (sandwich)", observed = "from the observed information",
    opg = "from the outer product of gradients",
    none = "none"
  )
}

integration_line <- function(x) {
  part <- integration(x)
  n <- sum(part$dimensions$how == "numeric")
  if (n == 0) return("")
  error <- if (!is.na(part$error)) {
    if (abs(part$error) < 1e-6) "; error below 1e-06" else paste0("; error about ", format(signif(abs(part$error), 1)))
  }
  paste0(plural(n, "numeric dimension"), ": ", rule_words(part), error)
}

size_lines <- function(x) {
  sizes <- class_sizes(x)
  if (nrow(sizes) == 0) return(character())
  left <- function(text) formatC(text, width = -max(nchar(text)))
  right <- function(text) formatC(text, width = max(nchar(text)))
  paste0("  ", left(sizes$class), "  ", right(percent(sizes$proportion)), "  ", right(fixed_digits(sizes$n, 1)), "  ",
    strrep("#", round(40 * sizes$proportion)))
}

warning_lines <- function(x) strwrap(warning_texts(x), 80, exdent = 2)

# The engine's warnings with the parameters they are about.
warning_texts <- function(x) {
  vapply(x$warnings, function(w) {
    named <- utils::head(w$parameters, 5)
    more <- length(w$parameters) - length(named)
    about <- if (length(named) > 0) {
      paste0(" Parameters: ", paste(named, collapse = ", "), if (more > 0) paste(" and", more, "more"), ".")
    }
    paste0("Note: ", w$message, about)
  }, "")
}
