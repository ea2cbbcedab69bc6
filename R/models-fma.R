# fma() and fma_gom(): factor mixture analysis, and its grade-of-membership form.

#' Factor mixture analysis
#'
#' `fma()`: classes with their own intercepts and a factor that leaves items dependent within classes. `fma_gom()`:
#' the class belongs to the single response, as in [gom()], with a random intercept and the factor as person effects.
#'
#' With 18 binary items and two classes, a latent class analysis has 37 parameters; `fma()` with
#' `factor_variance = "varying"` has 56: an intercept in each class and a loading for each item, a factor variance in
#' the first class (1 in the last; the paper fixes the first loading instead and has a variance in each), and the size
#' of the first class. `fma_gom()` with `factor_variance = "varying"` has 57: the variance of the class intercept is
#' new.
#'
#' @inheritParams gom
#' @param loadings Text: `"equal"` (default) across classes, or `"varying"`.
#' @param factor_variance Text: `"equal"` (default): 1 in all classes; `"varying"`: 1 in the last class and free in the
#'   others, which needs equal loadings. In `fma_gom()`, where a person has no class, the person's factor `theta` enters
#'   responses of class k as `f` = s_k times `theta`; the parameter `f~theta[c=1]` is s_1, a standard deviation, and
#'   s_k = 1 in the last class.
#' @param factors Whole number, default 1: how many factors. With two or more every item loads on all of them
#'   (exploratory); they are named `f1`, `f2`, ..., uncorrelated, and the first item loads on `f1` only, the second on
#'   `f1` and `f2` and so on, which fixes their rotation. Or a named list such as `list(verbal = u1:u9, number =
#'   u10:u18)`: each factor is measured by its items (confirmatory) and the factors are correlated.
#' @param family Response family, default `"auto"`: from the data, as in [lca()], with `link`.
#' @return A model, as from [mixture_model()]: class variable `c`, factor `f` (or the factors named) with variance 1.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 8, equations (36), (38) and
#'   (39).
#'
#'   Lubke, G. H. and Muthén, B. (2005). Investigating population heterogeneity with factor mixture models.
#'   *Psychological Methods*, 10, 21--39.
#' @seealso [irt_parameters()], [icc()] for the intraclass correlation of the class intercept, [memberships()].
#' @examples
#' fma(u1:u18, k = 2)
#' fma(u1:u18, k = 2, link = "logit", loadings = "varying")
#' fma(u1:u18, k = 2, factors = list(verbal = u1:u9, number = u10:u18))
#' fma_gom(u1:u18, k = 2, factor_variance = "varying")
#' @export
fma <- function(items, k, link = c("probit", "logit"), loadings = c("equal", "varying"),
                factor_variance = c("equal", "varying"), predictors = NULL, family = "auto", factors = 1) {
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k")
  options <- check_factor_options(loadings, factor_variance)
  measured <- capture_factors(rlang::enquo(factors), items, "f")
  family <- linked_family(family, check_choice(link, c("probit", "logit"), "link"))
  variance <- if (options$factor_variance == "varying") ~c else ~1
  new_model(c(
    list(latent_class("c", k, predictors_formula(predictors))),
    lapply(names(measured), latent_factor, variance = variance),
    factor_outcomes(items, measured, options$loadings, family), factor_structure(measured, options$loadings, k)
  ))
}

#' @rdname fma
#' @export
fma_gom <- function(items, k, link = c("probit", "logit"), loadings = c("equal", "varying"),
                    factor_variance = c("equal", "varying"), predictors = NULL, family = "auto", factors = 1) {
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k", min = 2)
  options <- check_factor_options(loadings, factor_variance)
  measured <- capture_factors(rlang::enquo(factors), items, "f")
  family <- linked_family(family, check_choice(link, c("probit", "logit"), "link"))
  factor_part <- if (options$factor_variance == "equal") {
    c(lapply(names(measured), latent_factor, level = "between"), factor_structure(measured, options$loadings, k))
  } else {
    c(
      lapply(person_factors(measured), latent_factor, level = "between"), scaled_factors(measured, k),
      factor_structure(measured, options$loadings, k, person_factors(measured))
    )
  }
  components <- c(
    list(latent_class("c", k, add_to_formula(predictors_formula(predictors), "(1 | person)"))), factor_part,
    factor_outcomes(items, measured, options$loadings, family)
  )
  new_model(components, cluster = "person", reshape = responses_in_persons(items))
}

