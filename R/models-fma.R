# fma() and fma_gom(): factor mixture analysis, and its grade-of-membership form.

#' Factor mixture analysis
#'
#' `fma()`: classes with their own intercepts and a factor that leaves items dependent within classes. `fma_gom()`:
#' the class belongs to the single response, as in [gom()], with a random intercept and the factor as person effects.
#'
#' @inheritParams gom
#' @param loadings Text: `"equal"` (default) across classes, or `"varying"`.
#' @param factor_variance Text: `"equal"` (default): 1 in all classes; `"varying"`: 1 in the last class and free in the
#'   others, which needs equal loadings.
#' @return A model, as from [mixture_model()]: class variable `c`, factor `f` with variance 1.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 8, equations (36), (38) and
#'   (39).
#' @examples
#' fma(u1:u18, k = 2)
#' fma(u1:u18, k = 2, link = "logit", loadings = "varying")
#' fma_gom(u1:u18, k = 2)
#' @export
fma <- function(items, k, link = c("probit", "logit"), loadings = c("equal", "varying"),
                factor_variance = c("equal", "varying"), predictors = NULL, family = "auto") {
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k")
  loadings <- check_choice(loadings, c("equal", "varying"), "loadings")
  factor_variance <- check_choice(factor_variance, c("equal", "varying"), "factor_variance")
  if (loadings == "varying" && factor_variance == "varying") {
    abort_spec(c(
      "Loadings and the factor's variance cannot both differ by class: the factor has no unit then.",
      i = "Keep one of {.arg loadings} and {.arg factor_variance} at {.val equal}."
    ))
  }
  family <- linked_family(family, check_choice(link, c("probit", "logit"), "link"))
  new_model(list(
    latent_class("c", k, predictors_formula(predictors)),
    latent_factor("f", variance = if (factor_variance == "varying") ~c else ~1),
    outcome_of(items, if (loadings == "varying") "c * f" else "c + f", family)
  ))
}

#' @rdname fma
#' @export
fma_gom <- function(items, k, link = c("probit", "logit"), loadings = c("equal", "varying"), predictors = NULL,
                    family = "auto") {
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k", min = 2)
  loadings <- check_choice(loadings, c("equal", "varying"), "loadings")
  family <- linked_family(family, check_choice(link, c("probit", "logit"), "link"))
  components <- list(
    latent_class("c", k, add_to_formula(predictors_formula(predictors), "(1 | person)")),
    latent_factor("f", level = "between"),
    outcome_of(items, if (loadings == "varying") "c * f" else "c + f", family)
  )
  new_model(components, cluster = "person", reshape = responses_in_persons(items))
}
