# summary(fit): what a paper's table needs, with the estimates by level and class, within 80 columns.

#' Summary of a fit
#'
#' @param object A fit from [mlmix()].
#' @param ... Not used.
#' @return A list of class `summary.mlmix`: `fit`, `estimates` (as [estimates()]), `statistics` (as [glance()]),
#'   `class_sizes`, `entropy` (named, one per class variable), `transitions` and `profile` (data frames or `NULL`; the
#'   latter as `plot_data(fit, "profile")`), `integration`.
#'   Printing it shows them.
#' @seealso [estimates()], [glance.mlmix()], [report()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' summary(fit)
#' @export
summary.mlmix <- function(object, ...) {
  structure(
    list(
      fit = object, estimates = estimates(object), statistics = glance(object), class_sizes = class_sizes(object),
      entropy = vapply(names(fit_classes(object)), function(name) entropy(object, name), 0),
      transitions = if (length(object$transitions) > 0) transitions(object),
      profile = summary_profile(object), integration = integration(object)
    ),
    class = "summary.mlmix"
  )
}

#' @export
print.summary.mlmix <- function(x, ...) {
  cat(fit_lines(x$fit), sep = "\n")
  for (one in summary_tables(x)) {
    cat("\n", one$title, "\n", sep = "")
    print_plain(one$table)
  }
  remarks <- c(alike_lines(x$fit), warning_lines(x$fit))
  if (length(remarks) > 0) cat("", remarks, sep = "\n")
  invisible(x)
}
