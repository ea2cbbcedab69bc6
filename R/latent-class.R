# latent_class(): declares a latent class variable and what its probabilities depend on.

#' Declare a latent class variable
#'
#' A class variable is declared once and then used in formulas like any predictor, where it acts as a factor:
#' coefficients vary by class and are reported for each class.
#'
#' @param name Text: the name by which formulas refer to the class variable.
#' @param k Whole number of at least 1: how many classes.
#' @param formula One-sided formula, default `~ 1`: predictors of the multinomial logits, with the last class as the
#'   reference. Covariates, other class variables (`~ c1` makes `c1` the origin of a transition), factors, and random
#'   effects such as `(1 + x | school)`: one random coefficient for each class but the last, correlated within one pair
#'   of parentheses.
#' @param level Text, default `"within"`: units belong to classes. `"between"`: whole clusters do, and predictors must
#'   be constant within clusters.
#' @param known Text or `NULL` (default): the name of a variable that holds the class where it is known (1 to `k`, or a
#'   factor with the classes as levels), missing where it is not.
#' @return A list of class `mlmix_class` with `name`, `k`, `level`, `known`, `formula` and the parsed `equation`.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, equations (4), (9) and (24).
#' @seealso [mixture_model()], which puts declarations together.
#' @examples
#' latent_class("c", 3, ~ age + (1 | school))
#' latent_class("d", 2, level = "between")
#' @export
latent_class <- function(name, k, formula = ~ 1, level = c("within", "between"), known = NULL) {
  check_latent_name(name)
  k <- check_count(k, "k")
  level <- check_choice(level, c("within", "between"), "level")
  equation <- parse_equation(formula, "formula", lhs = "none")
  if (level == "between" && length(equation$random) > 0) {
    abort_spec(c(
      "The between class variable {.val {name}} cannot have random effects.",
      x = "You gave {.code {deparse1(formula)}}.",
      i = "Its logits are already those of clusters. Random effects belong to within class variables."
    ))
  }
  written <- substitute(known)
  frame <- rlang::current_env()
  known <- tryCatch(known, error = function(e) {
    abort_spec(c(
      "{.arg known} must be the name of one variable, in quotes.", x = "You gave {.code {deparse1(written)}}.",
      i = "Write {.code known = \"{deparse1(written)}\"}."
    ), call = frame)
  })
  if (!is.null(known)) {
    check_string(known, "known", "the name of one variable")
  }
  structure(
    list(name = name, k = k, level = level, known = known, formula = formula, equation = equation),
    class = "mlmix_class"
  )
}

#' @export
print.mlmix_class <- function(x, ...) {
  cat(paste0(describe_class(x), "\n"), sep = "")
  invisible(x)
}
