# relabel(): the classes of a fit numbered, and its factors signed, as in a reference to which the same units belong.
#
# A mixture is the same with its classes exchanged, so estimates of several samples can be put together only after
# their classes are matched. Here a class is what its members are, not what its parameters are (Stephens 2000): with
# membership p_ik in the reference and q_il in the fit, i = 1..n, the classes are matched so that
#
#     sum_k r(k, l_k),   r(k, l) = sum_i p_ik q_il / sqrt(sum_i p_ik^2 sum_i q_il^2)
#
# is largest. The denominator makes small classes count as much as large ones. Likewise a factor of arbitrary sign
# takes the sign with which its scores go with the reference's.
#
# Stephens, M. (2000). Dealing with label switching in mixture models. JRSS B, 62, 795-809.

# `reference`: list(classes, latents). Of each class variable a matrix [rows used x k] of memberships (0/1 or
# probabilities); of each latent variable one value for each row used. What it lacks stays as it was estimated, and so
# do classes that are not exchangeable, for instance because one of them has a fixed parameter.
relabel <- function(fit, reference) {
  for (group in class_groups(fit)) {
    order <- matching_order(fit, group, reference$classes)
    if (!is.null(order) && !identical(order, seq_along(order))) {
      fit <- tryCatch(permute_classes(fit, group, order), mlmix_error_spec = function(e) fit)
    }
  }
  for (name in intersect(names(reference$latents), vapply(fit$latents, function(l) l$name, ""))) {
    if (is_opposite(latent_by_row(fit, name), reference$latents[[name]])) fit <- reflect_latent(fit, name)
  }
  fit
}

# The order that permute_classes() takes for a group of variables numbered alike; NULL without a reference.
matching_order <- function(fit, group, reference) {
  group <- group[group %in% names(reference)]
  if (length(group) == 0) return(NULL)
  parts <- lapply(group, function(name) class_agreement(reference[[name]], membership_by_row(fit, name)))
  if (length(unique(lapply(parts, dim))) > 1) return(NULL)
  agreement <- Reduce(`+`, parts)
  size <- max(dim(agreement))
  square <- matrix(0, size, size)
  square[seq_len(nrow(agreement)), seq_len(ncol(agreement))] <- agreement
  matched <- best_assignment(square)
  matched[matched <= ncol(agreement)]
}

# r(k, l) above: [classes of the reference x classes of the fit].
class_agreement <- function(p, q) {
  known <- stats::complete.cases(p) & stats::complete.cases(q)
  p <- p[known, , drop = FALSE]
  q <- q[known, , drop = FALSE]
  product <- crossprod(p, q)
  length <- sqrt(outer(colSums(p^2), colSums(q^2)))
  ifelse(length > 0, product / length, 0)
}

# Memberships for each row used, at either level.
membership_by_row <- function(fit, name) {
  p <- class_posterior(fit, name)
  if (fit_classes(fit)[[name]]$level == "between") p <- p[fit$data$cluster + 1L, , drop = FALSE]
  p
}

latent_by_row <- function(fit, name) {
  latent <- Filter(function(l) l$name == name, fit$latents)[[1]]
  mean <- as.numeric(unlist(latent$mean))
  if (latent$level == "between") mean[fit$data$cluster + 1L] else mean
}

# 0/1 memberships from class numbers 1..k.
indicator <- function(class, k = max(class, na.rm = TRUE)) outer(class, seq_len(k), `==`) + 0

is_opposite <- function(a, b) {
  known <- is.finite(a) & is.finite(b)
  if (sum(known) < 2) return(FALSE)
  isTRUE(suppressWarnings(stats::cor(a[known], b[known])) < 0)
}

# Changes the sign of a latent variable and of every coefficient that it meets an odd number of times, which leaves the
# likelihood as it is. Where a fixed coefficient or a bound gives it a sign the fit stays as it was.
reflect_latent <- function(fit, name) {
  sign <- reflection_signs(fit, name)
  if (is.null(sign)) return(fit)
  fit$parameters$estimate <- sign * fit$parameters$estimate
  if (!is.null(fit$vcov)) fit$vcov <- fit$vcov * outer(sign[fit$free], sign[fit$free])
  fit[c("information", "cross_product", "gradient")] <- NULL
  fit$latents <- lapply(fit$latents, function(latent) {
    if (latent$name == name) latent$mean <- -as.numeric(unlist(latent$mean))
    latent
  })
  fit
}

# -1 for the parameters that change their sign, 1 for the others; NULL if that is not the same model.
reflection_signs <- function(fit, name) {
  p <- fit$parameters
  seen <- matrix(FALSE, nrow(p), 2)
  for (entry in spec_coefficients(fit$spec, character(0), name, constants = TRUE)) {
    constant <- entry$coefficient[["constant"]]
    if (!is.null(constant)) {
      if (entry$sign < 0 && constant != 0) return(NULL)
    } else {
      seen[parameter_indices(entry$coefficient), if (entry$sign < 0) 2 else 1] <- TRUE
    }
  }
  sign <- ifelse(seen[, 2], -1, 1)
  changed <- sign * p$estimate
  inside <- all(changed >= p$lower & changed <= p$upper | changed == p$estimate, na.rm = TRUE)
  kept <- all(changed[!p$free] == p$estimate[!p$free]) &&
    isTRUE(all.equal(log_prior_at(p, changed), log_prior_at(p, p$estimate)))
  linear <- all(vapply(fit$spec$constraints, function(constraint) {
    weights <- matrix(unlist(constraint$weights), 2)
    abs(sum(weights[2, ] * changed[weights[1, ] + 1]) - constraint$value) < 1e-6
  }, TRUE))
  if (any(seen[, 1] & seen[, 2]) || !inside || !kept || !linear) NULL else sign
}

# The one-to-one assignment of columns to rows with the largest sum: for each row its column. The Hungarian method with
# potentials u, v (Kuhn 1955; Jonker and Volgenant 1987), one shortest augmenting path for each row.
best_assignment <- function(value) {
  n <- nrow(value)
  cost <- max(value) - value
  u <- numeric(n + 1)
  v <- numeric(n + 1)
  row_of <- integer(n + 1) # of each column; column 1 stands for "none yet"
  for (i in seq_len(n)) {
    row_of[[1]] <- i
    column <- 1L
    least <- rep(Inf, n + 1)
    from <- integer(n + 1)
    used <- rep(FALSE, n + 1)
    while (row_of[[column]] != 0) {
      used[[column]] <- TRUE
      row <- row_of[[column]]
      open <- which(!used)
      reduced <- cost[row, open - 1] - u[[row + 1]] - v[open]
      better <- reduced < least[open]
      least[open[better]] <- reduced[better]
      from[open[better]] <- column
      following <- open[[which.min(least[open])]]
      delta <- least[[following]]
      u[row_of[used] + 1] <- u[row_of[used] + 1] + delta
      v[used] <- v[used] - delta
      least[!used] <- least[!used] - delta
      column <- following
    }
    while (column != 1) {
      row_of[[column]] <- row_of[[from[[column]]]]
      column <- from[[column]]
    }
  }
  order(row_of[-1])
}
