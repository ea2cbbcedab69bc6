# The equations of a model as mathematics (report-math.R), with the same words as print(model).
#
# Indices as in Asparouhov and Muthén (2006): i unit, j cluster, k class, p outcome; m category. Letters: nu, kappa,
# lambda intercepts, slopes and loadings of outcomes; tau thresholds; alpha, beta, lambda those of class logits; alpha,
# gamma, beta those of factors; b random effects, named as in the parameter table (`y.x@id` is b with index y.x).

# list(title, items) for each section; an item is list(words, equations).
model_equation_sections <- function(model, families = NULL) {
  symbols <- model_symbols(model)
  two_level <- !is.null(model$cluster)
  outcomes <- unlist(lapply(model$outcomes, split_by_family, families = families), recursive = FALSE)
  sections <- list(
    "Latent classes" = lapply(model$classes, class_item, symbols = symbols, two_level = two_level),
    "Factors" = lapply(model$factors, factor_item, symbols = symbols, two_level = two_level),
    "Outcomes" = lapply(outcomes, outcome_item, symbols = symbols, two_level = two_level),
    "Random effects" = random_items(model, outcomes, symbols),
    "Between clusters" = lapply(model$between, between_item, model = model, symbols = symbols),
    "Covariances" = lapply(model$covary, function(part) list(words = describe_covary(part), equations = list())),
    "Constraints" = lapply(unlist(lapply(model$constraints, describe_constraints)), function(words) {
      list(words = words, equations = list())
    })
  )
  sections <- sections[lengths(sections) > 0]
  unname(Map(function(title, items) list(title = title, items = items), names(sections), sections))
}

# One part for each family of its outcomes, where the data have told which. `families`: named list.
split_by_family <- function(part, families) {
  if (is.null(families) || part$family$type != "auto") return(list(part))
  kind <- vapply(families[part$names], function(family) paste(family$type, family$link), "")
  lapply(unique(kind), function(one) {
    inside <- kind == one
    part$like <- part$like[inside]
    part$family <- new_family(families[[part$names[inside][[1]]]]$type, families[[part$names[inside][[1]]]]$link)
    part$names <- part$names[inside]
    part
  })
}

unit_index <- function(level, two_level) {
  lapply(if (level == "between") "j" else if (two_level) c("i", "j") else "i", m_id)
}

class_item <- function(part, symbols, two_level) {
  words <- describe_class(part, symbols)[[1]]
  if (part$k == 1) return(list(words = words, equations = list()))
  plan <- plan_equation(part$equation, symbols, part$level, part$name, NULL)
  unit <- unit_index(part$level, two_level)
  variable <- m_sub(m_id(part$name), unit)
  probability <- function(value) m_row(m_id("P"), m_op("("), variable, m_op("="), value, m_op(")"))
  eta <- linear_pieces(plan, c("alpha", "beta", "lambda"), "k", symbols, two_level, part$level, paste0(part$name, "#k"))
  range <- m_row(m_op(","), m_space(), m_id("k"), m_op("="), m_number(1),
    if (part$k > 3) m_row(m_op(","), m_op("...")), if (part$k > 2) m_row(m_op(","), m_number(part$k - 1)))
  list(words = words, equations = list(m_row(
    m_function("log"), probability(m_id("k")), m_op("/"), probability(m_number(part$k)), m_op("="), sum_of(eta), range
  )))
}

factor_item <- function(part, symbols, two_level) {
  plan <- plan_equation(part$equation, symbols, part$level, part$name, NULL)
  unit <- unit_index(part$level, two_level)
  eta <- linear_pieces(plan, c("alpha", "gamma", "beta"), NULL, symbols, two_level, part$level, part$name,
    mean_zero = TRUE)
  residual <- m_sub(m_greek("zeta"), unit)
  variance <- if (length(part$variance) > 0) m_sub(m_greek("psi"), class_index(part$variance)) else
    if (part$scale == "variance") m_number(1) else m_greek("psi")
  list(words = describe_factor(part, symbols)[[1]], equations = list(m_row(
    m_sub(m_id(part$name), unit), m_op("="), sum_of(c(eta, list(residual))), m_op(","), m_space(), residual, m_op("~"),
    m_normal(variance)
  )))
}

outcome_item <- function(part, symbols, two_level) {
  plan <- plan_equation(part$equation, symbols, part$level, part$names[[1]], NULL)
  many <- length(part$names) > 1
  own <- if (many) "p"
  unit <- unit_index(part$level, two_level)
  y <- m_sub(m_id(if (many) "y" else part$names), c(unit, lapply(own, m_id)))
  type <- part$family$type
  categories <- has_categories(type)
  threshold_set <- if (type == "ordinal") constant_term(plan)$sets[[1]] else character(0)
  eta <- linear_pieces(plan, c("nu", "kappa", "lambda"), c(own, if (type == "nominal") "m"), symbols, two_level,
    part$level, if (many) "p" else part$names, drop_first = type == "ordinal")
  equations <- family_equations(part, y, eta, c(own, if (categories) "m"), own, unit, threshold_set)
  if (!is.null(part$family$zero)) {
    zero <- plan_equation(part$family$zero, symbols, part$level, part$names[[1]], NULL)
    pieces <- linear_pieces(zero, c("delta", "delta", "delta"), own, symbols, two_level, part$level, "")
    extra <- m_row(m_id("P"), m_op("("), m_text("extra zero"), m_op(")"))
    equations <- c(equations, list(m_row(m_function("logit"), extra, m_op("="), sum_of(pieces))))
  }
  list(words = describe_outcome(part, symbols)[[1]], equations = equations)
}

