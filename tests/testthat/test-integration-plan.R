# The plan of the integration before a fit.

test_that("dimensions, levels, reasons and nodes are printed", {
  expect_snapshot({
    integration_plan(irt(item1:item5, type = "2pl"), lsat)
    integration_plan(mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 + x | id))), regression_data())
    integration_plan(mixture_model(outcome(y ~ x + (1 + x | id))), regression_data())
    integration_plan(lca(c(A, B, C), k = 2), carcinoma)
  })
})

test_that("the request is kept", {
  plan <- integration_plan(irt(item1:item5, type = "2pl"), lsat, integration = quadrature("gauss_hermite", 9, FALSE))
  expect_equal(plan[c("method", "points", "adaptive", "n_nodes")],
    list(method = "gauss_hermite", points = 9, adaptive = FALSE, n_nodes = 9), ignore_attr = TRUE)
  expect_true(is.na(plan$error))
})

test_that("too many nodes are refused with the alternatives", {
  model <- mixture_model(latent_factor("f"), latent_factor("g"), latent_factor("h"), latent_factor("i"),
    outcome(c(item1, item2) ~ f + g + h + i, family = bernoulli()))
  expect_snapshot(error = TRUE, {
    integration_plan(model, lsat, integration = quadrature("rectangular", points = 60))
    integration_plan(model, lsat, integration = 15)
  })
})
