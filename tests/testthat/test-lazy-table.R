# Tables in a database: counting patterns there gives the same fit as loading every row.

skip_without_database <- function() {
  for (package in c("DBI", "RSQLite", "dplyr", "dbplyr")) skip_if_not_installed(package)
}

# A table of an SQLite database that ends with the test.
local_table <- function(data, env = parent.frame()) {
  connection <- DBI::dbConnect(RSQLite::SQLite(), ":memory:")
  withr::defer(DBI::dbDisconnect(connection), envir = env)
  DBI::dbWriteTable(connection, "t", data)
  dplyr::tbl(connection, "t")
}

quick <- function(...) {
  suppressMessages(suppressWarnings(mlmix(..., starts = c(5, 2), seed = 1, threads = 1)))
}

expect_same_fit <- function(a, b, tolerance = 1e-6) {
  expect_equal(a$log_likelihood, b$log_likelihood, tolerance = 1e-9)
  expect_equal(nobs(a), nobs(b))
  expect_equal(sort(class_sizes(a)$n), sort(class_sizes(b)$n), tolerance = 1e-5)
  expect_equal(sort(estimates(a)$std.error), sort(estimates(b)$std.error), tolerance = 1e-4)
}

test_that("patterns of a data frame are its different rows, counted", {
  data <- carcinoma
  data$A[c(3, 50, 51)] <- NA
  patterns <- count_patterns(lca(seven, k = 2), data)
  key <- function(d) do.call(paste, d[seven])
  expect_equal(nrow(patterns), length(unique(key(data))))
  expect_equal(patterns$frequency, as.numeric(table(key(data))[key(patterns)]))
  expect_false(is.unsorted(do.call(order, unname(as.list(patterns[seven])))))
  again <- count_patterns(lca(seven, k = 3), patterns, frequency = "frequency")
  expect_equal(again, patterns)
  # forty columns of many values: the numbers of the patterns stay exact
  wide <- withr::with_seed(1, as.data.frame(matrix(sample(50, 40 * 300, TRUE), 300)))
  names(wide) <- paste0("u", 1:40)
  wide <- rbind(wide, wide[1:10, ])
  counted <- count_patterns(lca(u1:u40, k = 2, family = gaussian()), wide)
  expect_equal(nrow(counted), 300)
  expect_equal(sum(counted$frequency == 2), 10)
})

test_that("a table in a database gives the fit of the data frame", {
  skip_without_database()
  data <- carcinoma
  data$A[c(3, 50, 51)] <- NA
  table <- local_table(data)
  expect_message(fit <- suppressWarnings(
    mlmix(lca(seven, k = 2), table, starts = c(5, 2), seed = 1, threads = 1)
  ), "118 rows of the table were counted in the database")
  expect_same_fit(fit, quick(lca(seven, k = 2), data))
  patterns <- count_patterns(lca(seven, k = 2), table)
  expect_equal(patterns, count_patterns(lca(seven, k = 2), data), ignore_attr = TRUE)
  expect_equal(nrow(augment(fit, patterns)), nrow(patterns))
  expect_equal(nrow(parameters(lca(seven, k = 2), table)), 15)
})

test_that("the database's frequencies are summed, predictors and weights tell patterns apart", {
  skip_without_database()
  withr::local_seed(3)
  data <- carcinoma[rep(1:118, 2), ]
  data$x <- sample(0:1, 236, TRUE)
  data$w <- sample(c(0.5, 1, 2), 236, TRUE)
  data$n <- sample(1:3, 236, TRUE)
  table <- local_table(data)
  model <- lca(seven, k = 2, predictors = ~x)
  fit <- quick(model, table, weights = w, frequency = n)
  expect_same_fit(fit, quick(model, data[rep(1:236, data$n), ], weights = w))
  expect_setequal(names(count_patterns(model, table, frequency = "n", keep = "w")), c(seven, "x", "w", "frequency"))
  expect_same_fit(quick(model, table, weights = "w", frequency = "n"), fit)
})

