four_items <- c(
  "u1~1[c=1]" = 2, "u1~1[c=2]" = -2, "u2~1[c=1]" = 1, "u2~1[c=2]" = -1, "u3~1[c=1]" = 1, "u3~1[c=2]" = -2,
  "u4~1[c=1]" = 2, "u4~1[c=2]" = 0, "c#1~1" = 0.5
)

test_that("estimates and the summary are those of the closed form", {
  model <- mixture_model(outcome(y ~ 1))
  study <- monte_carlo(model, c("y~1" = 1, "y~~y" = 4), n = 30, replications = 8, seed = 5, se = "observed")
  draws <- vapply(element_seeds(5, 8), function(seed) {
    simulate_data(model, c("y~1" = 1, "y~~y" = 4), n = 30, seed = seed)$y
  }, numeric(30))
  mean <- colMeans(draws)
  variance <- apply(draws, 2, function(y) mean((y - mean(y))^2))
  found <- study$estimates[study$estimates$name == "y~1", ]
  expect_equal(found$estimate, mean, tolerance = 1e-6)
  expect_equal(found$std.error, sqrt(variance / 30), tolerance = 1e-5)
  summary <- summary(study)
  first <- summary[summary$name == "y~1", ]
  error <- sqrt(variance / 30)
  expect_equal(first$average, mean(mean), tolerance = 1e-6)
  expect_equal(first$bias, mean(mean) - 1, tolerance = 1e-5)
  expect_equal(first$mse, mean((mean - 1)^2), tolerance = 1e-5)
  expect_equal(first$sd, stats::sd(mean), tolerance = 1e-5)
  expect_equal(first$se, mean(error), tolerance = 1e-5)
  expect_equal(first$coverage, mean(abs(mean - 1) < stats::qnorm(0.975) * error))
  expect_equal(first$power, mean(abs(mean / error) > stats::qnorm(0.975)))
  expect_equal(first$bias_error, stats::sd(mean) / sqrt(8), tolerance = 1e-5)
  expect_equal(first[c("n", "n_se")], data.frame(n = 8L, n_se = 8L), ignore_attr = TRUE)
  # A variance has no test against 0.
  expect_equal(summary$power[[2]], NA_real_)
  expect_equal(study$fits$log_likelihood, colSums(stats::dnorm(draws, rep(mean, each = 30),
    rep(sqrt(variance), each = 30), log = TRUE)), tolerance = 1e-8)
})

test_that("clusters can be asked for by number and size", {
  model <- mixture_model(outcome(y ~ 1 + (1 | id)))
  truth <- c("y~1" = 1, "y~~y" = 1, "y@id~~y@id" = 0.5)
  study <- monte_carlo(model, truth, n = list(clusters = 25, size = 4), replications = 2, seed = 1, threads = 1)
  expect_identical(study$estimates,
    monte_carlo(model, truth, n = c(clusters = 25, size = 4), replications = 2, seed = 1, threads = 1)$estimates)
  drawn <- simulate_data(model, truth, n = c(clusters = 25, size = 4), seed = element_seeds(1, 1))
  expect_equal(unname(lme4::fixef(lme4::lmer(y ~ 1 + (1 | id), drawn, REML = FALSE))), study$estimates$estimate[[1]],
    tolerance = 1e-5)
  expect_equal(tidy(study)$term, names(truth))
})

