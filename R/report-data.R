# The data section of a report: cases, rows left out, every outcome and predictor.

report_data <- function(fit) {
  data <- fit$data
  outcomes <- outcome_text(fit)
  c(
    html_text(paste0(sub("^Data: ", "", data_words(fit)), ".")),
    html_list(c(dropped_words(data), cluster_words(fit), weight_words(data))),
    html_table(outcomes, "Outcomes", note = c(
      if (!is.null(outcomes$missing)) {
        "Missing values of outcomes are dealt with by full information maximum likelihood (missing at random)."
      },
      if (!is.null(data$frequency)) "Counted by frequency."
    )),
    html_table(predictor_text(fit), "Predictors as they enter the equations")
  )
}

dropped_words <- function(data) {
  reasons <- c(cluster = "the cluster is missing", covariates = "a predictor is missing",
    outcomes = "no outcome is observed")
  n <- unlist(data$dropped)[names(reasons)]
  n <- n[!is.na(n) & n > 0]
  paste0(vapply(n, plural, "", one = "row"), " left out because ", reasons[names(n)], ".", recycle0 = TRUE)
}

cluster_words <- function(fit) {
  if (is.null(fit$data$cluster) || !is.null(fit$data$reshape)) return(character())
  sizes <- tapply(case_frequency(fit), fit$data$cluster, sum)
  words <- if (min(sizes) == max(sizes)) paste(format(min(sizes)), "units each") else
    paste0(format(min(sizes)), " to ", format(max(sizes)), " units, median ", format(stats::median(sizes)))
  paste0("Clusters (", fit$data$cluster_name, "): ", length(sizes), ", with ", words, ".")
}

weight_words <- function(data) {
  c(
    if (!is.null(data$unit_weights)) "Sampling weights of units, scaled to the number of cases.",
    if (!is.null(data$cluster_weights) && is.null(data$reshape)) "Sampling weights of clusters.",
    if (!is.null(data$cluster_weights) && !is.null(data$reshape)) "Weights or frequencies of persons."
  )
}

# How often each row used was observed.
case_frequency <- function(fit) {
  if (is.null(fit$data$frequency)) rep(1, length(fit$data$row_used)) else fit$data$frequency
}

outcome_text <- function(fit) {
  count <- case_frequency(fit)
  stacked <- !is.null(fit$data$reshape)
  rows <- lapply(fit$data$items, function(item) {
    value <- fit$data$columns[[item$column]]
    if (item$level == "between") {
      first <- !duplicated(fit$data$cluster)
      value <- value[first]
      count <- rep(1, sum(first))
    }
    seen <- !is.na(value)
    data.frame(
      outcome = item$name, family = family_text(item), observed = big_number(sum(count[seen])),
      missing = if (stacked || all(seen)) "" else percent(sum(count[!seen]) / sum(count)),
      distribution = distribution_text(value[seen], count[seen], item), stringsAsFactors = FALSE
    )
  })
  table <- bind_rows(rows)
  table[vapply(table, function(column) any(nzchar(column)), NA)]
}

family_text <- function(item) {
  link <- item$link
  type <- gsub("_", " ", item$family)
  if (is.null(link) || item$family %in% c("gaussian", "nominal", "censored")) type else paste0(type, ", ", link)
}

# Categories with their shares, or mean, standard deviation and range.
distribution_text <- function(value, count, item) {
  if (item$family == "bernoulli" || has_categories(item$family)) {
    labels <- item$labels
    codes <- seq_along(labels) - (item$family == "bernoulli")
    share <- vapply(codes, function(code) sum(count[value == code]), 0) / sum(count)
    return(paste0(labels, ": ", percent(share), collapse = "; "))
  }
  mean <- sum(count * value) / sum(count)
  sd <- sqrt(sum(count * (value - mean)^2) / max(1, sum(count) - 1))
  paste0("mean ", short_number(mean), ", sd ", short_number(sd), ", from ", short_number(min(value)), " to ",
    short_number(max(value)))
}

short_number <- function(x) format(signif(x, 4), digits = 4, trim = TRUE)

predictor_text <- function(fit) {
  used <- vapply(fit$data$items, function(item) item$column, "")
  columns <- fit$data$columns[setdiff(names(fit$data$columns), used)]
  count <- case_frequency(fit)
  bind_rows(lapply(names(columns), function(name) {
    value <- columns[[name]]
    seen <- !is.na(value)
    mean <- sum(count[seen] * value[seen]) / sum(count[seen])
    data.frame(
      predictor = name, mean = short_number(mean),
      sd = short_number(sqrt(sum(count[seen] * (value[seen] - mean)^2) / max(1, sum(count[seen]) - 1))),
      from = short_number(min(value[seen])), to = short_number(max(value[seen])), stringsAsFactors = FALSE
    )
  }))
}
