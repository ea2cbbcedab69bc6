# Normal priors: against an independent penalised likelihood written out here, and what the verbs say about them.

prior_data <- local({
  set.seed(4)
  data.frame(x = rnorm(60), y = rbinom(60, 1, 0.3))
})

test_that("a logistic regression with a prior has the penalised estimates, errors and log-likelihood", {
  model <- mixture_model(outcome(y ~ x, family = bernoulli()), constrain(prior("y~x" = c(1, 0.4))))
  x <- cbind(1, prior_data$x)
  y <- prior_data$y
  log_likelihood <- function(b) sum(dbinom(y, 1, plogis(x %*% b), log = TRUE))
  penalised <- function(b) log_likelihood(b) + dnorm(b[[2]], 1, 0.4, log = TRUE)
  best <- optim(c(0, 0), function(b) -penalised(b), method = "BFGS", control = list(reltol = 1e-14))$par
  p <- as.vector(plogis(x %*% best))
  precision <- diag(c(0, 1 / 0.4^2))
  information <- crossprod(x, x * (p * (1 - p))) + precision
  scores <- x * (y - p)
  bread <- solve(information)
  for (se in c("observed", "robust", "opg")) {
    fit <- mlmix(model, prior_data, se = se, starts = 1, seed = 1)
    truth <- switch(se, observed = bread, robust = bread %*% (crossprod(scores) + precision) %*% bread,
      opg = solve(crossprod(scores) + precision))
    expect_equal(unname(coef(fit)), best, tolerance = 1e-5)
    expect_equal(unname(vcov(fit)), truth, tolerance = 1e-4)
  }
  expect_equal(fit$log_likelihood, log_likelihood(best), tolerance = 1e-8)
  expect_equal(glance(fit)$log_prior, dnorm(best[[2]], 1, 0.4, log = TRUE), tolerance = 1e-4)
  expect_true(max(abs(fit$gradient)) < 1e-4)
})

test_that("the 3PL with a prior on guessing maximises the penalised likelihood", {
  set.seed(9)
  theta <- rnorm(1000)
  b <- c(-1, -0.5, 0, 0.5)
  answers <- as.data.frame(sapply(b, function(b) rbinom(1000, 1, 0.2 + 0.8 * plogis(1.5 * (theta - b)))))
  names(answers) <- paste0("u", 1:4)
  prior <- c(qlogis(0.2), 0.5)
  fit <- mlmix(irt(u1:u4, "3pl", guessing_prior = prior), answers, starts = 1, seed = 1, se = "observed")
  # an independent one: a fine grid, g + (1 - g) F(slope theta + intercept)
  node <- seq(-6, 6, length.out = 201)
  weight <- dnorm(node) / sum(dnorm(node))
  patterns <- aggregate(list(n = rep(1, 1000)), answers, sum)
  log_likelihood <- function(v) {
    density <- lapply(1:4, function(i) {
      right <- plogis(v[[i]]) + plogis(-v[[i]]) * plogis(v[[4 + i]] + v[[8 + i]] * node)
      outer(patterns[[i]], right, function(u, p) ifelse(u == 1, p, 1 - p))
    })
    sum(patterns$n * log(Reduce(`*`, density) %*% weight))
  }
  penalised <- function(v) log_likelihood(v) + sum(dnorm(v[1:4], prior[[1]], prior[[2]], log = TRUE))
  ours <- coef(fit)[c(paste0("guess#1~itemu", 1:4), paste0("u", 1:4, "~1[guess=2]"), paste0("u", 1:4, "~f[guess=2]"))]
  expect_equal(fit$log_likelihood, log_likelihood(ours), tolerance = 1e-6)
  other <- optim(ours + 0.05, function(v) -penalised(v), method = "BFGS", control = list(reltol = 1e-13), hessian = TRUE)
  expect_equal(-other$value, fit$log_likelihood + fit$log_prior, tolerance = 1e-6)
  expect_equal(unname(other$par), unname(ours), tolerance = 0.01)
  expect_equal(sqrt(diag(solve(other$hessian))), sqrt(diag(vcov(fit)))[names(ours)], tolerance = 0.02,
    ignore_attr = TRUE)
  free <- suppressWarnings(mlmix(irt(u1:u4, "3pl"), answers, starts = 3, seed = 1, se = "none"))
  expect_gte(free$log_likelihood, fit$log_likelihood - 1e-3)
  expect_output(print(fit), "normal, on 4 parameters: penalised")
  expect_no_match(capture_output(print(free)), "penalised")
  expect_true(is.na(glance(free)$log_prior))
})

