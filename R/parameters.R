# The parameter table: the one owner of order, names, fixed values, starts, bounds and priors.

# A table under construction; an environment, because every equation of a model adds to the same one.
new_table <- function(call = NULL) {
  table <- new.env(parent = emptyenv())
  table$chunks <- list() # columns of the parameters added together
  table$kinds <- character(0) # of every parameter, by position
  table$fixed <- list() # list(position, value) of those fixed afterwards
  table$call <- call # the call that an error message names
  table$shared <- NULL # while set: positions to hand out instead of new parameters (outcomes that are `like` others)
  table$log <- integer(0) # positions handed out, in order, so that another outcome can be like this one
  table
}

# Adds one parameter for each name and returns their positions in the table (from 1). What is not `free` is fixed at
# `value`; the other arguments are one for all, or one for each name.
add_parameters <- function(table, name, kind, level, target, term, class = "", free = TRUE, value = 0,
                           lower = NA_real_) {
  if (!is.null(table$shared)) {
    positions <- take_shared(table, kind, length(class)) # `name` is not even worked out
  } else {
    positions <- length(table$kinds) + seq_along(name)
    table$kinds[positions] <- kind
    table$chunks[[length(table$chunks) + 1L]] <- list(
      name = name, kind = kind, level = level, target = target, term = term, class = class, free = free,
      value = value, lower = lower
    )
  }
  table$log <- c(table$log, positions)
  positions
}

take_shared <- function(table, kind, n) {
  positions <- table$shared[seq_len(n)]
  if (anyNA(positions) || any(table$kinds[positions] != kind)) {
    abort_spec(c(
      "An outcome is {.arg like} another, but their formulas differ in form.",
      i = "Both need the same number of classes, predictors and factors, in the same order."
    ), call = table$call)
  }
  table$shared <- table$shared[-seq_len(n)]
  positions
}

fix_parameters <- function(table, positions, value) {
  table$fixed <- c(table$fixed, list(list(positions = positions, value = value)))
}

table_frame <- function(table) {
  sizes <- lengths(lapply(table$chunks, `[[`, "name"))
  column <- function(field) {
    values <- lapply(table$chunks, `[[`, field)
    given <- lengths(values) # one for all, or one for each name
    rep.int(unlist(values), rep.int(sizes %/% given, given))
  }
  fields <- c("name", "kind", "level", "target", "term", "class", "free", "value", "start", "lower", "upper",
    "prior_mean", "prior_sd")
  frame <- stats::setNames(rep(list(rep(NA_real_, sum(sizes))), length(fields)), fields)
  given <- names(table$chunks[[1]])
  frame[given] <- lapply(given, column)
  frame$value[frame$free] <- NA_real_
  frame$lower[!frame$free] <- NA_real_
  twice <- anyDuplicated(frame$name)
  if (twice > 0) {
    abort_spec("Two parts of the model make the parameter {.val {frame$name[[twice]]}}.", call = table$call)
  }
  for (one in table$fixed) {
    frame$free[one$positions] <- FALSE
    frame$value[one$positions] <- one$value
    frame$lower[one$positions] <- NA_real_
  }
  as_frame(c(list(id = seq_along(frame$name)), frame))
}

# The spec's parameter list from the final frame; `list(NULL)` keeps an element that is null in JSON.
spec_parameters <- function(frame) {
  numbers <- lapply(unclass(frame)[c("value", "start", "lower", "upper")], function(x) {
    replace(as.list(x), !is.finite(x), list(NULL))
  })
  parameters <- .mapply(list, c(list(name = frame$name, free = frame$free), numbers), NULL)
  for (i in which(!is.na(frame$prior_sd))) {
    parameters[[i]]$prior <- list(mean = frame$prior_mean[[i]], sd = frame$prior_sd[[i]])
  }
  parameters
}

#' The parameter table of a model
#'
#' Shows every parameter by the name that [constrain()] takes.
#'
#' @param model A model from [mixture_model()] or a one-line model such as [lca()].
#' @param data Data frame: categories of outcomes and levels of factors come from it. No model is fitted.
#' @param cluster Text or `NULL` (default): the cluster variable, if the model does not name it.
#' @return A data frame of class `mlmix_parameters`, one row per parameter: `id` (row number), `name`, `kind`
#'   (intercept, slope, loading, threshold, variance, covariance, dispersion, mean, regression, logit), `level`,
#'   `target`, `term`, `class` (the class pattern, empty if the same in all), `free`, `value` (of fixed ones), `start`
#'   (`NA`: chosen by the engine), `lower`, `upper`, `prior_mean`, `prior_sd` (of a normal prior; `NA`: none).
#' @seealso [constrain()], [estimates()] after a fit, [simulate_data()].
#' @examples
#' data <- data.frame(y = c(1.2, 0.3, 2.2, 0.9), x = c(0, 1, 0, 1))
#' parameters(mixture_model(latent_class("c", 2), outcome(y ~ c * x)), data)
#' @export
parameters <- function(model, data, cluster = NULL) {
  resolved <- resolve_model(model, data, cluster, call = rlang::current_env())
  structure(resolved$parameters, class = c("mlmix_parameters", "data.frame"), merged = resolved$merged)
}

#' @export
print.mlmix_parameters <- function(x, ...) {
  if (is.null(x$free) || is.null(x$name)) {
    return(NextMethod())
  }
  cat(plural(sum(x$free), "free parameter"), ", ", sum(!x$free), " fixed\n", sep = "")
  shown <- data.frame(
    level = x$level, name = x$name, kind = x$kind,
    status = ifelse(x$free, "free", paste("fixed at", format(x$value, digits = 4, trim = TRUE))),
    start = ifelse(is.na(x$start), "", format(x$start, digits = 4, trim = TRUE)),
    bounds = bound_words(x$lower, x$upper), prior = prior_words(x),
    stringsAsFactors = FALSE
  )
  empty <- vapply(shown, function(column) all(column == ""), TRUE)
  print(shown[!empty], row.names = FALSE, right = FALSE)
  merged <- attr(x, "merged")
  if (length(merged) > 0) {
    cat(strwrap(paste0("Equal: ", paste(names(merged), "as", merged, collapse = ", "), "."), 80, exdent = 2), sep = "\n")
  }
  invisible(x)
}

prior_words <- function(x) {
  number <- function(v) format(v, digits = 4, trim = TRUE)
  sd <- x$prior_sd %||% rep(NA_real_, length(x$name))
  ifelse(is.na(sd), "", paste0("N(", number(x$prior_mean), ", ", number(sd), "\u00b2)"))
}

bound_words <- function(lower, upper) {
  both <- !is.na(lower) & !is.na(upper)
  ifelse(both, paste0("[", lower, ", ", upper, "]"),
    ifelse(!is.na(lower), paste(">=", lower), ifelse(!is.na(upper), paste("<=", upper), "")))
}
