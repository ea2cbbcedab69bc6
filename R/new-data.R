# new_data(): what a fit knows of other data: columns, clusters and rows as the engine reads them, with the categories,
# levels and bases of the data that the model was fitted to.

# Returns a list like `fit$data`. `observed = FALSE`: outcomes are not used and need not be there. `full`: of stacked
# items also those not observed have a row. `clusters = "known"`: rows of the fit that belong to clusters of `newdata`
# follow those of `newdata`; `n_new` says how many rows are new.
new_data <- function(fit, newdata, observed = TRUE, full = FALSE, clusters = "new", call = rlang::caller_env()) {
  if (!is.data.frame(newdata)) {
    abort_data(c("{.arg newdata} must be a data frame.", x = "You gave {describe(newdata)}."), call = call)
  }
  newdata <- check_data(newdata, call)
  old <- fit$data
  data <- stack_new(fit, newdata, observed, full, call)
  covariates <- setdiff(unique(unlist(lapply(old$designs, design_variables))), data$made)
  cluster <- if (!is.null(old$cluster)) old$cluster_name
  check_new_columns(data$rows, c(setdiff(cluster, data$made), covariates), call)
  bad <- Reduce(`|`, lapply(data$rows[c(cluster, covariates)], is.na), rep(FALSE, nrow(data$rows)))
  dropped <- sum(bad)
  if (dropped > 0) {
    inform_data(c(i = "{dropped} row{?s} of {.arg newdata} {?is/are} left out: a predictor or the cluster is missing."))
  }
  if (all(bad)) abort_data("No row of {.arg newdata} is left to use.", call = call)
  rows <- data$rows[!bad, , drop = FALSE]
  new <- old[c("items", "classes", "latents", "reshape", "designs", "cluster_name")]
  new$row_used <- data$source[!bad]
  new$n_rows <- nrow(newdata)
  new$n_new <- nrow(rows)
  new$dropped <- list(covariates = dropped)
  if (!is.null(cluster)) {
    numbered <- number_clusters(rows[[cluster]])
    new$cluster <- numbered$index - 1L
    new$cluster_ids <- numbered$ids
  }
  if (!is.null(old$reshape)) new$stacked_item <- as.character(rows[[old$reshape$item]])
  new$columns <- c(outcome_columns(fit, rows, observed, call), covariate_columns(old, rows, call))
  new$columns <- c(new$columns, known_columns(fit, rows, call))
  check_between_columns(fit, new, call)
  if (clusters == "known") new <- add_known_clusters(fit, new, call)
  new
}

# As check_columns(), with a message of its own for what is not there.
check_new_columns <- function(rows, names, call) {
  missing <- setdiff(names, names(rows))
  if (length(missing) > 0) {
    abort_data(c(
      "{.arg newdata} has no variable {.var {missing[[1]]}}, which the fit needs.",
      suggest_names(missing[[1]], names(rows), "Variables")
    ), call = call)
  }
  check_columns(rows, names, "the fit", call)
}

# Fits made before the variables were kept know them from the formula.
design_variables <- function(design) design$variables %||% all.vars(design$terms)

# The rows that are units: those of the data, or stacked items. list(rows, source, made)
stack_new <- function(fit, newdata, observed, full, call) {
  reshape <- fit$data$reshape
  if (is.null(reshape)) return(list(rows = newdata, source = seq_len(nrow(newdata)), made = NULL))
  made <- c(reshape$cluster, reshape$item)
  values <- newdata
  if (!observed) values[reshape$items] <- NA
  check_new_columns(values, reshape$items, call)
  marked <- values
  if (full) marked[reshape$items] <- 1
  stacked <- stack_items(marked, reshape, setdiff(names(newdata), c(made, reshape$items)))
  if (nrow(stacked$data) == 0) abort_data("No item is observed in {.arg newdata}.", call = call)
  long <- stacked$data
  for (item in reshape$items) {
    long[[item]] <- values[[item]][stacked$row]
    long[[item]][long[[reshape$item]] != item] <- NA
  }
  list(rows = long, source = stacked$row, made = made)
}

