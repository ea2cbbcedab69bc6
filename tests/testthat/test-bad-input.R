# Bad input through mlmix(): messages name the argument or variable, show what was given and say what is accepted.

fit_quickly <- function(...) mlmix(..., starts = c(4, 2), seed = 1, threads = 1)

unit_data <- function() {
  data <- carcinoma
  data$constant <- 1
  data$list <- as.list(seq_len(118))
  data$infinite <- c(Inf, seq_len(117))
  data$age <- c(NA, NA, seq_len(116) / 10)
  data$group <- factor(rep_len(c("a", "b"), 118), levels = c("a", "b", "z"))
  data
}

cluster_data <- function() {
  data <- regression_data()
  data$wave <- rep(1:8, 30)
  data$size <- as.numeric(factor(data$id))
  data$single <- seq_len(240)
  data$one <- "a"
  data$u <- as.numeric(data$y > 0)
  data
}

test_that("outcomes and covariates that cannot be used", {
  data <- unit_data()
  twice <- stats::setNames(data[c(1, 2, 3, 1)], c("A", "B", "C", "A"))
  expect_snapshot(error = TRUE, {
    fit_quickly(lca(c(A, B, constant), k = 2), data)
    fit_quickly(lca(c(A, B, nothing), k = 2), data)
    fit_quickly(lca(c(A, B, list), k = 2), data)
    fit_quickly(lca(c(A, B, C), k = 2), twice)
    fit_quickly(lca(c(A, B, C, A), k = 2), data)
    fit_quickly(lca(c(A, B, C), k = 2), data[0, ])
    fit_quickly(lpa(c(infinite, age), k = 2), data)
    fit_quickly(lca(c(A, B, C), k = 2, predictors = ~ infinite), data)
  })
})

test_that("classes that cannot be", {
  data <- unit_data()
  expect_snapshot(error = TRUE, {
    fit_quickly(lca(c(A, B, C), k = 2.5), data)
    fit_quickly(lca(c(A, B, C), k = 0), data)
    fit_quickly(lca(c(A, B, C), k = "two"), data)
    fit_quickly(mixture_model(latent_class("c", 2), outcome(c(A, B) ~ cl, family = bernoulli()),
      outcome(D ~ c, family = bernoulli())), data)
    fit_quickly(mixture_model(outcome(c(A, B) ~ class, family = bernoulli())), data)
  })
})

test_that("clusters that do not fit the model", {
  data <- cluster_data()
  expect_snapshot(error = TRUE, {
    fit_quickly(mixture_model(latent_class("d", 2, ~ x, level = "between"), outcome(y ~ d + (1 | id))), data)
    fit_quickly(mixture_model(outcome(y ~ x + (1 | id)), outcome(w ~ (1 | wave))), data)
    fit_quickly(mixture_model(outcome(y ~ x + (1 | id))), data, cluster = "wave")
    fit_quickly(mixture_model(outcome(y ~ size + (1 + size | id))), data)
    fit_quickly(mixture_model(outcome(y ~ x + (1 | one))), data)
  })
})

test_that("too many nodes are refused before anything is computed", {
  model <- mixture_model(latent_factor("f"), latent_factor("g"), latent_factor("h"), latent_factor("i"),
    outcome(c(A, B, C, D, E) ~ f + g + h + i, family = bernoulli()))
  expect_snapshot(error = TRUE, fit_quickly(model, carcinoma, integration = quadrature("rectangular", points = 60)))
})

test_that("more classes than the patterns allow are named as not identified", {
  expect_warning(
    fit <- suppressMessages(fit_quickly(lca(c(A, B), k = 3), carcinoma)), class = "mlmix_warning_identification"
  )
  expect_true("not identified" %in% fit$parameters$status)
  named <- unlist(lapply(Filter(function(w) w$kind == "identification", fit$warnings), `[[`, "parameters"))
  expect_setequal(named, fit$parameters$name[fit$parameters$status == "not identified"])
})

test_that("rows without a covariate are counted, posteriors keep the data's order", {
  data <- unit_data()[c(118:3, 1, 2), ]
  expect_message(
    fit <- suppressWarnings(fit_quickly(lca(c(A, B, C, D), k = 2, predictors = ~ age), data)),
    "2 rows are left out because a predictor is missing \\(`age`\\)"
  )
  p <- posterior(fit)
  expect_equal(p$row, 1:118)
  expect_equal(which(is.na(p$c)), 117:118)
  expect_equal(nobs(fit), 116)
  alone <- suppressWarnings(fit_quickly(lca(c(A, B, C, D), k = 2, predictors = ~ age), data[1:116, ]))
  expect_equal(p[1:116, ], posterior(alone))
})

test_that("levels that never occur are left out and said", {
  data <- unit_data()
  expect_message(suppressWarnings(fit_quickly(lca(c(A, B, group), k = 2), data)), "`group`: levels that never occur")
  expect_message(
    fit <- suppressWarnings(fit_quickly(lca(c(A, B, C, D), k = 2, predictors = ~ group), data)),
    "`group`: levels that never occur are left out \\(z\\)"
  )
  expect_equal(grep("group", fit$parameters$name, value = TRUE), "c#1~groupb")
})

test_that("clusters of one unit: a random intercept is not identified where units show one outcome in one distribution", {
  data <- cluster_data()
  expect_warning(
    fit <- fit_quickly(mixture_model(outcome(y ~ x + (1 | single))), data), class = "mlmix_warning_identification"
  )
  expect_true(all(c("y~~y", "y@single~~y@single") %in% fit$parameters$name[fit$parameters$status == "not identified"]))
  binary <- suppressWarnings(fit_quickly(mixture_model(outcome(u ~ x + (1 | single), family = bernoulli())), data))
  expect_true(is.finite(logLik(binary)))
  # a proportion does not tell an intercept from the variance that flattens it: scores say so where curvature is rounding
  single <- data.frame(u = rep(0:1, c(30, 70)), id = 1:100)
  for (se in c("robust", "observed")) {
    flat <- suppressMessages(suppressWarnings(mlmix(
      mixture_model(outcome(u ~ 1 + (1 | id), family = bernoulli())), single, se = se, threads = 1
    )))
    expect_equal(flat$parameters$status, rep("not identified", 2))
    expect_true(all(is.na(diag(vcov(flat)))))
  }
})
