# Variances fixed at 0 are no dimension of integration, and the model is the one without that effect.

test_that("a random intercept of variance zero is no random intercept", {
  data <- regression_data()
  with_effect <- mixture_model(outcome(y ~ x + (1 | id)), constrain(fix("y@id~~y@id" = 0)))
  fit <- mlmix(with_effect, data, starts = 1, seed = 1, threads = 1)
  plain <- lm(y ~ x, data)
  expect_equal(fit$log_likelihood, as.numeric(logLik(plain)), tolerance = 1e-8)
  expect_equal(unname(coef(fit)[c("y~1", "y~x")]), unname(coef(plain)), tolerance = 1e-6)
  class <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x), constrain(fix("c#1@id~~c#1@id" = 0)))
  expect_equal(nrow(integration_plan(class, data)$dimensions), 0)
})

test_that("its covariances must be zero too", {
  data <- regression_data()
  slope <- function(...) mixture_model(outcome(y ~ x + (1 + x | id)), constrain(...))
  expect_snapshot(error = TRUE, parameters(slope(fix("y.x@id~~y.x@id" = 0)), data))
  fit <- mlmix(slope(fix("y.x@id~~y.x@id" = 0, "y@id~~y.x@id" = 0)), data, starts = 1, seed = 1, threads = 1)
  plain <- mlmix(mixture_model(outcome(y ~ x + (1 | id))), data, starts = 1, seed = 1, threads = 1)
  expect_equal(fit$log_likelihood, plain$log_likelihood, tolerance = 1e-8)
})
