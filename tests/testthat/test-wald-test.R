logistic_fit <- function() {
  remember("logistic", {
    data <- withr::with_seed(3, data.frame(x = stats::rnorm(120), z = stats::rnorm(120)))
    data$y <- withr::with_seed(4, stats::rbinom(120, 1, stats::plogis(0.3 + 0.8 * data$x - 0.2 * data$z)))
    model <- mixture_model(outcome(y ~ x + z, family = bernoulli()))
    mlmix(model, data, starts = 1, seed = 1, threads = 1, se = "observed")
  })
}

test_that("linear hypotheses have the closed form, with glm's estimates and covariances", {
  fit <- logistic_fit()
  data <- as.data.frame(fit$data$columns)
  model <- stats::glm(y ~ x + z, stats::binomial(), data)
  b <- stats::coef(model)
  v <- stats::vcov(model)
  one <- wald_test(fit, "y~x = 0.5")
  z <- (b[["x"]] - 0.5) / sqrt(v["x", "x"])
  expect_equal(one$hypotheses$statistic, z, tolerance = 1e-4)
  expect_equal(one$statistic, z^2, tolerance = 1e-4)
  expect_equal(one$p.value, 2 * stats::pnorm(-abs(z)), tolerance = 1e-4)
  expect_equal(c(one$hypotheses$conf.low, one$hypotheses$conf.high),
    b[["x"]] - 0.5 + c(-1, 1) * stats::qnorm(0.975) * sqrt(v["x", "x"]), tolerance = 1e-4)
  both <- wald_test(fit, "y~x = y~z = 0.25", level = 0.9)
  contrast <- rbind(c(0, 1, -1), c(0, 0, 1))
  h <- contrast %*% b - c(0, 0.25)
  w <- as.numeric(t(h) %*% solve(contrast %*% v %*% t(contrast)) %*% h)
  expect_equal(both$statistic, w, tolerance = 1e-4)
  expect_equal(both$df, 2)
  expect_equal(both$p.value, stats::pchisq(w, 2, lower.tail = FALSE), tolerance = 1e-3)
  # Its own likelihood-ratio test is near.
  none <- mlmix(mixture_model(outcome(y ~ 1, family = bernoulli())), data, starts = 1, seed = 1, threads = 1,
    se = "observed")
  expect_equal(wald_test(fit, "y~x = 0", "y~z = 0")$statistic, anova(none, fit)$Chisq[[2]], tolerance = 0.15)
})

test_that("any expression is tested by its linear approximation", {
  fit <- logistic_fit()
  b <- coef(fit)
  v <- vcov(fit)
  ratio <- wald_test(fit, "exp(y~x) / 2 = exp(-(y~z))")
  g <- c(0, exp(b[["y~x"]]) / 2, exp(-b[["y~z"]]))
  h <- exp(b[["y~x"]]) / 2 - exp(-b[["y~z"]])
  expect_equal(ratio$statistic, h^2 / as.numeric(t(g) %*% v %*% g), tolerance = 1e-6)
  half <- 2
  expect_equal(wald_test(fit, "exp(y~x) / half = exp(-(y~z))")$statistic, ratio$statistic)
  expect_equal(wald_test(fit, exp(`y~x`) / half == exp(-`y~z`))$statistic, ratio$statistic)
  expect_equal(wald_test(fit, "exp(`y~x`)/half - exp(-`y~z`)")$statistic, ratio$statistic)
  expect_identical(test(fit, "y~x = 0"), wald_test(fit, "y~x = 0"))
  many <- c("y~x = 0", "y~z = 0")
  expect_equal(wald_test(fit, many)$statistic, wald_test(fit, "y~x = y~z = 0")$statistic)
})

