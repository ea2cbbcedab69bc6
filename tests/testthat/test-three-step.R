# three_step(): against the likelihood written out by hand, closed forms, known classes and simulated truth.

test_that("predictors of classes: estimates, robust and corrected errors by hand", {
  skip_if_not_installed("numDeriv")
  data <- step_data()
  fit <- step_fit()
  result <- three_step(fit, c ~ x, data, seed = 1, threads = 1)
  step <- by_hand_step(as.matrix(posterior(fit)[c("c=1", "c=2")]))
  expect_equal(unname(result$errors), unname(step$errors))
  expect_equal(result$errors["c=1", "c=2"], classification_table(fit, "assignment")$a2[1])
  v <- by_hand_logit_vcov(fit, as.matrix(data[paste0("u", 1:6)]))
  hand <- by_hand_three_step(step, cbind(1, data$x), function(p) 1, c(0, 0), vcov_logits = v)
  expect_named(coef(result), c("c#1~1", "c#1~x"))
  expect_equal(unname(coef(result)), hand$theta, tolerance = 1e-4)
  expect_equal(unname(result$vcov_uncorrected), hand$vcov, tolerance = 1e-3)
  expect_equal(unname(vcov(result)), hand$corrected, tolerance = 1e-2)
  expect_true(all(diag(vcov(result)) > diag(result$vcov_uncorrected)))
  plain <- three_step(fit, ~ x, data, correct = FALSE, seed = 1, threads = 1)
  expect_equal(vcov(plain), result$vcov_uncorrected, tolerance = 1e-4)
  z <- coef(result)[["c#1~x"]] / sqrt(vcov(result)[2, 2])
  expect_equal(result$tests$statistic, z^2)
  expect_equal(nobs(result), 500)
})

test_that("a normal and a binary outcome by ML, by hand", {
  skip_if_not_installed("numDeriv")
  data <- step_data()
  fit <- step_fit()
  result <- three_step(fit, list(y ~ c, z ~ c), data, seed = 1, threads = 1, correct = FALSE)
  step <- by_hand_step(as.matrix(posterior(fit)[c("c=1", "c=2")]))
  density <- function(p) {
    sapply(1:2, function(k) {
      stats::dnorm(data$y, p[k], sqrt(p[2 + k])) * stats::dbinom(data$z, 1, stats::plogis(p[4 + k]))
    })
  }
  hand <- by_hand_three_step(step, cbind(rep(1, 500)), density, c(0, 1, 2, 1, 1, -1, 0))
  order <- c("c#1~1", "y~1[c=1]", "y~1[c=2]", "y~~y[c=1]", "y~~y[c=2]", "z~1[c=1]", "z~1[c=2]")
  expect_equal(unname(coef(result)[order]), hand$theta, tolerance = 1e-3)
  expect_equal(unname(vcov(result)[order, order]), hand$vcov, tolerance = 1e-2)
  m <- result$means
  expect_equal(m$estimate[m$outcome == "y"], unname(coef(result)[c("y~1[c=1]", "y~1[c=2]")]))
  z1 <- m[m$outcome == "z" & m$category == "1" & m$class == "c=2", ]
  expect_equal(z1$estimate, stats::plogis(coef(result)[["z~1[c=2]"]]))
  slope <- z1$estimate * (1 - z1$estimate)
  expect_equal(z1$std.error, slope * sqrt(vcov(result)["z~1[c=2]", "z~1[c=2]"]), tolerance = 1e-6)
  d <- result$tests[result$tests$target == "y", ]
  gap <- coef(result)[["y~1[c=1]"]] - coef(result)[["y~1[c=2]"]]
  expect_equal(d$difference, gap)
  se <- sqrt(sum(vcov(result)[c("y~1[c=1]", "y~1[c=2]"), c("y~1[c=1]", "y~1[c=2]")] * c(1, -1, -1, 1)))
  expect_equal(d$statistic, (gap / se)^2)
  expect_lt(result$shift, 0.1)
})

