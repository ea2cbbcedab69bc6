# latent_factor(): declares a continuous latent variable.

#' Declare a latent factor
#'
#' A factor is a normally distributed latent variable. It is declared once and then used in formulas like a numeric
#' variable; its coefficients are loadings.
#'
#' @param name Text: the name by which formulas refer to the factor.
#' @param formula One-sided formula, default `~ 1` (mean 0): predictors of the factor. A class variable gives
#'   class-specific means, free in all classes but the last, where the mean is 0. Covariates, other factors and random
#'   effects `(1 | school)` may enter too.
#' @param level Text, default `"within"`; `"between"` for a factor of the clusters.
#' @param variance One-sided formula, default `~ 1`: `~ c` gives a (residual) variance for each class.
#' @param scale Text: how the factor gets its unit. `"variance"` (default) fixes the variance at 1 (in the last class,
#'   if it differs by class) and leaves all loadings free; `"loading"` fixes the first loading at 1 and leaves the
#'   variance free. See Details.
#' @details With `scale = "variance"` the unit of the factor is its standard deviation within a class, given its
#' predictors and the cluster: a loading is the change of the outcome's linear predictor (in the outcome's unit;
#' logits or
#' probits for categories) per standard deviation, and scores, class-specific means and coefficients of predictors are
#' in
#' standard deviations. Its sign is arbitrary: with it all loadings change theirs. With `scale = "loading"` the unit is
#' that of the first outcome's linear predictor, which the factor has its sign from, and the (residual) variance is
#' estimated. With random effects of the factor, `(1 | school)`, the variance that is fixed is that within clusters. The
#' fit and the classes are the same on both scales. The mean is 0 in the last class, or everywhere without classes.
#' @return A list of class `mlmix_factor` with `name`, `level`, `scale`, `formula`, `variance` (the class variables it
#'   varies by) and the parsed `equation`.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, equations (2), (3), (5) and (36).
#' @seealso [mixture_model()], which puts declarations together; [factor_scores()]; [fma()], [irt()].
#' @examples
#' latent_factor("f", ~ c + (1 | school), scale = "loading")
#' latent_factor("g", level = "between")
#' @export
latent_factor <- function(name, formula = ~ 1, level = c("within", "between"), variance = ~ 1,
                          scale = c("variance", "loading")) {
  check_latent_name(name)
  level <- check_choice(level, c("within", "between"), "level")
  scale <- check_choice(scale, c("variance", "loading"), "scale")
  equation <- parse_equation(formula, "formula", lhs = "none")
  if (level == "between" && length(equation$random) > 0) {
    abort_spec(c(
      "The between factor {.val {name}} cannot have random effects.",
      x = "You gave {.code {deparse1(formula)}}.",
      i = "It varies over clusters already."
    ))
  }
  structure(
    list(
      name = name, level = level, scale = scale, formula = formula, equation = equation,
      variance = parse_by(variance, "variance")
    ),
    class = "mlmix_factor"
  )
}

#' @export
print.mlmix_factor <- function(x, ...) {
  cat(paste0(describe_factor(x), "\n"), sep = "")
  invisible(x)
}
