# residuals(): against Mplus's TECH10, formulas, and other functions of the package.

quiet <- function(expr) suppressMessages(suppressWarnings(expr))

ex73 <- function() {
  remember("ex7.3", {
    # The 16 patterns and frequencies printed by Mplus 8.8 for User's Guide example 7.3 (MplusAutomation, ex7.3.out)
    patterns <- c("1101", "1000", "0011", "1100", "0111", "0010", "0001", "1011", "1010", "0101", "1110", "0100",
      "0000", "1111", "0110", "1001")
    data <- as.data.frame(do.call(rbind, lapply(strsplit(patterns, ""), as.numeric)))
    names(data) <- paste0("u", 1:4)
    data$n <- c(11, 14, 230, 85, 27, 28, 23, 28, 6, 5, 8, 9, 10, 5, 7, 4)
    mlmix(lca(u1:u4, k = 2), data, frequency = n, starts = c(6, 3), seed = 1, threads = 1)
  })
}

test_that("Mplus's TECH10: response patterns and pairs", {
  fit <- ex73()
  expect_equal(fit$log_likelihood, -965.244, tolerance = 1e-6)
  expected <- c(10.81, 15.29, 225.48, 83.24, 28.99, 32.67, 25.54, 28.04, 5.46, 4.56, 8.60, 11.04, 5.53, 4.58, 5.19,
    4.99)
  z <- c(0.06, -0.33, 0.41, 0.21, -0.38, -0.84, -0.52, -0.01, 0.23, 0.21, -0.21, -0.62, 1.91, 0.20, 0.80, -0.44)
  ours <- residuals(fit, "pattern")
  data <- as.data.frame(fit$data$columns)
  place <- match(do.call(paste, data[paste0("u", 1:4)]), do.call(paste, ours[paste0("u", 1:4)]))
  expect_equal(ours$observed[place], fit$data$frequency)
  expect_equal(round(ours$expected[place], 2), expected)
  expect_equal(round(ours$std.residual[place], 2), z)
  pairs <- residuals(fit, "bivariate")
  expect_equal(paste(pairs$outcome1, pairs$outcome2), c("u1 u2", "u1 u3", "u1 u4", "u2 u3", "u2 u4", "u3 u4"))
  expect_equal(round(pairs$X2, 3), c(0.162, 0.006, 0.009, 0.007, 0.045, 0.450))
  expect_equal(pairs$bvr, pairs$X2)
  cells <- attr(pairs, "tables")
  first <- cells[cells$outcome1 == "u1" & cells$outcome2 == "u2", ]
  expect_equal(round(first$expected / 500, 3), c(0.578, 0.108, 0.100, 0.214))
  expect_equal(round(first$std.residual, 3), c(0.161, -0.256, -0.265, 0.193))
  expect_equal(max(abs(residuals(fit)$residual)), 0, tolerance = 1e-3)
})

test_that("the residual of a table is Pearson's over its degrees of freedom", {
  data <- withr::with_seed(4, data.frame(o = factor(sample(3, 90, TRUE), ordered = TRUE),
    m = factor(sample(4, 90, TRUE)), b = rbinom(90, 1, 0.5)))
  fit <- quiet(mlmix(lca(c(o, m, b), k = 1), data, starts = 1, seed = 1, threads = 1))
  pairs <- residuals(fit, "bivariate")
  # With one class the expectation is independence.
  test <- suppressWarnings(chisq.test(table(data$o, data$m), correct = FALSE))
  expect_equal(pairs$X2[pairs$outcome1 == "o" & pairs$outcome2 == "m"], unname(test$statistic), tolerance = 1e-6)
  expect_equal(pairs$df, c(6, 2, 3))
  expect_equal(pairs$bvr, pairs$X2 / pairs$df)
})

