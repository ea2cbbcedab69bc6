# plot_data(): the numbers behind every plot, and which plots a fit offers.

#' Plots of a fit and their data
#'
#' `plot()` and `autoplot()` draw a fit with ggplot2; `plot_data()` gives the numbers that are drawn; `plot_types()`
#' lists what can be drawn of a fit, and why something cannot.
#'
#' @param x,object,fit A fit from [mlmix()].
#' @param type Text, default `"profile"`; see the types below.
#' @param ... Options of the type, by name, as listed below. All types take `level`, a number between 0 and 1 (default
#'   0.95), of the confidence intervals; `class` is text, the class variable to show (default all, in `"class_curve"`
#'   the first).
#'
#' @section Types:
#' * `"profile"`: the probability of every category or the mean of every outcome in each class, with confidence
#'   intervals, where covariates, factors and random effects are 0. Options: `class`; `against`, another fit of the same
#'   outcomes, whose profiles are drawn beside (classes are matched by their profiles), as Asparouhov and Muthén (2006,
#'   figure 4) compare grade of membership with latent classes.
#' * `"posterior"`: how certain the assignment of units (or clusters) to their most likely class is. Option `class`.
#' * `"growth"`: the curve of an outcome against a covariate in each class, with a confidence band, averages of the data
#'   weighted by posterior probability, and the observed trajectories by most likely class. Curves are at the mean of
#'   other covariates and at the expected random effects and factors. Options: `outcome`; `against`, the covariate (by
#'   default the one with a random slope, otherwise the first whose values the fit keeps); `at`, a list with values of
#'   other covariates; `data`, the data frame fitted, needed where a formula has only a transformation such as
#'   `poly(time, 2)`; `trajectories`, how many for each class (default 60; five times as many points where nothing
#'   joins them).
#' * `"class_curve"`: the probability of each class against a random effect, a factor or a covariate, with the
#'   distribution of what is on the axis (figures 2 and 3 there); or given the classes of another class variable. Of two
#'   classes the first is drawn. Options: `class`; `against` (by default the first random effect, factor, covariate or
#'   class variable that it depends on); `at`; `data`.
#' * `"item_curve"`: each outcome against a factor, by class: item characteristic curves. Where each response has a
#'   class of its own (grade of membership, guessing) the curve is over the classes together. Other factors are at their
#'   expectation and covariates at their mean. Options: `against` (default: the first factor); `outcome`, names of the
#'   outcomes to draw (default all).
#' * `"transitions"`: the flow from each class variable to the next, as expected from the posterior.
#' * `"random_effects"`: the random effects and factors of the clusters in order, with intervals.
#' * `"path"`: the path diagram with estimates; units above, clusters below (figure 1 there). Covariates and outcomes
#'   are rectangles, factors and random effects circles, class variables circles in broken frames; outcomes with the
#'   same equation share one box, and the range of their estimates. A dot is a random effect. Option `digits`, default
#'   2.
#' * `"starts"`: the log-likelihoods reached by the random starts.
#' * `"integration"`: the log-likelihood at the estimates under other numbers of points. Options: `points`; `methods`,
#'   as in [quadrature()]; `adaptive`, `TRUE`, `FALSE` or both. By default the rule of the fit.
#' @return `plot()` and `autoplot()`: a ggplot object. `plot_types()`: a data frame with `type`, `offered`, `what` it
#'   shows and `why` it is not offered. `plot_data()`: for
#'   * `"profile"` a data frame with one row per outcome, category and class pattern: `variable`, `class`, `label`
#'     (class and its size), `outcome`, `category` (empty for means), `measure`, `value`, `conf.low`, `conf.high`; of
#'     two categories only the second is given. With `against` also `model`, and `class` is that of `fit`;
#'   * `"posterior"` a data frame: `variable`, `class` (most likely), `label`, `probability` (of it), `weight`;
#'   * `"growth"` a list of data frames: `curves` (`outcome`, `against`, `variable`, `class`, `label`, `category`,
#'     `measure`, `x`, `value`, `conf.low`, `conf.high`), `observed` (`class`, `x`, `value`, `weight`; `NULL` where x
#'     has more than 25 values) and `trajectories` (`class`, `id`, `joined`, `x`, `value`);
#'   * `"class_curve"` a list of data frames: `curves` (`variable`, `against`, `words`, `given` (other classes),
#'     `class`, `x`, `value`, `conf.low`, `conf.high`), `distribution` (`x`, `density`) and `clusters` (`value`,
#'     `std.error` of each cluster's or unit's latent variable; `NULL` for a covariate);
#'   * `"item_curve"` a list of data frames: `curves` (`outcome`, `against`, `class`, `category`, `measure`, `x`,
#'     `value`, `conf.low`, `conf.high`), `distribution` and `scores` (as `distribution` and `clusters` above);
#'   * `"transitions"` a data frame: `from_variable`, `from`, `to_variable`, `to`, `n` (expected number), `probability`
#'     (of `to` given `from`), `proportion`;
#'   * `"random_effects"` a data frame: `effect`, `words`, `cluster`, `rank`, `value`, `std.error`, `conf.low`,
#'     `conf.high`;
#'   * `"path"` a list of data frames: `nodes` (`id`, `label`, `detail`, `kind`, `level`, `members`, `random`,
#'     `x`, `y`, `width`, `height`) and `edges` (`from`, `to`, `kind`, `label`, `random`, `estimates`: a list of the
#'     estimates behind the label, by parameter);
#'   * `"starts"` as [start_table()] with `rank`;
#'   * `"integration"` a data frame: `method`, `adaptive`, `points`, `log_likelihood`, `reason` (why there is none),
#'     `used` (whether it is the rule of the fit).
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, figures 1 to 4.
#' @name plot.mlmix
#' @seealso [plot.mlmix()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' plot_types(fit)
#' head(plot_data(fit, "profile"))
#' @examplesIf rlang::is_installed("ggplot2")
#' plot(fit)
#' plot(fit, type = "path")
NULL

