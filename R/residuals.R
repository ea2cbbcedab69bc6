# residuals(): what the data have against what the model expects: one outcome, pairs, response patterns, units.

#' Residuals
#'
#' Compares observed with expected distributions: of single outcomes, of pairs of outcomes (where local dependence
#' shows), of whole response patterns; or the outcomes of single units with their expectation.
#'
#' Expected numbers of categories, counts and patterns are exact: the engine integrates over classes, factors and
#' random effects, given the covariates of each unit. Units with missing values count where they have all outcomes of
#' the table. Pairs are of outcomes of the same level.
#'
#' A standardised residual is the difference divided by its standard deviation if the parameters were known and units
#' independent, sqrt(sum w p (1 - p)) for a count. As the parameters are estimated it varies a little less than a
#' standard normal variable; with clusters it may vary more. The bivariate residual (BVR) of two categorical outcomes is
#' Pearson's X2 of their table divided by its degrees of freedom, (I - 1)(J - 1) (Vermunt and Magidson, 2016). It is
#' about 1 or less in a model that fits, and has no chi-squared distribution: for a p-value use `bootstrap`, which fits
#' the model to data drawn from it (Oberski, van Kollenburg and Vermunt, 2013).
#'
#' Of pairs with a continuous outcome the correlation is compared, of continuous outcomes the mean and the variance;
#' what is expected comes from `draws` data sets drawn from the model, except the mean, which is exact. Their standard
#' deviation over draws standardises the residual. Of a nominal with a continuous outcome the mean in each category is
#' compared, standardised in the same way; the row of the pair has the correlation ratio (the root of the share of the
#' continuous outcome's variance that lies between categories) as observed and expected, and the standardised residual
#' of the category whose mean differs most.
#'
#' @param object A fit from [mlmix()].
#' @param type Text: `"univariate"` (default), `"bivariate"`, `"response"` or `"pattern"`.
#' @param condition Text, for `type = "response"`: as in [predict.mlmix()], `"none"` (default) for what is expected
#'   given the predictors only, `"posterior"` given also all outcomes of the unit and its cluster.
#' @param draws Whole number, default 100: data sets drawn where the expectation is not exact.
#' @param bootstrap Whole number, default 0: data sets drawn from the model, and fitted, for p-values of bivariate
#'   residuals. Runs on the [future plan][future::plan()] in force.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @param ... Not used.
#' @return A data frame of class `mlmix_residuals`.
#'   * `"univariate"`: a row for each category (of counts: the last one is open) with `outcome`, `measure` (`"count"`,
#'     `"mean"` or `"variance"`), `category`, `observed`, `expected`, `residual` (observed less expected),
#'     `std.residual`.
#'   * `"bivariate"`: a row for each pair with `outcome1`, `outcome2`, `n`, `measure` (`"table"`,
#'     `"correlation"` or `"means"`), `X2`, `df`, `bvr` and, with `bootstrap`, `p.value`; `observed`, `expected`,
#'     `residual` (correlations and correlation ratios); `std.residual` (of tables and means: of the cell or category
#'     that differs most). The attribute `"tables"` has all cells, and means by category with `"mean"` as the category
#'     of the continuous outcome.
#'   * `"pattern"`: a row for each response pattern in the data with the outcomes as columns (categories, `NA` where
#'     missing), `observed`, `expected` (among units with the same values missing), `residual`, `std.residual`, most
#'     frequent first. For categorical outcomes of units.
#'   * `"response"`: a row for each unit and outcome, of nominal outcomes for each category, with `row` (of the data),
#'     `outcome`, `category`, `observed`, `expected` (mean or probability; of ordinal outcomes the mean of the category
#'     numbers 1, 2, ...), `residual`, `std.residual` (Pearson's, for categories with `condition = "none"`, else `NA`).
#' @references
#' Vermunt, J. K. and Magidson, J. (2016). *Technical guide for Latent GOLD 5.1*. Statistical Innovations.
#'
#' Oberski, D. L., van Kollenburg, G. H. and Vermunt, J. K. (2013). A Monte Carlo evaluation of three methods to detect
#' local dependence in binary data latent class models. *Advances in Data Analysis and Classification*, 7, 267-279.
#' @seealso [fit_tests()] for tests of the whole model.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' residuals(fit, "bivariate")
#' residuals(fit, "pattern")
#' @importFrom stats residuals
#' @method residuals mlmix
#' @export
residuals.mlmix <- function(object, type = c("univariate", "bivariate", "response", "pattern"),
                            condition = c("none", "posterior"), draws = 100, bootstrap = 0, seed = NULL, ...) {
  frame <- rlang::current_env()
  type <- check_choice(type, c("univariate", "bivariate", "response", "pattern"), "type")
  condition <- check_choice(condition, c("none", "posterior"), "condition")
  draws <- check_count(draws, "draws", min = 2)
  bootstrap <- check_count(bootstrap, "bootstrap", min = 0)
  seed <- check_seed(seed, frame)
  table <- switch(type,
    univariate = univariate_residuals(object, draws, seed, frame),
    bivariate = bivariate_residuals(object, draws, bootstrap, seed, frame),
    response = response_residuals(object, condition),
    pattern = pattern_residuals(object, frame)
  )
  structure(table, type = type, class = c("mlmix_residuals", "data.frame"))
}