family_equations <- function(part, y, eta, threshold_index, own, unit, threshold_set) {
  event <- function(op, value) m_row(m_id("P"), m_op("("), y, m_op(op), value, m_op(")"))
  by <- function(letter) m_sub(m_greek(letter), c(lapply(own, m_id), class_part(part$variance, length(own) > 0)))
  link <- if (is.null(part$family$link)) "logit" else part$family$link
  residual <- m_sub(m_greek("epsilon"), c(unit, lapply(own, m_id)))
  noise <- m_row(m_op(","), m_space(), residual, m_op("~"), m_normal(by("sigma2")))
  threshold <- m_sub(m_greek("tau"), c(lapply(threshold_index, m_id), class_part(threshold_set, TRUE)))
  gaussian <- function(left) m_row(left, m_op("="), sum_of(c(eta, list(residual))), noise)
  switch(part$family$type,
    gaussian = list(gaussian(y)),
    censored = list(m_row(m_text("uncensored "), gaussian(y))),
    ordinal = list(m_row(m_function(link), event("<=", m_id("m")), m_op("="), threshold,
      if (length(eta) == 1) m_row(m_op("-"), eta[[1]]),
      if (length(eta) > 1) m_row(m_op("-"), m_op("("), sum_of(eta), m_op(")")))),
    nominal = list(m_row(m_function("log"), event("=", m_id("m")), m_op("/"), event("=", m_text("last")), m_op("="),
      sum_of(eta))),
    bernoulli = list(m_row(m_function(link), event("=", m_number(1)), m_op("="), sum_of(eta))),
    binomial = list(m_row(m_function(link), m_id("P"), m_op("("), m_text("success"), m_op(")"), m_op("="),
      sum_of(eta))),
    auto = list(m_row(m_text("link of "), m_id("P"), m_op("("), y, m_op(")"), m_op("="), sum_of(eta))),
    list(m_row(m_function("log"), m_id("E"), m_op("("), y,
      if (has_zero_part(part$family$type)) m_text(" | no extra zero"), m_op(")"), m_op("="), sum_of(eta),
      if (has_dispersion(part$family$type)) m_row(m_op(","), m_space(), m_text("dispersion "), by("delta"))))
  )
}

sum_of <- function(pieces) if (length(pieces) == 0) m_number(0) else m_join(pieces, "+")

class_index <- function(set) {
  m_join(lapply(set, m_id), ",")$parts
}

# ", c" after other indices.
class_part <- function(set, after) if (length(set) > 0) c(if (after) list(m_op(",")), class_index(set))

# The summands of a linear predictor. `letters`: of constants, slopes, loadings; `own`: index of the equation (outcome,
# class, category); `target`: the equation's name in those of random effects. `drop_first`: the constant's first class
# set belongs to the thresholds.
linear_pieces <- function(plan, letters, own, symbols, two_level, level, target, mean_zero = FALSE,
                          drop_first = FALSE) {
  names(letters) <- c("constant", "slope", "loading")
  kinds <- vapply(plan$fixed, function(term) {
    if (length(term$latents) > 0) "loading" else if (length(term$covariates) > 0) "slope" else "constant"
  }, "")
  sets <- Map(function(term, kind) {
    if (kind != "constant") return(term$sets)
    if (drop_first) return(term$sets[-1])
    if (mean_zero && identical(term$sets, list(character(0)))) list() else term$sets
  }, plan$fixed, kinds)
  total <- tapply(lengths(sets), factor(letters[kinds], levels = unique(letters)), sum)
  count <- total * 0
  pieces <- list()
  for (t in seq_along(plan$fixed)) {
    letter <- letters[[kinds[[t]]]]
    for (set in sets[[t]]) {
      count[[letter]] <- count[[letter]] + 1
      number <- if (total[[letter]] > 1) m_number(count[[letter]])
      index <- c(if (!is.null(number)) list(number), lapply(own, m_id))
      coefficient <- m_sub(m_greek(letter), c(index, class_part(set, length(index) > 0)))
      pieces <- c(pieces, list(m_rows(c(list(coefficient), variables(plan$fixed[[t]], symbols, two_level, level)))))
    }
  }
  c(pieces, unlist(lapply(plan$random, function(part) {
    lapply(part$terms, function(term) {
      m_rows(c(list(random_symbol(target, term)), variables(term, symbols, two_level, level)))
    })
  }), recursive = FALSE))
}

