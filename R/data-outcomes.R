# Outcome columns: from what the user has (factors, text, logical, 1/2 codes) to the numbers the engine reads.

# The outcomes of a model one by one: name, component, family, root (the first of those that are alike), trials.
list_items <- function(model) {
  roots <- character(0)
  for (part in model$outcomes) roots[part$names] <- if (is.null(part$like)) part$names else roots[part$like]
  of_part <- function(part) {
    names <- part$names
    like <- part$like
    shared <- list(family = part$family, level = part$level, part = part, trials = part$equation$trials)
    lapply(seq_along(names), function(p) {
      c(list(name = names[[p]], root = roots[[names[[p]]]], like = like[[p]]), shared)
    })
  }
  stats::setNames(unlist(lapply(model$outcomes, of_part), recursive = FALSE), names(roots))
}

# Returns the items with their final family, numeric `values`, category `labels`; messages are gathered in `notes`.
prepare_outcomes <- function(items, data, cluster, call) {
  notes <- new.env(parent = emptyenv())
  notes$list <- list()
  data <- unclass(data)
  # Families and categories depend on the different values of a column only, found once for each column.
  types <- vapply(items, function(item) item$family$type, "")
  seen <- lapply(data[names(items)[depends_on_values(types)]], different_values)
  roots <- vapply(items, `[[`, "", "root")
  zero_one <- types %in% c("auto", "bernoulli") & names(items) %in% names(seen)[vapply(seen, is_zero_one, TRUE)]
  usual <- !roots %in% roots[!zero_one] # with all that are alike
  items[usual] <- lapply(items[usual], prepare_zero_one, data)
  alike <- split(names(items)[!usual], factor(roots[!usual], unique(roots[!usual])))
  for (root in names(alike)) {
    same <- alike[[root]]
    if (items[[root]]$family$type == "auto") {
      family <- choose_family(seen[same], root, items[[root]]$family$link, notes, call)
      for (name in same) items[[name]]$family <- family
    }
    labels <- category_labels(seen[same], items[[root]]$family$type, root, notes, call)
    for (name in same) {
      items[[name]] <- prepare_item(items[[name]], data[[name]], seen[[name]], labels, data, call)
    }
  }
  for (item in Filter(function(item) item$level == "between", items)) {
    if (varies_within(item$values, cluster)) {
      abort_data(c(
        "The between outcome {.var {item$name}} varies within clusters.",
        x = "One cluster has the values {.val {first_varying(item$values, cluster)}}.",
        i = "It must have one value for each cluster; for a within outcome leave {.arg level} out."
      ), call = call)
    }
  }
  report_notes(notes$list)
  inform_assumed(items)
  items
}

# Items of 0 and 1 that are gaussian because nobody said otherwise.
inform_assumed <- function(items) {
  assumed <- Filter(function(item) {
    item$family$type == "gaussian" && isTRUE(item$part$assumed) && all(item$values %in% c(0, 1, NA))
  }, items)
  if (length(assumed) == 0) return(invisible())
  names <- cli::cli_vec(vapply(assumed, `[[`, "", "name"), list("vec-trunc" = 5))
  cli::cli_inform(c(
    i = "{.var {names}}: all values are 0 or 1, and the family is {.fn gaussian}, as none was given.",
    i = "For probabilities of 1 give {.code family = bernoulli()}; {.code family = gaussian()} without this message."
  ), class = c("mlmix_message_family", "mlmix_message_data"))
}

depends_on_values <- function(type) type %in% c("auto", "bernoulli") | has_categories(type)

add_note <- function(notes, kind, name) {
  kind <- gsub("}", "}}", gsub("{", "{{", kind, fixed = TRUE), fixed = TRUE) # braces would be read as code
  notes$list[[kind]] <- c(notes$list[[kind]], name)
}

report_notes <- function(list) {
  for (kind in names(list)) {
    names <- unique(list[[kind]])
    inform_data(c(i = paste0("{.var {names}}: ", kind)))
  }
}

# The different values of a column; of a factor without NA.
different_values <- function(column) {
  if (!is.factor(column)) {
    # Most columns of categories show all of them soon: then no whole number between the extremes is left, or looking
    # values up among few is quicker than unique().
    early <- unique(column[seq_len(min(length(column), 100))])
    highest <- if (is.integer(column) && !is.object(column)) as.double(max(column)) else NA
    all_whole <- !is.na(highest) && highest - min(column) < length(early)
    return(if (!all_whole && anyNA(match(column, early))) unique(column) else early)
  }
  structure(which(tabulate(column, nlevels(column)) > 0), levels = levels(column), class = class(column))
}

