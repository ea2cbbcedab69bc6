# write_json(): a specification as JSON text, exactly as jsonlite writes it but without its cost for every element.

# A specification is some thousand small lists, and `jsonlite::toJSON()` dispatches on the class of each: for 17 items
# that is more time than all other R code of a fit. Plain lists, text, numbers and logicals are written here with
# jsonlite's rules (scalars are unboxed, `I(x)` stays an array, NULL is null, 15 significant digits); whatever is not
# plain goes to jsonlite. Texts with a character that JSON escapes are rare, so they are looked for once.
write_json <- function(x) {
  escaped <- grepl("[\"\\\\/[:cntrl:]]|[^ -~]", c(unlist(x, use.names = FALSE), character(0)))
  if (any(escaped)) jsonlite_text(x) else json_value(x)
}

json_value <- function(x) {
  class <- oldClass(x)
  if (is.list(x) && is.null(class)) return(json_list(x))
  if (is.null(x)) return("null")
  if (!is.null(attributes(x)) && !identical(attributes(x), list(class = "AsIs")) || anyNA(x)) return(jsonlite_text(x))
  text <- switch(typeof(x),
    character = paste0("\"", x, "\"", recycle0 = TRUE), integer = sprintf("%d", x),
    double = if (all(is.finite(x))) sprintf("%.15g", x), logical = c("false", "true")[x + 1L]
  )
  if (is.null(text)) return(jsonlite_text(x))
  if (length(text) == 1 && is.null(class)) text else paste0("[", paste(text, collapse = ","), "]")
}

json_list <- function(x) {
  values <- vapply(x, json_value, "", USE.NAMES = FALSE)
  if (is.null(names(x))) return(paste0("[", paste(values, collapse = ","), "]"))
  fields <- paste0("\"", names(x), "\":", values, recycle0 = TRUE)
  paste0("{", paste(fields, collapse = ","), "}")
}

jsonlite_text <- function(x) {
  unclass(as.character(jsonlite::toJSON(x, auto_unbox = TRUE, digits = NA, null = "null")))
}
