# plausible_draws(): frequencies and moments of many draws against the posterior, alone and jointly.

# So many standard errors of a frequency of p in m draws.
within_error <- function(observed, p, m, z = 4.5) expect_lt(max(abs(observed - p) / sqrt(p * (1 - p) / m + 1 / m^2)), z)

test_that("classes of units come as often as their posterior says, also in combination", {
  fit <- carcinoma_fit(3)
  draws <- plausible_draws(fit, m = 300, seed = 1)
  p <- posterior(fit)
  for (k in 1:3) within_error(rowMeans(sapply(draws, function(d) d$c == k)), p[[paste0("c=", k)]], 300)
  expect_named(draws[[1]], c("row", "c"))
  expect_equal(draws[[1]]$row, 1:118)
  chain <- plausible_draws(chain_fit(), m = 200, seed = 2)
  joint <- posterior(chain_fit(), joint = TRUE)
  observed <- rowMeans(sapply(chain, function(d) d$c1 == 1 & d$c2 == 2))
  within_error(observed, joint$`c1=1,c2=2`, 200)
})

test_that("seeds govern, and R's generator is put back", {
  fit <- carcinoma_fit(2)
  set.seed(3)
  before <- .Random.seed
  a <- plausible_draws(fit, m = 2, seed = 5)
  expect_identical(.Random.seed, before)
  expect_identical(a, plausible_draws(fit, m = 2, seed = 5))
  expect_false(identical(a[[1]], a[[2]]))
  expect_equal(attr(a, "seed"), 5)
  set.seed(3)
  b <- plausible_draws(fit, m = 1)
  set.seed(3)
  expect_identical(plausible_draws(fit, m = 1), b)
})

test_that("a mixed model: random intercept and slope have their exact joint posterior", {
  data <- withr::with_seed(4, {
    id <- rep(1:30, each = 4)
    x <- rep(0:3, 30)
    b <- matrix(stats::rnorm(60), 30) %*% chol(matrix(c(1, 0.4, 0.4, 0.5), 2))
    data.frame(id, x, y = b[id, 1] + b[id, 2] * x + stats::rnorm(120, 0, 0.7))
  })
  fit <- mlmix(mixture_model(outcome(y ~ x + (1 + x | id))), data, starts = 1, seed = 1, threads = 1, se = "none")
  theta <- stats::coef(fit, fixed = TRUE)
  z <- cbind(1, 0:3)
  g <- matrix(theta[c("y@id~~y@id", "y@id~~y.x@id", "y@id~~y.x@id", "y.x@id~~y.x@id")], 2)
  vcov <- solve(solve(g) + crossprod(z) / theta[["y~~y"]])
  first <- data$y[1:4] - theta[["y~1"]] - theta[["y~x"]] * 0:3
  mean <- as.numeric(vcov %*% crossprod(z, first)) / theta[["y~~y"]]
  draws <- plausible_draws(fit, m = 800, seed = 2)
  expect_true(all(attr(draws, "how")$how == "exact"))
  b <- t(sapply(draws, function(d) c(d$`y@id`[1], d$`y.x@id`[1])))
  expect_lt(max(abs(colMeans(b) - mean) / sqrt(diag(vcov) / 800)), 4.5)
  expect_equal(stats::var(b), vcov, tolerance = 0.25)
  expect_equal(draws[[1]]$`y@id`[1:4], rep(draws[[1]]$`y@id`[1], 4))
})

test_that("a factor within classes: exact given the class, so the mixture has the posterior's moments", {
  data <- withr::with_seed(8, {
    c <- 1 + (stats::runif(250) < 0.4)
    f <- stats::rnorm(250)
    y <- sapply(1:4, function(j) c(0, 2.5)[c] + 0.8 * f + stats::rnorm(250, 0, 0.6))
    colnames(y) <- paste0("y", 1:4)
    data.frame(y)
  })
  model <- mixture_model(latent_class("c", 2), latent_factor("f"), outcome(y1:y4 ~ c + f))
  fit <- suppressWarnings(mlmix(model, data, starts = c(4, 2), seed = 1, threads = 1, se = "none"))
  draws <- plausible_draws(fit, m = 150, seed = 1)
  f <- sapply(draws, function(d) d$f)
  scores <- factor_scores(fit)
  expect_lt(max(abs(rowMeans(f) - scores$f) / (scores$f.se / sqrt(150))), 5)
  expect_equal(apply(f, 1, stats::sd), scores$f.se, tolerance = 0.12)
  how <- attr(draws, "how")
  expect_equal(how$how[how$name == "f"], "exact")
  within_error(rowMeans(sapply(draws, function(d) d$c == 1)), posterior(fit)$`c=1`, 150)
})

