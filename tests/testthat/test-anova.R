# Two fits whose log-likelihoods, numbers of parameters and scaling factors are given.
given_fits <- function(log_lik, n_free, scaling) {
  fit <- carcinoma_fit(2)
  Map(function(l, p, c) {
    fit$log_likelihood <- l
    fit$n_free <- p
    fit$scaling <- c
    fit
  }, log_lik, n_free, scaling)
}

test_that("the scaled difference test is the published example of Mplus", {
  # https://www.statmodel.com/chidiff.shtml: L0 = -2606 with 39 parameters, c0 = 1.450; L1 = -2583 with 47, c1 = 1.546
  fits <- given_fits(c(-2606, -2583), c(39, 47), c(1.450, 1.546))
  table <- anova(fits[[1]], fits[[2]])
  expect_equal(round(table$scaling[[2]], 3), 2.014)
  expect_equal(round(table$Chisq[[2]], 3), 22.840)
  expect_equal(table$Df[[2]], 8)
  expect_equal(table$`Pr(>Chisq)`[[2]], stats::pchisq(22.840, 8, lower.tail = FALSE), tolerance = 1e-4)
})

test_that("a published pair of transition models is compared as its numbers say", {
  skip_on_cran()
  data <- reference_data("lta_lsay")
  grades <- list(c("ab39m", "ab39t", "ab39u", "ab39w", "ab39x"), c("ga33a", "ga33h", "ga33i", "ga33k", "ga33l"))
  fit <- function(invariant) {
    model <- lta(grades, k = 4, invariant = invariant)
    suppressMessages(suppressWarnings(mlmix(model, data, starts = c(10, 3), seed = 1, threads = 1)))
  }
  equal <- fit(TRUE)
  unequal <- fit(FALSE)
  # Mplus 8.11: log-likelihood and scaling factor of equal items over time and of unequal ones. Of the first it counts
  # one logit that drifts to its limit (-14.639) as free, without information, where we count 1 in the trace.
  cd <- (55 * 1.1193 - 35 * 1.0529) / 20
  equal$scaling <- equal$scaling - 1 / 35
  table <- anova(equal, unequal)
  expect_equal(table$scaling[[2]], cd, tolerance = 5e-4)
  expect_equal(table$Chisq[[2]], 2 * (14542.768 - 14531.997) / cd, tolerance = 1e-3)
  expect_equal(table$Df[[2]], 20)
})

test_that("more than two fits are tested in the order of their parameters", {
  fits <- given_fits(c(-90, -100, -97), c(9, 4, 6), c(1.1, 1, 1.2))
  table <- anova(fits[[1]], fits[[2]], fits[[3]])
  expect_equal(table$n_parameters, c(4, 6, 9))
  expect_equal(table$Chisq, c(NA, 6 / ((6 * 1.2 - 4) / 2), 14 / ((9 * 1.1 - 6 * 1.2) / 3)))
  expect_equal(table$Df, c(NA, 2, 3))
  # Not positive: no test.
  fits <- given_fits(c(-100, -97), c(10, 12), c(1.5, 1.2))
  table <- anova(fits[[1]], fits[[2]])
  expect_equal(c(table$Chisq[[2]], table$scaling[[2]]), c(NA_real_, NA_real_))
  expect_equal(anova(fits[[1]], fits[[2]], scaled = FALSE)$Chisq[[2]], 6)
  # The same number of parameters: no degrees of freedom.
  fits <- given_fits(c(-100, -97), c(10, 10), c(1, 1))
  expect_true(is.na(anova(fits[[1]], fits[[2]])$`Pr(>Chisq)`[[2]]))
})