# Outcomes as numbers, coded as in the data of the fit. Of those not observed all values are missing.
outcome_columns <- function(fit, rows, observed, call) {
  trials <- lapply(list_items(fit$model), `[[`, "trials")
  columns <- list()
  for (outcome in fit$spec$outcomes) {
    needed <- c(outcome$name, trials[[outcome$name]])
    columns[[outcome$column]] <- rep(NA_real_, nrow(rows))
    if (outcome$family$type == "binomial") columns[[outcome$family$trials]] <- rep(1, nrow(rows))
    if (!observed) next
    missing <- setdiff(needed, names(rows))
    if (length(missing) > 0) {
      abort_data(c(
        "{.arg newdata} has no variable {.var {missing[[1]]}}, an outcome of the fit.",
        suggest_names(missing[[1]], names(rows), "Variables"),
        i = "Give it as {.code NA} to predict without it."
      ), call = call)
    }
    check_new_columns(rows, needed, call)
    item <- fit$data$items[[outcome$name]]
    values <- code_outcome(rows[[outcome$name]], item, call)
    if (outcome$family$type == "binomial") {
      failures <- as.numeric(rows[[trials[[outcome$name]]]])
      size <- values + failures
      values[is.na(size)] <- NA_real_
      columns[[outcome$family$trials]] <- ifelse(is.na(size), 1, size)
    }
    check_range(values, outcome, call)
    columns[[outcome$column]] <- values
  }
  columns
}

code_outcome <- function(raw, item, call) {
  if (is.null(item$labels)) {
    if (is.factor(raw) || is.character(raw)) {
      if (all(is.na(raw))) return(rep(NA_real_, length(raw)))
      abort_data(c(
        "The outcome {.var {item$name}} of {.arg newdata} must be numbers, as in the data of the fit.",
        x = "It is {if (is.factor(raw)) 'a factor' else 'text'}."
      ), call = call)
    }
    return(as.numeric(raw))
  }
  text <- if (is.factor(raw) || is.character(raw)) as.character(raw) else as.character(as.numeric(raw))
  codes <- match(text, item$labels)
  unknown <- unique(text[is.na(codes) & !is.na(text)])
  if (length(unknown) > 0) {
    abort_data(c(
      "The outcome {.var {item$name}} of {.arg newdata} has categories that the data of the fit did not have.",
      x = "Found {.val {utils::head(unknown, 3)}}; known are {.val {item$labels}}."
    ), call = call)
  }
  as.numeric(codes) - (item$family == "bernoulli")
}

check_range <- function(values, outcome, call) {
  type <- outcome$family$type
  seen <- values[!is.na(values)]
  bad <- if (type %in% c("poisson", "binomial") || has_dispersion(type) || has_zero_part(type)) {
    seen[seen < 0 | seen != round(seen)]
  } else if (type == "censored") {
    seen[seen < (outcome$family$lower %||% -Inf) | seen > (outcome$family$upper %||% Inf)]
  }
  if (length(bad) > 0) {
    abort_data(c(
      "The outcome {.var {outcome$name}} of {.arg newdata} has values that {.fn {type}} does not allow.",
      x = "Found {.val {utils::head(unique(bad), 3)}}."
    ), call = call)
  }
}

# Covariates through the designs of the fit, with clear errors for levels it has not seen.
covariate_columns <- function(resolved, rows, call) {
  for (design in resolved$designs) {
    for (name in intersect(names(design$xlevels), names(rows))) {
      known <- design$xlevels[[name]]
      unknown <- setdiff(as.character(rows[[name]]), known)
      if (length(unknown) > 0) {
        abort_data(c(
          "{.var {name}} of {.arg newdata} has levels that the data of the fit did not have.",
          x = "Found {.val {utils::head(unknown, 3)}}; known are {.val {known}}.",
          i = "The fit has no coefficient for them."
        ), call = call)
      }
    }
  }
  for (design in resolved$designs) {
    numbers <- names(which(attr(design$terms, "dataClasses") == "numeric"))
    for (name in intersect(numbers, names(rows))) {
      if (!is.numeric(rows[[name]]) && !is.logical(rows[[name]])) {
        abort_data(c(
          "{.var {name}} of {.arg newdata} must be numbers, as in the data of the fit.",
          x = "It is {if (is.factor(rows[[name]])) 'a factor' else 'text'}."
        ), call = call)
      }
    }
  }
  columns <- tryCatch(new_columns(resolved, rows), error = function(e) {
    abort_data(c("The predictors cannot be computed from {.arg newdata}.", x = "{conditionMessage(e)}"), call = call)
  })
  broken <- names(columns)[vapply(columns, function(column) !all(is.finite(column)), TRUE)]
  if (length(broken) > 0) {
    abort_data(
      "The predictor {.code {broken[[1]]}} has values in {.arg newdata} that are not finite numbers.",
      call = call
    )
  }
  columns
}

