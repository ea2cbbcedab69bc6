test_that("a formula becomes products, random parts and targets", {
  equation <- parse_equation(y ~ x * z + I(x^2) + (1 + x | id), "formula")
  expect_equal(equation$lhs, "y")
  expect_true(equation$intercept)
  expect_equal(equation$terms, list("x", "z", c("x", "z"), "I(x^2)"), ignore_attr = TRUE)
  expect_length(equation$random, 1)
  expect_equal(equation$random[[1]]$group, "id")
  expect_true(equation$random[[1]]$correlated)
  expect_true(equation$random[[1]]$intercept)
  expect_equal(equation$random[[1]]$terms, list("x"))
})

test_that("0 removes the intercept, || the correlation", {
  equation <- parse_equation(y ~ 0 + x + (0 + x || id), "formula")
  expect_false(equation$intercept)
  expect_false(equation$random[[1]]$correlated)
  expect_false(equation$random[[1]]$intercept)
  expect_false(parse_equation(y ~ x - 1, "formula")$intercept)
  expect_true(parse_equation(y ~ (1 | id), "formula")$intercept)
})

test_that("functions of variables are covariates of their own", {
  equation <- parse_equation(y ~ poly(x, 2) + log(z), "formula")
  expect_equal(names(equation$exprs), c("poly(x, 2)", "log(z)"))
})

test_that("what a formula cannot say is explained", {
  expect_snapshot(error = TRUE, {
    outcome("y ~ x")
    outcome(~x)
    latent_class("c", 2, y ~ x)
    outcome(y ~ x | id)
    outcome(y ~ x * (1 | id))
    outcome(y ~ (1 | school / room))
    outcome(y ~ (0 | id))
    outcome(y ~ x + offset(z))
    outcome(y ~ .)
    outcome(cbind(a, b, d) ~ x, family = binomial())
  })
})
