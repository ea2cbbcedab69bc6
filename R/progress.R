# The progress bar of a long estimation: start number, iteration, best log-likelihood so far.

# From the `progress` argument to what the engine calls: NULL, or a function of
# (start number, iteration, best log-likelihood) that returns FALSE to stop the estimation.
as_reporter <- function(progress, options, env = parent.frame()) {
  if (is.null(progress) || isFALSE(progress)) {
    return(NULL)
  }
  if (is.function(progress)) {
    return(guard_reporter(progress))
  }
  guard_reporter(progress_bar(options$starts, env))
}

# An error inside the function would look like Ctrl-C to the engine: warn once and go on without it.
guard_reporter <- function(report) {
  broken <- FALSE
  function(start, iteration, best) {
    if (broken) {
      return(TRUE)
    }
    tryCatch(
      !isFALSE(report(start, iteration, best)),
      error = function(e) {
        broken <<- TRUE
        cli::cli_warn(c(
          "The {.arg progress} function failed; the estimation goes on without it.",
          x = "{conditionMessage(e)}"
        ))
        TRUE
      }
    )
  }
}

# A cli progress bar that lives as long as `env`, the frame of the fitting function.
progress_bar <- function(starts, env) {
  of_total <- if (is.null(starts)) "" else "/{cli::pb_total}"
  id <- NULL
  function(start, iteration, best) {
    status <- sprintf("iteration %d, best log-likelihood %.4f", as.integer(iteration), best)
    if (is.null(id)) {
      id <<- cli::cli_progress_bar(
        total = if (is.null(starts)) NA else starts, clear = TRUE, auto_terminate = FALSE, .envir = env,
        format = paste0("Start {cli::pb_current}", of_total, ": {cli::pb_status} [{cli::pb_elapsed}]")
      )
    }
    cli::cli_progress_update(set = start, status = status, id = id, .envir = env, force = TRUE)
    TRUE
  }
}
