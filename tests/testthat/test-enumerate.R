# enumerate_classes(): numbers of classes and grids of them, warm starts, failures, tests.

quiet <- function(expr) suppressMessages(suppressWarnings(expr))

test_that("the number of classes can be varied in a model or a function", {
  run <- function(model) {
    suppressWarnings(enumerate_classes(model, carcinoma, k = 1:2, starts = c(3, 2), seed = 1, threads = 1))
  }
  a <- run(lca(seven, k = 4))
  b <- run(function(k) lca(seven, k = k))
  expect_equal(a$k, 1:2)
  expect_equal(a$log_likelihood, b$log_likelihood)
  expect_equal(a$log_likelihood[2], -317.2568, tolerance = 1e-6)
})

test_that("published log-likelihoods of one to four classes", {
  # poLCA 1.6 (lca_carcinoma/README.md)
  table <- enumerate_classes(lca(seven, k = 1), carcinoma, k = 1:4, starts = c(10, 3), seed = 1, threads = 1,
    se = "none")
  expect_equal(table$log_likelihood[2:4], c(-317.2568373, -293.7049788, -289.2858488), tolerance = 1e-6)
  expect_equal(table$parameters, c(7, 15, 23, 31))
  expect_equal(names(attr(table, "fits")), table$model)
})

test_that("a grid over several class variables", {
  data <- as.data.frame(chain_fit()$data$columns)
  run <- function(model) {
    enumerate_classes(model, data, k = list(c1 = 2:1, c2 = 1:2), starts = c(4, 2), seed = 1, threads = 1, se = "none")
  }
  table <- run(chain_fit()$model)
  expect_equal(table$c1, c(2, 1, 2, 1))
  expect_equal(table$c2, c(1, 1, 2, 2))
  expect_equal(table$log_likelihood[[3]], chain_fit()$log_likelihood, tolerance = 1e-6)
  # Independent classes: the log-likelihoods of the two halves add up.
  half <- function(items, k) {
    quiet(mlmix(lca(items, k = k), data, starts = c(4, 2), seed = 1, threads = 1))$log_likelihood
  }
  u <- paste0("u", 1:4)
  v <- paste0("v", 1:4)
  expect_equal(table$log_likelihood[c(1, 2, 4)], c(half(u, 2) + half(v, 1), half(u, 1) + half(v, 1),
    half(u, 1) + half(v, 2)), tolerance = 1e-5)
  expect_true(all(is.na(table$bayes_factor)))
  expect_equal(sum(table$probability), 1)
  made <- run(function(c1, c2) {
    mixture_model(latent_class("c1", c1), latent_class("c2", c2, ~ c1), outcome(u1:u4 ~ c1, family = bernoulli()),
      outcome(v1:v4 ~ c2, family = bernoulli()))
  })
  expect_equal(made$log_likelihood, table$log_likelihood, tolerance = 1e-6)
})

test_that("the first start is the smaller solution with its largest class split", {
  two <- carcinoma_fit(2)
  model <- lca(seven, k = 3)
  start <- split_start(model, carcinoma, two, "c", 1L)
  table <- parameters(model, carcinoma)
  names(start) <- table$name
  kept <- function(name) two$parameters$estimate[two$parameters$name == name]
  expect_equal(start[["B~1[c=2]"]], kept("B~1[c=1]"))
  expect_equal(start[["B~1[c=3]"]], kept("B~1[c=2]"))
  certain <- which(abs(c(kept("A~1[c=1]"), kept("A~1[c=2]"))) > 14)
  expect_equal(start[[sprintf("A~1[c=%d]", certain + 1)]], 6) # not at the boundary, where it would stay
  twin <- 1 + which.max(two$class_prob$c)
  moved <- start[sprintf("%s~1[c=1]", seven)] - start[sprintf("%s~1[c=%d]", seven, twin)]
  expect_true(all(moved != 0) && all(abs(moved) < 3))
  expect_equal(start, stats::setNames(split_start(model, carcinoma, two, "c", 1L), table$name))
  # From there one start alone is no worse than the smaller model.
  again <- quiet(enumerate_classes(model, carcinoma, k = 2:3, starts = c(4, 1), seed = 1, threads = 1, se = "none"))
  expect_gt(again$log_likelihood[[2]], again$log_likelihood[[1]])
})

