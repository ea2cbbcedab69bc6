# mlmix_control(): limits of the estimation that are rarely changed.

#' Control the estimation
#'
#' @param max_iterations Whole number, default 2000: the most iterations of a start that is carried to convergence.
#' @param tolerance Number between 0 and 0.1, default 1e-8. An estimation has converged when the Newton decrement,
#'   twice the log-likelihood that a Newton step would still gain, is below it.
#' @param stage1_iterations Whole number, default 10 (as in Mplus): iterations of every random start before the best go on.
#' @param start_values `NULL` (default), or one number for each parameter in the order of [parameters()], such as
#'   `coef(fit, fixed = TRUE)`, used as the first start.
#' @return A list of class `mlmix_control` with the four elements.
#' @seealso [mlmix()], [start_values()].
#' @examples
#' mlmix_control(max_iterations = 5000, tolerance = 1e-10)
#' @export
mlmix_control <- function(max_iterations = 2000, tolerance = 1e-8, stage1_iterations = 10, start_values = NULL) {
  max_iterations <- check_count(max_iterations, "max_iterations")
  stage1_iterations <- check_count(stage1_iterations, "stage1_iterations")
  ok <- is.numeric(tolerance) && length(tolerance) == 1 && is.finite(tolerance) && tolerance > 0 && tolerance <= 0.1
  if (!ok) {
    abort_spec(c(
      "{.arg tolerance} must be one number above 0 and at most 0.1.",
      x = "You gave {describe(tolerance)}."
    ))
  }
  given <- is.numeric(start_values) && length(start_values) > 0 && all(is.finite(start_values))
  if (!is.null(start_values) && !given) {
    abort_spec(c(
      "{.arg start_values} must be {.code NULL} or one finite number for each parameter.",
      x = "You gave {describe(start_values)}."
    ))
  }
  structure(
    list(
      max_iterations = max_iterations, tolerance = tolerance, stage1_iterations = stage1_iterations,
      start_values = if (is.null(start_values)) NULL else unname(as.numeric(start_values))
    ),
    class = "mlmix_control"
  )
}

#' @export
print.mlmix_control <- function(x, ...) {
  cat("At most ", x$max_iterations, " iterations to a Newton decrement below ", format(x$tolerance), "; ",
    x$stage1_iterations, " iterations for every random start\n", sep = "")
  if (!is.null(x$start_values)) cat("First start: ", length(x$start_values), " given values\n", sep = "")
  invisible(x)
}
