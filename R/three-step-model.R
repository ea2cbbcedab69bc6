# Step three as a model of its own (Vermunt 2010, "ML"; Asparouhov and Muthen 2014): the assigned class is a nominal
# indicator of the true one, whose logits log(D_ks / D_kS) are fixed.

assigned_name <- ".assigned"

# The data of step three: list(data, index, level, cluster, frequency, weights, cluster_weights). `index` is, for each
# of its rows, the row of the posterior; `level` the level of a variable.
third_data <- function(fit, parts, step, data, call) {
  old <- fit$data
  variables <- structural_variables(fit, parts, names(data))
  constant <- function(name) "within"
  rows <- old$row_used
  if (step$level == "within") {
    out <- list(data = data[rows, , drop = FALSE], index = seq_along(rows), frequency = old$frequency,
      weights = old$unit_weights, cluster_weights = old$cluster_weights)
    out$data$.cluster <- old$robust_cluster %||% old$cluster
    out$robust <- !is.null(out$data$.cluster)
  } else {
    varies <- vapply(variables, function(name) {
      varies_within(as.numeric(factor(data[[name]][rows])), old$cluster)
    }, TRUE)
    if (any(varies)) {
      out <- list(data = data[rows, , drop = FALSE], index = old$cluster + 1L, frequency = old$frequency,
        weights = old$unit_weights, cluster_weights = old$cluster_weights, cluster = old$cluster_name)
      constant <- function(name) if (varies[[name]]) "within" else "between"
    } else {
      first <- which(!duplicated(old$cluster))
      out <- list(data = data[rows[first], , drop = FALSE], index = seq_along(first),
        weights = old$cluster_weights[first])
    }
    out$robust <- FALSE
  }
  out$class_level <- if (is.null(out[["cluster"]])) "within" else "between"
  out$level <- constant
  out
}

# The variables of the data that the formulas use.
structural_variables <- function(fit, parts, known) {
  formulas <- c(parts$classes, lapply(parts$outcomes, `[[`, "formula"))
  used <- unlist(lapply(formulas, all.vars))
  intersect(unique(setdiff(used, names(fit_classes(fit)))), known)
}

# Class variables and outcomes as components.
third_components <- function(fit, parts, third, family, variances, call) {
  classes <- lapply(parts$used, function(name) {
    formula <- parts$classes[[name]]
    if (is.null(formula)) formula <- ~ 1
    tryCatch(latent_class(name, fit_classes(fit)[[name]]$k, formula, third$class_level),
      mlmix_error_spec = function(e) rlang::abort(conditionMessage(e), class = class(e), call = call))
  })
  c(classes, structural_outcomes(parts, family, variances, third$data, third$level, call))
}

ml_third_step <- function(fit, parts, step, third, assignment, family, variances, dots, call) {
  components <- third_components(fit, parts, third, family, variances, call)
  indicator <- outcome_of(assigned_name, paste(parts$used, collapse = ":"), nominal(), level = third$class_level)
  components <- c(list(indicator), components)
  cluster <- third[["cluster"]]
  model <- new_model(components, cluster = cluster, call = call)
  if (is.null(model$cluster) && !is.null(third$cluster_weights)) {
    third$weights <- third$cluster_weights * (third$weights %||% 1)
    third$cluster_weights <- NULL
  }
  third <- assigned_data(third, step, assignment, is.null(model$cluster), call)
  positions <- suppressMessages(error_positions(resolve_model(model, third$data, call = call)$parameters, step))
  fix <- new_action("fix", positions$name, as.list(error_logits(step$errors)[positions$cell]))
  model <- new_model(c(components, list(action_list(fix))), cluster = cluster, call = call)
  arguments <- list(starts = c(10, 3), progress = FALSE)
  if (is.null(model$cluster)) arguments$cluster <- third$robust_cluster
  for (part in c("frequency", "weights", "cluster_weights")) {
    column <- paste0(".", part)
    if (column %in% names(third$data)) arguments[[part]] <- column
  }
  arguments[names(dots)] <- dots
  out <- rlang::inject(mlmix(model, third$data, !!!arguments))
  out$error_positions <- error_positions(out$parameters, step)
  out
}

