# The formulas of three_step() and two_step(): which explain classes, which are outcomes explained by them.

# list(classes = named list of one-sided formulas, outcomes = list of list(name, formula, classes), used = names of
# the class variables that take part, in the order of the fit).
structural_parts <- function(fit, formula, call) {
  formulas <- if (rlang::is_formula(formula)) list(formula) else formula
  if (!is.list(formulas) || length(formulas) == 0 || !all(vapply(formulas, rlang::is_formula, TRUE))) {
    abort_spec(c(
      "{.arg formula} must be a formula or a list of formulas.", x = "You gave {describe(formula)}.",
      i = "{.code c ~ age} explains the class variable c; {.code income ~ c} is an outcome that differs by class."
    ), call = call)
  }
  known <- names(fit_classes(fit))
  parts <- list(classes = list(), outcomes = list())
  for (one in formulas) parts <- add_structural(parts, one, known, call)
  used <- unique(c(names(parts$classes), unlist(lapply(parts$classes, function(f) intersect(all.vars(f), known))),
    unlist(lapply(parts$outcomes, `[[`, "classes"))))
  parts$used <- known[known %in% used]
  parts
}

add_structural <- function(parts, formula, known, call) {
  if (length(known) == 0) abort_spec("The model has no class variable.", call = call)
  left <- rlang::f_lhs(formula)
  name <- if (is.symbol(left)) as.character(left)
  if (is.null(left) || isTRUE(name %in% known)) {
    if (is.null(left) && length(known) > 1) {
      abort_spec(c(
        "{.code {deparse1(formula)}}: the left-hand side must name a class variable.",
        i = "The model has {.val {known}}: write for instance {.code {known[[1]]} {deparse1(formula)}}."
      ), call = call)
    }
    name <- name %||% known
    if (!is.null(parts$classes[[name]])) {
      abort_spec("The class variable {.val {name}} has two formulas.", call = call)
    }
    parts$classes[[name]] <- rlang::new_formula(NULL, rlang::f_rhs(formula), env = rlang::f_env(formula))
    return(parts)
  }
  equation <- parse_equation(formula, "formula", lhs = "required", call = call)
  classes <- known[known %in% all.vars(rlang::f_rhs(formula))]
  if (length(classes) == 0) {
    abort_spec(c(
      "{.code {deparse1(formula)}}: neither side has a class variable of the fit.",
      i = "Its class variables: {.val {known}}. {.code {known[[1]]} ~ x} explains the classes,
        {.code y ~ {known[[1]]}} is an outcome that differs by class."
    ), call = call)
  }
  if (!is.null(equation$trials)) {
    abort_spec("{.code cbind()} outcomes are not available here: give one row for each trial.", call = call)
  }
  parts$outcomes <- c(parts$outcomes, lapply(equation$lhs, function(name) {
    one <- rlang::new_formula(as.symbol(name), rlang::f_rhs(formula), env = rlang::f_env(formula))
    list(name = name, formula = one, classes = classes)
  }))
  parts
}

# The formulas' variables must be in the user's data (or, as constants and functions, where the formulas were written).
check_structural_variables <- function(parts, data, known, call) {
  formulas <- c(parts$classes, lapply(parts$outcomes, `[[`, "formula"))
  for (formula in formulas) {
    used <- setdiff(all.vars(formula), c(known, "."))
    env <- rlang::f_env(formula) %||% globalenv()
    missing <- Filter(function(name) !name %in% names(data) && !exists(name, envir = env), used)
    check_columns(data, missing, "a formula", call)
  }
}

# The family of one outcome: as given (for all, or by name), else by what the data hold.
structural_family <- function(name, family, values, call) {
  given <- if (is.list(family) && !inherits(family, c("family", "mlmix_family"))) family[[name]] else family
  if (!is.null(given)) return(as_family(given, call = call))
  if (is.ordered(values) && nlevels(droplevels(values)) > 2) return(ordinal())
  categories <- length(unique(stats::na.omit(values)))
  if (is.factor(values) || is.character(values) || is.logical(values)) {
    return(if (categories > 2) nominal() else bernoulli())
  }
  if (all(values %in% c(0, 1, NA))) bernoulli() else as_family(stats::gaussian(), call = call)
}

check_family_names <- function(family, parts, call) {
  if (is.null(family) || inherits(family, c("family", "mlmix_family")) || !is.list(family)) return(invisible())
  unknown <- setdiff(names(family), vapply(parts$outcomes, `[[`, "", "name"))
  if (is.null(names(family)) || length(unknown) > 0) {
    abort_spec(c(
      "{.arg family} must be one family, or a list of families with the names of outcomes.",
      x = if (length(unknown) > 0) "No formula has the outcome {.val {unknown}}."
    ), call = call)
  }
}

# Outcomes as components of a model; `level(name)` is the level of a variable.
structural_outcomes <- function(parts, family, variances, data, level, call) {
  check_family_names(family, parts, call)
  lapply(parts$outcomes, function(part) {
    check_columns(data, part$name, "a formula", call)
    own <- structural_family(part$name, family, data[[part$name]], call)
    scaled <- has_residual_variance(own$type) || has_dispersion(own$type)
    by <- if (scaled && variances == "varying") part$classes else character(0)
    equation <- parse_equation(part$formula, "formula", lhs = "required", call = call)
    new_outcome(part$formula, equation, own, by, level(part$name), NULL, call = call)
  })
}

# The data frame that the fit was made of.
check_fit_data <- function(data, fit, call) {
  n <- fit$data$n_rows
  if (!is.data.frame(data) || nrow(data) != n) {
    abort_data(c(
      "{.arg data} must be the data frame that the model was fitted to, with {n} row{?s}.",
      x = if (is.data.frame(data)) "You gave {nrow(data)} row{?s}." else "You gave {describe(data)}.",
      i = "Predictors and outcomes of classes are further columns of it."
    ), call = call)
  }
  check_data(data, call)
}