#' @rdname plot.mlmix
#' @export
plot_data <- function(fit, type = "profile", ...) {
  check_fit(fit)
  read_plot(fit, type, list(...), rlang::current_env())$data
}

#' @rdname plot.mlmix
#' @export
plot_types <- function(fit) {
  check_fit(fit)
  kinds <- plot_kinds()
  why <- vapply(kinds, function(kind) kind$why_not(fit) %||% "", "")
  data.frame(
    type = names(kinds), offered = !nzchar(why), what = vapply(kinds, function(kind) kind$what, ""), why = why,
    row.names = NULL, stringsAsFactors = FALSE
  )
}

# Checks a type and its options and computes what is drawn: list(kind, level, data).
read_plot <- function(fit, type, options, call) {
  kinds <- plot_kinds()
  offers <- plot_types(fit)
  offered <- offers$type[offers$offered]
  if (!(is.character(type) && length(type) == 1 && type %in% offered)) abort_type(type, offers, call)
  kind <- kinds[[type]]
  if (length(options) > 0 && is.null(names(options))) names(options) <- rep("", length(options))
  accepted <- setdiff(names(formals(kind$data)), c("fit", "call"))
  unknown <- setdiff(names(options), accepted)
  if (length(unknown) > 0) {
    abort_spec(c(
      if (any(!nzchar(unknown))) "The options of a plot must be given by name."
      else "The plot {.val {type}} has no option {.arg {unknown}}.",
      i = "Its options: {.arg {accepted}}."
    ), call = call)
  }
  options$level <- check_level(options$level %||% 0.95, call = call)
  if (!is.null(options$class)) choose_name(options$class, names(fit_classes(fit)), "class",
    "a class variable of the model", call)
  list(kind = kind, level = options$level, data = do.call(kind$data, c(list(fit, call = call), options)))
}

