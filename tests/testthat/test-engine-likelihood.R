# Every kind of model that the builders can state, at random parameters: the engine's log-likelihood, posteriors,
# gradient and cluster scores against the plain enumeration of helper-brute-force.R and against differences.

# Twelve units in four clusters with an outcome of every kind, covariates, known classes; a tenth is missing.
likelihood_data <- function(seed) {
  withr::with_seed(seed, {
    n <- 12
    id <- rep(1:4, times = c(2, 4, 3, 3))
    binary <- matrix(stats::rbinom(n * 8, 1, 0.5), n, dimnames = list(NULL, paste0("u", 1:8)))
    normal <- matrix(stats::rnorm(n * 4), n, dimnames = list(NULL, paste0("y", 1:4)))
    items <- data.frame(
      binary, normal, o = sample(c(1:3, sample(1:3, n - 3, TRUE))), o2 = sample(c(1:4, sample(1:4, n - 4, TRUE))),
      m = factor(sample(c("a", "b", "z", sample(c("a", "b", "z"), n - 3, TRUE)))), count = stats::rpois(n, 1.3),
      tobit = pmin(pmax(stats::rnorm(n), -0.5), 1), done = stats::rbinom(n, 3, 0.5)
    )
    whole <- "done"
    for (name in setdiff(names(items), whole)) items[[name]][sample(n, 1)] <- NA
    between <- data.frame(w = stats::rnorm(4), z = stats::rnorm(4), v = stats::rpois(4, 2))
    data.frame(id, items, between[id, ], left = 3 - items$done, x = stats::rnorm(n), x2 = stats::rnorm(n),
      which = replace(sample(1:2, n, TRUE), sample(n, 7), NA), row.names = NULL)
  })
}

# Admissible values: variances and dispersions positive, covariances small, thresholds increasing.
random_values <- function(table, seed) {
  withr::with_seed(seed, {
    name <- table$name
    value <- stats::rnorm(length(name), 0, 0.7)
    sides <- strsplit(sub("\\[.*", "", name), "~~", fixed = TRUE)
    is_variance <- vapply(sides, function(s) length(s) == 2 && s[[1]] == s[[2]], TRUE)
    is_covariance <- lengths(sides) == 2 & !is_variance
    positive <- is_variance | grepl("\\^disp", name)
    value[positive] <- stats::runif(sum(positive), 0.4, 1.2)
    value[is_covariance] <- stats::runif(sum(is_covariance), -0.2, 0.2)
    for (m in 2:9) {
      upper <- grepl(sprintf("\\|t%d", m), name)
      value[upper] <- value[match(sub("\\|t[0-9]+", sprintf("|t%d", m - 1), name[upper]), name)] + 0.9
    }
    ifelse(table$free, value, table$value)
  })
}

binary <- function(...) outcome(..., family = bernoulli())

