# Omnibus tests of factors, and later steps taken like fits: against Wald statistics from coef() and vcov() by hand.

factor_data <- function() {
  data <- step_data()
  data$edu <- withr::with_seed(5, factor(sample(c("low", "mid", "high"), 500, TRUE), c("low", "mid", "high")))
  data
}

by_hand_wald <- function(object, names) {
  b <- coef(object)[names]
  as.numeric(b %*% solve(vcov(object)[names, names], b))
}

test_that("factors are tested over all their categories, of classes and of outcomes", {
  data <- factor_data()
  fit <- step_fit()
  formulas <- list(c ~ x * edu, y ~ c * edu, z ~ c + edu)
  row <- function(object, target, term, hypothesis = "no effect") {
    object$tests[object$tests$target == target & object$tests$term == term & object$tests$hypothesis == hypothesis, ]
  }
  for (method in c("ML", "BCH")) {
    step <- three_step(fit, formulas, data, method, seed = 1, starts = 1, threads = 1)
    of_class <- c("c#1~edumid", "c#1~eduhigh")
    expect_equal(row(step, "c", "edu")$statistic, by_hand_wald(step, of_class))
    expect_equal(row(step, "c", "edu")$df, 2)
    expect_equal(row(step, "c", "edumid")$statistic, by_hand_wald(step, of_class[1]))
    expect_equal(row(step, "c", "x:edu")$df, 2)
    of_y <- c("y~edumid[c=1]", "y~edumid[c=2]", "y~eduhigh[c=1]", "y~eduhigh[c=2]")
    expect_equal(row(step, "y", "edu")$statistic, by_hand_wald(step, of_y))
    expect_equal(row(step, "y", "edu", "c=1 - c=2")$df, 2)
    expect_equal(row(step, "z", "edu")$statistic, by_hand_wald(step, c("z~edumid", "z~eduhigh")))
    joint <- wald_test(step, term = "edu", target = "c")
    expect_equal(joint$statistic, by_hand_wald(step, of_class))
    expect_equal(wald_test(step, term = c("edu", "x:edu"))$df, 10)
  }
  one <- mlmix(lca(u1:u6, k = 2, predictors = ~ x + edu), data, starts = c(4, 2), seed = 1, threads = 1)
  expect_equal(wald_test(one, term = "edu")$statistic, by_hand_wald(one, c("c#1~edumid", "c#1~eduhigh")))
  expect_equal(wald_test(one, "c#1~1 = 0", term = "x")$df, 2)
  expect_snapshot(error = TRUE, {
    wald_test(one, term = "educ")
    wald_test(one, term = "edu", target = "d")
    wald_test(one, term = 1)
    wald_test("fit", "a = b")
  })
})

test_that("a term is found where it predicts factors and random effects too", {
  data <- withr::with_seed(2, {
    id <- rep(1:30, each = 4)
    g <- factor(rep(sample(letters[1:3], 30, TRUE), each = 4))
    data.frame(id, g, w = stats::rnorm(30)[id], y = stats::rnorm(120) + stats::rnorm(30)[id])
  })
  fit <- mlmix(mixture_model(outcome(y ~ g + (1 | id)), between(y ~ w)), data, seed = 1, threads = 1)
  expect_equal(wald_test(fit, term = "w")$hypotheses$hypothesis, "y@id~w = 0")
  expect_equal(wald_test(fit, term = "g")$statistic, by_hand_wald(fit, c("y~gb", "y~gc")))
})

test_that("wald_test(), derive(), confint(), tidy() and glance() take later steps", {
  data <- factor_data()
  steps <- list(
    three_step(step_fit(), list(c ~ x, y ~ c), data, seed = 1, starts = 1, threads = 1),
    three_step(step_fit(), list(c ~ x, y ~ c), data, method = "BCH"),
    two_step(step_fit(), list(c ~ x, y ~ c), data, seed = 1, starts = 1, threads = 1)
  )
  names <- c("y~1[c=1]", "y~1[c=2]")
  for (step in steps) {
    gap <- coef(step)[[names[1]]] - coef(step)[[names[2]]]
    se <- sqrt(as.numeric(c(1, -1) %*% vcov(step)[names, names] %*% c(1, -1)))
    expect_equal(wald_test(step, "y~1[c=1] = y~1[c=2]")$statistic, (gap / se)^2, tolerance = 1e-6)
    found <- derive(step, gap = `y~1[c=1]` - `y~1[c=2]`, sd = sqrt(`y~~y[c=1]`))
    expect_equal(found$estimate[1], gap)
    expect_equal(found$std.error[1], se, tolerance = 1e-6)
    # variances on the log scale, at any level
    v <- coef(step)[["y~~y[c=1]"]]
    s <- sqrt(vcov(step)["y~~y[c=1]", "y~~y[c=1]"])
    limits <- v * exp(c(-1, 1) * stats::qnorm(0.95) * s / v)
    expect_equal(as.numeric(confint(step, "y~~y[c=1]", level = 0.9)), limits)
    table <- tidy(step, conf.int = TRUE, conf.level = 0.9)
    expect_equal(as.numeric(table[table$term == "y~~y[c=1]", c("conf.low", "conf.high")]), limits)
    expect_equal(nrow(glance(step)), 1)
    expect_error(confint(step, "nothing"), class = "mlmix_error_spec")
  }
  # What a second step keeps fixed may stand in an expression; assignment errors may not.
  expect_equal(derive(steps[[3]], p = `u1~1[c=1]`)$estimate, coef(step_fit())[["u1~1[c=1]"]])
  expect_error(derive(steps[[1]], p = `u1~1[c=1]`), "neither a parameter")
})
