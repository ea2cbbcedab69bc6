# Names of variables written as u1, c(u1, z), u1:u17 or "u1", expanded to a character vector.

# `evaluate`: whether the whole of `expr` may be a variable or call that gives a character vector (the items of a
# one-line model), or whether symbols always stand for themselves (the left-hand side of a formula). Inside c() they
# always do.
expand_names <- function(expr, env, arg, evaluate = FALSE, call = rlang::caller_env()) {
  names <- expand_one(expr, env, arg, evaluate, call)
  twice <- unique(names[duplicated(names)])
  if (length(twice) > 0) {
    abort_spec("{.arg {arg}} names {.var {twice}} twice.", call = call)
  }
  names
}

expand_one <- function(expr, env, arg, evaluate, call) {
  if (is.character(expr)) {
    return(expr)
  }
  if (is.symbol(expr)) {
    name <- as.character(expr)
    value <- if (evaluate) get0(name, envir = env, mode = "character") else NULL
    return(if (length(value) == 0) name else unname(value))
  }
  if (rlang::is_call(expr, "(", n = 1)) {
    return(expand_one(expr[[2]], env, arg, evaluate, call))
  }
  if (rlang::is_call(expr, c("c", "cbind"))) {
    parts <- lapply(as.list(expr)[-1], expand_one, env, arg, FALSE, call)
    return(unlist(unname(parts)))
  }
  if (rlang::is_call(expr, ":", n = 2)) {
    ends <- lapply(as.list(expr)[-1], function(end) {
      if (is.symbol(end) || is.character(end)) as.character(end) else NULL
    })
    if (!any(vapply(ends, is.null, TRUE))) {
      return(expand_range(ends[[1]], ends[[2]], arg, call))
    }
  }
  if (evaluate) {
    value <- tryCatch(eval(expr, env), error = function(e) NULL)
    if (is.character(value) && length(value) > 0) {
      return(unname(value))
    }
  }
  abort_spec(c(
    "{.arg {arg}} must name variables.",
    x = "You gave {.code {deparse1(expr)}}.",
    i = "Accepted are one name, {.code c(u1, u2, z)}, and a numbered range such as {.code u1:u17}."
  ), call = call)
}

# u1:u17, u01:u12, x1y1:x1y5: the same beginning, then a number.
expand_range <- function(from, to, arg, call) {
  pattern <- "^(.*?)([0-9]+)$"
  stem <- sub(pattern, "\\1", c(from, to), perl = TRUE)
  number <- sub(pattern, "\\2", c(from, to), perl = TRUE)
  numbered <- all(grepl(pattern, c(from, to), perl = TRUE))
  if (!numbered || stem[[1]] != stem[[2]]) {
    abort_spec(c(
      "{.arg {arg}}: {.code {from}:{to}} is not a numbered range.",
      i = "A range is expanded by number, as in {.code u1:u17}: both ends need the same beginning and a number.",
      i = "It does not mean the columns between the two; for that write {.code c({from}, {to})} with every name."
    ), call = call)
  }
  ends <- as.numeric(number)
  if (ends[[1]] > ends[[2]]) {
    abort_spec("{.arg {arg}}: the range {.code {from}:{to}} runs backwards.", call = call)
  }
  width <- if (startsWith(number[[1]], "0")) nchar(number[[1]]) else 1
  paste0(stem[[1]], formatC(seq(ends[[1]], ends[[2]]), width = width, flag = "0", format = "d"))
}

# A call that stands for these names on the left-hand side of a formula.
names_to_call <- function(names) {
  if (length(names) == 1) as.symbol(names) else as.call(c(list(quote(c)), lapply(names, as.symbol)))
}
