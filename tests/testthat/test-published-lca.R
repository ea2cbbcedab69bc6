# Latent class analyses against published log-likelihoods, estimates and robust standard errors.

test_that("carcinoma: two to four classes", {
  for (k in 2:4) {
    model <- lca(c(A, B, C, D, E, F, G), k = k) # nolint: T_and_F_symbol_linter.
    expect_published("lca_carcinoma", paste0("c", k), model, carcinoma, starts = c(20, 5))
  }
})

test_that("survey respondents: nominal items, one to three classes", {
  data <- reference_data("lca_gss82")
  for (k in 1:3) {
    model <- lca(c(PURPOSE, ACCURACY, UNDERSTA, COOPERAT), k = k)
    expect_published("lca_gss82", paste0("c", k), model, data, starts = c(20, 5))
  }
})

test_that("role conflict: frequencies, G2 and class sizes", {
  fits <- lapply(1:2, function(k) {
    model <- lca(c(A, B, C, D), k = k)
    expect_published("lca_stouffer_toby", paste0("c", k), model, stouffer_toby, frequency = "frequency")$random
  })
  # G2 compares with the saturated table: 2 sum n log(n / (N p)).
  n <- stouffer_toby$frequency
  saturated <- sum(ifelse(n > 0, n * log(n / sum(n)), 0))
  expect_equal(round(2 * (saturated - fits[[2]]$log_likelihood), 4), 2.7199)
  expect_equal(sort(round(as.numeric(fits[[2]]$class_prob$c), 5)), c(0.27925, 0.72075))
})

test_that("cheating: one and two classes with estimates, three and four by log-likelihood", {
  # With three and four classes of four binary items the model is not identified: no estimates to compare.
  for (k in 1:4) {
    model <- lca(c(lie_exam, lie_paper, fraud, copy_exam), k = k)
    expect_published("lca_cheating", paste0("c", k), model, cheating, starts = c(100, 30), estimates = k < 3)
  }
})

test_that("cheating: grade point average predicts the class", {
  data <- reference_data("lca_cheating")
  if (is.null(data$GPA)) skip("The cheating data here have no variable GPA.")
  model <- lca(c(lieexam, liepaper, fraud, copyexam), k = 2, predictors = ~GPA)
  expect_published("lca_cheating", "gpa", model, data, estimates = FALSE)
})

test_that("User's Guide examples 7.3 (binary) and 7.6 (three categories)", {
  expect_published("lca_ex7_3", "ex7_3", lca(u1:u4, k = 2), reference_data("lca_ex7_3"))
  model <- lca(u1:u4, k = 2, family = ordinal("logit"))
  expect_published("lca_ex7_6", "ex7_6", model, reference_data("lca_ex7_6"), starts = c(20, 10))
})
