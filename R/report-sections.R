# The sections of a report about the fit itself, each as text of HTML: in brief, model, comparison, classes, estimates.

# The verdict, the main numbers, and every warning at the top.
report_brief <- function(fit) {
  converged <- is_converged(fit)
  n_notes <- length(fit$warnings)
  verdict <- if (!converged) {
    how <- sub("^NO: ", "", convergence_words(fit))
    list("bad", paste0("Not converged: ", how, ". Do not interpret the estimates."))
  } else if (n_notes > 0) {
    list("note", paste0("Converged, with ", plural(n_notes, "note"), ": see below."))
  } else {
    list("good", "Converged, without warnings.")
  }
  card <- function(value, label) {
    html("div", html_text(minus_sign(value), "strong"), html_text(label, "span"), attributes = list(class = "card"))
  }
  entropy <- entropy_words(fit)
  cards <- c(
    card(fixed_digits(fit$log_likelihood, 2), "log-likelihood"), card(fit$n_free, "free parameters"),
    card(fixed_digits(stats::BIC(fit), 2), "BIC"), card(fixed_digits(stats::AIC(fit), 2), "AIC"),
    if (nzchar(entropy)) card(entropy, "entropy"),
    card(big_number(fit$n), if (is.null(fit$data$reshape)) "units" else "persons"),
    if (!is.null(fit$data$cluster) && is.null(fit$data$reshape)) card(big_number(fit$n_clusters), "clusters")
  )
  notes <- sub("^Note: ", "", warning_texts(fit))
  sizes <- class_sizes(fit)
  words <- paste0("Mixture model with ", model_words(fit), ".")
  if (nrow(sizes) > 0) {
    words <- c(words, paste0("Estimated class sizes: ",
      paste0(sizes$class, " ", percent(sizes$proportion), collapse = ", "), "."))
  }
  c(
    html_text(verdict[[2]], "p", paste("verdict", verdict[[1]])),
    html("div", cards, attributes = list(class = "cards")),
    html_text(words), if (n_notes > 0) html("div", html_text("Notes", "h3"), html_list(notes),
      attributes = list(class = "notes"))
  )
}

report_model <- function(fit, plots) {
  sections <- model_equation_sections(fit$model, lapply(fit$data$items, function(item) {
    list(type = item$family, link = item$link)
  }))
  body <- unlist(lapply(sections, function(section) {
    c(html_text(section$title, "h3"), unlist(lapply(section$items, function(item) {
      c(html_text(item$words), vapply(item$equations, function(one) {
        html("div", math_ml(one), attributes = list(class = "equation"))
      }, ""))
    })))
  }))
  levels <- gsub("`", "", trimws(describe_levels(fit$model)))
  c(
    html_text(paste(c(paste0(model_title(fit$model), "."), levels), collapse = " ")), body,
    html_text("Indices and letters", "h3"), html_list(equation_legend(fit$model)),
    if (plots) report_figures(fit, "path")
  )
}

report_comparison <- function(comparison) {
  if (is.null(comparison)) return("")
  html_table(comparison_text(comparison), "Models compared", note = comparison_note)
}

comparison_note <- paste(
  "Lower values of AIC, BIC and aBIC (sample-size adjusted) are better. Replicated: how many of the starts carried to",
  "the end reached the log-likelihood. Status boundary: some probabilities are 0 or 1, or variances 0."
)

# The main columns of compare_models() as text, for a table on paper.
comparison_text <- function(comparison) {
  columns <- c(model = "model", log_likelihood = "log-likelihood", parameters = "parameters", AIC = "AIC", BIC = "BIC",
    BIC_clusters = "BIC (clusters)", aBIC = "aBIC", entropy = "entropy", smallest_class = "smallest class",
    replicated = "replicated", status = "status")
  known <- intersect(names(columns), names(comparison))
  table <- as.data.frame(comparison)[known]
  criteria <- intersect(known, c("log_likelihood", "AIC", "BIC", "BIC_clusters", "aBIC"))
  table[criteria] <- lapply(table[criteria], fixed_digits, 2)
  if (!is.null(table$entropy)) table$entropy <- fixed_digits(table$entropy, 3)
  if (!is.null(table$smallest_class)) {
    table$smallest_class <- ifelse(is.na(table$smallest_class), "", percent(table$smallest_class))
  }
  table[] <- lapply(table, function(column) ifelse(is.na(column), "", as.character(column)))
  names(table) <- columns[known]
  table[vapply(table, function(column) any(nzchar(column)), NA)]
}

report_classes <- function(fit, plots, level) {
  if (length(fit_classes(fit)) == 0) return("")
  x <- summary(fit)
  tables <- c(list(size_text(x)), if (!is.null(x$transitions)) list(transition_text(x$transitions)),
    if (!is.null(x$profile)) profile_text(x$profile, fit))
  c(
    vapply(tables, function(one) html_table(one$table, one$title), ""),
    if (plots) report_figures(fit, c("profile", "transitions", "posterior"), level),
    html_table(classification_text(fit), "Average posterior probability by most likely class", note = paste(
      "Rows: units (or clusters) by their most likely class. Well separated classes have values near 1 where row and",
      "column are the same class."
    ))
  )
}

