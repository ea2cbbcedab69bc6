# An independent, slow and plain log-likelihood of any specification (inst/spec-format.md): every
# class pattern is enumerated and every latent residual is put on a dense, non-adaptive grid.
#
# It shares no code and no formula with the engine: no reduced form, no analytic integration, no
# patterns, no elimination. Residuals = Cholesky factor of their covariance x standard normal grid.
#
# brute_force() returns
#   log_likelihood     the weighted sum over clusters
#   clusters           [n_clusters] log-likelihood of each cluster
#   posterior_joint    [n_rows x cells] over the within class variables, the first varying fastest
#   posterior_between  [n_clusters x cells] over the between class variables, likewise

brute_force_loglik <- function(spec, columns, cluster = NULL, theta, points = 41, ...) {
  brute_force(spec, columns, cluster, theta, points, ...)$log_likelihood
}

brute_force <- function(spec, columns, cluster = NULL, theta, points = 41, range = 8,
                        unit_weights = NULL, cluster_weights = NULL) {
  n <- length(columns[[1]])
  if (is.null(cluster)) cluster <- seq_len(n) - 1L
  unit_weights <- if (is.null(unit_weights)) rep(1, n) else unit_weights
  members <- split(seq_len(n), factor(cluster, levels = unique(cluster)))
  cluster_weights <- if (is.null(cluster_weights)) rep(1, length(members)) else cluster_weights
  model <- bf_model(spec, columns, theta, points, range)
  clusters <- lapply(members, function(rows) bf_cluster(model, rows, unit_weights))
  log_lik <- vapply(clusters, function(cl) cl$log_likelihood, 0)
  posterior <- matrix(NA_real_, n, nrow(model$within_cells))
  for (j in seq_along(members)) posterior[members[[j]], ] <- clusters[[j]]$within
  list(
    log_likelihood = sum(cluster_weights * log_lik),
    clusters = unname(log_lik),
    posterior_joint = posterior,
    posterior_between = unname(do.call(rbind, lapply(clusters, function(cl) cl$between)))
  )
}

bf_model <- function(spec, columns, theta, points, range) {
  at_level <- function(list, level) Filter(function(item) item$level == level, list)
  model <- list(columns = columns, theta = as.numeric(theta), spec = spec)
  for (level in c("within", "between")) {
    latents <- at_level(spec$latents, level)
    random <- Filter(function(l) !identical(as.numeric(l$variance[["constant"]]), 0), latents)
    model[[level]] <- list(
      classes = at_level(spec$classes, level), latents = latents,
      outcomes = at_level(spec$outcomes, level),
      random = vapply(random, function(l) l$name, ""),
      grid = bf_grid(length(random), points, range)
    )
    model[[paste0(level, "_cells")]] <- bf_cells(model[[level]]$classes)
  }
  model
}

# All class patterns, the first class variable varying fastest; one row per pattern.
bf_cells <- function(classes) {
  if (length(classes) == 0) return(matrix(0L, 1, 0))
  sizes <- lapply(classes, function(cl) seq_len(cl$n_classes))
  names(sizes) <- vapply(classes, function(cl) cl$name, "")
  as.matrix(expand.grid(sizes))
}

# Pattern k as a list: class variable = class.
bf_cell <- function(cells, k) {
  stats::setNames(as.list(unname(cells[k, ])), colnames(cells))
}

# A trapezoid grid on independent standard normals: nodes [n_nodes x n], log weights [n_nodes].
bf_grid <- function(n, points, range) {
  if (n == 0) return(list(nodes = matrix(0, 1, 0), log_weight = 0))
  z <- seq(-range, range, length.out = points)
  w <- stats::dnorm(z)
  w[c(1, points)] <- w[c(1, points)] / 2
  log_w <- log(w / sum(w))
  nodes <- as.matrix(expand.grid(rep(list(z), n)))
  index <- as.matrix(expand.grid(rep(list(seq_len(points)), n)))
  log_weight <- rowSums(matrix(log_w[index], nrow(index), n))
  list(nodes = unname(nodes), log_weight = log_weight)
}

bf_coefficient <- function(model, coefficient, cell) {
  if (!is.null(coefficient[["constant"]])) return(as.numeric(coefficient[["constant"]]))
  if (!is.null(coefficient[["parameter"]])) return(model$theta[coefficient[["parameter"]] + 1])
  by <- unlist(coefficient$by)
  index <- 0
  stride <- 1
  for (name in by) {
    index <- index + (cell[[name]] - 1) * stride
    size <- Filter(function(cl) cl$name == name, model$spec$classes)[[1]]$n_classes
    stride <- stride * size
  }
  model$theta[unlist(coefficient[["parameters"]])[index + 1] + 1]
}

