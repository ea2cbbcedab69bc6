# blrt(): against the same test done by hand, known distributions, Mplus's TECH14, and itself on other plans.

quiet <- function(expr) suppressMessages(suppressWarnings(expr))
one <- function(...) quiet(mlmix(..., threads = 1))
cheat <- function(k) {
  remember(paste("cheating", k), mlmix(lca(c(lie_exam, lie_paper, fraud, copy_exam), k = k), cheating,
    starts = c(20, 5), seed = 1, threads = 1))
}

test_that("the draws are those of simulate() and mlmix()", {
  null <- carcinoma_fit(1)
  test <- blrt(null, carcinoma_fit(2), draws = 3, level = NULL, starts = c(20, 10), seed = 6)
  seeds <- element_seeds(6L, 3)
  by_hand <- vapply(seeds, function(seed) {
    data <- simulate(null, seed = seed)[[1]]
    fit <- function(k) one(lca(seven, k = k), data, starts = c(20, 10), seed = 8, se = "none")
    2 * (fit(2)$log_likelihood - fit(1)$log_likelihood)
  }, 0)
  expect_equal(test$draws, by_hand, tolerance = 1e-5)
  expect_equal(test$statistic, 2 * (carcinoma_fit(2)$log_likelihood - null$log_likelihood))
  expect_equal(test$p.value, 1 / 4)
  expect_equal(test$df, 8)
  expect_equal(test$failures, c(error = 0L, `not converged` = 0L, `below the smaller model` = 0L))
})

test_that("the smaller model is made where it is not given", {
  a <- blrt(carcinoma_fit(2), draws = 2, starts = c(4, 2), seed = 5, level = NULL)
  b <- blrt(carcinoma_fit(1), carcinoma_fit(2), draws = 2, starts = c(4, 2), seed = 5, level = NULL)
  expect_equal(a$statistic, b$statistic, tolerance = 1e-8)
  expect_equal(a$draws, b$draws, tolerance = 1e-5)
})

test_that("Mplus's TECH14 for the cheating data", {
  skip_on_cran()
  # 2 against 3 classes: Mplus 8.6 found 0.1395 with 43 draws (garberadamc/NTNU-workshop), a standard error of 0.053.
  test <- blrt(cheat(2), cheat(3), seed = 2, level = NULL, draws = 60, starts = c(8, 3))
  expect_equal(test$statistic, 7.583, tolerance = 1e-4)
  expect_lt(abs(test$n_reached / 60 - 0.1395), 3 * sqrt(0.15 * 0.85 * (1 / 43 + 1 / 60)))
  # 1 against 2 classes: 0.0000
  expect_equal(blrt(cheat(1), cheat(2), seed = 2, level = NULL, draws = 20, starts = c(4, 1))$n_reached, 0)
})

test_that("a variance of zero: half the draws at 0, the others chi-squared with one degree of freedom", {
  skip_on_cran()
  data <- regression_data()
  null <- one(mixture_model(outcome(y ~ x)), data, starts = 1, seed = 1)
  free <- one(mixture_model(outcome(y ~ x + (1 | id))), data, starts = 2, seed = 1)
  test <- blrt(null, free, draws = 120, level = NULL, starts = 2, seed = 1)
  # With 40 clusters the share at 0 is a little above the limit of one half.
  expect_lt(abs(test$at_zero - 0.5), 0.15)
  above <- test$draws[test$draws > 1e-3]
  expect_gt(suppressWarnings(ks.test(above, pchisq, df = 1))$p.value, 0.01)
  expect_equal(sum(test$failures), 0)
})

test_that("under the smaller model the p-value is uniform", {
  skip_on_cran()
  null <- cheat(1)
  p <- vapply(1:30, function(r) {
    data <- simulate(null, seed = 100 + r)[[1]]
    fit <- function(k) one(lca(c(lie_exam, lie_paper, fraud, copy_exam), k = k), data, starts = c(6, 2), seed = 1,
      se = "none")
    blrt(fit(1), fit(2), draws = 9, level = NULL, starts = c(4, 2), seed = r)$p.value
  }, 0)
  # on 0.1, 0.2, ..., 1 with equal probabilities
  expect_gt(chisq.test(table(cut(p, c(0, 0.2, 0.4, 0.6, 0.8, 1))))$p.value, 0.01)
})

