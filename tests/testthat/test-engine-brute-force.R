# The engine's log-likelihood and posteriors at given parameters against the independent enumeration.

at_parameters <- function(problem, points = 61, adaptive = FALSE, method = "rectangular", weights = NULL) {
  options <- list(starts = 1, final_starts = 1, stage1_iterations = 1, seed = 1, se = "none",
    quadrature = list(method = method, points = points, adaptive = adaptive), threads = 1, max_iterations = 1,
    tolerance = 1e-6, start_values = NULL)
  raw_evaluate(problem$spec, problem$columns, problem$cluster, NULL, weights, NULL,
    engine_options(options), problem$theta)
}

# Posterior of the first within class variable from the joint one.
first_class <- function(joint, k) {
  cell <- (seq_len(ncol(joint)) - 1) %% k
  vapply(seq_len(k) - 1, function(c) rowSums(joint[, cell == c, drop = FALSE]), numeric(nrow(joint)))
}

test_that("random specifications: log-likelihood and posteriors agree with enumeration", {
  for (seed in 1:24) {
    problem <- random_spec(seed)
    points <- if (length(problem$spec$latents) > 1) 33 else 81
    ours <- with(problem, brute_force(spec, columns, cluster, theta, points))
    engine <- at_parameters(problem)
    expect_equal(engine$log_likelihood, ours$log_likelihood, tolerance = 1e-7, label = paste("seed", seed))
    class <- problem$spec$classes[[1]]
    expect_equal(engine$posterior_within[[class$name]], first_class(ours$posterior_joint, class$n_classes),
      tolerance = 1e-5, label = paste("posterior, seed", seed))
  }
})

test_that("a linear mixed model integrated in closed form agrees with the grid", {
  withr::local_seed(9)
  problem <- list(spec = random_slope_spec(), columns = list(y = rnorm(9), x = rnorm(9)),
    cluster = rep(0:2, each = 3), theta = c(0.3, 0.5, 0.8, 0.6, 0.4, 0.2))
  expected <- with(problem, brute_force_loglik(spec, columns, cluster, theta, points = 101))
  expect_equal(at_parameters(problem)$log_likelihood, expected, tolerance = 1e-8)
})

test_that("classes at both levels, a known class, a random loading, a between outcome", {
  problem <- two_level_problem()
  ours <- with(problem, brute_force(spec, columns, cluster, theta, points = 33))
  engine <- at_parameters(problem, points = 61)
  expect_equal(engine$log_likelihood, ours$log_likelihood, tolerance = 1e-6)
  expect_equal(engine$posterior_within$c, ours$posterior_joint, tolerance = 1e-4)
  expect_equal(engine$posterior_between$d, ours$posterior_between, tolerance = 1e-4)
})

test_that("weights are powers of a unit's likelihood inside its cluster", {
  problem <- random_spec(2)
  weights <- c(0.5, 2, 1, 1.5, 0, 1, 1, 3)
  expected <- with(problem, brute_force_loglik(spec, columns, cluster, theta, points = 41, unit_weights = weights))
  expect_equal(at_parameters(problem, weights = weights)$log_likelihood, expected, tolerance = 1e-7)
})

test_that("every quadrature rule approaches the same value", {
  problem <- random_spec(20)
  expected <- with(problem, brute_force_loglik(spec, columns, cluster, theta, points = 33))
  expect_equal(at_parameters(problem, 15, TRUE)$log_likelihood, expected, tolerance = 1e-4)
  expect_equal(at_parameters(problem, 21, method = "gauss_hermite")$log_likelihood, expected, tolerance = 1e-4)
  expect_equal(at_parameters(problem, 512, method = "sobol")$log_likelihood, expected, tolerance = 1e-2)
})
