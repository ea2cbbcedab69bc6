# The growth plot: the curve of an outcome against a covariate in each class, with the individual trajectories.

# Curves are at the expected latent variables of each class pattern and at the mean of other covariates. Returns
# list(curves, observed, trajectories).
growth_data <- function(fit, level, call, outcome = NULL, against = NULL, at = list(), data = NULL, trajectories = 60) {
  outcome <- growth_outcome(fit, outcome, call)
  check_plot_data(fit, data, call)
  against <- growth_covariate(fit, outcome, against, data, call)
  at <- check_at(fit, at, against, data, call)
  trajectories <- check_count(trajectories, "trajectories", min = 0, call = call)
  classes <- fit_classes(fit)
  by <- classes_behind(fit$spec, outcome$predictors, outcome$auxiliary[is_categorical(outcome)], classes)
  patterns <- fit_patterns(classes[by])
  grid <- covariate_grid(fit, against, at, data, call = call)
  kind <- response_kind(fit, outcome)
  n <- length(grid$x)
  value <- function(theta) {
    unlist(lapply(seq_len(nrow(patterns)), function(r) {
      pattern <- complete_pattern(as.list(patterns[r, , drop = FALSE]), classes)
      latents <- latent_means(fit$spec, theta, pattern, classes, grid$columns, n)
      as.numeric(response_at(outcome, theta, pattern, classes, grid$columns, latents, n))
    }))
  }
  delta <- delta_method(fit, value)
  each <- n * length(kind$categories)
  class <- fit_pattern_labels(patterns)
  variable <- paste(by, collapse = ",")
  curves <- data.frame(
    outcome = outcome$name, against = against, variable = variable, class = rep(class, each = each),
    label = rep(if (length(by) == 0) "all" else class_label(fit, variable, class), each = each),
    category = rep(rep(kind$categories, each = n), nrow(patterns)), measure = kind$measure,
    x = rep(grid$x, length(kind$categories) * nrow(patterns)), value = delta$estimate,
    scaled_limits(delta$estimate, delta$std_error, level, kind$scale), stringsAsFactors = FALSE
  )
  units <- growth_units(fit, outcome, against, by, data)
  list(
    curves = curves, observed = if (kind$scale != "logit" || length(kind$categories) == 1) growth_means(units),
    trajectories = growth_trajectories(units, by, fit, trajectories)
  )
}

# Class variables that do not matter are put at their first class.
complete_pattern <- function(pattern, classes) {
  c(pattern, lapply(classes[setdiff(names(classes), names(pattern))], function(class) 1L))
}

growth_outcomes <- function(fit) {
  Filter(function(outcome) length(outcome_covariates(fit, outcome)) > 0, fit$spec$outcomes)
}

# The variables of the data in an outcome's predictor, and in those of latent variables behind it.
outcome_covariates <- function(fit, outcome) {
  sources <- column_sources(fit)
  columns <- columns_behind(fit$spec, outcome$predictors[1])
  unique(unlist(sources$variables[sources$column %in% columns]))
}

growth_outcome <- function(fit, name, call) {
  possible <- growth_outcomes(fit)
  names <- vapply(possible, function(outcome) outcome$name, "")
  if (is.null(name)) return(possible[[1]])
  choose_name(name, names, "outcome", "an outcome with a covariate", call)
  possible[[match(name, names)]]
}

# By default the covariate with a random slope, otherwise the first.
growth_covariate <- function(fit, outcome, name, data, call) {
  possible <- outcome_covariates(fit, outcome)
  if (is.null(name)) {
    slopes <- fit$data$latents$term[fit$data$latents$target == outcome$name]
    sources <- column_sources(fit)
    random <- unlist(sources$variables[sources$label %in% slopes])
    return(first_known(fit, unique(c(intersect(possible, random), possible)), data))
  }
  choose_name(name, possible, "against", paste0("a covariate of ", outcome$name), call)
}

# One row for each unit with a value: x, y, weight, cluster, posterior probability of each class pattern.
growth_units <- function(fit, outcome, against, by, data) {
  x <- variable_values(fit, against, data)$values
  y <- fit$data$columns[[outcome$column]]
  if (is.null(x)) return(NULL)
  if (outcome$family$type == "binomial") y <- y / fit$data$columns[[outcome$family$trials]]
  rows <- which(!is.na(y) & !is.na(x))
  posterior <- unit_pattern_posterior(fit, by)
  list(
    x = x[rows], y = y[rows], weight = unit_weight(fit)[rows], cluster = unit_cluster(fit)[rows],
    posterior = posterior[rows, , drop = FALSE], row = fit$data$row_used[rows]
  )
}

