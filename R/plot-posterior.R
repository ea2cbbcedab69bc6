# The posterior plot: how certain the assignment to the most likely class is, class by class.

plot_posterior <- function(data, level) {
  data$label <- posterior_panels(data)
  data$number <- factor(as.integer(sub("^.*=", "", data$class)))
  n <- max(as.integer(levels(data$number)))
  # In shares of a panel small classes show too, and clusters beside units.
  data$share <- data$weight / stats::ave(data$weight, data$label, FUN = sum)
  ggplot2::ggplot(data, ggplot2::aes(x = .data$probability, weight = .data$share, fill = .data$number)) +
    ggplot2::geom_histogram(breaks = seq(0, 1, by = 0.05), colour = "white", linewidth = 0.2) +
    ggplot2::facet_wrap(ggplot2::vars(.data$label)) +
    ggplot2::scale_fill_manual(values = stats::setNames(class_colours(n), seq_len(n))) +
    ggplot2::scale_x_continuous(limits = c(0, 1), breaks = seq(0, 1, 0.5), labels = c("0", "0.5", "1")) +
    ggplot2::labs(
      title = "Certainty of the classification", x = "Posterior probability of the most likely class",
      subtitle = "One panel for those assigned to each class; near 1 is certain", y = "Share of those assigned"
    ) +
    ggplot2::scale_y_continuous(labels = function(y) paste(100 * y, "%")) +
    plot_theme() +
    ggplot2::theme(legend.position = "none")
}

# A panel for each class, in the order of variables and classes; without sizes where there are very many.
posterior_panels <- function(data) {
  number <- as.integer(sub("^.*=", "", data$class))
  order <- order(match(data$variable, unique(data$variable)), number)
  label <- if (length(unique(data$label)) > 12) data$class else data$label
  factor(label, levels = unique(label[order]))
}
