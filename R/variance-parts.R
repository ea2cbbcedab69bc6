# variance_parts(): what the variance of a response is made of, for the intraclass correlation and R-squared.
#
# Every response has an underlying variable eta + e. eta is its linear predictor; e is the residual: of a gaussian
# outcome, a factor or a random effect its own; of a logit (a category against the others, a class against the last) the
# standard logistic one with variance pi^2 / 3 (Asparouhov and Muthen, 2006, section 5, equation 20); of a probit 1.
# The law of total variance over nested sets of variables F1, F2, F3, F4 splits Var(eta + e):
#
#   covariates            Var E(eta | F1)                          F1 = the covariates x
#   cluster, shared       Var E(eta | F2) - Var E(eta | F1)        F2 = x and the between variables behind the
#   predictors cluster, own          Var E(eta | F3) - Var E(eta | F2)        F3 = x and all between variables
#   individual            Var E(eta | F4) - Var E(eta | F3)        F4 = all classes, factors and random effects
#   residual              E Var(e | F4)
#
# In the two-level transition model (section 4) eta of C2 is a2j + gamma [C1 = 1], so "shared" is what the random
# intercept a1j of C1 brings, through C1 and through the regression (15), "own" is the residual of (15), and
# "individual" is C1 given the classroom.
#
# Expectations: covariates over the rows of the data; classes by enumeration; latent variables that move class
# probabilities (or multiply one another) by Gauss-Hermite quadrature; all others enter linearly, in closed form.

# The responses of a fit: list(label, name, level, predictor, residual = coefficient or number, by = classes of the
# residual), or list(label, level, refused = why) where no underlying variable exists.
variance_targets <- function(fit) {
  spec <- fit$spec
  classes <- lapply(spec$classes, function(class) {
    Map(function(predictor, k) {
      list(label = paste0(class$name, "#", k), name = class$name, kind = "class", level = class$level,
        predictor = predictor, residual = list(constant = pi^2 / 3))
    }, class$logits, seq_along(class$logits))
  })
  latents <- lapply(spec$latents, function(latent) {
    list(list(label = latent$name, name = latent$name, kind = "latent", level = latent$level,
      predictor = latent$predictor, residual = latent$variance))
  })
  outcomes <- lapply(spec$outcomes, outcome_targets)
  targets <- unlist(c(classes, latents, outcomes), recursive = FALSE)
  stats::setNames(targets, vapply(targets, function(target) target$label, ""))
}

outcome_targets <- function(outcome) {
  type <- outcome$family$type
  target <- function(label, predictor, residual) {
    list(label = label, name = outcome$name, kind = "outcome", level = outcome$level, predictor = predictor,
      residual = residual, column = outcome$column)
  }
  if (type %in% c("gaussian", "censored")) {
    return(list(target(outcome$name, outcome$predictors[[1]], outcome$auxiliary[[1]])))
  }
  if (is_categorical(outcome)) {
    residual <- list(constant = if (identical(outcome$family$link, "probit")) 1 else pi^2 / 3)
    several <- type == "nominal" && length(outcome$predictors) > 1
    labels <- if (several) paste0(outcome$name, "#", seq_along(outcome$predictors)) else outcome$name
    return(Map(target, labels, outcome$predictors, list(residual)))
  }
  list(list(label = outcome$name, name = outcome$name, kind = "outcome", level = outcome$level,
    refused = "a count has no underlying variable with a residual variance"))
}

# Which class variables and latents each of them depends on directly: a named list.
variable_parents <- function(spec) {
  classes <- lapply(spec$classes, function(class) {
    unlist(lapply(class$logits, predictor_parents))
  })
  names(classes) <- vapply(spec$classes, function(class) class$name, "")
  latents <- lapply(spec$latents, function(latent) {
    by <- unlist(lapply(spec$covariances, function(cov) {
      if (latent$name %in% c(cov$a, cov$b)) unlist(cov$value[["by"]])
    }))
    c(predictor_parents(latent$predictor), unlist(latent$variance[["by"]]), by)
  })
  names(latents) <- vapply(spec$latents, function(latent) latent$name, "")
  lapply(c(classes, latents), function(x) unique(as.character(x)))
}

predictor_parents <- function(predictor) {
  unlist(lapply(predictor$terms, function(term) c(unlist(term$coefficient[["by"]]), unlist(term$latents))))
}

