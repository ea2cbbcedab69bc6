# enumerate_classes(): the same model with different numbers of classes.

#' Fit a model with several numbers of classes
#'
#' A model whose estimation fails keeps its row in the table, with the reason in the column `note`. The warnings of the
#' others are there too, and not shown one by one.
#'
#' @param model A model from [mixture_model()] or a one-line model, whose number of classes is varied; or a function
#'   of the number of classes that returns a model, `function(k) lca(u1:u8, k = k)`; for a grid a function of the class
#'   variables by name.
#' @param data Data frame.
#' @param k Whole numbers of at least 1, default `1:6`; or a grid over several class variables, a named list such as
#'   `list(c = 1:3, d = 1:2)`, all combinations of which are fitted, the first varying fastest.
#' @param class Text or `NULL` (default): the names of the class variables to vary (all of them take the same number).
#'   Needed if the model has more than one. Not used where `model` is a function or `k` a grid.
#' @param tests `NULL` (default), `"vlmr"`, `"blrt"` or both: tests of every model against the one with one class fewer,
#'   if it is in the table. Adds p-values as columns: `vlmr` (Vuong's weights) and `blrt` (at most 100 draws).
#' @param warm_start `TRUE` (default) or `FALSE`: whether the first start of a model is the solution with one class
#'   fewer whose largest class is split in two: both halves have its parameters, those of one moved a little at random.
#'   In a grid that solution is the likeliest of the models with one class fewer in one of the variables. All other
#'   starts are random, so this adds no start, and [start_table()] says how far the first one went. Where the model has
#'   parameters that no smaller one has, or `control` already has `start_values`, the first start is random too.
#' @param ... Passed to [mlmix()]: `starts`, `seed`, `weights`, `progress`, ... The seed is the same for every number of
#'   classes. With `progress = TRUE` (by default in interactive sessions) each model is announced.
#' @return As [compare_models()], with the models named by their number of classes and `k` as the first column, for
#'   grids a column for each class variable. The fits are the attribute `"fits"` (`NULL` for those that failed), results
#'   of [vlmr()] and [blrt()] the attribute `"tests"`.
#' @references Nylund, K. L., Asparouhov, T. and Muthén, B. O. (2007). Deciding on the number of classes in latent
#'   class analysis and growth mixture modeling. *Structural Equation Modeling*, 14, 535-569.
#' @seealso [compare_models()], [bayes_factors()], [vlmr()], [blrt()].
#' @examples
#' model <- lca(c(A, B, C, D, E, F, G), k = 2)
#' enumerate_classes(model, carcinoma, k = 1:3, starts = c(5, 2), seed = 1)
#'
#' # Classes of pupils and of classrooms: every combination of their numbers.
#' pupils <- multilevel_lca(fall1:fall5, k = 2, cluster = "room", k_between = 2)
#' enumerate_classes(pupils, toca, k = list(c = 1:2, d = 1:2), starts = c(3, 1), seed = 1)
#' @export
enumerate_classes <- function(model, data, k = 1:6, class = NULL, tests = NULL, warm_start = TRUE, ...) {
  frame <- rlang::current_env()
  warm_start <- check_flag(warm_start, "warm_start")
  tests <- check_tests(tests, k, frame)
  grid <- number_grid(k, frame)
  models <- lapply(seq_len(nrow(grid)), function(i) {
    if (is.list(k)) model_of_grid(unlist(grid[i, , drop = FALSE]), model, frame) else
      model_with_classes(grid$k[[i]], model, class, frame)
  })
  dots <- rlang::enquos(...)
  data_expr <- substitute(data)
  seed <- check_seed(if ("seed" %in% names(dots)) rlang::eval_tidy(dots$seed), frame)
  progress <- if ("progress" %in% names(dots)) rlang::eval_tidy(dots$progress) else interactive()
  data_for <- counted_once(data, dots, frame)
  labels <- if (is.list(k)) grid_labels(grid) else paste(k, ifelse(k == 1, "class", "classes"))
  fits <- vector("list", nrow(grid))
  notes <- character(nrow(grid))
  errors <- vector("list", nrow(grid))
  for (i in seq_len(nrow(grid))) {
    if (isTRUE(progress)) cli::cli_inform("{labels[[i]]} ({i} of {nrow(grid)})")
    from <- if (warm_start) nearest_smaller(models[[i]], fits)
    attempt <- fit_quietly(models[[i]], data_for, seed, from)
    if (!is.null(attempt$fit)) fits[[i]] <- with_user_call(attempt$fit, data_expr, dots, seed)
    notes[[i]] <- attempt$note
    errors[i] <- list(attempt$error)
  }
  if (all(vapply(fits, is.null, TRUE))) {
    rlang::abort("None of the models could be estimated.", parent = errors[[1]], call = frame,
      class = intersect(class(errors[[1]]), c("mlmix_error_spec", "mlmix_error_data", "mlmix_error_engine")))
  }
  table <- comparison_table(fits, labels, notes)
  # Neighbours in a grid are not successive.
  if (is.list(k)) table$bayes_factor <- NA_real_
  if (length(tests) > 0) table <- add_class_tests(table, grid$k, tests, class, seed, progress)
  attributes <- attributes(table)[c("fits", "tests")]
  out <- data.frame(grid, as.data.frame(table), check.names = FALSE, stringsAsFactors = FALSE)
  structure(out, fits = attributes$fits, tests = attributes$tests, class = c("mlmix_comparison", "data.frame"))
}

