# constrain() applied to a parameter table: names are looked up, equal parameters merged, linear equalities read.

# Returns the table without merged rows, `position` (old row -> new row), `linear` (for the specification) and `merged`,
# the names that equal() took away with those that stand for them.
apply_constraints <- function(frame, parts, call) {
  actions <- unlist(lapply(parts, `[[`, "actions"), recursive = FALSE)
  keep <- seq_along(frame$name) # the row that now stands for each row
  if (length(actions) == 0) {
    return(list(frame = frame, position = keep, linear = list(), merged = stats::setNames(nm = character(0))))
  }
  frame <- unclass(frame)
  for (action in Filter(function(a) a$verb != "linear", actions)) {
    if (action$verb == "equal") {
      rows <- match(action$names, frame$name)
      if (anyNA(rows)) rows <- unlist(lapply(action$names, match_parameters, names = frame$name, call = call))
      result <- merge_rows(frame, keep, unique(keep[rows]), call)
      frame <- result$frame
      keep <- result$keep
      next
    }
    for (i in seq_along(action$names)) {
      rows <- unique(keep[match_parameters(action$names[[i]], frame$name, call)])
      frame <- set_rows(frame, rows, action$verb, action$values[[i]], call)
    }
  }
  position <- match(keep, sort(unique(keep)))
  linear <- lapply(Filter(function(a) a$verb == "linear", actions), function(action) {
    lapply(action$names, parse_linear, names = frame$name, position = position, call = call)
  })
  gone <- keep != seq_along(keep)
  merged <- stats::setNames(frame$name[keep[gone]], frame$name[gone])
  frame <- as_frame(lapply(frame, `[`, sort(unique(keep))))
  frame$id <- seq_along(frame$id)
  list(frame = frame, position = position, linear = unlist(linear, recursive = FALSE) %||% list(), merged = merged)
}

# Rows whose name is `name`, or matches it where `*` stands for any text; variances and covariances only where the
# pattern has their `~~`, so that `*~f` is the loadings on f and not also `f~~f`.
match_parameters <- function(name, names, call) {
  rows <- which(names == name)
  if (length(rows) == 0 && grepl("*", name, fixed = TRUE)) {
    pieces <- gsub("([][{}()+.^$?|\\\\])", "\\\\\\1", strsplit(paste0(name, " "), "*", fixed = TRUE)[[1]])
    pattern <- sub(" $", "", paste(pieces, collapse = ".*"))
    rows <- grep(paste0("^", pattern, "$"), names)
    if (!grepl("~~", name, fixed = TRUE)) rows <- rows[!grepl("~~", names[rows], fixed = TRUE)]
  }
  if (length(rows) == 0) {
    abort_spec(c(
      "{.fn constrain}: the model has no parameter {.val {name}}.",
      suggest_names(name, names, "Parameters"),
      i = "{.code parameters(model, data)} lists all names."
    ), call = call)
  }
  rows
}

merge_rows <- function(frame, keep, rows, call) {
  if (length(rows) < 2) {
    abort_spec(c(
      "{.fn equal} needs at least two different parameters.",
      x = "It matches {.val {frame$name[rows]}}."
    ), call = call)
  }
  values <- unique(frame$value[rows][!frame$free[rows]])
  if (length(values) > 1) {
    abort_spec(c(
      "{.fn equal}: {.val {frame$name[rows]}} are fixed at different values.",
      x = "Found {.val {values}}."
    ), call = call)
  }
  first <- rows[[1]]
  if (length(values) == 1) {
    frame <- set_rows(frame, first, "fix", values, call)
  }
  with <- rows[!is.na(frame$prior_sd[rows])]
  if (length(unique(frame$prior_mean[with])) > 1 || length(unique(frame$prior_sd[with])) > 1) {
    abort_spec(c(
      "{.fn equal}: {.val {frame$name[rows]}} have different priors.", i = "One parameter has one prior."
    ), call = call)
  }
  if (length(with) > 0 && frame$free[[first]]) {
    for (field in c("prior_mean", "prior_sd")) frame[[field]][[first]] <- frame[[field]][[with[[1]]]]
  }
  keep[keep %in% rows] <- first
  list(frame = frame, keep = keep)
}

