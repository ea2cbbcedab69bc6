# Item curves by the formulas of item response models, factor mixtures and grade of membership.

test_that("two-parameter logistic curves", {
  fit <- factor_fit()
  d <- plot_data(fit, "item_curve")
  one <- d$curves[d$curves$outcome == "item3", ]
  expect_equal(one$value, stats::plogis(estimate_of(fit, "item3~1") + estimate_of(fit, "item3~f") * one$x))
  names <- c("item3~1", "item3~f")
  x <- cbind(1, one$x)
  se <- sqrt(rowSums((x %*% vcov(fit)[names, names]) * x))
  expect_equal(stats::qlogis(one$conf.high) - stats::qlogis(one$value), stats::qnorm(0.975) * se, tolerance = 1e-4)
  expect_equal(d$distribution$density, stats::dnorm(d$distribution$x))
  expect_equal(unique(plot_data(fit, "item_curve", outcome = c("item1", "item5"))$curves$outcome), c("item1", "item5"))
})

test_that("guessing: the curve is g + (1 - g) F(a f - b), equation (47)", {
  data <- withr::with_seed(31, {
    f <- stats::rnorm(250)
    u <- sapply(c(-1, 0, 0.5, 1), function(b) {
      stats::rbinom(250, 1, 0.2 + 0.8 * stats::plogis(1.5 * (f - b)))
    })
    stats::setNames(as.data.frame(u), paste0("u", 1:4))
  })
  fit <- remember("3pl", quick(irt(u1:u4, type = "3pl"), data, starts = 1, se = "none"))
  d <- plot_data(fit, "item_curve")$curves
  for (item in paste0("u", 1:4)) {
    one <- d[d$outcome == item, ]
    g <- stats::plogis(estimate_of(fit, paste0("guess#1~item", item)))
    at <- estimate_of(fit, paste0(item, c("~1", "~f"), "[guess=2]"))
    p <- stats::plogis(at[[1]] + at[[2]] * one$x)
    # A response that is guessed is right with probability plogis(20) in irt().
    expect_equal(one$value, g * stats::plogis(20) + (1 - g) * p)
  }
})

test_that("grade of membership with one factor: a mixture of the profiles", {
  fit <- remember("gom factor", quick(gom(u1:u4, k = 2, random = "factor"), membership_data(), starts = 1))
  d <- plot_data(fit, "item_curve")$curves
  one <- d[d$outcome == "u2", ]
  g <- stats::plogis(estimate_of(fit, "c#1~1") + estimate_of(fit, "c#1~eta") * one$x)
  p <- stats::pnorm(estimate_of(fit, c("u2~1[c=1]", "u2~1[c=2]")))
  expect_equal(one$value, g * p[[1]] + (1 - g) * p[[2]])
})

test_that("a factor mixture has a curve for each class", {
  data <- withr::with_seed(32, {
    f <- stats::rnorm(300)
    class <- 1 + (stats::runif(300) < 0.5)
    u <- sapply(1:5, function(j) stats::rbinom(300, 1, stats::pnorm(c(1, -1)[class] + 0.8 * f)))
    stats::setNames(as.data.frame(u), paste0("u", 1:5))
  })
  fit <- quick(fma(u1:u5, k = 2), data, starts = 2)
  d <- plot_data(fit, "item_curve")$curves
  for (k in 1:2) {
    one <- d[d$outcome == "u4" & d$class == paste0("c=", k), ]
    eta <- estimate_of(fit, paste0("u4~1[c=", k, "]")) + estimate_of(fit, "u4~f") * one$x
    expect_equal(one$value, stats::pnorm(eta))
  }
  skip_if_not_installed("ggplot2")
  expect_error(drawn(plot(fit, type = "item_curve")), NA)
})

test_that("a factor whose mean differs by class has one curve: the class matters only through it", {
  data <- withr::with_seed(34, {
    class <- 1 + (stats::runif(300) < 0.5)
    f <- c(-1.5, 1.5)[class] + stats::rnorm(300)
    e <- function() stats::rnorm(300, 0, 0.5)
    data.frame(y1 = f + e(), y2 = f + e(), y3 = f + e())
  })
  model <- mixture_model(latent_class("c", 2), latent_factor("f", ~ c, scale = "loading"), outcome(y1:y3 ~ f))
  d <- plot_data(quick(model, data), "item_curve")
  expect_equal(unique(d$curves$class), "")
  # Its distribution is the mixture of both classes' normal densities.
  expect_equal(sum(d$distribution$density) * diff(d$distribution$x[1:2]), 1, tolerance = 0.01)
})

test_that("means, ordered outcomes and bad options", {
  data <- withr::with_seed(33, {
    f <- stats::rnorm(200)
    cut3 <- function(x) cut(x, c(-Inf, -0.5, 0.7, Inf), labels = c("a", "b", "c"), ordered_result = TRUE)
    data.frame(y1 = f + stats::rnorm(200), y2 = 2 * f + stats::rnorm(200), o = cut3(f + stats::rlogis(200)))
  })
  model <- mixture_model(latent_factor("f"), outcome(c(y1, y2) ~ f), outcome(o ~ f, family = ordinal()))
  fit <- quick(model, data, starts = 1)
  d <- plot_data(fit, "item_curve")$curves
  o <- d[d$outcome == "o", ]
  above <- function(t) stats::plogis(estimate_of(fit, "o~f") * o$x - estimate_of(fit, t))
  expect_equal(o$value, 1 + above("o|t1") + above("o|t2"))
  y <- d[d$outcome == "y2", ]
  expect_equal(y$value, estimate_of(fit, "y2~1") + estimate_of(fit, "y2~f") * y$x)
  expect_snapshot(error = TRUE, {
    plot_data(fit, "item_curve", against = "g")
    plot_data(fit, "item_curve", outcome = c("y1", "z"))
    plot_data(carcinoma_fit(2), "item_curve")
  })
  skip_if_not_installed("ggplot2")
  expect_error(drawn(plot(fit, type = "item_curve")), NA)
})
