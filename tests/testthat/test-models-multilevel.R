test_that("clusters differ by classes, random effects or both", {
  data <- two_level_data()
  expect_equal(n_free(multilevel_lca(u1:u8, 3, "id", k_between = 2), data), 24 + 1 + 4)
  expect_equal(n_free(multilevel_lca(u1:u8, 3, "id", random = TRUE), data), 24 + 2 + 3)
  expect_equal(n_free(multilevel_lca(u1:u8, 3, "id", 2, TRUE, predictors = ~x, cluster_predictors = ~w), data), 35)
  expect_true("c#1~w" %in% free_names(multilevel_lca(u1:u8, 2, "id", random = TRUE, cluster_predictors = ~w), data))
})

test_that("arguments are checked", {
  expect_snapshot(error = TRUE, {
    multilevel_lca(u1:u8, 3)
    multilevel_lca(u1:u8, 3, "id")
    multilevel_lca(u1:u8, 3, "id", k_between = "two")
  })
})
