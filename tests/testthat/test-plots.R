# Plots: the data behind them, and that each is drawn.

test_that("profile data are the probabilities with their intervals", {
  fit <- chain_fit()
  d <- plot_data(fit)
  p <- estimates(fit, "probability")
  p <- p[p$term == "1", ]
  expect_equal(d$value, p$estimate)
  expect_equal(d$conf.low, p$conf.low, tolerance = 1e-6)
  expect_match(d$label[1], "^c1=1 \\([0-9.]+ %\\)$")
  expect_equal(unique(plot_data(fit, class = "c2")$outcome), paste0("v", 1:4))
})

test_that("means of gaussian outcomes", {
  d <- plot_data(regression_fit())
  expect_equal(d$measure, rep("mean", 2))
  e <- estimates(regression_fit())
  expect_equal(d$value, e$estimate[e$kind == "intercept"])
  expect_equal(d$conf.low, e$conf.low[e$kind == "intercept"], tolerance = 1e-6)
})

test_that("every type draws", {
  skip_if_not_installed("ggplot2")
  for (fit in list(carcinoma_fit(3), chain_fit(), regression_fit())) {
    for (type in c("profile", "posterior", "starts")) {
      plot <- plot(fit, type = type)
      expect_s3_class(plot, "ggplot")
      expect_silent(grDevices::pdf(NULL))
      expect_error(print(plot), NA)
      grDevices::dev.off()
      expect_true(nzchar(plot$labels$title))
    }
  }
})

test_that("errors in words", {
  expect_snapshot(error = TRUE, {
    plot_data(carcinoma_fit(2), "bar")
    plot_data(carcinoma_fit(2), class = "d")
    plot_data(factor_fit(), "posterior")
  })
})
