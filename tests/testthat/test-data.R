# The shipped data agree with what was published about them.

is_binary <- function(data) all(vapply(data, function(x) is.integer(x) && all(x %in% 0:1), NA))
# frequency-weighted number of ones in each item
ones <- function(data) colSums(data[names(data) != "frequency"] * data$frequency)

test_that("lsat has 1,000 persons and the published number of right answers", {
  expect_identical(dim(lsat), c(1000L, 5L))
  expect_true(is_binary(lsat))
  expect_equal(unname(colSums(lsat)), c(924, 709, 553, 763, 870))
})

test_that("carcinoma has 118 slides in 20 patterns", {
  expect_identical(dim(carcinoma), c(118L, 7L))
  expect_true(is_binary(carcinoma))
  expect_identical(nrow(unique(carcinoma)), 20L)
  expect_identical(sum(rowSums(carcinoma) == 0), 34L)
  expect_identical(sum(rowSums(carcinoma) == 7), 16L)
})

test_that("stouffer_toby has 216 students in all 16 patterns", {
  expect_true(is_binary(stouffer_toby[1:4]))
  expect_identical(nrow(unique(stouffer_toby[1:4])), 16L)
  expect_identical(sum(stouffer_toby$frequency), 216L)
  expect_identical(stouffer_toby$frequency[rowSums(stouffer_toby[1:4]) == 4], 42L)
})

test_that("dentistry has 3,869 teeth in all 32 patterns", {
  expect_true(is_binary(dentistry[1:5]))
  expect_identical(nrow(unique(dentistry[1:5])), 32L)
  expect_identical(sum(dentistry$frequency), 3869L)
})

test_that("cheating has 319 students", {
  expect_identical(dim(cheating), c(319L, 4L))
  expect_true(is_binary(cheating))
  expect_identical(sum(rowSums(cheating) == 0), 207L)
})

test_that("the data are those of the reference cases", {
  reference <- Sys.getenv("MLMIX_REFERENCE", file.path("..", "..", "..", "shared", "reference"))
  skip_if_not(dir.exists(reference), "the reference folder is not there (set MLMIX_REFERENCE)")
  read <- function(case) utils::read.csv(file.path(reference, "published", case, "data.csv"))
  expect_equal(colSums(lsat), colSums(read("irt_lsat")), ignore_attr = TRUE)
  expect_equal(colSums(carcinoma), colSums(read("lca_carcinoma") - 1), ignore_attr = TRUE)
  expect_equal(crossprod(as.matrix(carcinoma)), crossprod(as.matrix(read("lca_carcinoma") - 1)), ignore_attr = TRUE)
  expect_equal(ones(stouffer_toby), colSums(read("lca_stouffer_toby") - 1), ignore_attr = TRUE)
  dentists <- read("fma_dentistry")
  expect_equal(ones(dentistry), colSums(dentists[1:5] * dentists$freq), ignore_attr = TRUE)
  expect_equal(colSums(cheating), colSums(read("lca_cheating")), ignore_attr = TRUE)
})

test_that("toca is what data-raw/toca.R says, and its values are recovered", {
  expect_identical(dim(toca), c(1200L, 21L))
  expect_true(is_binary(toca[-1]))
  expect_identical(as.integer(table(toca$room)), rep(20L, 60))
  skip_on_cran()
  model <- lta(list(c1 = fall1:fall10, c2 = spring1:spring10), k = 2, cluster = "room")
  high <- c(2.44, 3.09, 1.02, 0.34, 1.43, 1.28, 1.07, 1.46, 2.32, 1.32)
  low <- c(-0.50, -0.90, -3.32, -3.57, -1.43, -2.47, -2.45, -2.13, -1.14, -1.99)
  truth <- c(
    stats::setNames(high, paste0("fall", 1:10, "~1[c1=1]")), stats::setNames(low, paste0("fall", 1:10, "~1[c1=2]")),
    "c1#1~1" = -0.55, "c2#1~1[c1=1]" = 1.441, "c2#1~1[c1=2]" = -1.539, "c1#1@room~~c1#1@room" = 1.90,
    "c2#1@room~c1#1@room" = 0.38, "c2#1@room~~c2#1@room" = 0.35
  )
  first <- mlmix_control(start_values = start_values(model, toca, truth))
  fit <- quiet_fit(model, toca, starts = 1, seed = 1, control = first)
  off <- coef(fit)[names(truth)] - truth
  expect_lt(drop(off %*% solve(vcov(fit)[names(truth), names(truth)], off)), stats::qchisq(0.999, 26))
  expect_lt(max(abs(off) / sqrt(diag(vcov(fit)))[names(truth)]), 4)
})