likelihood_models <- function() {
  list(
    "gaussian, bernoulli, ordinal and nominal outcomes" = mixture_model(latent_class("c", 2, ~ x),
      outcome(y1 ~ c * x, variance = ~ c), binary(u1 ~ c + x), outcome(o ~ c + x, family = ordinal()),
      outcome(m ~ c + x, family = nominal())),
    "probit links and a binomial outcome" = mixture_model(latent_class("c", 3),
      outcome(u1:u2 ~ c, family = bernoulli("probit")), outcome(o2 ~ c + x, family = ordinal("probit")),
      outcome(cbind(done, left) ~ c, family = binomial())),
    "counts" = mixture_model(latent_class("c", 2), outcome(count ~ c + x, family = poisson())),
    "overdispersed counts, dispersion by class" = mixture_model(latent_class("c", 2),
      outcome(count ~ c, family = negbin(), variance = ~ c)),
    "counts with extra zeros" = mixture_model(latent_class("c", 2),
      outcome(count ~ c + x, family = zero_inflated("poisson", zero = ~ c + x))),
    "overdispersed counts with extra zeros" = mixture_model(latent_class("c", 2),
      outcome(count ~ c, family = zero_inflated("negbin", zero = ~ x))),
    "a censored outcome" = mixture_model(latent_class("c", 2),
      outcome(tobit ~ c * x, family = censored(-0.5, 1), variance = ~ c)),
    "a chain of four class variables" = mixture_model(latent_class("c1", 2, ~ x), latent_class("c2", 3, ~ c1),
      latent_class("c3", 2, ~ c2 + x), latent_class("c4", 2, ~ c3), binary(u1:u2 ~ c1), binary(u3:u4 ~ c2),
      binary(u5:u6 ~ c3), binary(u7:u8 ~ c4)),
    "classes that two others predict, an outcome of two classes" = mixture_model(latent_class("c1", 2),
      latent_class("c2", 2, ~ c1), latent_class("c3", 2, ~ c1 + c2), binary(u1:u2 ~ c1), binary(u3 ~ c1:c2),
      binary(u4:u5 ~ c3)),
    "known classes" = mixture_model(latent_class("c", 2, ~ x, known = "which"), binary(u1:u3 ~ c), outcome(y1 ~ c * x)),
    "residual covariances by class, missing values" = mixture_model(latent_class("c", 2),
      outcome(y1:y3 ~ c, variance = ~ c), covary(y1, y2, by = ~ c), covary(y2, y3)),
    "a factor of gaussian items with means and variances by class" = mixture_model(latent_class("c", 2),
      latent_factor("f", ~ c + x, variance = ~ c, scale = "loading"), outcome(y1:y4 ~ f + x2)),
    "a factor of binary items, loadings by class" = mixture_model(latent_class("c", 2), latent_factor("f", ~ x),
      binary(u1:u4 ~ c * f)),
    "a factor behind items of several kinds" = mixture_model(latent_factor("f", ~ x, scale = "loading"),
      outcome(y1:y2 ~ f), binary(u1:u2 ~ f), outcome(o ~ f, family = ordinal())),
    "two factors, one of them behind the class" = mixture_model(latent_factor("f"), latent_factor("g", ~ f),
      latent_class("c", 2, ~ g), binary(u1:u2 ~ f), outcome(y1:y2 ~ g), binary(u3:u4 ~ c)),
    "a factor that interacts with a covariate" = mixture_model(latent_factor("f"), binary(u1:u3 ~ f + x:f)),
    "a random intercept and slope in closed form" = mixture_model(outcome(y1 ~ x + (1 + x | id))),
    "between classes with random effects in closed form" = mixture_model(latent_class("d", 2, ~ w, level = "between"),
      outcome(y1 ~ d * x + (1 + x | id), variance = ~ d), covary(`y1@id`, by = ~ d), covary(`y1.x@id`, by = ~ d),
      covary(`y1@id`, `y1.x@id`, by = ~ d)),
    "a random intercept and slope of a binary outcome" = mixture_model(binary(u1 ~ x + (1 + x | id))),
    "a random loading" = mixture_model(latent_factor("f"), binary(u1:u2 ~ f), binary(u3 ~ f + (0 + f | id))),
    "random intercepts of class logits" = mixture_model(latent_class("c", 3, ~ x + (1 | id)), binary(u1:u4 ~ c)),
    "random intercepts of a class and of an outcome" = mixture_model(latent_class("c", 2, ~ (1 | id)),
      outcome(y1 ~ c * x + (1 | id), variance = ~ c)),
    "regression among random class logits" = mixture_model(latent_class("c1", 2, ~ (1 | id)),
      latent_class("c2", 2, ~ c1 + (1 | id)), binary(u1:u2 ~ c1), binary(u3:u4 ~ c2), between(c2 ~ c1 + w)),
    "classes at both levels" = mixture_model(latent_class("d", 2, ~ w, level = "between"),
      latent_class("c", 3, ~ d + x + (1 | id)), binary(u1:u4 ~ c), outcome(y1 ~ c:d)),
    "between outcomes and a between factor" = mixture_model(latent_class("d", 2, level = "between"),
      latent_factor("g", ~ d, level = "between", scale = "loading"), outcome(y1 ~ x + (1 | id)),
      outcome(z ~ g + w, level = "between"), outcome(v ~ g, family = poisson(), level = "between"), between(y1 ~ g)),
    "a factor at both levels with classes" = mixture_model(latent_class("c", 2, ~ (1 | id)),
      latent_factor("f", ~ c + (1 | id), scale = "loading"), outcome(c(o, o2) ~ f, family = ordinal())),
    "two correlated factors by class, one of them in closed form" = mixture_model(latent_class("c", 2),
      latent_factor("f", variance = ~ c, scale = "loading"), latent_factor("g", variance = ~ c, scale = "loading"),
      binary(u1:u2 ~ f), outcome(y1:y2 ~ c + g), covary(f, g, by = ~ c)),
    "random intercepts of two outcomes with residual covariance" = mixture_model(outcome(y1:y2 ~ x + (1 | id)),
      covary(`y1@id`, `y2@id`), covary(y1, y2)),
    "a random slope of a class logit" = mixture_model(latent_class("c", 2, ~ x + (1 + x || id)), binary(u1:u4 ~ c)),
    "a growth mixture" = growth_mixture(y1 ~ x + (1 + x | id), k = 2),
    "only a residual covariance differs by class, with random intercepts" = mixture_model(latent_class("c", 2),
      outcome(y1:y2 ~ x + (1 | id)), covary(y1, y2, by = ~ c), binary(u1:u2 ~ c)),
    "random effects in part in closed form, in part correlated" = mixture_model(outcome(y1 ~ x + (1 + x | id)),
      binary(u1 ~ x + (1 | id)), covary(`y1@id`, `u1@id`)),
    "random intercepts of nominal logits" = mixture_model(outcome(m ~ x + (1 | id), family = nominal())),
    "random slopes with ordinal outcomes" = mixture_model(outcome(o ~ x + (1 + x | id), family = ordinal("probit"))),
    "random intercept of a count with extra zeros" = mixture_model(latent_class("c", 2),
      outcome(count ~ c + (1 | id), family = zero_inflated("poisson", zero = ~ c + x))),
    "a factor behind a class and a censored outcome" = mixture_model(latent_factor("f"), latent_class("c", 2, ~ f + x),
      outcome(tobit ~ f, family = censored(-0.5, 1)), outcome(y1 ~ f), outcome(y2 ~ c + f)),
    "loadings and means of a factor by between class" = mixture_model(latent_class("d", 2, level = "between"),
      latent_factor("f", ~ d, variance = ~ d), outcome(y1:y2 ~ d * f), binary(u1 ~ f), cluster = "id"),
    "two between classes and a within class" = mixture_model(latent_class("d", 2, level = "between"),
      latent_class("e", 2, ~ d, level = "between"), latent_class("c", 2, ~ e + x), binary(u1:u2 ~ c),
      outcome(y1 ~ c:e + d * x), cluster = "id"),
    "a between factor with loadings by class" = mixture_model(latent_class("d", 2, level = "between"),
      latent_factor("g", ~ w, level = "between", variance = ~ d), outcome(z ~ d * g, level = "between"),
      binary(u1:u2 ~ d + g + x:g), cluster = "id"),
    "a between factor in closed form beside within classes" = mixture_model(latent_class("c", 2, ~ x),
      latent_factor("g", level = "between"), outcome(y1:y2 ~ g + x), outcome(z ~ g, level = "between"),
      binary(u1:u3 ~ c), cluster = "id"),
    "factors at both levels in closed form" = mixture_model(latent_factor("f", ~ x),
      latent_factor("g", level = "between"), outcome(y1:y3 ~ f + g), cluster = "id"),
    "shared parameters over time" = lta(list(a = c("u1", "u2"), b = c("u3", "u4"), c = c("u5", "u6")), k = 2),
    "grade of membership" = gom(u1:u4, k = 2), "grade of membership, one factor" = gom(u1:u4, k = 3, random = "factor"),
    "factor mixture of grades of membership" = fma_gom(u1:u3, k = 2), "guessing" = irt(u1:u4, type = "3pl")
  )
}

