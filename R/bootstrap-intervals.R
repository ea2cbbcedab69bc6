# Confidence intervals from a bootstrap.
#
# With theta the estimate and SE its standard error, theta*_q the q quantile of the replications, b and s their bias and
# standard deviation, G their distribution function, t* = (theta* - theta) / SE* and a = (1 - level) / 2:
#
#   percentile       theta*_a, theta*_(1-a)
#   basic            2 theta - theta*_(1-a), 2 theta - theta*_a
#   normal           theta - b -+ z_(1-a) s
#   studentised      theta - t*_(1-a) SE, theta - t*_a SE
#   bias-corrected   theta*_q with q = Phi(2 z0 -+ z_(1-a)), z0 = Phi^-1(G(theta))
#   BCa              theta*_q with q = Phi(z0 + w / (1 - A w)), w = z0 -+ z_(1-a), A the acceleration (acceleration.R)
#
# Efron (1987), Davison and Hinkley (1997), chapter 5.

#' Bootstrap confidence intervals
#'
#' Percentile and basic intervals are simple, and too short in small samples. BCa intervals correct for median bias and
#' for a standard error that changes with the estimate; like percentile intervals they stay where the parameter can be,
#' and transforming a parameter transforms its interval. They are the usual choice, from 1000 replications or more.
#' Studentised intervals are as accurate but depend on the scale, and are erratic where standard errors are, as near a
#' boundary.
#'
#' The acceleration of BCa intervals comes from the influence of each independent unit (row, cluster, person) on the
#' estimate, by its score and the information; for quantities of `statistic` by how they change when a unit weighs more
#' and the estimates move accordingly (more than 100 units in groups). A parameter at a boundary has none, and no BCa
#' interval.
#'
#' @param object From [bootstrap()].
#' @param parm Names of parameters or of quantities of `statistic`, or numbers; default all.
#' @param level Number between 0 and 1, default 0.95.
#' @param kind Text: `"percentile"` (default), quantiles of the replications; `"basic"`, these reflected at the
#'   estimate; `"normal"`, the estimate less its bias with the bootstrap standard error; `"studentised"` (bootstrap-t),
#'   needs `bootstrap(se = TRUE)`; `"bias-corrected"`, quantiles moved by the median bias (BC); `"bca"`, moved by the
#'   median bias and the acceleration.
#' @param ... Not used.
#' @return A matrix of limits, one row for each parameter or quantity; `NA` where the kind of interval does not exist.
#' @references Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap methods and their application*. Cambridge University
#'   Press.
#'
#'   DiCiccio, T. J. and Efron, B. (1996). Bootstrap confidence intervals. *Statistical Science*, 11, 189-228.
#'
#'   Efron, B. (1987). Better bootstrap confidence intervals. *Journal of the American Statistical Association*, 82,
#'   171-185.
#' @seealso [bootstrap()], [confint.mlmix()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' boot <- bootstrap(fit, replications = 40, seed = 1)
#' confint(boot, "c#1~1", kind = "bca")
#' confint(fit, "c#1~1", method = "bootstrap", boot = boot, kind = "basic")
#' @export
confint.mlmix_bootstrap <- function(object, parm, level = 0.95,
                                    kind = c("percentile", "basic", "normal", "studentised", "bias-corrected", "bca"),
                                    ...) {
  kind <- check_choice(kind, eval(formals()$kind), "kind")
  check_kind(object, kind)
  limits <- bootstrap_limits(object, check_level(level), kind)
  if (missing(parm)) limits else limits[check_parm(parm, object$original$name), , drop = FALSE]
}

check_kind <- function(boot, kind, call = rlang::caller_env()) {
  if (kind == "studentised" && is.null(boot$estimates$std.error)) {
    abort_spec(c(
      "{.code kind = \"studentised\"} needs the standard errors of the replications.",
      i = "Make the bootstrap with {.code se = TRUE}."
    ), call = call)
  }
  if (kind == "bca" && is.null(boot$original$acceleration)) {
    abort_spec(c(
      "{.code kind = \"bca\"} needs accelerations, which this bootstrap does not have.",
      i = "It was made with an older version of mlmix."
    ), call = call)
  }
}

bootstrap_limits <- function(boot, level, kind) {
  values <- bootstrap_matrix(boot)
  errors <- if (kind == "studentised") bootstrap_matrix(boot, "std.error")
  tail <- (1 - level) / 2
  limits <- vapply(seq_along(boot$original$name), function(i) {
    seen <- !is.na(values[, i])
    if (sum(seen) < 2) return(c(NA_real_, NA_real_))
    original <- boot$original[i, ]
    if (kind == "studentised") return(studentised_interval(values[, i], errors[, i], original, tail))
    bootstrap_interval(values[seen, i], original$estimate, tail, kind, original$acceleration)
  }, c(0, 0))
  structure(t(limits), dimnames = list(boot$original$name, limit_names(tail)))
}

bootstrap_interval <- function(values, estimate, tail, kind, acceleration = NULL) {
  at <- function(q) unname(stats::quantile(values, q))
  z <- stats::qnorm(c(tail, 1 - tail))
  if (kind == "percentile") return(at(c(tail, 1 - tail)))
  if (kind == "basic") return(2 * estimate - at(c(1 - tail, tail)))
  if (kind == "normal") return(2 * estimate - mean(values) + z * stats::sd(values))
  z0 <- stats::qnorm(mean(values < estimate) + mean(values == estimate) / 2)
  a <- if (kind == "bca") acceleration else 0
  w <- z0 + z
  # All replications on one side, or so strong an acceleration that the quantiles turn back.
  if (!all(is.finite(w)) || is.na(a) || any(a * w >= 1)) return(c(NA_real_, NA_real_))
  at(stats::pnorm(z0 + w / (1 - a * w)))
}

studentised_interval <- function(values, errors, original, tail) {
  t <- (values - original$estimate) / errors
  t <- t[is.finite(t)]
  if (length(t) < 2) return(c(NA_real_, NA_real_))
  original$estimate - unname(stats::quantile(t, c(1 - tail, tail))) * original$std.error
}

limit_names <- function(tail) paste(format(100 * c(tail, 1 - tail), trim = TRUE), "%")

# Names or numbers among `names`, as positions.
# `merged`: names that equal() took away, with those that stand for them.
check_parm <- function(parm, names, merged = NULL, call = rlang::caller_env()) {
  if (is.character(parm)) parm <- ifelse(parm %in% names(merged), merged[parm], parm)
  unknown <- if (is.character(parm)) setdiff(parm, names) else setdiff(parm, seq_along(names))
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg parm} names {.val {unknown}}, which {?is/are} no free parameter{?s} of the fit.",
      suggest_names(as.character(unknown[[1]]), names, "Parameters")
    ), call = call)
  }
  if (is.character(parm)) match(parm, names) else as.integer(parm)
}
