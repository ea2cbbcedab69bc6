# A covariate that tells 0 from 1, or class from class, without exception: the maximum lies at infinity and must be
# reported as a boundary, without standard errors.

expect_separated <- function(model, data, parameters) {
  fit <- NULL
  expect_warning(
    fit <- mlmix(model, data, starts = 1, seed = 1, threads = 1), class = "mlmix_warning_boundary"
  )
  rows <- fit$parameters[match(parameters, fit$parameters$name), ]
  expect_identical(rows$status, rep("boundary", length(parameters)))
  expect_true(all(is.na(rows$std.error)))
}

separated_data <- function() {
  withr::with_seed(1, {
    x <- stats::rnorm(60)
    data.frame(x, u = as.numeric(x > 0.1), which = ifelse(x > 0.1, 1, 2), y = stats::rnorm(60))
  })
}

test_that("a binary outcome that a covariate separates", {
  model <- mixture_model(outcome(u ~ x, family = bernoulli()))
  expect_separated(model, separated_data(), c("u~1", "u~x"))
})

test_that("classes that a covariate separates", {
  model <- mixture_model(latent_class("c", 2, ~ x, known = "which"), outcome(y ~ c))
  expect_separated(model, separated_data(), c("c#1~1", "c#1~x"))
})
