# Pictures of every type, from numbers written here, so that no estimate moves them. Compared where ggplot2 is the
# version that drew them: another one changes details of every picture.

expect_picture <- function(title, plot) {
  skip_on_cran()
  skip_if_not_installed("ggplot2")
  skip_if_not_installed("vdiffr")
  skip_if_not(utils::packageVersion("ggplot2")[, 1:2] == "3.4", "The pictures are of ggplot2 3.4")
  vdiffr::expect_doppelganger(title, plot)
}

profile_numbers <- function() {
  d <- expand.grid(outcome = paste0("item", 1:4), class = c("c=1", "c=2"), stringsAsFactors = FALSE)
  p <- c(0.9, 0.8, 0.85, 0.7, 0.1, 0.3, 0.15, 0.2)
  share <- ifelse(d$class == "c=1", "(40.0 %)", "(60.0 %)")
  data.frame(variable = "c", class = d$class, label = paste(d$class, share), outcome = d$outcome,
    category = "1", measure = "probability", value = p, conf.low = p - 0.05, conf.high = p + 0.05)
}

test_that("profiles, of one fit and of two", {
  d <- profile_numbers()
  expect_picture("profile", plot_profile(d, 0.95))
  other <- transform(d, value = 0.8 * value + 0.1, conf.low = value - 0.02, conf.high = value + 0.02)
  both <- rbind(cbind(model = "Grade of membership", d), cbind(model = "Latent classes", other))
  both$label <- both$class
  expect_picture("two profiles", plot_profile(both, 0.95))
})

test_that("growth curves", {
  x <- seq(0, 4, by = 0.5)
  curve <- function(class, value) {
    data.frame(outcome = "y", against = "time", variable = "c", class = class, label = class, category = "",
      measure = "mean", x = x, value = value, conf.low = value - 0.2, conf.high = value + 0.2)
  }
  paths <- data.frame(class = rep(c("c=1", "c=2"), each = 6), id = rep(1:4, each = 3), joined = TRUE, x = c(0, 2, 4),
    value = c(0, 1, 2, 0.5, 1.5, 3, 4, 3, 2.5, 3.5, 3, 2))
  means <- data.frame(class = rep(c("c=1", "c=2"), each = 2), x = c(0, 4), value = c(0.2, 2.4, 3.8, 2.1), weight = 2)
  d <- list(curves = rbind(curve("c=1", 0.6 * x), curve("c=2", 4 - 0.4 * x)), observed = means, trajectories = paths)
  expect_picture("growth", plot_growth(d, 0.95))
})

test_that("class and item curves", {
  x <- seq(-4, 4, by = 0.25)
  p <- stats::plogis(x)
  both <- function(class, p) {
    data.frame(variable = "c", against = "c#1@id", words = "random intercept of c=1", given = "", class = class,
      x = x, value = p, conf.low = stats::plogis(stats::qlogis(p) - 0.5),
      conf.high = stats::plogis(stats::qlogis(p) + 0.5))
  }
  distribution <- data.frame(x = x, density = stats::dnorm(x))
  clusters <- data.frame(value = c(-1.5, -0.7, 0, 0.2, 1.1), std.error = 0.3)
  d <- list(curves = rbind(both("c=1", p), both("c=2", 1 - p)), distribution = distribution, clusters = clusters)
  expect_picture("class curve", plot_class_curve(d, 0.95))
  items <- data.frame(outcome = rep(c("u1", "u2"), each = length(x)), against = "f", class = "", category = "1",
    measure = "probability", x = x, value = c(stats::plogis(x), stats::plogis(0.5 * x - 1)))
  items$conf.low <- items$value * 0.9
  items$conf.high <- items$value * 0.9 + 0.1
  expect_picture("item curves", plot_item_curve(list(curves = items, distribution = distribution), 0.95))
})

test_that("transitions", {
  d <- data.frame(from_variable = rep(c("t1", "t2"), each = 4), from = c("t1=1", "t1=2", "t1=1", "t1=2", "t2=1", "t2=2",
    "t2=1", "t2=2"), to_variable = rep(c("t2", "t3"), each = 4), to = c("t2=1", "t2=1", "t2=2", "t2=2", "t3=1", "t3=1",
    "t3=2", "t3=2"), n = c(40, 10, 20, 30, 35, 15, 15, 35), probability = c(0.67, 0.25, 0.33, 0.75, 0.7, 0.3, 0.3, 0.7),
    proportion = c(40, 10, 20, 30, 35, 15, 15, 35) / 100)
  expect_picture("transitions", plot_transitions(d, 0.95))
})

test_that("random effects, starts, posterior, integration", {
  effects <- data.frame(effect = "y@id", words = "random intercept of y", cluster = letters[1:6], rank = 1:6,
    value = c(-2, -1, -0.3, 0.2, 1, 2.2), std.error = 0.5)
  effects$conf.low <- effects$value - 0.98
  effects$conf.high <- effects$value + 0.98
  expect_picture("random effects", plot_random_effects(effects, 0.95))
  starts <- data.frame(start = 1:4, stage1 = c(-101, -103, -102, -110), final = c(-100, -100, -101.5, NA),
    best = c(TRUE, TRUE, FALSE, FALSE), rank = 1:4)
  expect_picture("starts", plot_starts(starts, 0.95))
  posterior <- data.frame(variable = "c", class = rep(c("c=1", "c=2"), c(4, 3)), weight = 1,
    probability = c(0.99, 0.97, 0.8, 0.55, 0.93, 0.91, 0.6))
  posterior$label <- posterior$class
  expect_picture("posterior", plot_posterior(posterior, 0.95))
  rules <- data.frame(method = "rectangular", adaptive = rep(c(TRUE, FALSE), each = 3), points = c(5, 10, 20),
    log_likelihood = c(-101, -100.1, -100, -105, -100.5, -100), reason = "",
    used = c(FALSE, TRUE, FALSE, FALSE, FALSE, FALSE))
  expect_picture("integration", plot_integration(rules, 0.95))
})

test_that("a path diagram with everything: boxes, classes, a slope, two levels", {
  node <- function(id, label, detail, kind, level, members = 1, random = FALSE) {
    data.frame(id = id, label = label, detail = detail, kind = kind, level = level, members = members, random = random)
  }
  nodes <- rbind(
    node("outcome:u1", "u1:u8", "", "outcome", "within", 8), node("outcome:y", "y", "var 1.20", "outcome", "within",
      random = TRUE),
    node("class:c", "c", "40/60 %", "class", "within", random = TRUE),
    node("latent:f", "f", "var 1.00", "factor", "within"),
    node("covariate:x", "x", "", "covariate", "within"),
    node("latent:y@id", "y", "var 0.50", "random effect", "between"),
    node("latent:c#1@id", "c#1", "var 0.80", "random effect", "between"),
    node("covariate:w", "w", "", "covariate", "between")
  )
  edges <- data.frame(
    from = c("class:c", "latent:f", "latent:f", "covariate:x", "covariate:x", "latent:y@id", "covariate:w"),
    to = c("outcome:u1", "outcome:u1", "outcome:y", "outcome:y", "class:c", "latent:c#1@id", "latent:c#1@id"),
    kind = c("class", rep("regression", 4), "covariance", "regression"),
    label = c("c=1: 0.70 to 0.90\nc=2: 0.10 to 0.30", "0.80 to 1.40", "0.60", "", "0.25", "0.33", "-0.40"),
    random = c(FALSE, FALSE, FALSE, TRUE, FALSE, FALSE, FALSE)
  )
  expect_picture("path", plot_path(place_nodes(nodes, edges), 0.95))
})
