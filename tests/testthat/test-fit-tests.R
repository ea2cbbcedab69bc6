# fit_tests(): against published statistics (Goodman, poLCA, Mplus) and other ways to the same numbers.

quiet <- function(expr) suppressMessages(suppressWarnings(expr))
fitted_to <- function(...) quiet(mlmix(..., starts = c(8, 3), seed = 1, threads = 1))
by_name <- function(test, column = "statistic") stats::setNames(test[[column]], c("x2", "g2", "cr"))

test_that("Goodman (1974), role conflict: two classes", {
  test <- fit_tests(fitted_to(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency))
  expect_equal(round(by_name(test)[["g2"]], 3), 2.720)
  expect_equal(round(by_name(test)[["x2"]], 3), 2.720)
  expect_equal(test$df, rep(6, 3))
  expect_equal(test$p.value, pchisq(test$statistic, 6, lower.tail = FALSE))
  expect_equal(attr(test, "n"), 216)
  # one class: independence of the four items
  one <- fit_tests(fitted_to(lca(c(A, B, C, D), k = 1), stouffer_toby, frequency = frequency))
  independence <- loglin(xtabs(frequency ~ A + B + C + D, stouffer_toby), as.list(1:4), print = FALSE)
  expect_equal(by_name(one)[["g2"]], independence$lrt, tolerance = 1e-6)
  expect_equal(by_name(one)[["x2"]], independence$pearson, tolerance = 1e-6)
  expect_equal(one$df[[1]], independence$df)
})

test_that("three classes of four items are not identified: one degree of freedom more (Goodman, 1974)", {
  # a solution inside the flat ridge: at its end a probability of 0 or 1 is held, and takes the direction away
  inside <- suppressWarnings(mlmix(lca(c(A, B, C, D), k = 3), stouffer_toby, frequency = frequency,
    starts = c(10, 4), seed = 1, threads = 1))
  expect_false(any(inside$parameters$status == "boundary"))
  test <- fit_tests(inside)
  expect_equal(test$df[[1]], 2)
  expect_match(attr(test, "notes"), "13 of 14", all = FALSE)
})

test_that("poLCA's manual, carcinoma", {
  two <- fit_tests(carcinoma_fit(2))
  three <- fit_tests(carcinoma_fit(3))
  expect_equal(by_name(two)[c("x2", "g2")], c(x2 = 92.64814, g2 = 62.36543), tolerance = 1e-5)
  expect_equal(by_name(three)[c("x2", "g2")], c(x2 = 20.50335, g2 = 15.26171), tolerance = 1e-4)
  expect_equal(c(two$df[[1]], three$df[[1]]), c(112, 104)) # 128 - 1 - 15, - 23
  expect_match(attr(two, "notes"), "sparse", all = FALSE)
})

test_that("Mplus: cheating (NTNU-workshop), and incomplete data (lca-bookdown, bully)", {
  test <- fit_tests(fitted_to(lca(c(lie_exam, lie_paper, fraud, copy_exam), k = 2), cheating))
  expect_equal(round(by_name(test)[c("x2", "g2")], 3), c(x2 = 8.323, g2 = 7.764))
  expect_equal(round(test$p.value[1:2], 4), c(0.2154, 0.2559))
  data <- reference_data("lca_bully")
  printed <- list(`2` = c(224.521, 219.073, 50), `3` = c(69.831, 75.756, 43))
  for (k in 2:3) {
    test <- fit_tests(fitted_to(lca(names(data), k = k), data))
    expect_equal(round(by_name(test)[c("x2", "g2")], 2), round(printed[[as.character(k)]][1:2], 2), tolerance = 1e-4,
      ignore_attr = TRUE)
    expect_equal(test$df[[1]], printed[[as.character(k)]][[3]])
    expect_equal(round(attr(test, "mcar")$statistic, 3), c(42.095, 57.954))
    expect_equal(attr(test, "mcar")$df, c(45, 45))
  }
})

test_that("the table without a model is the maximum over all tables", {
  data <- withr::with_seed(3, data.frame(a = rbinom(80, 1, 0.4), b = rbinom(80, 1, 0.6)))
  data$b[data$a == 1 & runif(80) < 0.3] <- data$a[data$a == 1][[1]]
  data$a[1:12] <- NA
  data$b[10:30] <- NA
  data <- data[!(is.na(data$a) & is.na(data$b)), ]
  fit <- fitted_to(lca(c(a, b), k = 1), data)
  log_likelihood <- function(theta) {
    p <- matrix(c(exp(theta), 1) / (1 + sum(exp(theta))), 2)
    sum(mapply(function(a, b) log(sum(p[if (is.na(a)) 1:2 else a + 1, if (is.na(b)) 1:2 else b + 1])), data$a, data$b))
  }
  best <- optim(c(0, 0, 0), log_likelihood, method = "BFGS", control = list(fnscale = -1, reltol = 1e-14))
  test <- fit_tests(fit)
  expect_equal(attr(test, "saturated"), best$value, tolerance = 1e-8)
  expect_equal(by_name(test)[["g2"]], 2 * (best$value - fit$log_likelihood), tolerance = 1e-6)
  expect_equal(attr(test, "mcar")$df[[2]], (4 + 2 + 2 - 3) - 3)
})

