test_that("the table lists every parameter once", {
  data <- two_level_data()
  table <- parameters(mixture_model(latent_class("c", 2), latent_factor("f"), outcome(u1:u2 ~ c + f, family = bernoulli())), data)
  expect_s3_class(table, "mlmix_parameters")
  expect_named(table, c("id", "name", "kind", "level", "target", "term", "class", "free", "value", "start", "lower", "upper",
    "prior_mean", "prior_sd"))
  expect_false(anyDuplicated(table$name) > 0)
  expect_snapshot(print(table))
})

test_that("bounds are printed in words", {
  data <- two_level_data()
  model <- mixture_model(outcome(y ~ x), constrain(bound("y~x" = c(-1, 1)), bound("y~1" = c(-Inf, 5)), start("y~x" = 0.5)))
  expect_snapshot(print(parameters(model, data)))
})
