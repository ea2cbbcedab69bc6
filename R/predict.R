# predict(): classes, expected outcomes, factors and random effects of the data of a fit or of new data.

#' Predict from a fit
#'
#' @param object A fit from [mlmix()].
#' @param newdata Data frame or `NULL` (default): the data of the fit. It needs the predictors, the cluster variable
#'   (if the model has a between level) and the outcomes; an outcome that was not observed is given as `NA`. Variables
#'   of known classes may be left out.
#' @param type Text: `"class"` (default), the most probable class of each class variable; `"posterior"`, the
#'   probability of every class; `"response"`, the expected value of every outcome; `"factor"` and `"random_effect"`,
#'   posterior means of factors and of random effects with their standard deviations.
#' @param condition Text, for `type = "response"`: `"none"` (default), the expectation given the predictors only,
#'   averaged over classes, factors and random effects, for which outcomes need not be in `newdata`. `"posterior"`:
#'   given in addition all outcomes of the unit and its cluster, which is the expected value of a repetition.
#' @param clusters Text: `"new"` (default), every cluster is what `newdata` says of it; `"known"`, for clusters that
#'   the fit was made of, also the data of the fit are used, weights included. With the data of the fit themselves these
#'   would count twice.
#' @param ... Not used.
#' @return A data frame with one row for each row of `newdata`, in their order, `NA` for rows left out because a
#'   predictor or the cluster is missing. First `row` and the cluster's id, then
#'   * `"class"`: the modal class of each class variable, under its name;
#'   * `"posterior"`: the probabilities `c=1`, `c=2`, ... of each class variable, and under its name the modal class;
#'   * `"response"`: under the outcome's name its mean, for two categories the probability of the second (for `cbind()`
#'     outcomes of a success); for more categories, `u=a`, `u=b`, ..., the probability of each. For a censored outcome
#'     it is the mean of the variable behind the limits;
#'   * `"factor"`, `"random_effect"`: each under its name, with `.se` its standard deviation.
#'
#'   Class variables and effects of clusters are repeated for their units. For models that stack items ([gom()]) the
#'   classes are those of single responses: one row for each person and item observed.
#'
#'   A row without any observed outcome is predicted from its predictors and its cluster. Every row counts once: weights
#'   and frequencies are taken from the fit only for the data of the fit.
#' @references Skrondal, A. and Rabe-Hesketh, S. (2009). Prediction in multilevel generalized linear models. *Journal
#'   of the Royal Statistical Society A*, 172, 659-687.
#' @seealso [posterior()], [factor_scores()], [plausible_draws()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' slides <- data.frame(A = c(1, 0), B = c(1, 0), C = c(NA, 0), D = 0, E = c(1, 1), F = 0,
#'   G = c(1, NA))
#' predict(fit, slides, type = "posterior")
#' predict(fit, slides, type = "response", condition = "posterior")
#' @importFrom stats predict
#' @method predict mlmix
#' @export
predict.mlmix <- function(object, newdata = NULL, type = c("class", "posterior", "response", "factor", "random_effect"),
                          condition = c("none", "posterior"), clusters = c("new", "known"), ...) {
  frame <- rlang::current_env()
  type <- check_choice(type, c("class", "posterior", "response", "factor", "random_effect"), "type")
  condition <- check_choice(condition, c("none", "posterior"), "condition")
  clusters <- check_choice(clusters, c("new", "known"), "clusters")
  check_predictable(object, type, frame)
  observed <- type != "response" || condition == "posterior"
  data <- if (!is.null(newdata)) {
    new_data(object, newdata, observed, full = type == "response", clusters, call = frame)
  }
  if (type == "response") return(readable(expected_outcomes(object, data, observed, frame)))
  at <- if (is.null(data)) object else fit_at(object, data, call = frame)
  table <- switch(type,
    class = class_columns(at, probabilities = FALSE),
    posterior = class_columns(at, probabilities = TRUE),
    factor = latent_columns(at, at$latents[!is_random_effect(at$latents)]),
    random_effect = latent_columns(at, at$latents[is_random_effect(at$latents)])
  )
  readable(table)
}

check_predictable <- function(fit, type, call) {
  random <- is_random_effect(fit$spec$latents)
  lacks <- switch(type,
    class = , posterior = if (length(fit$spec$classes) == 0) "class variable",
    factor = if (!any(!random)) "factor",
    random_effect = if (!any(random)) "random effect"
  )
  if (!is.null(lacks)) {
    abort_spec(c("{.code type = \"{type}\"}: the model has no {lacks}."), call = call)
  }
}

# Modal classes, with or without probabilities, one row per unit.
class_columns <- function(fit, probabilities) {
  parts <- lapply(fit_classes(fit), function(class) {
    part <- marginal_probabilities(fit, list(class))
    if (class$level == "between") part <- part[fit$data$cluster + 1L, , drop = FALSE]
    if (probabilities) part else part[class$name]
  })
  into_units(fit, parts)
}

# Means and standard deviations of latent variables, one row per unit.
latent_columns <- function(fit, latents) {
  parts <- lapply(latents, function(latent) {
    part <- score_columns(list(latent))
    if (latent$level == "between") part[fit$data$cluster + 1L, , drop = FALSE] else part
  })
  # In models that stack items nothing but classes differs among the items of a person.
  into_units(fit, parts, persons = all(vapply(latents, function(latent) latent$level == "between", TRUE)))
}

# Columns for the units used, put into the order of the data's rows, ids in front. `persons`: of stacked items only the
# first row of each person is kept.
into_units <- function(fit, parts, persons = FALSE) {
  part <- do.call(cbind, unname(parts))
  rownames(part) <- NULL
  data <- fit$data
  if (is.null(data$reshape) || !persons) return(with_ids(fit, part, "within"))
  place <- match(seq_len(data$n_rows), data$row_used)
  out <- cbind(data.frame(row = seq_len(data$n_rows)), part[place, , drop = FALSE])
  rownames(out) <- NULL
  out
}
