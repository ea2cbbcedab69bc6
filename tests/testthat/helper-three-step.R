# Step three by hand: the likelihood with known assignment errors, and its derivatives by numDeriv.

# Classes of units, a covariate, a normal and a binary outcome; `gap` is how far the items of the classes differ.
step_data <- function(n = 500, seed = 1, gap = 2.2, items = 6) {
  withr::with_seed(seed, {
    x <- stats::rnorm(n)
    c <- 1 + (stats::runif(n) < stats::plogis(0.3 - 0.8 * x))
    u <- matrix(stats::rbinom(n * items, 1, stats::plogis(gap * (1.5 - c))), n)
    colnames(u) <- paste0("u", seq_len(items))
    y <- stats::rnorm(n, c(1, 2)[c], c(1, 0.6)[c])
    z <- stats::rbinom(n, 1, c(0.2, 0.6)[c])
    g <- factor(letters[1 + (stats::runif(n) > c(0.5, 0.2)[c]) + (stats::runif(n) > 0.6)])
    data.frame(u, x, y, z, g, c)
  })
}

step_fit <- function(...) {
  remember(paste("step", ...), {
    # The first class has the higher probabilities.
    fit <- mlmix(lca(u1:u6, k = 2), step_data(...), starts = c(5, 2), seed = 1, threads = 1)
    order_classes(fit, by = "u1")
  })
}

# D and the modal assignment from posteriors [n x k].
by_hand_step <- function(p, weight = rep(1, nrow(p))) {
  w <- max.col(p, ties.method = "first")
  a <- diag(ncol(p))[w, ]
  list(w = w, a = a, errors = (t(p * weight) %*% a) / colSums(p * weight), p = p)
}

# log-likelihood of every unit, for theta = (logit coefficients [k - 1 x columns of x], parameters of the outcome).
by_hand_units <- function(theta, step, x, density, errors = step$errors) {
  k <- ncol(step$p)
  b <- matrix(theta[seq_len((k - 1) * ncol(x))], k - 1)
  eta <- cbind(x %*% t(b), 0)
  prior <- exp(eta) / rowSums(exp(eta))
  log(rowSums(prior * t(errors[, step$w]) * density(theta[-seq_along(b)])))
}

# Estimates, robust covariance and what the uncertainty of the errors adds: H^-1 C V C' H^-1, `vcov_logits` that of the
# logits of `errors` against their last column.
by_hand_three_step <- function(step, x, density, start, weight = 1, vcov_logits = NULL, group = seq_along(step$w)) {
  units <- function(theta, errors = step$errors) weight * by_hand_units(theta, step, x, density, errors)
  total <- function(theta) sum(units(theta))
  control <- list(fnscale = -1, reltol = 1e-14, maxit = 1000)
  best <- suppressWarnings(stats::optim(start, total, method = "BFGS", control = control))
  theta <- best$par
  bread <- solve(numDeriv::hessian(total, theta))
  scores <- rowsum(numDeriv::jacobian(units, theta), group)
  vcov <- bread %*% crossprod(scores) %*% bread
  out <- list(theta = theta, vcov = vcov)
  if (!is.null(vcov_logits)) {
    k <- ncol(step$p)
    logits <- log(step$errors[, -k, drop = FALSE] / step$errors[, k])
    gradient <- function(shift) {
      moved <- exp(cbind(logits + matrix(shift, k), 0))
      numDeriv::grad(function(theta) sum(units(theta, moved / rowSums(moved))), theta)
    }
    cross <- numDeriv::jacobian(gradient, rep(0, length(logits)))
    out$corrected <- vcov + bread %*% cross %*% vcov_logits %*% t(cross) %*% bread
  }
  out
}

# Covariance of the logits of D by the delta method, with posteriors of a latent class model of 0/1 items by Bayes.
by_hand_logit_vcov <- function(fit, u, k = 2) {
  names <- fit$parameters$name
  theta <- fit$parameters$estimate
  step <- by_hand_step(as.matrix(posterior(fit)[paste0("c=", seq_len(k))]))
  logits <- function(values) {
    t <- stats::setNames(replace(theta, fit$free, values), names)
    size <- exp(c(t[paste0("c#", seq_len(k - 1), "~1")], 0))
    p <- sapply(seq_len(k), function(class) {
      q <- stats::plogis(t[paste0(colnames(u), "~1[c=", class, "]")])
      size[class] * exp(u %*% log(q) + (1 - u) %*% log(1 - q))
    })
    p <- p / rowSums(p)
    errors <- (t(p) %*% step$a) / colSums(p)
    as.numeric(log(errors[, -k] / errors[, k]))
  }
  j <- numDeriv::jacobian(logits, theta[fit$free])
  j %*% fit$vcov %*% t(j)
}

# Latent classes of counted response patterns.
toby_fit <- function() {
  remember("toby", {
    mlmix(lca(c(A, B, C, D), k = 2), stouffer_toby, frequency = frequency, starts = c(5, 2), seed = 1, threads = 1)
  })
}
