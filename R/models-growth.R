# growth_mixture(): classes of growth curves, for data with one row for each time.

#' Growth mixture model
#'
#' Each individual belongs to a class with its own mean curve and varies around it. The data are long: one row for each
#' individual and time.
#'
#' @param formula Formula such as `y ~ time + (1 + time | id)`: the curve and what varies between individuals.
#' @param k Whole number: how many classes of curves.
#' @param predictors One-sided formula or `NULL` (default): predictors of the class, constant within individuals.
#' @param variances Text: the covariance matrix of the individual effects, `"equal"` (default) across classes or
#'   `"varying"`.
#' @param residual Text: the residual variance, `"equal"` (default) across classes or `"varying"`.
#' @param family Response family, default `gaussian()`; see [families].
#' @param class Text, default `"c"`: the name of the class variable.
#' @return A model, as from [mixture_model()].
#' @references Muthén, B. and Shedden, K. (1999). Finite mixture modeling with mixture outcomes using the EM algorithm.
#'   *Biometrics*, 55, 463--469.
#' @seealso [mixture_regression()]; [plot.mlmix()] with `type = "growth"`; the vignette `vignette("growth-mixtures")`.
#' @examples
#' # two groups of 30 that learn at different speed
#' set.seed(1)
#' pupil <- rep(1:60, each = 4)
#' speed <- rep(1:2, each = 120)
#' scores <- data.frame(pupil, time = 0:3)
#' scores$y <- rnorm(60)[pupil] + speed * scores$time + rnorm(240, sd = 0.5)
#' model <- growth_mixture(y ~ time + (1 | pupil), k = 2)
#' fit <- mlmix(model, scores, starts = c(3, 1), seed = 1)
#' estimates(fit)
#' class_sizes(fit)
#' @export
growth_mixture <- function(formula, k, predictors = NULL, variances = c("equal", "varying"),
                           residual = c("equal", "varying"), family = stats::gaussian(), class = "c") {
  assumed <- missing(family)
  check_whole_names(sys.call(), formals())
  variances <- check_choice(variances, c("equal", "varying"), "variances")
  residual <- check_choice(residual, c("equal", "varying"), "residual")
  equation <- parse_equation(formula, "formula")
  if (length(equation$random) == 0) {
    abort_spec(c(
      "{.arg formula} needs random effects, which say who is measured repeatedly.",
      x = "You gave {.code {deparse1(formula)}}.",
      i = "Write for instance {.code y ~ time + (1 + time | id)}."
    ))
  }
  k <- check_count(k, "k")
  components <- regression_by_class(formula, equation, k, class, family, residual, "between", predictors,
    assumed = assumed)
  if (variances == "varying") {
    components <- c(components, varying_effects(equation, class))
  }
  new_model(components)
}

# Covariances and variances of all random effects of an equation by class.
varying_effects <- function(equation, class) {
  parts <- lapply(equation$random, function(part) {
    labels <- c(if (part$intercept) "", vapply(part$terms, function(t) paste0(".", paste(t, collapse = ":")), ""))
    names <- paste0(equation$lhs, labels, "@", part$group)
    c(lapply(names, new_covary, by = class), if (part$correlated && length(names) > 1) list(new_covary(names, class)))
  })
  unlist(parts, recursive = FALSE)
}
