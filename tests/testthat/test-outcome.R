data <- cbind(two_level_data(), ordinal_data(paste0("o", 1:3), n = 72))
two <- latent_class("c", 2)
three <- latent_class("d", 3)

test_that("class variables give cell means, never contrasts", {
  expect_equal(free_names(mixture_model(two, outcome(y ~ c * x)), data),
    c("y~1[c=1]", "y~1[c=2]", "y~x[c=1]", "y~x[c=2]", "y~~y", "c#1~1"))
  expect_equal(free_names(mixture_model(two, outcome(y ~ c + x)), data),
    c("y~1[c=1]", "y~1[c=2]", "y~x", "y~~y", "c#1~1"))
  expect_equal(free_names(mixture_model(two, outcome(y ~ 0 + c:x)), data),
    c("y~x[c=1]", "y~x[c=2]", "y~~y", "c#1~1"))
})

test_that("a product of classes gives an intercept per pair, the first varying fastest", {
  model <- mixture_model(two, three, outcome(y ~ c:d))
  expect_equal(free_names(model, data)[1:6],
    c("y~1[c=1,d=1]", "y~1[c=2,d=1]", "y~1[c=1,d=2]", "y~1[c=2,d=2]", "y~1[c=1,d=3]", "y~1[c=2,d=3]"))
  expect_equal(free_names(mixture_model(two, three, outcome(y ~ c * d)), data), free_names(model, data))
  coefficient <- resolve_model(model, data)$spec$outcomes[[1]]$predictors[[1]]$terms[[1]]$coefficient
  expect_equal(unclass(coefficient$by), c("c", "d"))
  expect_equal(unclass(coefficient$parameters), 0:5)
})

test_that("an added class has the effect 0 in its last class", {
  table <- resolve_model(mixture_model(two, three, outcome(y ~ c + d)), data)$parameters
  expect_equal(table$name[!table$free], "y~1[d=3]")
})

test_that("thresholds vary by the classes that the intercept varies by", {
  names <- free_names(mixture_model(two, outcome(o1 ~ c + x, family = ordinal())), data)
  expect_equal(names, c("o1|t1[c=1]", "o1|t2[c=1]", "o1|t3[c=1]", "o1|t1[c=2]", "o1|t2[c=2]", "o1|t3[c=2]", "o1~x", "c#1~1"))
  expect_true("o1|t1" %in% free_names(mixture_model(two, outcome(y ~ c), outcome(o1 ~ x, family = ordinal())), data))
})

test_that("ordinal thresholds hold one coefficient for each threshold, by class", {
  spec <- resolve_model(mixture_model(two, outcome(o1 ~ c, family = ordinal())), data)$spec
  auxiliary <- spec$outcomes[[1]]$auxiliary
  expect_equal(unclass(auxiliary[[1]]$parameters), c(0L, 3L))
  expect_length(spec$outcomes[[1]]$predictors[[1]]$terms, 0)
})

test_that("nominal outcomes have a predictor for each category but the last", {
  names <- free_names(mixture_model(two, outcome(o1 ~ c, family = nominal())), data)
  expect_equal(names, c("o1#1~1[c=1]", "o1#1~1[c=2]", "o1#2~1[c=1]", "o1#2~1[c=2]", "o1#3~1[c=1]", "o1#3~1[c=2]", "c#1~1"))
})

test_that("variance = ~ c gives residual variances by class", {
  expect_true(all(c("y~~y[c=1]", "y~~y[c=2]") %in% free_names(mixture_model(two, outcome(y ~ c, variance = ~c)), data)))
})

test_that("like shares all parameters, one by one", {
  model <- mixture_model(
    latent_class("c1", 2), latent_class("c2", 2, ~c1),
    outcome(u1:u4 ~ c1, family = bernoulli()), outcome(u5:u8 ~ c2, family = bernoulli(), like = u1:u4)
  )
  resolved <- resolve_model(model, data)
  expect_equal(sum(resolved$parameters$free), 8 + 3)
  terms <- lapply(resolved$spec$outcomes[c(2, 6)], function(o) o$predictors[[1]]$terms[[1]]$coefficient)
  expect_equal(unclass(terms[[1]]$parameters), unclass(terms[[2]]$parameters))
  expect_equal(unclass(terms[[2]]$by), "c2")
})

test_that("like is checked", {
  expect_snapshot(error = TRUE, {
    outcome(u5:u8 ~ c, like = u1:u3)
    mixture_model(two, outcome(u1 ~ c), outcome(u2 ~ c, like = v1))
    mixture_model(two, outcome(u1 ~ c, family = bernoulli()), outcome(u2 ~ c, like = u1))
    resolve_model(mixture_model(two, outcome(u1 ~ c, family = bernoulli()),
      outcome(u2 ~ c + x, family = bernoulli(), like = u1)), data)
  })
})

test_that("random effects are latents with coefficient 1", {
  resolved <- resolve_model(mixture_model(outcome(y ~ x + (1 + x | id))), data)
  expect_equal(resolved$latents$name, c("y@id", "y.x@id"))
  expect_equal(resolved$parameters$name, c("y~1", "y~x", "y~~y", "y@id~~y@id", "y.x@id~~y.x@id", "y@id~~y.x@id"))
  expect_length(resolve_model(mixture_model(outcome(y ~ x + (1 + x || id))), data)$spec$covariances, 0)
})

test_that("outcomes between have one value per cluster", {
  expect_snapshot(error = TRUE, {
    resolve_model(mixture_model(outcome(y ~ w, level = "between"), outcome(u1 ~ x), cluster = "id"), data)
    outcome(w ~ x + (1 | id), level = "between")
  })
  model <- mixture_model(outcome(y ~ x + (1 | id)), outcome(w ~ 1, level = "between"))
  expect_equal(resolve_model(model, data)$spec$outcomes[[2]]$level, "between")
})
