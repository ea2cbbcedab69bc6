# Which plots a fit offers, that each is drawn, and the errors in words.

test_that("plot_types() says what is offered and why not", {
  offers <- plot_types(carcinoma_fit(2))
  expect_equal(offers$type[offers$offered], c("profile", "posterior", "path", "starts"))
  expect_true(all(nzchar(offers$why) != offers$offered))
  expect_snapshot(print(offers, width = 200))
  two_level <- plot_types(random_logit_fit())
  expect_equal(two_level$type[!two_level$offered], c("growth", "item_curve", "transitions"))
  expect_equal(plot_types(factor_fit())$why[2:3], c("the model has no class variable", "no outcome has a covariate"))
})

test_that("every type that any fit offers is drawn, with words", {
  skip_if_not_installed("ggplot2")
  fits <- list(carcinoma_fit(3), chain_fit(), regression_fit(), random_logit_fit(), factor_fit(), growth_fit(),
    three_class_fit(), membership_fit(), families_fit(), second_order_fit(), two_level_classes_fit())
  for (fit in fits) {
    offers <- plot_types(fit)
    types <- offers$type[offers$offered]
    # These look alike for all models: two of each will do.
    if (!identical(fit, fits[[1]]) && !identical(fit, fits[[4]])) {
      types <- setdiff(types, c("starts", "posterior", "integration"))
    }
    for (type in types) {
      plot <- expect_silent(drawn(plot(fit, type = type)))
      expect_s3_class(plot, "ggplot")
      expect_true(nzchar(plot$labels$title))
    }
  }
})

test_that("autoplot() is plot()", {
  skip_if_not_installed("ggplot2")
  one <- ggplot2::autoplot(carcinoma_fit(2), type = "starts")
  expect_equal(one$data, plot(carcinoma_fit(2), type = "starts")$data)
})

test_that("a fit that was saved and loaded is drawn", {
  skip_if_not_installed("ggplot2")
  file <- withr::local_tempfile()
  saveRDS(curved_fit(), file)
  fit <- readRDS(file)
  expect_equal(plot_data(fit, "class_curve"), plot_data(curved_fit(), "class_curve"))
  expect_error(drawn(plot(fit, type = "path")), NA)
})

test_that("intervals are missing where there are no standard errors", {
  fit <- carcinoma_fit(2, se = "none")
  expect_true(all(is.na(plot_data(fit)$conf.low)))
  skip_if_not_installed("ggplot2")
  expect_error(drawn(plot(fit)), NA)
})

test_that("errors in words", {
  expect_snapshot(error = TRUE, {
    plot_data(carcinoma_fit(2), "bar")
    plot_data(carcinoma_fit(2), c("profile", "path"))
    plot_data(carcinoma_fit(2), "random_effects")
    plot_data(factor_fit(), "posterior")
    plot_data(carcinoma_fit(2), class = "d")
    plot_data(carcinoma_fit(2), "posterior", digits = 3)
    plot_data(carcinoma_fit(2), "profile", "c")
    plot_data(carcinoma_fit(2), level = 95)
    plot_data(lm)
    plot(carcinoma_fit(2), type = "growth")
    plot(growth_fit(), type = "growth", against = "age")
  })
})
