# lca(): latent class analysis.

#' Latent class analysis
#'
#' @param items The items: `u1:u8`, `c(u1, u2, z)`, or a character vector.
#' @param k Whole number: how many classes.
#' @param predictors One-sided formula or `NULL` (default): predictors of the class logits; may include `(1 | school)`.
#' @param family Response family of all items, default `"auto"`: from the data, `bernoulli("logit")` for two categories,
#'   `ordinal("logit")` for ordered factors, `nominal()` for other categories. See [families].
#' @param class Text, default `"c"`: the name of the class variable.
#' @return A model, as from [mixture_model()].
#' @references Lazarsfeld, P. F. and Henry, N. W. (1968). Latent structure analysis.
#' @seealso [lpa()], [multilevel_lca()], [lta()], [gom()]; [enumerate_classes()] to choose the number of classes;
#'   [three_step()] for covariates and outcomes.
#' @examples
#' lca(u1:u8, k = 3, predictors = ~ x1 + x2)
#' @export
lca <- function(items, k, predictors = NULL, family = "auto", class = "c") {
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k")
  components <- list(
    latent_class(check_latent_name(class, "class"), k, predictors_formula(predictors)),
    outcome_of(items, class, as_family(family))
  )
  new_model(components)
}
