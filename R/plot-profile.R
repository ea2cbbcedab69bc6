# The profile plot: outcomes on the horizontal axis, one line per class.

plot_profile <- function(data, level = 0.95, ...) {
  data$outcome <- factor(data$outcome, levels = unique(data$outcome))
  data$label <- profile_labels(data)
  n <- nlevels(data$label)
  data$panel <- profile_panels(data)
  probability <- all(data$measure == "probability")
  single <- probability && length(unique(data$category)) == 1
  dodge <- ggplot2::position_dodge(width = 0.25)
  guide <- ggplot2::guide_legend(nrow = ceiling(sum(nchar(levels(data$label)) + 6) / 80), byrow = TRUE)
  plot <- ggplot2::ggplot(data, ggplot2::aes(
    x = .data$outcome, y = .data$value, colour = .data$label, shape = .data$label, linetype = .data$label,
    group = .data$label
  )) +
    (if (nlevels(data$outcome) > 1) ggplot2::geom_line(position = dodge, linewidth = 0.6)) +
    ggplot2::geom_linerange(
      ggplot2::aes(ymin = .data$conf.low, ymax = .data$conf.high), position = dodge, linetype = "solid",
      linewidth = 0.5, na.rm = TRUE
    ) +
    ggplot2::geom_point(position = dodge, size = 2.4) +
    ggplot2::scale_colour_manual(values = class_colours(n)) +
    ggplot2::scale_shape_manual(values = class_shapes(n)) +
    ggplot2::scale_linetype_manual(values = class_lines(n)) +
    ggplot2::labs(
      title = "Class profiles", colour = "Class", shape = "Class", linetype = "Class", x = "Outcome",
      subtitle = paste0("Bars: ", format(100 * level), " % confidence intervals"),
      y = if (single) paste0("Probability of ", data$category[[1]]) else if (probability) "Probability" else
        if (any(data$measure == "probability")) "Probability or mean" else "Mean"
    ) +
    ggplot2::guides(colour = guide, shape = guide, linetype = guide) +
    plot_theme()
  if (probability) {
    plot <- plot + ggplot2::scale_y_continuous(limits = c(0, 1), breaks = seq(0, 1, 0.25))
  }
  if (length(unique(data$panel)) > 1) {
    plot <- plot + ggplot2::facet_wrap(ggplot2::vars(.data$panel), scales = if (probability) "free_x" else "free")
  }
  if (max(nchar(levels(data$outcome))) * nlevels(data$outcome) > 60) {
    plot <- plot + ggplot2::theme(axis.text.x = ggplot2::element_text(angle = 45, hjust = 1))
  }
  plot
}

# The legend: classes with their sizes; for several class variables, each in a panel of its own, class numbers.
profile_labels <- function(data) {
  number <- ifelse(grepl(",", data$class, fixed = TRUE), data$class, sub("^.*=", "", data$class))
  label <- if (length(unique(data$variable)) > 1) ifelse(number == "", "all", number) else data$label
  factor(label, levels = unique(label))
}

# One panel for each category (of outcomes with more than two), for means, and for each set of class variables.
profile_panels <- function(data) {
  what <- ifelse(data$measure == "mean", "Mean", paste("Probability of", data$category))
  if (length(unique(data$variable)) > 1) what <- paste0(what, ", by class variable ", data$variable)
  factor(what, levels = unique(what))
}
