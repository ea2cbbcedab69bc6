# enumerate_classes(): the same model with different numbers of classes.

#' Fit a model with several numbers of classes
#'
#' @param model A model from [mixture_model()] or a one-line model, whose number of classes is varied; or a function
#'   of the number of classes that returns a model, `function(k) lca(u1:u8, k = k)`.
#' @param data Data frame.
#' @param k Whole numbers of at least 1, default `1:6`.
#' @param class Text or `NULL` (default): the names of the class variables to vary (all of them take the same number).
#'   Needed if the model has more than one. Not used where `model` is a function.
#' @param ... Passed to [mlmix()]: `starts`, `seed`, `weights`, ... The seed is the same for every number of classes.
#' @return As [compare_models()], with the models named by their number of classes and `k` as the first column. The
#'   fits are the attribute `"fits"`.
#' @references Nylund, K. L., Asparouhov, T. and Muthén, B. O. (2007). Deciding on the number of classes in latent
#'   class analysis and growth mixture modeling. *Structural Equation Modeling*, 14, 535-569.
#' @examples
#' model <- lca(c(A, B, C, D, E, F, G), k = 2)
#' enumerate_classes(model, carcinoma, k = 1:3, starts = c(5, 2), seed = 1)
#' @export
enumerate_classes <- function(model, data, k = 1:6, class = NULL, ...) {
  k <- check_numbers_of_classes(k)
  models <- lapply(k, model_with_classes, model = model, class = class, call = rlang::current_env())
  dots <- rlang::enquos(...)
  seed <- check_seed(if ("seed" %in% names(dots)) rlang::eval_tidy(dots$seed), rlang::current_env())
  dots$seed <- NULL
  fits <- lapply(models, function(one) {
    rlang::eval_tidy(rlang::quo(mlmix(!!one, data, seed = seed, !!!dots)))
  })
  names <- paste(k, ifelse(k == 1, "class", "classes"))
  table <- comparison_table(fits, names)
  fits <- attr(table, "fits")
  structure(data.frame(k = k, table), fits = fits, class = c("mlmix_comparison", "data.frame"))
}

check_numbers_of_classes <- function(k, call = rlang::caller_env()) {
  ok <- is.numeric(k) && length(k) > 0 && all(is.finite(k)) && all(k == round(k)) && all(k >= 1) && !anyDuplicated(k)
  if (!ok) {
    abort_spec(c(
      "{.arg k} must be different whole numbers of at least 1, such as {.code 1:6}.", x = "You gave {describe(k)}."
    ), call = call)
  }
  as.integer(k)
}

model_with_classes <- function(k, model, class, call) {
  if (is.function(model)) {
    made <- model(k)
    if (!inherits(made, "mlmix_model")) {
      abort_spec(c(
        "The function {.arg model} must return a model.", x = "For {k} class{?es} it gave {describe(made)}."
      ), call = call)
    }
    return(made)
  }
  if (!inherits(model, "mlmix_model")) {
    abort_spec(c(
      "{.arg model} must be a model, or a function of the number of classes that returns one.",
      x = "You gave {describe(model)}."
    ), call = call)
  }
  names <- vapply(model$classes, function(part) part$name, "")
  unknown <- setdiff(class, names)
  if (length(unknown) > 0 || length(names) == 0) {
    abort_spec(c(
      "{.arg class} must name class variables of the model.",
      x = if (length(unknown) > 0) "You gave {.val {unknown}}." else "The model has none.",
      i = if (length(names) > 0) "Accepted: {.val {names}}."
    ), call = call)
  }
  if (is.null(class) && length(names) > 1) {
    abort_spec(c(
      "The model has {length(names)} class variables: say in {.arg class} which to vary.",
      i = "Accepted: {.val {names}}, one or several."
    ), call = call)
  }
  if (is.null(class)) class <- names
  for (i in which(names %in% class)) model$classes[[i]]$k <- k
  model
}
