# Three steps as Mplus 8.11 does them: undergraduates' cheating with grade point average as a predictor and as a distal
# outcome. Data and outputs: public repository immerse-ucsb/lca-bookdown, three_step/auto_3step (c2_r3step.out,
# c2_du3step.out); the data are those of Dayton (1998), as in package poLCA. Mplus takes the first step as known.

# Number of students by answers (lie_exam, lie_paper, fraud, copy_exam) and grade point average: missing, 1 to 5.
cheating_with_gpa <- function() {
  counts <- list(
    "0000" = c(4, 51, 63, 35, 30, 24), "0001" = c(0, 19, 18, 6, 2, 1), "0010" = c(0, 0, 5, 1, 0, 1),
    "0011" = c(0, 4, 0, 0, 0, 1), "0100" = c(0, 4, 4, 4, 0, 1), "0101" = c(0, 3, 0, 0, 1, 0),
    "0110" = c(0, 1, 0, 0, 0, 0), "0111" = c(0, 0, 1, 0, 1, 0), "1000" = c(0, 5, 4, 0, 0, 1),
    "1001" = c(0, 2, 1, 0, 0, 0), "1010" = c(0, 1, 0, 0, 0, 0), "1011" = c(0, 0, 1, 1, 0, 0),
    "1100" = c(0, 4, 6, 1, 0, 0), "1101" = c(0, 4, 0, 0, 0, 0), "1110" = c(0, 1, 0, 0, 0, 0),
    "1111" = c(0, 1, 1, 0, 0, 0)
  )
  rows <- lapply(names(counts), function(pattern) {
    u <- as.integer(strsplit(pattern, "")[[1]])
    gpa <- rep(c(NA, 1:5), counts[[pattern]])
    data.frame(lie_exam = u[1], lie_paper = u[2], fraud = u[3], copy_exam = u[4], gpa)
  })
  do.call(rbind, rows)
}

cheating_fit <- function() {
  remember("cheating gpa", {
    fit <- mlmix(lca(c(lie_exam, lie_paper, fraud, copy_exam), k = 2), cheating_with_gpa(), starts = c(10, 4), seed = 1,
      threads = 1)
    order_classes(fit, by = "lie_exam")
  })
}

test_that("the data are those of the package, with one more variable", {
  data <- cheating_with_gpa()
  key <- function(d) table(do.call(paste0, d[names(cheating)]))
  expect_equal(key(data), key(cheating))
})

test_that("classification: average posteriors, assignment errors", {
  fit <- cheating_fit()
  expect_equal(round(fit$log_likelihood, 3), -440.027)
  expect_equal(round(classification_table(fit)$p1, 3), c(0.775, 0.035))
  t <- classification_table(fit, "assignment")
  expect_equal(round(t$a1, 3), c(0.818, 0.045))
  expect_equal(t$n, c(51.22061, 267.77939), tolerance = 1e-5)
  expect_equal(round(classification_table(fit, "quality")$modal_proportion, 5), c(0.16928, 0.83072))
  expect_equal(round(unname(stats::qlogis(t$a1)), 2), c(1.50, -3.05))
})

test_that("a predictor (R3STEP)", {
  expect_message(
    result <- three_step(cheating_fit(), c ~ gpa, cheating_with_gpa(), correct = FALSE, seed = 1, threads = 1), "4 rows"
  )
  expect_equal(unname(round(coef(result)[c("c#1~gpa", "c#1~1")], 3)), c(-0.698, -0.241))
  expect_equal(unname(round(sqrt(diag(vcov(result)))[c("c#1~gpa", "c#1~1")], 3)), c(0.255, 0.460))
})

# Mplus leaves out the four students without the outcome at some point, here they count for the class sizes; so the
# agreement is close (a twentieth of a standard error) but not exact, unlike that of R3STEP.
test_that("a distal outcome (DU3STEP)", {
  data <- cheating_with_gpa()
  fit <- cheating_fit()
  result <- three_step(fit, gpa ~ c, data, correct = FALSE, seed = 1, threads = 1)
  expect_lt(max(abs(result$means$estimate - c(1.355, 2.520))), 0.005)
  expect_lt(max(abs(result$means$std.error - c(0.107, 0.082))), 0.002)
  expect_equal(result$tests$statistic, 69.774, tolerance = 0.005)
  expect_equal(class_sizes(result$fit)$proportion, c(0.16552, 0.83448), tolerance = 0.005)
  moved <- prop.table(table(posterior(fit)$c[!is.na(data$gpa)], posterior(result$fit)$c[!is.na(data$gpa)]), 1)
  expect_equal(round(as.numeric(moved), 3), c(0.815, 0, 0.185, 1))
})
