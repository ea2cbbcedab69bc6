# Every call of the interface on every kind of fit: it answers, or, where the model has nothing of that kind, it refuses
# in words.

grid_fits <- function() {
  list(
    "single-level" = carcinoma_fit(3),
    "two-level" = random_logit_fit(),
    "between classes" = regression_fit(),
    "latent transitions" = chain_fit(),
    "item response" = factor_fit(),
    "grade of membership" = remember("grid gom", mlmix(gom(c(A, B, C, D, E), k = 2), carcinoma, starts = c(2, 1),
      seed = 1, threads = 1))
  )
}

# Calls that cost several fits are left to their own tests.
grid_calls <- list(
  print = function(fit) utils::capture.output(print(fit)),
  summary = function(fit) utils::capture.output(print(summary(fit))),
  estimates = function(fit) estimates(fit),
  probabilities = function(fit) estimates(fit, scale = "probability"),
  tidy = function(fit) tidy(fit),
  glance = function(fit) glance(fit),
  augment = function(fit) augment(fit),
  `posterior within` = function(fit) posterior(fit, level = "within"),
  `posterior between` = function(fit) posterior(fit, level = "between"),
  `posterior joint` = function(fit) posterior(fit, joint = TRUE),
  factor_scores = function(fit) factor_scores(fit),
  random_effects = function(fit) random_effects(fit),
  memberships = function(fit) memberships(fit),
  class_sizes = function(fit) class_sizes(fit),
  transitions = function(fit) transitions(fit),
  classification_table = function(fit) classification_table(fit),
  logLik = function(fit) logLik(fit),
  AIC = function(fit) stats::AIC(fit),
  BIC = function(fit) stats::BIC(fit),
  nobs = function(fit) stats::nobs(fit),
  coef = function(fit) coef(fit),
  vcov = function(fit) vcov(fit),
  confint = function(fit) confint(fit),
  formula = function(fit) formula(fit),
  `predict class` = function(fit) predict(fit, type = "class"),
  `predict posterior` = function(fit) predict(fit, type = "posterior"),
  `predict response` = function(fit) predict(fit, type = "response"),
  `predict factor` = function(fit) predict(fit, type = "factor"),
  simulate = function(fit) simulate(fit, nsim = 1, seed = 1),
  derive = function(fit) eval(rlang::expr(derive(fit, square = (!!as.name(names(coef(fit))[[1]]))^2))),
  wald_test = function(fit) wald_test(fit, paste0("`", names(coef(fit))[[1]], "` = 0")),
  icc = function(fit) icc(fit),
  r_squared = function(fit) r_squared(fit),
  compare_models = function(fit) compare_models(fit, fit),
  start_table = function(fit) start_table(fit),
  integration = function(fit) integration(fit),
  `residuals bivariate` = function(fit) stats::residuals(fit, type = "bivariate"),
  fit_tests = function(fit) fit_tests(fit),
  plausible_draws = function(fit) plausible_draws(fit, m = 2, seed = 1),
  order_classes = function(fit) order_classes(fit, by = "size"),
  `order_classes in numbers` = function(fit) {
    class <- names(fit_classes(fit))[1]
    order_classes(fit, rev(seq_len(if (is.na(class)) 2 else fit_classes(fit)[[class]]$k)), if (!is.na(class)) class)
  },
  `wald_test of a term` = function(fit) wald_test(fit, term = fit$parameters$term[fit$parameters$term != "1"][1]),
  irt_parameters = function(fit) irt_parameters(fit)
)

# The data frames of these fits.
grid_data <- function() {
  two_level <- as.data.frame(random_logit_fit()$data$columns)
  two_level$id <- random_logit_fit()$data$cluster
  list(carcinoma, two_level, regression_data(), as.data.frame(chain_fit()$data$columns), lsat, carcinoma)
}

