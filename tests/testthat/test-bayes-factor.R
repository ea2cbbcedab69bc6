# bayes_factors() and the columns of compare_models() that come from BIC.

test_that("Bayes factors and probabilities follow from BIC", {
  table <- compare_models(carcinoma_fit(1), carcinoma_fit(2), carcinoma_fit(3))
  sic <- -table$BIC / 2
  expect_equal(table$bayes_factor, c(exp(sic[1] - sic[2]), exp(sic[2] - sic[3]), NA))
  expect_equal(table$probability, exp(sic - max(sic)) / sum(exp(sic - max(sic))))
  pairs <- bayes_factors(one = carcinoma_fit(1), two = carcinoma_fit(2), three = carcinoma_fit(3))
  expect_equal(pairs$model, c("three", "three", "two"))
  expect_equal(pairs$against, c("two", "one", "one"))
  expect_equal(log(pairs$bayes_factor), c(sic[3] - sic[2], sic[3] - sic[1], sic[2] - sic[1]), tolerance = 1e-10)
  expect_equal(pairs$support[[1]], "strong")
  expect_equal(bayes_factors(table)$bayes_factor, pairs$bayes_factor)
})

test_that("a case that Nylund-Gibson and Choi's definitions settle by hand", {
  bic <- c(1000, 996, 998, NA)
  expect_equal(successive_bayes_factors(bic), c(exp(-2), exp(1), NA, NA))
  weight <- exp(-c(4, 0, 2) / 2)
  expect_equal(model_probabilities(bic), c(weight / sum(weight), NA))
})

test_that("errors", {
  expect_snapshot(error = TRUE, {
    bayes_factors(carcinoma_fit(1))
    bayes_factors()
    bayes_factors(1, 2)
  })
})
