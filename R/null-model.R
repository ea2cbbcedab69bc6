# The model with one class fewer, made from a fit itself: its specification without the first class. No data frame is
# needed, so a fit that was saved and loaded again can be tested.

# The fit of the model with one class fewer in each of `class`, from `starts` random starts and from the solution of
# `fit` without its first class. `class = NULL`: the only class variable.
fit_one_class_fewer <- function(fit, class, starts, seed, se, call) {
  class <- check_dropped_class(fit, class, call)
  reduced <- fit
  start <- fit$parameters$estimate
  for (name in class) {
    dropped <- drop_first_class(reduced, name, call)
    reduced <- dropped$fit
    start <- start[dropped$kept]
  }
  k <- fit_classes(fit)
  for (name in class) reduced$model <- model_with_classes(k[[name]]$k - 1L, reduced$model, name, call)
  reduced$call$model <- reduced$model
  estimate_again(reduced, reduced$data$columns, reduced$data, starts = starts, seed = seed, se = se,
    start_values = movable(start, reduced$spec, reduced$parameters), call = call)
}

# The model of `like` estimated from other columns and weights, `start_values` being the first start.
estimate_again <- function(like, columns, weights, starts, seed, se = "none", start_values = NULL, threads = NULL,
                           call) {
  resolved <- fit_resolved(like)
  n_rows <- resolved$n_rows
  resolved$n_rows <- NULL
  resolved$columns <- columns
  options <- warm_options(like$options, start_values, like$parameters, starts, seed, se)
  if (!is.null(threads)) options$threads <- threads
  weights <- weights[intersect(c("frequency", "unit_weights", "cluster_weights", "counted"), names(weights))]
  fit <- fit_again(resolved, weights, options, like$model, n_rows, call)
  fit$call <- like$call
  fit
}

# Values to start from: logits at a boundary, which the engine would hold there, come back to where they can move.
movable <- function(values, spec, parameters) {
  families <- vapply(spec$outcomes, function(outcome) outcome$family$type, "")
  names(families) <- vapply(spec$outcomes, function(outcome) outcome$name, "")
  target <- sub("#.*$", "", parameters$target)
  logit <- parameters$kind == "logit" | (parameters$kind %in% c("intercept", "threshold") &
    families[target] %in% c("bernoulli", "binomial", "ordinal", "nominal"))
  logit <- logit & parameters$free
  values[logit] <- pmin(pmax(values[logit], -6), 6)
  start_from(values, parameters)
}

check_dropped_class <- function(fit, class, call) {
  classes <- fit_classes(fit)
  names <- names(classes)
  if (length(names) == 0) {
    abort_spec(c(
      "The model has no class variable, so there is no model with one class fewer.",
      i = "Give both models: the smaller one first, then the larger one."
    ), call = call)
  }
  unknown <- setdiff(class, names)
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg class} must name class variables of the model.", x = "You gave {.val {unknown}}.",
      i = "Accepted: {.val {names}}."
    ), call = call)
  }
  if (is.null(class) && length(names) > 1) {
    abort_spec(c(
      "The model has {length(names)} class variables: say in {.arg class} which one loses a class.",
      i = "Accepted: {.val {names}}, one or several. Or give both models, the smaller one first."
    ), call = call)
  }
  if (is.null(class)) class <- names
  for (group in class_groups(fit)) {
    if (any(group %in% class) && !all(group %in% class)) {
      abort_spec(c(
        "The class variables {.val {group}} share parameters, so they have the same number of classes.",
        i = "Name all of them in {.arg class}."
      ), call = call)
    }
  }
  for (name in class) {
    if (classes[[name]]$k < 2) {
      abort_spec(c(
        "The class variable {.val {name}} has one class only.", i = "There is no model with fewer to test it against."
      ), call = call)
    }
  }
  class
}