test_that("names are found in an equation, the longest first", {
  names <- c("u1~1", "u1~1[c=1]", "u1~1[c=1,d=2]", "c#1~1", "u1|t1", "y@id~~y@id", "y.x", "y~x")
  split <- function(text) trimws(split_equation(text, names))
  expect_equal(split("u1~1[c=1] = u1~1[c=1,d=2]"), c("`u1~1[c=1]`", "`u1~1[c=1,d=2]`"))
  expect_equal(split("2*u1~1-c#1~1==u1|t1 + 1"), c("2*`u1~1`-`c#1~1`", "`u1|t1` + 1"))
  expect_equal(split("sqrt(y@id~~y@id)"), "sqrt(`y@id~~y@id`)")
  expect_equal(split("my~x = y~x2 = y~x"), c("my~x", "y~x2", "`y~x`"))
  expect_equal(split("`u1~1[c=1]` = u1~1"), c("`u1~1[c=1]`", "`u1~1`"))
  expect_equal(split("y~x[c=1] = u1~1:f"), c("y~x[c=1]", "u1~1:f"))
  expect_equal(split("f(y~x, n <= 3) = 1"), c("f(`y~x`, n <= 3)", "1"))
})

test_that("what follows from other hypotheses is not counted, what contradicts them is refused", {
  fit <- logistic_fit()
  three <- wald_test(fit, "y~x = 0", "y~z = 0", "y~x = 2 * y~z")
  two <- wald_test(fit, "y~x = 0", "y~z = 0")
  expect_equal(three$statistic, two$statistic, tolerance = 1e-6)
  expect_equal(three$df, 2)
  expect_match(three$notes, "1 follows from the others")
  expect_error(wald_test(fit, "y~x = 0", "y~x = 1"), "contradict", class = "mlmix_error_spec")
})

test_that("no number is made up where there is none", {
  fit <- carcinoma_fit(2)
  held <- fit$parameters$name[fit$parameters$status == "boundary"]
  test <- wald_test(fit, paste(held[[1]], "= 0"), "B~1[c=1] = 0")
  expect_equal(c(test$statistic, test$p.value), c(NA_real_, NA_real_))
  expect_equal(is.na(test$hypotheses$p.value), c(TRUE, FALSE))
  expect_match(test$notes, "held at a boundary")
  partly <- wald_test(fit, paste(held[[1]], "= B~1[c=1]"))
  expect_match(partly$notes, "count as known")
  expect_equal(partly$hypotheses$std.error, sqrt(vcov(fit)["B~1[c=1]", "B~1[c=1]"]), tolerance = 1e-6)
  without <- carcinoma_fit(2, se = "none")
  expect_match(wald_test(without, "B~1[c=1] = 0")$notes, "no standard errors")
  variance <- "y@id~~y@id = 0"
  expect_warning(wald_test(regression_fit(), variance), "boundary", class = "mlmix_warning_boundary")
  expect_no_warning(wald_test(regression_fit(), "y@id~~y@id = 1"))
})

test_that("tests are printed and tidied", {
  fit <- logistic_fit()
  test <- wald_test(fit, slopes = "y~x = y~z", "y~1")
  expect_snapshot(test)
  tidy <- tidy(test)
  expect_named(tidy, c("term", "estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high", "df"))
  expect_equal(tidy$term, c("slopes", "y~1 = 0", "joint"))
  expect_equal(tidy$df, c(1, 1, 2))
  expect_equal(tidy$statistic[[3]], test$statistic)
  expect_equal(nrow(tidy(wald_test(fit, "y~1"))), 1)
  expect_equal(glance(test)$p.value, test$p.value)
})

test_that("errors in words", {
  fit <- logistic_fit()
  expect_snapshot(error = TRUE, {
    wald_test(fit)
    wald_test(1, "y~x = 0")
    wald_test(fit, "y~x = ")
    wald_test(fit, "y~x = y~w")
    wald_test(fit, "y~x[c=1] = 0")
    wald_test(fit, "y~x = size")
    wald_test(fit, "y~x = (")
    wald_test(fit, 3)
    wald_test(fit, "y~x = c(1, 2)")
    wald_test(fit, "y~x = log(-1)")
    wald_test(fit, "y~x = 0", level = 95)
  })
})

test_that("tests work on every kind of model", {
  one <- function(fit) {
    name <- fit$parameters$name[fit$free][which(fit$parameters$status[fit$free] == "free")[[1]]]
    test <- wald_test(fit, paste(name, "= 0.1"))
    row <- estimates(fit)[estimates(fit)$name == name, ]
    expect_equal(test$statistic, ((row$estimate - 0.1) / row$std.error)^2, tolerance = 1e-6)
  }
  fits <- list(
    carcinoma_fit(3), chain_fit(), invariant_lta_fit(), random_logit_fit(), regression_fit(), factor_fit()
  )
  for (fit in fits) one(fit)
})