test_that("a frequency table gives what its rows one by one give", {
  items <- c("A", "B", "C", "D")
  fit <- function(k, ...) one(lca(items, k = k), ..., starts = c(6, 2), seed = 1, se = "none")
  long <- stouffer_toby[rep(1:16, stouffer_toby$frequency), ]
  a <- blrt(fit(1, stouffer_toby, frequency = frequency), fit(2, stouffer_toby, frequency = frequency), draws = 3,
    level = NULL, starts = c(6, 2), seed = 3)
  b <- blrt(fit(1, long), fit(2, long), draws = 3, level = NULL, starts = c(6, 2), seed = 3)
  expect_equal(a$draws, b$draws, tolerance = 1e-4)
  expect_gt(min(a$draws), 0)
})

test_that("items in a row and stacked: a class analysis against grades of membership", {
  items <- c("A", "B", "C", "D")
  wide <- one(lca(items, k = 1), stouffer_toby, frequency = frequency, starts = 1, seed = 1, se = "none")
  stacked <- one(gom(items, k = 2), stouffer_toby, frequency = frequency, starts = c(4, 2), seed = 1, se = "none")
  rows <- list(expanded_rows(wide), expanded_rows(stacked))
  expect_equal(rows[[1]]$n_units, 216)
  expect_length(rows[[2]]$row, 864)
  drawn <- draw_outcomes(draw_model(wide), 4L)
  model <- draw_model(stacked)
  columns <- put_outcomes(model, drawn)
  for (item in items) {
    seen <- !is.na(columns[[item]])
    expect_equal(columns[[item]][seen], drawn[[item]][model$key[seen]])
    expect_equal(sum(seen), 216)
  }
  expect_identical(model$cluster, rep(0:215, each = 4))
  test <- blrt(wide, stacked, draws = 2, level = NULL, starts = c(3, 1), seed = 1)
  expect_equal(test$n_draws + sum(test$failures), 2)
})

test_that("missing values and clusters stay as they are", {
  data <- regression_data()
  data$y[c(3, 50, 51)] <- NA
  fit <- one(mixture_model(outcome(y ~ x + (1 | id))), data, starts = 1, seed = 1, se = "none")
  model <- draw_model(fit)
  columns <- put_outcomes(model, draw_outcomes(model, 1L))
  expect_equal(is.na(columns$y), is.na(fit$data$columns$y))
  expect_equal(columns$x, fit$data$columns$x)
  expect_false(any(columns$y == fit$data$columns$y, na.rm = TRUE))
  holed <- carcinoma
  holed$A[1:30] <- NA
  fit <- one(lca(seven, k = 2), holed, starts = c(4, 2), seed = 1, se = "none")
  model <- draw_model(fit)
  expect_equal(is.na(put_outcomes(model, draw_outcomes(model, 1L))$A), rep(c(TRUE, FALSE), c(30, 88)))
})

test_that("several class variables", {
  test <- blrt(chain_fit(), class = "c2", draws = 2, level = NULL, starts = c(3, 1), seed = 1)
  expect_equal(vapply(fit_classes(test$null), function(cl) cl$k, 1), c(c1 = 2, c2 = 1))
  expect_equal(test$n_reached, 0)
})

test_that("the test ends when it is clear, with the risk that is stated", {
  limits <- stopping_limits(0.05, 400)
  expect_equal(limits$upper[[2]], 2)
  expect_equal(which(limits$lower >= 0)[[1]], 79) # 0.95^79 = 0.0174
  ends <- withr::with_seed(1, replicate(4000, {
    reached <- cumsum(runif(400) < 0.05)
    above <- which(reached >= limits$upper)[1]
    below <- which(reached <= limits$lower)[1]
    if (is.na(above) && is.na(below)) return("all")
    if (is.na(below) || (!is.na(above) && above < below)) "above" else "below"
  }))
  expect_lt(mean(ends == "above"), 0.02 + 3 * sqrt(0.02 * 0.98 / 4000))
  expect_lt(mean(ends == "below"), 0.02 + 3 * sqrt(0.02 * 0.98 / 4000))
  expect_gt(mean(ends == "above"), 0.005)
  expect_equal(has_ended(c(9, 9), 5, limits), "above")
  expect_equal(has_ended(c(9, NA), 5, limits), "all")
  expect_equal(has_ended(rep(1, 79), 5, limits), "below")
  expect_equal(has_ended(rep(1, 79), 5, NULL), "all")
})

