test_that("a replication is the model fitted to the rows drawn", {
  fit <- carcinoma_fit(2)
  boot <- bootstrap(fit, 3, type = "cluster", seed = 7, threads = 1)
  units <- independent_units(fit, NULL)
  times <- with_seed(element_seeds(7, 3)[[2]], draw_units(units))
  expect_equal(sum(times), 118)
  again <- carcinoma[rep(1:118, times), ]
  by_hand <- suppressWarnings(mlmix(lca(seven, k = 2), again, starts = 1, seed = 1, threads = 1,
    control = mlmix_control(start_values = coef(fit, fixed = TRUE))))
  expect_equal(boot$fits$log_likelihood[[2]], by_hand$log_likelihood, tolerance = 1e-8)
  expect_equal(bootstrap_matrix(boot)[2, ], coef(by_hand), tolerance = 1e-4)
  expect_equal(boot$fits$n_parameters, rep(15, 3))
})

test_that("clusters are drawn whole, in two-level models and in those with clusters for the errors only", {
  data <- regression_data()
  fit <- mlmix(mixture_model(outcome(y ~ x + (1 | id))), data, starts = 1, seed = 1, threads = 1)
  boot <- bootstrap(fit, 2, type = "cluster", seed = 3, threads = 1)
  expect_equal(c(boot$unit, boot$n_units), c("clusters", "40"))
  times <- with_seed(element_seeds(3, 1), draw_units(independent_units(fit, NULL)))
  ids <- rep(unique(data$id), times)
  rows <- lapply(seq_along(ids), function(j) data.frame(data[data$id == ids[[j]], c("x", "y")], id = j))
  drawn <- do.call(rbind, rows)
  by_hand <- lme4::lmer(y ~ x + (1 | id), drawn, REML = FALSE)
  expect_equal(boot$fits$log_likelihood[[1]], as.numeric(stats::logLik(by_hand)), tolerance = 1e-6)
  expect_equal(unname(bootstrap_matrix(boot)[1, 1:2]), unname(lme4::fixef(by_hand)), tolerance = 1e-4)
  robust <- mlmix(mixture_model(outcome(y ~ x)), data, cluster = "id", starts = 1, seed = 1, threads = 1)
  boot <- bootstrap(robust, 2, type = "cluster", seed = 3, threads = 1)
  expect_equal(boot$unit, "clusters")
  expect_equal(unname(bootstrap_matrix(boot)[1, 1:2]), unname(stats::coef(stats::lm(y ~ x, drawn))), tolerance = 1e-6)
})

test_that("a frequency counts as so many units, in both types", {
  patterns <- stats::aggregate(list(n = rep(1, 118)), carcinoma[1:4], sum)
  model <- lca(c(A, B, C, D), k = 2)
  counted <- suppressWarnings(mlmix(model, patterns, frequency = n, starts = c(5, 2), seed = 1, threads = 1))
  units <- independent_units(counted, NULL)
  expect_equal(sum(units$count), 118)
  times <- with_seed(1, draw_units(units))
  expect_equal(sum(times), 118)
  expect_equal(resampled_weights(counted, units, times)$frequency, times)
  expanded <- expand_frequencies(counted, units, NULL)
  expect_length(expanded$resolved$columns$A, 118)
  expect_null(expanded$weights$frequency)
  expect_equal(sum(expanded$resolved$columns$B), sum(carcinoma$B))
  boot <- bootstrap(counted, 4, seed = 2, threads = 1)
  expect_equal(boot$n_units, 118)
  # Outcomes of 118 units vary as those of 118 units: the log-likelihoods are near the fit's.
  expect_lt(max(abs(boot$fits$log_likelihood - counted$log_likelihood)), 60)
  broken <- suppressWarnings(mlmix(model, transform(patterns, n = n + 0.5), frequency = n, starts = 1, seed = 1,
    threads = 1))
  expect_error(bootstrap(broken, 2), "broken numbers", class = "mlmix_error_data")
})

