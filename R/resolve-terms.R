# From the rows of a design to the terms of one linear predictor, with a parameter for each coefficient.

# The kind of a coefficient in the parameter table, by what its equation explains and what it multiplies.
coefficient_kinds <- list(
  outcome = c(constant = "intercept", covariate = "slope", latent = "loading"),
  latent = c(constant = "mean", covariate = "regression", latent = "regression"),
  class = c(constant = "logit", covariate = "logit", latent = "logit")
)

# The coefficients that the rows of a design stand for, one for each row and set of class variables: {label, name
# (without the target), kind (of coefficient_kinds), column, latents, set, patterns, free}. `mean_zero`: the constant is
# structurally 0 in the last class (factors, random effects).
row_coefficients <- function(rows, symbols, mean_zero = FALSE) {
  of_row <- function(row) {
    constant <- is_constant_row(row)
    reference <- constant && mean_zero
    if (reference && identical(row$sets, list(character(0)))) return(list())
    free <- identified_patterns(row$sets, symbols, reference)
    kind <- if (constant) "constant" else if (length(row$latents) > 0) "latent" else "covariate"
    label <- term_label(row)
    lapply(seq_along(row$sets), function(s) {
      patterns <- class_patterns(row$sets[[s]], symbols)
      list(label = label, name = parameter_name("", "~", label, patterns), kind = kind, column = row$column,
        latents = row$latents, set = row$sets[[s]], patterns = patterns, free = free[[s]])
    })
  }
  unlist(lapply(rows, of_row), recursive = FALSE) %||% list()
}

# These coefficients as the form of a predictor, worked out once for all targets: `parameters`, columns of the parameter
# table (names without the target), and `terms`, each the `term` of the specification without its coefficient, the class
# variables (`set`) that this differs by, and the `places` of its parameters among all.
predictor_form <- function(coefficients) {
  if (length(coefficients) == 0) return(list(parameters = list(), terms = list()))
  column <- function(field) unlist(lapply(coefficients, `[[`, field))
  sizes <- lengths(lapply(coefficients, `[[`, "patterns"))
  ends <- cumsum(sizes)
  terms <- lapply(seq_along(coefficients), function(i) {
    one <- coefficients[[i]]
    places <- ends[[i]] - sizes[[i]] + seq_len(sizes[[i]])
    list(term = new_term(NULL, one$column, one$latents), set = one$set, places = places)
  })
  parameters <- list(
    name = column("name"), kind = rep.int(column("kind"), sizes), label = rep.int(column("label"), sizes),
    patterns = column("patterns"), free = column("free")
  )
  list(parameters = parameters, terms = terms)
}

# The terms of each of the `targets` (left of `~`), whose parameters follow one another in the table. `type`: what the
# targets are in coefficient_kinds.
predictor_terms <- function(table, form, targets, level, type) {
  if (length(form$terms) == 0 || length(targets) == 0) return(rep(list(list()), length(targets)))
  p <- form$parameters
  n <- length(p$name)
  for_all <- function(x) rep.int(x, length(targets))
  target <- rep(targets, each = n)
  kind <- unname(coefficient_kinds[[type]][p$kind])
  positions <- add_parameters(table, paste0(target, p$name), for_all(kind), level, target, for_all(p$label),
    for_all(p$patterns), for_all(p$free))
  lapply(seq_along(targets), function(t) {
    before <- (t - 1L) * n
    lapply(form$terms, function(one) {
      term <- one$term
      term$coefficient <- new_coefficient(one$set, positions[before + one$places])
      term
    })
  })
}

is_constant_row <- function(row) is.null(row$column) && length(row$latents) == 0

term_label <- function(row) {
  parts <- c(row$label, row$latents)
  if (length(parts) == 0) "1" else paste(parts, collapse = ":")
}

parameter_name <- function(target, operator, term, patterns = "") {
  name <- paste0(target, operator, term)
  if (nzchar(patterns[[1]])) paste0(name, "[", patterns, "]") else name
}

new_term <- function(coefficient, column = NULL, latents = character(0)) {
  list(coefficient = coefficient, covariate = column, latents = as_array(latents))
}

# One parameter, or one for each pattern of a set of class variables. Indices in the specification are from 0.
new_coefficient <- function(set, positions) {
  if (length(set) == 0) return(list(parameter = positions - 1L))
  list(by = as_array(set), parameters = as_array(positions - 1L))
}

# "c=1,d=1", "c=2,d=1", ...: the first class variable varies fastest. Without class variables the one pattern "".
class_patterns <- function(set, symbols) {
  if (length(set) == 0) return("")
  grid <- class_grid(set, symbols)
  labels <- lapply(set, function(name) paste0(name, "=", grid[[name]]))
  if (length(labels) == 1) labels[[1]] else do.call(paste, c(labels, sep = ","))
}

# All patterns of a set of class variables as a list of class numbers, one vector for each variable.
class_grid <- function(set, symbols) {
  k <- symbols$classes$k[match(set, symbols$classes$name)]
  if (length(k) == 1) return(stats::setNames(list(seq_len(k)), set))
  n_patterns <- prod(k)
  run <- cumprod(c(1, k))[seq_along(k)]
  stats::setNames(lapply(seq_along(k), function(v) rep_len(rep(seq_len(k[[v]]), each = run[[v]]), n_patterns)), set)
}

grid_size <- function(set, symbols) prod(symbols$classes$k[match(set, symbols$classes$name)])

# For each set, which patterns are estimated. Sets that are added (`c1 + c2`) overlap: of the indicator columns of all
# patterns, one that depends linearly on those before it is fixed at 0. `reference` puts a constant before all.
identified_patterns <- function(sets, symbols, reference) {
  if (length(sets) == 1 && !reference) {
    return(list(rep(TRUE, grid_size(sets[[1]], symbols))))
  }
  cells <- class_grid(unique(unlist(sets)), symbols)
  n_cells <- grid_size(names(cells), symbols)
  basis <- if (reference) matrix(1, n_cells, 1) else matrix(0, n_cells, 0)
  rank <- ncol(basis)
  lapply(sets, function(set) {
    grid <- class_grid(set, symbols)
    vapply(seq_len(grid_size(set, symbols)), function(i) {
      indicator <- rep(TRUE, n_cells)
      for (name in set) {
        indicator <- indicator & cells[[name]] == grid[[name]][[i]]
      }
      wider <- cbind(basis, as.numeric(indicator))
      if (qr(wider)$rank > rank) {
        basis <<- wider
        rank <<- rank + 1
        return(TRUE)
      }
      FALSE
    }, TRUE)
  })
}
