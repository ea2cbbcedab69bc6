# irt_parameters(): published values of the LSAT, closed forms, and the likelihood rebuilt from a, b, g and u.

of <- function(table, parameter, column = "estimate") table[[column]][table$parameter == parameter]

lsat_fit <- function(type) {
  remember(paste("lsat", type), mlmix(irt(item1:item5, type), lsat, starts = 1, seed = 1, threads = 1, se = "observed"))
}

# The log-likelihood of right and wrong responses by a plain grid over theta.
irt_log_likelihood <- function(data, a, b, g = 0, u = 1, cdf = stats::plogis) {
  theta <- seq(-8, 8, length.out = 401)
  n <- length(b)
  right <- function(t) rep(g, length.out = n) + (rep(u, length.out = n) - g) * cdf(a * (t - b))
  wrong <- function(t) rep(1 - u, length.out = n) + (rep(u, length.out = n) - g) * cdf(-a * (t - b))
  y <- as.matrix(data)
  log_given <- y %*% log(vapply(theta, right, numeric(n))) + (1 - y) %*% log(vapply(theta, wrong, numeric(n)))
  sum(log(exp(log_given) %*% (stats::dnorm(theta) * diff(theta)[[1]])))
}

test_that("the LSAT has its published Rasch and two-parameter estimates (R package ltm)", {
  rasch <- irt_parameters(lsat_fit("rasch"))
  expect_equal(of(rasch, "b"), c(-3.6153, -1.3224, -0.3176, -1.7301, -2.7802), tolerance = 1e-4)
  expect_equal(of(rasch, "b", "std.error"), c(0.3266, 0.1422, 0.0977, 0.1691, 0.2510), tolerance = 1e-3)
  expect_equal(of(rasch, "a"), rep(0.7551, 5), tolerance = 1e-4)
  expect_equal(of(rasch, "a", "std.error"), rep(0.0694, 5), tolerance = 1e-3)
  two <- irt_parameters(lsat_fit("2pl"))
  # ltm integrates with 21 points, so the published values are good to about 0.003
  expect_equal(of(two, "a"), c(0.8254, 0.7229, 0.8905, 0.6886, 0.6575), tolerance = 2e-3)
  expect_equal(of(two, "b"), c(-3.3597, -1.3696, -0.2799, -1.8659, -3.1236), tolerance = 2e-3)
  expect_equal(of(two, "b", "std.error"), c(0.8669, 0.3073, 0.0997, 0.4341, 0.8700), tolerance = 5e-3)
  expect_equal(irt_log_likelihood(lsat, of(two, "a"), of(two, "b")), lsat_fit("2pl")$log_likelihood, tolerance = 1e-8)
  expect_snapshot(irt_parameters(lsat_fit("rasch")))
})

test_that("standard errors agree with the delta method by hand", {
  fit <- lsat_fit("2pl")
  v <- vcov(fit)[c("item2~1", "item2~f"), c("item2~1", "item2~f")]
  e <- coef(fit)[c("item2~1", "item2~f")]
  slope <- c(-1 / e[[2]], e[[1]] / e[[2]]^2)
  table <- irt_parameters(fit, D = 1.7)
  at <- table$item == "item2"
  expect_equal(table$std.error[at & table$parameter == "b"], sqrt(drop(slope %*% v %*% slope)), tolerance = 1e-6)
  expect_equal(table$estimate[at & table$parameter == "a"], e[[2]] / 1.7)
})

guessed <- function(type, n = 1500) {
  remember(paste("guessed", type), {
    data <- withr::with_seed(5, {
      theta <- stats::rnorm(n)
      top <- if (type == "4pl") 0.85 else 1
      items <- lapply(seq(-1.2, 1.2, length.out = 8), function(b) {
        stats::rbinom(n, 1, 0.2 + (top - 0.2) * stats::plogis(1.4 * (theta - b)))
      })
      stats::setNames(as.data.frame(items), paste0("u", 1:8))
    })
    fit <- mlmix(irt(u1:u8, type), data, starts = c(3, 1), seed = 1, threads = 1,
      integration = quadrature("rectangular", 81, adaptive = FALSE), se = "none",
      control = mlmix_control(max_iterations = 20)) # before slopes grow too steep for any grid
    list(fit = fit, data = data)
  })
}

test_that("a, b, g and u rebuild the likelihood of the 3PL and the 4PL", {
  for (type in c("3pl", "4pl")) {
    case <- guessed(type)
    table <- irt_parameters(case$fit)
    u <- if (type == "4pl") of(table, "u") else 1
    rebuilt <- irt_log_likelihood(case$data, of(table, "a"), of(table, "b"), of(table, "g"), u)
    expect_equal(rebuilt, case$fit$log_likelihood, tolerance = 1e-6, label = type)
    expect_equal(irt_parameters(case$fit)$parameter[1:3], c("a", "b", "g"))
  }
  e <- coef(case$fit)
  odds <- exp(c(e[["guess#1~itemu5"]], e[["guess#2~itemu5"]], 0))
  at <- table$item == "u5"
  expect_equal(table$estimate[at & table$parameter == "g"], odds[[1]] / sum(odds))
  expect_equal(table$estimate[at & table$parameter == "u"], 1 - odds[[2]] / sum(odds))
})

test_that("graded items and classes have their rows; what has no difficulty is refused", {
  data <- withr::with_seed(2, {
    f <- stats::rnorm(300)
    cut3 <- function(b) factor(findInterval(f + stats::rlogis(300) / 1.5, c(b - 0.7, b + 0.7)), ordered = TRUE)
    data.frame(u1 = cut3(0), u2 = cut3(0.3), u3 = cut3(-0.4), x = stats::rnorm(300))
  })
  fit <- mlmix(irt(u1:u3), data, starts = 1, seed = 1, threads = 1)
  e <- coef(fit)
  table <- irt_parameters(fit)
  expect_equal(unique(table$parameter), c("a", "b1", "b2"))
  expect_equal(table$estimate[1:3], unname(c(e[["u1~f"]], e[c("u1|t1", "u1|t2")] / e[["u1~f"]])))
  mixture <- mlmix(fma(c(dentist1, dentist2, dentist3, dentist4, dentist5), 2), dentistry, frequency = frequency,
    starts = c(3, 1), seed = 1, threads = 1)
  rows <- irt_parameters(mixture)
  expect_equal(unique(rows$class), c("c=1", "c=2"))
  e <- coef(mixture)
  expect_equal(rows$estimate[rows$item == "dentist3" & rows$class == "c=2"],
    unname(c(e["dentist3~f"], -e["dentist3~1[c=2]"] / e["dentist3~f"])))
  covariate <- mixture_model(latent_factor("f"), outcome(u1:u3 ~ f + x, family = ordinal()))
  expect_snapshot(error = TRUE, {
    irt_parameters(carcinoma_fit(2))
    irt_parameters(fit, D = 0)
    irt_parameters(mlmix(covariate, data, starts = 1, seed = 1, threads = 1, se = "none"))
  })
})
