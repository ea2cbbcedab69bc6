# vlmr(): against Mplus's TECH11 on published data, and its parts against the engine's own matrices.

quiet <- function(expr) suppressMessages(suppressWarnings(expr))

test_that("Mplus's TECH11 for the cheating data", {
  # Mplus 8.6, garberadamc/NTNU-workshop, 19-intro-mixtures/enum_cheat
  fit <- quiet(mlmix(lca(c(lie_exam, lie_paper, fraud, copy_exam), k = 2), cheating, starts = c(5, 2), seed = 1,
    threads = 1))
  test <- vlmr(fit, starts = c(2, 1), seed = 1)
  mplus <- test[test$weights == "robust", ]
  expect_equal(attr(test, "null")$log_likelihood, -467.438, tolerance = 1e-6)
  expect_equal(attr(test, "df"), 5)
  expect_equal(round(mplus$statistic, 3), c(54.822, 52.984))
  expect_equal(round(mplus$mean, 3), c(5.308, 5.308))
  expect_equal(round(mplus$sd, 3), c(5.063, 5.063))
  expect_true(all(mplus$p.value < 5e-5))
})

test_that("Mplus's TECH11 with missing values", {
  # Mplus 8.11, immerse-ucsb/lca-bookdown, enum/c2_bully.out and c3_bully.out
  data <- reference_data("lca_bully")
  items <- names(data)
  fits <- lapply(2:3, function(k) quiet(mlmix(lca(items, k = k), data, starts = c(10, 3), seed = 1, threads = 1)))
  two <- quiet(vlmr(fits[[1]], starts = c(2, 1), seed = 1))
  expect_equal(round(as.numeric(two[2, c("statistic", "mean", "sd")]), 2), c(498.55, 13.82, 13.63))
  expect_equal(round(two$statistic[[4]], 2), 489.37) # printed 489.365
  three <- quiet(vlmr(fits[[1]], fits[[2]]))
  expect_equal(round(as.numeric(three[2, c("statistic", "mean", "sd")]), 2), c(143.32, -0.42, 12.57))
  expect_equal(three$statistic[[4]], 140.677, tolerance = 1e-5)
})

test_that("Vuong's weights are the eigenvalues of W, and their sum that of the MLR scaling", {
  fit <- chain_fit()
  test <- quiet(vlmr(fit, class = "c2", starts = c(2, 1), seed = 1))
  null <- attr(test, "null")
  p <- test$p.value[test$weights == "observed" & test$test == "VLMR"]
  scores <- function(fit) engine_evaluate(fit, fit$parameters$estimate)$scores
  middle <- diag(0, fit$n_free + null$n_free)
  middle[seq_len(fit$n_free), seq_len(fit$n_free)] <- solve(fit$information)
  middle[-seq_len(fit$n_free), -seq_len(fit$n_free)] <- -solve(null$information)
  w <- crossprod(cbind(scores(fit), scores(null))) %*% middle
  lambda <- Re(eigen(w, only.values = TRUE)$values)
  lambda <- lambda[abs(lambda) > 1e-8]
  expect_equal(sort(attr(test, "weights")$observed), sort(lambda), tolerance = 1e-6)
  draws <- withr::with_seed(2, colSums(lambda * matrix(rnorm(length(lambda) * 1e5)^2, length(lambda))))
  expect_lt(abs(mean(draws > test$statistic[[1]]) - p), 0.01)
  expect_equal(test$mean[[1]], fit$scaling * fit$n_free - null$scaling * null$n_free, tolerance = 1e-6)
})

test_that("scores of units have the cross-product the engine reports, whatever the weights", {
  data <- withr::with_seed(1, transform(carcinoma, w = runif(118, 0.5, 2), g = rep(1:59, 2),
    f = sample(1:3, 118, TRUE)))
  small <- lca(c(A, B, C, D), k = 2)
  fit <- function(...) quiet(mlmix(..., starts = c(2, 1), seed = 1, threads = 1))
  all <- list(
    fit(small, data), fit(small, data, frequency = f), fit(small, data, weights = w),
    fit(small, data, weights = w, frequency = f), fit(small, data, weights = w, cluster = "g"),
    fit(small, data, frequency = f, cluster = "g"), regression_fit(),
    fit(gom(c(A, B, C), k = 2), data, frequency = f)
  )
  for (one in all) {
    scores <- unit_scores(one, engine_evaluate(one, one$parameters$estimate)$scores, common_units(one, one)$null)
    # the engine may have worked its own out one Newton step before, where they are the same to 1e-7
    expect_equal(crossprod(scores), one$cross_product, tolerance = 1e-7, ignore_attr = TRUE)
  }
  expect_equal(common_units(all[[1]], all[[1]])$n, 118)
  expect_equal(common_units(all[[2]], all[[2]])$n, sum(data$f))
  expect_equal(common_units(all[[5]], all[[5]])$n, 59)
  expect_equal(common_units(all[[7]], all[[7]])$n, 40)
})

test_that("a frequency table and its rows one by one give the same test", {
  table <- quiet(mlmix(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency, starts = c(5, 2), seed = 1,
    threads = 1))
  rows <- stouffer_toby[rep(1:16, stouffer_toby$frequency), ]
  long <- quiet(mlmix(lca(c(A, B, C, D), k = 2), rows, starts = c(5, 2), seed = 1, threads = 1))
  a <- quiet(vlmr(table, starts = c(2, 1), seed = 1))
  b <- quiet(vlmr(long, starts = c(2, 1), seed = 1))
  expect_equal(a$p.value, b$p.value, tolerance = 1e-5)
  expect_equal(a$mean, b$mean, tolerance = 1e-5)
})

test_that("clusters are the independent units of a two-level model against a single-level one", {
  data <- regression_data()
  plain <- quiet(mlmix(mixture_model(outcome(y ~ x)), data, starts = 1, seed = 1, threads = 1))
  test <- quiet(vlmr(plain, regression_fit()))
  units <- common_units(plain, regression_fit())
  expect_equal(units$n, 40)
  expect_length(units$null, 240)
  small <- quiet(mlmix(mixture_model(outcome(y ~ x)), data, cluster = "id", starts = 1, seed = 1, threads = 1))
  expect_equal(test$mean[[1]], regression_fit()$scaling * regression_fit()$n_free - small$scaling * 3, tolerance = 1e-4)
})

test_that("a model that is not identified has no p-value, and says why", {
  fit <- carcinoma_fit(2)
  fit$parameters$status[[1]] <- "not identified"
  test <- quiet(vlmr(fit, starts = c(2, 1), seed = 1))
  expect_true(all(is.na(test$p.value)))
  expect_match(attr(test, "notes"), "not identified", all = FALSE)
})

test_that("the information is worked out where the fit has none", {
  none <- carcinoma_fit(2)
  ordered <- order_classes(none)
  ordered$information <- NULL
  expect_equal(quiet(vlmr(ordered, starts = c(2, 1), seed = 1))$p.value,
    quiet(vlmr(none, starts = c(2, 1), seed = 1))$p.value, tolerance = 1e-4)
})

test_that("print and errors", {
  fit <- carcinoma_fit(2)
  one <- carcinoma_fit(1)
  expect_snapshot(quiet(vlmr(one, fit)))
  expect_snapshot(error = TRUE, {
    vlmr("fit")
    vlmr(fit, one)
    vlmr(one, fit, class = "c")
    vlmr(one, factor_fit())
    vlmr(fit, starts = 0)
    vlmr(factor_fit())
  })
})