# A type that is unknown, or that this fit cannot show: what it offers and why not more.
abort_type <- function(type, offers, call) {
  offered <- offers$type[offers$offered]
  known <- is.character(type) && length(type) == 1 && type %in% offers$type
  not <- offers[!offers$offered, , drop = FALSE]
  reasons <- if (known) character(0) else vapply(seq_len(nrow(not)), function(i) {
    cli::format_inline("{.val {not$type[i]}}: {not$why[i]}.")
  }, "")
  if (length(reasons) > 0) reasons <- c("Not for this fit:", reasons)
  why <- if (known) not$why[not$type == type]
  abort_spec(c(
    if (known) "The plot {.val {type}} cannot be drawn of this fit: {why}."
    else "{.arg type} must be a plot that this fit offers.",
    x = if (!known) "You gave {describe(type)}.",
    i = "It offers {.or {.val {offered}}}.",
    stats::setNames(reasons, rep(" ", length(reasons)))
  ), call = call)
}

# The types: what each shows, its data, its drawing, and why a fit cannot have it (NULL if it can).
plot_kinds <- function() {
  list(
    profile = list(
      what = "outcomes in each class", data = profile_data, draw = plot_profile, why_not = why_no_profile
    ),
    posterior = list(
      what = "certainty of the classification", data = posterior_data, draw = plot_posterior,
      why_not = function(fit) if (length(fit$spec$classes) == 0) "the model has no class variable"
    ),
    growth = list(
      what = "curve of an outcome against a covariate in each class", data = growth_data, draw = plot_growth,
      why_not = function(fit) if (length(growth_outcomes(fit)) == 0) "no outcome has a covariate"
    ),
    class_curve = list(
      what = "class probability against a random effect, factor or covariate", data = class_curve_data,
      draw = plot_class_curve, why_not = why_no_class_curve
    ),
    item_curve = list(
      what = "outcomes against a factor", data = item_curve_data, draw = plot_item_curve,
      why_not = function(fit) if (length(curve_factors(fit)) == 0) "no outcome depends on a factor"
    ),
    transitions = list(
      what = "flow between class variables", data = transitions_data, draw = plot_transitions,
      why_not = function(fit) if (length(fit$transitions) == 0) "no class variable is predicted by another of units"
    ),
    random_effects = list(
      what = "random effects of the clusters in order", data = random_effects_data, draw = plot_random_effects,
      why_not = function(fit) {
        if (length(cluster_level_latents(fit)) == 0) "the model has no random effect and no factor of clusters"
      }
    ),
    path = list(
      what = "path diagram with estimates", data = path_data, draw = plot_path, why_not = function(fit) NULL
    ),
    starts = list(
      what = "log-likelihoods of the random starts", data = starts_data, draw = plot_starts,
      why_not = function(fit) NULL
    ),
    integration = list(
      what = "log-likelihood against points of integration", data = integration_data, draw = plot_integration,
      why_not = function(fit) {
        if (!any(new_integration(fit$integration)$dimensions$how == "numeric")) {
          "no latent variable is integrated numerically"
        }
      }
    )
  )
}

why_no_profile <- function(fit) {
  if (length(profile_outcomes(fit, NULL)) == 0) "no outcome has a level of its own in the classes"
}

why_no_class_curve <- function(fit) {
  if (length(fit$spec$classes) == 0) return("the model has no class variable")
  if (length(curve_predictors(fit)) == 0) "no class variable has a random effect or predictor"
}

posterior_data <- function(fit, level, call, class = NULL) {
  classes <- fit_classes(fit)[class %||% names(fit_classes(fit))]
  bind_rows(lapply(classes, function(class) {
    p <- class_posterior(fit, class$name)
    modal <- modal_class(p)
    weight <- if (class$level == "within") unit_weight(fit) else cluster_weight(fit)
    data.frame(
      variable = class$name, class = class$labels[modal], label = class_label(fit, class$name, class$labels[modal]),
      probability = p[cbind(seq_along(modal), modal)], weight = weight, stringsAsFactors = FALSE
    )
  }))
}

starts_data <- function(fit, level, call) {
  table <- start_table(fit)
  table$rank <- seq_len(nrow(table))
  table
}
