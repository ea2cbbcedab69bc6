# Caterpillars against random_effects().

test_that("values, errors and order are those of random_effects()", {
  fit <- random_logit_fit()
  d <- plot_data(fit, "random_effects", level = 0.9)
  r <- random_effects(fit)
  one <- d[d$effect == "y@id", ]
  expect_equal(one$value, r$`y@id`)
  expect_equal(one$conf.high, r$`y@id` + stats::qnorm(0.95) * r$`y@id.se`)
  expect_equal(one$rank, rank(r$`y@id`))
  expect_equal(one$cluster, as.character(r$id))
  expect_equal(unique(d$words[d$effect == "y@id"]), "random intercept of y")
  expect_equal(unique(d$words[d$effect == "c#1@id"]), "random intercept of c=1")
})

test_that("of very many clusters a selection is drawn", {
  skip_if_not_installed("ggplot2")
  d <- plot_data(random_logit_fit(), "random_effects")
  plot <- drawn(plot_random_effects(d, 0.95, most = 10))
  expect_equal(nrow(plot$data), 20)
  expect_match(plot$labels$subtitle, "10 of 40 clusters")
})
