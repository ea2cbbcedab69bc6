# resolve_model(): a model and a data frame become the specification and the numeric columns the engine reads.

#' Resolve a model with data
#'
#' Puts a model and a data frame together: chooses columns, categories and clusters, numbers the parameters, and
#' writes the specification that the engine reads. [mlmix()] does this by itself; call it to see what would be
#' estimated.
#'
#' @param model A model from [mixture_model()] or a one-line model.
#' @param data Data frame.
#' @param cluster Text or `NULL` (default): the cluster variable, if the model does not name it.
#' @param call The call that an error message names.
#' @return A list with
#'   * `spec`: the specification, ready for JSON (`inst/spec-format.md`);
#'   * `parameters`: data frame, one row per parameter (see [parameters()]);
#'   * `columns`: named list of numeric vectors, one value per row used;
#'   * `cluster`: integers from 0 in order of first appearance, or `NULL`; `cluster_ids`: their ids; `cluster_name`;
#'   * `row_used`: for each row used, its row of `data`; `dropped`: how many were left out, by reason;
#'   * `items`: named list of outcomes (`name`, `column`, `family`, `link`, `level`, `labels`, `like`);
#'   * `classes`: named list of class variables (`name`, `level`, `k`, `labels`);
#'   * `latents`: data frame of factors and random effects (`name`, `level`, `origin`, `target`, `term`);
#'   * `reshape`: `NULL`, or how the data were stacked (then clusters are the rows of `data`);
#'   * `designs`: what `new_columns()` needs to make the covariates of new data;
#'   * `merged`: names of parameters that `equal()` took away, with the names that stand for them.
#' @keywords internal
#' @export
resolve_model <- function(model, data, cluster = NULL, call = rlang::current_env()) {
  if (!inherits(model, "mlmix_model")) {
    abort_spec(c(
      "{.arg model} must be a model.",
      x = "You gave {describe(model)}.",
      i = "Make one with {.fn mixture_model} or a one-line model such as {.fn lca}."
    ), call = call)
  }
  if (is_lazy_table(data)) data <- patterns_of(model, data, cluster, NULL, NULL, call)
  data <- check_data(data, call)
  symbols <- model_symbols(model)
  model <- with_plans(model, symbols, call)
  needs <- data_needs(model, data, cluster, call)
  stacked <- if (!is.null(model$reshape)) stack_items(data, model$reshape, needs$covariates)
  used <- select_rows(if (is.null(stacked)) data else stacked$data, needs, stacked, call)
  inform_single_rows(model, used, needs)
  b <- new_builder(model, symbols, used, needs, call)
  b$items <- prepare_outcomes(list_items(model), used$data, b$store$cluster, call)
  spec <- build_spec(b)
  inform_far(b$store)
  finish_spec(b, spec, used, needs)
}

# The model with the plan of every equation (`plan`, `zero_plan`) and what it is in a message (`what`). Its parts lose
# their S3 classes, or every `$` would look for methods.
with_plans <- function(model, symbols, call) {
  model <- unclass(model)
  planned <- function(part, what) {
    part <- unclass(part)
    part$family <- unclass(part$family)
    part$what <- what
    part$plan <- draft_plan(part$equation, symbols, part$level, what, call)
    if (!is.null(part$family$zero)) part$zero_plan <- draft_plan(part$family$zero, symbols, part$level, what, call)
    part
  }
  model$classes <- lapply(model$classes, function(part) planned(part, paste("the class variable", part$name)))
  model$factors <- lapply(model$factors, function(part) planned(part, paste("the factor", part$name)))
  model$outcomes <- lapply(model$outcomes, function(part) planned(part, paste("the outcome", part$names[[1]])))
  model
}

# Which variables of the data the model (with_plans()) needs, each checked to be there and usable.
data_needs <- function(model, data, cluster, call) {
  if (!is.null(cluster)) {
    check_string(cluster, "cluster", "the name of one variable", call = call)
  }
  if (!is.null(cluster) && !is.null(model$cluster) && cluster != model$cluster) {
    abort_spec(c(
      "The model's cluster variable is {.var {model$cluster}}, but {.arg cluster} is {.val {cluster}}.",
      i = "A model has one cluster variable."
    ), call = call)
  }
  cluster <- model$cluster %||% cluster
  if (is.null(cluster) && needs_cluster(model)) {
    abort_spec(c(
      "The model has a between level, but no cluster variable.",
      i = "Name it in {.code mixture_model(..., cluster = \"school\")} or in a formula as {.code (1 | school)}."
    ), call = call)
  }
  made <- c(model$reshape$cluster, model$reshape$item)
  outcomes <- unlist(lapply(model$outcomes, `[[`, "names"))
  trials <- unlist(lapply(model$outcomes, function(part) part$equation$trials))
  known <- unlist(lapply(model$classes, `[[`, "known"))
  check_columns(data, setdiff(c(cluster, outcomes, trials, known), made), "the model", call)
  own <- unclass(data)[setdiff(names(data), made)]
  own[made] <- list(0)
  covariates <- unlist(
    lapply(all_plans(model, names(own), call), plan_variables, data = own, what = "a formula", call = call,
      declared = vapply(c(model$classes, model$factors), `[[`, "", "name"))
  )
  clash <- intersect(made, intersect(c(covariates, outcomes), names(data)))
  if (length(clash) > 0) {
    abort_data(c(
      "{.arg data} has a variable {.var {clash}}, but stacking the responses makes one of that name.",
      i = "Rename the variable in the data."
    ), call = call)
  }
  list(
    cluster = cluster, outcomes = outcomes, trials = trials, known = known,
    covariates = setdiff(unique(covariates), made), made = made
  )
}

