# From a data frame to the rows and variables a model uses: checks, rows left out, clusters.

check_data <- function(data, call) {
  if (!is.data.frame(data)) {
    abort_data(c(
      "{.arg data} must be a data frame.",
      x = "You gave {describe(data)}."
    ), call = call)
  }
  twice <- unique(names(data)[duplicated(names(data))])
  if (length(twice) > 0) {
    abort_data("{.arg data} has more than one column named {.var {twice}}.", call = call)
  }
  if (nrow(data) == 0) {
    abort_data(c(
      "{.arg data} has no rows.", x = "You gave a data frame with 0 rows and {ncol(data)} column{?s}."
    ), call = call)
  }
  as.data.frame(data)
}

# Every variable of the model must be in the data as a plain column. `declared`: class variables and factors, where
# a name could have been meant as one.
check_columns <- function(data, names, what, call, declared = NULL) {
  data <- unclass(data)
  for (name in names) {
    column <- data[[name]]
    if (is.null(column)) {
      abort_data(c(
        "{.arg data} has no variable {.var {name}}, which {what} needs.",
        suggest_names(name, c(declared, names(data)), "Variables"),
        i = if (!is.null(declared)) {
          "A class variable or a factor must be declared: {.code latent_class(\"{name}\", 2)},
            {.code latent_factor(\"{name}\")}."
        }
      ), call = call)
    }
    if (is.list(column) || !is.null(dim(column))) {
      abort_data(c(
        "The variable {.var {name}} is {if (is.list(column)) 'a list' else 'a matrix'}, not one value for each row.",
        i = "Give it columns of their own, one for each part."
      ), call = call)
    }
    if (inherits(column, "integer64")) {
      abort_data(c(
        "The variable {.var {name}} is stored as {.cls integer64}.",
        i = "Convert it with {.fn as.numeric} first."
      ), call = call)
    }
    if (!(is.numeric(column) || is.logical(column) || is.factor(column) || is.character(column))) {
      abort_data(c(
        "The variable {.var {name}} is of a kind a model cannot use: {.cls {class(column)}}.",
        i = "Convert it to numbers or to a factor."
      ), call = call)
    }
    if (is.double(column) && !is.finite(sum(column)) && any(is.infinite(column))) { # a sum needs no memory
      abort_data(c(
        "The variable {.var {name}} has infinite values ({sum(is.infinite(column))} of {length(column)}).",
        i = "Make them missing ({.code NA}) or correct them."
      ), call = call)
    }
  }
}

# The raw variables of a plan's covariates, each checked.
plan_variables <- function(plan, data, what, call, declared) {
  names <- plan_names(plan, names(data))
  check_columns(data, names, what, call, declared)
  names
}

# Their names. A name not in the data may be one constant where the formula was written.
plan_names <- function(plan, known) {
  used <- unique(unlist(lapply(c(plan$fixed, unlist(lapply(plan$random, `[[`, "terms"), recursive = FALSE)),
    `[[`, "covariates")))
  if (length(used) == 0) return(character(0))
  names <- unique(unlist(lapply(plan$exprs[used], all.vars)))
  constant <- vapply(names, function(name) {
    !name %in% known && length(get0(name, envir = plan$env, mode = "numeric", ifnotfound = NULL)) == 1
  }, TRUE)
  as.character(names[!constant])
}

# Which rows are used, and how many are left out for which reason, in this order.
used_rows <- function(data, cluster, covariates, outcomes) {
  missing_in <- function(names) {
    columns <- unclass(data)[names]
    lapply(columns[vapply(columns, anyNA, TRUE)], is.na)
  }
  # where one outcome is complete, no row lacks all of them
  some_complete <- !is.na(Position(Negate(anyNA), unclass(data)[outcomes]))
  bad <- list(
    cluster = missing_in(cluster), covariates = missing_in(covariates),
    outcomes = if (!some_complete) list(Reduce(`&`, missing_in(outcomes)))
  )
  rows <- seq_len(nrow(data))
  dropped <- list()
  for (reason in names(bad)) {
    out <- Reduce(`|`, bad[[reason]])[rows]
    dropped[[reason]] <- sum(out)
    if (any(out)) rows <- rows[!out]
  }
  list(rows = rows, dropped = dropped)
}

inform_dropped <- function(dropped, covariates, data, unit) {
  reasons <- c(
    cluster = "the cluster is missing",
    covariates = "a predictor is missing",
    outcomes = "no outcome is observed"
  )
  for (reason in names(reasons)) {
    n <- dropped[[reason]]
    if (n > 0) {
      where <- if (reason == "covariates") covariates[vapply(data[covariates], anyNA, TRUE)] else character(0)
      inform_data(c(i = paste0(
        "{n} {unit}{if (n == 1) ' is' else 's are'} left out because {reasons[[reason]]}",
        if (length(where) > 0) " ({.var {where}})", "."
      )))
    }
  }
}

# Levels of predictors that never occur have no coefficient.
inform_unused_levels <- function(predictors) {
  for (name in names(predictors)) {
    if (!is.factor(predictors[[name]])) next
    unused <- setdiff(levels(predictors[[name]]), as.character(predictors[[name]]))
    if (length(unused) > 0) inform_data(c(i = "{.var {name}}: levels that never occur are left out ({unused})."))
  }
}

# Cluster numbers from 1 in order of first appearance, and their ids.
number_clusters <- function(ids) {
  unique_ids <- unique(ids)
  list(index = match(ids, unique_ids), ids = unique_ids)
}

# Stacks persons x items: one row for each person and observed item. Other items of the row are missing, so every item
# keeps its own family and parameters; `item` is a factor, `person` the cluster.
stack_items <- function(data, reshape, others) {
  items <- reshape$items
  observed <- !vapply(data[items], is.na, logical(nrow(data)))
  dim(observed) <- c(nrow(data), length(items))
  place <- which(t(observed), arr.ind = FALSE)
  person <- (place - 1L) %/% length(items) + 1L
  item <- (place - 1L) %% length(items) + 1L
  # Column by column: `data[person, ]` would make a name for every row.
  long <- lapply(unclass(data)[setdiff(intersect(others, names(data)), items)], function(column) column[person])
  missing <- rep(NA_integer_, length(person))
  rows <- split(seq_along(item), factor(item, seq_along(items)))
  for (p in seq_along(items)) {
    column <- data[[items[[p]]]]
    long[[items[[p]]]] <- column[missing]
    long[[items[[p]]]][rows[[p]]] <- column[person[rows[[p]]]]
  }
  long[[reshape$cluster]] <- person
  long[[reshape$item]] <- structure(item, levels = items, class = "factor")
  list(data = as_frame(long), row = person, empty = sum(rowSums(observed) == 0))
}
