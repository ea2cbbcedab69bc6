# Latent profiles under four covariance structures against Mplus.

structures <- list(
  model1 = c("equal", "zero"), model2 = c("varying", "zero"), model3 = c("equal", "equal"), model6 = c("varying", "varying")
)

test_that("achievement: one to four profiles, equal variances, missing values", {
  data <- reference_data("lpa_lsay")
  for (k in 1:4) {
    model <- lpa(c(mth_scor, sci_scor, phy_scor, bio_scor), k = k)
    expect_published("lpa_lsay", paste0("c", k), model, data, starts = if (k < 4) c(10, 3) else c(20, 5))
  }
})

test_that("grading: four covariance structures, one to three profiles", {
  data <- reference_data("lpa_grading")
  for (structure in names(structures)) {
    how <- structures[[structure]]
    for (k in 1:3) {
      model <- lpa(
        c(z_ASCI_IA, z_AMSC, z_EB, z_MSLQ, z_CSC), k = k, variances = how[[1]], covariances = how[[2]]
      )
      expect_published("lpa_grading", paste0(structure, "_c", k), model, data, starts = c(60, 15))
    }
  }
})

test_that("iris: four covariance structures, three profiles", {
  items <- setNames(iris[1:4], c("sl", "sw", "pl", "pw"))
  for (structure in names(structures)) {
    how <- structures[[structure]]
    model <- lpa(c(sl, sw, pl, pw), k = 3, variances = how[[1]], covariances = how[[2]])
    expect_published("lpa_iris", structure, model, items, starts = c(60, 15))
  }
})
