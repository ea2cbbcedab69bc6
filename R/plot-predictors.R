# What a model says at chosen values of covariates and latent variables: predictors, responses, class probabilities and
# the moments of latent variables, as curves over a grid.

# The linear predictor over rows: the sum of coefficient x covariate x latent values (equations 1 to 4 and 22 to 24).
# `columns`: covariates; `latents`: values of latent variables, 0 where not given; both of length n or 1.
predictor_at <- function(predictor, theta, pattern, classes, columns, latents, n) {
  value <- rep(0, n)
  for (term in predictor$terms) {
    part <- coefficient_value(term$coefficient, theta, pattern, classes)
    if (!is.null(term$covariate)) part <- part * columns[[term$covariate]]
    for (name in unlist(term$latents)) part <- part * (latents[[name]] %||% 0)
    value <- value + part
  }
  value
}

# Expected latent variables: each one's predictor at those before it, without residuals. `set`: values given.
latent_means <- function(spec, theta, pattern, classes, columns, n, set = list()) {
  values <- set
  for (latent in spec$latents) {
    if (is.null(set[[latent$name]])) {
      values[[latent$name]] <- predictor_at(latent$predictor, theta, pattern, classes, columns, values, n)
    }
  }
  values
}

# The covariance matrix of the latent variables in one class pattern, (I - B)^-1 Psi (I - B')^-1, with B at the values
# of `columns` (single numbers). Products of two latent variables in an equation of latent variables count as 0.
latent_covariance <- function(spec, theta, pattern, classes, columns) {
  names <- vapply(spec$latents, function(latent) latent$name, "")
  n <- length(names)
  slopes <- residual <- matrix(0, n, n, dimnames = list(names, names))
  for (latent in spec$latents) {
    residual[latent$name, latent$name] <- coefficient_value(latent$variance, theta, pattern, classes)
    for (term in latent$predictor$terms) {
      from <- unlist(term$latents)
      if (length(from) != 1) next
      x <- if (is.null(term$covariate)) 1 else columns[[term$covariate]]
      slopes[latent$name, from] <- slopes[latent$name, from] +
        x * coefficient_value(term$coefficient, theta, pattern, classes)
    }
  }
  for (pair in spec$covariances) {
    if (all(c(pair$a, pair$b) %in% names)) {
      residual[pair$a, pair$b] <- residual[pair$b, pair$a] <- coefficient_value(pair$value, theta, pattern, classes)
    }
  }
  inverse <- solve(diag(n) - slopes)
  inverse %*% residual %*% t(inverse)
}

# What an outcome's predictors give: a matrix with a column for each value in `response_kind()`.
response_at <- function(outcome, theta, pattern, classes, columns, latents, n) {
  eta <- vapply(outcome$predictors, predictor_at, numeric(n), theta = theta, pattern = pattern, classes = classes,
    columns = columns, latents = latents, n = n)
  eta <- matrix(eta, n)
  cdf <- if (identical(outcome$family$link, "probit")) stats::pnorm else stats::plogis
  switch(outcome$family$type,
    bernoulli = , binomial = cbind(cdf(eta[, 1])),
    ordinal = {
      thresholds <- vapply(outcome$auxiliary, coefficient_value, 0, theta = theta, pattern = pattern, classes = classes)
      above <- cdf(outer(eta[, 1], thresholds, "-"))
      cbind(1 + rowSums(above))
    },
    nominal = t(apply(cbind(eta, 0), 1, softmax)),
    poisson = , negative_binomial = cbind(exp(eta[, 1])),
    zero_inflated_poisson = , zero_inflated_negative_binomial = cbind(stats::plogis(-eta[, 2]) * exp(eta[, 1])),
    cbind(eta[, 1])
  )
}