test_that("clusters keep their rows: two-level models, robust errors, weights", {
  skip_without_database()
  data <- random_logit_fit()$data$columns[paste0("u", 1:4)]
  data <- data.frame(id = rep(1:40, each = 8), data, w = rep(c(1, 1, 2, 2), 80))
  names(data)[2:5] <- paste0("u", 1:4)
  table <- local_table(data)
  model <- multilevel_lca(u1:u4, k = 2, cluster = "id", random = TRUE)
  expect_lt(nrow(count_patterns(model, table)), nrow(data))
  expect_same_fit(quick(model, table), quick(model, data))
  expect_same_fit(quick(model, table, weights = w), quick(model, data, weights = w))
  between <- multilevel_lca(u1:u4, k = 2, cluster = "id", k_between = 2)
  expect_same_fit(quick(between, table), quick(between, data))
  robust <- lca(u1:u4, k = 2)
  expect_same_fit(quick(robust, table, cluster = "id"), quick(robust, data, cluster = "id"))
})

test_that("stacked responses: persons with the same answers are one pattern", {
  skip_without_database()
  data <- carcinoma
  model <- gom(c(A, B, C, D), k = 2)
  table <- local_table(data)
  fit <- quick(model, table)
  full <- quick(model, data)
  # the variance runs away in these data, where the integrand is nearly a step
  expect_equal(fit$log_likelihood, full$log_likelihood, tolerance = 1e-3)
  expect_equal(nobs(fit), 118)
})

test_that("queries, text and grouping work as far as the database goes", {
  skip_without_database()
  data <- data.frame(lapply(carcinoma, function(x) ifelse(x == 1, "yes", "no")), year = rep(1:2, 59))
  table <- local_table(data)
  query <- dplyr::group_by(dplyr::filter(table, year == 1), A)
  fit <- quick(lca(c(B, C, D, E), k = 2), query)
  expect_same_fit(fit, quick(lca(c(B, C, D, E), k = 2), data[data$year == 1, ]))
})

test_that("what cannot be counted is refused in words", {
  skip_without_database()
  data <- carcinoma
  data$n <- rep(c(1, 2), 59)
  data$bad <- replace(data$n, 4, NA)
  data$low <- replace(data$n, 4, -1)
  data$frequency <- data$n
  table <- local_table(data)
  model <- lca(c(A, B, C), k = 2)
  expect_snapshot(error = TRUE, {
    mlmix(model, table, frequency = m)
    mlmix(model, table, weights = rep(1, 118))
    mlmix(model, table, frequency = bad)
    mlmix(model, table, frequency = low)
    mlmix(lca(c(A, B, Z), k = 2), table)
    mlmix(lca(c(A, B, C), k = 2, predictors = ~frequency), table)
    count_patterns(model, carcinoma, frequency = 3)
    count_patterns(model, carcinoma, keep = 3)
    count_patterns(model, carcinoma, keep = "w")
    count_patterns(1, carcinoma)
    count_patterns(model, 1:3)
  })
  withr::local_options(mlmix.max_patterns = 5)
  expect_snapshot(error = TRUE, mlmix(model, table))
  withr::local_options(mlmix.max_patterns = 8)
  expect_equal(nrow(count_patterns(model, table)), nrow(unique(carcinoma[c("A", "B", "C")])))
})

test_that("several numbers of classes of a table are counted once, and update() works on what comes out", {
  skip_without_database()
  table <- local_table(carcinoma)
  messages <- testthat::capture_messages(
    found <- suppressWarnings(enumerate_classes(lca(seven, k = 1), table, k = 1:3, starts = c(4, 2), seed = 1,
      threads = 1, se = "none"))
  )
  expect_length(grep("counted in the database", messages), 1)
  here <- suppressWarnings(enumerate_classes(lca(seven, k = 1), carcinoma, k = 1:3, starts = c(4, 2), seed = 1,
    threads = 1, se = "none"))
  expect_equal(found$log_likelihood, here$log_likelihood, tolerance = 1e-8)
  two <- attr(found, "fits")[[2]]
  again <- suppressMessages(suppressWarnings(update(two, se = "observed")))
  expect_equal(again$log_likelihood, two$log_likelihood, tolerance = 1e-6)
  expect_equal(suppressWarnings(update(attr(here, "fits")[[2]], starts = c(5, 2)))$options$starts, 5)
})

test_that("persons of stacked items in a table are counted persons", {
  skip_without_database()
  table <- local_table(stouffer_toby[rep(1:16, stouffer_toby$frequency), c("A", "B", "C", "D")])
  fit <- suppressMessages(suppressWarnings(mlmix(gom(c(A, B, C, D), k = 2), table, starts = 1, seed = 1, threads = 1,
    se = "none")))
  units <- independent_units(fit, NULL)
  expect_equal(sum(units$count), 216)
})
