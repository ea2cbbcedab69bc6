# R keeps the last of two functions of one name in a package, without a word.

test_that("no function is defined twice", {
  sources <- test_path("..", "..", "R")
  skip_if_not(dir.exists(sources), "only where the sources are")
  lines <- unlist(lapply(list.files(sources, "[.]R$", full.names = TRUE), readLines))
  names <- sub(" <- function.*", "", grep("^`?[A-Za-z0-9_.%|]+`? <- function", lines, value = TRUE))
  expect_identical(names[duplicated(names)], character(0))
})
