# The independent log-likelihood against closed forms and lme4.

test_that("one class of 0/1 items is a product of binomials", {
  withr::local_seed(1)
  u <- list(u1 = rbinom(20, 1, 0.3), u2 = rbinom(20, 1, 0.7))
  theta <- qlogis(c(0.25, 0.6))
  spec <- lca_spec(c("u1", "u2"), 1)
  expected <- sum(dbinom(u$u1, 1, 0.25, log = TRUE), dbinom(u$u2, 1, 0.6, log = TRUE))
  expect_equal(brute_force_loglik(spec, u, NULL, theta), expected)
})

test_that("two latent classes are a mixture; missing items drop out; posteriors follow Bayes", {
  u <- list(u1 = c(1, 0, 1, NaN), u2 = c(1, 1, 0, 0))
  p <- rbind(c(0.8, 0.3), c(0.6, 0.1))
  size <- c(0.4, 0.6)
  one <- function(y, prob) ifelse(is.na(y), 1, ifelse(y == 1, prob, 1 - prob))
  joint <- sapply(1:2, function(k) size[k] * one(u$u1, p[1, k]) * one(u$u2, p[2, k]))
  result <- brute_force(lca_spec(c("u1", "u2"), 2), u, NULL, c(qlogis(t(p)), qlogis(0.4)))
  expect_equal(result$log_likelihood, sum(log(rowSums(joint))))
  expect_equal(result$posterior_joint, joint / rowSums(joint))
})

test_that("a gaussian mixture with class-specific variances is a sum of normals", {
  withr::local_seed(2)
  y <- c(rnorm(10), rnorm(10, 3, 2))
  spec <- sp_spec(c("y~1[c=1]", "y~1[c=2]", "y~~y[c=1]", "y~~y[c=2]", "c#1~1"),
    list(sp_class("c", 2, list(sp_predictor(sp_term(sp_par(4)))))),
    outcomes = list(sp_outcome("y", "gaussian", list(sp_predictor(sp_term(sp_by("c", 0:1)))),
                               list(sp_by("c", 2:3)))))
  expected <- sum(log(plogis(0.2) * dnorm(y, 0.1, 1.1) + plogis(-0.2) * dnorm(y, 3.2, sqrt(3))))
  expect_equal(brute_force_loglik(spec, list(y = y), NULL, c(0.1, 3.2, 1.21, 3, 0.2)), expected)
})

test_that("gaussian outcomes with a residual covariance equal a one-factor model", {
  withr::local_seed(3)
  y <- list(y1 = rnorm(6), y2 = c(rnorm(5), NaN))
  mean <- function(i, f = FALSE) list(sp_predictor(sp_term(sp_par(i)), if (f) sp_term(sp_const(1), NULL, "f") else sp_term(sp_const(0))))
  joint <- sp_spec(c("y1~1", "y2~1", "y1~~y1", "y2~~y2", "y1~~y2"),
    covariances = list(list(a = "y1", b = "y2", value = sp_par(4))),
    outcomes = list(sp_outcome("y1", "gaussian", mean(0), list(sp_par(2))),
                    sp_outcome("y2", "gaussian", mean(1), list(sp_par(3)))))
  factor <- sp_spec(c("y1~1", "y2~1", "y1~~y1", "y2~~y2", "f~~f"),
    latents = list(sp_latent("f", sp_predictor(), sp_par(4))),
    outcomes = list(sp_outcome("y1", "gaussian", mean(0, TRUE), list(sp_par(2))),
                    sp_outcome("y2", "gaussian", mean(1, TRUE), list(sp_par(3)))))
  expect_equal(brute_force_loglik(joint, y, NULL, c(0, 0.2, 1.4, 1.5, 0.5)),
               brute_force_loglik(factor, y, NULL, c(0, 0.2, 0.9, 1, 0.5), points = 81), tolerance = 1e-8)
})

