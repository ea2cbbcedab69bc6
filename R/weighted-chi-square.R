# The distribution of a weighted sum of independent chi-squared variables with one degree of freedom each.
#
# Q = sum w_i X_i has K(t) = log E exp(t Q) = -1/2 sum log(1 - 2 w_i t), analytic off the real axis. Inverting the
# transform of the tail (Imhof, 1961, along the imaginary axis),
#
#   P(Q > x) = 1 / (2 pi i)  integral exp(K(t) - t x) / t dt,   from c - i Inf to c + i Inf,  0 < c < 1 / (2 max w).
#
# Any path through c that does not meet the real axis again gives the same. Along the imaginary axis the integrand
# oscillates and dies out slowly; for x > 0 the parabola t = c + a y^2 + i y makes it die out like exp(-x a y^2), and
# c at the saddle point of the integrand keeps the relative precision in the tail (Rice, 1980). The cases x <= 0
# follow from P(Q > x) = 1 - P(-Q > -x).
#
#   Imhof, J. P. (1961). Computing the distribution of quadratic forms in normal variables. Biometrika, 48, 419-426.
#   Rice, S. O. (1980). Distribution of quadratic forms in normal random variables: evaluation by numerical
#   integration. SIAM Journal on Scientific and Statistical Computing, 1, 438-448.

# P(sum weights_i X_i > x) for one number x.
weighted_chi_square_tail <- function(x, weights) {
  weights <- weights[abs(weights) > 1e-10 * max(abs(weights))]
  if (length(weights) == 0 || !is.finite(x)) return(if (is.na(x)) NA_real_ else as.numeric(x < 0))
  if (all(weights > 0) && x <= 0) return(1)
  if (all(weights < 0) && x >= 0) return(0)
  if (x < 0 || all(weights < 0)) return(1 - weighted_chi_square_tail(-x, -weights))
  unit <- 1 / (2 * max(weights))
  weights <- weights * unit # now 1 - 2 w t is 1 - 2 w s with s = t / unit, and s < 1
  x <- x * unit
  log_integrand <- function(s) -0.5 * sum(log(1 - 2 * weights * s)) - s * x - log(s)
  saddle <- stats::optimize(log_integrand, c(1e-8, 1 - 1e-8), tol = 1e-8)
  bend <- 0.5
  value <- function(y) {
    s <- complex(real = saddle$minimum + bend * y^2, imaginary = y)
    log_factors <- outer(s, weights, function(s, w) log(1 - 2 * w * s))
    Im(exp(-0.5 * rowSums(log_factors) - s * x - saddle$objective) / s * complex(real = 2 * bend * y, imaginary = 1))
  }
  # Panels that double in width: the integrand varies on the scale of 1 first, then only dies out.
  total <- 0
  edge <- c(0, 2^(-6:0))
  repeat {
    parts <- vapply(seq_len(length(edge) - 1), function(i) {
      stats::integrate(value, edge[[i]], edge[[i + 1]], rel.tol = 1e-10, abs.tol = 0, subdivisions = 500L,
        stop.on.error = FALSE)$value
    }, 0)
    total <- total + sum(parts)
    last <- utils::tail(edge, 1)
    if (abs(utils::tail(parts, 1)) <= 1e-12 * abs(total) || last > 1e12) break
    edge <- c(last, 2 * last)
  }
  min(max(exp(saddle$objective) * total / pi, 0), 1)
}