check_tests <- function(tests, k, call) {
  if (is.null(tests)) return(character(0))
  if (!is.character(tests) || !all(tests %in% c("vlmr", "blrt"))) {
    abort_spec(c(
      "{.arg tests} must be {.code NULL}, {.val vlmr}, {.val blrt} or both.", x = "You gave {describe(tests)}."
    ), call = call)
  }
  if (is.list(k)) {
    abort_spec(c(
      "{.arg tests} need one number of classes: in a grid it is open which models to compare.",
      i = "Use {.fn blrt} or {.fn vlmr} with two fits of {.code attr(table, \"fits\")}."
    ), call = call)
  }
  unique(tests)
}

# A data frame of the numbers of classes: `k`, or a column for each class variable.
number_grid <- function(k, call) {
  if (!is.list(k)) return(data.frame(k = check_numbers_of_classes(k, call)))
  if (length(k) == 0 || is.null(names(k)) || any(names(k) == "") || anyDuplicated(names(k))) {
    abort_spec(c(
      "A grid {.arg k} must be a list of numbers of classes, named by class variables.",
      x = "You gave {describe(k)}.", i = "For example {.code k = list(c = 1:3, d = 1:2)}."
    ), call = call)
  }
  expand.grid(lapply(k, check_numbers_of_classes, call = call), KEEP.OUT.ATTRS = FALSE)
}

grid_labels <- function(grid) {
  parts <- Map(function(name, k) paste(name, k), names(grid), grid)
  do.call(paste, c(unname(parts), sep = ", "))
}

check_numbers_of_classes <- function(k, call = rlang::caller_env()) {
  ok <- is.numeric(k) && length(k) > 0 && all(is.finite(k)) && all(k == round(k)) && all(k >= 1) && !anyDuplicated(k)
  if (!ok) {
    abort_spec(c(
      "{.arg k} must be different whole numbers of at least 1, such as {.code 1:6}.", x = "You gave {describe(k)}."
    ), call = call)
  }
  as.integer(k)
}

# The model at one point of a grid, a named vector of numbers of classes.
model_of_grid <- function(point, model, call) {
  if (is.function(model)) {
    wanted <- names(formals(args(model)))
    if (!all(names(point) %in% wanted) && !"..." %in% wanted) {
      abort_spec(c(
        "The function {.arg model} must have an argument for each class variable of the grid {.arg k}.",
        x = "Its arguments are {.arg {wanted}}; the grid has {.arg {names(point)}}."
      ), call = call)
    }
    return(check_made_model(do.call(model, as.list(point)), point, call))
  }
  for (name in names(point)) model <- model_with_classes(point[[name]], model, name, call)
  model
}

