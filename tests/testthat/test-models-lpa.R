test_that("lpa() has the four covariance structures", {
  data <- withr::with_seed(1, data.frame(y1 = rnorm(20), y2 = rnorm(20), y3 = rnorm(20)))
  expect_equal(n_free(lpa(y1:y3, 2), data), 6 + 3 + 1)
  expect_equal(n_free(lpa(y1:y3, 2, variances = "varying"), data), 6 + 6 + 1)
  expect_equal(n_free(lpa(y1:y3, 2, covariances = "equal"), data), 6 + 3 + 3 + 1)
  expect_equal(n_free(lpa(y1:y3, 2, "varying", "varying"), data), 6 + 6 + 6 + 1)
})
