# What is read from a bootstrap: its summary, covariance matrix and confidence intervals.

# The replications that converged, one row for each and one column for each quantity; in the order of the fit's.
bootstrap_matrix <- function(boot, what = "estimate") {
  used <- boot$fits$replication[boot$fits$status == "converged"]
  names <- boot$original$name
  rows <- match(boot$estimates$replication, used)
  columns <- match(boot$estimates$name, names)
  values <- matrix(NA_real_, length(used), length(names), dimnames = list(used, names))
  inside <- !is.na(rows) & !is.na(columns)
  values[cbind(rows, columns)[inside, , drop = FALSE]] <- boot$estimates[[what]][inside]
  values
}

#' @param x,object From `bootstrap()`.
#' @param level Number between 0 and 1, default 0.95: of the percentile intervals.
#' @param ... Not used.
#' @rdname bootstrap
#' @export
summary.mlmix_bootstrap <- function(object, level = 0.95, ...) {
  values <- bootstrap_matrix(object)
  limits <- bootstrap_limits(object, check_level(level), "percentile")
  data.frame(
    name = object$original$name, estimate = object$original$estimate,
    bias = colMeans(values, na.rm = TRUE) - object$original$estimate,
    std.error = apply(values, 2, stats::sd, na.rm = TRUE), conf.low = limits[, 1], conf.high = limits[, 2],
    std.error.fit = object$original$std.error, n = colSums(!is.na(values)), row.names = NULL
  )
}

#' @param conf.level As `level`.
#' @rdname bootstrap
#' @method tidy mlmix_bootstrap
#' @export
tidy.mlmix_bootstrap <- function(x, conf.level = 0.95, ...) {
  table <- summary(x, check_level(conf.level, "conf.level"))
  names(table)[[1]] <- "term"
  table[c("term", "estimate", "bias", "std.error", "conf.low", "conf.high")]
}

#' @rdname bootstrap
#' @export
vcov.mlmix_bootstrap <- function(object, ...) stats::cov(bootstrap_matrix(object), use = "pairwise.complete.obs")

#' @param row.names,optional Not used.
#' @rdname bootstrap
#' @export
as.data.frame.mlmix_bootstrap <- function(x, row.names = NULL, optional = FALSE, ...) {
  used <- x$estimates$replication %in% x$fits$replication[x$fits$status == "converged"]
  rows <- x$estimates[used, , drop = FALSE]
  rows$original <- x$original$estimate[match(rows$name, x$original$name)]
  rownames(rows) <- NULL
  rows
}

#' @rdname bootstrap
#' @export
print.mlmix_bootstrap <- function(x, ...) {
  how <- if (x$type == "parametric") "Parametric bootstrap" else paste("Bootstrap of", x$n_units, x$unit)
  x$fits$model <- rep("", nrow(x$fits))
  cat(how, ": ", plural(x$replications, "replication"), "\n", study_counts(x, ""), "\n\n", sep = "")
  table <- summary(x)
  if (any(table$n > 0)) {
    columns <- c(estimate = "estimate", bias = "bias", std.error = "std.error", conf.low = "conf.low",
      conf.high = "conf.high", std.error.fit = "(of the fit)", n = "n")
    shown <- lapply(table[names(columns)], study_number)
    shown$n <- format(table$n, trim = TRUE)
    names(shown) <- columns
    print_within(data.frame(parameter = table$name, shown, check.names = FALSE))
    cat("\nstd.error: standard deviation of the replications; limits: 95 % percentile interval\n")
  }
  invisible(x)
}
