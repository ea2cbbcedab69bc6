# Random points of integration that follow the posterior: not by default, and given up where they break the integral.

test_that("random points are common to all clusters by default", {
  set.seed(3)
  data <- data.frame(id = rep(1:30, each = 5), u = rbinom(150, 1, plogis(rep(rnorm(30), each = 5))))
  model <- mixture_model(outcome(u ~ 1 + (1 | id), family = bernoulli()))
  fit <- suppressWarnings(mlmix(model, data, starts = 1, seed = 1, integration = quadrature("monte_carlo", 2000)))
  expect_false(fit$integration$adaptive)
  fine <- mlmix(model, data, starts = 1, seed = 1, integration = quadrature("gauss_hermite", 41))
  expect_equal(fit$log_likelihood, fine$log_likelihood, tolerance = 0.01)
  expect_output(print(quadrature("monte_carlo", 100)), "not adaptive")
})

test_that("a maximum that belongs to the points is given up", {
  model <- lta(list(c1 = fall1:fall10, c2 = spring1:spring10), k = 2, cluster = "room")
  rule <- quadrature("monte_carlo", 60, adaptive = TRUE)
  warned <- capture_warnings(fit <- mlmix(model, toca, starts = 1, seed = 1, se = "none", integration = rule))
  expect_match(warned, "Adaptive random points broke the integral", all = FALSE)
  expect_false(fit$integration$adaptive)
  # the maximum of the model is -11088.45; 60 points misjudge it, but not by more than the integration error they report
  expect_lt(abs(fit$log_likelihood + 11088.45), 10)
})
