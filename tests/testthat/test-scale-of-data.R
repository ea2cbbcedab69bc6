# Incomes in cents or in millions: a fit must not depend on the units of its data. (Checked against itself, which is
# the point: every number has to follow by its power of the factors.)

scaled_fit <- function(y_factor, x_factor) {
  d <- withr::with_seed(1, {
    d <- data.frame(g = rep(1:30, each = 6), x = rnorm(180))
    d$y <- 2 * rbinom(180, 1, 0.4) + 0.5 * d$x + rnorm(30)[d$g] * 0.5 + rnorm(180) * 0.7
    d
  })
  d$y <- d$y * y_factor
  d$x <- d$x * x_factor
  model <- mixture_model(latent_class("c", 2, ~x), outcome(y ~ c + x + (1 | g)))
  mlmix(model, d, starts = c(4, 2), seed = 1, progress = FALSE)
}

test_that("units of outcomes and covariates change nothing but units", {
  base <- scaled_fit(1, 1)
  table <- estimates(base)
  expect_false(anyNA(table$std.error))
  for (factors in list(c(1e8, 1e-6), c(1e-6, 1e5))) {
    fit <- expect_silent(scaled_fit(factors[1], factors[2]))
    expect_equal(fit$log_likelihood, base$log_likelihood - 180 * log(factors[1]), tolerance = 1e-9)
    power_y <- ifelse(grepl("~~", table$name), 2, ifelse(grepl("^y~", table$name), 1, 0))
    power_x <- ifelse(grepl("~x", table$name), -1, 0)
    expect_identical(sum(power_x), -2)
    factor <- factors[1]^power_y * factors[2]^power_x
    expect_equal(estimates(fit)$estimate / factor, table$estimate, tolerance = 1e-6)
    expect_equal(estimates(fit)$std.error / factor, table$std.error, tolerance = 1e-5)
    expect_equal(posterior(fit), posterior(base), tolerance = 1e-6)
  }
})