check_factor_options <- function(loadings, factor_variance, call = rlang::caller_env()) {
  loadings <- check_choice(loadings, c("equal", "varying"), "loadings", call = call)
  factor_variance <- check_choice(factor_variance, c("equal", "varying"), "factor_variance", call = call)
  if (loadings == "varying" && factor_variance == "varying") {
    abort_spec(c(
      "Loadings and the factor's variance cannot both differ by class: the factor has no unit then.",
      i = "Keep one of {.arg loadings} and {.arg factor_variance} at {.val equal}."
    ), call = call)
  }
  list(loadings = loadings, factor_variance = factor_variance)
}

# Which items measure which factor: a named list, with the attribute "exploratory" if each measures all.
capture_factors <- function(quo, items, name, call = rlang::caller_env()) {
  expr <- rlang::quo_get_expr(quo)
  env <- rlang::quo_get_env(quo)
  value <- if (is.symbol(expr)) get0(as.character(expr), envir = env, ifnotfound = NULL) else expr
  if (rlang::is_call(value, "list")) {
    value <- lapply(as.list(value)[-1], expand_names, env = env, arg = "factors", evaluate = TRUE, call = call)
  } else if (!is.list(value)) {
    value <- rlang::eval_tidy(quo)
    n <- check_count(value, "factors", call = call)
    if (n >= length(items)) {
      abort_spec(c(
        "{.arg factors} must be below the number of items.", x = "You gave {n} factors for {length(items)} items."
      ), call = call)
    }
    names <- if (n == 1) name else paste0(name, seq_len(n))
    return(structure(stats::setNames(rep(list(items), n), names), exploratory = n > 1))
  }
  named <- length(value) > 0 && !is.null(names(value)) && all(nzchar(names(value))) && !anyDuplicated(names(value))
  if (!named || !all(vapply(value, is.character, TRUE))) {
    abort_spec(c(
      "{.arg factors} must be a whole number or a list of items with a name for each factor.",
      i = "For instance {.code factors = list(verbal = u1:u9, number = u10:u18)}."
    ), call = call)
  }
  for (factor in names(value)) check_latent_name(factor, "factors", call = call)
  unknown <- setdiff(unlist(value), items)
  if (length(unknown) > 0) {
    abort_spec(c("{.arg factors}: {.val {unknown}} {?is/are} not among the items.", suggest_names(unknown[[1]], items)),
      call = call)
  }
  structure(value, exploratory = FALSE)
}

# One outcome component for all items that load on the same factors.
factor_outcomes <- function(items, measured, loadings, family) {
  on <- vapply(items, function(item) {
    factors <- names(measured)[vapply(measured, function(part) item %in% part, TRUE)]
    if (length(factors) == 0) "c"
    else if (loadings == "varying") paste("c *", factors, collapse = " + ")
    else paste(c("c", factors), collapse = " + ")
  }, "")
  lapply(unique(on), function(rhs) outcome_of(items[on == rhs], rhs, family))
}

# What identifies several factors: loadings of 0 (exploratory) or correlations (confirmatory). The correlated variables
# are `correlated`, where other latents carry the factors' names.
factor_structure <- function(measured, loadings, k, correlated = names(measured)) {
  n <- length(measured)
  if (n == 1) return(list())
  if (!attr(measured, "exploratory")) return(list(new_covary(correlated, character(0))))
  items <- measured[[1]]
  pairs <- expand.grid(item = seq_len(n - 1), factor = seq_len(n))
  pairs <- pairs[pairs$factor > pairs$item, ]
  names <- paste0(items[pairs$item], "~", names(measured)[pairs$factor])
  if (loadings == "varying") names <- paste0(rep(names, each = k), "[c=", seq_len(k), "]")
  list(action_list(new_action("fix", names, rep(list(0), length(names)))))
}

# Names of the persons' factors behind f1, f2, ... of the responses.
person_factors <- function(measured) {
  names <- names(measured)
  if (identical(names, "f")) "theta" else sub("^f([0-9]+)$", "theta\\1", ifelse(grepl("^f[0-9]+$", names), names,
    paste0(names, ".person")))
}

# f = s_c theta for responses of class c, without a residual: s is positive, and 1 in the last class.
scaled_factors <- function(measured, k) {
  persons <- person_factors(measured)
  parts <- Map(function(factor, person) {
    scale <- paste0(factor, "~", person, "[c=", seq_len(k), "]")
    list(
      latent_factor(factor, rlang::new_formula(NULL, rlang::parse_expr(paste0("0 + c:", as_code(person))))),
      action_list(
        new_action("fix", c(paste0(factor, "~~", factor), scale[[k]]), list(0, 1)),
        new_action("bound", scale[-k], rep(list(c(0, Inf)), k - 1)),
        new_action("start", scale[-k], rep(list(1), k - 1))
      )
    )
  }, names(measured), persons)
  unlist(unname(parts), recursive = FALSE)
}
