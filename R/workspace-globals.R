# workspace_globals(): what models and functions of the user's use of the workspace, for workers that do not have it.

# For `globals` of parallel_map(): a named list, with the packages that are needed as the attribute "packages". Of the
# formulas functions and constants count; other variables are those of the data.
workspace_globals <- function(models, functions = list()) {
  if (map_workers() == 1) return(list())
  in_formulas <- globals_of(formula_expressions(models), globalenv())
  keep <- vapply(in_formulas, function(value) is.function(value) || (is.numeric(value) && length(value) == 1), TRUE)
  parts <- c(list(structure(in_formulas[keep], packages = attr(in_formulas, "packages"))),
    lapply(Filter(is.function, functions), function(fun) {
      globals_of(as.call(list(as.name("function"), formals(fun), body(fun))), environment(fun) %||% globalenv())
    }))
  found <- do.call(c, parts)
  structure(found[!duplicated(names(found))], packages = unlist(lapply(parts, attr, "packages")))
}

formula_expressions <- function(models) {
  equations <- unlist(lapply(models, function(model) {
    c(lapply(c(model$classes, model$factors, model$outcomes, model$between), `[[`, "equation"),
      lapply(model$outcomes, function(part) part$family$zero))
  }), recursive = FALSE)
  used <- Filter(function(equation) identical(equation$env, globalenv()), equations)
  as.call(c(as.name("list"), unname(unlist(lapply(used, function(equation) {
    c(equation$exprs, unlist(lapply(equation$random, `[[`, "exprs")))
  })))))
}

globals_of <- function(expression, env) {
  found <- future::getGlobalsAndPackages(expression, envir = env)
  structure(as.list(found$globals), packages = setdiff(found$packages, "base"))
}
