test_that("matrices are rebuilt at any depth, everything else stays", {
  sent <- list(
    log_likelihood = -1.5, vcov = list(.matrix = as.double(1:6), n_rows = 2L, n_cols = 3L),
    posterior = list(c = list(.matrix = double(), n_rows = 0L, n_cols = 2L)), none = NULL,
    names = c("a", "b"), dimensions = list(list(name = "f"), list(name = "g"))
  )
  got <- engine_values(sent)
  expect_identical(got$vcov, matrix(as.double(1:6), 2, 3))
  expect_identical(dim(got$posterior$c), c(0L, 2L))
  same <- c("log_likelihood", "none", "names", "dimensions")
  expect_identical(got[same], sent[same])
})