test_that("a prior stays with its parameter", {
  data <- data.frame(y = c(rnorm(30), rnorm(30, 3)))
  model <- mixture_model(latent_class("c", 2), outcome(y ~ c), constrain(prior("y~1[c=1]" = c(0, 1))))
  p <- parameters(model, data)
  expect_equal(p$prior_sd[p$name == "y~1[c=1]"], 1)
  expect_equal(sum(!is.na(p$prior_sd)), 1)
  fit <- mlmix(model, data, starts = c(4, 1), seed = 1)
  expect_error(order_classes(fit, by = "size", decreasing = class_sizes(fit)$proportion[[1]] < 0.5), "prior", class = "mlmix_error_spec")
  expect_error(vlmr(fit), "priors", class = "mlmix_error_spec")
  expect_error(anova(fit, fit), "priors", class = "mlmix_error_spec")
  both <- mixture_model(latent_class("c", 2), outcome(y ~ c), constrain(prior("y~1*" = c(0, 1))))
  same <- mlmix(both, data, starts = c(4, 1), seed = 1)
  turned <- order_classes(same, by = "size", decreasing = class_sizes(same)$proportion[[1]] < 0.5)
  expect_equal(turned$log_prior, same$log_prior)
  fixed <- mixture_model(latent_class("c", 2), outcome(y ~ c),
    constrain(prior("y~1*" = c(0, 1)), fix("y~1[c=1]" = 2)))
  p <- parameters(fixed, data)
  expect_true(is.na(p$prior_sd[p$name == "y~1[c=1]"]))
})

test_that("the profile under a prior is that of the penalised likelihood", {
  model <- mixture_model(outcome(y ~ x, family = bernoulli()), constrain(prior("y~x" = c(1, 0.4))))
  fit <- mlmix(model, prior_data, se = "observed", starts = 1, seed = 1)
  limits <- confint(fit, "y~x", method = "profile")
  penalised <- function(slope, intercept) {
    p <- plogis(intercept + slope * prior_data$x)
    sum(dbinom(prior_data$y, 1, p, log = TRUE)) + dnorm(slope, 1, 0.4, log = TRUE)
  }
  profile <- function(slope) optimize(function(a) penalised(slope, a), c(-5, 5), maximum = TRUE, tol = 1e-10)$objective
  top <- optimize(profile, c(-2, 3), maximum = TRUE, tol = 1e-10)
  limit <- function(range) {
    uniroot(function(s) 2 * (top$objective - profile(s)) - qchisq(0.95, 1), range, tol = 1e-8)$root
  }
  expect_equal(unname(limits[1, ]), c(limit(c(-3, top$maximum)), limit(c(top$maximum, 4))), tolerance = 1e-3)
})

test_that("impossible priors are refused", {
  data <- data.frame(y = rnorm(20))
  model <- function(...) mixture_model(outcome(y ~ 1), constrain(...))
  expect_snapshot(error = TRUE, parameters(model(prior("y~~y" = c(1, 1))), data))
  expect_snapshot(error = TRUE, constrain(prior("y~1" = c(1, 0))))
  expect_snapshot(error = TRUE, constrain(prior("y~1" = 1)))
  expect_snapshot(error = TRUE, parameters(model(fix("y~1" = 0), prior("y~1" = c(0, 1))), data))
  expect_snapshot(error = TRUE, irt(u1:u5, "2pl", guessing_prior = c(0, 1)))
  expect_snapshot(error = TRUE, irt(u1:u5, "3pl", guessing_prior = 0.2))
  expect_snapshot(print(model(prior("y~1" = c(0, 2)))))
})