test_that("with complete data G2 is the likelihood ratio to the saturated model, however the data are given", {
  long <- fitted_to(lca(c(A, B, C, D), k = 2), stouffer_toby[rep(1:16, stouffer_toby$frequency), ])
  short <- fitted_to(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency)
  a <- fit_tests(long)
  b <- fit_tests(short)
  expect_equal(a$statistic, b$statistic, tolerance = 1e-6)
  expect_equal(a$statistic[[2]], 2 * (attr(a, "saturated") - long$log_likelihood), tolerance = 1e-6)
  expect_equal(attr(a, "expected")[["smallest"]], min(residuals(long, "pattern")$expected), tolerance = 1e-8)
  # Cressie and Read (1984) with power 2/3 lies between the two others
  expect_equal(a$statistic[[3]], with(residuals(long, "pattern"), 1.8 * sum(observed * ((observed / expected)^(2 / 3) -
    1))), tolerance = 1e-8)
})

test_that("factors and stacked items", {
  test <- fit_tests(factor_fit())
  expect_equal(test$df[[1]], 21)
  # ln L of the saturated table by hand
  counts <- table(do.call(paste, lsat))
  expect_equal(attr(test, "saturated"), sum(counts * log(counts / 1000)), tolerance = 1e-10)
  expect_equal(test$statistic[[2]], 2 * (attr(test, "saturated") - factor_fit()$log_likelihood), tolerance = 1e-4)
  stacked <- fitted_to(gom(c(A, B, C, D), k = 2), carcinoma, se = "none")
  wide <- residuals(stacked, "pattern")
  expect_equal(fit_tests(stacked)$statistic[[1]],
    with(wide, sum((observed - expected)^2 / expected) + 118 - sum(expected)), tolerance = 1e-6)
})

test_that("bootstrap p-values, on any plan", {
  fit <- fitted_to(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency)
  test <- fit_tests(fit, bootstrap = 19, seed = 2)
  expect_true(all(test$bootstrap.p.value >= 0.05 & test$bootstrap.p.value <= 1))
  expect_equal(test$bootstrap.p.value * 20, round(test$bootstrap.p.value * 20))
  skip_on_cran()
  skip_if_not_installed("future.apply")
  old <- future::plan(future::multisession, workers = 2)
  on.exit(future::plan(old))
  expect_identical(fit_tests(fit, bootstrap = 19, seed = 2)$bootstrap.p.value, test$bootstrap.p.value)
})

test_that("without degrees of freedom there is no p-value", {
  test <- fit_tests(fitted_to(lca(c(A, B, C), k = 2), stouffer_toby, frequency = frequency))
  expect_equal(test$df[[1]], 0)
  expect_true(all(is.na(test$p.value)))
})

test_that("print and errors", {
  expect_snapshot(fit_tests(carcinoma_fit(2)))
  holed <- carcinoma
  holed$A[1:9] <- NA
  expect_snapshot(fit_tests(fitted_to(lca(c(A, B, C, D), k = 2), holed), bootstrap = 3, seed = 1))
  weighted <- fitted_to(lca(c(A, B, C), k = 2), transform(carcinoma, w = 1:118), weights = w)
  clustered <- fitted_to(lca(c(A, B, C), k = 2), transform(carcinoma, g = rep(1:59, 2)), cluster = "g")
  covariate <- fitted_to(lca(c(A, B, C), k = 2, predictors = ~ x), transform(carcinoma, x = (1:118) / 50))
  two_level <- fitted_to(mixture_model(latent_class("d", 2, level = "between"), outcome(c(A, B, C) ~ d,
    family = bernoulli()), cluster = "g"), transform(carcinoma, g = rep(1:59, 2)), se = "none")
  expect_snapshot(error = TRUE, {
    fit_tests("fit")
    fit_tests(regression_fit())
    fit_tests(two_level)
    fit_tests(weighted)
    fit_tests(clustered)
    fit_tests(covariate)
    fit_tests(carcinoma_fit(2), bootstrap = 0.5)
  })
})
