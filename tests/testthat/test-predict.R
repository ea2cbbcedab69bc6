# predict(): new data against Bayes' rule by hand, numeric integration by hand, closed forms, and the fit's own results.

theta_of <- function(fit) stats::setNames(fit$parameters$estimate, fit$parameters$name)

quiet_fit <- function(...) suppressMessages(suppressWarnings(mlmix(..., seed = 1, threads = 1)))

# Counts, categories and a censored variable of two latent classes, with a covariate.
families_data <- function() {
  withr::with_seed(5, {
    n <- 400
    c <- 1 + (stats::runif(n) < 0.4)
    x <- stats::rnorm(n)
    z <- stats::rnorm(n, c(-1, 1.5)[c] + 0.5 * x)
    data.frame(
      x, g = factor(sample(c("a", "b", "c"), n, TRUE)), p = stats::rpois(n, exp(c(0.2, 1.2)[c] + 0.3 * x)),
      o = cut(z, c(-Inf, -1, 0.5, Inf), c("low", "mid", "high"), ordered_result = TRUE),
      m = factor(ifelse(stats::runif(n) < c(0.7, 0.2)[c], "red", sample(c("green", "blue"), n, TRUE))),
      b = stats::rbinom(n, 1, c(0.8, 0.2)[c]), y = stats::rnorm(n, c(0, 2)[c] + x), w = pmax(z, -1)
    )
  })
}

every_family_fit <- function() {
  remember("every family", {
    model <- mixture_model(
      latent_class("c", 2, ~ x), outcome(p ~ c + x, family = poisson()), outcome(o ~ c + x, family = ordinal("probit")),
      outcome(m ~ c, family = nominal()), outcome(b ~ c, family = bernoulli("probit")), outcome(y ~ c + poly(x, 2) + g),
      outcome(w ~ c + x, family = censored(lower = -1))
    )
    mlmix(model, families_data(), starts = c(4, 2), seed = 1, threads = 1)
  })
}

test_that("posteriors and factor scores of the fit's own data are the fit's", {
  same <- function(fit, data, type, expected) {
    new <- predict(fit, data, type)
    old <- predict(fit, type = type)
    expect_equal(new, old, tolerance = 1e-7)
    expect_equal(new[names(expected)], expected, tolerance = 1e-7, ignore_attr = "class")
  }
  same(carcinoma_fit(3), carcinoma, "posterior", posterior(carcinoma_fit(3)))
  same(carcinoma_fit(3), carcinoma, "class", posterior(carcinoma_fit(3))[c("row", "c")])
  same(factor_fit(), lsat, "factor", factor_scores(factor_fit()))
  chain <- as.data.frame(chain_fit()$data$columns)
  same(chain_fit(), chain, "posterior", posterior(chain_fit()))
  data <- regression_data()
  p <- posterior(regression_fit())
  r <- random_effects(regression_fit())
  place <- match(data$id, p$id)
  expected <- data.frame(row = 1:240, id = data$id, p[place, -1], check.names = FALSE, row.names = NULL)
  same(regression_fit(), data, "posterior", expected)
  expected <- data.frame(row = 1:240, id = data$id, r[place, -1], check.names = FALSE, row.names = NULL)
  same(regression_fit(), data, "random_effect", expected)
})

test_that("new units follow Bayes' rule, with missing values", {
  fit <- carcinoma_fit(2)
  theta <- theta_of(fit)
  size <- stats::plogis(c(1, -1) * theta[["c#1~1"]])
  p <- sapply(1:2, function(k) stats::plogis(theta[paste0(seven, "~1[c=", k, "]")]))
  new <- data.frame(A = c(1, 0, NA), B = c(0, NA, NA), C = 0, D = NA, E = c(1, 1, NA), F = NA, G = c(NA, 1, NA))
  new$C[3] <- NA
  like <- t(sapply(1:3, function(i) {
    u <- unlist(new[i, seven])
    size * apply(p, 2, function(q) prod(ifelse(is.na(u), 1, ifelse(u == 1, q, 1 - q))))
  }))
  expected <- like / rowSums(like)
  got <- predict(fit, new, "posterior")
  expect_equal(unname(as.matrix(got[c("c=1", "c=2")])), expected)
  expect_equal(got$c, max.col(expected))
  expect_equal(unname(as.matrix(predict(fit, new, "response")[seven])), matrix(p %*% size, 3, 7, byrow = TRUE))
  again <- predict(fit, new, "response", condition = "posterior")
  expect_equal(unname(as.matrix(again[seven])), unname(expected %*% t(p)))
})