# Numbers of clusters from 1; NULL without.
unit_cluster <- function(fit) {
  cluster <- fit$data$cluster %||% fit$data$robust_cluster
  if (is.null(cluster)) rep(NA_integer_, length(fit$data$row_used)) else cluster + 1L
}

# Posterior probabilities of the patterns of some class variables for each unit, columns named by pattern. Several
# class variables: from the joint posterior where the fit has it, otherwise the product of their own.
unit_pattern_posterior <- function(fit, by) {
  classes <- fit_classes(fit)
  patterns <- fit_patterns(classes[by])
  n <- length(fit$data$row_used)
  labels <- if (length(by) == 0) "" else fit_pattern_labels(patterns)
  out <- matrix(1, n, length(labels), dimnames = list(NULL, labels))
  within <- Filter(function(name) classes[[name]]$level == "within", by)
  for (name in setdiff(by, if (length(within) > 1 && !is.null(fit$posterior_joint)) within)) {
    p <- class_posterior(fit, name)
    if (classes[[name]]$level == "between") p <- p[fit$data$cluster + 1L, , drop = FALSE]
    out <- out * p[, patterns[[name]], drop = FALSE]
  }
  if (length(within) > 1 && !is.null(fit$posterior_joint)) {
    all <- fit_patterns(fit_classes(fit, "within"))
    joint <- matrix(as.numeric(fit$posterior_joint), n)
    cell <- fit_pattern_labels(all[within])
    wanted <- fit_pattern_labels(patterns[within])
    for (label in unique(wanted)) {
      out[, wanted == label] <- out[, wanted == label] * rowSums(joint[, cell == label, drop = FALSE])
    }
  }
  out
}

# Average of the outcome at each observed value of x in each class, weighted by posterior probability; nothing where x
# has more than 25 values.
growth_means <- function(units) {
  if (is.null(units) || length(unique(units$x)) > 25) return(NULL)
  values <- sort(unique(units$x))
  bind_rows(lapply(seq_len(ncol(units$posterior)), function(k) {
    class <- colnames(units$posterior)[[k]]
    weight <- units$weight * units$posterior[, k]
    at <- match(units$x, values)
    total <- as.numeric(tapply(weight, factor(at, seq_along(values)), sum))
    mean <- as.numeric(tapply(weight * units$y, factor(at, seq_along(values)), sum)) / total
    data.frame(class = class, x = values, value = mean, weight = total, stringsAsFactors = FALSE)
  }))
}

# The observed values of at most `n` clusters of each modal pattern, evenly spaced in the data's order (single-level
# models and classes of units: of n units).
growth_trajectories <- function(units, by, fit, n) {
  if (is.null(units) || n == 0) return(NULL)
  levels <- vapply(fit_classes(fit)[by], function(class) class$level, "")
  joined <- !anyNA(units$cluster) && all(levels == "between")
  group <- if (joined) units$cluster else seq_along(units$x)
  modal <- colnames(units$posterior)[modal_class(units$posterior)]
  kept <- unlist(lapply(unique(modal), function(class) {
    groups <- unique(group[modal == class])
    limit <- if (joined) n else 5 * n
    if (length(groups) > limit) groups <- groups[round(seq(1, length(groups), length.out = limit))]
    groups
  }))
  rows <- which(group %in% kept)
  id <- if (joined) fit$data$cluster_ids[group[rows]] else units$row[rows]
  out <- data.frame(
    class = modal[rows], id = id, joined = joined, x = units$x[rows], value = units$y[rows], stringsAsFactors = FALSE
  )
  out <- out[order(match(out$class, unique(modal)), group[rows], out$x), , drop = FALSE]
  rownames(out) <- NULL
  out
}

