# The data of the profile plot: probabilities and means of all outcomes in the class patterns that each depends on, of
# one fit or of two whose classes are matched.

profile_data <- function(fit, level, call, class = NULL, against = NULL) {
  rows <- one_profile(fit, level, class, call)
  if (is.null(against)) return(rows)
  if (!inherits(against, "mlmix")) {
    abort_spec(c(
      "{.arg against} must be another fit from {.fn mlmix}.", x = "You gave {describe(against)}.",
      i = "A covariate or random effect goes with {.code type = \"class_curve\"}."
    ), call = call)
  }
  beside_profile(fit, rows, against, class, level, call)
}

# The outcomes whose reference level differs by the class variables wanted; without class variables all.
profile_outcomes <- function(fit, wanted) {
  classes <- fit_classes(fit)
  wanted <- wanted %||% names(classes)
  Filter(function(outcome) {
    by <- depends_on(outcome$predictors, outcome$auxiliary, classes)
    length(classes) == 0 || any(by %in% wanted)
  }, fit$spec$outcomes)
}

# Every family has a reference level: censored outcomes the mean before censoring, counts with extra zeros the mean.
one_profile <- function(fit, level, wanted, call) {
  classes <- fit_classes(fit)
  outcomes <- profile_outcomes(fit, wanted)
  if (length(outcomes) == 0) {
    abort_spec("No outcome differs by the class variable {.val {wanted}}.", call = call)
  }
  blocks <- lapply(outcomes, profile_block, fit = fit, classes = classes)
  rows <- bind_rows(lapply(blocks, function(block) block$rows))
  delta <- delta_method(fit, function(theta) unlist(lapply(blocks, function(block) block$value(theta))))
  limits <- bind_rows(lapply(split(seq_along(delta$estimate), factor(rows$scale, unique(rows$scale))), function(i) {
    cbind(place = i, scaled_limits(delta$estimate[i], delta$std_error[i], level, rows$scale[[i[[1]]]]))
  }))
  data.frame(
    rows[c("variable", "class", "label", "outcome", "category", "measure")], value = delta$estimate,
    limits[order(limits$place), c("conf.low", "conf.high")], row.names = NULL, stringsAsFactors = FALSE
  )
}

profile_block <- function(outcome, fit, classes) {
  categorical <- is_categorical(outcome)
  by <- depends_on(outcome$predictors, if (categorical) outcome$auxiliary else list(), classes)
  patterns <- fit_patterns(classes[by])
  labels <- if (categorical) category_labels_of(fit, outcome) else ""
  shown <- if (length(labels) == 2) 2 else seq_along(labels)
  at_pattern <- function(theta, pattern) {
    if (categorical) return(category_probabilities(outcome, theta, pattern, classes)[shown])
    reference_mean(outcome, theta, pattern, classes)
  }
  out <- block(outcome$level, outcome$name, labels[shown], patterns, at_pattern)
  variable <- paste(by, collapse = ",")
  kind <- response_kind(fit, outcome)
  out$rows <- data.frame(
    variable = variable, class = out$rows$class,
    label = if (length(by) == 0) "all" else class_label(fit, variable, out$rows$class), outcome = outcome$name,
    category = out$rows$term, measure = if (categorical) "probability" else kind$measure,
    scale = if (categorical) "logit" else kind$scale, stringsAsFactors = FALSE
  )
  out
}

# The mean of an outcome without categories where covariates, factors and random effects are 0.
reference_mean <- function(outcome, theta, pattern, classes) {
  eta <- vapply(outcome$predictors, reference_predictor, 0, theta = theta, pattern = pattern, classes = classes)
  switch(outcome$family$type,
    poisson = , negative_binomial = exp(eta[[1]]),
    zero_inflated_poisson = , zero_inflated_negative_binomial = stats::plogis(-eta[[2]]) * exp(eta[[1]]),
    eta[[1]]
  )
}

# "c=1 (45.3 %)" where the pattern is of one class variable.
class_label <- function(fit, variable, class) {
  sizes <- class_sizes(fit)
  size <- sizes$proportion[match(class, sizes$class)]
  ifelse(is.na(size), class, paste0(class, " (", percent(size), ")"))
}