test_that("the families have the densities of the table", {
  y <- list(a = 2, b = 3, d = 0, e = 4, g = 1.5, h = 2, t = 5)
  eta <- list(sp_predictor(sp_term(sp_par(0))))
  value <- function(outcome) brute_force_loglik(
    sp_spec(c("p0", "p1", "p2", "p3"), outcomes = list(outcome)), y, NULL, c(0.3, -0.5, 0.9, 0.7))
  expect_equal(value(sp_outcome("a", sp_family("ordinal", n_categories = 3, link = "probit"), eta, list(sp_par(1), sp_par(2)))),
               log(pnorm(0.9 - 0.3) - pnorm(-0.5 - 0.3)))
  expect_equal(value(sp_outcome("b", sp_family("nominal", n_categories = 3),
                                list(sp_predictor(sp_term(sp_par(0))), sp_predictor(sp_term(sp_par(1)))))),
               -log(exp(0.3) + exp(-0.5) + 1))
  expect_equal(value(sp_outcome("e", "poisson", eta)), dpois(4, exp(0.3), log = TRUE))
  expect_equal(value(sp_outcome("e", "negative_binomial", eta, list(sp_par(3)))),
               dnbinom(4, mu = exp(0.3), size = 1 / 0.7, log = TRUE))
  zero <- c(eta, list(sp_predictor(sp_term(sp_par(1)))))
  expect_equal(value(sp_outcome("d", "zero_inflated_poisson", zero)),
               log(plogis(-0.5) + plogis(0.5) * dpois(0, exp(0.3))))
  expect_equal(value(sp_outcome("e", "zero_inflated_negative_binomial", zero, list(sp_par(3)))),
               log(plogis(0.5) * dnbinom(4, mu = exp(0.3), size = 1 / 0.7)))
  expect_equal(value(sp_outcome("g", sp_family("censored", lower = NULL, upper = 1.5), eta, list(sp_par(3)))),
               pnorm(1.5, 0.3, sqrt(0.7), lower.tail = FALSE, log.p = TRUE))
  expect_equal(value(sp_outcome("g", sp_family("censored", lower = 0, upper = NULL), eta, list(sp_par(3)))),
               dnorm(1.5, 0.3, sqrt(0.7), log = TRUE))
  expect_equal(value(sp_outcome("h", sp_family("binomial", trials = "t"), eta)),
               dbinom(2, 5, plogis(0.3), log = TRUE))
})

test_that("a linear mixed model agrees with lme4 at its estimates", {
  skip_if_not_installed("lme4")
  withr::local_seed(4)
  id <- rep(1:6, each = 4)
  x <- rnorm(24)
  y <- 1 + rnorm(6)[id] + (0.5 + 0.8 * rnorm(6)[id]) * x + rnorm(24)
  fit <- lme4::lmer(y ~ x + (1 + x | id), REML = FALSE)
  v <- lme4::VarCorr(fit)$id
  theta <- c(lme4::fixef(fit), sigma(fit)^2, v[1, 1], v[2, 2], v[1, 2])
  expect_equal(brute_force_loglik(random_slope_spec(), list(y = y, x = x), id - 1L, theta, points = 81),
               as.numeric(logLik(fit)), tolerance = 1e-6)
})

test_that("a random intercept logit agrees with 25-point adaptive quadrature in lme4", {
  skip_if_not_installed("lme4")
  withr::local_seed(5)
  id <- rep(1:12, each = 5)
  x <- rnorm(60)
  u <- rbinom(60, 1, plogis(rnorm(12)[id] + x))
  fit <- lme4::glmer(u ~ x + (1 | id), family = binomial, nAGQ = 25)
  theta <- c(lme4::fixef(fit), as.numeric(lme4::VarCorr(fit)$id))
  ours <- brute_force(random_intercept_spec(), list(u = u, x = x), id - 1L, theta, points = 101)
  by_integrate <- vapply(split(seq_along(u), id), function(rows) {
    log(integrate(function(b) vapply(b, function(one) {
      eta <- theta[1] + theta[2] * x[rows] + sqrt(theta[3]) * one
      dnorm(one) * prod(dbinom(u[rows], 1, plogis(eta)))
    }, 0), -8, 8, rel.tol = 1e-10)$value)
  }, 0)
  expect_equal(ours$clusters, unname(by_integrate), tolerance = 1e-8)
  expect_equal(ours$log_likelihood, as.numeric(logLik(fit)), tolerance = 1e-5)
})

test_that("random specifications are finite, posteriors sum to one, duplicating a row = weight two", {
  for (seed in 1:8) {
    problem <- random_spec(seed)
    points <- if (length(problem$spec$latents) > 1) 11 else 21
    result <- with(problem, brute_force(spec, columns, cluster, theta, points))
    expect_true(is.finite(result$log_likelihood))
    expect_equal(rowSums(result$posterior_joint), rep(1, 8))
    doubled <- problem
    doubled$columns <- lapply(problem$columns, function(v) c(v, v[1]))
    doubled$cluster <- c(if (is.null(problem$cluster)) 0:7 else problem$cluster,
                         if (is.null(problem$cluster)) 8L else problem$cluster[1])
    expect_equal(
      with(problem, brute_force_loglik(spec, columns, cluster, theta, points, unit_weights = c(2, rep(1, 7)))),
      with(doubled, brute_force_loglik(spec, columns, cluster, theta, points)))
  }
})
