# Class probabilities against random effects, covariates and classes, by plogis() and softmax of the estimates.

test_that("the probability against the random intercept is a logistic curve (figures 2 and 3)", {
  fit <- random_logit_fit()
  d <- plot_data(fit, "class_curve")
  one <- d$curves[d$curves$class == "c=1", ]
  expect_equal(one$value, stats::plogis(estimate_of(fit, "c#1~1") + one$x))
  sd <- sqrt(estimate_of(fit, "c#1@id~~c#1@id"))
  expect_equal(d$distribution$density, stats::dnorm(d$distribution$x, 0, sd))
  expect_equal(d$clusters$value, random_effects(fit)$`c#1@id`)
  expect_equal(d$clusters$std.error, random_effects(fit)$`c#1@id.se`)
  se <- fit$parameters$std.error[fit$parameters$name == "c#1~1"]
  expect_equal(stats::qlogis(one$conf.high) - stats::qlogis(one$value), rep(stats::qnorm(0.975) * se, nrow(one)),
    tolerance = 1e-5)
  expect_equal(unique(one$words), "random intercept of c=1")
})

test_that("a step has points where it rises, and no band without standard errors", {
  fit <- random_logit_fit()
  fit$parameters$estimate[fit$parameters$name == "c#1@id~~c#1@id"] <- 1e4
  d <- plot_data(fit, "class_curve")
  one <- d$curves[d$curves$class == "c=1", ]
  expect_false(is.unsorted(one$x))
  expect_equal(one$value, stats::plogis(estimate_of(fit, "c#1~1") + one$x))
  expect_lt(max(abs(diff(one$value))), 0.1)
  d$curves[c("conf.low", "conf.high")] <- NA_real_
  skip_if_not_installed("ggplot2")
  layers <- vapply(plot_class_curve(d, 0.95)$layers, function(layer) class(layer$geom)[[1]], "")
  expect_false("GeomRibbon" %in% layers)
})

test_that("the variance of a random effect that depends on others is the implied one", {
  fit <- random_logit_fit()
  slope <- estimate_of(fit, "y@id~c#1@id")
  implied <- slope^2 * estimate_of(fit, "c#1@id~~c#1@id") + estimate_of(fit, "y@id~~y@id")
  cov <- latent_covariance(fit$spec, fit$parameters$estimate, list(c = 1), fit_classes(fit), list())
  expect_equal(cov["y@id", "y@id"], implied)
  expect_equal(cov["y@id", "c#1@id"], slope * estimate_of(fit, "c#1@id~~c#1@id"))
  d <- latent_distribution(fit, "y@id")$density
  expect_equal(sum(d$density) * diff(d$x[1:2]), 1, tolerance = 0.01)
})

test_that("three classes against a covariate and a factor", {
  fit <- three_class_fit()
  data <- three_class_data()
  logit <- function(k, x, v, w) {
    sum(estimate_of(fit, paste0("c#", k, "~", c("1", "x", "gv", "gw"))) * c(1, x, v, w))
  }
  by_hand <- function(x, v, w) {
    odds <- exp(c(logit(1, x, v, w), logit(2, x, v, w), 0))
    odds / sum(odds)
  }
  d <- plot_data(fit, "class_curve")$curves
  expect_equal(unique(d$against), "x")
  at <- unique(d$x)[[10]]
  expect_equal(d$value[d$x == at], by_hand(at, mean(data$g == "v"), mean(data$g == "w")))
  set <- plot_data(fit, "class_curve", at = list(g = "w"))$curves
  expect_equal(set$value[set$x == at], by_hand(at, 0, 1))
  levels <- plot_data(fit, "class_curve", against = "g", at = list(x = 1))
  expect_equal(levels$curves$value[levels$curves$x == "v"], by_hand(1, 1, 0))
  expect_null(levels$clusters)
  dist <- plot_data(fit, "class_curve")$distribution
  expect_equal(sum(dist$density) * diff(dist$x[1:2]), 1, tolerance = 0.05)
})

test_that("given another class variable: the transition probabilities with their intervals", {
  fit <- chain_fit()
  d <- plot_data(fit, "class_curve", class = "c2")$curves
  p <- estimates(fit, "probability")
  p <- p[p$target == "c2", ]
  same <- match(paste(d$class, d$x), paste(p$term, p$class))
  expect_equal(d$value, p$estimate[same])
  expect_equal(d$conf.low, p$conf.low[same], tolerance = 1e-6)
  between <- plot_data(two_level_classes_fit(), "class_curve")$curves
  expect_equal(unique(between$against), "d")
})

test_that("a random effect with variance 0 has no density and says so", {
  skip_if_not_installed("ggplot2")
  fit <- random_logit_fit()
  fit$parameters$estimate[fit$parameters$name == "c#1@id~~c#1@id"] <- 0
  d <- plot_data(fit, "class_curve")
  expect_equal(nrow(d$distribution), 0)
  expect_match(gsub("\n", " ", drawn(plot(fit, type = "class_curve"))$labels$subtitle), "estimated at 0")
})

test_that("the membership of persons in a GoM", {
  fit <- membership_fit()
  d <- plot_data(fit, "class_curve")
  expect_equal(nrow(d$clusters), nrow(membership_data()))
  expect_equal(d$curves$against[[1]], "c#1@person")
})

test_that("bad options are refused in words", {
  expect_snapshot(error = TRUE, {
    plot_data(chain_fit(), "class_curve", class = "c1")
    plot_data(three_class_fit(), "class_curve", against = "z")
    plot_data(carcinoma_fit(2), "class_curve")
  })
})
