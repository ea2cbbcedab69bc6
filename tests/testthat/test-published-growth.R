# Growth mixtures against Mplus, OpenMx and lcmm: random effects integrated analytically, in wide and long data.

# Linear growth over six occasions as two factors: loadings 1 and 0, 1, ..., 5; class-specific means and covariance.
growth_factors <- function(k) {
  items <- paste0("sci", 7:12)
  mixture_model(
    latent_class("c", k),
    latent_factor("i", ~c, scale = "loading"),
    latent_factor("s", ~c, scale = "loading"),
    outcome(sci7:sci12 ~ 0 + i + s, variance = ~c),
    covary(i, s, by = ~c),
    rlang::inject(constrain(fix(!!!stats::setNames(as.list(rep(1, 6)), paste0(items, "~i"))))),
    rlang::inject(constrain(fix(!!!stats::setNames(as.list(0:5), paste0(items, "~s"))))),
    rlang::inject(constrain(fix(!!!stats::setNames(list(NA, NA), paste0(c("i", "s"), "~1[c=", k, "]")))))
  )
}

test_that("science scores, six occasions, one to three classes", {
  skip_on_cran()
  data <- reference_data("gmm_lsay")
  for (k in 1:3) {
    expect_published("gmm_lsay", paste0("c", k), growth_factors(k), data, starts = c(12, 4))
  }
})

test_that("variances, covariance and means by class, long data", {
  wide <- reference_data("growth_mixture_openmx")
  data <- data.frame(id = rep(seq_len(nrow(wide)), each = 5), time = rep(0:4, nrow(wide)), y = c(t(as.matrix(wide))))
  model <- growth_mixture(y ~ time + (1 + time | id), k = 2, variances = "varying")
  expect_published("growth_mixture_openmx", "c2", model, data, starts = c(4, 2), log_tolerance = 1e-4)
})

test_that("cognitive ageing: three correlated random effects, unequal times", {
  skip_on_cran()
  data <- reference_data("growth_mixture_paquid")
  data <- data[!is.na(data$normMMSE), ]
  model <- function(k) {
    mixture_model(
      latent_class("c", k, level = "between"),
      outcome(normMMSE ~ c * age65 + c * I(age65^2) + CEP + (1 + age65 + I(age65^2) | ID))
    )
  }
  for (k in 1:2) {
    expect_published("growth_mixture_paquid", paste0("c", k), model(k), data, starts = c(4, 2), se = "observed")
  }
  # Three classes: lcmm prints a local maximum; some of our starts reach it, others go higher (-8890.148).
  expected <- published_fit("growth_mixture_paquid", "c3")
  fit <- quiet_fit(model(3), data, starts = 6, seed = 1, se = "none")
  expect_identical(fit$n_free, as.integer(expected$npar))
  expect_true(any(abs(fit$starts$final - as.numeric(expected$logLik)) < 0.01))
  expect_gte(fit$log_likelihood, as.numeric(expected$logLik) - 0.01)
})
