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
  data$SEX <- factor(data$SEX, c("Male", "Female"))
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
  fit <- expect_published(
    "multilevel_lca_nyts18", "c3_w2_sex_level", model(~ w + SEX + SCH_LEV), data, log_tolerance = 1e-3
  )$random
  # Classes in glca's order: of students by the first item, of schools by size.
  fit <- order_classes(order_classes(fit, by = "ECIGAR", class = "c"), by = "size", class = "w")
  value <- stats::setNames(fit$parameters$estimate, fit$parameters$name)
  expect_lt(max(abs(as.numeric(fit$class_prob$w) - c(0.54083, 0.45917))), 2e-4)
  published <- c(
    "c#1~1[w=1]" = -2.6345, "c#2~1[w=1]" = -1.0654, "c#1~1[w=2]" = -0.8997, "c#2~1[w=2]" = 0.1671,
    "c#1~SEXFemale" = 0.6307, "c#2~SEXFemale" = 0.1159,
    "c#1~SCH_LEVMiddle School" = -2.5656, "c#2~SCH_LEVMiddle School" = -1.9522
  )
  expect_lt(max(abs(value[names(published)] - published)), 1e-3)
  yes <- rbind(
    c(0.9657, 0.8914, 0.9782, 0.5049, 0.5507), c(0.1696, 0.3227, 0.7266, 0.0394, 0.1127),
    c(0.0034, 0.0033, 0.0372, 0.0056, 0.0074)
  )
  names <- as.character(items)[-1]
  ours <- vapply(names, function(item) stats::plogis(value[paste0(item, "~1[c=", 1:3, "]")]), numeric(3))
  expect_lt(max(abs(ours - yes)), 2e-4)
})
