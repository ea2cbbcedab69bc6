data <- binary_data(c(paste0("u", 1:4), paste0("v", 1:4), paste0("w", 1:4)))
data$room <- rep(1:10, each = 6)

test_that("invariance, order and stationarity", {
  waves <- list(a = paste0("u", 1:4), b = paste0("v", 1:4), d = paste0("w", 1:4))
  expect_equal(n_free(lta(waves, 2), data), 8 + 1 + 2 + 2)
  expect_equal(n_free(lta(list(u1:u4, v1:v4), 2, invariant = FALSE), data), 16 + 1 + 2)
  expect_equal(n_free(lta(waves, 2, stationary = TRUE), data), 8 + 1 + 2)
  expect_equal(n_free(lta(waves, 2, order = 2), data), 8 + 1 + 2 + 4)
  expect_equal(n_free(lta(waves, 3), data), 12 + 2 + 6 + 6)
  expect_equal(n_free(lta(waves, 2, random_intercept = TRUE), data), 8 + 4 + 5)
  expect_equal(n_free(lta(waves, 2, random_intercept = TRUE, invariant = FALSE), data), 24 + 4 + 5)
  expect_equal(n_free(lta(waves, 2, cluster = "room"), data), 8 + 5 + 3 + 2)
})

test_that("names of occasions are names of class variables", {
  expect_equal(vapply(lta(list(fall = u1:u4, v1:v4), 2)$classes, `[[`, "", "name"), c("fall", "c2"))
})

test_that("arguments are checked", {
  expect_snapshot(error = TRUE, {
    lta(u1:u4, 2)
    lta(list(u1:u4), 2)
    lta(list(u1:u4, v1:v3), 2)
    lta(list(u1:u4, v1:v4), c(2, 3))
    lta(list(u1:u4, v1:v4), c(2, 3, 4), invariant = FALSE)
    lta(list(u1:u4, v1:v4, w1:w4), 2, stationary = TRUE, predictors = ~x)
  })
})
