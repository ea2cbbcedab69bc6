# Reordered classes: the same model in every part.

test_that("the reordered estimates have the same likelihood and the reordered posteriors", {
  for (fit in list(carcinoma_fit(3), chain_fit())) {
    backwards <- order_classes(fit, decreasing = FALSE)
    forwards <- order_classes(backwards)
    sizes <- class_sizes(forwards)
    for (name in unique(sizes$variable)) {
      expect_false(is.unsorted(-sizes$proportion[sizes$variable == name]))
    }
    ours <- brute_force(forwards$spec, forwards$data$columns, NULL, forwards$parameters$estimate)
    expect_equal(ours$log_likelihood, fit$log_likelihood, tolerance = 1e-9)
    joint <- posterior(forwards, joint = TRUE)
    expect_equal(unname(as.matrix(joint[seq_len(ncol(ours$posterior_joint)) + 1])), ours$posterior_joint, tolerance = 1e-5)
    expect_equal(order_classes(backwards)$parameters, order_classes(forwards)$parameters, tolerance = 1e-8)
  }
})

test_that("standard errors follow: probabilities of classes do not depend on the order", {
  fit <- chain_fit()
  swapped <- order_classes(fit, decreasing = class_sizes(fit)$proportion[1] < 0.5)
  a <- estimates(fit, "probability")
  b <- estimates(swapped, "probability")
  expect_equal(sort(a$std.error), sort(b$std.error), tolerance = 1e-6)
})

test_that("classes can be ordered by an outcome", {
  fit <- order_classes(carcinoma_fit(3), by = "D")
  p <- estimates(fit, "probability")
  p <- p$estimate[p$target == "D" & p$term == "1"]
  expect_false(is.unsorted(-p))
})

test_that("clusters' classes", {
  fit <- order_classes(regression_fit(), by = "y")
  e <- estimates(fit)
  means <- e$estimate[e$target == "y" & e$term == "1" & e$kind == "intercept"]
  expect_gt(means[1], means[2])
  expect_equal(engine_evaluate(fit, fit$parameters$estimate)$log_likelihood, fit$log_likelihood, tolerance = 1e-8)
})

# The engine at the reordered estimates gives the reordered fit.
expect_same_model <- function(swapped, fit) {
  at <- engine_evaluate(swapped, swapped$parameters$estimate)
  expect_equal(at$log_likelihood, fit$log_likelihood, tolerance = 1e-7)
  expect_equal(at$posterior_joint, swapped$posterior_joint, tolerance = 1e-4)
}

test_that("class variables that share coefficients move together", {
  fit <- invariant_lta_fit()
  expect_equal(class_groups(fit), list(c("fall", "spring")))
  expect_equal(class_groups(chain_fit()), list("c1", "c2"))
  for (decreasing in c(TRUE, FALSE)) {
    swapped <- order_classes(fit, decreasing = decreasing)
    average <- Reduce(`+`, swapped$class_prob)
    expect_false(is.unsorted(if (decreasing) -average else average))
    expect_same_model(swapped, fit)
  }
  by_item <- order_classes(fit, by = "u1", class = "spring")
  p <- estimates(by_item, "probability")
  expect_gt(p$estimate[p$target == "v1" & p$class == "spring=1"][2], p$estimate[p$target == "v1" & p$class == "spring=2"][2])
})

test_that("random logits of two classes turn their sign", {
  fit <- random_logit_fit()
  swapped <- order_classes(fit, decreasing = class_sizes(fit)$proportion[1] < 0.5)
  expect_false(identical(coef(swapped), coef(fit)))
  expect_same_model(swapped, fit)
  expect_equal(coef(swapped)[["y@id~c#1@id"]], -coef(fit)[["y@id~c#1@id"]])
  expect_equal(random_effects(swapped)$`c#1@id`, -random_effects(fit)$`c#1@id`)
  expect_equal(random_effects(swapped)$`y@id`, random_effects(fit)$`y@id`)
  expect_equal(order_classes(swapped, decreasing = class_sizes(fit)$proportion[1] > 0.5)$parameters, fit$parameters,
    tolerance = 1e-8)
})

