# The flow diagram of transitions: how many go from each class of one variable to each class of the next.

# Expected counts from the posterior. Where a class variable depends on several earlier ones (a chain of second order)
# the flow is from the latest of them, summed over the others.
transitions_data <- function(fit, level, call) {
  classes <- fit_classes(fit)
  bind_rows(lapply(names(fit$transitions), function(name) {
    parents <- parent_classes(fit, name)
    parent <- parents[[length(parents)]]
    counts <- matrix(as.numeric(fit$transitions[[name]]), ncol = classes[[name]]$k)
    from <- fit_patterns(classes[parents])[[parent]]
    counts <- rowsum(counts, factor(from, seq_len(classes[[parent]]$k)), reorder = TRUE)
    total <- rowSums(counts)
    data.frame(
      from_variable = parent, from = rep(classes[[parent]]$labels, times = ncol(counts)),
      to_variable = name, to = rep(classes[[name]]$labels, each = nrow(counts)), n = as.numeric(counts),
      probability = as.numeric(counts / ifelse(total > 0, total, NA_real_)),
      proportion = as.numeric(counts) / sum(counts), stringsAsFactors = FALSE
    )
  }))
}

plot_transitions <- function(data, level) {
  steps <- unique(data[c("from_variable", "to_variable")])
  chain <- nrow(steps) == 1 || all(steps$from_variable[-1] == utils::head(steps$to_variable, -1))
  data$panel <- if (chain) 1L else match(data$to_variable, steps$to_variable)
  variables <- if (chain) c(steps$from_variable[[1]], steps$to_variable)
  pieces <- lapply(split(data, data$panel), function(part) {
    flow_shapes(part, variables %||% c(part$from_variable[[1]], part$to_variable[[1]]))
  })
  collect <- function(what) {
    bind_rows(lapply(names(pieces), function(p) {
      part <- pieces[[p]][[what]]
      part$panel <- rep(p, nrow(part))
      part
    }))
  }
  bands <- collect("bands")
  bars <- collect("bars")
  texts <- collect("texts")
  ticks <- unique(bars[c("x", "variable")])
  n <- max(bars$k)
  single <- if (chain) ggplot2::scale_x_continuous(breaks = ticks$x, labels = ticks$variable, expand = c(0.02, 0.05))
    else ggplot2::scale_x_continuous(breaks = NULL, expand = c(0.02, 0.05))
  panels <- stats::setNames(paste("From", steps$from_variable, "to", steps$to_variable), seq_len(nrow(steps)))
  ggplot2::ggplot(bands) +
    ggplot2::geom_polygon(
      ggplot2::aes(x = .data$x, y = .data$y, group = .data$id, fill = factor(.data$k)), alpha = 0.45, colour = "grey35",
      linewidth = 0.15
    ) +
    ggplot2::geom_rect(
      ggplot2::aes(xmin = .data$x - 0.09, xmax = .data$x + 0.09, ymin = .data$low, ymax = .data$high,
        fill = factor(.data$k)), bars, colour = "grey20", linewidth = 0.3
    ) +
    ggplot2::geom_label(
      ggplot2::aes(x = .data$x, y = (.data$low + .data$high) / 2, label = .data$text), bars,
      size = if (nrow(ticks) > 6) 2.4 else 3, fill = "white",
      label.padding = ggplot2::unit(0.12, "lines"), label.size = 0, lineheight = 0.9
    ) +
    ggplot2::geom_text(ggplot2::aes(x = .data$x, y = .data$y, label = .data$text), texts, size = 2.9, hjust = 0,
      colour = "grey10") +
    (if (!chain) ggplot2::facet_wrap(ggplot2::vars(.data$panel), labeller = ggplot2::as_labeller(panels))) +
    ggplot2::scale_fill_manual(values = class_colours(n)) +
    single +
    ggplot2::scale_y_continuous(breaks = NULL, expand = c(0.01, 0.01)) +
    ggplot2::labs(
      title = "Transitions between classes", x = NULL, y = NULL,
      subtitle = wrap_text(paste0(
        "Heights: expected shares of units",
        if (nrow(texts) > 0) "; numbers in the flows: probability of the class on the right given that on the left"
      ))
    ) +
    plot_theme() +
    ggplot2::theme(legend.position = "none", panel.grid = ggplot2::element_blank(),
      panel.border = ggplot2::element_blank(), axis.text.x = ggplot2::element_text(size = 11, face = "bold"),
      axis.ticks = ggplot2::element_blank())
}

