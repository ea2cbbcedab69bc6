# Renumbering classes in a fit: new class i is old class order[i], for one class variable or several moved together.
#
# Coefficients that differ by the classes exchange their values among the class patterns. The logits of a class are
# taken against the new last class: new logit i = old logit order[i] - old logit order[K], term by term. With two
# classes that turns the sign of a random logit, and so of what it meets. All is linear, theta_new = M theta_old, so
# estimates and their covariance matrix follow exactly.

permute_classes <- function(fit, names, order, call = rlang::caller_env()) {
  mixing <- logit_mixing(fit, names, order, call)
  move <- permutation_matrix(fit, names, order, mixing, call)
  before <- fit
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
  status <- vapply(seq_along(theta), function(i) {
    if (!p$free[[i]] || length(source[[i]]) == 0) return(p$status[[i]])
    names(rank)[[max(rank[p$status[source[[i]]]])]]
  }, "")
  fit$warnings <- lapply(fit$warnings, function(warning) {
    old <- match(warning$parameters, p$name)
    warning$parameters <- p$name[vapply(source, function(from) any(from %in% old), TRUE)]
    warning
  })
  p$status <- status
  p$estimate <- theta
  p$std.error <- NA_real_
  if (!is.null(fit$vcov)) p$std.error[free] <- sqrt(pmax(diag(fit$vcov), 0))
  fit$parameters <- p
  turned <- turned_latents(fit, names, order)
  fit$latents <- lapply(fit$latents, function(latent) {
    if (latent$name %in% turned) latent$mean <- -latent$mean
    latent
  })
  if (!is.null(mixing)) fit$latents <- mixed_latents(fit, before, mixing, call)
  permute_results(fit, names, order)
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

# Random logits of the class variables whose two classes change places: their sign turns.
turned_latents <- function(fit, names, order) {
  if (!identical(as.integer(order), 2:1)) return(character(0))
  latents <- fit$data$latents
  latents$name[latents$origin == "random effect" & latents$target %in% paste0(names, "#1")]
}

# The matrix M with theta_new = M theta_old, built coefficient by coefficient.
permutation_matrix <- function(fit, names, order, mixing, call) {
  n <- nrow(fit$parameters)
  move <- diag(n)
  done <- rep(FALSE, n)
  set <- function(index, row) {
    if (done[[index]] && any(move[index, ] != row)) stop_not_permutable(fit, names, index, call)
    move[index, ] <<- row
    done[[index]] <<- TRUE
  }
  classes <- fit_classes(fit)
  turned <- turned_latents(fit, names, order)
  pick <- function(coefficient, place, i) replace(numeric(n), parameter_indices(coefficient)[[place[[i]]]], 1)
  mixed <- rownames(mixing)[rowSums(mixing != diag(NROW(mixing))) > 0]
  for (row in if (!is.null(mixing)) mixed_rows(fit$spec, mixing, names, call)) {
    set_mixed(row, set, n, function(coefficient) moved_places(coefficient, names, order, classes), call, names)
  }
  for (entry in spec_coefficients(fit$spec, names, turned, mixed = mixed)) {
    place <- moved_places(entry$coefficient, names, order, classes)
    indices <- parameter_indices(entry$coefficient)
    for (i in seq_along(indices)) set(indices[[i]], entry$sign * pick(entry$coefficient, place, i))
  }
  for (class in Filter(function(cl) cl$name %in% names, fit$spec$classes)) {
    for (row in logit_rows(class, order, c(turned, mixed), turned, call)) {
      indices <- parameter_indices(row$target)
      place <- moved_places(row$target, names, order, classes)
      for (i in seq_along(indices)) {
        value <- numeric(n)
        if (!is.null(row$plus)) value <- value + pick(row$plus, place, i)
        if (!is.null(row$minus)) value <- value - pick(row$minus, place, i)
        set(indices[[i]], row$sign * value)
      }
    }
  }
  check_same_model(fit, move, names, call)
  move
}

# Fixed values and priors must be the same in the new order.
check_same_model <- function(fit, move, names, call) {
  fixed <- which(!fit$parameters$free)
  changed <- fixed[vapply(fixed, function(i) {
    abs(sum(move[i, ] * fit$parameters$estimate) - fit$parameters$estimate[[i]]) > 1e-12
  }, TRUE)]
  p <- fit$parameters
  after <- log_prior_at(p, as.numeric(move %*% p$estimate))
  if (!isTRUE(all.equal(after, log_prior_at(p, p$estimate)))) changed <- which(!is.na(p$prior_sd))
  if (length(changed) > 0) stop_not_permutable(fit, names, changed[[1]], call)
}

# One row of mixed_rows(), pattern by pattern of classes.
set_mixed <- function(row, set, n, places, call, names) {
  given <- Filter(Negate(is.null), c(list(row$target), lapply(row$parts, `[[`, "coefficient")))
  if (length(given) == 0) return(invisible())
  by <- unique(lapply(given, function(coefficient) unlist(coefficient$by)))
  if (length(by) > 1) stop_mixing(names, "Its random logits differ in what they depend on.", call)
  patterns <- max(vapply(given, function(one) if (is.null(one[["constant"]])) length(parameter_indices(one)) else 1L, 1L))
  for (i in seq_len(patterns)) {
    value <- numeric(n)
    constant <- 0
    for (part in row$parts) {
      if (is.null(part$coefficient)) next
      if (!is.null(part$coefficient[["constant"]])) {
        constant <- constant + part$weight * part$coefficient[["constant"]]
      } else {
        index <- parameter_indices(part$coefficient)[[places(part$coefficient)[[i]]]]
        value[[index]] <- value[[index]] + part$weight
      }
    }
    expected <- if (is.null(row$target)) 0 else row$target[["constant"]]
    if (is.null(expected)) {
      if (constant != 0) stop_mixing(names, "One of its random logits has a fixed value.", call)
      set(parameter_indices(row$target)[[i]], value)
    } else if (any(value != 0) || abs(constant - expected) > 1e-12) {
      stop_mixing(names, "Its random logits are restricted, for instance to be independent, against one class.", call)
    }
  }
}

stop_not_permutable <- function(fit, names, index, call) {
  abort_spec(c(
    "The classes of {.val {names}} cannot be reordered: the model is not the same with its classes exchanged.",
    x = "The parameter {.val {fit$parameters$name[[index]]}} has a restriction or a prior that belongs to one class.",
    i = "Name another class variable in {.arg class}, or give the order by starting values."
  ), call = call)
}

parameter_indices <- function(coefficient) {
  if (!is.null(coefficient[["parameter"]])) return(coefficient[["parameter"]] + 1L)
  unlist(coefficient[["parameters"]]) + 1L
}

# For each pattern of a coefficient: the position of the pattern it takes its value from.
moved_places <- function(coefficient, names, order, classes) {
  by <- unlist(coefficient$by)
  if (!any(names %in% by)) return(seq_along(parameter_indices(coefficient)))
  patterns <- fit_patterns(classes[by])
  for (name in intersect(names, by)) patterns[[name]] <- order[patterns[[name]]]
  size <- vapply(by, function(b) classes[[b]]$k, 1)
  1 + as.numeric(as.matrix(patterns - 1) %*% cumprod(c(1, size))[seq_along(size)])
}

# Every coefficient of the specification except those in the logits of `except`, each with the sign that it takes on
# where latent variables turn theirs: list(coefficient, sign). Structural constants only if `constants`; nothing of the
# latent variables in `mixed`.
spec_coefficients <- function(spec, except, turned, constants = FALSE, mixed = character(0)) {
  without <- function(predictors) {
    meets <- function(p) any(vapply(p$terms, function(term) any(unlist(term$latents) %in% mixed), TRUE))
    if (length(mixed) == 0) predictors else Filter(Negate(meets), predictors)
  }
  sign_of <- function(names) if (sum(unlist(names) %in% turned) %% 2 == 1) -1 else 1
  terms <- function(predictors, own = NULL) {
    lapply(unlist(lapply(predictors, function(p) p$terms), recursive = FALSE), function(term) {
      list(coefficient = term$coefficient, sign = sign_of(c(own, unlist(term$latents))))
    })
  }
  plain <- function(coefficients) lapply(coefficients, function(one) list(coefficient = one, sign = 1))
  others <- Filter(function(cl) !cl$name %in% except, spec$classes)
  all <- c(
    unlist(lapply(spec$outcomes, function(o) c(terms(without(o$predictors)), plain(o$auxiliary))), recursive = FALSE),
    if (length(mixed) == 0) {
      unlist(lapply(spec$latents, function(l) terms(list(l$predictor), l$name)), recursive = FALSE)
    },
    lapply(Filter(function(l) !l$name %in% mixed, spec$latents), function(l) list(coefficient = l$variance, sign = 1)),
    lapply(Filter(function(cov) !any(c(cov$a, cov$b) %in% mixed), spec$covariances), function(cov) {
      list(coefficient = cov$value, sign = sign_of(c(cov$a, cov$b)))
    }),
    unlist(lapply(others, function(cl) terms(without(cl$logits))), recursive = FALSE)
  )
  if (constants) all else Filter(function(entry) is.null(entry$coefficient[["constant"]]), all)
}

# The logits' coefficients, matched across logits by covariate, latents and classes: list(target, plus, minus, sign).
logit_rows <- function(class, order, own, turned, call) {
  k <- class$n_classes
  key <- function(term) {
    paste(c(term$covariate, "*", unlist(term$latents), "*", unlist(term$coefficient$by)), collapse = ":")
  }
  is_turned <- function(term) any(unlist(term$latents) %in% turned)
  # Random logits change with the classes, so that their constant coefficients 1 stay as they are.
  logits <- lapply(class$logits, function(p) {
    Filter(function(term) !(any(unlist(term$latents) %in% own) && !is.null(term$coefficient[["constant"]])), p$terms)
  })
  tables <- lapply(logits, function(terms) stats::setNames(terms, vapply(terms, key, "")))
  keys <- unique(unlist(lapply(tables, names)))
  constant <- any(vapply(unlist(tables, recursive = FALSE), function(t) !is.null(t$coefficient[["constant"]]), TRUE))
  complete <- all(vapply(tables, function(t) identical(sort(names(t)), sort(keys)) && !anyDuplicated(names(t)), TRUE))
  if (constant || !complete) {
    abort_spec(c(
      "The classes of {.val {class$name}} cannot be reordered: its logits differ in form.",
      i = "Random effects and predictors that not all logits have belong to their class.",
      i = "Name another variable in {.arg class}."
    ), call = call)
  }
  coefficient <- function(m, key) if (m == k) NULL else tables[[m]][[key]]$coefficient
  rows_of <- function(m) {
    lapply(keys, function(key) {
      list(
        target = coefficient(m, key), plus = coefficient(order[[m]], key), minus = coefficient(order[[k]], key),
        sign = if (is_turned(tables[[m]][[key]])) -1 else 1
      )
    })
  }
  unlist(lapply(seq_len(k - 1), rows_of), recursive = FALSE)
}

# Posteriors, sizes and transitions in the new order.
permute_results <- function(fit, names, order) {
  classes <- fit_classes(fit)
  for (name in names) {
    level <- paste0("posterior_", classes[[name]]$level)
    fit[[level]][[name]] <- class_posterior(fit, name)[, order, drop = FALSE]
    fit$class_prob[[name]] <- fit$class_prob[[name]][order]
  }
  within <- names(fit_classes(fit, "within"))
  if (any(names %in% within) && !is.null(fit$posterior_joint)) {
    cells <- moved_places(list(by = within), names, order, classes)
    fit$posterior_joint <- matrix(as.numeric(fit$posterior_joint), ncol = length(cells))[, cells, drop = FALSE]
  }
  for (target in names(fit$transitions)) {
    parents <- parent_classes(fit, target)
    table <- matrix(as.numeric(fit$transitions[[target]]), ncol = classes[[target]]$k)
    if (any(names %in% parents)) {
      table <- table[moved_places(list(by = parents), names, order, classes), , drop = FALSE]
    }
    if (target %in% names) table <- table[, order, drop = FALSE]
    fit$transitions[[target]] <- table
  }
  fit
}