# Models with random logits of three classes, hardly estimated: renumbering is exact at any parameter values.
three_random <- function(model) {
  data <- withr::with_seed(3, {
    id <- rep(1:20, each = 8)
    c <- sample(3, 160, TRUE)
    p <- rbind(c(.9, .9, .1), c(.1, .8, .9), c(.2, .1, .2))
    u <- sapply(1:6, function(i) stats::rbinom(160, 1, p[c, (i - 1) %% 3 + 1]))
    v <- sapply(1:3, function(i) stats::rbinom(160, 1, p[c, i]))
    data.frame(id, w = stats::rnorm(20)[id], x = stats::rnorm(160), y = stats::rnorm(160) + stats::rnorm(20)[id],
      u = u, v = v)
  })
  mlmix(model, data, starts = 1, seed = 1, threads = 1, control = mlmix_control(max_iterations = 6),
    integration = quadrature(points = 9, adaptive = FALSE))
}

test_that("random logits of three classes become differences, whatever they have and meet", {
  items <- outcome(u.1:u.6 ~ c, family = bernoulli())
  models <- list(
    mixture_model(latent_class("c", 3, ~ w + (1 | id)), items),
    mixture_model(latent_class("c", 3, ~ (1 | id)), items, outcome(y ~ (1 | id)), between(y ~ c)),
    mixture_model(latent_class("c", 3, ~ (1 | id)), items, outcome(y ~ (1 | id)), covary("y@id", "c#1@id", "c#2@id"))
  )
  models[[4]] <- mixture_model(latent_class("c", 3, ~ (1 | id)), latent_class("d", 2, ~ c + (1 | id)), items,
    outcome(v.1:v.3 ~ d, family = bernoulli()), between(d ~ c))
  for (i in seq_along(models)) {
    fit <- suppressMessages(suppressWarnings(three_random(models[[i]])))
    for (order in list(c(2, 1, 3), c(3, 1, 2), c(1, 3, 2))) {
      moved <- order_classes(fit, order, "c")
      at <- engine_evaluate(moved, moved$parameters$estimate)$log_likelihood
      at_first <- engine_evaluate(fit, fit$parameters$estimate)$log_likelihood
      expect_lt(abs(at - at_first), 0.02)
      back <- order_classes(moved, order(order), "c")
      expect_equal(coef(back), coef(fit), tolerance = 1e-8)
      if (!anyNA(fit$vcov)) expect_equal(back$vcov, fit$vcov, tolerance = 1e-6)
      expect_equal(random_effects(back)[["c#2@id"]], random_effects(fit)[["c#2@id"]], tolerance = 1e-6)
    }
    b <- random_effects(fit)
    expect_equal(random_effects(order_classes(fit, c(3, 1, 2), "c"))[["c#1@id"]], -b[["c#2@id"]], tolerance = 1e-6)
    expect_equal(random_effects(order_classes(fit, c(3, 1, 2), "c"))[["c#2@id"]], b[["c#1@id"]] - b[["c#2@id"]], tolerance = 1e-6)
  }
})

test_that("an order in numbers; random logits that are restricted against the reference", {
  fit <- carcinoma_fit(3)
  sizes <- fit$class_prob$c
  expect_equal(order_classes(fit, c(3, 1, 2))$class_prob$c, sizes[c(3, 1, 2)])
  expect_equal(order_classes(fit, 1:3), fit)
  independent <- suppressMessages(suppressWarnings(three_random(mixture_model(
    latent_class("c", 3, ~ (1 | id)), outcome(u.1:u.6 ~ c, family = bernoulli()),
    constrain(fix("c#1@id~~c#2@id" = 0))
  ))))
  expect_equal(order_classes(order_classes(independent, c(2, 1, 3)), c(2, 1, 3))$parameters, independent$parameters)
  expect_snapshot(error = TRUE, {
    order_classes(independent, c(3, 1, 2))
    order_classes(fit, c(1, 2))
    order_classes(fit, c(1, 2, 2))
    order_classes(chain_fit(), c(2, 1))
    order_classes(chain_fit(), c(2, 1), class = "d")
  })
})

test_that("warnings name the parameters under their new numbers", {
  fit <- order_classes(carcinoma_fit(3), decreasing = FALSE)
  named <- unlist(lapply(Filter(function(w) w$kind == "boundary", fit$warnings), `[[`, "parameters"))
  expect_setequal(named, fit$parameters$name[fit$parameters$status == "boundary"])
})

test_that("errors in words", {
  expect_snapshot(error = TRUE, {
    order_classes(carcinoma_fit(2), by = "Z")
    order_classes(carcinoma_fit(2), class = "d")
    order_classes(certain_item_fit(), decreasing = class_sizes(certain_item_fit())$proportion[1] < 0.5)
  })
})
