test_that("fma() and fma_gom() have their numbers of parameters", {
  data <- binary_data(paste0("u", 1:18))
  expect_equal(n_free(fma(u1:u18, 2), data), 55)
  expect_equal(n_free(fma(u1:u18, 2, loadings = "varying"), data), 73)
  expect_equal(n_free(fma(u1:u18, 2, factor_variance = "varying"), data), 56)
  expect_equal(n_free(fma_gom(u1:u18, 2), data), 56)
  expect_snapshot(error = TRUE, fma(u1:u18, 2, loadings = "varying", factor_variance = "varying"))
})
