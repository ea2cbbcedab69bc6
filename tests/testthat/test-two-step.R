# two_step(): against the likelihood by hand with the measurement fixed, one-step fits, and simulated truth.

test_that("a predictor of classes: estimates, errors and their correction by hand", {
  skip_if_not_installed("numDeriv")
  data <- step_data()
  fit <- step_fit()
  result <- two_step(fit, c ~ x, data, seed = 1, threads = 1)
  theta <- stats::setNames(fit$parameters$estimate, fit$parameters$name)
  u <- as.matrix(data[paste0("u", 1:6)])
  items <- c(paste0("u", 1:6, "~1[c=1]"), paste0("u", 1:6, "~1[c=2]"))
  units <- function(b, p = theta[items]) {
    like <- sapply(1:2, function(k) {
      q <- stats::plogis(p[(k - 1) * 6 + 1:6])
      exp(u %*% log(q) + (1 - u) %*% log(1 - q))
    })
    size <- stats::plogis(b[1] + b[2] * data$x)
    log(size * like[, 1] + (1 - size) * like[, 2])
  }
  control <- list(fnscale = -1, reltol = 1e-14)
  best <- stats::optim(c(0, 0), function(b) sum(units(b)), method = "BFGS", control = control)
  expect_equal(unname(coef(result)), best$par, tolerance = 1e-4)
  bread <- solve(numDeriv::hessian(function(b) sum(units(b)), best$par))
  vcov <- bread %*% crossprod(numDeriv::jacobian(units, best$par)) %*% bread
  expect_equal(unname(result$vcov_uncorrected), vcov, tolerance = 1e-3)
  cross <- numDeriv::jacobian(function(p) numDeriv::grad(function(b) sum(units(b, p)), best$par), theta[items])
  added <- bread %*% cross %*% fit$vcov[items, items] %*% t(cross) %*% bread
  expect_equal(unname(vcov(result)), vcov + added, tolerance = 0.01)
  expect_equal(unname(stats::coef(result$fit, fixed = TRUE)[items]), unname(theta[items]))
  expect_equal(vcov(two_step(fit, c ~ x, data, seed = 1, threads = 1, correct = FALSE)), result$vcov_uncorrected,
    tolerance = 1e-4)
})

test_that("with an outcome it stands between three steps and one", {
  data <- step_data()
  items <- outcome(u1:u6 ~ c, family = bernoulli())
  model <- mixture_model(latent_class("c", 2, ~ x), items, outcome(y ~ c, variance = ~ c))
  one <- order_classes(mlmix(model, data, starts = c(4, 2), seed = 1, threads = 1), "u1")
  two <- two_step(step_fit(), list(c ~ x, y ~ c), data, seed = 1)
  three <- three_step(step_fit(), list(c ~ x, y ~ c), data, seed = 1)
  names <- names(coef(two))
  se <- sqrt(diag(vcov(one)[names, names]))
  expect_lt(max(abs(coef(two) - coef(one)[names]) / se), 1)
  expect_lt(max(abs(coef(two) - coef(three)[names]) / se), 1)
  expect_true(all(sqrt(diag(vcov(two))) > 0.85 * se))
  expect_equal(two$tests$df, c(1, 1))
  expect_equal(two$means$estimate, unname(coef(two)[c("y~1[c=1]", "y~1[c=2]")]))
})

test_that("classes of units in clusters with a random logit, as in one step", {
  data <- withr::with_seed(12, {
    id <- rep(seq_len(40), each = 8)
    b <- stats::rnorm(40)
    x <- stats::rnorm(320)
    class <- 1 + (stats::runif(320) < stats::plogis(-0.5 - b[id] - x))
    item <- function() stats::rbinom(320, 1, c(0.9, 0.15)[class])
    data.frame(id, x, u1 = item(), u2 = item(), u3 = item(), u4 = item())
  })
  outcomes <- outcome(u1:u4 ~ c, family = bernoulli())
  fit <- function(formula) {
    mlmix(mixture_model(latent_class("c", 2, formula), outcomes), data, starts = c(2, 1), seed = 1, threads = 1)
  }
  first <- order_classes(fit(~ (1 | id)), "u1")
  one <- order_classes(fit(~ x + (1 | id)), "u1")
  two <- two_step(first, c ~ x + (1 | id), data, starts = 2, seed = 1, threads = 1)
  names <- c("c#1~1", "c#1~x", "c#1@id~~c#1@id")
  expect_setequal(names(coef(two)), names)
  expect_lt(max(abs(coef(two)[names] - coef(one)[names]) / sqrt(diag(vcov(one)[names, names]))), 0.5)
  expect_true(all(diag(vcov(two)) >= diag(two$vcov_uncorrected)))
})

