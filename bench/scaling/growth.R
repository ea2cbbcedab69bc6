# The ways in which work grows: for each, sizes, and data and model at one size.
#
# A growth is list(title, x (words for the axis), sizes, at(size)): at() gives list(model, data, integration, work),
# where work is a count that the cost of an E-step should be at most proportional to.

binary_items <- function(n, items, classes, seed = 1) {
  set.seed(seed)
  p <- matrix(stats::plogis(stats::rnorm(classes * items, 0, 1.5)), classes)
  class <- sample(classes, n, TRUE)
  y <- (matrix(stats::runif(n * items), n) < p[class, , drop = FALSE]) + 0L
  colnames(y) <- paste0("u", seq_len(items))
  as.data.frame(y)
}

gaussian_profiles <- function(n, outcomes, classes, seed = 2) {
  set.seed(seed)
  means <- matrix(stats::rnorm(classes * outcomes, 0, 1.5), classes)
  y <- means[sample(classes, n, TRUE), ] + stats::rnorm(n * outcomes)
  colnames(y) <- paste0("y", seq_len(outcomes))
  as.data.frame(y)
}

# Items that load on one factor each, `per` items for each factor.
factor_items <- function(n, factors, per, seed = 3) {
  set.seed(seed)
  f <- matrix(stats::rnorm(n * factors), n)
  eta <- f[, rep(seq_len(factors), each = per), drop = FALSE] + rep(stats::rnorm(factors * per), each = n)
  y <- (matrix(stats::runif(length(eta)), n) < stats::plogis(eta)) + 0L
  colnames(y) <- paste0("u", seq_len(factors * per))
  as.data.frame(y)
}

clustered_outcome <- function(clusters, size, seed = 4) {
  set.seed(seed)
  id <- rep(seq_len(clusters), each = size)
  x <- stats::rnorm(length(id))
  eta <- -0.5 + 0.7 * x + stats::rnorm(clusters, 0, 0.8)[id]
  data.frame(id, x, yb = stats::rbinom(length(id), 1, stats::plogis(eta)), yg = eta + stats::rnorm(length(id)))
}

occasions <- function(n, times, items, classes, seed = 5) {
  set.seed(seed)
  p <- matrix(stats::plogis(stats::rnorm(classes * items, 0, 2)), classes)
  state <- sample(classes, n, TRUE)
  parts <- lapply(seq_len(times), function(t) {
    stay <- stats::runif(n) < 0.7
    state[!stay] <<- sample(classes, sum(!stay), TRUE)
    y <- (matrix(stats::runif(n * items), n) < p[state, ]) + 0L
    colnames(y) <- paste0("t", t, "u", seq_len(items))
    y
  })
  as.data.frame(do.call(cbind, parts))
}

# D correlated factors, each behind its own items.
factor_model <- function(factors, per) {
  names <- paste0("f", seq_len(factors))
  parts <- lapply(seq_len(factors), function(d) {
    items <- paste0("u", (d - 1) * per + 1, ":u", d * per)
    outcome(stats::as.formula(paste(items, "~", names[[d]])), family = bernoulli())
  })
  more <- if (factors > 1) list(do.call(covary, as.list(names)))
  do.call(mixture_model, c(lapply(names, latent_factor), parts, more))
}

growths <- function() {
  fixed <- function(points) quadrature("rectangular", points = points, adaptive = FALSE)
  chain <- function(times, items, classes) {
    all_items <- lapply(seq_len(times), function(t) paste0("t", t, "u", seq_len(items)))
    lta(all_items, k = classes, stationary = TRUE)
  }
  list(
    units_lca = list(
      title = "Units: LCA, 3 classes, 20 items", x = "units", sizes = 10^(3:6),
      at = function(n) list(model = lca(u1:u20, k = 3), data = binary_items(n, 20, 3), work = n)
    ),
    units_lpa = list(
      title = "Units: LPA, 3 classes, 5 outcomes", x = "units", sizes = 10^(3:6),
      at = function(n) list(model = lpa(y1:y5, k = 3), data = gaussian_profiles(n, 5, 3), work = n)
    ),
    classes = list(
      title = "Classes: LCA, 20,000 x 20 items", x = "classes", sizes = c(2, 3, 4, 6, 8, 10),
      at = function(k) list(model = lca(u1:u20, k = k), data = binary_items(20000, 20, k), work = k)
    ),
    items = list(
      title = "Items: LCA, 3 classes, 5,000 units", x = "items", sizes = c(5, 10, 20, 50, 100, 200),
      at = function(j) {
        items <- paste0("u", seq_len(j))
        list(model = lca(items, k = 3), data = binary_items(5000, j, 3), work = j)
      }
    ),
    nodes = list(
      title = "Nodes: 2PL, 5,000 x 20 items", x = "nodes", sizes = c(11, 21, 41, 81, 161),
      at = function(q) list(model = irt(u1:u20), data = factor_items(5000, 1, 20), integration = fixed(q), work = q)
    ),
    dimensions = list(
      title = "Dimensions: factors of 4 items, 1,000 units, 5 points each", x = "dimensions", sizes = 1:5,
      at = function(d) {
        list(model = factor_model(d, 4), data = factor_items(1000, d, 4), integration = fixed(5), work = d * 5^d)
      }
    ),
    clusters_logistic = list(
      title = "Clusters of 20: logistic random intercept", x = "clusters", sizes = c(50, 200, 1000, 5000),
      at = function(n) {
        list(model = mixture_model(outcome(yb ~ x + (1 | id), family = bernoulli())), data = clustered_outcome(n, 20),
          integration = quadrature("rectangular", points = 15), work = n)
      }
    ),
    clusters_linear = list(
      title = "Clusters of 20: two classes of lines, random intercept", x = "clusters", sizes = c(50, 200, 1000, 5000),
      at = function(n) {
        list(model = mixture_regression(yg ~ x + (1 | id), k = 2, level = "between"), data = clustered_outcome(n, 20),
          work = n)
      }
    ),
    times = list(
      title = "Times: latent transitions, 4 classes, 1,000 x 5 items", x = "times", sizes = c(2, 4, 6, 8, 10),
      at = function(t) list(model = chain(t, 5, 4), data = occasions(1000, t, 5, 4), work = t)
    )
  )
}
