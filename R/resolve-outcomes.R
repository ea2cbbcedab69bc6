# Outcomes and class variables of a specification: their predictors and further parameters.

resolve_outcome_part <- function(b, part) {
  plan <- merge_plan(part$plan)
  rows <- design_rows(plan$fixed, plan, b$store, part$what, part$level, b$call)
  zero_rows <- NULL
  if (!is.null(part$zero_plan)) {
    zero_plan <- merge_plan(part$zero_plan)
    zero_rows <- design_rows(zero_plan$fixed, zero_plan, b$store, part$what, part$level, b$call)
  }
  types <- vapply(b$items[part$names], function(item) item$family$type, "")
  ready <- list(
    what = part$what, plan = plan, rows = rows, form = predictor_form(row_coefficients(rows, b$symbols)),
    ordinal = if ("ordinal" %in% types) ordinal_coefficients(rows, b$symbols),
    zero = predictor_form(row_coefficients(zero_rows, b$symbols))
  )
  # Outcomes that have no parameters but those of one predictor are resolved together.
  together <- length(plan$random) == 0 && all(types %in% c("bernoulli", "binomial", "poisson")) &&
    length(unique(lengths(b$logs[part$like]))) < 2
  groups <- if (together) list(part$names) else as.list(part$names)
  for (names in groups) resolve_outcomes(b, b$items[names], ready)
}

# One outcome, or several together, of a part whose formula is `ready`.
resolve_outcomes <- function(b, items, ready) {
  like <- unlist(lapply(items, `[[`, "like"))
  b$table$shared <- unlist(b$logs[like], use.names = FALSE)
  b$table$log <- integer(0)
  outcomes <- if (length(items) > 1) plain_outcomes(b, items, ready) else list(resolve_outcome(b, items[[1]], ready))
  if (length(b$table$shared) > 0) {
    take_shared(b$table, "none", 1)
  }
  b$table$shared <- NULL
  b$outcomes[names(items)] <- outcomes
  b$logs[names(items)] <- split_evenly(b$table$log, length(items))
}

# Parts of the same length, one after another.
split_evenly <- function(x, n_parts) {
  size <- length(x) %/% n_parts
  lapply(seq_len(n_parts), function(i) x[(i - 1L) * size + seq_len(size)])
}

# Several outcomes with one predictor each and nothing else.
plain_outcomes <- function(b, items, ready) {
  terms <- predictor_terms(b$table, ready$form, names(items), items[[1]]$level, "outcome")
  .mapply(function(item, own) new_spec_outcome(b, item, list(list(terms = own)), list()), list(items, terms), NULL)
}

# The predictors of targets from their terms and those that bring in random effects (of random_terms()).
with_random <- function(terms, random, targets) {
  lapply(seq_along(targets), function(t) list(terms = c(terms[[t]], random[[targets[[t]]]])))
}

new_spec_outcome <- function(b, item, predictors, auxiliary) {
  list(
    name = item$name, column = store_column(b$store, item$name, item$values), level = item$level,
    family = spec_family(b, item), predictors = predictors, auxiliary = auxiliary
  )
}

# An outcome of any family.
resolve_outcome <- function(b, item, ready) {
  type <- item$family$type
  name <- item$name
  targets <- if (type == "nominal") paste0(name, "#", seq_len(item$n_categories - 1)) else name
  random <- random_terms(b, ready$plan, targets, ready$what, ready$rows)
  if (type == "ordinal") thresholds <- ordinal_thresholds(b, item, ready$ordinal$set)
  form <- if (type == "ordinal") ready$ordinal$form else ready$form
  predictors <- with_random(predictor_terms(b$table, form, targets, item$level, "outcome"), random, targets)
  if (has_zero_part(type)) {
    zero <- predictor_terms(b$table, ready$zero, paste0(name, "^zero"), item$level, "outcome")
    predictors <- c(predictors, list(list(terms = zero[[1]])))
  }
  auxiliary <- if (type == "ordinal") {
    thresholds
  } else if (has_residual_variance(type)) {
    list(scale_coefficient(b, item, "variance"))
  } else if (has_dispersion(type)) {
    list(scale_coefficient(b, item, "dispersion"))
  } else {
    list()
  }
  new_spec_outcome(b, item, predictors, auxiliary)
}

# Thresholds vary by the classes that the intercept varies by (the first set; further, added sets shift the predictor).
ordinal_thresholds <- function(b, item, set) {
  terms <- paste0("t", seq_len(item$n_categories - 1))
  grid <- expand.grid(term = terms, pattern = class_patterns(set, b$symbols), stringsAsFactors = FALSE,
    KEEP.OUT.ATTRS = FALSE)
  positions <- add_parameters(b$table, parameter_name(item$name, "|", grid$term, grid$pattern), "threshold",
    item$level, item$name, grid$term, grid$pattern)
  lapply(terms, function(term) new_coefficient(set, positions[grid$term == term]))
}

