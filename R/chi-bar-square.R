# The chi-bar-square distribution: of a likelihood ratio when variances are 0 under the smaller model.
#
# With k such variances and r further parameters freed, the statistic is asymptotically |P(Z)|^2, Z ~ N(0, S) projected
# onto the variances >= 0 in the metric of S^-1 (Self and Liang 1987, theorem 3): a mixture of chi-squared variables
# with r + j degrees of freedom, j = 0, ..., k, and as weights the probabilities that j variances are positive in the
# projection. R is the correlation matrix of the variances in S, where everything else is estimated too.
#
#   k = 1    1/2, 1/2
#   k = 2    w2 = 1/4 + asin(rho) / (2 pi),  w1 = 1/2,  w0 = 1/2 - w2                     (Self and Liang 1987, case 7)
#   k = 3    w3 = (2 pi - sum acos rho_ij) / (4 pi),  w2 = (3 pi - sum acos rho_ij.k) / (4 pi),
#            w1 = 1/2 - w3,  w0 = 1/2 - w2                                     (Silvapulle and Sen 2005, section 3.5)
#   R = I    binomial: choose(k, j) / 2^k
#
# In all other cases they are found by projecting draws.

chi_bar_weights <- function(correlation) {
  k <- nrow(correlation)
  if (k == 1) return(c(0.5, 0.5))
  lower <- correlation[lower.tri(correlation)]
  if (max(abs(lower)) < 1e-8) return(stats::dbinom(0:k, k, 0.5))
  if (k == 2) {
    both <- 0.25 + asin(lower) / (2 * pi)
    return(c(0.5 - both, 0.5, both))
  }
  if (k == 3) {
    partial <- -stats::cov2cor(solve(correlation))
    all <- (2 * pi - sum(acos(lower))) / (4 * pi)
    two <- (3 * pi - sum(acos(partial[lower.tri(partial)]))) / (4 * pi)
    return(c(0.5 - two, 0.5 - all, two, all))
  }
  simulated_weights(correlation)
}

# Shares of draws with 0, ..., k positive components in the projection. For one set of positive components the others
# are at 0, and by the conditions of Karush, Kuhn and Tucker exactly one set has them positive and the slopes of the
# distance at the others not negative.
simulated_weights <- function(correlation, draws = 20000) {
  k <- nrow(correlation)
  precision <- solve(correlation)
  z <- with_seed(1L, matrix(stats::rnorm(draws * k), draws)) %*% chol(correlation)
  pull <- z %*% precision
  positive <- rep(NA_integer_, draws)
  for (set in seq_len(2^k) - 1) {
    inside <- bitwAnd(set, 2^(seq_len(k) - 1)) > 0
    x <- matrix(0, draws, k)
    if (any(inside)) x[, inside] <- pull[, inside] %*% solve(precision[inside, inside])
    slope <- x %*% precision - pull
    fits <- rowSums(x[, inside, drop = FALSE] <= 0) == 0 & rowSums(slope[, !inside, drop = FALSE] < -1e-12) == 0
    positive[fits & is.na(positive)] <- sum(inside)
  }
  tabulate(positive + 1L, k + 1) / sum(!is.na(positive))
}

# P(mixture > x), weights of chi-squared with `df` degrees of freedom; one with 0 is always 0.
mixture_tail <- function(x, weights, df) {
  if (is.na(x)) return(NA_real_)
  upper <- ifelse(df == 0, as.numeric(x <= 0), stats::pchisq(max(x, 0), pmax(df, 1e-300), lower.tail = FALSE))
  sum(weights * upper)
}