# A model at random parameters, ready for raw_evaluate() and brute_force().
likelihood_problem <- function(model, seed) {
  resolved <- suppressMessages(resolve_model(model, likelihood_data(seed)))
  list(spec = resolved$spec, columns = resolved$columns, cluster = resolved$cluster, parameters = resolved$parameters,
    theta = random_values(resolved$parameters, seed))
}

# The blocks of latent residuals that the engine estimates through a Cholesky factor: matrices of positions in the
# parameter table, numerically integrated latents first. Class patterns are told apart by the brackets of the names.
cholesky_blocks <- function(problem, numeric) {
  name <- problem$parameters$name
  latents <- vapply(problem$spec$latents, `[[`, "", "name")
  latents <- c(intersect(latents, numeric), setdiff(latents, numeric))
  pattern <- ifelse(grepl("[", name, fixed = TRUE), sub("^[^[]*", "", name), "")
  position <- function(a, b, p) {
    found <- match(paste0(c(paste0(a, "~~", b), paste0(b, "~~", a)), p), name)
    found[!is.na(found)][1]
  }
  blocks <- list()
  for (p in unique(pattern)) {
    members <- latents[vapply(latents, function(a) !is.na(position(a, a, p)), TRUE)]
    if (length(members) == 0) next
    covariance <- outer(members, members, Vectorize(function(a, b) position(a, b, p)))
    for (block in connected(!is.na(covariance))) {
      # a block with a covariance that is structurally zero stays as it is
      if (!anyNA(covariance[block, block])) blocks <- c(blocks, list(covariance[block, block, drop = FALSE]))
    }
  }
  blocks
}

