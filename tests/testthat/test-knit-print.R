# Fits and summaries in R Markdown.

test_that("fits and summaries become Markdown tables", {
  skip_if_not_installed("knitr")
  text <- as.character(knit_print.summary.mlmix(summary(order_classes(carcinoma_fit(3)))))
  lines <- strsplit(text, "\n")[[1]]
  expect_true("**Class sizes**" %in% lines)
  expect_true("**Probabilities by class**" %in% lines)
  expect_match(text, "|`c=1` |", fixed = TRUE)
  expect_match(text, "Note: ", fixed = TRUE)
  rows <- lengths(regmatches(lines, gregexpr("|", lines, fixed = TRUE)))
  table <- rle(rows > 0)
  starts <- cumsum(c(1, table$lengths))[which(table$values)]
  for (s in starts) expect_length(unique(rows[s:(s + match(0, rows[s:length(rows)]) - 2)]), 1)
  expect_match(as.character(knit_print.mlmix(carcinoma_fit(2))), "Log-likelihood", fixed = TRUE)
})
