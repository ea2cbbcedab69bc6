# residuals(type = "bivariate"): pairs of outcomes.

bivariate_residuals <- function(fit, draws, bootstrap, seed, call) {
  pairs <- bivariate_tables(fit, call)
  others <- continuous_pairs(fit, draws, seed, call)
  if (is.null(pairs$rows) && is.null(others$rows)) {
    abort_spec(c("There are no pairs of outcomes to compare.", i = "See {.code type = \"univariate\"}."), call = call)
  }
  if (bootstrap > 0 && !is.null(pairs$rows)) {
    drawn <- bootstrap_refits(fit, bootstrap, seed, bivariate_statistics, call)
    pairs$rows$p.value <- bootstrap_p_values(pairs$rows$X2, drawn$statistics)
  }
  table <- rbind_filled(pairs$rows, others$rows)
  structure(table, tables = rbind(pairs$cells, others$cells), failures = if (bootstrap > 0) drawn$failures)
}

# list(rows, cells) of all pairs of categorical outcomes and counts.
bivariate_tables <- function(fit, call) {
  parts <- unlist(lapply(levels_with_outcomes(fit), function(level) {
    layout <- unit_layout(fit, level)
    discrete <- which(vapply(layout$outcomes, has_categories_or_counts, TRUE))
    if (length(discrete) < 2) return(list())
    apply(utils::combn(discrete, 2), 2, function(pair) pair_table(fit, layout, pair, call), simplify = FALSE)
  }), recursive = FALSE)
  list(rows = do.call(rbind, lapply(parts, `[[`, "row")), cells = do.call(rbind, lapply(parts, `[[`, "cells")))
}

pair_table <- function(fit, layout, pair, call) {
  table <- outcome_table(fit, layout, pair, call)
  names <- vapply(layout$outcomes[pair], function(outcome) outcome$name, "")
  labels <- lapply(table$categories, `[[`, "labels")
  size <- lengths(labels)
  cells <- residual_rows(
    data.frame(outcome1 = names[[1]], category1 = rep(labels[[1]], size[[2]]), outcome2 = names[[2]],
      category2 = rep(labels[[2]], each = size[[1]])),
    table$observed, table$expected, sqrt(table$variance)
  )
  rownames(cells) <- NULL
  df <- prod(size - 1)
  x2 <- pearson(table$observed, table$expected)
  worst <- which.max(abs(cells$std.residual))
  list(cells = cells, row = data.frame(
    outcome1 = names[[1]], outcome2 = names[[2]], n = table$n, measure = "table", X2 = x2, df = df, bvr = x2 / df,
    std.residual = if (length(worst) == 0) NA_real_ else cells$std.residual[[worst]], row.names = NULL
  ))
}

# Cells that are neither observed nor expected do not count.
pearson <- function(observed, expected) {
  used <- expected > 0 | observed > 0
  sum((observed[used] - expected[used])^2 / expected[used])
}

# X2 of all pairs: what the bootstrap repeats.
bivariate_statistics <- function(fit, call) bivariate_tables(fit, call)$rows$X2

# list(rows, cells) of all pairs with a continuous outcome.
continuous_pairs <- function(fit, draws, seed, call) {
  parts <- unlist(lapply(levels_with_outcomes(fit), function(level) {
    layout <- unit_layout(fit, level)
    discrete <- vapply(layout$outcomes, has_categories_or_counts, TRUE)
    nominal <- vapply(layout$outcomes, function(outcome) outcome$family$type == "nominal", TRUE)
    n <- length(layout$outcomes)
    if (n < 2) return(list())
    pairs <- utils::combn(n, 2)
    pairs <- pairs[, apply(pairs, 2, function(pair) !all(discrete[pair])), drop = FALSE]
    if (ncol(pairs) == 0) return(list())
    sets <- drawn_values(fit, layout, draws, seed, call)
    apply(pairs, 2, function(pair) {
      if (any(nominal[pair])) means_pair(fit, layout, pair, nominal[pair], sets) else
        list(rows = correlation_row(layout, pair, sets))
    }, simplify = FALSE)
  }), recursive = FALSE)
  list(rows = do.call(rbind, lapply(parts, `[[`, "rows")), cells = do.call(rbind, lapply(parts, `[[`, "cells")))
}

correlation_row <- function(layout, pair, sets) {
  seen <- rowSums(is.na(layout$value[, pair])) == 0
  weight <- layout$weight[seen]
  observed <- weighted_correlation(layout$value[seen, pair, drop = FALSE], weight)
  drawn <- vapply(sets, function(set) weighted_correlation(set[seen, pair, drop = FALSE], weight), 0)
  expected <- mean(drawn)
  data.frame(pair_names(layout, pair), n = sum(weight), measure = "correlation", observed = observed,
    expected = expected, residual = observed - expected, std.residual = (observed - expected) / stats::sd(drawn))
}

pair_names <- function(layout, pair) {
  names <- vapply(layout$outcomes[pair], function(outcome) outcome$name, "")
  data.frame(outcome1 = names[[1]], outcome2 = names[[2]])
}

