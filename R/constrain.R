# constrain(): fixed values, equalities, starts, bounds, priors and linear constraints, by parameter name.

#' Constrain parameters
#'
#' @param ... Any number of
#'   * `fix("u1~1[c=1]" = 15)`: fixed at a value (`NA` frees a parameter that is fixed by default);
#'   * `equal("u1~f", "u2~f", ...)`: equal to one another; the name that remains is the first;
#'   * `start("u1~f" = 0.5)`: starting value;
#'   * `bound("y~~y" = c(0.01, Inf))`: lower and upper bound;
#'   * `prior("guess#1~itemu1" = c(-1.4, 1))`: a normal prior, its mean and standard deviation on the parameter's own
#'     scale (logits for the logit of a class). Not for variances, covariances and dispersions;
#'   * `linear("u1~1[c=1] - 2 * u2~1[c=1] = 0")`: a linear equality.
#'
#'   Names are those that [parameters()] prints. `*` in a name stands for any text: `fix("*~f" = 1)` fixes all
#'   loadings on `f`. Variances and covariances are matched only by patterns with `~~`, such as `"*~~*"`. A
#'   character vector of names works too: `fix(c("u1~f", "u2~f"), 1)`. These six functions exist only inside
#'   `constrain()`.
#' @details With priors the estimates maximise the log-likelihood plus the log-densities of the priors (posterior mode,
#'   penalised likelihood), and the information has the priors' precision in it; in robust standard errors a prior
#'   counts as one more independent observation. The log-likelihood that a fit reports
#'   is that of the data alone, at these estimates; `fit$log_prior` has the sum of the log-densities. It is below the
#'   maximum of the likelihood, so likelihood-ratio tests and information criteria are only approximate.
#' @return A list of class `mlmix_constrain` with one element per constraint.
#' @seealso [parameters()], which lists the names; [mixture_model()]; [start_values()] to start from another fit;
#'   [wald_test()], which tests what is constrained here.
#' @examples
#' constrain(fix("u1~1[c=1]" = -15), equal("u2~f", "u3~f"))
#' @export
constrain <- function(...) {
  quos <- rlang::enquos(..., .named = FALSE)
  actions <- lapply(unname(quos), function(quo) {
    action <- rlang::eval_tidy(quo, data = constraint_words)
    if (!inherits(action, "mlmix_action")) {
      abort_spec(c(
        "{.fn constrain} takes {.fn fix}, {.fn equal}, {.fn start}, {.fn bound}, {.fn prior} and {.fn linear}.",
        x = "You gave {.code {rlang::as_label(quo)}}."
      ), call = rlang::call2("constrain"))
    }
    action
  })
  do.call(action_list, actions)
}

action_list <- function(...) {
  structure(list(actions = list(...)), class = "mlmix_constrain")
}

new_action <- function(verb, names, values = NULL) {
  structure(list(verb = verb, names = names, values = values), class = "mlmix_action")
}

# The arguments of fix(), start(), bound(), prior(): either "name" = value, ... or c(names), value.
named_values <- function(verb, length, ...) {
  args <- list(...)
  call <- rlang::call2("constrain")
  unnamed <- length(args) == 2 && is.null(names(args)) && is.character(args[[1]])
  if (unnamed) {
    args <- stats::setNames(rep(list(args[[2]]), length(args[[1]])), args[[1]])
  }
  if (length(args) == 0 || is.null(names(args)) || !all(nzchar(names(args)))) {
    abort_spec(c(
      "{.fn {verb}} needs the form {.code \"name\" = value}.",
      i = "For instance {.code {verb}(\"u1~1[c=1]\" = {if (length == 2) 'c(0, 1)' else '1'})}."
    ), call = call)
  }
  for (name in names(args)) {
    value <- args[[name]]
    value_ok <- (is.numeric(value) && length(value) == length && (verb == "fix" || !anyNA(value))) ||
      (verb == "fix" && identical(value, NA))
    if (!value_ok) {
      what <- switch(verb, bound = "two numbers, {.code c(lower, upper)}",
        prior = "two numbers, {.code c(mean, sd)}", "one number")
      abort_spec(c(
        paste0("{.fn {verb}}: the value of {.val {name}} must be ", what, "."),
        x = "You gave {describe(value)}."
      ), call = call)
    }
  }
  new_action(verb, names(args), lapply(unname(args), as.numeric))
}

constraint_words <- list(
  fix = function(...) named_values("fix", 1, ...),
  start = function(...) named_values("start", 1, ...),
  bound = function(...) {
    action <- named_values("bound", 2, ...)
    for (limits in action$values) {
      if (limits[[1]] >= limits[[2]]) {
        abort_spec(c(
          "{.fn bound}: the lower bound must be below the upper.",
          x = "You gave {describe(limits)}."
        ), call = rlang::call2("constrain"))
      }
    }
    action
  },
  prior = function(...) {
    action <- named_values("prior", 2, ...)
    for (values in action$values) {
      if (!all(is.finite(values)) || values[[2]] <= 0) {
        abort_spec(c(
          "{.fn prior}: needs a finite mean and a standard deviation above 0.", x = "You gave {describe(values)}."
        ), call = rlang::call2("constrain"))
      }
    }
    action
  },
  equal = function(...) {
    names <- unlist(list(...))
    if (!is.character(names) || length(names) == 0) {
      abort_spec("{.fn equal} needs names of parameters, in quotes.", call = rlang::call2("constrain"))
    }
    new_action("equal", names)
  },
  linear = function(...) {
    equations <- unlist(list(...))
    plain <- gsub("\\[[^]]*\\]", "", as.character(equations))
    if (any(grepl("[<>]|!=", plain))) {
      abort_spec(c(
        "{.fn linear} takes equalities, not inequalities.", x = "You gave {.val {equations[grepl('[<>]|!=', plain)]}}.",
        i = "{.fn bound} keeps one parameter within limits: {.code bound(\"y~x\" = c(0, Inf))}. An order of two
          parameters cannot be imposed."
      ), call = rlang::call2("constrain"))
    }
    sides <- lengths(strsplit(gsub("\\[[^]]*\\]", "", as.character(equations)), "="))
    ok <- is.character(equations) && length(equations) > 0 && all(sides == 2)
    if (!ok) {
      abort_spec(c(
        "{.fn linear} needs an equation in quotes.",
        i = "For instance {.code linear(\"a - 2 * b = 0\")}."
      ), call = rlang::call2("constrain"))
    }
    new_action("linear", equations)
  }
)

#' @export
print.mlmix_constrain <- function(x, ...) {
  cat(paste0(describe_constraints(x), "\n"), sep = "")
  invisible(x)
}
