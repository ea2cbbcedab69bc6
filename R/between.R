# between(): regressions among the random effects, factors and covariates of the clusters.

#' Regression at the cluster level
#'
#' @param formula Formula. On the left the *target* of an equation: `y` means the random intercept of outcome `y`, `y.x`
#'   the random slope of `x` for `y`, `c` the random class logits of the class variable `c` (`` `c#1` `` only that of
#'   class 1), `f` the random intercept of a within factor, or a between factor itself. On the right the same
#'   names, between class variables, and covariates that are constant within clusters. A class variable with more than
#'   two classes stands for all its logits together: `between(c2 ~ c1)` regresses every logit of `c2` on every logit of
#'   `c1`.
#' @return A list of class `mlmix_between` with `formula` and the parsed `equation`.
#' @details Random effects have mean 0, since the mean is in the equation's fixed part. A between class variable on the
#'   right shifts the mean, by 0 in its last class. A regression takes the place of the covariance that random effects
#'   of one pair of parentheses would have.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, equations (5) and (18).
#' @seealso [mixture_model()]; [covary()] for covariances without a direction; [outcome()] and [latent_class()], whose
#'   random effects it takes.
#' @examples
#' mixture_model(
#'   latent_class("c1", 2, ~ (1 | room)),
#'   latent_class("c2", 2, ~ c1 + (1 | room)),
#'   outcome(fall1:fall10 ~ c1, family = bernoulli()),
#'   outcome(spring1:spring10 ~ c2, family = bernoulli(), like = fall1:fall10),
#'   between(c2 ~ c1)
#' )
#' @export
between <- function(formula) {
  equation <- parse_equation(formula, "formula", lhs = "required")
  if (length(equation$random) > 0) {
    abort_spec(c(
      "{.fn between} cannot have random effects.",
      x = "You gave {.code {deparse1(formula)}}.",
      i = "It is a regression among the random effects that other equations declare."
    ))
  }
  if (length(equation$terms) == 0) {
    abort_spec(c(
      "{.fn between} needs a predictor on the right.",
      x = "You gave {.code {deparse1(formula)}}."
    ))
  }
  structure(list(formula = formula, equation = equation), class = "mlmix_between")
}

#' @export
print.mlmix_between <- function(x, ...) {
  cat("Between clusters: ", deparse1(x$formula), "\n", sep = "")
  invisible(x)
}
