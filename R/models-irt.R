# irt(): item response models, as factor models and, with guessing, as a class for every response.

#' Item response models
#'
#' `"rasch"` (or `"1pl"`, the same) and `"2pl"` are models with one factor of variance 1. In the `"3pl"` every response
#' has a class of its own: in class 1 the person guesses and is right, in class 2 the response follows a 2PL, so that
#' P(u = 1) = g + (1 - g) F(a (theta - b)): a factor mixture for single responses ([fma_gom()]) with constraints. The
#' `"4pl"` has a third class, in which the person slips and is wrong: P(u = 1) = g + (u - g) F(a (theta - b)).
#'
#' The class variable is `guess`; its last class is the 2PL. The logits of item u1 are the parameters `guess#1~itemu1`
#' (guessing against the 2PL) and, in the 4PL, `guess#2~itemu1` (slipping against the 2PL). [irt_parameters()] turns
#' the estimates into a, b, g and u with standard errors.
#'
#' Guessing is weakly determined by few or easy items: look at the standard errors, and at `replicated` in the print.
#' `guessing_prior` helps: a normal prior on the logit of g keeps it away from 0.
#'
#' @inheritParams gom
#' @param type Text: `"2pl"` (default), `"rasch"`, `"1pl"`, `"3pl"` or `"4pl"`. Items with ordered categories
#'   (`"rasch"`,
#'   `"2pl"`) give the graded response model.
#' @param link Text: `"logit"` (default) or `"probit"`.
#' @param predictors One-sided formula or `NULL` (default): predictors of the factor.
#' @param guessing_prior `NULL` (default: none), or two numbers: mean and standard deviation of a normal prior on the
#'   guessing logit of every item (`"3pl"`, `"4pl"`), such as `c(qlogis(0.2), 0.5)`. The estimates are then
#'   posterior modes: see `prior()` in [constrain()], which also sets the prior of a single item.
#' @param family Response family, default `"auto"`: from the data, as in [lca()], with `link`.
#' @return A model, as from [mixture_model()]: factor `f`, and for `"3pl"` and `"4pl"` class variable `guess` and
#'   `reshape` (see [gom()]).
#' @details In the class of guessing the intercepts are fixed at 20 and the loadings at 0: the probability of a right
#'   response is 1 to eight digits; in that of slipping at -20.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 9.
#'
#'   Birnbaum, A. (1968). Some latent trait models. In Lord, F. M. and Novick, M. R., *Statistical theories of mental
#'   test scores*.
#'
#'   Barton, M. A. and Lord, F. M. (1981). *An upper asymptote for the three-parameter logistic item-response model*.
#'   Educational Testing Service.
#' @seealso [irt_parameters()], [factor_scores()].
#' @examples
#' irt(u1:u20, type = "3pl")
#' irt(u1:u5, type = "rasch")
#' irt(u1:u20, type = "3pl", guessing_prior = c(qlogis(0.2), 0.5))
#' @export
irt <- function(items, type = c("2pl", "rasch", "1pl", "3pl", "4pl"), link = c("logit", "probit"), predictors = NULL,
                family = "auto", guessing_prior = NULL) {
  items <- capture_items(rlang::enquo(items), "items")
  type <- check_choice(type, c("2pl", "rasch", "1pl", "3pl", "4pl"), "type")
  link <- check_choice(link, c("logit", "probit"), "link")
  formula <- predictors_formula(predictors)
  check_guessing_prior(guessing_prior, type)
  if (type %in% c("3pl", "4pl")) {
    return(guessing_model(items, type, link, formula, family, guessing_prior))
  }
  loadings <- if (type %in% c("rasch", "1pl") && length(items) > 1) {
    list(action_list(new_action("equal", paste0(items, "~f"))))
  }
  new_model(c(
    list(latent_factor("f", formula), outcome_of(items, "f", linked_family(family, link))),
    loadings
  ))
}

check_guessing_prior <- function(prior, type, call = rlang::caller_env()) {
  if (is.null(prior)) return(invisible())
  ok <- is.numeric(prior) && length(prior) == 2 && all(is.finite(prior)) && prior[[2]] > 0
  if (!ok) {
    abort_spec(c(
      "{.arg guessing_prior} must be {.code NULL} or two numbers: mean and standard deviation (above 0) of the logit.",
      x = "You gave {describe(prior)}."
    ), call = call)
  }
  if (!type %in% c("3pl", "4pl")) {
    abort_spec(c(
      "{.arg guessing_prior} needs a model with guessing.", x = "You gave {.code type = \"{type}\"}.",
      i = "Use {.code type = \"3pl\"} or {.code \"4pl\"}."
    ), call = call)
  }
}

# Class 1: always right; of the 4PL class 2: always wrong; the last class: the 2PL.
guessing_model <- function(items, type, link, formula, family, prior, call = rlang::caller_env()) {
  if (!identical(family, "auto") && as_family(family, call = call)$type != "bernoulli") {
    abort_spec(c(
      "The {toupper(type)} is for right and wrong responses.",
      x = "You gave {.arg family} {.fn {as_family(family)$type}}."
    ), call = call)
  }
  always <- c(20, if (type == "4pl") -20)
  fixed <- unlist(Map(function(value, class) {
    list(
      new_action("fix", paste0(items, "~1[guess=", class, "]"), rep(list(value), length(items))),
      new_action("fix", paste0(items, "~f[guess=", class, "]"), rep(list(0), length(items)))
    )
  }, always, seq_along(always)), recursive = FALSE)
  new_model(
    Filter(Negate(is.null), list(
      latent_class("guess", length(always) + 1, ~ 0 + item),
      latent_factor("f", formula, level = "between"),
      outcome_of(items, "guess * f", bernoulli(link)),
      do.call(action_list, fixed),
      if (!is.null(prior)) {
        action_list(new_action("prior", paste0("guess#1~item", items), rep(list(as.numeric(prior)), length(items))))
      }
    )),
    cluster = "person", reshape = responses_in_persons(items), starts = c(1, 1), call = call
  )
}
