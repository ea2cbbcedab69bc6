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