levels_with_outcomes <- function(fit) {
  unique(vapply(fit$spec$outcomes, function(outcome) outcome$level, ""))
}

# One outcome ----------------------------------------------------------------------------------------------------------

univariate_residuals <- function(fit, draws, seed, call) {
  bind_rows(lapply(levels_with_outcomes(fit), function(level) {
    layout <- unit_layout(fit, level)
    discrete <- vapply(layout$outcomes, has_categories_or_counts, TRUE)
    moments <- if (!all(discrete)) moment_rows(fit, layout, which(!discrete), draws, seed, call)
    bind_rows(lapply(seq_along(layout$outcomes), function(j) {
      name <- layout$outcomes[[j]]$name
      if (!discrete[[j]]) return(moments[moments$outcome == name, , drop = FALSE])
      table <- outcome_table(fit, layout, j, call)
      residual_rows(
        data.frame(outcome = name, measure = "count", category = table$categories[[1]]$labels), table$observed,
        table$expected, sqrt(table$variance)
      )
    }))
  }))
}

residual_rows <- function(labels, observed, expected, sd) {
  residual <- as.vector(observed) - as.vector(expected)
  sd <- as.vector(sd)
  data.frame(
    labels, observed = as.vector(observed), expected = as.vector(expected), residual = residual,
    std.residual = ifelse(sd > 1e-8, residual / sd, NA_real_), stringsAsFactors = FALSE
  )
}

# Mean and variance of continuous outcomes.
moment_rows <- function(fit, layout, which, draws, seed, call) {
  exact <- stats::predict(fit, type = "response")
  sets <- drawn_values(fit, layout, draws, seed, call)
  bind_rows(lapply(which, function(j) {
    outcome <- layout$outcomes[[j]]
    seen <- !is.na(layout$value[, j])
    weight <- layout$weight[seen]
    moments <- function(y) {
      mean <- sum(weight * y) / sum(weight)
      c(mean, sum(weight * (y - mean)^2) / sum(weight))
    }
    drawn <- vapply(sets, function(set) moments(set[seen, j]), numeric(2))
    expected <- rowMeans(drawn)
    # The expectation of a censored outcome is that of the variable behind its limits, so not of what is observed.
    if (outcome$family$type != "censored") {
      rows <- if (is.null(fit$data$reshape)) fit$data$row_used[layout$row[seen, j]] else which_person(fit)[seen]
      expected[[1]] <- sum(weight * exact[[outcome$name]][rows] * trials_of(fit, outcome, layout$row[seen, j])) /
        sum(weight)
    }
    residual_rows(
      data.frame(outcome = outcome$name, measure = c("mean", "variance"), category = ""),
      moments(layout$value[seen, j]), expected, apply(drawn, 1, stats::sd)
    )
  }))
}

# The row of the data of every person of a model that stacks items.
which_person <- function(fit) fit$data$row_used[!duplicated(fit$data$cluster)]

trials_of <- function(fit, outcome, rows) {
  if (is.null(outcome$family$trials)) 1 else fit$data$columns[[outcome$family$trials]][rows]
}

