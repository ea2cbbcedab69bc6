# Small specifications written by hand in the format of inst/spec-format.md, for tests that need
# a model without the R builders: pieces (sp_*), whole models, and random_spec(seed).

sp_term <- function(coefficient, covariate = NULL, latents = character()) {
  list(coefficient = coefficient, covariate = covariate, latents = as.list(latents))
}
sp_predictor <- function(...) list(terms = list(...))
sp_par <- function(index) list(parameter = index)
sp_by <- function(by, indices) list(by = as.list(by), parameters = as.list(indices))
sp_const <- function(value) list(constant = value)

sp_class <- function(name, n_classes, logits, level = "within", known = NULL) {
  list(name = name, level = level, n_classes = n_classes, logits = logits, known = known)
}
sp_latent <- function(name, predictor, variance, level = "within") {
  list(name = name, level = level, predictor = predictor, variance = variance)
}
sp_outcome <- function(name, family, predictors, auxiliary = list(), level = "within") {
  if (is.character(family)) family <- sp_family(family)
  list(name = name, column = name, level = level, family = family,
       predictors = predictors, auxiliary = auxiliary)
}
sp_family <- function(type, ...) {
  family <- list(type = type, ...)
  if (type %in% c("bernoulli", "ordinal", "binomial") && is.null(family$link)) family$link <- "logit"
  family
}

sp_spec <- function(parameters, classes = list(), latents = list(), covariances = list(),
                    outcomes = list(), constraints = list()) {
  list(version = 1, classes = classes, latents = latents, covariances = covariances,
       outcomes = outcomes, parameters = lapply(parameters, function(name) {
         positive <- grepl("^([^~]+)~~\\1|\\^disp", name)
         list(name = name, free = TRUE, value = NULL, start = NULL,
              lower = if (positive) 0 else NULL, upper = NULL)
       }), constraints = constraints)
}

# Hands out parameter indices in the order in which names are asked for.
sp_table <- function() {
  names <- character()
  list(
    index = function(name) {
      if (!name %in% names) names <<- c(names, name)
      match(name, names) - 1L
    },
    names = function() names
  )
}

# LCA of 0/1 items: items x classes intercepts, then the class logits.
lca_spec <- function(items, k) {
  table <- sp_table()
  outcomes <- lapply(items, function(u) {
    index <- vapply(seq_len(k), function(c) table$index(sprintf("%s~1[c=%d]", u, c)), 0L)
    sp_outcome(u, "bernoulli", list(sp_predictor(sp_term(sp_by("c", index)))))
  })
  logits <- lapply(seq_len(k - 1), function(c) {
    sp_predictor(sp_term(sp_par(table$index(sprintf("c#%d~1", c)))))
  })
  sp_spec(table$names(), list(sp_class("c", k, logits)), outcomes = outcomes)
}

# y ~ x + (1 + x | cluster), gaussian, correlated random effects.
random_slope_spec <- function() {
  sp_spec(
    c("y~1", "y~x", "y~~y", "y@id~~y@id", "y.x@id~~y.x@id", "y@id~~y.x@id"),
    latents = list(sp_latent("y@id", sp_predictor(), sp_par(3), "between"),
                   sp_latent("y.x@id", sp_predictor(), sp_par(4), "between")),
    covariances = list(list(a = "y@id", b = "y.x@id", value = sp_par(5))),
    outcomes = list(sp_outcome("y", "gaussian", list(sp_predictor(
      sp_term(sp_par(0)), sp_term(sp_par(1), "x"), sp_term(sp_const(1), NULL, "y@id"),
      sp_term(sp_const(1), "x", "y.x@id"))), list(sp_par(2))))
  )
}

# u ~ x + (1 | cluster), bernoulli.
random_intercept_spec <- function() {
  sp_spec(
    c("u~1", "u~x", "u@id~~u@id"),
    latents = list(sp_latent("u@id", sp_predictor(), sp_par(2), "between")),
    outcomes = list(sp_outcome("u", "bernoulli", list(sp_predictor(
      sp_term(sp_par(0)), sp_term(sp_par(1), "x"), sp_term(sp_const(1), NULL, "u@id")))))
  )
}

