# Random logits of three or more classes under a new numbering.
#
# The random logits b_1 .. b_{K-1} of a class variable (b_K = 0 for the reference) become, term by term,
#
#   b'_i = b_{order i} - b_{order K},   b' = A b,
#
# and with them what they have and what they meet: covariances A Psi A', their equations A C, and coefficients
# lambda A^{-1} where they are predictors. All is linear in the parameters, so each is a row of the matrix M of
# permute-classes.R. Where a model has no place for a value that is not 0, such as a covariance of random effects that
# were independent, it is not the same with its classes renumbered.

# A for all latent variables, [new x old] by name; NULL if no variable of three or more classes has random logits.
logit_mixing <- function(fit, names, order, call) {
  latents <- fit$data$latents
  k <- length(order)
  random <- latents[latents$origin == "random effect" & latents$target %in% paste0(rep(names, each = k), "#", seq_len(k)), ]
  if (k < 3 || nrow(random) == 0) return(NULL)
  mixing <- diag(nrow(latents))
  dimnames(mixing) <- list(latents$name, latents$name)
  for (name in names) {
    of_class <- random[sub("#[0-9]+$", "", random$target) == name, , drop = FALSE]
    for (rows in split(of_class, of_class$term)) {
      place <- match(paste0(name, "#", seq_len(k - 1)), rows$target)
      if (anyNA(place)) stop_mixing(name, "Not all of its logits have the same random effects.", call)
      own <- rows$name[place]
      mixing[own, own] <- outer(order[-k], seq_len(k - 1), `==`) - outer(rep(order[[k]], k - 1), seq_len(k - 1), `==`)
    }
  }
  mixing
}

stop_mixing <- function(name, why, call) {
  abort_spec(c(
    "The classes of {.val {name}} cannot be reordered: the model is not the same with its classes exchanged.",
    x = why, i = "Name another variable in {.arg class}."
  ), call = call)
}

# list(target, parts = list of list(weight, coefficient)) for every coefficient that A touches; a target of NULL must
# come out as 0.
mixed_rows <- function(spec, mixing, names, call) {
  c(mixed_covariances(spec, mixing), mixed_equations(spec, mixing, names, call))
}

mixed_covariances <- function(spec, mixing) {
  latents <- rownames(mixing)
  table <- list()
  place <- function(a, b) paste(sort(c(a, b)), collapse = " ~~ ")
  for (latent in spec$latents) table[[place(latent$name, latent$name)]] <- latent$variance
  for (pair in spec$covariances) table[[place(pair$a, pair$b)]] <- pair$value
  changed <- latents[rowSums(mixing != diag(nrow(mixing))) > 0]
  rows <- list()
  for (i in seq_along(latents)) for (j in seq_len(i)) {
    if (!any(latents[c(i, j)] %in% changed)) next
    weight <- outer(mixing[i, ], mixing[j, ])
    used <- which(weight != 0, arr.ind = TRUE)
    parts <- lapply(seq_len(nrow(used)), function(u) {
      list(weight = weight[used[u, 1], used[u, 2]], coefficient = table[[place(latents[used[u, 1]], latents[used[u, 2]])]])
    })
    rows <- c(rows, list(list(target = table[[place(latents[[i]], latents[[j]])]], parts = parts)))
  }
  rows
}

