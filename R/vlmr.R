# vlmr(): the likelihood-ratio test of Vuong (1989) as Lo, Mendell and Rubin (2001) use it for numbers of classes.
#
# Two models f (the larger, p parameters) and g (q parameters) that give the same density at their limits. With
# H = the observed information of a model (negative Hessian), s = a unit's score, B = sum s s' over independent units,
# both models' scores side by side, the statistic 2 (log L_f - log L_g) tends to a weighted sum of p + q independent
# chi-squared variables with one degree of freedom, whose weights are the eigenvalues of (Vuong, theorem 3.3)
#
#   W = B diag(H_f^-1, -H_g^-1).
#
# They are real: those of R diag(H_f^-1, -H_g^-1) R' with B = R'R. Mplus has H^-1 B H^-1 (the robust covariance matrix)
# in place of H^-1 (Vermunt, 2024).

#' Vuong-Lo-Mendell-Rubin test of the number of classes
#'
#' Tests a model with one class fewer against the fit, or any two models against each other.
#'
#' Under the smaller model the statistic, twice the difference of the log-likelihoods, is taken to be distributed as a
#' weighted sum of chi-squared variables. The weights follow from the information and the units' scores of both models
#' (Vuong, 1989). Two versions are in use, and both are given: `"observed"`, Vuong's formula, as in Latent GOLD; and
#' `"robust"`, as in Mplus (TECH11), with robust covariance matrices in place of the inverse information. Lo, Mendell
#' and Rubin's adjusted statistic is divided by 1 + 1 / (d log n), with d the difference of the numbers of parameters
#' and n that of independent units.
#'
#' **Caution.** The theory does not hold where the smaller model is the larger one with a class of size zero
#' (Jeffries, 2003): there the parameters of that class are not identified. In simulations the p-value is then not
#' uniform under the smaller model (Vermunt, 2024), though it often points to the right number of classes (Nylund,
#' Asparouhov and Muthén, 2007). [blrt()] needs no such theory.
#'
#' @param fit A fit from [mlmix()]: the larger model, or, with `alternative`, the smaller one.
#' @param alternative `NULL` (default), or the fit of the larger model, to the same data.
#' @param class Text or `NULL` (default): the class variables that lose a class. Needed if there are several, and
#'   `alternative` is not given.
#' @param starts Two whole numbers, default `c(20, 5)`: random starts of the smaller model, and how many of them go on
#'   to convergence. One more start is the fit without its first class.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @return A data frame of class `mlmix_vlmr` with four rows: `test` (`"VLMR"` or `"adjusted LMR"`), `weights`
#'   (`"observed"` or `"robust"`), `statistic`, `mean` and `sd` (of its distribution), `p.value`. Attributes: `"df"`
#'   (difference of the numbers of parameters), `"weights"` (named list of the two sets of weights), `"null"` and
#'   `"alternative"` (the fits), `"notes"`. The p-value is `NA`, and a note says why, where the information of a model
#'   is singular.
#' @references
#' Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested hypotheses. *Econometrica*, 57,
#' 307-333.
#'
#' Lo, Y., Mendell, N. R. and Rubin, D. B. (2001). Testing the number of components in a normal mixture.
#' *Biometrika*, 88, 767-778.
#'
#' Jeffries, N. O. (2003). A note on "Testing the number of components in a normal mixture". *Biometrika*, 90, 991-994.
#'
#' Nylund, K. L., Asparouhov, T. and Muthén, B. O. (2007). Deciding on the number of classes in latent class analysis
#' and growth mixture modeling. *Structural Equation Modeling*, 14, 535-569.
#'
#' Vermunt, J. K. (2024). The Vuong-Lo-Mendell-Rubin test for latent class and latent profile analysis: A note on the
#' different implementations in Mplus and LatentGOLD. *Methodology*, 20, 72-83.
#' @seealso [blrt()], [compare_models()].
#' @examples
#' fit <- mlmix(lca(c(lie_exam, lie_paper, fraud, copy_exam), k = 2), cheating, starts = c(5, 2),
#'   seed = 1)
#' vlmr(fit, seed = 1)
#' @export
vlmr <- function(fit, alternative = NULL, class = NULL, starts = c(20, 5), seed = NULL) {
  frame <- rlang::current_env()
  refuse_priors(list(fit, alternative), "vlmr", frame)
  pair <- null_and_alternative(fit, alternative, class, starts, seed, se = "observed", call = frame)
  vlmr_table(pair$null, pair$alternative, frame)
}

# The two fits of a test, the smaller first: as given, or `fit` and its model with one class fewer.
null_and_alternative <- function(fit, alternative, class, starts, seed, se, call) {
  check_fit(fit, call)
  starts <- check_starts(starts, call)
  seed <- check_seed(seed, call)
  if (is.null(alternative)) {
    return(list(null = fit_one_class_fewer(fit, class, starts, seed, se, call), alternative = fit, seed = seed))
  }
  check_fit(alternative, call, "alternative")
  if (!is.null(class)) {
    abort_spec(c(
      "{.arg class} has no meaning where both models are given.", i = "Leave it out, or {.arg alternative}."
    ), call = call)
  }
  check_same_data(list(fit, alternative), "test", call)
  check_same_outcomes(fit, alternative, call)
  if (fit$n_free >= alternative$n_free) {
    abort_spec(c(
      "The smaller model comes first: {.arg fit} must have fewer parameters than {.arg alternative}.",
      x = "They have {fit$n_free} and {alternative$n_free}."
    ), call = call)
  }
  list(null = fit, alternative = alternative, seed = seed)
}