test_that("bootstrap p-values repeat the estimation", {
  fit <- ex73()
  test <- residuals(fit, "bivariate", bootstrap = 3, seed = 9)
  rows <- as.data.frame(fit$data$columns)
  single <- quiet(mlmix(lca(u1:u4, k = 2), rows[rep(1:16, fit$data$frequency), ], starts = 1, seed = 1, threads = 1))
  single$parameters <- fit$parameters
  by_hand <- vapply(element_seeds(9L, 3), function(seed) {
    data <- simulate(single, seed = seed)[[1]]
    again <- quiet(mlmix(lca(u1:u4, k = 2), data, starts = c(6, 3), seed = 1, threads = 1, se = "none"))
    residuals(again, "bivariate")$X2
  }, numeric(6))
  expect_equal(test$p.value, (1 + rowSums(by_hand >= test$X2)) / 4)
  expect_equal(attr(test, "failures"), 0)
})

test_that("correlations of continuous outcomes: what classes explain", {
  data <- withr::with_seed(8, {
    class <- rep(1:2, c(150, 100))
    data.frame(y1 = rnorm(250, c(0, 2)[class]), y2 = rnorm(250, c(0, 1.5)[class]), y3 = rnorm(250, c(1, 0)[class]),
      b = rbinom(250, 1, c(0.3, 0.8)[class]))
  })
  data$y1[1:10] <- NA
  fit <- quiet(mlmix(mixture_model(latent_class("c", 2), outcome(c(y1, y2, y3) ~ c), outcome(b ~ c,
    family = bernoulli())), data, starts = c(6, 3), seed = 1, threads = 1))
  size <- fit$class_prob$c
  e <- stats::setNames(fit$parameters$estimate, fit$parameters$name)
  mean <- function(y) e[sprintf("%s~1[c=%d]", y, 1:2)]
  covariance <- function(y, z) sum(size * mean(y) * mean(z)) - sum(size * mean(y)) * sum(size * mean(z))
  variance <- function(y) covariance(y, y) + e[[paste0(y, "~~", y)]]
  ours <- residuals(fit, "bivariate", draws = 150, seed = 1)
  row <- ours[ours$outcome1 == "y1" & ours$outcome2 == "y2", ]
  expect_equal(row$expected, covariance("y1", "y2") / sqrt(variance("y1") * variance("y2")), tolerance = 0.05)
  expect_equal(row$observed, cor(data$y1, data$y2, use = "complete.obs"), tolerance = 1e-10)
  expect_equal(row$n, 240)
  expect_equal(row$std.residual, row$residual / sqrt((1 - row$expected^2)^2 / 240), tolerance = 0.3)
  expect_setequal(ours$measure, "correlation")
  single <- residuals(fit, draws = 150, seed = 1)
  y2 <- single[single$outcome == "y2", ]
  expect_equal(y2$measure, c("mean", "variance"))
  expect_equal(y2$expected[[1]], sum(size * mean("y2")), tolerance = 1e-6)
  expect_equal(y2$expected[[2]], variance("y2"), tolerance = 0.03)
  expect_equal(y2$observed[[1]], base::mean(data$y2))
  expect_equal(single$observed[single$outcome == "b"], as.vector(table(data$b)))
  expect_identical(residuals(fit, draws = 10, seed = 3), residuals(fit, draws = 10, seed = 3))
})

test_that("patterns with missing values are expected among the units that miss the same", {
  data <- carcinoma
  data$A[1:20] <- NA
  fit <- quiet(mlmix(lca(c(A, B, C, D), k = 2), data, starts = c(4, 2), seed = 1, threads = 1))
  ours <- residuals(fit, "pattern")
  expect_equal(sum(ours$observed), 118)
  expect_equal(sum(ours$observed[is.na(ours$A)]), 20)
  size <- fit$class_prob$c
  item <- function(u, y) {
    p <- plogis(stats::setNames(fit$parameters$estimate, fit$parameters$name)[sprintf("%s~1[c=%d]", u, 1:2)])
    if (is.na(y)) c(1, 1) else dbinom(y, 1, p)
  }
  p <- vapply(seq_len(nrow(ours)), function(i) {
    sum(size * item("A", ours$A[[i]]) * item("B", ours$B[[i]]) * item("C", ours$C[[i]]) * item("D", ours$D[[i]]))
  }, 0)
  expect_equal(ours$expected, ifelse(is.na(ours$A), 20, 98) * p, tolerance = 1e-6)
})

