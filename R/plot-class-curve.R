# The class curve: the probability of each class against a random effect, a factor or a covariate, with the distribution
# of what is on the axis (Asparouhov and Muthen 2006, figures 2 and 3).

# P(C = k | x) = exp(eta_k) / sum exp(eta), the last class having eta = 0 (equation 4), other covariates at their means
# and other latent variables at their expectation. Returns list(curves, distribution, clusters).
class_curve_data <- function(fit, level, call, class = NULL, against = NULL, at = list(), data = NULL) {
  possible <- curve_predictors(fit)
  check_plot_data(fit, data, call)
  if (!is.null(class)) {
    choose_name(class, names(possible), "class", "a class variable that has predictors", call)
  }
  name <- class %||% names(possible)[[1]]
  against <- if (is.null(against)) first_known(fit, possible[[name]], data)
    else choose_name(against, possible[[name]], "against", paste("a predictor of the class variable", name), call)
  at <- check_at(fit, at, against, data, call)
  spec <- fit$spec
  classes <- fit_classes(fit)
  part <- Filter(function(cl) cl$name == name, spec$classes)[[1]]
  by <- classes_behind(spec, part$logits, list(), classes, against)
  is_class <- against %in% by
  patterns <- fit_patterns(classes[setdiff(by, against)])
  is_latent <- against %in% vapply(spec$latents, function(latent) latent$name, "")
  distribution <- if (is_latent) latent_distribution(fit, against)
  grid <- if (is_class) c(covariate_grid(fit, at = at, data = data, call = call)["columns"],
      list(x = factor(classes[[against]]$labels, classes[[against]]$labels), discrete = TRUE))
    else if (is_latent) c(covariate_grid(fit, at = at, data = data, call = call)["columns"],
      list(x = distribution$grid, discrete = FALSE))
    else covariate_grid(fit, against, at, data, call = call)
  n <- length(grid$x)
  at_pattern <- function(theta, pattern, n) {
    pattern <- complete_pattern(pattern, classes)
    set <- if (is_latent) stats::setNames(list(grid$x), against) else list()
    latents <- latent_means(spec, theta, pattern, classes, grid$columns, n, set)
    eta <- vapply(part$logits, predictor_at, numeric(n), theta = theta, pattern = pattern, classes = classes,
      columns = grid$columns, latents = latents, n = n)
    t(apply(cbind(matrix(eta, n), 0), 1, softmax))
  }
  if (is_latent) { # a steep curve, a step at the limit, takes more points where it rises
    steep <- unlist(lapply(seq_len(nrow(patterns)), function(r) {
      p <- at_pattern(fit$parameters$estimate, as.list(patterns[r, , drop = FALSE]), n)
      which(apply(abs(diff(p)), 1, max) > 0.1)
    }))
    between <- lapply(unique(steep), function(i) seq(grid$x[[i]], grid$x[[i + 1]], length.out = 42)[2:41])
    grid$x <- sort(c(grid$x, unlist(between)))
    n <- length(grid$x)
  }
  probabilities <- function(theta) {
    unlist(lapply(seq_len(nrow(patterns)), function(r) {
      pattern <- as.list(patterns[r, , drop = FALSE])
      if (!is_class) return(as.numeric(at_pattern(theta, pattern, n)))
      rows <- lapply(seq_len(n), function(d) at_pattern(theta, c(pattern, stats::setNames(list(d), against)), 1))
      as.numeric(do.call(rbind, rows))
    }))
  }
  delta <- delta_method(fit, probabilities)
  labels <- classes[[name]]$labels
  curves <- data.frame(
    variable = name, against = against, words = predictor_words(fit, against),
    given = rep(fit_pattern_labels(patterns), each = n * length(labels)),
    class = rep(rep(labels, each = n), nrow(patterns)), x = rep(grid$x, length(labels) * nrow(patterns)),
    value = delta$estimate, scaled_limits(delta$estimate, delta$std_error, level, "logit"), stringsAsFactors = FALSE
  )
  list(
    curves = curves,
    distribution = if (is_latent) distribution$density else
      if (!is_class) covariate_distribution(fit, against, data, grid$discrete),
    clusters = if (is_latent) latent_scores(fit, against)
  )
}