check_same_outcomes <- function(null, alternative, call) {
  outcomes <- function(fit) vapply(fit$spec$outcomes, function(outcome) outcome$name, "")
  if (!setequal(outcomes(null), outcomes(alternative))) {
    abort_spec(c(
      "Both models must have the same outcomes.",
      x = "Only one has {.val {union(setdiff(outcomes(null), outcomes(alternative)),
        setdiff(outcomes(alternative), outcomes(null)))}}."
    ), call = call)
  }
}

vlmr_table <- function(null, alternative, call) {
  statistic <- 2 * (alternative$log_likelihood - null$log_likelihood)
  df <- alternative$n_free - null$n_free
  units <- common_units(null, alternative)
  large <- score_parts(alternative, units$alternative, call)
  small <- score_parts(null, units$null, call)
  notes <- c(convergence_notes(null, alternative, statistic), large$note, small$note)
  weights <- list(observed = NA_real_, robust = NA_real_)
  if (is.null(large$note) && is.null(small$note)) {
    both <- qr(cbind(large$scores, small$scores))
    root <- qr.R(both)[, order(both$pivot), drop = FALSE]
    weights$observed <- vuong_weights(root, large$inverse, small$inverse)
    weights$robust <- vuong_weights(root, large$robust, small$robust)
  }
  adjusted <- statistic / (1 + 1 / (df * log(units$n)))
  rows <- expand.grid(weights = names(weights), test = c("VLMR", "adjusted LMR"), stringsAsFactors = FALSE)
  used <- weights[rows$weights]
  table <- data.frame(
    test = rows$test, weights = rows$weights, statistic = ifelse(rows$test == "VLMR", statistic, adjusted),
    mean = vapply(used, sum, 0), sd = vapply(used, function(w) sqrt(2 * sum(w^2)), 0), stringsAsFactors = FALSE
  )
  table$p.value <- vapply(seq_len(nrow(table)), function(i) {
    if (anyNA(used[[i]])) NA_real_ else weighted_chi_square_tail(table$statistic[[i]], used[[i]])
  }, 0)
  rownames(table) <- NULL
  structure(table, df = df, weights = weights, null = null, alternative = alternative, notes = notes,
    class = c("mlmix_vlmr", "data.frame"))
}

vuong_weights <- function(root, large, small) {
  p <- nrow(large)
  middle <- matrix(0, p + nrow(small), p + nrow(small))
  middle[seq_len(p), seq_len(p)] <- large
  middle[-seq_len(p), -seq_len(p)] <- -small
  values <- eigen(root %*% middle %*% t(root), symmetric = TRUE, only.values = TRUE)$values
  values[abs(values) > 1e-8 * max(abs(values))]
}

# Scores of common independent units (frequent units weighted by the root of their frequency, so that S'S is their
# cross-product), the inverse information and the robust covariance matrix; parameters at a boundary are left out. Or a
# note that says why there are none.
score_parts <- function(fit, units, call) {
  if (any(fit$parameters$status == "not identified")) {
    return(list(note = paste0(
      "The model with ", fit$n_free, " parameters is not identified, so the distribution is unknown."
    )))
  }
  information <- fit_information(fit, call)
  scores <- engine_evaluate(fit, fit$parameters$estimate, call)$scores
  held <- diag(information) <= 1e-12 * max(diag(information), 1)
  kept <- !held
  inverse <- tryCatch(solve_information(information[kept, kept, drop = FALSE]), error = function(e) NULL)
  if (is.null(inverse)) {
    return(list(note = paste0(
      "The information matrix of the model with ", fit$n_free, " parameters is singular, so the distribution is ",
      "unknown."
    )))
  }
  scores <- unit_scores(fit, scores[, kept, drop = FALSE], units)
  list(scores = scores, inverse = inverse, robust = inverse %*% crossprod(scores) %*% inverse)
}

# An inverse that refuses what is singular: of the information scaled to a unit diagonal.
solve_information <- function(information) {
  if (nrow(information) == 0) return(information)
  scale <- 1 / sqrt(diag(information))
  scaled <- information * outer(scale, scale)
  values <- eigen(scaled, symmetric = TRUE, only.values = TRUE)$values
  if (min(values) < 1e-9) stop("singular")
  solve(scaled) * outer(scale, scale)
}

# The observed information in the engine's coordinates; worked out again at the estimates where a fit has none.
fit_information <- function(fit, call) {
  if (!is.null(fit$information) && fit$options$se != "none") return(fit$information)
  again <- estimate_again(fit, fit$data$columns, fit$data, starts = c(1, 1), seed = fit$seed, se = "observed",
    start_values = fit$parameters$estimate, call = call)
  again$information
}

