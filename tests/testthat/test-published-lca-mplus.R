# Larger latent class analyses by Mplus: bullying reports, and sampling weights with missing items.

test_that("bullying reports, one to six classes", {
  data <- reference_data("lca_bully")
  # Six classes: the published maximum has a small basin, so many starts.
  for (k in 1:6) {
    model <- lca(c(report_dis, report_race, report_sex, counselors_fte, psych_fte, law_fte), k = k)
    starts <- if (k < 4) c(10, 3) else if (k < 6) c(60, 20) else c(400, 100)
    expect_published("lca_bully", paste0("c", k), model, data, starts = starts)
  }
})

test_that("sampling weights and missing items, one to six classes", {
  skip_on_cran()
  data <- reference_data("lca_weighted_els")
  for (k in 1:6) {
    model <- lca(c(bys87a, bys87c, bys87f, bys89a, bys89b, bys89l, bys89r, bys89u), k = k)
    starts <- if (k < 3) c(6, 2) else c(30, 8)
    expect_published("lca_weighted_els", paste0("c", k), model, data, starts = starts, weights = "f3bytscwt")
  }
})
