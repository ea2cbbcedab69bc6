# r_squared() and icc(): closed forms, one-dimensional integrals, and moments of simulated data.

part <- function(table, target, part, column = "estimate") {
  table[[column]][table$target == target & table$part == part]
}

test_that("a class predicted by a class follows the closed form", {
  fit <- chain_fit()
  e <- coef(fit)
  p <- plogis(e[["c1#1~1"]])
  gamma <- e[["c2#1~1[c1=1]"]] - e[["c2#1~1[c1=2]"]]
  explained <- gamma^2 * p * (1 - p)
  r <- r_squared(fit, "c2")
  expect_equal(r$part, c("individual", "residual", "explained"))
  expect_equal(part(r, "c2#1", "explained"), explained / (explained + pi^2 / 3))
  expect_equal(part(r, "c2#1", "residual", "variance"), pi^2 / 3)
  by_derive <- derive(fit, r2 = (`c2#1~1[c1=1]` - `c2#1~1[c1=2]`)^2 * plogis(`c1#1~1`) * plogis(-`c1#1~1`) / (pi^2 / 3 +
    (`c2#1~1[c1=1]` - `c2#1~1[c1=2]`)^2 * plogis(`c1#1~1`) * plogis(-`c1#1~1`)))
  expect_equal(part(r, "c2#1", "explained", "std.error"), by_derive$std.error, tolerance = 1e-6)
  items <- r_squared(fit, "u1")
  step <- (e[["u1~1[c1=1]"]] - e[["u1~1[c1=2]"]])^2 * p * (1 - p)
  expect_equal(items$estimate[[1]], step / (step + pi^2 / 3))
})

two_level_transitions <- function() {
  remember("two-level transitions", {
    data <- utils::read.csv(testthat::test_path("reference", "oracle", "two_level_lta.csv"))
    data <- data[data$room <= 25, c("room", paste0("fall", 1:4), paste0("spring", 1:4))]
    mlmix(lta(list(c1 = fall1:fall4, c2 = spring1:spring4), k = 2, cluster = "room"), data, starts = 2, seed = 1,
      threads = 1)
  })
}

test_that("the two-level transition model splits as its integrals say (section 4)", {
  fit <- two_level_transitions()
  e <- coef(fit)
  sd1 <- sqrt(e[["c1#1@room~~c1#1@room"]])
  logit <- e[c("c2#1~1[c1=1]", "c2#1~1[c1=2]")]
  mean_over <- function(f) integrate(function(z) f(z) * dnorm(z), -9, 9, rel.tol = 1e-10)$value
  p <- function(z) plogis(e[["c1#1~1"]] + sd1 * z)
  effect <- function(z) e[["c2#1@room~c1#1@room"]] * sd1 * z
  given_room <- function(z) effect(z) + logit[[2]] + (logit[[1]] - logit[[2]]) * p(z)
  shared <- mean_over(function(z) given_room(z)^2) - mean_over(given_room)^2
  individual <- (logit[[1]] - logit[[2]])^2 * mean_over(function(z) p(z) * (1 - p(z)))
  size <- mean_over(p)
  by_class <- c(mean_over(function(z) p(z) * (effect(z) + logit[[1]])) / size,
    mean_over(function(z) (1 - p(z)) * (effect(z) + logit[[2]])) / (1 - size))
  alone <- diff(by_class)^2 * size * (1 - size)
  own <- e[["c2#1@room~~c2#1@room"]]
  total <- shared + own + individual + pi^2 / 3
  r <- r_squared(fit, "c2")
  r <- r[r$target == "c2#1", ]
  expect_equal(r$part, c("cluster, shared", "cluster, own", "individual", "residual", "explained", "classes alone",
    "reduction"))
  expect_equal(r$estimate * total, c(shared, own, individual, pi^2 / 3, shared + own + individual, alone,
    alone - individual), tolerance = 1e-6)
  expect_equal(sum(r$estimate[1:4]), 1)
  i <- icc(fit)
  expect_equal(i$target, c("c1#1", "c2#1"))
  expect_equal(i$estimate, c(sd1^2 / (sd1^2 + pi^2 / 3), (shared + own) / total), tolerance = 1e-6)
  # the delta method by hand: d ICC / d v = (pi^2 / 3) / (v + pi^2 / 3)^2
  slope <- (pi^2 / 3) / (sd1^2 + pi^2 / 3)^2
  se <- fit$parameters$std.error[fit$parameters$name == "c1#1@room~~c1#1@room"]
  expect_equal(i$std.error[[1]], slope * se, tolerance = 1e-5)
  expect_snapshot(r_squared(fit, c("c2", "c2#1@room")), transform = function(x) gsub("[0-9]+[.][0-9]+", "#.###", x))
})

