# Expected outcomes: probabilities of categories and means, averaged over classes, factors and random effects.
#
# What is averaged is a function g of the linear predictor eta of an outcome, whose posterior (or prior) involves all
# latent variables. The engine does the averaging when the model is enlarged by a variable that brings no information:
#
#   bernoulli, binomial (logit), nominal   a class variable R whose logits are eta: P(R = k | y) = E(P_k(eta) | y)
#   ordinal, and probit links   R with equal prior probabilities and a made-up ordinal outcome, always in its middle
#     category, whose limits in class k are the thresholds around category k. Its likelihoods P_k(eta) add up to 1
#     over k, so the data stay as informative as they are, and again P(R = k | y) = E(P_k(eta) | y)
#   counts   R with the logit eta + log(e) for a tiny e: P(R = 1 | y) / e = E(exp(eta) | y) + O(e); with extra zeros, of
#     logit zeta, R has a second class of logit zeta, so that the first has e exp(eta) / (1 + exp(zeta))
#   gaussian, censored   a latent variable eta without residual: its posterior mean. Where eta has a product of latent
#     variables, R with the logit e eta: P(R = 1 | y) = 1/2 + e E(eta | y) / 4 + O(e^3)

response_name <- ".response"

expected_outcomes <- function(fit, data, observed, call) {
  if (is.null(data)) {
    data <- fit$data
    data$n_new <- length(data$row_used)
    if (!is.null(data$reshape)) data$stacked_item <- stacked_items(fit)
  }
  spec <- fixed_spec(fit$spec, fit$parameters$estimate)
  if (!observed) spec <- without_data(spec)
  if (!observed) data$columns[[response_name]] <- rep(NA_real_, length(data$columns[[1]]))
  if (!observed) for (name in names(trial_columns(spec))) data$columns[[name]] <- rep(1, length(data$columns[[1]]))
  at <- fit
  at$data <- data
  parts <- lapply(fit$spec$outcomes, function(outcome) {
    response <- response_spec(spec, outcome, at, observed)
    enlarged <- data
    n <- length(data$columns[[1]])
    if (!is.null(response$constant)) enlarged$columns[[paste0(response_name, ".y")]] <- rep(response$constant, n)
    values <- response$read(engine_at(fit, response$spec, enlarged, call))
    values <- if (outcome$level == "between") values[data$cluster + 1L, , drop = FALSE] else values
    values[seq_len(data$n_new), , drop = FALSE]
  })
  labels <- Map(response_labels, fit$spec$outcomes, list(fit))
  parts <- Map(function(part, label) stats::setNames(as.data.frame(part), label), parts, labels)
  if (!is.null(data$reshape)) return(stacked_responses(fit, data, parts))
  at$data <- trim_rows(data)
  into_units(at, parts)
}

# Ids need the rows of the new data only.
trim_rows <- function(data) {
  if (!is.null(data$cluster)) data$cluster <- data$cluster[seq_len(data$n_new)]
  data
}

# Every outcome reads a column of missing values.
without_data <- function(spec) {
  spec$outcomes <- lapply(spec$outcomes, function(outcome) {
    outcome$column <- response_name
    outcome
  })
  spec
}

trial_columns <- function(spec) {
  trials <- unlist(lapply(spec$outcomes, function(outcome) outcome$family$trials))
  stats::setNames(trials, trials)
}

response_labels <- function(outcome, fit) {
  if (outcome$family$type %in% c("ordinal", "nominal")) {
    paste0(outcome$name, "=", category_labels_of(fit, outcome))
  } else {
    outcome$name
  }
}

# Of stacked items, the row of each person on which the item stands; items that a person's data do not have are NA.
stacked_responses <- function(fit, data, parts) {
  items <- vapply(fit$spec$outcomes, function(outcome) outcome$name, "")
  columns <- Map(function(part, item) {
    rows <- which(data$stacked_item == item)
    place <- match(seq_len(data$n_rows), data$row_used[rows])
    part[rows[place], , drop = FALSE]
  }, parts, items)
  out <- do.call(cbind, c(list(data.frame(row = seq_len(data$n_rows))), unname(columns)))
  rownames(out) <- NULL
  out
}

# The enlarged specification: list(spec, constant, read), where read() takes the engine's result to [units x columns].
response_spec <- function(spec, outcome, fit, observed) {
  type <- outcome$family$type
  logit <- !identical(outcome$family$link, "probit")
  if (type == "nominal" || (type %in% c("bernoulli", "binomial") && logit)) {
    return(class_response(spec, outcome, outcome$predictors))
  }
  if (type %in% c("ordinal", "bernoulli", "binomial")) return(category_response(spec, outcome, fit))
  if (type %in% c("gaussian", "censored")) return(mean_response(spec, outcome, fit))
  count_response(spec, outcome, fit)
}

add_response_class <- function(spec, outcome, logits) {
  class <- list(
    name = response_name, level = outcome$level, n_classes = length(logits) + 1L, logits = logits, known = NULL
  )
  spec$classes <- c(spec$classes, list(class))
  spec
}

