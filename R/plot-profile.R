# The profile plot: outcomes on the horizontal axis, one line per class.

plot_profile <- function(data, level) {
  if (!is.null(data$model)) return(plot_beside(data, level))
  data$outcome <- factor(data$outcome, levels = unique(data$outcome))
  data$label <- profile_labels(data)
  n <- nlevels(data$label)
  data$panel <- profile_panels(data)
  probability <- all(data$measure == "probability")
  single <- probability && length(unique(data$category)) == 1
  # Lines join outcomes, so a panel with one outcome has none.
  joined <- tapply(as.integer(data$outcome), data$panel, function(x) length(unique(x)))[data$panel] > 1
  dodge <- ggplot2::position_dodge(width = 0.25)
  guide <- ggplot2::guide_legend(nrow = ceiling(sum(nchar(levels(data$label)) + 6) / 80), byrow = TRUE)
  plot <- ggplot2::ggplot(data, ggplot2::aes(
    x = .data$outcome, y = .data$value, colour = .data$label, shape = .data$label, linetype = .data$label,
    group = .data$label
  )) +
    (if (any(joined)) ggplot2::geom_line(data = data[joined, , drop = FALSE], position = dodge, linewidth = 0.6)) +
    (if (!probability && any(data$measure == "probability")) ggplot2::geom_blank(data = unit_limits(data))) +
    ggplot2::geom_linerange(
      ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high), position = dodge, linetype = "solid",
      linewidth = 0.5, na.rm = TRUE
    ) +
    ggplot2::geom_point(position = dodge, size = if (nlevels(data$panel) > 4) 1.6 else 2.4) +
    ggplot2::scale_colour_manual(values = class_colours(n)) +
    ggplot2::scale_shape_manual(values = class_shapes(n)) +
    ggplot2::scale_linetype_manual(values = class_lines(n)) +
    ggplot2::labs(
      title = "Class profiles", colour = "Class", shape = "Class", linetype = "Class", x = "Outcome",
      subtitle = paste0("Bars: ", format(100 * level), " % confidence intervals",
        if (anyNA(data$conf.low)) "; no bar: no standard error, as at 0 and 1"),
      y = if (single) paste0("Probability of ", data$category[[1]]) else if (probability) "Probability" else
        if (any(data$measure == "probability")) "Probability or mean" else "Mean"
    ) +
    ggplot2::guides(colour = guide, shape = guide, linetype = guide) +
    plot_theme() +
    (if (nlevels(data$label) == 1) ggplot2::theme(legend.position = "none"))
  if (probability) {
    plot <- plot + ggplot2::scale_y_continuous(limits = c(0, 1), breaks = seq(0, 1, 0.25))
  }
  if (length(unique(data$panel)) > 1) {
    plot <- plot + ggplot2::facet_wrap(ggplot2::vars(.data$panel), scales = if (probability) "free_x" else "free")
  }
  plot + outcome_axis(data$outcome)
}

# The legend: classes with their sizes; for several class variables, each in a panel of its own, class numbers.
profile_labels <- function(data) {
  number <- ifelse(grepl(",", data$class, fixed = TRUE), data$class, sub("^.*=", "", data$class))
  label <- if (length(unique(data$variable)) > 1) ifelse(number == "", "all", number) else data$label
  factor(label, levels = unique(label))
}

# One panel for each category (of outcomes with more than two), for means, and for each set of class variables.
profile_panels <- function(data) {
  what <- ifelse(data$measure == "probability", paste("Probability of", data$category),
    paste0(toupper(substr(data$measure, 1, 1)), substring(data$measure, 2)))
  if (length(unique(data$variable)) > 1) {
    by <- ifelse(nzchar(data$variable), paste("by", data$variable), "in all classes")
    what <- if (length(unique(what)) == 1) by else paste0(what, ", ", by)
  }
  factor(what, levels = unique(what))
}

# Points that make the panels of probabilities reach from 0 to 1 where other panels have means.
unit_limits <- function(data) {
  rows <- data[data$measure == "probability", , drop = FALSE]
  rows <- rows[!duplicated(rows$panel), , drop = FALSE]
  rbind(transform(rows, value = 0), transform(rows, value = 1))
}

# Two fits side by side: a panel for each class, a line for each model.
plot_beside <- function(data, level) {
  data$outcome <- factor(data$outcome, levels = unique(data$outcome))
  data$model <- factor(data$model, levels = unique(data$model))
  category <- if (length(unique(data$category)) > 1) paste0(": ", data$category) else ""
  data$panel <- paste0(data$label, category)
  data$panel <- factor(data$panel, unique(data$panel))
  dodge <- ggplot2::position_dodge(width = 0.3)
  probability <- all(data$measure == "probability")
  ggplot2::ggplot(data, ggplot2::aes(x = .data$outcome, y = .data$value, colour = .data$model, shape = .data$model,
    linetype = .data$model, group = .data$model)) +
    (if (nlevels(data$outcome) > 1) ggplot2::geom_line(position = dodge, linewidth = 0.6)) +
    ggplot2::geom_linerange(ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high), position = dodge,
      linetype = "solid", linewidth = 0.4, na.rm = TRUE) +
    ggplot2::geom_point(position = dodge, size = 2.2) +
    ggplot2::facet_wrap(ggplot2::vars(.data$panel), ncol = if (nlevels(data$outcome) > 10) 1) +
    ggplot2::scale_colour_manual(values = class_colours(2)) +
    ggplot2::scale_shape_manual(values = class_shapes(2)) +
    ggplot2::scale_linetype_manual(values = class_lines(2)) +
    (if (probability) ggplot2::scale_y_continuous(limits = c(0, 1), breaks = seq(0, 1, 0.25))) +
    ggplot2::labs(
      title = "Class profiles of two models", colour = NULL, shape = NULL, linetype = NULL, x = "Outcome",
      subtitle = wrap_text(paste0("Classes are matched by their profiles; bars: ", format(100 * level),
        " % confidence intervals")),
      y = if (probability && length(unique(data$category)) == 1) paste0("Probability of ", data$category[[1]]) else
        if (probability) "Probability" else "Probability or mean"
    ) +
    plot_theme() +
    outcome_axis(data$outcome)
}

# Names of outcomes, the middle of very long ones left out, slanted where they would not fit beside one another.
outcome_axis <- function(outcome) {
  shown <- shorten_middle(levels(outcome), 26)
  list(
    ggplot2::scale_x_discrete(labels = stats::setNames(shown, levels(outcome))),
    if (max(nchar(shown)) * length(shown) > 60) {
      ggplot2::theme(axis.text.x = ggplot2::element_text(angle = 45, hjust = 1))
    }
  )
}

shorten_middle <- function(x, width) {
  long <- nchar(x) > width
  half <- (width - 3) %/% 2
  x[long] <- paste0(substr(x[long], 1, half), "...", substring(x[long], nchar(x[long]) - half + 1))
  x
}
