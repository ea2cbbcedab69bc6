# Classes of students and of schools against glca: National Youth Tobacco Survey 2018.

items <- quote(c(ECIGAR, ECIGT, EELCIGT, EHOOKAH, ESLT))

test_that("students alone, two to four classes", {
  data <- reference_data("multilevel_lca_nyts18")
  for (k in 2:4) {
    model <- rlang::inject(lca(!!items, k = k))
    expect_published("multilevel_lca_nyts18", paste0("c", k), model, data, starts = c(30, 10))
  }
})

test_that("classes of students and of schools", {
  skip_on_cran()
  data <- reference_data("multilevel_lca_nyts18")
  for (k in 2:3) for (schools in 2:3) {
    model <- rlang::inject(multilevel_lca(!!items, k = k, cluster = "SCH_ID", k_between = schools))
    label <- paste0("c", k, "_w", schools)
    expect_published("multilevel_lca_nyts18", label, model, data, starts = c(20, 6), log_tolerance = 1e-3)
  }
})

test_that("predictors of students' classes at both levels", {
  skip_on_cran()
  data <- reference_data("multilevel_lca_nyts18")
  model <- function(predictors) {
    mixture_model(
      latent_class("w", 2, level = "between"),
      latent_class("c", 3, predictors),
      rlang::inject(outcome(!!call("~", items, quote(c)), family = bernoulli())),
      cluster = "SCH_ID"
    )
  }
  expect_published("multilevel_lca_nyts18", "c3_w2_sex", model(~ w + SEX), data)
  expect_published("multilevel_lca_nyts18", "c3_w2_sex_by_w", model(~ w * SEX), data)
  expect_published("multilevel_lca_nyts18", "c3_w2_sex_level", model(~ w + SEX + SCH_LEV), data, log_tolerance = 1e-3)
})
