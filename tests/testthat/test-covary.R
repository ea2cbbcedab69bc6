data <- two_level_data()
data$z <- rev(data$y)

test_that("covariances among residuals, by class too", {
  two <- latent_class("c", 2)
  expect_true("y~~z" %in% free_names(mixture_model(two, outcome(c(y, z) ~ c), covary(y, z)), data))
  by_class <- mixture_model(two, outcome(c(y, z) ~ c), covary(y, z, by = ~c))
  expect_true(all(c("y~~z[c=1]", "y~~z[c=2]") %in% free_names(by_class, data)))
})

test_that("random effects of different equations can covary", {
  model <- mixture_model(outcome(c(y, z) ~ x + (1 | id)), covary(`y@id`, `z@id`))
  resolved <- resolve_model(model, data)
  expect_true("y@id~~z@id" %in% resolved$parameters$name)
  expect_equal(resolved$spec$covariances[[1]][c("a", "b")], list(a = "y@id", b = "z@id"))
})

test_that("one name with by gives a variance by class", {
  model <- mixture_model(latent_class("d", 2, level = "between"), outcome(y ~ d + (1 | id)), covary(`y@id`, by = ~d))
  expect_true(all(c("y@id~~y@id[d=1]", "y@id~~y@id[d=2]") %in% free_names(model, data)))
})

test_that("mistakes are explained", {
  expect_snapshot(error = TRUE, {
    covary(y)
    covary(y, y)
    resolve_model(mixture_model(outcome(y ~ x), covary(y, q)), data)
    resolve_model(mixture_model(latent_class("c", 2), outcome(u1:u2 ~ c, family = bernoulli()), covary(u1, u2)), data)
    resolve_model(mixture_model(latent_factor("f"), outcome(c(y, z) ~ f), covary(y, f)), data)
    mixture_model(outcome(c(y, z) ~ x), covary(y, z, by = ~x))
  })
})
