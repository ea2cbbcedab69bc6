# The figures of a report: each type of plot() that a fit has, with its caption.

figure_captions <- c(
  profile = "Class profiles, with confidence intervals",
  posterior = "How certain the assignment to the most likely class is",
  transitions = "Transitions between classes",
  class_curve = "Class probabilities",
  growth = "Growth curves by class",
  item_curve = "Outcomes against the factor",
  random_effects = "Random effects and factors of clusters",
  path = "Path diagram with estimates",
  starts = "Log-likelihoods that the random starts reached"
)

# Those of `types` that plot() offers for this fit. A picture that fails leaves a line that says so, not an empty page.
report_figures <- function(fit, types, level = 0.95) {
  offered <- plot_types(fit)
  vapply(intersect(types, offered$type[offered$offered]), function(type) {
    size <- if (type == "path") c(9, 6) else c(7, 4.5)
    tryCatch(
      html_figure(plot.mlmix(fit, type = type, level = level), figure_captions[[type]], size[[1]], size[[2]]),
      error = function(e) {
        html_text(paste0(figure_captions[[type]], ": not drawn (", conditionMessage(e), ")."), class = "note")
      }
    )
  }, "")
}
