# Small checks of arguments that every builder shares.

check_count <- function(x, arg, min = 1, call = rlang::caller_env()) {
  ok <- is.numeric(x) && length(x) == 1 && is.finite(x) && x == round(x) && x >= min
  if (!ok) {
    abort_spec(c(
      "{.arg {arg}} must be a whole number of at least {min}.",
      x = "You gave {describe(x)}."
    ), call = call)
  }
  as.integer(x)
}

check_flag <- function(x, arg, call = rlang::caller_env()) {
  if (!(is.logical(x) && length(x) == 1 && !is.na(x))) {
    abort_spec(c(
      "{.arg {arg}} must be {.code TRUE} or {.code FALSE}.",
      x = "You gave {describe(x)}."
    ), call = call)
  }
  x
}

# One of `choices`; the whole vector (an argument's untouched default) means the first.
check_choice <- function(x, choices, arg, call = rlang::caller_env()) {
  if (identical(x, choices)) {
    return(choices[[1]])
  }
  if (!(is.character(x) && length(x) == 1 && x %in% choices)) {
    abort_spec(c(
      "{.arg {arg}} must be {.or {.val {choices}}}.",
      x = "You gave {describe(x)}."
    ), call = call)
  }
  x
}

check_string <- function(x, arg, what, call = rlang::caller_env()) {
  if (!(is.character(x) && length(x) == 1 && !is.na(x) && nzchar(x))) {
    abort_spec(c(
      "{.arg {arg}} must be {what}, in quotes.",
      x = "You gave {describe(x)}."
    ), call = call)
  }
  x
}

# One name or several.
check_names_of <- function(x, arg, call = rlang::caller_env()) {
  if (!(is.character(x) && length(x) > 0 && !anyNA(x) && all(nzchar(x)))) {
    abort_spec(c(
      "{.arg {arg}} must be one name or several, in quotes.", x = "You gave {describe(x)}."
    ), call = call)
  }
  x
}

# The name of a latent variable: letters, digits, dots and underscores, as R's own names.
check_latent_name <- function(x, arg = "name", call = rlang::caller_env()) {
  check_string(x, arg, "one name", call = call)
  if (!identical(make.names(x), x)) {
    abort_spec(c(
      "{.arg {arg}} must be a name that R accepts: letters, digits, {.code .} and {.code _}, beginning with a letter.",
      x = "You gave {.val {x}}."
    ), call = call)
  }
  x
}

# A value in words, short enough for a message.
describe <- function(x) {
  if (is.null(x)) {
    return("nothing (`NULL`)")
  }
  if (is.atomic(x) && length(x) == 1) {
    return(if (is.character(x)) paste0("\"", x, "\"") else format(x))
  }
  if (is.atomic(x) && length(x) > 0 && length(x) <= 5) {
    return(paste0("c(", paste(vapply(x, describe, ""), collapse = ", "), ")"))
  }
  if (rlang::is_formula(x)) {
    return(paste0("the formula `", deparse1(x), "`"))
  }
  if (is.function(x)) {
    return("a function")
  }
  paste0("an object of class ", class(x)[[1]], " and length ", length(x))
}

plural <- function(n, one, many = paste0(one, "s")) {
  paste(n, if (n == 1) one else many)
}

# An array in JSON whatever its length: `I()` without its checks.
as_array <- function(x) {
  class(x) <- "AsIs"
  x
}

# A data frame of columns of one length, without the checks that make data.frame() and list2DF() slow.
as_frame <- function(columns) {
  structure(columns, class = "data.frame", row.names = .set_row_names(length(columns[[1]])))
}