test_that("persons are drawn where items are stacked, by frequency too", {
  truth <- c(
    stats::setNames(rep(c(1, -1), c(3, 3)), sprintf("u%d~1[c=1]", 1:6)),
    stats::setNames(rep(c(-1, 1), c(3, 3)), sprintf("u%d~1[c=2]", 1:6)), "c#1@person~~c#1@person" = 2, "c#1~1" = 0.2
  )
  data <- simulate_data(gom(u1:u6, k = 2), truth, n = 40, seed = 2)
  twice <- transform(data, n = rep(1:2, 20))
  fit <- suppressWarnings(mlmix(gom(u1:u6, k = 2), twice, frequency = n, starts = 1, seed = 1, threads = 1))
  units <- independent_units(fit, NULL)
  expect_equal(c(units$what, sum(units$count)), c("persons", "60"))
  drawn <- expand_frequencies(fit, units, NULL)
  expect_length(drawn$resolved$columns[[1]], 360)
  expect_equal(drawn$resolved$cluster, rep(0:59, each = 6))
  expect_null(drawn$weights$cluster_weights)
  # The same likelihood, person by person.
  written <- fit
  written$data[c("columns", "cluster")] <- drawn$resolved[c("columns", "cluster")]
  written$data[c("cluster_weights", "counted")] <- list(NULL)
  expect_equal(engine_evaluate(written, fit$parameters$estimate)$log_likelihood, fit$log_likelihood, tolerance = 1e-8)
  times <- rep(c(0, 3), 20)
  expect_equal(resampled_weights(fit, units, times)$cluster_weights, times[units$index])
  boot <- bootstrap(fit, 2, seed = 1, threads = 1)
  expect_equal(nrow(boot$fits), 2)
  both <- suppressWarnings(mlmix(gom(u1:u6, k = 2), twice, frequency = n, weights = n, starts = 1, seed = 1,
    threads = 1))
  expect_error(bootstrap(both, 2), "both a frequency and sampling weights", class = "mlmix_error_spec")
})

test_that("sampling weights go along with their units", {
  data <- regression_data()
  fit <- mlmix(mixture_model(outcome(y ~ x)), data, weights = w, starts = 1, seed = 1, threads = 1)
  boot <- bootstrap(fit, 1, type = "cluster", seed = 4, threads = 1)
  times <- with_seed(element_seeds(4, 1), draw_units(independent_units(fit, NULL)))
  by_hand <- stats::lm(y ~ x, data, weights = w * times)
  expect_equal(unname(bootstrap_matrix(boot)[1, 1:2]), unname(stats::coef(by_hand)), tolerance = 1e-6)
})

test_that("drawn outcomes keep missing values and known classes", {
  data <- carcinoma
  data$A[1:30] <- NA
  data$known <- c(rep(1:2, each = 10), rep(NA, 98))
  model <- mixture_model(latent_class("c", 2, known = "known"), outcome(c(A, B, C, D) ~ c, family = bernoulli()))
  fit <- suppressMessages(suppressWarnings(mlmix(model, data, starts = c(3, 1), seed = 1, threads = 1)))
  setup <- list(fit = fit, drawn = expand_frequencies(fit, independent_units(fit, NULL), NULL))
  sample <- simulated_sample(5, setup)
  expect_identical(is.na(sample$resolved$columns$A), is.na(data$A))
  expect_false(anyNA(sample$resolved$columns$B))
  expect_equal(sample$reference$classes$c[1:20, 1], rep(1:0, each = 10))
})

