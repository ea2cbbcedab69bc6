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
  logits <- paste0(rep(names, each = k), "#", seq_len(k))
  random <- latents[latents$origin == "random effect" & latents$target %in% logits, ]
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
      pair <- used[u, ]
      list(weight = weight[pair[[1]], pair[[2]]], coefficient = table[[place(latents[pair[[1]]], latents[pair[[2]]])]])
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
  single <- lapply(Filter(meets, others), function(predictor) {
    mixed_system(list(predictor), matrix(1), mixing, names, call)
  })
  equations <- lapply(stats::setNames(spec$latents, vapply(spec$latents, `[[`, "", "name"))[rownames(mixing)],
    `[[`, "predictor")
  c(unlist(single, recursive = FALSE), mixed_system(equations, mixing, mixing, names, call))
}

# New coefficients of a system of predictors, left %*% C %*% solve(mixing) for the latent variables among them.
mixed_system <- function(predictors, left, mixing, names, call) {
  latents <- rownames(mixing)
  inverse <- round(solve(mixing))
  found <- system_coefficients(predictors, mixing, names, call)
  coefficient_of <- function(row, key, on) {
    hit <- Filter(function(one) one$row == row && one$key == key && one$on == on, found)
    if (length(hit) > 0) hit[[1]]$coefficient
  }
  # On which latent variables (or "") a coefficient of one of them arises.
  column <- function(on) {
    if (!on %in% latents) return(stats::setNames(1, on))
    from <- inverse[, on] != 0
    stats::setNames(inverse[from, on], latents[from])
  }
  rows <- lapply(unique(vapply(found, `[[`, "", "key")), function(key) {
    slots <- unique(vapply(Filter(function(one) one$key == key, found), `[[`, "", "on"))
    reached <- unlist(lapply(intersect(slots, latents), function(q) latents[inverse[q, ] != 0]))
    places <- expand.grid(i = seq_along(predictors), on = unique(c(slots, reached)), stringsAsFactors = FALSE)
    Map(function(i, on) {
      weights <- outer(left[i, ], column(on))
      parts <- lapply(which(weights != 0), function(at) {
        source <- names(column(on))[[col(weights)[[at]]]]
        list(weight = weights[[at]], coefficient = coefficient_of(row(weights)[[at]], key, source))
      })
      list(target = coefficient_of(i, key, on), parts = parts)
    }, places$i, places$on)
  })
  unlist(rows, recursive = FALSE)
}

# Every coefficient of the predictors: list(row, key, on, coefficient). Those of one key differ only in the latent
# variable `on` that they belong to ("" for none).
system_coefficients <- function(predictors, mixing, names, call) {
  changed <- rownames(mixing)[rowSums(mixing != diag(nrow(mixing))) > 0]
  unlist(lapply(seq_along(predictors), function(i) {
    lapply(predictors[[i]]$terms, function(term) {
      on <- unlist(term$latents)
      if (length(on) > 1 && any(on %in% changed)) {
        stop_mixing(names, "A random logit is multiplied with another latent variable.", call)
      }
      list(
        row = i, key = paste(c(term$covariate, "*", unlist(term$coefficient$by)), collapse = ":"),
        on = paste(on, collapse = "*"), coefficient = term$coefficient
      )
    })
  }), recursive = FALSE)
}

# Posterior means follow A; standard deviations need the engine, which also shows that the likelihood has stayed.
mixed_latents <- function(fit, old, mixing, call) {
  at <- engine_at(fit, fixed_spec(fit$spec, fit$parameters$estimate), fit$data, call)
  allowed <- max(0.05, 5 * abs(number_or_na(fit$integration$error)), na.rm = TRUE)
  if (abs(at$log_likelihood - old$log_likelihood) > allowed) {
    stop_mixing(names(fit_classes(fit)), "Its log-likelihood would change.", call)
  }
  means <- lapply(old$latents, function(latent) as.numeric(unlist(latent$mean)))
  names(means) <- vapply(old$latents, `[[`, "", "name")
  lapply(at$latents, function(latent) {
    weight <- mixing[latent$name, ]
    used <- intersect(names(weight)[weight != 0], names(means))
    latent$mean <- Reduce(`+`, Map(`*`, weight[used], means[used]))
    latent
  })
}
