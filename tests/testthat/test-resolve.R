data <- cbind(two_level_data(), ordinal_data(paste0("o", 1:5), n = 72))

test_that("the models of Asparouhov and Muthen have their numbers of parameters", {
  two_level <- mixture_model(
    latent_class("c", 2, ~ (1 | id)), latent_factor("f", ~ c + (1 | id), scale = "loading"),
    outcome(o1:o5 ~ f, family = ordinal("logit"))
  )
  expect_equal(n_free(two_level, data), 24)
  waves <- binary_data(c(paste0("fall", 1:10), paste0("spring", 1:10)))
  waves$room <- rep(1:10, each = 6)
  transitions <- mixture_model(
    latent_class("c1", 2, ~ (1 | room)), latent_class("c2", 2, ~ c1 + (1 | room)),
    outcome(fall1:fall10 ~ c1, family = bernoulli()),
    outcome(spring1:spring10 ~ c2, family = bernoulli(), like = fall1:fall10), between(c2 ~ c1)
  )
  expect_equal(n_free(transitions, waves), 26)
  expect_equal(n_free(mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c * x + (1 | id))), data), 7)
  expect_equal(n_free(mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x + (1 | id))), data), 8)
  both <- mixture_model(
    latent_class("d", 2, ~w, level = "between"), latent_class("c", 3, ~ d + x + (1 | id)),
    outcome(u1:u8 ~ c, family = bernoulli())
  )
  expect_equal(n_free(both, data), 35)
  npmle <- mixture_model(
    latent_class("m", 4, level = "between"), outcome(u1 ~ m + x, family = bernoulli()), cluster = "id"
  )
  expect_equal(n_free(npmle, data), 8)
})

test_that("the specification follows the format", {
  model <- mixture_model(latent_class("c", 2, ~ x + (1 | id)), outcome(y ~ c + (1 | id)))
  spec <- resolve_model(model, data)$spec
  expect_named(spec, c("version", "classes", "latents", "covariances", "outcomes", "parameters", "constraints"))
  expect_named(spec$classes[[1]], c("name", "level", "n_classes", "logits", "known"))
  expect_named(spec$latents[[1]], c("name", "level", "predictor", "variance"))
  expect_named(spec$outcomes[[1]], c("name", "column", "level", "family", "predictors", "auxiliary"))
  expect_named(spec$outcomes[[1]]$predictors[[1]]$terms[[1]], c("coefficient", "covariate", "latents"))
  expect_snapshot(cat(jsonlite::prettify(to_spec_json(spec), indent = 2)))
})

test_that("every index points into the table, and every parameter is used", {
  model <- mixture_model(
    latent_class("d", 2, ~w, level = "between"), latent_class("c", 3, ~ d + x + (1 | id)), latent_factor("f"),
    outcome(u1:u8 ~ c * f, family = bernoulli()), constrain(equal("u1~f[c=1]", "u2~f[c=1]"))
  )
  resolved <- resolve_model(model, data)
  collect <- function(x) {
    if (!is.list(x)) return(integer(0))
    own <- if (!is.null(x[["parameter"]])) x[["parameter"]] else if (!is.null(x[["by"]])) unclass(x[["parameters"]])
    c(own, unlist(lapply(x, collect)))
  }
  used <- collect(resolved$spec[c("classes", "latents", "covariances", "outcomes")])
  expect_setequal(used, seq_len(nrow(resolved$parameters)) - 1)
  expect_equal(resolved$parameters$id, seq_len(nrow(resolved$parameters)))
})

test_that("covariates become columns with R's coding, also for new data", {
  data$g <- factor(rep(c("a", "b", "d"), length.out = nrow(data)))
  resolved <- resolve_model(mixture_model(outcome(y ~ g * x + poly(w, 2) + I(x^2))), data)
  expected <- stats::model.matrix(~ g * x + poly(w, 2) + I(x^2), data)[, -1]
  covariates <- resolved$columns[setdiff(names(resolved$columns), "y")]
  expect_setequal(names(covariates), colnames(expected))
  expect_equal(do.call(cbind, covariates)[, colnames(expected)], expected, ignore_attr = TRUE)
  again <- new_columns(resolved, data[5:9, ])
  expect_equal(again[["poly(w, 2)2"]], covariates[["poly(w, 2)2"]][5:9])
  expect_equal(again[["gb:x"]], covariates[["gb:x"]][5:9])
})

test_that("without an intercept a factor covariate has a column for each level", {
  data$g <- factor(rep(c("a", "b"), length.out = nrow(data)))
  expect_equal(free_names(mixture_model(outcome(y ~ 0 + g)), data)[1:2], c("y~ga", "y~gb"))
  two <- latent_class("c", 2)
  expect_equal(free_names(mixture_model(two, outcome(y ~ c * g)), data)[1:4],
    c("y~1[c=1]", "y~1[c=2]", "y~gb[c=1]", "y~gb[c=2]"))
  expect_equal(free_names(mixture_model(two, outcome(y ~ 0 + g:c)), data)[1:4],
    c("y~ga[c=1]", "y~ga[c=2]", "y~gb[c=1]", "y~gb[c=2]"))
})

test_that("a constant where the formula was written may stand in it", {
  k <- 10
  resolved <- resolve_model(mixture_model(outcome(y ~ I(x * k))), data)
  expect_equal(resolved$columns[["I(x * k)"]], data$x * 10)
})

test_that("a variable can be outcome and predictor", {
  resolved <- resolve_model(mixture_model(outcome(u1 ~ x, family = bernoulli()), outcome(y ~ u1)), data)
  expect_equal(resolved$spec$outcomes[[2]]$predictors[[1]]$terms[[2]]$covariate, "u1")
})

test_that("levels and clusters are checked against data", {
  expect_snapshot(error = TRUE, {
    resolve_model(list(), data)
    resolve_model(mixture_model(latent_class("d", 2, level = "between"), outcome(y ~ d)), data)
    resolve_model(mixture_model(outcome(y ~ (1 | id))), data, cluster = "x")
    resolve_model(mixture_model(latent_class("d", 2, ~x, level = "between"), outcome(y ~ d), cluster = "id"), data)
    resolve_model(mixture_model(outcome(y ~ w + (1 + w | id))), data)
    resolve_model(mixture_model(outcome(y ~ (1 | id))), data[1:6, ])
    resolve_model(mixture_model(outcome(y ~ log(x))), transform(data, x = 0))
    resolve_model(mixture_model(latent_factor("f", scale = "loading"), outcome(y ~ x + I(2 * x)),
      latent_class("c", 2, ~f), outcome(u1 ~ c)), data)
  })
})

test_that("outcomes of one equation are resolved as with equations of their own", {
  data <- data.frame(a = c(0, 1, 1, 0), b = c(1, 0, 1, 0), d = c(0, 0, 1, 1), e = c(1, 1, 0, 0), x = 1:4)
  class <- latent_class("c", 2)
  yes <- bernoulli()
  together <- mixture_model(class, outcome(c(a, b) ~ c * x, yes), outcome(c(d, e) ~ c * x, yes, like = c(b, a)))
  apart <- mixture_model(class, outcome(a ~ c * x, yes), outcome(b ~ c * x, yes), outcome(d ~ c * x, yes, like = b),
    outcome(e ~ c * x, yes, like = a))
  same <- c("spec", "parameters", "columns")
  expect_identical(resolve_model(together, data)[same], resolve_model(apart, data)[same])
})
