# posterior(), class_sizes(), classification_table(), transitions(), augment().

test_that("posteriors sum to one and the modal class is the largest", {
  p <- posterior(carcinoma_fit(3))
  m <- as.matrix(p[paste0("c=", 1:3)])
  expect_equal(rowSums(m), rep(1, 118))
  expect_equal(p$c, max.col(m))
  expect_equal(p$row, 1:118)
})

test_that("joint posteriors add up to the marginal ones", {
  joint <- posterior(chain_fit(), joint = TRUE)
  marginal <- posterior(chain_fit())
  expect_equal(joint$`c1=1,c2=1` + joint$`c1=1,c2=2`, marginal$`c1=1`)
  expect_equal(joint$`c1=1,c2=1` + joint$`c1=2,c2=1`, marginal$`c2=1`)
})

test_that("posteriors of clusters have a row per cluster, with its id", {
  p <- posterior(regression_fit())
  expect_equal(p$id, unique(regression_data()$id))
  expect_equal(p$`d=1` + p$`d=2`, rep(1, 40))
  expect_error(posterior(regression_fit(), "within"), class = "mlmix_error_spec")
})

test_that("class sizes, classification and transitions agree with the posteriors", {
  fit <- chain_fit()
  p <- posterior(fit)
  s <- class_sizes(fit)
  expect_equal(s$posterior_proportion[1:2], c(mean(p$`c1=1`), mean(p$`c1=2`)))
  expect_equal(s$modal_n[1:2], as.numeric(table(p$c1)))
  t <- classification_table(fit)
  expect_equal(t$p1[1], mean(p$`c1=1`[p$c1 == 1]))
  expect_equal(t$p1 + t$p2, rep(1, 4))
  tr <- transitions(fit)
  expect_equal(tr$from, rep(c("c1=1", "c1=2"), each = 2))
  expect_equal(tr$to, rep(c("c2=1", "c2=2"), 2))
  joint <- posterior(fit, joint = TRUE)
  expect_equal(tr$n, unname(colSums(joint[c("c1=1,c2=1", "c1=1,c2=2", "c1=2,c2=1", "c1=2,c2=2")])))
  expect_equal(sum(class_sizes(fit, joint = TRUE)$n), 300)
  expect_error(transitions(carcinoma_fit(2)), class = "mlmix_error_spec")
})

test_that("augment adds columns in the data's order, also those of clusters", {
  a <- augment(carcinoma_fit(2), carcinoma)
  expect_equal(a$.class_c, posterior(carcinoma_fit(2))$c)
  expect_equal(a$A, carcinoma$A)
  b <- augment(regression_fit(), regression_data())
  expect_equal(nrow(b), 240)
  per_cluster <- posterior(regression_fit())
  expect_equal(b$.class_d, per_cluster$d[match(regression_data()$id, per_cluster$id)])
  expect_error(augment(carcinoma_fit(2), carcinoma[1:5, ]), class = "mlmix_error_data")
})

test_that("items that were stacked are told apart", {
  fit <- remember("gom", mlmix(gom(c(A, B, C, D), k = 2), carcinoma, starts = c(2, 1), seed = 1, threads = 1))
  p <- posterior(fit)
  expect_equal(nrow(p), 118 * 4)
  expect_equal(as.numeric(table(p$item)), rep(118, 4))
  expect_equal(nobs(fit), 118)
  expect_equal(nrow(augment(fit)), 118)
})
