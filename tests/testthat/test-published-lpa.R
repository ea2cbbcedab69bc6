# Latent profiles under four covariance structures against Mplus.

structures <- list(
  model1 = c("equal", "zero"), model2 = c("varying", "zero"), model3 = c("equal", "equal"), model6 = c("varying", "varying")
)

# A full covariance matrix for a class: the likelihood has no maximum (a class can shrink onto a few cases), and random
# starts find such classes. The published maximum is a local one.
unbounded <- "the likelihood is unbounded"

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
      local <- if (structure == "model6" && k > 1) unbounded
      starts <- if (structure == "model3") c(300, 300) else c(60, 15)
      expect_published("lpa_grading", paste0(structure, "_c", k), model, data, starts = starts, local = local)
    }
  }
})

# Start values from the moments of the species.
at_species <- function(model, data) {
  table <- parameters(model, data)
  value <- setNames(rep(0, nrow(table)), table$name)
  for (k in 1:3) {
    species <- data[as.integer(iris$Species) == k, ]
    moments <- cov(species) * (nrow(species) - 1) / nrow(species)
    value[paste0(names(data), "~1[c=", k, "]")] <- colMeans(species)
    for (i in names(data)) for (j in names(data)) {
      name <- paste0(i, "~~", j, "[c=", k, "]")
      if (name %in% table$name) value[[name]] <- moments[i, j]
    }
  }
  value
}

test_that("iris: four covariance structures, three profiles", {
  data <- setNames(iris[1:4], c("sl", "sw", "pl", "pw"))
  fits <- lapply(structures, function(how) {
    model <- lpa(c(sl, sw, pl, pw), k = 3, variances = how[[1]], covariances = how[[2]])
    control <- if (how[[2]] == "varying") mlmix_control(start_values = at_species(model, data)) else mlmix_control()
    starts <- if (how[[2]] == "varying") 1 else c(60, 60)
    quiet_fit(model, data, starts = starts, seed = 1, se = "none", control = control)
  })
  for (structure in c("model1", "model3", "model6")) {
    expect_published_fit(fits[[structure]], published_fit("lpa_iris", structure), structure)
  }
  # Varying variances: Mplus prints a local maximum; some of our starts reach it, others go higher (-306.8605).
  expect_true(any(abs(fits$model2$starts$final + 307.1808) < 0.01, na.rm = TRUE))
  expect_gt(fits$model2$log_likelihood, -307.1808)
})
