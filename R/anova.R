# anova(): likelihood-ratio tests of nested fits, scaled when standard errors are robust.

#' Likelihood-ratio tests of nested fits
#'
#' The test statistic of fits with robust standard errors is divided by the scaling correction of Satorra and Bentler
#' for differences, (p0 c0 - p1 c1) / (p0 - p1), with p parameters and scaling factor c of each fit.
#'
#' Fits with different numbers of classes differ by parameters at the boundary of their space: the test then has no
#' chi-squared distribution, and a warning says so.
#'
#' @param object,... Two or more fits of nested models to the same data.
#' @param scaled `TRUE` (default) or `FALSE`: whether to scale where all fits have robust standard errors.
#' @return A data frame of class `anova`, fits by their number of parameters: `n_parameters`, `logLik`, `AIC`, `BIC`,
#'   `Chisq` (against the fit before; scaled if so), `Df`, `Pr(>Chisq)`. Scaled tests have the column `scaling` (of
#'   the difference); where it is not positive the test cannot be computed and is `NA`.
#' @references Satorra, A. and Bentler, P. M. (2001). A scaled difference chi-square test statistic for moment
#'   structure analysis. *Psychometrika*, 66, 507-514.
#' @examples
#' free <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' one <- mlmix(lca(c(A, B, C, D, E, F, G), k = 1), carcinoma, starts = 1, seed = 1)
#' suppressWarnings(anova(one, free))
#' @export
anova.mlmix <- function(object, ..., scaled = TRUE) {
  scaled <- check_flag(scaled, "scaled")
  fits <- list(object, ...)
  labels <- vapply(as.list(substitute(list(object, ...)))[-1], function(x) paste(deparse(x), collapse = ""), "")
  check_same_data(fits, "anova")
  order <- order(vapply(fits, function(fit) fit$n_free, 1))
  fits <- fits[order]
  df <- vapply(fits, function(fit) as.numeric(fit$n_free), 0)
  log_lik <- vapply(fits, function(fit) fit$log_likelihood, 0)
  robust <- scaled && all(vapply(fits, has_scaling, TRUE))
  correction <- rep(NA_real_, length(fits))
  if (robust) {
    weighted <- df * vapply(fits, function(fit) number_or_na(fit$scaling), 0)
    correction <- c(NA_real_, diff(weighted) / diff(df))
    correction[!is.na(correction) & correction <= 0] <- NA_real_
  }
  change <- c(NA_real_, diff(df))
  chisq <- c(NA_real_, 2 * diff(log_lik)) / if (robust) correction else 1
  change[!is.na(change) & change == 0] <- NA_real_
  warn_not_nested(fits, chisq)
  table <- data.frame(
    n_parameters = df, logLik = log_lik, AIC = vapply(fits, stats::AIC, 0), BIC = vapply(fits, stats::BIC, 0),
    Chisq = chisq, Df = change, p = stats::pchisq(pmax(chisq, 0), change, lower.tail = FALSE),
    row.names = make.unique(labels[order])
  )
  names(table)[[7]] <- "Pr(>Chisq)"
  if (robust) table$scaling <- correction
  heading <- paste0("Likelihood-ratio tests", if (robust) ", scaled for robust standard errors", "\n")
  structure(table, heading = heading, class = c("anova", "data.frame"))
}

has_scaling <- function(fit) fit$options$se == "robust" && !is.na(number_or_na(fit$scaling))

check_same_data <- function(fits, what, call = rlang::caller_env()) {
  if (length(fits) < 2 && what == "anova") {
    abort_spec(c(
      "{.fn anova} compares two or more fits.", x = "You gave one.",
      i = "For tests of single parameters see {.fn estimates}."
    ), call = call)
  }
  for (fit in fits) check_fit(fit, call, "...")
  same <- vapply(fits, function(fit) {
    setequal(fit$data$row_used, fits[[1]]$data$row_used) && isTRUE(all.equal(fit$n, fits[[1]]$n))
  }, TRUE)
  if (!all(same)) {
    sizes <- vapply(fits, function(fit) fit$n, 0)
    abort_data(c(
      "The fits must use the same rows of the same data.", x = "They use {sizes} cases.",
      i = "A fit whose predictors have missing values leaves rows out: fit all to the complete rows."
    ), call = call)
  }
}

warn_not_nested <- function(fits, chisq) {
  numbers <- lapply(fits, function(fit) vapply(fit_classes(fit), function(cl) cl$k, 1))
  total <- vapply(numbers, function(k) prod(k), 1)
  if (length(unique(total)) > 1) {
    cli::cli_warn(c(
      "The fits differ in their number of classes, so the statistic has no chi-squared distribution.",
      i = "Compare information criteria with {.fn compare_models}, or use a bootstrap test."
    ), class = "mlmix_warning_boundary")
  }
  if (any(chisq < -1e-4, na.rm = TRUE)) {
    cli::cli_warn(c(
      "A model with more parameters has a lower log-likelihood than one with fewer.",
      i = "Either the models are not nested, or the larger one has not found its maximum: use more {.arg starts}."
    ), class = "mlmix_warning_convergence")
  }
}
