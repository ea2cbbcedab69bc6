# covary(): free covariances among residuals, factors and random effects.

#' Free covariances
#'
#' @param a,b,... Names (bare, in quotes, or a range `y1:y5`) of gaussian outcomes, factors, or random effects; every
#'   pair of them gets a free (residual) covariance. Random effects are written as in [between()]: `y.x`, `c`, or by
#'   their full name, `` `y@id` ``; a name that is a gaussian outcome or a factor means that. With a single name it is
#'   the variance, which only makes sense with `by`.
#' @param by One-sided formula, default `~ 1`: `~ c` gives a covariance for each class.
#' @return A list of class `mlmix_covary` with `names` and `by`.
#' @seealso [mixture_model()]; [between()] for regressions among random effects.
#' @examples
#' covary(y1, y2)
#' covary(y1:y4, by = ~ c)
#' covary(`y@id`, by = ~ d) # the variance of a random intercept, for each class of d
#' @export
covary <- function(a, b, ..., by = ~ 1) {
  quos <- rlang::enquos(a, b, ..., .ignore_empty = "all")
  quos <- Filter(function(q) !rlang::quo_is_missing(q), quos)
  names <- unlist(lapply(unname(quos), function(q) {
    expand_names(rlang::quo_get_expr(q), rlang::quo_get_env(q), "covary()")
  }))
  by <- parse_by(by, "by")
  if (length(names) == 0 || (length(names) == 1 && length(by) == 0)) {
    abort_spec(c(
      "{.fn covary} needs at least two names.",
      i = "With one name it is a variance by class: {.code covary(y, by = ~ c)}."
    ))
  }
  twice <- unique(names[duplicated(names)])
  if (length(twice) > 0) {
    abort_spec("{.fn covary} names {.var {twice}} twice.")
  }
  new_covary(names, by)
}

new_covary <- function(names, by) {
  structure(list(names = names, by = by), class = "mlmix_covary")
}

#' @export
print.mlmix_covary <- function(x, ...) {
  cat(paste0(describe_covary(x), "\n"), sep = "")
  invisible(x)
}
