# classification_table(): averages, assignment errors and measures of separation, recomputed from the posteriors.

test_that("averages by modal class, and their type, stay as they were", {
  t <- classification_table(chain_fit())
  p <- posterior(chain_fit())
  expect_named(t, c("variable", "modal", "n", "p1", "p2"))
  expect_equal(t$p1[1], mean(p$`c1=1`[p$c1 == 1]))
  expect_equal(t$n, c(table(p$c1), table(p$c2)), ignore_attr = TRUE)
})

test_that("assignment errors are averages over the truth, and agree with simulated truth", {
  fit <- carcinoma_fit(3)
  p <- as.matrix(posterior(fit)[paste0("c=", 1:3)])
  modal <- max.col(p)
  t <- classification_table(fit, "assignment")
  expect_equal(t$a1 + t$a2 + t$a3, rep(1, 3))
  expect_equal(t$a2[1], sum(p[modal == 2, 1]) / sum(p[, 1]))
  expect_equal(t$n, unname(colSums(p)))
  proportional <- classification_table(fit, "assignment", assignment = "proportional")
  expect_equal(proportional$a2[1], sum(p[, 1] * p[, 2]) / sum(p[, 1]))
  # In data drawn from the fit the classes are known: so often are they assigned to each class.
  many <- do.call(rbind, simulate(fit, nsim = 60, seed = 3, latent = TRUE, data = carcinoma))
  assigned <- predict(fit, many[seven], "class")$c
  observed <- prop.table(table(many$c, assigned), 1)
  p_new <- as.matrix(predict(fit, many[seven], "posterior")[paste0("c=", 1:3)])
  expected <- assignment_errors(p_new, rep(1, nrow(many)), assigned(p_new, "modal"))
  expect_lt(max(abs(observed - expected)), 0.02)
})

test_that("measures of quality follow their definitions, with frequencies as weights", {
  fit <- toby_fit()
  p <- as.matrix(posterior(fit)[c("c=1", "c=2")])[rep(1:16, stouffer_toby$frequency), ]
  modal <- max.col(p)
  t <- classification_table(fit, "quality")
  expect_equal(t$proportion, unname(colMeans(p)), tolerance = 1e-4)
  expect_equal(t$modal_proportion, c(mean(modal == 1), mean(modal == 2)))
  own <- c(mean(p[modal == 1, 1]), mean(p[modal == 2, 2]))
  expect_equal(t$average_posterior, own)
  expect_equal(t$odds_correct, own / (1 - own) / (t$proportion / (1 - t$proportion)))
  expect_equal(t$correct[1], sum(p[modal == 1, 1]) / sum(p[, 1]))
  uncertainty <- function(p) mean(-rowSums(p * log(p))) / log(2)
  expect_equal(t$entropy, c(1 - uncertainty(p[modal == 1, ]), 1 - uncertainty(p[modal == 2, ])))
  expect_equal(classification_table(fit)$n, c(sum(modal == 1), sum(modal == 2)))
})

test_that("between classes count clusters, models without classes give no rows", {
  t <- classification_table(regression_fit(), "quality")
  expect_equal(t$class, c("d=1", "d=2"))
  expect_true(all(t$odds_correct > 5))
  expect_equal(sum(classification_table(regression_fit(), "assignment")$n), 40)
  expect_equal(nrow(classification_table(factor_fit())), 0)
  expect_snapshot(error = TRUE, classification_table(chain_fit(), "error"))
})
