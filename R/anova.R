# anova(): likelihood-ratio tests of nested fits, scaled when standard errors are robust.
#
# With l, p, c the log-likelihood, number of parameters and scaling factor of the smaller (0) and larger (1) model,
#
#     T = 2 (l1 - l0) / cd,   cd = (p1 c1 - p0 c0) / (p1 - p0)          (Satorra and Bentler 2001)
#
# is chi-squared with d = p1 - p0 degrees of freedom, or, where some of the d parameters are variances that are 0 under
# the smaller model, a mixture of chi-squared variables (boundary.R, chi-bar-square.R).

#' Likelihood-ratio tests of nested fits
#'
#' The test statistic of fits with robust standard errors is divided by the scaling correction of Satorra and Bentler
#' for differences, (p0 c0 - p1 c1) / (p0 - p1), with p parameters and scaling factor c of each fit.
#'
#' A variance that is 0 under the smaller model lies at the boundary of the larger one, and the plain p-value is too
#' large. Such variances of random effects and factors are found by the parameters' names, and the p-value is that of
#' the right mixture of chi-squared variables (chi-bar-square):
#'
#' * one variance, with its covariances with the random effects that are in both models (Stram and Lee, 1994), and
#'   regular parameters: an equal mixture of `Df - 1` and `Df` degrees of freedom;
#' * k variances without covariances among them: a mixture of `Df - k` to `Df`. Its weights are binomial where their
#'   estimates are independent, as for random effects of unrelated outcomes or crossed designs. In general they depend
#'   on the correlations of the estimates (Self and Liang, 1987, case 7; Silvapulle and Sen, 2005), which are worked
#'   out at the smaller model from the scores of the clusters;
#' * several variances together with covariances among them, as of a random intercept and slope against none: the
#'   weights have no simple form. The p-value given is the largest that any such mixture could have (Perlman, 1969),
#'   that of `Df - 1` and `Df`, with a message; [blrt()] finds the p-value itself.
#'
#' The variance of a class logit is not 0 but infinite under the smaller model where that has the same class for whole
#' clusters (a class at the between level) or persons (latent classes against [gom()]). One such variance is treated
#' like one that is 0. Of several the distribution is not known, and there is no p-value.
#'
#' These are for large numbers of clusters. With few of them less than the expected share of statistics is 0, and
#' [blrt()] is more accurate. With robust standard errors the mixture is used for the scaled statistic, which is an
#' approximation.
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
#' @param boundary `NULL` (default): mixtures for variances where they are found; `FALSE`: plain chi-squared
#'   everywhere; `TRUE`: the equal mixture of `Df - 1` and `Df` for every test, also where the variance goes by another
#'   name.
#' @return A data frame of class `anova`, fits by their number of parameters: `n_parameters`, `logLik`, `AIC`, `BIC`,
#'   `Chisq` (against the fit before; scaled if so), `Df`, `Pr(>Chisq)`. Scaled tests have the column `scaling` (of
#'   the difference); where it is not positive the test cannot be computed and is `NA`. The attribute `"boundary"` says
#'   for each fit whether its p-value is that of a mixture, the attribute `"mixture"` has for each a data frame with
#'   `df` and `weight` of its parts.
#' @references Perlman, M. D. (1969). One-sided testing problems in multivariate analysis. *Annals of Mathematical
#'   Statistics*, 40, 549-567.
#'
#'   Satorra, A. and Bentler, P. M. (2001). A scaled difference chi-square test statistic for moment
#'   structure analysis. *Psychometrika*, 66, 507-514.
#'
#'   Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio
#'   tests under nonstandard conditions. *Journal of the American Statistical Association*, 82, 605-610.
#'
#'   Silvapulle, M. J. and Sen, P. K. (2005). *Constrained statistical inference*. Wiley.
#'
#'   Stram, D. O. and Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects model.
#'   *Biometrics*, 50, 1171-1177.
#' @seealso [wald_test()], [compare_models()], [blrt()].
#' @examples
#' free <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' equal <- mixture_model(latent_class("c", 2),
#'   outcome(c(A, B, C, D, E, F, G) ~ c, family = bernoulli()),
#'   constrain(equal("B~1[c=1]", "E~1[c=1]")))
#' restricted <- mlmix(equal, carcinoma, starts = c(5, 2), seed = 1)
#' anova(restricted, free)
#' @export
anova.mlmix <- function(object, ..., scaled = TRUE, boundary = NULL) {
  frame <- rlang::current_env()
  scaled <- check_flag(scaled, "scaled")
  if (!is.null(boundary)) boundary <- check_flag(boundary, "boundary")
  fits <- list(object, ...)
  labels <- expression_labels(substitute(list(object, ...)))
  check_same_data(fits, "anova")
  refuse_priors(fits, "anova", rlang::current_env())
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
  mixtures <- c(list(NULL), lapply(seq_along(fits)[-1], function(i) {
    if (!is.null(boundary)) return(list(names = character(0), weights = if (boundary) c(0.5, 0.5) else 1,
      df = change[[i]] - if (boundary) 1:0 else 0, kind = if (boundary) "one" else "plain"))
    boundary_mixture(fits[[i - 1]], fits[[i]], change[[i]], frame)
  }))
  mixed <- vapply(mixtures, function(one) length(one$df) > 1, TRUE)
  warn_not_nested(fits, chisq, labels)
  p_value <- c(NA_real_, vapply(seq_along(fits)[-1], function(i) {
    if (is.na(change[[i]])) NA_real_ else mixture_tail(chisq[[i]], mixtures[[i]]$weights, mixtures[[i]]$df)
  }, 0))
  table <- data.frame(
    n_parameters = df, logLik = log_lik, AIC = vapply(fits, stats::AIC, 0), BIC = vapply(fits, stats::BIC, 0),
    Chisq = chisq, Df = change, p = p_value, row.names = labels
  )
  names(table)[[7]] <- "Pr(>Chisq)"
  if (robust) table$scaling <- correction
  heading <- paste0(c(paste0("Likelihood-ratio tests", if (robust) ", scaled for robust standard errors"),
    boundary_words(mixtures, labels)), "\n", collapse = "")
  parts <- lapply(mixtures, function(one) if (!is.null(one)) data.frame(df = one$df, weight = one$weights))
  structure(table, heading = heading, boundary = mixed, mixture = stats::setNames(parts, labels),
    class = c("anova", "data.frame"))
}