# The sum of terms at one row, for every node (the latents' values are vectors over nodes).
bf_predictor <- function(model, predictor, cell, row, latents, n_nodes) {
  value <- rep(0, n_nodes)
  for (term in predictor$terms) {
    part <- bf_coefficient(model, term$coefficient, cell)
    if (!is.null(term$covariate)) part <- part * model$columns[[term$covariate]][row]
    for (name in unlist(term$latents)) part <- part * latents[[name]]
    value <- value + part
  }
  value
}

# Residual covariance of latents or gaussian outcomes (`names`) in one class pattern.
bf_covariance <- function(model, names, variances, cell) {
  sigma <- diag(variances, nrow = length(names))
  dimnames(sigma) <- list(names, names)
  for (cov in model$spec$covariances) {
    if (cov$a %in% names && cov$b %in% names) {
      sigma[cov$a, cov$b] <- sigma[cov$b, cov$a] <- bf_coefficient(model, cov$value, cell)
    }
  }
  sigma
}

# Lower triangular L with L L' = sigma, where rows of zeros stay zero.
bf_cholesky <- function(sigma) {
  p <- nrow(sigma)
  lower <- matrix(0, p, p)
  for (a in seq_len(p)) {
    for (b in seq_len(a)) {
      rest <- sigma[a, b] - sum(lower[a, seq_len(b - 1)] * lower[b, seq_len(b - 1)])
      if (a == b) lower[a, a] <- sqrt(max(rest, 0))
      else if (lower[b, b] > 0) lower[a, b] <- rest / lower[b, b]
    }
  }
  lower
}

# Values of one level's latents at every node: predictor + residual, in the order of the list.
bf_latents <- function(model, level, cell, row, nodes, known = list()) {
  part <- model[[level]]
  variance <- vapply(part$latents, function(l) bf_coefficient(model, l$variance, cell), 0)
  names(variance) <- vapply(part$latents, function(l) l$name, "")
  sigma <- bf_covariance(model, part$random, variance[part$random], cell)
  residual <- nodes %*% t(bf_cholesky(sigma))
  colnames(residual) <- part$random
  values <- known
  for (latent in part$latents) {
    value <- bf_predictor(model, latent$predictor, cell, row, values, nrow(nodes))
    if (latent$name %in% part$random) value <- value + residual[, latent$name]
    values[[latent$name]] <- value
  }
  values
}

# log P(class pattern) at one row for every node: the product over the level's class variables.
bf_log_class <- function(model, level, cell, row, latents, n_nodes) {
  total <- rep(0, n_nodes)
  for (class in model[[level]]$classes) {
    if (!is.null(class$known)) {
      known <- model$columns[[class$known]][row]
      if (!is.na(known) && known != cell[[class$name]]) return(rep(-Inf, n_nodes))
    }
    logits <- vapply(class$logits, function(p) {
      bf_predictor(model, p, cell, row, latents, n_nodes)
    }, numeric(n_nodes))
    logits <- cbind(matrix(logits, n_nodes), 0)
    total <- total + logits[, cell[[class$name]]] - bf_log_sum(logits)
  }
  total
}

# log f(all outcomes of one level at one row) for every node; missing outcomes are left out.
bf_log_outcomes <- function(model, level, cell, row, latents, n_nodes) {
  total <- rep(0, n_nodes)
  gaussian <- list()
  for (outcome in model[[level]]$outcomes) {
    y <- model$columns[[outcome$column]][row]
    if (is.na(y)) next
    eta <- vapply(outcome$predictors, function(p) {
      bf_predictor(model, p, cell, row, latents, n_nodes)
    }, numeric(n_nodes))
    eta <- matrix(eta, n_nodes)
    auxiliary <- vapply(outcome$auxiliary, function(a) bf_coefficient(model, a, cell), 0)
    if (outcome$family$type == "gaussian") {
      gaussian[[outcome$name]] <- list(residual = y - eta[, 1], variance = auxiliary)
    } else {
      total <- total + bf_log_density(outcome$family, y, eta, auxiliary, model$columns, row)
    }
  }
  total + bf_log_normal(model, gaussian, cell, n_nodes)
}

# Gaussian outcomes jointly: a multivariate normal with the residual covariances of the cell.
bf_log_normal <- function(model, gaussian, cell, n_nodes) {
  if (length(gaussian) == 0) return(rep(0, n_nodes))
  variance <- vapply(gaussian, function(g) g$variance, 0)
  residual <- matrix(vapply(gaussian, function(g) g$residual, numeric(n_nodes)), n_nodes)
  sigma <- bf_covariance(model, names(gaussian), variance, cell)
  if (min(eigen(sigma, symmetric = TRUE, only.values = TRUE)$values) <= 0) return(rep(-Inf, n_nodes))
  quadratic <- rowSums((residual %*% solve(sigma)) * residual)
  -0.5 * (quadratic + length(gaussian) * log(2 * pi) + log(det(sigma)))
}