test_that("patterns with covariates: sums over units", {
  data <- withr::with_seed(2, data.frame(x = rnorm(40), a = rbinom(40, 1, 0.4), b = rbinom(40, 1, 0.6)))
  fit <- quiet(mlmix(mixture_model(outcome(c(a, b) ~ x, family = bernoulli())), data, starts = 1, seed = 1,
    threads = 1))
  p <- function(u) fitted(glm(stats::reformulate("x", u), binomial, data))
  ours <- residuals(fit, "pattern")
  expect_equal(ours$expected[ours$a == 1 & ours$b == 0], sum(p("a") * (1 - p("b"))), tolerance = 1e-5)
  expect_equal(sum(ours$expected), 40, tolerance = 1e-6)
})

test_that("responses: observed less predicted", {
  data <- withr::with_seed(4, data.frame(o = factor(sample(3, 50, TRUE), ordered = TRUE),
    m = factor(sample(c("p", "q", "r"), 50, TRUE)), b = rbinom(50, 1, 0.5), y = rnorm(50), n = rpois(50, 2)))
  data$o[3] <- NA
  fit <- quiet(mlmix(mixture_model(latent_class("c", 2), outcome(o ~ c, family = ordinal()),
    outcome(m ~ c, family = nominal()), outcome(b ~ c, family = bernoulli()), outcome(y ~ c),
    outcome(n ~ c, family = poisson())), data, starts = c(3, 1), seed = 1, threads = 1))
  for (condition in c("none", "posterior")) {
    ours <- residuals(fit, "response", condition = condition)
    at <- predict(fit, type = "response", condition = condition)
    part <- function(name, category = "") ours[ours$outcome == name & ours$category == category, ]
    expect_equal(part("b")$residual, data$b - at$b, tolerance = 1e-10)
    expect_equal(part("y")$residual, data$y - at$y, tolerance = 1e-10)
    expect_equal(part("n")$residual, data$n - at$n, tolerance = 1e-10)
    expect_equal(part("m", "q")$residual, (data$m == "q") - at[["m=q"]], tolerance = 1e-10)
    expect_equal(part("o")$residual, (as.numeric(data$o) - at[["o=1"]] - 2 * at[["o=2"]] - 3 * at[["o=3"]])[-3],
      tolerance = 1e-10)
    expect_equal(part("o")$row, setdiff(1:50, 3))
    if (condition == "none") {
      expect_equal(part("b")$std.residual, (data$b - at$b) / sqrt(at$b * (1 - at$b)), tolerance = 1e-8)
    } else {
      expect_true(all(is.na(ours$std.residual)))
    }
  }
  grade <- quiet(mlmix(gom(c(A, B, C), k = 2), carcinoma, starts = c(2, 1), seed = 1, threads = 1, se = "none"))
  ours <- residuals(grade, "response")
  expect_equal(ours$observed[ours$outcome == "B"], carcinoma$B)
  trials <- data.frame(s = c(3, 1, 4, 2, 0, 5), f = c(2, 4, 1, 3, 5, 1))
  binomial <- quiet(mlmix(mixture_model(outcome(cbind(s, f) ~ 1, family = binomial())), trials, starts = 1, seed = 1))
  ours <- residuals(binomial, "response")
  expect_equal(ours$residual, trials$s - (trials$s + trials$f) * sum(trials$s) / 31, tolerance = 1e-6)
  expect_equal(residuals(binomial)$residual[[1]], 0, tolerance = 1e-6)
})

