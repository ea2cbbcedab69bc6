# Latent variables of a specification: random effects, factors, regressions among them, covariances.
#
# The builder `b` is an environment shared by the resolve-*.R files: model, symbols, table, store, cluster (name),
# latents (named list of drafts {name, level, origin, target, term, sets, terms, by, fixed}), pairs (drafts of
# covariances).

add_latent <- function(b, name, level, origin, target, term, sets = NULL) {
  if (!is.null(b$latents[[name]])) {
    abort_spec(c(
      "The random effect {.val {name}} is declared twice.",
      i = "A term can stand in one pair of parentheses only."
    ), call = b$call)
  }
  b$latents[[name]] <- list(
    name = name, level = level, origin = origin, target = target, term = term, sets = sets,
    terms = list(), by = character(0)
  )
}

# Declares the random effects of one equation for one or several targets (class logits share their parentheses);
# returns, for each target that has any, the terms that bring them into its predictor.
random_terms <- function(b, plan, targets, what, fixed_rows) {
  terms <- list()
  for (part in plan$random) {
    rows <- design_rows(part$terms, plan, b$store, what, "within", b$call)
    names <- character(0)
    for (row in rows) {
      check_random_slope(b, row, what)
      for (target in targets) {
        label <- term_label(row)
        name <- paste0(if (label == "1") target else paste0(target, ".", label), "@", b$cluster)
        add_latent(b, name, "between", "random effect", target, label, sets_of(fixed_rows, label))
        terms[[target]] <- c(terms[[target]], list(
          new_term(list(constant = 1), row$column, c(name, row$latents))
        ))
        names <- c(names, name)
      }
    }
    if (part$correlated) {
      add_pairs(b, names, character(0))
    }
  }
  terms
}

sets_of <- function(rows, label) {
  same <- Filter(function(row) term_label(row) == label, rows)
  unique(unlist(lapply(same, `[[`, "sets")))
}

check_random_slope <- function(b, row, what) {
  if (!is.null(row$column) && !varies_within(b$store$columns[[row$column]], b$store$cluster)) {
    abort_data(c(
      "The random slope of {.var {row$label}} in {what} cannot be estimated.",
      x = "{.var {row$label}} is constant within every cluster.",
      i = "Leave it out of the parentheses; a predictor of clusters has a fixed coefficient, or enters {.fn between}."
    ), call = b$call)
  }
}

add_pairs <- function(b, names, by) {
  if (length(names) < 2) {
    return(invisible())
  }
  pairs <- utils::combn(names, 2, simplify = FALSE)
  for (pair in pairs) {
    b$pairs[[pair_key(pair[[1]], pair[[2]])]] <- list(a = pair[[1]], b = pair[[2]], by = by)
  }
}

# The latents that a name means at the cluster level, or NULL: a full name, a target with a random effect, a class
# variable (all its logits), a between factor.
cluster_latents <- function(b, name) {
  if (!is.null(b$latents[[name]]) && b$latents[[name]]$level == "between") {
    return(name)
  }
  full <- paste0(name, "@", b$cluster)
  if (!is.null(b$latents[[full]])) {
    return(full)
  }
  classes <- b$symbols$classes
  k <- classes$k[classes$name == name & classes$level == "within"]
  if (length(k) == 0 || k == 1) return(NULL)
  logits <- paste0(name, "#", seq_len(k - 1), "@", b$cluster)
  if (all(logits %in% names(b$latents))) logits else NULL
}

# Adds the regressions of between() to the drafts of their left-hand sides.
add_between <- function(b, part) {
  equation <- expand_between(b, part$equation)
  symbols <- b$symbols
  between <- names(Filter(function(latent) latent$level == "between", b$latents))
  within <- symbols$latents$name[symbols$latents$level == "within"]
  symbols$latents <- list(
    name = c(between, within), level = rep(c("between", "within"), c(length(between), length(within)))
  )
  what <- paste0("between(", deparse1(part$formula), ")")
  plan <- plan_equation(equation, symbols, "between", what, b$call)
  rows <- design_rows(plan$fixed, plan, b$store, what, "between", b$call)
  form <- predictor_form(row_coefficients(rows, symbols, mean_zero = TRUE))
  for (name in equation$lhs) {
    latent <- b$latents[[name]]
    shared <- intersect(latent$sets, constant_classes(plan))
    if (length(shared) > 0) {
      abort_spec(c(
        "In {.code {what}}: the mean of {.val {name}} cannot differ by {.val {shared}}, it is not identified.",
        x = "The same coefficient in the equation of {.val {latent$target}} differs by {.val {shared}} already."
      ), call = b$call)
    }
    terms <- predictor_terms(b$table, form, name, "between", "latent")[[1]]
    b$latents[[name]]$terms <- c(latent$terms, terms)
    drop_pairs(b, name, unlist(lapply(rows, `[[`, "latents")))
  }
}

# A regression of one random effect on another takes the place of their covariance.
drop_pairs <- function(b, name, predictors) {
  keys <- vapply(predictors, function(predictor) pair_key(name, predictor), "")
  b$pairs <- b$pairs[setdiff(names(b$pairs), keys)]
}