# A random small problem: list(spec, columns, cluster, theta). The seed decides the number of classes
# (2-3), a second class variable chained to the first, outcome families, covariates, missing
# values, a within factor, a random intercept with a between factor behind it.
random_spec <- function(seed, two_level = seed %% 2 == 0) {
  withr::with_seed(seed, {
    table <- sp_table()
    k <- sample(2:3, 1)
    chain <- stats::runif(1) < 0.5
    has_factor <- stats::runif(1) < 0.5
    types <- sample(c("bernoulli", "ordinal", "nominal", "gaussian", "poisson", "negative_binomial"), 3)
    outcomes <- lapply(seq_along(types), function(p) {
      random_outcome(table, types[p], paste0("u", p), c(c1 = k), has_factor, two_level && p == 1)
    })
    if (chain) outcomes <- c(outcomes, list(random_outcome(table, "bernoulli", "v", c(c2 = 2), FALSE, FALSE)))
    classes <- list(random_class(table, "c1", k, NULL, two_level))
    if (chain) classes <- c(classes, list(random_class(table, "c2", 2, c(c1 = k), FALSE)))
    latents <- random_latents(table, has_factor, two_level)
    spec <- sp_spec(table$names(), classes, latents, outcomes = outcomes)
    n <- 8
    columns <- random_columns(outcomes, n)
    theta <- random_theta(table$names())
    cluster <- if (two_level) rep(0:2, length.out = n) else NULL
    list(spec = spec, columns = columns, cluster = cluster, theta = theta)
  })
}

random_outcome <- function(table, type, name, by, has_factor, has_random) {
  k <- by[[1]]
  pattern <- function(what) vapply(seq_len(k), function(c) {
    table$index(sprintf("%s%s[%s=%d]", name, what, names(by), c))
  }, 0L)
  intercept <- function(target) sp_term(sp_by(names(by), vapply(seq_len(k), function(c) {
    table$index(sprintf("%s~1[%s=%d]", target, names(by), c))
  }, 0L)))
  slopes <- list(sp_term(sp_par(table$index(paste0(name, "~x"))), "x"))
  if (has_factor) slopes <- c(slopes, list(sp_term(sp_par(table$index(paste0(name, "~f"))), NULL, "f")))
  if (has_random) slopes <- c(slopes, list(sp_term(sp_const(1), NULL, "b@id")))
  predictors <- switch(type,
    ordinal = list(list(terms = slopes)),
    nominal = lapply(1:2, function(m) {
      target <- sprintf("%s#%d", name, m)
      list(terms = c(list(intercept(target)), slopes))
    }),
    list(list(terms = c(list(intercept(name)), slopes)))
  )
  auxiliary <- switch(type,
    ordinal = lapply(1:2, function(m) sp_by(names(by), pattern(sprintf("|t%d", m)))),
    gaussian = list(sp_by(names(by), pattern(paste0("~~", name)))),
    negative_binomial = list(sp_par(table$index(paste0(name, "^disp")))),
    list()
  )
  family <- if (type %in% c("ordinal", "nominal")) sp_family(type, n_categories = 3) else sp_family(type)
  sp_outcome(name, family, predictors, auxiliary)
}

random_class <- function(table, name, k, parent, has_random) {
  logits <- lapply(seq_len(k - 1), function(m) {
    target <- sprintf("%s#%d", name, m)
    intercept <- if (is.null(parent)) {
      sp_term(sp_par(table$index(paste0(target, "~1"))))
    } else {
      sp_term(sp_by(names(parent), vapply(seq_len(parent), function(c) {
        table$index(sprintf("%s~1[%s=%d]", target, names(parent), c))
      }, 0L)))
    }
    slope <- sp_term(sp_par(table$index(paste0(target, "~x"))), "x")
    random <- if (has_random) sp_term(sp_par(table$index(paste0(target, "~b@id"))), NULL, "b@id")
    list(terms = Filter(Negate(is.null), list(intercept, slope, random)))
  })
  sp_class(name, k, logits)
}

random_latents <- function(table, has_factor, two_level) {
  Filter(Negate(is.null), list(
    if (two_level) sp_latent("b@id", sp_predictor(), sp_par(table$index("b@id~~b@id")), "between"),
    if (has_factor) {
      sp_latent("f", sp_predictor(sp_term(sp_par(table$index("f~x")), "x")), sp_par(table$index("f~~f")))
    }
  ))
}