# Estimates under priors do not maximise the likelihood: differences are no likelihood-ratio statistics.
refuse_priors <- function(fits, what, call) {
  if (any(vapply(fits, function(fit) inherits(fit, "mlmix") && has_priors(fit), NA))) {
    abort_spec(c(
      "{.fn {what}} needs estimates of maximum likelihood.",
      x = "A fit has normal priors, so its log-likelihood is not a maximum.",
      i = "Use {.fn wald_test}, the bootstrap test {.fn blrt}, or fit without priors."
    ), call = call)
  }
}

has_scaling <- function(fit) fit$options$se == "robust" && !is.na(fit_scaling(fit))

fit_scaling <- function(fit) number_or_na(fit$scaling)

# cd of neighbours; NA where it is not positive, which small samples can bring about.
scaling_of_differences <- function(df, scaling) {
  correction <- diff(df * scaling) / diff(df)
  replace(correction, !is.na(correction) & correction <= 0, NA_real_)
}

# A paragraph for each test at the boundary.
boundary_words <- function(mixtures, labels) {
  words <- Map(function(one, label) {
    if (identical(one$kind, "unknown")) return(paste0(
      "Variances are infinite under the smaller model of ", label, " (its classes are those of whole clusters or ",
      "persons): the statistic has no known distribution. blrt() simulates it."
    ))
    if (length(one$df) < 2) return(NULL)
    if (one$kind == "infinite") return(paste0(
      "A variance is infinite under the smaller model (its classes are those of whole clusters or persons): the ",
      "p-value of ", label, " is that of an equal mixture of chi-squared with Df - 1 and Df, for many clusters. ",
      "blrt() simulates it."
    ))
    k <- length(one$names)
    what <- if (k > 1) paste(k, "variances are 0") else "A variance is 0"
    if (one$kind == "bound") return(paste0(
      what, " under the smaller model of ", label, " and get covariances: the p-value is the largest that is possible, ",
      "of an equal mixture of chi-squared with Df - 1 and Df. blrt() simulates it."
    ))
    if (one$kind == "one") return(paste0(
      what, " under the smaller model: the p-value of ", label, " is that of an equal mixture of chi-squared with Df - 1",
      " and Df."
    ))
    paste0(what, " under the smaller model: the p-value of ", label, " is that of a mixture of chi-squared with ",
      one$df[[1]], " to ", one$df[[k + 1]], " degrees of freedom, with weights ",
      paste(formatC(one$weights, format = "f", digits = 2), collapse = ", "), ".")
  }, mixtures, labels)
  words <- unlist(words)
  if (length(words) == 0) return(NULL)
  c("", unlist(lapply(words, strwrap, width = 80)))
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

warn_not_nested <- function(fits, chisq, labels) {
  numbers <- lapply(fits, function(fit) vapply(fit_classes(fit), function(cl) cl$k, 1))
  total <- vapply(numbers, function(k) prod(k), 1)
  if (length(unique(total)) > 1) {
    cli::cli_warn(c(
      "The fits differ in their number of classes, so the statistic has no chi-squared distribution.",
      i = "Compare information criteria with {.fn compare_models}, or use a bootstrap test."
    ), class = "mlmix_warning_boundary")
  }
  for (i in seq_along(fits)[-1]) {
    new <- new_loadings(fits[[i - 1]], fits[[i]])
    if (length(new) > 0) {
      cli::cli_warn(c(
        "{.val {labels[[i]]}} has loadings that mean nothing in {.val {labels[[i - 1]]}}, which lacks the factor.",
        x = "The statistic has no known distribution then, and the p-value is too small.", i = "Use {.fn blrt}."
      ), class = "mlmix_warning_boundary")
    }
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

# Free loadings of the larger model that are no parameters of the smaller one, nor 0 there by a constraint.
new_loadings <- function(small, large) {
  p <- large$parameters
  setdiff(p$name[p$free & p$kind == "loading"], small$parameters$name)
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