pair_key <- function(a, b) if (a < b) paste0(a, "~~", b) else paste0(b, "~~", a)

# Replaces targets by the names of their latents, on both sides.
expand_between <- function(b, equation) {
  equation$lhs <- unlist(lapply(equation$lhs, function(name) {
    latents <- cluster_latents(b, name)
    if (is.null(latents)) {
      between <- names(Filter(function(latent) latent$level == "between", b$latents))
      abort_spec(c(
        "{.fn between}: {.val {name}} has no random effect and is no between factor.",
        i = if (length(between) > 0) "Known here: {.val {between}} (the part after {.code @} can be left out).",
        i = "Give the equation of {.val {name}} a {.code (1 | cluster)}."
      ), call = b$call)
    }
    latents
  }))
  expanded <- lapply(equation$terms, function(labels) {
    choices <- lapply(labels, function(label) cluster_latents(b, label) %||% label)
    grid <- expand.grid(choices, stringsAsFactors = FALSE, KEEP.OUT.ATTRS = FALSE)
    lapply(seq_len(nrow(grid)), function(i) unlist(grid[i, ], use.names = FALSE))
  })
  equation$terms <- unlist(expanded, recursive = FALSE)
  new <- setdiff(unlist(equation$terms), names(equation$exprs))
  equation$exprs[new] <- lapply(new, as.symbol)
  equation
}

# covary(): which latents or residuals are meant, and the classes their covariances differ by.
add_covary <- function(b, part) {
  names <- unlist(lapply(part$names, function(name) {
    item <- b$items[[name]]
    if (!is.null(item)) {
      if (!has_residual_variance(item$family$type) || item$family$type == "censored") {
        abort_spec(c(
          "{.fn covary}: only gaussian outcomes have a residual to covary; {.val {name}} is {.fn {item$family$type}}.",
          i = if (!is.null(cluster_latents(b, name))) {
            "For its random intercept write {.code `{name}@{b$cluster}`}."
          } else {
            "Put a factor behind the outcomes that should depend on one another."
          }
        ), call = b$call)
      }
      return(name)
    }
    if (!is.null(b$latents[[name]])) {
      return(name)
    }
    latents <- cluster_latents(b, name)
    if (is.null(latents)) {
      candidates <- c(names(b$items), names(b$latents))
      abort_spec(c(
        "{.fn covary}: {.val {name}} is no outcome, factor or random effect of the model.",
        suggest_names(name, candidates)
      ), call = b$call)
    }
    latents
  }))
  if (length(names) == 1) {
    b$by[[names]] <- part$by
    return(invisible())
  }
  level <- unique(vapply(names, function(name) (b$items[[name]] %||% b$latents[[name]])$level, ""))
  if (length(level) > 1 || length(unique(names %in% names(b$items))) > 1) {
    abort_spec(c(
      "{.fn covary}: {.val {names}} are not of one kind.",
      i = "Covariances are among residuals of outcomes, or among latent variables, of one level."
    ), call = b$call)
  }
  add_pairs(b, names, part$by)
}

# Class variables in the order of their declaration.
declared_order <- function(b, classes) b$symbols$classes$name[b$symbols$classes$name %in% classes]

# The variance of a latent: fixed at 1 (in the last class) where that gives a factor its unit.
latent_variance <- function(b, latent, fixed_one) {
  by <- declared_order(b, b$by[[latent$name]] %||% latent$by)
  patterns <- class_patterns(by, b$symbols)
  free <- !(fixed_one & seq_along(patterns) == length(patterns))
  new_coefficient(by, add_parameters(b$table, parameter_name(latent$name, "~~", latent$name, patterns), "variance",
    latent$level, latent$name, latent$name, patterns, free, value = 1, lower = 0))
}

# Fixes the first loading of a factor at 1: in outcomes, else in other latents, else in class logits.
fix_first_loading <- function(b, factor) {
  lists <- c(lapply(b$outcomes, function(outcome) unlist(lapply(outcome$predictors, `[[`, "terms"), recursive = FALSE)),
    lapply(b$latents, `[[`, "terms"))
  for (terms in lists) {
    for (term in terms) {
      positions <- term$coefficient[["parameters"]] %||% term$coefficient[["parameter"]]
      if (identical(as.character(term$latents), factor$name) && !is.null(positions)) {
        fix_parameters(b$table, positions + 1L, 1)
        return(invisible())
      }
    }
  }
  abort_spec(c(
    "The factor {.val {factor$name}} has {.code scale = \"loading\"}, but no outcome or factor loads on it.",
    i = "Use {.code scale = \"variance\"}."
  ), call = b$call)
}

# Latents in an order in which each depends only on earlier ones.
sort_latents <- function(b) {
  latents <- b$latents
  needs <- lapply(latents, function(latent) {
    unique(unlist(lapply(latent$terms, function(term) as.character(term$latents))))
  })
  done <- character(0)
  while (length(done) < length(latents)) {
    ready <- Filter(function(name) all(needs[[name]] %in% done), setdiff(names(latents), done))
    if (length(ready) == 0) {
      abort_spec("The regressions among {.val {setdiff(names(latents), done)}} go round in a circle.", call = b$call)
    }
    done <- c(done, ready[[1]])
  }
  latents[done]
}
