# order_classes(): the classes of a fit in another order, in every part of it alike.

#' Reorder the classes of a fit
#'
#' Classes are numbered as they were estimated, which is arbitrary. This numbers them anew by size or by an outcome,
#' in the estimates, posteriors, sizes and transitions together. The last class becomes the reference of the logits.
#' Class variables that share coefficients, as in an invariant [lta()], are renumbered alike: by their average size.
#' Random logits change with the reference too: with two classes they turn their sign, with more the new ones are
#' differences of the old, \eqn{b_k - b_K}. Where they are restricted in a way that holds for one reference only, such
#' as
#' being independent of each other, the variable can only be reordered with its last class in place.
#'
#' @param fit A fit from [mlmix()].
#' @param by Text: `"size"` (default, the largest class first), or the name of an outcome (the highest mean or
#'   probability of the highest categories first, where covariates and factors are 0). Or the order itself, the present
#'   numbers of the classes: with `c(3, 1, 2)` the third class becomes the first.
#' @param class Text or `NULL` (default): the class variable to reorder, by default all. For an order in numbers it is
#'   needed where there are several.
#' @param decreasing `TRUE` (default) or `FALSE`; not used for an order in numbers.
#' @return A fit: the same log-likelihood with classes in the new order. The estimation is not repeated; estimates are
#'   transformed exactly and standard errors by the delta method, which is exact here because the change is linear.
#'   The elements `information`, `cross_product` and `gradient`, which belong to the original solution, are left out.
#' @seealso [class_sizes()], [start_values()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' class_sizes(order_classes(fit, by = "size"))
#' class_sizes(order_classes(fit, by = c(2, 1)))
#' @export
order_classes <- function(fit, by = "size", class = NULL, decreasing = TRUE) {
  check_fit(fit)
  if (is.numeric(by)) return(order_by_numbers(fit, by, class))
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
  check_class_names(class, names)
  for (group in class_groups(fit)) {
    if (!is.null(class) && !any(class %in% group)) next
    values <- Filter(Negate(is.null), lapply(group, class_order_values, fit = fit, by = by))
    if (length(values) == 0) next
    order <- order(Reduce(`+`, values), decreasing = decreasing)
    if (!identical(order, seq_along(order))) fit <- permute_classes(fit, group, order)
  }
  fit
}

check_class_names <- function(class, names, call = rlang::caller_env()) {
  unknown <- setdiff(class, names)
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg class} must name a class variable of the model.", x = "You gave {.val {unknown}}.",
      i = "Accepted: {.val {names}}."
    ), call = call)
  }
}

# The order as the user gave it; variables that are numbered alike move together.
order_by_numbers <- function(fit, order, class, call = rlang::caller_env()) {
  classes <- fit_classes(fit)
  check_class_names(class, names(classes), call)
  groups <- Filter(function(group) is.null(class) || any(class %in% group), class_groups(fit))
  if (length(groups) != 1) {
    abort_spec(c(
      if (length(groups) == 0) "The model has no class variable."
      else "{.arg class} must say which variable the order {.val {order}} is for.",
      i = if (length(groups) > 1) "Accepted: {.val {unlist(groups)}}."
    ), call = call)
  }
  k <- classes[[groups[[1]][[1]]]]$k
  if (!identical(as.numeric(sort(order)), as.numeric(seq_len(k)))) {
    abort_spec(c(
      "{.arg by} must have each of the numbers 1 to {k} once, as {.val {groups[[1]]}} has {k} classes.",
      x = "You gave {.val {order}}."
    ), call = call)
  }
  if (identical(as.integer(order), seq_len(k))) return(fit)
  permute_classes(fit, groups[[1]], as.integer(order), call)
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