# list(fit = `fit` whose specification, parameters and tables lack class 1 of `name`, kept = rows of parameters).
drop_first_class <- function(fit, name, call) {
  spec <- fit$spec
  at <- which(vapply(spec$classes, function(cl) cl$name, "") == name)
  class <- spec$classes[[at]]
  if (!is.null(class$known)) {
    stop_not_droppable(name, "Some of its classes are known from the data.", call)
  }
  spec$classes[[at]]$n_classes <- class$n_classes - 1L
  spec$classes[[at]]$logits <- class$logits[-1]
  gone <- fit$data$latents$name[fit$data$latents$target == paste0(name, "#1")]
  spec <- without_latents(spec, gone)
  classes <- fit_classes(fit)
  spec <- map_coefficients(spec, function(coefficient) {
    by <- unlist(coefficient$by)
    if (!name %in% by) return(coefficient)
    patterns <- fit_patterns(classes[by])
    coefficient$parameters <- as.list(unlist(coefficient$parameters)[patterns[[name]] != 1])
    coefficient
  })
  unused <- unused_latents(spec, fit$spec)
  spec <- without_latents(spec, unused)
  kept <- sort(used_parameters(spec)) + 1L
  lost <- setdiff(seq_len(nrow(fit$parameters)), kept)
  check_lost_parameters(fit, name, lost, call)
  spec <- map_coefficients(spec, function(coefficient) {
    for (part in intersect(names(coefficient), c("parameter", "parameters"))) {
      new <- match(unlist(coefficient[[part]]) + 1L, kept) - 1L
      coefficient[[part]] <- if (part == "parameter") new else as.list(new)
    }
    coefficient
  })
  renumber <- function(text) renumber_class(text, name)
  spec$parameters <- lapply(spec$parameters[kept], function(p) {
    p$name <- renumber(p$name)
    p
  })
  spec$constraints <- lapply(spec$constraints, function(constraint) {
    constraint$weights <- lapply(constraint$weights, function(w) list(match(w[[1]] + 1L, kept) - 1L, w[[2]]))
    constraint
  })
  spec <- rename_latents(spec, renumber)
  parameters <- fit$parameters[kept, , drop = FALSE]
  for (column in c("name", "target", "term", "class")) parameters[[column]] <- renumber(parameters[[column]])
  parameters$id <- seq_along(kept)
  rownames(parameters) <- NULL
  fit$spec <- spec
  fit$parameters <- parameters
  latents <- fit$data$latents
  latents <- latents[!latents$name %in% c(gone, unused), , drop = FALSE]
  for (column in c("name", "target")) latents[[column]] <- renumber(latents[[column]])
  fit$data$latents <- latents
  fit$data$classes[[name]]$k <- class$n_classes - 1L
  list(fit = fit, kept = kept)
}

# Restrictions that belong to the class that goes leave open which model with one class fewer is meant.
check_lost_parameters <- function(fit, name, lost, call) {
  fixed <- fit$parameters$name[lost][!fit$parameters$free[lost]]
  if (length(fixed) > 0) {
    stop_not_droppable(name, cli::format_inline("The parameter {.val {fixed[[1]]}} of its first class is fixed."), call)
  }
  constrained <- unlist(lapply(fit$spec$constraints, function(constraint) {
    vapply(constraint$weights, function(w) as.integer(w[[1]]) + 1L, 1L)
  }))
  if (any(constrained %in% lost)) {
    stop_not_droppable(name, "A linear constraint involves its first class.", call)
  }
}

stop_not_droppable <- function(name, why, call) {
  abort_spec(c(
    "A model with one class of {.val {name}} fewer cannot be made from the fit.", x = why,
    i = "Fit the smaller model and give both, the smaller one first."
  ), call = call)
}

# "c=3" to "c=2" and "c#3" to "c#2" in names of parameters and latent variables.
renumber_class <- function(text, name) {
  pattern <- paste0("(?<![A-Za-z0-9._])", gsub(".", "\\.", name, fixed = TRUE), "[=#][0-9]+")
  at <- gregexpr(pattern, text, perl = TRUE)
  regmatches(text, at) <- lapply(regmatches(text, at), function(found) {
    start <- nchar(name) + 1
    number <- as.integer(substring(found, start + 1)) - 1L
    if (length(found) == 0) found else paste0(substring(found, 1, start), number)
  })
  text
}

