# quadrature(): how latent variables that need it are integrated numerically.

#' Numerical integration
#'
#' Describes the integration of the latent variables that have no closed form. Which ones these are is found by
#' itself; see [integration()] for a fit.
#'
#' @param method Text, default `"rectangular"`: equally spaced points. `"gauss_hermite"`: points for polynomials times
#'   the normal density; `"monte_carlo"`: random points; `"sobol"`: scrambled Sobol points, for many dimensions.
#' @param points Whole number of at least 2, default 15: points in each dimension. For `"monte_carlo"` and `"sobol"`
#'   the points of all dimensions together, for which 500 or more are usual.
#' @param adaptive `TRUE` (default) or `FALSE`: whether the points follow each cluster's (and unit's) posterior.
#' @param max_nodes Whole number, default 10,000,000: the most nodes that a grid over all dimensions may have. A
#'   larger one is an error that says so before anything is computed.
#' @return A list of class `mlmix_quadrature` with `method`, `points`, `adaptive`, `max_nodes`.
#' @references Rabe-Hesketh, S., Skrondal, A. and Pickles, A. (2005). Maximum likelihood estimation of limited and
#'   discrete dependent variable models with nested random effects. *Journal of Econometrics*, 128, 301-323.
#' @examples
#' quadrature(points = 25)
#' quadrature("sobol", points = 1000)
#' @export
quadrature <- function(method = c("rectangular", "gauss_hermite", "monte_carlo", "sobol"), points = 15,
                       adaptive = TRUE, max_nodes = 1e7) {
  method <- check_choice(method, c("rectangular", "gauss_hermite", "monte_carlo", "sobol"), "method")
  points <- check_count(points, "points", min = 2)
  adaptive <- check_flag(adaptive, "adaptive")
  max_nodes <- check_count(max_nodes, "max_nodes", min = 1)
  structure(
    list(method = method, points = points, adaptive = adaptive, max_nodes = max_nodes),
    class = "mlmix_quadrature"
  )
}

#' @export
print.mlmix_quadrature <- function(x, ...) {
  how <- switch(x$method,
    rectangular = "equally spaced points", gauss_hermite = "Gauss-Hermite points",
    monte_carlo = "random points", sobol = "scrambled Sobol points"
  )
  each <- if (x$method %in% c("monte_carlo", "sobol")) "in all" else "in each dimension"
  cat("Numerical integration: ", x$points, " ", how, " ", each, ", ",
    if (x$adaptive) "adaptive" else "not adaptive", "\n", sep = "")
  invisible(x)
}
