# write_scaling(), plot_scaling(): the tables and the picture of bench/scaling.R.

# The exponent of the cost in the work: the slope on logarithmic axes, over the larger half of the sizes, where the
# constant part of an E-step no longer counts.
growth_exponent <- function(rows) {
  rows <- rows[is.finite(rows$cpu) & rows$cpu > 0, ]
  rows <- utils::tail(rows, max(2, ceiling(nrow(rows) / 2)))
  if (nrow(rows) < 2) return(NA_real_)
  stats::coef(stats::lm(log(cpu) ~ log(work), rows))[[2]]
}

# Cost per work, relative to that of the smallest size that has one.
relative_cost <- function(rows) {
  each <- rows$cpu / rows$work
  each / c(each[is.finite(each)], NA)[[1]]
}

growth_lines <- function(rows) {
  c(
    paste0("### ", rows$title[1]), "",
    sprintf("The cost of an E-step grows as the %.2f-th power of the work%s.", growth_exponent(rows),
      if (all(rows$work == rows$size)) "" else " (the number of nodes times the dimensions)"), "",
    paste0("| ", rows$x[1], " | nodes | ms per E-step (CPU, one thread) | relative to the first, per work |",
      " standard error, % | engine, 12 iterations, CPU s |"),
    "| --- | --- | --- | --- | --- | --- |",
    sprintf("| %s | %s | %.3g | %.2f | %s | %.3g |", format(rows$size, big.mark = ",", scientific = FALSE, trim = TRUE),
      format(rows$nodes, big.mark = ",", trim = TRUE), 1e3 * rows$cpu,
      relative_cost(rows),
      ifelse(is.na(rows$error), "", sprintf("%.0f", 100 * rows$error)), rows$call), ""
  )
}

write_scaling <- function(costs, threads, memory, file) {
  parts <- split(costs, factor(costs$title, unique(costs$title)))
  writeLines(c(
    "# Cost as work grows", "",
    paste0("Written by `bench/scaling.R` on ", Sys.Date(), ": ", machine_words(), "; load ",
      format(current_load(), nsmall = 1), ", commit ", package_commit(), "."), "",
    strwrap(paste(
      "The cost of an E-step is the difference in the engine's CPU time between 2 and 12 iterations of the same climb,",
      "divided by the E-steps made in between; preparation, posteriors and results are not in it. Calls are repeated",
      "until the standard error of the mean difference is 3 % (or four seconds are used up; the first two calls are all",
      "where they take that long). `relative to the first, per work`: 1",
      "where the cost is proportional to the work, below 1 where part of it is shared (response patterns, the",
      "constant part of a step)."
    ), 120), "", "![Cost of an E-step against the size](scaling.png)", "",
    unlist(lapply(parts, growth_lines)),
    "## Threads", "",
    "Wall time of whole fits with robust standard errors. The goal is a ratio of 1.7; it needs two free cores.", "",
    "| fit | one thread, s | two threads, s | ratio |", "| --- | --- | --- | --- |",
    sprintf("| %s | %.3g | %.3g | %.2f |", threads$case, threads$one, threads$two, threads$ratio), "",
    memory_lines(memory)
  ), file)
}

memory_lines <- function(memory) {
  if (is.null(memory)) return(character(0))
  added <- memory$peak_mb - memory$before_mb
  c(
    "## Memory", "",
    strwrap(paste(
      "What a fit with robust standard errors on two threads adds to a process that holds the data, at its peak;",
      "`the fit` is the object that is returned (posterior probabilities and the numeric columns are in it). The",
      "goal is below three times the data (as numbers of eight bytes) plus 100 MB."
    ), 120), "",
    "| model | units | data frame, MB | as numbers, MB | the fit, MB | added at the peak, MB | met |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    sprintf("| %s | %s | %.1f | %.1f | %.1f | %.0f | %s |",
      c(units_lca = "LCA, 3 classes, 20 binary items", units_lpa = "LPA, 3 classes, 5 outcomes")[memory$kind],
      format(memory$units, big.mark = ",", scientific = FALSE, trim = TRUE), memory$data_mb, memory$double_mb,
      memory$fit_mb, added, ifelse(added <= 3 * memory$double_mb + 100, "yes", "**no**"))
  )
}

plot_scaling <- function(costs, file) {
  if (!requireNamespace("ggplot2", quietly = TRUE)) return(invisible())
  costs <- costs[is.finite(costs$cpu) & costs$cpu > 0, ]
  costs$title <- factor(costs$title, unique(costs$title))
  # A line through the last point along which the cost is proportional to the work.
  parts <- lapply(split(costs, costs$title), function(rows) {
    last <- rows[nrow(rows), ]
    data.frame(title = rows$title, size = rows$size, ms = 1e3 * last$cpu * rows$work / last$work)
  })
  picture <- ggplot2::ggplot(costs, ggplot2::aes(.data$size, 1e3 * .data$cpu)) +
    ggplot2::geom_line(ggplot2::aes(.data$size, .data$ms), do.call(rbind, parts), colour = "grey60", linetype = 2) +
    ggplot2::geom_line() + ggplot2::geom_point() +
    ggplot2::facet_wrap(~title, scales = "free", labeller = ggplot2::label_wrap_gen(34)) +
    ggplot2::scale_x_log10(labels = function(x) format(x, big.mark = ",", scientific = FALSE, trim = TRUE)) +
    ggplot2::scale_y_log10() +
    ggplot2::labs(x = NULL, y = "ms per E-step (CPU, one thread); dashed: proportional to the work") +
    ggplot2::theme_bw(base_size = 9)
  ggplot2::ggsave(file, picture, width = 9, height = 7.5, dpi = 120)
}