# `names` and all that they depend on.
with_ancestors <- function(names, parents) {
  repeat {
    more <- unique(c(names, unlist(parents[names])))
    if (length(more) == length(names)) return(more)
    names <- more
  }
}

# Everything about one target that does not depend on the parameters. Fields:
#   classes, latents   those the target depends on (lists of the specification), in an order of dependence (`order`)
#   dims               the latents with a residual: numeric ones first, those shared before the target's own
#   numeric, shared, between   logical, for each of `dims`
#   grid               one row for each covariate row x node x class pattern; weight0 = covariate x node weight
#   keys               list(F1, F2, F3, classes): the row groups whose means are conditional expectations
#   individuals        names of the within variables between the clusters and the target
variance_plan <- function(fit, target) {
  spec <- fit$spec
  parents <- variable_parents(spec)
  direct <- unique(c(predictor_parents(target$predictor), unlist(target$residual[["by"]])))
  used <- with_ancestors(as.character(direct), parents)
  by_name <- function(list) stats::setNames(list, vapply(list, function(part) part$name, ""))
  keep <- function(list) by_name(list)[names(by_name(list)) %in% used]
  plan <- list(target = target, classes = keep(spec$classes), latents = keep(spec$latents), parents = parents)
  level <- vapply(c(plan$classes, plan$latents), function(part) part$level, "")
  plan$individuals <- if (target$level == "within") names(level)[level == "within"] else names(level)
  shared <- if (target$level == "between") character(0) else setdiff(
    with_ancestors(plan$individuals, parents), plan$individuals
  )
  has_residual <- vapply(plan$latents, function(l) !identical(as.numeric(l$variance[["constant"]]), 0), TRUE)
  random <- names(plan$latents)[as.logical(has_residual)]
  numeric <- intersect(random, c(
    with_ancestors(unlist(parents[names(plan$classes)]), parents), multiplied_latents(plan, parents)
  ))
  if (any(!numeric %in% shared)) numeric <- union(numeric, intersect(random, shared))
  plan$dims <- random[order(!random %in% numeric, !random %in% shared)]
  plan$numeric <- plan$dims %in% numeric
  plan$shared <- plan$dims %in% shared
  plan$between <- level[plan$dims] == "between" & target$level == "within"
  shared_classes <- intersect(names(plan$classes), shared)
  plan$order <- dependence_order(names(level), parents)
  plan$rows <- covariate_rows(fit, plan)
  plan$pairs <- Filter(function(cov) all(c(cov$a, cov$b) %in% plan$dims), spec$covariances)
  plan$sizes <- vapply(spec$classes, function(class) as.numeric(class$n_classes), 1)
  names(plan$sizes) <- vapply(spec$classes, function(class) class$name, "")
  plan$has_shared <- any(plan$shared & plan$between) || length(shared_classes) > 0
  between_classes <- if (target$level == "within") names(plan$classes)[level[names(plan$classes)] == "between"]
  plan$has_own <- any(!plan$shared & plan$between) || length(setdiff(between_classes, shared_classes)) > 0
  add_grid(plan, shared_classes, between_classes)
}

# Latents that stand in a product with another one.
multiplied_latents <- function(plan, parents) {
  of_latents <- unlist(lapply(plan$latents, function(l) l$predictor$terms), recursive = FALSE)
  terms <- c(plan$target$predictor$terms, of_latents)
  products <- Filter(function(term) length(term$latents) > 1, terms)
  with_ancestors(as.character(unlist(lapply(products, function(term) unlist(term$latents)))), parents)
}

dependence_order <- function(names, parents) {
  done <- character(0)
  while (length(done) < length(names)) {
    left <- setdiff(names, done)
    ready <- left[vapply(left, function(name) all(setdiff(parents[[name]], name) %in% done), TRUE)]
    if (length(ready) == 0) stop("variables depend on one another in a circle") # the engine refuses these before
    done <- c(done, ready)
  }
  done
}

