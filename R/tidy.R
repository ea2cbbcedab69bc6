# tidy() and glance(): estimates and fit statistics with broom's column names.

#' @importFrom generics tidy
#' @export
generics::tidy

#' @importFrom generics glance
#' @export
generics::glance

#' @importFrom generics augment
#' @export
generics::augment

#' Estimates with broom's column names
#'
#' As [estimates()], with the parameter's full name in `term`, which tools such as modelsummary expect.
#'
#' @param x A fit from [mlmix()].
#' @param conf.int `FALSE` (default) or `TRUE`: whether to include confidence limits.
#' @param conf.level Number between 0 and 1, default 0.95.
#' @param ... Passed to [estimates()]: `scale`, `fixed`.
#' @return A data frame with `term` (the parameter's name; on the probability scale the outcome, its category and the
#'   class pattern), `estimate`, `std.error`, `statistic`, `p.value`, `conf.low` and `conf.high` (with `conf.int`),
#'   `level`, `target`, `class`, `status`. A tibble where the tibble package is installed.
#' @seealso [estimates()], [glance.mlmix()], [augment.mlmix()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' tidy(fit, conf.int = TRUE)
#' @method tidy mlmix
#' @export
tidy.mlmix <- function(x, conf.int = FALSE, conf.level = 0.95, ...) {
  conf.int <- check_flag(conf.int, "conf.int")
  table <- estimates(x, level = check_level(conf.level, "conf.level"), ...)
  if (is.null(table$name)) {
    table$name <- paste0(table$target, "=", table$term, ifelse(table$class == "", "", paste0("[", table$class, "]")))
    class <- table$target %in% names(fit_classes(x))
    table$name[class] <- sub("^[^=]*=", "", table$name[class])
  }
  columns <- c("estimate", "std.error", "statistic", "p.value", if (conf.int) c("conf.low", "conf.high"),
    "level", "target", "class", "status")
  as_tibble_if_any(data.frame(term = table$name, table[columns], stringsAsFactors = FALSE))
}

#' Fit statistics in one row
#'
#' @param x A fit from [mlmix()].
#' @param ... Not used.
#' @return A data frame (a tibble where the tibble package is installed) of one row: `logLik`, `npar` (free parameters
#'   less constraints), `AIC`, `BIC`, `aBIC` (BIC with (n + 2) / 24 for n), `entropy` (relative, 1 for certain
#'   classes; `NA` without class variables), `n` (cases, by frequency), `n_clusters` (`NA` without clusters),
#'   `scaling` (of robust likelihood-ratio tests), `converged`, `replicated` (starts that reached the
#'   log-likelihood), `nobs` (the same as `n`), `log_prior` (log-density of the priors at the estimates, which are then
#'   penalised; `NA` without priors).
#' @references Sclove, S. L. (1987). Application of model-selection criteria to some problems in multivariate
#'   analysis. *Psychometrika*, 52, 333-343.
#' @seealso [compare_models()], [tidy.mlmix()], [augment.mlmix()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' glance(fit)
#' @method glance mlmix
#' @export
glance.mlmix <- function(x, ...) {
  as_tibble_if_any(data.frame(
    logLik = x$log_likelihood, npar = x$n_free, AIC = stats::AIC(x), BIC = stats::BIC(x),
    aBIC = information_criterion(x, log((x$n + 2) / 24)), entropy = entropy(x), n = x$n,
    n_clusters = if (is.null(x$data$cluster)) NA_integer_ else as.integer(x$n_clusters),
    scaling = number_or_na(x$scaling), converged = is_converged(x),
    replicated = integer_or_na(x$replicated), nobs = x$n,
    log_prior = if (has_priors(x)) x$log_prior else NA_real_
  ))
}

number_or_na <- function(x) if (is.null(x) || length(x) != 1 || !is.finite(x)) NA_real_ else as.numeric(x)
integer_or_na <- function(x) if (length(x) != 1) NA_integer_ else as.integer(x)
is_converged <- function(fit) identical(fit$convergence$status, "converged")

information_criterion <- function(fit, per_parameter) -2 * fit$log_likelihood + per_parameter * fit$n_free

as_tibble_if_any <- function(x) if (rlang::is_installed("tibble")) tibble::as_tibble(x) else x
