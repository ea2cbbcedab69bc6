# plot_data(): the numbers behind every plot.

#' Plots of a fit and their data
#'
#' `plot()` and `autoplot()` draw a fit with ggplot2; `plot_data()` gives the numbers that are drawn.
#'
#' @param x,object,fit A fit from [mlmix()].
#' @param type Text: `"profile"` (default), the probability of every category or the mean of every outcome in each
#'   class, with confidence intervals, where covariates and factors are 0; `"posterior"`, how certain the assignment
#'   of units (or clusters) to their most likely class is; `"starts"`, the log-likelihoods reached by the random
#'   starts.
#' @param class Text or `NULL` (default): a class variable to show, by default all.
#' @param level Number between 0 and 1, default 0.95: of the confidence intervals.
#' @param ... Passed on to `plot_data()`: `class`, `level`.
#' @return `plot()` and `autoplot()`: a ggplot object. `plot_data()`: a data frame. For `"profile"` one row per
#'   outcome, category and class pattern: `variable`, `class`, `label` (class and its size), `outcome`, `category`
#'   (empty for means), `measure`, `value`, `conf.low`, `conf.high`. Of two categories only the second is shown. For
#'   `"posterior"`: `variable`, `class` (most likely), `label`, `probability` (of it), `weight`. For `"starts"`: as
#'   [start_table()] with `rank`.
#' @name plot.mlmix
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' head(plot_data(fit, "profile"))
#' @examplesIf rlang::is_installed("ggplot2")
#' plot(fit)
#' plot(fit, type = "starts")
NULL

#' @rdname plot.mlmix
#' @export
plot_data <- function(fit, type = c("profile", "posterior", "starts"), class = NULL, level = 0.95) {
  check_fit(fit)
  type <- check_choice(type, c("profile", "posterior", "starts"), "type")
  level <- check_level(level)
  classes <- fit_classes(fit)
  unknown <- setdiff(class, names(classes))
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg class} must name a class variable of the model.", x = "You gave {.val {unknown}}.",
      suggest_names(unknown[[1]], names(classes), "Class variables")
    ))
  }
  wanted <- if (is.null(class)) names(classes) else class
  switch(type,
    profile = profile_data(fit, wanted, level),
    posterior = posterior_data(fit, wanted),
    starts = starts_data(fit)
  )
}

# Probabilities and means of all outcomes, in the class patterns that each depends on.
profile_data <- function(fit, wanted, level) {
  classes <- fit_classes(fit)
  outcomes <- Filter(function(outcome) {
    by <- depends_on(outcome$predictors, outcome$auxiliary, classes)
    has_reference(outcome) && (length(classes) == 0 || any(by %in% wanted))
  }, fit$spec$outcomes)
  if (length(outcomes) == 0) {
    abort_spec(c(
      "There is no profile to draw: no outcome differs by class where covariates and factors are 0.",
      i = "See {.fn estimates} for the coefficients."
    ), call = rlang::caller_env())
  }
  blocks <- lapply(outcomes, profile_block, fit = fit, classes = classes)
  rows <- bind_rows(lapply(blocks, function(block) block$rows))
  value <- function(theta) unlist(lapply(blocks, function(block) block$value(theta)))
  delta <- delta_method(fit, value)
  z <- stats::qnorm(1 - (1 - level) / 2)
  p <- delta$estimate
  probability <- rows$measure == "probability"
  width <- z * delta$std_error / ifelse(probability, p * (1 - p), 1)
  link <- ifelse(probability, suppressWarnings(stats::qlogis(p)), p)
  back <- function(x) ifelse(probability, stats::plogis(x), x)
  data.frame(
    rows[c("variable", "class", "label", "outcome", "category", "measure")],
    value = p, conf.low = back(link - width), conf.high = back(link + width), stringsAsFactors = FALSE
  )
}

has_reference <- function(outcome) is_categorical(outcome) || !grepl("^zero", outcome$family$type)

profile_block <- function(outcome, fit, classes) {
  by <- depends_on(outcome$predictors, outcome$auxiliary, classes)
  if (!is_categorical(outcome)) by <- depends_on(outcome$predictors, list(), classes)
  patterns <- fit_patterns(classes[by])
  categorical <- is_categorical(outcome)
  labels <- if (categorical) category_labels_of(fit, outcome) else ""
  shown <- if (length(labels) == 2) 2 else seq_along(labels)
  at_pattern <- function(theta, pattern) {
    if (categorical) return(category_probabilities(outcome, theta, pattern, classes)[shown])
    eta <- reference_predictor(outcome$predictors[[1]], theta, pattern, classes)
    if (outcome$family$type %in% c("poisson", "negative_binomial")) exp(eta) else eta
  }
  out <- block(outcome$level, outcome$name, labels[shown], patterns, at_pattern)
  variable <- paste(by, collapse = ",")
  out$rows <- data.frame(
    variable = variable, class = out$rows$class,
    label = if (length(by) == 0) "all" else class_label(fit, variable, out$rows$class), outcome = outcome$name,
    category = out$rows$term, measure = if (categorical) "probability" else "mean", stringsAsFactors = FALSE
  )
  out
}

# "c=1 (45.3 %)" where the pattern is of one class variable.
class_label <- function(fit, variable, class) {
  sizes <- class_sizes(fit)
  size <- sizes$proportion[match(class, sizes$class)]
  ifelse(is.na(size), class, paste0(class, " (", percent(size), ")"))
}

posterior_data <- function(fit, wanted) {
  classes <- fit_classes(fit)[wanted]
  if (length(classes) == 0) {
    abort_spec("The model has no class variable, so no class probabilities to draw.", call = rlang::caller_env())
  }
  bind_rows(lapply(classes, function(class) {
    p <- class_posterior(fit, class$name)
    modal <- modal_class(p)
    weight <- if (class$level == "within") unit_weight(fit) else cluster_weight(fit)
    data.frame(
      variable = class$name, class = class$labels[modal], label = class_label(fit, class$name, class$labels[modal]),
      probability = p[cbind(seq_along(modal), modal)], weight = weight, stringsAsFactors = FALSE
    )
  }))
}

starts_data <- function(fit) {
  table <- start_table(fit)
  table$rank <- seq_len(nrow(table))
  table
}