test_that("BCH: weighted means, variances and proportions in closed form, with their sandwich", {
  data <- step_data()
  fit <- step_fit()
  step <- by_hand_step(as.matrix(posterior(fit)[c("c=1", "c=2")]))
  w <- unname(step$a %*% solve(step$errors))
  expect_true(any(w < 0))
  result <- three_step(fit, list(y ~ c, z ~ c, g ~ c), data, method = "BCH", correct = FALSE)
  mean_of <- function(v) colSums(w * v) / colSums(w)
  mu <- mean_of(data$y)
  expect_equal(unname(coef(result)[c("y~1[c=1]", "y~1[c=2]")]), mu, tolerance = 1e-7)
  expect_equal(unname(coef(result)[["y~~y[c=2]"]]), mean_of((data$y - mu[2])^2)[2], tolerance = 1e-7)
  m <- result$means
  expect_equal(m$estimate[m$outcome == "z" & m$category == "1"], mean_of(data$z), tolerance = 1e-7)
  expect_equal(m$estimate[m$outcome == "g" & m$category == "b"], mean_of(data$g == "b"), tolerance = 1e-7)
  se <- sqrt(colSums((w * (data$y - rep(mu, each = 500)))^2)) / colSums(w)
  expect_equal(m$std.error[m$outcome == "y"], se, tolerance = 1e-6)
  expect_equal(stats::plogis(coef(result)[["c#1~1"]]), colSums(w)[1] / 500, tolerance = 1e-7)
  overall <- result$tests[result$tests$target == "g", ]
  expect_equal(overall$df, 2)
})

test_that("BCH for a predictor of classes solves its weighted equations; the correction by differences", {
  skip_if_not_installed("numDeriv")
  data <- step_data()
  fit <- step_fit()
  step <- by_hand_step(as.matrix(posterior(fit)[c("c=1", "c=2")]))
  solve_for <- function(errors, start = c(0, 0)) {
    w <- step$a %*% solve(errors)
    theta <- start
    for (i in 1:50) {
      p <- stats::plogis(theta[1] + theta[2] * data$x)
      score <- c(sum(w[, 1] - rowSums(w) * p), sum(data$x * (w[, 1] - rowSums(w) * p)))
      q <- rowSums(w) * p * (1 - p)
      theta <- theta + solve(matrix(c(sum(q), sum(q * data$x), sum(q * data$x), sum(q * data$x^2)), 2), score)
    }
    theta
  }
  result <- three_step(fit, c ~ x, data, method = "BCH")
  theta <- solve_for(step$errors)
  expect_equal(unname(coef(result)), theta, tolerance = 1e-6)
  logits <- log(step$errors[, 1] / step$errors[, 2])
  j <- numDeriv::jacobian(function(s) {
    e <- stats::plogis(logits + s)
    solve_for(cbind(e, 1 - e), theta)
  }, c(0, 0))
  v <- by_hand_logit_vcov(fit, as.matrix(data[paste0("u", 1:6)]))
  expect_equal(unname(vcov(result) - result$vcov_uncorrected), j %*% v %*% t(j), tolerance = 0.02)
})