test_that("the mixture for a variance of 0 has the right size", {
  half <- c(0.5, 0.5)
  expect_equal(mixture_tail(2.71, half, 0:1), stats::pchisq(2.71, 1, lower.tail = FALSE) / 2)
  expect_equal(mixture_tail(0, half, 0:1), 1)
  expect_equal(mixture_tail(5, half, 1:2), (stats::pchisq(5, 1, lower.tail = FALSE) + exp(-2.5)) / 2)
  expect_equal(mixture_tail(5, 1, 2), exp(-2.5))
  # A one-way layout, 60 clusters of 4, in closed form: J log(SSB / J) + J (m - 1) log(SSW / (J (m - 1))).
  statistic <- withr::with_seed(1, {
    between <- stats::rchisq(20000, 59)
    within <- stats::rchisq(20000, 180)
    free <- pmax(between / 60, within / 180)
    null <- 240 * log((between + within) / 240)
    ifelse(between / 60 > within / 180, null - 60 * log(between / 60) - 180 * log(within / 180), 0)
  })
  p <- vapply(statistic, mixture_tail, 0, weights = half, df = 0:1)
  # About half of the statistics are 0; 5 % +- 0.15 % in 20,000 draws, and finite samples are a little conservative.
  expect_equal(mean(p < 0.05), 0.05, tolerance = 0.12)
  expect_lt(mean(vapply(statistic, mixture_tail, 0, weights = 1, df = 1) < 0.05), 0.03)
})

test_that("a freed variance is found, tested by the mixture, and said", {
  data <- regression_data()
  fit <- function(model) mlmix(model, data, starts = 1, seed = 1, threads = 1, se = "observed")
  none <- fit(mixture_model(outcome(y ~ x)))
  zero <- fit(mixture_model(outcome(y ~ x + (1 | id)), constrain(fix("y@id~~y@id" = 0))))
  intercept <- fit(mixture_model(outcome(y ~ x + (1 | id))))
  slope <- fit(mixture_model(outcome(y ~ x + (1 + x | id))))
  expect_equal(lengths(list(freed_variances(none, intercept), freed_variances(zero, intercept),
    freed_variances(intercept, slope), freed_variances(none, slope))), c(1, 1, 1, 2))
  expect_length(freed_variances(intercept, intercept), 0)
  table <- anova(none, intercept, slope)
  expect_equal(attr(table, "boundary"), c(FALSE, TRUE, TRUE))
  expect_equal(table$Chisq[[2]], 2 * (intercept$log_likelihood - none$log_likelihood))
  expect_equal(table$`Pr(>Chisq)`[[2]], stats::pchisq(table$Chisq[[2]], 1, lower.tail = FALSE) / 2)
  expect_equal(table$`Pr(>Chisq)`[[3]], mean(stats::pchisq(table$Chisq[[3]], 1:2, lower.tail = FALSE)))
  plain <- anova(none, intercept, boundary = FALSE)
  expect_equal(plain$`Pr(>Chisq)`[[2]], 2 * table$`Pr(>Chisq)`[[2]])
  # Two variances and their covariance: the largest p-value that is possible.
  two <- anova(none, slope)
  expect_equal(two$`Pr(>Chisq)`[[2]], mean(stats::pchisq(two$Chisq[[2]], 2:3, lower.tail = FALSE)))
  expect_match(attr(two, "heading"), "2 variances are 0 under the smaller model of slope and get covariances")
  expect_equal(attr(anova(none, slope, boundary = TRUE), "boundary"), c(FALSE, TRUE))
  # lme4's test of the same models.
  lme <- lme4::lmer(y ~ x + (1 | id), data, REML = FALSE)
  expect_equal(table$Chisq[[2]], as.numeric(2 * (stats::logLik(lme) - stats::logLik(stats::lm(y ~ x, data)))),
    tolerance = 1e-4)
  expect_snapshot(anova(none, intercept))
})

