test_that("no progress is asked for with NULL and FALSE", {
  expect_null(as_reporter(NULL, list()))
  expect_null(as_reporter(FALSE, list()))
})

test_that("a function is called with what the engine reports, and FALSE stops", {
  seen <- NULL
  report <- as_reporter(function(start, iteration, best) seen <<- list(start, iteration, best), list())
  expect_true(report(2, 10, -100.5))
  expect_identical(seen, list(2, 10, -100.5))
  expect_false(as_reporter(function(...) FALSE, list())(1, 1, 0))
})

test_that("a failing function warns once and does not stop the estimation", {
  calls <- 0
  report <- as_reporter(function(...) {
    calls <<- calls + 1
    stop("no {braces} please")
  }, list())
  expect_warning(result <- report(1, 1, 0), "no {braces} please", fixed = TRUE)
  expect_true(result)
  expect_silent(result <- report(1, 2, 0))
  expect_true(result)
  expect_identical(calls, 1)
})

test_that("the progress bar accepts reports with and without a number of starts", {
  withr::local_options(cli.progress_show_after = 1e6)
  expect_true(as_reporter(TRUE, list(starts = 4))(1, 5, -10))
  expect_true(as_reporter(TRUE, list())(1, 5, -10))
})
