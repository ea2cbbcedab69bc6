# Expected tables of outcomes, against closed forms and integrals worked out here for each kind of model.

quiet <- function(expr) suppressMessages(suppressWarnings(expr))
small_fit <- function(...) quiet(mlmix(..., starts = c(3, 1), seed = 1, threads = 1, se = "none"))
estimate <- function(fit, name) stats::setNames(fit$parameters$estimate, fit$parameters$name)[[name]]
table_of <- function(fit, names, level = "within") {
  layout <- unit_layout(fit, level)
  outcome_table(fit, layout, match(names, names(layout$outcomes)), NULL)
}
# Means over a normal variable of standard deviation `sd`
over_normal <- function(f, sd) {
  integrate(Vectorize(function(z) f(sd * z) * dnorm(z)), -10, 10, rel.tol = 1e-10)$value
}

test_that("classes of items: mixtures of products", {
  fit <- carcinoma_fit(2)
  size <- fit$class_prob$c
  item <- function(u) plogis(c(estimate(fit, paste0(u, "~1[c=1]")), estimate(fit, paste0(u, "~1[c=2]"))))
  one <- table_of(fit, "B")
  expect_equal(as.vector(one$expected), 118 * c(sum(size * (1 - item("B"))), sum(size * item("B"))), tolerance = 1e-8)
  expect_equal(as.vector(one$observed), as.vector(table(carcinoma$B)))
  two <- table_of(fit, c("B", "E"))
  p <- outer(0:1, 0:1, Vectorize(function(b, e) {
    sum(size * dbinom(b, 1, item("B")) * dbinom(e, 1, item("E")))
  }))
  expect_equal(unname(two$expected), 118 * p, tolerance = 1e-8, ignore_attr = TRUE)
  expect_equal(unname(two$variance), 118 * p * (1 - p), tolerance = 1e-8, ignore_attr = TRUE)
  expect_equal(as.vector(two$observed), as.vector(table(carcinoma$B, carcinoma$E)))
})

test_that("covariates, missing values and weights: each unit has its own expectation", {
  data <- withr::with_seed(2, data.frame(x = rnorm(60), a = rbinom(60, 1, 0.4), b = rbinom(60, 1, 0.6),
    d = rbinom(60, 1, 0.5), w = runif(60, 0.5, 2)))
  data$a[1:7] <- NA
  fit <- small_fit(mixture_model(latent_class("c", 2, ~ x), outcome(c(a, b, d) ~ c, family = bernoulli())), data,
    weights = w)
  size <- plogis(estimate(fit, "c#1~1") + estimate(fit, "c#1~x") * data$x)
  item <- function(u, k) plogis(estimate(fit, sprintf("%s~1[c=%d]", u, k)))
  p <- size * item("a", 1) * item("b", 1) + (1 - size) * item("a", 2) * item("b", 2)
  w <- data$w * 60 / sum(data$w)
  used <- !is.na(data$a)
  table <- table_of(fit, c("a", "b"))
  expect_equal(table$expected[2, 2], sum((w * p)[used]), tolerance = 1e-8)
  expect_equal(table$observed[2, 2], sum((w * data$a * data$b)[used]), tolerance = 1e-10)
  expect_equal(table$n, sum(w[used]))
})

test_that("counts: the last category is open", {
  data <- withr::with_seed(3, data.frame(y = rpois(80, 1.5), z = rnbinom(80, mu = 3, size = 2), x = rnorm(80)))
  fit <- small_fit(mixture_model(outcome(y ~ x, family = poisson()), outcome(z ~ 1, family = negbin())), data)
  y <- table_of(fit, "y")
  most <- length(y$expected) - 1
  mu <- exp(estimate(fit, "y~1") + estimate(fit, "y~x") * data$x)
  expect_equal(y$expected[[1]], sum(dpois(0, mu)), tolerance = 1e-8)
  expect_equal(y$expected[[most + 1]], sum(ppois(most - 1, mu, lower.tail = FALSE)), tolerance = 1e-7)
  expect_equal(sum(y$expected), 80, tolerance = 1e-10)
  expect_equal(y$categories[[1]]$labels[[most + 1]], paste0(most, "+"))
  pair <- table_of(fit, c("y", "z"))
  k <- ncol(pair$expected) - 1
  size <- 1 / estimate(fit, "z^disp")
  tail <- pnbinom(k - 1, mu = exp(estimate(fit, "z~1")), size = size, lower.tail = FALSE)
  expect_equal(pair$expected[[most + 1, k + 1]], unname(y$expected[[most + 1]] * tail), tolerance = 1e-7)
  expect_equal(sum(pair$observed), 80)
})

test_that("factors: integrals over the factor", {
  fit <- factor_fit()
  item <- function(u, f) plogis(estimate(fit, paste0(u, "~1")) + estimate(fit, paste0(u, "~f")) * f)
  p <- over_normal(function(f) item("item1", f) * (1 - item("item3", f)), 1)
  expect_equal(table_of(fit, c("item1", "item3"))$expected[2, 1], 1000 * p, tolerance = 1e-6)
})

