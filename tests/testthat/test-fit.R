# The fit object: plain, complete, and the same after saving.

test_that("a fit is a plain list that survives saving", {
  fit <- carcinoma_fit(2)
  path <- withr::local_tempfile(fileext = ".rds")
  saveRDS(fit, path)
  again <- readRDS(path)
  expect_equal(glance(again), glance(fit))
  expect_equal(estimates(again), estimates(fit))
  expect_equal(posterior(again), posterior(fit))
  types <- rapply(unclass(fit), typeof, how = "unlist")
  expect_false("externalptr" %in% types)
})

test_that("the reported log-likelihood belongs to the reported parameters", {
  fit <- carcinoma_fit(2)
  expect_equal(sum(fit$log_likelihood_clusters), fit$log_likelihood)
  expect_equal(engine_evaluate(fit, fit$parameters$estimate)$log_likelihood, fit$log_likelihood)
})

test_that("the reported posteriors are those of enumeration at the estimates", {
  fit <- chain_fit()
  ours <- brute_force(fit$spec, fit$data$columns, NULL, fit$parameters$estimate)
  expect_equal(fit$log_likelihood, ours$log_likelihood, tolerance = 1e-10)
  expect_equal(fit$posterior_joint, ours$posterior_joint, tolerance = 1e-6)
})

test_that("rows left out are counted and come back as NA", {
  data <- carcinoma
  data[c(2, 5), seven] <- NA
  fit <- suppressMessages(suppressWarnings(
    mlmix(lca(seven, k = 2), data, starts = c(3, 1), seed = 1, threads = 1)))
  expect_equal(nobs(fit), 116)
  p <- posterior(fit)
  expect_equal(nrow(p), 118)
  expect_equal(which(is.na(p$`c=1`)), c(2, 5))
  expect_equal(which(is.na(p$c)), c(2, 5))
})
