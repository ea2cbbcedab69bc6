# report(): what is on the page, that it needs nothing else, and how a browser shows it.

read_report <- function(fit, ...) {
  file <- withr::local_tempfile(fileext = ".html")
  report(fit, file, ...)
  paste(readLines(file, encoding = "UTF-8"), collapse = "\n")
}

# As expect_match(), without the whole page in the message.
expect_text <- function(page, text) expect(grepl(text, page, fixed = TRUE), paste0("The page does not have: ", text))

# Every element is closed, in order (void elements aside).
expect_balanced <- function(page) {
  page <- gsub("<style>.*?</style>|<!DOCTYPE html>", "", page)
  tags <- regmatches(page, gregexpr("</?[a-z0-9]+[^>]*>", page))[[1]]
  stack <- character()
  for (tag in tags) {
    name <- sub("^</?([a-z0-9]+).*$", "\\1", tag)
    if (name %in% c("meta", "img", "mspace")) next
    if (!startsWith(tag, "</")) {
      stack <- c(stack, name)
    } else {
      if (!identical(stack[length(stack)], name)) return(expect_identical(tag, stack[length(stack)]))
      stack <- stack[-length(stack)]
    }
  }
  expect_length(stack, 0)
}

test_that("every kind of fit has a report whose numbers are those of the fit", {
  fits <- list(carcinoma_fit(3), chain_fit(), random_logit_fit(), regression_fit(), factor_fit())
  for (fit in fits) {
    page <- read_report(fit, plots = FALSE)
    expect_balanced(page)
    expect_text(page, sub("-", "\u2212", fixed_digits(fit$log_likelihood, 3)))
    free <- estimates(fit)
    free <- free[free$status == "free", ]
    numbers <- fixed_digits(abs(c(free$estimate, free$std.error)), 3)
    expect_true(all(vapply(numbers, grepl, NA, x = page, fixed = TRUE)))
    expect_true(grepl("<math display=\"block\">", page, fixed = TRUE))
    expect_false(grepl("\\{\\{ |NULL|NaN|>NA<|character\\(0\\)", page))
  }
})

test_that("the page needs no network and no other file", {
  skip_if_not_installed("ggplot2")
  page <- read_report(carcinoma_fit(3))
  links <- regmatches(page, gregexpr("(src|href|url)[=(]\"?[^\" )>]*", page))[[1]]
  expect_true(all(grepl("src=\"data:image/png;base64,|href=\"#", links)))
  expect_false(any(grepl("<link|<script|@import", page)))
  expect_gte(lengths(regmatches(page, gregexpr("<img ", page))), 3)
})

test_that("what a user writes is text, not HTML", {
  fit <- carcinoma_fit(2)
  page <- read_report(fit, title = "A < B & \"C\" <script>", author = c("M. <b>", "Muth\u00e9n"), plots = FALSE)
  expect_text(page, "<h1>A &lt; B &amp; &quot;C&quot; &lt;script&gt;</h1>")
  expect_text(page, "M. &lt;b&gt;, Muth\u00e9n")
  expect_false(grepl("<script>", page, fixed = TRUE))
})

test_that("doubts stand at the top", {
  expect_text(read_report(chain_fit(), plots = FALSE), "Converged, without warnings.")
  expect_text(read_report(carcinoma_fit(3), plots = FALSE), "Converged, with 1 note: see below.")
  broken <- carcinoma_fit(2)
  broken$convergence$status <- "max_iterations"
  page <- read_report(broken, plots = FALSE)
  expect_text(page, "Not converged: the limit of iterations was reached")
  expect_text(page, "The estimation did not converge.")
})

test_that("a table of models is shown", {
  table <- compare_models(`one class` = carcinoma_fit(1), `two classes` = carcinoma_fit(2))
  page <- read_report(carcinoma_fit(2), comparison = table, plots = FALSE)
  expect_text(page, "Choice of the model")
  expect_text(page, fixed_digits(table$BIC[[1]], 2))
})