test_that("expected outcomes of every family, by hand from class probabilities", {
  fit <- every_family_fit()
  theta <- theta_of(fit)
  t <- function(name) unname(theta[paste0(name, "[c=", 1:2, "]")])
  new <- families_data()[c(3, 9, 20), ]
  new$p[1] <- NA
  x <- new$x
  prior <- stats::plogis(theta[["c#1~1"]] + theta[["c#1~x"]] * x)
  basis <- stats::predict(stats::poly(families_data()$x, 2), x)
  eta <- function(intercept, slope) outer(x, 1:2, function(x, k) intercept[k] + slope * x)
  limits <- lapply(1:2, function(k) {
    e <- theta[["o~x"]] * x
    cut <- cbind(0, sapply(c("o|t1", "o|t2"), function(n) stats::pnorm(t(n)[k] - e)), 1)
    cut[, -1] - cut[, -4]
  })
  red <- sapply(1:2, function(k) {
    e <- exp(c(theta[[paste0("m#1~1[c=", k, "]")]], theta[[paste0("m#2~1[c=", k, "]")]], 0))
    e / sum(e)
  })
  groups <- c(a = 0, b = theta[["y~gb"]], c = theta[["y~gc"]])
  line <- basis %*% theta[c("y~poly(x, 2)1", "y~poly(x, 2)2")] + groups[new$g]
  expected <- function(q) {
    mix <- function(values) as.numeric(q * values[, 1] + (1 - q) * values[, 2])
    data.frame(
      row = 1:3, p = mix(exp(eta(t("p~1"), theta[["p~x"]]))),
      `o=low` = mix(sapply(limits, function(l) l[, 1])), `o=mid` = mix(sapply(limits, function(l) l[, 2])),
      `o=high` = mix(sapply(limits, function(l) l[, 3])), `m=blue` = mix(matrix(red[1, ], 3, 2, byrow = TRUE)),
      `m=green` = mix(matrix(red[2, ], 3, 2, byrow = TRUE)), `m=red` = mix(matrix(red[3, ], 3, 2, byrow = TRUE)),
      b = mix(matrix(stats::pnorm(t("b~1")), 3, 2, byrow = TRUE)), y = mix(outer(as.numeric(line), t("y~1"), "+")),
      w = mix(eta(t("w~1"), theta[["w~x"]])), check.names = FALSE
    )
  }
  expect_equal(predict(fit, new, "response"), expected(prior), tolerance = 1e-6,
    ignore_attr = "class")
  expect_equal(predict(fit, new[c("x", "g")], "response"), expected(prior), tolerance = 1e-6,
    ignore_attr = "class")
  q <- predict(fit, new, "posterior")$`c=1`
  expect_equal(predict(fit, new, "response", condition = "posterior"), expected(q), tolerance = 1e-6,
    ignore_attr = "class")
})

# E(g(b) | y) of one cluster with a normal random intercept, on a fine grid.
on_grid <- function(sd, log_likelihood, g) {
  b <- seq(-8, 8, length.out = 4001) * sd
  w <- stats::dnorm(b, 0, sd) * exp(sapply(b, log_likelihood))
  sum(w * g(b)) / sum(w)
}

