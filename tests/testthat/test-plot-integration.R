# Log-likelihoods under other rules of integration, against numerical integration in R.

# Marginal log-likelihood of the 2PL by stats::integrate() over response patterns.
two_pl_by_integrate <- function(fit) {
  items <- paste0("item", 1:5)
  data <- lsat[items]
  weight <- if (is.null(lsat$frequency)) rep(1, nrow(data)) else lsat$frequency
  keys <- do.call(paste, data)
  first <- !duplicated(keys)
  intercept <- estimate_of(fit, paste0(items, "~1"))
  loading <- estimate_of(fit, paste0(items, "~f"))
  log_p <- vapply(which(first), function(i) {
    y <- as.numeric(unlist(data[i, ]))
    log(stats::integrate(function(f) {
      vapply(f, function(z) prod(stats::plogis((2 * y - 1) * (intercept + loading * z))) * stats::dnorm(z), 0)
    }, -Inf, Inf, rel.tol = 1e-10)$value)
  }, 0)
  sum(log_p * as.numeric(tapply(weight, factor(keys, keys[first]), sum)))
}

test_that("the log-likelihood tends to the integral and the rule of the fit gives the fit's", {
  fit <- factor_fit()
  d <- plot_data(fit, "integration")
  expect_equal(d$log_likelihood[d$used], fit$log_likelihood, tolerance = 1e-10)
  expect_equal(d$log_likelihood[which.max(d$points)], two_pl_by_integrate(fit), tolerance = 1e-8)
  few <- plot_data(fit, "integration", points = c(3, 41), methods = c("rectangular", "gauss_hermite"),
    adaptive = c(TRUE, FALSE))
  expect_equal(nrow(few), 8)
  expect_equal(few$log_likelihood[few$points == 41], rep(two_pl_by_integrate(fit), 4), tolerance = 1e-7)
  expect_gt(max(abs(few$log_likelihood[few$points == 3] - fit$log_likelihood)), 0.1)
})

test_that("the default keeps to about four times the nodes", {
  used <- list(points = 15L, method = "rectangular")
  expect_lte(max(check_points(NULL, used, 2, NULL))^2, 4.3 * 15^2)
  expect_true(15L %in% check_points(NULL, used, 3, NULL))
})

test_that("a rule that cannot be used is kept with its reason", {
  fit <- factor_fit()
  fit$options$quadrature$max_nodes <- 20
  d <- plot_data(fit, "integration", points = c(9, 31))
  expect_equal(is.na(d$log_likelihood), c(FALSE, TRUE))
  expect_match(d$reason[[2]], "node")
  skip_if_not_installed("ggplot2")
  expect_match(drawn(plot_integration(d, 0.95))$labels$subtitle, "1 rule could not be used")
})

test_that("bad options are refused in words", {
  expect_snapshot(error = TRUE, {
    plot_data(factor_fit(), "integration", points = 1)
    plot_data(factor_fit(), "integration", methods = "simpson")
    plot_data(factor_fit(), "integration", adaptive = NA)
    plot_data(growth_fit(), "integration")
  })
})