test_that("the data are described", {
  data <- carcinoma
  data$A[1:5] <- NA
  data$age <- seq(20, 60, length.out = nrow(data))
  data$age[7] <- NA
  fit <- suppressMessages(suppressWarnings(
    mlmix(lca(c(A, B, C), k = 2, predictors = ~age), data, starts = c(3, 1), seed = 1, threads = 1)
  ))
  table <- outcome_text(fit)
  expect_equal(table$observed, c("112", "117", "117"))
  expect_equal(table$missing, c(percent(5 / 117), "", ""))
  share <- mean(data$B[-7])
  expect_equal(table$distribution[[2]], paste0("0: ", percent(1 - share), "; 1: ", percent(share)))
  expect_equal(predictor_text(fit)$mean, short_number(mean(data$age, na.rm = TRUE)))
  expect_equal(dropped_words(fit$data), "1 row left out because a predictor is missing.")
  weighted <- suppressWarnings(mlmix(lca(c(A, B, C), k = 1), unique(carcinoma[c("A", "B", "C")]),
    frequency = c(5, rep(1, nrow(unique(carcinoma[c("A", "B", "C")])) - 1)), starts = 1, seed = 1, threads = 1))
  expect_equal(outcome_text(weighted)$observed[[1]], as.character(weighted$n))
})

test_that("tests of fit and residuals of pairs are those of their functions", {
  page <- read_report(carcinoma_fit(2), plots = FALSE)
  expect_text(page, fixed_digits(fit_tests(carcinoma_fit(2))$statistic[[2]], 3))
  expect_text(page, fixed_digits(max(as.data.frame(residuals(carcinoma_fit(2), "bivariate"))$bvr), 2))
  expect_identical(report_fit_tests(regression_fit()), "")
})

test_that("figures are those that the fit offers", {
  skip_if_not_installed("ggplot2")
  figures <- report_figures(regression_fit(), c("growth", "item_curve", "path"))
  expect_length(figures, 2)
  expect_true(all(grepl("<img alt=", figures)))
  # a picture that cannot be drawn leaves a line
  broken <- carcinoma_fit(2)
  broken$starts$stage1 <- NULL
  expect_match(report_figures(broken, "starts"), "that the random starts reached: not drawn")
})

test_that("words for a methods section", {
  expect_snapshot({
    cat(methods_words(order_classes(carcinoma_fit(3))))
    cat(methods_words(random_logit_fit()))
  }, transform = function(lines) sub("version [0-9.]+", "version <x>", lines))
})

test_that("wrong arguments are refused in words", {
  expect_snapshot(error = TRUE, {
    report(1)
    report(carcinoma_fit(2), "no/such/folder/fit.html")
    report(carcinoma_fit(2), title = 3)
    report(carcinoma_fit(2), author = 3)
    report(carcinoma_fit(2), comparison = 3)
    report(carcinoma_fit(2), plots = "yes")
    report(carcinoma_fit(2), level = 95)
  })
})

test_that("a browser shows it: equations, pictures, nothing too wide", {
  skip_on_cran()
  skip_if_not_installed("ggplot2")
  file <- withr::local_tempfile(fileext = ".html")
  report(chain_fit(), file)
  dom <- open_page(file)
  expect_text(dom, "<h1>Mixture model: 2 classes (c1), 2 classes (c2)</h1>")
  script <- paste0("[[...document.images].filter(i => i.naturalWidth > 500).length, document.images.length, ",
    "document.querySelectorAll('math').length, document.querySelectorAll('math')[0].getBoundingClientRect().height > 15, ",
    "document.documentElement.scrollWidth <= innerWidth, performance.getEntriesByType('resource').filter(",
    "r => !r.name.startsWith('data:')).length].join(' ')")
  for (width in c(1280, 500)) {
    answer <- strsplit(ask_page(file, script, width), " ")[[1]]
    expect_equal(answer[[1]], answer[[2]])
    expect_equal(as.integer(answer[[3]]), 4)
    expect_equal(answer[4:6], c("true", "true", "0"))
  }
  picture <- withr::local_tempfile(fileext = ".png")
  open_page(file, picture = picture)
  expect_gt(file.size(picture), 30000)
})
