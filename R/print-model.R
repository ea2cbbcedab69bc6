# print(model): the equations in words and in mathematics, within 80 columns, without data.

#' @export
print.mlmix_model <- function(x, ...) {
  cat(format(x, ...), sep = "\n")
  invisible(x)
}

#' @export
format.mlmix_model <- function(x, ...) {
  symbols <- model_symbols(x)
  sections <- list(
    "Latent classes" = lapply(x$classes, describe_class, symbols = symbols),
    "Factors" = lapply(x$factors, describe_factor, symbols = symbols),
    "Outcomes" = lapply(x$outcomes, describe_outcome, symbols = symbols),
    "Random effects" = describe_random(x),
    "Between clusters" = lapply(x$between, function(part) paste("Regression:", deparse1(part$formula))),
    "Covariances" = lapply(x$covary, describe_covary),
    "Constraints" = lapply(x$constraints, describe_constraints)
  )
  lines <- c(model_title(x), describe_levels(x))
  for (title in names(sections)) {
    body <- unlist(sections[[title]])
    if (length(body) > 0) {
      lines <- c(lines, "", title, wrap_lines(body))
    }
  }
  lines
}

# Each line wrapped to 80 columns; the mathematics (indented) keeps its indent.
wrap_lines <- function(lines) {
  unlist(lapply(lines, function(line) {
    indent <- nchar(sub("^( *).*$", "\\1", line)) + 2
    strwrap(trimws(line), width = 79, indent = indent, exdent = indent + 4)
  }))
}

model_title <- function(model) {
  has <- c(class = length(model$classes) > 0, factor = length(model$factors) > 0)
  kinds <- c("Regression model", "Mixture model", "Factor model", "Factor mixture model")
  kind <- kinds[[1 + has[["class"]] + 2 * has[["factor"]]]]
  if (is.null(model$cluster)) kind else paste0("Two-level ", tolower(kind))
}

describe_levels <- function(model) {
  if (!is.null(model$reshape)) {
    return(wrap_lines(paste0(
      "Each response is a unit, each ", model$reshape$cluster, " (a row of the data) a cluster; the factor `",
      model$reshape$item, "` says which item it answers."
    )))
  }
  if (!is.null(model$cluster)) wrap_lines(paste0("Units within clusters of `", model$cluster, "`."))
}

no_symbols <- list(
  classes = list(name = character(0), k = integer(0), level = character(0)),
  latents = list(name = character(0), level = character(0))
)

describe_class <- function(part, symbols = no_symbols) {
  plan <- plan_equation(part$equation, symbols, part$level, part$name, NULL)
  of <- if (part$level == "between") "clusters" else "units"
  words <- paste0(part$name, ": ", plural(part$k, "class", "classes"), " of ", of, plan_words(plan))
  if (!is.null(part$known)) {
    words <- paste0(words, "; known where `", part$known, "` is given")
  }
  if (part$k == 1) {
    return(words)
  }
  left <- paste0("log P(", part$name, " = k) / P(", part$name, " = ", part$k, ")")
  range <- if (part$k == 2) "k = 1" else if (part$k == 3) "k = 1, 2" else paste0("k = 1, ..., ", part$k - 1)
  c(words, paste0("  ", left, " = ", plan_math(plan, "_k"), ",  ", range))
}

describe_factor <- function(part, symbols = no_symbols) {
  plan <- plan_equation(part$equation, symbols, part$level, part$name, NULL)
  of <- if (part$level == "between") "clusters" else "units"
  unit <- if (part$scale == "variance") "variance 1" else "first loading 1"
  if (length(part$variance) > 0 && part$scale == "variance") {
    unit <- paste("variance 1 in the last class of", paste(part$variance, collapse = ", "))
  }
  varies <- if (length(part$variance) > 0) paste0("[", paste(part$variance, collapse = ","), "]") else ""
  variance <- if (part$scale == "variance" && varies == "") "1" else paste0("v", varies)
  c(
    paste0(part$name, ": factor of ", of, ", ", unit, plan_words(plan)),
    paste0("  ", part$name, " = ", plan_math(plan, mean_zero = TRUE, error = "z"), ",  z ~ N(0, ", variance, ")")
  )
}

describe_outcome <- function(part, symbols = no_symbols) {
  plan <- plan_equation(part$equation, symbols, part$level, part$names[[1]], NULL)
  many <- length(part$names) > 1
  y <- if (many) "y" else part$names
  level <- if (part$level == "between") " of clusters" else ""
  words <- paste0(compress_names(part$names), level, ": ", family_label(part$family), plan_words(plan))
  if (!is.null(part$like)) {
    words <- paste0(words, "; coefficients equal to those of ", compress_names(part$like))
  }
  c(words, paste0("  ", outcome_math(part, plan, y), if (many) "   (y: each of them)"))
}

outcome_math <- function(part, plan, y) {
  type <- part$family$type
  by <- if (length(part$variance) > 0) paste0("[", paste(part$variance, collapse = ","), "]") else ""
  link <- part$family$link
  eta <- function(...) plan_math(plan, ...)
  thresholds <- class_bracket(constant_term(plan)$sets[1])
  switch(type,
    gaussian = paste0(y, " = ", eta(error = "e"), ",  e ~ N(0, s2", by, ")"),
    censored = paste0(y, "* = ", eta(error = "e"), ",  e ~ N(0, s2", by, ");  ", y, " = ", y, "* within the limits"),
    ordinal = paste0(link, " P(", y, " <= k) = t_k", thresholds, minus(eta(thresholds = TRUE))),
    nominal = paste0("log P(", y, " = k) / P(", y, " = last) = ", plan_math(plan, "_k")),
    bernoulli = paste0(link, " P(", y, " = 1) = ", eta()),
    binomial = paste0(link, " P(success) = ", eta()),
    auto = paste0("link of P(", y, ") = ", eta()),
    paste0("log E(", y, ") = ", eta(), if (has_dispersion(type)) paste0(",  dispersion d", by))
  )
}