# Two fits: rows of both with `model`; the classes of the second are numbered as those of the first to which they are
# nearest, in the sum of squared differences of all that both show.
beside_profile <- function(fit, rows, against, class, level, call) {
  other <- one_profile(against, level, if (all(class %in% names(fit_classes(against)))) class, call)
  for (part in list(rows, other)) check_one_class(part, call)
  key <- function(part) paste(part$outcome, part$category, sep = "\r")
  shared <- intersect(key(rows), key(other))
  if (length(shared) == 0) {
    abort_spec(c(
      "The two fits have no outcome in common, so there are no profiles to compare.",
      x = "{.arg fit} has {.val {unique(rows$outcome)}}, {.arg against} {.val {unique(other$outcome)}}."
    ), call = call)
  }
  table <- function(part) {
    by_class <- split(part, factor(part$class, unique(part$class)))
    vapply(by_class, function(one) one$value[match(shared, key(one))], numeric(length(shared)))
  }
  mine <- matrix(table(rows), length(shared))
  theirs <- matrix(table(other), length(shared))
  cost <- outer(seq_len(ncol(theirs)), seq_len(ncol(mine)), Vectorize(function(a, b) sum((theirs[, a] - mine[, b])^2)))
  match <- assign_least(cost)
  names <- unique(rows$class)
  place <- match(other$class, unique(other$class))
  matched <- names[match[place]]
  other$class <- ifelse(is.na(matched), paste0(other$class, " (no counterpart)"), matched)
  words <- model_pair_words(fit, against)
  rows$label <- rows$class
  other$label <- other$class
  out <- rbind(cbind(model = words[[1]], rows), cbind(model = words[[2]], other))
  out[key(out) %in% shared, , drop = FALSE]
}

check_one_class <- function(rows, call) {
  if (length(unique(rows$variable)) > 1 || grepl(",", rows$variable[[1]], fixed = TRUE)) {
    abort_spec(c(
      "Two fits can be compared where each has one class variable that its outcomes depend on.",
      x = "One has {.val {unique(rows$variable)}}.", i = "Choose one with {.arg class}."
    ), call = call)
  }
}

# What the two fits are, in words that differ.
model_pair_words <- function(fit, against) {
  words <- vapply(list(fit, against), function(one) {
    if (is_membership(one)) return("Grade of membership")
    random <- any(vapply(one$spec$latents, function(l) TRUE, TRUE))
    if (random) "Mixture with latent variables" else "Latent classes"
  }, "")
  if (words[[1]] == words[[2]]) words <- paste0(words, c(" (1)", " (2)"))
  words
}

# Grade of membership: responses are units of a person and their class has a logit that varies over persons.
is_membership <- function(fit) !is.null(fit$data$reshape) && length(fit_classes(fit, "within")) > 0

# For each row of a cost matrix its column, each column used at most once, with the least sum; NA for rows left over.
assign_least <- function(cost) {
  if (nrow(cost) > ncol(cost)) {
    back <- assign_least(t(cost))
    return(match(seq_len(nrow(cost)), back))
  }
  if (nrow(cost) > 7) return(assign_greedily(cost))
  best <- list(sum = Inf, columns = NULL)
  visit <- function(row, taken, sum) {
    if (sum >= best$sum) return(invisible())
    if (row > nrow(cost)) {
      best <<- list(sum = sum, columns = taken)
      return(invisible())
    }
    for (column in setdiff(seq_len(ncol(cost)), taken)) visit(row + 1, c(taken, column), sum + cost[row, column])
  }
  visit(1, integer(0), 0)
  best$columns
}

assign_greedily <- function(cost) {
  columns <- rep(NA_integer_, nrow(cost))
  for (step in seq_len(nrow(cost))) {
    at <- arrayInd(which.min(cost), dim(cost))
    columns[[at[[1]]]] <- at[[2]]
    cost[at[[1]], ] <- Inf
    cost[, at[[2]]] <- Inf
  }
  columns
}
