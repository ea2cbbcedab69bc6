# The standard R generics: logLik (and so AIC and BIC), nobs, coef, vcov, confint, formula, update.

#' Standard methods for fits
#'
#' @param object,x A fit from [mlmix()].
#' @param fixed `FALSE` (default) or `TRUE`: whether `coef()` includes fixed parameters.
#' @param parm Parameter names or numbers, default all free parameters.
#' @param level Number between 0 and 1, default 0.95.
#' @param ... For `update()`: arguments of [mlmix()] to change. Otherwise not used.
#' @param evaluate `TRUE` (default), or `FALSE` for the changed call.
#' @return `logLik()`: the log-likelihood with attributes `df` (free parameters less constraints) and `nobs`; from it
#'   [AIC()] and [BIC()], which uses the number of units. `nobs()`: the number of cases. `coef()`: a named vector.
#'   `vcov()`: their covariance matrix, of the kind that `se` asked for; `NA` where a parameter has no standard error.
#'   `confint()`: a matrix of limits (on the log scale for variances). `formula()`: the model. `update()`: a new fit.
#' @name mlmix-methods
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' logLik(fit)
#' BIC(fit)
#' confint(fit, "A~1[c=1]")
NULL

#' @rdname mlmix-methods
#' @export
logLik.mlmix <- function(object, ...) {
  structure(object$log_likelihood, df = object$n_free, nobs = object$n, class = "logLik")
}

#' @rdname mlmix-methods
#' @export
nobs.mlmix <- function(object, ...) object$n

#' @rdname mlmix-methods
#' @export
coef.mlmix <- function(object, fixed = FALSE, ...) {
  values <- stats::setNames(object$parameters$estimate, object$parameters$name)
  if (check_flag(fixed, "fixed")) values else values[object$free]
}

#' @rdname mlmix-methods
#' @export
vcov.mlmix <- function(object, ...) {
  if (is.null(object$vcov)) {
    abort_spec(c(
      "The fit has no covariance matrix: it was made with {.code se = \"none\"}.",
      i = "Use {.code update(fit, se = \"robust\")}."
    ))
  }
  object$vcov
}

#' @rdname mlmix-methods
#' @export
confint.mlmix <- function(object, parm, level = 0.95, ...) {
  table <- natural_estimates(object, check_level(level), fixed = FALSE)
  limits <- as.matrix(table[c("conf.low", "conf.high")])
  tail <- (1 - level) / 2
  dimnames(limits) <- list(table$name, paste(format(100 * c(tail, 1 - tail), trim = TRUE), "%"))
  if (missing(parm)) return(limits)
  unknown <- if (is.character(parm)) setdiff(parm, table$name) else setdiff(parm, seq_along(table$name))
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg parm} names {.val {unknown}}, which {?is/are} no free parameter{?s} of the fit.",
      suggest_names(as.character(unknown[[1]]), table$name, "Parameters")
    ))
  }
  limits[parm, , drop = FALSE]
}

#' @rdname mlmix-methods
#' @export
formula.mlmix <- function(x, ...) x$model

#' @rdname mlmix-methods
#' @export
update.mlmix <- function(object, ..., evaluate = TRUE) {
  call <- object$call
  changes <- match.call(expand.dots = FALSE)$...
  if (length(changes) > 0 && (is.null(names(changes)) || any(names(changes) == ""))) {
    abort_spec(c(
      "{.fn update} takes named arguments of {.fn mlmix}.",
      i = "For example {.code update(fit, starts = c(100, 20))}."
    ))
  }
  for (name in names(changes)) call[[name]] <- changes[[name]]
  if (check_flag(evaluate, "evaluate")) eval(call, parent.frame()) else call
}
