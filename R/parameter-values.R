# Values of parameters given by name, put into the order of the parameter table.

# A named vector from what the user gave: a named vector, or a data frame with names and values.
parameter_input <- function(parameters, call) {
  if (is.data.frame(parameters)) {
    column <- intersect(c("estimate", "value"), names(parameters))
    if (is.null(parameters$name) || length(column) == 0) {
      abort_spec(c(
        "{.arg parameters}: the data frame must have columns {.field name} and {.field estimate} or {.field value}.",
        x = "Its columns are {.field {names(parameters)}}."
      ), call = call)
    }
    parameters <- stats::setNames(parameters[[column[[1]]]], as.character(parameters$name))
  }
  if (!is.numeric(parameters) || is.null(names(parameters)) || anyDuplicated(names(parameters))) {
    abort_spec(c(
      "{.arg parameters} must be numbers, each with the name of one parameter.", x = "You gave {describe(parameters)}.",
      i = "{.code parameters(model, data)} shows the names."
    ), call = call)
  }
  parameters
}

parameter_values <- function(given, table, call) {
  unknown <- setdiff(names(given), table$name)
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg parameters} names {.val {unknown}}, which {?is/are} no parameter{?s} of the model.",
      suggest_names(unknown[[1]], table$name, "Parameters")
    ), call = call)
  }
  values <- table$value
  values[match(names(given), table$name)] <- given
  missing <- table$name[!is.finite(values)]
  if (length(missing) > 0) {
    shown <- utils::head(missing, 10)
    more <- length(missing) - length(shown)
    abort_spec(c(
      "{.arg parameters} lacks a value for {.val {shown}}{if (more > 0) paste(' and', more, 'more')}.",
      i = "Every free parameter needs a number."
    ), call = call)
  }
  moved <- !table$free & abs(values - table$value) > 1e-8
  if (any(moved)) {
    first <- which(moved)[[1]]
    abort_spec(c(
      "{.arg parameters}: {.val {table$name[[first]]}} is fixed at {table$value[[first]]} in the model.",
      x = "You gave {values[[first]]}."
    ), call = call)
  }
  values
}
