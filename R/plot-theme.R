# What all plots share: colours, theme, dispatch, and the words when ggplot2 is missing.

#' @importFrom rlang .data
#' @rdname plot.mlmix
#' @export
plot.mlmix <- function(x, type = "profile", ...) {
  draw_plot(x, type, list(...), rlang::current_env())
}

#' @rdname plot.mlmix
#' @exportS3Method ggplot2::autoplot
autoplot.mlmix <- function(object, type = "profile", ...) {
  draw_plot(object, type, list(...), rlang::current_env())
}

draw_plot <- function(fit, type, options, call) {
  need_ggplot2(call)
  read <- read_plot(fit, type, options, call)
  read$kind$draw(read$data, read$level)
}

need_ggplot2 <- function(call = rlang::caller_env()) {
  if (!rlang::is_installed("ggplot2")) {
    abort_spec(c(
      "Plots need the package ggplot2, which is not installed.",
      i = "Install it with {.code install.packages(\"ggplot2\")}; {.fn plot_data} gives the numbers without it."
    ), call = call)
  }
}

# Okabe and Ito's colours, distinguishable with any colour vision, dark ones first; repeated shapes and line types
# help in print and where there are more than eight classes.
class_colours <- function(n) {
  okabe_ito <- c("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B8A900")
  rep(okabe_ito, length.out = n)
}
class_shapes <- function(n) rep(c(16, 17, 15, 18, 1, 2, 0, 5), length.out = n)
class_lines <- function(n) rep(c("solid", "52", "12", "5212", "92", "3313"), length.out = n)

plot_theme <- function() {
  ggplot2::theme_bw(base_size = 12) + ggplot2::theme(
    legend.position = "bottom", panel.grid.minor = ggplot2::element_blank(),
    strip.background = ggplot2::element_rect(fill = "grey95", colour = NA),
    plot.title.position = "plot", plot.title = ggplot2::element_text(face = "bold"),
    plot.subtitle = ggplot2::element_text(size = 10.5, colour = "grey20")
  )
}
