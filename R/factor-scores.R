# factor_scores() and random_effects(): posterior means of continuous latent variables.

#' Factor scores and random effects
#'
#' Expected a posteriori (EAP) values and posterior standard deviations, averaged over classes.
#'
#' @param fit A fit from [mlmix()].
#' @return `factor_scores()`: a data frame with one row for each row of the data (`NA` for rows left out), or, where
#'   all factors are at the between level, for each cluster: `row` or the cluster's id, then for each factor `f` the
#'   score `f` and its standard error `f.se`. Models that stack items have one row for each person and item.
#'   `random_effects()`: a data frame with one row per cluster: its id, then for each random effect such as
#'   `y@school` its value and standard error `y@school.se`.
#' @references Bock, R. D. and Mislevy, R. J. (1982). Adaptive EAP estimation of ability in a microcomputer
#'   environment. *Applied Psychological Measurement*, 6, 431-444.
#' @seealso [posterior()], [predict.mlmix()] for new units and clusters, [plausible_draws()], [memberships()].
#' @examples
#' \donttest{
#' fit <- mlmix(irt(item1:item5, type = "2pl"), lsat, seed = 1)
#' head(factor_scores(fit))
#' }
#' @export
factor_scores <- function(fit) {
  check_fit(fit)
  latents <- factor_latents(fit)
  if (!any(!is_random_effect(fit$spec$latents))) {
    abort_spec(c(
      "The model has no factor.", i = "For random intercepts and slopes use {.fn random_effects}."
    ))
  }
  levels <- vapply(latents, function(latent) latent$level, "")
  if (all(levels == "between")) return(readable(with_ids(fit, score_columns(latents), "between")))
  spread <- lapply(latents, function(latent) {
    if (latent$level == "between") {
      latent$mean <- latent$mean[fit$data$cluster + 1L]
      latent$sd <- latent$sd[fit$data$cluster + 1L]
    }
    latent
  })
  readable(with_ids(fit, score_columns(spread), "within"))
}

#' @rdname factor_scores
#' @export
random_effects <- function(fit) {
  check_fit(fit)
  latents <- fit$latents[is_random_effect(fit$latents)]
  if (!any(is_random_effect(fit$spec$latents))) {
    abort_spec(c(
      "The model has no random effect.", i = "A formula such as {.code y ~ x + (1 | school)} has one."
    ))
  }
  readable(with_ids(fit, score_columns(latents), "between"))
}

# Random effects are the latent variables whose names have an @; the others are factors.
is_random_effect <- function(latents) vapply(latents, function(latent) grepl("@", latent$name, fixed = TRUE), TRUE)

factor_latents <- function(fit) fit$latents[!is_random_effect(fit$latents)]

score_columns <- function(latents, call = rlang::caller_env()) {
  if (length(latents) == 0) {
    abort_spec(c(
      "The fit holds no scores of its latent variables.",
      x = "The result of the estimation has no element {.field latents}."
    ), call = call)
  }
  parts <- lapply(latents, function(latent) {
    part <- data.frame(as.numeric(latent$mean), as.numeric(latent$sd))
    names(part) <- c(latent$name, paste0(latent$name, ".se"))
    part
  })
  do.call(cbind, unname(parts))
}
