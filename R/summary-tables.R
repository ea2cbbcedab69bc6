# The tables of summary(fit) as text: list(title, table) each, for the console and for reports alike.

summary_tables <- function(x) {
  c(
    if (nrow(x$class_sizes) > 0) list(size_text(x)),
    if (!is.null(x$transitions)) list(transition_text(x$transitions)),
    if (!is.null(x$profile)) profile_text(x$profile, x$fit),
    estimate_text(x$estimates, length(x$fit$spec$classes) > 0)
  )
}

new_text_table <- function(title, ...) {
  table <- data.frame(..., check.names = FALSE, stringsAsFactors = FALSE)
  list(title = title, table = table[!vapply(table, function(column) all(column == ""), TRUE)])
}

size_text <- function(x) {
  sizes <- x$class_sizes
  entropy <- if (length(x$entropy) > 1) fixed_digits(x$entropy[sizes$variable], 3) else ""
  new_text_table(
    paste0("Class sizes", if (!is.null(x$fit$data$reshape)) " (of responses)"),
    class = sizes$class, estimated = percent(sizes$proportion), n = fixed_digits(sizes$n, 1),
    `most likely` = percent(sizes$modal_proportion), ` n` = fixed_digits(sizes$modal_n, 1),
    entropy = ifelse(duplicated(sizes$variable), "", entropy)
  )
}

transition_text <- function(transitions) {
  new_text_table("Transitions",
    from = transitions$from, to = transitions$to, probability = fixed_digits(transitions$probability, 3),
    n = fixed_digits(transitions$n, 1)
  )
}

# A table for each set of class variables: outcomes in rows, classes in columns, at most six in one table.
profile_text <- function(profile, fit) {
  titles <- c(probability = "Probabilities by class", mean = "Means by class")
  profile <- profile[profile$variable != "", , drop = FALSE]
  profile$row <- paste0(profile$outcome, ifelse(profile$category == "", "", paste0(" = ", profile$category)))
  unlist(lapply(intersect(names(titles), profile$measure), function(measure) {
    of_measure <- profile[profile$measure == measure, , drop = FALSE]
    unlist(lapply(unique(of_measure$variable), function(variable) {
      part <- of_measure[of_measure$variable == variable, , drop = FALSE]
      classes <- unique(part$class)
      rows <- unique(part$row)
      lapply(unname(split(classes, (seq_along(classes) - 1) %/% 6)), function(columns) {
        values <- lapply(columns, function(class) {
          fixed_digits(part$value[part$class == class][match(rows, part$row[part$class == class])], 3)
        })
        new_text_table(paste0(titles[[measure]], reference_words(fit, part$outcome)), ` ` = rows,
          stats::setNames(as.data.frame(values, stringsAsFactors = FALSE), columns))
      })
    }), recursive = FALSE)
  }), recursive = FALSE)
}

# Where a profile is taken, if the outcomes depend on more than classes.
reference_words <- function(fit, outcomes) {
  terms <- unlist(lapply(Filter(function(o) o$name %in% outcomes, fit$spec$outcomes), function(o) {
    unlist(lapply(o$predictors, function(p) p$terms), recursive = FALSE)
  }), recursive = FALSE)
  covariate <- any(vapply(terms, function(term) !is.null(term$covariate), TRUE))
  latent <- any(vapply(terms, function(term) length(term$latents) > 0, TRUE))
  what <- paste(c(if (covariate) "predictors", if (latent) "factors and random effects"), collapse = ", ")
  if (nzchar(what)) paste0(" (", what, " at 0)") else ""
}

# Estimates under a heading for each level and class pattern.
estimate_text <- function(table, has_classes) {
  heading <- estimate_headings(table, has_classes)
  lapply(unique(heading), function(title) {
    part <- table[heading == title, , drop = FALSE]
    new_text_table(title,
      ` ` = estimate_labels(part), estimate = fixed_digits(part$estimate, 3),
      `std.error` = fixed_digits(part$std.error, 3), z = fixed_digits(part$statistic, 2), p = p_words(part$p.value),
      `  ` = ifelse(part$status == "free", "", part$status)
    )
  })
}

# The heading of every row of estimates().
estimate_headings <- function(table, has_classes) {
  same <- if (has_classes) ": the same in all classes" else ""
  paste0(
    ifelse(table$level == "within", "Within", "Between"),
    ifelse(table$kind == "logit", ": class probabilities (logits)",
      ifelse(table$class == "", same, paste0(": class ", gsub(",", ", ", table$class))))
  )
}

# Parameter names without the class pattern, which the heading has (except for logits, which stand together).
estimate_labels <- function(part) {
  if (part$kind[[1]] == "logit") part$name else sub("\\[[^]]*\\]$", "", part$name)
}

# Outcomes that share the coefficients of others have no rows of their own among the estimates.
alike_lines <- function(fit) {
  like <- lapply(fit$data$items, function(item) item$like)
  like <- like[lengths(like) > 0]
  line <- function(what, pairs) {
    if (length(pairs) == 0) return(character())
    strwrap(paste0(what, ": ", paste(names(pairs), "as", unlist(pairs), collapse = ", "), "."), 80, exdent = 2)
  }
  c(line("Equal coefficients", like), line("Equal parameters", fit$data$merged))
}

# Means and probabilities by class, where outcomes differ by class; NULL for a single mean, which estimates show.
summary_profile <- function(fit) {
  classes <- fit_classes(fit)
  differs <- vapply(fit$spec$outcomes, function(outcome) {
    length(depends_on(outcome$predictors, outcome$auxiliary, classes)) > 0
  }, TRUE)
  if (!any(differs)) return(NULL)
  profile <- one_profile(fit, 0.95, names(classes), rlang::current_env())
  if (all(profile$measure == "mean") && length(unique(profile$outcome)) == 1) NULL else profile
}
