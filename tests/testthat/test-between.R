data <- two_level_data()

test_that("targets stand for their random effects", {
  model <- mixture_model(outcome(y ~ x + (1 + x | id)), between(y.x ~ w))
  expect_true("y.x@id~w" %in% free_names(model, data))
})

test_that("a class variable stands for all its logits", {
  model <- mixture_model(
    latent_class("c", 3, ~ (1 | id)), latent_class("e", 3, ~ (1 | id)),
    outcome(u1:u4 ~ c, family = bernoulli()), outcome(u5:u8 ~ e, family = bernoulli()), between(e ~ c)
  )
  names <- free_names(model, data)
  expect_true(all(paste0("e#", c(1, 1, 2, 2), "@id~c#", 1:2, "@id") %in% names))
  one <- mixture_model(
    latent_class("c", 3, ~ (1 | id)), latent_class("e", 3, ~ (1 | id)),
    outcome(u1:u4 ~ c, family = bernoulli()), outcome(u5:u8 ~ e, family = bernoulli()), between(`e#1` ~ `c#2`)
  )
  expect_equal(sum(grepl("@id~[^~]", free_names(one, data))), 1)
})

test_that("latents come after those they depend on", {
  model <- mixture_model(
    latent_class("c2", 2, ~ (1 | id)), latent_class("c1", 2, ~ (1 | id)),
    outcome(u1:u4 ~ c1, family = bernoulli()), outcome(u5:u8 ~ c2, family = bernoulli()), between(c2 ~ c1)
  )
  names <- vapply(resolve_model(model, data)$spec$latents, `[[`, "", "name")
  expect_equal(names, c("c1#1@id", "c2#1@id"))
})

test_that("a between class shifts a random effect by 0 in its last class", {
  model <- mixture_model(latent_class("d", 2, level = "between"), outcome(y ~ x + (1 | id)), between(y ~ d))
  table <- resolve_model(model, data)$parameters
  expect_equal(table$name[!table$free], "y@id~1[d=2]")
})

test_that("a regression takes the place of a covariance", {
  names <- free_names(mixture_model(outcome(y ~ x + (1 + x | id)), between(y.x ~ y)), data)
  expect_true("y.x@id~y@id" %in% names)
  expect_false("y@id~~y.x@id" %in% names)
})

test_that("between factors and random intercepts of factors can be regressed", {
  factors <- mixture_model(
    latent_factor("g", level = "between"), latent_factor("h", level = "between"), cluster = "id",
    outcome(u1:u4 ~ g, family = bernoulli()), outcome(u5:u8 ~ h, family = bernoulli()), between(h ~ g + w)
  )
  expect_true(all(c("h~g", "h~w") %in% free_names(factors, data)))
  within <- mixture_model(latent_factor("f", ~ (1 | id)), outcome(u1:u4 ~ f, family = bernoulli()), between(f ~ w))
  expect_true("f@id~w" %in% free_names(within, data))
})

test_that("mistakes are explained", {
  expect_snapshot(error = TRUE, {
    between(y ~ x + (1 | id))
    between(y ~ 1)
    resolve_model(mixture_model(outcome(y ~ x), between(y ~ w), cluster = "id"), data)
    resolve_model(mixture_model(outcome(y ~ x + (1 | id)), between(y ~ x)), data)
    resolve_model(
      mixture_model(latent_class("d", 2, level = "between"), outcome(y ~ d + (1 | id)), between(y ~ d)), data
    )
    resolve_model(mixture_model(outcome(y ~ 1 + (1 + x | id)), between(y ~ y.x), between(y.x ~ y)), data)
  })
})
