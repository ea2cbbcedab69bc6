# Profile plots: probabilities and means by class against estimates() and by hand, and two fits beside each other.

test_that("profile data are the probabilities with their intervals", {
  fit <- chain_fit()
  d <- plot_data(fit)
  p <- estimates(fit, "probability")
  p <- p[p$term == "1", ]
  expect_equal(d$value, p$estimate)
  expect_equal(d$conf.low, p$conf.low, tolerance = 1e-6)
  expect_match(d$label[1], "^c1=1 \\([0-9.]+ %\\)$")
  expect_equal(unique(plot_data(fit, class = "c2")$outcome), paste0("v", 1:4))
})

test_that("means of gaussian outcomes", {
  d <- plot_data(regression_fit())
  expect_equal(d$measure, rep("mean", 2))
  e <- estimates(regression_fit())
  expect_equal(d$value, e$estimate[e$kind == "intercept"])
  expect_equal(d$conf.low, e$conf.low[e$kind == "intercept"], tolerance = 1e-6)
})

test_that("every family has a profile, by hand", {
  fit <- families_fit()
  d <- plot_data(fit)
  of <- function(outcome, class, category = "") {
    d$value[d$outcome == outcome & d$class == paste0("c=", class) & d$category == category]
  }
  e <- function(name, class) estimate_of(fit, paste0(name, "[c=", class, "]"))
  for (k in 1:3) {
    expect_equal(of("y", k), e("y~1", k))
    expect_equal(of("b", k, "1"), stats::plogis(e("b~1", k)))
    expect_equal(of("k", k, "1"), stats::plogis(e("k~1", k)))
    expect_equal(of("pois", k), exp(e("pois~1", k)))
    expect_equal(of("zip", k), (1 - stats::plogis(estimate_of(fit, "zip^zero~1"))) * exp(e("zip~1", k)))
    expect_equal(of("cens", k), e("cens~1", k))
    expect_equal(of("o", k, "mid"), stats::plogis(e("o|t2", k)) - stats::plogis(e("o|t1", k)))
    odds <- exp(c(e("nom#1~1", k), e("nom#2~1", k), 0))
    expect_equal(of("nom", k, "B"), odds[[2]] / sum(odds))
  }
  expect_equal(unique(d$measure[d$outcome == "cens"]), "mean before censoring")
  counts <- d[d$outcome == "pois", ]
  se <- fit$parameters$std.error[match(paste0("pois~1[c=", 1:3, "]"), fit$parameters$name)]
  expect_equal(counts$conf.high, counts$value * exp(1.959964 * se), tolerance = 1e-5)
})

test_that("a fit beside itself with its classes renumbered is matched", {
  fit <- carcinoma_fit(3)
  turned <- order_classes(fit, "size", decreasing = FALSE)
  d <- plot_data(fit, against = turned)
  expect_equal(unique(d$model), c("Latent classes (1)", "Latent classes (2)"))
  one <- d[d$model == "Latent classes (1)", ]
  two <- d[d$model == "Latent classes (2)", ]
  two <- two[match(paste(one$outcome, one$class), paste(two$outcome, two$class)), ]
  expect_equal(one$value, two$value, ignore_attr = TRUE)
})

test_that("grade of membership beside latent classes (figure 4)", {
  lca_fit <- quick(lca(u1:u4, k = 2), membership_data())
  d <- plot_data(membership_fit(), against = lca_fit)
  expect_equal(unique(d$model), c("Grade of membership", "Latent classes"))
  first <- d[d$class == "c=1", ]
  means <- tapply(first$value, first$model, mean)
  # The same class is high in both, and the extreme profiles of the GoM lie further out.
  expect_equal(means[[1]] > 0.5, means[[2]] > 0.5)
  gap <- function(model) diff(range(tapply(d$value[d$model == model], d$class[d$model == model], mean)))
  expect_gt(gap("Grade of membership"), gap("Latent classes"))
  p <- estimates(lca_fit, "probability")
  expect_true(all(d$value[d$model == "Latent classes"] %in% p$estimate))
  skip_if_not_installed("ggplot2")
  expect_error(drawn(plot(membership_fit(), against = lca_fit)), NA)
})

test_that("of several class variables one is compared", {
  d <- plot_data(chain_fit(), class = "c2", against = chain_fit())
  expect_equal(unique(d$outcome), paste0("v", 1:4))
})

test_that("more classes on one side have no counterpart", {
  d <- plot_data(carcinoma_fit(2), against = carcinoma_fit(3))
  expect_equal(sum(grepl("no counterpart", unique(d$class))), 1)
})

test_that("classes are assigned with the least cost", {
  best <- function(cost) {
    orders <- expand.grid(rep(list(seq_len(ncol(cost))), nrow(cost)))
    orders <- orders[apply(orders, 1, function(o) !anyDuplicated(o)), , drop = FALSE]
    min(apply(orders, 1, function(o) sum(cost[cbind(seq_len(nrow(cost)), o)])))
  }
  for (seed in 1:5) {
    cost <- withr::with_seed(seed, matrix(stats::runif(12), 3, 4))
    columns <- assign_least(cost)
    expect_equal(sum(cost[cbind(1:3, columns)]), best(cost))
    back <- assign_least(t(cost))
    expect_equal(sum(is.na(back)), 1)
    expect_equal(match(1:3, back), columns)
  }
  expect_equal(assign_least(1 - diag(9)), 1:9)
})

test_that("very long names are shortened in the middle", {
  name <- "a_very_long_questionnaire_item_name_17"
  expect_equal(shorten_middle(c("u1", name), 26), c("u1", "a_very_long...tem_name_17"))
  expect_equal(max(nchar(shorten_middle(strrep("x", 1:60), 26))), 26)
})

test_that("bad comparisons are refused in words", {
  expect_snapshot(error = TRUE, {
    plot_data(carcinoma_fit(2), against = "x")
    plot_data(carcinoma_fit(2), against = three_class_fit())
    plot_data(chain_fit(), against = chain_fit())
  })
})
