# fit_tests(): Pearson's X2, the likelihood-ratio G2 and the power divergence of Cressie and Read for response patterns.
#
# With n_r units of pattern r observed and m_r = N P(r) expected,
#
#   X2 = sum (n - m)^2 / m,   G2 = 2 sum n log(n / m),   CR = 9 / 5 sum n ((n / m)^(2/3) - 1)
#
# over all R possible patterns, on R - 1 - (parameters) degrees of freedom. With missing values each pattern of missing
# values has its own table of the outcomes observed in it. The table of all outcomes without a model is estimated by
# maximum likelihood under the same assumption (missing at random) as the model: the EM algorithm that spreads each
# incomplete pattern over the complete ones it agrees with (Fuchs, 1982). A statistic is its sum over those tables with
# the model's expectations less its sum with the expectations without a model, which tests missing completely at
# random. G2 is then the likelihood ratio of the two, and X2 is Mplus's.

#' Tests of fit for categorical outcomes
#'
#' Compares the observed frequencies of response patterns with those that the model expects.
#'
#' The statistics have a chi-squared distribution in large samples, where patterns are expected several times each.
#' With many items most patterns are expected less than once: then the p-values mean little, least of all that of G2,
#' and a large difference between X2 and G2 is a sign of it (Collins, Fidler, Wugalter and Long, 1993). A note says so.
#' `bootstrap` gives p-values without that theory, from data sets drawn from the model and fitted (Langeheine,
#' Pannekoek and van de Pol, 1996). [residuals()] of pairs are less sensitive to sparse tables.
#'
#' With missing values each statistic is the sum over the patterns of missing values, less the same sum for the table
#' without a model, which is estimated by maximum likelihood. So G2 is a likelihood ratio, and X2 that of Mplus.
#'
#' What counts in the degrees of freedom is the rank of the derivatives of the pattern probabilities (Goodman, 1974):
#' all parameters, unless some are not identified. Parameters at a boundary are counted, as in Mplus.
#'
#' @param fit A fit from [mlmix()] whose outcomes are all categorical (two categories, ordinal or nominal), without
#'   covariates, clusters or sampling weights. Models that stack items, such as [gom()], are allowed.
#' @param bootstrap Whole number, default 0: data sets to draw for bootstrap p-values. Runs on the
#'   [future plan][future::plan()] in force.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @param progress `TRUE` or `FALSE`: whether to show a progress bar for the bootstrap, by default in interactive
#'   sessions.
#' @return A data frame of class `mlmix_fit_tests` with the rows `"Pearson X2"`, `"Likelihood-ratio G2"` and
#'   `"Cressie-Read"`, and `statistic`, `df`, `p.value` (`NA` without degrees of freedom); with `bootstrap` also
#'   `bootstrap.p.value`. Attributes: `"cells"` (possible patterns), `"observed"` (different complete patterns in the
#'   data), `"n"`, `"expected"` (named: the smallest expected frequency, and the shares of patterns expected less than
#'   once and less than 5 times; `NA` where there are more than 65536 patterns), `"saturated"` (log-likelihood of the
#'   table without a model), `"mcar"` (with missing values: a data frame with tests of missing completely at random),
#'   `"failures"` (bootstrap draws that failed) and `"notes"`.
#' @references
#' Collins, L. M., Fidler, P. L., Wugalter, S. E. and Long, J. D. (1993). Goodness-of-fit testing for latent class
#' models. *Multivariate Behavioral Research*, 28, 375-389.
#'
#' Cressie, N. and Read, T. R. C. (1984). Multinomial goodness-of-fit tests. *Journal of the Royal Statistical Society
#' B*, 46, 440-464.
#'
#' Fuchs, C. (1982). Maximum likelihood estimation and model selection in contingency tables with missing data.
#' *Journal of the American Statistical Association*, 77, 270-278.
#'
#' Goodman, L. A. (1974). Exploratory latent structure analysis using both identifiable and unidentifiable models.
#' *Biometrika*, 61, 215-231.
#'
#' Langeheine, R., Pannekoek, J. and van de Pol, F. (1996). Bootstrapping goodness-of-fit measures in categorical data
#' analysis. *Sociological Methods and Research*, 24, 492-516.
#' @seealso [residuals.mlmix()], [compare_models()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency, starts = c(5, 2),
#'   seed = 1)
#' fit_tests(fit)
#' @export
fit_tests <- function(fit, bootstrap = 0, seed = NULL, progress = interactive()) {
  frame <- rlang::current_env()
  check_fit(fit)
  bootstrap <- check_count(bootstrap, "bootstrap", min = 0)
  seed <- check_seed(seed, frame)
  progress <- check_flag(progress, "progress")
  check_testable(fit, frame)
  parts <- fit_statistics(fit, frame)
  parts$rank <- model_rank(fit, parts, frame)
  df <- parts$cells - 1 - parts$rank
  table <- data.frame(
    test = names(parts$statistics), statistic = unname(parts$statistics), df = df,
    p.value = if (df > 0) stats::pchisq(parts$statistics, df, lower.tail = FALSE) else NA_real_, row.names = NULL
  )
  failures <- NULL
  if (bootstrap > 0) {
    drawn <- bootstrap_refits(fit, bootstrap, seed, function(fit, call) fit_statistics(fit, call)$statistics, frame,
      progress)
    table$bootstrap.p.value <- bootstrap_p_values(table$statistic, drawn$statistics)
    failures <- drawn$failures
  }
  structure(table,
    cells = parts$cells, observed = parts$n_observed, n = parts$n, expected = parts$expected,
    saturated = parts$saturated, mcar = parts$mcar, failures = failures,
    notes = fit_test_notes(fit, parts, df, bootstrap), class = c("mlmix_fit_tests", "data.frame")
  )
}