# A nominal with a continuous outcome: its mean in each category, and their spread as the correlation ratio.
means_pair <- function(fit, layout, pair, nominal, sets) {
  seen <- rowSums(is.na(layout$value[, pair])) == 0
  weight <- layout$weight[seen]
  labels <- outcome_categories(fit, layout$outcomes[[pair[nominal]]])$labels
  moments <- function(value) {
    category_moments(value[seen, pair[nominal]], value[seen, pair[!nominal]], weight, length(labels))
  }
  observed <- moments(layout$value)
  drawn <- vapply(sets, moments, observed)
  expected <- rowMeans(drawn, na.rm = TRUE)
  sd <- apply(drawn, 1, stats::sd, na.rm = TRUE)
  means <- seq_along(labels)
  names <- pair_names(layout, pair)
  own <- if (nominal[[1]]) list(labels, "mean") else list("mean", labels)
  cells <- residual_rows(
    data.frame(outcome1 = names$outcome1, category1 = own[[1]], outcome2 = names$outcome2, category2 = own[[2]]),
    observed[means], expected[means], sd[means]
  )
  worst <- which.max(abs(cells$std.residual))
  ratio <- length(labels) + 1
  list(cells = cells, rows = data.frame(
    names, n = sum(weight), measure = "means", observed = observed[[ratio]], expected = expected[[ratio]],
    residual = observed[[ratio]] - expected[[ratio]],
    std.residual = if (length(worst) == 0) NA_real_ else cells$std.residual[[worst]]
  ))
}

# Means of y in the categories 1, ..., k (NA where empty), and the correlation ratio: the root of the share of its
# variance that lies between categories.
category_moments <- function(category, y, weight, k) {
  if (length(y) == 0) return(rep(NA_real_, k + 1))
  size <- weighted_counts(category, weight, k)
  means <- ifelse(size > 0, weighted_counts(category, weight * y, k) / size, NA_real_)
  centre <- sum(weight * y) / sum(weight)
  c(means, sqrt(sum(size * (means - centre)^2, na.rm = TRUE) / sum(weight * (y - centre)^2)))
}

weighted_correlation <- function(x, weight) {
  if (nrow(x) < 2) return(NA_real_)
  centred <- sweep(x, 2, colSums(x * weight) / sum(weight))
  product <- crossprod(centred * sqrt(weight))
  product[1, 2] / sqrt(product[1, 1] * product[2, 2])
}

rbind_filled <- function(a, b) {
  parts <- Filter(Negate(is.null), list(a, b))
  order <- c("outcome1", "outcome2", "n", "measure", "X2", "df", "bvr", "p.value", "observed", "expected", "residual",
    "std.residual")
  names <- intersect(order, unique(unlist(lapply(parts, names))))
  bind_rows(lapply(parts, function(part) {
    part[setdiff(names, names(part))] <- NA_real_
    part[names]
  }))
}

# Print ----------------------------------------------------------------------------------------------------------------

print_pairs <- function(x, n) {
  tables <- x[x$measure == "table", , drop = FALSE]
  if (nrow(tables) > 0) {
    tables <- utils::head(tables[order(-tables$bvr), , drop = FALSE], n)
    cat("\n")
    print_plain(data.frame(
      outcome1 = shorten(tables$outcome1, 16), outcome2 = shorten(tables$outcome2, 16), n = significant(tables$n),
      X2 = fixed_digits(tables$X2, 2), df = tables$df, BVR = fixed_digits(tables$bvr, 2),
      if (is.null(tables$p.value)) data.frame(row.names = seq_len(nrow(tables))) else
        data.frame(p = p_words(tables$p.value)),
      `worst cell` = rounded(tables$std.residual, 2), check.names = FALSE, stringsAsFactors = FALSE
    ))
  }
  pairs <- x[x$measure == "correlation", , drop = FALSE]
  if (nrow(pairs) > 0) {
    pairs <- utils::head(pairs[order(-abs(pairs$std.residual)), , drop = FALSE], n)
    cat("\n")
    print_plain(data.frame(
      outcome1 = shorten(pairs$outcome1, 16), outcome2 = shorten(pairs$outcome2, 16),
      correlation = fixed_digits(pairs$observed, 3), expected = fixed_digits(pairs$expected, 3),
      residual = rounded(pairs$residual, 3), std.residual = rounded(pairs$std.residual, 2),
      stringsAsFactors = FALSE
    ))
  }
  means <- x[x$measure == "means", , drop = FALSE]
  if (nrow(means) > 0) {
    means <- utils::head(means[order(-abs(means$std.residual)), , drop = FALSE], n)
    cat("\nNominal and continuous outcomes\n")
    print_plain(data.frame(
      outcome1 = shorten(means$outcome1, 16), outcome2 = shorten(means$outcome2, 16),
      `corr. ratio` = fixed_digits(means$observed, 3), expected = fixed_digits(means$expected, 3),
      residual = rounded(means$residual, 3), `worst mean` = rounded(means$std.residual, 2),
      check.names = FALSE, stringsAsFactors = FALSE
    ))
  }
}
