# Item curves: the probability or mean of each outcome against a factor, by class; for models of single responses (grade
# of membership, guessing) over all classes together.

# With a class variable for every single response an item's curve is the mixture P(y | f) = sum_c P(c | f) P(y | c, f),
# with the item's own class probabilities: for guessing equation (47), g + (1 - g) F(a f - b).
item_curve_data <- function(fit, level, call, against = NULL, outcome = NULL) {
  against <- if (is.null(against)) curve_factors(fit)[[1]]
    else choose_name(against, curve_factors(fit), "against", "a factor behind the outcomes", call)
  possible <- Filter(function(o) against %in% item_latents(fit, o), fit$spec$outcomes)
  names <- vapply(possible, function(o) o$name, "")
  for (name in outcome) choose_name(name, names, "outcome", paste("outcomes that depend on", against), call)
  possible <- possible[names %in% (outcome %||% names)]
  distribution <- latent_distribution(fit, against, n = 61)
  curves <- bind_rows(lapply(possible, one_item_curve, fit = fit, level = level, against = against,
    grid = distribution$grid))
  list(curves = curves, distribution = distribution$density, scores = latent_scores(fit, against))
}

# The latent variables that an outcome depends on, for responses also through their class.
item_latents <- function(fit, outcome) {
  predictors <- outcome$predictors
  if (is_membership(fit)) predictors <- c(predictors, unlist(lapply(fit$spec$classes, function(c) c$logits), FALSE))
  latents_behind(fit$spec, predictors)
}

# The factors (not random effects) that outcomes depend on.
curve_factors <- function(fit) {
  found <- unique(unlist(lapply(fit$spec$outcomes, item_latents, fit = fit)))
  found[!grepl("@", found, fixed = TRUE)]
}

one_item_curve <- function(outcome, fit, level, against, grid) {
  spec <- fit$spec
  classes <- fit_classes(fit)
  mixed <- is_membership(fit)
  by <- classes_behind(spec, outcome$predictors, outcome$auxiliary[is_categorical(outcome)], classes,
    against)
  within <- names(fit_classes(fit, "within"))
  over <- if (mixed) intersect(by, within)
  patterns <- fit_patterns(classes[setdiff(by, over)])
  inner <- fit_patterns(classes[over])
  columns <- outcome_means(fit, outcome)
  kind <- response_kind(fit, outcome)
  n <- length(grid)
  at <- function(theta, pattern) {
    pattern <- complete_pattern(pattern, classes)
    set <- stats::setNames(list(grid), against)
    latents <- latent_means(spec, theta, pattern, classes, columns, n, set)
    response <- response_at(outcome, theta, pattern, classes, columns, latents, n)
    if (length(over) == 0) return(response)
    weight <- 1
    for (name in over) {
      logits <- Filter(function(cl) cl$name == name, spec$classes)[[1]]$logits
      eta <- vapply(logits, predictor_at, numeric(n), theta = theta, pattern = pattern, classes = classes,
        columns = columns, latents = latents, n = n)
      weight <- weight * t(apply(cbind(matrix(eta, n), 0), 1, softmax))[, pattern[[name]]]
    }
    response * weight
  }
  value <- function(theta) {
    unlist(lapply(seq_len(nrow(patterns)), function(r) {
      outer <- as.list(patterns[r, , drop = FALSE])
      parts <- lapply(seq_len(nrow(inner)), function(i) at(theta, c(outer, as.list(inner[i, , drop = FALSE]))))
      as.numeric(Reduce(`+`, parts))
    }))
  }
  delta <- delta_method(fit, value)
  shown <- length(kind$categories)
  data.frame(
    outcome = outcome$name, against = against, class = rep(fit_pattern_labels(patterns), each = n * shown),
    category = rep(rep(kind$categories, each = n), nrow(patterns)), measure = kind$measure,
    x = rep(grid, shown * nrow(patterns)), value = delta$estimate,
    scaled_limits(delta$estimate, delta$std_error, level, kind$scale), stringsAsFactors = FALSE
  )
}

# Means of the covariate columns over the units in which an outcome is observed.
outcome_means <- function(fit, outcome) {
  weight <- unit_weight(fit) * !is.na(fit$data$columns[[outcome$column]])
  lapply(fit$data$columns, function(column) stats::weighted.mean(column[weight > 0], weight[weight > 0], na.rm = TRUE))
}

plot_item_curve <- function(data, level) {
  curves <- data$curves
  several <- length(unique(curves$category)) > 1
  many_classes <- length(unique(curves$class)) > 1
  curves$panel <- if (several) ifelse(nzchar(curves$category), paste0(curves$outcome, " = ", curves$category),
    curves$outcome) else curves$outcome
  curves$panel <- factor(curves$panel, unique(curves$panel), make.unique(shorten_middle(unique(curves$panel), 26)))
  curves$line <- factor(curves$class, unique(curves$class))
  n <- nlevels(curves$line)
  probability <- all(curves$measure == "probability")
  shade <- data$distribution
  top <- if (probability) 0.35 else 0
  ggplot2::ggplot(curves, ggplot2::aes(x = .data$x, y = .data$value, colour = .data$line)) +
    (if (top > 0 && nrow(shade) > 0) ggplot2::geom_area(
      ggplot2::aes(x = .data$x, y = top * .data$density / max(.data$density)), shade, inherit.aes = FALSE,
      fill = "grey88", colour = NA
    )) +
    ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high, fill = .data$line),
      function(curves) curves[!is.na(curves$conf.low), , drop = FALSE], colour = NA, alpha = 0.2) +
    ggplot2::geom_line(ggplot2::aes(linetype = .data$line), linewidth = 0.7) +
    ggplot2::facet_wrap(ggplot2::vars(.data$panel), scales = if (probability) "fixed" else "free_y") +
    ggplot2::scale_colour_manual(values = class_colours(n), aesthetics = c("colour", "fill")) +
    ggplot2::scale_linetype_manual(values = class_lines(n)) +
    (if (probability) ggplot2::scale_y_continuous(limits = c(0, 1), breaks = c(0, 0.5, 1))) +
    ggplot2::labs(
      title = paste0("Outcomes by the factor ", curves$against[[1]]), x = curves$against[[1]],
      subtitle = wrap_text(paste0("Bands: ", format(100 * level), " % confidence intervals",
        if (top > 0 && nrow(shade) > 0) "; grey: distribution of the factor (height without scale)")),
      y = if (probability && !several) paste0("Probability of ", curves$category[[1]]) else
        if (probability) "Probability" else capital(paste(unique(curves$measure), collapse = " or ")),
      colour = "Class", fill = "Class", linetype = "Class"
    ) +
    plot_theme() +
    (if (!many_classes) ggplot2::theme(legend.position = "none"))
}