test_that("what did not converge or has no standard error is counted, not averaged in silence", {
  rows <- data.frame(
    replication = 1:4, model = "m", name = "a", true = 1, estimate = c(1, 2, 9, 3), std.error = c(1, 1, 1, NA),
    statistic = NA, p.value = c(0.01, 0.2, 0.01, NA), conf.low = c(0, 1.5, 0, NA), conf.high = c(2, 2.5, 2, NA),
    status = "free"
  )
  fits <- data.frame(
    replication = 1:5, model = "m", status = c("converged", "converged", "stalled", "converged", "failed"),
    reason = c(NA, NA, NA, NA, "no data"), boundary = c(0, 0, 0, 1, NA), not_identified = c(0, 0, 0, 0, NA)
  )
  study <- structure(list(estimates = rows, fits = fits, true = c(a = 1), models = "m", replications = 5, level = 0.95,
    seed = 1), class = "mlmix_monte_carlo")
  one <- summary(study)
  expect_equal(one$average, 2)
  expect_equal(one$mse, (0 + 1 + 4) / 3)
  expect_equal(c(one$n, one$n_se), c(3, 2))
  expect_equal(c(one$coverage, one$power), c(0.5, 0.5))
  expect_snapshot(study)
})

test_that("random starts give the same summary as true ones once classes are matched", {
  study <- function(...) monte_carlo(lca(u1:u4, k = 2), four_items, n = 400, replications = 6, seed = 3, ...)
  from_truth <- study()
  expect_equal(summary(study(starts = c(6, 3))), summary(from_truth), tolerance = 1e-3)
  # Nearly all of these would have their classes exchanged: start values at the truth with the classes exchanged.
  exchanged <- four_items[c(2, 1, 4, 3, 6, 5, 8, 7, 9)]
  names(exchanged) <- names(four_items)
  exchanged[["c#1~1"]] <- -0.5
  expect_equal(from_truth$true, four_items)
  drawn <- simulate_data(lca(u1:u4, k = 2), four_items, n = 400, seed = element_seeds(3, 1), latent = TRUE)
  fit <- suppressWarnings(mlmix(lca(u1:u4, k = 2), drawn, starts = 1, seed = 1, threads = 1,
    control = mlmix_control(start_values = exchanged)))
  expect_gt(abs(coef(fit)[[1]] - from_truth$estimates$estimate[[1]]), 2)
  matched <- relabel(fit, list(classes = list(c = indicator(drawn$c))))
  expect_equal(unname(coef(matched)), from_truth$estimates$estimate[1:9], tolerance = 1e-3)
})

test_that("several models are fitted to the same draws, and other names can have true values", {
  withr::local_seed(1)
  model <- mixture_regression(y ~ x + (1 | id), k = 2, level = "between")
  truth <- c(
    "y~1[c=1]" = 2, "y~1[c=2]" = 0, "y~x[c=1]" = 1, "y~x[c=2]" = -0.3, "y~~y" = 1, "y@id~~y@id" = 0.4, "c#1~1" = 0.3
  )
  rows <- function() data.frame(id = rep(1:20, each = 6), x = stats::rnorm(120))
  models <- list(
    right = model, other = mixture_model(latent_class("d", 2, level = "between"), outcome(y ~ d * x + (1 | id))),
    none = mixture_model(outcome(y ~ x + (1 | id)))
  )
  icc <- function(fit) derive(fit, icc = `y@id~~y@id` / (`y@id~~y@id` + `y~~y`))
  study <- monte_carlo(model, truth, data = rows, replications = 3, fit_model = models, statistic = icc,
    true = c(icc = 0.4 / 1.4), seed = 2, threads = 1)
  expect_equal(nrow(study$fits), 9)
  likelihood <- split(study$fits$log_likelihood, study$fits$model)
  expect_equal(likelihood$other, likelihood$right, tolerance = 1e-6)
  expect_true(all(likelihood$none < likelihood$right))
  summary <- summary(study)
  expect_identical(unique(summary$model), names(models))
  right <- summary[summary$model == "right", ]
  expect_equal(right$true[match(names(truth), right$name)], unname(truth))
  expect_equal(right$true[right$name == "icc"], 0.4 / 1.4)
  none <- summary[summary$model == "none", ]
  expect_equal(is.na(none$true), !none$name %in% c(names(truth), "icc"))
  # Covariates are drawn anew in every replication, with the replication's seed.
  x <- with_seed(element_seeds(2, 1), rows())
  first <- simulate_data(model, truth, data = x, seed = element_seeds(2, 1))
  again <- lme4::lmer(y ~ x + (1 | id), first, REML = FALSE)
  expect_equal(likelihood$none[[1]], as.numeric(stats::logLik(again)), tolerance = 1e-5)
})