test_that("new and known clusters: numeric integration by hand", {
  data <- withr::with_seed(3, {
    id <- rep(1:30, each = 6)
    x <- stats::rnorm(180)
    eta <- 0.2 + 0.8 * x + stats::rnorm(30)[id]
    n <- stats::rpois(180, exp(0.3 + 0.5 * stats::rnorm(30)[id]))
    data.frame(id, x, u = stats::rbinom(180, 1, stats::plogis(eta)), n)
  })
  fit <- quiet_fit(mixture_model(outcome(u ~ x + (1 | id), family = bernoulli())), data, starts = 1)
  theta <- theta_of(fit)
  sd <- sqrt(theta[["u@id~~u@id"]])
  new <- data.frame(id = c(99, 99, 7), x = c(1, -0.5, 0.3), u = c(1, 1, 0))
  p <- function(x) function(b) stats::plogis(theta[["u~1"]] + theta[["u~x"]] * x + b)
  like <- function(u, x) function(b) sum(stats::dbinom(u, 1, p(x)(b), log = TRUE))
  first <- like(new$u[1:2], new$x[1:2])
  alone <- like(new$u[3], new$x[3])
  old <- data[data$id == 7, ]
  joint <- like(c(0, old$u), c(0.3, old$x))
  none <- function(b) 0
  got <- predict(fit, new, "response")$u
  expect_equal(got, sapply(1:3, function(i) on_grid(sd, none, p(new$x[i]))), tolerance = 1e-5)
  got <- predict(fit, new, "response", condition = "posterior")$u
  by_hand <- c(on_grid(sd, first, p(1)), on_grid(sd, first, p(-0.5)), on_grid(sd, alone, p(0.3)))
  expect_equal(got, by_hand, tolerance = 1e-5)
  got <- predict(fit, new, "response", condition = "posterior", clusters = "known")$u
  expect_equal(got[3], on_grid(sd, joint, p(0.3)), tolerance = 1e-5)
  expect_equal(got[1], on_grid(sd, first, p(1)), tolerance = 1e-5)
  got <- predict(fit, new, "random_effect", clusters = "known")
  expect_equal(got$id, new$id)
  expect_equal(got$`u@id`[3], on_grid(sd, joint, identity), tolerance = 1e-5)
  counts <- quiet_fit(mixture_model(outcome(n ~ 1 + (1 | id), family = poisson())), data, starts = 1)
  theta <- theta_of(counts)
  expect_equal(predict(counts, data.frame(id = 1), "response")$n, exp(theta[["n~1"]] + theta[["n@id~~n@id"]] / 2),
    tolerance = 1e-5)
})

test_that("counts with extra zeros and overdispersion", {
  data <- withr::with_seed(6, {
    x <- stats::rnorm(300)
    data.frame(x, z = ifelse(stats::runif(300) < 0.3, 0, stats::rpois(300, exp(1 + 0.4 * x))),
      n = stats::rnbinom(300, 2, mu = exp(0.5 - 0.3 * x)), k = stats::rbinom(300, 8, stats::plogis(x)))
  })
  data$rest <- 8 - data$k
  fit <- quiet_fit(mixture_model(
    outcome(z ~ x, family = zero_inflated("poisson")), outcome(n ~ x, family = negbin()),
    outcome(cbind(k, rest) ~ x, family = binomial())
  ), data, starts = 1)
  theta <- theta_of(fit)
  x <- c(-1, 0.4)
  got <- predict(fit, data.frame(x), "response")
  zero <- stats::plogis(theta[["z^zero~1"]])
  expect_equal(got$z, (1 - zero) * exp(theta[["z~1"]] + theta[["z~x"]] * x), tolerance = 1e-5)
  expect_equal(got$n, exp(theta[["n~1"]] + theta[["n~x"]] * x), tolerance = 1e-5)
  expect_equal(got$k, stats::plogis(theta[["k~1"]] + theta[["k~x"]] * x))
})

test_that("a random loading: the product of two latent variables", {
  data <- withr::with_seed(9, {
    id <- rep(1:25, each = 8)
    f <- stats::rnorm(200)
    slope <- 1 + stats::rnorm(25, 0, 0.4)[id]
    data.frame(id, a = f + stats::rnorm(200, 0, 0.5), b = 0.8 * f + stats::rnorm(200, 0, 0.5),
      y = 1 + slope * f + stats::rnorm(200))
  })
  model <- mixture_model(latent_factor("f"), outcome(c(a, b) ~ f), outcome(y ~ f + (0 + f | id)))
  fit <- quiet_fit(model, data, starts = 1, se = "none")
  got <- predict(fit, data, "response", condition = "posterior")$y
  plain <- predict(fit, data, "response")$y
  expect_equal(plain, rep(theta_of(fit)[["y~1"]], 200), tolerance = 1e-6)
  slope <- theta_of(fit)[["y~f"]] + random_effects(fit)$`y.f@id`[data$id]
  approximately <- theta_of(fit)[["y~1"]] + slope * factor_scores(fit)$f
  expect_gt(stats::cor(got, approximately), 0.99)
  expect_lt(max(abs(got - approximately)), 0.5)
})

