# Simulated data: means and probabilities of the model, labels, clusters, missing values.

values <- c("u1~1[c=1]" = 2, "u1~1[c=2]" = -2, "u2~1[c=1]" = 1, "u2~1[c=2]" = -1, "u3~1[c=1]" = 0.5,
  "u3~1[c=2]" = -2, "c#1~1" = 0.4)

test_that("latent classes: sizes and probabilities are recovered", {
  data <- simulate_data(lca(u1:u3, k = 2), values, n = 20000, seed = 3, latent = TRUE)
  expect_named(data, c("u1", "u2", "u3", "c"))
  error <- function(p, n) 4 * sqrt(p * (1 - p) / n)
  size <- plogis(0.4)
  expect_lt(abs(mean(data$c == 1) - size), error(size, 20000))
  for (class in 1:2) {
    p <- plogis(values[paste0("u1~1[c=", class, "]")])
    expect_lt(abs(mean(data$u1[data$c == class]) - p), error(p, sum(data$c == class)))
  }
})

test_that("two levels by size: variances within and between", {
  model <- mixture_model(outcome(y ~ 1 + (1 | school)))
  data <- simulate_data(model, c("y~1" = 3, "y~~y" = 4, "y@school~~y@school" = 1), n = c(clusters = 2000, size = 5),
    seed = 1, latent = TRUE)
  expect_equal(dim(data), c(10000, 3))
  expect_equal(unname(table(data$school)[["7"]]), 5)
  expect_lt(abs(mean(data$y) - 3), 4 * sqrt(1 / 2000 + 4 / 10000))
  expect_lt(abs(var(data$`y@school`[!duplicated(data$school)]) - 1), 4 * sqrt(2 / 2000))
  expect_lt(abs(var(data$y - data$`y@school`) - 4), 4 * 4 * sqrt(2 / 10000))
})

test_that("covariates, labels and missing values of the data are kept", {
  data <- data.frame(
    x = rep(c(-1, 1, 1, -1, NA), 120), g = factor(rep(c("low", "mid", "high"), 200), c("low", "mid", "high"), ordered = TRUE),
    h = rep(c("no", "yes"), 300), k = 1:600
  )
  data$g[4] <- NA
  model <- mixture_model(outcome(g ~ x, family = ordinal()), outcome(h ~ x, family = bernoulli()))
  expect_message(
    drawn <- simulate_data(model, c("g|t1" = -1, "g|t2" = 1, "g~x" = 0.5, "h~1" = 0, "h~x" = 2), data = data, seed = 2),
    "120 rows are left out"
  )
  expect_named(drawn, names(data))
  expect_equal(drawn[c("x", "k")], data[c("x", "k")])
  expect_equal(levels(drawn$g), levels(data$g))
  expect_true(is.ordered(drawn$g))
  expect_equal(which(is.na(drawn$g)), sort(c(4, which(is.na(data$x)))))
  expect_gt(mean(drawn$h[data$x %in% 1] == "yes"), mean(drawn$h[data$x %in% -1] == "yes"))
})

test_that("every family can be drawn without data, and fitted again", {
  model <- mixture_model(
    outcome(a ~ 1, family = ordinal()), outcome(b ~ 1, family = nominal()), outcome(d ~ 1, family = zero_inflated("negbin")),
    outcome(e ~ 1, family = censored(lower = 0)), outcome(f ~ 1, family = "poisson")
  )
  truth <- c("a|t1" = -1, "a|t2" = 0.5, "b#1~1" = 0.5, "b#2~1" = -0.5, "d~1" = 1, "d^zero~1" = -1, "d^disp" = 0.5,
    "e~1" = 0.5, "e~~e" = 1, "f~1" = 0.3)
  data <- simulate_data(model, truth, n = 4000, seed = 4)
  fit <- mlmix(model, data, starts = 2, seed = 1, threads = 1)
  table <- estimates(fit)
  expect_true(all(abs(table$estimate - truth[table$name]) < 4 * table$std.error))
})

