# compare_models(): the table from which people choose a model.

#' Compare fits
#'
#' @param ... Fits from [mlmix()] to the same data, or one list of them; named, or labelled by their expressions.
#' @return A data frame of class `mlmix_comparison`, one row per fit in the order given: `model`, `log_likelihood`,
#'   `parameters` (free, less constraints), `AIC`, `BIC`, `aBIC` (sample-size adjusted), `CAIC`, `AWE` (approximate
#'   weight of evidence), `ICL` (BIC plus twice the classification uncertainty), `entropy` (relative),
#'   `smallest_class` (its estimated proportion), `replicated` (starts that reached the log-likelihood), `best_start`
#'   (number of the best start), `converged`. Lower criteria are better. The fits are the attribute `"fits"`.
#'
#'   With d parameters and n cases: CAIC = -2 logL + d (log n + 1); AWE = -2 logL + 2 d (log n + 1.5). ICL and entropy
#'   use all class patterns of the units together, or those of clusters where only clusters have classes.
#' @references
#' Banfield, J. D. and Raftery, A. E. (1993). Model-based Gaussian and non-Gaussian clustering. *Biometrics*, 49,
#' 803-821.
#'
#' Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for clustering with the integrated
#' completed likelihood. *IEEE Transactions on Pattern Analysis and Machine Intelligence*, 22, 719-725.
#'
#' Bozdogan, H. (1987). Model selection and Akaike's information criterion (AIC). *Psychometrika*, 52, 345-370.
#' @seealso [enumerate_classes()], [anova.mlmix()].
#' @examples
#' two <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' three <- mlmix(lca(c(A, B, C, D, E, F, G), k = 3), carcinoma, starts = c(5, 2), seed = 1)
#' compare_models(two, three)
#' @export
compare_models <- function(...) {
  fits <- list(...)
  expressions <- vapply(as.list(substitute(list(...)))[-1], function(x) paste(deparse(x), collapse = ""), "")
  if (length(fits) == 1 && is.list(fits[[1]]) && !inherits(fits[[1]], "mlmix")) {
    fits <- fits[[1]]
    expressions <- paste("model", seq_along(fits))
  }
  labels <- names(fits)
  if (is.null(labels)) labels <- rep("", length(fits))
  labels[labels == ""] <- expressions[labels == ""]
  if (length(fits) == 0) {
    abort_spec(c(
      "{.fn compare_models} needs at least one fit.", i = "For example {.code compare_models(two, three)}."
    ))
  }
  check_same_data(fits, "compare_models")
  comparison_table(fits, labels)
}

comparison_table <- function(fits, labels) {
  rows <- lapply(fits, comparison_row)
  table <- data.frame(model = make.unique(labels), do.call(rbind, unname(rows)), stringsAsFactors = FALSE)
  rownames(table) <- NULL
  structure(table, fits = stats::setNames(fits, table$model), class = c("mlmix_comparison", "data.frame"))
}

comparison_row <- function(fit) {
  posterior <- pattern_posterior(fit)
  uncertainty <- if (length(fit_classes(fit)) == 0) 0
    else if (is.null(posterior)) NA_real_
    else classification_uncertainty(posterior$p, posterior$weight)
  sizes <- unlist(fit$class_prob)
  starts <- start_table(fit)
  data.frame(
    log_likelihood = fit$log_likelihood, parameters = fit$n_free, AIC = stats::AIC(fit), BIC = stats::BIC(fit),
    aBIC = information_criterion(fit, log((fit$n + 2) / 24)), CAIC = information_criterion(fit, log(fit$n) + 1),
    AWE = information_criterion(fit, 2 * (log(fit$n) + 1.5)), ICL = stats::BIC(fit) + 2 * uncertainty,
    entropy = entropy(fit), smallest_class = if (length(sizes) == 0) NA_real_ else min(sizes),
    replicated = integer_or_na(fit$replicated),
    best_start = if (nrow(starts) == 0) NA_integer_ else as.integer(starts$start[[1]]), converged = is_converged(fit)
  )
}

#' @export
print.mlmix_comparison <- function(x, ...) {
  columns <- c(model = "model", log_likelihood = "logLik", parameters = "par", AIC = "AIC", BIC = "BIC", aBIC = "aBIC",
    CAIC = "CAIC", AWE = "AWE", ICL = "ICL", entropy = "entropy", smallest_class = "smallest",
    replicated = "replicated", best_start = "best start", converged = "converged")
  if (!all(names(columns) %in% names(x))) return(NextMethod())
  criteria <- c("log_likelihood", "AIC", "BIC", "aBIC", "CAIC", "AWE", "ICL")
  shown <- as.data.frame(x)[names(columns)]
  for (name in criteria) shown[[name]] <- fixed_digits(x[[name]], 2)
  shown$entropy <- fixed_digits(x$entropy, 3)
  shown$smallest_class <- ifelse(is.na(x$smallest_class), "", percent(x$smallest_class))
  shown$converged <- ifelse(x$converged, "yes", "no")
  names(shown) <- columns
  old <- options(width = 80)
  on.exit(options(old))
  print.data.frame(shown, row.names = FALSE)
  best <- vapply(c("AIC", "BIC", "aBIC", "ICL"), function(name) {
    if (all(is.na(x[[name]]))) "" else paste0(name, ": ", x$model[[which.min(x[[name]])]])
  }, "")
  if (nrow(x) > 1) cat(strwrap(paste0("Lowest ", paste(best[best != ""], collapse = "; ")), 80), sep = "\n")
  invisible(x)
}

fixed_digits <- function(x, digits) {
  ifelse(is.na(x), "", formatC(x, format = "f", digits = digits))
}