# Whether the different values are the numbers 0 and 1, as most items have them.
is_zero_one <- function(seen) {
  if (!is.numeric(seen) || is.object(seen)) return(FALSE)
  seen <- seen[!is.na(seen)]
  length(seen) == 2 && min(seen) == 0 && max(seen) == 1
}

# The different values in a list of vectors, without missing ones.
distinct <- function(seen) {
  values <- unique(unlist(seen, use.names = FALSE))
  values[!is.na(values)]
}

# The place of every value of `raw` among `labels`, counted from `first`; the text of each different value (`seen`) is
# looked up once. Numbers that are their own codes are left as they are, without a copy.
category_codes <- function(raw, seen, labels, first = 1L) {
  shift <- first - 1L
  if (is.factor(raw)) {
    codes <- match(levels(raw), labels) + shift
    place <- as.integer(raw)
    return(if (identical(codes, seq_along(codes))) place else codes[place])
  }
  text <- if (is.character(seen)) seen else as.character(as.numeric(seen))
  codes <- match(text, labels) + shift
  if (is.numeric(raw) && is.null(attributes(raw)) && all(seen == codes, na.rm = TRUE)) return(raw)
  codes[match(raw, seen)]
}

# Levels that never occur are dropped (in the pooled data of outcomes that are alike).
pooled_levels <- function(seen, root, notes) {
  levels <- unique(unlist(lapply(seen, levels), use.names = FALSE))
  unused <- setdiff(levels, unlist(lapply(seen, as.character), use.names = FALSE))
  if (length(unused) > 0) {
    add_note(notes, paste0("levels that never occur are left out (", paste(unused, collapse = ", "), ")."), root)
  }
  setdiff(levels, unused)
}

# The categories of a discrete outcome, in order; NULL for other families. `seen`: the different values of the
# outcomes that share parameters, by name.
category_labels <- function(seen, type, root, notes, call) {
  if (!(type == "bernoulli" || has_categories(type))) {
    return(NULL)
  }
  kind_of <- function(x) if (is.factor(x)) "factor" else if (is.character(x)) "text" else "number"
  kind <- unique(vapply(seen, kind_of, ""))
  if (length(kind) > 1) {
    abort_data("{.var {names(seen)}} share parameters, so all must be factors or all numbers.", call = call)
  }
  labels <- if (kind == "factor") {
    pooled_levels(seen, root, notes)
  } else if (kind == "text") {
    text_categories(seen, type, root, notes, call)
  } else {
    number_categories(seen, type, root, notes, call)
  }
  if (length(labels) == 0) {
    abort_data(c(
      "The outcome {.var {root}} has no value that is not missing.", i = "Leave it out, or look at how it was read."
    ), call = call)
  }
  if (length(labels) < 2) {
    abort_data(c(
      "The outcome {.var {root}} has only one category ({labels}).",
      i = "It says nothing about the classes: leave it out."
    ), call = call)
  }
  if (type == "bernoulli" && length(labels) > 2) {
    abort_data(c(
      "The outcome {.var {root}} has {length(labels)} categories, but {.fn bernoulli} takes two.",
      x = "Found: {.val {utils::head(labels, 8)}}.",
      i = "Use {.code family = ordinal()} or {.code family = nominal()}, or recode it."
    ), call = call)
  }
  labels
}

text_categories <- function(seen, type, root, notes, call) {
  labels <- sort(distinct(seen))
  if (type == "ordinal") {
    abort_data(c(
      "The outcome {.var {root}} is text, so the order of its categories is not known.",
      i = "Make it a factor with its levels in order."
    ), call = call)
  }
  if (type == "bernoulli" && length(labels) == 2) {
    add_note(notes, paste0("\"", labels[[2]], "\" counts as 1, \"", labels[[1]], "\" as 0."), names(seen))
  }
  labels
}

number_categories <- function(seen, type, root, notes, call) {
  values <- as.numeric(distinct(seen))
  if (type == "bernoulli" && all(values %in% 0:1)) {
    return(if (length(values) == 2) c("0", "1") else as.character(values))
  }
  values <- sort(values)
  if (any(values != round(values)) && !(type == "bernoulli" && length(values) == 2)) {
    abort_data(c(
      "The outcome {.var {root}} has values that are not whole numbers, so they cannot be categories.",
      i = "Use {.code family = gaussian()} for a continuous outcome."
    ), call = call)
  }
  if (length(values) > 30) {
    abort_data(c(
      "The outcome {.var {root}} has {length(values)} different values, too many for categories.",
      i = "Use {.code family = gaussian()}, or {.code poisson()} for counts."
    ), call = call)
  }
  if (type == "bernoulli" && length(values) == 2) {
    add_note(notes, paste0(values[[2]], " counts as 1, ", values[[1]], " as 0."), names(seen))
  } else if (length(values) > 1 && any(diff(values) != 1)) {
    found <- paste(values, collapse = ", ")
    add_note(notes, paste0("the categories are ", found, "; the gap has no meaning."), names(seen))
  }
  as.character(values)
}