# Groups of indices that a symmetric table of links connects.
connected <- function(links) {
  for (k in seq_len(nrow(links))) links <- links %*% links > 0
  unique(lapply(seq_len(nrow(links)), function(k) which(links[k, ])))
}

# From derivatives by (co)variances psi to those by L, psi = L L': d/dL = 2 A L, where A is symmetric and holds the
# derivatives by the variances and half of those by the covariances. `jacobian` columns are natural parameters.
by_cholesky_factor <- function(gradient, theta, blocks) {
  for (block in blocks) {
    size <- nrow(block)
    lower <- t(chol(matrix(theta[block], size)))
    half <- matrix(gradient[block], size) * (diag(size) + 1) / 2
    gradient[block[lower.tri(block, TRUE)]] <- (2 * half %*% lower)[lower.tri(block, TRUE)]
  }
  gradient
}

# Central differences of fourth order by every free parameter.
difference <- function(f, theta, free, h = 1e-3) {
  vapply(free, function(p) {
    at <- function(step) f(replace(theta, p, theta[[p]] + step))
    (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
  }, 0)
}

# Where both put the same equally spaced points the sums are the same, but for nodes of negligible weight, which the
# engine leaves out; `points` reach to +- sqrt(2 (points - 1)).
engine_at <- function(problem, theta = problem$theta, points = 33, ...) {
  options <- list(starts = 1, final_starts = 1, stage1_iterations = 1, seed = 1, se = "none",
    quadrature = list(method = "rectangular", points = points, adaptive = FALSE), threads = 1)
  raw_evaluate(problem$spec, problem$columns, problem$cluster, ..., options = engine_options(options),
    parameters = theta)
}

# The engine at one cluster alone.
engine_at_cluster <- function(problem, j, ...) {
  rows <- if (is.null(problem$cluster)) j + 1 else which(problem$cluster == j)
  alone <- problem
  alone$columns <- lapply(problem$columns, `[`, rows)
  if (!is.null(problem$cluster)) alone$cluster <- rep(0L, length(rows))
  engine_at(alone, ...)
}

numeric_dimensions <- function(problem) {
  options <- list(starts = 1, final_starts = 1, seed = 1, se = "none",
    quadrature = list(method = "rectangular", points = 3, adaptive = FALSE))
  plan <- raw_plan(problem$spec, problem$columns, problem$cluster, options = engine_options(options))
  how <- vapply(plan$dimensions, `[[`, "", "how")
  vapply(plan$dimensions, `[[`, "", "name")[how == "numeric"]
}

test_that("log-likelihoods and posteriors equal those of the enumeration", {
  models <- likelihood_models()
  for (m in seq_along(models)) {
    problem <- likelihood_problem(models[[m]], m)
    n <- length(problem$spec$latents)
    in_closed_form <- length(numeric_dimensions(problem)) < n
    # the enumeration integrates what the engine has in closed form on a grid, which must then be fine
    points <- if (in_closed_form) c(101, 101, 41)[[n]] else if (n > 2) 21 else 33
    ours <- with(problem, brute_force(spec, columns, cluster, theta, points, range = sqrt(2 * (points - 1))))
    engine <- engine_at(problem, points = points)
    tolerance <- if (n > 0) 1e-7 else 1e-10
    expect_equal(engine$log_likelihood, ours$log_likelihood, tolerance = tolerance, label = names(models)[[m]])
    within <- Filter(function(class) class$level == "within", problem$spec$classes)
    if (length(within) == 1) {
      expect_equal(engine$posterior_within[[1]], ours$posterior_joint, tolerance = 1e-6, label = names(models)[[m]])
    }
    if (length(problem$spec$classes) - length(within) == 1) {
      expect_equal(engine$posterior_between[[1]], ours$posterior_between, tolerance = 1e-6, label = names(models)[[m]])
    }
  }
})

test_that("gradients equal differences of the log-likelihood; scores are those of the clusters alone", {
  models <- likelihood_models()
  for (m in seq_along(models)) {
    problem <- likelihood_problem(models[[m]], m)
    free <- which(problem$parameters$free)
    at <- function(theta) engine_at(problem, theta, points = 9)$log_likelihood
    natural <- replace(0 * problem$theta, free, difference(at, problem$theta, free))
    expected <- by_cholesky_factor(natural, problem$theta, cholesky_blocks(problem, numeric_dimensions(problem)))[free]
    engine <- engine_at(problem, points = 9)
    expect_equal(engine$gradient, expected, tolerance = 1e-6, label = names(models)[[m]])
    expect_equal(colSums(engine$scores), engine$gradient, tolerance = 1e-10, label = names(models)[[m]])
    for (j in c(0, 3)) {
      alone <- engine_at_cluster(problem, j, points = 9)$gradient
      expect_equal(engine$scores[j + 1, ], alone, tolerance = 1e-10, label = names(models)[[m]])
    }
  }
})

test_that("what can be integrated in closed form is, what cannot is not", {
  models <- likelihood_models()
  numeric <- function(name) numeric_dimensions(likelihood_problem(models[[name]], 1))
  expect_length(numeric("a factor of gaussian items with means and variances by class"), 0)
  expect_length(numeric("a random intercept and slope in closed form"), 0)
  expect_length(numeric("between classes with random effects in closed form"), 0)
  expect_identical(numeric("two correlated factors by class, one of them in closed form"), "f")
  expect_identical(numeric("between outcomes and a between factor"), "g")
  expect_setequal(numeric("random intercepts of a class and of an outcome"), c("y1@id", "c#1@id"))
  expect_setequal(numeric("a random loading"), c("f", "u3.f@id"))
})

test_that("unit weights are powers inside the cluster, cluster weights outside, frequencies count rows", {
  problem <- likelihood_problem(likelihood_models()[["random intercepts of a class and of an outcome"]], 3)
  unit <- c(0.5, 2, 1, 0, 3, 1, 1, 1.5, 1, 0.2, 1, 1)[seq_along(problem$cluster)] # a row without outcomes is left out
  whole <- c(1, 0.5, 2, 0)
  ours <- with(problem, brute_force(spec, columns, cluster, theta, 33, unit_weights = unit, cluster_weights = whole))
  by_row <- whole[problem$cluster + 1]
  weighted <- function(theta) engine_at(problem, theta, unit_weights = unit, cluster_weights = by_row)
  engine <- weighted(problem$theta)
  expect_equal(engine$log_likelihood, ours$log_likelihood, tolerance = 1e-7)
  expect_equal(engine$gradient, colSums(whole * engine$scores), tolerance = 1e-10)
  free <- which(problem$parameters$free)
  natural <- difference(function(theta) weighted(theta)$log_likelihood, problem$theta, free)
  natural <- replace(0 * problem$theta, free, natural)
  blocks <- cholesky_blocks(problem, numeric_dimensions(problem))
  expect_equal(engine$gradient, by_cholesky_factor(natural, problem$theta, blocks)[free], tolerance = 1e-6)

  flat <- likelihood_problem(likelihood_models()[[1]], 3)
  unit <- rep(c(1, 0.5, 2), 4)
  count <- c(2, 1, 0, 3, 1, 1, 1, 2, 1, 1, 5, 1)
  expected <- with(flat, brute_force(spec, columns, NULL, theta, cluster_weights = count * unit))
  engine <- engine_at(flat, frequency = count, unit_weights = unit)
  expect_equal(engine$log_likelihood, expected$log_likelihood, tolerance = 1e-10)
  expect_equal(engine$gradient, colSums(count * unit * engine$scores), tolerance = 1e-10)
})

test_that("the gradient follows linear constraints", {
  model <- mixture_model(latent_class("c", 2), outcome(y1:y2 ~ c, variance = ~ c),
    constrain(linear("y1~1[c=1] - 2 * y2~1[c=1] + y2~1[c=2] = 0.3")))
  problem <- likelihood_problem(model, 4)
  name <- problem$parameters$name
  problem$theta[name == "y2~1[c=2]"] <-
    0.3 - problem$theta[name == "y1~1[c=1]"] + 2 * problem$theta[name == "y2~1[c=1]"]
  free <- seq_along(name)
  natural <- difference(function(theta) {
    brute_force_loglik(problem$spec, problem$columns, problem$cluster, theta)
  }, problem$theta, free)
  pivot <- which(name == "y2~1[c=1]") # the engine expresses the parameter with the largest weight by the others
  direction <- diag(length(name))[, -pivot]
  direction[pivot, name[-pivot] %in% c("y1~1[c=1]", "y2~1[c=2]")] <- 0.5
  expect_equal(engine_at(problem)$gradient, as.numeric(natural %*% direction), tolerance = 1e-6)
})
