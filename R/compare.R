# compare_models(): the table from which people choose a model.

#' Compare fits
#'
#' @param ... Fits from [mlmix()] to the same data, or one list of them; named, or labelled by their expressions.
#' @return A data frame of class `mlmix_comparison`, one row per fit in the order given: `model`, `log_likelihood`,
#'   `parameters` (free, less constraints), `AIC`, `BIC` (with the number of units), `BIC_clusters` (with the number of
#'   clusters; `NA` without a between level), `aBIC` (sample-size adjusted), `CAIC`, `AWE` (approximate weight of
#'   evidence), `ICL` (BIC plus twice the classification uncertainty), `entropy` (relative), `smallest_class` (its
#'   estimated proportion), `replicated` (starts that reached the log-likelihood), `best_start` (number of the best
#'   start), `converged`, `status` (`"converged"`, `"boundary"` or `"not identified"` if some parameters are so,
#'   `"not converged"`, `"failed"`), `bayes_factor` (against the model of the next row), `probability` (that the model
#'   is the right one if one of them is; see [bayes_factors()]), `note` (why an estimation failed, or its warnings).
#'   Lower criteria are better. The fits are the attribute `"fits"`.
#'
#'   With d parameters and n units: CAIC = -2 logL + d (log n + 1); AWE = -2 logL + 2 d (log n + 1.5); aBIC takes
#'   (n + 2) / 24 for n. ICL and entropy use all class patterns of the units together, or those of clusters where only
#'   clusters have classes.
#'
#'   In two-level models neither number of cases is right for all parameters: clusters count for those of the between
#'   level, units for the others. For the number of classes of clusters use `BIC_clusters` (Lukočienė, Varriale and
#'   Vermunt, 2010).
#' @references
#' Banfield, J. D. and Raftery, A. E. (1993). Model-based Gaussian and non-Gaussian clustering. *Biometrics*, 49,
#' 803-821.
#'
#' Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for clustering with the integrated
#' completed likelihood. *IEEE Transactions on Pattern Analysis and Machine Intelligence*, 22, 719-725.
#'
#' Bozdogan, H. (1987). Model selection and Akaike's information criterion (AIC). *Psychometrika*, 52, 345-370.
#'
#' Lukočienė, O., Varriale, R. and Vermunt, J. K. (2010). The simultaneous decision(s) about the number of lower- and
#' higher-level classes in multilevel latent class analysis. *Sociological Methodology*, 40, 247-283.
#'
#' Masyn, K. E. (2013). Latent class analysis and finite mixture modeling. In T. D. Little (Ed.), *The Oxford handbook
#' of quantitative methods* (Vol. 2, pp. 551-611). Oxford University Press.
#' @seealso [enumerate_classes()], [bayes_factors()], [blrt()], [vlmr()], [fit_tests()], [anova.mlmix()].
#' @examples
#' two <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' three <- mlmix(lca(c(A, B, C, D, E, F, G), k = 3), carcinoma, starts = c(5, 2), seed = 1)
#' compare_models(two, three)
#' @export
compare_models <- function(...) {
  labels <- expression_labels(substitute(list(...)))
  comparison_of(list(...), labels, "compare_models", rlang::current_env())
}

# The table of what was given as `...`: fits, or one list of them.
comparison_of <- function(fits, expressions, what, call) {
  if (length(fits) == 1 && is.list(fits[[1]]) && !inherits(fits[[1]], "mlmix")) {
    fits <- fits[[1]]
    expressions <- paste("model", seq_along(fits))
  }
  labels <- names(fits)
  if (is.null(labels)) labels <- rep("", length(fits))
  labels[labels == ""] <- expressions[labels == ""]
  if (length(fits) == 0) {
    abort_spec(c(
      "{.fn {what}} needs at least one fit.", i = "For example {.code {what}(two, three)}."
    ), call = call)
  }
  check_same_data(fits, what, call)
  comparison_table(fits, labels)
}

# What the arguments of a call were given as; calls too long for a table are numbered.
expression_labels <- function(call) {
  labels <- vapply(as.list(call)[-1], function(x) paste(deparse(x), collapse = ""), "")
  long <- nchar(labels) > 40
  labels[long] <- paste("model", which(long))
  unname(labels)
}

# `notes`: for each model why it failed (then its fit is NULL), or what it warned of.
comparison_table <- function(fits, labels, notes = rep("", length(fits))) {
  rows <- lapply(fits, function(fit) if (is.null(fit)) failed_row() else comparison_row(fit))
  table <- data.frame(model = make.unique(labels), do.call(rbind, unname(rows)), stringsAsFactors = FALSE)
  table$bayes_factor <- successive_bayes_factors(table$BIC)
  table$probability <- model_probabilities(table$BIC)
  table$note <- notes
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
    BIC_clusters = information_criterion(fit, log(number_of_clusters(fit))),
    aBIC = information_criterion(fit, log((fit$n + 2) / 24)), CAIC = information_criterion(fit, log(fit$n) + 1),
    AWE = information_criterion(fit, 2 * (log(fit$n) + 1.5)), ICL = stats::BIC(fit) + 2 * uncertainty,
    entropy = entropy(fit), smallest_class = if (length(sizes) == 0) NA_real_ else min(sizes),
    replicated = integer_or_na(fit$replicated),
    best_start = if (nrow(starts) == 0) NA_integer_ else as.integer(starts$start[[1]]), converged = is_converged(fit),
    status = fit_status(fit), stringsAsFactors = FALSE
  )
}

