# two_step(): classes related to predictors and outcomes with the measurement of the classes held as it was.

#' Classes with predictors and outcomes, in two steps
#'
#' First a model without them was fitted. Then its measurement part, which says how the indicators depend on the classes
#' (and on factors), is fixed at those estimates, and the structural part is estimated together with the new predictors
#' and outcomes. So the classes keep their meaning, nobody is assigned to a class, and any model will do: with several
#' class variables, classes of units and clusters, random effects, factors.
#'
#' @inheritParams three_step
#' @param formula Formula, or a list of them, as for [three_step()]. A class variable's formula replaces the one it had:
#'   `c ~ x + (1 | school)` keeps a random effect, `c2 ~ c1 + x` a transition. Those without a new formula keep theirs.
#' @param ... Arguments of [mlmix()] such as `starts` (default `c(10, 3)`), `seed`, `threads`, `integration`.
#' @return A list of class `mlmix_two_step` with `estimates`, `means`, `tests`, `coefficients`, `vcov`,
#'   `vcov_uncorrected`, `corrected`, `classes`, `n`, `call` as from [three_step()], and `fit`, the fit of step two.
#'   With methods for [print()], [tidy()], [glance()], [coef()], [vcov()], [confint()] and [nobs()]; [wald_test()] and
#'   [derive()] take it as they take a fit.
#' @details
#' Structural are the logits of all class variables with their random effects, and everything about the new outcomes.
#' Fixed are all other parameters.
#'
#' Standard errors are robust (sandwich). `correct = TRUE` adds what the sampling error of the fixed parameters
#' contributes (Bakk and Kuha 2018, equation 8), by estimating step two again at values around them: twice for each of
#' them, which takes its time in models with numeric integration. Parameters at a boundary count as known.
#' @references Bakk, Z. and Kuha, J. (2018). Two-step estimation of models between latent classes and external
#'   variables. *Psychometrika*, 83, 871-892.
#'
#'   Di Mari, R., Bakk, Z., Oser, J. and Kuha, J. (2023). A two-step estimator for multilevel latent class analysis with
#'   covariates. *Psychometrika*, 88, 1144-1170.
#' @seealso [three_step()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' two_step(fit, c(E, G) ~ c, carcinoma, seed = 1)
#' @export
two_step <- function(fit, formula, data, family = NULL, variances = c("varying", "equal"), correct = TRUE, ...) {
  frame <- rlang::current_env()
  call <- match.call()
  check_fit(fit)
  variances <- check_choice(variances, c("varying", "equal"), "variances")
  correct <- check_flag(correct, "correct")
  dots <- check_step_dots(list(...), frame)
  data <- check_fit_data(data, fit, frame)
  check_first_step(fit, correct, frame)
  parts <- structural_parts(fit, formula, frame)
  check_structural_variables(parts, data, c(names(fit_classes(fit)), fit$data$latents$name), frame)
  old <- measurement_table(fit, data, frame)
  model <- second_model(fit, parts, old, data, family, variances, frame)
  second <- second_data(fit, model, data)
  arguments <- c(second$arguments, list(starts = c(10, 3), progress = FALSE))
  arguments[names(dots)] <- dots
  found <- rlang::inject(mlmix(model, second$data, !!!arguments))
  plain <- found$vcov
  if (correct) found <- with_vcov(found, measurement_uncertainty(fit, found, old, frame))
  outcomes <- vapply(parts$outcomes, `[[`, "", "name")
  new_structural("mlmix_two_step", call, found, outcomes, list(
    vcov_uncorrected = plain, corrected = correct, classes = parts$used, fit = found
  ))
}

# The parameters of the first step's measurement part by name: data frame(name, row of fit$parameters, value).
# Parameters that were set equal have their common value under every name.
measurement_table <- function(fit, data, call) {
  model <- fit$model
  constraints <- model$constraints
  model$constraints <- list()
  full <- suppressMessages(resolve_model(model, data, fit$data$cluster_name, call = call))$parameters
  position <- suppressMessages(apply_constraints(full, constraints, call))$position
  full$row <- position
  full$value <- fit$parameters$estimate[position]
  full[!is_structural(full, fit), c("name", "row", "value"), drop = FALSE]
}

# Structural are class logits, their random effects and what these meet.
is_structural <- function(parameters, fit) {
  latents <- fit$data$latents
  logits <- unlist(lapply(fit_classes(fit), function(class) paste0(class$name, "#", seq_len(class$k))))
  random <- latents$name[latents$origin == "random effect" & latents$target %in% logits]
  parameters$kind == "logit" | parameters$target %in% random | parameters$term %in% random
}