test_that("factors keep their sign, and stacked persons their classes", {
  items <- c(stats::setNames(c(1, 0, -1, 0.5, 0), sprintf("u%d~1", 1:5)), stats::setNames(c(1, -1.5, 1, 1.2, 0.8),
    sprintf("u%d~f", 1:5)))
  study <- monte_carlo(irt(u1:u5), items, n = 400, replications = 4, seed = 1, starts = c(2, 1), threads = 1)
  loadings <- study$estimates[grepl("~f", study$estimates$name), ]
  expect_true(all(sign(loadings$estimate) == sign(loadings$true)))
  gom_truth <- c(
    stats::setNames(rep(c(1, -1), c(4, 4)), sprintf("u%d~1[c=1]", 1:8)),
    stats::setNames(rep(c(-1, 1), c(4, 4)), sprintf("u%d~1[c=2]", 1:8)), "c#1@person~~c#1@person" = 3, "c#1~1" = 0.2
  )
  study <- monte_carlo(gom(u1:u8, k = 2), gom_truth, n = 200, replications = 3, seed = 1, starts = c(3, 2),
    threads = 1)
  items <- study$estimates[grepl("~1\\[", study$estimates$name), ]
  expect_true(all(sign(items$estimate) == items$true))
})

test_that("the numbers do not depend on the plan, and a stopped study goes on", {
  skip_on_cran()
  skip_if_not_installed("future.apply")
  skip_if_not(nzchar(installed_library()))
  file <- withr::local_tempfile(fileext = ".rds")
  study <- function(replications = 4, ...) {
    result <- monte_carlo(lca(u1:u4, k = 2), four_items, n = 300, replications = replications, seed = 3, ...)
    result$fits$seconds <- NULL
    result
  }
  sequential <- study()
  old <- future::plan(future::multisession, workers = 2)
  withr::defer(future::plan(old))
  expect_identical(study(), sequential)
  expect_identical(study(2, file = file)$estimates, sequential$estimates[sequential$estimates$replication <= 2, ])
  before <- readRDS(file)
  expect_length(before$results, 2)
  future::plan(old)
  expect_identical(study(file = file), sequential)
  expect_error(study(file = file, se = "opg"), "another task.*arguments of the fit")
  expect_error(monte_carlo(lca(u1:u4, k = 2), replace(four_items, 1, 3), n = 300, replications = 1, seed = 3,
    file = file), "differs in: parameters")
})

test_that("functions and constants of the workspace go to the workers", {
  skip_on_cran()
  skip_if_not_installed("future.apply")
  code <- c(
    "shift <- 3; centred <- function(x) helper(x) - shift; helper <- function(x) x",
    "model <- mixture_model(outcome(y ~ centred(x)))",
    "truth <- c('y~1' = 1, 'y~centred(x)' = 2, 'y~~y' = 1)",
    "rows <- data.frame(x = 1:40 / 10)",
    "run <- function() monte_carlo(model, truth, data = rows, replications = 2, seed = 1)$estimates",
    "a <- run(); future::plan('multisession', workers = 2); b <- run(); print(identical(a, b))"
  )
  expect_match(paste(run_child(code), collapse = "\n"), "[1] TRUE", fixed = TRUE)
})

test_that("failures are kept with their reason", {
  # Ten units: in some draws an item is 0 or 1 in all, which its model cannot use or holds at a boundary.
  study <- monte_carlo(lca(u1:u4, k = 2), four_items, n = 6, replications = 10, seed = 3)
  expect_equal(nrow(study$fits), 10)
  failed <- study$fits[study$fits$status == "failed", ]
  expect_true(all(nzchar(failed$reason)))
  expect_true(all(is.na(study$fits$reason[study$fits$status != "failed"])))
  broken <- monte_carlo(lca(u1:u4, k = 2), four_items, n = 50, replications = 2, seed = 3,
    statistic = function(fit) stop("no such thing"))
  expect_equal(broken$fits$status, c("failed", "failed"))
  expect_equal(broken$fits$reason, rep("no such thing", 2))
  expect_equal(nrow(summary(broken)), 0)
  expect_output(print(broken), "First reason of failure: no such thing")
})