classification_text <- function(fit) {
  table <- classification_table(fit)
  columns <- grep("^p[0-9]+$", names(table))
  shown <- data.frame(`most likely` = table$modal, n = fixed_digits(table$n, 1), check.names = FALSE)
  for (i in columns) shown[[sub("p", "class ", names(table)[[i]])]] <- fixed_digits(table[[i]], 3)
  shown
}

# As summary(), with confidence intervals.
report_estimates <- function(fit, plots, level) {
  table <- estimates(fit, level = level)
  heading <- estimate_headings(table, length(fit$spec$classes) > 0)
  tables <- vapply(unique(heading), function(title) {
    part <- table[heading == title, , drop = FALSE]
    shown <- new_text_table(title,
      parameter = estimate_labels(part), estimate = fixed_digits(part$estimate, 3),
      `std. error` = fixed_digits(part$std.error, 3), interval = interval_text(part$conf.low, part$conf.high),
      z = fixed_digits(part$statistic, 2), p = p_words(part$p.value),
      status = ifelse(part$status == "free", "", part$status)
    )$table
    names(shown)[names(shown) == "interval"] <- paste(format(100 * level), "% interval")
    html_table(shown, title)
  }, "")
  c(
    if (plots) report_figures(fit, c("growth", "item_curve", "class_curve", "random_effects"), level), tables,
    html_text(alike_lines(fit)),
    html_text(paste0(
      "Standard errors: ", error_words(fit), ". Intervals of variances are computed on the log scale. A parameter at ",
      "the boundary (a probability of 0 or 1, a variance of 0) or not identified has no standard error."
    ), class = "note")
  )
}

interval_text <- function(low, high) {
  ifelse(is.na(low) | is.na(high), "", paste0("[", fixed_digits(low, 3), ", ", fixed_digits(high, 3), "]"))
}

report_diagnostics <- function(fit, plots) {
  part <- integration(fit)
  starts <- start_table(fit)
  shown <- utils::head(starts, 10)
  start_text <- data.frame(
    start = as.character(shown$start), `first stage` = fixed_digits(shown$stage1, 3),
    `log-likelihood` = fixed_digits(shown$final, 3), iterations = as.character(shown$iterations),
    status = shown$status, best = ifelse(shown$best, "yes", ""), check.names = FALSE
  )
  facts <- fit_facts(fit)
  dimensions <- part$dimensions
  names(dimensions) <- c("latent variable", "level", "integrated", "why")
  c(
    html_table(data.frame(` ` = names(facts), `  ` = unname(facts), check.names = FALSE), "The fit in numbers"),
    html_table(start_text, if (nrow(starts) > 10) paste0("Random starts (the best 10 of ", nrow(starts), ")") else
      "Random starts"),
    if (plots) report_figures(fit, "starts"), report_fit_tests(fit),
    if (nrow(dimensions) > 0) {
      html_table(dimensions, "Integration over latent variables", note = gsub("\n *", " ",
        paste(integration_words(part), collapse = " ")))
    }
  )
}

# Tests of fit and residuals of pairs, where all outcomes are categorical and few enough to be quick.
report_fit_tests <- function(fit) {
  outcomes <- fit$spec$outcomes
  if (length(outcomes) > 12 || !all(vapply(outcomes, is_categorical, NA))) return("")
  tests <- tryCatch(fit_tests(fit), mlmix_error_spec = function(e) NULL, mlmix_error_data = function(e) NULL)
  pairs <- if (length(outcomes) > 1) {
    tryCatch(stats::residuals(fit, "bivariate"),
      mlmix_error_spec = function(e) NULL, mlmix_error_data = function(e) NULL)
  }
  c(
    if (!is.null(tests)) {
      html_table(data.frame(
        test = tests$test, statistic = fixed_digits(tests$statistic, 3), df = as.character(tests$df),
        p = p_words(tests$p.value)
      ), "Tests of fit", note = attr(tests, "notes"))
    },
    if (!is.null(pairs)) {
      pairs <- utils::head(as.data.frame(pairs)[order(-pairs$bvr), ], 10)
      html_table(data.frame(
        pair = paste(pairs$outcome1, pairs$outcome2, sep = ", "), X2 = fixed_digits(pairs$X2, 2),
        df = as.character(pairs$df), BVR = fixed_digits(pairs$bvr, 2)
      ), "Residuals of pairs of outcomes (the 10 largest)", note = paste(
        "BVR: Pearson's X2 of the pair's table divided by its degrees of freedom. Values well above 1 point to dependence",
        "that the classes do not explain."
      ))
    }
  )
}