read_class <- function(outcome, scale) {
  function(result) scale(result[[paste0("posterior_", outcome$level)]][[response_name]])
}

class_response <- function(spec, outcome, logits) {
  several <- outcome$family$type == "nominal"
  list(
    spec = add_response_class(spec, outcome, logits),
    read = read_class(outcome, function(p) if (several) p else p[, 1, drop = FALSE])
  )
}

number_term <- function(value) list(coefficient = list(constant = value), covariate = NULL, latents = I(character(0)))

count_response <- function(spec, outcome, fit) {
  seen <- fit$data$columns[[outcome$column]]
  seen <- seen[is.finite(seen)]
  tiny <- 1e-7 / (1 + if (length(seen) > 0) mean(seen) else 0)
  count <- outcome$predictors[[1]]
  count$terms <- c(count$terms, list(number_term(log(tiny))))
  list(
    spec = add_response_class(spec, outcome, c(list(count), outcome$predictors[-1])),
    read = read_class(outcome, function(p) p[, 1, drop = FALSE] / tiny)
  )
}

mean_response <- function(spec, outcome, fit) {
  predictor <- outcome$predictors[[1]]
  products <- any(vapply(predictor$terms, function(term) length(term$latents) > 1, TRUE))
  if (!products) {
    latent <- list(
      name = response_name, level = outcome$level, predictor = predictor, variance = list(constant = 0)
    )
    spec$latents <- c(spec$latents, list(latent))
    return(list(spec = spec, read = function(result) {
      matrix(as.numeric(result$latents[[length(spec$latents)]]$mean), ncol = 1)
    }))
  }
  spread <- stats::sd(fit$data$columns[[outcome$column]], na.rm = TRUE)
  tiny <- 1e-4 / if (is.finite(spread) && spread > 0) spread else 1
  scaled <- scale_predictor(spec, predictor, tiny)
  list(
    spec = add_response_class(scaled$spec, outcome, list(scaled$predictor)),
    read = read_class(outcome, function(p) stats::qlogis(p[, 1, drop = FALSE]) / tiny)
  )
}

# The predictor times a number: every coefficient gets parameters of its own.
scale_predictor <- function(spec, predictor, by) {
  predictor$terms <- lapply(predictor$terms, function(term) {
    coefficient <- term$coefficient
    if (!is.null(coefficient[["constant"]])) {
      term$coefficient <- list(constant = by * coefficient[["constant"]])
      return(term)
    }
    added <- add_fixed(spec, by * coefficient_values(spec, coefficient))
    spec <<- added$spec
    term$coefficient <- if (is.null(coefficient$by)) list(parameter = added$index)
      else list(by = coefficient$by, parameters = I(added$index))
    term
  })
  list(spec = spec, predictor = predictor)
}

coefficient_values <- function(spec, coefficient) {
  if (!is.null(coefficient[["constant"]])) return(coefficient[["constant"]])
  vapply(spec$parameters[parameter_indices(coefficient)], function(parameter) parameter$value, 0)
}

# Adds fixed parameters; returns their indices from 0.
add_fixed <- function(spec, values) {
  start <- length(spec$parameters)
  spec$parameters <- c(spec$parameters, lapply(seq_along(values), function(i) {
    list(
      name = paste0(response_name, start + i), free = FALSE, value = values[[i]], start = NULL, lower = NULL,
      upper = NULL
    )
  }))
  list(spec = spec, index = start + seq_along(values) - 1L)
}

# Beyond these limits a category has no probability (logit or probit).
never <- 500

category_response <- function(spec, outcome, fit) {
  ordinal <- outcome$family$type == "ordinal"
  thresholds <- if (ordinal) outcome$auxiliary else list(list(constant = 0))
  k <- length(thresholds) + 1L
  by <- unlist(thresholds[[1]]$by)
  values <- lapply(thresholds, function(one) coefficient_values(spec, one))
  n <- length(values[[1]])
  lower <- unlist(c(list(rep(-never, n)), values))
  upper <- unlist(c(values, list(rep(never, n))))
  spec <- add_response_class(spec, outcome, rep(list(list(terms = list())), k - 1L))
  low <- add_fixed(spec, lower)
  high <- add_fixed(low$spec, upper)
  spec <- high$spec
  set <- I(c(by, response_name))
  spec$outcomes <- c(spec$outcomes, list(list(
    name = paste0(response_name, ".y"), column = paste0(response_name, ".y"), level = outcome$level,
    family = list(type = "ordinal", link = outcome$family$link, n_categories = 3L),
    predictors = outcome$predictors,
    auxiliary = list(list(by = set, parameters = I(low$index)), list(by = set, parameters = I(high$index)))
  )))
  list(
    spec = spec, constant = 2,
    read = read_class(outcome, function(p) if (ordinal) p else p[, 2, drop = FALSE])
  )
}