test_that("classes that are certain: the same as known classes", {
  data <- withr::with_seed(4, {
    c <- rep(1:3, c(60, 80, 100))
    x <- stats::rnorm(240, c / 2)
    data.frame(y1 = stats::rnorm(240, 20 * c), y2 = stats::rnorm(240, -20 * c), x, o = stats::rnorm(240, c), c)
  })
  fit <- suppressWarnings(mlmix(lpa(c(y1, y2), k = 3), data, starts = c(20, 5), seed = 1, threads = 1))
  fit <- order_classes(fit, "y1", decreasing = FALSE)
  expect_equal(posterior(fit)$c, data$c)
  known <- function(theta) {
    eta <- cbind(theta[1] + theta[3] * data$x, theta[2] + theta[4] * data$x, 0)
    sum(eta[cbind(1:240, data$c)] - log(rowSums(exp(eta))))
  }
  best <- stats::optim(rep(0, 4), known, method = "BFGS", control = list(fnscale = -1, reltol = 1e-14))
  for (method in c("ML", "BCH")) {
    for (assignment in c("modal", "proportional")) {
      result <- suppressWarnings(three_step(fit, c ~ x, data, method, assignment, seed = 1))
      expect_equal(unname(coef(result)[c("c#1~1", "c#2~1", "c#1~x", "c#2~x")]), best$par, tolerance = 1e-3)
      outcome <- suppressWarnings(three_step(fit, o ~ c, data, method, assignment, seed = 1))
      expect_equal(outcome$means$estimate, as.numeric(tapply(data$o, data$c, mean)), tolerance = 1e-6)
      se <- tapply(data$o, data$c, function(v) sqrt(mean((v - mean(v))^2) / length(v)))
      expect_equal(outcome$means$std.error, as.numeric(se), tolerance = 1e-4)
      pairs <- outcome$tests[outcome$tests$df == 1, ]
      expect_equal(pairs$hypothesis, c("c=1 - c=2", "c=1 - c=3", "c=2 - c=3"))
      expect_equal(outcome$tests$hypothesis[1], "all classes equal")
    }
  }
  two <- suppressWarnings(two_step(fit, c ~ x, data, seed = 1))
  expect_equal(unname(coef(two)[c("c#1~1", "c#2~1", "c#1~x", "c#2~x")]), best$par, tolerance = 1e-3)
  groups <- stats::aov(o ~ factor(c), data)
  wald <- outcome$tests$statistic[1]
  expect_lt(abs(wald / (2 * summary(groups)[[1]]$`F value`[1]) - 1), 0.15)
})

test_that("proportional assignment: every unit counts once, its records together", {
  skip_if_not_installed("numDeriv")
  data <- step_data(300, 7)
  fit <- step_fit(300, 7)
  p <- as.matrix(posterior(fit)[c("c=1", "c=2")])
  errors <- (t(p) %*% p) / colSums(p)
  result <- three_step(fit, c ~ x, data, assignment = "proportional", seed = 1, correct = FALSE)
  expect_equal(unname(result$errors), unname(errors))
  long <- list(w = rep(1:2, each = 300), p = rbind(p, p), errors = errors)
  hand <- by_hand_three_step(long, cbind(1, rep(data$x, 2)), function(q) 1, c(0, 0), weight = c(p[, 1], p[, 2]),
    group = rep(1:300, 2))
  expect_equal(unname(coef(result)), hand$theta, tolerance = 1e-4)
  expect_equal(unname(vcov(result)), hand$vcov, tolerance = 1e-3)
})

test_that("frequencies and weights count as repeated rows", {
  data <- step_data(200, 9)
  data$f <- rep(c(1, 3), 100)
  long <- data[rep(1:200, data$f), ]
  quiet <- function(...) suppressWarnings(mlmix(lca(u1:u6, k = 2), ..., starts = c(4, 2), seed = 1, threads = 1))
  short <- order_classes(quiet(data, frequency = f), "u1")
  full <- order_classes(quiet(long), "u1")
  weighted <- order_classes(quiet(data, weights = f), "u1")
  for (method in c("ML", "BCH")) {
    for (assignment in c("modal", "proportional")) {
      a <- three_step(short, list(c ~ x, y ~ c), data, method, assignment, seed = 1)
      b <- three_step(full, list(c ~ x, y ~ c), long, method, assignment, seed = 1)
      w <- three_step(weighted, list(c ~ x, y ~ c), data, method, assignment, seed = 1, correct = FALSE)
      expect_equal(coef(a), coef(b), tolerance = 1e-4)
      expect_equal(a$vcov_uncorrected, b$vcov_uncorrected, tolerance = 1e-3)
      expect_equal(vcov(a), vcov(b), tolerance = 5e-3)
      expect_equal(coef(w), coef(b), tolerance = 1e-4)
    }
  }
})

test_that("standard errors by clusters where the first step had them", {
  data <- step_data(200, 9)
  data <- data[rep(1:200, 2), ]
  data$school <- rep(1:200, 2)
  model <- lca(u1:u6, k = 2)
  quiet <- function(...) suppressWarnings(mlmix(model, ..., starts = c(4, 2), seed = 1, threads = 1))
  one <- order_classes(quiet(data[1:200, ]), "u1")
  two <- order_classes(quiet(data, cluster = "school"), "u1")
  for (method in c("ML", "BCH")) {
    a <- three_step(one, list(c ~ x, y ~ c), data[1:200, ], method, seed = 1, correct = FALSE)
    b <- three_step(two, list(c ~ x, y ~ c), data, method, seed = 1, correct = FALSE)
    expect_equal(vcov(a), vcov(b), tolerance = 1e-3)
  }
})

