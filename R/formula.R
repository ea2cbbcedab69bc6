# Formulas: from `lhs ~ rhs` to an equation, a plain list of products of variables.
#
# An equation has
#   lhs        character vector of targets (empty for a one-sided formula)
#   trials     NULL, or for cbind(successes, failures) the name of the failures
#   intercept  whether the constant term is there
#   terms      list of character vectors: the variables (labels) whose product is one term
#   exprs      named list: label -> expression to evaluate in the data
#   random     list of (terms | cluster): intercept, terms, exprs, group, correlated
#   env        the formula's environment
# Which labels are latent classes or factors is decided later, when the whole model is known.

parse_equation <- function(formula, arg, lhs = c("required", "none"), call = rlang::caller_env()) {
  lhs <- match.arg(lhs)
  if (!rlang::is_formula(formula)) {
    abort_spec(c(
      "{.arg {arg}} must be a formula.",
      x = "You gave {describe(formula)}.",
      i = if (lhs == "none") "Write {.code ~ x1 + x2}." else "Write {.code y ~ x1 + x2}."
    ), call = call)
  }
  left <- rlang::f_lhs(formula)
  if (lhs == "required" && is.null(left)) {
    abort_spec(c(
      "{.arg {arg}} needs a left-hand side.",
      x = "You gave {.code {deparse1(formula)}}.",
      i = "Name what the equation explains, as in {.code y ~ x} or {.code u1:u17 ~ c}."
    ), call = call)
  }
  if (lhs == "none" && !is.null(left)) {
    abort_spec(c(
      "{.arg {arg}} must have no left-hand side.",
      x = "You gave {.code {deparse1(formula)}}.",
      i = "Write only {.code ~ {deparse1(rlang::f_rhs(formula))}}."
    ), call = call)
  }
  env <- rlang::f_env(formula)
  equation <- parse_rhs(rlang::f_rhs(formula), arg, call)
  names <- if (is.null(left)) character(0) else expand_names(left, env, arg, call = call)
  equation$trials <- NULL
  if (rlang::is_call(left, "cbind")) {
    if (length(names) != 2) {
      abort_spec(c(
        "{.arg {arg}}: {.fn cbind} takes two counts, successes and failures.",
        x = "You gave {.code {deparse1(left)}}."
      ), call = call)
    }
    equation$trials <- names[[2]]
    names <- names[[1]]
  }
  equation$lhs <- names
  equation$env <- env
  equation
}

parse_rhs <- function(rhs, arg, call) {
  parts <- split_random(rhs, arg, call)
  equation <- parse_terms(parts$fixed, arg, call)
  equation$random <- lapply(parts$random, parse_random, arg = arg, call = call)
  equation
}

# Takes the (terms | cluster) parts out of a sum.
split_random <- function(expr, arg, call) {
  if (rlang::is_call(expr, "+", n = 2)) {
    left <- split_random(expr[[2]], arg, call)
    right <- split_random(expr[[3]], arg, call)
    fixed <- if (is.null(left$fixed)) {
      right$fixed
    } else if (is.null(right$fixed)) {
      left$fixed
    } else {
      call("+", left$fixed, right$fixed)
    }
    return(list(fixed = fixed, random = c(left$random, right$random)))
  }
  if (rlang::is_call(expr, "-", n = 2)) {
    left <- split_random(expr[[2]], arg, call)
    fixed <- if (is.null(left$fixed)) 1 else left$fixed
    return(list(fixed = call("-", fixed, expr[[3]]), random = left$random))
  }
  if (rlang::is_call(expr, "(") && rlang::is_call(expr[[2]], c("|", "||"))) {
    return(list(fixed = NULL, random = list(expr[[2]])))
  }
  if (rlang::is_call(expr, c("|", "||"))) {
    abort_spec(c(
      "{.arg {arg}}: put random effects in parentheses.",
      x = "You gave {.code {deparse1(expr)}}.",
      i = "Write {.code ({deparse1(expr)})}."
    ), call = call)
  }
  list(fixed = expr, random = list())
}

parse_random <- function(bar, arg, call) {
  group <- bar[[3]]
  if (!is.symbol(group)) {
    abort_spec(c(
      "{.arg {arg}}: the cluster after {.code |} must be one variable.",
      x = "You gave {.code {deparse1(group)}}.",
      i = "There are two levels: units within clusters. For nested ones make one variable of the two."
    ), call = call)
  }
  part <- parse_terms(bar[[2]], arg, call)
  if (!part$intercept && length(part$terms) == 0) {
    abort_spec("{.arg {arg}}: {.code ({deparse1(bar)})} has no random effect.", call = call)
  }
  part$group <- as.character(group)
  part$correlated <- rlang::is_call(bar, "|")
  part
}

# A sum of products without random parts.
parse_terms <- function(expr, arg, call) {
  if (is.null(expr)) {
    expr <- 1
  }
  if (any(c("|", "||") %in% all.names(expr))) {
    abort_spec(c(
      "{.arg {arg}}: random effects can only be added to a formula.",
      x = "You gave {.code {deparse1(expr)}}.",
      i = "Write them as {.code + (1 + x | cluster)}."
    ), call = call)
  }
  if ("." %in% all.vars(expr)) {
    abort_spec(c(
      "{.arg {arg}}: {.code .} is not accepted.",
      i = "Name the predictors: a model is built before it sees data."
    ), call = call)
  }
  parsed <- tryCatch(
    stats::terms(stats::as.formula(call("~", expr)), keep.order = TRUE),
    error = function(e) {
      abort_spec(c(
        "{.arg {arg}}: {.code {deparse1(expr)}} is not a formula that R understands.",
        x = "{conditionMessage(e)}"
      ), call = call)
    }
  )
  if (!is.null(attr(parsed, "offset"))) {
    abort_spec(c(
      "{.arg {arg}}: {.fn offset} is not available.",
      i = "Enter the variable as a predictor and fix its coefficient at 1: {.code constrain(fix(\"y~x\" = 1))}."
    ), call = call)
  }
  variables <- as.list(attr(parsed, "variables"))[-1]
  labels <- vapply(variables, expr_label, "")
  factors <- attr(parsed, "factors")
  terms <- if (length(factors) == 0) {
    list()
  } else {
    lapply(seq_len(ncol(factors)), function(j) labels[factors[, j] > 0])
  }
  list(
    intercept = attr(parsed, "intercept") == 1,
    terms = terms,
    exprs = stats::setNames(variables, labels)
  )
}

expr_label <- function(expr) {
  if (is.symbol(expr)) as.character(expr) else deparse1(expr)
}

# The class variables of `~ c` or `~ c1:c2`, for a variance that differs by class.
parse_by <- function(formula, arg, call = rlang::caller_env()) {
  equation <- parse_equation(formula, arg, lhs = "none", call = call)
  if (length(equation$random) > 0) {
    abort_spec("{.arg {arg}} cannot have random effects.", call = call)
  }
  unique(unlist(equation$terms)) %||% character(0)
}

`%||%` <- function(x, y) if (is.null(x)) y else x
