# More dimensions than a grid can have: scrambled Sobol points by default, the specification unchanged.

# Five factors behind three items each: uncorrelated, the likelihood is the product of five with one factor.
five_factors <- function(...) {
  factors <- lapply(1:5, function(k) {
    items <- paste0("u", 3 * k - 2:0)
    list(latent_factor(paste0("f", k)), outcome(stats::as.formula(sprintf("c(%s) ~ f%d", toString(items), k)),
      family = bernoulli()))
  })
  do.call(mixture_model, c(unlist(factors, recursive = FALSE), list(...)))
}

five_factor_data <- function() {
  set.seed(8)
  f <- matrix(stats::rnorm(200 * 5), 200)
  u <- vapply(1:15, function(i) as.numeric(1.2 * f[, (i + 2) %/% 3] + 0.4 * sin(i) + stats::rlogis(200) > 0), f[, 1])
  stats::setNames(as.data.frame(u), paste0("u", 1:15))
}

test_that("five dimensions agree with the product of five one-dimensional integrals", {
  data <- five_factor_data()[1:100, ]
  plan <- integration_plan(five_factors(), data)
  expect_equal(plan[c("method", "points", "n_nodes")], list(method = "sobol", points = 2000, n_nodes = 2000),
    ignore_attr = TRUE)
  truth <- c(rbind(0.4 * sin(1:15), 1.2))
  at <- function(model, values, integration) {
    resolved <- suppressMessages(resolve_model(model, data))
    options <- list(starts = 1, final_starts = 1, seed = 1, se = "none", quadrature = unclass(integration), threads = 2)
    table <- suppressMessages(parameters(model, data))
    all <- replace(table$value, table$free, values)
    raw_evaluate(resolved$spec, resolved$columns, resolved$cluster, options = engine_options(options),
      parameters = all)$log_likelihood
  }
  one <- function(k) {
    items <- paste0("u", 3 * k - 2:0)
    model <- mixture_model(latent_factor("f"), outcome(stats::as.formula(sprintf("c(%s) ~ f", toString(items))),
      family = bernoulli()))
    at(model, truth[6 * k - 5:0], quadrature("gauss_hermite", 61, FALSE))
  }
  exact <- sum(vapply(1:5, one, 0))
  expect_lt(abs(at(five_factors(), truth, quadrature()) - exact), 0.1)
})
