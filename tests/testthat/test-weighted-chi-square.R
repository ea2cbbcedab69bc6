# The weighted sum of chi-squared variables, against closed forms, Imhof's own integral and simulation.

test_that("equal weights give the chi-squared distribution, with relative precision far into the tail", {
  for (r in c(1, 2, 3, 10, 60)) {
    for (w in c(0.01, 1, 7)) {
      x <- c(1e-6, 0.01, 0.5, 1, 3, 10, 50, 200, 600)
      exact <- pchisq(x / w, r, lower.tail = FALSE)
      found <- vapply(x, weighted_chi_square_tail, 0, weights = rep(w, r))
      seen <- exact > 1e-280
      expect_equal(found[seen] / exact[seen], rep(1, sum(seen)), tolerance = 1e-11)
    }
  }
})

test_that("pairs of weights give sums and differences of exponentials", {
  sum_tail <- function(x, a, b) {
    (a * exp(-x / (2 * a)) - b * exp(-x / (2 * b))) / (a - b)
  }
  for (x in c(0.1, 3, 30, 300)) {
    expect_equal(weighted_chi_square_tail(x, c(1, 0.2, 1, 0.2)) / sum_tail(x, 1, 0.2), 1, tolerance = 1e-11)
  }
  for (x in c(0, 1e-9, 0.3, 5, 40)) {
    expect_equal(weighted_chi_square_tail(x, c(2, 2, -0.7, -0.7)) / (2 / 2.7 * exp(-x / 4)), 1, tolerance = 1e-11)
  }
  for (x in c(-0.3, -5)) {
    expect_equal(weighted_chi_square_tail(x, c(2, 2, -0.7, -0.7)), 1 - 0.7 / 2.7 * exp(x / 1.4), tolerance = 1e-11)
  }
})

test_that("at 0 it is a tail of the F distribution", {
  ratio <- function(q, a, b) weighted_chi_square_tail(0, c(rep(1 / a, a), rep(-q / b, b)))
  expect_equal(ratio(1.7, 5, 8), pf(1.7, 5, 8, lower.tail = FALSE), tolerance = 1e-10)
  expect_equal(ratio(0.2, 1, 1), pf(0.2, 1, 1, lower.tail = FALSE), tolerance = 1e-10)
})

test_that("mixed weights agree with Imhof's integral and with simulation", {
  w <- c(5.2, 3, 1, 0.9, 0.2, -0.4, -1, -2.2)
  imhof <- function(x) {
    integrand <- function(u) {
      vapply(u, function(u) {
        sin(sum(atan(w * u)) / 2 - x * u / 2) / (u * prod((1 + (w * u)^2)^0.25))
      }, 0)
    }
    0.5 + integrate(integrand, 0, Inf, subdivisions = 5000, rel.tol = 1e-9)$value / pi
  }
  for (x in c(1, 8, 20)) expect_equal(weighted_chi_square_tail(x, w), imhof(x), tolerance = 1e-8)
  q <- withr::with_seed(1, colSums(w * matrix(rnorm(8 * 1e5)^2, 8)))
  for (x in c(-5, 0, 8, 20)) {
    p <- weighted_chi_square_tail(x, w)
    expect_lt(abs(mean(q > x) - p), 4 * sqrt(p * (1 - p) / 1e5))
  }
})

test_that("what cannot be exceeded, or always is", {
  expect_equal(weighted_chi_square_tail(-1, c(1, 2)), 1)
  expect_equal(weighted_chi_square_tail(0, c(1, 2)), 1)
  expect_equal(weighted_chi_square_tail(0, c(-1, -2)), 0)
  expect_equal(weighted_chi_square_tail(-1, c(-1, -1)), 1 - pchisq(1, 2, lower.tail = FALSE))
  expect_equal(weighted_chi_square_tail(3, c(1, 0)), pchisq(3, 1, lower.tail = FALSE))
  expect_equal(weighted_chi_square_tail(1, 0), 0)
})
