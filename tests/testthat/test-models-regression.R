test_that("mixture_regression() gives each class its regression", {
  data <- two_level_data()
  expect_equal(n_free(mixture_regression(y ~ x + (1 | id), 2, level = "between"), data), 7)
  expect_equal(n_free(mixture_regression(y ~ x + (1 | id), 2), data), 8)
  expect_equal(free_names(mixture_regression(y ~ 0 + x, 2), data), c("y~x[c=1]", "y~x[c=2]", "y~~y", "c#1~1"))
  expect_equal(n_free(mixture_regression(u1 ~ x, 2, "between", cluster = "id", family = binomial()), data), 5)
  expect_equal(
    deparse1(mixture_regression(y ~ x + (1 | id), 2)$outcomes[[1]]$formula), "y ~ c + c:x + (1 | id)"
  )
  expect_snapshot(error = TRUE, {
    mixture_regression(y ~ x, 2, level = "between")
    mixture_regression(y ~ c, 2)
  })
})

test_that("a predictor far from 0 hides no maximum", {
  data <- withr::with_seed(1, {
    year <- sample(2000:2020, 400, TRUE)
    up <- stats::rbinom(400, 1, 0.5) == 1
    data.frame(year, y = ifelse(up, 5 + 2 * (year - 2010), -3 - (year - 2010)) + stats::rnorm(400, 0, 3))
  })
  data$centred <- data$year - 2010
  far <- quiet_fit(mixture_regression(y ~ year, 2), data, starts = c(8, 3), seed = 4, se = "none")
  near <- quiet_fit(mixture_regression(y ~ centred, 2), data, starts = c(8, 3), seed = 4, se = "none")
  expect_equal(far$log_likelihood, near$log_likelihood, tolerance = 1e-7)
})