test_that("standard errors of a mean are those of theory, and the classes of a mixture stay matched", {
  y <- withr::with_seed(1, stats::rexp(60))
  fit <- mlmix(mixture_model(outcome(y ~ 1)), data.frame(y), starts = 1, seed = 1, threads = 1)
  theory <- sqrt(mean((y - mean(y))^2) / 60)
  for (type in c("parametric", "cluster")) {
    boot <- bootstrap(fit, 150, type = type, seed = 1, threads = 1)
    # The standard error of a standard deviation from 150 draws is 6 %.
    expect_equal(summary(boot)$std.error[[1]], theory, tolerance = 0.2)
  }
  expect_lt(abs(summary(boot)$bias[[1]]), 3 * theory / sqrt(150))
  fit <- chain_fit()
  boot <- bootstrap(fit, 8, type = "cluster", starts = c(4, 2), seed = 2, threads = 1)
  inner <- abs(coef(fit)) < 4
  z <- (t(bootstrap_matrix(boot)) - coef(fit))[inner, ] / fit$parameters$std.error[fit$free][inner]
  expect_lt(max(abs(z)), 6) # exchanged classes would be 10 to 20 away
})

test_that("a factor's sign and quantities of a fit are kept", {
  boot <- bootstrap(factor_fit(), 3, seed = 1, threads = 1, statistic = function(fit) {
    c(average = mean(coef(fit)[6:10]))
  })
  values <- bootstrap_matrix(boot)
  expect_true(all(values[, grepl("~f$", colnames(values))] > 0))
  expect_equal(unname(values[, "average"]), unname(rowMeans(values[, 6:10])))
  expect_equal(boot$original$estimate[[11]], mean(coef(factor_fit())[6:10]))
  fit <- carcinoma_fit(2)
  size <- bootstrap(fit, 3, seed = 1, threads = 1, statistic = function(fit) derive(fit, size = plogis(`c#1~1`)))
  expect_equal(size$original$std.error[[16]], derive(fit, size = plogis(`c#1~1`))$std.error)
  expect_equal(unname(bootstrap_matrix(size)[, "size"]), unname(stats::plogis(bootstrap_matrix(size)[, "c#1~1"])))
})

made_up <- function() {
  values <- cbind(a = c(1:9, 20), b = -(1:10))
  structure(
    list(
      estimates = data.frame(replication = rep(1:11, each = 2), name = c("a", "b"),
        estimate = c(t(values), 99, 99), status = "free"),
      fits = data.frame(replication = 1:11, status = rep(c("converged", "stalled"), c(10, 1)), reason = NA,
        boundary = 0, not_identified = 0),
      original = data.frame(name = c("a", "b"), estimate = c(5, -4), std.error = c(2, NA)),
      type = "cluster", unit = "rows", n_units = 50, replications = 11, seed = 1
    ),
    class = "mlmix_bootstrap"
  )
}

test_that("summaries and intervals are what their formulas say", {
  boot <- made_up()
  a <- c(1:9, 20)
  summary <- summary(boot)
  expect_equal(summary$bias, c(mean(a) - 5, -5.5 + 4))
  expect_equal(summary$std.error, c(stats::sd(a), stats::sd(1:10)))
  expect_equal(summary$n, c(10, 10))
  expect_equal(c(summary$conf.low[[1]], summary$conf.high[[1]]), unname(stats::quantile(a, c(0.025, 0.975))))
  expect_equal(vcov(boot)["a", "b"], stats::cov(a, -(1:10)))
  expect_equal(tidy(boot)$term, c("a", "b"))
  expect_equal(tidy(boot, conf.level = 0.5)$conf.low, summary(boot, level = 0.5)$conf.low)
  expect_equal(unname(confint(boot, "a", kind = "basic")[1, ]), 10 - unname(stats::quantile(a, c(0.975, 0.025))))
  expect_equal(unname(confint(boot, "a", level = 0.9, kind = "normal")[1, ]),
    5 - (mean(a) - 5) + stats::qnorm(c(0.05, 0.95)) * stats::sd(a))
  # 4 of 10 below 5 and one equal: z0 = Phi^-1(0.45).
  q <- stats::pnorm(2 * stats::qnorm(0.45) + stats::qnorm(c(0.025, 0.975)))
  expect_equal(unname(confint(boot, "a", kind = "bias-corrected")[1, ]), unname(stats::quantile(a, q)))
  expect_equal(nrow(as.data.frame(boot)), 20)
  expect_equal(unique(as.data.frame(boot)$original), c(5, -4))
  expect_snapshot(boot)
})