test_that("weights of mixtures are those of projections", {
  expect_equal(chi_bar_weights(diag(1)), c(0.5, 0.5))
  expect_equal(chi_bar_weights(diag(4)), c(1, 4, 6, 4, 1) / 16)
  two <- function(rho) chi_bar_weights(matrix(c(1, rho, rho, 1), 2))
  expect_equal(two(0.5), c(1 / 6, 1 / 2, 1 / 3)) # a cone of 60 degrees after standardising
  expect_equal(two(0), c(0.25, 0.5, 0.25))
  # Three and four by projecting draws, with an optimiser that knows nothing of faces.
  r <- 0.6^abs(outer(1:4, 1:4, "-"))
  projected <- function(r, n = 400) {
    w <- solve(r)
    count <- withr::with_seed(3, replicate(n, {
      z <- as.vector(stats::rnorm(nrow(r)) %*% chol(r))
      x <- stats::optim(rep(1, nrow(r)), function(x) sum((x - z) * (w %*% (x - z))), function(x) 2 * w %*% (x - z),
        method = "L-BFGS-B", lower = 0)$par
      sum(x > 1e-5)
    }))
    tabulate(count + 1, nrow(r) + 1) / n
  }
  for (k in 3:4) {
    exact <- chi_bar_weights(r[1:k, 1:k])
    expect_equal(sum(exact), 1)
    expect_equal(sum(exact * (-1)^(0:k)), 0, tolerance = if (k == 3) 1e-12 else 0.02) # Gauss and Bonnet
    expect_true(all(abs(projected(r[1:k, 1:k]) - exact) < 4 * sqrt(0.25 / 400)))
  }
  expect_true(all(abs(simulated_weights(r[1:3, 1:3]) - chi_bar_weights(r[1:3, 1:3])) < 0.015))
})

test_that("two variances: weights from the information at the smaller model, in closed form", {
  data <- withr::with_seed(21, {
    id <- rep(seq_len(1500), each = 4)
    data.frame(id, x = rep(0:3, 1500), y = stats::rnorm(6000), v = stats::rnorm(6000))
  })
  fit <- function(model) {
    suppressWarnings(mlmix(model, data, cluster = "id", starts = 1, seed = 1, threads = 1, se = "observed"))
  }
  none <- fit(mixture_model(outcome(y ~ x)))
  free <- fit(mixture_model(outcome(y ~ x + (1 + x || id))))
  freed <- freed_variances(none, free)
  # Information of variance components at 0, per cluster: tr(A B) / 2, A and B of residual, intercept and slope.
  parts <- list(diag(4), matrix(1, 4, 4), outer(0:3, 0:3))
  information <- outer(1:3, 1:3, Vectorize(function(i, j) sum(parts[[i]] * parts[[j]]) / 2))
  exact <- stats::cov2cor(solve(information))[2, 3]
  found <- variance_correlation(none, free, freed, NULL)
  expect_equal(found[1, 2], exact, tolerance = 0.1) # as 1500 clusters say
  table <- anova(none, free)
  mixture <- attr(table, "mixture")$free
  expect_equal(mixture$df, 0:2)
  expect_equal(mixture$weight, chi_bar_weights(found))
  expect_equal(table$`Pr(>Chisq)`[[2]], mixture_tail(table$Chisq[[2]], mixture$weight, 0:2))
  expect_match(attr(table, "heading"), "0 to 2 degrees of freedom, with weights")
  # Independent outcomes have independent variances, and binomial weights.
  apart <- fit(mixture_model(outcome(c(y, v) ~ 1)))
  both <- fit(mixture_model(outcome(c(y, v) ~ 1 + (1 | id))))
  expect_equal(attr(anova(apart, both), "mixture")$both$weight, c(0.25, 0.5, 0.25), tolerance = 0.1)
  # The smaller model has class-specific parameters: none of its own is lost.
  wide <- fit(mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c * x + (1 + x || id))))
  narrow <- fit(mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c * x)))
  expect_false(is.null(null_values(narrow, wide, freed_variances(narrow, wide))))
})