# Values drawn from the model in the place of the observed ones: a list of [units x outcomes].
drawn_values <- function(fit, layout, draws, seed, call) {
  lapply(element_seeds(seed, draws), function(one) {
    drawn <- engine_simulate(c(fit["spec"], fit$data), fit$parameters$estimate, one, call)$outcomes
    values <- vapply(seq_along(layout$outcomes), function(j) {
      drawn[[layout$outcomes[[j]]$name]][layout$row[, j]]
    }, numeric(nrow(layout$row)))
    matrix(values, nrow(layout$row))
  })
}

# Response patterns ----------------------------------------------------------------------------------------------------

pattern_residuals <- function(fit, call) {
  table <- pattern_table(fit, call)
  layout <- table$layout
  values <- lapply(seq_along(layout$outcomes), function(j) {
    categories <- outcome_categories(fit, layout$outcomes[[j]])
    values <- category_text(categories$labels)
    values[match(table$value[, j], categories$values)]
  })
  names(values) <- names(layout$outcomes)
  out <- residual_rows(
    data.frame(values, check.names = FALSE, stringsAsFactors = FALSE), table$observed, table$expected,
    sqrt(table$variance)
  )
  names(out)[seq_along(values)] <- names(values)
  out <- out[order(-out$observed, -out$expected), , drop = FALSE]
  rownames(out) <- NULL
  out
}

# Numbers where all labels are numbers.
category_text <- function(labels) {
  numbers <- suppressWarnings(as.numeric(labels))
  if (anyNA(numbers)) labels else numbers
}

# The distinct response patterns of the units: list(value [patterns x outcomes], observed, expected, variance, layout).
# A pattern with missing values is expected among the units that miss the same values.
pattern_table <- function(fit, call) {
  check_patterns(fit, call)
  layout <- unit_layout(fit, "within")
  code <- distinct_rows(layout$value)
  first <- which(!duplicated(code))
  value <- layout$value[first, , drop = FALSE]
  observed <- weighted_counts(code, layout$weight, length(first))
  missing <- distinct_rows(is.na(layout$value) * 1)
  covariates <- covariate_pattern(fit, filled_rows(layout$row))
  group <- distinct_rows(cbind(missing, covariates))
  # Every pattern in every group of units with its missing values.
  groups <- which(!duplicated(group))
  share <- weighted_counts(group, layout$weight, length(groups))
  cells <- lapply(seq_along(groups), function(g) {
    patterns <- which(missing[first] == missing[[groups[[g]]]])
    data.frame(pattern = patterns, group = rep(g, length(patterns)))
  })
  cells <- do.call(rbind, cells)
  if (nrow(cells) > 2e6) {
    abort_spec(c(
      "There are too many response patterns and covariate values to go through: {format(nrow(cells))} combinations.",
      i = "See {.code type = \"bivariate\"}."
    ), call = call)
  }
  row <- layout$row[groups[cells$group], , drop = FALSE]
  p <- exp(cell_log_probability(fit, layout$outcomes, filled_rows(row), value[cells$pattern, , drop = FALSE], call))
  sum_of <- function(x) weighted_counts(cells$pattern, x, length(first))
  list(
    value = value, observed = observed, expected = sum_of(share[cells$group] * p),
    variance = sum_of(share[cells$group] * p * (1 - p)), layout = layout, missing = missing[first], code = code
  )
}

# A stacked item that a person lacks has no row: any row of the person does, as its outcome is missing there too.
filled_rows <- function(row) {
  any <- apply(row, 1, function(r) r[!is.na(r)][[1]])
  at <- is.na(row)
  row[at] <- any[row(row)[at]]
  row
}

check_patterns <- function(fit, call) {
  within <- Filter(function(outcome) outcome$level == "within", fit$spec$outcomes)
  other <- Filter(function(outcome) !outcome$family$type %in% c("bernoulli", "ordinal", "nominal"), within)
  if (length(within) == 0 || length(other) > 0) {
    abort_spec(c(
      "Response patterns are those of categorical outcomes of units.",
      x = if (length(other) > 0) "The outcome {.var {other[[1]]$name}} is {other[[1]]$family$type}."
          else "The model has none.",
      i = "{.code residuals(fit, \"univariate\")} and {.code \"bivariate\"} take all outcomes."
    ), call = call)
  }
}

# Units ----------------------------------------------------------------------------------------------------------------

