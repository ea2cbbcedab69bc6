# Factor mixtures and item response models against randomLCA, ltm and mirt.

# Classes and one factor behind five dentists; with `common`, one loading for all.
dentists <- function(k, link, common) {
  components <- list(
    if (k > 1) latent_class("c", k),
    latent_factor("f"),
    outcome(if (k > 1) dentist1:dentist5 ~ c + f else dentist1:dentist5 ~ f, family = bernoulli(link)),
    if (common) constrain(equal(paste0("dentist", 1:5, "~f")))
  )
  do.call(mixture_model, Filter(Negate(is.null), components))
}

test_that("dentists: classes alone", {
  for (k in 1:3) {
    model <- lca(dentist1:dentist5, k = k)
    expect_published("fma_dentistry", paste0("lca_c", k), model, dentistry, frequency = "frequency", starts = c(20, 6))
  }
})

test_that("dentists: classes and a factor, one common loading", {
  for (k in 1:3) {
    fit <- expect_published(
      "fma_dentistry", paste0("probit_common_c", k), dentists(k, "probit", TRUE), dentistry, frequency = "frequency",
      starts = c(20, 6)
    )$random
    if (k == 2) two <- order_classes(fit, by = "size")
  }
  # Published: class sizes, loading, probabilities of a positive judgement at the factor's mean.
  values <- stats::setNames(two$parameters$estimate, two$parameters$name)
  loading <- abs(values[["dentist1~f"]])
  expect_equal(loading, 0.704419, tolerance = 1e-3)
  expect_lt(max(abs(as.numeric(two$class_prob$c) - c(0.821, 0.179))), 6e-4)
  probability <- function(k) stats::pnorm(values[paste0("dentist", 1:5, "~1[c=", k, "]")])
  expect_lt(max(abs(probability(1) - c(0.0057, 0.0836, 0.0059, 0.0258, 0.2964))), 1.5e-4)
  expect_lt(max(abs(probability(2) - c(0.3804, 0.6770, 0.6508, 0.3999, 0.9033))), 1.5e-4)
  for (k in 1:2) {
    expect_published(
      "fma_dentistry", paste0("logit_common_c", k), dentists(k, "logit", TRUE), dentistry, frequency = "frequency"
    )
  }
})

test_that("dentists: loadings by item, equal across classes", {
  for (k in 1:2) {
    expect_published(
      "fma_dentistry", paste0("probit_c", k), dentists(k, "probit", FALSE), dentistry, frequency = "frequency",
      starts = c(20, 6)
    )
  }
})

test_that("law school test: Rasch, slopes of 1, 2PL, two classes", {
  fine <- quadrature(points = 31)
  expect_published("irt_lsat", "rasch", irt(item1:item5, type = "1pl"), lsat, starts = 1, integration = fine)
  slopes <- mixture_model(
    latent_factor("f"), outcome(item1:item5 ~ f, family = bernoulli()), constrain(fix(paste0("item", 1:5, "~f"), 1))
  )
  expect_published("irt_lsat", "slopes_1", slopes, lsat, starts = 1, integration = fine)
  expect_published("irt_lsat", "2pl", irt(item1:item5, type = "2pl"), lsat, starts = c(3, 1), integration = fine)
  fit <- expect_published("irt_lsat", "lca_c2", lca(item1:item5, k = 2), lsat)$random
  # mirt stopped a little short (with its sizes fixed the log-likelihood is -2467.4069, ours -2467.4055).
  expect_lt(abs(min(fit$class_prob$c) - 0.3318), 0.01)
  expect_gt(fit$log_likelihood, -2467.408)
})
