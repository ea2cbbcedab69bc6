# estimates(): columns, intervals, probabilities.

test_that("estimates have the documented columns and Wald statistics", {
  e <- estimates(carcinoma_fit(2))
  expect_named(e, c("name", "level", "kind", "target", "term", "class", "estimate", "std.error", "statistic", "p.value",
    "conf.low", "conf.high", "status"))
  free <- e$status == "free"
  expect_equal(e$statistic[free], (e$estimate / e$std.error)[free])
  expect_true(all(is.na(e$std.error[e$status == "boundary"])))
})

test_that("variances have no test against 0 and a positive interval", {
  e <- estimates(regression_fit())
  v <- e[e$kind == "variance", ]
  expect_gt(nrow(v), 0)
  expect_true(all(is.na(v$p.value)))
  expect_true(all(v$conf.low > 0 & v$conf.low < v$estimate & v$estimate < v$conf.high))
})

test_that("probabilities follow from the logits, with the delta method's closed form", {
  fit <- carcinoma_fit(2)
  p <- estimates(fit, scale = "probability")
  e <- estimates(fit)
  b <- e[e$name == "B~1[c=1]", ]
  one <- p[p$target == "B" & p$term == "1" & p$class == "c=1", ]
  expect_equal(one$estimate, plogis(b$estimate))
  if (b$status == "free") {
    expect_equal(one$std.error, plogis(b$estimate) * plogis(-b$estimate) * b$std.error, tolerance = 1e-6)
    expect_equal(c(one$conf.low, one$conf.high), plogis(c(b$conf.low, b$conf.high)), tolerance = 1e-6)
  }
  sums <- tapply(p$estimate, paste(p$target, p$class), sum)
  expect_equal(as.numeric(sums), rep(1, length(sums)))
  expect_equal(p$estimate[p$term == "c=1"], class_sizes(fit)$proportion[1], tolerance = 1e-5)
})

test_that("transition probabilities come with standard errors", {
  p <- estimates(chain_fit(), scale = "probability")
  p <- p[p$target == "c2", ]
  expect_equal(p$class, rep(c("c1=1", "c1=2"), each = 2))
  expect_true(all(p$std.error > 0))
  expect_equal(p$estimate, transitions(chain_fit())$probability, tolerance = 1e-4)
})

test_that("category probabilities of ordinal and nominal outcomes", {
  classes <- list(c = list(name = "c", level = "within", k = 2, labels = c("c=1", "c=2")))
  ordinal <- sp_outcome("u", sp_family("ordinal", n_categories = 3), list(sp_predictor()),
    list(sp_by("c", 0:1), sp_by("c", 2:3)))
  expect_equal(category_probabilities(ordinal, c(-1, 0, 1, 2), list(c = 2), classes),
    c(0.5, plogis(2) - 0.5, plogis(-2)))
  nominal <- sp_outcome("u", sp_family("nominal", n_categories = 3),
    list(sp_predictor(sp_term(sp_par(0))), sp_predictor(sp_term(sp_par(1)))))
  expect_equal(category_probabilities(nominal, c(1, -1), list(c = 1), classes), exp(c(1, -1, 0)) / sum(exp(c(1, -1, 0))))
})

test_that("tidy and glance have broom's names", {
  fit <- carcinoma_fit(2)
  expect_true(all(c("term", "estimate", "std.error", "statistic", "p.value") %in% names(tidy(fit))))
  expect_false("conf.low" %in% names(tidy(fit)))
  expect_true("conf.low" %in% names(tidy(fit, conf.int = TRUE)))
  expect_equal(anyDuplicated(tidy(fit, scale = "probability")$term), 0L)
  g <- glance(fit)
  expect_equal(nrow(g), 1L)
  expect_equal(g$aBIC, -2 * g$logLik + log((118 + 2) / 24) * g$npar)
  expect_equal(g$BIC, -2 * g$logLik + log(118) * g$npar)
})

test_that("entropy is the relative entropy of the posteriors", {
  fit <- carcinoma_fit(2)
  p <- as.matrix(posterior(fit)[c("c=1", "c=2")])
  expect_equal(glance(fit)$entropy, 1 - sum(-p * log(p), na.rm = TRUE) / (118 * log(2)))
})

test_that("errors in words", {
  expect_snapshot(error = TRUE, {
    estimates("fit")
    estimates(carcinoma_fit(2), scale = "odds")
    estimates(carcinoma_fit(2), level = 95)
  })
})
