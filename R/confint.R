# confint(): confidence intervals of the parameters: Wald, profile likelihood or bootstrap.

#' Confidence intervals of the parameters
#'
#' Wald intervals use the standard errors of the fit. Profile intervals contain the values that a likelihood-ratio test
#' does not reject: for each limit the model is estimated again with the parameter fixed, from the estimates at the
#' value before, until twice the loss of log-likelihood is the chi-squared quantile. They need no symmetry, so they are
#' better for variances, small classes, and probabilities near 0 or 1, and exist where there is no standard error.
#' Bootstrap intervals come from the replications of [bootstrap()]: percentiles, BCa (Efron, 1987) and others, see
#' `kind` in [confint.mlmix_bootstrap()].
#'
#' Profile intervals rest on the likelihood: they are refused for fits with sampling weights and for fits whose standard
#' errors allow for clusters that are not in the model. A limit stays within the neighbourhood of the fit's solution:
#' where two classes could exchange places, the profile follows the class as it is numbered.
#'
#' @param object A fit from [mlmix()].
#' @param parm Parameter names or numbers (of the free parameters), default all.
#' @param level Number between 0 and 1, default 0.95.
#' @param method Text: `"wald"` (default), `"profile"`, or `"bootstrap"`.
#' @param boot For `method = "bootstrap"`: `NULL` (default) or a result of [bootstrap()] for this fit; without it, one
#'   is made with the arguments in `...`.
#' @param progress For `method = "profile"`: `TRUE` or `FALSE`, whether to show a progress bar, by default in
#'   interactive sessions.
#' @param ... For `method = "bootstrap"`: arguments of [bootstrap()] such as `replications`, or `kind` as in
#'   [confint.mlmix_bootstrap()]. Otherwise not used.
#' @return A matrix of limits, one row for each parameter. Wald limits of variances and dispersions are computed on the
#'   log scale.
#'
#'   Profile limits have two attributes. `"status"`: a data frame with `name`, `side` (`"lower"`, `"upper"`), `limit`,
#'   `status` (`"found"`; `"boundary"`: the parameter reaches the end of its range before the likelihood has fallen far
#'   enough; `"infinite"`: the likelihood does not fall far enough however far the parameter goes; `"failed"`: the limit
#'   is `NA`) and `reason` of a failure. `"profile"`: a data frame with the points of each profile: `name`, `value`,
#'   `deviance` (twice the loss of log-likelihood). The limits of parameters are computed on the \pkg{future} plan in
#'   force, see [monte_carlo()].
#' @references Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence
#'   intervals. *Applied Statistics*, 37, 87-94.
#' @seealso [estimates()], which has Wald limits too; [bootstrap()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' confint(fit, "B~1[c=1]")
#' confint(fit, "B~1[c=1]", method = "profile")
#' @export
confint.mlmix <- function(object, parm, level = 0.95, method = c("wald", "profile", "bootstrap"), boot = NULL,
                          progress = interactive(), ...) {
  frame <- rlang::current_env()
  level <- check_level(level)
  method <- check_choice(method, c("wald", "profile", "bootstrap"), "method")
  table <- natural_estimates(object, level, fixed = FALSE)
  chosen <- if (missing(parm)) seq_len(nrow(table)) else check_parm(parm, table$name, object$data$merged)
  if (method == "bootstrap") {
    # by name, so that no argument in `...` is taken for one of these
    return(bootstrap_confint(fit = object, names = table$name[chosen], level = level, boot = boot, ..., call = frame))
  }
  if (method == "profile") {
    return(profile_confint(object, table$name[chosen], level, check_flag(progress, "progress"), frame))
  }
  limit_matrix(table[chosen, ], level)
}

# The limits of a table of estimates as confint() gives them.
limit_matrix <- function(table, level) {
  limits <- as.matrix(table[c("conf.low", "conf.high")])
  dimnames(limits) <- list(table$name, limit_names((1 - level) / 2))
  limits
}

bootstrap_confint <- function(fit, names, level, boot, kind = "percentile", ..., call) {
  if (is.null(boot)) boot <- bootstrap(fit, ...)
  if (!inherits(boot, "mlmix_bootstrap")) {
    abort_spec(c(
      "{.arg boot} must be a result of {.fn bootstrap}.", x = "You gave {describe(boot)}."
    ), call = call)
  }
  place <- match(names, boot$original$name)
  own <- fit$parameters$estimate[match(names, fit$parameters$name)]
  if (anyNA(place) || !isTRUE(all.equal(boot$original$estimate[place], own, tolerance = 1e-8))) {
    abort_spec(c(
      "{.arg boot} belongs to another fit.", i = "Make one with {.code bootstrap(fit)}, or leave {.arg boot} out."
    ), call = call)
  }
  stats::confint(boot, names, level, kind = kind)
}