test_that("ordinal and nominal outcomes", {
  data <- withr::with_seed(4, data.frame(o = factor(sample(3, 90, TRUE), ordered = TRUE),
    m = factor(sample(c("p", "q", "r"), 90, TRUE)), b = rbinom(90, 1, 0.5)))
  fit <- small_fit(mixture_model(latent_class("c", 2), outcome(o ~ c, family = ordinal()), outcome(m ~ c,
    family = nominal()), outcome(b ~ c, family = bernoulli())), data)
  profile <- estimates(fit, scale = "probability")
  p <- function(target, k) profile$estimate[profile$target == target & profile$class == paste0("c=", k)]
  size <- plogis(c(1, -1) * estimate(fit, "c#1~1"))
  expect_equal(unname(table_of(fit, c("o", "m"))$expected), 90 * (size[[1]] * outer(p("o", 1), p("m", 1)) +
    size[[2]] * outer(p("o", 2), p("m", 2))), tolerance = 1e-6, ignore_attr = TRUE)
})

test_that("two-level models: a unit by itself, whatever its cluster", {
  data <- withr::with_seed(5, {
    id <- rep(1:20, each = 5)
    data.frame(id, x = rnorm(100), u = rbinom(100, 1, plogis(rnorm(20)[id])), v = rbinom(100, 1, 0.4),
      s = rep(rbinom(20, 1, 0.5), each = 5))
  })
  model <- mixture_model(outcome(u ~ x + (1 | id), family = bernoulli()), outcome(v ~ 1, family = bernoulli()),
    outcome(s ~ 1, family = bernoulli(), level = "between"))
  fit <- small_fit(model, data, integration = quadrature(points = 31))
  sd <- sqrt(estimate(fit, "u@id~~u@id"))
  p <- vapply(data$x, function(x) {
    over_normal(function(b) plogis(estimate(fit, "u~1") + estimate(fit, "u~x") * x + b), sd)
  }, 0)
  expect_equal(table_of(fit, "u")$expected[[2]], sum(p), tolerance = 1e-5)
  expect_equal(table_of(fit, c("u", "v"))$expected[2, 2], sum(p) * plogis(estimate(fit, "v~1")), tolerance = 1e-5)
  between <- table_of(fit, "s", "between")
  expect_equal(between$n, 20)
  expect_equal(between$expected[[2]], 20 * plogis(estimate(fit, "s~1")), tolerance = 1e-8)
})

test_that("stacked items: pairs of one person depend on each other through the person's classes", {
  data <- withr::with_seed(6, {
    g <- plogis(2 * rnorm(500))
    item <- function() ifelse(runif(500) < g, rbinom(500, 1, 0.9), rbinom(500, 1, 0.1))
    data.frame(a = item(), b = item(), d = item(), e = item(), f = item(), h = item())
  })
  data$a[1:20] <- NA
  fit <- small_fit(gom(c(a, b, d, e, f, h), k = 2), data, integration = quadrature(points = 41))
  sd <- sqrt(estimate(fit, "c#1@person~~c#1@person"))
  item <- function(u, l) {
    g <- plogis(estimate(fit, "c#1~1") + l)
    g * pnorm(estimate(fit, paste0(u, "~1[c=1]"))) + (1 - g) * pnorm(estimate(fit, paste0(u, "~1[c=2]")))
  }
  table <- table_of(fit, c("a", "d"))
  expect_equal(table$n, 480)
  expect_equal(table$expected[2, 2], 480 * over_normal(function(l) item("a", l) * item("d", l), sd), tolerance = 1e-3)
  expect_equal(table$observed[2, 2], sum(data$a * data$d, na.rm = TRUE))
})

test_that("known classes are given", {
  data <- withr::with_seed(7, data.frame(g = sample(2, 80, TRUE), a = rbinom(80, 1, 0.5), b = rbinom(80, 1, 0.5)))
  data$a <- ifelse(data$g == 1, data$a, 1 - data$a * (runif(80) < 0.5))
  fit <- small_fit(mixture_model(latent_class("c", 2, known = "g"), outcome(c(a, b) ~ c, family = bernoulli())), data)
  expect_equal(as.vector(table_of(fit, "a")$expected), as.vector(table(data$a)), tolerance = 1e-5)
})

test_that("distinct rows are numbered by first appearance", {
  x <- cbind(c(1, 1, NA, 2, NA, 1), c(5, 5, 1, 5, 1, 6))
  expect_equal(distinct_rows(x), c(1L, 1L, 2L, 3L, 2L, 4L))
  big <- matrix(sample(0:1, 40 * 500, TRUE), 500)
  expect_equal(distinct_rows(big), match(apply(big, 1, paste, collapse = ""), unique(apply(big, 1, paste,
    collapse = ""))))
})
