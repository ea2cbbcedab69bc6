# Tables of one, two or all outcomes as the data have them and as the model expects them.
#
# The probability of some outcomes of a unit, all others and all latent variables integrated out, is the likelihood of
# an artificial unit in which only these are observed. The engine works it out for every distinct set of covariates, so
# every kind of model is treated alike; of a two-level model the artificial unit is a cluster of its own.

# Where the outcomes of one level are recorded: units (of a between outcome clusters, of stacked items persons) in rows,
# outcomes in columns.
#   value     [units x outcomes] observed values, NA where missing
#   row       [units x outcomes] the engine's row whose covariates belong to it; NA where a stacked item has none
#   weight    [units]
#   outcomes  the outcomes (of the specification)
unit_layout <- function(fit, level) {
  data <- fit$data
  outcomes <- Filter(function(outcome) outcome$level == level, fit$spec$outcomes)
  columns <- vapply(outcomes, function(outcome) outcome$column, "")
  names <- vapply(outcomes, function(outcome) outcome$name, "")
  all_rows <- seq_along(data$row_used)
  if (!is.null(data$reshape)) {
    person <- data$cluster + 1L
    row <- matrix(NA_integer_, max(person), length(outcomes))
    for (p in seq_along(columns)) {
      own <- which(!is.na(data$columns[[columns[[p]]]]))
      row[person[own], p] <- own
    }
    weight <- cluster_weight(fit)
  } else {
    kept <- if (level == "between") which(!duplicated(data$cluster)) else all_rows
    row <- matrix(kept, length(kept), length(outcomes))
    weight <- if (level == "between") cluster_weight(fit) else unit_weight(fit)
  }
  value <- vapply(seq_along(columns), function(p) data$columns[[columns[[p]]]][row[, p]], numeric(nrow(row)))
  value <- matrix(value, nrow(row))
  dimnames(value) <- dimnames(row) <- list(NULL, names)
  list(value = value, row = row, weight = weight, outcomes = stats::setNames(outcomes, names))
}

# Columns of the data that are covariates of anything (everything but the outcomes themselves).
covariates_of_rows <- function(fit) {
  outcomes <- vapply(fit$spec$outcomes, function(outcome) outcome$column, "")
  fit$data$columns[setdiff(names(fit$data$columns), outcomes)]
}

# A number for each distinct set of covariates among the engine's rows `row` [units x any number of rows each].
covariate_pattern <- function(fit, row) {
  covariates <- covariates_of_rows(fit)
  if (length(covariates) == 0 || nrow(row) == 0) return(rep(1L, nrow(row)))
  parts <- lapply(covariates, function(x) {
    code <- match(x, unique(x))
    lapply(seq_len(ncol(row)), function(j) code[row[, j]])
  })
  distinct_rows(do.call(cbind, unlist(parts, recursive = FALSE)))
}

# 1, 2, ... by first appearance of each distinct row of a matrix; missing values are equal to each other.
distinct_rows <- function(x) {
  number <- rep(1, nrow(x))
  for (j in seq_len(ncol(x))) {
    code <- match(x[, j], unique(x[, j]))
    number <- number * (max(code) + 1) + code
    number <- match(number, unique(number)) # stays small, so exact
  }
  as.integer(match(number, unique(number)))
}

# The logarithms of the probabilities of `value` [cells x outcomes] (NA: not observed) for units with the covariates of
# the engine's rows `row` [cells x outcomes].
cell_log_probability <- function(fit, outcomes, row, value, call) {
  # Without free parameters the engine has no scores to work out.
  fit$spec <- fixed_spec(fit$spec, fit$parameters$estimate)
  chunks <- split(seq_len(nrow(value)), (seq_len(nrow(value)) - 1) %/% 50000)
  unlist(lapply(chunks, function(chunk) {
    cell_chunk(fit, outcomes, row[chunk, , drop = FALSE], value[chunk, , drop = FALSE], call)$log_likelihood_clusters
  }), use.names = FALSE)
}

# The engine's evaluation of artificial units, less what known classes contribute by themselves.
cell_chunk <- function(fit, outcomes, row, value, call) {
  evaluated <- engine_evaluate(artificial_units(fit, outcomes, row, value), fit$parameters$estimate, call)
  known <- vapply(fit$spec$classes, function(class) !is.null(class$known), TRUE)
  if (any(known)) {
    none <- engine_evaluate(artificial_units(fit, outcomes, row, value * NA), fit$parameters$estimate, call)
    evaluated$log_likelihood_clusters <- evaluated$log_likelihood_clusters - none$log_likelihood_clusters
  }
  evaluated
}

