# The model with one class fewer made from a fit equals the one that is written down and fitted.

fewer <- function(fit, class = NULL, se = "none") {
  suppressMessages(suppressWarnings(
    fit_one_class_fewer(fit, class, starts = c(4, 2), seed = 1L, se = se, call = quote(blrt()))
  ))
}

expect_same_model <- function(made, written) {
  expect_equal(made$log_likelihood, written$log_likelihood, tolerance = 1e-7)
  expect_equal(made$n_free, written$n_free)
  expect_equal(made$parameters$name, written$parameters$name)
  expect_equal(made$data$classes, written$data$classes)
  expect_equal(made$data$latents, written$data$latents, ignore_attr = TRUE)
}

written <- function(...) suppressMessages(suppressWarnings(mlmix(..., starts = c(4, 2), seed = 1, threads = 1)))

test_that("a class variable of items", {
  made <- fewer(carcinoma_fit(3), se = "robust")
  expect_same_model(made, carcinoma_fit(2))
  expect_equal(sort(made$vcov[made$parameters$name == "c#1~1", ]), sort(carcinoma_fit(2)$vcov["c#1~1", ]),
    tolerance = 1e-3, ignore_attr = TRUE)
  expect_same_model(fewer(carcinoma_fit(2)), carcinoma_fit(1))
  expect_equal(made$call$model$classes[[1]]$k, 2L)
})

test_that("one of several class variables, or all that share parameters", {
  fit <- chain_fit()
  data <- as.data.frame(fit$data$columns)
  model <- function(a, b) {
    mixture_model(latent_class("c1", a), latent_class("c2", b, ~ c1), outcome(u1:u4 ~ c1, family = bernoulli()),
      outcome(v1:v4 ~ c2, family = bernoulli()))
  }
  expect_same_model(fewer(fit, "c1"), written(model(1, 2), data))
  expect_same_model(fewer(fit, "c2"), written(model(2, 1), data))
  expect_same_model(fewer(fit, c("c1", "c2")), written(model(1, 1), data))
  both <- fewer(invariant_lta_fit(), c("fall", "spring"))
  expect_same_model(both, written(lta(list(fall = u1:u4, spring = v1:v4), k = 1), data))
})

test_that("random class logits, three classes", {
  data <- withr::with_seed(3, {
    id <- rep(1:25, each = 6)
    class <- 1 + (runif(150) < 0.5) + (runif(150) < 0.4)
    item <- function() rbinom(150, 1, c(0.9, 0.5, 0.1)[class])
    data.frame(id, u1 = item(), u2 = item(), u3 = item(), u4 = item(), x = rnorm(150))
  })
  model <- function(k) mixture_model(latent_class("c", k, ~ x + (1 | id)), outcome(u1:u4 ~ c, family = bernoulli()))
  three <- written(model(3), data, se = "none", integration = quadrature(points = 7))
  made <- fewer(three)
  expect_equal(made$parameters$name, parameters(model(2), data)$name)
  expect_equal(made$data$latents$name, "c#1@id")
  two <- written(model(2), data, se = "none", integration = quadrature(points = 7))
  expect_equal(made$log_likelihood, two$log_likelihood, tolerance = 1e-5)
})

test_that("a class variable of clusters, and a latent variable that loses its use", {
  model <- mixture_model(latent_class("d", 1, level = "between"), outcome(y ~ d * x + (1 | id)))
  expect_same_model(fewer(regression_fit()), written(model, regression_data()))
  one <- fewer(random_logit_fit())
  expect_equal(one$data$latents$name, "y@id")
  expect_false(any(grepl("c#1", one$parameters$name)))
  grade <- written(gom(c(A, B, C, D), k = 3, random = "factor"), carcinoma, se = "none")
  expect_same_model(fewer(grade), written(gom(c(A, B, C, D), k = 2, random = "factor"), carcinoma, se = "none"))
})

test_that("names are renumbered as whole words", {
  expect_equal(renumber_class(c("u~1[c=3]", "u~1[c=2,d=3]", "c#2@id~~c#3@id", "abc#2~1", "c1=2"), "c"),
    c("u~1[c=2]", "u~1[c=1,d=3]", "c#1@id~~c#2@id", "abc#2~1", "c1=2"))
})

test_that("what has no model with one class fewer says so", {
  expect_snapshot(error = TRUE, {
    fewer(factor_fit())
    fewer(chain_fit())
    fewer(chain_fit(), "d")
    fewer(invariant_lta_fit(), "fall")
    fewer(certain_item_fit())
    fewer(carcinoma_fit(1))
  })
})
