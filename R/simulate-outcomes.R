# What the engine drew, put back into a data frame: categories get their labels, stacked items their columns.

engine_simulate <- function(resolved, parameters, seed, call) {
  options <- fit_options(1, seed, "none", quadrature(), 1, mlmix_control(), call)
  raw_simulate(
    resolved$spec, resolved$columns, resolved$cluster, options = engine_options(options),
    parameters = parameters, call = call
  )
}

# `like` is the data frame whose outcome columns say how categories are written.
outcomes_into <- function(data, like, drawn, resolved, model, latent) {
  trials <- lapply(list_items(model), `[[`, "trials")
  for (item in resolved$items) {
    values <- into_rows(drawn$outcomes[[item$name]], resolved, nrow(data))
    if (!is.null(trials[[item$name]])) {
      column <- Filter(function(o) o$name == item$name, resolved$spec$outcomes)[[1]]$family$trials
      data[[trials[[item$name]]]] <- into_rows(resolved$columns[[column]], resolved, nrow(data)) - values
    }
    data[[item$name]] <- as_written(values, item, like[[item$name]])
  }
  if (latent) {
    for (part in c("classes", "latents")) {
      for (name in names(drawn[[part]])) data[[name]] <- into_rows(drawn[[part]][[name]], resolved, nrow(data))
    }
  }
  data
}

# One value for each row of the data. Of the rows stacked from one row, the (last) one with a value counts.
into_rows <- function(values, resolved, n) {
  out <- rep(NA_real_, n)
  seen <- !is.na(values)
  out[resolved$row_used[seen]] <- values[seen]
  out
}

# Numbers of categories as the outcome was written: factor, text, logical or number.
as_written <- function(values, item, like) {
  if (is.null(item$labels)) return(values)
  text <- item$labels[values + (item$family == "bernoulli")]
  if (is.factor(like)) return(factor(text, levels(like), ordered = is.ordered(like)))
  if (is.logical(like)) return(as.logical(as.numeric(text)))
  if (is.character(like)) return(text)
  numbers <- suppressWarnings(as.numeric(item$labels))
  if (!anyNA(numbers)) return(numbers[values + (item$family == "bernoulli")])
  factor(text, item$labels, ordered = item$family == "ordinal")
}