test_that("two class variables: combinations are assigned, close to the one-step estimates", {
  data <- withr::with_seed(21, {
    n <- 600
    x <- stats::rnorm(n)
    first <- 1 + (stats::runif(n) < stats::plogis(0.5 * x))
    second <- 1 + (stats::runif(n) < stats::plogis(c(-1, 1)[first] + 0.7 * x))
    item <- function(class) stats::rbinom(n, 1, c(0.85, 0.2)[class])
    data.frame(u1 = item(first), u2 = item(first), u3 = item(first), u4 = item(first),
      v1 = item(second), v2 = item(second), v3 = item(second), v4 = item(second), x)
  })
  parts <- list(outcome(u1:u4 ~ c1, family = bernoulli()), outcome(v1:v4 ~ c2, family = bernoulli()))
  model <- do.call(mixture_model, c(list(latent_class("c1", 2), latent_class("c2", 2, ~ c1)), parts))
  whole <- do.call(mixture_model, c(list(latent_class("c1", 2, ~ x), latent_class("c2", 2, ~ c1 + x)), parts))
  ordered <- function(model) {
    fit <- mlmix(model, data, starts = c(6, 3), seed = 1, threads = 1)
    order_classes(order_classes(fit, "u1", "c1"), "v1", "c2")
  }
  fit <- ordered(model)
  one <- ordered(whole)
  three <- three_step(fit, list(c1 ~ x, c2 ~ c1 + x), data, seed = 1)
  expect_equal(dim(three$errors), c(4, 4))
  joint <- as.matrix(posterior(fit, joint = TRUE)[2:5])
  expect_equal(unname(three$errors), unname(by_hand_step(joint)$errors))
  names <- names(coef(three))
  gap <- (coef(three) - coef(one)[names]) / sqrt(diag(vcov(one)[names, names]))
  expect_lt(max(abs(gap)), 0.75)
  expect_true(all(diag(vcov(three)) > 0.7 * diag(vcov(one)[names, names])))
  bch <- three_step(fit, list(c1 ~ x, c2 ~ c1 + x), data, method = "BCH")
  expect_lt(max(abs((coef(bch)[names] - coef(one)[names]) / sqrt(diag(vcov(one)[names, names])))), 1.5)
  alone <- three_step(fit, c2 ~ x, data, seed = 1)
  expect_equal(dim(alone$errors), c(2, 2))
})

test_that("classes of clusters: by clusters, and with outcomes that vary within", {
  data <- withr::with_seed(31, {
    id <- rep(1:80, each = 8)
    w <- stats::rnorm(80)
    d <- 1 + (stats::runif(80) < stats::plogis(w))
    v <- stats::rnorm(80, c(0, 2)[d])
    data.frame(id, w = w[id], v = v[id], d = d[id], u1 = stats::rbinom(640, 1, c(0.8, 0.3)[d][id]),
      u2 = stats::rbinom(640, 1, c(0.7, 0.2)[d][id]), y = stats::rnorm(640, c(0, 1)[d][id]))
  })
  items <- outcome(c(u1, u2) ~ d, family = bernoulli())
  model <- mixture_model(latent_class("d", 2, level = "between"), items, cluster = "id")
  fit <- order_classes(mlmix(model, data, starts = c(6, 3), seed = 1, threads = 1), "u1")
  truth <- data[!duplicated(data$id), ]
  a <- three_step(fit, d ~ w, data, seed = 1)
  expect_equal(nobs(a), 80)
  by_truth <- stats::glm(d == 1 ~ w, stats::binomial(), truth)
  expect_lt(max(abs(coef(a) - stats::coef(by_truth)) / sqrt(diag(vcov(a)))), 1)
  b <- three_step(fit, v ~ d, data, method = "BCH")
  expect_equal(b$means$estimate, c(mean(truth$v[truth$d == 1]), mean(truth$v[truth$d == 2])), tolerance = 0.2)
  ml <- three_step(fit, y ~ d, data, seed = 1)
  bch <- three_step(fit, y ~ d, data, method = "BCH")
  expect_equal(ml$means$estimate, bch$means$estimate, tolerance = 0.1)
  expect_equal(ml$means$std.error, bch$means$std.error, tolerance = 0.25)
  expect_error(three_step(fit, y ~ d, data, assignment = "proportional"), class = "mlmix_error_spec")
})

