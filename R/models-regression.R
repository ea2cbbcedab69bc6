# mixture_regression(): classes that differ in a regression.

#' Mixture regression
#'
#' All coefficients of the formula differ by class.
#'
#' @param formula Formula such as `y ~ x` or `y ~ x + (1 | id)`.
#' @param k Whole number: how many classes.
#' @param level Text, default `"within"`: single rows belong to classes, and if the formula has `(... | id)`, their
#'   class logits have a random intercept. `"between"`: whole clusters belong to classes.
#' @param cluster Text or `NULL` (default): the cluster variable, where the formula does not name one.
#' @param predictors One-sided formula or `NULL` (default): predictors of the class.
#' @param variance Text: the residual variance, `"equal"` (default) across classes or `"varying"`.
#' @inheritParams growth_mixture
#' @return A model, as from [mixture_model()].
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 5, Models 5 and 6.
#' @seealso [growth_mixture()], [r_squared()].
#' @examples
#' mixture_regression(y ~ x, k = 2)
#' mixture_regression(y ~ x + (1 | id), k = 2, level = "between")
#' @export
mixture_regression <- function(formula, k, level = c("within", "between"), cluster = NULL, predictors = NULL,
                               variance = c("equal", "varying"), family = stats::gaussian(), class = "c") {
  check_whole_names(sys.call(), formals())
  assumed <- missing(family)
  level <- check_choice(level, c("within", "between"), "level")
  variance <- check_choice(variance, c("equal", "varying"), "variance")
  equation <- parse_equation(formula, "formula")
  group <- unique(vapply(equation$random, `[[`, "", "group"))
  if (level == "between" && length(group) == 0 && is.null(cluster)) {
    abort_spec(c(
      "{.code level = \"between\"} needs clusters.",
      i = "Add {.code (1 | id)} to the formula, or name them in {.arg cluster}."
    ))
  }
  random <- if (level == "within" && length(group) == 1) paste0("(1 | ", as_code(group), ")") else character(0)
  k <- check_count(k, "k")
  components <- regression_by_class(formula, equation, k, class, family, variance, level, predictors, random, assumed)
  new_model(components, cluster = cluster)
}

# A class variable and an outcome all of whose fixed coefficients differ by it.
regression_by_class <- function(formula, equation, k, class, family, variance, level, predictors, random = character(0),
                                assumed = FALSE, call = rlang::caller_env()) {
  check_latent_name(class, "class", call = call)
  family <- as_family(family, call = call)
  if (class %in% unlist(c(equation$terms, equation$lhs))) {
    abort_spec(c(
      "{.arg formula} uses {.var {class}}, the name of the class variable.",
      i = "All coefficients differ by class already.",
      i = "If {.var {class}} is a variable of the data, choose another {.arg class}."
    ), call = call)
  }
  products <- c(if (equation$intercept) list(character(0)), equation$terms)
  by_class <- equation
  by_class$intercept <- FALSE
  by_class$terms <- lapply(products, function(labels) c(class, labels))
  by_class$exprs[[class]] <- as.symbol(class)
  by <- if (variance == "varying") class else character(0)
  outcome <- new_outcome(class_formula(formula, by_class), by_class, family, by, "within", NULL, call = call)
  if (assumed) outcome$assumed <- TRUE
  list(latent_class(class, k, add_to_formula(predictors_formula(predictors, call = call), random), level), outcome)
}

# The formula that an equation with class products stands for, for printing.
class_formula <- function(formula, equation) {
  parse_all <- function(labels) Reduce(function(a, b) call(":", a, b), unname(equation$exprs[labels]))
  fixed <- lapply(equation$terms, parse_all)
  random <- split_random(rlang::f_rhs(formula), "formula", NULL)$random
  parts <- c(if (!any(lengths(equation$terms) == 1)) list(0), fixed, lapply(random, function(bar) call("(", bar)))
  rlang::new_formula(rlang::f_lhs(formula), Reduce(function(a, b) call("+", a, b), parts), env = rlang::f_env(formula))
}