test_that("variances of class logits are infinite where the smaller model has the class of whole clusters or persons", {
  fit <- function(...) suppressWarnings(mlmix(..., starts = 1, seed = 1, threads = 1, se = "none",
    integration = quadrature(points = 7)))
  items <- paste0("item", 1:5)
  for (k in 2:3) {
    table <- suppressWarnings(anova(fit(lca(items, k = k, family = bernoulli("probit")), lsat[1:300, ]),
      fit(gom(items, k = k), lsat[1:300, ])))
    expect_match(attr(table, "heading"), if (k == 2) "variance is infinite under" else "Variances are infinite under")
    expect_equal(attr(table, "boundary"), c(FALSE, k == 2))
    expect_equal(is.na(table[["Pr(>Chisq)"]]), c(TRUE, k == 3))
  }
  data <- regression_data()
  of_clusters <- fit(mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c), cluster = "id"), data)
  of_units <- fit(mixture_model(latent_class("c", 2), outcome(y ~ c), cluster = "id"), data)
  both <- fit(mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c)), data)
  expect_true(infinite_variances(of_clusters, both, freed_variances(of_clusters, both)))
  expect_false(infinite_variances(of_units, both, freed_variances(of_units, both)))
})

test_that("calls too long for a table are numbered", {
  table <- suppressWarnings(anova(carcinoma_fit(1), mlmix(lca(seven, k = 2), carcinoma, starts = c(3, 1), seed = 1,
    threads = 1)))
  expect_equal(rownames(table), c("carcinoma_fit(1)", "model 2"))
})

test_that("loadings that mean nothing in the smaller model are said", {
  one <- suppressWarnings(mlmix(lca(item1:item5, k = 1), lsat, starts = 1, seed = 1, threads = 1))
  expect_warning(anova(one, factor_fit()), "loadings that mean nothing", class = "mlmix_warning_boundary")
})

test_that("fits of other outcomes are refused, doubtful nesting is said", {
  two <- carcinoma_fit(2)
  fewer <- suppressWarnings(mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = c(3, 1), seed = 1, threads = 1))
  changed <- suppressWarnings(mlmix(lca(seven, k = 2), transform(carcinoma, G = rev(G)), starts = c(3, 1), seed = 1,
    threads = 1))
  data <- regression_data()
  data$z <- rep(0:1, 120)
  fit <- function(model) mlmix(model, data, starts = 1, seed = 1, threads = 1)
  x <- fit(mixture_model(outcome(y ~ x)))
  z <- fit(mixture_model(outcome(y ~ z + w)))
  expect_snapshot(error = TRUE, {
    anova(two, fewer)
    anova(two, changed)
    compare_models(two, fewer)
    anova(two, two, boundary = "yes")
  })
  expect_warning(anova(x, z), "may not be nested", class = "mlmix_warning_nested")
  # Categories of one variable, numbered from 0 as bernoulli and from 1 as ordinal, are the same.
  ordinal <- mixture_model(latent_class("c", 2), outcome(c(A, B, C, D) ~ c, family = ordinal()))
  same <- suppressWarnings(mlmix(ordinal, carcinoma, starts = c(3, 1), seed = 1, threads = 1))
  expect_no_error(compare_models(fewer, same))
  expect_equal(same$log_likelihood, fewer$log_likelihood, tolerance = 1e-6)
})

test_that("stacked items are compared with the same items side by side", {
  data <- simulate_data(gom(u1:u5, k = 2), c(
    stats::setNames(rep(c(1, -1), c(3, 2)), sprintf("u%d~1[c=1]", 1:5)),
    stats::setNames(rep(c(-1, 1), c(3, 2)), sprintf("u%d~1[c=2]", 1:5)), "c#1@person~~c#1@person" = 3, "c#1~1" = 0.2
  ), n = 150, seed = 2)
  fit <- function(model) suppressWarnings(mlmix(model, data, starts = c(2, 1), seed = 1, threads = 1, se = "observed"))
  classes <- fit(lca(u1:u5, k = 2))
  graded <- fit(gom(u1:u5, k = 2))
  expect_no_error(compare_models(classes, graded))
})
