# simulate_speed_data(): every data set of the speed benchmark, in base R with fixed seeds, as CSV files.
#
# Items are coded 0, 1, ... Each function draws one task's data; the seeds and the order of the draws are fixed, since
# the log-likelihoods that the programs must reach belong to exactly these numbers.

# Writes the files that are not there yet.
simulate_speed_data <- function(folder) {
  dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  kind <- RNGkind("Mersenne-Twister", "Inversion", "Rejection")
  on.exit(do.call(RNGkind, as.list(kind)))
  for (name in names(speed_data)) {
    file <- file.path(folder, paste0(name, ".csv"))
    if (!file.exists(file)) {
      utils::write.csv(speed_data[[name]](), paste0(file, "~"), row.names = FALSE, quote = FALSE)
      file.rename(paste0(file, "~"), file)
    }
  }
}

# One draw for each row of `probabilities`, whose rows sum to 1: 0, 1, ...
draw_categories <- function(probabilities) {
  u <- runif(nrow(probabilities))
  sum <- probabilities[, 1]
  drawn <- integer(nrow(probabilities))
  for (k in seq_len(ncol(probabilities) - 1)) {
    drawn <- drawn + (u > sum)
    sum <- sum + probabilities[, k + 1]
  }
  drawn
}

# Item probabilities [classes x items]: profiles that separate well but overlap.
item_profiles <- function(items, classes) {
  p <- matrix(0, classes, items)
  for (k in seq_len(classes)) {
    for (j in seq_len(items)) {
      base <- if (classes == 2) c(.8, .2)[k] else if (k == 2) (if (j <= items / 2) .80 else .20) else c(.85, NA, .15)[k]
      p[k, j] <- min(.95, max(.05, base + runif(1, -.1, .1)))
    }
  }
  p
}

draw_items <- function(p, names = paste0("u", seq_len(ncol(p)))) {
  y <- (matrix(runif(length(p)), nrow(p)) < p) + 0L
  colnames(y) <- names
  y
}

simulate_t1 <- function() {
  set.seed(101)
  p <- item_profiles(17, 3)
  class <- sample(3, 7326, TRUE, c(.45, .30, .25))
  draw_items(p[class, ])
}

simulate_t2 <- function() {
  set.seed(102)
  classes <- 5
  items <- 20
  g <- array(rgamma(classes * items * 4, .8), c(classes, items, 4)) + .05
  p <- g
  for (k in 1:classes) for (j in 1:items) p[k, j, ] <- g[k, j, ] / sum(g[k, j, ])
  class <- sample(classes, 1e5, TRUE, c(.30, .25, .20, .15, .10))
  y <- sapply(1:items, function(j) draw_categories(p[class, j, ]))
  colnames(y) <- paste0("u", 1:items)
  y
}

simulate_t3 <- function() {
  set.seed(103)
  p <- item_profiles(10, 3)
  class_given <- rbind(c(.6, .3, .1), c(.15, .25, .6))
  between <- sample(2, 100, TRUE, c(.6, .4))
  cluster <- rep(1:100, each = 50)
  class <- draw_categories(class_given[between[cluster], ]) + 1L
  data.frame(cluster = cluster, draw_items(p[class, ]))
}

simulate_t4 <- function() {
  set.seed(104)
  n <- 5000
  p <- item_profiles(10, 3)
  x <- cbind(1, x1 = rnorm(n), x2 = rnorm(n))
  logits <- exp(x %*% t(rbind(c(0, 0, 0), c(-.2, .8, -.5), c(-.4, -.6, .7))))
  class <- draw_categories(logits / rowSums(logits)) + 1L
  data.frame(x1 = round(x[, 2], 6), x2 = round(x[, 3], 6), draw_items(p[class, ]))
}

