# estimates(): the parameter estimates as a data frame, on the model's scale or as probabilities.

#' Parameter estimates
#'
#' @param fit A fit from [mlmix()].
#' @param scale Text: `"natural"` (default), the parameters as the model has them; `"probability"`, the probability of
#'   every category of every categorical outcome and of every class, where covariates are 0 and factors and random
#'   effects are 0 (their mean, if it does not differ by class), with standard errors by the delta method.
#' @param level Number between 0 and 1, default 0.95: of the confidence intervals.
#' @param fixed `FALSE` (default) or `TRUE`: whether to include parameters with a fixed value.
#' @return A data frame, one row per parameter or probability, with `name` (natural scale only: the parameter's name,
#'   as [derive()] and [constrain()] take it), `level` (within or between), `kind` (natural scale only), `target` (the
#'   outcome, class variable or latent variable of the equation), `term` (on the probability scale the category),
#'   `class` (the class pattern, empty if the same in all classes), `estimate`, `std.error`, `statistic` (Wald z),
#'   `p.value`, `conf.low`, `conf.high`, `status` (`"free"`, `"fixed"`, `"boundary"`, `"not identified"`).
#'
#'   Printing shows the columns that are not in the name already, with three decimals.
#'
#'   Intervals of variances and dispersions are computed on the log scale and of probabilities on the logit scale, so
#'   that they keep to their range; these have no test against 0.
#' @seealso [tidy.mlmix()] for broom's column names, [derive()] for functions of parameters.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' estimates(fit)
#' estimates(fit, scale = "probability")
#' @export
estimates <- function(fit, scale = c("natural", "probability"), level = 0.95, fixed = FALSE) {
  check_fit(fit)
  scale <- check_choice(scale, c("natural", "probability"), "scale")
  level <- check_level(level)
  fixed <- check_flag(fixed, "fixed")
  if (scale == "probability") return(readable(probability_estimates(fit, level), c("level", "statistic", "p.value")))
  readable(natural_estimates(fit, level, fixed), c("level", "kind", "target", "term", "class", "statistic"))
}

natural_estimates <- function(fit, level, fixed) {
  p <- fit$parameters
  if (!fixed) p <- p[p$status != "fixed", , drop = FALSE]
  wald <- wald_columns(p$estimate, p$std.error, level)
  positive <- p$kind %in% c("variance", "dispersion")
  z <- stats::qnorm(1 - (1 - level) / 2)
  ratio <- exp(z * p$std.error[positive] / p$estimate[positive])
  wald$conf.low[positive] <- p$estimate[positive] / ratio
  wald$conf.high[positive] <- p$estimate[positive] * ratio
  wald$statistic[positive] <- NA_real_
  wald$p.value[positive] <- NA_real_
  data.frame(
    name = p$name, level = p$level, kind = p$kind, target = p$target, term = p$term, class = p$class,
    wald, status = p$status, row.names = NULL, stringsAsFactors = FALSE
  )
}

probability_estimates <- function(fit, level) {
  grid <- probability_grid(fit)
  if (is.null(grid$rows)) {
    abort_spec(c(
      "{.code scale = \"probability\"} needs a categorical outcome or a class variable.",
      x = "The model has neither."
    ), call = rlang::caller_env())
  }
  delta <- delta_method(fit, grid$value)
  p <- delta$estimate
  z <- stats::qnorm(1 - (1 - level) / 2)
  width <- z * delta$std_error / (p * (1 - p))
  data.frame(
    grid$rows, estimate = p, std.error = delta$std_error, statistic = NA_real_, p.value = NA_real_,
    conf.low = stats::plogis(stats::qlogis(p) - width), conf.high = stats::plogis(stats::qlogis(p) + width),
    status = ifelse(delta$boundary & is.na(delta$std_error), "boundary", "free"), row.names = NULL
  )
}