# What response_at() gives, in words: measure, the categories of its columns, and the scale of its intervals.
response_kind <- function(fit, outcome) {
  type <- outcome$family$type
  labels <- if (is_categorical(outcome)) category_labels_of(fit, outcome)
  if (type %in% c("bernoulli", "binomial")) {
    return(list(measure = "probability", categories = labels[[2]], scale = "logit"))
  }
  switch(type,
    nominal = list(measure = "probability", categories = labels, scale = "logit"),
    ordinal = list(measure = "mean category", categories = "", scale = "identity"),
    gaussian = list(measure = "mean", categories = "", scale = "identity"),
    censored = list(measure = "mean before censoring", categories = "", scale = "identity"),
    list(measure = "mean", categories = "", scale = "log")
  )
}

# Confidence limits computed on a scale on which they keep to their range.
scaled_limits <- function(value, std_error, level, scale) {
  z <- stats::qnorm(1 - (1 - level) / 2)
  parts <- switch(scale,
    logit = list(stats::qlogis(value), value * (1 - value), stats::plogis),
    log = list(log(value), value, exp),
    identity = list(value, 1, identity)
  )
  width <- z * std_error / parts[[2]]
  data.frame(conf.low = parts[[3]](parts[[1]] - width), conf.high = parts[[3]](parts[[1]] + width))
}

# The class variables that predictors, coefficients and the means of latent variables behind them depend on, in the
# model's order. `set`: latent variables whose values are given, so that nothing behind them matters.
classes_behind <- function(spec, predictors, coefficients, classes, set = character(0)) {
  seen <- set
  used <- unlist(lapply(coefficients, function(coefficient) unlist(coefficient$by)))
  while (length(predictors) > 0) {
    terms <- unlist(lapply(predictors, function(p) p$terms), recursive = FALSE)
    used <- c(used, unlist(lapply(terms, function(term) unlist(term$coefficient$by))))
    latents <- setdiff(unlist(lapply(terms, function(term) unlist(term$latents))), seen)
    seen <- c(seen, latents)
    predictors <- lapply(Filter(function(l) l$name %in% latents, spec$latents), function(l) l$predictor)
  }
  names(classes)[names(classes) %in% used]
}

# The latent variables in predictors, directly or behind others.
latents_behind <- function(spec, predictors) {
  found <- character(0)
  repeat {
    terms <- unlist(lapply(predictors, function(p) p$terms), recursive = FALSE)
    new <- setdiff(unlist(lapply(terms, function(term) unlist(term$latents))), found)
    if (length(new) == 0) return(found)
    found <- c(found, new)
    predictors <- lapply(Filter(function(l) l$name %in% new, spec$latents), function(l) l$predictor)
  }
}

# The covariate columns in predictors and in the latent variables behind them.
columns_behind <- function(spec, predictors) {
  latents <- latents_behind(spec, predictors)
  predictors <- c(predictors, lapply(Filter(function(l) l$name %in% latents, spec$latents), function(l) l$predictor))
  unique(unlist(lapply(predictors, function(p) lapply(p$terms, function(term) term$covariate))))
}

# One row for each column that a formula made: its label there and the variables of the data behind it.
column_sources <- function(fit) {
  rows <- lapply(fit$data$designs, function(design) {
    factors <- attr(design$terms, "factors")
    variables <- lapply(design$product, function(t) {
      unique(unlist(lapply(rownames(factors)[factors[, t] > 0], function(text) all.vars(str2lang(text)))))
    })
    constants <- lapply(variables, function(names) names[vapply(names, is_constant_of, TRUE, fit, design)])
    data.frame(column = design$columns, label = design$labels, variables = I(Map(setdiff, variables, constants)))
  })
  out <- bind_rows(rows)
  if (nrow(out) == 0) data.frame(column = character(0), label = character(0), variables = I(list())) else out
}

# A name in a formula that is no variable of the data but one number where the formula was written.
is_constant_of <- function(name, fit, design) {
  !name %in% names(fit$data$columns) && !any(grepl(name, names(design$xlevels), fixed = TRUE)) &&
    !name %in% names(attr(design$terms, "dataClasses")) &&
    length(get0(name, envir = attr(design$terms, ".Environment"), mode = "numeric", ifnotfound = NULL)) == 1
}

