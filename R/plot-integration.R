# The integration plot: the log-likelihood at the estimates under rules of more and more points.

# The engine evaluates the likelihood again at the estimates. A rule that cannot be used gives NA and its reason.
integration_data <- function(fit, level, call, points = NULL, methods = NULL, adaptive = NULL) {
  used <- fit$integration
  known <- c(grid_rules, random_rules)
  methods <- methods %||% used$method
  for (method in methods) choose_name(method, known, "methods", "rules of integration", call)
  adaptive <- adaptive %||% isTRUE(used$adaptive)
  if (!(is.logical(adaptive) && length(adaptive) %in% 1:2 && !anyNA(adaptive))) {
    abort_spec(c(
      "{.arg adaptive} must be {.code TRUE}, {.code FALSE} or both.", x = "You gave {describe(adaptive)}."
    ), call = call)
  }
  dimensions <- new_integration(used)$dimensions
  n_numeric <- max(1, sum(dimensions$how == "numeric"))
  points <- check_points(points, used, n_numeric, call)
  rules <- expand.grid(points = points, adaptive = adaptive, method = methods, stringsAsFactors = FALSE)
  rows <- lapply(seq_len(nrow(rules)), function(i) {
    rule <- rules[i, ]
    value <- tryCatch(
      log_likelihood_under(fit, rule$method, rule$points, rule$adaptive, call), error = conditionMessage
    )
    failed <- is.character(value)
    data.frame(
      method = rule$method, adaptive = rule$adaptive, points = rule$points,
      log_likelihood = if (failed) NA_real_ else value, reason = if (failed) value else "", stringsAsFactors = FALSE
    )
  })
  out <- bind_rows(rows)
  out$used <- out$method == used$method & out$points == used$points & out$adaptive == isTRUE(used$adaptive)
  out
}

log_likelihood_under <- function(fit, method, points, adaptive, call) {
  fit$integration[c("method", "points", "adaptive")] <- list(method, points, adaptive)
  engine_evaluate(fit, fit$parameters$estimate, call)$log_likelihood
}

# By default from half the points used up to about four times the nodes used.
check_points <- function(points, used, n_numeric, call) {
  if (is.null(points)) {
    grid <- used$method %in% grid_rules
    most <- if (grid) used$points * 4^(1 / n_numeric) else 4 * used$points
    points <- round(exp(seq(log(max(2, used$points / 2)), log(most), length.out = 8)))
    points <- points[abs(log(points / used$points)) > 0.15]
    return(sort(unique(as.integer(c(points, used$points)))))
  }
  ok <- is.numeric(points) && length(points) > 0 && all(is.finite(points)) && all(points == round(points)) &&
    all(points >= 2)
  if (!ok) {
    abort_spec(c(
      "{.arg points} must be whole numbers of at least 2.", x = "You gave {describe(points)}."
    ), call = call)
  }
  sort(unique(as.integer(points)))
}

plot_integration <- function(data, level) {
  words <- c(rectangular = "rectangular", graded = "graded", gauss_hermite = "Gauss-Hermite",
    monte_carlo = "Monte Carlo", sobol = "Sobol")
  data$rule <- paste0(words[data$method], ifelse(data$adaptive, ", adaptive", ", not adaptive"))
  data$rule <- factor(data$rule, unique(data$rule))
  failed <- sum(is.na(data$log_likelihood))
  data <- data[!is.na(data$log_likelihood), , drop = FALSE]
  n <- nlevels(data$rule)
  first <- data[data$rule == data$rule[[1]], , drop = FALSE]
  data$change <- data$log_likelihood - first$log_likelihood[[which.max(first$points)]]
  here <- data[data$used, , drop = FALSE]
  guide <- ggplot2::guide_legend(ncol = 2)
  ggplot2::ggplot(data, ggplot2::aes(x = .data$points, y = .data$change, colour = .data$rule,
    shape = .data$rule, linetype = .data$rule)) +
    (if (nrow(here) > 0) ggplot2::geom_hline(yintercept = here$change[[1]], colour = "grey60", linetype = "22")) +
    (if (length(unique(data$points)) > 1) ggplot2::geom_line(linewidth = 0.6)) +
    ggplot2::geom_point(size = 2.2) +
    ggplot2::geom_point(data = here, shape = 1, size = 6, colour = "black") +
    ggplot2::scale_colour_manual(values = class_colours(n)) +
    ggplot2::scale_shape_manual(values = class_shapes(n)) +
    ggplot2::scale_linetype_manual(values = class_lines(n)) +
    ggplot2::scale_x_log10(breaks = unique(data$points)) +
    ggplot2::labs(
      title = "Accuracy of the numerical integration", y = "Change of the log-likelihood",
      x = if (all(data$method %in% c("monte_carlo", "sobol"))) "Points" else "Points in each dimension",
      colour = NULL, shape = NULL, linetype = NULL,
      subtitle = wrap_text(paste0(
        "At the estimates, against the ", if (n > 1) "first ", "rule with most points",
        if (nrow(here) > 0) ". Circle: the rule of the fit",
        if (failed > 0) paste0(". ", plural(failed, "rule"), " could not be used")
      ))
    ) +
    ggplot2::guides(colour = guide, shape = guide, linetype = guide) +
    plot_theme()
}