test_that("splitting works with thresholds, variances and two class variables", {
  data <- withr::with_seed(5, {
    class <- rep(1:2, c(70, 50))
    data.frame(y = rnorm(120, c(0, 3)[class]), o = factor(pmin(rpois(120, class), 3), ordered = TRUE),
      v = rbinom(120, 1, c(0.2, 0.8)[class]))
  })
  model <- function(k) mixture_model(latent_class("c", k), outcome(y ~ c, variance = ~ c), outcome(o ~ c,
    family = ordinal()), outcome(v ~ c, family = bernoulli()))
  two <- quiet(mlmix(model(2), data, starts = c(4, 2), seed = 1, threads = 1, se = "none"))
  start <- split_start(model(3), data, two, "c", 2L)
  names(start) <- parameters(model(3), data)$name
  expect_false(anyNA(start))
  for (k in 1:3) expect_true(all(diff(start[sprintf("o|t%d[c=%d]", 1:3, k)]) > 0))
  expect_equal(start[["y~~y[c=1]"]], start[[sprintf("y~~y[c=%d]", 1 + which.max(two$class_prob$c))]])
  lta_model <- lta(list(fall = u1:u4, spring = v1:v4), k = 3)
  chain <- invariant_lta_fit()
  start <- split_start(lta_model, as.data.frame(chain$data$columns), chain, c("fall", "spring"), 1L)
  expect_false(anyNA(start))
})

test_that("in a grid the likeliest solution with one class fewer in one variable is split", {
  fits <- attr(quiet(enumerate_classes(chain_fit()$model, as.data.frame(chain_fit()$data$columns), starts = c(3, 1),
    k = list(c1 = 1:2, c2 = 1:2), seed = 1, threads = 1, se = "none")), "fits")
  from <- nearest_smaller(chain_fit()$model, fits)
  log_lik <- vapply(fits, function(fit) fit$log_likelihood, 0)
  best <- if (log_lik[[2]] > log_lik[[3]]) 2 else 3
  expect_equal(from$fit$log_likelihood, log_lik[[best]])
  expect_equal(from$class, c("c2", "c1")[[best - 1]])
  # Where these failed, one class fewer in both.
  expect_equal(nearest_smaller(chain_fit()$model, list(fits[[1]], NULL, NULL))$class, c("c1", "c2"))
  expect_null(nearest_smaller(fits[[1]]$model, fits))
  expect_null(nearest_smaller(carcinoma_fit(2)$model, fits))
  # That start is used.
  data <- as.data.frame(chain_fit()$data$columns)
  start <- split_start(chain_fit()$model, data, from$fit, from$class, 1L)
  with_start <- quiet(mlmix(chain_fit()$model, data, starts = c(3, 1), seed = 1, threads = 1, se = "none",
    control = mlmix_control(start_values = start)))
  expect_equal(fits[[4]]$starts, with_start$starts)
  # Also for functions of the numbers of classes.
  made <- quiet(enumerate_classes(function(k) lca(seven, k = k), carcinoma, k = 2:3, starts = c(2, 1), seed = 1,
    threads = 1, se = "none"))
  given <- quiet(enumerate_classes(lca(seven, k = 1), carcinoma, k = 2:3, starts = c(2, 1), seed = 1, threads = 1,
    se = "none"))
  expect_equal(attr(made, "fits")[[2]]$starts, attr(given, "fits")[[2]]$starts)
})

test_that("a class of clusters that is split differs in the classes of its units", {
  model <- multilevel_lca(fall1:fall4, k = 2, cluster = "room", k_between = 2)
  data <- toca[toca$room <= 20, ]
  fit <- function(k) {
    model <- model_with_classes(as.integer(k), model, "d", NULL)
    quiet(mlmix(model, data, starts = c(4, 2), seed = 1, threads = 1, se = "none"))
  }
  two <- fit(2)
  start <- stats::setNames(split_start(model_with_classes(3L, model, "d", NULL), data, two, "d", 1L),
    parameters(model_with_classes(3L, model, "d", NULL), data)$name)
  twin <- 1 + which.max(two$class_prob$d)
  expect_gt(abs(start[["c#1~1[d=1]"]] - start[[sprintf("c#1~1[d=%d]", twin)]]), 0.01)
  expect_equal(start[["fall1~1[c=1]"]], two$parameters$estimate[two$parameters$name == "fall1~1[c=1]"])
})

