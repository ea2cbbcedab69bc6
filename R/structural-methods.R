# What three_step() and two_step() give to R's generics, and to functions that take a fit for its estimates.

# A fit, or the estimates of a later step as functions of parameters need them: list(parameters, free, vcov, options,
# groups). The fixed parameters of a second step are among them, the assignment errors of a third are not.
estimated_part <- function(x, call = rlang::caller_env(), arg = "fit") {
  if (inherits(x, "mlmix")) {
    x$groups <- term_groups(x$data$designs)
    return(x)
  }
  if (!inherits(x, "mlmix_structural")) {
    abort_spec(c(
      "{.arg {arg}} must come from {.fn mlmix}, {.fn three_step} or {.fn two_step}.", x = "You gave {describe(x)}."
    ), call = call)
  }
  e <- x$estimates
  p <- data.frame(
    e[c("name", "level", "kind", "target", "term", "class", "estimate", "std.error", "status")], free = TRUE,
    lower = ifelse(e$kind %in% c("variance", "dispersion"), 0, -Inf), upper = Inf, stringsAsFactors = FALSE
  )
  if (inherits(x, "mlmix_two_step")) {
    fixed <- x$fit$parameters[!x$fit$parameters$name %in% p$name, , drop = FALSE]
    p <- rbind(p, fixed[names(p)])
  }
  list(
    parameters = p, free = seq_len(nrow(e)), vcov = x$vcov, options = list(se = "robust"), groups = x$predictors,
    data = list(merged = x$fit$data$merged)
  )
}

# Limits of another level; variances on the log scale, as in estimates().
structural_limits <- function(x, level) {
  part <- estimated_part(x)
  natural_estimates(list(parameters = part$parameters[part$free, ]), level, fixed = FALSE)
}

#' @export
tidy.mlmix_structural <- function(x, conf.int = FALSE, conf.level = 0.95, ...) {
  conf.int <- check_flag(conf.int, "conf.int")
  table <- structural_limits(x, check_level(conf.level, "conf.level"))
  columns <- c("estimate", "std.error", "statistic", "p.value", if (conf.int) c("conf.low", "conf.high"),
    "level", "target", "class", "status")
  as_tibble_if_any(data.frame(term = table$name, table[columns], stringsAsFactors = FALSE))
}

#' @export
glance.mlmix_structural <- function(x, ...) {
  three <- inherits(x, "mlmix_three_step")
  as_tibble_if_any(data.frame(
    method = if (three) paste("three-step", x$method) else "two-step",
    assignment = if (three) x$assignment else NA_character_, npar = length(x$coefficients), corrected = x$corrected,
    converged = if (is.null(x$fit)) NA else is_converged(x$fit), nobs = x$n
  ))
}

#' @export
confint.mlmix_structural <- function(object, parm, level = 0.95, ...) {
  table <- structural_limits(object, check_level(level))
  chosen <- if (missing(parm)) seq_len(nrow(table)) else check_parm(parm, table$name)
  limit_matrix(table[chosen, ], level)
}

#' @export
coef.mlmix_structural <- function(object, ...) object$coefficients

#' @export
vcov.mlmix_structural <- function(object, ...) object$vcov

#' @export
nobs.mlmix_structural <- function(object, ...) object$n
