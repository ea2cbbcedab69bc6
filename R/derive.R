# derive(): functions of the parameters with standard errors.

#' Functions of the parameters
#'
#' Computes any function of the estimates with its standard error by the delta method (numeric derivatives).
#'
#' The ggplot2 package has a function of the same name. If it is attached after mlmix, write `mlmix::derive()`.
#'
#' @param fit A fit from [mlmix()], or a result of [three_step()] or [two_step()].
#' @param ... Named expressions of parameters, whose names stand in backticks as [estimates()] prints them:
#'   ``difference = `u1~1[c=1]` - `u1~1[c=2]` ``. Each must give one number, or several, which are numbered.
#' @param level Number between 0 and 1, default 0.95.
#' @return A data frame, one row per quantity: `name`, `estimate`, `std.error`, `statistic`, `p.value` (against 0: for a
#'   ratio derive its logarithm), `conf.low`, `conf.high`, `status`. Without a standard error `status` says why:
#'   `"boundary"` where all parameters concerned are held at a boundary, `"not identified"`, `"fixed"`, or that the fit
#'   was made with `se = "none"`; otherwise it is `"free"`. The attribute `"vcov"` is the covariance matrix of the
#'   quantities.
#' @seealso [wald_test()], [estimates()], [confint.mlmix()], [irt_parameters()], [r_squared()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' derive(fit, odds_ratio = exp(`B~1[c=2]` - `B~1[c=1]`), size = plogis(`c#1~1`))
#' @export
derive <- function(fit, ..., level = 0.95) {
  fit <- estimated_part(fit)
  level <- check_level(level)
  quosures <- rlang::enquos(...)
  if (length(quosures) == 0) {
    abort_spec(c(
      "{.fn derive} needs at least one expression.",
      i = "For example {.code derive(fit, ratio = exp(`c#1~1`))}."
    ))
  }
  unnamed <- names(quosures) == ""
  names(quosures)[unnamed] <- vapply(quosures[unnamed], rlang::as_label, "")
  names <- c(fit$parameters$name, names(fit$data$merged))
  frame <- rlang::current_env()
  for (quo in quosures) check_expression(quo, names, frame)
  evaluate <- function(theta) {
    mask <- named_parameters(fit, theta)
    lapply(quosures, function(quo) rlang::eval_tidy(quo, data = mask))
  }
  at_estimates <- evaluate(fit$parameters$estimate)
  check_quantities(at_estimates, frame)
  delta <- delta_method(fit, function(theta) as.numeric(unlist(evaluate(theta))))
  labels <- unlist(Map(function(name, value) {
    if (length(value) == 1) name else paste0(name, "[", seq_along(value), "]")
  }, names(at_estimates), at_estimates), use.names = FALSE)
  dimnames(delta$vcov) <- list(labels, labels)
  status <- quantity_status(fit, delta)
  table <- data.frame(
    name = labels, wald_columns(delta$estimate, delta$std_error, level), status = status, stringsAsFactors = FALSE
  )
  structure(readable(table, if (any(status != "free")) "statistic"), vcov = delta$vcov)
}

# Parameters by name, also by the names that equal() took away.
named_parameters <- function(fit, theta) {
  mask <- as.list(stats::setNames(theta, fit$parameters$name))
  merged <- fit$data$merged
  c(mask, stats::setNames(mask[unname(merged)], names(merged)))
}

# Why a function of the parameters has no standard error.
quantity_status <- function(fit, delta) {
  ifelse(delta$fixed, "fixed", ifelse(!is.na(delta$std_error), "free",
    if (is.null(fit$vcov)) "no errors (se = \"none\")" else ifelse(delta$lost, "not identified", "boundary")))
}

# Every variable in the expression must be a parameter or exist where the expression was written.
check_expression <- function(quo, names, call) {
  used <- all.vars(rlang::quo_get_expr(quo))
  env <- rlang::quo_get_env(quo)
  unknown <- Filter(function(name) !name %in% names && !exists(name, envir = env), used)
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.code {unknown[[1]]}} is neither a parameter of the fit nor a variable.",
      suggest_names(unknown[[1]], names, "Parameters"),
      i = "Parameter names stand in backticks; {.code estimates(fit)$name} lists them."
    ), call = call)
  }
}

check_quantities <- function(values, call) {
  for (name in names(values)) {
    value <- values[[name]]
    if (!is.numeric(value) || length(value) == 0) {
      abort_spec(c(
        "The expression {.val {name}} must give numbers.", x = "It gives {describe(value)}."
      ), call = call)
    }
    if (!all(is.finite(value))) {
      abort_spec(c(
        "The expression {.val {name}} is not a finite number at the estimates.", x = "It gives {describe(value)}."
      ), call = call)
    }
  }
}
