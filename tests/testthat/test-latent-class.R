test_that("a class variable is a plain list", {
  part <- latent_class("c", 3, ~x, level = "between", known = "group")
  expect_s3_class(part, "mlmix_class")
  expect_equal(part[c("name", "k", "level", "known")], list(name = "c", k = 3L, level = "between", known = "group"))
})

test_that("arguments are checked at once", {
  expect_snapshot(error = TRUE, {
    latent_class("c", 2.5)
    latent_class("c", 0)
    latent_class("c", "two")
    latent_class("1c", 2)
    latent_class(c, 2)
    latent_class("c", 2, level = "top")
    latent_class("d", 2, ~ (1 | id), level = "between")
    latent_class("c", 2, known = 3)
  })
})

test_that("known classes become a column", {
  data <- two_level_data()
  data$g <- factor(rep(c("a", "b", NA), length.out = nrow(data)))
  model <- mixture_model(latent_class("c", 2, known = "g"), outcome(u1:u8 ~ c, family = bernoulli()))
  resolved <- resolve_model(model, data)
  expect_equal(resolved$spec$classes[[1]]$known, "g")
  expect_equal(resolved$columns$g[1:3], c(1, 2, NA))
  expect_equal(resolved$classes$c$labels, c("a", "b"))
  data$g <- rep(1:3, length.out = nrow(data))
  expect_snapshot(error = TRUE, resolve_model(model, data))
})

test_that("one class needs no logit", {
  resolved <- resolve_model(lca(u1:u8, 1), two_level_data())
  expect_length(resolved$spec$classes[[1]]$logits, 0)
  expect_equal(sum(resolved$parameters$free), 8)
})