# Clusters of a two-level model; persons of stacked items are units.
number_of_clusters <- function(fit) {
  if (is.null(fit$data$cluster) || !is.null(fit$data$reshape)) NA_real_ else fit$n_clusters
}

fit_status <- function(fit) {
  status <- fit$parameters$status
  if (!is_converged(fit)) "not converged"
  else if (any(status == "not identified")) "not identified"
  else if (any(status == "boundary")) "boundary"
  else "converged"
}

failed_row <- function() {
  data.frame(
    log_likelihood = NA_real_, parameters = NA_integer_, AIC = NA_real_, BIC = NA_real_, BIC_clusters = NA_real_,
    aBIC = NA_real_, CAIC = NA_real_, AWE = NA_real_, ICL = NA_real_, entropy = NA_real_, smallest_class = NA_real_,
    replicated = NA_integer_, best_start = NA_integer_, converged = FALSE, status = "failed", stringsAsFactors = FALSE
  )
}

#' @export
print.mlmix_comparison <- function(x, ...) {
  needed <- c("model", "log_likelihood", "parameters", "AIC", "BIC", "status")
  if (!all(needed %in% names(x))) return(NextMethod())
  model <- shorten(x$model, 26)
  for (block in comparison_blocks(x)) {
    print_plain(data.frame(model = model, block, check.names = FALSE, stringsAsFactors = FALSE))
    cat("\n")
  }
  remarks <- comparison_remarks(x)
  if (any(remarks != "")) cat(strwrap(remarks[remarks != ""], 80, exdent = 2), sep = "\n")
  invisible(x)
}

# The columns as text, in blocks that fit into 80 columns beside the models' names; columns without values are left out.
comparison_blocks <- function(x) {
  columns <- list(
    logLik = two_decimals(x$log_likelihood), par = or_blank(x$parameters), AIC = two_decimals(x$AIC),
    BIC = two_decimals(x$BIC), `BIC clusters` = two_decimals(x$BIC_clusters), aBIC = two_decimals(x$aBIC),
    CAIC = two_decimals(x$CAIC), AWE = two_decimals(x$AWE), ICL = two_decimals(x$ICL),
    entropy = fixed_digits(x$entropy, 3), smallest = share_or_blank(x$smallest_class),
    BF = factor_words(x$bayes_factor), cmP = if (nrow(x) > 1) three_decimals(x$probability) else "",
    VLMR = test_words(x$vlmr), BLRT = test_words(x$blrt), replicated = or_blank(x$replicated),
    `best start` = or_blank(x$best_start), status = x$status
  )
  columns <- columns[vapply(columns, function(column) length(column) > 0 && any(column != ""), TRUE)]
  room <- 80 - 2 - max(nchar(c("model", shorten(x$model, 26))))
  column_blocks(columns, room)
}

comparison_remarks <- function(x) {
  best <- vapply(intersect(c("AIC", "BIC", "BIC_clusters", "aBIC", "ICL"), names(x)), function(name) {
    if (all(is.na(x[[name]]))) "" else paste0(sub("_", " ", name), ": ", x$model[[which.min(x[[name]])]])
  }, "")
  note <- if (is.null(x$note)) rep("", nrow(x)) else x$note
  failed <- note != "" & x$status == "failed"
  warned <- note != "" & !failed
  c(
    if (nrow(x) > 1) paste0("Lowest ", paste(best[best != ""], collapse = "; "), "."),
    if (any(!is.na(x$probability))) paste(c(
      if (any(!is.na(x$bayes_factor))) "BF: Bayes factor against the next model.",
      if (nrow(x) > 1) "cmP: probability that the model is right if one of these is."
    ), collapse = " "),
    paste0(x$model[failed], " failed: ", note[failed], recycle0 = TRUE),
    if (any(warned)) paste0("Warnings of ", paste(x$model[warned], collapse = ", "), " are in the column `note`.")
  )
}

two_decimals <- function(x) if (is.null(x)) "" else fixed_digits(x, 2)
three_decimals <- function(x) {
  if (is.null(x)) return("")
  ifelse(is.na(x), "", ifelse(x > 0 & x < 0.001, "<0.001", fixed_digits(x, 3)))
}
or_blank <- function(x) if (is.null(x)) "" else ifelse(is.na(x), "", as.character(x))
share_or_blank <- function(x) if (is.null(x)) "" else ifelse(is.na(x), "", percent(x))
test_words <- function(p) if (is.null(p)) "" else p_words(p)
factor_words <- function(x) {
  if (is.null(x)) return("")
  ifelse(is.na(x), "", ifelse(x > 100, ">100", ifelse(x < 0.01, "<0.01", formatC(x, format = "f", digits = 2))))
}

fixed_digits <- function(x, digits) {
  text <- formatC(x, format = "f", digits = digits)
  ifelse(is.na(x), "", sub("^-(0[.]?0*)$", "\\1", text)) # no minus in front of 0
}