set_rows <- function(frame, rows, verb, value, call) {
  if (verb == "fix" && is.na(value)) {
    frame$free[rows] <- TRUE
    frame$value[rows] <- NA_real_
    frame$lower[rows] <- ifelse(frame$kind[rows] %in% c("variance", "dispersion"), 0, NA_real_)
  } else if (verb == "fix") {
    negative <- frame$kind[rows] %in% c("variance", "dispersion") & value < 0
    if (any(negative)) {
      abort_spec(c(
        "{.fn fix}: a variance or dispersion cannot be negative.",
        x = "You gave {value} for {.val {frame$name[rows][negative]}}."
      ), call = call)
    }
    frame$free[rows] <- FALSE
    frame$value[rows] <- value
    for (field in c("lower", "upper", "start", "prior_mean", "prior_sd")) frame[[field]][rows] <- NA_real_
  } else if (verb == "start") {
    check_free(frame, rows, "start", call)
    frame$start[rows] <- value
  } else if (verb == "prior") {
    check_free(frame, rows, "prior", call)
    scale <- frame$name[rows][frame$kind[rows] %in% c("variance", "covariance", "dispersion")]
    if (length(scale) > 0) {
      abort_spec(c(
        "{.fn prior}: a variance, covariance or dispersion cannot have a normal prior.", x = "You named {.val {scale}}."
      ), call = call)
    }
    frame$prior_mean[rows] <- value[[1]]
    frame$prior_sd[rows] <- value[[2]]
  } else {
    check_free(frame, rows, "bound", call)
    limits <- ifelse(is.finite(value), value, NA_real_)
    scale <- frame$kind[rows] %in% c("variance", "dispersion")
    frame$lower[rows] <- ifelse(scale, pmax(0, limits[[1]], na.rm = TRUE), limits[[1]])
    frame$upper[rows] <- limits[[2]]
  }
  frame
}

check_free <- function(frame, rows, verb, call) {
  fixed <- frame$name[rows][!frame$free[rows]]
  if (length(fixed) > 0) {
    abort_spec(c(
      "{.fn {verb}}: {.val {fixed}} {?is/are} fixed.",
      i = "Free {?it/them} first with {.code fix(\"{fixed[[1]]}\" = NA)}."
    ), call = call)
  }
}

# "a - 2 * b = 0" to {weights, value}; parameter names are matched longest first, since they contain `=` and `~`.
parse_linear <- function(text, names, position, call) {
  weights <- numeric(0)
  constant <- 0
  side <- 1
  sign <- 1
  number <- NULL
  name <- NULL
  rest <- text
  flush <- function() {
    amount <- side * sign * (if (is.null(number)) 1 else number)
    if (!is.null(name)) {
      key <- as.character(position[[name]] - 1L)
      weights[[key]] <<- amount + (if (key %in% names(weights)) weights[[key]] else 0)
    } else if (!is.null(number)) {
      constant <<- constant + amount
    }
    sign <<- 1
    number <<- name <<- NULL
  }
  by_length <- order(nchar(names), decreasing = TRUE)
  while (nzchar(rest <- trimws(rest))) {
    hit <- by_length[startsWith(rest, names[by_length])]
    digits <- regmatches(rest, regexpr("^([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?", rest))
    first <- substr(rest, 1, 1)
    if (length(hit) > 0 && is.null(name)) {
      name <- hit[[1]]
      rest <- substring(rest, nchar(names[[name]]) + 1)
    } else if (length(digits) == 1 && is.null(number)) {
      number <- as.numeric(digits)
      rest <- substring(rest, nchar(digits) + 1)
    } else if (first %in% c("+", "-", "=", "*")) {
      if (first != "*") {
        flush()
        if (first == "=") side <- -1
        if (first == "-") sign <- -1
      }
      rest <- substring(rest, 2)
    } else {
      abort_spec(c(
        "{.fn linear}: {.val {text}} cannot be read from {.val {rest}} on.",
        suggest_names(sub("[ +*].*$", "", rest), names, "Parameters")
      ), call = call)
    }
  }
  flush()
  if (length(weights) == 0) {
    abort_spec("{.fn linear}: {.val {text}} contains no parameter.", call = call)
  }
  pairs <- unname(Map(function(key, weight) c(as.numeric(key), weight), names(weights), weights))
  list(weights = pairs, value = 0 - constant)
}