needs_cluster <- function(model) {
  levels <- vapply(c(model$classes, model$factors, model$outcomes), `[[`, "", "level")
  any(levels == "between") || length(model$between) > 0
}

# The plans of all equations, for the covariates they need.
all_plans <- function(model, variables, call) {
  parts <- c(model$classes, model$factors, model$outcomes)
  between <- lapply(model$between, function(part) {
    equation <- without_random(part$equation, parts, variables)
    draft_plan(equation, model_symbols(model), "within", "a formula", call)
  })
  zero <- lapply(model$outcomes, `[[`, "zero_plan")
  c(lapply(parts, `[[`, "plan"), zero[lengths(zero) > 0], between)
}

# A between() equation without the names that mean random effects: `y`, `y.x`, `c#1`, `y@id`.
without_random <- function(equation, parts, variables) {
  targets <- unlist(lapply(parts, function(part) {
    if (length(part$equation$random) > 0) part$names %||% part$name
  }))
  is_random <- function(label) {
    stem <- any(vapply(targets, function(target) {
      startsWith(label, target) && grepl("^[.#@]", substring(label, nchar(target) + 1))
    }, TRUE))
    label %in% targets || (stem && !label %in% variables)
  }
  equation$terms <- Filter(length, lapply(equation$terms, function(labels) {
    labels[!vapply(labels, is_random, TRUE)]
  }))
  equation
}

# The rows used, as a data frame with cluster numbers, and what was left out.
select_rows <- function(data, needs, stacked, call) {
  used <- used_rows(data, needs$cluster, needs$covariates, c(needs$outcomes, needs$trials))
  if (!is.null(stacked)) {
    used$dropped$outcomes <- stacked$empty
  }
  inform_dropped(used$dropped, needs$covariates, data, "row")
  if (length(used$rows) == 0) {
    abort_data("No row of {.arg data} is left to use.", call = call)
  }
  variables <- unique(c(needs$cluster, needs$covariates, needs$outcomes, needs$trials, needs$known, needs$made))
  all_used <- length(used$rows) == nrow(data)
  used$data <- if (all_used) data[variables] else data[used$rows, variables, drop = FALSE]
  inform_unused_levels(used$data[needs$covariates])
  used$source <- if (is.null(stacked)) used$rows else stacked$row[used$rows]
  if (!is.null(needs$cluster)) {
    used$clusters <- number_clusters(used$data[[needs$cluster]])
    if (length(used$clusters$ids) < 2) {
      abort_data(c(
        "The cluster variable {.var {needs$cluster}} has one value only.",
        x = "It is {.val {used$clusters$ids}} in all {length(used$rows)} row{?s} used.",
        i = "A model with clusters needs at least two of them; usually 20 or more."
      ), call = call)
    }
  }
  used
}

# Of a model with a between level; clusters that only standard errors know of may have one row each.
inform_single_rows <- function(model, used, needs) {
  if (is.null(model$cluster) && !needs_cluster(model)) return(invisible())
  if (length(used$clusters$ids) == length(used$rows) && length(used$rows) > 1) {
    inform_data(c(
      i = "Every cluster of {.var {needs$cluster}} has one row only: what clusters differ in cannot be told from what
        units differ in.", i = "Data with one row for each measurement have several rows for each cluster."
    ))
  }
}

new_builder <- function(model, symbols, used, needs, call) {
  b <- new.env(parent = emptyenv())
  b$model <- model
  b$symbols <- symbols
  b$call <- call
  b$cluster <- needs$cluster
  b$table <- new_table(call)
  b$store <- new_store(used$data, used$clusters$index)
  b$latents <- list()
  b$pairs <- list()
  b$by <- list()
  b$outcomes <- list()
  b$logs <- list()
  b
}

