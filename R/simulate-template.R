# The data frame that a model is resolved with before data exist: clusters by size, outcomes with all their categories.

# n, or c(clusters =, size =), as a data frame with the cluster variable.
data_of_size <- function(model, n, call) {
  check_size(n, call)
  clustered <- is.null(model$reshape) && (!is.null(model$cluster) || needs_cluster(model))
  if (clustered != (length(n) == 2)) {
    abort_spec(c(
      if (clustered) "The model has clusters: {.arg n} must be their number and their size."
      else "The model has no clusters: {.arg n} must be one number.",
      x = "You gave {describe(n)}.", i = if (clustered) "For example {.code n = c(clusters = 50, size = 10)}."
    ), call = call)
  }
  check_no_covariates(model, call)
  if (!clustered) return(data.frame(row.names = seq_len(n)))
  if (is.null(model$cluster)) {
    abort_spec(c(
      "The model has a between level, but no cluster variable.",
      i = "Name it in {.code mixture_model(..., cluster = \"school\")}."
    ), call = call)
  }
  stats::setNames(data.frame(rep(seq_len(n[["clusters"]]), each = n[["size"]])), model$cluster)
}

check_size <- function(n, call) {
  whole <- is.numeric(n) && all(is.finite(n)) && all(n == round(n)) && all(n >= 1)
  named <- length(n) == 1 || (length(n) == 2 && setequal(names(n), c("clusters", "size")))
  if (!whole || !named) {
    abort_spec(c(
      "{.arg n} must be a whole number, or {.code c(clusters = 50, size = 10)}.", x = "You gave {describe(n)}."
    ), call = call)
  }
}

check_no_covariates <- function(model, call) {
  plans <- all_plans(with_plans(model, model_symbols(model), call), character(0), call)
  used <- unique(unlist(lapply(plans, plan_names, known = character(0))))
  used <- c(
    setdiff(used, c(model$reshape$cluster, model$reshape$item)), unlist(lapply(model$classes, `[[`, "known")),
    unlist(lapply(model$outcomes, function(part) part$equation$trials))
  )
  if (length(used) > 0) {
    abort_spec(c(
      "{.arg n} is not enough: the model uses the variable{?s} {.var {used}}.",
      i = "Give them in {.arg data}, a data frame with one row per unit."
    ), call = call)
  }
}

# Adds the outcomes that the data lack, with every category somewhere.
add_outcomes <- function(model, data, names, call) {
  items <- list_items(model)
  for (item in items[!base::names(items) %in% base::names(data)]) {
    values <- template_values(item, names)
    if (nrow(data) < length(values)) {
      abort_spec(c(
        "Too few units: the outcome {.var {item$name}} has {length(values)} categories.", x = "You gave {nrow(data)}."
      ), call = call)
    }
    data[[item$name]] <- rep(values, length.out = nrow(data))
    if (item$level == "between" && !is.null(model$cluster)) {
      clusters <- number_clusters(data[[model$cluster]])
      data[[item$name]] <- rep(values, length.out = length(clusters$ids))[clusters$index]
    }
  }
  data
}

# Values with which an outcome is what its family and the parameters' names say.
template_values <- function(item, names) {
  count <- function(pattern) {
    start <- paste0(item$root, pattern)
    hits <- names[startsWith(names, start)]
    numbers <- as.numeric(sub("^([0-9]+).*$", "\\1", substring(hits, nchar(start) + 1)))
    if (length(numbers) == 0) 1 else max(numbers) + 1
  }
  thresholds <- count("|t")
  logits <- count("#")
  switch(item$family$type,
    auto = if (thresholds > 1) factor(seq_len(thresholds), ordered = TRUE) else if (logits > 1) factor(seq_len(logits))
      else 0:1,
    ordinal = factor(seq_len(max(2, thresholds)), ordered = TRUE),
    nominal = factor(seq_len(max(2, logits))),
    gaussian = c(-0.5, 0.5), # not 0 and 1, which look like a binary outcome
    censored = if (is.finite(item$family$lower)) item$family$lower + c(0, min(1, item$family$upper - item$family$lower))
      else item$family$upper - 0:1,
    0:1
  )
}
