test_that("gom() has class probabilities of its own for each person", {
  data <- binary_data(paste0("u", 1:15))
  expect_equal(n_free(gom(u1:u12, 2), data), 26)
  expect_equal(n_free(gom(u1:u15, 3), data), 50)
  expect_equal(n_free(gom(u1:u15, 3, random = "factor"), data), 49)
  expect_equal(n_free(gom(u1:u15, 4), data), 60 + 3 + 6)
  expect_equal(n_free(gom(u1:u15, 4, random = "factor"), data), 60 + 3 + 3)
  expect_equal(resolve_model(gom(u1:u12, 2), data)$items$u1$link, "probit")
  expect_equal(resolve_model(gom(u1:u12, 2, link = "logit"), data)$items$u1$link, "logit")
  expect_snapshot(error = TRUE, {
    gom(u1:u12, 1)
    gom(u1:u12, 2, random = "some")
  })
})

test_that("items with several categories keep thresholds by class", {
  names <- free_names(gom(o1:o3, 2, family = ordinal()), ordinal_data(paste0("o", 1:3), 3))
  expect_true("o2|t2[c=1]" %in% names)
})

test_that("items of every kind, of several kinds, and covariates of persons and items", {
  data <- withr::with_seed(4, {
    n <- 60
    data.frame(u1 = stats::rbinom(n, 1, 0.5), u2 = stats::rbinom(n, 1, 0.3),
      o1 = factor(sample(3, n, TRUE), ordered = TRUE), n1 = factor(sample(c("a", "b", "c"), n, TRUE)),
      y1 = stats::rnorm(n), y2 = stats::rnorm(n), age = stats::rnorm(n))
  })
  expect_equal(n_free(gom(c(y1, y2), 2, family = gaussian()), data), 4 + 2 + 2)
  mixed <- gom(c(u1, u2, o1, n1), 2)
  expect_equal(n_free(mixed, data), 4 + 4 + 4 + 2)
  with_numbers <- gom(c(u1, u2, o1, n1, y1, y2), 2, family = list("y1:y2" = gaussian()))
  expect_equal(n_free(with_numbers, data), 4 + 4 + 4 + 2 + 4 + 2)
  expect_snapshot(error = TRUE, {
    gom(c(u1, y1), 2, family = list(gaussian()))
    gom(c(u1, y1), 2, family = list(y2 = gaussian()))
    gom(c(u1, y1), 2, family = list(y1 = gaussian(), y1 = poisson()))
  })
  difficulty <- function(item) c(u1 = -1, u2 = 1, o1 = 0.5, n1 = 0, y1 = 2)[as.character(item)]
  model <- gom(c(u1, u2, o1, n1, y1), 2, predictors = ~ age + difficulty(item), family = list(y1 = gaussian()))
  resolved <- suppressMessages(resolve_model(model, data))
  expect_equal(resolved$columns[["difficulty(item)"]][1:5], c(-1, 1, 0.5, 0, 2))
  # at given parameters against plain integration over the person's random effect
  table <- resolved$parameters
  theta <- withr::with_seed(1, ifelse(table$kind == "threshold", NA, stats::rnorm(nrow(table), sd = 0.5)))
  theta[table$kind == "threshold"] <- c(-0.5, 0.7, 0.2, 1)
  theta[table$kind == "variance"] <- 1.5
  options <- fit_options(1, 1, "none", quadrature("rectangular", 81, adaptive = FALSE), 1, mlmix_control(), NULL)
  engine <- raw_evaluate(resolved$spec, resolved$columns, resolved$cluster,
    options = engine_options(options), parameters = theta)
  value <- stats::setNames(theta, table$name)
  z <- seq(-7, 7, length.out = 281)
  ordered_p <- function(y, c) {
    cut <- c(-Inf, value[sprintf("o1|t%d[c=%d]", 1:2, c)], Inf)
    diff(stats::pnorm(cut))[[y]]
  }
  nominal_p <- function(y, c) {
    odds <- exp(c(value[sprintf("n1#%d~1[c=%d]", 1:2, c)], 0))
    (odds / sum(odds))[[y]]
  }
  one <- function(i) {
    density <- stats::dnorm(z) * diff(z)[[1]]
    for (item in c("u1", "u2", "o1", "n1", "y1")) {
      g <- stats::plogis(value[["c#1~1"]] + value[["c#1~age"]] * data$age[[i]] +
        value[["c#1~difficulty(item)"]] * difficulty(item) + sqrt(1.5) * z)
      y <- as.numeric(data[[item]][[i]])
      p <- vapply(1:2, function(c) {
        switch(item, o1 = ordered_p(y, c), n1 = nominal_p(y, c),
          y1 = stats::dnorm(y, value[[sprintf("y1~1[c=%d]", c)]], sqrt(1.5)),
          stats::pnorm(c(-1, 1)[[y + 1]] * value[[sprintf("%s~1[c=%d]", item, c)]]))
      }, 0)
      density <- density * (g * p[[1]] + (1 - g) * p[[2]])
    }
    log(sum(density))
  }
  expect_equal(engine$log_likelihood, sum(vapply(seq_len(nrow(data)), one, 0)), tolerance = 1e-6)
})

test_that("a class logit whose slope runs off is stopped at one place from every start, and reported as a boundary", {
  fit <- suppressWarnings(mlmix(gom(c(A, B, C, D), k = 2, random = "factor"), carcinoma, starts = c(20, 6), seed = 3,
    threads = 1))
  slope <- fit$parameters[fit$parameters$name == "c#1~eta", ]
  expect_equal(abs(slope$estimate), 6400)
  expect_equal(slope$status, "boundary")
  final <- stats::na.omit(start_table(fit)$final)
  expect_length(final, 6)
  expect_lt(diff(range(final)), 1e-3)
})