# Calls that fit again, as little as they can, with `data` or with a further variable in it.
first_class <- function(fit) names(fit_classes(fit))[1]
with_extra <- function(data) transform(data, extra = seq_len(nrow(data)) %% 7)
fitting_calls <- list(
  update = function(fit, data) {
    fit$call$data <- data
    update(fit, starts = 1)
  },
  anova = function(fit, data) anova(fit, fit),
  `confint profile` = function(fit, data) confint(fit, 1, method = "profile"),
  `confint bca` = function(fit, data) confint(bootstrap(fit, 2, seed = 1, threads = 1), kind = "bca"),
  bootstrap = function(fit, data) bootstrap(fit, 2, type = "cluster", seed = 1, threads = 1),
  monte_carlo = function(fit, data) {
    monte_carlo(fit$model, coef(fit, fixed = TRUE), data = data, replications = 2, seed = 1, threads = 1, se = "none")
  },
  simulate_data = function(fit, data) simulate_data(fit$model, coef(fit, fixed = TRUE), data = data, seed = 1),
  enumerate_classes = function(fit, data) {
    enumerate_classes(fit$model, data, k = 1:2, class = first_class(fit), starts = c(2, 1), seed = 1, threads = 1,
      se = "none")
  },
  blrt = function(fit, data) blrt(fit, class = first_class(fit), draws = 2, starts = c(2, 1), seed = 1),
  vlmr = function(fit, data) vlmr(fit, class = first_class(fit)),
  three_step = function(fit, data) {
    three_step(fit, stats::reformulate("extra", first_class(fit)), with_extra(data), starts = 1, seed = 1, threads = 1,
      correct = FALSE)
  },
  `three_step BCH` = function(fit, data) {
    three_step(fit, stats::reformulate(first_class(fit), "extra"), with_extra(data), method = "BCH", correct = FALSE)
  },
  `derive, wald_test of a step` = function(fit, data) {
    step <- three_step(fit, stats::reformulate("extra", first_class(fit)), with_extra(data), method = "BCH",
      correct = FALSE)
    squared <- eval(rlang::expr(derive(step, a = (!!as.name(names(coef(step))[[1]]))^2)))
    list(squared, wald_test(step, term = "extra"), confint(step), tidy(step), glance(step))
  },
  two_step = function(fit, data) {
    two_step(fit, stats::reformulate("extra", first_class(fit)), with_extra(data), starts = 1, seed = 1, threads = 1,
      correct = FALSE)
  },
  bayes_factors = function(fit, data) bayes_factors(fit, fit),
  start_values = function(fit, data) start_values(fit$model, data, fit)
)

# What a kind of fit does not have: there, and only there, a call refuses.
without_answer <- list(
  "single-level" = c("posterior between", "factor_scores", "random_effects", "memberships", "transitions",
    "predict factor", "icc", "wald_test of a term", "irt_parameters"),
  "two-level" = c("posterior between", "factor_scores", "transitions", "predict factor", "fit_tests",
    "wald_test of a term", "irt_parameters", "two_step"),
  "between classes" = c("posterior within", "factor_scores", "memberships", "transitions", "predict factor",
    "residuals bivariate", "fit_tests", "irt_parameters", "three_step", "two_step"),
  "latent transitions" = c("posterior between", "factor_scores", "random_effects", "memberships", "predict factor",
    "icc", "wald_test of a term", "irt_parameters"),
  "item response" = c("posterior within", "posterior between", "posterior joint", "random_effects", "memberships",
    "transitions", "predict class", "predict posterior", "icc", "order_classes in numbers"),
  "grade of membership" = c("posterior between", "factor_scores", "transitions", "predict factor",
    "wald_test of a term", "irt_parameters", "three_step", "three_step BCH", "derive, wald_test of a step")
)

expect_answer <- function(expr, call, kind) {
  label <- paste(call, "on", kind)
  answer <- tryCatch(suppressMessages(suppressWarnings(expr)), error = identity)
  if (call %in% without_answer[[kind]]) {
    expect(inherits(answer, c("mlmix_error_spec", "mlmix_error_data")), paste(label, "is to refuse in words"))
    expect(nchar(conditionMessage(answer)) > 20, paste(label, "says too little"))
  } else {
    problem <- if (inherits(answer, "error")) conditionMessage(answer) else if (is.null(answer)) "gives nothing"
    expect(is.null(problem), paste0(label, ": ", problem))
  }
}

test_that("every call answers on every kind of fit, but where there is nothing to answer", {
  skip_on_cran()
  for (kind in names(grid_fits())) {
    fit <- grid_fits()[[kind]]
    for (call in names(grid_calls)) expect_answer(grid_calls[[call]](fit), call, kind)
  }
})

test_that("every call that fits again does so, but where there is nothing to fit", {
  skip_on_cran()
  fits <- grid_fits()
  data <- grid_data()
  for (i in seq_along(fits)) {
    for (call in names(fitting_calls)) {
      # No class variable, no questions about classes.
      if (names(fits)[[i]] == "item response" && grepl("step|blrt|vlmr|enumerate", call)) next
      expect_answer(fitting_calls[[call]](fits[[i]], data[[i]]), call, names(fits)[[i]])
    }
  }
})

test_that("every plot that a fit offers can be drawn", {
  skip_on_cran()
  skip_if_not_installed("ggplot2")
  for (kind in names(grid_fits())) {
    fit <- grid_fits()[[kind]]
    types <- plot_types(fit)
    types <- if (is.data.frame(types)) types$type[if (is.null(types$offered)) TRUE else types$offered] else types
    for (type in types) {
      drawn <- tryCatch(suppressMessages(suppressWarnings(ggplot2::ggplot_build(plot(fit, type = type)))),
        error = identity)
      expect(!inherits(drawn, "error"), paste0(type, " of ", kind, ": ",
        if (inherits(drawn, "error")) conditionMessage(drawn)))
    }
  }
})
