# The cached results of the vignette "The paper, section by section" (data-raw/paper.R) are those of the models as
# written there: evaluated or fitted again, or worked out without the engine. Only in the source tree.

paper_results <- function(file = "paper-results.rds") {
  path <- test_path("..", "..", "vignettes", file)
  skip_if_not(file.exists(path), paste(path, "is only in the source tree"))
  readRDS(path)
}

# The functions and models of data-raw/paper.R, without running it.
paper_script <- function() {
  path <- test_path("..", "..", "data-raw", "paper.R")
  skip_if_not(file.exists(path), paste(path, "is only in the source tree"))
  script <- new.env(parent = globalenv())
  for (expr in as.list(parse(path))) {
    if (any(grepl("commandArgs", deparse(expr)))) break
    if (!rlang::is_call(expr, "library")) eval(expr, script)
  }
  script
}

# log L of Model 5: y = mu_d + beta_d x + u_j + e, V(u_j) = v, V(e) = theta; class 1 of the cluster has the share p.
model5_by_hand <- function(data, value, p = stats::plogis(value[["c#1~1"]])) {
  sum(vapply(split(data, data$id), function(cluster) {
    n <- nrow(cluster)
    covariance <- diag(value[["y~~y"]], n) + value[["y@id~~y@id"]]
    log_density <- vapply(1:2, function(d) {
      r <- cluster$y - value[[sprintf("y~1[c=%d]", d)]] - value[[sprintf("y~x[c=%d]", d)]] * cluster$x
      -0.5 * (n * log(2 * pi) + as.numeric(determinant(covariance)$modulus) + sum(r * solve(covariance, r)))
    }, 0)
    peak <- max(log_density)
    peak + log(sum(c(p, 1 - p) * exp(log_density - peak)))
  }, 0))
}

test_that("Table 2 is arithmetic of its replications, of four models and two sets of values", {
  table <- paper_results()$table2
  expect_setequal(unique(table$values), c("round", "estimates"))
  expect_setequal(unique(table$model), paste("Model", 1:5))
  shown <- table[table$name == "c#1~1", ]
  expect_equal(nrow(shown), 10)
  expect_equal(shown$n + shown$away + shown$lost, shown$replications)
  expect_equal(shown$mse, shown$bias^2 + shown$sd^2 * (shown$n - 1) / shown$n, tolerance = 1e-8)
  expect_equal(shown$mse_100, shown$mse_se * sqrt(shown$n / 100), tolerance = 1e-8)
  # a class of fifty clusters: the error of a logit from 50 draws, and a little for not seeing the class
  expect_true(all(abs(shown$mse[shown$model == "Model 2"] - 0.1) < 0.02))
  expect_true(all(shown$low <= shown$mse + 1e-8 & shown$mse <= shown$high + 1e-8))
})

test_that("Table 2 read as four analyses: the right one errs as in the other reading, and none has the order", {
  results <- paper_results()
  one <- results$table2_one
  expect_equal(nrow(one), 16)
  own <- one[one$population == one$model & one$model != "neither", ]
  other <- results$table2[results$table2$name == "c#1~1" & results$table2$values == "round", ]
  other <- other[match(paste("Model", c(1, 3, 4)), other$model), ]
  # the same first hundred of its four hundred samples
  expect_true(all(other$low - 1e-4 <= own$mse & own$mse <= other$high + 1e-4))
  published <- order(c(0.31, 0.10, 0.26, 0.44))
  expect_false(any(tapply(one$mse, one$population, function(mse) identical(order(mse), published))))
})

test_that("Table 3: the log-likelihood of Model 5 by hand, and what Model 6 loses on its grid", {
  results <- paper_results()
  script <- paper_script()
  data <- script$between_sample()
  five <- results$table3[results$table3$model == "Model 5", ]
  six <- results$table3[results$table3$model == "Model 6", ]
  value <- stats::setNames(five$estimate, five$name)
  expect_equal(five$log_likelihood[[1]], model5_by_hand(data, value), tolerance = 1e-9)
  expect_lt(abs(six$log_likelihood[[1]] - five$log_likelihood[[1]]), 0.1)
  expect_gt(six$icc[[1]], 0.99)
  # The step of an enormous variance lies between two nodes: Model 5 with a share of class 1 that the weights can give.
  limit <- results$table3_limit
  at_limit <- limit[limit$variance == 1e6, ]
  expect_equal(at_limit$difference, at_limit$grid, tolerance = 2e-3)
  z <- 2.7 * 80^0.25 * seq(-1, 1, length.out = 81)
  share <- sum(stats::dnorm(z)[z > -stats::qnorm(stats::plogis(value[["c#1~1"]]))]) / sum(stats::dnorm(z))
  expect_equal(six$log_likelihood[[1]], model5_by_hand(data, stats::setNames(six$estimate, six$name), share),
    tolerance = 1e-7)
})