# Factor mixture, two classes with their own thresholds, loadings equal across classes. The probit data follow the
# logit data in the same stream.
simulate_t5 <- function(link) {
  set.seed(105)
  n <- 2000
  p <- item_profiles(10, 2)
  loading <- runif(10, .7, 1.4)
  for (one in c("logit", "probit")) {
    class <- sample(2, n, TRUE, c(.55, .45))
    f <- rnorm(n)
    quantile <- if (one == "logit") qlogis else qnorm
    scaled <- if (one == "logit") loading * 1.3 else loading * .8
    b <- quantile(p) * sqrt(1 + mean(scaled)^2 / (if (one == "logit") 2.9 else 1))
    eta <- b[class, ] + outer(f, scaled)
    y <- draw_items(if (one == "logit") plogis(eta) else pnorm(eta))
    if (one == link) return(y)
  }
}

simulate_t6 <- function() {
  set.seed(106)
  p <- rbind(c(.90, .85, .88, .80, .86), c(.85, .80, .20, .15, .45), c(.12, .15, .10, .18, .08))
  transition <- rbind(c(.80, .15, .05), c(.10, .75, .15), c(.05, .15, .80))
  state <- matrix(0L, 2000, 4)
  state[, 1] <- sample(3, 2000, TRUE, c(.5, .3, .2))
  for (t in 2:4) state[, t] <- draw_categories(transition[state[, t - 1], ]) + 1L
  y <- lapply(1:4, function(t) draw_items(p[state[, t], ], paste0("u", 1:5, "_", t)))
  data.frame(id = 1:2000, do.call(cbind, y))
}

# Growth mixture, 1,000 persons at the times 0 to 5, random intercept and slope with one covariance in all classes.
simulate_t7 <- function(sizes, means, covariance, residual, seed) {
  set.seed(seed)
  n <- 1000
  class <- sample(length(sizes), n, TRUE, sizes)
  b <- matrix(rnorm(n * 2), n) %*% chol(covariance)
  data <- data.frame(id = rep(1:n, each = 6), time = rep(0:5, n))
  i <- data$id
  data$y <- round(means[class[i], 1] + b[i, 1] + (means[class[i], 2] + b[i, 2]) * data$time +
    means[class[i], 3] * data$time^2 + rnorm(nrow(data), 0, residual), 6)
  data
}

simulate_t8 <- function(type) {
  set.seed(108)
  n <- 5000
  a <- runif(30, .7, 2)
  d <- rnorm(30)
  guess <- runif(30, .15, .25)
  y <- draw_items(plogis(outer(rnorm(n), a) + rep(d, each = n)))
  if (type == "2pl") return(y)
  p <- plogis(outer(rnorm(n), a) + rep(d, each = n))
  draw_items(rep(guess, each = n) + (1 - rep(guess, each = n)) * p)
}

simulate_t9 <- function() {
  set.seed(109)
  g <- rep(1:200, each = 10)
  class <- sample(2, 200, TRUE, c(.6, .4))
  x <- rnorm(2000)
  b <- rbind(c(1, 1), c(2, -.5))
  sd <- c(1.5, 1.0)
  y <- b[class[g], 1] + b[class[g], 2] * x + rnorm(2000, 0, sd[class[g]])
  data.frame(g, x = round(x, 6), y = round(y, 6))
}

simulate_t10 <- function() {
  set.seed(110)
  n <- 10000
  g <- rep(1:200, each = 50)
  x1 <- rnorm(n)
  x2 <- rbinom(n, 1, .5)
  u <- rnorm(200, 0, .8)
  eta <- -.5 + .7 * x1 - .4 * x2 + u[g]
  yb <- rbinom(n, 1, plogis(eta))
  yg <- eta + rnorm(n, 0, 1.2)
  data.frame(g, x1 = round(x1, 6), x2, yb, yg = round(yg, 6))
}