test_that("two class variables of clusters: their combinations by Bayes, and close to one step", {
  data <- withr::with_seed(32, {
    id <- rep(1:150, each = 6)
    w <- stats::rnorm(150)
    first <- 1 + (stats::runif(150) < stats::plogis(0.8 * w))
    second <- 1 + (stats::runif(150) < stats::plogis(c(-0.7, 0.7)[first]))
    item <- function(class) stats::rbinom(900, 1, c(0.8, 0.25)[class][id])
    data.frame(id, w = w[id], u1 = item(first), u2 = item(first), v1 = item(second), v2 = item(second))
  })
  parts <- list(outcome(u1:u2 ~ d, family = bernoulli()), outcome(v1:v2 ~ e, family = bernoulli()))
  fit_of <- function(formula, then) {
    model <- do.call(mixture_model, c(list(latent_class("d", 2, formula, level = "between"),
      latent_class("e", 2, then, level = "between")), parts, cluster = "id"))
    fit <- mlmix(model, data, starts = c(6, 2), seed = 1, threads = 1)
    order_classes(order_classes(fit, "u1", "d"), "v1", "e")
  }
  fit <- fit_of(~ 1, ~ d)
  one <- fit_of(~ w, ~ d)
  theta <- coef(fit)
  like <- function(items, class, k) {
    p <- stats::plogis(theta[sprintf("%s~1[%s=%d]", items, class, k)])
    u <- rowsum(as.matrix(data[items]), data$id)
    exp(u %*% log(p) + (6 - u) %*% log(1 - p))
  }
  of_e <- function(d, e) {
    p <- stats::plogis(theta[[sprintf("e#1~1[d=%d]", d)]])
    if (e == 1) p else 1 - p
  }
  of_d <- c(stats::plogis(theta[["d#1~1"]]), 1 - stats::plogis(theta[["d#1~1"]]))
  hand <- mapply(function(d, e) {
    of_d[[d]] * of_e(d, e) * like(c("u1", "u2"), "d", d) * like(c("v1", "v2"), "e", e)
  }, c(1, 2, 1, 2), c(1, 1, 2, 2))
  expect_equal(with_joint_between(fit, c("d", "e"))$joint_between, hand / rowSums(hand), tolerance = 1e-6)
  names <- c("d#1~w", "e#1~1[d=1]", "e#1~1[d=2]")
  for (method in c("ML", "BCH")) {
    step <- three_step(fit, list(d ~ w, e ~ d), data, method, seed = 1, starts = 2, threads = 1)
    expect_equal(nobs(step), 150)
    expect_lt(max(abs(coef(step)[names] - coef(one)[names]) / sqrt(diag(vcov(one)[names, names]))), 0.6)
    expect_true(all(diag(step$vcov) > diag(step$vcov_uncorrected)))
  }
})

pupil_data <- function() {
  withr::with_seed(3, {
    id <- rep(1:120, each = 10)
    x <- stats::rnorm(1200)
    w <- stats::rnorm(120)[id]
    b <- stats::rnorm(120)[id]
    c <- 1 + (stats::runif(1200) > stats::plogis(-0.2 + 0.8 * x + 0.7 * w + b))
    u <- sapply(1:5, function(i) stats::rbinom(1200, 1, c(0.8, 0.3)[c]))
    colnames(u) <- paste0("u", 1:5)
    data.frame(id, x, w, y = stats::rnorm(1200, c(1, 0)[c] + 0.5 * b), u, c, cw = rep(c(1, 2), each = 10))
  })
}

pupil_fit <- function() {
  remember("pupils", order_classes(mlmix(multilevel_lca(u1:u5, 2, cluster = "id", random = TRUE), pupil_data(),
    starts = c(3, 1), seed = 1, threads = 1), "u1"))
}

