# Step three by weights (Bolck, Croon and Hagenaars 2004; Vermunt 2010; Bakk, Tekle and Vermunt 2013, "BCH").
#
# With D [true x assigned] and assignments a_is, unit i counts in class k with the weight
#
#   w_ik = sum_s a_is (D^-1)_sk,   E(w_ik | C_i = c) = 1(c = k),
#
# so that the equations of known classes, sum_i sum_k w_ik u_ik(theta) = 0 with u the score of a unit in class k, are
# unbiased. Weights may be negative. Covariance: A^-1 B A^-1 with A the derivative of the equations and B the sum over
# units (or clusters) of the squares of sum_k w_ik u_ik.

bch_weights <- function(errors, a, call) {
  if (ncol(errors) != nrow(errors) || rcond(errors) < 1e-6) {
    abort_spec(c(
      "{.code method = \"BCH\"} cannot tell the classes apart: the matrix of assignment errors has no inverse.",
      i = "Use {.code method = \"ML\"}, or fewer classes. {.code classification_table(fit, \"assignment\")} shows it."
    ), call = call)
  }
  a %*% solve(errors)
}

# Step three by weights: a list with what of a fit estimates() and delta_method() need.
bch_third_step <- function(fit, parts, step, third, family, variances, correct, assignment, call) {
  resolved <- bch_records(fit, parts, step, third, family, variances, call)
  start <- bch_start(resolved, step, third, call)
  blocks <- bch_blocks(resolved, call)
  used <- which(resolved$parameters$free & Reduce(`|`, lapply(blocks, function(block) {
    Reduce(`|`, lapply(c(block$x, block$aux), function(x) colSums(x != 0) > 0))
  })))
  blocks <- lapply(blocks, function(block) {
    block[c("x", "aux")] <- lapply(block[c("x", "aux")], lapply, function(x) x[, used, drop = FALSE])
    block
  })
  cells <- cbind(third$index[resolved$unit], resolved$pattern)
  at <- function(errors, start) {
    weights <- third_weight(third)[resolved$unit] * bch_weights(errors, step$a, call)[cells]
    bch_solve(blocks, weights, start, call)
  }
  theta <- at(step$errors, start[used])
  if (is.null(theta)) stop_bch(call)
  weights <- third_weight(third)[resolved$unit] * bch_weights(step$errors, step$a, call)[cells]
  lost <- negative_variances(resolved$parameters[used, ], theta, call)
  vcov <- bch_vcov(blocks, weights, theta, resolved, third)
  out <- new_bch_fit(resolved, used, theta, vcov)
  out$vcov_uncorrected <- out$vcov
  if (correct) {
    logits <- error_logits(step$errors)
    out <- with_vcov(out, propagated(error_vcov(fit, parts$used, step, assignment), theta, function(shift) {
      moved <- exp(cbind(logits + matrix(shift, nrow(logits)), 0))
      at(moved / rowSums(moved), theta)
    }, call))
  }
  without_parameters(out, lost)
}

# Variances that the weights make negative. The means of classes do not depend on them, so they alone have no estimate;
# coefficients that classes share do.
negative_variances <- function(parameters, theta, call) {
  lost <- which(parameters$kind == "variance" & theta <= 0)
  if (length(lost) == 0) return(lost)
  of_mean <- parameters$target %in% parameters$target[lost] & parameters$kind %in% c("intercept", "slope")
  if (any(parameters$class[of_mean] == "") || any(parameters$class[lost] == "")) stop_bch(call)
  cli::cli_warn(c(
    "The weights of {.code method = \"BCH\"} give {.val {parameters$name[lost]}} a negative value.",
    x = "{cli::qty(length(lost))}{?It has/They have} no estimate.",
    i = "Means are not affected. {.code variances = \"equal\"} or {.code method = \"ML\"} have none."
  ), class = c("mlmix_warning_boundary", "mlmix_warning"))
  lost
}

without_parameters <- function(fit, lost) {
  for (part in c("vcov", "vcov_uncorrected")) fit[[part]][lost, ] <- fit[[part]][, lost] <- NA_real_
  fit$parameters[fit$free[lost], c("estimate", "std.error")] <- NA_real_
  fit$parameters$status[fit$free[lost]] <- "not identified"
  fit
}

stop_bch <- function(call) {
  abort_spec(c(
    "{.code method = \"BCH\"} found no solution.",
    x = "Its weights may be negative, so that a class can have a negative variance or frequency.",
    i = "Use {.code method = \"ML\"}, or {.code variances = \"equal\"}."
  ), call = call)
}

third_weight <- function(third) {
  weight <- rep(1, length(third$index))
  for (part in c("frequency", "weights", "cluster_weights")) {
    if (!is.null(third[[part]])) weight <- weight * third[[part]]
  }
  weight
}

