# Flows between classes against transitions() and against the joint posterior.

test_that("a chain has the numbers of transitions()", {
  d <- plot_data(chain_fit(), "transitions")
  t <- transitions(chain_fit())
  same <- match(paste(d$from, d$to), paste(t$from, t$to))
  expect_equal(d$n, t$n[same])
  expect_equal(d$probability, t$probability[same])
  expect_equal(sum(d$proportion), 1)
})

test_that("a chain of second order flows from the latest class, by the joint posterior", {
  fit <- second_order_fit()
  d <- plot_data(fit, "transitions")
  cells <- expand.grid(w1 = 1:2, w2 = 1:2, w3 = 1:2)
  joint <- colSums(matrix(as.numeric(fit$posterior_joint), ncol = 8))
  by_hand <- sum(joint[cells$w2 == 1 & cells$w3 == 2])
  expect_equal(d$n[d$from == "w2=1" & d$to == "w3=2"], by_hand)
  expect_equal(unique(d[c("from_variable", "to_variable")]$to_variable), c("w2", "w3"))
})

test_that("flows fill their bars and do not leave the page", {
  d <- plot_data(second_order_fit(), "transitions")
  shapes <- flow_shapes(d, c("w1", "w2", "w3"))
  expect_equal(nrow(shapes$bars), 6)
  height <- tapply(shapes$bars$high - shapes$bars$low, shapes$bars$x, sum)
  expect_equal(as.numeric(height), rep(1, 3))
  at_left <- shapes$bands[shapes$bands$x == min(shapes$bands$x), ]
  first <- shapes$bars[shapes$bars$x == 1, ]
  expect_equal(range(at_left$y), range(c(first$low, first$high)))
})

test_that("class variables that do not follow one another have panels of their own", {
  skip_if_not_installed("ggplot2")
  d <- data.frame(
    from_variable = "a", from = rep(c("a=1", "a=2"), 2), to_variable = rep(c("b", "c"), each = 4),
    to = c("b=1", "b=1", "b=2", "b=2", "c=1", "c=1", "c=2", "c=2"), n = 10, probability = 0.5, proportion = 0.25
  )
  expect_length(unique(ggplot2::ggplot_build(drawn(plot_transitions(d, 0.95)))$data[[1]]$PANEL), 2)
})