# Values of a variable of the data: for each unit used if they are known, otherwise its levels; NULL if neither.
# list(values = per unit or NULL, levels = of a categorical variable or NULL)
variable_values <- function(fit, name, data = NULL) {
  sources <- column_sources(fit)
  levels <- NULL
  for (design in fit$data$designs) {
    kind <- attr(design$terms, "dataClasses")
    if (identical(unname(kind[name]), "logical")) levels <- c(FALSE, TRUE)
    found <- design$xlevels[names(design$xlevels) %in% c(name, paste0(c("factor(", "as.factor("), name, ")"))]
    if (length(found) > 0) levels <- found[[1]]
  }
  if (!is.null(data)) {
    values <- data[[name]][fit$data$row_used]
    if (is.character(values) || is.factor(values)) values <- factor(values, levels %||% sort(unique(values)))
    return(list(values = values, levels = levels))
  }
  plain <- sources$column[sources$label == name]
  list(values = if (length(plain) > 0) fit$data$columns[[plain[[1]]]], levels = levels)
}

# Covariate columns over a grid of one variable, other columns at their means over the units (or at `at`).
# `x` may be NULL: then one row. Returns list(x, columns, discrete).
covariate_grid <- function(fit, x = NULL, at = list(), data = NULL, n = 61, call = rlang::caller_env()) {
  weight <- unit_weight(fit)
  columns <- lapply(fit$data$columns, function(column) stats::weighted.mean(column, weight, na.rm = TRUE))
  grid <- NULL
  discrete <- TRUE
  if (!is.null(x)) {
    known <- variable_values(fit, x, data)
    if (is.null(known$values) && is.null(known$levels)) abort_needs_data(x, call)
    values <- known$levels %||% sort(unique(known$values))
    discrete <- !is.null(known$levels) || length(values) <= 2
    grid <- if (discrete) values else seq(min(values), max(values), length.out = n)
    if (!is.null(known$levels) && !is.logical(values)) grid <- factor(values, levels = values)
  }
  sources <- column_sources(fit)
  moved <- vapply(sources$variables, function(names) any(names %in% c(x, names(at))), TRUE)
  needed <- unique(unlist(sources$variables[moved]))
  designs <- Filter(function(design) any(design$columns %in% sources$column[moved]), fit$data$designs)
  # A design is evaluated whole, since contrasts depend on all of its terms; variables of the columns that are not
  # wanted get a value that does not matter.
  variables <- unique(unlist(lapply(designs, function(design) all.vars(design$terms))))
  frame <- lapply(stats::setNames(variables, variables), function(name) {
    if (identical(name, x)) return(grid)
    value <- at[[name]]
    if (is.null(value)) {
      value <- if (name %in% needed) typical_value(fit, name, data, call) else any_value(fit, name, data)
    }
    rep(value, length.out = max(1, length(grid)))
  })
  frame <- frame[!vapply(frame, is.null, TRUE)]
  if (length(frame) > 0) {
    made <- new_columns(list(designs = designs), as.data.frame(frame, optional = TRUE, stringsAsFactors = FALSE))
    columns[sources$column[moved]] <- made[sources$column[moved]]
  }
  list(x = grid, columns = columns, discrete = discrete)
}

any_value <- function(fit, name, data) {
  known <- variable_values(fit, name, data)
  known$levels[1] %||% known$values[1] %||% if (!is_constant_anywhere(fit, name)) 1
}

is_constant_anywhere <- function(fit, name) {
  any(vapply(fit$data$designs, function(design) is_constant_of(name, fit, design), TRUE))
}

# The mean of a numeric variable, the first level of a categorical one.
typical_value <- function(fit, name, data, call) {
  known <- variable_values(fit, name, data)
  if (!is.null(known$levels)) return(known$levels[[1]])
  if (is.null(known$values)) abort_needs_data(name, call)
  stats::weighted.mean(known$values, unit_weight(fit), na.rm = TRUE)
}

abort_needs_data <- function(name, call) {
  abort_spec(c(
    "The values of {.var {name}} are not kept in the fit, only what the formula makes of them.",
    i = "Give the data frame that was fitted: {.code data = }."
  ), call = call)
}
