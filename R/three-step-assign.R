# Step two of three: units or clusters assigned to class patterns, and how often that goes wrong.

# The level of the class variables that take part, and the refusals.
three_step_level <- function(fit, used, call) {
  level <- unique(vapply(fit_classes(fit)[used], function(class) class$level, ""))
  if (length(level) > 1) {
    abort_spec(c(
      "{.fn three_step} takes class variables of one level, but {.val {used}} are of both.",
      i = "Use {.fn two_step}, which takes any model."
    ), call = call)
  }
  small <- vapply(fit_classes(fit)[used], function(class) class$k < 2, TRUE)
  if (any(small)) {
    abort_spec("{.val {used[small]}} has one class only: there is nothing to explain or compare.", call = call)
  }
  if (level == "within" && !is.null(fit$data$reshape)) {
    abort_spec(c(
      "{.fn three_step} does not take a model that stacks items.",
      x = "Its classes are those of single responses, not of persons.",
      i = "Use {.fn two_step}, or relate {.fn memberships} of persons to other variables."
    ), call = call)
  }
  known <- Filter(function(class) class$name %in% used && !is.null(class$known), fit$spec$classes)
  if (level == "between" && length(used) > 1 && length(known) > 0) {
    abort_spec(c(
      "{.fn three_step} takes several class variables of clusters only if none is known.",
      x = "The model knows classes of {.val {vapply(known, `[[`, '', 'name')}}.", i = "Use {.fn two_step}."
    ), call = call)
  }
  level
}

# Posterior probabilities of the patterns of `used`, [units or clusters x patterns]; `result` is the fit, or what the
# engine returned at other parameters.
used_posterior <- function(fit, used, result = fit) {
  classes <- fit_classes(fit)
  level <- classes[[used[[1]]]]$level
  if (length(used) == 1) {
    return(matrix(as.numeric(result[[paste0("posterior_", level)]][[used]]), ncol = classes[[used]]$k))
  }
  if (level == "between") return(result$joint_between)
  within <- fit_classes(fit, "within")
  patterns <- fit_patterns(within)
  joint <- matrix(as.numeric(result$posterior_joint), ncol = nrow(patterns))
  kept <- fit_pattern_labels(patterns[used])
  labels <- fit_pattern_labels(fit_patterns(classes[used]))
  vapply(labels, function(label) rowSums(joint[, kept == label, drop = FALSE]), numeric(nrow(joint)), USE.NAMES = FALSE)
}

# Probabilities of the patterns of several class variables of clusters, [clusters x patterns], in `joint_between` of the
# fit and of what the engine returns at other parameters: P(d | y_j) = L_j(d) / sum_d L_j(d), where L_j(d) is the
# cluster's likelihood with these classes known.
with_joint_between <- function(fit, used) {
  if (length(used) < 2 || fit_classes(fit)[[used[[1]]]]$level == "within") return(fit)
  fit$joint_between_of <- used
  fit$joint_between <- joint_between(fit, fit$parameters$estimate)
  fit
}

joint_between <- function(fit, theta) {
  used <- fit$joint_between_of
  patterns <- fit_patterns(fit_classes(fit)[used])
  column <- function(name) paste0(".known ", name)
  fit$spec$classes <- lapply(fit$spec$classes, function(class) {
    if (class$name %in% used) class$known <- column(class$name)
    class
  })
  logs <- vapply(seq_len(nrow(patterns)), function(i) {
    for (name in used) {
      fit$data$columns[[column(name)]] <- rep(as.numeric(patterns[[name]][[i]]), length(fit$data$row_used))
    }
    as.numeric(engine_evaluate(fit, theta)$log_likelihood_clusters)
  }, numeric(sum(!duplicated(fit$data$cluster))))
  p <- exp(logs - apply(logs, 1, max))
  p / rowSums(p)
}

# The fit with posteriors of every unit from its own outcomes alone, as if it were the only one of its cluster. Given
# its class, the assignment of a unit must not depend on what is explained. In a model with a between level the
# posterior also depends on the others of the cluster, and with that on whatever clusters differ in; but a unit alone,
#
#   P(c | y_i) = P(c) f(y_i | c) / sum_k P(k) f(y_i | k),   P and f integrated over what clusters have,
#
# errs with the same probabilities in all clusters where the outcomes depend on the class only. Outcomes of clusters are
# left out for the same reason.
units_alone <- function(fit, used) {
  if (fit_classes(fit)[[used[[1]]]]$level == "between" || is.null(fit$data$cluster)) return(fit)
  for (outcome in Filter(function(o) o$level == "between", fit$spec$outcomes)) {
    fit$data$columns[[outcome$column]][] <- NA_real_
  }
  fit$data$cluster <- seq_along(fit$data$row_used) - 1L
  parts <- c("posterior_within", "posterior_joint", "posterior_between")
  fit[parts] <- posteriors_at(fit, fit$parameters$estimate)[parts]
  fit
}

# list(p, a, errors, labels, weight): posterior, assignment, D [true x assigned], both in patterns.
assign_patterns <- function(fit, used, assignment, call) {
  level <- fit_classes(fit)[[used[[1]]]]$level
  if (length(used) > 1 && level == "within" && is.null(fit$posterior_joint)) {
    abort_spec(c(
      "The model has more than 1024 combinations of classes, whose probabilities are not kept.",
      i = "Use {.fn two_step}."
    ), call = call)
  }
  p <- used_posterior(fit, used)
  weight <- if (level == "within") unit_weight(fit) else cluster_weight(fit)
  labels <- fit_pattern_labels(fit_patterns(fit_classes(fit)[used]))
  a <- assigned(p, assignment)
  seen <- colSums(a * weight) > 0
  empty <- colSums(p * weight) < 1e-8
  if (any(empty) || sum(seen) < 2) {
    abort_spec(c(
      if (any(empty)) "Nobody is in {.val {labels[empty]}}: it cannot be explained or compared."
      else "Everybody is assigned to {.val {labels[seen]}}: the classes cannot be told apart.",
      i = "Take fewer classes."
    ), call = call)
  }
  list(
    p = p, a = a[, seen, drop = FALSE], errors = assignment_errors(p, weight, a[, seen, drop = FALSE]), seen = seen,
    labels = labels, weight = weight, level = level
  )
}

# Below this an assignment counts as impossible; its logit is then that of this number.
least_error <- 1e-10

# The logits of D against its last column, [true x (assigned - 1)].
error_logits <- function(errors) {
  logs <- log(pmax(errors, least_error))
  logs[, -ncol(logs), drop = FALSE] - logs[, ncol(logs)]
}

# Covariance of the logits of D that the first step's estimates imply, the modal assignment staying as it is.
error_vcov <- function(fit, used, step, assignment) {
  posterior_vcov(fit, function(result) {
    p <- used_posterior(fit, used, result)
    a <- if (assignment == "modal") step$a else p[, step$seen, drop = FALSE]
    as.numeric(error_logits(assignment_errors(p, step$weight, a)))
  })
}
