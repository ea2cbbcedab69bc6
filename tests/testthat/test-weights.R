# Frequencies and sampling weights.

test_that("a frequency equals that many rows", {
  patterns <- unique(carcinoma[seven])
  key <- function(d) do.call(paste, d[seven])
  patterns$n <- as.numeric(table(factor(key(carcinoma), levels = key(patterns))))
  fit <- suppressWarnings(mlmix(lca(seven, k = 2), patterns, frequency = n, starts = c(5, 2), seed = 1,
    threads = 1))
  full <- carcinoma_fit(2)
  expect_equal(fit$log_likelihood, full$log_likelihood, tolerance = 1e-8)
  expect_equal(nobs(fit), 118)
  expect_equal(BIC(fit), BIC(full), tolerance = 1e-8)
  expect_equal(sort(class_sizes(fit)$n), sort(class_sizes(full)$n), tolerance = 1e-4)
  expect_equal(sort(estimates(fit)$std.error), sort(estimates(full)$std.error), tolerance = 1e-3)
})

test_that("weights may be bare, quoted or a vector, and are scaled to the number of cases", {
  data <- carcinoma
  data$w <- rep(c(0, 1, 2, 3), length.out = nrow(data))
  run <- function(...) {
    suppressWarnings(mlmix(lca(c(A, B, C), k = 2), data, starts = c(3, 2), seed = 2, threads = 1, ...))
  }
  bare <- run(weights = w)
  expect_equal(bare$log_likelihood, run(weights = "w")$log_likelihood)
  expect_equal(bare$log_likelihood, run(weights = data$w * 7)$log_likelihood)
  expect_equal(sum(bare$data$unit_weights), nrow(data))
})

test_that("weights in clusters sum to the cluster's size, cluster weights to the number of clusters", {
  resolved <- list(row_used = 1:5, cluster = c(0, 0, 0, 1, 1), cluster_ids = c("a", "b"))
  scaled <- engine_weights(resolved, NULL, c(1, 2, 3, 5, 5), c(3, 3, 3, 1, 1), NULL)
  expect_equal(scaled$unit_weights, c(0.5, 1, 1.5, 1, 1))
  expect_equal(scaled$cluster_weights, c(1.5, 1.5, 1.5, 0.5, 0.5))
})

test_that("in clusters with frequencies, weights sum to the cluster's number of cases", {
  resolved <- list(row_used = 1:3, cluster = c(0, 0, 1), cluster_ids = c("a", "b"))
  scaled <- engine_weights(resolved, c(3, 1, 2), c(1, 2, 5), NULL, NULL)
  expect_equal(sum((scaled$unit_weights * scaled$frequency)[1:2]), 4)
  expect_equal(scaled$unit_weights[3], 1)
  long <- engine_weights(list(row_used = 1:6, cluster = c(0, 0, 0, 0, 1, 1), cluster_ids = c("a", "b")), NULL,
    c(1, 1, 1, 2, 5, 5), NULL, NULL)
  expect_equal(scaled$unit_weights[1:2], long$unit_weights[3:4])
})

test_that("persons of stacked responses are counted by frequency, with and without weights", {
  resolved <- list(row_used = c(1, 1, 2, 2), cluster = c(0, 0, 1, 1), cluster_ids = 1:2, reshape = list(type = "long"))
  scaled <- engine_weights(resolved, c(2, 5), c(1, 3), NULL, NULL)
  expect_equal(sum(scaled$cluster_weights[c(1, 3)]), 7)
  expect_equal(scaled$cluster_weights[[3]] / scaled$cluster_weights[[1]], 15 / 2)
  expect_equal(count_cases(c(resolved, scaled)), 7)
  expect_equal(count_cases(c(resolved, engine_weights(resolved, NULL, c(1, 3), NULL, NULL))), 2)
})

test_that("in stacked data every weight belongs to the person", {
  resolved <- list(row_used = c(1, 1, 2, 2), cluster = c(0, 0, 1, 1), cluster_ids = 1:2, reshape = list(type = "long"))
  scaled <- engine_weights(resolved, c(2, 5), NULL, NULL, NULL)
  expect_null(scaled$frequency)
  expect_equal(scaled$cluster_weights, c(2, 2, 5, 5))
})

