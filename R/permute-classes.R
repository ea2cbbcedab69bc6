# Renumbering the classes of one class variable in a fit: new class i is old class order[i].
#
# Coefficients that differ by the class exchange their values among the class's patterns. The logits of the class are
# taken against the new last class: new logit i = old logit order[i] - old logit order[K], term by term. Both are
# linear, theta_new = M theta_old, so estimates and their covariance matrix follow exactly.

permute_classes <- function(fit, name, order, call = rlang::caller_env()) {
  move <- permutation_matrix(fit, name, order, call)
  p <- fit$parameters
  theta <- as.numeric(move %*% p$estimate)
  free <- fit$free
  inside <- move[free, free, drop = FALSE]
  if (!is.null(fit$vcov)) {
    fit$vcov <- `dimnames<-`(sandwich_na(inside, fit$vcov), dimnames(fit$vcov))
  }
  # These belong to the engine's coordinates at its own solution, not to the new labels.
  fit[c("information", "cross_product", "gradient")] <- NULL
  # A status follows its parameter; a logit against another reference is a combination and keeps the worst of both.
  source <- lapply(seq_along(theta), function(i) which(move[i, ] != 0))
  rank <- c(fixed = 1, free = 2, boundary = 3, `not identified` = 4)
  p$status <- vapply(seq_along(theta), function(i) {
    if (!p$free[[i]] || length(source[[i]]) == 0) return(p$status[[i]])
    names(rank)[[max(rank[p$status[source[[i]]]])]]
  }, "")
  p$estimate <- theta
  p$std.error <- NA_real_
  if (!is.null(fit$vcov)) p$std.error[free] <- sqrt(pmax(diag(fit$vcov), 0))
  fit$parameters <- p
  permute_results(fit, name, order)
}

# A V A' where rows of V that are NA make only the results that use them NA.
sandwich_na <- function(a, v) {
  lost <- is.na(diag(v))
  clean <- v
  clean[lost, ] <- 0
  clean[, lost] <- 0
  out <- a %*% clean %*% t(a)
  used <- rowSums(abs(a[, lost, drop = FALSE])) > 0
  out[used, ] <- NA_real_
  out[, used] <- NA_real_
  out
}

# The matrix M with theta_new = M theta_old, built coefficient by coefficient.
permutation_matrix <- function(fit, name, order, call) {
  spec <- fit$spec
  n <- nrow(fit$parameters)
  move <- diag(n)
  done <- rep(FALSE, n)
  set <- function(index, row) {
    if (done[[index]] && any(move[index, ] != row)) stop_not_permutable(fit, name, index, call)
    move[index, ] <<- row
    done[[index]] <<- TRUE
  }
  classes <- fit_classes(fit)
  unit <- function(index) replace(numeric(n), index, 1)
  exchange <- function(coefficient) {
    place <- moved_places(coefficient, name, order, classes)
    indices <- parameter_indices(coefficient)
    for (i in seq_along(indices)) set(indices[[i]], unit(indices[[place[[i]]]]))
  }
  for (coefficient in spec_coefficients(spec, except = name)) exchange(coefficient)
  class <- Filter(function(cl) cl$name == name, spec$classes)[[1]]
  for (row in logit_rows(class, order, classes, call)) {
    indices <- parameter_indices(row$target)
    for (i in seq_along(indices)) {
      value <- numeric(n)
      if (!is.null(row$plus)) value <- value + unit(parameter_indices(row$plus)[[i]])
      if (!is.null(row$minus)) value <- value - unit(parameter_indices(row$minus)[[i]])
      set(indices[[i]], value)
    }
  }
  fixed <- which(!fit$parameters$free)
  changed <- fixed[vapply(fixed, function(i) {
    abs(sum(move[i, ] * fit$parameters$estimate) - fit$parameters$estimate[[i]]) > 1e-12
  }, TRUE)]
  if (length(changed) > 0) stop_not_permutable(fit, name, changed[[1]], call)
  move
}

stop_not_permutable <- function(fit, name, index, call) {
  abort_spec(c(
    "The classes of {.val {name}} cannot be reordered: the model is not the same with its classes exchanged.",
    x = "The parameter {.val {fit$parameters$name[[index]]}} has a restriction that belongs to one class.",
    i = "Name another class variable in {.arg class}, or give the order by starting values."
  ), call = call)
}

