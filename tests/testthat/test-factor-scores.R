# Factor scores and random effects.

test_that("models without them say so", {
  expect_snapshot(error = TRUE, {
    factor_scores(carcinoma_fit(2))
    random_effects(carcinoma_fit(2))
  })
})

test_that("scores have a row per unit, random effects a row per cluster", {
  scores <- factor_scores(factor_fit())
  expect_equal(nrow(scores), 1000)
  expect_named(scores, c("row", "f", "f.se"))
  effects <- random_effects(regression_fit())
  expect_equal(effects$id, unique(regression_data()$id))
  expect_named(effects, c("id", "y@id", "y@id.se"))
})

test_that("scores equal the posterior mean by numeric integration", {
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

test_that("random intercepts of a linear mixed model are its best linear predictions", {
  data <- regression_data()
  fit <- mlmix(mixture_model(outcome(y ~ 1 + (1 | id))), data, starts = 1, seed = 1, threads = 1)
  theta <- coef(fit)
  size <- 6
  means <- tapply(data$y, factor(data$id, unique(data$id)), mean)
  between <- theta[["y@id~~y@id"]]
  shrinkage <- between / (between + theta[["y~~y"]] / size)
  effects <- random_effects(fit)
  expect_equal(effects$`y@id`, as.numeric(shrinkage * (means - theta[["y~1"]])), tolerance = 1e-6)
  expect_equal(effects$`y@id.se`, rep(sqrt(between * (1 - shrinkage)), 40), tolerance = 1e-6)
})

test_that("persons of stacked items have random effects, rows left out have no score", {
  fit <- remember("gom persons", mlmix(gom(item1:item5, k = 2), lsat[seq(1, 1000, 5), ], starts = 1, seed = 1, threads = 1))
  effects <- random_effects(fit)
  expect_equal(nrow(effects), 200)
  expect_named(effects, c("person", "c#1@person", "c#1@person.se"))
  holes <- lsat[seq(1, 1000, 5), ]
  holes[3, ] <- NA
  fit <- suppressMessages(mlmix(irt(item1:item5, type = "1pl"), holes, starts = 1, seed = 1, threads = 1))
  scores <- factor_scores(fit)
  expect_equal(which(is.na(scores$f)), 3)
  expect_equal(nrow(scores), 200)
  expect_equal(augment(fit, holes)$.score_f, scores$f)
})
