# Between classes as a non-parametric random effect, against flexmix and npmlreg.

test_that("beta blockers: binomial counts, a class for each centre", {
  data <- reference_data("npml_betablocker")
  data$Alive <- data$Total - data$Deaths
  model <- function(k, formula) {
    mixture_model(latent_class("m", k, level = "between"), outcome(formula, family = binomial()), cluster = "Center")
  }
  for (k in 2:4) {
    expect_published(
      "npml_betablocker", paste0("c", k), model(k, cbind(Deaths, Alive) ~ m + Treatment), data,
      starts = c(20, 8), log_tolerance = 1e-3
    )
  }
  fit <- expect_published(
    "npml_betablocker", "slopes_c3", model(3, cbind(Deaths, Alive) ~ m * Treatment), data, starts = c(20, 8)
  )$random
  table <- fit$parameters
  intercept <- sort(table$estimate[grepl("^Deaths~1", table$name)], decreasing = TRUE)
  expect_equal(intercept, c(-1.5800, -2.2477, -2.9163), tolerance = 1e-4)
  slope <- table$estimate[grepl("^Deaths~Treatment", table$name)][order(-table$estimate[grepl("^Deaths~1", table$name)])]
  expect_equal(slope, c(-0.3248, -0.2630, -0.0805), tolerance = 1e-3)
})

published_deviance <- function(data, slope, masses, proportions) {
  density <- vapply(masses, function(a) stats::dpois(data$y, exp(a + slope * data$x)), numeric(nrow(data)))
  -2 * sum(log(density %*% proportions))
}

test_that("faults in fabric: mass points and a normal random intercept", {
  data <- reference_data("npml_fabric")
  data$id <- seq_len(nrow(data))
  deviance <- function(model, ...) {
    fit <- quiet_fit(model, data, seed = 1, se = "none", ...)
    list(value = -2 * fit$log_likelihood, fit = fit)
  }
  poisson_model <- function(k) mixture_model(latent_class("m", k), outcome(y ~ m + x, family = poisson()))
  expect_lt(abs(deviance(mixture_model(outcome(y ~ x, family = poisson())), starts = 1)$value - 187.8), 0.06)
  two <- deviance(poisson_model(2), starts = c(10, 3))
  expect_lt(abs(two$value - 172.7), 0.06)
  expect_lt(abs(deviance(poisson_model(3), starts = c(10, 3))$value - 172.7), 0.06)
  # npmlreg stopped a little short of the maximum: at its printed estimates the deviance is 172.6634,
  # at ours 172.6622; its estimates are within 0.05 standard errors.
  at_published <- published_deviance(data, 0.8045, c(-3.1645, -2.4017), c(0.7940023, 0.2059977))
  expect_lt(two$value, at_published)
  expect_lt(at_published - two$value, 0.002)
  values <- stats::setNames(two$fit$parameters$estimate, two$fit$parameters$name)
  expect_lt(abs(values[["y~x"]] - 0.8045), 0.01)
  normal <- mixture_model(outcome(y ~ x + (1 | id), family = poisson()))
  by_rule <- vapply(2:3, function(points) {
    deviance(normal, starts = 1, integration = quadrature("gauss_hermite", points, adaptive = FALSE))$value
  }, 0)
  expect_lt(max(abs(by_rule - c(175.6, 174.3))), 0.06)
})
