# The standard R generics: logLik (and so AIC and BIC), nobs, coef, vcov, formula, update; confint is in confint.R.

#' Standard methods for fits
#'
#' @param object,x A fit from [mlmix()].
#' @param fixed `FALSE` (default) or `TRUE`: whether `coef()` includes fixed parameters.
#' @param ... For `update()`: arguments of [mlmix()] to change. Otherwise not used.
#' @param evaluate `TRUE` (default), or `FALSE` for the changed call.
#' @return `logLik()`: the log-likelihood with attributes `df` (free parameters less constraints) and `nobs`; from it
#'   [AIC()] and [BIC()], which uses the number of units. `nobs()`: the number of cases. `coef()`: a named vector.
#'   `vcov()`: their covariance matrix, of the kind that `se` asked for; `NA` where a parameter has no standard error.
#'   `formula()`: the model. `update()`: a new fit.
#' @seealso [confint.mlmix()] for confidence intervals.
#' @name mlmix-methods
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' logLik(fit)
#' BIC(fit)
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
    if (object$options$se != "none") {
      abort_spec("The fit has no covariance matrix: the information matrix could not be inverted.")
    }
    abort_spec(c(
      "The fit has no covariance matrix: it was made with {.code se = \"none\"}.",
      i = "Use {.code update(fit, se = \"robust\")}."
    ))
  }
  object$vcov
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
  if (!check_flag(evaluate, "evaluate")) return(call)
  if (!"model" %in% names(changes)) call$model <- same_model(call$model, object, parent.frame())
  eval(call, parent.frame())
}

# The model as the call has it, or the fit's own where what the call names is not here, as in another session.
same_model <- function(expr, fit, env) {
  found <- tryCatch(eval(expr, env), error = function(e) NULL)
  if (inherits(found, "mlmix_model") && identical(format(found), format(fit$model))) expr else fit$model
}
