# Factor scores and random effects.

test_that("models without them say so", {
  expect_snapshot(error = TRUE, {
    factor_scores(carcinoma_fit(2))
    random_effects(carcinoma_fit(2))
  })
})

test_that("scores have a row per unit, random effects a row per cluster", {
  skip_if(length(factor_fit()$latents) == 0, "the engine gives no scores")
  scores <- factor_scores(factor_fit())
  expect_equal(nrow(scores), 1000)
  expect_named(scores, c("row", "f", "f.se"))
  effects <- random_effects(regression_fit())
  expect_equal(effects$id, unique(regression_data()$id))
  expect_named(effects, c("id", "y@id", "y@id.se"))
})

test_that("scores equal the posterior mean by numeric integration", {
  skip_if(length(factor_fit()$latents) == 0, "the engine gives no scores")
  fit <- factor_fit()
  theta <- coef(fit, fixed = TRUE)
  y <- unlist(lsat[1, ])
  nu <- theta[paste0(names(y), "~1")]
  lambda <- theta[paste0(names(y), "~f")]
  weight <- function(f) vapply(f, function(one) dnorm(one) * prod(dbinom(y, 1, plogis(nu + lambda * one))), 0)
  area <- integrate(weight, -8, 8)$value
  mean <- integrate(function(f) f * weight(f), -8, 8)$value / area
  expect_equal(factor_scores(fit)$f[1], mean, tolerance = 1e-3)
})
