test_that("fma() and fma_gom() have their numbers of parameters", {
  data <- binary_data(paste0("u", 1:18))
  expect_equal(n_free(fma(u1:u18, 2), data), 55)
  expect_equal(n_free(fma(u1:u18, 2, loadings = "varying"), data), 73)
  expect_equal(n_free(fma(u1:u18, 2, factor_variance = "varying"), data), 56)
  expect_equal(n_free(fma_gom(u1:u18, 2), data), 56)
  expect_equal(n_free(fma_gom(u1:u18, 2, factor_variance = "varying"), data), 57)
  expect_equal(n_free(fma(u1:u18, 2, factors = 2), data), 55 + 17)
  expect_equal(n_free(fma(u1:u18, 2, factors = 2, loadings = "varying"), data), 37 + 2 * (18 + 17))
  two <- list(a = paste0("u", 1:9), b = paste0("u", 10:18))
  expect_equal(n_free(fma(u1:u18, 2, factors = two), data), 55 + 1)
  expect_equal(n_free(fma_gom(u1:u18, 3, factors = two, factor_variance = "varying"), data), 54 + 2 + 3 + 18 + 1 + 4)
  varying <- fma(u1:u4, 2, factors = list(a = u1:u2, b = u3:u4), loadings = "varying")
  expect_true("u3~b[c=2]" %in% free_names(varying, data))
  expect_snapshot(error = TRUE, fma(u1:u18, 2, loadings = "varying", factor_variance = "varying"))
})

# Log-likelihood of a model at its table's values with free parameters replaced by `given`.
likelihood_at <- function(model, data, given, points = 81) {
  resolved <- suppressMessages(resolve_model(model, data))
  theta <- ifelse(resolved$parameters$free, given[resolved$parameters$name], resolved$parameters$value)
  options <- fit_options(1, 1, "none", quadrature("rectangular", points, adaptive = FALSE), 1, mlmix_control(), NULL)
  raw_evaluate(resolved$spec, resolved$columns, resolved$cluster, options = engine_options(options),
    parameters = theta)$log_likelihood
}

probit <- function(y, eta) stats::pnorm(ifelse(y == 1, 1, -1) * eta)

test_that("correlated factors and variances by class have the likelihood of their formulas", {
  data <- withr::with_seed(3, as.data.frame(matrix(stats::rbinom(24, 1, 0.5), 6)))
  names(data) <- paste0("u", 1:4)
  given <- c("u1~1[c=1]" = 0.5, "u2~1[c=1]" = -0.2, "u3~1[c=1]" = 0.8, "u4~1[c=1]" = 0, "u1~1[c=2]" = -0.5,
    "u2~1[c=2]" = 0.6, "u3~1[c=2]" = -1, "u4~1[c=2]" = 0.3, "c#1~1" = 0.4)
  nu <- rbind(given[1:4], given[5:8])
  z <- seq(-7, 7, length.out = 141)
  w <- stats::dnorm(z) * 0.1
  grid <- expand.grid(a = z, b = z)
  weight <- as.numeric(outer(w, w))
  loading <- c(0.9, 0.6, 0.8, 1.1)
  # two factors with correlation; the variance of the first is 2 in class 1
  named <- c(given, "u1~a" = 0.9, "u2~a" = 0.6, "u3~b" = 0.8, "u4~b" = 1.1, "a~~b" = 0.4, "a~~a[c=1]" = 2,
    "b~~b[c=1]" = 1)
  model <- fma(u1:u4, 2, factors = list(a = u1:u2, b = u3:u4), factor_variance = "varying")
  by_hand <- sum(log(apply(data, 1, function(y) {
    sum(vapply(1:2, function(c) {
      a <- grid$a * sqrt(c(2, 1)[[c]])
      b <- 0.4 / sqrt(c(2, 1)[[c]]) * grid$a + sqrt(1 - 0.16 / c(2, 1)[[c]]) * grid$b
      f <- cbind(a, a, b, b)
      given_class <- Reduce(`*`, lapply(1:4, function(p) probit(y[[p]], nu[c, p] + loading[[p]] * f[, p])))
      c(stats::plogis(0.4), stats::plogis(-0.4))[[c]] * sum(weight * given_class)
    }, 0))
  })))
  expect_equal(likelihood_at(model, data, named), by_hand, tolerance = 1e-6)
  # every response has its class; the person's factor counts 1.5 times in class 1
  named <- c(given, "u1~f" = 0.9, "u2~f" = 0.6, "u3~f" = 0.8, "u4~f" = 1.1, "f~theta[c=1]" = 1.5,
    "c#1@person~~c#1@person" = 2)
  by_hand <- sum(log(apply(data, 1, function(y) {
    g <- stats::plogis(0.4 + sqrt(2) * grid$a)
    sum(weight * Reduce(`*`, lapply(1:4, function(p) {
      g * probit(y[[p]], nu[1, p] + 1.5 * loading[[p]] * grid$b) +
        (1 - g) * probit(y[[p]], nu[2, p] + loading[[p]] * grid$b)
    })))
  })))
  model <- fma_gom(u1:u4, 2, factor_variance = "varying")
  expect_equal(likelihood_at(model, data, named), by_hand, tolerance = 1e-6)
  expect_equal(nrow(integration_plan(model, data)$dimensions), 2)
})