test_that("Model 6 of enormous variance is Model 5 with the share that its nodes give", {
  script <- paper_script()
  data <- utils::head(script$between_sample(), 150)
  value <- c(script$between_values[names(script$between_values) != "c#1~1"], "c#1@id~~c#1@id" = 1e6, "c#1~1" = 300)
  everything <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 | id)),
    constrain(do.call(fix, as.list(value))))
  evaluated <- suppressMessages(suppressWarnings(mlmix(everything, data, starts = 1, seed = 1, se = "none",
    integration = quadrature("rectangular", 41, adaptive = FALSE))))
  z <- 2.7 * 40^0.25 * seq(-1, 1, length.out = 41)
  share <- sum(stats::dnorm(z)[z > -0.3]) / sum(stats::dnorm(z))
  expect_equal(evaluated$log_likelihood, model5_by_hand(data, value, share), tolerance = 1e-7)
})

test_that("Table 4 prefers the status that is true", {
  table <- paper_results()$table4
  expect_equal(table$BIC, -2 * table$log_likelihood + table$parameters * log(500), tolerance = 1e-10)
  best <- vapply(split(table, table$sample), function(part) part$model[[which.min(part$BIC)]], "")
  expect_match(best[["within"]], "^within")
  expect_match(best[["both"]], "^both")
  expect_match(best[["between"]], "^between")
  expect_equal(unique(table(table$sample)), 4L)
  # a variance of 1e4 is nearly a class of clusters, whose likelihood is worked out here by hand at its maximum
  value <- function(sample, model) table$log_likelihood[table$sample == sample & grepl(model, table$model)]
  for (sample in c("within", "both", "between")) {
    expect_lt(abs(value(sample, "1e4") - value(sample, "Model 5")), 3)
  }
  script <- paper_script()
  data <- script$both_sample()
  five <- suppressMessages(mlmix(script$between_model, data, starts = c(6, 2), seed = 4, se = "none"))
  expect_equal(five$log_likelihood, model5_by_hand(data, coef(five)), tolerance = 1e-9)
  expect_lt(abs(five$log_likelihood - value("both", "Model 5")), 1e-4)
  # within, variance 0: no integral over the class intercept, and no cluster effect left but u_j
  model <- mixture_model(latent_class("c", 2), outcome(y ~ c * x + (1 | id)))
  fit <- suppressMessages(mlmix(model, data, starts = c(4, 1), seed = 1, se = "none"))
  expect_lt(abs(fit$log_likelihood - value("both", "^within")), 0.01)
})

test_that("Table 6 has the paper's numbers of parameters, and its latent classes are found again", {
  table <- paper_results()$table6
  expect_equal(table$parameters, c(37, 56, 57))
  expect_equal(table$AIC, -2 * table$log_likelihood + 2 * table$parameters)
  script <- paper_script()
  data <- script$fma_sample()
  expect_equal(dim(data), c(425, 18))
  fit <- mlmix(lca(u1:u18, k = 2, family = bernoulli("probit")), data, starts = c(4, 1), seed = 2, se = "none")
  expect_lt(abs(fit$log_likelihood - table$log_likelihood[[1]]), 1e-4)
  # without the engine, at those estimates
  value <- coef(fit)
  log_class <- vapply(1:2, function(k) {
    eta <- value[sprintf("u%d~1[c=%d]", 1:18, k)]
    u <- as.matrix(data[paste0("u", 1:18)])
    colSums(stats::pnorm((2 * t(u) - 1) * eta, log.p = TRUE))
  }, numeric(425))
  p <- stats::plogis(value[["c#1~1"]])
  by_hand <- sum(log(p * exp(log_class[, 1]) + (1 - p) * exp(log_class[, 2])))
  expect_equal(fit$log_likelihood, by_hand, tolerance = 1e-9)
})