test_that("every kind of fit has univariate residuals", {
  for (fit in list(regression_fit(), random_logit_fit(), factor_fit(), chain_fit(), certain_item_fit())) {
    table <- residuals(fit, draws = 5, seed = 1)
    expect_true(all(is.finite(table$expected)))
    expect_true(all(abs(table$residual) < 0.1 * (1 + abs(table$observed)) | table$measure == "variance"))
  }
})

test_that("print and errors", {
  fit <- ex73()
  expect_snapshot({
    residuals(fit)
    residuals(fit, "bivariate")
    print(residuals(fit, "pattern"), n = 4)
    print(residuals(carcinoma_fit(2), "pattern"), n = 3)
    print(residuals(fit, "response"), n = 2)
    residuals(regression_fit(), draws = 5, seed = 1)
  })
  expect_snapshot(error = TRUE, {
    residuals(fit, "deviance")
    residuals(fit, draws = 1)
    residuals(fit, "bivariate", bootstrap = -1)
    residuals(regression_fit(), "bivariate")
    residuals(regression_fit(), "pattern")
  })
})

test_that("a nominal and a continuous outcome: means by category", {
  data <- withr::with_seed(6, {
    class <- rep(1:2, c(180, 120))
    m <- sapply(class, function(k) sample(3, 1, prob = rbind(c(0.6, 0.3, 0.1), c(0.1, 0.3, 0.6))[k, ]))
    data.frame(m = factor(letters[m]), y = rnorm(300, c(0, 2)[class]) + 0.8 * (m == 2), b = rbinom(300, 1,
      c(0.1, 0.9)[class]), b2 = rbinom(300, 1, c(0.1, 0.9)[class]))
  })
  data$y[1:5] <- NA
  fit <- quiet(mlmix(mixture_model(latent_class("c", 2), outcome(m ~ c, family = nominal()), outcome(y ~ c),
    outcome(c(b, b2) ~ c, family = bernoulli())), data, starts = c(6, 3), seed = 1, threads = 1))
  ours <- residuals(fit, "bivariate", draws = 200, seed = 1)
  expect_equal(nrow(ours), 6)
  row <- ours[ours$measure == "means", ]
  expect_equal(c(row$outcome1, row$outcome2, row$n), c("m", "y", "295"))
  seen <- data[-(1:5), ]
  expect_equal(row$observed, sqrt(summary(stats::lm(y ~ m, seen))$r.squared), tolerance = 1e-8)
  cells <- attr(ours, "tables")
  cells <- cells[cells$category2 == "mean", ]
  expect_equal(cells$category1, c("a", "b", "c"))
  expect_equal(cells$observed, as.vector(tapply(seen$y, seen$m, mean)))
  # What is expected, in closed form: the mean of y over P(class | category).
  e <- coef(fit)
  size <- fit$class_prob$c
  p <- sapply(1:2, function(k) { # [category x class]
    eta <- c(unname(e)[match(sprintf("m#%d~1[c=%d]", 1:2, k), names(e))], 0)
    exp(eta) / sum(exp(eta))
  })
  joint <- t(t(p) * size)
  mean <- as.vector(joint %*% e[sprintf("y~1[c=%d]", 1:2)]) / rowSums(joint)
  expect_equal(cells$expected, mean, tolerance = 0.03)
  # In category b there are 0.8 more than the classes say; its standard error is about that of a mean.
  expect_equal(row$std.residual, cells$std.residual[[2]])
  expect_gt(cells$std.residual[[2]], 2.5)
  n <- table(seen$m)[["b"]]
  within <- e[["y~~y"]] + stats::weighted.mean((e[sprintf("y~1[c=%d]", 1:2)] - mean[[2]])^2, joint[2, ])
  expect_equal(cells$residual[[2]] / cells$std.residual[[2]], sqrt(within / n), tolerance = 0.15)
  expect_output(print(ours), "corr. ratio")
})