plot_growth <- function(data, level) {
  curves <- data$curves
  labels <- unique(curves[c("class", "label")])
  relabel <- function(class) factor(labels$label[match(class, labels$class)], labels$label)
  curves$panel <- relabel(curves$class)
  several <- length(unique(curves$category)) > 1
  curves$line <- if (several) factor(curves$category, unique(curves$category)) else curves$panel
  n <- nlevels(curves$line)
  discrete <- is.factor(curves$x) || is.logical(curves$x)
  plot <- ggplot2::ggplot(curves, ggplot2::aes(x = .data$x, y = .data$value, colour = .data$line))
  paths <- data$trajectories
  joined <- FALSE
  if (!is.null(paths) && nrow(paths) > 0 && !several) {
    paths$panel <- relabel(paths$class)
    joined <- paths$joined[[1]]
    paths$value <- paths$value + apart(paths$id, curves$measure[[1]])
    plot <- plot + if (joined) {
      ggplot2::geom_line(ggplot2::aes(group = .data$id), paths, colour = "grey60", linewidth = 0.25, alpha = 0.6)
    } else {
      ggplot2::geom_point(data = paths, colour = "grey60", size = 0.7, alpha = 0.6)
    }
  }
  plot <- plot + (if (!discrete) ggplot2::geom_ribbon(
    ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high, fill = .data$line), colour = NA, alpha = 0.25
  )) +
    (if (discrete) ggplot2::geom_pointrange(
      ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high), na.rm = TRUE, size = 0.4
    )) +
    ggplot2::geom_line(ggplot2::aes(linetype = .data$line, group = .data$line), linewidth = 1)
  means <- data$observed
  if (!is.null(means) && !several) {
    means$panel <- relabel(means$class)
    plot <- plot + ggplot2::geom_point(
      ggplot2::aes(shape = .data$panel, colour = .data$panel), means, size = 2.4, na.rm = TRUE
    ) + ggplot2::scale_shape_manual(values = class_shapes(nlevels(means$panel)), guide = "none")
  }
  plot +
    (if (nrow(labels) > 1) ggplot2::facet_wrap(ggplot2::vars(.data$panel))) +
    ggplot2::scale_colour_manual(values = class_colours(n), aesthetics = c("colour", "fill")) +
    ggplot2::scale_linetype_manual(values = class_lines(n)) +
    ggplot2::labs(
      title = paste0(if (joined) "Growth curves of " else "Regression curves of ", curves$outcome[[1]],
        if (nrow(labels) > 1) " by class"),
      subtitle = wrap_text(paste0(
        "Line: the model, with a ", format(100 * level), " % band",
        if (!is.null(means) && !several) "; points: observed averages",
        if (!is.null(paths) && !several) {
          paste0("; grey: observed ", if (joined) "trajectories" else "values",
            if (nrow(labels) > 1) ", by most likely class")
        }
      )),
      x = curves$against[[1]], y = growth_axis(curves), colour = "Category", fill = "Category", linetype = "Category"
    ) +
    plot_theme() +
    (if (!several) ggplot2::theme(legend.position = "none"))
}

# Categories of units drawn a little apart, each always at the same height, so that they do not hide one another.
apart <- function(id, measure) {
  reach <- c(probability = 0.04, `mean category` = 0.15)[measure]
  if (is.na(reach)) return(0)
  ids <- unique(id)
  offset <- ((seq_along(ids) * 0.618034) %% 1 - 0.5) * 2 * reach
  offset[match(id, ids)]
}

growth_axis <- function(curves) {
  measure <- curves$measure[[1]]
  outcome <- curves$outcome[[1]]
  switch(measure,
    probability = if (length(unique(curves$category)) > 1) paste0("Probability of each category of ", outcome)
      else paste0("Probability that ", outcome, " = ", curves$category[[1]]),
    mean = outcome, paste0(outcome, " (", measure, ")")
  )
}

# One name among several, with an error that lists them.
choose_name <- function(name, possible, arg, what, call) {
  if (!(is.character(name) && length(name) == 1 && name %in% possible)) {
    suggestion <- if (is.character(name) && length(name) == 1) suggest_names(name, possible, "Accepted")
      else c(i = cli::format_inline("Accepted: {.val {possible}}."))
    abort_spec(c("{.arg {arg}} must name {what}.", x = "You gave {describe(name)}.", suggestion), call = call)
  }
  name
}

check_plot_data <- function(fit, data, call) {
  if (is.null(data) || (is.data.frame(data) && nrow(data) == fit$data$n_rows)) return(invisible())
  n <- fit$data$n_rows
  abort_data(c(
    "{.arg data} must be the data frame that the model was fitted to, with {n} row{?s}.",
    x = if (is.data.frame(data)) "You gave {nrow(data)} row{?s}." else "You gave {describe(data)}."
  ), call = call)
}

# Values of covariates other than the one on the axis.
check_at <- function(fit, at, against, data, call) {
  possible <- setdiff(unique(unlist(column_sources(fit)$variables)), against)
  ok <- is.list(at) && (length(at) == 0 || (!is.null(names(at)) && all(lengths(at) == 1)))
  if (!ok) {
    abort_spec(c(
      "{.arg at} must be a list with one value for each covariate named.", x = "You gave {describe(at)}.",
      i = "For example {.code at = list(age = 40)}."
    ), call = call)
  }
  for (name in names(at)) {
    choose_name(name, possible, "at", "covariates of the model other than the one on the axis", call)
    levels <- variable_values(fit, name, data)$levels
    if (!is.null(levels) && !as.character(at[[name]]) %in% as.character(levels)) {
      abort_spec(c(
        "{.arg at}: {.var {name}} has no value {.val {at[[name]]}}.", i = "Its values: {.val {as.character(levels)}}."
      ), call = call)
    }
  }
  at
}

wrap_text <- function(text, width = 84) paste(strwrap(text, width), collapse = "\n")
