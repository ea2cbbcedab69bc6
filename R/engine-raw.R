# Calls the compiled engine and raises its errors as R conditions; knows nothing of models.
#
# Arguments shared by the four functions:
#   spec, options             as in inst/spec-format.md: lists, written as JSON on the way as jsonlite does with
#                             `auto_unbox`, or one string of JSON each
#   columns                   named list of numeric vectors
#   cluster                   NULL, or cluster numbers 0, 1, 2, ... in order of first appearance
#   frequency, unit_weights, cluster_weights   NULL or one number per row
#   parameters                one number per parameter, natural scale, in table order
#   progress                  NULL, TRUE (a progress bar) or a function, see R/progress.R
#   call                      the call that an error message names
# All return the engine's result as plain nested lists.

raw_fit <- function(spec, columns, cluster = NULL, frequency = NULL, unit_weights = NULL,
                    cluster_weights = NULL, options = list(), progress = NULL,
                    call = rlang::caller_env()) {
  reporter <- as_reporter(progress, options)
  result <- .Call(
    wrap__engine_fit, spec, as_columns(columns), as_optional_integer(cluster),
    as_optional_double(frequency), as_optional_double(unit_weights),
    as_optional_double(cluster_weights), options, reporter
  )
  unwrap(result, call)
}

raw_evaluate <- function(spec, columns, cluster = NULL, frequency = NULL, unit_weights = NULL,
                         cluster_weights = NULL, options = list(), parameters,
                         call = rlang::caller_env()) {
  result <- .Call(
    wrap__engine_evaluate, spec, as_columns(columns), as_optional_integer(cluster),
    as_optional_double(frequency), as_optional_double(unit_weights),
    as_optional_double(cluster_weights), options, as.double(parameters)
  )
  unwrap(result, call)
}

raw_plan <- function(spec, columns, cluster = NULL, frequency = NULL, unit_weights = NULL,
                     cluster_weights = NULL, options = list(), call = rlang::caller_env()) {
  result <- .Call(
    wrap__engine_plan, spec, as_columns(columns), as_optional_integer(cluster),
    as_optional_double(frequency), as_optional_double(unit_weights),
    as_optional_double(cluster_weights), options
  )
  unwrap(result, call)
}

raw_simulate <- function(spec, columns, cluster = NULL, frequency = NULL, unit_weights = NULL,
                         cluster_weights = NULL, options = list(), parameters,
                         call = rlang::caller_env()) {
  result <- .Call(
    wrap__engine_simulate, spec, as_columns(columns), as_optional_integer(cluster),
    as_optional_double(frequency), as_optional_double(unit_weights),
    as_optional_double(cluster_weights), options, as.double(parameters)
  )
  unwrap(result, call)
}

as_columns <- function(columns) lapply(columns, function(column) if (is.integer(column)) column else as.double(column))
as_optional_double <- function(x) if (is.null(x)) NULL else as.double(x)
as_optional_integer <- function(x) if (is.null(x)) NULL else as.integer(x)

# The engine always answers list(ok = value) or list(err = list(kind, message)).
unwrap <- function(result, call) {
  if (is.null(result$err)) {
    return(result$ok)
  }
  kind <- result$err$kind
  message <- result$err$message
  if (identical(kind, "interrupt")) {
    signal_interrupt(call)
  }
  if (identical(kind, "bug")) {
    rlang::abort(
      c("The engine met a state it should never reach: this is a bug in mlmix.",
        x = message, i = "Please report it with the model and, if you can, the data."),
      class = "mlmix_error_engine", call = call
    )
  }
  rlang::abort(message, class = paste0("mlmix_error_", kind), call = call)
}

# What R does on Ctrl-C: handlers of "interrupt" see it, otherwise back to the prompt.
# A script has no prompt to go back to, so there it is an error.
signal_interrupt <- function(call) {
  condition <- structure(
    class = c("mlmix_interrupt", "interrupt", "condition"),
    list(message = "interrupted by the user", call = call)
  )
  signalCondition(condition)
  if (interactive()) {
    cli::cli_inform("Interrupted.")
    invokeRestart("abort")
  }
  rlang::abort("Interrupted by the user.", class = "mlmix_interrupt", call = call)
}