test_that("another plan, the same numbers", {
  skip_on_cran()
  skip_if_not_installed("future.apply")
  run <- function(...) blrt(cheat(2), cheat(3), draws = 12, starts = c(3, 1), seed = 4, ...)
  a <- run()
  old <- future::plan(future::multisession, workers = 2)
  on.exit(future::plan(old))
  file <- withr::local_tempfile(fileext = ".rds")
  b <- run(file = file)
  expect_identical(a$draws, b$draws)
  expect_identical(a$p.value, b$p.value)
  future::plan(future::sequential)
  expect_identical(run(file = file)$draws, a$draws)
})

test_that("a test that was stopped goes on from its file, with the same numbers", {
  file <- withr::local_tempfile(fileext = ".rds")
  run <- function(draws = 6, ..., file = NULL) {
    blrt(carcinoma_fit(1), carcinoma_fit(2), draws = draws, starts = c(3, 1), seed = 4, file = file, ...)
  }
  whole <- run(level = NULL)
  run(2, file = file, level = NULL)
  kept <- readRDS(file)
  expect_equal(vapply(kept$results, `[[`, 0, "statistic"), stats::setNames(whole$draws[1:2], 1:2))
  # They are read, not made again.
  kept$results[["1"]]$statistic <- 1000
  saveRDS(kept, file)
  expect_identical(run(file = file, level = NULL)$draws, c(1000, whole$draws[-1]))
  expect_length(readRDS(file)$results, 6)
  # Another level is no other task; fewer draws neither. A failure that was kept is one.
  kept$results[["1"]] <- list(statistic = NA_real_, failure = "error")
  saveRDS(kept, file)
  some <- run(3, file = file, level = 0.2)
  expect_identical(some$draws, whole$draws[2:3])
  expect_equal(some$failures[["error"]], 1)
  expect_error(run(file = "no/such/directory/test.rds"), "must be the name of a file", class = "mlmix_error_spec")
  expect_error(blrt(carcinoma_fit(1), carcinoma_fit(2), starts = c(4, 1), seed = 4, file = file), "starts of a draw")
  expect_error(blrt(carcinoma_fit(2), carcinoma_fit(3), starts = c(3, 1), seed = 4, file = file), "smaller model")
})

test_that("draws that fail are counted, not used", {
  broken <- draw_model(carcinoma_fit(2))
  broken$options$quadrature$method <- "none of these"
  draw <- bootstrap_draw(1L, 1L, draw_model(carcinoma_fit(1)), broken, c(2L, 1L))
  expect_identical(draw, list(statistic = NA_real_, failure = "error"))
  # the larger model is not larger at all
  draw <- bootstrap_draw(1L, 1L, draw_model(carcinoma_fit(2)), draw_model(carcinoma_fit(1)), c(2L, 1L))
  expect_identical(draw, list(statistic = NA_real_, failure = "below the smaller model"))
  stuck <- draw_model(carcinoma_fit(2))
  stuck$options$max_iterations <- 1
  draw <- bootstrap_draw(1L, 1L, draw_model(carcinoma_fit(1)), stuck, c(2L, 1L))
  expect_identical(draw$failure, "not converged")
})

test_that("print, tidy and errors", {
  test <- blrt(cheat(2), cheat(3), draws = 6, level = NULL, starts = c(3, 1), seed = 4)
  test$draws <- c(1.234, 2, 3, 4, 5, 10)
  test$n_reached <- 1L
  test$p.value <- 2 / 7
  expect_snapshot(test)
  test$ended <- "above"
  test$level <- 0.05
  test$failures[["not converged"]] <- 2L
  test$at_zero <- 0.5
  expect_snapshot(test)
  expect_equal(as.list(tidy(test))[c("parameter", "p.value", "draws", "failures")],
    list(parameter = 5, p.value = 2 / 7, draws = 6L, failures = 2L), ignore_attr = TRUE)
  weighted <- one(lca(seven, k = 2), transform(carcinoma, w = 1:118), weights = w, starts = c(2, 1), seed = 1)
  fit <- carcinoma_fit(2)
  expect_snapshot(error = TRUE, {
    blrt(fit, draws = 0)
    blrt(fit, starts = 1)
    blrt(fit, level = 2)
    blrt(weighted, starts = c(2, 1), seed = 1)
    blrt(chain_fit())
    blrt(fit, progress = "yes")
    blrt(carcinoma_fit(1), random_logit_fit())
  })
})
