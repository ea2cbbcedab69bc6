# The plot of random starts: the log-likelihood each reached, best first.

plot_starts <- function(data, level) {
  long <- rbind(
    data.frame(rank = data$rank, value = data$stage1, stage = "after the first iterations"),
    data.frame(rank = data$rank, value = data$final, stage = "carried to the end")
  )
  long <- long[is.finite(long$value), , drop = FALSE]
  best <- sum(data$best)
  ggplot2::ggplot(long, ggplot2::aes(x = .data$rank, y = .data$value, colour = .data$stage, shape = .data$stage)) +
    ggplot2::geom_hline(yintercept = max(long$value), colour = "grey60", linetype = "22") +
    ggplot2::geom_point(size = 2.4) +
    ggplot2::scale_colour_manual(
      values = c("after the first iterations" = "#E69F00", "carried to the end" = "#0072B2")
    ) +
    ggplot2::scale_x_continuous(breaks = whole_breaks) +
    ggplot2::scale_shape_manual(values = c("after the first iterations" = 1, "carried to the end" = 16)) +
    ggplot2::labs(
      title = "Log-likelihoods of the random starts", x = "Start, best first", y = "Log-likelihood", colour = NULL,
      shape = NULL, subtitle = paste0(plural(best, "start"), " reached the best log-likelihood (broken line)")
    ) +
    plot_theme()
}

# Axis breaks at whole numbers only.
whole_breaks <- function(limits) {
  breaks <- pretty(limits)
  breaks[breaks == round(breaks) & breaks >= 1]
}
