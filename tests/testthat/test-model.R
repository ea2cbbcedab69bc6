test_that("a model is a plain list without data", {
  model <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(u1:u8 ~ c, family = bernoulli()))
  expect_s3_class(model, "mlmix_model")
  expect_equal(model$cluster, "id")
  expect_length(model$classes, 1)
  expect_equal(model$outcomes[[1]]$names, paste0("u", 1:8))
})

test_that("class variables are put in the order of their dependence", {
  model <- mixture_model(latent_class("c2", 2, ~c1), latent_class("c1", 2), outcome(u1 ~ c1), outcome(u2 ~ c2))
  expect_equal(vapply(model$classes, `[[`, "", "name"), c("c1", "c2"))
})

test_that("mistakes in a model are explained", {
  expect_snapshot(error = TRUE, {
    mixture_model(y ~ x)
    mixture_model(outcome(y ~ x), clusters = "id")
    mixture_model(latent_class("c", 2))
    mixture_model(latent_class("c", 2), outcome(y ~ x))
    mixture_model(latent_class("c", 2), latent_factor("c"), outcome(y ~ c))
    mixture_model(outcome(y ~ x), outcome(y ~ z))
    mixture_model(outcome(y ~ x + (1 | id)), outcome(z ~ (1 | school)))
    mixture_model(latent_class("a", 2, ~b), latent_class("b", 2, ~a), outcome(y ~ a + b))
    mixture_model(latent_class("d", 2, ~c, level = "between"), latent_class("c", 2), outcome(y ~ c))
    mixture_model(latent_class("c", 2), outcome(y ~ c + (c | id)))
    mixture_model(outcome(y ~ x), cluster = 3)
  })
})

test_that("parts are added to a model that is there", {
  base <- gom(c(A, B, C, D), k = 2)
  more <- mixture_model(base, constrain(fix("A~1[c=1]" = -3)))
  expect_identical(more[setdiff(names(more), "constraints")], base[setdiff(names(base), "constraints")])
  expect_equal(parameters(more, carcinoma)$value[[1]], -3)
  both <- mixture_model(lca(c(A, B), k = 2), outcome(C ~ c))
  expect_equal(unlist(lapply(both$outcomes, `[[`, "names")), c("A", "B", "C"))
})