minus <- function(eta) if (eta == "0") "" else paste0(" - (", eta, ")")

constant_term <- function(plan) {
  Find(function(term) length(term$latents) == 0 && length(term$covariates) == 0, plan$fixed)
}

class_bracket <- function(sets) {
  set <- unlist(sets)
  if (length(set) == 0) "" else paste0("[", paste(set, collapse = ","), "]")
}

# "a[c] + b1 x + l1 f + u0j": coefficients with the classes they differ by in brackets.
plan_math <- function(plan, index = "", mean_zero = FALSE, thresholds = FALSE, error = NULL) {
  count <- c(a = 0, b = 0, l = 0)
  pieces <- character(0)
  for (term in plan$fixed) {
    constant <- length(term$latents) == 0 && length(term$covariates) == 0
    sets <- term$sets
    if (constant && thresholds) sets <- sets[-1]
    if (constant && mean_zero && identical(sets, list(character(0)))) sets <- list()
    letter <- if (constant) "a" else if (length(term$latents) > 0) "l" else "b"
    for (set in sets) {
      count[[letter]] <- count[[letter]] + 1
      number <- if (constant && count[["a"]] == 1) "" else count[[letter]]
      variable <- paste(c(term$covariates, term$latents), collapse = " ")
      pieces <- c(pieces, trimws(paste0(letter, number, index, class_bracket(set), " ", variable)))
    }
  }
  pieces <- c(pieces, random_math(plan$random, index), error)
  if (length(pieces) == 0) "0" else paste(pieces, collapse = " + ")
}

# "u0j", "u1j x", ...: the random effects of an equation.
random_math <- function(random, index) {
  terms <- unlist(lapply(random, `[[`, "terms"), recursive = FALSE)
  vapply(seq_along(terms), function(r) {
    variable <- paste(c(terms[[r]]$covariates, terms[[r]]$latents), collapse = " ")
    trimws(paste0("u", r - 1, index, "j ", variable))
  }, "")
}

# What differs by class, what predicts, what is random: ", by class c; predictors x, w; random 1, x over school".
plan_words <- function(plan) {
  classes <- unique(unlist(lapply(plan$fixed, `[[`, "sets")))
  predictors <- unique(unlist(lapply(plan$fixed, function(term) c(term$covariates, term$latents))))
  random <- vapply(plan$random, function(part) {
    terms <- vapply(part$terms, function(term) {
      label <- paste(c(term$covariates, term$latents), collapse = ":")
      if (nzchar(label)) paste("coefficient of", label) else "intercept"
    }, "")
    joint <- if (length(terms) < 2) "" else if (part$correlated) " (correlated)" else " (uncorrelated)"
    paste0("random ", paste(terms, collapse = " and "), " over ", part$group, joint)
  }, "")
  words <- c(
    if (length(classes) > 0) paste("by class", paste(classes, collapse = ", ")),
    if (length(predictors) > 0) paste("predicted by", paste(predictors, collapse = ", ")),
    random
  )
  if (length(words) == 0) "" else paste0(", ", paste(words, collapse = "; "))
}

describe_random <- function(model) {
  has <- any(vapply(model_equations(model), function(equation) length(equation$random) > 0, TRUE))
  if (has) "u0j, u1j, ...: normal, mean 0, for each cluster j; independent between equations unless said below"
}

describe_covary <- function(part) {
  by <- if (length(part$by) > 0) paste(", by class", paste(part$by, collapse = ", ")) else ""
  if (length(part$names) == 1) {
    return(paste0("variance of ", part$names, by))
  }
  paste0("free among ", compress_names(part$names), by)
}

describe_constraints <- function(part) {
  titles <- c(fix = "fixed", start = "start", bound = "bounds", prior = "normal prior", equal = "equal", linear = "linear")
  vapply(part$actions, function(action) {
    values <- vapply(action$values, paste, "", collapse = ", ")
    shown <- switch(action$verb,
      fix = ifelse(is.na(unlist(action$values)), paste(action$names, "(freed)"), paste(action$names, "at", values)),
      start = paste(action$names, "at", values),
      bound = paste0(action$names, " in [", values, "]"),
      prior = paste0(action$names, " (mean, sd: ", values, ")"),
      action$names
    )
    freed <- action$verb == "fix" && all(is.na(unlist(action$values)))
    paste0(if (freed) "freed" else titles[[action$verb]], ": ", list_few(if (freed) action$names else shown))
  }, "")
}

list_few <- function(x, n = 4) {
  if (length(x) > n + 1) {
    x <- c(utils::head(x, n - 1), "...", utils::tail(x, 1))
  }
  paste(x, collapse = ", ")
}

# u1, u2, ..., u8 as "u1:u8" where the names are numbered in sequence.
compress_names <- function(names) {
  n <- length(names)
  if (n > 2 && all(grepl("[0-9]$", names))) {
    range <- tryCatch(expand_range(names[[1]], names[[n]], "names", NULL), mlmix_error_spec = function(e) NULL)
    if (identical(range, names)) {
      return(paste0(names[[1]], ":", names[[n]]))
    }
  }
  list_few(names, 8)
}