response_residuals <- function(fit, condition) {
  expected <- stats::predict(fit, type = "response", condition = condition)
  bind_rows(lapply(fit$spec$outcomes, function(outcome) {
    observed <- observed_by_row(fit, outcome)
    type <- outcome$family$type
    several <- type %in% c("ordinal", "nominal")
    p <- as.matrix(expected[response_labels(outcome, fit)])
    unit <- function(category, observed, expected, variance) {
      keep <- !is.na(observed)
      sd <- if (condition == "none") sqrt(variance) else NA_real_
      out <- residual_rows(
        data.frame(row = seq_along(observed), outcome = outcome$name, category = category), observed, expected,
        rep_len(sd, length(observed))
      )
      out[keep, , drop = FALSE]
    }
    if (type == "nominal") {
      labels <- category_labels_of(fit, outcome)
      return(bind_rows(lapply(seq_along(labels), function(k) {
        unit(labels[[k]], (observed == k) * 1, p[, k], p[, k] * (1 - p[, k]))
      })))
    }
    numbers <- seq_len(ncol(p))
    if (several) {
      mean <- as.vector(p %*% numbers)
      return(unit("", observed, mean, as.vector(p %*% numbers^2) - mean^2))
    }
    trials <- if (type == "binomial") into_data_rows(fit, fit$data$columns[[outcome$family$trials]], outcome) else 1
    variance <- if (type == "bernoulli") p[, 1] * (1 - p[, 1]) else NA_real_
    unit("", observed, trials * p[, 1], variance)
  }))
}

observed_by_row <- function(fit, outcome) into_data_rows(fit, fit$data$columns[[outcome$column]], outcome)

# Values of the engine's rows in the order of the data's rows; of stacked items those of the row of the item.
into_data_rows <- function(fit, values, outcome) {
  seen <- !is.na(fit$data$columns[[outcome$column]])
  out <- rep(NA_real_, fit$data$n_rows)
  out[fit$data$row_used[seen]] <- values[seen]
  out
}

# Print ----------------------------------------------------------------------------------------------------------------

#' @export
print.mlmix_residuals <- function(x, n = 20, ...) {
  type <- attr(x, "type")
  needed <- switch(type %||% "", univariate = c("outcome", "measure", "category"), bivariate = c("outcome1", "measure"),
    pattern = c("observed", "expected"), response = c("row", "outcome"))
  if (is.null(needed) || !all(c(needed, "std.residual") %in% names(x))) return(NextMethod())
  cat(switch(type,
    univariate = "Residuals of single outcomes", bivariate = "Residuals of pairs of outcomes",
    pattern = "Residuals of response patterns", response = "Residuals of units"
  ), "\n", sep = "")
  if (type == "bivariate") {
    print_pairs(as.data.frame(x), n)
  } else {
    part <- utils::head(as.data.frame(x), n)
    columns <- c("observed", "expected", "residual")
    part$observed <- significant(part$observed)
    for (name in columns[-1]) part[[name]] <- rounded(part[[name]], 2)
    part$std.residual <- rounded(part$std.residual, 2)
    text <- setdiff(names(part), c(columns, "std.residual"))
    for (name in text) part[[name]] <- ifelse(is.na(part[[name]]), ".", as.character(part[[name]]))
    if (type == "pattern" && length(text) > 6) {
      part <- data.frame(pattern = do.call(paste, c(unname(part[text]), sep = "")), part[c(columns, "std.residual")])
      part$pattern <- shorten(part$pattern, 36)
    }
    part <- part[vapply(part, function(column) any(column != ""), TRUE)]
    cat("\n")
    print_plain(part)
  }
  more <- nrow(x) - n
  if (more > 0) cat("... and ", plural(more, "more row"), "; print(x, n = Inf) shows all\n", sep = "")
  if (type != "response") {
    large <- sum(abs(x$std.residual) > 1.96, na.rm = TRUE)
    cat("\n", large, " of ", sum(!is.na(x$std.residual)), " standardised residuals beyond 1.96\n", sep = "")
  }
  invisible(x)
}

# Two decimals, none for whole numbers; no minus in front of 0.
significant <- function(x) {
  whole <- formatC(round(x) + 0, format = "f", digits = 0)
  ifelse(is.na(x), "", ifelse(abs(x - round(x)) < 1e-9, whole, rounded(x, 2)))
}

rounded <- function(x, digits) fixed_digits(round(x, digits) + 0, digits)