test_that("stacked items come back as one row per person", {
  model <- gom(item1:item3, k = 2)
  truth <- c("item1~1[c=1]" = 1, "item1~1[c=2]" = -1, "item2~1[c=1]" = 1, "item2~1[c=2]" = -1, "item3~1[c=1]" = 2,
    "item3~1[c=2]" = 0, "c#1~1" = 0, "c#1@person~~c#1@person" = 1)
  data <- simulate_data(model, truth, n = 300, seed = 1)
  expect_equal(dim(data), c(300, 3))
  expect_gt(mean(data$item3), mean(data$item1))
  expect_true(all(unlist(data) %in% 0:1))
})

test_that("counts of successes come with their failures", {
  data <- data.frame(yes = rep(1:3, 50), no = 4)
  drawn <- simulate_data(mixture_model(outcome(cbind(yes, no) ~ 1, family = binomial())), c("yes~1" = 1), data = data,
    seed = 1)
  expect_equal(drawn$yes + drawn$no, data$yes + data$no)
})

test_that("a fit simulates its own data; the seed governs", {
  fit <- chain_fit()
  sets <- simulate(fit, nsim = 2, seed = 5)
  expect_length(sets, 2)
  expect_equal(nrow(sets[[1]]), 300)
  expect_false(identical(sets[[1]], sets[[2]]))
  expect_identical(sets, simulate(fit, nsim = 2, seed = 5))
  set.seed(1)
  first <- simulate(fit)
  set.seed(1)
  expect_identical(first, simulate(fit))
  p <- vapply(simulate(fit, nsim = 40, seed = 1), function(set) mean(set$u1), 0)
  expect_lt(abs(mean(p) - mean(fit$data$columns$u1)), 4 * 0.5 / sqrt(40 * 300))
  data <- regression_data()
  drawn <- simulate(regression_fit(), seed = 1, data = data)[[1]]
  expect_equal(drawn[c("id", "x", "w")], data[c("id", "x", "w")])
})

test_that("the parameter table works as parameters, fixed ones need not be given", {
  table <- parameters(lca(u1:u3, k = 2), binary_data(c("u1", "u2", "u3")))
  table$value <- values[table$name]
  expect_identical(simulate_data(lca(u1:u3, k = 2), table, n = 10, seed = 1),
    simulate_data(lca(u1:u3, k = 2), values, n = 10, seed = 1))
  factor <- simulate_data(mixture_model(latent_factor("f"), outcome(y1:y2 ~ f)),
    c("y1~1" = 0, "y2~1" = 0, "y1~f" = 1, "y2~f" = 1, "y1~~y1" = 1, "y2~~y2" = 1), n = 5000, seed = 1)
  expect_lt(abs(cor(factor)[1, 2] - 0.5), 0.05)
})

test_that("errors say what is missing or unknown", {
  model <- lca(u1:u3, k = 2)
  two <- mixture_model(outcome(y ~ x + (1 | id)))
  expect_snapshot(error = TRUE, {
    simulate_data("lca", values, n = 10)
    simulate_data(model, values)
    simulate_data(model, values[-1], n = 10)
    simulate_data(model, c(values, "u9~1" = 1), n = 10)
    simulate_data(model, 1:3, n = 10)
    simulate_data(model, data.frame(a = 1), n = 10)
    simulate_data(model, values, n = 2.5)
    simulate_data(model, values, n = c(clusters = 5, size = 2))
    simulate_data(two, values, n = c(clusters = 5, size = 2))
    simulate_data(mixture_model(outcome(y ~ (1 | id))), values, n = 10)
    simulate_data(mixture_model(latent_factor("f"), outcome(y1:y2 ~ f)), c("f~~f" = 2, "y1~1" = 0, "y2~1" = 0,
      "y1~f" = 1, "y2~f" = 1, "y1~~y1" = 1, "y2~~y2" = 1), n = 10)
    simulate(chain_fit(), nsim = 0)
    simulate(chain_fit(), data = carcinoma)
  })
})

test_that("gaussian outcomes are drawn without remarks about their placeholders", {
  model <- mixture_model(latent_class("c", 2), outcome(y ~ c))
  values <- c("y~1[c=1]" = 1, "y~1[c=2]" = -1, "y~~y" = 1, "c#1~1" = 0)
  expect_silent(simulate_data(model, values, n = 20, seed = 1))
})