test_that("classes of clusters and of their units are drawn together", {
  data <- withr::with_seed(15, {
    id <- rep(1:40, each = 3)
    d <- 1 + (stats::runif(40) < 0.5)
    c <- 1 + (stats::runif(120) < c(0.25, 0.75)[d][id])
    item <- function() stats::rbinom(120, 1, c(0.75, 0.25)[c])
    data.frame(id, u1 = item(), u2 = item(), u3 = item())
  })
  model <- multilevel_lca(u1:u3, k = 2, cluster = "id", k_between = 2)
  fit <- suppressWarnings(mlmix(model, data, starts = c(5, 2), seed = 1, threads = 1, se = "none"))
  draws <- plausible_draws(fit, m = 150, seed = 1)
  expect_named(draws[[1]], c("row", "id", "d", "c"))
  theta <- stats::coef(fit, fixed = TRUE)
  # All 2 x 2^3 states of the first cluster.
  states <- expand.grid(c1 = 1:2, c2 = 1:2, c3 = 1:2, d = 1:2)
  u <- as.matrix(data[1:3, c("u1", "u2", "u3")])
  weight <- apply(states, 1, function(s) {
    size <- stats::plogis(theta[[paste0("c#1~1[d=", s[["d"]], "]")]])
    prior <- stats::plogis(c(1, -1)[s[["d"]]] * theta[["d#1~1"]])
    prior * prod(sapply(1:3, function(i) {
      k <- s[[i]]
      p <- stats::plogis(theta[paste0(colnames(u), "~1[c=", k, "]")])
      c(size, 1 - size)[k] * prod(ifelse(u[i, ] == 1, p, 1 - p))
    }))
  })
  weight <- weight / sum(weight)
  key <- function(c, d) paste(c(c, d), collapse = "")
  observed <- table(factor(sapply(draws, function(x) key(x$c[1:3], x$d[1])), apply(states, 1, key, d = NULL)))
  within_error(as.numeric(observed) / 150, weight, 150)
})

test_that("random logits are drawn first, so that units of a cluster go together", {
  fit <- random_logit_fit()
  draws <- plausible_draws(fit, m = 40, seed = 1)
  expect_named(draws[[1]], c("row", "id", "c", "c#1@id", "y@id"), ignore.order = TRUE)
  how <- attr(draws, "how")
  expect_setequal(how$how, "normal approximation")
  p <- rowMeans(sapply(draws, function(d) d$c == 1))
  expect_lt(mean(abs(p - posterior(fit)$`c=1`)), 0.05)
  r <- random_effects(fit)
  first <- !duplicated(draws[[1]]$id)
  b <- sapply(draws, function(d) d$`c#1@id`[first])
  expect_lt(max(abs(rowMeans(b) - r$`c#1@id`) / (r$`c#1@id.se` / sqrt(40))), 4.5)
  # y@id is a linear function of the random logit plus a residual: their correlation within posteriors is kept.
  expect_gt(abs(stats::cor(as.numeric(b - rowMeans(b)),
    as.numeric(sapply(draws, function(d) d$`y@id`[first])))), 0.05)
})

test_that("stacked items, known classes, rows left out", {
  gom <- remember("gom", mlmix(gom(c(A, B, C, D), k = 2), carcinoma, starts = c(2, 1), seed = 1, threads = 1))
  draw <- plausible_draws(gom, m = 1, seed = 1)[[1]]
  expect_equal(nrow(draw), 118 * 4)
  expect_true(all(c("row", "item", "c", "c#1@person") %in% names(draw)))
  data <- withr::with_seed(2, {
    data.frame(y = stats::rnorm(80, rep(c(0, 3), 40)), k = rep(c(1, 2, NA, NA), 20), x = c(NA, stats::rnorm(79)))
  })
  fit <- suppressMessages(mlmix(mixture_model(latent_class("c", 2, ~ x, known = "k"), outcome(y ~ c)), data,
    starts = c(3, 1), seed = 1, threads = 1, se = "none"))
  draws <- plausible_draws(fit, m = 5, seed = 1)
  expect_true(all(sapply(draws, function(d) all(d$c[-1][!is.na(data$k[-1])] == data$k[-1][!is.na(data$k[-1])]))))
  expect_true(is.na(draws[[1]]$c[1]))
  plain <- mlmix(mixture_model(outcome(y ~ x)), data[-1, ], threads = 1)
  expect_error(plausible_draws(plain), class = "mlmix_error_spec")
  expect_error(plausible_draws(fit, m = 0), class = "mlmix_error_spec")
})
