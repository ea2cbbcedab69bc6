values <- function(x, family, n = length(x)) {
  model <- mixture_model(outcome(y ~ 1, family = family))
  resolved <- resolve_model(model, data.frame(y = x))
  list(values = resolved$columns$y, labels = resolved$items$y$labels)
}

test_that("two categories in every coding become 0 and 1", {
  expect_equal(values(c(0, 1, NA, 1), bernoulli())$values, c(0, 1, 1))
  expect_equal(values(c(TRUE, FALSE, TRUE), bernoulli())$values, c(1, 0, 1))
  expect_equal(values(factor(c("no", "yes", "no")), bernoulli())$values, c(0, 1, 0))
  expect_snapshot(recoded <- values(c(1, 2, 2), bernoulli()))
  expect_equal(recoded$values, c(0, 1, 1))
  expect_snapshot(recoded <- values(c("no", "{yes}", "no"), bernoulli()))
  expect_equal(recoded$values, c(0, 1, 0))
})

test_that("categories are numbered from 1 and labelled", {
  expect_equal(values(c(0, 2, 1), ordinal()), list(values = c(1, 3, 2), labels = c("0", "1", "2")))
  sizes <- factor(c("S", "L", "M"), levels = c("S", "M", "L"), ordered = TRUE)
  expect_equal(values(sizes, ordinal()), list(values = c(1, 3, 2), labels = c("S", "M", "L")))
  expect_equal(values(c("b", "a", "d"), nominal())$values, c(2, 1, 3))
  expect_snapshot(gap <- values(c(1, 2, 5), ordinal()))
  expect_equal(gap$values, c(1, 2, 3))
  expect_snapshot(unused <- values(factor(c("a", "b", "a"), levels = c("a", "b", "z")), nominal()))
  expect_equal(unused$labels, c("a", "b"))
})

test_that("outcomes that are alike share their categories", {
  data <- data.frame(o1 = c(1, 2, 3, 1), o2 = c(1, 2, 2, 1), x = 1:4)
  model <- mixture_model(
    latent_class("c1", 2), latent_class("c2", 2), outcome(o1 ~ c1, family = ordinal()),
    outcome(o2 ~ c2, family = ordinal(), like = o1)
  )
  expect_equal(resolve_model(model, data)$spec$outcomes[[2]]$family$n_categories, 3L)
})

test_that("the family is chosen from the data", {
  data <- data.frame(
    a = c(0, 1, 1, 0), b = factor(c("x", "y", "z", "x")), d = factor(1:4, ordered = TRUE), e = c(1, 2, 3, 3)
  )
  expect_snapshot(resolved <- resolve_model(lca(c(a, b, d, e), 2), data))
  types <- vapply(resolved$items, `[[`, "", "family")
  expect_equal(unname(types), c("bernoulli", "nominal", "ordinal", "nominal"))
})

test_that("values that do not fit a family are explained", {
  expect_snapshot(error = TRUE, {
    values(c(1, 1, 1), bernoulli())
    values(c(NA, 1, NA), ordinal())
    values(c(2, 2, 2), gaussian())
    values(1:3, bernoulli())
    values(c(1.5, 2, 3), ordinal())
    values(1:40, nominal())
    values(c("a", "b", "d"), ordinal())
    values(factor(c("a", "b")), gaussian())
    values(c(0, 1, 1.5), poisson())
    values(c(-1, 2, 3), negbin())
    values(c(-1, 2, 3), censored(lower = 0))
    resolve_model(lca(y, 2), data.frame(y = c(0.1, 2, 3)))
  })
})

test_that("codes are the places of the texts of the values, whatever the column is", {
  columns <- list(
    c(2, 1, NA, 3, 2), c(1L, 0L, NA, 1L), c(0.1 + 0.2, 0.3, 7, NA), c(TRUE, NA, FALSE), c("b", NA, "a"),
    factor(c("b", "a", NA), levels = c("b", "a", "never")), addNA(factor(c("b", NA, "a")))
  )
  for (column in columns) {
    text <- if (is.numeric(column) || is.logical(column)) as.character(as.numeric(column)) else as.character(column)
    labels <- sort(unique(text))
    expect_identical(as.integer(category_codes(column, unique(column), labels)), match(text, labels))
  }
})
