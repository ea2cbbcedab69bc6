# anova(): likelihood-ratio tests of nested fits, scaled when standard errors are robust.
#
# With l, p, c the log-likelihood, number of parameters and scaling factor of the smaller (0) and larger (1) model,
#
#     T = 2 (l1 - l0) / cd,   cd = (p1 c1 - p0 c0) / (p1 - p0)          (Satorra and Bentler 2001)
#
# is chi-squared with d = p1 - p0 degrees of freedom, or, where one of the d parameters is a variance that is 0 under
# the smaller model, an equal mixture of chi-squared with d - 1 and d (Self and Liang 1987; Stram and Lee 1994).

#' Likelihood-ratio tests of nested fits
#'
#' The test statistic of fits with robust standard errors is divided by the scaling correction of Satorra and Bentler
#' for differences, (p0 c0 - p1 c1) / (p0 - p1), with p parameters and scaling factor c of each fit.
#'
#' A variance that is 0 under the smaller model lies at the boundary of the larger one: the statistic is then an equal
#' mixture of chi-squared variables with `Df - 1` and `Df` degrees of freedom, and the plain p-value is too large. This
#' is found by the parameters' names and the p-value is that of the mixture (where the covariances of the random effect
#' with one another are all that is freed beside it, or regular parameters). With two or more such variances there is no
#' simple distribution: the plain p-value, which is too large, is given with a warning, and [blrt()] is a way out.
#'
#' Fits with different numbers of classes differ by parameters at the boundary of their space in another way: the test
#' then has no chi-squared distribution, and a warning says so.
#'
#' That the smaller model is nested in the larger is seen from their parameters: each of its parameters must be free in
#' the larger one, or replaced by several for the classes. Otherwise a warning says that they may not be nested. Fits of
#' different outcomes are refused.
#'
#' @param object,... Two or more fits of nested models to the same data.
#' @param scaled `TRUE` (default) or `FALSE`: whether to scale where all fits have robust standard errors.
#' @param boundary `NULL` (default): the mixture for one variance where it is found; `FALSE`: plain chi-squared
#'   everywhere; `TRUE`: the mixture for every test, also where the variance goes by another name.
#' @return A data frame of class `anova`, fits by their number of parameters: `n_parameters`, `logLik`, `AIC`, `BIC`,
#'   `Chisq` (against the fit before; scaled if so), `Df`, `Pr(>Chisq)`. Scaled tests have the column `scaling` (of
#'   the difference); where it is not positive the test cannot be computed and is `NA`. The attribute `"boundary"` says
#'   for each fit whether its p-value is that of the mixture.
#' @references Satorra, A. and Bentler, P. M. (2001). A scaled difference chi-square test statistic for moment
#'   structure analysis. *Psychometrika*, 66, 507-514.
#'
#'   Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio
#'   tests under nonstandard conditions. *Journal of the American Statistical Association*, 82, 605-610.
#'
#'   Stram, D. O. and Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects model.
#'   *Biometrics*, 50, 1171-1177.
#' @seealso [wald_test()], [compare_models()], [blrt()].
#' @examples
#' free <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' equal <- mixture_model(latent_class("c", 2), outcome(c(A, B, C, D, E, F, G) ~ c, family = bernoulli()),
#'   constrain(equal("B~1[c=1]", "E~1[c=1]")))
#' restricted <- mlmix(equal, carcinoma, starts = c(5, 2), seed = 1)
#' anova(restricted, free)
#' @export
anova.mlmix <- function(object, ..., scaled = TRUE, boundary = NULL) {
  scaled <- check_flag(scaled, "scaled")
  if (!is.null(boundary)) boundary <- check_flag(boundary, "boundary")
  fits <- list(object, ...)
  labels <- vapply(as.list(substitute(list(object, ...)))[-1], function(x) paste(deparse(x), collapse = ""), "")
  check_same_data(fits, "anova")
  order <- order(vapply(fits, function(fit) fit$n_free, 1))
  fits <- fits[order]
  labels <- make.unique(labels[order])
  df <- vapply(fits, function(fit) as.numeric(fit$n_free), 0)
  log_lik <- vapply(fits, function(fit) fit$log_likelihood, 0)
  robust <- scaled && all(vapply(fits, has_scaling, TRUE))
  correction <- rep(NA_real_, length(fits))
  if (robust) correction <- c(NA_real_, scaling_of_differences(df, vapply(fits, fit_scaling, 0)))
  change <- c(NA_real_, diff(df))
  chisq <- c(NA_real_, 2 * diff(log_lik)) / if (robust) correction else 1
  change[!is.na(change) & change == 0] <- NA_real_
  variances <- c(0, mapply(freed_variances, fits[-length(fits)], fits[-1]))
  mixed <- if (is.null(boundary)) variances == 1 else c(FALSE, rep(boundary, length(fits) - 1))
  warn_not_nested(fits, chisq, labels, variances, boundary)
  table <- data.frame(
    n_parameters = df, logLik = log_lik, AIC = vapply(fits, stats::AIC, 0), BIC = vapply(fits, stats::BIC, 0),
    Chisq = chisq, Df = change, p = ratio_p_value(chisq, change, mixed), row.names = labels
  )
  names(table)[[7]] <- "Pr(>Chisq)"
  if (robust) table$scaling <- correction
  heading <- paste0("Likelihood-ratio tests", if (robust) ", scaled for robust standard errors", "\n",
    if (any(mixed)) paste0("\n", boundary_words(labels[mixed]), "\n"))
  structure(table, heading = heading, boundary = mixed, class = c("anova", "data.frame"))
}

