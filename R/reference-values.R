# What a model says at given parameters where covariates, factors and random effects are 0: linear predictors,
# category probabilities of outcomes and class probabilities, for every class pattern they depend on.

# The value of one coefficient (inst/spec-format.md) in a class pattern, a named list of class numbers.
coefficient_value <- function(coefficient, theta, pattern, classes) {
  if (!is.null(coefficient[["constant"]])) return(coefficient[["constant"]])
  if (!is.null(coefficient[["parameter"]])) return(theta[[coefficient[["parameter"]] + 1]])
  by <- unlist(coefficient$by)
  size <- vapply(by, function(name) classes[[name]]$k, 1)
  stride <- cumprod(c(1, size))[seq_along(size)]
  at <- vapply(by, function(name) as.numeric(pattern[[name]]), 1) - 1
  theta[[unlist(coefficient[["parameters"]])[[1 + sum(at * stride)]] + 1]]
}

# The constant part of a predictor: its terms without covariate and without latent variable.
is_constant_term <- function(term) is.null(term$covariate) && length(term$latents) == 0

reference_predictor <- function(predictor, theta, pattern, classes) {
  value <- 0
  for (term in predictor$terms) {
    if (is_constant_term(term)) value <- value + coefficient_value(term$coefficient, theta, pattern, classes)
  }
  value
}

# The class variables that the constant part of predictors, and coefficients, depend on, in the order of `classes`.
depends_on <- function(predictors, coefficients, classes) {
  constant <- lapply(predictors, function(p) Filter(is_constant_term, p$terms))
  used <- c(unlist(lapply(unlist(constant, recursive = FALSE), function(term) unlist(term$coefficient$by))),
    unlist(lapply(coefficients, function(coefficient) unlist(coefficient$by))))
  names(classes)[names(classes) %in% used]
}

is_categorical <- function(outcome) outcome$family$type %in% c("bernoulli", "binomial", "ordinal", "nominal")

# Category probabilities of one outcome in one pattern.
category_probabilities <- function(outcome, theta, pattern, classes) {
  eta <- vapply(outcome$predictors, reference_predictor, 0, theta = theta, pattern = pattern, classes = classes)
  cdf <- if (identical(outcome$family$link, "probit")) stats::pnorm else stats::plogis
  switch(outcome$family$type,
    bernoulli = , binomial = c(cdf(-eta), cdf(eta)),
    ordinal = {
      thresholds <- vapply(outcome$auxiliary, coefficient_value, 0, theta = theta, pattern = pattern, classes = classes)
      diff(c(0, cdf(thresholds - eta), 1))
    },
    nominal = softmax(c(eta, 0))
  )
}

softmax <- function(x) {
  x <- exp(x - max(x))
  x / sum(x)
}

# Names of an outcome's categories, as in the data.
category_labels_of <- function(fit, outcome) {
  labels <- fit$data$items[[outcome$name]]$labels
  if (is.null(labels)) {
    type <- outcome$family$type
    n <- if (type %in% c("bernoulli", "binomial")) 2 else outcome$family$n_categories
    labels <- if (n == 2 && type != "ordinal") c("0", "1") else as.character(seq_len(n))
  }
  as.character(labels)
}

# One row per outcome, pattern and category (or per class variable, pattern of its parents and class):
# list(rows = data.frame(level, target, term, class), value = function(theta)).
probability_grid <- function(fit) {
  classes <- fit_classes(fit)
  blocks <- c(
    lapply(Filter(is_categorical, fit$spec$outcomes), outcome_block, fit = fit, classes = classes),
    lapply(fit$spec$classes, class_block, classes = classes)
  )
  list(
    rows = do.call(rbind, lapply(blocks, function(block) block$rows)),
    value = function(theta) unlist(lapply(blocks, function(block) block$value(theta)))
  )
}

outcome_block <- function(outcome, fit, classes) {
  by <- depends_on(outcome$predictors, outcome$auxiliary, classes)
  patterns <- fit_patterns(classes[by])
  labels <- category_labels_of(fit, outcome)
  block(outcome$level, outcome$name, labels, patterns, function(theta, pattern) {
    category_probabilities(outcome, theta, pattern, classes)
  })
}

class_block <- function(class, classes) {
  by <- depends_on(class$logits, list(), classes)
  patterns <- fit_patterns(classes[by])
  labels <- paste0(class$name, "=", seq_len(class$n_classes))
  block(class$level, class$name, labels, patterns, function(theta, pattern) {
    logits <- vapply(class$logits, reference_predictor, 0, theta = theta, pattern = pattern, classes = classes)
    softmax(c(logits, 0))
  })
}

block <- function(level, target, labels, patterns, at_pattern) {
  list(
    rows = data.frame(
      level = level, target = target, term = rep(labels, times = nrow(patterns)),
      class = rep(fit_pattern_labels(patterns), each = length(labels)), stringsAsFactors = FALSE
    ),
    value = function(theta) {
      unlist(lapply(seq_len(nrow(patterns)), function(r) at_pattern(theta, as.list(patterns[r, , drop = FALSE]))))
    }
  )
}