parameter_indices <- function(coefficient) {
  if (!is.null(coefficient[["parameter"]])) return(coefficient[["parameter"]] + 1L)
  unlist(coefficient[["parameters"]]) + 1L
}

# For each pattern of a coefficient: the position of the pattern it takes its value from.
moved_places <- function(coefficient, name, order, classes) {
  by <- unlist(coefficient$by)
  if (!name %in% by) return(seq_along(parameter_indices(coefficient)))
  patterns <- fit_patterns(classes[by])
  patterns[[name]] <- order[patterns[[name]]]
  size <- vapply(by, function(b) classes[[b]]$k, 1)
  1 + as.numeric(as.matrix(patterns - 1) %*% cumprod(c(1, size))[seq_along(size)])
}

# Every coefficient of the specification except those in the logits of one class variable.
spec_coefficients <- function(spec, except) {
  terms <- function(predictors) lapply(unlist(lapply(predictors, function(p) p$terms), recursive = FALSE),
    function(term) term$coefficient)
  others <- Filter(function(cl) cl$name != except, spec$classes)
  all <- c(
    unlist(lapply(spec$outcomes, function(o) c(terms(o$predictors), o$auxiliary)), recursive = FALSE),
    unlist(lapply(spec$latents, function(l) c(terms(list(l$predictor)), list(l$variance))), recursive = FALSE),
    lapply(spec$covariances, function(cov) cov$value),
    unlist(lapply(others, function(cl) terms(cl$logits)), recursive = FALSE)
  )
  Filter(function(coefficient) is.null(coefficient[["constant"]]), all)
}

# The logits' coefficients, matched across logits by covariate, latents and classes: list(target, plus, minus).
logit_rows <- function(class, order, classes, call) {
  k <- class$n_classes
  key <- function(term) {
    paste(c(term$covariate, "*", unlist(term$latents), "*", unlist(term$coefficient$by)), collapse = ":")
  }
  tables <- lapply(class$logits, function(p) stats::setNames(p$terms, vapply(p$terms, key, "")))
  keys <- unique(unlist(lapply(tables, names)))
  constant <- any(vapply(unlist(tables, recursive = FALSE), function(t) !is.null(t$coefficient[["constant"]]), TRUE))
  complete <- all(vapply(tables, function(t) identical(sort(names(t)), sort(keys)) && !anyDuplicated(names(t)), TRUE))
  if (constant || !complete) {
    abort_spec(c(
      "The classes of {.val {class$name}} cannot be reordered: its logits differ in form.",
      i = "Random class logits and unequal predictors belong to their class. Name another variable in {.arg class}."
    ), call = call)
  }
  coefficient <- function(m, key) if (m == k) NULL else tables[[m]][[key]]$coefficient
  unlist(lapply(seq_len(k - 1), function(m) lapply(keys, function(key) {
    list(target = coefficient(m, key), plus = coefficient(order[[m]], key), minus = coefficient(order[[k]], key))
  })), recursive = FALSE)
}

# Posteriors, sizes and transitions in the new order.
permute_results <- function(fit, name, order) {
  classes <- fit_classes(fit)
  level <- paste0("posterior_", classes[[name]]$level)
  fit[[level]][[name]] <- class_posterior(fit, name)[, order, drop = FALSE]
  fit$class_prob[[name]] <- fit$class_prob[[name]][order]
  within <- fit_classes(fit, "within")
  if (name %in% names(within) && !is.null(fit$posterior_joint)) {
    cells <- moved_places(list(by = names(within)), name, order, classes)
    fit$posterior_joint <- matrix(as.numeric(fit$posterior_joint), ncol = length(cells))[, cells, drop = FALSE]
  }
  for (target in names(fit$transitions)) {
    parents <- parent_classes(fit, target)
    table <- matrix(as.numeric(fit$transitions[[target]]), ncol = classes[[target]]$k)
    if (name %in% parents) table <- table[moved_places(list(by = parents), name, order, classes), , drop = FALSE]
    if (target == name) table <- table[, order, drop = FALSE]
    fit$transitions[[target]] <- table
  }
  fit
}