# log f(y | eta) of one outcome; eta is [n_nodes x n_predictors].
bf_log_density <- function(family, y, eta, auxiliary, columns, row) {
  cdf <- if (identical(family$link, "probit")) stats::pnorm else stats::plogis
  mu <- eta[, 1]
  count <- function(y) {
    if (grepl("negative", family$type)) stats::dnbinom(y, mu = exp(mu), size = 1 / auxiliary)
    else stats::dpois(y, exp(mu))
  }
  switch(family$type,
    bernoulli = if (y == 1) cdf(mu, log.p = TRUE) else cdf(-mu, log.p = TRUE),
    binomial = {
      n <- columns[[family$trials]][row]
      lchoose(n, y) + y * cdf(mu, log.p = TRUE) + (n - y) * cdf(-mu, log.p = TRUE)
    },
    ordinal = {
      tau <- c(-Inf, auxiliary, Inf)
      log(cdf(tau[y + 1] - mu) - cdf(tau[y] - mu))
    },
    nominal = cbind(eta, 0)[, y] - bf_log_sum(cbind(eta, 0)),
    poisson = , negative_binomial = log(count(y)),
    zero_inflated_poisson = , zero_inflated_negative_binomial = {
      extra <- stats::plogis(eta[, 2])
      log(extra * (y == 0) + (1 - extra) * count(y))
    },
    censored = {
      sd <- sqrt(auxiliary)
      if (!is.null(family$lower) && y <= family$lower) stats::pnorm(family$lower, mu, sd, log.p = TRUE)
      else if (!is.null(family$upper) && y >= family$upper) {
        stats::pnorm(family$upper, mu, sd, lower.tail = FALSE, log.p = TRUE)
      } else stats::dnorm(y, mu, sd, log = TRUE)
    },
    stop("family ", family$type, " is not in the format")
  )
}

# Row-wise log of the sum of exponentials.
bf_log_sum <- function(x) {
  top <- do.call(pmax, as.data.frame(x))
  top[!is.finite(top)] <- 0
  log(rowSums(exp(x - top))) + top
}

# log f(unit, within class pattern | between nodes): a matrix [between nodes x within patterns].
bf_unit <- function(model, between_cell, between_latents, row) {
  outer <- model$between$grid
  inner <- model$within$grid
  nb <- nrow(outer$nodes)
  nw <- nrow(inner$nodes)
  n_nodes <- nb * nw
  nodes <- inner$nodes[rep(seq_len(nw), each = nb), , drop = FALSE]
  known <- lapply(between_latents, function(v) rep(v, times = nw))
  out <- vapply(seq_len(nrow(model$within_cells)), function(k) {
    cell <- c(between_cell, bf_cell(model$within_cells, k))
    latents <- bf_latents(model, "within", cell, row, nodes, known)
    value <- bf_log_class(model, "within", cell, row, latents, n_nodes) +
      bf_log_outcomes(model, "within", cell, row, latents, n_nodes) +
      rep(inner$log_weight, each = nb)
    bf_log_sum(matrix(value, nb, nw))
  }, numeric(nb))
  matrix(out, nb)
}

# One cluster: the sum over between patterns and nodes of the product over its units.
bf_cluster <- function(model, rows, unit_weights) {
  grid <- model$between$grid
  nb <- nrow(grid$nodes)
  first <- rows[1]
  joint <- lapply(seq_len(nrow(model$between_cells)), function(d) {
    cell <- bf_cell(model$between_cells, d)
    latents <- bf_latents(model, "between", cell, first, grid$nodes)
    units <- lapply(rows, function(row) bf_unit(model, cell, latents, row))
    value <- grid$log_weight +
      bf_log_class(model, "between", cell, first, latents, nb) +
      bf_log_outcomes(model, "between", cell, first, latents, nb)
    for (u in seq_along(rows)) value <- value + unit_weights[rows[u]] * bf_log_sum(units[[u]])
    list(value = value, units = units)
  })
  by_pattern <- vapply(joint, function(part) bf_log_sum(matrix(part$value, 1)), 0)
  log_lik <- bf_log_sum(matrix(by_pattern, 1))
  within <- vapply(seq_along(rows), function(u) {
    Reduce(`+`, lapply(joint, function(part) {
      share <- exp(part$units[[u]] - bf_log_sum(part$units[[u]]))
      share[!is.finite(share)] <- 0
      colSums(exp(part$value - log_lik) * share)
    }))
  }, numeric(nrow(model$within_cells)))
  list(log_likelihood = log_lik, between = exp(by_pattern - log_lik),
       within = t(matrix(within, nrow(model$within_cells))))
}