test_that("BCa and studentised intervals are what their formulas say", {
  boot <- made_up()
  boot$original$acceleration <- c(0.08, NA)
  z0 <- stats::qnorm(0.45)
  w <- z0 + stats::qnorm(c(0.05, 0.95))
  q <- stats::pnorm(z0 + w / (1 - 0.08 * w))
  expect_equal(unname(confint(boot, level = 0.9, kind = "bca")["a", ]), unname(stats::quantile(c(1:9, 20), q)))
  expect_true(all(is.na(confint(boot, kind = "bca")["b", ])))
  boot$estimates$std.error <- seq(1, 2, length.out = 22)
  errors <- boot$estimates$std.error[c(TRUE, FALSE)][1:10]
  t <- (c(1:9, 20) - 5) / errors
  expect_equal(unname(confint(boot, "a", kind = "studentised")[1, ]),
    5 - unname(stats::quantile(t, c(0.975, 0.025))) * 2)
  # A scaled chi-squared variable with 19 degrees of freedom (Efron 1987, section 1), where a = sqrt(8 / 19) / 6 and the
  # exact 90 % interval is known.
  values <- stats::qchisq(stats::ppoints(1e5), 19) / 19
  exact <- 19 / stats::qchisq(c(0.95, 0.05), 19)
  expect_equal(bootstrap_interval(values, 1, 0.05, "bca", sqrt(8 / 19) / 6), exact, tolerance = 0.003)
  expect_gt(abs(bootstrap_interval(values, 1, 0.05, "bias-corrected")[[2]] - exact[[2]]), 0.15)
})

test_that("accelerations are those of closed forms", {
  a <- function(u) sum(u^3) / (6 * sum(u^2)^1.5)
  of <- function(fit, ...) {
    boot <- bootstrap(fit, 2, type = "cluster", seed = 1, threads = 1, ...)
    stats::setNames(boot$original$acceleration, boot$original$name)
  }
  y <- withr::with_seed(4, stats::rexp(60, 0.3))
  g <- rep(1:12, each = 5)
  fit <- function(..., se = "robust") {
    mlmix(mixture_model(outcome(y ~ 1)), data.frame(y, g), starts = 1, seed = 1, threads = 1, se = se, ...)
  }
  u <- y - mean(y)
  found <- of(fit(), statistic = function(fit) derive(fit, cv = sqrt(`y~~y`) / `y~1`))
  v <- u^2 - mean(u^2)
  sd <- sqrt(mean(u^2))
  expect_equal(unname(found), c(a(u), a(v), a(v / (2 * sd) / mean(y) - sd * u / mean(y)^2)), tolerance = 1e-4)
  expect_equal(of(fit(se = "observed")), found[1:2], tolerance = 1e-4)
  expect_equal(unname(of(fit(cluster = "g"))), c(a(rowsum(u, g)), a(rowsum(v, g))), tolerance = 1e-4)
  # A table of frequencies is its rows one by one; quantities may also come from posteriors.
  classes <- function(...) {
    suppressWarnings(mlmix(lca(c(A, B, C, D), k = 2), ..., starts = c(4, 1), seed = 1, threads = 1))
  }
  sizes <- function(fit) stats::setNames(class_sizes(fit)$proportion, c("one", "two"))
  table <- of(classes(stouffer_toby, frequency = frequency), statistic = sizes)
  long <- of(classes(stouffer_toby[rep(1:16, stouffer_toby$frequency), ]), statistic = sizes)
  expect_equal(table[1:9], long[1:9], tolerance = 1e-3)
  expect_lt(abs(table[["one"]] - long[["one"]]), 0.01) # groups of units there
  expect_equal(table[["one"]], -table[["two"]], tolerance = 1e-4)
  # The size, an average of posteriors, is at the maximum a function of its logit: the same acceleration.
  expect_equal(table[["one"]], table[["c#1~1"]], tolerance = 1e-3)
  # Held at a boundary: none.
  held <- carcinoma_fit(2)
  expect_equal(is.na(of(held)), stats::setNames(held$parameters$status == "boundary", held$parameters$name))
})