check_made_model <- function(made, point, call) {
  if (!inherits(made, "mlmix_model")) {
    words <- if (is.null(names(point))) plural(point, "class", "classes") else
      paste(names(point), point, collapse = ", ")
    abort_spec(c(
      "The function {.arg model} must return a model.", x = "For {words} it gave {describe(made)}."
    ), call = call)
  }
  made
}

model_with_classes <- function(k, model, class, call) {
  if (is.function(model)) return(check_made_model(model(k), k, call))
  if (!inherits(model, "mlmix_model")) {
    abort_spec(c(
      "{.arg model} must be a model, or a function of the number of classes that returns one.",
      x = "You gave {describe(model)}."
    ), call = call)
  }
  names <- vapply(model$classes, function(part) part$name, "")
  unknown <- setdiff(class, names)
  if (length(unknown) > 0 || length(names) == 0) {
    abort_spec(c(
      "{.arg class} must name class variables of the model.",
      x = if (length(unknown) > 0) "You gave {.val {unknown}}." else "The model has none.",
      i = if (length(names) > 0) "Accepted: {.val {names}}."
    ), call = call)
  }
  if (is.null(class) && length(names) > 1) {
    abort_spec(c(
      "The model has {length(names)} class variables: say in {.arg class} which to vary.",
      i = "Accepted: {.val {names}}, one or several."
    ), call = call)
  }
  if (is.null(class)) class <- names
  for (i in which(names %in% class)) model$classes[[i]]$k <- k
  model
}

# list(fit or NULL, note, error): warnings become the note, errors of the package as well.
fit_quietly <- function(model, data_for, seed, from) {
  said <- character(0)
  failure <- function(e) e
  fit <- withCallingHandlers(
    tryCatch({
      given <- data_for(model)
      dots <- warm_dots(model, given$data, as.list(given$dots), seed, from)
      rlang::eval_tidy(rlang::quo(mlmix(!!model, given$data, seed = seed, !!!dots)))
    }, mlmix_error_spec = failure, mlmix_error_data = failure, mlmix_error_engine = failure),
    mlmix_warning = function(w) {
      # Without the bullets: a table row has room for what, not for every parameter.
      said <<- c(said, sub("\n(\u2139|i|\u2716|x|!|\\*|\u2022) .*$", "", conditionMessage(w)))
      invokeRestart("muffleWarning")
    }
  )
  if (!inherits(fit, "mlmix")) {
    return(list(fit = NULL, note = one_line(conditionMessage(fit)), error = fit))
  }
  list(fit = fit, note = one_line(said), error = NULL)
}

# The fit's call as the user would have written it, so that update() works.
with_user_call <- function(fit, data_expr, dots, seed) {
  dots <- lapply(as.list(dots)[setdiff(names(dots), "seed")], rlang::quo_get_expr)
  counted <- "frequency" %in% names(fit$call) && !"frequency" %in% names(dots)
  fit$call <- as.call(c(list(as.name("mlmix"), model = fit$model, data = data_expr), dots, list(seed = seed),
    if (counted) list(frequency = NULL)))
  fit
}

one_line <- function(text) gsub("\\s+", " ", paste(cli::ansi_strip(text), collapse = "; "))

# Columns of p-values of tests against the row with one class fewer.
add_class_tests <- function(table, k, tests, class, seed, progress) {
  fits <- attr(table, "fits")
  results <- lapply(stats::setNames(nm = tests), function(test) {
    out <- lapply(seq_along(k), function(i) {
      smaller <- which(k == k[[i]] - 1)
      if (length(smaller) == 0 || is.null(fits[[i]]) || is.null(fits[[smaller]])) return(NULL)
      suppressWarnings(if (test == "vlmr") vlmr(fits[[smaller]], fits[[i]]) else
        blrt(fits[[smaller]], fits[[i]], seed = seed, progress = isTRUE(progress)))
    })
    stats::setNames(out, table$model)
  })
  p_value <- function(result, test) {
    if (is.null(result)) NA_real_ else if (test == "vlmr") result$p.value[[1]] else result$p.value
  }
  for (test in tests) table[[test]] <- vapply(results[[test]], p_value, 0, test = test)
  structure(table, tests = results)
}
