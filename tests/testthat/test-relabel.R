all_permutations <- function(n) {
  grid <- as.matrix(do.call(expand.grid, rep(list(seq_len(n)), n)))
  grid[apply(grid, 1, function(x) !anyDuplicated(x)), , drop = FALSE]
}

test_that("the best assignment is the best of all", {
  withr::local_seed(5)
  for (n in 1:6) {
    value <- matrix(stats::runif(n^2, -1, 1), n)
    sums <- apply(all_permutations(n), 1, function(order) sum(value[cbind(seq_len(n), order)]))
    expect_equal(sum(value[cbind(seq_len(n), best_assignment(value))]), max(sums))
  }
  expect_identical(best_assignment(matrix(0, 3, 3)[, 3:1]), 1:3)
})

test_that("agreement is the cosine between memberships, so that a small class counts as much as a large one", {
  p <- indicator(rep(1:2, c(98, 2)))
  q <- cbind(0.5, rep(c(0.5, 0.5), c(98, 2)))
  expect_equal(class_agreement(p, p), diag(2))
  expect_equal(class_agreement(p, q)[1, 1], 98 * 0.5 / sqrt(98 * 25))
  expect_equal(class_agreement(p, rbind(q, NA)[1:100, ]), class_agreement(p, q))
  expect_equal(class_agreement(p, cbind(q, 0))[, 3], c(0, 0))
})

test_that("classes find back from any order, in estimates, errors and posteriors", {
  fit <- carcinoma_fit(3)
  reference <- list(classes = list(c = class_posterior(fit, "c")))
  for (i in 2:6) {
    moved <- permute_classes(fit, "c", all_permutations(3)[i, ])
    back <- relabel(moved, reference)
    expect_equal(coef(back), coef(fit))
    expect_equal(vcov(back), vcov(fit), tolerance = 1e-6)
    expect_equal(posterior(back), posterior(fit))
  }
})

test_that("class variables of two occasions are matched each by itself, those with equal items together", {
  fit <- chain_fit()
  reference <- list(classes = list(c1 = class_posterior(fit, "c1"), c2 = class_posterior(fit, "c2")))
  moved <- permute_classes(permute_classes(fit, "c2", 2:1), "c1", 2:1)
  expect_equal(coef(relabel(moved, reference)), coef(fit))
  fit <- invariant_lta_fit()
  names <- names(fit_classes(fit))
  moved <- permute_classes(fit, names, 2:1)
  reference <- list(classes = stats::setNames(lapply(names, class_posterior, fit = fit), names))
  expect_equal(coef(relabel(moved, reference)), coef(fit))
  expect_equal(coef(relabel(moved, list(classes = reference$classes[1]))), coef(fit))
})

test_that("classes of clusters are matched by their units", {
  fit <- regression_fit()
  truth <- withr::with_seed(8, (1 + (stats::runif(40) < 0.4))[rep(1:40, each = 6)])
  moved <- permute_classes(fit, "d", 2:1)
  one <- relabel(fit, list(classes = list(d = indicator(truth))))
  other <- relabel(moved, list(classes = list(d = indicator(truth))))
  expect_equal(coef(one), coef(other))
  expect_lt(coef(one)[["y~1[d=1]"]], coef(one)[["y~1[d=2]"]]) # -1 and 2 in the simulation
})

test_that("more or fewer classes than in the reference", {
  fit <- carcinoma_fit(3)
  two <- list(classes = list(c = class_posterior(carcinoma_fit(2), "c")))
  found <- relabel(fit, two)
  sizes <- class_agreement(two$classes$c, class_posterior(found, "c"))
  others <- apply(all_permutations(3), 1, function(order) sum(diag(sizes[, order])))
  expect_equal(sum(diag(sizes)), max(others))
  three <- list(classes = list(c = class_posterior(fit, "c")[, 3:1]))
  expect_no_error(relabel(carcinoma_fit(2), three))
})

test_that("classes that are not exchangeable, and those without a reference, stay", {
  fit <- certain_item_fit()
  p <- class_posterior(fit, "c")
  expect_identical(relabel(fit, list(classes = list(c = p[, 2:1]))), fit)
  expect_identical(relabel(fit, list(classes = list(other = p))), fit)
})

test_that("a factor takes the sign of the reference, and the likelihood stays", {
  fit <- factor_fit()
  scores <- latent_by_row(fit, "f")
  turned <- relabel(fit, list(latents = list(f = -scores)))
  loadings <- grepl("~f$", names(coef(fit)))
  expect_equal(coef(turned)[loadings], -coef(fit)[loadings])
  expect_equal(coef(turned)[!loadings], coef(fit)[!loadings])
  expect_equal(latent_by_row(turned, "f"), -scores)
  expect_equal(engine_evaluate(fit, turned$parameters$estimate)$log_likelihood, fit$log_likelihood)
  expect_equal(vcov(turned)["item1~f", "item1~1"], -vcov(fit)["item1~f", "item1~1"])
  expect_identical(relabel(turned, list(latents = list(f = scores)))$parameters$estimate, fit$parameters$estimate)
  # A random intercept has the fixed coefficient 1, a fixed loading its sign.
  regression <- regression_fit()
  expect_identical(reflect_latent(regression, "y@id"), regression)
  fixed <- mlmix(mixture_model(latent_factor("f", scale = "loading"), outcome(item1:item5 ~ f, family = bernoulli())),
    lsat, starts = 1, seed = 1, threads = 1)
  expect_identical(reflect_latent(fixed, "f"), fixed)
})