test_that("random slopes, covariates and variances by class follow the closed form", {
  data <- withr::with_seed(3, {
    id <- rep(1:60, each = 6)
    x <- stats::rnorm(360)
    b <- stats::rnorm(60)
    data.frame(id, x, y = 1 + 0.8 * x + b[id] + 0.5 * stats::rnorm(60)[id] * x + stats::rnorm(360))
  })
  fit <- mlmix(mixture_model(outcome(y ~ x + (1 + x | id))), data, seed = 1, threads = 1)
  e <- coef(fit)
  covariates <- e[["y~x"]]^2 * mean((data$x - mean(data$x))^2)
  cluster <- mean(e[["y@id~~y@id"]] + 2 * data$x * e[["y@id~~y.x@id"]] + data$x^2 * e[["y.x@id~~y.x@id"]])
  total <- covariates + cluster + e[["y~~y"]]
  expect_equal(r_squared(fit)$variance, c(covariates, cluster, e[["y~~y"]], covariates + cluster), tolerance = 1e-8)
  expect_equal(r_squared(fit)$estimate, c(covariates, cluster, e[["y~~y"]], covariates + cluster) / total)
  expect_equal(icc(fit)$estimate, cluster / (cluster + e[["y~~y"]]))
})

test_that("a class of clusters counts as between them", {
  model <- multilevel_lca(u1:u4, k = 2, cluster = "id", k_between = 2)
  values <- c("u1~1[c=1]" = 2, "u2~1[c=1]" = 2, "u3~1[c=1]" = 2, "u4~1[c=1]" = 2, "u1~1[c=2]" = -2, "u2~1[c=2]" = -2,
    "u3~1[c=2]" = -2, "u4~1[c=2]" = -2, "d#1~1" = 0.4, "c#1~1[d=1]" = 1.5, "c#1~1[d=2]" = -1)
  data <- simulate_data(model, values, n = c(clusters = 40, size = 10), seed = 4)
  fit <- mlmix(model, data, starts = c(4, 2), seed = 1, threads = 1)
  e <- coef(fit)
  p <- plogis(e[["d#1~1"]])
  between <- diff(e[c("c#1~1[d=1]", "c#1~1[d=2]")])^2 * p * (1 - p)
  expect_equal(icc(fit)$between, unname(between))
  expect_equal(icc(fit)$estimate, unname(between / (between + pi^2 / 3)))
})

