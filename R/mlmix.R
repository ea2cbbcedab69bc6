# mlmix(): check the arguments, resolve model and data, call the engine, build the fit.

#' Fit a multilevel mixture model
#'
#' Maximum likelihood estimation from many random starts.
#'
#' @param model A model from [mixture_model()] or a one-line model such as [lca()].
#' @param data Data frame, one row per unit. Or a table in a database (`dplyr::tbl()` on a connection), whose rows are
#'   counted there, so that only the different ones are loaded (see [count_patterns()]).
#' @param cluster Text or `NULL` (default): the cluster variable, if the model does not name it. For a model with
#'   nothing at the between level, standard errors then allow for dependence within clusters (robust to clustering).
#' @param weights `NULL` (default), or sampling weights of units: a variable of `data` (with or without quotes) or one
#'   number for each row. They are rescaled to sum to the number of cases used, in which cases of weight zero are
#'   counted; in two-level models to sum to each cluster's size.
#' @param cluster_weights `NULL` (default), or sampling weights of clusters, given in the same way and constant within
#'   clusters. They are rescaled to sum to the number of clusters.
#' @param frequency `NULL` (default), or how often each row was observed. A frequency of 2 is the same as the row
#'   twice.
#' @param starts Two whole numbers, default `c(20, 5)`: random starts, and how many of the best go on to convergence.
#'   One number alone carries all of them to convergence. The 3PL and 4PL of [irt()] have one start by default, as item
#'   response models have elsewhere.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs. The seed
#'   used is kept in the fit.
#' @param se Text: `"robust"` (default) for sandwich standard errors, `"observed"` for the observed information,
#'   `"opg"` for the outer product of gradients, `"none"`.
#' @param integration From [quadrature()].
#' @param threads Whole number, or `NULL` (default): 2, or fewer where the machine or the environment variables
#'   `OMP_THREAD_LIMIT` and `_R_CHECK_LIMIT_CORES_` say so. The result does not depend on it.
#' @param progress `TRUE` or `FALSE`: whether to show a progress bar, by default in interactive sessions. Or a
#'   function of the start number, the iteration and the best log-likelihood so far that returns `FALSE` to stop.
#' @param control From [mlmix_control()].
#' @return A list of class `mlmix`, made of plain vectors, lists and data frames, so that [saveRDS()] keeps all of it:
#'   * `call`, `model`, `spec` (the specification the engine read), `options`, `seed`, `time` (seconds), `version`;
#'   * `parameters`: data frame, one row per parameter (see [parameters()]) with `estimate`, `std.error`, `status`;
#'   * `data`: the numeric columns used, `cluster`, `cluster_ids`, `row_used` (rows of `data`), `dropped` (rows left
#'     out, by reason), `n_rows` (rows of `data`), `items`, `classes`, `latents`, and the scaled `frequency`,
#'     `unit_weights`, `cluster_weights`;
#'   * `log_likelihood`, `log_likelihood_clusters`, `n_free`, `n_units`, `n_clusters`, `n` (cases, by frequency);
#'   * `free` (positions of the free parameters), `vcov` (named by them), `information`, `cross_product`, `gradient`
#'     (in the engine's coordinates), `scaling`: inference;
#'   * `convergence`, `starts`, `replicated`, `integration`, `warnings`: diagnostics;
#'   * `posterior_within`, `posterior_joint`, `posterior_between`, `class_prob`, `transitions`, `latents`.
#'
#'   Use the functions below rather than the elements.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models.
#'
#'   Asparouhov, T. (2006). General multi-level modeling with sampling weights. *Communications in Statistics: Theory
#'   and Methods*, 35, 439-460.
#' @seealso [estimates()], [posterior()], [class_sizes()], [glance()], [compare_models()], [derive()],
#'   [start_table()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' fit
#' class_sizes(fit)
#' @export
mlmix <- function(model, data, cluster = NULL, weights = NULL, cluster_weights = NULL, frequency = NULL,
                  starts = starts_for(model), seed = NULL, se = c("robust", "observed", "opg", "none"),
                  integration = quadrature(), threads = NULL, progress = interactive(), control = mlmix_control()) {
  call <- match.call()
  frame <- rlang::current_env()
  started <- proc.time()[["elapsed"]]
  options <- fit_options(starts, seed, se, integration, threads, control, frame)
  progress <- check_progress(progress, frame)
  weighting <- rlang::enquos(frequency = frequency, weights = weights, cluster_weights = cluster_weights)
  if (is_lazy_table(data)) {
    data <- collect_patterns(model, data, cluster, weighting, frame)
    weighting$frequency <- rlang::quo("frequency")
    # Its persons or rows are counted, see independent_units().
    if (!"frequency" %in% names(call)) call <- as.call(c(as.list(call), list(frequency = NULL)))
  }
  resolved <- separate_robust_cluster(resolve_model(model, data, cluster, call = frame))
  given <- Map(function(quo, arg) weight_values(quo, data, arg, frame), weighting, names(weighting))
  if (!is.null(given$frequency)) warn_frequency(given$frequency)
  scaled <- engine_weights(resolved, given$frequency, given$weights, given$cluster_weights, frame)
  check_start_values(options$start_values, resolved$parameters, frame)
  result <- engine_fit(resolved, scaled, options, progress, frame)
  fit <- new_fit(result, resolved, scaled, model, options, call,
    n_rows = nrow(data), time = proc.time()[["elapsed"]] - started)
  signal_engine_warnings(fit$warnings)
  fit
}