# The first of several predictors whose values are at hand; if none is, the first.
first_known <- function(fit, names, data) {
  latents <- vapply(fit$spec$latents, function(latent) latent$name, "")
  known <- vapply(names, function(name) {
    name %in% c(latents, names(fit_classes(fit))) || any(lengths(variable_values(fit, name, data)) > 0)
  }, TRUE)
  c(names[known], names)[[1]]
}

# For each class variable what its probabilities can be drawn against: random effects, factors, covariates, classes.
curve_predictors <- function(fit) {
  sources <- column_sources(fit)
  found <- lapply(fit$spec$classes, function(class) {
    terms <- unlist(lapply(class$logits, function(p) p$terms), recursive = FALSE)
    latents <- unique(unlist(lapply(terms, function(term) unlist(term$latents))))
    columns <- columns_behind(fit$spec, class$logits)
    c(latents, unique(unlist(sources$variables[sources$column %in% columns])),
      classes_behind(fit$spec, class$logits, list(), fit_classes(fit)))
  })
  names(found) <- vapply(fit$spec$classes, function(class) class$name, "")
  Filter(length, found)
}

# The normal density of a latent variable, or the mixture of the classes' densities: list(grid, density). Class patterns
# are weighted by their average posterior probabilities; covariates are at their means.
latent_distribution <- function(fit, name, n = 121) {
  spec <- fit$spec
  classes <- fit_classes(fit)
  theta <- fit$parameters$estimate
  columns <- covariate_grid(fit)$columns
  latent <- Filter(function(l) l$name == name, spec$latents)[[1]]
  behind <- c(name, latents_behind(spec, list(latent$predictor)))
  parts <- Filter(function(l) l$name %in% behind, spec$latents)
  pairs <- Filter(function(pair) all(c(pair$a, pair$b) %in% behind), spec$covariances)
  by <- classes_behind(spec, lapply(parts, function(l) l$predictor),
    c(lapply(parts, function(l) l$variance), lapply(pairs, function(pair) pair$value)), classes)
  patterns <- fit_patterns(classes[by])
  moments <- lapply(seq_len(nrow(patterns)), function(r) {
    pattern <- complete_pattern(as.list(patterns[r, , drop = FALSE]), classes)
    list(
      mean = latent_means(spec, theta, pattern, classes, columns, 1)[[name]],
      sd = sqrt(max(0, latent_covariance(spec, theta, pattern, classes, columns)[name, name]))
    )
  })
  mean <- vapply(moments, function(m) m$mean, 0)
  sd <- vapply(moments, function(m) m$sd, 0)
  weight <- colSums(unit_pattern_posterior(fit, by) * unit_weight(fit))
  weight <- weight / sum(weight)
  scores <- latent_scores(fit, name)$value
  reach <- if (max(sd) > 1e-4) 3.5 * max(sd) else 3
  range <- range(mean - reach, mean + reach, if (max(sd) > 1e-4) scores, na.rm = TRUE)
  x <- seq(range[[1]], range[[2]], length.out = n)
  density <- if (min(sd) > 1e-4) {
    rowSums(vapply(seq_along(mean), function(r) weight[[r]] * stats::dnorm(x, mean[[r]], sd[[r]]), numeric(n)))
  }
  list(
    grid = x,
    density = data.frame(x = x, density = density %||% rep(NA_real_, n))[!is.null(density), , drop = FALSE]
  )
}

# The expected a posteriori value of a latent variable for each cluster or unit.
latent_scores <- function(fit, name) {
  latent <- Filter(function(l) l$name == name, fit$latents)
  if (length(latent) == 0) return(NULL)
  data.frame(value = as.numeric(latent[[1]]$mean), std.error = as.numeric(latent[[1]]$sd))
}

# The distribution of a covariate over the units: a kernel density, or the share of each of few values.
covariate_distribution <- function(fit, name, data, discrete) {
  x <- variable_values(fit, name, data)$values
  if (is.null(x)) return(NULL)
  weight <- unit_weight(fit)
  weight <- weight / sum(weight)
  if (discrete) {
    share <- tapply(weight, x, sum)
    values <- if (is.factor(x)) factor(names(share), levels(x)) else sort(unique(x))
    return(data.frame(x = values, density = as.numeric(share)))
  }
  estimate <- suppressWarnings(stats::density(x, weights = weight, from = min(x), to = max(x), n = 121))
  data.frame(x = estimate$x, density = estimate$y)
}

