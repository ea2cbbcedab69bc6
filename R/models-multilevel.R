# multilevel_lca(): latent classes of units in clusters.

#' Multilevel latent class analysis
#'
#' Class sizes differ between clusters: by latent classes of clusters (`k_between`), by normal random effects
#' (`random = TRUE`), or by both.
#'
#' @inheritParams lca
#' @param cluster Text: the name of the cluster variable.
#' @param k_between Whole number or `NULL` (default): how many classes of clusters.
#' @param random Logical, default `FALSE`: a random intercept for each class logit, correlated with one another.
#' @param predictors One-sided formula or `NULL` (default): predictors of the class logits, of units or clusters.
#' @param cluster_predictors One-sided formula or `NULL` (default): predictors, constant within clusters, of the classes
#'   of clusters; without `k_between` of the class logits.
#' @return A model, as from [mixture_model()]. The class variables are `c` (units) and `d` (clusters).
#' @references Vermunt, J. K. (2003). Multilevel latent class models. *Sociological Methodology*, 33, 213--239.
#'   Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, sections 2 and 6.
#' @seealso [lca()], [icc()], [two_step()]; the vignette `vignette("multilevel-latent-classes")`.
#' @examples
#' # two kinds of classrooms, two kinds of pupils
#' model <- multilevel_lca(fall1:fall5, k = 2, cluster = "room", k_between = 2)
#' fit <- mlmix(model, toca, starts = c(3, 1), seed = 1)
#' class_sizes(fit)
#' head(posterior(fit, level = "between"))
#' # classrooms that differ by a normal random effect
#' multilevel_lca(fall1:fall5, k = 2, cluster = "room", random = TRUE)
#' @export
multilevel_lca <- function(items, k, cluster, k_between = NULL, random = FALSE, predictors = NULL,
                           cluster_predictors = NULL, family = "auto") {
  items <- capture_items(rlang::enquo(items), "items")
  k <- check_count(k, "k")
  check_flag(random, "random")
  if (missing(cluster)) {
    abort_spec(c(
      "{.arg cluster} is missing.",
      i = "Name the cluster variable, as in {.code cluster = \"school\"}."
    ))
  }
  check_string(cluster, "cluster", "the name of one variable")
  if (is.null(k_between) && !random) {
    abort_spec(c(
      "Say how clusters differ: {.arg k_between} or {.code random = TRUE}.",
      i = "{.code k_between = 2} for two classes of clusters, {.code random = TRUE} for normal random effects."
    ))
  }
  formula <- predictors_formula(predictors)
  if (random) {
    formula <- add_to_formula(formula, paste0("(1 | ", as_code(cluster), ")"))
  }
  if (is.null(k_between)) {
    formula <- add_to_formula(formula, rhs_code(predictors_formula(cluster_predictors, "cluster_predictors")))
    between_class <- NULL
  } else {
    between_class <- list(latent_class(
      "d", check_count(k_between, "k_between"), predictors_formula(cluster_predictors, "cluster_predictors"), "between"
    ))
    formula <- add_to_formula(formula, "d")
  }
  new_model(
    c(between_class, list(latent_class("c", k, formula), outcome_of(items, "c", as_family(family)))),
    cluster = cluster
  )
}
