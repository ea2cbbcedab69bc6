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
  expect_error(raw_plan(3, list(y = 1)), "`spec` must be one character string", class = "mlmix_error_data")
  expect_error(raw_plan("{}", list(y = 1), cluster = NA), "`cluster`", class = "mlmix_error_data")
  expect_error(raw_plan("{}", list(y = 1), cluster = -1), "`cluster`", class = "mlmix_error_data")
})

test_that("a specification that is not one is an error of class spec", {
  expect_error(raw_plan("{", list(y = 1)), class = "mlmix_error_spec")
  expect_error(raw_plan("{\"version\": 99}", list(y = 1)), class = "mlmix_error_spec")
})