has_scaling <- function(fit) fit$options$se == "robust" && !is.na(fit_scaling(fit))

fit_scaling <- function(fit) number_or_na(fit$scaling)

# cd of neighbours; NA where it is not positive, which small samples can bring about.
scaling_of_differences <- function(df, scaling) {
  correction <- diff(df * scaling) / diff(df)
  replace(correction, !is.na(correction) & correction <= 0, NA_real_)
}

# Chi-squared with `df`, or the equal mixture with df - 1 and df; a chi-squared with 0 degrees of freedom is always 0.
ratio_p_value <- function(chisq, df, mixed) {
  upper <- function(df) ifelse(df == 0, ifelse(chisq > 0, 0, 1), stats::pchisq(pmax(chisq, 0), df, lower.tail = FALSE))
  ifelse(mixed, (upper(df - 1) + upper(df)) / 2, upper(df))
}

boundary_words <- function(labels) {
  paste(strwrap(paste0(
    "A variance is 0 under the smaller model: the p-value of ", paste(labels, collapse = ", "),
    " is that of an equal mixture of chi-squared with Df - 1 and Df."
  ), 80), collapse = "\n")
}

# How many variances the larger model has free that the smaller one has at 0, or not at all.
freed_variances <- function(small, large) {
  p <- large$parameters
  free <- p$name[p$free & p$kind == "variance" & p$name %in% random_variances(large)]
  before <- small$parameters
  place <- match(free, before$name)
  sum(is.na(place) | (!before$free[place] & before$value[place] == 0), na.rm = TRUE)
}

# Names of the variances of random effects and factors.
random_variances <- function(fit) {
  p <- fit$parameters
  p$name[p$kind == "variance" & p$target %in% fit$data$latents$name]
}

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
  if (what != "test") check_comparable(fits, call)
}

warn_not_nested <- function(fits, chisq, labels, variances, boundary) {
  numbers <- lapply(fits, function(fit) vapply(fit_classes(fit), function(cl) cl$k, 1))
  total <- vapply(numbers, function(k) prod(k), 1)
  if (length(unique(total)) > 1) {
    cli::cli_warn(c(
      "The fits differ in their number of classes, so the statistic has no chi-squared distribution.",
      i = "Compare information criteria with {.fn compare_models}, or use a bootstrap test."
    ), class = "mlmix_warning_boundary")
  }
  if (any(variances > 1) && is.null(boundary)) {
    cli::cli_warn(c(
      "{.val {labels[variances > 1]}} frees {max(variances)} variances that are 0 in the model before.",
      x = "The statistic has no simple distribution there: the p-value is too large.",
      i = "Use {.fn blrt}, or free one variance at a time."
    ), class = "mlmix_warning_boundary")
  }
  for (i in seq_along(fits)[-1]) {
    lost <- lost_parameters(fits[[i - 1]], fits[[i]])
    if (length(lost) > 0 && total[[i]] == total[[i - 1]]) {
      cli::cli_warn(c(
        "{.val {labels[[i - 1]]}} may not be nested in {.val {labels[[i]]}}.",
        x = "Only the smaller model has {.val {utils::head(lost, 3)}}{if (length(lost) > 3) ' and others'}.",
        i = "If it is not, the statistic has no chi-squared distribution; see {.fn compare_models}."
      ), class = "mlmix_warning_nested")
    }
  }
  if (any(chisq < -1e-4, na.rm = TRUE)) {
    cli::cli_warn(c(
      "A model with more parameters has a lower log-likelihood than one with fewer.",
      i = "Either the models are not nested, or the larger one has not found its maximum: use more {.arg starts}."
    ), class = "mlmix_warning_convergence")
  }
}

# Free parameters of the smaller model for which the larger one has none: neither the same, nor one for each class.
lost_parameters <- function(small, large) {
  stem <- function(names) sub("\\[.*$", "", names)
  own <- small$parameters$name[small$parameters$free]
  theirs <- large$parameters$name[large$parameters$free]
  own[!own %in% theirs & !stem(own) %in% stem(theirs)]
}

# Likelihoods of different outcomes cannot be compared. Categories may be numbered from 0 or from 1.
check_comparable <- function(fits, call) {
  values <- lapply(fits, outcome_values)
  names <- lapply(values, names)
  odd <- setdiff(unique(unlist(names)), Reduce(intersect, names))
  if (length(odd) > 0) {
    abort_data(c(
      "The fits must have the same outcomes.", x = "Not all of them have {.var {utils::head(odd, 5)}}.",
      i = "Log-likelihoods of different outcomes cannot be compared."
    ), call = call)
  }
  same <- vapply(names[[1]], function(name) {
    all(vapply(values, function(one) isTRUE(all.equal(one[[name]], values[[1]][[name]])), TRUE))
  }, TRUE)
  if (!all(same)) {
    abort_data(c(
      "The fits must have the same outcomes with the same values.",
      x = "They differ in {.var {utils::head(names[[1]][!same], 5)}}."
    ), call = call)
  }
}

# Each outcome by the rows of the data, categories as whole numbers from 1.
outcome_values <- function(fit) {
  outcomes <- fit$spec$outcomes
  names <- vapply(outcomes, function(outcome) outcome$name, "")
  lapply(stats::setNames(outcomes, names), function(outcome) {
    column <- fit$data$columns[[outcome$column]]
    values <- into_rows(replace(column, is.nan(column), NA), fit$data, fit$data$n_rows)
    if (is_categorical(outcome)) as.integer(factor(values)) else values
  })
}
