# outcome(): the equation of one observed variable, or of several alike.

#' The equation of an outcome
#'
#' @param formula Formula. On the left one variable, `c(y1, y2, z)`, a numbered range `u1:u17`, or
#'   `cbind(successes, failures)`; each variable gets its own coefficients. On the right covariates (any R
#'   transformation), class variables, factors, their interactions, and random effects `(1 + x | school)`, `||` for
#'   uncorrelated ones. With a class variable `c`, `c + x` lets the intercept differ by class, `c * x` also the slope,
#'   `c * f` the loading of factor `f`; `c1:c2` gives an intercept for each pair of classes. Coefficients are reported
#'   for each class, never as contrasts. A second class variable that is only added (`c1 + c2`) has the effect 0 in its
#'   last class.
#' @param family Response family, default `gaussian()`; see [families]. Unlike the one-line models, `outcome()` does not
#'   choose by the data: items of two categories need `family = bernoulli()`. Where no family is given and all values
#'   are 0 or 1, a message says so (class `mlmix_message_family`).
#' @param variance One-sided formula, default `~ 1`: `~ c` gives a residual variance (for counts with a
#'   dispersion) for each class.
#' @param level Text, default `"within"`; `"between"` for an outcome of the clusters.
#' @param like `NULL` (default) or names of outcomes, as on the left of a formula: the outcomes here share all
#'   coefficients, thresholds and residual variances with those, one by one. Random effects keep their own variances.
#' @return A list of class `mlmix_outcome` with `names`, `family`, `level`, `variance`, `like`, `formula` and the parsed
#'   `equation`.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, equations (1), (6) and (22).
#' @seealso [mixture_model()], [families], [parameters()].
#' @examples
#' outcome(y ~ c * x + (1 | id))
#' outcome(u1:u17 ~ c, family = bernoulli())
#' outcome(spring1:spring10 ~ c2, family = bernoulli(), like = fall1:fall10)
#' @export
outcome <- function(formula, family = stats::gaussian(), variance = ~ 1, level = c("within", "between"), like = NULL) {
  assumed <- missing(family)
  family <- as_family(family)
  level <- check_choice(level, c("within", "between"), "level")
  equation <- parse_equation(formula, "formula", lhs = "required")
  like <- rlang::enquo(like)
  like <- if (rlang::quo_is_null(like)) {
    NULL
  } else {
    expand_names(rlang::quo_get_expr(like), rlang::quo_get_env(like), "like", evaluate = TRUE)
  }
  out <- new_outcome(formula, equation, family, parse_by(variance, "variance"), level, like)
  if (assumed) out$assumed <- TRUE
  out
}

new_outcome <- function(formula, equation, family, variance, level, like, call = rlang::caller_env()) {
  names <- equation$lhs
  if (!is.null(equation$trials)) {
    if (family$type != "bernoulli") {
      abort_spec(c(
        "{.code cbind(successes, failures)} needs {.code family = binomial()}.",
        x = "You gave {.fn {family$type}}."
      ), call = call)
    }
    family <- new_family("binomial", family$link)
  }
  if (!is.null(like) && length(like) != length(names)) {
    abort_spec(c(
      "{.arg like} must name as many outcomes as the left-hand side.",
      x = "The left-hand side has {length(names)}, {.arg like} has {length(like)}."
    ), call = call)
  }
  if (length(variance) > 0 && !has_residual_variance(family$type) && !has_dispersion(family$type) &&
        family$type != "auto") {
    abort_spec(c(
      "{.arg variance} does not apply: {.fn {family$type}} has no residual variance.",
      i = "Leave it out; the distribution already differs by class where the intercept does."
    ), call = call)
  }
  if (level == "between" && length(equation$random) > 0) {
    abort_spec(c(
      "A between outcome cannot have random effects.",
      x = "You gave {.code {deparse1(formula)}}.",
      i = "There is one value for each cluster."
    ), call = call)
  }
  structure(
    list(
      names = names, family = family, level = level, variance = variance, like = like,
      formula = formula, equation = equation
    ),
    class = "mlmix_outcome"
  )
}

#' @export
print.mlmix_outcome <- function(x, ...) {
  cat(paste0(describe_outcome(x), "\n"), sep = "")
  invisible(x)
}
