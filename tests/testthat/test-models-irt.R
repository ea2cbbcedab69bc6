test_that("irt() has one, two or three parameters per item", {
  data <- binary_data(paste0("u", 1:12))
  expect_equal(n_free(irt(u1:u12, "1pl"), data), 13)
  expect_equal(n_free(irt(u1:u12, "2pl"), data), 24)
  expect_equal(n_free(irt(u1:u12, "3pl"), data), 36)
  expect_true("guess#1~itemu3" %in% free_names(irt(u1:u12, "3pl"), data))
  expect_equal(n_free(irt(u1:u12, "3pl", predictors = ~age), transform(data, age = seq_len(60))), 37)
  expect_snapshot(error = TRUE, irt(u1:u12, "3pl", family = ordinal()))
})
