data <- cbind(two_level_data(), ordinal_data(paste0("o", 1:4), n = 72))

fixed <- function(model) {
  table <- resolve_model(model, data)$parameters
  stats::setNames(table$value, table$name)[!table$free]
}

test_that("the scale fixes the variance or the first loading", {
  expect_equal(fixed(mixture_model(latent_factor("f"), outcome(u1:u4 ~ f, family = bernoulli()))), c("f~~f" = 1))
  expect_equal(
    fixed(mixture_model(latent_factor("f", scale = "loading"), outcome(u1:u4 ~ f, family = bernoulli()))),
    c("u1~f" = 1)
  )
})

test_that("a factor's mean by class is 0 in the last class", {
  model <- mixture_model(
    latent_class("c", 3), latent_factor("f", ~ c * x), outcome(u1:u4 ~ f, family = bernoulli())
  )
  expect_equal(fixed(model), c("f~1[c=3]" = 0, "f~~f" = 1))
  expect_true(all(c("f~x[c=1]", "f~x[c=2]", "f~x[c=3]") %in% free_names(model, data)))
})

test_that("a factor variance by class is 1 in the last", {
  model <- mixture_model(
    latent_class("c", 2), latent_factor("f", variance = ~c), outcome(u1:u4 ~ c + f, family = bernoulli())
  )
  expect_equal(fixed(model), c("f~~f[c=2]" = 1))
})

test_that("a second-order factor gets its unit from the first factor", {
  model <- mixture_model(
    latent_factor("g", scale = "loading"), latent_factor("f1", ~g), latent_factor("f2", ~g),
    outcome(u1:u4 ~ f1, family = bernoulli()), outcome(u5:u8 ~ f2, family = bernoulli())
  )
  expect_equal(fixed(model)[["f1~g"]], 1)
  expect_equal(vapply(resolve_model(model, data)$spec$latents, `[[`, "", "name"), c("g", "f1", "f2"))
})

test_that("what is not identified or does not fit is refused", {
  expect_snapshot(error = TRUE, {
    mixture_model(latent_class("c", 2), latent_factor("f", ~c), outcome(u1:u4 ~ c + f, family = bernoulli()))
    mixture_model(latent_factor("f"), outcome(u1 ~ I(f^2)))
    mixture_model(latent_factor("f", ~g), latent_factor("g", ~f), outcome(u1 ~ f + g))
    latent_factor("f", scale = "unit")
    mixture_model(latent_factor("f", variance = ~x), outcome(u1 ~ f))
  })
})

test_that("random loadings multiply the factor by a random effect", {
  model <- mixture_model(latent_factor("f"), outcome(u1:u2 ~ f + (0 + f | id), family = bernoulli()))
  terms <- resolve_model(model, data)$spec$outcomes[[1]]$predictors[[1]]$terms
  expect_equal(unclass(terms[[3]]$latents), c("u1.f@id", "f"))
  expect_equal(terms[[3]]$coefficient, list(constant = 1))
})