test_that("replications have standard errors where asked", {
  fit <- suppressWarnings(mlmix(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency, starts = c(4, 2),
    seed = 1, threads = 1))
  boot <- bootstrap(fit, 6, seed = 2, threads = 1, se = TRUE)
  plain <- bootstrap(fit, 6, seed = 2, threads = 1)
  expect_equal(boot$estimates$estimate, plain$estimates$estimate, tolerance = 1e-3)
  expect_null(plain$estimates$std.error)
  errors <- bootstrap_matrix(boot, "std.error")
  expect_true(all(errors[, "c#1~1"] > 0))
  limits <- confint(boot, kind = "studentised")
  t <- (bootstrap_matrix(boot)[, "c#1~1"] - coef(fit)[["c#1~1"]]) / errors[, "c#1~1"]
  expect_equal(unname(limits["c#1~1", ]),
    coef(fit)[["c#1~1"]] - unname(stats::quantile(t, c(0.975, 0.025))) * sqrt(vcov(fit)["c#1~1", "c#1~1"]))
  expect_equal(confint(fit, "c#1~1", method = "bootstrap", boot = boot, kind = "bca"), confint(boot, "c#1~1",
    kind = "bca"))
})

test_that("the numbers do not depend on the plan, and a stopped bootstrap goes on", {
  skip_on_cran()
  skip_if_not_installed("future.apply")
  skip_if_not(nzchar(installed_library()))
  fit <- carcinoma_fit(2)
  file <- withr::local_tempfile(fileext = ".rds")
  run <- function(replications = 4, ...) {
    boot <- bootstrap(fit, replications, type = "cluster", seed = 3, threads = 1, ...)
    boot$fits$seconds <- NULL
    boot
  }
  sequential <- run()
  old <- future::plan(future::multisession, workers = 2)
  withr::defer(future::plan(old))
  expect_identical(run(), sequential)
  run(2, file = file)
  future::plan(old)
  expect_identical(run(file = file), sequential)
  expect_error(run(file = file, starts = 3), "another task")
  expect_error(bootstrap(carcinoma_fit(3), 4, type = "cluster", seed = 3, file = file), "another task")
})

test_that("arguments are checked, failures counted", {
  fit <- carcinoma_fit(2)
  expect_snapshot(error = TRUE, {
    bootstrap(1)
    bootstrap(fit, replications = 0)
    bootstrap(fit, type = "wild")
    bootstrap(fit, statistic = "size")
    bootstrap(fit, statistic = function(fit) "large")
    bootstrap(fit, seed = -1)
    confint(made_up(), "c")
    confint(made_up(), kind = "BCA")
    confint(made_up(), kind = "bca")
    confint(made_up(), kind = "studentised")
    bootstrap(suppressWarnings(mlmix(lca(c(A, B), k = 1), carcinoma, starts = 1, seed = 1, se = "none")), se = TRUE)
  })
  fails_later <- function(fit) {
    if (fit$seed == element_seeds(1L, 3)[[2]] + 1L) stop("no luck")
    c(one = 1)
  }
  boot <- bootstrap(fit, 3, seed = 1, statistic = fails_later, threads = 1)
  expect_equal(boot$fits$status, c("converged", "failed", "converged"))
  expect_equal(boot$fits$reason[[2]], "no luck")
  expect_equal(summary(boot)$n, rep(2, 16))
  expect_output(print(boot), "2 of 3 converged; 1 failed")
})