# The distinct rows of the covariates used, with weights that sum to 1: list(columns = data.frame, weight).
covariate_rows <- function(fit, plan) {
  predictors <- c(
    list(plan$target$predictor), unlist(lapply(plan$classes, function(class) class$logits), recursive = FALSE),
    lapply(plan$latents, function(latent) latent$predictor)
  )
  terms <- unlist(lapply(predictors, function(p) p$terms), recursive = FALSE)
  names <- unique(as.character(unlist(lapply(terms, function(term) term$covariate))))
  weight <- unit_weight(fit)
  rows <- seq_along(weight)
  if (plan$target$level == "between" && !is.null(fit$data$cluster)) {
    rows <- which(!duplicated(fit$data$cluster))
    weight <- cluster_weight(fit)
  } else if (!is.null(fit$data$reshape) && !is.null(plan$target$column)) {
    rows <- which(!is.na(fit$data$columns[[plan$target$column]]))
    weight <- weight[rows]
  }
  columns <- as.data.frame(lapply(fit$data$columns[names], function(x) as.numeric(x)[rows]), optional = TRUE)
  if (length(names) == 0) return(list(columns = data.frame(row.names = 1L), weight = 1))
  key <- do.call(paste, c(unname(lapply(columns, format, digits = 17)), sep = " "))
  first <- !duplicated(key)
  weight <- as.numeric(rowsum(as.numeric(weight), match(key, key[first])))
  list(columns = columns[first, , drop = FALSE], weight = weight / sum(weight))
}

# Rows x nodes x class patterns, and the groups of rows that stand for F1, F2, F3.
add_grid <- function(plan, shared_classes, between_classes) {
  n_numeric <- sum(plan$numeric)
  rule <- normal_rule(variance_points(n_numeric, length(plan$rows$weight) * prod(plan$sizes[names(plan$classes)])))
  sides <- c(
    list(.x = seq_along(plan$rows$weight)),
    stats::setNames(rep(list(seq_along(rule$node)), n_numeric), plan$dims[plan$numeric]),
    lapply(plan$classes, function(class) seq_len(class$n_classes))
  )
  size <- prod(lengths(sides))
  if (size > 3e6) {
    plan$refused <- "too many combinations of classes and random effects stand behind it"
    return(plan)
  }
  grid <- expand.grid(sides, KEEP.OUT.ATTRS = FALSE)
  numeric <- plan$dims[plan$numeric]
  weight <- plan$rows$weight[grid$.x]
  for (name in numeric) weight <- weight * rule$weight[grid[[name]]]
  group <- function(names) {
    index <- rep(0, nrow(grid))
    for (name in names) index <- index * length(sides[[name]]) + grid[[name]] - 1
    order <- order(index)
    list(order = order, ends = which(c(diff(index[order]) != 0, TRUE)))
  }
  between <- plan$dims[plan$numeric & plan$between]
  plan$keys <- list(
    group(".x"), group(c(".x", intersect(between, plan$dims[plan$shared]), shared_classes)),
    group(c(".x", between, between_classes)), group(intersect(plan$individuals, names(plan$classes)))
  )
  plan$weight0 <- weight
  plan$pattern <- lapply(grid[names(plan$classes)], as.integer)
  plan$node <- lapply(stats::setNames(numeric, numeric), function(name) rule$node[grid[[name]]])
  plan$x <- lapply(plan$rows$columns, function(column) column[grid$.x])
  plan$n <- nrow(grid)
  plan$rows <- NULL
  plan
}

# Points for each of `n` dimensions: fewer where there are many rows besides.
variance_points <- function(n, rows) {
  most <- c(1, 21, 15, 11, 7)[min(n, 4) + 1]
  fewest <- c(1, 15, 9, 7, 5)[min(n, 4) + 1]
  if (rows * most^n > 20000) fewest else most
}

# Gauss-Hermite rule for the standard normal (Golub and Welsch, 1969): eigenvalues of the Jacobi matrix.
normal_rule <- function(n) {
  if (n == 1) return(list(node = 0, weight = 1))
  jacobi <- matrix(0, n, n)
  side <- sqrt(seq_len(n - 1))
  jacobi[cbind(seq_len(n - 1), 2:n)] <- jacobi[cbind(2:n, seq_len(n - 1))] <- side
  parts <- eigen(jacobi, symmetric = TRUE)
  list(node = parts$values, weight = parts$vectors[1, ]^2)
}

# A coefficient in every row of the grid.
grid_coefficient <- function(plan, coefficient, theta) {
  if (!is.null(coefficient[["constant"]])) return(as.numeric(coefficient[["constant"]]))
  if (!is.null(coefficient[["parameter"]])) return(theta[[coefficient[["parameter"]] + 1]])
  index <- 1
  stride <- 1
  for (name in unlist(coefficient[["by"]])) {
    index <- index + (plan$pattern[[name]] - 1) * stride
    stride <- stride * plan$sizes[[name]]
  }
  theta[unlist(coefficient[["parameters"]])[index] + 1]
}