test_that("classes of units in a model with a between level are assigned from their own outcomes", {
  data <- pupil_data()
  fit <- pupil_fit()
  alone <- units_alone(fit, "c")
  e <- coef(fit)
  # Bayes by hand, the logit integrated over its distribution.
  size <- stats::integrate(function(b) stats::plogis(e[["c#1~1"]] + b * sqrt(e[["c#1@id~~c#1@id"]])) * stats::dnorm(b),
    -8, 8)$value
  likelihood <- sapply(1:2, function(k) {
    p <- stats::plogis(e[sprintf("u%d~1[c=%d]", 1:5, k)])
    u <- as.matrix(data[paste0("u", 1:5)])
    exp(u %*% log(p) + (1 - u) %*% log(1 - p))
  })
  p <- cbind(size * likelihood[, 1], (1 - size) * likelihood[, 2])
  p <- p / rowSums(p)
  expect_equal(used_posterior(alone, "c"), p, tolerance = 1e-4)
  # The rest is the third step as always, with the clusters in its standard errors.
  step <- by_hand_step(p)
  ml <- three_step(fit, c ~ x + w, data, seed = 1, starts = 1, threads = 1)
  expect_equal(unname(ml$errors), step$errors, tolerance = 1e-4)
  hand <- by_hand_three_step(step, cbind(1, data$x, data$w), function(q) 1, c(0, 0, 0), group = data$id)
  expect_equal(unname(ml$coefficients), hand$theta, tolerance = 1e-3)
  # a factor G / (G - 1) at most
  expect_equal(unname(sqrt(diag(ml$vcov_uncorrected))), sqrt(diag(hand$vcov)), tolerance = 0.01)
  expect_true(all(diag(ml$vcov) > diag(ml$vcov_uncorrected)))
  bch <- three_step(fit, list(c ~ x + w, y ~ c), data, method = "BCH")
  truth <- stats::glm(c == 1 ~ x + w, stats::binomial(), data)
  for (result in list(ml, bch)) {
    of_class <- grep("^c#1", names(coef(result)))
    expect_lt(max(abs(coef(result)[of_class] - stats::coef(truth)) / sqrt(diag(vcov(result)))[of_class]), 2)
  }
  expect_equal(bch$means$estimate, as.vector(tapply(data$y, data$c, mean)), tolerance = 0.1)
  # With the posterior of the fit, which knows the cluster, the effect of w is overstated.
  naive <- fit
  naive$data["cluster"] <- list(NULL)
  naive$data$robust_cluster <- fit$data$cluster
  wrong <- three_step(naive, c ~ x + w, data, correct = FALSE, method = "BCH")
  expect_gt(coef(wrong)[["c#1~w"]], coef(bch)[["c#1~w"]] + 0.03)
})

test_that("a third step with random effects of its own, against two steps", {
  data <- pupil_data()
  three <- three_step(pupil_fit(), c ~ x + w + (1 | id), data, seed = 1, starts = 1, threads = 1, correct = FALSE)
  two <- two_step(pupil_fit(), c ~ x + w + (1 | id), data, seed = 1, starts = 1, threads = 1, correct = FALSE)
  se <- sqrt(diag(vcov(two)))
  expect_lt(max(abs(coef(three)[names(coef(two))] - coef(two)) / se), 0.5)
  expect_equal(sqrt(diag(vcov(three)))[names(se)], se, tolerance = 0.15)
  expect_error(three_step(pupil_fit(), c ~ x + (1 | id), data, method = "BCH"), "takes no random effects")
  expect_error(three_step(pupil_fit(), c ~ x + (1 | id), data, assignment = "proportional"), "without clusters")
})

