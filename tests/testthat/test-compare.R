# compare_models(), enumerate_classes(), anova().

test_that("criteria follow their formulas", {
  table <- compare_models(one = carcinoma_fit(1), two = carcinoma_fit(2))
  d <- table$parameters
  expect_equal(table$model, c("one", "two"))
  expect_equal(d, c(7L, 15L), ignore_attr = TRUE)
  expect_equal(table$CAIC, -2 * table$log_likelihood + d * (log(118) + 1))
  expect_equal(table$AWE, -2 * table$log_likelihood + 2 * d * (log(118) + 1.5))
  p <- as.matrix(posterior(carcinoma_fit(2))[c("c=1", "c=2")])
  expect_equal(table$ICL[2], table$BIC[2] + 2 * sum(-p * log(p), na.rm = TRUE))
  expect_equal(table$ICL[1], table$BIC[1])
  expect_equal(table$smallest_class[2], min(class_sizes(carcinoma_fit(2))$proportion))
  expect_named(attr(table, "fits"), c("one", "two"))
})

test_that("all criteria by their formulas, with clusters as cases too", {
  table <- compare_models(carcinoma_fit(2), regression = carcinoma_fit(3))
  l <- table$log_likelihood
  d <- table$parameters
  expect_equal(table$aBIC, -2 * l + d * log(120 / 24))
  expect_equal(table$BIC, -2 * l + d * log(118))
  expect_true(all(is.na(table$BIC_clusters)))
  two_level <- compare_models(regression_fit())
  expect_equal(two_level$BIC_clusters, -2 * two_level$log_likelihood + two_level$parameters * log(40))
  expect_equal(two_level$BIC, -2 * two_level$log_likelihood + two_level$parameters * log(240))
  expect_equal(table$status, c("boundary", "boundary"))
  expect_equal(compare_models(regression_fit())$status, "converged")
  lost <- regression_fit()
  lost$convergence$status <- "max_iterations"
  expect_equal(compare_models(lost)$status, "not converged")
})

test_that("a class analysis can be compared with a model of stacked items", {
  grade <- remember("carcinoma gom", {
    mlmix(gom(seven, k = 2), carcinoma, starts = c(2, 1), seed = 1, threads = 1, se = "none")
  })
  expect_equal(compare_models(carcinoma_fit(2), grade)$parameters, c(15, 16))
})

test_that("likelihood-ratio tests use the Satorra-Bentler scaling of differences", {
  free <- chain_fit()
  restricted <- remember("restricted", {
    model <- mixture_model(latent_class("c1", 2), latent_class("c2", 2), outcome(u1:u4 ~ c1, family = bernoulli()),
      outcome(v1:v4 ~ c2, family = bernoulli()))
    columns <- as.data.frame(free$data$columns)
    mlmix(model, columns, starts = c(6, 3), seed = 2, threads = 1)
  })
  table <- anova(free, restricted)
  c1 <- free$scaling
  c0 <- restricted$scaling
  cd <- (restricted$n_free * c0 - free$n_free * c1) / (restricted$n_free - free$n_free)
  expect_equal(rownames(table), c("restricted", "free"))
  expect_equal(table$Chisq[2], -2 * (restricted$log_likelihood - free$log_likelihood) / cd)
  expect_equal(table$Df[2], 1)
  plain <- anova(free, restricted, scaled = FALSE)
  expect_equal(plain$Chisq[2], -2 * (restricted$log_likelihood - free$log_likelihood))
  expect_equal(plain$`Pr(>Chisq)`[2], pchisq(plain$Chisq[2], 1, lower.tail = FALSE))
})

test_that("fits with different numbers of classes are compared with a warning", {
  expect_warning(anova(carcinoma_fit(1), carcinoma_fit(2)), class = "mlmix_warning_boundary")
})

test_that("errors in words", {
  two <- carcinoma_fit(2)
  expect_snapshot(error = TRUE, {
    compare_models()
    compare_models(two, "three")
    compare_models(two, factor_fit())
    anova(two)
  })
})

test_that("tables print within 80 columns", {
  expect_snapshot({
    compare_models(one = carcinoma_fit(1), two = carcinoma_fit(2))
    compare_models(regression_fit())
  })
  expect_true(all(nchar(capture.output(print(compare_models(carcinoma_fit(1), carcinoma_fit(2))))) <= 80))
})
