# summary() and print() of every kind of model: within 80 columns; tidy() and glance() as other packages read them.

test_that("every kind of fit prints within 80 columns", {
  for (fit in every_kind()) {
    lines <- capture.output(print(fit), print(summary(fit)), print(fit$model), print(integration(fit)))
    wide <- lines[nchar(lines) > 80]
    expect(length(wide) == 0, paste(c("These lines are wider than 80 columns:", wide), collapse = "\n"))
  }
})

test_that("every kind of fit has one row of statistics and tidy estimates", {
  for (fit in every_kind()) {
    row <- glance(fit)
    expect_equal(nrow(row), 1)
    expect_true(all(c("logLik", "AIC", "BIC", "npar", "nobs", "converged") %in% names(row)))
    expect_true(all(vapply(row, is.atomic, NA)) && all(lengths(row) == 1))
    expect_equal(row$AIC, -2 * row$logLik + 2 * row$npar)
    table <- tidy(fit, conf.int = TRUE)
    expect_true(all(c("term", "estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high") %in%
      names(table)))
    expect_identical(anyDuplicated(table$term), 0L)
    expect_false(anyNA(table$term))
  }
})

test_that("every kind of fit has a report and Markdown", {
  skip_if_not_installed("knitr")
  for (fit in every_kind()) {
    file <- withr::local_tempfile(fileext = ".html")
    report(fit, file, plots = FALSE)
    page <- paste(readLines(file), collapse = "\n")
    expect_true(grepl(sub("-", "\u2212", fixed_digits(fit$log_likelihood, 3)), page, fixed = TRUE))
    expect_gt(nchar(knit_print.summary.mlmix(summary(fit))), 500)
    expect_gt(nchar(knit_print.mlmix_model(fit$model)), 200)
  }
})