test_that("a cluster weight of two is a cluster twice, in steps one and three", {
  data <- pupil_data()[1:400, ]
  data$id2 <- data$id
  twice <- rbind(data, transform(data[data$cw == 2, ], id2 = id2 + 1000))
  start <- pupil_fit()$parameters$estimate
  fit <- function(data, ...) {
    suppressWarnings(mlmix(multilevel_lca(u1:u5, 2, cluster = "id2", random = TRUE), data, starts = 1, seed = 1,
      threads = 1, control = mlmix_control(start_values = start), ...))
  }
  weighted <- fit(data, cluster_weights = cw)
  doubled <- fit(twice)
  expect_equal(coef(weighted), coef(doubled), tolerance = 1e-3)
  for (method in c("ML", "BCH")) {
    run <- function(fit, data) coef(three_step(fit, list(c ~ x, y ~ c), data, method, correct = FALSE))
    expect_equal(run(weighted, data), run(doubled, twice), tolerance = 2e-3)
  }
})

test_that("classes of units below classes of clusters; several class variables of units", {
  data <- pupil_data()
  both <- remember("pupils and classes", mlmix(multilevel_lca(u1:u5, 2, cluster = "id", k_between = 2), data,
    starts = c(4, 2), seed = 1, threads = 1))
  both <- order_classes(both, "u1")
  a <- three_step(both, c ~ x, data, seed = 1, starts = 1, threads = 1, correct = FALSE)
  b <- three_step(pupil_fit(), c ~ x, data, seed = 1, starts = 1, threads = 1, correct = FALSE)
  expect_equal(coef(a), coef(b), tolerance = 0.1)
  expect_equal(three_step(both, d ~ w, data, seed = 1, starts = 1, threads = 1, correct = FALSE)$n, 120)
  room <- toca[toca$room <= 25, ]
  chain <- lta(list(fall = fall1:fall5, spring = spring1:spring5), k = 2, cluster = "room")
  chain <- suppressWarnings(mlmix(chain, room, starts = c(2, 1), seed = 1, threads = 1))
  room$boy <- withr::with_seed(1, stats::rbinom(nrow(room), 1, 0.5))
  result <- three_step(chain, list(fall ~ boy, spring ~ fall + boy), room, seed = 1, correct = FALSE, starts = c(4, 1))
  expect_equal(dim(result$errors), c(4L, 4L))
  expect_equal(result$n, nrow(room))
})

test_that("missing predictors and outcomes; random effects in step three", {
  data <- step_data(300, 7)
  fit <- step_fit(300, 7)
  data$x[1:20] <- NA
  data$y[11:40] <- NA
  expect_message(a <- three_step(fit, c ~ x, data, seed = 1, correct = FALSE), "20 rows are left out")
  expect_equal(nobs(a), 280)
  for (method in c("ML", "BCH")) {
    b <- three_step(fit, y ~ c, data, method, seed = 1, correct = FALSE)
    expect_true(all(is.finite(b$means$std.error)))
  }
  data$school <- rep(1:30, 10)
  random <- three_step(fit, list(z ~ c + (1 | school)), data, seed = 1, starts = 1, correct = FALSE)
  expect_true("z@school~~z@school" %in% random$estimates$name)
  expect_error(three_step(fit, z ~ c + (1 | school), data, method = "BCH"), class = "mlmix_error_spec")
})

test_that("an ordinal outcome with a predictor, and counts: BCH and ML agree", {
  data <- step_data(600, 12)
  data$o <- cut(withr::with_seed(2, data$y + stats::rnorm(600)), c(-Inf, 0.5, 2, Inf), ordered_result = TRUE)
  data$n <- withr::with_seed(1, stats::rpois(600, c(1, 3)[data$c]))
  fit <- step_fit(600, 12)
  fits <- lapply(c("ML", "BCH"), function(method) {
    formulas <- list(c ~ x, o ~ c + x, n ~ c)
    three_step(fit, formulas, data, method, family = list(n = poisson()), seed = 1, correct = FALSE)
  })
  same <- names(coef(fits[[1]]))
  expect_setequal(names(coef(fits[[2]])), same)
  # ML also learns the classes from the outcomes, so they are not quite the same.
  expect_lt(max(abs(coef(fits[[1]]) - coef(fits[[2]])[same]) / sqrt(diag(vcov(fits[[2]])[same, same]))), 1.5)
  expect_equal(fits[[1]]$tests$df, fits[[2]]$tests$df)
})

