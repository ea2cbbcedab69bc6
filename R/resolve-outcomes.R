# Outcomes and class variables of a specification: their predictors and further parameters.

resolve_outcome_part <- function(b, part) {
  what <- paste("the outcome", part$names[[1]])
  plan <- plan_equation(part$equation, b$symbols, part$level, what, b$call)
  rows <- design_rows(plan$fixed, plan, b$store, what, part$level, b$call)
  zero_rows <- NULL
  if (!is.null(part$family$zero)) {
    zero_plan <- plan_equation(part$family$zero, b$symbols, part$level, what, b$call)
    zero_rows <- design_rows(zero_plan$fixed, zero_plan, b$store, what, part$level, b$call)
  }
  for (name in part$names) {
    item <- b$items[[name]]
    b$table$shared <- if (is.null(item$like)) NULL else b$logs[[item$like]]
    b$table$log <- integer(0)
    b$outcomes[[name]] <- resolve_outcome(b, item, plan, rows, zero_rows, what)
    if (length(b$table$shared) > 0) {
      take_shared(b$table, "none")
    }
    b$table$shared <- NULL
    b$logs[[name]] <- b$table$log
  }
}

resolve_outcome <- function(b, item, plan, rows, zero_rows, what) {
  type <- item$family$type
  name <- item$name
  targets <- if (type == "nominal") paste0(name, "#", seq_len(item$n_categories - 1)) else name
  random <- random_terms(b, plan, targets, what, rows)

  if (type == "ordinal") {
    constant <- vapply(rows, is_constant_row, TRUE)
    sets <- if (any(constant)) rows[[which(constant)]]$sets else list(character(0))

    thresholds <- ordinal_thresholds(b, item, sets[[1]])
  }
  predictors <- lapply(targets, function(target) {
    terms <- if (type == "ordinal") {
      ordinal_terms(b, rows, item)
    } else {
      predictor_terms(b$table, rows, new_target(target, item$level, "outcome"), b$symbols)
    }
    list(terms = c(terms, random[[target]]))
  })
  if (!is.null(zero_rows)) {
    target <- new_target(paste0(name, "^zero"), item$level, "outcome")
    predictors <- c(predictors, list(list(terms = predictor_terms(b$table, zero_rows, target, b$symbols))))
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
  list(
    name = name, column = store_column(b$store, name, item$values), level = item$level,
    family = spec_family(b, item), predictors = predictors, auxiliary = auxiliary
  )
}

# Thresholds vary by the classes that the intercept varies by (the first set; further, added sets shift the predictor).
ordinal_thresholds <- function(b, item, set) {
  coefficients <- lapply(seq_len(item$n_categories - 1), function(k) list(by = set, positions = integer(0)))
  patterns <- if (length(set) == 0) "" else class_patterns(set, b$symbols)
  for (pattern in patterns) {
    for (k in seq_along(coefficients)) {
      position <- add_parameter(b$table, parameter_name(item$name, "|", paste0("t", k), pattern), "threshold",
        item$level, item$name, paste0("t", k), pattern)
      coefficients[[k]]$positions <- c(coefficients[[k]]$positions, position)
    }
  }
  lapply(coefficients, function(one) {
    if (length(set) == 0) list(parameter = one$positions) else list(by = I(set), parameters = I(one$positions))
  })
}

# The predictor of an ordinal outcome: no intercept, and of class effects on it only those not in the thresholds.
ordinal_terms <- function(b, rows, item) {
  target <- new_target(item$name, item$level, "outcome")
  rows <- lapply(rows, function(row) {
    if (!is_constant_row(row)) {
      return(list(row))
    }
    if (length(row$sets) < 2) list() else list(c(row, list(in_thresholds = TRUE)))
  })
  rows <- unlist(rows, recursive = FALSE) %||% list()
  shifts <- Filter(function(row) isTRUE(row$in_thresholds), rows)
  others <- Filter(function(row) !isTRUE(row$in_thresholds), rows)
  shift_terms <- lapply(shifts, function(row) {
    estimated <- identified_patterns(row$sets, b$symbols, reference = FALSE)
    lapply(seq_along(row$sets)[-1], function(s) {
      coefficient <- class_coefficient(b$table, row$sets[[s]], b$symbols, function(pattern, i) {
        free <- estimated[[s]][[i]]
        add_parameter(b$table, parameter_name(item$name, "~", "1", pattern), "intercept", item$level, item$name, "1",
          pattern, free = free, value = if (free) NA_real_ else 0)
      })
      new_term(coefficient)
    })
  })
  c(unlist(shift_terms, recursive = FALSE), predictor_terms(b$table, others, target, b$symbols))
}

scale_coefficient <- function(b, item, kind) {
  by <- declared_order(b, b$by[[item$name]] %||% item$part$variance)
  operator <- if (kind == "variance") paste0("~~", item$name) else "^disp"
  class_coefficient(b$table, by, b$symbols, function(pattern, i) {
    add_parameter(b$table, parameter_name(item$name, operator, "", pattern), kind, item$level, item$name,
      if (kind == "variance") item$name else "disp", pattern, lower = 0)
  })
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
  what <- paste("the factor", part$name)
  plan <- plan_equation(part$equation, b$symbols, part$level, what, b$call)
  rows <- design_rows(plan$fixed, plan, b$store, what, part$level, b$call)
  add_latent(b, part$name, part$level, "factor", part$name, "1", constant_classes(plan))
  random <- random_terms(b, plan, part$name, what, rows)[[1]]
  target <- new_target(part$name, part$level, "latent", mean_zero = TRUE)
  b$latents[[part$name]]$terms <- c(predictor_terms(b$table, rows, target, b$symbols), random)
  b$latents[[part$name]]$by <- part$variance
  b$latents[[part$name]]$scale <- part$scale
}

# Class variables in two steps, so that their random effects exist before regressions among random effects are read.
prepare_class <- function(b, part) {
  what <- paste("the class variable", part$name)
  plan <- plan_equation(part$equation, b$symbols, part$level, what, b$call)
  rows <- design_rows(plan$fixed, plan, b$store, what, part$level, b$call)
  targets <- paste0(part$name, "#", seq_len(part$k - 1), recycle0 = TRUE)
  list(rows = rows, targets = targets, random = random_terms(b, plan, targets, what, rows))
}

resolve_class <- function(b, part, prepared) {
  logits <- lapply(prepared$targets, function(target) {
    terms <- predictor_terms(b$table, prepared$rows, new_target(target, part$level, "class"), b$symbols)
    list(terms = c(terms, prepared$random[[target]]))
  })
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
