# write_json() must write what jsonlite writes: jsonlite is the independent check.

jsonlite_json <- function(x) {
  unclass(as.character(jsonlite::toJSON(x, auto_unbox = TRUE, digits = NA, null = "null")))
}

test_that("plain values are written as jsonlite writes them", {
  values <- list(
    NULL, list(), stats::setNames(list(), character(0)), list(NULL), 1, 1L, 100000L, "a", TRUE, I("a"), I(1L),
    I(character(0)), character(0), integer(0), numeric(0), logical(0), c(TRUE, FALSE), c(0.1, 0.2), 1 / 3, -0.1, 1e5,
    1e15, 1e-10, 1e-300, 123456789012345678, list(a = NULL, b = list(1, "x")), list(a = 1, b = I(2)), I(list(1))
  )
  for (value in values) expect_identical(write_json(value), jsonlite_json(value), info = deparse1(value))
})

test_that("what is not plain is left to jsonlite", {
  values <- list(
    "a\"b", "c\\d", "tab\t", "</x>", "\u00e9", list(name = "y`\"~x"), NA, NA_real_, c(1, NA), NA_character_, Inf,
    factor("a"), matrix(1:4, 2), c(a = 1), data.frame(x = 1:2)
  )
  for (value in values) expect_identical(write_json(value), jsonlite_json(value), info = deparse1(value))
})

test_that("specifications of every kind are written as jsonlite writes them", {
  data <- two_level_data()
  models <- list(
    list(lca(c(A, B, C, D), k = 2), stouffer_toby),
    list(mixture_model(latent_class("c", 2, ~ x + (1 | id)), outcome(y ~ c * x + (1 | id)),
      constrain(equal("y~x[c=1]", "y~x[c=2]"))), data)
  )
  for (one in models) {
    spec <- resolve_model(one[[1]], one[[2]])$spec
    expect_identical(to_spec_json(spec), jsonlite_json(spec))
  }
})
