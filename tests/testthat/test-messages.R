# What the package says where a reader would otherwise wonder.

test_that("0/1 items without a family: a message, once for all of them, that a family or suppressMessages() silences", {
  model <- function(...) mixture_model(latent_class("c", 2), outcome(c(A, B, C) ~ c, ...))
  said <- testthat::capture_messages(parameters(model(), carcinoma))
  expect_length(said, 1)
  expect_match(said, "gaussian")
  expect_message(parameters(model(), carcinoma), class = "mlmix_message_family")
  expect_no_message(parameters(model(family = gaussian()), carcinoma))
  expect_no_message(parameters(model(family = bernoulli()), carcinoma))
  expect_no_message(parameters(model(), carcinoma + 1))
  expect_message(parameters(growth_mixture(A ~ B + (1 | G), k = 2), carcinoma), class = "mlmix_message_family")
  expect_no_message(parameters(mixture_regression(A ~ B, k = 2, family = gaussian()), carcinoma))
})

test_that("data that are yet to be drawn suggest nothing", {
  model <- mixture_model(outcome(c(y1, y2) ~ 1))
  expect_no_message(simulate_data(model, c("y1~1" = 0, "y2~1" = 0, "y1~~y1" = 1, "y2~~y2" = 1), n = 10, seed = 1))
})

test_that("argument names are not guessed", {
  expect_snapshot(error = TRUE, {
    growth_mixture(y ~ t + (1 | id), 2, variance = "varying")
    lpa(y1:y5, 2, variance = "varying")
  })
  expect_s3_class(do.call(lpa, list(c("y1", "y2"), k = 2, variances = "equal")), "mlmix_model")
})

test_that("hints: known classes, factors that are not declared, inequalities", {
  data <- transform(carcinoma, k0 = rep(c(0, 1, NA), c(10, 10, 98)))
  items <- outcome(c(A, B, C, D) ~ c, family = bernoulli())
  expect_snapshot(error = TRUE, {
    latent_class("c", 2, known = k0)
    parameters(mixture_model(latent_class("c", 2, known = "k0"), items), data)
    parameters(mixture_model(outcome(c(A, B, C) ~ theta, family = bernoulli())), data)
    constrain(linear("A~1[c=1] >= B~1[c=1]"))
  })
})

equal_fit <- function() {
  remember("equal", mlmix(mixture_model(latent_class("c", 2), outcome(c(A, B, C, D) ~ c, family = bernoulli()),
    constrain(equal("A~1[c=1]", "B~1[c=1]"), fix("C~1[c=1]" = NA), fix("D~1[c=1]" = -2))), carcinoma, starts = c(3, 1),
    seed = 1, threads = 1))
}

test_that("names that equal() took away are understood, and shown", {
  fit <- equal_fit()
  expect_equal(fit$data$merged, c("B~1[c=1]" = "A~1[c=1]"))
  expect_equal(derive(fit, b = `B~1[c=1]`)$estimate, coef(fit)[["A~1[c=1]"]])
  expect_equal(wald_test(fit, "B~1[c=1] = 0")$statistic, wald_test(fit, "A~1[c=1] = 0")$statistic)
  expect_equal(confint(fit, "B~1[c=1]"), confint(fit, "A~1[c=1]"))
  expect_output(print(fit$model), "freed: C~1[c=1]", fixed = TRUE)
  expect_output(print(parameters(fit$model, carcinoma)), "Equal: B~1[c=1] as A~1[c=1].", fixed = TRUE)
  expect_output(print(summary(fit)), "Equal parameters: B~1[c=1] as A~1[c=1].", fixed = TRUE)
})

test_that("what is fixed, held at a boundary or without errors says so", {
  fit <- equal_fit()
  found <- derive(fit, a = `A~1[c=1]`, c = `C~1[c=1]`, d = `D~1[c=1]`)
  expect_equal(found$status, c("free", "boundary", "fixed"))
  expect_output(print(found), "boundary")
  test <- wald_test(fit, "A~1[c=1] = 0", "D~1[c=1] = -2")
  expect_true(is.na(test$p.value))
  expect_match(test$notes, "no free parameter")
  expect_output(print(test), "Nothing to test")
  none <- fit
  none["vcov"] <- list(NULL)
  expect_match(derive(none, a = `A~1[c=1]`)$status, "none")
})

test_that("data that cannot say what is asked: clusters of one, predictors far from 0, nothing observed", {
  model <- multilevel_lca(c(A, B, C), 2, cluster = "g", random = TRUE)
  expect_message(parameters(model, transform(carcinoma, g = seq_along(A))), "one row only")
  expect_no_message(parameters(model, transform(carcinoma, g = rep(1:59, 2))))
  data <- data.frame(y = stats::rnorm(42), year = rep(2000:2020, 2), age = rep(20:61))
  expect_message(parameters(mixture_regression(y ~ year, k = 2), data), "I(year - 2010)", fixed = TRUE)
  expect_no_message(parameters(mixture_regression(y ~ I(year - 2010) + age, k = 2), data))
  expect_message(parameters(mixture_regression(y ~ age, k = 2), transform(data, age = 30)), "one value only")
  expect_error(parameters(lca(c(A, B, C), 2), transform(carcinoma, A = NA)), "no value that is not missing")
})
