# mixture_model(): puts components together and checks what can be checked without data.

#' Build a multilevel mixture model
#'
#' A model is a set of equations. Latent class variables and factors are declared, then used in formulas like any
#' predictor. A model holds no data.
#'
#' @param ... Components: [latent_class()], [latent_factor()], [outcome()], [between()], [covary()], [constrain()]. The
#'   first may be a model, such as one from [gom()], to which the others are added.
#' @param cluster Text or `NULL` (default): the name of the cluster variable, if no formula names it in `(1 | cluster)`.
#' @return A list of class `mlmix_model` with `classes`, `factors`, `outcomes`, `between`, `covary`, `constraints`
#'   (each a list of components), `cluster` and `reshape` (`NULL`, or how the data are stacked first; see [gom()]).
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models.
#' @seealso [parameters()] for the parameter table; one-line models: [lca()], [lpa()], [lta()], [multilevel_lca()],
#'   [growth_mixture()], [mixture_regression()], [gom()], [fma()], [fma_gom()], [irt()].
#' @examples
#' mixture_model(
#'   latent_class("d", 2, ~ w, level = "between"),
#'   latent_class("c", 3, ~ d + x + (1 | id)),
#'   outcome(u1:u8 ~ c, family = bernoulli())
#' )
#' mixture_model(lca(u1:u8, k = 2), constrain(fix("u1~1[c=1]" = -15)))
#' @export
mixture_model <- function(..., cluster = NULL) {
  components <- list(...)
  if (length(components) == 0 || !inherits(components[[1]], "mlmix_model")) {
    return(new_model(components, cluster = cluster))
  }
  model <- components[[1]]
  parts <- do.call(c, unname(unclass(model)[names(component_kinds)]))
  new_model(c(parts, components[-1]), cluster %||% model$cluster, model$reshape, model$starts)
}

component_kinds <- c(
  classes = "mlmix_class", factors = "mlmix_factor", outcomes = "mlmix_outcome",
  between = "mlmix_between", covary = "mlmix_covary", constraints = "mlmix_constrain"
)

new_model <- function(components, cluster = NULL, reshape = NULL, starts = c(20, 5), call = rlang::caller_env()) {
  for (i in seq_along(components)) {
    if (!inherits(components[[i]], component_kinds)) {
      given <- names(components)[i]
      abort_spec(c(
        "Component {i} of {.fn mixture_model} is not a part of a model.",
        x = "You gave {if (is.null(given) || !nzchar(given)) '' else paste0(given, ' = ')}{describe(components[[i]])}.",
        i = "Accepted: {.fn {c('latent_class', 'latent_factor', 'outcome', 'between', 'covary', 'constrain')}}."
      ), call = call)
    }
  }
  if (!is.null(cluster)) {
    check_string(cluster, "cluster", "the name of one variable", call = call)
  }
  parts <- lapply(component_kinds, function(kind) unname(Filter(function(x) inherits(x, kind), components)))
  model <- structure(c(parts, list(cluster = cluster, reshape = reshape, starts = starts)), class = "mlmix_model")
  check_model(model, call)
}

# Everything that can be said about a model before data: returns it with class variables and factors in an order in
# which each depends only on earlier ones, and with the cluster variable found.
check_model <- function(model, call) {
  if (length(model$outcomes) == 0) {
    abort_spec(c(
      "A model needs at least one outcome.",
      i = "Add for instance {.code outcome(u1:u8 ~ c, family = bernoulli())}."
    ), call = call)
  }
  check_names(model, call)
  model["cluster"] <- list(find_cluster(model, call))
  symbols <- model_symbols(model)
  model$classes <- sort_components(model$classes, symbols$classes$name, "class variable", call)
  model$factors <- sort_components(model$factors, symbols$latents$name, "factor", call)
  symbols <- model_symbols(model)
  check_plans(model, symbols, call)
  check_used(model, call)
  check_like(model, call)
  check_factor_means(model, symbols, call)
  model
}

# Names that formulas may use besides data: class variables and factors with their levels.
model_symbols <- function(model) {
  pick <- function(parts, field, empty) {
    vapply(parts, function(p) p[[field]], empty)
  }
  list(
    classes = list(
      name = pick(model$classes, "name", ""), k = pick(model$classes, "k", 1L), level = pick(model$classes, "level", "")
    ),
    latents = list(name = pick(model$factors, "name", ""), level = pick(model$factors, "level", ""))
  )
}

check_names <- function(model, call) {
  symbols <- model_symbols(model)
  outcomes <- unlist(lapply(model$outcomes, `[[`, "names"))
  names <- c(symbols$classes$name, symbols$latents$name, outcomes)
  twice <- unique(names[duplicated(names)])
  if (length(twice) > 0) {
    abort_spec(c(
      "{cli::qty(twice)}The name{?s} {.val {twice}} stand{?s/} for more than one thing.",
      i = "Every class variable, factor and outcome needs its own name and one equation."
    ), call = call)
  }
}

model_equations <- function(model) {
  c(lapply(model$classes, `[[`, "equation"), lapply(model$factors, `[[`, "equation"),
    lapply(model$outcomes, `[[`, "equation"))
}

find_cluster <- function(model, call) {
  groups <- unlist(lapply(model_equations(model), function(equation) {
    vapply(equation$random, `[[`, "", "group")
  }))
  groups <- unique(c(model$cluster, groups))
  if (length(groups) > 1) {
    abort_spec(c(
      "A model has one cluster variable.",
      x = "You gave {.var {groups}}.",
      i = "There are two levels: units within clusters."
    ), call = call)
  }
  if (length(groups) == 0) NULL else groups
}

