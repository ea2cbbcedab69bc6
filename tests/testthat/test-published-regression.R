# Mixture regressions against flexmix.

# flexmix divides the residual sum of squares of a class by its share of n - p, not of n, cases: its gaussian results are
# a little below the maximum of the likelihood. This is the EM algorithm with either divisor, started at the true
# classes, with the class constant within `group`.
regression_em <- function(data, group, divisor, iterations = 2000) {
  x <- cbind(1, data$x, data$x^2)
  posterior <- outer(data$class, 1:2, `==`) * 0.9 + 0.05
  for (i in seq_len(iterations)) {
    log_density <- vapply(1:2, function(k) {
      weight <- posterior[, k]
      residual <- stats::lm.wfit(x, data$yn, weight)$residuals
      stats::dnorm(residual, 0, sqrt(sum(weight * residual^2) / sum(weight) * nrow(x) / divisor), log = TRUE)
    }, numeric(nrow(x)))
    joint <- sweep(rowsum(log_density, group), 2, log(colMeans(posterior[!duplicated(group), ])), `+`)
    total <- log(rowSums(exp(joint)))
    posterior <- exp(joint - total)[match(group, sort(unique(group))), ]
  }
  sum(total)
}

# Our maximum is that of the same EM algorithm with the divisor n; with n - p it gives flexmix's value.
expect_flexmix_gaussian <- function(case_model, model, data, group) {
  fit <- quiet_fit(model, data, starts = c(10, 3), seed = 1, se = "none")
  expected <- published_fit("mixture_regression_npreg", case_model)
  expect_equal(fit$log_likelihood, regression_em(data, group, nrow(data)), tolerance = 1e-8)
  expect_printed(case_model, regression_em(data, group, nrow(data) - 3), expected$logLik, "EM with n - p", 1e-5)
  if (!is.na(expected$npar)) expect_equal(fit$n_free, as.integer(expected$npar))
}

test_that("gaussian regression, everything by class", {
  data <- reference_data("mixture_regression_npreg")
  model <- mixture_regression(yn ~ x + I(x^2), k = 2, variance = "varying")
  expect_flexmix_gaussian("yn", model, data, seq_len(nrow(data)))
})

test_that("the class is constant within clusters", {
  data <- reference_data("mixture_regression_npreg")
  model <- mixture_regression(yn ~ x + I(x^2), k = 2, level = "between", cluster = "id2", variance = "varying")
  expect_flexmix_gaussian("yn_id2", model, data, data$id2)
})

test_that("poisson regression", {
  data <- reference_data("mixture_regression_npreg")
  expect_published(
    "mixture_regression_npreg", "yp", mixture_regression(yp ~ x, k = 2, family = poisson()), data, log_tolerance = 1e-4
  )
})
