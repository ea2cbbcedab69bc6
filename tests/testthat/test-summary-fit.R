# summary() and print() of every kind of model: within 80 columns; tidy() and glance() as other packages read them.

# One quick fit of each kind, with names long enough to hurt.
every_kind <- function() {
  remember("every kind", {
    withr::local_seed(5)
    n <- 120
    data <- as.data.frame(matrix(stats::rbinom(n * 8, 1, 0.5), n))
    names(data) <- c(paste0("u", 1:4), paste0("v", 1:4))
    data$quality_of_life_after_treatment_in_months <- stats::rnorm(n)
    data$y <- stats::rnorm(n)
    data$w <- stats::rnorm(n)
    data$o1 <- factor(sample(c("never", "sometimes", "always or nearly always"), n, TRUE), ordered = TRUE)
    data$o2 <- factor(sample(c("never", "sometimes", "always or nearly always"), n, TRUE), ordered = TRUE)
    data$m <- factor(sample(letters[1:4], n, TRUE))
    data$k <- stats::rpois(n, 2)
    data$school_identification_number <- rep(1:20, each = 6)
    data$t <- rep(0:5, 20)
    data$x <- stats::rnorm(n)
    data$z <- rep(stats::rnorm(20), each = 6)
    models <- list(
      lca(u1:u4, k = 3, predictors = ~ quality_of_life_after_treatment_in_months, class = "attitude_to_school"),
      lca(c(o1, o2, m, u1), k = 2), lpa(c(y, w, quality_of_life_after_treatment_in_months), k = 2),
      mixture_model(latent_class("c", 2), outcome(k ~ c * x, family = poisson()), outcome(c(u1, u2) ~ c, family = bernoulli())),
      multilevel_lca(u1:u4, k = 2, cluster = "school_identification_number", k_between = 2),
      multilevel_lca(u1:u4, k = 2, cluster = "school_identification_number", random = TRUE, cluster_predictors = ~ z),
      lta(list(before_the_intervention = u1:u4, after_the_intervention = v1:v4), k = 2),
      growth_mixture(y ~ t + (1 | school_identification_number), k = 2),
      mixture_regression(quality_of_life_after_treatment_in_months ~ x + w, k = 2),
      gom(u1:u4, k = 2), fma(u1:u4, k = 2), irt(u1:u4, type = "2pl"),
      mixture_model(outcome(y ~ x + (1 + x | school_identification_number)))
    )
    lapply(models, mlmix, data = data, starts = 1, seed = 1, threads = 1, se = "observed",
      control = mlmix_control(max_iterations = 30), integration = quadrature(points = 7, adaptive = FALSE))
  })
}

test_that("every kind of fit prints within 80 columns", {
  for (fit in every_kind()) {
    lines <- capture.output(print(fit), print(summary(fit)), print(fit$model), print(integration(fit)))
    wide <- lines[nchar(lines) > 80]
    expect(length(wide) == 0, paste(c("These lines are wider than 80 columns:", wide), collapse = "\n"))
  }
})

test_that("every kind of fit has one row of statistics and tidy estimates", {
  for (fit in every_kind()) {
    row <- glance(fit)
    expect_equal(nrow(row), 1)
    expect_true(all(c("logLik", "AIC", "BIC", "npar", "nobs", "converged") %in% names(row)))
    expect_true(all(vapply(row, is.atomic, NA)) && all(lengths(row) == 1))
    expect_equal(row$AIC, -2 * row$logLik + 2 * row$npar)
    table <- tidy(fit, conf.int = TRUE)
    expect_true(all(c("term", "estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high") %in%
      names(table)))
    expect_identical(anyDuplicated(table$term), 0L)
    expect_false(anyNA(table$term))
  }
})

test_that("every kind of fit has a report and Markdown", {
  skip_if_not_installed("knitr")
  for (fit in every_kind()) {
    file <- withr::local_tempfile(fileext = ".html")
    report(fit, file, plots = FALSE)
    page <- paste(readLines(file), collapse = "\n")
    expect_true(grepl(sub("-", "\u2212", fixed_digits(fit$log_likelihood, 3)), page, fixed = TRUE))
    expect_gt(nchar(knit_print.summary.mlmix(summary(fit))), 500)
    expect_gt(nchar(knit_print.mlmix_model(fit$model)), 200)
  }
})
