test_that("families are read in every spelling", {
  expect_equal(as_family(binomial("probit"))[c("type", "link")], list(type = "bernoulli", link = "probit"))
  expect_equal(as_family(gaussian)$type, "gaussian")
  expect_equal(as_family("zip")$type, "zero_inflated_poisson")
  expect_equal(as_family(negbin())$type, "negative_binomial")
  expect_equal(as_family(poisson())$type, "poisson")
})

test_that("unknown families and links are refused in words", {
  expect_snapshot(error = TRUE, {
    outcome(y ~ x, family = "weibull")
    outcome(y ~ x, family = Gamma())
    outcome(y ~ x, family = gaussian("log"))
    outcome(y ~ x, family = 3)
    ordinal("cloglog")
    censored()
    censored(lower = 3, upper = 1)
    outcome(u ~ c, family = bernoulli(), variance = ~c)
  })
})

test_that("each family writes its part of the specification", {
  data <- two_level_data("u1")
  data$n <- rpois(nrow(data), 3)
  data$m <- 5 - pmin(data$n, 5)
  data$o <- rep(1:3, length.out = nrow(data))
  family_of <- function(...) resolve_model(mixture_model(outcome(...)), data)$spec$outcomes[[1]]
  zip_part <- family_of(n ~ x, family = zero_inflated("poisson", zero = ~x))
  expect_equal(zip_part$family, list(type = "zero_inflated_poisson"))
  expect_length(zip_part$predictors, 2)
  expect_equal(family_of(o ~ x, family = nominal())$family, list(type = "nominal", n_categories = 3L))
  expect_length(family_of(o ~ x, family = nominal())$predictors, 2)
  expect_length(family_of(o ~ x, family = ordinal())$auxiliary, 2)
  expect_equal(family_of(n ~ x, family = censored(lower = 0))$family, list(type = "censored", lower = 0, upper = NULL))
  counts <- resolve_model(mixture_model(outcome(cbind(n, m) ~ x, family = binomial())), data)
  expect_equal(counts$spec$outcomes[[1]]$family$type, "binomial")
  expect_equal(counts$columns[[counts$spec$outcomes[[1]]$family$trials]], as.numeric(data$n + data$m))
  expect_equal(free_names(mixture_model(outcome(n ~ x, family = zero_inflated("negbin", zero = ~x))), data),
    c("n~1", "n~x", "n^zero~1", "n^zero~x", "n^disp"))
})
