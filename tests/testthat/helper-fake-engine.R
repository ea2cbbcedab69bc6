# A stand-in for the compiled engine, for latent class models of 0/1 items without predictors: plain EM
# and closed-form scores give a result in the documented form (inst/spec-format.md, "Result of a fit").

# A fit of lca() without the compiled engine.
fake_lca_fit <- function(items = LETTERS[1:7], k = 2, data = carcinoma, seed = 1, frequency = NULL, se = "robust",
                         warnings = list()) {
  model <- rlang::inject(lca(!!items, k = !!k))
  resolved <- suppressMessages(resolve_model(model, data))
  options <- fit_options(c(3, 2), seed, se, quadrature(), NULL, mlmix_control(), rlang::current_env())
  result <- fake_lca_result(resolved, frequency, seed, se)
  result$warnings <- warnings
  new_fit(result, resolved, list(frequency = frequency), model, options, quote(mlmix(model, data)),
    n_rows = nrow(data), time = 0.1)
}

fake_lca_result <- function(resolved, frequency, seed, se) {
  spec <- resolved$spec
  k <- spec$classes[[1]]$n_classes
  y <- do.call(cbind, resolved$columns[vapply(spec$outcomes, function(o) o$column, "")])
  weight <- if (is.null(frequency)) rep(1, nrow(y)) else frequency
  # index[p, c]: position of item p's intercept in class c; logit[c]: of class c's logit
  index <- t(vapply(spec$outcomes, function(o) {
    as.numeric(parameter_indices(o$predictors[[1]]$terms[[1]]$coefficient))
  }, numeric(k)))
  if (k == 1) index <- matrix(index, ncol = 1)
  logit <- vapply(spec$classes[[1]]$logits, function(p) parameter_indices(p$terms[[1]]$coefficient), 0)
  starts <- lapply(1:3, function(s) withr::with_seed(seed + s, fake_em(y, weight, k)))
  final <- vapply(starts, function(s) s$log_lik, 0)
  best <- starts[[which.max(final)]]
  theta <- numeric(nrow(resolved$parameters))
  theta[index] <- stats::qlogis(best$prob)
  theta[logit] <- log(best$size[seq_len(k - 1)] / best$size[k])
  score <- function(theta) fake_lca_scores(theta, y, index, logit)
  scores <- score(theta)$scores
  information <- -numDeriv::jacobian(function(t) colSums(weight * score(t)$scores), theta)
  cross_product <- crossprod(scores * sqrt(weight))
  status <- ifelse(abs(theta) > 9, "boundary", "free")
  inner <- status == "free"
  bread <- information
  bread[] <- 0
  bread[inner, inner] <- solve(information[inner, inner])
  vcov <- switch(se, robust = bread %*% cross_product %*% bread, observed = bread, none = NULL)
  if (!is.null(vcov)) vcov[!inner, ] <- vcov[, !inner] <- NaN
  posterior <- score(theta)$posterior
  size <- colSums(weight * posterior) / sum(weight)
  list(
    estimate = theta, std_error = if (is.null(vcov)) rep(NaN, length(theta)) else sqrt(diag(vcov)),
    status = status, free = seq_along(theta) - 1L, vcov = vcov, information = information,
    cross_product = cross_product, gradient = colSums(weight * scores), log_likelihood = max(final),
    n_free = length(theta), n_units = nrow(y), n_clusters = nrow(y), log_likelihood_clusters = score(theta)$log_lik,
    scaling = sum(diag(bread %*% cross_product)) / length(theta),
    convergence = list(status = "converged", newton_decrement = 1e-9, max_gradient = max(abs(colSums(scores))),
                       iterations = 500L, e_steps = 500L),
    starts = list(start = 1:3, stage1 = final - c(1, 0.5, 2), final = replace(final, which.min(final), NaN),
                  iterations = rep(500L, 3), status = rep("converged", 3)),
    replicated = sum(max(final) - final[-which.min(final)] < 0.01),
    posterior_within = stats::setNames(list(posterior), spec$classes[[1]]$name), posterior_joint = posterior,
    posterior_between = list(), class_prob = stats::setNames(list(size), spec$classes[[1]]$name),
    transitions = list(), latents = list(),
    integration = list(dimensions = list(), method = "rectangular", points = 15L, adaptive = TRUE, n_nodes = 1L, error = NaN)
  )
}

fake_em <- function(y, weight, k, iterations = 2000) {
  prob <- matrix(stats::runif(ncol(y) * k, 0.2, 0.8), ncol(y))
  size <- rep(1 / k, k)
  for (i in seq_len(iterations)) {
    joint <- exp(y %*% log(prob) + (1 - y) %*% log(1 - prob)) * rep(size, each = nrow(y))
    posterior <- joint / rowSums(joint) * weight
    size <- colSums(posterior) / sum(weight)
    prob <- t(t(crossprod(y, posterior)) / colSums(posterior))
    prob <- pmin(pmax(prob, 1e-4), 1 - 1e-4)
  }
  list(prob = prob, size = size, log_lik = sum(weight * log(rowSums(joint))))
}

fake_lca_scores <- function(theta, y, index, logit) {
  k <- ncol(index)
  prob <- stats::plogis(matrix(theta[index], ncol = k))
  size <- softmax(c(theta[logit], 0))
  joint <- exp(y %*% log(prob) + (1 - y) %*% log(1 - prob)) * rep(size, each = nrow(y))
  posterior <- joint / rowSums(joint)
  scores <- matrix(0, nrow(y), length(theta))
  for (c in seq_len(k)) scores[, index[, c]] <- posterior[, c] * t(t(y) - prob[, c])
  for (c in seq_along(logit)) scores[, logit[[c]]] <- posterior[, c] - size[[c]]
  list(scores = scores, posterior = posterior, log_lik = log(rowSums(joint)))
}
