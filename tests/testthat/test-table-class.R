test_that("tables print within 80 columns, numbers with the digits that are read", {
  fit <- carcinoma_fit(3)
  expect_snapshot({
    class_sizes(fit)
    classification_table(fit, "quality")
    head(estimates(fit), 5)
    head(estimates(fit, scale = "probability"), 3)
    print(posterior(fit), n = 3)
    estimates(fit)[1:2, c("name", "term", "estimate")]
  })
  expect_s3_class(estimates(fit), "data.frame")
  wide <- readable(data.frame(name = strrep("long ", 12), p.value = 2e-5, n = 12L, big = 1234.56, tiny = -1e-9,
    none = NA_real_, a_very_long_name_of_a_column = 1.5, another_very_long_name_of_a_column = 2.5))
  lines <- utils::capture.output(print(wide))
  expect_true(all(nchar(lines) <= 80))
  expect_match(lines[[2]], "<0.001 +12 +1234.6 +0.000")
  expect_output(print(readable(data.frame())), "0 columns")
  # The same first column twice: rows are numbered where they go on.
  same <- readable(data.frame(first = c(0, 0), setNames(as.list(1:6), paste0(strrep("name", 5), 1:6))))
  expect_match(utils::capture.output(print(same))[c(2, 3)], "^  [12] +0 +1")
  expect_equal(column_text(c(0.5, 20000), "x"), c("0.5000", "2.000e+04"))
  expect_identical(column_text(c(1, NA, 30), "n"), c("1", "", "30"))
})

test_that("in documents they are tables", {
  skip_if_not_installed("knitr")
  text <- unclass(knitr::knit_print(transitions(chain_fit())))
  expect_match(text, "|from", fixed = TRUE)
  expect_match(text, "c2=1")
})