test_that("transitions with items equal over time; equal parameters keep their common value", {
  data <- withr::with_seed(3, {
    base <- as.data.frame(chain_fit()$data$columns)
    base$x <- stats::rnorm(300)
    base
  })
  fit <- invariant_lta_fit()
  two <- two_step(fit, spring ~ fall + x, data, seed = 1, threads = 1, starts = 3)
  all <- stats::coef(two$fit, fixed = TRUE)
  old <- stats::coef(fit)
  fixed <- setdiff(names(old), grep("#", names(old), value = TRUE))
  expect_equal(all[fixed], old[fixed])
  expect_setequal(names(coef(two)), c("fall#1~1", "spring#1~1[fall=1]", "spring#1~1[fall=2]", "spring#1~x"))
  se <- sqrt(diag(vcov(two)))[["spring#1~x"]]
  expect_lt(abs(coef(two)[["spring#1~x"]]) / se, 3)
  same <- two_step(fit, spring ~ fall, data, seed = 1, threads = 1, starts = 3)
  names <- names(coef(same))
  expect_equal(coef(same), old[names], tolerance = 1e-3)
  # The same model again: the corrected errors are those of the first step, whose information was the same.
  expect_equal(sqrt(diag(vcov(same))), sqrt(diag(vcov(fit)))[names], tolerance = 0.15)
})

test_that("between classes with outcomes of clusters and units, frequencies, weights", {
  data <- withr::with_seed(31, {
    id <- rep(1:80, each = 6)
    w <- stats::rnorm(80)
    d <- 1 + (stats::runif(80) < stats::plogis(w))
    v <- stats::rnorm(80, c(0, 2)[d])
    data.frame(id, w = w[id], v = v[id], d = d[id], u1 = stats::rbinom(480, 1, c(0.8, 0.3)[d][id]),
      u2 = stats::rbinom(480, 1, c(0.7, 0.2)[d][id]), y = stats::rnorm(480, c(0, 1)[d][id]))
  })
  items <- outcome(c(u1, u2) ~ d, family = bernoulli())
  model <- mixture_model(latent_class("d", 2, level = "between"), items, cluster = "id")
  fit <- order_classes(mlmix(model, data, starts = c(6, 3), seed = 1, threads = 1), "u1")
  two <- two_step(fit, list(d ~ w, v ~ d, y ~ d), data, seed = 1, starts = 3, threads = 1)
  expect_equal(unique(two$estimates$level[two$estimates$target == "v"]), "between")
  expect_equal(two$means$estimate[two$means$outcome == "y"], c(0, 1), tolerance = 0.3)
  data <- step_data(200, 9)
  data$f <- rep(c(1, 3), 100)
  quiet <- function(...) suppressWarnings(mlmix(lca(u1:u6, k = 2), ..., starts = c(4, 2), seed = 1, threads = 1))
  long <- data[rep(1:200, data$f), ]
  a <- two_step(order_classes(quiet(data, frequency = f), "u1"), list(c ~ x, y ~ c), data, seed = 1)
  b <- two_step(order_classes(quiet(long), "u1"), list(c ~ x, y ~ c), long, seed = 1)
  w <- two_step(order_classes(quiet(data, weights = f), "u1"), list(c ~ x, y ~ c), data, seed = 1, correct = FALSE)
  expect_equal(coef(a), coef(b), tolerance = 1e-4)
  expect_equal(vcov(a), vcov(b), tolerance = 5e-3)
  expect_equal(coef(w), coef(b), tolerance = 1e-4)
})

test_that("stacked items: a predictor of memberships", {
  data <- transform(carcinoma, x = rep(c(-1, 1), 59))
  model <- gom(c(A, B, C, D), k = 2, random = "factor")
  fit <- suppressWarnings(mlmix(model, data, starts = c(2, 1), seed = 1, threads = 1))
  two <- two_step(fit, c ~ x + eta, data, starts = 1, seed = 1, threads = 1, correct = FALSE)
  expect_true("c#1~x" %in% names(coef(two)))
  expect_equal(nobs(two), 118)
})

test_that("constraints on structural parameters stay where they can", {
  data <- step_data(300, 7)
  model <- mixture_model(latent_class("c", 2), outcome(u1:u6 ~ c, family = bernoulli()),
    constrain(equal("u1~1[c=1]", "u2~1[c=1]"), fix("c#1~1" = 0)))
  fit <- mlmix(model, data, starts = c(4, 2), seed = 1, threads = 1)
  two <- two_step(fit, c ~ x, data, seed = 1, threads = 1)
  expect_equal(names(coef(two)), "c#1~x")
  all <- stats::coef(two$fit, fixed = TRUE)
  expect_equal(all[["u2~1[c=1]"]], stats::coef(fit)[["u1~1[c=1]"]])
  expect_message(two_step(fit, c ~ 0 + x, data, seed = 1, threads = 1), "dropped")
})

test_that("prints and messages", {
  data <- step_data(300, 7)
  fit <- step_fit(300, 7)
  result <- two_step(fit, list(c ~ x, y ~ c * x), data, seed = 1, threads = 1)
  expect_snapshot(print(result))
  expect_equal(tidy(result)$term, names(coef(result)))
  expect_snapshot(error = TRUE, {
    two_step(fit, u1 ~ c, data)
    two_step(fit, c ~ y + nothing, data)
    two_step(factor_fit(), c ~ x, lsat)
    two_step(fit, c ~ x, data[1:3, ])
  })
})
