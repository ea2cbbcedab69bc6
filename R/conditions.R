# Conditions: how errors, warnings and messages of the package are raised, so that each carries a class to catch.

abort_spec <- function(message, call = rlang::caller_env(), .envir = parent.frame()) {
  cli::cli_abort(message, class = "mlmix_error_spec", call = call, .envir = .envir)
}

abort_data <- function(message, call = rlang::caller_env(), .envir = parent.frame()) {
  cli::cli_abort(message, class = "mlmix_error_data", call = call, .envir = .envir)
}

inform_data <- function(message, .envir = parent.frame()) {
  cli::cli_inform(message, class = "mlmix_message_data", .envir = .envir)
}

# The few candidates closest in spelling to `name`, best first.
nearest_names <- function(name, candidates, n = 3) {
  candidates <- unique(candidates)
  distance <- utils::adist(name, candidates, ignore.case = TRUE)[1, ]
  close <- distance <= max(1, ceiling(nchar(name) / 3))
  utils::head(candidates[close][order(distance[close])], n)
}

# A bullet that suggests the nearest names, or lists what there is.
suggest_names <- function(name, candidates, what = "Known names") {
  near <- nearest_names(name, candidates)
  if (length(near) > 0) {
    return(c(i = cli::format_inline("Did you mean {.or {.val {near}}}?")))
  }
  if (length(candidates) == 0) {
    return(character(0))
  }
  shown <- utils::head(candidates, 10)
  more <- length(candidates) - length(shown)
  if (more > 0) shown <- cli::cli_vec(shown, list("vec-last" = ", "))
  c(i = cli::format_inline("{what}: {.val {shown}}{if (more > 0) paste(' and', more, 'more')}."))
}
