# memberships(): posterior means of a person's class probabilities, against plain integration.

small_gom <- function() {
  remember("small gom", {
    data <- lsat[c(TRUE, FALSE, FALSE, FALSE), ]
    data[3, ] <- NA
    data[5, "item2"] <- NA
    list(fit = mlmix(gom(item1:item5, k = 2), data, starts = c(3, 1), seed = 1, threads = 1), data = data)
  })
}

test_that("scores of a grade-of-membership model agree with integration by hand", {
  case <- small_gom()
  e <- coef(case$fit)
  z <- seq(-8, 8, length.out = 801)
  g <- plogis(e[["c#1~1"]] + sqrt(e[["c#1@person~~c#1@person"]]) * z)
  by_hand <- t(apply(case$data[c(1, 2, 5, 40), ], 1, function(y) {
    likelihood <- dnorm(z)
    for (p in which(!is.na(y))) {
      right <- g * pnorm(e[[paste0("item", p, "~1[c=1]")]]) + (1 - g) * pnorm(e[[paste0("item", p, "~1[c=2]")]])
      likelihood <- likelihood * if (y[[p]] == 1) right else 1 - right
    }
    mean <- sum(g * likelihood) / sum(likelihood)
    c(mean, 1 - mean, sqrt(sum(g^2 * likelihood) / sum(likelihood) - mean^2))
  }))
  scores <- memberships(case$fit)
  expect_equal(names(scores), c("row", "c=1", "c=2", "c=1.se", "c=2.se"))
  expect_equal(nrow(scores), 250)
  expect_true(all(is.na(scores[3, -1])))
  expect_equal(unname(as.matrix(scores[c(1, 2, 5, 40), 2:4])), unname(by_hand), tolerance = 1e-4)
  expect_equal(scores[["c=1.se"]], scores[["c=2.se"]], tolerance = 1e-6)
  sizes <- class_sizes(case$fit)
  weight <- rowSums(!is.na(case$data))
  expect_equal(sum(scores[["c=1"]] * weight, na.rm = TRUE) / sum(weight), sizes$proportion[[1]], tolerance = 0.02)
})

test_that("clusters of other models have shares; without classes or clusters there are none", {
  fit <- random_logit_fit()
  shares <- memberships(fit)
  expect_equal(nrow(shares), 40)
  e <- coef(fit)
  effect <- random_effects(fit)
  expect_gt(cor(shares[["c=1"]], plogis(e[["c#1~1"]] + effect[["c#1@id"]])), 0.98)
  expect_equal(shares[[2]] + shares[[3]], rep(1, 40))
  expect_snapshot(error = TRUE, {
    memberships(carcinoma_fit(2))
    memberships(regression_fit())
  })
})
