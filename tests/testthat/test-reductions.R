# Models that must coincide: special cases with other programs' models, and data that say the same in two ways.

fit_once <- function(model, data, ..., starts = 1, integration = quadrature(points = 25, adaptive = FALSE)) {
  suppressMessages(suppressWarnings(
    mlmix(model, data, ..., starts = starts, seed = 1, threads = 1, integration = integration)
  ))
}

# Thirty clusters of five; class-specific lines, a random intercept, 0/1 items of the class.
reduction_data <- function() {
  withr::with_seed(21, {
    id <- rep(1:30, each = 5)
    x <- stats::rnorm(150)
    class <- 1 + (stats::runif(150) < 0.4)
    b <- stats::rnorm(30, 0, 0.8)[id]
    slope <- stats::rnorm(30, 0, 0.5)[id]
    item <- function() stats::rbinom(150, 1, c(0.85, 0.15)[class])
    data.frame(
      id, x, class, w = stats::rnorm(30)[id], y = 1 + (0.5 + slope) * x + b + stats::rnorm(150),
      z = c(2, -1)[class] + stats::rnorm(150), u = stats::rbinom(150, 1, stats::plogis(0.3 + 0.6 * x + b)),
      u1 = item(), u2 = item(), u3 = item(), u4 = item(), u5 = item()
    )
  })
}

items_model <- function(...) lca(u1:u5, k = 2, ...)

# Starting values: those given by name, fixed values, and 1 elsewhere.
with_values <- function(model, data, given) {
  table <- suppressMessages(parameters(model, data))
  values <- ifelse(table$free, 1, table$value)
  replace(values, match(names(given), table$name), given)
}

# Two fits with the same numbers; a Newton decrement below 1e-8 leaves estimates uncertain by 1e-4 of a standard error.
expect_same_fit <- function(a, b, tolerance = 1e-5) {
  expect_equal(a$log_likelihood, b$log_likelihood, tolerance = 1e-9)
  expect_equal(coef(a), coef(b), tolerance = tolerance)
  expect_equal(a$parameters$std.error, b$parameters$std.error, tolerance = 1e-3)
}

test_that("one class with random effects is lme4's linear mixed model", {
  skip_if_not_installed("lme4")
  data <- reduction_data()
  fit <- fit_once(mixture_model(outcome(y ~ x + (1 + x | id))), data, se = "observed")
  other <- lme4::lmer(y ~ x + (1 + x | id), data, REML = FALSE)
  expect_equal(fit$log_likelihood, as.numeric(logLik(other)), tolerance = 1e-8)
  covariance <- lme4::VarCorr(other)$id
  theirs <- c(lme4::fixef(other), stats::sigma(other)^2, covariance[1, 1], covariance[2, 2], covariance[1, 2])
  names <- c("y~1", "y~x", "y~~y", "y@id~~y@id", "y.x@id~~y.x@id", "y@id~~y.x@id")
  expect_equal(unname(coef(fit)[names]), unname(theirs), tolerance = 1e-3)
  expect_equal(unname(sqrt(diag(vcov(fit)))[1:2]), unname(sqrt(diag(as.matrix(vcov(other))))), tolerance = 0.02)
})

test_that("one class with a random intercept is lme4's logistic model", {
  skip_if_not_installed("lme4")
  data <- reduction_data()
  fit <- fit_once(mixture_model(outcome(u ~ x + (1 | id), family = bernoulli())), data, se = "observed",
    integration = quadrature(points = 41, adaptive = FALSE))
  other <- lme4::glmer(u ~ x + (1 | id), data, family = stats::binomial(), nAGQ = 25)
  expect_equal(fit$log_likelihood, as.numeric(logLik(other)), tolerance = 1e-6)
  theirs <- c(lme4::fixef(other), lme4::VarCorr(other)$id[1])
  expect_equal(unname(coef(fit)[c("u~1", "u~x", "u@id~~u@id")]), unname(theirs), tolerance = 1e-3)
})

test_that("one class and one factor is the two-parameter logistic model of the LSAT items", {
  fit <- fit_once(irt(item1:item5, type = "2pl"), lsat)
  expect_lt(abs(fit$log_likelihood - -2466.653), 1e-3)
})

test_that("random effects of variance zero leave latent class analysis", {
  data <- reduction_data()
  plain <- fit_once(items_model(), data, starts = c(5, 2))
  model <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(u1:u5 ~ c, family = bernoulli()),
    constrain(fix("c#1@id~~c#1@id" = 0)))
  random <- fit_once(model, data, control = mlmix_control(start_values = with_values(model, data, coef(plain))))
  expect_equal(random$log_likelihood, plain$log_likelihood, tolerance = 1e-9)
  expect_equal(coef(random)[names(coef(plain))], coef(plain), tolerance = 1e-6)
})

