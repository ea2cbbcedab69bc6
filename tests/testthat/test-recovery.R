# Known values are recovered: data simulated from a model and fitted again, five times. bench/recovery.R is the full
# study, of thirteen models in 200 replications.

# One row per free parameter and replication: true value, estimate, standard error, limits of the 95 % interval.
recover <- function(model, truth, replications = 5, ...) {
  rows <- lapply(seq_len(replications), function(r) {
    data <- simulate_data(model, truth, ..., seed = r)
    table <- suppressMessages(parameters(model, data))
    from <- ifelse(table$free, truth[table$name], table$value) # so that classes keep their numbers
    fit <- suppressMessages(mlmix(
      model, data, starts = 1, seed = 1, threads = 1, control = mlmix_control(start_values = from)
    ))
    expect_identical(fit$convergence$status, "converged")
    found <- estimates(fit)
    data.frame(found[c("name", "estimate", "std.error", "conf.low", "conf.high")], true = unname(truth[found$name]))
  })
  do.call(rbind, rows)
}

# Bounds are three to four standard errors wide, so that a correct program passes with nearly any seeds.
expect_recovery <- function(found) {
  z <- (found$estimate - found$true) / found$std.error
  expect_false(anyNA(z))
  expect_gt(mean(found$conf.low <= found$true & found$true <= found$conf.high), 0.85)
  expect_gt(mean(z^2), 0.5)
  expect_lt(mean(z^2), 1.7)
  bias <- tapply(found$estimate - found$true, found$name, mean)
  error <- tapply(found$std.error, found$name, mean) / sqrt(5)
  expect_lt(max(abs(bias / error)), 3.5)
}

test_that("latent classes are recovered", {
  skip_on_cran()
  truth <- c(
    "u1~1[c=1]" = 1.5, "u1~1[c=2]" = -1.2, "u2~1[c=1]" = 1.2, "u2~1[c=2]" = -1.5, "u3~1[c=1]" = 1.8, "u3~1[c=2]" = -1,
    "u4~1[c=1]" = 1, "u4~1[c=2]" = -1.3, "u5~1[c=1]" = 1.5, "u5~1[c=2]" = -0.8, "c#1~1" = 0.3
  )
  expect_recovery(recover(lca(u1:u5, k = 2), truth, n = 500))
})

test_that("a mixture regression with classes of clusters is recovered", {
  skip_on_cran()
  rows <- withr::with_seed(2, data.frame(id = rep(1:150, each = 8), x = stats::rnorm(1200)))
  truth <- c(
    "y~1[c=1]" = 2, "y~1[c=2]" = 0, "y~x[c=1]" = 1, "y~x[c=2]" = -0.3, "y~~y" = 1, "y@id~~y@id" = 0.4, "c#1~1" = 0.3
  )
  expect_recovery(recover(mixture_regression(y ~ x + (1 | id), k = 2, level = "between"), truth, data = rows))
})