# Everything at once: a class with a random logit and a covariate, a factor whose mean differs by class and by a random
# intercept correlated with that of the class, factor variance by class, an ordinal probit item with a direct effect.
test_that("a model of many parts agrees with the moments of a large simulated sample", {
  skip_on_cran()
  model <- mixture_model(
    latent_class("c", 2, ~ x + (1 | id)), latent_factor("f", ~ c + (1 | id), variance = ~c),
    outcome(u1:u3 ~ f, family = ordinal("probit")), outcome(y ~ f + c + x + (1 | id)), covary(`c#1@id`, `f@id`)
  )
  make <- function(clusters, size) {
    withr::with_seed(8, data.frame(id = rep(seq_len(clusters), each = size), x = stats::rnorm(clusters * size)))
  }
  values <- c("u1~f" = 1, "u2~f" = 0.8, "u3~f" = 1.2, "u1|t1" = -0.5, "u1|t2" = 0.5, "u2|t1" = 0, "u2|t2" = 1,
    "u3|t1" = -1, "u3|t2" = 0.3, "y~f" = 0.7, "y~1[c=1]" = 1, "y~1[c=2]" = -1, "y~x" = 0.5, "y~~y" = 0.6,
    "f~1[c=1]" = 0.6,
    "f~~f[c=1]" = 2, "f@id~~f@id" = 0.5, "c#1@id~~c#1@id" = 1.5, "y@id~~y@id" = 0.4, "c#1@id~~f@id" = 0.5,
    "c#1~1" = 0.3, "c#1~x" = 0.8)
  small <- simulate_data(model, values, data = make(12, 5), seed = 1)
  fit <- suppressWarnings(mlmix(model, small, starts = 1, seed = 1, threads = 1, se = "none",
    control = mlmix_control(max_iterations = 1)))
  table <- fit$parameters
  theta <- ifelse(table$free, values[table$name], table$value)
  big <- simulate_data(model, stats::setNames(theta, table$name)[table$free], data = make(3000, 60), seed = 5,
    latent = TRUE)
  # the large sample's 180,000 normal values of the covariate, here as 60 quantiles
  targets <- variance_targets(fit)
  exact <- function(label) {
    quantile <- stats::qnorm((1:60 - 0.5) / 60)
    fit$data$columns$x <- quantile / sqrt(mean(quantile^2))
    variance_function(fit, targets[[label]])$value(theta)
  }
  named <- stats::setNames(theta, table$name)
  for (label in c("y", "u2", "c#1", "f")) {
    v <- exact(label)
    eta <- switch(label,
      y = named[["y~f"]] * big$f + c(1, -1)[big$c] + 0.5 * big$x + big[["y@id"]],
      u2 = 0.8 * big$f, "c#1" = 0.3 + 0.8 * big$x + big[["c#1@id"]],
      f = named[["f~1[c=1]"]] * (big$c == 1) + big[["f@id"]]
    )
    expect_equal(sum(v[c("covariates", "shared", "own", "individual")]), stats::var(eta), tolerance = 0.03,
      label = label)
    slope <- stats::cov(eta, big$x) # E(eta | x) is nearly linear in x: its variance is at least that of the regression
    expect_gt(v[["covariates"]], slope^2 * 0.95 - 0.002)
    expect_lt(v[["covariates"]], slope^2 * 1.1 + 0.02)
    rest <- eta - stats::predict(stats::loess(eta ~ x, data.frame(eta, x = big$x)[1:4000, ],
      control = stats::loess.control(surface = "interpolate")), data.frame(x = pmax(pmin(big$x, 3), -3)))
    between <- stats::var(tapply(rest, big$id, mean)) - mean(tapply(rest, big$id, stats::var)) / 60
    expect_equal(v[["shared"]] + v[["own"]], between, tolerance = 0.08, label = paste(label, "between"))
  }
})

test_that("what cannot be split is told", {
  counts <- data.frame(y = c(3, 0, 2, 5, 1, 0, 4, 2, 6, 1), x = 1:10)
  fit <- mlmix(mixture_model(outcome(y ~ x, family = poisson())), counts, seed = 1)
  expect_snapshot(error = TRUE, {
    r_squared(fit)
    icc(fit)
    r_squared(chain_fit(), "u9")
    r_squared(lm(y ~ x, counts))
  })
})

test_that("a bootstrap gives percentile intervals of the same shares", {
  data <- regression_data()
  fit <- mlmix(mixture_model(outcome(y ~ x + (1 | id))), data, starts = 1, seed = 1, threads = 1)
  boot <- bootstrap(fit, replications = 12, seed = 1, threads = 1,
    statistic = function(fit) c(share = icc(fit)$estimate))
  by_hand <- boot$estimates$estimate[boot$estimates$name == "share"]
  table <- icc(fit, bootstrap = boot)
  expect_equal(table$estimate, icc(fit)$estimate)
  expect_equal(table$std.error, stats::sd(by_hand))
  expect_equal(table$conf.low, quantile(by_hand, 0.025, names = FALSE))
  r <- r_squared(fit, bootstrap = boot)
  expect_equal(r$part, r_squared(fit)$part)
  expect_true(all(r$conf.low <= r$conf.high))
  expect_snapshot(error = TRUE, {
    icc(fit, bootstrap = 3)
    icc(random_logit_fit(), bootstrap = boot)
  })
})
