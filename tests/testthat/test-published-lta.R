# Latent transition and latent Markov models against Mplus and LMest.

grade7 <- quote(c(ab39m, ab39t, ab39u, ab39w, ab39x))
grade10 <- quote(c(ga33a, ga33h, ga33i, ga33k, ga33l))

test_that("each occasion alone, one to five classes", {
  data <- reference_data("lta_lsay")
  for (k in 1:5) {
    starts <- if (k < 4) c(10, 3) else if (k == 4) c(60, 20) else c(200, 60)
    # Five classes at the first occasion: the likelihood is flat towards a boundary (Mplus prints a logit of 5.4 with
    # standard error 18, we end at the limit): log-likelihood only.
    first <- rlang::inject(lca(!!grade7, k = k))
    expect_published("lta_lsay", paste0("time1_c", k), first, data, starts = starts, estimates = k < 5)
    second <- rlang::inject(lca(!!grade10, k = k))
    expect_published("lta_lsay", paste0("time2_c", k), second, data, starts = starts)
  }
})

test_that("two occasions, four classes, items equal over time or not", {
  data <- reference_data("lta_lsay")
  # Equal items: one logit drifts to its limit, Mplus stops at -14.639; hence the slack.
  model <- rlang::inject(lta(list(!!grade7, !!grade10), k = 4))
  expect_published("lta_lsay", "invariant", model, data, starts = c(30, 8), slack = 0.005)
  model <- rlang::inject(lta(list(!!grade7, !!grade10), k = 4, invariant = FALSE))
  expect_published("lta_lsay", "noninvariant", model, data, starts = c(30, 8), slack = 0.002)
})

test_that("mood on four occasions: frequencies, equal transitions", {
  data <- reference_data("rilta_mood")
  model <- lta(list(u11:u12, u21:u22, u31:u32, u41:u42), k = 2, stationary = TRUE)
  expect_published("rilta_mood", "m1_lta", model, data, frequency = "freq")
})

test_that("latent Markov model, seven years", {
  long <- reference_data("latent_markov_psid")[c("id", "time", "Y1Fertility", "Y2Employment")]
  names(long) <- c("id", "time", "fertility", "employment")
  data <- stats::reshape(long, direction = "wide", idvar = "id", timevar = "time", sep = "")
  occasions <- lapply(1:7, function(t) paste0(c("fertility", "employment"), t))
  expect_published("latent_markov_psid", "states2", lta(occasions, k = 2), data)
})
