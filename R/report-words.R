# The last sections of a report: words for a methods section, how to cite, how to reproduce.

report_methods <- function(fit) {
  html("blockquote", html_text(minus_sign(methods_words(fit))))
}

# One paragraph that says what was estimated and how, for the reader to adapt.
methods_words <- function(fit) {
  carried <- sum(!is.na(fit$starts$final))
  tried <- nrow(fit$starts)
  part <- integration(fit)
  missing <- any(vapply(fit$data$items, function(item) anyNA(fit$data$columns[[item$column]]), NA))
  title <- model_title(fit$model)
  model <- sub("(.*), ", "\\1 and ", gsub(";", ",", model_words(fit)))
  paste(c(
    paste0("A ", tolower(title), " with ", model, " was estimated by ",
      if (has_priors(fit)) "penalised maximum likelihood (normal priors)" else "maximum likelihood",
      " with the R package mlmix, version ", fit$version, " (Asparouhov & Muth\u00e9n, 2006)."),
    if (tried > 1) {
      paste0("Of ", tried, " random starts the best ", carried, if (carried == 1) " was" else " were",
        " carried to convergence; the highest log-likelihood (", fixed_digits(fit$log_likelihood, 3),
        ") was reached by ", integer_or_na(fit$replicated), ".")
    } else if (!isTRUE(fit$options$starts > 1)) {
      "One start was used, so that the solution was not replicated."
    },
    if (!is_converged(fit)) "The estimation did not converge.",
    switch(fit$options$se,
      robust = if (!is.null(fit$data$robust_cluster)) {
        paste0("Standard errors are robust to the clustering in ", fit$data$cluster_name, " (sandwich).")
      } else {
        "Standard errors are robust to misspecification (sandwich)."
      },
      observed = "Standard errors come from the observed information.",
      opg = "Standard errors come from the outer product of the gradients.",
      none = NULL
    ),
    if (any(part$dimensions$how == "numeric")) {
      paste0("Latent variables were integrated numerically in ",
        plural(sum(part$dimensions$how == "numeric"), "dimension"), " (", rule_words(part), ").")
    },
    if (missing && is.null(fit$data$reshape)) {
      "Missing values of outcomes were taken to be missing at random (full information maximum likelihood)."
    },
    if (!is.null(fit$data$unit_weights) || (!is.null(fit$data$cluster_weights) && is.null(fit$data$reshape))) {
      "Sampling weights entered a pseudo-likelihood (Asparouhov, 2006)."
    }
  ), collapse = " ")
}

report_citation <- function() {
  entries <- utils::citation("mlmix")
  entries$header <- NULL
  texts <- vapply(seq_along(entries), function(i) {
    gsub("[*_]", "", paste(format(entries[i], style = "text"), collapse = " "))
  }, "")
  texts <- gsub("<URL: *([^>]*)>", "\\1", gsub("\\s+", " ", texts))
  c(html_list(texts), html_code(utils::toBibtex(entries)))
}

report_reproduction <- function(fit) {
  call <- deparse(fit$call, width.cutoff = 90)
  session <- utils::capture.output(print(utils::sessionInfo(), locale = FALSE))
  c(
    html_text(paste0("The call, with the seed that was used (", fit$seed, "). Estimation took ",
      format(signif(fit$time, 2)), " seconds.")),
    html_code(call), html_text("The model", "h3"), html_code(format(fit$model)),
    html_text("Session in which the report was written", "h3"), html_code(session)
  )
}
