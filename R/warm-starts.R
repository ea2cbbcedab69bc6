# Warm starts of enumerate_classes(): the solution with one class fewer, whose largest class becomes two.

# list(fit, class): of the fits there are, the one whose model has one class fewer in the fewest class variables
# (`class`) and the same number in all others, of several the likeliest. NULL where there is none.
nearest_smaller <- function(model, fits) {
  numbers <- function(model) {
    stats::setNames(vapply(model$classes, function(part) as.numeric(part$k), 0),
      vapply(model$classes, function(part) part$name, ""))
  }
  wanted <- numbers(model)
  more <- lapply(Filter(Negate(is.null), fits), function(fit) {
    given <- numbers(fit$model)
    if (!setequal(names(given), names(wanted))) return(NULL)
    change <- wanted - given[names(wanted)]
    if (all(change %in% 0:1) && any(change == 1)) list(fit = fit, class = names(wanted)[change == 1])
  })
  more <- Filter(Negate(is.null), more)
  if (length(more) == 0) return(NULL)
  steps <- lengths(lapply(more, `[[`, "class"))
  more <- more[steps == min(steps)]
  more[[which.max(vapply(more, function(one) one$fit$log_likelihood, 0))]]
}

# Starting values from `before`, which has one class fewer in each of the variables `class`: the largest class becomes
# two, the new first of which has its parameters, moved a little at random. NULL where classes have parameters of their
# own that no other class has.
split_start <- function(model, data, before, class, seed) {
  call <- rlang::current_env()
  resolved <- suppressMessages(resolve_model(model, data, before$data$cluster_name, call))
  reduced <- structure(list(spec = resolved$spec, parameters = resolved$parameters,
    data = resolved[setdiff(names(resolved), c("spec", "parameters"))]), class = "mlmix")
  values <- rep(NA_real_, nrow(resolved$parameters))
  place <- seq_along(values)
  for (name in class) {
    dropped <- drop_first_class(reduced, name, call)
    reduced <- dropped$fit
    place <- place[dropped$kept]
  }
  known <- match(reduced$parameters$name, before$parameters$name)
  if (anyNA(known)) return(NULL)
  values[place] <- movable(before$parameters$estimate, before$spec, before$parameters)[known]
  values <- with_seed(seed, fill_new_class(values, resolved, before, class))
  if (anyNA(values)) NULL else values
}

fill_new_class <- function(values, resolved, before, class) {
  table <- resolved$parameters
  twin <- table$name
  for (name in class) {
    largest <- 1L + which.max(before$class_prob[[name]])
    pattern <- paste0("(?<![A-Za-z0-9._])(", gsub(".", "\\.", name, fixed = TRUE), "[=#])1(?![0-9])")
    twin <- gsub(pattern, paste0("\\1", largest), twin, perl = TRUE)
  }
  shift <- list()
  for (i in which(is.na(values))) {
    from <- match(twin[[i]], table$name)
    copied <- !is.na(from) && !is.na(values[[from]])
    values[[i]] <- if (copied) values[[from]]
      else if (table$kind[[i]] == "logit") 0
      else if (table$kind[[i]] == "variance") 0.5
      else if (table$kind[[i]] == "covariance") 0
      else NA_real_
    # Logits too: classes of clusters may differ in nothing but those of their units.
    if (table$kind[[i]] %in% c("intercept", "threshold") || (copied && table$kind[[i]] == "logit")) {
      target <- table$target[[i]]
      # All thresholds of an outcome move together, so they keep their order.
      if (is.null(shift[[target]])) shift[[target]] <- stats::rnorm(1) * outcome_spread(resolved, target)
      values[[i]] <- values[[i]] + shift[[target]]
    }
  }
  values
}

# How far to move an intercept: half a standard deviation of a continuous outcome, half a logit otherwise.
outcome_spread <- function(resolved, target) {
  item <- resolved$items[[target]]
  if (is.null(item) || !item$family %in% c("gaussian", "censored")) return(0.5)
  0.5 * stats::sd(resolved$columns[[item$column]], na.rm = TRUE)
}

# The arguments of mlmix() with the warm start in `control`, if there is one and no other.
warm_dots <- function(model, data, dots, seed, from) {
  dots$seed <- NULL
  if (is.null(from)) return(dots)
  control <- if ("control" %in% names(dots)) rlang::eval_tidy(dots$control) else mlmix_control()
  if (!inherits(control, "mlmix_control") || !is.null(control$start_values)) return(dots)
  start <- tryCatch(suppressWarnings(split_start(model, data, from$fit, from$class, seed)), error = function(e) NULL)
  if (!is.null(start)) {
    control$start_values <- start
    dots$control <- control
  }
  dots
}
