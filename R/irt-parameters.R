# irt_parameters(): discrimination, difficulty and asymptotes of items that measure one factor.
#
# An item with intercept nu and loading lambda on the factor theta, and probabilities g of a response that is always
# right and s of one that is always wrong, has (Asparouhov and Muthén, 2006, section 9, equations 48 to 50)
#
#   P(u = 1 | theta) = g + (1 - s - g) F(nu + lambda theta) = g + (u - g) F(a (theta - b)),
#   a = lambda,   b = -nu / lambda,   g = P(guess),   u = 1 - s
#
# and one with thresholds tau_1 < tau_2 < ..., P(y > k | theta) = F(a (theta - b_k)) with b_k = (tau_k - nu) / lambda.

#' Item response parameters
#'
#' Discrimination a, difficulty b, and the lower and upper asymptotes g and u of items that measure one factor, with
#' standard errors by the delta method: \eqn{P(u = 1 | \theta) = g + (u - g) F(a (\theta - b))}.
#'
#' For fits of [irt()] and of every other model in which each item depends on one factor, such as [fma()]: where
#' intercepts or loadings differ by class, there is a row for each class. An item with ordered categories has
#' difficulties b1, b2, ... The factor has the scale it has in the model: variance 1 (in the last class, or given
#' predictors, if there are such) unless it was declared with `scale = "loading"`.
#'
#' @param fit A fit from [mlmix()].
#' @param D Number above 0, default 1: a is divided by it. `D = 1.7` (or 1.702) brings a of a logit model to the scale
#'   of the normal ogive.
#' @param level Number between 0 and 1, default 0.95: of the confidence intervals.
#' @return A data frame of class `mlmix_irt`, one row per item and parameter: `item`, `class` (the class pattern, empty
#'   if the item is the same in all), `parameter` (`"a"`, `"b"` or `"b1"`, `"b2"`, ..., `"g"`, `"u"`), `estimate`,
#'   `std.error`, `conf.low`, `conf.high` (of g and u on the logit scale), `status` (`"boundary"` where a parameter at
#'   its boundary matters, such as a guessing probability of 0).
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 9, equations (48) to (50).
#'
#'   Samejima, F. (1969). Estimation of latent ability using a response pattern of graded scores. *Psychometrika
#'   Monograph* 17.
#' @seealso [irt()], [factor_scores()].
#' @examples
#' fit <- mlmix(irt(item1:item5, type = "rasch"), lsat, starts = 1, seed = 1)
#' irt_parameters(fit)
#' @export
irt_parameters <- function(fit, D = 1, level = 0.95) {
  check_fit(fit)
  level <- check_level(level)
  if (!(is.numeric(D) && length(D) == 1 && is.finite(D) && D > 0)) {
    abort_spec(c("{.arg D} must be one number above 0, such as 1 or 1.7.", x = "You gave {describe(D)}."))
  }
  items <- unlist(lapply(fit$spec$outcomes, irt_item, fit = fit, D = D, call = rlang::current_env()), recursive = FALSE)
  if (length(items) == 0) {
    abort_spec(c(
      "No item of the model measures a factor.",
      i = "Items are binary or ordered outcomes with a loading, as in {.code irt(u1:u5)}."
    ))
  }
  delta <- delta_method(fit, function(theta) unlist(lapply(items, function(item) item$value(theta))))
  n <- vapply(items, function(item) length(item$parameters), 1L)
  pick <- function(field) vapply(items, function(item) item[[field]], "")
  parameter <- unlist(lapply(items, function(item) item$parameters))
  plain <- !parameter %in% c("g", "u")
  limits <- share_columns(delta, level, plain)
  out <- data.frame(
    item = rep(pick("item"), n), class = rep(pick("class"), n), parameter = parameter, limits,
    row.names = NULL, stringsAsFactors = FALSE
  )
  structure(out, factor = unique(pick("factor")), class = c("mlmix_irt", "data.frame"))
}

# One outcome as a list of items, one for each class pattern that is no asymptote: list(item, class, factor, parameters,
# value = function(theta)). NULL if it measures no factor.
irt_item <- function(outcome, fit, D, call) {
  terms <- unlist(lapply(outcome$predictors, function(p) p$terms), recursive = FALSE)
  factors <- unique(unlist(lapply(terms, function(term) unlist(term$latents))))
  factors <- factors[!grepl("@", factors, fixed = TRUE)]
  if (!outcome$family$type %in% c("bernoulli", "ordinal") || length(factors) == 0) return(NULL)
  check_irt_item(outcome, terms, factors, call)
  classes <- fit_classes(fit)
  by <- names(classes)[names(classes) %in% unlist(lapply(c(lapply(terms, `[[`, "coefficient"), outcome$auxiliary),
    function(coefficient) unlist(coefficient$by)))]
  patterns <- fit_patterns(classes[by])
  rows <- lapply(seq_len(nrow(patterns)), function(r) as.list(patterns[r, , drop = FALSE]))
  sides <- vapply(rows, asymptote_side, 0, terms = terms, fit = fit, classes = classes)
  if (all(sides != 0)) return(NULL)
  mixed <- any(sides != 0)
  chance <- if (mixed) asymptote_function(outcome, by, fit, classes, call)
  shown <- if (!mixed) fit_pattern_labels(patterns) else rep("", nrow(patterns))
  ordinal <- outcome$family$type == "ordinal"
  n_steps <- if (ordinal) length(outcome$auxiliary) else 1
  steps <- if (n_steps == 1) "b" else paste0("b", seq_len(n_steps))
  lapply(which(sides == 0), function(r) {
    value <- function(theta) {
      at <- function(which) {
        sum(vapply(Filter(which, terms), function(term) {
          coefficient_value(term$coefficient, theta, rows[[r]], classes)
        }, 0))
      }
      intercept <- at(function(term) length(term$latents) == 0)
      loading <- at(function(term) length(term$latents) == 1)
      limits <- if (ordinal) {
        vapply(outcome$auxiliary, coefficient_value, 0, theta = theta, pattern = rows[[r]], classes = classes)
      } else {
        0
      }
      p <- if (mixed) chance(theta) else numeric(0)
      c(loading / D, (limits - intercept) / loading, p[mixed & sides > 0], 1 - p[mixed & sides < 0])
    }
    list(
      item = outcome$name, class = shown[[r]], factor = factors,
      parameters = c("a", steps, if (any(sides > 0)) "g", if (any(sides < 0)) "u"), value = value
    )
  })
}