# Orders class variables (or factors) so that each comes after those in its formula.
sort_components <- function(parts, names, what, call) {
  needs <- lapply(parts, function(part) intersect(unique(unlist(part$equation$terms)), names))
  done <- integer(0)
  while (length(done) < length(parts)) {
    ready <- which(vapply(needs, function(n) all(n %in% names[done]), TRUE))
    ready <- setdiff(ready, done)
    if (length(ready) == 0) {
      stuck <- names[setdiff(seq_along(parts), done)]
      abort_spec(c(
        "The formulas of {what}s go round in a circle: {.val {stuck}}.",
        i = "A {what} may only be predicted by others that do not depend on it."
      ), call = call)
    }
    done <- c(done, ready[[1]])
  }
  parts[done]
}

# Each equation is planned once for its checks: levels, powers of factors, class variables in random parts.
check_plans <- function(model, symbols, call) {
  for (part in model$classes) {
    plan_equation(part$equation, symbols, part$level, paste("the class variable", part$name), call)
  }
  for (part in model$factors) {
    plan_equation(part$equation, symbols, part$level, paste("the factor", part$name), call)
    check_by(part$variance, symbols, part$level, paste("the variance of", part$name), call)
  }
  for (part in model$outcomes) {
    what <- paste("the outcome", part$names[[1]])
    plan_equation(part$equation, symbols, part$level, what, call)
    check_by(part$variance, symbols, part$level, paste("the variance of", part$names[[1]]), call)
    if (!is.null(part$family$zero)) {
      plan_equation(part$family$zero, symbols, part$level, paste("the zero part of", part$names[[1]]), call)
    }
  }
  for (part in model$covary) {
    check_by(part$by, symbols, NULL, "covary()", call)
  }
}

check_by <- function(by, symbols, level, what, call) {
  unknown <- setdiff(by, symbols$classes$name)
  if (length(unknown) > 0) {
    abort_spec(c(
      "In {what}: {.var {unknown}} is not a class variable.",
      i = "A variance or covariance can only differ by latent class, as in {.code ~ c}."
    ), call = call)
  }
  within <- intersect(by, symbols$classes$name[symbols$classes$level == "within"])
  if (identical(level, "between") && length(within) > 0) {
    abort_spec("In {what}, which is at the between level: {.val {within}} is a within class variable.", call = call)
  }
}

check_used <- function(model, call) {
  labels <- function(equation) unlist(c(equation$terms, lapply(equation$random, `[[`, "terms")))
  zero <- lapply(model$outcomes, function(part) part$family$zero)
  scales <- lapply(c(model$outcomes, model$factors, list()), `[[`, "variance")
  used <- c(
    unlist(lapply(c(model_equations(model), Filter(Negate(is.null), zero)), labels)),
    unlist(scales), unlist(lapply(model$covary, `[[`, "by")),
    unlist(lapply(model$between, function(part) c(labels(part$equation), part$equation$lhs)))
  )
  for (part in c(model$classes, model$factors)) {
    if (!part$name %in% used && !identical(part$k, 1L)) {
      what <- if (inherits(part, "mlmix_class")) "class variable" else "factor"
      abort_spec(c(
        "The {what} {.val {part$name}} is declared, but no formula uses it.",
        i = "Put it on the right of an outcome's formula, as in {.code y ~ {part$name}}."
      ), call = call)
    }
  }
}

check_like <- function(model, call) {
  owner <- unlist(lapply(seq_along(model$outcomes), function(i) {
    stats::setNames(rep(i, length(model$outcomes[[i]]$names)), model$outcomes[[i]]$names)
  }))
  for (i in seq_along(model$outcomes)) {
    part <- model$outcomes[[i]]
    unknown <- setdiff(part$like, names(owner))
    if (length(unknown) > 0) {
      abort_spec(c(
        "{.arg like} names {.val {unknown}}, which {?is/are} no outcome{?s} of the model.",
        suggest_names(unknown[[1]], names(owner), "Outcomes")
      ), call = call)
    }
    for (other in model$outcomes[unique(owner[part$like])]) {
      same_family <- identical(other$family[c("type", "link")], part$family[c("type", "link")])
      if (owner[[other$names[[1]]]] >= i || !same_family) {
        abort_spec(c(
          "{.val {part$names[[1]]}} cannot be like {.val {other$names[[1]]}}.",
          i = "The outcomes named in {.arg like} must have the same family and stand earlier in the model."
        ), call = call)
      }
    }
  }
}

# A factor's mean by class and its indicators' intercepts by the same class cannot both be free.
check_factor_means <- function(model, symbols, call) {
  for (factor in model$factors) {
    plan <- plan_equation(factor$equation, symbols, factor$level, factor$name, call)
    for (class in constant_classes(plan)) {
      differs <- unlist(lapply(model$outcomes, function(part) {
        outcome_plan <- plan_equation(part$equation, symbols, part$level, part$names[[1]], call)
        loads <- any(vapply(outcome_plan$fixed, function(term) factor$name %in% term$latents, TRUE))
        if (loads) rep(class %in% constant_classes(outcome_plan), length(part$names))
      }))
      if (length(differs) > 0 && all(differs)) {
        abort_spec(c(
          "The mean of factor {.val {factor$name}} cannot differ by class {.val {class}}: it is not identified.",
          x = "The intercepts (or thresholds) of all its outcomes differ by {.val {class}} already.",
          i = "Leave {.val {class}} out of the factor's formula, or out of an outcome's."
        ), call = call)
      }
    }
  }
}

constant_classes <- function(plan) {
  constant <- Filter(function(term) length(term$latents) == 0 && length(term$covariates) == 0, plan$fixed)
  unique(unlist(lapply(constant, `[[`, "sets")))
}
