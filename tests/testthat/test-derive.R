# derive() and the delta method.

test_that("quantities and errors match closed forms", {
  fit <- chain_fit()
  e <- estimates(fit)
  a <- e[e$name == "u1~1[c1=1]", ]
  b <- e[e$name == "u1~1[c1=2]", ]
  shift <- 2
  d <- derive(fit, odds = exp(`u1~1[c1=1]`), square = `u1~1[c1=1]`^2 + shift, `u1~1[c1=1]` - `u1~1[c1=2]`)
  expect_equal(d$estimate, c(exp(a$estimate), a$estimate^2 + 2, a$estimate - b$estimate))
  v <- vcov(fit)[c(a$name, b$name), c(a$name, b$name)]
  expect_equal(d$std.error, c(exp(a$estimate) * a$std.error, abs(2 * a$estimate) * a$std.error,
    sqrt(v[1, 1] + v[2, 2] - 2 * v[1, 2])), tolerance = 1e-7)
  expect_equal(d$name[3], "`u1~1[c1=1]` - `u1~1[c1=2]`")
  expect_equal(sqrt(diag(attr(d, "vcov"))), setNames(d$std.error, d$name))
})

test_that("numeric derivatives agree with numDeriv and stay inside bounds", {
  f <- function(t) c(exp(t[1]) * t[2], log(t[3]))
  theta <- c(0.3, -2, 1e-3)
  bounds <- data.frame(lower = c(NA, NA, 0), upper = NA_real_)
  expect_equal(numeric_jacobian(f, theta, 1:3, bounds), numDeriv::jacobian(f, theta), tolerance = 1e-3)
  expect_equal(numeric_jacobian(f, c(0.3, -2, 1), 1:3, bounds), numDeriv::jacobian(f, c(0.3, -2, 1)), tolerance = 1e-8)
})

test_that("what depends only on parameters at the boundary has no standard error", {
  fit <- carcinoma_fit(3)
  name <- fit$parameters$name[fit$parameters$status == "boundary"][1]
  d <- derive(fit, p = plogis(.data[[name]]))
  expect_true(is.na(d$std.error))
})

test_that("errors in words", {
  fit <- carcinoma_fit(2)
  expect_snapshot(error = TRUE, {
    derive(fit)
    derive(fit, x = `B~1[c=9]`)
    derive(fit, x = "a")
    derive(fit, x = log(-1))
  })
})