# A predictor in every row: list(constant [n], slope = [n x analytic dims]).
grid_predictor <- function(plan, predictor, theta, values) {
  analytic <- sum(!plan$numeric)
  constant <- rep(0, plan$n)
  slope <- matrix(0, plan$n, analytic)
  for (term in predictor$terms) {
    part <- grid_coefficient(plan, term$coefficient, theta)
    if (!is.null(term$covariate)) part <- part * plan$x[[term$covariate]]
    latents <- values[as.character(unlist(term$latents))]
    linear <- vapply(latents, function(value) !is.null(value$slope), TRUE)
    for (value in latents[!linear]) part <- part * value$constant
    if (any(linear)) { # at most one: latents in a product are numeric
      slope <- slope + part * latents[linear][[1]]$slope
      part <- part * latents[linear][[1]]$constant
    }
    constant <- constant + part
  }
  list(constant = constant, slope = if (analytic > 0 && any(slope != 0)) slope)
}

# Residual of every latent in `dims` as multiples of independent standard normals: list of [rows x dims] matrices, by the
# Cholesky factor of the residual covariance in each class pattern; one row where it is the same in all.
grid_residuals <- function(plan, theta) {
  p <- length(plan$dims)
  variances <- lapply(plan$latents[plan$dims], function(latent) latent$variance)
  same <- all(vapply(c(variances, lapply(plan$pairs, function(cov) cov$value)), function(coefficient) {
    is.null(coefficient[["by"]])
  }, TRUE))
  n <- if (same) 1 else plan$n
  cell <- function(coefficient) rep(grid_coefficient(plan, coefficient, theta), length.out = n)
  covariance <- array(0, c(n, p, p))
  for (i in seq_len(p)) covariance[, i, i] <- cell(variances[[i]])
  for (cov in plan$pairs) {
    at <- match(c(cov$a, cov$b), plan$dims)
    covariance[, at[[1]], at[[2]]] <- covariance[, at[[2]], at[[1]]] <- cell(cov$value)
  }
  lower <- array(0, dim(covariance))
  for (i in seq_len(p)) {
    for (j in seq_len(i)) {
      before <- seq_len(j - 1)
      rest <- covariance[, i, j] - rowSums(matrix(lower[, i, before] * lower[, j, before], n))
      lower[, i, j] <- if (i == j) sqrt(pmax(rest, 0)) else ifelse(lower[, j, j] > 0, rest / lower[, j, j], 0)
    }
  }
  lapply(seq_len(p), function(i) matrix(lower[, i, ], n))
}

# The parts of the variance at `theta`: c(covariates, shared, own, individual, residual, alone). `alone` is what the
# within class variables explain by themselves, clusters and covariates left aside: Var E(eta | classes).
variance_parts <- function(plan, theta) {
  state <- grid_state(plan, theta)
  w <- state$weight
  constant <- state$eta$constant
  slope <- state$eta$slope
  analytic <- which(!plan$numeric)
  square_of_mean <- sum(w * constant)^2
  # sum over groups of (weighted sum)^2 / weight, the second moment of the conditional expectation
  explained <- function(key, dims) {
    linear <- if (is.null(slope)) integer(0) else which(analytic %in% dims)
    weight <- group_sums(w, key)
    used <- weight > 0
    moment <- function(x) sum(group_sums(w * x, key)[used]^2 / weight[used])
    moment(constant) + sum(vapply(linear, function(k) moment(slope[, k]), 0)) - square_of_mean
  }
  between <- which(plan$between)
  steps <- c(
    explained(plan$keys[[1]], integer(0)),
    explained(plan$keys[[2]], intersect(between, which(plan$shared))),
    explained(plan$keys[[3]], between),
    sum(w * constant^2) - square_of_mean + if (is.null(slope)) 0 else sum(w * slope^2)
  )
  c(
    stats::setNames(diff(c(0, steps)), c("covariates", "shared", "own", "individual")),
    residual = sum(w * state$residual), alone = explained(plan$keys[[4]], integer(0))
  )
}

# Sums of x in groups of rows, given as their order by group and where each group ends in it.
group_sums <- function(x, key) diff(c(0, cumsum(x[key$order])[key$ends]))

