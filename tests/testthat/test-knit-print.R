# Fits, summaries, models and comparisons in R Markdown.

# Thresholds and a category with a bar, names with underscores, which Markdown must not take for markup.
ordinal_fit <- function() {
  remember("ordinal", {
    data <- withr::with_seed(3, {
      z <- stats::rnorm(200)
      item <- function() {
        cut(z + stats::rnorm(200), c(-Inf, -0.5, 0.6, Inf), labels = c("lo", "mid|dle", "hi"), ordered_result = TRUE)
      }
      data.frame(v_1 = item(), v_2 = item(), v_3 = item())
    })
    mlmix(lca(c(v_1, v_2, v_3), k = 2), data, starts = c(4, 2), seed = 1, threads = 1)
  })
}

test_that("fits and summaries become Markdown tables", {
  skip_if_not_installed("knitr")
  text <- as.character(knit_print.summary.mlmix(summary(order_classes(carcinoma_fit(3)))))
  lines <- strsplit(text, "\n")[[1]]
  expect_true("**Class sizes**" %in% lines)
  expect_true("**Probabilities by class**" %in% lines)
  expect_match(text, "|c=1 ", fixed = TRUE)
  expect_match(text, "Note: ", fixed = TRUE)
  rows <- lengths(regmatches(lines, gregexpr("|", lines, fixed = TRUE)))
  table <- rle(rows > 0)
  starts <- cumsum(c(1, table$lengths))[which(table$values)]
  for (s in starts) expect_length(unique(rows[s:(s + match(0, rows[s:length(rows)]) - 2)]), 1)
  expect_match(as.character(knit_print.mlmix(carcinoma_fit(2))), "Log-likelihood", fixed = TRUE)
})

test_that("models become equations, comparisons tables", {
  skip_if_not_installed("knitr")
  text <- as.character(knit_print.mlmix_model(chain_fit()$model))
  expect_match(text, "$$\\mathrm{logit} \\, P ( y_{i p} = 1 ) = \\nu_{p , \\mathrm{c1}}$$", fixed = TRUE)
  expect_match(text, "**Latent classes**", fixed = TRUE)
  table <- compare_models(one = carcinoma_fit(1), two = carcinoma_fit(2))
  text <- as.character(knit_print.mlmix_comparison(table))
  expect_match(text, fixed_digits(BIC(carcinoma_fit(2)), 2), fixed = TRUE)
  expect_output(knit_print.mlmix_comparison(table["model"]), "one")
})

test_that("later steps and tests become tables, numbers to the right and words to the left", {
  skip_if_not_installed("knitr")
  step <- three_step(step_fit(), list(c ~ x, y ~ c), step_data(), method = "BCH")
  text <- as.character(knit_print.mlmix_structural(step))
  expect_match(text, "**Wald tests**", fixed = TRUE)
  expect_match(text, "|:----|:----------|----------:|----------:|--:|-------:|", fixed = TRUE)
  test <- as.character(knit_print.mlmix_test(wald_test(step, "c#1~x = 0")))
  expect_match(test, "Chi-squared .* with 1 df")
  expect_match(test, "|c\\#1\\~x = 0 |", fixed = TRUE)
  for (one in list(text, test)) expect_match(one, "\n\n<!-- -->$") # a heading may follow
})

test_that("what else prints tables has them in documents; the console is as before", {
  skip_if_not_installed("knitr")
  fit <- carcinoma_fit(2)
  tests <- fit_tests(fit)
  before <- utils::capture.output(print(tests))
  text <- as.character(knit_print.mlmix_fit_tests(tests))
  expect_match(text, "|Pearson X2 ", fixed = TRUE)
  expect_match(text, "\nTests of fit: 118 units", fixed = TRUE)
  expect_false(grepl("\001", text))
  expect_identical(utils::capture.output(print(tests)), before)
  pairs <- as.character(knit_print.mlmix_residuals(residuals(fit, type = "bivariate")))
  expect_match(pairs, "standardised residuals beyond 1.96\n", fixed = TRUE)
  expect_match(as.character(knit_print.mlmix_icc(icc(random_logit_fit()))), "|target", fixed = TRUE)
})

# The text that a format of the document shows, read back with pandoc.
rendered <- function(format, extension) {
  folder <- withr::local_tempdir()
  fit <- carcinoma_fit(3)
  ordinal <- ordinal_fit()
  lines <- c(
    "---", "title: Test", "---", "```{r, echo = FALSE}",
    "summary(fit)", "summary(ordinal)", "random_logit_fit()$model", "compare_models(one = fit, two = fit)", "```"
  )
  writeLines(lines, file.path(folder, "doc.Rmd"))
  env <- rlang::env(fit = fit, ordinal = ordinal)
  suppressMessages(rmarkdown::render(file.path(folder, "doc.Rmd"), format, quiet = TRUE, envir = env))
  file <- file.path(folder, paste0("doc.", extension))
  if (extension == "pdf") {
    system2("pdftotext", c("-layout", shQuote(file), "-"), stdout = TRUE)
  } else {
    system2(rmarkdown::pandoc_exec(), c(shQuote(file), "-t", "plain", "--columns=300"), stdout = TRUE)
  }
}

# Bootstrap puts headings to the left; the tables bring their own rule.
style_of_html <- function() {
  old <- knitr::opts_knit$get("rmarkdown.pandoc.to")
  knitr::opts_knit$set(rmarkdown.pandoc.to = "html")
  withr::defer(knitr::opts_knit$set(rmarkdown.pandoc.to = old))
  as.character(knit_print.mlmix(carcinoma_fit(2)))
}

expect_rendered <- function(text) {
  text <- paste(text, collapse = "\n")
  certain <- with(carcinoma_fit(2)$parameters, name[status == "boundary"][[1]])
  for (name in c("v_1|t1", "v_1 = mid|dle", "c#1~1", "A~1", certain, "Class sizes", "y ~ c")) {
    expect(grepl(name, text, fixed = TRUE), paste("not in the document:", name))
  }
  expect_false(grepl("&#[0-9]|A~1 *\n", text))
  table <- estimates(ordinal_fit())
  for (value in fixed_digits(table$estimate, 3)) {
    expect(grepl(sub("^-", "", value), text, fixed = TRUE), paste("not in the document:", value))
  }
}

test_that("HTML, Word and PDF show names and numbers as they are", {
  skip_on_cran()
  skip_if_not_installed("rmarkdown")
  skip_if_not(rmarkdown::pandoc_available("2.0"), "pandoc is not installed")
  expect_rendered(rendered("html_document", "html"))
  expect_true(any(grepl("th[align=\"right\"] { text-align: right; }", style_of_html(), fixed = TRUE)))
  expect_rendered(rendered("word_document", "docx"))
})

test_that("PDF shows names and numbers as they are", {
  skip_on_cran()
  skip_if_not_installed("rmarkdown")
  skip_if_not(rmarkdown::pandoc_available("2.0"), "pandoc is not installed")
  has_style <- function(name) nzchar(Sys.which("kpsewhich")) && length(system2("kpsewhich", name, stdout = TRUE)) > 0
  skip_if_not(
    nzchar(Sys.which("pdftotext")) && all(vapply(c("lmodern.sty", "xcolor.sty", "booktabs.sty"), has_style, NA)),
    "LaTeX or pdftotext is not installed"
  )
  expect_rendered(rendered("pdf_document", "pdf"))
})
