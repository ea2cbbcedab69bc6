# Growth curves against formulas by hand, observed averages and trajectories against the data.

test_that("a linear curve and its band are those of the estimates", {
  fit <- growth_fit()
  d <- plot_data(fit, "growth")
  for (k in 1:2) {
    names <- paste0(c("y~1", "y~t"), "[c=", k, "]")
    one <- d$curves[d$curves$class == paste0("c=", k), ]
    x <- cbind(1, one$x)
    expect_equal(one$value, as.numeric(x %*% estimate_of(fit, names)))
    se <- sqrt(rowSums((x %*% vcov(fit)[names, names]) * x))
    expect_equal(one$conf.high - one$value, stats::qnorm(0.975) * se, tolerance = 1e-5)
  }
  expect_equal(range(d$curves$x), c(0, 4))
  narrow <- plot_data(fit, "growth", level = 0.5)$curves
  expect_lt(max(narrow$conf.high - narrow$conf.low), max(d$curves$conf.high - d$curves$conf.low))
})

test_that("observed averages are weighted by the posterior", {
  fit <- growth_fit()
  data <- growth_frame()
  p <- posterior(fit, "between")
  p <- p[match(data$id, p$id), ]
  d <- plot_data(fit, "growth")$observed
  at <- data$t == 3
  expect_equal(d$value[d$class == "c=2" & d$x == 3], sum((p$`c=2` * data$y)[at]) / sum(p$`c=2`[at]))
})

test_that("trajectories are the data of clusters by modal class", {
  fit <- growth_fit()
  data <- growth_frame()
  d <- plot_data(fit, "growth", trajectories = 5)$trajectories
  expect_equal(as.numeric(table(unique(d[c("class", "id")])$class)), c(5, 5))
  expect_equal(d$value, data$y[match(paste(d$id, d$x), paste(data$id, data$t))])
  p <- posterior(fit, "between")
  expect_equal(as.integer(sub("c=", "", d$class)), p$c[match(d$id, p$id)])
  expect_null(plot_data(fit, "growth", trajectories = 0)$trajectories)
})

test_that("a polynomial, other covariates at their mean, at chosen values", {
  fit <- curved_fit()
  data <- growth_frame()
  expect_snapshot(error = TRUE, plot_data(fit, "growth", against = "t"))
  expect_equal(plot_data(fit, "growth")$curves$against[[1]], "g")
  basis <- stats::poly(data$t, 2)
  curve <- function(k, x, g) {
    names <- paste0(c("y~1", "y~poly(t, 2)1", "y~poly(t, 2)2"), "[c=", k, "]")
    as.numeric(cbind(1, stats::predict(basis, x)) %*% estimate_of(fit, names)) + g * estimate_of(fit, "y~gb")
  }
  d <- plot_data(fit, "growth", against = "t", data = data)$curves
  one <- d[d$class == "c=1", ]
  expect_equal(one$value, curve(1, one$x, mean(data$g == "b")))
  d <- plot_data(fit, "growth", against = "t", data = data, at = list(g = "b"))$curves
  two <- d[d$class == "c=2", ]
  expect_equal(two$value, curve(2, two$x, 1))
  categories <- plot_data(fit, "growth", against = "g")$curves
  expect_equal(levels(categories$x), c("a", "b"))
  expect_equal(diff(categories$value[categories$class == "c=1"]), estimate_of(fit, "y~gb"))
  skip_if_not_installed("ggplot2")
  expect_error(drawn(plot(fit, type = "growth", against = "g")), NA)
})

test_that("counts, ordered and unordered categories", {
  data <- growth_frame()
  counts <- quick(growth_mixture(n ~ t + (1 | id), k = 2, family = poisson()), data)
  d <- plot_data(counts, "growth")$curves
  one <- d[d$class == "c=1", ]
  expect_equal(one$value, exp(estimate_of(counts, "n~1[c=1]") + one$x * estimate_of(counts, "n~t[c=1]")))
  expect_true(all(one$conf.low > 0))
  model <- mixture_model(
    latent_class("c", 2, level = "between"), outcome(o ~ c * t, family = ordinal()), cluster = "id"
  )
  ordered <- quick(model, data)
  d <- plot_data(ordered, "growth")$curves
  two <- d[d$class == "c=2", ]
  above <- function(t) stats::plogis(two$x * estimate_of(ordered, "o~t[c=2]") - estimate_of(ordered, t))
  expect_equal(two$value, 1 + above("o|t1[c=2]") + above("o|t2[c=2]"))
  data$o <- factor(data$o, ordered = FALSE)
  nominal <- quick(mixture_model(outcome(o ~ t, family = nominal())), data, starts = 1)
  all <- plot_data(nominal, "growth")
  expect_equal(unique(all$curves$category), levels(data$o))
  expect_equal(as.numeric(tapply(all$curves$value, all$curves$x, sum)), rep(1, 61))
  expect_null(all$observed)
  skip_if_not_installed("ggplot2")
  for (fit in list(counts, ordered, nominal)) expect_error(drawn(plot(fit, type = "growth")), NA)
})

test_that("a curve is at the expected value of factors behind the outcome", {
  data <- withr::with_seed(27, {
    x <- stats::rnorm(200)
    f <- 0.7 * x + stats::rnorm(200)
    data.frame(x, y1 = f + stats::rnorm(200), y2 = 0.8 * f + stats::rnorm(200), y3 = 1.2 * f + stats::rnorm(200))
  })
  fit <- quick(mixture_model(latent_factor("f", ~ x), outcome(y1:y3 ~ f)), data, starts = 1)
  d <- plot_data(fit, "growth", outcome = "y2")$curves
  slope <- estimate_of(fit, "y2~f") * estimate_of(fit, "f~x")
  expect_equal(d$value, estimate_of(fit, "y2~1") + slope * d$x)
})

test_that("units of a class of units are points", {
  data <- regression_data()
  model <- mixture_model(latent_class("c", 2), outcome(y ~ c * x))
  fit <- quick(model, data)
  d <- plot_data(fit, "growth", trajectories = 10)
  expect_false(any(d$trajectories$joined))
  expect_true(all(d$trajectories$value %in% data$y))
  expect_null(d$observed)
})

test_that("bad options are refused in words", {
  expect_snapshot(error = TRUE, {
    plot_data(growth_fit(), "growth", outcome = "z")
    plot_data(growth_fit(), "growth", against = "time")
    plot_data(growth_fit(), "growth", at = 3)
    plot_data(growth_fit(), "growth", at = list(t = 3))
    plot_data(curved_fit(), "growth", against = "g", at = list(g = "b"))
    plot_data(curved_fit(), "growth", against = "t", data = head(growth_frame()))
    plot_data(curved_fit(), "growth", against = "t", data = growth_frame(), at = list(g = "z"))
    plot_data(growth_fit(), "growth", trajectories = -1)
  })
})