artificial_units <- function(fit, outcomes, row, value) {
  m <- nrow(value)
  stacked <- !is.null(fit$data$reshape)
  rows <- if (stacked) as.vector(t(row)) else row[, 1]
  columns <- lapply(fit$data$columns, function(column) column[rows])
  for (outcome in fit$spec$outcomes) columns[[outcome$column]] <- rep(NA_real_, length(rows))
  for (j in seq_along(outcomes)) {
    at <- if (stacked) seq(j, by = ncol(value), length.out = m) else seq_len(m)
    columns[[outcomes[[j]]$column]][at] <- value[, j]
  }
  clustered <- !is.null(fit$data$cluster)
  fit$data$columns <- columns
  fit$data$cluster <- if (clustered) rep(seq_len(m) - 1L, each = length(rows) / m)
  fit$data[c("frequency", "unit_weights", "cluster_weights", "robust_cluster")] <- NULL
  fit
}

# Categories -----------------------------------------------------------------------------------------------------------

has_categories_or_counts <- function(outcome) {
  type <- outcome$family$type
  type %in% c("bernoulli", "ordinal", "nominal", "poisson", "negative_binomial") || grepl("^zero_inflated", type)
}

# list(values, labels, open): the values of a discrete outcome. Counts have an open last category, above which 5 % or
# fewer of the data lie, at most 10.
outcome_categories <- function(fit, outcome) {
  if (outcome$family$type %in% c("bernoulli", "ordinal", "nominal")) {
    labels <- category_labels_of(fit, outcome)
    values <- seq_along(labels) - (outcome$family$type == "bernoulli")
    return(list(values = values, labels = labels, open = FALSE))
  }
  seen <- fit$data$columns[[outcome$column]]
  most <- min(max(1, stats::quantile(seen, 0.95, na.rm = TRUE, type = 1, names = FALSE)), 10)
  list(values = 0:most, labels = c(as.character(seq_len(most) - 1), paste0(most, "+")), open = TRUE)
}

# The number of the category of each value.
category_of <- function(value, categories) {
  if (categories$open) value <- pmin(value, max(categories$values))
  match(value, categories$values)
}

# Expected and observed ------------------------------------------------------------------------------------------------

# A table of the outcomes `which` (one or two) over units that have all of them:
# list(observed, expected, variance: arrays by category; n). The variance is that of the observed counts for
# independent units with known parameters, sum w p (1 - p).
outcome_table <- function(fit, layout, which, call) {
  categories <- lapply(layout$outcomes[which], outcome_categories, fit = fit)
  used <- rowSums(is.na(layout$value[, which, drop = FALSE])) == 0
  value <- layout$value[used, which, drop = FALSE]
  row <- layout$row[used, which, drop = FALSE]
  weight <- layout$weight[used]
  size <- vapply(categories, function(one) length(one$values), 1)
  code <- vapply(seq_along(which), function(j) category_of(value[, j], categories[[j]]), numeric(nrow(value)))
  place <- 1 + as.vector(matrix(code - 1, nrow(value)) %*% cumprod(c(1, size))[seq_along(size)])
  observed <- weighted_counts(place, weight, prod(size))
  pattern <- covariate_pattern(fit, row)
  first <- which(!duplicated(pattern))
  share <- weighted_counts(pattern, weight, length(first))
  p <- category_probability(fit, layout$outcomes[which], categories, row[first, , drop = FALSE], call)
  list(
    observed = array(observed, size), expected = array(as.vector(share %*% p), size),
    variance = array(as.vector(share %*% (p * (1 - p))), size), n = sum(weight), categories = categories
  )
}

# Sums of weights in the places 1, ..., n.
weighted_counts <- function(place, weight, n) {
  sums <- rowsum(weight, place)
  replace(numeric(n), as.integer(rownames(sums)), sums)
}

# [covariate patterns x cells] probabilities of all combinations of categories, the first outcome varying fastest.
category_probability <- function(fit, outcomes, categories, row, call) {
  # The open category of a count is what the others leave of the margin, where the count is not observed (NA).
  asked <- lapply(categories, function(one) if (one$open) c(utils::head(one$values, -1), NA) else one$values)
  cells <- as.matrix(expand.grid(asked, KEEP.OUT.ATTRS = FALSE))
  m <- nrow(row)
  value <- cells[rep(seq_len(nrow(cells)), each = m), , drop = FALSE]
  log_p <- cell_log_probability(fit, outcomes, row[rep(seq_len(m), nrow(cells)), , drop = FALSE], value, call)
  p <- array(exp(log_p), c(m, lengths(asked)))
  for (j in which(vapply(categories, function(one) one$open, TRUE))) {
    p <- margin_to_last(p, j + 1)
  }
  matrix(p, m)
}

# Along one dimension of an array the last entry, which holds the sum over all values, becomes the rest of it.
margin_to_last <- function(p, along) {
  order <- c(along, seq_along(dim(p))[-along])
  turned <- aperm(p, order)
  size <- dim(turned)
  flat <- matrix(turned, size[[1]])
  last <- nrow(flat)
  flat[last, ] <- pmax(flat[last, ] - colSums(flat[-last, , drop = FALSE]), 0)
  aperm(array(flat, size), order(order))
}