# Units with each of the patterns as their known classes: resolved data, with `unit` and `pattern` of every row. Where
# no outcome is explained, one that is only there because a model needs one.
bch_records <- function(fit, parts, step, third, family, variances, call) {
  n <- length(third$index)
  patterns <- fit_patterns(fit_classes(fit)[parts$used])
  unit <- rep(seq_len(n), nrow(patterns))
  pattern <- rep(seq_len(nrow(patterns)), each = n)
  third$data <- third$data[unit, , drop = FALSE]
  for (name in parts$used) third$data[[paste0(".known_", name)]] <- patterns[[name]][pattern]
  third$data$.none <- rep(c(0, 1), length.out = length(unit))
  third$class_level <- "within"
  third$level <- function(name) "within"
  components <- third_components(fit, parts, third, family, variances, call)
  for (i in seq_along(parts$used)) components[[i]]$known <- paste0(".known_", parts$used[[i]])
  components <- c(components, list(outcome_of(".none", paste(parts$used, collapse = ":"), bernoulli())))
  model <- new_model(components, call = call)
  if (!is.null(model$cluster)) {
    abort_spec(c(
      "{.code method = \"BCH\"} takes no random effects.", i = "Use {.code method = \"ML\"}."
    ), call = call)
  }
  resolved <- suppressMessages(resolve_model(model, third$data, call = call))
  resolved$unit <- unit[resolved$row_used]
  resolved$pattern <- pattern[resolved$row_used]
  resolved
}

# Starts: the estimates with posterior probabilities as weights, which are biased but near.
bch_start <- function(resolved, step, third, call) {
  weights <- third_weight(third)[resolved$unit] * step$p[cbind(third$index[resolved$unit], resolved$pattern)]
  options <- fit_options(1, 1, "none", quadrature(), 1, mlmix_control(), call)
  as.numeric(raw_fit(resolved$spec, resolved$columns, unit_weights = weights,
    options = engine_options(options), call = call)$estimate)
}

# The sandwich, by units or by the clusters that depend.
bch_vcov <- function(blocks, weights, theta, resolved, third) {
  scores <- bch_scores(blocks, theta)
  slope <- bch_slope(function(theta) colSums(weights * bch_scores(blocks, theta)), theta)
  clustered <- third$robust || !is.null(third[["cluster"]])
  group <- if (third$robust) third$data$.cluster else third$index
  sums <- rowsum(weights * scores, group[resolved$unit])
  if (!clustered && !is.null(third$frequency)) {
    sums <- sums / sqrt(third$frequency[as.integer(rownames(sums))])
    sums[!is.finite(sums)] <- 0
  }
  bread <- solve(slope)
  bread %*% crossprod(sums) %*% t(bread)
}

new_bch_fit <- function(resolved, used, theta, vcov) {
  parameters <- resolved$parameters
  parameters$estimate <- ifelse(is.na(parameters$value), 0, parameters$value)
  parameters$estimate[used] <- theta
  parameters$std.error <- NA_real_
  parameters$std.error[used] <- sqrt(diag(vcov))
  parameters$status <- "fixed"
  parameters$status[used] <- "free"
  dimnames(vcov) <- list(parameters$name[used], parameters$name[used])
  resolved$spec$outcomes <- Filter(function(o) o$name != ".none", resolved$spec$outcomes)
  structure(list(
    spec = resolved$spec, parameters = parameters, free = used, vcov = vcov, data = resolved[c("items", "designs")],
    n = length(unique(resolved$unit))
  ), class = "mlmix")
}

