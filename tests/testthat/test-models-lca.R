test_that("lca() is a class variable and its items", {
  data <- two_level_data()
  expect_equal(n_free(lca(u1:u8, 3), data), 26)
  expect_equal(n_free(lca(u1:u8, 3, predictors = ~ x + w), data), 30)
  expect_equal(lca(u1:u8, 3, class = "group")$classes[[1]]$name, "group")
})

test_that("arguments are checked", {
  expect_snapshot(error = TRUE, {
    lca(u1:u8, k = 0)
    lca(u1:u8, 2, predictors = "x")
    lca(u1:u8, 2, predictors = y ~ x)
    lca(u1:u8, 2, family = "normal curve")
  })
})
