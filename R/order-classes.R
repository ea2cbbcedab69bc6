# order_classes(): the classes of a fit in another order, in every part of it alike.

#' Reorder the classes of a fit
#'
#' Classes are numbered as they were estimated, which is arbitrary. This numbers them anew by size or by an outcome,
#' in the estimates, posteriors, sizes and transitions together. The last class becomes the reference of the logits.
#' Class variables that share coefficients, as in an invariant [lta()], are renumbered alike: by their average size.
#' Random logits turn their sign when two classes change places; with three or more classes they belong to their class,
#' and such a variable cannot be reordered.
#'
#' @param fit A fit from [mlmix()].
#' @param by Text: `"size"` (default, the largest class first), or the name of an outcome (the highest mean or
#'   probability of the highest categories first, where covariates and factors are 0).
#' @param class Text or `NULL` (default): the class variable to reorder, by default all.
#' @param decreasing `TRUE` (default) or `FALSE`.
#' @return A fit: the same log-likelihood with classes in the new order. The estimation is not repeated; estimates are
#'   transformed exactly and standard errors by the delta method, which is exact here because the change is linear.
#'   The elements `information`, `cross_product` and `gradient`, which belong to the original solution, are left out.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' class_sizes(order_classes(fit, by = "size"))
#' @export
order_classes <- function(fit, by = "size", class = NULL, decreasing = TRUE) {
  check_fit(fit)
  check_string(by, "by", "\"size\" or the name of an outcome")
  decreasing <- check_flag(decreasing, "decreasing")
  names <- names(fit_classes(fit))
  outcomes <- vapply(fit$spec$outcomes, function(outcome) outcome$name, "")
  if (by != "size" && !by %in% outcomes) {
    abort_spec(c(
      "{.arg by} must be {.val size} or the name of an outcome.", x = "You gave {.val {by}}.",
      suggest_names(by, outcomes, "Outcomes")
    ))
  }
  unknown <- setdiff(class, names)
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg class} must name a class variable of the model.", x = "You gave {.val {unknown}}.",
      i = "Accepted: {.val {names}}."
    ))
  }
  for (group in class_groups(fit)) {
    if (!is.null(class) && !any(class %in% group)) next
    values <- Filter(Negate(is.null), lapply(group, class_order_values, fit = fit, by = by))
    if (length(values) == 0) next
    order <- order(Reduce(`+`, values), decreasing = decreasing)
    if (!identical(order, seq_along(order))) fit <- permute_classes(fit, group, order)
  }
  fit
}

# Class variables that stand in the same place of coefficients with common parameters must be numbered alike: a list
# of the groups of their names.
class_groups <- function(fit) {
  names <- names(fit_classes(fit))
  group <- stats::setNames(seq_along(names), names)
  owner <- list()
  for (entry in spec_coefficients(fit$spec, character(0), character(0))) {
    by <- unlist(entry$coefficient$by)
    for (index in as.character(if (length(by) > 0) parameter_indices(entry$coefficient))) {
      other <- owner[[index]]
      if (is.null(other)) {
        owner[[index]] <- by
      } else if (length(other) == length(by)) {
        for (i in seq_along(by)) group[group == group[[by[[i]]]]] <- group[[other[[i]]]]
      }
    }
  }
  unname(split(names, group))
}

# The values to sort one class variable by: sizes, or an outcome's reference mean in each class (NULL if it has none).
class_order_values <- function(name, fit, by) {
  class <- fit_classes(fit)[[name]]
  if (by == "size") return(as.numeric(fit$class_prob[[name]]))
  outcome <- Filter(function(o) o$name == by, fit$spec$outcomes)[[1]]
  classes <- fit_classes(fit)
  if (!name %in% depends_on(outcome$predictors, outcome$auxiliary, classes)) return(NULL)
  vapply(seq_len(class$k), function(k) {
    pattern <- lapply(classes, function(other) 1L)
    pattern[[name]] <- k
    outcome_level(outcome, fit$parameters$estimate, pattern, classes)
  }, 0)
}

outcome_level <- function(outcome, theta, pattern, classes) {
  if (is_categorical(outcome)) {
    p <- category_probabilities(outcome, theta, pattern, classes)
    return(sum(p * seq_along(p)))
  }
  reference_predictor(outcome$predictors[[1]], theta, pattern, classes)
}