# Parameters are numbered in this order: outcomes, factors, random effects, covariances, class logits.
build_spec <- function(b) {
  model <- b$model
  for (part in model$covary) {
    if (length(part$names) == 1) b$by[[part$names]] <- part$by
  }
  for (part in model$outcomes) resolve_outcome_part(b, part)
  for (part in model$factors) resolve_factor(b, part)
  prepared <- lapply(model$classes, function(part) prepare_class(b, part))
  for (part in model$between) add_between(b, part)
  for (part in model$covary) add_covary(b, part)
  for (part in model$factors) {
    if (part$scale == "loading") fix_first_loading(b, part)
  }
  variances <- lapply(b$latents, function(latent) {
    latent_variance(b, latent, fixed_one = identical(latent$scale, "variance"))
  })
  covariances <- lapply(unname(b$pairs), spec_covariance, b = b)
  classes <- Map(function(part, ready) resolve_class(b, part, ready), model$classes, prepared)
  latents <- lapply(unname(sort_latents(b)), function(latent) {
    list(
      name = latent$name, level = latent$level, predictor = list(terms = latent$terms),
      variance = variances[[latent$name]]
    )
  })
  list(
    version = 1L, classes = unname(classes), latents = latents, covariances = covariances,
    outcomes = unname(b$outcomes)
  )
}

spec_covariance <- function(pair, b) {
  by <- declared_order(b, pair$by)
  level <- (b$items[[pair$a]] %||% b$latents[[pair$a]])$level
  patterns <- class_patterns(by, b$symbols)
  positions <- add_parameters(b$table, parameter_name(pair$a, "~~", pair$b, patterns), "covariance", level, pair$a,
    pair$b, patterns)
  list(a = pair$a, b = pair$b, value = new_coefficient(by, positions))
}

# Applies constrain(), renumbers what equal() merged and gathers the result.
finish_spec <- function(b, spec, used, needs) {
  constrained <- apply_constraints(table_frame(b$table), b$model$constraints, b$call)
  if (length(constrained$merged) > 0) spec <- renumber_spec(spec, constrained$position - 1L, b$logs)
  spec <- zero_variances(spec, constrained$frame, b$call)
  spec$parameters <- spec_parameters(constrained$frame)
  spec$constraints <- constrained$linear
  list(
    spec = spec, parameters = constrained$frame, columns = b$store$columns,
    cluster = if (is.null(used$clusters)) NULL else used$clusters$index - 1L,
    cluster_ids = used$clusters$ids, cluster_name = needs$cluster,
    row_used = used$source, dropped = used$dropped,
    items = lapply(b$items, function(item) {
      list(
        name = item$name, column = b$outcomes[[item$name]]$column, family = item$family$type, link = item$family$link,
        level = item$level, labels = item$labels, like = item$like
      )
    }),
    classes = stats::setNames(lapply(b$model$classes, function(part) {
      labels <- if (is.null(part$known)) NULL else levels(b$store$data[[part$known]])
      list(name = part$name, level = part$level, k = part$k, labels = labels)
    }), b$symbols$classes$name),
    latents = as_frame(list(
      name = names(b$latents) %||% character(0), level = draft_field(b, "level"), origin = draft_field(b, "origin"),
      target = draft_field(b, "target"), term = draft_field(b, "term")
    )),
    reshape = b$model$reshape, designs = b$store$designs, merged = constrained$merged
  )
}

draft_field <- function(b, field) vapply(unname(b$latents), `[[`, "", field)

# `logs`: the positions of each outcome's parameters. Outcomes have the first ones, which often stay as they are.
renumber_spec <- function(spec, index, logs) {
  moved <- vapply(logs, function(positions) any(index[positions] != positions - 1L), TRUE)
  others <- names(spec) != "outcomes"
  spec$outcomes[moved] <- renumber(spec$outcomes[moved], index)
  spec[others] <- renumber(spec[others], index)
  spec
}

# Replaces indices of parameters by those after merging, everywhere in (a part of) the specification.
renumber <- function(x, index) {
  if (!is.null(x[["parameter"]])) { # not `$`, which would also match "parameters"
    x[["parameter"]] <- index[x[["parameter"]] + 1L]
  } else if (!is.null(x[["by"]])) {
    x[["parameters"]] <- as_array(index[x[["parameters"]] + 1L])
  } else {
    for (i in seq_along(x)) if (is.list(x[[i]])) x[[i]] <- renumber(x[[i]], index)
  }
  x
}

#' @rdname resolve_model
#' @param spec The `spec` of a resolved model.
#' @return `to_spec_json()`: the specification as JSON text.
#' @export
to_spec_json <- function(spec) {
  unclass(as.character(jsonlite::toJSON(spec, auto_unbox = TRUE, digits = NA, null = "null")))
}
