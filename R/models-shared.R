# Pieces that the one-line models share: items as arguments, and formulas put together from names.

# Items given as u1:u8, c(u1, u2) or a character vector.
capture_items <- function(quo, arg, call = rlang::caller_env()) {
  if (rlang::quo_is_missing(quo)) {
    abort_spec(c(
      "{.arg {arg}} is missing.",
      i = "Name the items, as in {.code u1:u8} or {.code c(u1, u2, z)}."
    ), call = call)
  }
  expand_names(rlang::quo_get_expr(quo), rlang::quo_get_env(quo), arg, evaluate = TRUE, call = call)
}

# R takes `variance =` for an argument `variances`, which may be another than was meant. Here names are whole.
check_whole_names <- function(call, formals, frame = rlang::caller_env()) {
  given <- setdiff(names(call), "")
  partial <- setdiff(given, names(formals))
  if (length(partial) > 0) {
    abort_spec(c(
      "There is no argument {.arg {partial}}.",
      i = "Did you mean {.arg {names(formals)[startsWith(names(formals), partial[[1]])]}}?",
      i = "Arguments: {.arg {names(formals)}}."
    ), call = frame)
  }
}

# `predictors` as a one-sided formula; NULL is ~ 1.
predictors_formula <- function(predictors, arg = "predictors", call = rlang::caller_env()) {
  if (is.null(predictors)) {
    return(~1)
  }
  parse_equation(predictors, arg, lhs = "none", call = call)
  predictors
}

# A formula with more on its right: text is R code, added to the left of what is there.
add_to_formula <- function(formula, text) {
  if (length(text) == 0) {
    return(formula)
  }
  rhs <- rlang::f_rhs(formula)
  for (piece in rev(text)) {
    expr <- rlang::parse_expr(piece)
    rhs <- if (identical(rhs, 1)) expr else call("+", expr, rhs)
  }
  rlang::new_formula(rlang::f_lhs(formula), rhs, env = rlang::f_env(formula))
}

# The outcome `items ~ rhs`, with the right-hand side as R code.
outcome_of <- function(items, rhs, family, variance = ~1, level = "within", like = NULL, call = rlang::caller_env()) {
  formula <- rlang::new_formula(names_to_call(items), rlang::parse_expr(rhs), env = globalenv())
  equation <- parse_equation(formula, "items", call = call)
  new_outcome(formula, equation, family, parse_by(variance, "variance"), level, like, call = call)
}

# A name as it stands in R code, with backticks where it needs them.
as_code <- function(name) deparse1(as.symbol(name), backtick = TRUE)

# The right-hand side of a formula as R code; nothing for ~ 1.
rhs_code <- function(formula) {
  rhs <- rlang::f_rhs(formula)
  if (identical(rhs, 1)) character(0) else deparse1(rhs)
}