# Known classes: taken where the variable is there, otherwise no class is known.
known_columns <- function(fit, rows, call) {
  columns <- list()
  for (class in fit$spec$classes) {
    if (is.null(class$known)) next
    variable <- Filter(function(part) part$name == class$name, fit$model$classes)[[1]]$known
    values <- rep(NA_real_, nrow(rows))
    if (variable %in% names(rows)) {
      raw <- rows[[variable]]
      labels <- fit$data$classes[[class$name]]$labels
      values <- if (is.null(labels)) suppressWarnings(as.numeric(as.character(raw)))
        else as.numeric(match(as.character(raw), labels))
      bad <- !is.na(raw) & !values %in% seq_len(class$n_classes)
      if (any(bad)) {
        abort_data(c(
          "{.var {variable}} of {.arg newdata} must hold the classes of {.val {class$name}} as in the data of the fit.",
          x = "Found {.val {utils::head(unique(as.character(raw[bad])), 3)}}."
        ), call = call)
      }
    }
    columns[[class$known]] <- values
  }
  columns
}

# What the between level reads must be constant within clusters.
check_between_columns <- function(fit, new, call) {
  if (is.null(new$cluster)) return(invisible())
  of_level <- function(parts) Filter(function(part) part$level == "between", parts)
  terms <- function(predictors) unlist(lapply(predictors, function(p) {
    lapply(p$terms, function(term) term$covariate)
  }))
  names <- c(
    unlist(lapply(of_level(fit$spec$classes), function(cl) c(terms(cl$logits), cl$known))),
    unlist(lapply(of_level(fit$spec$latents), function(l) terms(list(l$predictor)))),
    unlist(lapply(of_level(fit$spec$outcomes), function(o) c(terms(o$predictors), o$column)))
  )
  for (name in unique(names)) {
    check_constant(new$columns[[name]], new$cluster, name, "what the fit has", call)
  }
}

# The rows of the fit in the clusters of `new` follow its own, with their weights.
add_known_clusters <- function(fit, new, call) {
  old <- fit$data
  if (is.null(old$cluster) || !is.null(old$reshape)) {
    abort_spec(c(
      "{.code clusters = \"known\"} needs a fit of units in clusters.",
      x = if (is.null(old$cluster)) "The model has nothing at the between level."
        else "The clusters of this model are persons, whose items are stacked.",
      i = "Leave {.arg clusters} out: rows are predicted from {.arg newdata} alone."
    ), call = call)
  }
  place <- match(as.character(old$cluster_ids), as.character(new$cluster_ids))
  rows <- which(!is.na(place[old$cluster + 1L]))
  if (length(rows) == 0) return(new)
  for (name in names(new$columns)) {
    new$columns[[name]] <- c(new$columns[[name]], as.numeric(old$columns[[name]])[rows])
  }
  n <- new$n_new
  new$cluster <- c(new$cluster, place[old$cluster[rows] + 1L] - 1L)
  for (part in c("frequency", "unit_weights")) {
    if (!is.null(old[[part]])) new[[part]] <- c(rep(1, n), old[[part]][rows])
  }
  if (!is.null(old$cluster_weights)) {
    weight <- rep(1, length(new$cluster_ids))
    weight[place[!is.na(place)]] <- cluster_weight(fit)[!is.na(place)]
    new$cluster_weights <- weight[new$cluster + 1L]
  }
  check_between_columns(fit, new, call)
  new
}