check_testable <- function(fit, call) {
  refuse <- function(why, instead) {
    abort_spec(c("There is no test of the response patterns of this model.", x = why, i = instead), call = call)
  }
  pairs <- "{.code residuals(fit, \"bivariate\")} compares pairs of outcomes."
  bad <- Filter(function(o) !o$family$type %in% c("bernoulli", "ordinal", "nominal"), fit$spec$outcomes)
  if (length(bad) > 0) {
    refuse(cli::format_inline("The outcome {.var {bad[[1]]$name}} is {bad[[1]]$family$type}, not categorical."), pairs)
  }
  between <- Filter(function(o) o$level == "between", fit$spec$outcomes)
  if (!is.null(fit$data$cluster) && is.null(fit$data$reshape) || length(between) > 0) {
    refuse("Units of one cluster depend on each other, so their patterns have no multinomial distribution.", pairs)
  }
  if (!is.null(fit$data$robust_cluster)) {
    refuse("Standard errors allow for clusters, so units are not taken to be independent.", pairs)
  }
  if (is_weighted_table(fit)) refuse("The patterns are weighted by sampling weights.", pairs)
  rows <- filled_rows(unit_layout(fit, "within")$row)
  if (max(covariate_pattern(fit, rows)) > 1) {
    refuse("With covariates every unit has expectations of its own.", pairs)
  }
}

# Counts of patterns are not whole numbers where rows are weighted; weights of 1 are none.
is_weighted_table <- function(fit) {
  weights <- c(fit$data$unit_weights, if (is.null(fit$data$reshape)) fit$data$cluster_weights)
  frequency <- contribution_counts(fit)
  any(abs(weights - 1) > 1e-8) || any(abs(frequency - round(frequency)) > 1e-8)
}

# list(statistics, cells, n, n_observed, expected, saturated, mcar, rows: the engine's row for each outcome).
fit_statistics <- function(fit, call) {
  table <- pattern_table(fit, call)
  size <- vapply(table$layout$outcomes, function(o) length(outcome_categories(fit, o)$values), 1)
  n <- sum(table$observed)
  complete <- rowSums(is.na(table$value)) == 0
  table$value <- unname(table$value)
  parts <- list(cells = prod(size), n = n, n_observed = sum(complete & table$observed > 0), rows = first_rows(table))
  small <- parts$cells <= 65536
  if (small) {
    values <- all_patterns(fit, table$layout)
    parts$probability <- exp(cell_log_probability(fit, table$layout$outcomes, repeat_row(parts$rows, nrow(values)),
      values, call))
    expected <- n * parts$probability
  }
  parts$expected <- c(smallest = if (small) min(expected) else NA_real_,
    below_1 = if (small) mean(expected < 1) else NA_real_, below_5 = if (small) mean(expected < 5) else NA_real_)
  if (all(complete)) {
    parts$saturated <- sum(xlogx(table$observed)) - n * log(n)
    parts$statistics <- divergences(table$observed, table$expected, n)
    return(parts)
  }
  if (!small) {
    abort_spec(c(
      "There are too many possible response patterns for incomplete data: {format(parts$cells)}, at most 65536.",
      i = "{.code residuals(fit, \"bivariate\")} compares pairs of outcomes."
    ), call = call)
  }
  without_model <- fill_in_patterns(table, values)
  parts$saturated <- without_model$log_likelihood
  random <- separate_divergences(table, values, without_model$probability)
  parts$statistics <- separate_divergences(table, values, parts$probability)$statistics - random$statistics
  parts$mcar <- mcar_test(random, parts$cells)
  parts
}

