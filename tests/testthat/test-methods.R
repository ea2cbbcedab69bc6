# The standard generics.

test_that("logLik, nobs, coef, vcov, confint, formula and update", {
  fit <- chain_fit()
  expect_equal(attr(logLik(fit), "df"), fit$n_free)
  expect_equal(attr(logLik(fit), "nobs"), 300)
  expect_equal(dim(vcov(fit)), rep(length(coef(fit)), 2))
  expect_equal(rownames(vcov(fit)), names(coef(fit)))
  e <- estimates(fit)
  expect_equal(unname(sqrt(diag(vcov(fit)))), e$std.error)
  expect_equal(unname(confint(fit)[, 1]), e$conf.low)
  expect_equal(rownames(confint(fit, "u1~1[c1=1]")), "u1~1[c1=1]")
  expect_s3_class(formula(fit), "mlmix_model")
  expect_equal(update(carcinoma_fit(2), starts = c(2, 1), evaluate = FALSE)$starts, quote(c(2, 1)))
})

test_that("errors in words", {
  fit <- remember("no errors", mlmix(lca(c(A, B, C), k = 2), carcinoma, starts = c(3, 1), seed = 1, se = "none"))
  expect_true(all(is.na(estimates(fit)$std.error)))
  expect_snapshot(error = TRUE, {
    vcov(fit)
    confint(carcinoma_fit(2), "u1~1")
    update(carcinoma_fit(2), 5)
  })
})

test_that("update() needs no variable that was only there where the model was written", {
  fit <- local({
    things <- seven
    suppressWarnings(mlmix(lca(things, k = 2), carcinoma, starts = c(3, 1), seed = 1, threads = 1))
  })
  again <- suppressWarnings(update(fit, starts = c(4, 2)))
  expect_equal(again$log_likelihood, fit$log_likelihood, tolerance = 1e-6)
  things <- c("A", "B", "C") # another model here
  expect_equal(suppressWarnings(update(fit, starts = c(2, 1)))$n_free, 15)
})
