test_that("Wald limits are those of estimates()", {
  fit <- carcinoma_fit(2)
  table <- estimates(fit)
  expect_equal(unname(confint(fit)), unname(as.matrix(table[c("conf.low", "conf.high")])))
  expect_identical(rownames(confint(fit, "c#1~1")), "c#1~1")
  expect_identical(confint(fit, 3:4), confint(fit)[3:4, ])
  expect_identical(colnames(confint(fit, level = 0.9)), c("5 %", "95 %"))
})

test_that("profile limits of a normal mean and variance are the closed form", {
  y <- withr::with_seed(4, stats::rnorm(25, 2, 3))
  fit <- mlmix(mixture_model(outcome(y ~ 1)), data.frame(y), starts = 1, seed = 1, threads = 1)
  limits <- confint(fit, method = "profile", level = 0.9)
  s2 <- mean((y - mean(y))^2)
  q <- stats::qchisq(0.9, 1)
  # d(mu) = n log(1 + (mean - mu)^2 / s2); d(v) = n (log(v / s2) + s2 / v - 1)
  half <- sqrt(s2 * (exp(q / 25) - 1))
  expect_equal(unname(limits["y~1", ]), mean(y) + c(-half, half), tolerance = 1e-4)
  d <- function(v) 25 * (log(v / s2) + s2 / v - 1) - q
  expect_equal(unname(limits["y~~y", ]), c(stats::uniroot(d, c(s2 / 9, s2), tol = 1e-9)$root,
    stats::uniroot(d, c(s2, 9 * s2), tol = 1e-9)$root), tolerance = 1e-4)
  points <- attr(limits, "profile")
  mu <- points[points$name == "y~1", ]
  expect_equal(mu$deviance, 25 * log(1 + (mean(y) - mu$value)^2 / s2), tolerance = 1e-6)
  expect_gt(nrow(mu), 4)
})

test_that("profile limits of a mixed model are lme4's", {
  skip_on_cran()
  skip_if_not_installed("lme4")
  sleep <- lme4::sleepstudy
  fit <- mlmix(mixture_model(outcome(Reaction ~ Days + (1 + Days | Subject))), sleep, starts = 1, seed = 1, threads = 1)
  limits <- confint(fit, method = "profile")
  # confint(lmer(Reaction ~ Days + (Days | Subject), sleepstudy, REML = FALSE)), lme4 1.1-31
  sd <- rbind(c(22.898262, 28.857997), c(14.3813754, 37.716053), c(3.8011641, 8.753383))
  expect_equal(unname(limits[3:5, ]), sd^2, tolerance = 2e-3)
  expect_equal(unname(limits[1:2, ]), rbind(c(237.680695, 265.129515), c(7.358653, 13.575919)), tolerance = 1e-4)
  expect_true(all(attr(limits, "status")$status == "found"))
})

test_that("profile limits of logistic regression are those of stats", {
  skip_if_not_installed("MASS") # stats calls it before R 4.4
  data <- withr::with_seed(2, data.frame(x = stats::rnorm(80)))
  data$y <- withr::with_seed(3, stats::rbinom(80, 1, stats::plogis(0.5 + data$x)))
  fit <- mlmix(mixture_model(outcome(y ~ x, family = bernoulli())), data, starts = 1, seed = 1, threads = 1)
  reference <- suppressMessages(stats::confint(stats::glm(y ~ x, stats::binomial(), data)))
  expect_equal(unname(unclass(confint(fit, method = "profile"))[, 1:2]), unname(reference), tolerance = 2e-3,
    ignore_attr = TRUE)
})

