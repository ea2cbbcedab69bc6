data <- two_level_data()
model <- lca(u1:u4, 2, predictors = ~x)

test_that("tibbles and data frames give the same", {
  skip_if_not_installed("tibble")
  expect_equal(resolve_model(model, tibble::as_tibble(data))$columns, resolve_model(model, data)$columns)
})

test_that("rows are left out in order and counted", {
  data$id[1:2] <- NA
  data$x[2:4] <- NA
  data[5:6, paste0("u", 1:4)] <- NA
  data$u1[7] <- NA
  by_cluster <- lca(u1:u4, 2, predictors = ~ x + (1 | id))
  expect_snapshot(resolved <- resolve_model(by_cluster, data))
  expect_equal(resolved$dropped, list(cluster = 2L, covariates = 2L, outcomes = 2L))
  expect_equal(resolved$row_used, 7:72)
  expect_true(is.na(resolved$columns$u1[1]))
})

test_that("clusters are numbered from 0 in order of first appearance", {
  data$id <- rep(c("z", "a", "m"), each = 24)[c(25:72, 1:24)]
  resolved <- resolve_model(lca(u1:u4, 2, predictors = ~ (1 | id)), data)
  expect_equal(resolved$cluster_ids, c("a", "m", "z"))
  expect_equal(unique(resolved$cluster), 0:2)
  expect_null(resolve_model(model, data)$cluster)
  expect_equal(resolve_model(model, data, cluster = "id")$cluster, resolved$cluster)
})

test_that("unusable data are explained", {
  expect_snapshot(error = TRUE, {
    resolve_model(model, as.list(data))
    resolve_model(model, data[0, ])
    resolve_model(model, stats::setNames(data, c("u1", "u1", names(data)[-(1:2)])))
    resolve_model(model, data[-2])
    resolve_model(lca(u1:u4, 2, predictors = ~ag), transform(data, age = x))
    resolve_model(model, transform(data, x = Inf))
    resolve_model(model, within(data, u2 <- as.list(u2)))
    resolve_model(model, within(data, u2 <- cbind(u2, u2)))
    resolve_model(model, transform(data, x = NA_real_))
    resolve_model(model, transform(data, x = Sys.Date()))
  })
})

test_that("persons and items are stacked", {
  wide <- binary_data(paste0("u", 1:3), n = 20)
  wide$age <- seq_len(20)
  wide$u2[3] <- NA
  wide[5, 1:3] <- NA
  expect_snapshot(resolved <- resolve_model(gom(u1:u3, 2, predictors = ~age), wide))
  expect_length(resolved$row_used, 3 * 19 - 1)
  expect_equal(resolved$row_used[1:8], c(1, 1, 1, 2, 2, 2, 3, 3))
  expect_equal(resolved$cluster[1:4], c(0, 0, 0, 1))
  expect_equal(resolved$cluster_ids[5], 6)
  expect_equal(resolved$columns$u2[1:3], c(NA, wide$u2[1], NA))
  expect_equal(resolved$columns$age[1:4], c(1, 1, 1, 2))
  expect_equal(resolved$dropped$outcomes, 1)
  expect_snapshot(error = TRUE, resolve_model(gom(u1:u3, 2, predictors = ~item), transform(wide, item = age)))
})