test_that("Table 6 in other samples: arithmetic of its rows, and the rule that one sample may miss", {
  table <- paper_results()$table6_samples
  expect_equal(table$n_parameters, unname(c(LCA = 37, FMA = 56, "FMA-GoM" = 57)[table$model]))
  expect_equal(table$AIC, -2 * table$log_likelihood + 2 * table$n_parameters)
  expect_equal(table$BIC, -2 * table$log_likelihood + table$n_parameters * log(table$persons))
  third <- table[table$model == "FMA-GoM" & table$status == "converged", ]
  expect_true(all(third$icc_low < third$icc & third$icc < third$icc_high))
  # unbiased within the simulation error of the mean over the samples
  few <- third$icc[third$persons == 425]
  expect_lt(abs(mean(few) - 3 / (3 + pi^2 / 3)), 3 * stats::sd(few) / sqrt(length(few)))
})

test_that("section 10: rules that integrate well agree, and one of them is found again", {
  rules <- paper_results()$integration
  good <- abs(rules$error) < 0.01
  expect_gte(sum(good), 5)
  expect_lt(diff(range(rules$log_likelihood[good])), 0.02)
  fit <- mlmix(lta(list(c1 = fall1:fall10, c2 = spring1:spring10), k = 2, cluster = "room"), toca, starts = c(3, 1),
    seed = 1, se = "none", integration = quadrature("gauss_hermite", 11))
  cached <- rules$log_likelihood[rules$method == "gauss_hermite" & rules$points == 11 & rules$adapt == "yes"]
  expect_lt(abs(fit$log_likelihood - cached), 1e-4)
})

test_that("section 7: the NLSY79 results are those of the data, and ordered as the models are nested", {
  fits <- paper_results("gom-nlsy79-results.rds")$fits
  value <- stats::setNames(fits$log_likelihood, fits$model)
  expect_true(all(diff(value[c("LCA 2", "GoM 2", "GoM 3, free")]) > 0))
  expect_true(all(diff(value[c("LCA 3", "GoM 3, one factor", "GoM 3, free")]) > 0))
  expect_true(all(diff(value[c("LCA 4", "GoM 4, one factor")]) > 0))
  expect_equal(fits$parameters, c(31, 47, 63, 32, 32, 49, 66, 50))
  data <- reference_data("gom_nlsy79")
  items <- setdiff(names(data), "freq")
  expect_equal(sum(data$freq), fits$persons[[1]])
  u <- as.matrix(data[items])
  # log L without the engine: both classes of a person, and 401 points of the person's class logit
  two <- paper_results("gom-nlsy79-results.rds")$two
  p <- function(fit, k) stats::pnorm(coef(fit)[sprintf("%s~1[c=%d]", items, k)])
  log_items <- function(p) u %*% log(pmax(p, 1e-300)) + (1 - u) %*% log(pmax(1 - p, 1e-300))
  share <- stats::plogis(coef(two$lca)[["c#1~1"]])
  persons <- share * exp(log_items(p(two$lca, 1))) + (1 - share) * exp(log_items(p(two$lca, 2)))
  expect_equal(sum(data$freq * log(persons)), value[["LCA 2"]], tolerance = 1e-9)
  z <- seq(-8, 8, length.out = 401)
  g <- stats::plogis(coef(two$gom)[["c#1~1"]] + sqrt(coef(two$gom)[["c#1@person~~c#1@person"]]) * z)
  mixed <- outer(p(two$gom, 1), g) + outer(p(two$gom, 2), 1 - g)
  persons <- exp(log_items(mixed)) %*% (stats::dnorm(z) / sum(stats::dnorm(z)))
  expect_equal(sum(data$freq * log(persons)), value[["GoM 2"]], tolerance = 1e-8)
})

test_that("figure 4 is drawn from fits that hold nothing of the persons", {
  two <- paper_results("gom-nlsy79-results.rds")$two
  held <- lapply(two, function(fit) max(rapply(unclass(fit), length, how = "unlist")))
  expect_true(all(unlist(held) < 1635)) # patterns of answers
  skip_if_not_installed("ggplot2")
  shown <- plot_data(two$gom, "profile", against = two$lca)
  expect_equal(nrow(shown), 2 * 2 * 15)
  expect_equal(shown$value[shown$model == "Latent classes" & shown$class == "c=1"],
    unname(stats::pnorm(coef(two$lca)[sprintf("%s~1[c=1]", unique(shown$outcome))])), tolerance = 1e-8)
  expect_s3_class(plot(two$gom, against = two$lca), "ggplot")
})