# Which independent unit every likelihood contribution of each fit belongs to: the clusters of the fit that has any
# (also of standard errors), else persons or rows. `n` counts the units by frequency.
common_units <- function(null, alternative) {
  rows <- lapply(list(null = null, alternative = alternative), contribution_rows)
  of_row <- Reduce(coarser, lapply(list(null, alternative), unit_of_row))
  units <- lapply(rows, function(row) of_row[row])
  largest <- if (length(rows$null) <= length(rows$alternative)) null else alternative
  weight <- contribution_frequency(largest)
  c(units, n = if (length(unique(of_row[!is.na(of_row)])) < length(weight)) length(unique(of_row[!is.na(of_row)])) else
    sum(weight))
}

# The row of the data that each contribution to the log-likelihood (a row, a cluster, a person) first comes from.
contribution_rows <- function(fit) {
  if (is.null(fit$data$cluster)) fit$data$row_used else fit$data$row_used[!duplicated(fit$data$cluster)]
}

# The independent unit of every row of the data, NA for rows left out.
unit_of_row <- function(fit) {
  data <- fit$data
  unit <- rep(NA_integer_, data$n_rows)
  part <- if (!is.null(data$robust_cluster)) data$robust_cluster else data$cluster
  unit[data$row_used] <- if (is.null(part)) seq_along(data$row_used) else as.integer(part)
  unit
}

coarser <- function(a, b) {
  n <- function(x) length(unique(x[!is.na(x)]))
  if (n(b) < n(a)) b else a
}

# How often each contribution was observed.
contribution_frequency <- function(fit) {
  data <- fit$data
  n <- length(contribution_rows(fit))
  if (!is.null(data$frequency) && is.null(data$cluster)) return(data$frequency)
  if (!is.null(data$counted)) return(data$counted[!duplicated(data$cluster)])
  rep(1, n)
}

unit_scores <- function(fit, scores, units) {
  data <- fit$data
  multiplier <- contribution_multiplier(fit)
  if (!anyDuplicated(units)) return(scores * multiplier$root)
  rowsum(scores * multiplier$whole, units, reorder = TRUE)
}

# What a contribution's score is multiplied with: where it stands for itself (root of its frequency x its weight), and
# where contributions of a unit are added up (frequency x weight).
contribution_multiplier <- function(fit) {
  data <- fit$data
  frequency <- if (is.null(data$frequency) || !is.null(data$cluster)) 1 else data$frequency
  weight <- if (!is.null(data$cluster_weights)) cluster_weight(fit) else
    if (is.null(data$cluster) && !is.null(data$unit_weights)) data$unit_weights else 1
  if (!is.null(data$counted)) { # a part of the cluster weights
    frequency <- contribution_frequency(fit)
    weight <- ifelse(frequency > 0, weight / frequency, 0)
  }
  list(root = sqrt(frequency) * weight, whole = frequency * weight)
}

convergence_notes <- function(null, alternative, statistic) {
  c(
    if (!is_converged(null)) "The smaller model has not converged: use more starts.",
    if (!is_converged(alternative)) "The larger model has not converged: use more starts.",
    if (statistic < -1e-4) paste(
      "The larger model has a lower log-likelihood than the smaller one: it has not found its maximum, or the models",
      "are not nested."
    )
  )
}

#' @export
print.mlmix_vlmr <- function(x, ...) {
  if (!all(c("test", "weights", "statistic", "mean", "sd", "p.value") %in% names(x))) return(NextMethod())
  cat("Vuong-Lo-Mendell-Rubin test\n")
  cat(test_lines(attr(x, "null"), attr(x, "alternative")), sep = "\n")
  cat("\n")
  print_plain(data.frame(
    test = x$test, weights = x$weights, statistic = fixed_digits(x$statistic, 3), mean = fixed_digits(x$mean, 3),
    sd = fixed_digits(x$sd, 3), p = p_words(x$p.value), check.names = FALSE, stringsAsFactors = FALSE
  ))
  notes <- c(
    attr(x, "notes"),
    "Weights: observed as Vuong (1989) and Latent GOLD, robust as Mplus (TECH11).",
    paste("Caution: with classes the theory behind the p-value does not hold exactly (Jeffries, 2003);",
      "blrt() does without it.")
  )
  cat("", strwrap(notes, 80, exdent = 2), sep = "\n")
  invisible(x)
}

# What is tested against what: two or three lines.
test_lines <- function(null, alternative) {
  row <- function(what, fit) {
    paste0(formatC(what, width = -12), formatC(fit$log_likelihood, format = "f", digits = 3, width = 12), " with ",
      plural(fit$n_free, "parameter"), class_words(fit))
  }
  c(row("Smaller", null), row("Larger", alternative))
}

# ", c with 2 classes, d with 3"
class_words <- function(fit) {
  classes <- fit_classes(fit)
  if (length(classes) == 0) return("")
  words <- vapply(classes, function(cl) paste(cl$name, "with", plural(cl$k, "class", "classes")), "")
  paste0("; ", paste(words, collapse = ", "))
}