# For family = "auto": two categories bernoulli, ordered factors ordinal, other categories nominal.
choose_family <- function(seen, root, link, notes, call) {
  if (all(vapply(seen, is.numeric, TRUE))) {
    values <- distinct(seen)
    if (length(values) > 10 || any(values != round(values))) {
      abort_data(c(
        "The item {.var {root}} is continuous ({length(values)} different values), not categorical.",
        i = "For latent profiles use {.fn lpa}; for counts give {.code family = poisson()}."
      ), call = call)
    }
    n <- length(values)
  } else {
    n <- length(distinct(lapply(seen, as.character)))
  }
  if (n <= 2) {
    return(bernoulli(link))
  }
  if (all(vapply(seen, is.ordered, TRUE))) {
    return(ordinal(link))
  }
  if (all(vapply(seen, is.numeric, TRUE))) {
    text <- "numbers taken as unordered categories; if they are ordered, give `family = ordinal()`."
    add_note(notes, text, names(seen))
  }
  nominal()
}

# An item of numbers 0 and 1, which are their own codes.
prepare_zero_one <- function(item, data) {
  raw <- data[[item$name]]
  if (item$family$type == "auto") item$family <- new_family("bernoulli", item$family$link)
  values <- if (is.null(attributes(raw))) raw else as.integer(raw)
  c(item, list(values = values, labels = c("0", "1"), n_categories = 2L))
}

# `seen`: the different values of `raw`, known if the family depends on them.
prepare_item <- function(item, raw, seen, labels, data, call) {
  type <- item$family$type
  if (is.null(seen)) seen <- raw
  if (anyNA(seen) && all(is.na(seen))) {
    abort_data("The outcome {.var {item$name}} has no observed value.", call = call)
  }
  if (!is.null(labels)) {
    item$values <- category_codes(raw, seen, labels, if (type == "bernoulli") 0L else 1L)
    item$labels <- labels
    item$n_categories <- length(labels)
    return(item)
  }
  if (!(is.numeric(raw) || is.logical(raw))) {
    abort_data(c(
      "The outcome {.var {item$name}} is {if (is.factor(raw)) 'a factor' else 'text'}, but {.fn {type}} needs numbers.",
      i = "Use {.code family = bernoulli()}, {.code ordinal()} or {.code nominal()} for categories."
    ), call = call)
  }
  item$values <- as.numeric(raw)
  check_numbers(item, data, call)
}

check_numbers <- function(item, data, call) {
  type <- item$family$type
  values <- item$values
  if (anyNA(values)) values <- values[!is.na(values)]
  counts <- type %in% c("poisson", "binomial") || has_dispersion(type) || has_zero_part(type)
  if (counts && any(values < 0 | values != round(values))) {
    abort_data(c(
      "The outcome {.var {item$name}} must be a count: 0, 1, 2 and so on.",
      x = "Found {.val {utils::head(unique(values[values < 0 | values != round(values)]), 3)}}."
    ), call = call)
  }
  if (type == "censored" && any(values < item$family$lower | values > item$family$upper)) {
    outside <- values[values < item$family$lower | values > item$family$upper]
    abort_data(c(
      "The outcome {.var {item$name}} has values beyond its limits {item$family$lower} and {item$family$upper}.",
      x = "Found {.val {utils::head(unique(outside), 3)}}."
    ), call = call)
  }
  if (type == "binomial") {
    failures <- as.numeric(data[[item$trials]])
    if (any(failures < 0 | failures != round(failures), na.rm = TRUE)) {
      abort_data("The failures {.var {item$trials}} must be counts: 0, 1, 2 and so on.", call = call)
    }
    item$trials_values <- item$values + failures
    item$values[is.na(item$trials_values)] <- NA_real_
    item$trials_values[is.na(item$trials_values)] <- 1
  } else if (min(values) == max(values)) {
    abort_data(c(
      "The outcome {.var {item$name}} has only one value ({.val {values[[1]]}}).",
      i = "It says nothing about the classes: leave it out."
    ), call = call)
  }
  item
}
