# The summary of a Monte Carlo study: one row per model and parameter, and how it is printed.

#' @param object,x From `monte_carlo()`.
#' @rdname monte_carlo
#' @export
summary.mlmix_monte_carlo <- function(object, ...) {
  if (nrow(object$estimates) == 0) {
    return(structure(data.frame(model = character(0), name = character(0)), class = c("mlmix_recovery", "data.frame")))
  }
  used <- object$fits[object$fits$status == "converged", c("replication", "model")]
  estimates <- merge(object$estimates, used, by = c("replication", "model"), sort = FALSE)
  keys <- unique(object$estimates[c("model", "name")])
  rows <- Map(function(model, name) {
    one <- estimates[estimates$model == model & estimates$name == name, , drop = FALSE]
    data.frame(model = model, name = name, recovery(one, 1 - object$level))
  }, keys$model, keys$name)
  table <- bind_rows(rows)
  table <- table[order(match(table$model, object$models)), , drop = FALSE]
  rownames(table) <- NULL
  structure(table, class = c("mlmix_recovery", "data.frame"))
}

# One parameter over the replications. With estimates e_r, true value t, standard errors s_r, r = 1..R:
# bias = mean(e) - t, mse = mean((e - t)^2), and Monte Carlo errors sd(e) / sqrt(R), sqrt(c (1 - c) / R) of a share c.
recovery <- function(one, alpha) {
  true <- if (nrow(one) > 0) one$true[[1]] else NA_real_
  with_error <- one[!is.na(one$std.error), , drop = FALSE]
  share <- function(x) if (all(is.na(x))) NA_real_ else mean(x, na.rm = TRUE)
  mean_or_na <- function(x) if (length(x) == 0) NA_real_ else mean(x)
  coverage <- share(with_error$conf.low <= with_error$true & with_error$true <= with_error$conf.high)
  spread <- stats::sd(one$estimate)
  data.frame(
    true = true, average = mean_or_na(one$estimate), bias = mean_or_na(one$estimate) - true,
    mse = mean_or_na((one$estimate - true)^2), sd = spread, se = mean_or_na(with_error$std.error),
    coverage = coverage, power = share(with_error$p.value < alpha), n = nrow(one), n_se = nrow(with_error),
    bias_error = spread / sqrt(nrow(one)), coverage_error = sqrt(coverage * (1 - coverage) / nrow(with_error))
  )
}

#' @rdname monte_carlo
#' @method tidy mlmix_monte_carlo
#' @export
tidy.mlmix_monte_carlo <- function(x, ...) {
  table <- as.data.frame(summary(x))
  class(table) <- "data.frame"
  names(table)[names(table) == "name"] <- "term"
  table
}

#' @rdname monte_carlo
#' @export
print.mlmix_monte_carlo <- function(x, ...) {
  cat("Monte Carlo study:", plural(x$replications, "replication"), "\n")
  summary <- summary(x)
  for (model in x$models) {
    cat("\n", if (length(x$models) > 1) paste0("Model ", model, ": ") else "", study_counts(x, model), "\n", sep = "")
    rows <- summary[summary$model == model, , drop = FALSE]
    if (nrow(rows) > 0) print_recovery(rows)
  }
  cat("\n", paste0(strwrap(paste0(
    "Used: replications that converged. cover: share of ", format(100 * x$level),
    " % intervals with the true value; power: share of Wald tests against 0 significant at ", format(1 - x$level),
    "; both, and se (the average standard error), where there is a standard error."
  ), 80), "\n"), sep = "")
  invisible(x)
}

#' @export
print.mlmix_recovery <- function(x, ...) {
  if (!all(c("model", "name", "true", "average", "n_se") %in% names(x))) return(NextMethod())
  for (model in unique(x$model)) {
    if (length(unique(x$model)) > 1) cat("Model ", model, "\n", sep = "")
    print_recovery(x[x$model == model, , drop = FALSE])
  }
  invisible(x)
}

print_recovery <- function(rows) {
  columns <- c(average = "average", bias = "bias", mse = "mse", sd = "sd", se = "se", coverage = "cover",
    power = "power")
  shown <- lapply(rows[names(columns)], study_number)
  shown[c("coverage", "power")] <- lapply(rows[c("coverage", "power")], study_number, digits = 2)
  names(shown) <- columns
  print_within(data.frame(
    parameter = rows$name, true = study_number(rows$true, 2), shown, n = format(rows$n, trim = TRUE)
  ))
}

study_number <- function(x, digits = 3) {
  text <- formatC(x, format = "f", digits = digits)
  ifelse(is.na(x), "", ifelse(abs(x) >= 1e5, formatC(x, format = "e", digits = 0), text))
}

# A plain table whose first column is shortened so that a line has 80 characters.
print_within <- function(table, width = 80) {
  others <- table[-1]
  taken <- 2 + sum(2 + pmax(nchar(names(others)), vapply(others, function(x) max(nchar(x)), 1L)))
  table[[1]] <- shorten(table[[1]], max(10, width - taken))
  print_plain(table)
}

# "198 of 200 converged, 2 failed (reason)" and how many touch a boundary.
study_counts <- function(x, model) {
  fits <- x$fits[x$fits$model == model, , drop = FALSE]
  counts <- table(fits$status)
  others <- setdiff(names(counts), "converged")
  reasons <- unique(fits$reason[fits$status == "failed"])
  held <- sum(fits$boundary > 0, na.rm = TRUE)
  flat <- sum(fits$not_identified > 0, na.rm = TRUE)
  words <- c(
    paste(sum(fits$status == "converged"), "of", nrow(fits), "converged"),
    if (length(others) > 0) paste(counts[others], c(max_iterations = "reached the limit of iterations",
      stalled = "stalled", failed = "failed", cancelled = "cancelled")[others]),
    if (held > 0) paste(held, "with parameters at a boundary"),
    if (flat > 0) paste(flat, "with parameters not identified")
  )
  text <- paste(words, collapse = "; ")
  if (length(reasons) > 0) text <- paste0(text, "\n  First reason of failure: ", strsplit(reasons[[1]], "\n")[[1]][[1]])
  text
}
