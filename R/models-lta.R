# lta(): latent transition analysis.

#' Latent transition analysis
#'
#' The same items on several occasions, a class variable on each, and the probability of a class given the class before.
#'
#' @param items A list with the items of each occasion, `list(fall = fall1:fall10, spring = spring1:spring10)`. The
#'   class variables take the names of the list; without names they are `c1`, `c2`, ...
#' @param k Whole number: how many classes; or one number for each occasion.
#' @param invariant Logical, default `TRUE`: the items mean the same on all occasions (their coefficients are equal).
#' @param cluster Text or `NULL` (default): a cluster variable. Every class variable then has a random intercept, and
#'   each of them is regressed on that of the occasion before.
#' @param order Whole number, default 1: on how many earlier classes a class depends (2: on each pair of them).
#' @param stationary Logical, default `FALSE`: whether transitions are the same between all occasions.
#' @param random_intercept Logical, default `FALSE`: whether one factor with loadings equal over time stands behind all
#'   items (random-intercept latent transition analysis).
#' @param predictors One-sided formula or `NULL` (default): predictors of the class logits on all occasions.
#' @inheritParams lca
#' @return A model, as from [mixture_model()].
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 4. Muthén, B. and Asparouhov, T.
#'   (2022). Latent transition analysis with random intercepts. *Psychological Methods*, 27, 1--16.
#' @seealso [transitions()], [lca()]; the vignette `vignette("latent-transitions")`.
#' @examples
#' model <- lta(list(fall = fall1:fall5, spring = spring1:spring5), k = 2)
#' fit <- mlmix(model, toca, starts = c(3, 1), seed = 1)
#' transitions(fit)
#' estimates(fit, scale = "probability")
#' # three occasions with the same transitions between them
#' lta(list(u1:u5, v1:v5, w1:w5), k = 2, stationary = TRUE)
#' @export
lta <- function(items, k, invariant = TRUE, cluster = NULL, order = 1, stationary = FALSE, random_intercept = FALSE,
                predictors = NULL, family = "auto") {
  occasions <- capture_occasions(rlang::enquo(items))
  n <- length(occasions)
  check_flag(invariant, "invariant")
  check_flag(stationary, "stationary")
  check_flag(random_intercept, "random_intercept")
  order <- check_count(order, "order")
  k <- check_occasion_classes(k, n, invariant || stationary)
  if (invariant && length(unique(lengths(occasions))) > 1) {
    abort_spec(c(
      "{.arg invariant}: every occasion needs the same number of items.",
      x = "You gave {lengths(occasions)}.",
      i = "Use {.code invariant = FALSE} if the items differ."
    ))
  }
  if (!is.null(cluster)) {
    check_string(cluster, "cluster", "the name of one variable")
  }
  names <- names(occasions)
  family <- as_family(family)
  random <- if (is.null(cluster)) character(0) else paste0("(1 | ", as_code(cluster), ")")
  classes <- lapply(seq_len(n), function(t) {
    earlier <- names[seq_len(n) < t & seq_len(n) >= t - order]
    origin <- if (length(earlier) > 0) paste(earlier, collapse = " * ") else character(0)
    latent_class(names[[t]], k[[t]], add_to_formula(predictors_formula(predictors), c(origin, random)))
  })
  outcomes <- lapply(seq_len(n), function(t) {
    rhs <- paste(c(names[[t]], if (random_intercept) "ri"), collapse = " + ")
    outcome_of(occasions[[t]], rhs, family, like = if (invariant && t > 1) occasions[[1]])
  })
  new_model(c(
    classes,
    if (random_intercept) list(latent_factor("ri")),
    outcomes,
    if (!is.null(cluster)) lapply(seq_len(n)[-1], function(t) {
      between(stats::reformulate(names[[t - 1]], names[[t]]))
    }),
    if (random_intercept && !invariant) list(equal_loadings(occasions)),
    if (stationary && n > order + 1) list(equal_transitions(names, k[[1]], order, predictors))
  ))
}

# The items of each occasion, named by its class variable.
capture_occasions <- function(quo, call = rlang::caller_env()) {
  expr <- rlang::quo_get_expr(quo)
  env <- rlang::quo_get_env(quo)
  if (is.symbol(expr)) {
    value <- get0(as.character(expr), envir = env, mode = "list")
    occasions <- if (is.list(value) && all(vapply(value, is.character, TRUE))) value
  } else if (rlang::is_call(expr, "list")) {
    occasions <- lapply(as.list(expr)[-1], expand_names, env = env, arg = "items", evaluate = TRUE, call = call)
  } else {
    occasions <- NULL
  }
  if (length(occasions) < 2) {
    abort_spec(c(
      "{.arg items} must be a list with the items of at least two occasions.",
      i = "For instance {.code list(fall = fall1:fall10, spring = spring1:spring10)}."
    ), call = call)
  }
  names <- names(occasions) %||% rep("", length(occasions))
  names[names == ""] <- paste0("c", seq_along(occasions))[names == ""]
  stats::setNames(occasions, names)
}

check_occasion_classes <- function(k, n, equal, call = rlang::caller_env()) {
  if (length(k) == 1) {
    return(rep(check_count(k, "k", call = call), n))
  }
  if (length(k) != n) {
    abort_spec(c(
      "{.arg k} must be one number, or one for each of the {n} occasions.",
      x = "You gave {describe(k)}."
    ), call = call)
  }
  k <- vapply(k, check_count, 1L, arg = "k", call = call)
  if (equal && length(unique(k)) > 1) {
    abort_spec(c(
      "{.arg k} must be the same on all occasions if items or transitions are to be equal.",
      x = "You gave {describe(k)}.",
      i = "Use {.code invariant = FALSE} and {.code stationary = FALSE}."
    ), call = call)
  }
  k
}

# The random intercept's loadings equal over time, item by item.
equal_loadings <- function(occasions) {
  if (length(unique(lengths(occasions))) > 1) {
    abort_spec("{.arg random_intercept} needs the same number of items on every occasion.", call = rlang::call2("lta"))
  }
  actions <- lapply(seq_along(occasions[[1]]), function(p) {
    new_action("equal", paste0(vapply(occasions, `[[`, "", p), "~ri"))
  })
  do.call(action_list, actions)
}

# Transition logits of every occasion with `order` predecessors equal to those of the first such occasion.
equal_transitions <- function(names, k, order, predictors) {
  if (!is.null(predictors)) {
    abort_spec(c(
      "{.arg stationary} cannot be combined with {.arg predictors}.",
      i = "Set the logits equal by name with {.fn constrain} in {.fn mixture_model}."
    ), call = rlang::call2("lta"))
  }
  full <- seq_along(names)[-seq_len(order)]
  logits <- function(t, target) {
    origins <- names[(t - order):(t - 1)]
    symbols <- list(classes = list(name = origins, k = rep(k, order)))
    paste0(names[[t]], "#", target, "~1[", class_patterns(origins, symbols), "]")
  }
  actions <- lapply(seq_len(k - 1), function(target) {
    table <- vapply(full, logits, character(k^order), target = target)
    lapply(seq_len(k^order), function(i) new_action("equal", table[i, ]))
  })
  do.call(action_list, unlist(actions, recursive = FALSE))
}