profile_confint <- function(fit, names, level, progress, call) {
  check_profile(fit, call)
  check_maximum(fit, call)
  sides <- expand.grid(side = c("lower", "upper"), name = names, stringsAsFactors = FALSE)
  critical <- stats::qchisq(level, 1)
  limits <- parallel_map(
    seq_len(nrow(sides)), function(row, seed, fit, sides, critical) {
      profile_limit(fit, sides$name[[row]], sides$side[[row]], critical)
    }, fit$seed, progress, fit = fit, sides = sides, critical = critical, label = "Limit", call = call
  )
  status <- data.frame(sides[c("name", "side")], bind_rows(lapply(limits, `[[`, "end")))
  points <- bind_rows(lapply(limits, `[[`, "points"))
  points <- points[!duplicated(points[c("name", "value")]), , drop = FALSE]
  rownames(points) <- NULL
  signal_profile(status)
  structure(
    matrix(status$limit, ncol = 2, byrow = TRUE, dimnames = list(names, limit_names((1 - level) / 2))),
    status = status, profile = points[order(match(points$name, names), points$value), , drop = FALSE],
    class = c("mlmix_profile", "matrix", "array")
  )
}

check_profile <- function(fit, call) {
  weighted <- has_sampling_weights(fit)
  why <- if (weighted) "The fit has sampling weights, with which twice the loss has no chi-squared distribution."
    else if (!is.null(fit$data$robust_cluster))
      "The fit's units depend on each other within clusters, which its likelihood does not know."
  if (!is.null(why)) {
    abort_spec(c(
      "There are no profile likelihood intervals for this fit.", x = why,
      i = "Use {.code method = \"wald\"}, or {.code method = \"bootstrap\"} with {.code type = \"cluster\"}."
    ), call = call)
  }
  if (!is_converged(fit)) {
    abort_spec(c(
      "There are no profile likelihood intervals: the fit has not converged.", i = "See {.code fit$convergence}."
    ), call = call)
  }
}

# The estimation goes on from the estimates: if it gains, every deviance would be too small.
check_maximum <- function(fit, call) {
  again <- fit_again(fit_resolved(fit), fit_weights(fit),
    warm_options(fit$options, fit$parameters$estimate, fit$parameters, se = "none"))
  gain <- penalised_value(again) - penalised_value(fit)
  if (gain > 1e-3) {
    abort_spec(c(
      "There are no profile likelihood intervals: the fit is not at the maximum.",
      x = "From its estimates the log-likelihood still rises by {signif(gain, 3)}.",
      i = "Fit again with more {.arg starts}, or a smaller {.arg tolerance} in {.fn mlmix_control}."
    ), call = call)
  }
}

signal_profile <- function(status) {
  better <- status[status$status == "failed" & grepl("higher log-likelihood", status$reason), , drop = FALSE]
  failed <- status[status$status == "failed", , drop = FALSE]
  if (nrow(better) > 0) {
    cli::cli_warn(c(
      "A higher log-likelihood than the fit's was found: the fit is not at the maximum.",
      i = "Fit again with more {.arg starts}."
    ), class = c("mlmix_warning_convergence", "mlmix_warning"))
  } else if (nrow(failed) > 0) {
    cli::cli_warn(c(
      "{nrow(failed)} limit{?s} could not be found: {.val {paste(failed$name, failed$side)}}.",
      x = "{failed$reason[[1]]}", i = "The attribute {.val status} has the reasons."
    ), class = c("mlmix_warning_convergence", "mlmix_warning"))
  }
}

#' @export
print.mlmix_profile <- function(x, ...) {
  status <- attr(x, "status")
  if (is.null(status)) return(NextMethod())
  print(matrix(as.numeric(x), nrow(x), dimnames = dimnames(x)), ...)
  words <- c(
    boundary = "end of the parameter's range, reached before the likelihood falls far enough",
    infinite = "the likelihood does not fall far enough however far the parameter goes", failed = "not found"
  )
  for (kind in intersect(names(words), status$status)) {
    rows <- status[status$status == kind, , drop = FALSE]
    cat(strwrap(paste0(paste(rows$name, rows$side, collapse = ", "), ": ", words[[kind]]), 80, exdent = 2), sep = "\n")
  }
  invisible(x)
}

#' @export
`[.mlmix_profile` <- function(x, ...) {
  plain <- matrix(as.numeric(x), nrow(x), dimnames = dimnames(x))
  plain[...]
}
