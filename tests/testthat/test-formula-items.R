test_that("numbered ranges expand by name", {
  range <- function(expr) expand_names(substitute(expr), environment(), "items")
  expect_equal(range(u1:u3), c("u1", "u2", "u3"))
  expect_equal(range(fall9:fall11), c("fall9", "fall10", "fall11"))
  expect_equal(range(x1y1:x1y3), c("x1y1", "x1y2", "x1y3"))
  expect_equal(range(u08:u11), c("u08", "u09", "u10", "u11"))
  expect_equal(range(c(u1:u2, z)), c("u1", "u2", "z"))
  expect_equal(range(c("a", "b")), c("a", "b"))
  expect_equal(range(y), "y")
})

test_that("one-line models take character vectors too", {
  items <- c("a", "b", "d")
  expect_equal(lca(items, 2)$outcomes[[1]]$names, items)
  expect_equal(lca(paste0("u", 1:3), 2)$outcomes[[1]]$names, c("u1", "u2", "u3"))
})

test_that("ranges that cannot be expanded are explained", {
  expect_snapshot(error = TRUE, {
    lca(ab39m:ab39x, 2)
    lca(u1:v5, 2)
    lca(u5:u1, 2)
    lca(c(u1:u3, u2), 2)
    lca(1:3, 2)
    lca(k = 2)
  })
})