# The covariates and latent variables of a term, with the index of who has them.
variables <- function(term, symbols, two_level, level) {
  covariates <- lapply(term$covariates, function(label) {
    if (identical(make.names(label), label)) m_sub(m_id(label), unit_index(level, two_level)) else m_text(label)
  })
  latents <- lapply(term$latents, function(name) {
    m_sub(m_id(name), unit_index(symbols$latents$level[symbols$latents$name == name], two_level))
  })
  c(covariates, latents)
}

random_symbol <- function(target, term = list()) {
  label <- paste(c(term$covariates, term$latents), collapse = ":")
  name <- paste0(target, if (nzchar(label)) ".", label)
  m_sub(m_id("b"), list(m_id(name), m_op(","), m_id("j")))
}

# What is random in every equation: its distribution, unless a regression between clusters explains it.
random_items <- function(model, outcomes, symbols) {
  explained <- unlist(lapply(model$between, function(part) part$equation$lhs))
  parts <- c(
    lapply(model$classes, function(part) list(part = part, target = paste0(part$name, "#k"), names = part$name)),
    lapply(model$factors, function(part) list(part = part, target = part$name, names = part$name)),
    lapply(outcomes, function(part) {
      list(part = part, target = if (length(part$names) > 1) "p" else part$names, names = part$names)
    })
  )
  items <- lapply(parts, function(one) {
    plan <- plan_equation(one$part$equation, symbols, one$part$level, one$names[[1]], NULL)
    lapply(plan$random, function(random) random_item(random, one, explained))
  })
  unlist(items, recursive = FALSE)
}

random_item <- function(random, one, explained) {
  effects <- lapply(random$terms, function(term) random_symbol(one$target, term))
  several <- length(effects) > 1 || (grepl("#k$", one$target) && one$part$k > 2)
  left <- if (length(effects) > 1) m_row(m_op("("), m_join(effects, ","), m_op(")")) else effects[[1]]
  regressed <- any(one$names %in% explained)
  words <- paste0(compress_names(one$names), ": random ", if (several) "effects" else "effect", " over ", random$group,
    if (several) if (random$correlated) ", freely correlated" else ", uncorrelated",
    if (regressed) ", explained by a regression between clusters (below)")
  distribution <- m_row(left, m_op("~"), m_normal(m_greek(if (several) "Psi" else "psi")))
  list(words = words, equations = if (!regressed) list(distribution))
}

# A regression between clusters. Names stand for random effects, between factors and class variables, or covariates.
between_item <- function(part, model, symbols) {
  parts <- c(model$classes, model$factors, model$outcomes)
  known <- c(symbols$classes$name[symbols$classes$level == "between"],
    symbols$latents$name[symbols$latents$level == "between"])
  random <- unlist(lapply(parts, function(p) if (length(p$equation$random) > 0) p$names %||% p$name))
  symbol <- function(name) {
    is_effect <- any(vapply(random, function(r) {
      startsWith(name, r) && grepl("^([.#@]|$)", substring(name, nchar(r) + 1))
    }, NA))
    if (name %in% known || !is_effect) return(m_sub(m_id(name), m_id("j")))
    random_symbol(if (name %in% symbols$classes$name) paste0(name, "#k") else sub("@.*$", "", name))
  }
  n <- length(part$equation$terms)
  pieces <- lapply(seq_len(n), function(t) {
    m_rows(c(list(m_sub(m_greek("beta"), if (n > 1) m_number(t))), lapply(part$equation$terms[[t]], symbol)))
  })
  left <- lapply(part$equation$lhs, symbol)
  residual <- m_sub(m_greek("zeta"), m_id("j"))
  list(words = paste("Regression", deparse1(part$formula)), equations = lapply(left, function(one) {
    m_row(one, m_op("="), sum_of(c(pieces, list(residual))), m_op(","), m_space(), residual, m_op("~"),
      m_normal(m_greek("psi")))
  }))
}

# What the letters mean, as far as the model has them.
equation_legend <- function(model) {
  classes <- length(model$classes) > 0
  two <- !is.null(model$cluster)
  c(
    if (!is.null(model$reshape)) "i: response, j: person." else
      if (two) paste0("i: unit, j: cluster (", model$cluster, ").") else "i: unit.",
    if (classes) paste(
      "k: class, the last one being the reference. An index that is the name of a class variable means one",
      "coefficient for each of its classes."
    ),
    if (any(lengths(lapply(model$outcomes, `[[`, "names")) > 1)) {
      "p: each of the outcomes listed, with coefficients of its own."
    },
    if (two && length(unlist(lapply(model_equations(model), `[[`, "random"))) > 0) {
      "b: random effects of clusters, with the names they have among the estimates (y.x@id is the slope of x for y)."
    }
  )
}