# Gaussian mixture with four classes: diagonal covariances that differ (VVI), equal ones (EEI), full ones (VVV).
simulate_t11 <- function(form) {
  set.seed(111)
  n <- 5000
  means <- rbind(c(0, 0, 0, 0, 0), c(2, 2, 0, -1, 1), c(-2, 1, 2, 2, 0), c(1, -2, -2, 1, 2))
  sd <- matrix(runif(20, .5, 1.3), 4)
  class <- sample(4, n, TRUE, c(.35, .3, .2, .15))
  z <- matrix(rnorm(n * 5), n)
  y <- if (form == "VVI") means[class, ] + z * sd[class, ] else means[class, ] + z * rep(colMeans(sd), each = n)
  if (form == "VVV") {
    for (k in 1:4) {
      r <- diag(5)
      r[upper.tri(r)] <- runif(10, -.35, .35)
      r[lower.tri(r)] <- t(r)[lower.tri(r)]
      root <- chol(diag(sd[k, ]) %*% r %*% diag(sd[k, ]))
      i <- class == k
      y[i, ] <- rep(means[k, ], each = sum(i)) + z[i, ] %*% root
    }
  }
  colnames(y) <- paste0("y", 1:5)
  round(y, 6)
}

# Two-level latent transitions (Asparouhov and Muthen, 2006, section 4) at the maximum that was found for 60 classrooms
# of 20 (tests/testthat/reference/oracle/two_level_lta.json), here for any number of classrooms.
simulate_t12 <- function(rooms) {
  set.seed(1120 + rooms)
  nu <- rbind(
    c(2.436985, 3.090771, 1.017111, 0.339327, 1.434714, 1.278927, 1.070544, 1.464487, 2.315591, 1.324006),
    c(-0.501881, -0.904765, -3.317285, -3.570472, -1.427318, -2.471321, -2.450582, -2.127145, -1.138385, -1.992807)
  )
  room <- rep(seq_len(rooms), each = 20)
  a1 <- rnorm(rooms, -0.550001, 1.377987)
  a2 <- -1.328660 + 0.376287 * a1 + rnorm(rooms, 0, 0.590344)
  c1 <- 2 - (runif(length(room)) < plogis(a1[room]))
  c2 <- 2 - (runif(length(room)) < plogis(a2[room] + 2.978571 * (c1 == 1)))
  p <- plogis(nu)
  data.frame(
    room, draw_items(p[c1, ], paste0("fall", 1:10)), draw_items(p[c2, ], paste0("spring", 1:10))
  )
}

# Grade of membership with two profiles and Dirichlet(.4, .4) memberships.
simulate_t13 <- function() {
  set.seed(112)
  p <- rbind(runif(12, .75, .95), runif(12, .05, .25))
  z <- rbeta(2000, .4, .4)
  draw_items(outer(z, p[1, ]) + outer(1 - z, p[2, ]))
}

speed_data <- list(
  t1 = simulate_t1,
  t2 = simulate_t2,
  t3 = simulate_t3,
  t4 = simulate_t4,
  t5 = function() simulate_t5("logit"),
  t5p = function() simulate_t5("probit"),
  t6 = simulate_t6,
  t7 = function() {
    simulate_t7(c(.6, .4), rbind(c(1, .2, 0), c(3, 1, 0)), matrix(c(.5, .05, .05, .06), 2), .7, 107)
  },
  t7q = function() {
    means <- rbind(c(1, .1, 0), c(2, 1.4, -.15), c(5, -1.2, .12))
    simulate_t7(c(.5, .3, .2), means, matrix(c(.4, .03, .03, .05), 2), .6, 1071)
  },
  t8 = function() simulate_t8("2pl"),
  t8g = function() simulate_t8("3pl"),
  t9 = simulate_t9,
  t10 = simulate_t10,
  t11 = function() simulate_t11("VVI"),
  t11e = function() simulate_t11("EEI"),
  t11f = function() simulate_t11("VVV"),
  t12 = function() utils::read.csv("tests/testthat/reference/oracle/two_level_lta.csv"),
  t12x = function() simulate_t12(600),
  t13 = simulate_t13
)