check_irt_item <- function(outcome, terms, factors, call) {
  extra <- Filter(function(term) {
    !is.null(term$covariate) || length(term$latents) > 1 || any(grepl("@", unlist(term$latents), fixed = TRUE))
  }, terms)
  if (length(factors) > 1 || length(extra) > 0) {
    abort_spec(c(
      "{.val {outcome$name}} has no single difficulty: {.fn irt_parameters} needs items that depend on one factor.",
      x = if (length(factors) > 1) "It depends on {.val {factors}}."
        else "Its equation has covariates, random effects or products besides the factor.",
      i = "Use {.fn estimates} or {.fn derive}."
    ), call = call)
  }
}

# Is a class pattern an asymptote, loading fixed at 0 and intercept fixed far out? 1: always right, -1: always wrong.
asymptote_side <- function(pattern, terms, fit, classes) {
  table <- fit$parameters
  fixed_value <- function(coefficient) {
    marker <- seq_len(nrow(table))
    position <- coefficient_value(coefficient, marker, pattern, classes)
    if (!is.null(coefficient[["constant"]])) return(coefficient[["constant"]])
    if (table$status[[position]] == "fixed") table$estimate[[position]] else NA_real_
  }
  loadings <- Filter(function(term) length(term$latents) == 1, terms)
  loading <- vapply(loadings, function(term) fixed_value(term$coefficient), 0)
  if (!identical(unique(loading), 0)) return(0)
  intercept <- vapply(Filter(is_constant_term, terms), function(term) fixed_value(term$coefficient), 0)
  if (anyNA(intercept) || abs(sum(intercept)) < 15) 0 else sign(sum(intercept))
}

# The probabilities of the classes of `by` (one class variable) for the responses to an item, as a function of theta.
asymptote_function <- function(outcome, by, fit, classes, call) {
  class <- Filter(function(cl) cl$name == by[[1]], fit$spec$classes)[[1]]
  terms <- unlist(lapply(class$logits, function(p) p$terms), recursive = FALSE)
  covariates <- unique(unlist(lapply(terms, function(term) term$covariate)))
  rows <- which(!is.na(fit$data$columns[[outcome$column]]))
  constant <- vapply(fit$data$columns[covariates], function(x) length(unique(x[rows])) <= 1, TRUE)
  simple <- length(by) == 1 && all(constant) && length(rows) > 0 &&
    all(vapply(terms, function(term) length(term$latents) == 0 && is.null(term$coefficient[["by"]]), TRUE))
  if (!simple) {
    abort_spec(c(
      "{.val {outcome$name}}: guessing differs between persons or classes, so there is no one asymptote.",
      i = "Use {.fn derive} for quantities of the parameters."
    ), call = call)
  }
  x <- vapply(fit$data$columns[covariates], function(column) column[rows[[1]]], 0)
  function(theta) {
    logits <- vapply(class$logits, function(predictor) {
      sum(vapply(predictor$terms, function(term) {
        value <- coefficient_value(term$coefficient, theta, list(), classes)
        if (is.null(term$covariate)) value else value * x[[term$covariate]]
      }, 0))
    }, 0)
    softmax(c(logits, 0))
  }
}

#' @export
print.mlmix_irt <- function(x, ...) {
  if (!all(c("item", "class", "parameter", "estimate", "std.error") %in% names(x))) return(NextMethod())
  asymptotes <- if (any(x$parameter %in% c("g", "u"))) "g + (u - g) "
  factor <- paste(attr(x, "factor"), collapse = "/")
  cat("Item parameters of P = ", asymptotes, "F(a (", factor, " - b)), standard errors in parentheses\n", sep = "")
  key <- paste(x$item, x$class)
  first <- !duplicated(key)
  table <- data.frame(item = shorten(x$item[first], 20), class = x$class[first], stringsAsFactors = FALSE)
  if (all(table$class == "")) table$class <- NULL
  for (name in unique(x$parameter)) {
    at <- match(paste(key[first], name), paste(key, x$parameter))
    table[[name]] <- fixed_digits(x$estimate[at], 3)
    error <- fixed_digits(x$std.error[at], 3)
    table[[paste0(name, " ")]] <- ifelse(is.na(at), "", ifelse(nzchar(error), paste0("(", error, ")"),
      ifelse(x$status[at] == "boundary", "boundary", "")))
  }
  names(table)[names(table) %in% paste0(unique(x$parameter), " ")] <- strrep(" ", seq_along(unique(x$parameter)))
  print_plain(table)
  invisible(x)
}