# A specification with `change` applied to each of its coefficients.
map_coefficients <- function(spec, change) {
  terms <- function(predictor) {
    predictor$terms <- lapply(predictor$terms, function(term) {
      term$coefficient <- change(term$coefficient)
      term
    })
    predictor
  }
  spec$classes <- lapply(spec$classes, function(class) {
    class$logits <- lapply(class$logits, terms)
    class
  })
  spec$latents <- lapply(spec$latents, function(latent) {
    latent$predictor <- terms(latent$predictor)
    latent$variance <- change(latent$variance)
    latent
  })
  spec$covariances <- lapply(spec$covariances, function(covariance) {
    covariance$value <- change(covariance$value)
    covariance
  })
  spec$outcomes <- lapply(spec$outcomes, function(outcome) {
    outcome$predictors <- lapply(outcome$predictors, terms)
    outcome$auxiliary <- lapply(outcome$auxiliary, change)
    outcome
  })
  spec
}

# A specification with `change` applied to each of its predictors.
map_predictors <- function(spec, change) {
  spec$classes <- lapply(spec$classes, function(class) {
    class$logits <- lapply(class$logits, change)
    class
  })
  spec$latents <- lapply(spec$latents, function(latent) {
    latent$predictor <- change(latent$predictor)
    latent
  })
  spec$outcomes <- lapply(spec$outcomes, function(outcome) {
    outcome$predictors <- lapply(outcome$predictors, change)
    outcome
  })
  spec
}

# Latent variables taken out: with their covariances, and with the terms in which they are predictors.
without_latents <- function(spec, names) {
  if (length(names) == 0) return(spec)
  spec$latents <- Filter(function(latent) !latent$name %in% names, spec$latents)
  spec$covariances <- Filter(function(cov) !any(c(cov$a, cov$b) %in% names), spec$covariances)
  map_predictors(spec, function(predictor) {
    predictor$terms <- Filter(function(term) !any(unlist(term$latents) %in% names), predictor$terms)
    predictor
  })
}

# Latent variables that had a use in `before` and now are in no predictor and no covariance, nor in one of each other.
unused_latents <- function(spec, before) {
  unused <- character(0)
  repeat {
    new <- setdiff(useless(without_latents(spec, unused)), useless(before))
    if (length(new) == 0) return(unused)
    unused <- c(unused, new)
  }
}

useless <- function(spec) {
  used <- character(0)
  map_predictors(spec, function(predictor) {
    used <<- c(used, unlist(lapply(predictor$terms, function(term) unlist(term$latents))))
    predictor
  })
  used <- c(used, unlist(lapply(spec$covariances, function(cov) c(cov$a, cov$b))))
  setdiff(vapply(spec$latents, function(latent) latent$name, ""), used)
}

rename_latents <- function(spec, rename) {
  spec$latents <- lapply(spec$latents, function(latent) {
    latent$name <- rename(latent$name)
    latent
  })
  spec$covariances <- lapply(spec$covariances, function(cov) {
    cov$a <- rename(cov$a)
    cov$b <- rename(cov$b)
    cov
  })
  map_predictors(spec, function(predictor) {
    predictor$terms <- lapply(predictor$terms, function(term) {
      if (length(term$latents) > 0) term$latents <- as.list(rename(unlist(term$latents)))
      term
    })
    predictor
  })
}

# 0-based indices of the parameters that a specification refers to.
used_parameters <- function(spec) {
  used <- integer(0)
  map_coefficients(spec, function(coefficient) {
    used <<- c(used, as.integer(unlist(coefficient[c("parameter", "parameters")])))
    coefficient
  })
  unique(used)
}
