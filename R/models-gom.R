# gom(): grade of membership, a class variable for every single response.

#' Grade of membership
#'
#' Each response of a person belongs to a class of its own; the person's random effects say how often to which. In
#' terms of a multilevel mixture the units are responses and the clusters are persons.
#'
#' The data stay wide (persons by items). Before the fit they are stacked, one row for each person and observed
#' response, with `person` as the cluster and the factor `item`; in each row the other items are missing. Variables of
#' the data may not have these two names if the model uses them.
#'
#' Items may be of any kind and of several kinds in one model: binary, ordered and nominal ones are recognised,
#' continuous ones and counts need `family`, as in `family = list("y1:y3" = gaussian())`. A person's class probabilities
#' may depend on variables of the person and on the item:
#' `predictors = ~ age + I(item %in% c("u1", "u2"))`, or, with a function of the item's name that you define,
#' `~ age + difficulty(item)`.
#'
#' A latent class analysis with the same classes is nested in this model, as the limit in which the variance of the
#' random effects is infinite: then all responses of a person are of one class. This is a boundary, so the usual
#' p-value of a likelihood-ratio test does not hold; `blrt(fit_lca, fit_gom)` simulates it. The limit is also a good
#' start: give the estimates of a latent class analysis with [start_values()].
#'
#' @inheritParams lca
#' @param random Text: `"free"` (default), one random effect for each class logit, freely correlated; or `"factor"`, one
#'   normal factor `eta` behind all of them, with a loading for each class but the last.
#' @param predictors One-sided formula or `NULL` (default): predictors of the class logits (variables of the person).
#' @param link Text: `"probit"` (default) or `"logit"`, for items with two or with ordered categories.
#' @param family Response family of all items, default `"auto"`: from the data, as in [lca()], with `link`. Or a list of
#'   families named by items or ranges of them, such as `list("y1:y3" = gaussian(), z = poisson())`; items that it does
#'   not name are `"auto"`.
#' @return A model, as from [mixture_model()], that carries `reshape`.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 7, equations (33) to (35).
#'   Erosheva, E. A. (2003). Bayesian estimation of the grade of membership model. *Bayesian Statistics*, 7, 501--510.
#' @seealso [memberships()] for each person's scores, [start_values()], [icc()].
#' @examples
#' gom(u1:u17, k = 2)
#' gom(u1:u17, k = 3, random = "factor")
#' gom(u1:u17, k = 2, predictors = ~ age)
#' gom(c(u1, u2, y1, y2), k = 2, family = list("y1:y2" = gaussian()))
#' @export
gom <- function(items, k, random = c("free", "factor"), predictors = NULL, link = c("probit", "logit"),
                family = "auto") {
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k", min = 2)
  random <- check_choice(random, c("free", "factor"), "random")
  kinds <- items_by_family(items, family, check_choice(link, c("probit", "logit"), "link"))
  formula <- add_to_formula(predictors_formula(predictors), if (random == "free") "(1 | person)" else "eta")
  components <- c(
    if (random == "factor") list(latent_factor("eta", level = "between")),
    list(latent_class("c", k, formula)), lapply(kinds, function(kind) outcome_of(kind$items, "c", kind$family))
  )
  new_model(components, cluster = "person", reshape = responses_in_persons(items))
}

# How responses become rows: see stack_items().
responses_in_persons <- function(items) {
  list(type = "long", items = items, cluster = "person", item = "item")
}

# "auto" takes the link; a family given in full keeps its own.
linked_family <- function(family, link, call = rlang::caller_env()) {
  family <- as_family(family, call = call)
  if (family$type == "auto") auto_family(link) else family
}

# Items of one family each: list of list(items, family), in the order of the items.
items_by_family <- function(items, family, link, call = rlang::caller_env()) {
  if (!is.list(family) || inherits(family, c("mlmix_family", "family"))) {
    return(list(list(items = items, family = linked_family(family, link, call))))
  }
  if (length(family) == 0 || !all(nzchar(rlang::names2(family)))) {
    abort_spec(c(
      "{.arg family} must be a family, or a list of families with the names of items.",
      x = "You gave {describe(family)}.",
      i = "For example {.code family = list(\"y1:y3\" = gaussian())}; the other items are {.val auto}."
    ), call = call)
  }
  named <- lapply(names(family), function(text) {
    expr <- tryCatch(rlang::parse_expr(text), error = function(e) text)
    names <- expand_names(expr, globalenv(), "family", call = call)
    unknown <- setdiff(names, items)
    if (length(unknown) > 0) {
      abort_spec(c(
        "{.arg family} names {.val {unknown}}, which {?is/are} not among the items.",
        suggest_names(unknown[[1]], items, "Items")
      ), call = call)
    }
    names
  })
  twice <- unique(unlist(named)[duplicated(unlist(named))])
  if (length(twice) > 0) abort_spec("{.arg family} names {.val {twice}} twice.", call = call)
  rest <- setdiff(items, unlist(named))
  kinds <- Map(function(names, one) list(items = names, family = as_family(one, call = call)), named, unname(family))
  c(if (length(rest) > 0) list(list(items = rest, family = linked_family("auto", link, call))), kinds)
}