# For ordinal outcomes: `set`, the class variables that thresholds vary by, and the form of the predictor, which
# has no intercept, and of class effects on it only those not in the thresholds.
ordinal_coefficients <- function(rows, symbols) {
  constant <- vapply(rows, is_constant_row, TRUE)
  shifts <- row_coefficients(rows[constant], symbols)
  set <- if (length(shifts) > 0) shifts[[1]]$set else character(0)
  list(set = set, form = predictor_form(c(shifts[-1], row_coefficients(rows[!constant], symbols))))
}

scale_coefficient <- function(b, item, kind) {
  by <- declared_order(b, b$by[[item$name]] %||% item$part$variance)
  patterns <- class_patterns(by, b$symbols)
  operator <- if (kind == "variance") paste0("~~", item$name) else "^disp"
  new_coefficient(by, add_parameters(b$table, parameter_name(item$name, operator, "", patterns), kind, item$level,
    item$name, if (kind == "variance") item$name else "disp", patterns, lower = 0))
}

spec_family <- function(b, item) {
  family <- item$family
  finite <- function(x) if (is.finite(x)) x else NULL
  switch(family$type,
    bernoulli = list(type = "bernoulli", link = family$link),
    ordinal = list(type = "ordinal", link = family$link, n_categories = item$n_categories),
    nominal = list(type = "nominal", n_categories = item$n_categories),
    censored = list(type = "censored", lower = finite(family$lower), upper = finite(family$upper)),
    binomial = list(
      type = "binomial", link = family$link,
      trials = store_column(b$store, paste0(item$name, "+", item$trials), item$trials_values)
    ),
    list(type = family$type)
  )
}

resolve_factor <- function(b, part) {
  plan <- merge_plan(part$plan)
  rows <- design_rows(plan$fixed, plan, b$store, part$what, part$level, b$call)
  add_latent(b, part$name, part$level, "factor", part$name, "1", constant_classes(plan))
  random <- random_terms(b, plan, part$name, part$what, rows)[[part$name]]
  form <- predictor_form(row_coefficients(rows, b$symbols, mean_zero = TRUE))
  terms <- predictor_terms(b$table, form, part$name, part$level, "latent")[[1]]
  b$latents[[part$name]]$terms <- c(terms, random)
  b$latents[[part$name]]$by <- part$variance
  b$latents[[part$name]]$scale <- part$scale
}

# Class variables in two steps, so that their random effects exist before regressions among random effects are read.
prepare_class <- function(b, part) {
  plan <- merge_plan(part$plan)
  rows <- design_rows(plan$fixed, plan, b$store, part$what, part$level, b$call)
  targets <- paste0(part$name, "#", seq_len(part$k - 1), recycle0 = TRUE)
  list(rows = rows, targets = targets, random = random_terms(b, plan, targets, part$what, rows))
}

resolve_class <- function(b, part, prepared) {
  form <- predictor_form(row_coefficients(prepared$rows, b$symbols))
  terms <- predictor_terms(b$table, form, prepared$targets, part$level, "class")
  logits <- with_random(terms, prepared$random, prepared$targets)
  known <- if (is.null(part$known)) NULL else known_column(b, part)
  list(name = part$name, level = part$level, n_classes = part$k, logits = logits, known = known$column)
}

# The column of known classes: 1..k, missing where not known.
known_column <- function(b, part) {
  check_columns(b$store$data, part$known, paste("the class variable", part$name), b$call)
  raw <- b$store$data[[part$known]]
  values <- if (is.factor(raw)) as.numeric(raw) else suppressWarnings(as.numeric(raw))
  bad <- (is.na(values) & !is.na(raw)) | (!is.na(values) & !values %in% seq_len(part$k))
  if (any(bad)) {
    abort_data(c(
      "{.arg known}: {.var {part$known}} must hold numbers from 1 to {part$k}, or be a factor with {part$k} levels.",
      i = "It says which of the {part$k} classes of {.val {part$name}} a unit belongs to.",
      x = "Found {.val {utils::head(unique(as.character(raw[bad])), 3)}}.",
      i = if (length(unique(raw[!is.na(raw)])) <= part$k) {
        "Make it a factor, whose levels are the classes in their order: {.code data${part$known} <-
          factor(data${part$known})}."
      }
    ), call = b$call)
  }
  if (part$level == "between") {
    check_constant(values, b$store$cluster, part$known, paste("the class variable", part$name), b$call)
  }
  list(
    column = store_column(b$store, part$known, values),
    labels = if (is.factor(raw)) levels(raw) else NULL
  )
}
