# irt(): item response models, as factor models and, with guessing, as a class for every response.

#' Item response models
#'
#' `"1pl"` (Rasch) and `"2pl"` are models with one factor of variance 1. In the `"3pl"` every response has a class of
#' its own: in class 1 the person guesses and is right, in class 2 the response follows a 2PL, so that P(u = 1) = g +
#' (1 - g) F(a theta + b). The class variable is `guess`; the logit of g for item u1 is the parameter
#' `guess#1~itemu1`.
#'
#' @inheritParams gom
#' @param type Text: `"2pl"` (default), `"1pl"`, or `"3pl"`. Items with ordered categories (`"1pl"`, `"2pl"`) give the
#'   graded response model.
#' @param link Text: `"logit"` (default) or `"probit"`.
#' @param predictors One-sided formula or `NULL` (default): predictors of the factor.
#' @return A model, as from [mixture_model()]: factor `f`, and for `"3pl"` class variable `guess` and `reshape` (see
#'   [gom()]).
#' @details In class 1 of the 3PL the intercepts are fixed at 20 and the loadings at 0: the probability of a right
#'   response is 1 to eight digits.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 9. Birnbaum, A. (1968). Some
#'   latent trait models. In Lord, F. M. and Novick, M. R., *Statistical theories of mental test scores*.
#' @examples
#' irt(u1:u20, type = "3pl")
#' irt(u1:u5, type = "1pl")
#' @export
irt <- function(items, type = c("2pl", "1pl", "3pl"), link = c("logit", "probit"), predictors = NULL, family = "auto") {
  items <- capture_items(rlang::enquo(items), "items")
  type <- check_choice(type, c("2pl", "1pl", "3pl"), "type")
  link <- check_choice(link, c("logit", "probit"), "link")
  formula <- predictors_formula(predictors)
  if (type == "3pl") {
    return(guessing_model(items, link, formula, family))
  }
  loadings <- if (type == "1pl" && length(items) > 1) list(action_list(new_action("equal", paste0(items, "~f"))))
  new_model(c(
    list(latent_factor("f", formula), outcome_of(items, "f", linked_family(family, link))),
    loadings
  ))
}

guessing_model <- function(items, link, formula, family, call = rlang::caller_env()) {
  if (!identical(family, "auto") && as_family(family, call = call)$type != "bernoulli") {
    abort_spec(c(
      "The 3PL is for right and wrong responses.",
      x = "You gave {.arg family} {.fn {as_family(family)$type}}."
    ), call = call)
  }
  always <- 20
  new_model(
    list(
      latent_class("guess", 2, ~ 0 + item),
      latent_factor("f", formula, level = "between"),
      outcome_of(items, "guess * f", bernoulli(link)),
      action_list(
        new_action("fix", paste0(items, "~1[guess=1]"), rep(list(always), length(items))),
        new_action("fix", paste0(items, "~f[guess=1]"), rep(list(0), length(items)))
      )
    ),
    cluster = "person", reshape = responses_in_persons(items), call = call
  )
}