test_that("BCH: a negative variance has no estimate, the means have", {
  data <- step_data(300, 7, gap = 1)
  fit <- step_fit(300, 7, gap = 1)
  data$v <- withr::with_seed(4, {
    p <- posterior(fit)
    ifelse(p$c == 1, stats::rnorm(300, 0, 0.05), stats::rnorm(300, 0, 3) * (p$`c=2` > 0.9))
  })
  expect_warning(result <- three_step(fit, v ~ c, data, method = "BCH"), "negative value")
  w <- by_hand_step(as.matrix(posterior(fit)[c("c=1", "c=2")]))
  w <- unname(w$a %*% solve(w$errors))
  mu <- colSums(w * data$v) / colSums(w)
  expect_lt(min(sapply(1:2, function(k) sum(w[, k] * (data$v - mu[k])^2))), 0)
  expect_equal(result$means$estimate, mu, tolerance = 1e-6)
  expect_equal(sum(is.na(coef(result))), 1)
  expect_true(all(is.finite(result$means$std.error)) && is.finite(result$tests$statistic))
  data$x2 <- data$x
  expect_error(three_step(fit, v ~ c + x2, data, method = "BCH"), "no solution")
})

test_that("simulated truth: assigned classes alone are biased, the corrections are not", {
  skip_on_cran()
  data <- step_data(4000, 77, gap = 1.6)
  fit <- step_fit(4000, 77, gap = 1.6)
  truth <- c("c#1~1" = -0.3, "c#1~x" = 0.8, "y~1[c=1]" = 1, "y~1[c=2]" = 2, "z~1[c=1]" = stats::qlogis(0.2),
    "z~1[c=2]" = stats::qlogis(0.6))
  naive <- stats::coef(stats::glm(posterior(fit)$c == 1 ~ data$x, stats::binomial()))[[2]]
  expect_lt(naive, 0.6)
  formulas <- list(c ~ x, y ~ c, z ~ c)
  results <- list(
    three_step(fit, formulas, data, seed = 1, starts = 2), three_step(fit, formulas, data, method = "BCH"),
    three_step(fit, formulas, data, method = "BCH", assignment = "proportional"),
    two_step(fit, formulas, data, seed = 1, starts = 2)
  )
  for (result in results) {
    z <- (coef(result)[names(truth)] - truth) / sqrt(diag(vcov(result)[names(truth), names(truth)]))
    expect_lt(max(abs(z)), 3.5)
    expect_lt(abs(coef(result)[["c#1~x"]] - 0.8), 0.15)
  }
})

test_that("prints and messages", {
  data <- step_data(300, 7)
  fit <- step_fit(300, 7)
  result <- three_step(fit, list(c ~ x, g ~ c), data, method = "BCH")
  expect_snapshot(print(result))
  table <- tidy(result, conf.int = TRUE)
  expect_equal(table$term, result$estimates$name)
  expect_equal(stats::confint(result)[, 1], table$estimate - stats::qnorm(0.975) * table$std.error, ignore_attr = TRUE)
  stacked <- suppressWarnings(mlmix(gom(c(A, B, C), k = 2), carcinoma, starts = 1, seed = 1, threads = 1))
  pupils <- pupil_data()
  chain_of_levels <- remember("pupils and classes", mlmix(multilevel_lca(u1:u5, 2, cluster = "id", k_between = 2),
    pupils, starts = c(4, 2), seed = 1, threads = 1))
  expect_snapshot(error = TRUE, {
    three_step(fit, y ~ x, data)
    three_step(fit, "y", data)
    three_step(fit, list(c ~ x, c ~ y), data)
    three_step(fit, y ~ c, data[1:10, ])
    three_step(fit, w ~ c, data)
    three_step(fit, y ~ c, data, se = "none")
    three_step(fit, y ~ c, data, family = list(x = gaussian()))
    three_step(chain_fit(), ~ x, as.data.frame(chain_fit()$data$columns))
    three_step(stacked, c ~ g, transform(carcinoma, g = A))
    three_step(chain_of_levels, list(d ~ 1, c ~ x), pupils)
    three_step(factor_fit(), y ~ c, lsat)
    three_step(update(fit, se = "none", data = data), c ~ x, data)
  })
})