# The rows of step three with the assigned class: one row each if modal, one for each class if proportional.
assigned_data <- function(third, step, assignment, single_level, call) {
  labels <- step$labels[step$seen]
  frame <- third$data
  for (part in c("frequency", "weights", "cluster_weights")) frame[[paste0(".", part)]] <- third[[part]]
  if (assignment == "modal") {
    modal <- modal_class(step$p)[third$index]
    frame[[assigned_name]] <- factor(step$labels[modal], labels)
    third$robust_cluster <- if (third$robust) ".cluster"
    third$data <- frame
    return(third)
  }
  if (!single_level) {
    abort_spec(c(
      "{.code assignment = \"proportional\"} needs a third step without clusters.",
      x = "Here outcomes vary within the clusters whose classes are explained, or there are random effects.",
      i = "Use {.code assignment = \"modal\"}, or {.code method = \"BCH\"}."
    ), call = call)
  }
  if (!is.null(third$frequency)) {
    if (any(third$frequency != round(third$frequency)) || sum(third$frequency) > 1e5) {
      abort_spec(c(
        "{.code assignment = \"proportional\"} needs whole frequencies, of at most 100,000 units.",
        i = "Use {.code assignment = \"modal\"}."
      ), call = call)
    }
  }
  repeats <- if (is.null(third$frequency)) rep(1L, nrow(frame)) else third$frequency
  row <- rep(seq_len(nrow(frame)), repeats)
  unit <- rep(seq_along(row), each = ncol(step$a))
  row <- rep(row, each = ncol(step$a))
  column <- rep(seq_len(ncol(step$a)), length.out = length(row))
  share <- step$a[cbind(third$index[row], column)]
  keep <- share > 1e-12
  out <- frame[row[keep], , drop = FALSE]
  out$.frequency <- NULL
  out$.weights <- share[keep] * (if (is.null(third$weights)) 1 else third$weights[row[keep]])
  out[[assigned_name]] <- factor(labels[column[keep]], labels)
  if (!third$robust) out$.unit <- unit[keep]
  third$robust_cluster <- if (third$robust) ".cluster" else ".unit"
  third$data <- out
  third
}

# Where the fixed logits stand: data frame(name, position) and `cell`, their places in the matrix of logits.
error_positions <- function(parameters, step) {
  position <- which(startsWith(parameters$name, paste0(assigned_name, "#")))
  column <- as.integer(sub("^.*#([0-9]+)~.*$", "\\1", parameters$name[position]))
  labels <- vapply(parameters$class[position], function(pattern) sort_pattern(pattern), "")
  row <- match(labels, vapply(step$labels, sort_pattern, ""))
  list(name = parameters$name[position], position = position, cell = cbind(row, column))
}

# "d=1,c=2" and "c=2,d=1" are the same pattern.
sort_pattern <- function(pattern) paste(sort(strsplit(pattern, ",", fixed = TRUE)[[1]]), collapse = ",")

# What the first step's uncertainty adds to the covariance matrix of the third.
ml_first_step <- function(fit, third_fit, used, step, assignment, call) {
  where <- third_fit$error_positions
  logits <- error_logits(step$errors)
  base <- third_fit$parameters$estimate[third_fit$free]
  propagated(error_vcov(fit, used, step, assignment), base, function(shift) {
    moved <- logits + matrix(shift, nrow(logits))
    refit_with_fixed(third_fit, where$position, moved[where$cell])[third_fit$free]
  }, call)
}

# The share of units whose most probable class in step three is not the assigned one.
class_shift <- function(third_fit, parts, step) {
  modal <- modal_class(used_posterior(with_joint_between(third_fit, parts$used), parts$used))
  assigned <- third_fit$data$columns[[
    Filter(function(o) o$name == assigned_name, third_fit$spec$outcomes)[[1]]$column
  ]]
  level <- fit_classes(third_fit)[[parts$used[[1]]]]$level
  if (level == "between") assigned <- assigned[!duplicated(third_fit$data$cluster)]
  weight <- if (level == "within") unit_weight(third_fit) else cluster_weight(third_fit)
  labels <- match(step$labels[step$seen][assigned], step$labels)
  sum(weight[modal != labels]) / sum(weight)
}