test_that("stacked items: a row per person for outcomes and random effects, per response for classes", {
  fit <- remember("gom", mlmix(gom(c(A, B, C, D), k = 2), carcinoma, starts = c(2, 1), seed = 1, threads = 1))
  expect_equal(predict(fit, carcinoma, "posterior"), posterior(fit), tolerance = 1e-7)
  new <- carcinoma[1:4, 1:4]
  new$B[2] <- NA
  expect_equal(nrow(predict(fit, new, "class")), 15)
  response <- predict(fit, new, "response")
  expect_equal(dim(response), c(4, 5))
  expect_equal(dim(predict(fit, new, "random_effect")), c(4, 3))
})

test_that("stacked items: probabilities by hand", {
  # the variance of the class logit is held: free, it grows without limit in these data
  model <- mixture_model(gom(c(A, B, C, D), k = 2), constrain(fix("c#1@person~~c#1@person" = 9)))
  fit <- quiet_fit(model, carcinoma, starts = c(2, 1), se = "none")
  response <- predict(fit, carcinoma[1:4, 1:4], "response")
  theta <- theta_of(fit)
  sd <- sqrt(theta[["c#1@person~~c#1@person"]])
  size <- on_grid(sd, function(b) 0, function(b) stats::plogis(theta[["c#1~1"]] + b))
  expected <- size * stats::pnorm(theta[["A~1[c=1]"]]) + (1 - size) * stats::pnorm(theta[["A~1[c=2]"]])
  expect_equal(response$A[1], expected, tolerance = 1e-4)
})

test_that("rows left out are missing; known classes need not be there", {
  data <- withr::with_seed(2, {
    data.frame(y = stats::rnorm(80, rep(c(0, 3), 40)), x = stats::rnorm(80), k = rep(c(1, 2, NA, NA), 20))
  })
  fit <- quiet_fit(mixture_model(latent_class("c", 2, ~ x, known = "k"), outcome(y ~ c)), data, starts = c(3, 1))
  new <- data.frame(y = c(0, 3, 1), x = c(0, NA, 1))
  expect_message(got <- predict(fit, new, "posterior"), "1 row of `newdata` is left out")
  expect_equal(is.na(got$c), c(FALSE, TRUE, FALSE))
  theta <- theta_of(fit)
  like <- sapply(1:2, function(k) stats::dnorm(c(0, 1), theta[paste0("y~1[c=", k, "]")], sqrt(theta[["y~~y"]])))
  q <- stats::plogis(theta[["c#1~1"]] + theta[["c#1~x"]] * c(0, 1))
  expect_equal(got$`c=1`[-2], q * like[, 1] / (q * like[, 1] + (1 - q) * like[, 2]))
  expect_equal(predict(fit, cbind(new, k = 2)[-2, ], "class")$c, c(2, 2))
})

test_that("a frequency and sampling weights do not change what units get", {
  fit <- toby_fit()
  expect_equal(predict(fit, stouffer_toby[16:1, ], "posterior")$`c=1`, rev(posterior(fit)$`c=1`), tolerance = 1e-7)
})

test_that("errors name what is wrong", {
  fit <- every_family_fit()
  new <- families_data()[1:3, ]
  expect_snapshot(error = TRUE, {
    predict(carcinoma_fit(2), carcinoma[-3])
    predict(carcinoma_fit(2), transform(carcinoma, A = 2))
    predict(fit, transform(new, g = "z"))
    predict(fit, new[-1], "response")
    predict(fit, transform(new, p = -1))
    predict(fit, transform(new, y = "a"))
    predict(fit, transform(new, x = "a"))
    predict(fit, as.list(new))
    predict(fit, new, "factor")
    predict(factor_fit(), lsat, "class")
    predict(fit, new, "probability")
    predict(fit, new, clusters = "known")
  })
})