# Random starts where none are asked for: the classes of the 3PL are told apart by values that are fixed.
starts_for <- function(model) {
  if (inherits(model, "mlmix_model")) model$starts else c(20, 5)
}

# The options of a fit (inst/spec-format.md), each checked.
fit_options <- function(starts, seed, se, integration, threads, control, call) {
  if (!inherits(integration, "mlmix_quadrature")) {
    abort_spec(c(
      "{.arg integration} must come from {.fn quadrature}.", x = "You gave {describe(integration)}.",
      i = "For example {.code integration = quadrature(points = 25)}."
    ), call = call)
  }
  if (!inherits(control, "mlmix_control")) {
    abort_spec(c(
      "{.arg control} must come from {.fn mlmix_control}.", x = "You gave {describe(control)}."
    ), call = call)
  }
  starts <- check_starts(starts, call)
  list(
    starts = starts[[1]], final_starts = starts[[2]], stage1_iterations = control$stage1_iterations,
    seed = check_seed(seed, call),
    se = check_choice(se, c("robust", "observed", "opg", "none"), "se", call = call),
    quadrature = unclass(integration), threads = check_threads(threads, call),
    max_iterations = control$max_iterations, tolerance = control$tolerance, start_values = control$start_values
  )
}

check_starts <- function(starts, call) {
  ok <- is.numeric(starts) && length(starts) %in% 1:2 && all(is.finite(starts)) &&
    all(starts == round(starts)) && all(starts >= 1)
  if (!ok) {
    abort_spec(c(
      "{.arg starts} must be one or two whole numbers of at least 1.", x = "You gave {describe(starts)}.",
      i = "{.code c(20, 5)}: 20 random starts, of which the best 5 go on to convergence."
    ), call = call)
  }
  if (length(starts) == 1) starts <- c(starts, starts)
  if (starts[[2]] > starts[[1]]) {
    abort_spec(c(
      "The second number of {.arg starts} cannot be above the first.", x = "You gave {describe(starts)}.",
      i = "{.code c(20, 5)}: 20 random starts, of which the best 5 go on to convergence."
    ), call = call)
  }
  as.integer(starts)
}

check_seed <- function(seed, call) {
  if (is.null(seed)) return(sample.int(.Machine$integer.max, 1))
  ok <- is.numeric(seed) && length(seed) == 1 && is.finite(seed) && seed == round(seed) &&
    seed >= 0 && seed <= .Machine$integer.max
  if (!ok) {
    abort_spec(c(
      "{.arg seed} must be {.code NULL} or a whole number from 0 to {(.Machine$integer.max)}.",
      x = "You gave {describe(seed)}."
    ), call = call)
  }
  as.integer(seed)
}

# At most 2 threads unless asked for more; CRAN's limits and OMP_THREAD_LIMIT are respected.
check_threads <- function(threads, call) {
  if (!is.null(threads)) return(check_count(threads, "threads", call = call))
  cores <- count_cores()
  limit <- suppressWarnings(as.integer(Sys.getenv("OMP_THREAD_LIMIT")))
  checked <- tolower(Sys.getenv("_R_CHECK_LIMIT_CORES_"))
  max(1L, min(2L, cores, limit, if (nzchar(checked) && checked != "false") 2L, na.rm = TRUE))
}

# Asked once in a session: R starts another process to count them.
count_cores <- local({
  cores <- NULL
  function() {
    if (is.null(cores)) cores <<- parallel::detectCores()
    cores
  }
})

check_progress <- function(progress, call) {
  ok <- is.function(progress) || (is.logical(progress) && length(progress) == 1 && !is.na(progress))
  if (!ok) {
    abort_spec(c(
      "{.arg progress} must be {.code TRUE}, {.code FALSE} or a function.", x = "You gave {describe(progress)}."
    ), call = call)
  }
  progress
}

check_start_values <- function(values, parameters, call) {
  if (!is.null(values) && length(values) != nrow(parameters)) {
    abort_spec(c(
      "{.arg start_values} must have one number for each of the model's {nrow(parameters)} parameter{?s}.",
      x = "You gave {length(values)} number{?s}.",
      i = "{.code parameters(model, data)} shows their order."
    ), call = call)
  }
}