# Where bars, flows and texts stand: one column for each variable, classes from the top, with gaps between them.
flow_shapes <- function(data, variables, gap = 0.03, half = 0.09) {
  shares <- lapply(seq_along(variables), function(v) {
    out <- data[data$from_variable == variables[[v]], , drop = FALSE]
    into <- data[data$to_variable == variables[[v]], , drop = FALSE]
    rows <- if (nrow(out) > 0) out else into
    share <- tapply(rows$proportion, factor(if (nrow(out) > 0) rows$from else rows$to,
      unique(if (nrow(out) > 0) rows$from else rows$to)), sum)
    top <- 1 - cumsum(c(0, utils::head(as.numeric(share), -1))) - gap * (seq_along(share) - 1)
    data.frame(
      x = v, variable = variables[[v]], class = names(share), k = seq_along(share), low = top - as.numeric(share),
      high = top, text = bar_texts(names(share), as.numeric(share), length(variables)),
      stringsAsFactors = FALSE
    )
  })
  bars <- bind_rows(shares)
  key <- paste(bars$x, bars$class)
  from_v <- match(data$from_variable, variables)
  to_v <- match(data$to_variable, variables)
  left <- match(paste(from_v, data$from), key)
  right <- match(paste(to_v, data$to), key)
  order_left <- order(from_v, left, right)
  order_right <- order(from_v, right, left)
  start <- end <- data$height <- data$height_right <- numeric(nrow(data))
  for (i in unique(left)) {
    rows <- order_left[left[order_left] == i]
    share <- data$proportion[rows] * (bars$high[[i]] - bars$low[[i]]) / sum(data$proportion[rows])
    start[rows] <- bars$high[[i]] - cumsum(c(0, utils::head(share, -1)))
    data$height[rows] <- share
  }
  for (i in unique(right)) {
    rows <- order_right[right[order_right] == i]
    share <- data$proportion[rows] * (bars$high[[i]] - bars$low[[i]]) / max(sum(data$proportion[rows]), 1e-300)
    end[rows] <- bars$high[[i]] - cumsum(c(0, utils::head(share, -1)))
    data$height_right[rows] <- share
  }
  s <- seq(0, 1, length.out = 40)
  bend <- (1 - cos(pi * s)) / 2
  bands <- bind_rows(lapply(which(data$proportion > 0), function(i) {
    x <- from_v[[i]] + half + s * (to_v[[i]] - from_v[[i]] - 2 * half)
    upper <- start[[i]] + bend * (end[[i]] - start[[i]])
    lower <- upper - data$height[[i]] - bend * (data$height_right[[i]] - data$height[[i]])
    data.frame(
      id = paste(data$to_variable[[i]], i), k = bars$k[[left[[i]]]], x = c(x, rev(x)), y = c(upper, rev(lower))
    )
  }))
  # Numbers stand at the left ends of flows, where these do not cross.
  wide <- which(data$proportion >= 0.03 & length(variables) <= 6)
  texts <- data.frame(
    x = from_v[wide] + half + 0.015, y = start[wide] - data$height[wide] / 2,
    text = formatC(data$probability[wide], format = "f", digits = 2)
  )
  list(bars = bars, bands = bands, texts = texts)
}

# Class and share; with many columns, which carry the variables' names, only the class's number, then only the share.
bar_texts <- function(names, share, columns) {
  if (columns > 6) return(paste0(round(100 * share), " %"))
  paste0(if (columns > 3) sub("^.*=", "", names) else names, "\n", percent(share))
}
