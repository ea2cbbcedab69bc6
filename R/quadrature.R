# quadrature(): how latent variables that need it are integrated numerically.

#' Numerical integration
#'
#' Describes the integration of the latent variables that have no closed form. Which ones these are is found by
#' itself; see [integration()] for a fit.
#'
#' @param method Text. `"auto"` (default): equally spaced points for up to three dimensions, scrambled Sobol points
#'   from four on. `"rectangular"`: equally spaced points; `"gauss_hermite"`: points for polynomials times the normal
#'   density; `"monte_carlo"`: random points; `"sobol"`: scrambled Sobol points. `"graded"`: as `"rectangular"`,
#'   common to all clusters, and crowded where a class logit of large variance is nearly a step, wherever it is in the
#'   end (Takahasi and Mori 1974); `"auto"` uses it where equally spaced common points would miss such a step.
#' @param points Whole number of at least 2: points in each dimension; for `"monte_carlo"` and `"sobol"` the points of
#'   all dimensions together. `NULL` (default): 31 for one dimension, 15 each for more, 2,000 quasi-random ones.
#' @param adaptive `TRUE` or `FALSE`: whether the points follow each cluster's (and unit's) posterior. `NULL`
#'   (default): adaptive, except for `"monte_carlo"` and `"graded"`. With everything left open and few distinct data
#'   patterns, a fine grid common to all is tried first (it is faster) and kept if halving its step changes the
#'   log-likelihood by less than 0.002.
#'
#'   Few random points that follow the posterior have large weights in its tails, and a maximum found on them can belong
#'   to the points rather than to the model. So `quadrature("monte_carlo", adaptive = TRUE)` is checked at the end: where
#'   twice the points change the log-likelihood by more than 1, the model is estimated again with points common to all,
#'   and a warning says so. Sobol points do not have this weakness.
#' @param max_nodes Whole number, default 10,000,000: the most nodes that a grid over all dimensions may have. A
#'   larger one is an error that says so before anything is computed.
#' @return A list of class `mlmix_quadrature` with `method`, `points`, `adaptive`, `max_nodes`.
#' @references Rabe-Hesketh, S., Skrondal, A. and Pickles, A. (2005). Maximum likelihood estimation of limited and
#'   discrete dependent variable models with nested random effects. *Journal of Econometrics*, 128, 301-323.
#'
#'   Takahasi, H. and Mori, M. (1974). Double exponential formulas for numerical integration. *Publications of the
#'   Research Institute for Mathematical Sciences*, 9, 721-741.
#' @seealso [integration_plan()] before a fit, [integration()] after it.
#' @examples
#' quadrature(points = 25)
#' quadrature("sobol", points = 1000)
#' @export
quadrature <- function(method = c("auto", "rectangular", "graded", "gauss_hermite", "monte_carlo", "sobol"),
                       points = NULL, adaptive = NULL, max_nodes = 1e7) {
  method <- check_choice(method, c("auto", grid_rules, random_rules), "method")
  if (!is.null(points)) points <- check_count(points, "points", min = 2)
  if (!is.null(adaptive)) adaptive <- check_flag(adaptive, "adaptive")
  if (method == "graded" && isTRUE(adaptive)) {
    abort_spec(c(
      "{.arg adaptive} must be {.code FALSE} for graded points, which are common to all clusters.",
      x = "You gave {.code adaptive = TRUE}.", i = "Use {.code method = \"rectangular\"} for adaptive points."
    ))
  }
  max_nodes <- check_count(max_nodes, "max_nodes", min = 1)
  structure(
    list(method = method, points = points, adaptive = adaptive, max_nodes = max_nodes),
    class = "mlmix_quadrature"
  )
}

#' @export
print.mlmix_quadrature <- function(x, ...) {
  how <- switch(x$method,
    auto = "points chosen by the number of dimensions",
    rectangular = "equally spaced points", graded = "points that crowd at steep class logits",
    gauss_hermite = "Gauss-Hermite points", monte_carlo = "random points", sobol = "scrambled Sobol points"
  )
  each <- if (x$method %in% random_rules) "in all" else "in each dimension"
  count <- if (is.null(x$points)) "" else paste0(x$points, " ")
  where <- if (is.null(x$points)) "" else paste0(" ", each)
  adaptive <- if (is.null(x$adaptive) && x$method %in% c("monte_carlo", "graded")) "not adaptive" else
    if (is.null(x$adaptive)) "adaptive where needed" else if (x$adaptive) "adaptive" else "not adaptive"
  cat(strwrap(paste0("Numerical integration: ", count, how, where, ", ", adaptive), 80, exdent = 2), sep = "\n")
  invisible(x)
}

# Rules whose points count per dimension, and in all.
grid_rules <- c("rectangular", "graded", "gauss_hermite")
random_rules <- c("monte_carlo", "sobol")