test_that("a limit satisfies the likelihood-ratio equation, for a class, a threshold, and a covariance", {
  check <- function(fit, data, name, ...) {
    limits <- confint(fit, name, method = "profile")
    for (side in 1:2) {
      value <- limits[[1, side]]
      model <- fit$model
      model$constraints <- c(model$constraints, list(eval(bquote(constrain(fix(.(name), .(value)))))))
      fixed <- suppressWarnings(mlmix(model, data, starts = c(5, 2), seed = 1, threads = 1, ...))
      expect_equal(2 * (fit$log_likelihood - fixed$log_likelihood), stats::qchisq(0.95, 1), tolerance = 5e-3)
    }
  }
  check(carcinoma_fit(2), carcinoma, "B~1[c=1]")
  data <- withr::with_seed(6, {
    f <- stats::rnorm(400)
    u <- sapply(1:3, function(i) as.numeric(cut(2 * f + stats::rlogis(400), c(-Inf, -0.5, 0.7, Inf))))
    stats::setNames(as.data.frame(u), paste0("u", 1:3))
  })
  ordinal_fit <- mlmix(mixture_model(latent_factor("f"), outcome(u1:u3 ~ f, family = ordinal())), data, starts = 1,
    seed = 1, threads = 1)
  check(ordinal_fit, data, "u1|t1")
  two <- withr::with_seed(6, {
    z <- stats::rnorm(60)
    data.frame(y1 = z + stats::rnorm(60), y2 = z + stats::rnorm(60))
  })
  pair <- mlmix(mixture_model(outcome(c(y1, y2) ~ 1), covary(y1, y2)), two, starts = 1, seed = 1, threads = 1)
  centred <- crossprod(scale(two, scale = FALSE)) / 60
  loss <- function(log_variances, covariance) { # -2 log L over the means, up to a constant
    sigma <- diag(exp(log_variances))
    sigma[1, 2] <- sigma[2, 1] <- covariance
    if (det(sigma) <= 0) 1e6 else 60 * (log(det(sigma)) + sum(diag(solve(sigma, centred))))
  }
  best <- 60 * (log(det(centred)) + 2)
  for (limit in confint(pair, "y1~~y2", method = "profile")) {
    found <- stats::optim(log(diag(centred) + 0.5), loss, covariance = limit, control = list(reltol = 1e-12))
    expect_equal(found$value - best, stats::qchisq(0.95, 1), tolerance = 5e-3)
  }
})

test_that("infinite and bounded limits are said to be so", {
  fit <- carcinoma_fit(2)
  held <- fit$parameters$name[fit$parameters$status == "boundary"][[1]]
  limits <- confint(fit, held, method = "profile")
  status <- attr(limits, "status")
  infinite <- if (fit$parameters$estimate[match(held, fit$parameters$name)] > 0) "upper" else "lower"
  expect_equal(status$status[status$side == infinite], "infinite")
  expect_true(is.infinite(limits[1, if (infinite == "upper") 2 else 1]))
  # The other limit is nearly that of none of n, in closed form (1 - p)^n = exp(-q / 2).
  other <- limits[1, if (infinite == "upper") 1 else 2]
  class <- as.numeric(sub(".*c=([12]).*", "\\1", held))
  n <- 118 * class_sizes(fit)$proportion[[class]]
  expect_equal(unname(stats::plogis(-abs(other))), 1 - exp(-stats::qchisq(0.95, 1) / 2 / n), tolerance = 0.1)
  # A random intercept that is not there.
  data <- withr::with_seed(2, data.frame(id = rep(1:20, each = 4), y = stats::rnorm(80)))
  small <- suppressWarnings(mlmix(mixture_model(outcome(y ~ 1 + (1 | id))), data, starts = 1, seed = 1, threads = 1))
  bounded <- confint(small, "y@id~~y@id", method = "profile")
  expect_equal(attr(bounded, "status")$status, c("boundary", "found"))
  expect_equal(bounded[[1, 1]], 0)
  expect_snapshot(bounded, transform = function(x) gsub("0[.][0-9]{3,}", "<number>", x))
})

test_that("a fit below the maximum, with weights or with dependent units is refused", {
  fit <- carcinoma_fit(2)
  low <- fit
  low$log_likelihood <- low$log_likelihood - 1
  data <- regression_data()
  weighted <- mlmix(mixture_model(outcome(y ~ x)), data, weights = w, starts = 1, seed = 1, threads = 1)
  clustered <- mlmix(mixture_model(outcome(y ~ x)), data, cluster = "id", starts = 1, seed = 1, threads = 1)
  expect_snapshot(error = TRUE, {
    confint(weighted, method = "profile")
    confint(clustered, method = "profile")
    confint(low, method = "profile")
    confint(fit, "c#2~1")
    confint(fit, 99)
    confint(fit, method = "likelihood")
    confint(fit, method = "bootstrap", boot = 1)
  })
})

test_that("bootstrap limits are the quantiles, of this fit's bootstrap only", {
  fit <- carcinoma_fit(2)
  boot <- bootstrap(fit, 20, seed = 1, threads = 1)
  values <- boot$estimates$estimate[boot$estimates$name == "c#1~1"]
  expect_equal(unname(confint(fit, "c#1~1", method = "bootstrap", boot = boot)[1, ]),
    unname(stats::quantile(values, c(0.025, 0.975))))
  expect_identical(confint(fit, "c#1~1", method = "bootstrap", replications = 20, seed = 1, threads = 1),
    confint(fit, "c#1~1", method = "bootstrap", boot = boot))
  expect_error(confint(fit, "c#1~1", method = "bootstrap", n = 20), "unused argument")
  expect_error(confint(carcinoma_fit(3), method = "bootstrap", boot = boot), "another fit")
})