test_that("Ctrl-C ends the study, keeps what is finished, and is no failure", {
  skip_on_cran()
  skip_on_os("windows")
  interrupted <- function(fit) rlang::abort("Interrupted by the user.", class = "mlmix_interrupt")
  expect_error(monte_carlo(lca(u1:u4, k = 2), four_items, n = 50, replications = 2, seed = 3, statistic = interrupted),
    class = "mlmix_interrupt")
  file <- withr::local_tempfile(fileext = ".rds")
  truth <- deparse1(four_items)
  script <- withr::local_tempfile(fileext = ".R", lines = child_code(c(
    paste("truth <-", truth), "study <- 'untouched'", "cat('pid', Sys.getpid(), '\\n'); flush(stdout())",
    paste0("study <- monte_carlo(lca(u1:u4, k = 2), truth, n = 500, replications = 1e5, seed = 3, progress = FALSE,",
      " file = ", deparse(file), ")"),
    "cat('back', study, '\\n'); flush(stdout())"
  )))
  output <- withr::local_tempfile()
  system2(r_binary(), c("--interactive", "--vanilla", "--no-echo", "--no-readline"), stdin = script, stdout = output,
    stderr = output, wait = FALSE)
  wait_for <- function(word, seconds = 30) {
    end <- Sys.time() + seconds
    repeat {
      line <- if (file.exists(output)) grep(paste0("^", word, " "), readLines(output, warn = FALSE), value = TRUE)
      if (length(line) == 1) return(strsplit(trimws(line), " +")[[1]][[2]])
      if (Sys.time() > end) return(NA)
      Sys.sleep(0.05)
    }
  }
  pid <- as.integer(wait_for("pid"))
  expect_false(is.na(pid))
  withr::defer(tools::pskill(pid, tools::SIGKILL))
  end <- Sys.time() + 30
  while (!file.exists(file) && Sys.time() < end) Sys.sleep(0.05)
  tools::pskill(pid, tools::SIGINT)
  expect_equal(wait_for("back"), "untouched")
  kept <- length(readRDS(file)$results)
  expect_gt(kept, 0)
  again <- monte_carlo(lca(u1:u4, k = 2), four_items, n = 500, replications = kept + 1, seed = 3, file = file)
  expect_equal(nrow(again$fits), kept + 1)
  expect_equal(length(readRDS(file)$results), kept + 1)
})

test_that("arguments are checked", {
  model <- lca(u1:u4, k = 2)
  expect_snapshot(error = TRUE, {
    monte_carlo(1, four_items, n = 10)
    monte_carlo(model, four_items)
    monte_carlo(model, four_items[-1], n = 10)
    monte_carlo(model, four_items, n = 10, replications = 0)
    monte_carlo(model, four_items, n = 10, fit_model = list(model, model))
    monte_carlo(model, four_items, n = 10, fit_model = "lca")
    monte_carlo(model, four_items, n = 10, start = 1, point = 7)
    monte_carlo(model, four_items, n = 10, weights = 1:10)
    monte_carlo(model, four_items, n = 10, weights = "w")
    monte_carlo(model, four_items, n = 10, true = 1)
    monte_carlo(model, four_items, n = 10, true = c("c#1~1" = 1))
    monte_carlo(model, four_items, n = 10, statistic = "icc")
    monte_carlo(model, four_items, n = list(clusters = 5, size = 10))
    monte_carlo(model, four_items, n = 10, file = "no/such/dir/file.rds")
  })
})