divergences <- function(observed, expected, n) {
  seen <- observed > 0
  ratio <- observed[seen] / expected[seen]
  c(
    # Patterns that do not occur add what is expected of them.
    `Pearson X2` = sum((observed[seen] - expected[seen])^2 / expected[seen]) + max(n - sum(expected[seen]), 0),
    `Likelihood-ratio G2` = 2 * sum(observed[seen] * log(ratio)),
    `Cressie-Read` = 1.8 * sum(observed[seen] * (ratio^(2 / 3) - 1))
  )
}

xlogx <- function(x) ifelse(x > 0, x * log(x), 0)

# A row of the engine for each outcome (of stacked items, one of somebody who has the item).
first_rows <- function(table) apply(table$layout$row, 2, function(row) row[!is.na(row)][[1]])

repeat_row <- function(row, n) matrix(row, n, length(row), byrow = TRUE)

all_patterns <- function(fit, layout) {
  values <- lapply(layout$outcomes, function(outcome) outcome_categories(fit, outcome)$values)
  as.matrix(expand.grid(unname(values), KEEP.OUT.ATTRS = FALSE))
}

# Maximum likelihood of the table without a model from complete and incomplete patterns, by EM:
# list(probability of every complete pattern, log_likelihood).
fill_in_patterns <- function(table, values) {
  agrees <- lapply(seq_len(nrow(table$value)), function(r) {
    seen <- which(!is.na(table$value[r, ]))
    which(colSums(t(values[, seen, drop = FALSE]) == table$value[r, seen]) == length(seen))
  })
  place <- unlist(agrees)
  pattern <- rep(seq_along(agrees), lengths(agrees))
  n <- sum(table$observed)
  p <- rep(1 / nrow(values), nrow(values))
  before <- -Inf
  for (iteration in seq_len(20000)) {
    of_pattern <- as.vector(rowsum(p[place], pattern))
    log_likelihood <- sum(table$observed * log(of_pattern))
    if (log_likelihood - before < 1e-10 * abs(log_likelihood)) break
    before <- log_likelihood
    share <- p[place] * (table$observed / of_pattern)[pattern]
    new <- rowsum(share, place)
    p <- replace(numeric(length(p)), as.integer(rownames(new)), as.vector(new) / n)
  }
  list(probability = p, log_likelihood = log_likelihood)
}

# list(statistics: sums of the divergences of the tables of every pattern of missing values, cells: of all these) where
# `probability` is that of every complete pattern.
separate_divergences <- function(table, values, probability) {
  parts <- lapply(split(seq_along(table$observed), table$missing), function(group) {
    seen <- which(!is.na(table$value[group[[1]], ]))
    of_cell <- distinct_rows(rbind(table$value[group, seen, drop = FALSE], values[, seen, drop = FALSE]))
    cells <- max(of_cell)
    observed <- weighted_counts(of_cell[seq_along(group)], table$observed[group], cells)
    p <- weighted_counts(of_cell[-seq_along(group)], probability, cells)
    c(divergences(observed, sum(observed) * p, sum(observed)), cells = cells)
  })
  total <- Reduce(`+`, parts)
  list(statistics = total[names(total) != "cells"], cells = total[["cells"]], tables = length(parts))
}

# Missing completely at random: one table for all patterns of missing values, against one table for each.
mcar_test <- function(random, cells) {
  df <- random$cells - random$tables - (cells - 1)
  statistic <- random$statistics[c("Pearson X2", "Likelihood-ratio G2")]
  data.frame(test = names(statistic), statistic = unname(statistic), df = df,
    p.value = if (df > 0) stats::pchisq(unname(statistic), df, lower.tail = FALSE) else NA_real_)
}

