# Weights and frequencies of rows: from a column name or a vector to checked, scaled numbers.

# What `quo` means: NULL, a numeric vector, a column name in quotes, or a bare column name.
weight_values <- function(quo, data, arg, call) {
  if (rlang::quo_is_null(quo)) return(NULL)
  expr <- rlang::quo_get_expr(quo)
  value <- if (rlang::is_symbol(expr) && rlang::as_string(expr) %in% names(data)) {
    rlang::as_string(expr)
  } else {
    tryCatch(rlang::eval_tidy(quo), error = function(e) {
      abort_data(c(
        "{.arg {arg}} must be a variable of {.arg data} or one number for each row.",
        x = "You gave {.code {rlang::as_label(quo)}}, which is neither: {conditionMessage(e)}.",
        suggest_names(rlang::as_label(quo), names(data), "Variables")
      ), call = call)
    })
  }
  if (is.null(value)) return(NULL)
  if (is.character(value) && length(value) == 1) {
    if (!value %in% names(data)) {
      abort_data(c(
        "{.arg data} has no variable {.var {value}}, which {.arg {arg}} names.",
        suggest_names(value, names(data), "Variables")
      ), call = call)
    }
    value <- data[[value]]
  }
  check_weight(value, nrow(data), arg, call)
}

check_weight <- function(value, n, arg, call) {
  if (!is.numeric(value)) {
    abort_data(c(
      "{.arg {arg}} must be numbers.", x = "You gave {describe(value)}.",
      i = "Accepted: a numeric variable of {.arg data}, or one number for each row."
    ), call = call)
  }
  if (length(value) != n) {
    abort_data(c(
      "{.arg {arg}} must have one number for each row of {.arg data}.",
      x = "You gave {length(value)} number{?s} for {n} row{?s}."
    ), call = call)
  }
  bad <- which(!is.finite(value) | value < 0)
  if (length(bad) > 0) {
    kind <- if (anyNA(value)) "missing" else if (any(is.infinite(value))) "infinite" else "negative"
    abort_data(c(
      "{.arg {arg}} must be 0 or more in every row.",
      x = "{length(bad)} row{?s} ha{?s/ve} a {kind} value, the first is row {bad[[1]]}."
    ), call = call)
  }
  if (all(value == 0)) {
    abort_data("{.arg {arg}} is 0 in every row, so no row counts.", call = call)
  }
  as.numeric(value)
}

warn_frequency <- function(frequency) {
  broken <- frequency != round(frequency)
  if (any(broken)) {
    cli::cli_warn(c(
      "{.arg frequency} should be whole numbers: how often each row was observed.",
      x = "{sum(broken)} row{?s} ha{?s/ve} others, such as {.val {utils::head(frequency[broken], 3)}}.",
      i = "For sampling weights use {.arg weights}."
    ), class = "mlmix_warning_data")
  }
}

# The engine's three vectors for the rows used. Sampling weights sum to the number of cases (within each cluster if
# there are clusters), cluster weights to the number of clusters; cases with weight zero are counted. `counted`: how
# often the row's person was observed, which is a part of the cluster weights.
engine_weights <- function(resolved, frequency, weights, cluster_weights, call) {
  rows <- resolved$row_used
  frequency <- frequency[rows]
  weights <- weights[rows]
  cluster_weights <- cluster_weights[rows]
  cluster <- resolved$cluster
  counted <- NULL
  if (!is.null(resolved$reshape)) {
    # A row of the data is a cluster of items there: every kind of weight belongs to the person.
    counted <- frequency
    if (!is.null(weights)) cluster_weights <- if (is.null(cluster_weights)) weights else weights * cluster_weights
    weights <- NULL
  }
  if (!is.null(weights)) {
    weights <- if (is.null(cluster)) scale_to_count(weights, frequency) else
      scale_in_clusters(weights, cluster, frequency)
  }
  if (!is.null(cluster_weights)) {
    if (is.null(cluster)) {
      abort_data(c(
        "{.arg cluster_weights} needs a model with something at the between level; this one has nothing there.",
        i = "Use {.arg weights}, with one weight for each row."
      ), call = call)
    }
    check_cluster_constant(cluster_weights, cluster, resolved$cluster_ids, "cluster_weights", call)
    first <- !duplicated(cluster)
    # The persons of stacked responses may have a frequency.
    count <- (if (is.null(resolved$reshape) || is.null(frequency)) rep(1, length(cluster)) else frequency)[first]
    cluster_weights <- cluster_weights * sum(count) / sum(cluster_weights[first] * count)
  }
  if (!is.null(resolved$reshape) && !is.null(frequency)) {
    cluster_weights <- if (is.null(cluster_weights)) frequency else frequency * cluster_weights
    frequency <- NULL
  }
  list(frequency = frequency, unit_weights = weights, cluster_weights = cluster_weights, counted = counted)
}

scale_to_count <- function(weights, frequency) {
  count <- if (is.null(frequency)) rep(1, length(weights)) else frequency
  weights * sum(count) / sum(weights * count)
}

scale_in_clusters <- function(weights, cluster, frequency = NULL) {
  count <- if (is.null(frequency)) rep(1, length(weights)) else frequency
  total <- stats::ave(weights * count, cluster, FUN = sum)
  size <- stats::ave(count, cluster, FUN = sum)
  ifelse(total > 0, weights * size / total, 0)
}

check_cluster_constant <- function(value, cluster, ids, arg, call) {
  first <- value[match(cluster, cluster)]
  differs <- which(abs(value - first) > 1e-8 * pmax(1, abs(first)))
  if (length(differs) > 0) {
    id <- ids[[cluster[[differs[[1]]]] + 1]]
    abort_data(c(
      "{.arg {arg}} must have one value for each cluster.",
      x = "It varies within cluster {.val {id}}{if (length(unique(cluster[differs])) > 1) ' and others'}."
    ), call = call)
  }
}
