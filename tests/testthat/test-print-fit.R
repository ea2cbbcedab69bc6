# print() and summary(): snapshots within 80 columns.

# Iterations and tiny numbers at convergence differ between machines and ways of estimation.
mask <- function(lines) {
  gsub("decrement [0-9.e+-]+", "decrement <tiny>", gsub("[0-9]+ iterations?", "<n> iterations", lines))
}

test_that("a fit prints its main numbers", {
  expect_snapshot(print(order_classes(carcinoma_fit(3))), transform = mask)
  expect_snapshot(print(factor_fit()), transform = mask)
  expect_snapshot(print(order_classes(regression_fit())), transform = mask)
})

test_that("a summary prints estimates by level and class", {
  expect_snapshot(print(summary(order_classes(chain_fit()))), transform = mask)
  expect_snapshot(print(summary(order_classes(carcinoma_fit(3)))), transform = mask)
  expect_snapshot(print(summary(factor_fit())), transform = mask)
})

test_that("no line is wider than 80 columns", {
  for (fit in list(carcinoma_fit(3), chain_fit(), regression_fit(), factor_fit())) {
    expect_lte(max(nchar(capture.output(print(fit), print(summary(fit))))), 80)
  }
  comparison <- compare_models(one = carcinoma_fit(1), two = carcinoma_fit(2))
  expect_lte(max(nchar(capture.output(print(comparison)))), 80)
  # which of several equal starts is the best depends on rounding
  expect_snapshot(print(comparison), transform = function(lines) sub("[0-9]+( +(converged|boundary))$", "<start>\\1", lines))
})

test_that("start tables and integration", {
  expect_true(start_table(carcinoma_fit(2))$best[1])
  expect_equal(nrow(start_table(carcinoma_fit(2))), 5)
  expect_snapshot({
    integration(carcinoma_fit(2))
    integration(regression_fit())
  })
  expect_equal(integration(factor_fit())$dimensions$how, "numeric")
})