random_columns <- function(outcomes, n) {
  columns <- list(x = stats::rnorm(n))
  for (outcome in outcomes) {
    y <- switch(outcome$family$type,
      bernoulli = stats::rbinom(n, 1, 0.5), ordinal = , nominal = sample(1:3, n, TRUE),
      gaussian = stats::rnorm(n), stats::rpois(n, 1.5))
    columns[[outcome$column]] <- replace(as.numeric(y), sample(n, 1), NaN)
  }
  columns
}

random_theta <- function(names) {
  theta <- stats::rnorm(length(names), 0, 0.7)
  positive <- grepl("~~|\\^disp", names)
  theta[positive] <- stats::runif(sum(positive), 0.4, 1.2)
  for (m in 2:9) {
    upper <- grepl(sprintf("\\|t%d", m), names)
    below <- match(sub("\\|t[0-9]+", sprintf("|t%d", m - 1), names[upper]), names)
    theta[upper] <- theta[below] + stats::runif(sum(upper), 0.5, 1.5)
  }
  theta
}

# A between class variable d, a within class variable c whose logit depends on d, a covariate, a
# random intercept and a class known in some rows; gaussian, ordinal and between outcomes; a within factor with
# a random loading. Everything that random_spec() has not: list(spec, columns, cluster, theta).
two_level_problem <- function() {
  spec <- sp_spec(
    c("y~1[c=1,d=1]", "y~1[c=2,d=1]", "y~1[c=1,d=2]", "y~1[c=2,d=2]", "y~x[d=1]", "y~x[d=2]", "y~~y[c=1]", "y~~y[c=2]",
      "z~1", "z~y@id", "z~~z", "u|t1", "u|t2", "u~f", "f~1[c=1]", "f~~f", "c#1~1[d=1]", "c#1~1[d=2]", "c#1~x",
      "d#1~1", "d#1~w", "y@id~~y@id", "u.f@id~~u.f@id", "y@id~~u.f@id"),
    classes = list(
      sp_class("d", 2, list(sp_predictor(sp_term(sp_par(19)), sp_term(sp_par(20), "w"))), "between"),
      sp_class("c", 2, list(sp_predictor(sp_term(sp_by("d", 16:17)), sp_term(sp_par(18), "x"),
        sp_term(sp_const(0.7), NULL, "y@id"))), known = "known")),
    latents = list(
      sp_latent("y@id", sp_predictor(), sp_par(21), "between"),
      sp_latent("u.f@id", sp_predictor(), sp_par(22), "between"),
      sp_latent("f", sp_predictor(sp_term(sp_by("c", c(14, 24)))), sp_par(15))),
    covariances = list(list(a = "y@id", b = "u.f@id", value = sp_par(23))),
    outcomes = list(
      sp_outcome("y", "gaussian", list(sp_predictor(sp_term(sp_by(c("c", "d"), 0:3)), sp_term(sp_by("d", 4:5), "x"),
        sp_term(sp_const(1), NULL, "y@id"))), list(sp_by("c", 6:7))),
      sp_outcome("u", sp_family("ordinal", n_categories = 3), list(sp_predictor(sp_term(sp_par(13), NULL, "f"),
        sp_term(sp_const(1), NULL, c("u.f@id", "f")))), list(sp_par(11), sp_par(12))),
      sp_outcome("z", "gaussian", list(sp_predictor(sp_term(sp_par(8)), sp_term(sp_par(9), NULL, "y@id"))),
        list(sp_par(10)), "between"))
  )
  spec$parameters[[25]] <- list(name = "f~1[c=2]", free = FALSE, value = 0, start = NULL, lower = NULL, upper = NULL)
  columns <- list(
    y = c(0.3, -1.2, NaN, 2.1, 0.4, 1.1), u = c(1, 3, 2, NaN, 2, 3), z = c(0.5, 0.5, 0.5, -1, -1, -1),
    x = c(-1, 0.5, 0.2, 1, -0.3, 0.8), w = c(1, 1, 1, -0.5, -0.5, -0.5), known = c(NaN, 2, NaN, NaN, 1, NaN))
  theta <- c(0.5, -0.8, 1, -0.2, 0.3, -0.4, 0.8, 1.3, 0.2, 0.6, 0.9, -0.7, 0.6, 0.9, 0.8, 1.1, 0.4, -0.6, 0.5,
    0.3, 0.7, 0.6, 0.3, 0.2, 0)
  list(spec = spec, columns = columns, cluster = c(0L, 0L, 0L, 1L, 1L, 1L), theta = theta)
}
