refused <- function(kind, message = "that went wrong") list(err = list(kind = kind, message = message))

test_that("a value comes back as it is, also when it is NULL", {
  expect_identical(unwrap(list(ok = 1:3), NULL), 1:3)
  expect_null(unwrap(list(ok = NULL), NULL))
})

test_that("the engine's errors get their class, and their text is not interpreted", {
  for (kind in c("spec", "data", "engine")) {
    expect_error(
      unwrap(refused(kind, "100% {of} %s"), NULL), "100% {of} %s", fixed = TRUE,
      class = paste0("mlmix_error_", kind)
    )
  }
})

test_that("a panic is reported as a bug", {
  expect_error(unwrap(refused("bug"), NULL), "bug in mlmix", class = "mlmix_error_engine")
})

test_that("an interrupt reaches handlers of interrupts, and is an error in a script", {
  caught <- tryCatch(unwrap(refused("interrupt"), NULL), interrupt = function(e) e)
  expect_s3_class(caught, "mlmix_interrupt")
  skip_if(interactive())
  raised <- tryCatch(unwrap(refused("interrupt"), NULL), error = function(e) e)
  expect_s3_class(raised, "mlmix_interrupt")
})

test_that("arguments of the wrong type are refused by name", {
  expect_error(raw_plan(3, list(y = 1)), "`spec` must be a list or one string of JSON", class = "mlmix_error_data")
  expect_error(raw_plan("{}", list(y = 1), cluster = NA), "`cluster`", class = "mlmix_error_data")
  expect_error(raw_plan("{}", list(y = 1), cluster = -1), "`cluster`", class = "mlmix_error_data")
})

test_that("a specification that is not one is an error of class spec", {
  expect_error(raw_plan("{", list(y = 1)), class = "mlmix_error_spec")
  expect_error(raw_plan("{\"version\": 99}", list(y = 1)), class = "mlmix_error_spec")
})

# Lists are written as JSON on their way to the engine: jsonlite is the independent check.
test_that("a list reaches the engine as the text that jsonlite makes of it", {
  data <- two_level_data()
  data$y <- pmax(data$y, 0)
  data[["gr\u00f6\u00dfe \"\\"]] <- data$x
  latin <- data
  names(latin)[ncol(latin)] <- iconv(names(data)[ncol(data)], "UTF-8", "latin1")
  models <- list(
    list(lca(c(A, B, C, D), k = 2), stouffer_toby),
    list(mixture_model(latent_class("c", 2, ~ x + (1 | id)), outcome(y ~ c * x + (1 | id)),
      constrain(equal("y~x[c=1]", "y~x[c=2]"), linear("y~1[c=1] - 2 * y~1[c=2] = -0.1"), prior("c#1~x" = c(0, 1 / 3)))),
      data),
    list(mixture_model(outcome(rlang::new_formula(quote(y), as.name("gr\u00f6\u00dfe \"\\")), family = censored(lower = 0))),
      latin)
  )
  options <- unclass(list(starts = 1L, final_starts = 1, stage1_iterations = 20, seed = 1, se = "none",
    quadrature = unclass(quadrature(points = 5)), threads = 1L, max_iterations = 10, tolerance = 1e-8,
    start_values = NULL))
  for (one in models) {
    resolved <- suppressMessages(resolve_model(one[[1]], one[[2]]))
    as_text <- to_spec_json(resolved$spec)
    options_text <- jsonlite::toJSON(options, auto_unbox = TRUE, digits = NA, null = "null")
    at <- rep(0.1, nrow(resolved$parameters))
    evaluate <- function(spec, options) {
      raw_evaluate(spec, resolved$columns, resolved$cluster, options = options, parameters = at)
    }
    expect_identical(evaluate(resolved$spec, options), evaluate(as_text, unclass(as.character(options_text))))
  }
  expect_error(raw_plan(list(version = 1i), list(y = 1)), "made of lists, text and numbers", class = "mlmix_error_data")
})