# Weights of the rows with their class probabilities, the target's predictor and residual variance.
grid_state <- function(plan, theta) {
  behind <- grid_behind(plan, theta)
  list(
    weight = behind$weight, eta = grid_predictor(plan, plan$target$predictor, theta, behind$values),
    residual = rep(grid_coefficient(plan, plan$target$residual, theta), length.out = plan$n)
  )
}

# What stands behind the target: list(weight, values of the latents). Targets with the same variables behind them
# share the last result in `plan$memory`.
grid_behind <- function(plan, theta) {
  at <- theta[plan$behind_parameters]
  if (!is.null(plan$memory$at) && identical(at, plan$memory$at)) return(plan$memory$result)
  weight <- plan$weight0
  values <- list()
  residuals <- if (length(plan$dims) > 0) grid_residuals(plan, theta)
  for (name in plan$order) {
    if (name %in% names(plan$classes)) {
      class <- plan$classes[[name]]
      logits <- vapply(class$logits, function(p) grid_predictor(plan, p, theta, values)$constant, numeric(plan$n))
      logits <- cbind(matrix(logits, plan$n), 0)
      logits <- logits - do.call(pmax, as.data.frame(logits))
      prob <- exp(logits)
      weight <- weight * prob[cbind(seq_len(plan$n), plan$pattern[[name]])] / rowSums(prob)
    } else {
      values[[name]] <- grid_latent(plan, name, theta, values, residuals)
    }
  }
  result <- list(weight = weight, values = values)
  if (!is.null(plan$memory)) {
    plan$memory$at <- at
    plan$memory$result <- result
  }
  result
}

grid_latent <- function(plan, name, theta, values, residuals) {
  value <- grid_predictor(plan, plan$latents[[name]]$predictor, theta, values)
  i <- match(name, plan$dims)
  if (is.na(i)) return(value)
  factor <- residuals[[i]]
  for (k in which(plan$numeric)) {
    if (any(factor[, k] != 0)) value$constant <- value$constant + factor[, k] * plan$node[[plan$dims[[k]]]]
  }
  if (any(!plan$numeric)) {
    slope <- factor[, !plan$numeric, drop = FALSE]
    if (nrow(slope) == 1) slope <- slope[rep(1, plan$n), , drop = FALSE]
    if (any(slope != 0)) value$slope <- if (is.null(value$slope)) slope else value$slope + slope
  }
  value
}

# Most derivatives of a delta method change parameters of other equations: the first result is kept and given again
# while the `relevant` parameters are as they were then.
remember_first <- function(fun, relevant) {
  first <- new.env(parent = emptyenv())
  function(theta) {
    if (is.null(first$at)) {
      first$at <- theta[relevant]
      first$value <- fun(theta)
    }
    if (identical(theta[relevant], first$at)) first$value else fun(theta)
  }
}

# Positions of the parameters in parts of a specification.
parameters_in <- function(parts) {
  collect <- function(x) {
    if (is.list(x)) c(x[["parameter"]], unlist(x[["parameters"]]), unlist(lapply(unname(x), collect)))
  }
  sort(unique(as.integer(collect(parts)))) + 1L
}

# A plan and its function of all parameters; `refused` says why there is none. `memory` is an environment that all
# targets of a call share.
variance_function <- function(fit, target, memory = new.env()) {
  if (!is.null(target$refused)) return(list(refused = target$refused))
  plan <- variance_plan(fit, target)
  if (!is.null(plan$refused)) return(list(refused = plan$refused))
  plan$behind_parameters <- parameters_in(list(
    lapply(plan$classes, function(class) class$logits),
    lapply(plan$latents, function(latent) latent[c("predictor", "variance")]),
    lapply(plan$pairs, function(cov) cov$value)
  ))
  same <- paste(c(
    names(plan$classes), names(plan$latents), plan$dims[plan$numeric], names(plan$x), plan$n, target$level
  ), collapse = " ")
  if (is.null(plan$target$column) || is.null(fit$data$reshape)) { # stacked items have rows of their own
    if (is.null(memory[[same]])) memory[[same]] <- new.env(parent = emptyenv())
    plan$memory <- memory[[same]]
  }
  relevant <- union(plan$behind_parameters, parameters_in(list(target$predictor, target$residual)))
  list(plan = plan, value = remember_first(function(theta) variance_parts(plan, theta), relevant))
}