# The model of the first step with new formulas and outcomes, its measurement part fixed.
second_model <- function(fit, parts, old, data, family, variances, call) {
  model <- fit$model
  classes <- lapply(model$classes, function(class) {
    formula <- parts$classes[[class$name]]
    if (is.null(formula)) return(class)
    tryCatch(latent_class(class$name, class$k, formula, class$level, class$known),
      mlmix_error_spec = function(e) rlang::abort(conditionMessage(e), class = class(e), call = call))
  })
  known <- unlist(lapply(model$outcomes, `[[`, "names"))
  twice <- intersect(known, vapply(parts$outcomes, `[[`, "", "name"))
  if (!is.null(model$reshape) && length(parts$outcomes) > 0) {
    abort_spec(c(
      "A model that stacks items takes no further outcomes.",
      x = "Its classes are those of single responses, not of persons.",
      i = "Predictors of the classes are possible: {.code {parts$used[[1]]} ~ x + (1 | person)}."
    ), call = call)
  }
  if (length(twice) > 0) {
    abort_spec(c(
      "{.var {twice}} is an outcome of the first step.", i = "Its relation to the classes is kept as it was."
    ), call = call)
  }
  between <- vapply(Filter(function(class) class$level == "between", fit_classes(fit)), `[[`, "", "name")
  level <- function(name) {
    part <- Filter(function(part) part$name == name, parts$outcomes)[[1]]
    if (length(between) == 0 || !all(part$classes %in% between)) return("within")
    values <- as.numeric(factor(data[[name]][fit$data$row_used]))
    if (varies_within(values, fit$data$cluster)) "within" else "between"
  }
  outcomes <- structural_outcomes(parts, family, variances, data, level, call)
  fix <- new_action("fix", old$name, as.list(old$value))
  components <- c(classes, model$factors, model$outcomes, outcomes, model$between, model$covary)
  kept <- kept_constraints(components, model, old$name, data, fit, call)
  new_model(c(components, kept, list(action_list(fix))), cluster = model$cluster, reshape = model$reshape, call = call)
}

# Constraints of the first step on structural parameters that the new formulas still have.
kept_constraints <- function(components, model, fixed, data, fit, call) {
  actions <- unlist(lapply(model$constraints, `[[`, "actions"), recursive = FALSE)
  if (length(actions) == 0) return(list())
  plain <- new_model(components, cluster = model$cluster, reshape = model$reshape, call = call)
  names <- suppressMessages(resolve_model(plain, data, fit$data$cluster_name, call = call))$parameters$name
  free <- setdiff(names, fixed)
  lost <- character(0)
  kept <- Filter(Negate(is.null), lapply(actions, function(action) {
    if (action$verb == "linear") {
      if (!any(vapply(free, grepl, TRUE, x = paste(action$names, collapse = " "), fixed = TRUE))) return(NULL)
      return(action)
    }
    if (action$verb == "start") return(NULL)
    matched <- lapply(action$names, function(name) {
      tryCatch(names[match_parameters(name, names, call)], mlmix_error_spec = function(e) NULL)
    })
    gone <- vapply(matched, is.null, TRUE)
    structural <- vapply(matched, function(found) length(found) > 0 && all(found %in% free), TRUE)
    lost <<- c(lost, action$names[gone])
    if (!any(structural)) return(NULL)
    action$names <- action$names[structural]
    if (!is.null(action$values)) action$values <- action$values[structural]
    if (action$verb == "equal" && length(unlist(matched[structural])) < 2) return(NULL)
    action
  }))
  if (length(lost) > 0) {
    inform_data(c(
      i = "Constraints of the first step that the new formulas have no place for are dropped: {.val {lost}}."
    ))
  }
  if (length(kept) == 0) list() else list(do.call(action_list, kept))
}

# The rows of the first step, with its weights as columns: list(data, arguments).
second_data <- function(fit, model, data) {
  old <- fit$data
  rows <- unique(old$row_used)
  first <- match(rows, old$row_used)
  out <- data[rows, , drop = FALSE]
  arguments <- list()
  weights <- c(frequency = "frequency", unit_weights = "weights", cluster_weights = "cluster_weights")
  if (!is.null(old$reshape)) weights <- c(cluster_weights = "frequency")
  for (part in names(weights)) {
    if (is.null(old[[part]])) next
    column <- paste0(".", part)
    out[[column]] <- old[[part]][first]
    arguments[[weights[[part]]]] <- column
  }
  if (!is.null(old$robust_cluster) && is.null(model$cluster)) arguments$cluster <- old$cluster_name
  list(data = out, arguments = arguments)
}

# What the sampling error of the fixed parameters adds.
measurement_uncertainty <- function(fit, found, old, call) {
  estimated <- which(!is.na(diag(fit$vcov)))
  column <- match(old$row, fit$free[estimated])
  moved <- which(!is.na(column))
  used <- sort(unique(column[moved]))
  vcov <- fit$vcov[estimated[used], estimated[used], drop = FALSE]
  position <- match(old$name[moved], found$parameters$name)
  propagated(vcov, found$parameters$estimate[found$free], function(shift) {
    values <- old$value[moved] + shift[match(column[moved], used)]
    refit_with_fixed(found, position, values)[found$free]
  }, call)
}

#' @export
print.mlmix_two_step <- function(x, ...) print_structural(x)