# The number of parameters that the pattern probabilities tell apart: the rank of the derivatives of the probabilities,
# and the parameters held at a boundary. Where there are too many patterns to see, all parameters.
model_rank <- function(fit, parts, call) {
  if (is.null(parts$probability)) return(fit$n_free)
  layout <- unit_layout(fit, "within")
  values <- all_patterns(fit, layout)
  scores <- cell_chunk(fit, layout$outcomes, repeat_row(parts$rows, nrow(values)), values, call)$scores
  weighted <- scores * sqrt(parts$probability)
  held <- if (ncol(weighted) == length(fit$free)) fit$parameters$status[fit$free] == "boundary"
    else colSums(weighted^2) < 1e-12
  weighted <- weighted[, !held, drop = FALSE]
  scale <- sqrt(colSums(weighted^2))
  weighted <- sweep(weighted[, scale > 0, drop = FALSE], 2, scale[scale > 0], "/")
  if (ncol(weighted) == 0) return(sum(held))
  sum(svd(weighted, nu = 0, nv = 0)$d > 1e-7) + sum(held)
}

fit_test_notes <- function(fit, parts, df, bootstrap) {
  sparse <- if (is.na(parts$expected[["below_5"]])) TRUE else parts$expected[["below_5"]] > 0.2
  c(
    if (df <= 0) paste(
      "There are no degrees of freedom: the model has as many parameters as the table, or more."
    ),
    if (df > 0 && sparse) paste0(
      "The table is sparse",
      if (!is.na(parts$expected[["below_5"]])) paste0(": ", percent(parts$expected[["below_5"]]),
        " of the patterns are expected less than 5 times"),
      ". The chi-squared p-values mean little",
      if (bootstrap == 0) "; fit_tests(fit, bootstrap = 200) needs no such theory." else "."
    ),
    if (parts$rank < fit$n_free) paste0(
      "Parameters are not identified: the degrees of freedom count the ", parts$rank, " of ", fit$n_free,
      " that the patterns tell apart."
    ),
    if (any(fit$parameters$status == "boundary")) paste(
      plural(sum(fit$parameters$status == "boundary"), "parameter"),
      "at a boundary count in the degrees of freedom, which makes the p-values rather too small."
    ),
    if (!is_converged(fit)) "The fit has not converged."
  )
}

#' @export
print.mlmix_fit_tests <- function(x, ...) {
  if (!all(c("test", "statistic", "df", "p.value") %in% names(x))) return(NextMethod())
  cat("Tests of fit: ", format(attr(x, "n"), big.mark = ","), " units, ", format(attr(x, "observed"), big.mark = ","),
    " of ", format(attr(x, "cells"), big.mark = ",", scientific = FALSE), " possible patterns observed\n\n", sep = "")
  table <- data.frame(
    test = x$test, statistic = fixed_digits(x$statistic, 3), df = format(x$df, scientific = FALSE, trim = TRUE),
    p = p_words(x$p.value), stringsAsFactors = FALSE
  )
  if (!is.null(x$bootstrap.p.value)) table[["bootstrap p"]] <- p_words(x$bootstrap.p.value)
  print_plain(table)
  expected <- attr(x, "expected")
  mcar <- attr(x, "mcar")
  failures <- attr(x, "failures")
  lines <- c(
    if (!is.na(expected[["smallest"]])) paste0(
      "Expected frequencies: smallest ", signif(expected[["smallest"]], 2), "; below 5 in ",
      percent(expected[["below_5"]]), " of the patterns, below 1 in ", percent(expected[["below_1"]]), "."
    ),
    if (!is.null(mcar)) paste0(
      "Missing completely at random: likelihood ratio ", fixed_digits(mcar$statistic[[2]], 3), ", df ", mcar$df[[2]],
      ", p ", p_words(mcar$p.value[[2]]), "."
    ),
    if (isTRUE(failures > 0)) paste0(plural(failures, "bootstrap draw"), " failed and did not count."),
    attr(x, "notes")
  )
  if (length(lines) > 0) cat("", strwrap(lines, 80, exdent = 2), sep = "\n")
  invisible(x)
}