# Model 6 of the paper with a large variance of the class logit: all units of a cluster are in the same class (Model 5).
# The integrand is nearly a step: the default rule must find that out and refine itself.
test_that("a random class logit of huge variance approaches a between class variable", {
  data <- reduction_data()
  data$y <- data$y + c(3, -3)[1 + (data$id %% 3 == 0)]
  between <- fit_once(mixture_model(latent_class("c", 2, level = "between"), outcome(y ~ c * x), cluster = "id"),
    data, starts = c(5, 2))
  held_at <- function(variance) {
    model <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(y ~ c * x),
      constrain(fix("c#1@id~~c#1@id" = variance)))
    fit_once(model, data, starts = c(5, 2), integration = quadrature())
  }
  large <- held_at(100)
  huge <- held_at(1e4)
  expect_lt(abs(huge$integration$error), 0.02)
  expect_gt(huge$integration$points, 100)
  # -285.834 under 4,001 points; the maximum under fewer uses their steps a little
  expect_lt(abs(huge$log_likelihood - -285.834), 0.1)
  gap <- abs(c(large$log_likelihood, huge$log_likelihood) - between$log_likelihood)
  expect_lt(gap[[2]], 0.25)
  expect_lt(gap[[2]], 0.2 * gap[[1]])
  shared <- setdiff(names(coef(between)), "c#1~1")
  huge <- order_classes(huge, by = "size")
  between <- order_classes(between, by = "size")
  expect_equal(coef(huge)[shared], coef(between)[shared], tolerance = 0.05)
})

test_that("classes that are all known are groups", {
  data <- reduction_data()
  model <- mixture_model(latent_class("c", 2, known = "class"), outcome(z ~ c * x, variance = ~ c))
  fit <- fit_once(model, data)
  groups <- lapply(split(data, data$class), function(group) stats::lm(z ~ x, group))
  sizes <- as.numeric(table(data$class))
  expected <- sum(vapply(groups, function(g) as.numeric(logLik(g)), 0)) + sum(sizes * log(sizes / sum(sizes)))
  expect_equal(fit$log_likelihood, expected, tolerance = 1e-9)
  theirs <- vapply(groups, stats::coef, c(0, 0))
  names <- c("z~1[c=1]", "z~x[c=1]", "z~1[c=2]", "z~x[c=2]")
  expect_equal(unname(coef(fit)[names]), as.numeric(theirs), tolerance = 1e-6)
})

test_that("a frequency of 2 is the row twice; weights of 1 change nothing", {
  data <- reduction_data()
  once <- fit_once(items_model(), data, starts = c(5, 2))
  start <- mlmix_control(start_values = coef(once, fixed = TRUE))
  count <- rep(1:3, 50)
  counted <- fit_once(items_model(), data, frequency = count, control = start)
  repeated <- fit_once(items_model(), data[rep(1:150, count), ], control = start)
  expect_same_fit(counted, repeated)
  expect_equal(stats::nobs(counted), stats::nobs(repeated))
  expect_same_fit(fit_once(items_model(), data, weights = rep(1, 150), control = start), once)
})

test_that("a cluster twice is a cluster of weight 2", {
  data <- subset(reduction_data(), id <= 20)
  model <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(u1:u5 ~ c, family = bernoulli()))
  again <- rbind(data, transform(data[data$id <= 5, ], id = id + 100))
  twice <- fit_once(model, again, starts = c(4, 2), se = "none")
  start <- mlmix_control(start_values = coef(twice, fixed = TRUE))
  weight <- ifelse(data$id <= 5, 2, 1)
  weighted <- fit_once(model, data, cluster_weights = weight, control = start, se = "none")
  # cluster weights are rescaled to sum to the number of clusters: 20 instead of 25
  expect_equal(weighted$log_likelihood * 25 / 20, twice$log_likelihood, tolerance = 1e-9)
  expect_equal(coef(weighted), coef(twice), tolerance = 1e-4)
})

test_that("the order of rows, of clusters and of classes changes nothing", {
  data <- reduction_data()
  model <- mixture_model(latent_class("c", 2, ~ x + (1 | id)), outcome(u1:u5 ~ c, family = bernoulli()))
  fit <- fit_once(model, data, starts = c(4, 2))
  start <- coef(fit, fixed = TRUE)
  mixed <- withr::with_seed(2, sample(150))
  shuffled <- fit_once(model, data[mixed, ], control = mlmix_control(start_values = start))
  expect_same_fit(shuffled, fit)
  expect_equal(posterior(shuffled)[["c=1"]], posterior(fit)[["c=1"]][mixed], tolerance = 1e-5)

  exchanged <- names(start)
  exchanged <- ifelse(grepl("c=1", exchanged), sub("c=1", "c=2", exchanged), sub("c=2", "c=1", exchanged))
  logits <- grepl("^c#1~(1|x)$", names(start))
  relabelled <- ifelse(logits, -start, start[exchanged])
  other <- fit_once(model, data, control = mlmix_control(start_values = relabelled))
  expect_equal(other$log_likelihood, fit$log_likelihood, tolerance = 1e-9)
  expect_equal(coef(other), stats::setNames(relabelled, names(start)), tolerance = 1e-4)
  expect_equal(posterior(other)[["c=2"]], posterior(fit)[["c=1"]], tolerance = 1e-5)
})

test_that("threads do not change a bit, set.seed() governs, another seed gives other starts", {
  data <- reduction_data()
  model <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(u1:u5 ~ c, family = bernoulli()))
  run <- function(threads, seed = 7) {
    fit <- suppressMessages(suppressWarnings(mlmix(model, data, starts = c(4, 2), seed = seed, threads = threads)))
    fit[c("parameters", "vcov", "log_likelihood", "starts", "posterior_within", "latents", "seed")]
  }
  one <- run(1)
  expect_identical(run(2), one)
  set.seed(5)
  drawn <- run(1, NULL)
  set.seed(5)
  expect_identical(run(2, NULL), drawn)
  expect_false(identical(run(1, 8)$starts$stage1, one$starts$stage1))
})
