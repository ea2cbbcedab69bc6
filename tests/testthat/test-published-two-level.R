# Two-level models against Mplus, lme4 and OpenMx: regression, factor model, random intercept of a class logit.

# Scaling factors: both two-level models differ from Mplus's by 0.0003, relatively the same, though estimates and standard
# errors agree in every digit; the reason is not known.

test_that("two-level regression", {
  data <- reference_data("twolevel_regression")
  data$x <- data$x - mean(data$x)
  model <- mixture_model(outcome(y ~ x + w + xm + (1 | clus)))
  expect_published("twolevel_regression", "ex9_1a", model, data, starts = 1, scaling_slack = 3e-4)
})

test_that("two-level factor model with covariates", {
  data <- reference_data("twolevel_cfa")
  model <- mixture_model(
    latent_factor("fw", ~ x1 + x2, scale = "loading"),
    latent_factor("fb", ~w, level = "between", scale = "loading"),
    outcome(y1:y4 ~ fw + fb),
    cluster = "clus"
  )
  fits <- expect_published("twolevel_cfa", "ex9_6", model, data, starts = c(2, 1), scaling_slack = 3e-4)
  expect_equal(-2 * fits$random$log_likelihood, 13088.373, tolerance = 0.002 / 13088)
})

# The class is observed through an indicator whose logits are fixed at +-15.
observed_class <- function(formula) {
  mixture_model(
    latent_class("c", 2, formula),
    outcome(c1 ~ c, family = bernoulli()),
    constrain(fix("c1~1[c=1]" = 15, "c1~1[c=2]" = -15))
  )
}

test_that("random intercept of a class logit, with an indicator that shows the class", {
  data <- reference_data("random_class_logit")
  expect_published(
    "random_class_logit", "intercept", observed_class(~ (1 | school)), data, starts = 1, se = "observed", slack = 0.01
  )
  expect_published(
    "random_class_logit", "covariates", observed_class(~ female + middle + (1 | school)), data, starts = 1,
    se = "observed", slack = 0.01
  )
})

test_that("the same with the class as a known class, and as an outcome", {
  data <- reference_data("random_class_logit")
  data$known <- 2 - data$c1
  known <- mixture_model(
    latent_class("c", 2, ~ female + middle + (1 | school), known = "known"), outcome(c2 ~ c, family = bernoulli())
  )
  fit <- quiet_fit(known, data, starts = 1, seed = 1, se = "none")
  # Given the class, c2 adds the log-likelihood of a proportion in each class.
  proportions <- sum(vapply(split(data$c2, data$c1), function(y) sum(stats::dbinom(y, 1, mean(y), log = TRUE)), 0))
  expect_equal(fit$log_likelihood - proportions, -765.2618819, tolerance = 1e-5)
  logit <- mixture_model(outcome(c1 ~ female + middle + (1 | school), family = bernoulli()))
  expect_published("random_class_logit", "covariates", logit, data, starts = 1, estimates = FALSE)
  probit <- mixture_model(outcome(c1 ~ female + middle + (1 | school), family = bernoulli("probit")))
  expect_published("random_class_logit", "probit", probit, data, starts = 1)
})
