# Small fits for the tests of plots, beside those of helper-fits.R.

quick <- function(model, data, starts = c(3, 1), ...) {
  suppressWarnings(mlmix(model, data, starts = starts, seed = 1, threads = 1, ...))
}

growth_frame <- function() {
  withr::with_seed(21, {
    id <- rep(seq_len(50), each = 5)
    class <- (1 + (stats::runif(50) < 0.4))[id]
    t <- rep(0:4, 50)
    g <- factor(sample(c("a", "b"), 50, TRUE), c("a", "b"))[id]
    w <- stats::rnorm(50)[id]
    y <- c(0, 3)[class] + c(0.8, -0.3)[class] * t + 0.5 * w + 0.4 * (g == "b") + stats::rnorm(50, 0, 0.5)[id] +
      stats::rnorm(250, 0, 0.7)
    n <- stats::rpois(250, exp(c(0.2, 1.2)[class] + c(0.2, -0.1)[class] * t))
    o <- cut(c(-1, 1)[class] + c(0.5, -0.2)[class] * t + stats::rlogis(250), c(-Inf, -1, 1, Inf),
      labels = c("low", "middle", "high"), ordered_result = TRUE)
    data.frame(id = paste0("p", id), t, g, w, y, n, o)
  })
}

growth_fit <- function() {
  remember("growth", quick(growth_mixture(y ~ t + (1 + t | id), k = 2), growth_frame()))
}

# A curve that is not linear, other covariates, and a covariate of the class.
curved_fit <- function() {
  remember("curved", {
    model <- mixture_model(latent_class("c", 2, ~ w, level = "between"), outcome(y ~ c * poly(t, 2) + g + (1 | id)))
    quick(model, growth_frame())
  })
}

three_class_data <- function() {
  withr::with_seed(22, {
    n <- 400
    x <- stats::rnorm(n)
    g <- factor(sample(c("u", "v", "w"), n, TRUE))
    logits <- cbind(0.8 * x, -0.5 * x + 0.5 * (g == "v"), 0)
    class <- apply(logits, 1, function(l) sample(3, 1, prob = exp(l)))
    p <- rbind(c(0.9, 0.9, 0.9, 0.9), c(0.9, 0.1, 0.9, 0.1), c(0.1, 0.1, 0.1, 0.1))
    data.frame(x, g, matrix(stats::rbinom(4 * n, 1, p[class, ]), n, dimnames = list(NULL, paste0("u", 1:4))))
  })
}

three_class_fit <- function() {
  remember("three classes", quick(lca(u1:u4, k = 3, predictors = ~ x + g), three_class_data(), starts = c(8, 2)))
}

membership_data <- function() {
  withr::with_seed(23, {
    membership <- stats::plogis(stats::rnorm(120))
    p <- rbind(c(0.9, 0.8, 0.9, 0.85), c(0.1, 0.2, 0.15, 0.1))
    u <- sapply(1:4, function(j) stats::rbinom(120, 1, p[cbind(1 + (stats::runif(120) > membership), j)]))
    stats::setNames(as.data.frame(u), paste0("u", 1:4))
  })
}

membership_fit <- function() {
  remember("membership", quick(gom(u1:u4, k = 2), membership_data()))
}

# Outcomes of every family, by class.
families_fit <- function() {
  remember("families", {
    data <- withr::with_seed(24, {
      n <- 300
      class <- sample(3, n, TRUE)
      data.frame(
        y = stats::rnorm(n, c(-2, 0, 2)[class]), b = stats::rbinom(n, 1, c(0.9, 0.5, 0.2)[class]),
        k = stats::rbinom(n, 5, c(0.8, 0.5, 0.2)[class]), m = 5, pois = stats::rpois(n, c(1, 3, 6)[class]),
        zip = stats::rpois(n, c(2, 4, 7)[class]) * stats::rbinom(n, 1, 0.8),
        cens = pmax(0, stats::rnorm(n, c(-0.5, 1, 2)[class])),
        o = factor(pmin(3, pmax(1, round(c(1.4, 2, 2.6)[class] + stats::rnorm(n, 0, 0.7)))),
          labels = c("lo", "mid", "hi"), ordered = TRUE),
        nom = factor(c("A", "B", "C")[ifelse(stats::runif(n) < 0.6, class, sample(3, n, TRUE))])
      )
    })
    data$f <- data$m - data$k
    model <- mixture_model(
      latent_class("c", 3), outcome(y ~ c), outcome(b ~ c, family = bernoulli()),
      outcome(cbind(k, f) ~ c, family = binomial()), outcome(pois ~ c, family = poisson()),
      outcome(zip ~ c, family = zero_inflated("poisson")), outcome(cens ~ c, family = censored(lower = 0)),
      outcome(o ~ c, family = ordinal()), outcome(nom ~ c, family = nominal())
    )
    quick(model, data, starts = c(8, 2))
  })
}

# A chain of second order on three occasions.
second_order_fit <- function() {
  remember("second order", {
    data <- withr::with_seed(25, {
      n <- 250
      s <- matrix(1 + (stats::runif(n) < 0.5), n, 3)
      for (t in 2:3) s[, t] <- ifelse(stats::runif(n) < 0.8, s[, t - 1], 3 - s[, t - 1])
      items <- lapply(1:3, function(t) {
        u <- matrix(stats::rbinom(3 * n, 1, c(0.85, 0.15)[s[, t]]), n)
        colnames(u) <- paste0("w", t, "_", 1:3)
        u
      })
      as.data.frame(do.call(cbind, items))
    })
    quick(lta(list(w1 = w1_1:w1_3, w2 = w2_1:w2_3, w3 = w3_1:w3_3), k = 2, order = 2), data)
  })
}

# Classes of clusters that predict those of units.
two_level_classes_fit <- function() {
  remember("two-level classes", {
    data <- withr::with_seed(26, {
      school <- rep(seq_len(25), each = 10)
      d <- 1 + (stats::runif(25) < 0.4)
      class <- 1 + (stats::runif(250) < c(0.2, 0.8)[d[school]])
      u <- matrix(stats::rbinom(1000, 1, c(0.85, 0.15)[class]), 250, dimnames = list(NULL, paste0("u", 1:4)))
      data.frame(school, u)
    })
    quick(multilevel_lca(u1:u4, k = 2, cluster = "school", k_between = 2), data)
  })
}

estimate_of <- function(fit, name) fit$parameters$estimate[match(name, fit$parameters$name)]

# Draws a plot to nowhere; returns it.
drawn <- function(plot) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  print(plot)
  plot
}