plot_class_curve <- function(data, level) {
  curves <- data$curves
  two <- length(unique(curves$class)) == 2
  if (two) curves <- curves[curves$class == curves$class[[1]], , drop = FALSE]
  conditional <- any(nzchar(curves$given))
  curves$line <- if (two) curves$given else curves$class
  curves$line <- factor(curves$line, unique(curves$line))
  n <- nlevels(curves$line)
  discrete <- is.factor(curves$x) || is.logical(curves$x) || length(unique(curves$x)) <= 2
  latent <- !is.null(data$clusters)
  plot <- ggplot2::ggplot(curves, ggplot2::aes(x = .data$x, y = .data$value, colour = .data$line))
  shade <- data$distribution
  shaded <- !is.null(shade) && nrow(shade) > 0 && !discrete
  if (shaded) {
    shade$height <- 0.35 * shade$density / max(shade$density)
    plot <- plot + ggplot2::geom_area(ggplot2::aes(x = .data$x, y = .data$height), shade, inherit.aes = FALSE,
      fill = "grey85", colour = "grey60", linewidth = 0.3)
  }
  if (latent && shaded) {
    ticks <- data.frame(value = thin_out(data$clusters$value, 300))
    plot <- plot + ggplot2::geom_rug(ggplot2::aes(x = .data$value), ticks, inherit.aes = FALSE, sides = "b",
      alpha = 0.4, linewidth = 0.25)
  }
  if (discrete) {
    dodge <- ggplot2::position_dodge(width = 0.3)
    plot <- plot + ggplot2::geom_linerange(ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high),
      position = dodge, na.rm = TRUE) +
      ggplot2::geom_point(ggplot2::aes(shape = .data$line), position = dodge, size = 2.6) +
      ggplot2::scale_shape_manual(values = class_shapes(n))
  } else {
    if (any(is.finite(curves$conf.low))) {
      plot <- plot + ggplot2::geom_ribbon(
        ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high, fill = .data$line), colour = NA, alpha = 0.2
      )
    }
    plot <- plot + ggplot2::geom_line(ggplot2::aes(linetype = .data$line), linewidth = 0.9) +
      ggplot2::scale_linetype_manual(values = class_lines(n))
  }
  words <- curves$words[[1]]
  named <- words == curves$against[[1]]
  axis <- if (named) words else paste0(capital(words), " over ", sub("^.*@", "", curves$against[[1]]), " (0 = average)")
  legend <- if (two) "Given" else "Class"
  plot +
    (if (!two && conditional) ggplot2::facet_wrap(ggplot2::vars(.data$given))) +
    ggplot2::scale_colour_manual(values = class_colours(n), aesthetics = c("colour", "fill")) +
    ggplot2::scale_y_continuous(limits = c(0, 1), breaks = seq(0, 1, 0.25)) +
    ggplot2::labs(
      title = paste0("Class probabilities by ", if (named) words else paste("the", words)),
      subtitle = wrap_text(paste0(
        if (discrete) "Bars: " else "Bands: ", format(100 * level), " % confidence intervals",
        if (anyNA(curves$conf.low)) if (discrete) "; no bar: no standard error" else "; no band: no standard error",
        if (shaded) "; grey: distribution of ", if (shaded) if (named) words else paste("the", words),
        if (shaded) " (height without scale)",
        if (latent && shaded) "; ticks: posterior means",
        if (latent && !shaded) "; its variance is estimated at 0, so every cluster is at one point"
      )),
      x = axis, colour = legend, fill = legend, linetype = legend, shape = legend,
      y = if (two) paste0("P(", curves$class[[1]], ")") else "Probability"
    ) +
    plot_theme() +
    (if (n == 1) ggplot2::theme(legend.position = "none"))
}

# A latent variable or covariate in words: "random intercept of y", "random slope of x for y", or its name.
predictor_words <- function(fit, name) {
  table <- fit$data$latents
  row <- table[table$name == name & table$origin == "random effect", , drop = FALSE]
  if (nrow(row) == 0) return(name)
  target <- sub("#", "=", row$target, fixed = TRUE)
  if (row$term == "1") paste("random intercept of", target) else paste("random slope of", row$term, "for", target)
}

capital <- function(text) paste0(toupper(substr(text, 1, 1)), substring(text, 2))

# At most n of the sorted values, evenly spaced.
thin_out <- function(x, n) {
  x <- sort(x)
  if (length(x) > n) x[round(seq(1, length(x), length.out = n))] else x
}