test_that("in a grid what fails keeps its row, and larger models start from what did not", {
  model <- function(c1, c2) {
    if (c1 == 2 && c2 == 1) return(lca(c(u1, constant), k = 2))
    mixture_model(latent_class("c1", c1), latent_class("c2", c2, ~ c1), outcome(u1:u4 ~ c1, family = bernoulli()),
      outcome(v1:v4 ~ c2, family = bernoulli()))
  }
  data <- transform(as.data.frame(chain_fit()$data$columns), constant = 1)
  messages <- testthat::capture_messages(
    table <- suppressWarnings(enumerate_classes(model, data, k = list(c1 = 1:2, c2 = 1:2), starts = c(3, 1), seed = 1,
      threads = 1, se = "none", progress = TRUE))
  )
  expect_match(paste(messages, collapse = ""), "c1 2, c2 1 \\(2 of 4\\)")
  expect_equal(table$status == "failed", c(FALSE, TRUE, FALSE, FALSE))
  expect_match(table$note[[2]], "only one category")
  expect_null(attr(table, "fits")[["c1 2, c2 1"]])
  expect_equal(table$log_likelihood[[4]], chain_fit()$log_likelihood, tolerance = 1e-6)
  expect_match(paste(utils::capture.output(print(table)), collapse = " "), "c1 2, c2 1 failed: .*only one category")
})

test_that("what fails keeps its row and says why; warnings are kept too", {
  data <- transform(carcinoma, Z = 1)
  table <- enumerate_classes(function(k) if (k == 2) lca(c(A, B, Z), k = 2) else lca(c(A, B, C), k = k), data, k = 1:3,
    starts = c(2, 1), seed = 1, threads = 1, se = "none")
  expect_equal(table$status[[2]], "failed")
  expect_match(table$note[[2]], "only one category")
  expect_null(attr(table, "fits")[["2 classes"]])
  expect_true(is.na(table$BIC[[2]]))
  expect_equal(sum(table$probability, na.rm = TRUE), 1)
  expect_snapshot(table)
  expect_no_warning(
    warned <- enumerate_classes(lca(seven, k = 1), carcinoma, k = 2, starts = c(2, 1), seed = 1, threads = 1)
  )
  expect_match(warned$note, "boundary")
  expect_error(enumerate_classes(lca(c(A, Q), k = 2), carcinoma, k = 1:2), class = "mlmix_error_data")
})

test_that("tests against one class fewer", {
  table <- enumerate_classes(lca(c(lie_exam, lie_paper, fraud, copy_exam), k = 1), cheating, k = c(1, 2, 4),
    tests = c("vlmr", "blrt"), starts = c(6, 2), seed = 1, threads = 1)
  expect_equal(is.na(table$vlmr), c(TRUE, FALSE, TRUE))
  expect_equal(is.na(table$blrt), c(TRUE, FALSE, TRUE))
  expect_equal(table$vlmr[[2]], attr(table, "tests")$vlmr[["2 classes"]]$p.value[[1]])
  expect_equal(table$blrt[[2]], attr(table, "tests")$blrt[["2 classes"]]$p.value)
  expect_lt(table$blrt[[2]], 0.05)
})

test_that("errors in words", {
  expect_snapshot(error = TRUE, {
    enumerate_classes(lca(c(A, B), k = 2), carcinoma, k = 0:2)
    enumerate_classes(list(), carcinoma)
    enumerate_classes(lca(c(A, B), k = 2), carcinoma, class = "d")
    enumerate_classes(chain_fit()$model, carcinoma)
    enumerate_classes(function(k) k, carcinoma)
    enumerate_classes(chain_fit()$model, carcinoma, k = list(1:2, 1:2))
    enumerate_classes(chain_fit()$model, carcinoma, k = list(c1 = 1:2, e = 1:2))
    enumerate_classes(function(k) k, carcinoma, k = list(c1 = 1:2, c2 = 1:2))
    enumerate_classes(chain_fit()$model, carcinoma, k = list(c1 = 1:2), tests = "blrt")
    enumerate_classes(lca(c(A, B), k = 2), carcinoma, tests = "lrt")
    enumerate_classes(lca(c(A, B), k = 2), carcinoma, warm_start = 1)
  })
})
