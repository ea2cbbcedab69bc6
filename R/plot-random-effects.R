# The caterpillar plot: the random effects (or factors) of the clusters in order, with their intervals.

# Expected a posteriori values and value +- z x posterior standard deviation.
random_effects_data <- function(fit, level, call) {
  z <- stats::qnorm(1 - (1 - level) / 2)
  bind_rows(lapply(cluster_level_latents(fit), function(latent) {
    mean <- as.numeric(latent$mean)
    sd <- as.numeric(latent$sd)
    rank <- rank(mean, ties.method = "first")
    data.frame(
      effect = latent$name, words = predictor_words(fit, latent$name),
      cluster = as.character(fit$data$cluster_ids), rank = rank, value = mean, std.error = sd,
      conf.low = mean - z * sd, conf.high = mean + z * sd, stringsAsFactors = FALSE
    )
  }))
}

cluster_level_latents <- function(fit) Filter(function(latent) latent$level == "between", fit$latents)

plot_random_effects <- function(data, level, most = 150) {
  title <- ifelse(data$words == data$effect, data$words, capital(data$words))
  data$panel <- factor(title, unique(title))
  n <- max(data$rank)
  # Of very many clusters a regular selection is drawn; plot_data() has all.
  shown <- if (n > most) round(seq(1, n, length.out = most)) else seq_len(n)
  data <- data[data$rank %in% shown, , drop = FALSE]
  named <- n <= 30 && nlevels(data$panel) == 1
  data$excludes <- ifelse(data$conf.low > 0 | data$conf.high < 0, "excludes 0", "includes 0")
  labels <- data$cluster[order(data$rank)]
  ggplot2::ggplot(data, ggplot2::aes(x = .data$value, y = .data$rank, colour = .data$excludes)) +
    ggplot2::geom_vline(xintercept = 0, colour = "grey50", linetype = "22") +
    ggplot2::geom_linerange(ggplot2::aes(xmin = .data$conf.low, xmax = .data$conf.high),
      linewidth = if (n > 60) 0.35 else 0.5) +
    ggplot2::geom_point(ggplot2::aes(shape = .data$excludes), size = if (n > 60) 1 else 1.8) +
    ggplot2::facet_wrap(ggplot2::vars(.data$panel), scales = "free_x") +
    ggplot2::scale_colour_manual(values = c("excludes 0" = "#0072B2", "includes 0" = "grey55"), name = "Interval") +
    ggplot2::scale_shape_manual(values = c("excludes 0" = 16, "includes 0" = 1), name = "Interval") +
    (if (named) ggplot2::scale_y_continuous(breaks = seq_len(n), labels = labels)
      else ggplot2::scale_y_continuous(breaks = whole_breaks)) +
    ggplot2::labs(
      title = "Random effects of the clusters", x = "Posterior mean",
      y = if (named) "Cluster" else "Cluster, in order of its value",
      subtitle = wrap_text(paste0("Bars: posterior mean ", intToUtf8(177), " ",
        format(signif(stats::qnorm(1 - (1 - level) / 2), 3)),
        " posterior standard deviations", if (n > most) paste0("; ", most, " of ", n, " clusters, evenly spaced")))
    ) +
    plot_theme() +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_blank())
}
