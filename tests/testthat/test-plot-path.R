# Path diagrams: nodes, arrows and their estimates for models of every kind, and a layout without overlaps.

edge <- function(d, from, to) d$edges[d$edges$from == from & d$edges$to == to, ]

test_that("latent classes: one box with its range, sizes, no other level", {
  fit <- carcinoma_fit(2)
  d <- plot_data(fit, "path")
  expect_equal(d$nodes$label, c("A, B, C, D, E, F, G", "c"))
  expect_equal(unique(d$nodes$level), "within")
  p <- plot_data(fit)
  range <- function(k) paste(formatC(base::range(p$value[p$class == paste0("c=", k)]), format = "f", digits = 2),
    collapse = " to ")
  expect_equal(d$edges$label, paste0("c=1: ", range(1), "\nc=2: ", range(2)))
  expect_setequal(unlist(d$edges$estimates), p$value)
})

test_that("two-level transitions: figure 1 of the paper", {
  case <- oracle_case("two_level_lta")
  fit <- remember("oracle lta", mlmix(case$model, case$data, starts = 1, seed = 1, threads = 1, se = "none",
    control = mlmix_control(start_values = oracle_start(case), max_iterations = 30)))
  d <- plot_data(fit, "path")
  expect_equal(d$nodes$label, c("fall1:fall10", "spring1:spring10", "c1#1", "c2#1", "c1", "c2"))
  expect_equal(d$nodes$level, rep(c("within", "between", "within"), each = 2))
  expect_equal(d$nodes$random, c(FALSE, FALSE, FALSE, FALSE, TRUE, TRUE))
  two <- function(x) formatC(x, format = "f", digits = 2)
  # The paper's gamma: the difference of the logits of C2 between the classes of C1.
  gamma <- estimate_of(fit, "c2#1~1[c1=1]") - estimate_of(fit, "c2#1~1[c1=2]")
  expect_equal(edge(d, "class:c1", "class:c2")$label, two(gamma))
  expect_equal(edge(d, "latent:c1#1@room", "latent:c2#1@room")$label, two(estimate_of(fit, "c2#1@room~c1#1@room")))
  expect_equal(d$nodes$detail[[3]], paste("var", two(estimate_of(fit, "c1#1@room~~c1#1@room"))))
  skip_if_not_installed("ggplot2")
  caption <- drawn(plot(fit, type = "path"))$labels$caption
  expect_match(gsub("\n", " ", caption), "difference of the logits")
})

test_that("growth mixture: random slope on its arrow, the class points at both random effects", {
  fit <- growth_fit()
  d <- plot_data(fit, "path", digits = 3)
  expect_true(edge(d, "covariate:t", "outcome:y")$random)
  expect_equal(edge(d, "covariate:t", "outcome:y")$label, "")
  slopes <- formatC(estimate_of(fit, c("y~t[c=1]", "y~t[c=2]")), format = "f", digits = 3)
  expect_equal(edge(d, "class:c", "latent:y.t@id")$label, paste0("c=", 1:2, ": ", slopes, collapse = "\n"))
  expect_equal(unname(unlist(edge(d, "latent:y@id", "latent:y.t@id")$estimates)), estimate_of(fit, "y@id~~y.t@id"))
  expect_equal(edge(d, "latent:y@id", "latent:y.t@id")$kind, "covariance")
})

test_that("classes of clusters predict the cluster part of classes of units", {
  d <- plot_data(two_level_classes_fit(), "path")
  expect_equal(d$nodes$kind, c("outcome", "class", "class", "cluster part"))
  fit <- two_level_classes_fit()
  gap <- estimate_of(fit, "c#1~1[d=1]") - estimate_of(fit, "c#1~1[d=2]")
  expect_equal(edge(d, "class:d", "part:c")$label, formatC(gap, format = "f", digits = 2))
  expect_true(d$nodes$random[d$nodes$id == "class:c"])
})

test_that("covariates: columns of one variable share a node", {
  d <- plot_data(three_class_fit(), "path")
  expect_setequal(d$nodes$label, c("u1:u4", "c", "x", "g"))
  expect_length(unlist(edge(d, "covariate:g", "class:c")$estimates), 4)
  expect_match(edge(d, "covariate:x", "class:c")$label, "^c=1: .*\nc=2: ")
})

test_that("covariances inside a box are said, not drawn", {
  data <- withr::with_seed(35, {
    m <- c(-2, 2)[1 + (stats::runif(200) < 0.5)]
    y <- matrix(stats::rnorm(800), 200) + stats::rnorm(200)
    stats::setNames(as.data.frame(y + m), paste0("y", 1:4))
  })
  d <- plot_data(quick(lpa(y1:y4, k = 2, covariances = "equal"), data), "path")
  expect_match(d$nodes$detail[d$nodes$label == "y1:y4"], "^var .*; covary$")
  expect_equal(nrow(d$edges), 1)
})

test_that("more than two classes show the probabilities of staying", {
  rows <- data.frame(part = c("b=1, a=1", "b=1, a=2", "b=1, a=3", "b=2, a=1", "b=2, a=2", "b=2, a=3"),
    estimate = c(2, 0, -1, 0, 2, -1), kind = "transition")
  stay <- c(exp(2) / (exp(2) + 2), exp(2) / (exp(2) + 2), 1 / (1 + 2 * exp(-1)))
  expect_equal(edge_label(rows, "transition", 2), paste(c("stay:", formatC(stay, format = "f", digits = 2)),
    collapse = "\n"))
})

test_that("nodes never overlap and every arrow has its ends", {
  fits <- list(carcinoma_fit(3), chain_fit(), regression_fit(), random_logit_fit(), factor_fit(), growth_fit(),
    curved_fit(), three_class_fit(), membership_fit(), families_fit(), second_order_fit(), two_level_classes_fit())
  for (fit in fits) {
    d <- plot_data(fit, "path")
    n <- d$nodes
    expect_false(anyDuplicated(n$id) > 0)
    expect_true(all(c(d$edges$from, d$edges$to) %in% n$id))
    pairs <- utils::combn(nrow(n), 2)
    apart <- abs(n$x[pairs[1, ]] - n$x[pairs[2, ]]) >= (n$width[pairs[1, ]] + n$width[pairs[2, ]]) / 2 |
      abs(n$y[pairs[1, ]] - n$y[pairs[2, ]]) >= (n$height[pairs[1, ]] + n$height[pairs[2, ]]) / 2
    expect_true(all(apart))
    if (nrow(d$edges) > 0) expect_true(all(is.finite(edge_lines(d$edges, n)$label_x)))
  }
})

test_that("arrows end at the border of their nodes", {
  circle <- data.frame(x = 0, y = 0, width = 2, height = 2, kind = "factor")
  expect_equal(border(circle, 3, 4), c(0.6, 0.8))
  box <- data.frame(x = 1, y = 1, width = 2, height = 1, kind = "outcome")
  expect_equal(border(box, 1, 5), c(1, 1.5))
  expect_equal(border(box, 9, 1), c(2, 1))
})

test_that("long lists of names are broken into lines of about the same length", {
  expect_equal(broken_names("lie_exam, lie_paper, fraud, copy_exam", 2), "lie_exam, lie_paper,\nfraud, copy_exam")
  expect_equal(broken_names("a, b, c, d", 4), "a,\nb,\nc,\nd")
  expect_equal(broken_names("u1:u9", 2), "u1:\nu9")
  expect_equal(broken_names("y", 3), "y")
})
