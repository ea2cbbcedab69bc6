# What a third step is asked: do classes differ, which pairs do, does a predictor matter; means by class.

# Wald tests: of every predictor over all logits of its class variable, or over all classes where it predicts an
# outcome, factors over all their categories and for each; of every coefficient of an outcome that differs by class,
# over all classes and for each pair.
third_tests <- function(fit, outcomes) {
  p <- fit$parameters
  p$free_row <- match(seq_len(nrow(p)), fit$free)
  p <- p[!startsWith(p$name, assigned_name) & !is.na(p$free_row), , drop = FALSE]
  p$root <- sub("#[0-9]+$", "", p$target)
  p$group <- term_group(p$term, term_groups(fit$data$designs))
  of_outcome <- p$root %in% outcomes & p$kind %in% c("intercept", "slope", "threshold")
  predictors <- rbind(p[p$kind == "logit", , drop = FALSE], p[of_outcome & p$kind == "slope", , drop = FALSE])
  differing <- p[of_outcome & p$class != "", , drop = FALSE]
  readable(bind_rows(c(predictor_tests(fit, predictors), outcome_tests(fit, differing))))
}

predictor_tests <- function(fit, p) {
  p <- p[p$term != "1", , drop = FALSE]
  if (nrow(p) == 0) return(list())
  no_effect <- function(rows, term) {
    test_row(fit, rows$free_row, diag(nrow(rows)), rows$root[[1]], term, "no effect")
  }
  key <- paste(p$root, p$group)
  unlist(lapply(unique(key), function(one) {
    rows <- p[key == one, , drop = FALSE]
    terms <- unique(rows$term)
    c(
      if (length(terms) > 1) list(no_effect(rows, rows$group[[1]])),
      lapply(terms, function(term) no_effect(rows[rows$term == term, , drop = FALSE], term))
    )
  }), recursive = FALSE)
}

outcome_tests <- function(fit, p) {
  if (nrow(p) == 0) return(list())
  p$what <- ifelse(p$kind == "threshold", "1", p$group)
  key <- paste(p$root, p$what)
  unlist(lapply(unique(key), function(one) {
    rows <- p[key == one, , drop = FALSE]
    classes <- unique(rows$class)
    if (length(classes) < 2) return(list())
    of_class <- lapply(classes, function(class) rows$free_row[rows$class == class])
    n <- length(of_class[[1]])
    if (any(lengths(of_class) != n)) return(list())
    equal <- function(which, hypothesis) {
      contrast <- kronecker(cbind(1, -diag(length(which) - 1)), diag(n))
      test_row(fit, unlist(of_class[which]), contrast, rows$root[[1]], rows$what[[1]], hypothesis)
    }
    pairs <- utils::combn(length(classes), 2, simplify = FALSE)
    c(
      if (length(classes) > 2) list(equal(seq_along(classes), "all classes equal")),
      lapply(pairs, function(pair) equal(pair, paste(classes[pair], collapse = " - ")))
    )
  }), recursive = FALSE)
}

# One Wald test of contrast %*% coefficients[rows] = 0; a difference of one number is shown with its standard error.
test_row <- function(fit, rows, contrast, target, term, hypothesis) {
  value <- as.numeric(contrast %*% fit$parameters$estimate[fit$free[rows]])
  vcov <- contrast %*% fit$vcov[rows, rows, drop = FALSE] %*% t(contrast)
  df <- length(value)
  statistic <- tryCatch(as.numeric(value %*% solve(vcov, value)), error = function(e) NA_real_)
  one <- df == 1
  data.frame(
    target = target, term = term, hypothesis = hypothesis, difference = if (one) value else NA_real_,
    std.error = if (one) sqrt(vcov[1, 1]) else NA_real_, statistic = statistic, df = df,
    p.value = stats::pchisq(statistic, df, lower.tail = FALSE), stringsAsFactors = FALSE
  )
}

# Means and probabilities of outcomes by class where other predictors and random effects are 0.
third_means <- function(fit, outcomes) {
  classes <- fit_classes(fit)
  chosen <- Filter(function(o) o$name %in% outcomes, fit$spec$outcomes)
  blocks <- lapply(chosen, function(outcome) {
    by <- depends_on(outcome$predictors, outcome$auxiliary, classes)
    if (!is_categorical(outcome)) by <- depends_on(outcome$predictors, list(), classes)
    labels <- if (is_categorical(outcome)) category_labels_of(fit, outcome) else ""
    block(outcome$level, outcome$name, labels, fit_patterns(classes[by]), function(theta, pattern) {
      if (is_categorical(outcome)) return(category_probabilities(outcome, theta, pattern, classes))
      third_mean(outcome, vapply(outcome$predictors, reference_predictor, 0, theta, pattern, classes))
    })
  })
  rows <- bind_rows(lapply(blocks, function(block) block$rows))
  delta <- delta_method(fit, function(theta) unlist(lapply(blocks, function(block) block$value(theta))))
  wald <- wald_columns(delta$estimate, delta$std_error)
  probability <- rows$term != ""
  z <- stats::qnorm(0.975)
  logit <- suppressWarnings(stats::qlogis(delta$estimate))
  width <- z * delta$std_error / (delta$estimate * (1 - delta$estimate))
  readable(data.frame(
    outcome = rows$target, category = rows$term, class = rows$class, estimate = delta$estimate,
    std.error = delta$std_error, conf.low = ifelse(probability, stats::plogis(logit - width), wald$conf.low),
    conf.high = ifelse(probability, stats::plogis(logit + width), wald$conf.high), stringsAsFactors = FALSE
  ))
}

# The mean of an outcome that is not categorical from its linear predictors; of a censored one that behind the limits.
third_mean <- function(outcome, eta) {
  type <- outcome$family$type
  if (type %in% c("gaussian", "censored")) return(eta[[1]])
  exp(eta[[1]]) * (if (has_zero_part(type)) stats::plogis(-eta[[2]]) else 1)
}
