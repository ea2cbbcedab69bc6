# mlmix(): arguments, reproducibility, published log-likelihoods.

test_that("the published log-likelihoods of the carcinoma data are reached", {
  expect_equal(carcinoma_fit(2)$log_likelihood, -317.2568, tolerance = 1e-6)
  expect_equal(carcinoma_fit(3)$log_likelihood, -293.7050, tolerance = 1e-6)
  expect_equal(AIC(carcinoma_fit(3)), 633.41, tolerance = 1e-5)
  expect_equal(BIC(carcinoma_fit(3)), 697.1357, tolerance = 1e-6)
})

test_that("set.seed() governs where no seed is given; the seed used is kept", {
  fit_once <- function() {
    suppressWarnings(mlmix(lca(c(A, B, C), k = 2), carcinoma, starts = c(3, 2), threads = 1))
  }
  set.seed(11)
  first <- fit_once()
  set.seed(11)
  second <- fit_once()
  expect_identical(first$seed, second$seed)
  expect_identical(first$parameters, second$parameters)
  expect_identical(first$starts, second$starts)
})

test_that("the number of threads does not change any number", {
  run <- function(threads) {
    suppressWarnings(mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = c(4, 2), seed = 5, threads = threads))
  }
  one <- run(1)
  two <- run(2)
  expect_identical(one$parameters, two$parameters)
  expect_identical(one$log_likelihood, two$log_likelihood)
})

test_that("errors say what was given and what is accepted", {
  model <- lca(c(A, B, C), k = 2)
  expect_snapshot(error = TRUE, {
    mlmix("lca", carcinoma)
    mlmix(model, as.list(carcinoma))
    mlmix(model, carcinoma, starts = c(5, 20))
    mlmix(model, carcinoma, starts = 0)
    mlmix(model, carcinoma, seed = "a")
    mlmix(model, carcinoma, se = "sandwich")
    mlmix(model, carcinoma, integration = 15)
    mlmix(model, carcinoma, control = list())
    mlmix(model, carcinoma, threads = 0)
    mlmix(model, carcinoma, progress = NA)
    mlmix(model, carcinoma, control = mlmix_control(start_values = c(1, 2)))
    mlmix_control(tolerance = 2)
    mlmix_control(start_values = "a")
    quadrature(points = 1)
    quadrature("simpson")
  })
})

test_that("warnings of the engine are conditions with their own class and stay in the fit", {
  expect_warning(
    fit <- mlmix(lca(seven, k = 3), carcinoma, starts = c(5, 2), seed = 1, threads = 1),
    class = "mlmix_warning_boundary"
  )
  expect_true("boundary" %in% vapply(fit$warnings, function(w) w$kind, ""))
})

test_that("starting values of a fit lead back to it", {
  fit <- carcinoma_fit(2)
  again <- suppressWarnings(mlmix(lca(seven, k = 2), carcinoma, starts = 1, seed = 9, threads = 1,
    control = mlmix_control(start_values = coef(fit, fixed = TRUE))))
  expect_equal(coef(again), coef(fit), tolerance = 1e-3)
})

test_that("quadrature and control print in words", {
  expect_snapshot({
    quadrature()
    quadrature("sobol", 500, adaptive = FALSE)
    mlmix_control(start_values = c(1, 2, 3))
  })
})