test_that("errors robust to clusters: a row and its copy in one cluster count once", {
  twice <- carcinoma[rep(1:118, each = 2), ]
  twice$slide <- rep(1:118, each = 2)
  run <- function(...) {
    suppressWarnings(mlmix(lca(c(A, B, C), k = 1), ..., starts = 1, seed = 1, threads = 1))
  }
  robust <- run(twice, cluster = "slide")
  expect_equal(estimates(robust)$std.error, estimates(run(carcinoma))$std.error, tolerance = 1e-6)
  expect_equal(estimates(run(twice))$std.error, estimates(robust)$std.error / sqrt(2), tolerance = 1e-6)
  expect_match(capture.output(print(robust)), "robust to 118 clusters \\(slide\\)", all = FALSE)
})

# ELS:2002, Mplus 9 (immerse-ucsb/lca-bookdown): 12,146 cases, of which 2,998 have weight zero.
test_that("the published weighted analysis: log-likelihood, scaling, errors, entropy", {
  root <- Sys.getenv("MLMIX_REFERENCE", "../../../shared/reference")
  path <- file.path(root, "published", "lca_weighted_els", "data.csv")
  skip_if_not(file.exists(path), "the reference data are not here")
  data <- utils::read.csv(path)
  items <- setdiff(names(data), "f3bytscwt")
  run <- function(k) {
    suppressWarnings(suppressMessages(
      mlmix(lca(items, k = k), data, weights = f3bytscwt, starts = c(6, 2), seed = 1, threads = 1)
    ))
  }
  one <- run(1)
  expect_equal(nobs(one), 12146)
  expect_equal(one$log_likelihood, -62206.050, tolerance = 1e-8)
  expect_equal(one$scaling, 2.0416, tolerance = 1e-4)
  two <- run(2)
  expect_equal(two$log_likelihood, -48467.315, tolerance = 1e-8)
  expect_equal(two$scaling, 2.2254, tolerance = 1e-4)
  expect_equal(round(glance(two)$entropy, 3), 0.869)
  expect_equal(round(BIC(two), 3), 97094.511)
  published <- utils::read.csv(file.path(root, "published", "lca_weighted_els", "estimates", "c2.csv"))
  thresholds <- published[published$section == "Thresholds", ]
  ours <- estimates(two)
  ours <- ours[ours$kind == "intercept", ]
  expect_equal(sort(ours$estimate), sort(-thresholds$estimate), tolerance = 1e-3)
  expect_equal(sort(ours$std.error), sort(thresholds$se), tolerance = 5e-3)
})

test_that("wrong weights are refused in words", {
  model <- lca(c(A, B, C), k = 2)
  data <- carcinoma
  data$w <- 1
  data$w[3] <- NA
  data$v <- replace(rep(1, nrow(data)), 4, -1)
  data$t <- "a"
  expect_snapshot(error = TRUE, {
    mlmix(model, data, weights = w)
    mlmix(model, data, weights = v)
    mlmix(model, data, weights = t)
    mlmix(model, data, weights = "ww")
    mlmix(model, data, weights = nothing_of_that_name)
    mlmix(model, data, weights = 1:3)
    mlmix(model, data, frequency = rep(0, nrow(data)))
    mlmix(model, data, cluster_weights = rep(1, nrow(data)))
  })
  expect_snapshot(invisible(warn_frequency(c(1, 2.5))))
})

test_that("a frequency of persons is the same as their rows, in robust standard errors too", {
  items <- paste0("item", 1:5)
  counts <- aggregate(list(n = rep(1, nrow(lsat))), lsat[items], sum)
  model <- irt(item1:item5, "3pl", guessing_prior = c(qlogis(0.2), 0.5))
  by_row <- mlmix(model, lsat, seed = 1)
  counted <- mlmix(model, counts, frequency = n, seed = 1)
  expect_equal(counted$log_likelihood, by_row$log_likelihood, tolerance = 1e-8)
  expect_equal(vcov(counted), vcov(by_row), tolerance = 1e-4)
  expect_equal(counted$scaling, by_row$scaling, tolerance = 1e-5)
  expect_output(print(counted), "1,000 persons in 30 rows of data")
  expect_no_match(capture_output(print(counted)), "weighted")
  # beside sampling weights: each person weighs w, and robust errors square w but not the frequency
  counts$w <- ifelse(counts$item1 == 1, 1, 2)
  lsat$w <- ifelse(lsat$item1 == 1, 1, 2)
  both <- mlmix(model, counts, frequency = n, weights = w, seed = 1)
  rows <- mlmix(model, lsat, weights = w, seed = 1)
  expect_equal(vcov(both), vcov(rows), tolerance = 1e-4)
})
