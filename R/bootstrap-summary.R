# What is read from a bootstrap: its summary, covariance matrix and confidence intervals.

# The replications that converged, one row for each and one column for each quantity; in the order of the fit's.
bootstrap_matrix <- function(boot) {
  used <- boot$fits$replication[boot$fits$status == "converged"]
  names <- boot$original$name
  rows <- match(boot$estimates$replication, used)
  columns <- match(boot$estimates$name, names)
  values <- matrix(NA_real_, length(used), length(names), dimnames = list(used, names))
  inside <- !is.na(rows) & !is.na(columns)
  values[cbind(rows, columns)[inside, , drop = FALSE]] <- boot$estimates$estimate[inside]
  values
}

#' @param x,object From `bootstrap()`.
#' @param level Number between 0 and 1, default 0.95: of the percentile intervals.
#' @param ... Not used.
#' @rdname bootstrap
#' @export
summary.mlmix_bootstrap <- function(object, level = 0.95, ...) {
  values <- bootstrap_matrix(object)
  limits <- bootstrap_limits(object, check_level(level), "percentile")
  data.frame(
    name = object$original$name, estimate = object$original$estimate,
    bias = colMeans(values, na.rm = TRUE) - object$original$estimate,
    std.error = apply(values, 2, stats::sd, na.rm = TRUE), conf.low = limits[, 1], conf.high = limits[, 2],
    std.error.fit = object$original$std.error, n = colSums(!is.na(values)), row.names = NULL
  )
}

#' @param conf.level As `level`.
#' @rdname bootstrap
#' @method tidy mlmix_bootstrap
#' @export
tidy.mlmix_bootstrap <- function(x, conf.level = 0.95, ...) {
  table <- summary(x, check_level(conf.level, "conf.level"))
  names(table)[[1]] <- "term"
  table[c("term", "estimate", "bias", "std.error", "conf.low", "conf.high")]
}

#' @rdname bootstrap
#' @export
vcov.mlmix_bootstrap <- function(object, ...) stats::cov(bootstrap_matrix(object), use = "pairwise.complete.obs")

#' @param row.names,optional Not used.
#' @rdname bootstrap
#' @export
as.data.frame.mlmix_bootstrap <- function(x, row.names = NULL, optional = FALSE, ...) {
  used <- x$estimates$replication %in% x$fits$replication[x$fits$status == "converged"]
  rows <- x$estimates[used, , drop = FALSE]
  rows$original <- x$original$estimate[match(rows$name, x$original$name)]
  rownames(rows) <- NULL
  rows
}

#' @rdname bootstrap
#' @export
print.mlmix_bootstrap <- function(x, ...) {
  how <- if (x$type == "parametric") "Parametric bootstrap" else paste("Bootstrap of", x$n_units, x$unit)
  x$fits$model <- rep("", nrow(x$fits))
  cat(how, ": ", plural(x$replications, "replication"), "\n", study_counts(x, ""), "\n\n", sep = "")
  table <- summary(x)
  if (any(table$n > 0)) {
    columns <- c(estimate = "estimate", bias = "bias", std.error = "std.error", conf.low = "conf.low",
      conf.high = "conf.high", std.error.fit = "(of the fit)", n = "n")
    shown <- lapply(table[names(columns)], study_number)
    shown$n <- format(table$n, trim = TRUE)
    names(shown) <- columns
    print_within(data.frame(parameter = table$name, shown, check.names = FALSE))
    cat("\nstd.error: standard deviation of the replications; limits: 95 % percentile interval\n")
  }
  invisible(x)
}

# Intervals ------------------------------------------------------------------------------------------------------------
#
# With theta the estimate, theta*_q the q quantile of the replications, b and s their bias and standard deviation, G
# their distribution function and a = (1 - level) / 2:
#
#   percentile       theta*_a, theta*_(1-a)
#   basic            2 theta - theta*_(1-a), 2 theta - theta*_a
#   normal           theta - b -+ z_(1-a) s
#   bias-corrected   theta*_q with q = Phi(2 z0 -+ z_(1-a)), z0 = Phi^-1(G(theta))
#
# Davison and Hinkley (1997), chapter 5; Efron and Tibshirani (1993), chapter 14 (with acceleration 0).

#' Bootstrap confidence intervals
#'
#' @param object From [bootstrap()].
#' @param parm Names of parameters or of quantities of `statistic`, or numbers; default all.
#' @param level Number between 0 and 1, default 0.95.
#' @param kind Text: `"percentile"` (default), quantiles of the replications; `"basic"`, these reflected at the
#'   estimate; `"normal"`, the estimate less its bias with the bootstrap standard error; `"bias-corrected"`, quantiles
#'   moved by the median bias (BC).
#' @param ... Not used.
#' @return A matrix of limits, one row for each parameter or quantity.
#' @references Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap methods and their application*. Cambridge University
#'   Press. Efron, B. and Tibshirani, R. J. (1993). *An introduction to the bootstrap*. Chapman & Hall.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' boot <- bootstrap(fit, replications = 10, seed = 1)
#' confint(boot, "c#1~1", kind = "basic")
#' @export
confint.mlmix_bootstrap <- function(object, parm, level = 0.95,
                                    kind = c("percentile", "basic", "normal", "bias-corrected"), ...) {
  kind <- check_choice(kind, c("percentile", "basic", "normal", "bias-corrected"), "kind")
  limits <- bootstrap_limits(object, check_level(level), kind)
  if (missing(parm)) limits else limits[check_parm(parm, object$original$name), , drop = FALSE]
}

bootstrap_limits <- function(boot, level, kind) {
  values <- bootstrap_matrix(boot)
  tail <- (1 - level) / 2
  limits <- vapply(seq_along(boot$original$name), function(i) {
    one <- values[!is.na(values[, i]), i]
    if (length(one) < 2) return(c(NA_real_, NA_real_))
    bootstrap_interval(one, boot$original$estimate[[i]], tail, kind)
  }, c(0, 0))
  structure(t(limits), dimnames = list(boot$original$name, limit_names(tail)))
}

bootstrap_interval <- function(values, estimate, tail, kind) {
  at <- function(q) unname(stats::quantile(values, q))
  z <- stats::qnorm(c(tail, 1 - tail))
  if (kind == "percentile") return(at(c(tail, 1 - tail)))
  if (kind == "basic") return(2 * estimate - at(c(1 - tail, tail)))
  if (kind == "normal") return(2 * estimate - mean(values) + z * stats::sd(values))
  z0 <- stats::qnorm(mean(values < estimate) + mean(values == estimate) / 2)
  if (!is.finite(z0)) return(c(NA_real_, NA_real_)) # all replications on one side
  at(stats::pnorm(2 * z0 + z))
}

limit_names <- function(tail) paste(format(100 * c(tail, 1 - tail), trim = TRUE), "%")

# Names or numbers among `names`, as positions.
check_parm <- function(parm, names, call = rlang::caller_env()) {
  unknown <- if (is.character(parm)) setdiff(parm, names) else setdiff(parm, seq_along(names))
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg parm} names {.val {unknown}}, which {?is/are} no free parameter{?s} of the fit.",
      suggest_names(as.character(unknown[[1]]), names, "Parameters")
    ), call = call)
  }
  if (is.character(parm)) match(parm, names) else as.integer(parm)
}