# What the equations need: blocks, each list(type, link, y, designs [records x parameters] per predictor, auxiliary
# designs, rows).
bch_blocks <- function(resolved, call) {
  spec <- resolved$spec
  n <- length(resolved$row_used)
  n_parameters <- length(spec$parameters)
  classes <- fit_classes(list(spec = spec))
  known <- lapply(stats::setNames(spec$classes, names(classes)), function(cl) resolved$columns[[cl$known]])
  index_of <- function(coefficient) {
    if (is.null(coefficient$by)) return(rep(parameter_indices(coefficient), n))
    by <- unlist(coefficient$by)
    size <- vapply(by, function(name) classes[[name]]$k, 1)
    stride <- cumprod(c(1, size))[seq_along(by)]
    at <- 1 + Reduce(`+`, Map(function(name, stride) (known[[name]] - 1) * stride, by, stride))
    parameter_indices(coefficient)[at]
  }
  design <- function(terms) {
    x <- matrix(0, n, n_parameters)
    for (term in terms) {
      index <- cbind(seq_len(n), index_of(term$coefficient))
      x[index] <- x[index] + (if (is.null(term$covariate)) 1 else resolved$columns[[term$covariate]])
    }
    x
  }
  single <- function(coefficient) design(list(list(coefficient = coefficient)))
  logits <- lapply(spec$classes, function(class) {
    list(type = "nominal", y = known[[class$name]], x = lapply(class$logits, function(p) design(p$terms)), aux = list())
  })
  outcomes <- lapply(Filter(function(o) o$name != ".none", spec$outcomes), function(outcome) {
    type <- outcome$family$type
    if (!type %in% c("gaussian", "bernoulli", "ordinal", "nominal", "poisson")) {
      abort_spec(c(
        "{.code method = \"BCH\"} does not take the outcome {.var {outcome$name}}, which is {.fn {type}}.",
        i = "Accepted: gaussian, bernoulli, ordinal, nominal and Poisson outcomes.",
        i = "{.code method = \"ML\"} takes every family."
      ), call = call)
    }
    list(
      type = type, probit = identical(outcome$family$link, "probit"), y = resolved$columns[[outcome$column]],
      x = lapply(outcome$predictors, function(p) design(p$terms)), aux = lapply(outcome$auxiliary, single)
    )
  })
  c(logits, outcomes)
}

# Scores of the records, [records x parameters].
bch_scores <- function(blocks, theta) {
  Reduce(`+`, lapply(blocks, function(block) {
    eta <- lapply(block$x, function(x) as.numeric(x %*% theta))
    aux <- lapply(block$aux, function(x) as.numeric(x %*% theta))
    d <- bch_derivatives(block, eta, aux)
    part <- Reduce(`+`, c(Map(`*`, d$eta, block$x), Map(`*`, d$aux, block$aux)))
    part[is.na(block$y), ] <- 0
    part
  }))
}

# Derivatives of the log-density of an outcome: list(eta, aux), each a list of vectors.
bch_derivatives <- function(block, eta, aux) {
  y <- block$y
  cdf <- if (isTRUE(block$probit)) stats::pnorm else stats::plogis
  pdf <- if (isTRUE(block$probit)) stats::dnorm else stats::dlogis
  switch(block$type,
    gaussian = {
      # The equation of the variance times 2 variance^2, which has the same root and is linear in it.
      residual <- y - eta[[1]]
      list(eta = list(residual / aux[[1]]), aux = list(residual^2 - aux[[1]]))
    },
    bernoulli = {
      p <- cdf(eta[[1]])
      list(eta = list((y - p) * pdf(eta[[1]]) / (p * (1 - p))), aux = list())
    },
    nominal = {
      p <- exp(cbind(do.call(cbind, eta), 0))
      p <- p / rowSums(p)
      list(eta = lapply(seq_along(eta), function(m) (y == m) - p[, m]), aux = list())
    },
    ordinal = {
      limits <- cbind(-Inf, do.call(cbind, aux), Inf) - eta[[1]]
      at <- function(shift) limits[cbind(seq_along(y), ifelse(is.na(y), 1, y) + shift)]
      upper <- at(1)
      lower <- at(0)
      p <- cdf(upper) - cdf(lower)
      list(
        eta = list(-(pdf(upper) - pdf(lower)) / p),
        aux = lapply(seq_along(aux), function(m) ((y == m) * pdf(upper) - (y == m + 1) * pdf(lower)) / p)
      )
    },
    poisson = list(eta = list(y - exp(eta[[1]])), aux = list())
  )
}

# Estimates from the weights of records: Newton's method with halved steps on the norm of the equations.
bch_solve <- function(blocks, weights, start, call) {
  equations <- function(theta) colSums(weights * bch_scores(blocks, theta))
  theta <- start
  value <- equations(theta)
  for (iteration in 1:200) {
    if (all(abs(value) < 1e-9 * max(1, sum(abs(weights))))) return(theta)
    step <- tryCatch(solve(bch_slope(equations, theta), value), error = function(e) NULL)
    if (is.null(step)) break
    size <- 1
    repeat {
      target <- theta - size * step
      new <- equations(target)
      if (all(is.finite(new)) && sum(new^2) < sum(value^2)) break
      size <- size / 2
      if (size < 1e-6) break
    }
    if (size < 1e-6) break
    theta <- target
    value <- new
  }
  if (all(abs(value) < 1e-6 * max(1, sum(abs(weights))))) return(theta)
  NULL
}

bch_slope <- function(equations, theta) {
  vapply(seq_along(theta), function(i) {
    step <- 1e-5 * max(1, abs(theta[[i]]))
    (equations(replace(theta, i, theta[[i]] + step)) - equations(replace(theta, i, theta[[i]] - step))) / (2 * step)
  }, numeric(length(theta)))
}
