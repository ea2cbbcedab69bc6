# The figures of a report: each type of plot() that a fit has, with its caption.

figure_captions <- c(
  profile = "Class profiles, with confidence intervals",
  posterior = "How certain the assignment to the most likely class is",
  transitions = "Transitions between classes",
  class_curve = "Curves by class",
  growth = "Growth curves by class",
  random_effects = "Random effects of clusters",
  starts = "Log-likelihoods that the random starts reached"
)

# Those of `types` that this fit can be drawn as; a fit says by an error of the package that it has no such plot.
report_figures <- function(fit, types, level = 0.95) {
  known <- eval(formals(plot.mlmix)$type)
  vapply(intersect(types, known), function(type) {
    takes_level <- type == "profile"
    drawn <- tryCatch(
      if (takes_level) plot.mlmix(fit, type = type, level = level) else plot.mlmix(fit, type = type),
      mlmix_error_spec = function(e) NULL, mlmix_error_data = function(e) NULL
    )
    if (is.null(drawn)) "" else html_figure(drawn, figure_captions[[type]])
  }, "")
}
