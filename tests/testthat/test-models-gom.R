test_that("gom() has class probabilities of its own for each person", {
  data <- binary_data(paste0("u", 1:15))
  expect_equal(n_free(gom(u1:u12, 2), data), 26)
  expect_equal(n_free(gom(u1:u15, 3), data), 50)
  expect_equal(n_free(gom(u1:u15, 3, random = "factor"), data), 49)
  expect_equal(resolve_model(gom(u1:u12, 2), data)$items$u1$link, "probit")
  expect_equal(resolve_model(gom(u1:u12, 2, link = "logit"), data)$items$u1$link, "logit")
  expect_snapshot(error = TRUE, {
    gom(u1:u12, 1)
    gom(u1:u12, 2, random = "some")
  })
})

test_that("items with several categories keep thresholds by class", {
  names <- free_names(gom(o1:o3, 2, family = ordinal()), ordinal_data(paste0("o", 1:3), 3))
  expect_true("o2|t2[c=1]" %in% names)
})
