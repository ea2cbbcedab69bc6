# start_values(): shared names, conversion of links, values inside bounds, and that they lead to the maximum.

test_that("a grade-of-membership model starts from latent classes with the same probabilities", {
  classes <- remember("lsat classes", mlmix(lca(item1:item5, k = 2), lsat, starts = c(5, 2), seed = 1, threads = 1))
  model <- gom(item1:item5, k = 2)
  first <- start_values(model, lsat, classes)
  expect_equal(names(first), parameters(model, lsat)$name)
  shared <- grep("^item", names(first), value = TRUE)
  expect_equal(pnorm(first[shared]), plogis(coef(classes)[shared]))
  expect_equal(first[["c#1~1"]], coef(classes)[["c#1~1"]])
  expect_equal(first[["c#1@person~~c#1@person"]], 4)
  fit <- quiet_fit(model, lsat, starts = 1, seed = 1, control = mlmix_control(start_values = first))
  random <- quiet_fit(model, lsat, starts = c(5, 2), seed = 1)
  expect_equal(fit$log_likelihood, random$log_likelihood, tolerance = 1e-6)
  back <- start_values(lca(item1:item5, k = 2), lsat, fit)
  expect_true(all(abs(back) <= 15))
})

test_that("fixed, bounded and given starts are kept; names are needed", {
  data <- carcinoma
  model <- mixture_model(
    latent_class("c", 2), outcome(c(A, B, C, D) ~ c, family = bernoulli()),
    constrain(fix("A~1[c=1]" = 15), bound("B~1[c=1]" = c(0, 3)), start("C~1[c=2]" = -1.5))
  )
  first <- start_values(model, data, c("B~1[c=1]" = 9, "D~1[c=2]" = -20))
  expect_equal(first[["A~1[c=1]"]], 15)
  expect_equal(first[["B~1[c=1]"]], 2.9)
  expect_equal(first[["C~1[c=2]"]], -1.5)
  expect_equal(first[["D~1[c=2]"]], -4)
  expect_snapshot(error = TRUE, {
    start_values(model, data, c(a = 1))
    start_values(model, data, 1:3)
    start_values(model, data, lm(A ~ B, data))
  })
})
