# From a parsed equation to its plan: which variables are classes, which factors, which covariates.
#
# A plan has
#   fixed   list of terms {latents, covariates, sets}: the product of latents and covariates, with one coefficient per
#           pattern of each set of class variables (an empty set: one coefficient)
#   random  list of {terms, group, correlated}; its terms have no sets
#   exprs   named list: covariate label -> expression;  env: where their constants are looked up

plan_equation <- function(equation, symbols, level, what, call) {
  merge_plan(draft_plan(equation, symbols, level, what, call))
}

merge_plan <- function(plan) {
  plan$fixed <- merge_products(plan$fixed)
  plan
}

# A plan whose fixed terms are not merged yet: {classes, latents, covariates}. It is enough to know the covariates.
draft_plan <- function(equation, symbols, level, what, call) {
  products <- c(if (equation$intercept) list(character(0)), equation$terms)
  parts <- lapply(products, split_product, exprs = equation$exprs, symbols = symbols, level = level, what = what,
    call = call)
  random <- lapply(equation$random, plan_random, symbols = symbols, level = level, what = what, call = call)
  exprs <- c(equation$exprs, unlist(lapply(random, `[[`, "exprs"), recursive = FALSE))
  list(fixed = parts, random = random, exprs = exprs[!duplicated(names(exprs))], env = equation$env)
}

# Sorts the labels of one product into classes, latents and covariates.
split_product <- function(labels, exprs, symbols, level, what, call) {
  if (length(labels) == 0) return(list(classes = character(0), latents = character(0), covariates = character(0)))
  known <- c(symbols$classes$name, symbols$latents$name)
  for (label in labels) {
    if (is.symbol(exprs[[label]])) next
    inside <- intersect(all.vars(exprs[[label]]), known)
    if (length(inside) > 0) {
      abort_spec(c(
        "In the formula of {what}: {.code {label}} transforms {.val {inside}}, which is latent.",
        i = "Class variables and factors can only be multiplied, with {.code :} or {.code *}."
      ), call = call)
    }
  }
  classes <- symbols$classes$name[symbols$classes$name %in% labels]
  latents <- symbols$latents$name[symbols$latents$name %in% labels]
  if (level == "between") {
    lower <- c(
      intersect(classes, symbols$classes$name[symbols$classes$level == "within"]),
      intersect(latents, symbols$latents$name[symbols$latents$level == "within"])
    )
    if (length(lower) > 0) {
      abort_spec(c(
        "The formula of {what}, which is at the between level, uses {.val {lower}}, which varies within clusters.",
        i = "A between equation takes only what is constant within clusters."
      ), call = call)
    }
  }
  if (length(latents) > 2) {
    abort_spec("In the formula of {what}: a product may have at most two factors, not {.val {latents}}.", call = call)
  }
  list(classes = classes, latents = latents, covariates = labels[!labels %in% known])
}

# Terms with the same latents and covariates become one, with the largest sets of class variables: in cell means
# `c * x` has no term for x alone.
merge_products <- function(parts) {
  keys <- vapply(parts, function(p) {
    covariates <- if (length(p$covariates) > 1) sort(p$covariates) else p$covariates # sort() of one is not free
    paste(c(p$latents, "*", covariates), collapse = ":")
  }, "")
  terms <- lapply(unique(keys), function(key) {
    same <- parts[keys == key]
    list(
      latents = same[[1]]$latents, covariates = same[[1]]$covariates,
      sets = maximal_sets(lapply(same, `[[`, "classes"))
    )
  })
  if (length(terms) < 2) return(terms)
  order <- order(lengths(lapply(terms, `[[`, "latents")), lengths(lapply(terms, `[[`, "covariates")))
  terms[order]
}

maximal_sets <- function(sets) {
  filled <- lengths(sets) > 0 # the empty set is inside every other
  sets <- unique(if (any(filled)) sets[filled] else sets)
  if (length(sets) == 1) return(sets)
  inside <- function(a, b) length(a) < length(b) && all(a %in% b)
  sets[!vapply(sets, function(a) any(vapply(sets, function(b) inside(a, b), TRUE)), TRUE)]
}

plan_random <- function(part, symbols, level, what, call) {
  products <- c(if (part$intercept) list(character(0)), part$terms)
  terms <- lapply(products, function(labels) {
    term <- split_product(labels, part$exprs, symbols, level, what, call)
    if (length(term$classes) > 0) {
      abort_spec(c(
        "In the formula of {what}: the random part uses the class variable {.val {term$classes}}.",
        i = "For a variance that differs by a between class variable use {.code covary(`y@id`, by = ~ d)}."
      ), call = call)
    }
    if (length(term$latents) > 1) {
      abort_spec("In the formula of {what}: a random coefficient can multiply only one factor.", call = call)
    }
    list(latents = term$latents, covariates = term$covariates, sets = list(character(0)))
  })
  list(terms = terms, group = part$group, correlated = part$correlated, exprs = part$exprs)
}
