models <- list(
  lca(u1:u8, k = 3, predictors = ~ x1 + x2),
  mixture_model(
    latent_class("c", 2, ~ (1 | school)), latent_factor("f", ~ c + (1 | school), scale = "loading"),
    outcome(u1:u5 ~ f, family = ordinal("logit"))
  ),
  lta(list(fall = fall1:fall10, spring = spring1:spring10), k = 2, cluster = "room"),
  growth_mixture(y ~ time + (1 + time | id), k = 2, variances = "varying"),
  gom(u1:u17, k = 3, random = "factor"),
  irt(u1:u20, type = "3pl"),
  fma(u1:u18, k = 2, factor_variance = "varying"),
  lpa(y1:y5, k = 4, variances = "varying", covariances = "equal"),
  mixture_model(
    latent_class("d", 2, level = "between"), outcome(n ~ d * x, family = zero_inflated()),
    outcome(h ~ x, family = censored(lower = 0)), outcome(o ~ x + d, family = nominal()), cluster = "id"
  )
)

test_that("models print their equations", {
  expect_snapshot(for (model in models) print(model))
})

test_that("no line is longer than 80 columns", {
  expect_true(all(vapply(models, function(model) max(nchar(format(model))) <= 80, TRUE)))
})

test_that("parts print by themselves", {
  expect_snapshot({
    print(latent_class("c", 2, ~x))
    print(latent_factor("f"))
    print(outcome(u1:u3 ~ x, family = bernoulli()))
    print(between(y ~ w))
    print(covary(a, b))
    print(constrain(fix("a" = 1), equal("b", "d"), start("e" = 2), bound("g" = c(0, 1)), linear("a - b = 0")))
    print(zero_inflated())
  })
})
