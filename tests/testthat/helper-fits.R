# Small fits that several test files use; each is estimated once per test process.

fits <- new.env()

remember <- function(name, expr) {
  if (is.null(fits[[name]])) fits[[name]] <- suppressMessages(suppressWarnings(expr))
  fits[[name]]
}

seven <- LETTERS[1:7]

# Classes of Agresti's carcinoma ratings, 0/1 items A to G.
carcinoma_fit <- function(k = 2, ...) {
  remember(paste("carcinoma", k, ...), {
    mlmix(lca(seven, k = k), carcinoma, starts = c(5, 2), seed = 1, threads = 1, ...)
  })
}

# Two class variables, the second predicted by the first.
chain_fit <- function() {
  remember("chain", {
    withr::local_seed(7)
    first <- 1 + (stats::runif(300) < 0.4)
    second <- 1 + (stats::runif(300) < ifelse(first == 1, 0.2, 0.7))
    item <- function(class) stats::rbinom(300, 1, c(0.85, 0.2)[class])
    data <- data.frame(u1 = item(first), u2 = item(first), u3 = item(first), u4 = item(first),
      v1 = item(second), v2 = item(second), v3 = item(second), v4 = item(second))
    model <- mixture_model(
      latent_class("c1", 2), latent_class("c2", 2, ~ c1), outcome(u1:u4 ~ c1, family = bernoulli()),
      outcome(v1:v4 ~ c2, family = bernoulli())
    )
    mlmix(model, data, starts = c(6, 3), seed = 2, threads = 1)
  })
}

# The same items mean the same on two occasions.
invariant_lta_fit <- function() {
  remember("invariant lta", {
    data <- chain_fit()$data$columns
    mlmix(lta(list(fall = u1:u4, spring = v1:v4), k = 2), as.data.frame(data), starts = c(5, 2), seed = 1, threads = 1)
  })
}

# A class of units with a random logit, on which the random intercept of y depends.
random_logit_fit <- function() {
  remember("random logit", {
    data <- withr::with_seed(12, {
      id <- rep(seq_len(40), each = 8)
      b <- stats::rnorm(40)
      class <- 1 + (stats::runif(320) < stats::plogis(-0.8 - b[id]))
      item <- function() stats::rbinom(320, 1, c(0.9, 0.15)[class])
      data.frame(id, u1 = item(), u2 = item(), u3 = item(), u4 = item(), y = stats::rnorm(320) + 0.7 * b[id])
    })
    model <- mixture_model(latent_class("c", 2, ~ (1 | id)), outcome(u1:u4 ~ c, family = bernoulli()),
      outcome(y ~ (1 | id)), between(y ~ c))
    mlmix(model, data, starts = c(2, 1), seed = 1, threads = 1)
  })
}

# A class in which one item is certain: the classes are not exchangeable.
certain_item_fit <- function() {
  remember("exchange", {
    model <- mixture_model(latent_class("c", 2), outcome(c(A, B, C, D) ~ c, family = bernoulli()),
      constrain(fix("A~1[c=1]" = 15)))
    mlmix(model, carcinoma, starts = c(5, 2), seed = 1, threads = 1)
  })
}

regression_data <- function() {
  withr::with_seed(8, {
    id <- rep(seq_len(40), each = 6)
    class <- (1 + (stats::runif(40) < 0.4))[id]
    x <- stats::rnorm(240)
    y <- c(-1, 2)[class] + c(1, -0.5)[class] * x + stats::rnorm(40, 0, 0.5)[id] + stats::rnorm(240)
    data.frame(id = paste0("g", id), x, y, w = stats::runif(240, 0.5, 2))
  })
}

# Mixture regression whose classes are those of clusters, with a random intercept.
regression_fit <- function() {
  remember("regression", {
    model <- mixture_model(latent_class("d", 2, level = "between"), outcome(y ~ d * x + (1 | id)))
    mlmix(model, regression_data(), starts = c(6, 3), seed = 3, threads = 1)
  })
}

# Two-parameter logistic model of the LSAT items.
factor_fit <- function() {
  remember("factor", mlmix(irt(item1:item5, type = "2pl"), lsat, starts = c(3, 1), seed = 4, threads = 1))
}

# One quick fit of each kind, with names long enough to hurt. The estimates mean nothing.
every_kind <- function() {
  remember("every kind", {
    withr::local_seed(5)
    n <- 120
    data <- as.data.frame(matrix(stats::rbinom(n * 8, 1, 0.5), n))
    names(data) <- c(paste0("u", 1:4), paste0("v", 1:4))
    data$quality_of_life_after_treatment_in_months <- stats::rnorm(n)
    data$y <- stats::rnorm(n)
    data$w <- stats::rnorm(n)
    data$o1 <- factor(sample(c("never", "sometimes", "always or nearly always"), n, TRUE), ordered = TRUE)
    data$o2 <- factor(sample(c("never", "sometimes", "always or nearly always"), n, TRUE), ordered = TRUE)
    data$m <- factor(sample(letters[1:4], n, TRUE))
    data$k <- stats::rpois(n, 2)
    data$school_identification_number <- rep(1:20, each = 6)
    data$t <- rep(0:5, 20)
    data$x <- stats::rnorm(n)
    data$z <- rep(stats::rnorm(20), each = 6)
    models <- list(
      lca = lca(u1:u4, k = 3, predictors = ~ quality_of_life_after_treatment_in_months, class = "attitude_to_school"),
      `lca, categories` = lca(c(o1, o2, m, u1), k = 2),
      lpa = lpa(c(y, w, quality_of_life_after_treatment_in_months), k = 2),
      counts = mixture_model(latent_class("c", 2), outcome(k ~ c * x, family = poisson()),
        outcome(c(u1, u2) ~ c, family = bernoulli())),
      `classes of clusters` = multilevel_lca(u1:u4, k = 2, cluster = "school_identification_number", k_between = 2),
      `random logit` = multilevel_lca(u1:u4, k = 2, cluster = "school_identification_number", random = TRUE,
        cluster_predictors = ~ z),
      lta = lta(list(before_the_intervention = u1:u4, after_the_intervention = v1:v4), k = 2),
      growth = growth_mixture(y ~ t + (1 | school_identification_number), k = 2),
      `mixture regression` = mixture_regression(quality_of_life_after_treatment_in_months ~ x + w, k = 2),
      gom = gom(u1:u4, k = 2), fma = fma(u1:u4, k = 2), irt = irt(u1:u4, type = "2pl"),
      `mixed model` = mixture_model(outcome(y ~ x + (1 + x | school_identification_number)))
    )
    lapply(models, mlmix, data = data, starts = 1, seed = 1, threads = 1, se = "observed",
      control = mlmix_control(max_iterations = 30), integration = quadrature(points = 7, adaptive = FALSE))
  })
}