# Equations of latent variables, and every other predictor in which mixed latent variables stand.
mixed_equations <- function(spec, mixing, names, call) {
  changed <- rownames(mixing)[rowSums(mixing != diag(nrow(mixing))) > 0]
  own <- Filter(function(class) class$name %in% names, spec$classes)
  for (class in own) {
    for (term in unlist(lapply(class$logits, `[[`, "terms"), recursive = FALSE)) {
      if (any(unlist(term$latents) %in% changed) && !identical(as.numeric(term$coefficient[["constant"]]), 1)) {
        stop_mixing(class$name, "Its random logits also stand in another place of its logits.", call)
      }
    }
  }
  others <- c(
    unlist(lapply(spec$outcomes, `[[`, "predictors"), recursive = FALSE),
    unlist(lapply(Filter(function(class) !class$name %in% names, spec$classes), `[[`, "logits"), recursive = FALSE)
  )
  meets <- function(predictor) {
    any(vapply(predictor$terms, function(term) any(unlist(term$latents) %in% changed), TRUE))
  }
  # Random slopes and the like stand in their outcome with the coefficient 1; only those of the logits are mixed.
  single <- lapply(Filter(meets, others), function(predictor) mixed_system(list(predictor), matrix(1), mixing, names, call))
  equations <- lapply(stats::setNames(spec$latents, vapply(spec$latents, `[[`, "", "name"))[rownames(mixing)],
    `[[`, "predictor")
  c(unlist(single, recursive = FALSE), mixed_system(equations, mixing, mixing, names, call))
}

# New coefficients of a system of predictors, left %*% C %*% solve(mixing) for the latent variables among them.
mixed_system <- function(predictors, left, mixing, names, call) {
  latents <- rownames(mixing)
  changed <- latents[rowSums(mixing != diag(nrow(mixing))) > 0]
  inverse <- round(solve(mixing))
  key <- function(term) paste(c(term$covariate, "*", unlist(term$coefficient$by)), collapse = ":")
  found <- list()
  for (i in seq_along(predictors)) for (term in predictors[[i]]$terms) {
    on <- unlist(term$latents)
    if (length(on) > 1) {
      if (any(on %in% changed)) stop_mixing(names, "A random logit is multiplied with another latent variable.", call)
      on <- paste(on, collapse = "*")
    }
    found[[length(found) + 1]] <- list(row = i, key = key(term), on = if (length(on) == 0) "" else on, coefficient = term$coefficient)
  }
  if (length(found) == 0) return(list())
  get <- function(row, key, on) {
    for (one in found) if (one$row == row && one$key == key && one$on == on) return(one$coefficient)
    NULL
  }
  rows <- list()
  for (key in unique(vapply(found, `[[`, "", "key"))) {
    of_key <- Filter(function(one) one$key == key, found)
    slots <- unique(vapply(of_key, `[[`, "", "on"))
    reached <- unlist(lapply(intersect(slots, latents), function(q) latents[inverse[q, ] != 0]))
    for (on in unique(c(slots, reached))) for (i in seq_along(predictors)) {
      sources <- if (on %in% latents) latents[inverse[, on] != 0] else on
      factors <- if (on %in% latents) inverse[inverse[, on] != 0, on] else 1
      parts <- list()
      for (m in which(left[i, ] != 0)) for (s in seq_along(sources)) {
        parts <- c(parts, list(list(weight = left[i, m] * factors[[s]], coefficient = get(m, key, sources[[s]]))))
      }
      target <- get(i, key, on)
      if (is.null(target) && all(vapply(parts, function(part) is.null(part$coefficient), TRUE))) next
      rows <- c(rows, list(list(target = target, parts = parts)))
    }
  }
  rows
}

# Posterior means follow A; standard deviations need the engine, which also shows that the likelihood has stayed.
mixed_latents <- function(fit, old, mixing, call) {
  at <- engine_at(fit, fixed_spec(fit$spec, fit$parameters$estimate), fit$data, call)
  allowed <- max(0.05, 5 * abs(number_or_na(fit$integration$error)), na.rm = TRUE)
  if (abs(at$log_likelihood - old$log_likelihood) > allowed) {
    stop_mixing(names(fit_classes(fit)), "Its log-likelihood would change.", call)
  }
  means <- lapply(stats::setNames(old$latents, vapply(old$latents, `[[`, "", "name")), function(l) as.numeric(unlist(l$mean)))
  lapply(at$latents, function(latent) {
    weight <- mixing[latent$name, ]
    used <- intersect(names(weight)[weight != 0], names(means))
    latent$mean <- Reduce(`+`, Map(`*`, weight[used], means[used]))
    latent
  })
}