test_that("factors that cannot be are refused", {
  expect_snapshot(error = TRUE, {
    fma(u1:u5, 2, factors = list(u1:u2))
    fma(u1:u5, 2, factors = list(a = u6))
    fma(u1:u5, 2, factors = 5)
    fma(u1:u5, 2, factors = "a")
  })
})

test_that("a class variance that runs off has the log-likelihood of its formula, which the classes of fma() bound below", {
  # every person is of one class
  data <- withr::with_seed(5, {
    nu <- rbind(rep(1.4, 6), rep(-1.2, 6))[sample(2, 800, replace = TRUE), ]
    as.data.frame(+(nu + 0.8 * stats::rnorm(800) + matrix(stats::rnorm(4800), 800) > 0))
  })
  names(data) <- paste0("u", 1:6)
  fit <- suppressWarnings(mlmix(fma_gom(u1:u6, k = 2), data, starts = c(20, 5), seed = 2, se = "none"))
  b <- coef(fit)
  sigma <- sqrt(b[["c#1@person~~c#1@person"]])
  expect_gt(sigma, 30)
  # P(c = 1) = plogis(alpha + sigma z): nodes in the logit where it is between 0 and 1, normal probabilities beyond
  alpha <- b[["c#1~1"]]
  logit <- seq(-37, 37, by = 0.05)
  inner <- stats::dnorm((logit - alpha) / sigma) / sigma * 0.05
  g <- c(0, 1, stats::plogis(logit))
  w <- c(stats::pnorm((-37 - alpha) / sigma), stats::pnorm((37 - alpha) / sigma, lower.tail = FALSE), inner)
  f <- seq(-7, 7, length.out = 141)
  patterns <- as.data.frame(table(data), stringsAsFactors = FALSE)
  patterns <- patterns[patterns$Freq > 0, ]
  by_hand <- sum(patterns$Freq * log(apply(patterns[1:6], 1, function(y) {
    given <- Reduce(`*`, lapply(1:6, function(p) {
      eta <- b[[sprintf("u%d~f", p)]] * f
      of_class <- function(c) probit(as.integer(y[[p]]), b[[sprintf("u%d~1[c=%d]", p, c)]] + eta)
      outer(g, of_class(1)) + outer(1 - g, of_class(2))
    }))
    sum(w %*% given * stats::dnorm(f) * 0.1)
  })))
  expect_equal(as.numeric(logLik(fit)), by_hand, tolerance = 5e-3 / abs(by_hand))
  # the limit of infinite variance
  v <- b[parameters(fma(u1:u6, k = 2), data)$name]
  v[["c#1~1"]] <- stats::qlogis(stats::pnorm(alpha / sigma))
  names(v) <- NULL
  v[is.na(v)] <- 1
  limit <- mlmix(fma(u1:u6, k = 2), data, starts = 1, se = "none", control = mlmix_control(start_values = v))
  expect_gt(as.numeric(logLik(fit)), as.numeric(logLik(limit)) - 0.005)
})
