# lpa(): latent profile analysis.

#' Latent profile analysis
#'
#' A mixture of normal distributions: class-specific means of continuous items.
#'
#' @inheritParams lca
#' @param variances Text: `"equal"` (default) across classes, or `"varying"`.
#' @param covariances Text: `"zero"` (default, items independent within classes), `"equal"` across classes, or
#'   `"varying"`.
#' @return A model, as from [mixture_model()].
#' @references Gibson, W. A. (1959). Three multivariate models: factor analysis, latent structure analysis, and latent
#'   profile analysis. *Psychometrika*, 24, 229--252.
#' @seealso [lca()], [fma()]; [enumerate_classes()] to choose the number of classes.
#' @examples
#' lpa(y1:y5, k = 4, variances = "varying")
#' @export
lpa <- function(items, k, variances = c("equal", "varying"), covariances = c("zero", "equal", "varying"),
                predictors = NULL, class = "c") {
  check_whole_names(sys.call(), formals())
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k")
  variances <- check_choice(variances, c("equal", "varying"), "variances")
  covariances <- check_choice(covariances, c("zero", "equal", "varying"), "covariances")
  check_latent_name(class, "class")
  by <- function(how) if (how == "varying") stats::reformulate(class) else ~1
  components <- list(
    latent_class(class, k, predictors_formula(predictors)),
    outcome_of(items, class, as_family("gaussian"), variance = by(variances))
  )
  if (covariances != "zero" && length(items) > 1) {
    components <- c(components, list(new_covary(items, parse_by(by(covariances), "covariances"))))
  }
  new_model(components)
}
