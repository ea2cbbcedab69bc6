# integration(): which latent variables were integrated how, and how accurately.

#' How latent variables were integrated
#'
#' @param fit A fit from [mlmix()].
#' @return A list of class `mlmix_integration`: `dimensions` (data frame: `name`, `level`, `how` (numeric or
#'   analytic), `why`), `method`, `points`, `adaptive`, `n_nodes`, `error` (change of the log-likelihood when
#'   evaluated with about twice the points; `NA` without numeric dimensions).
#' @seealso [integration_plan()] for the same before a fit; [quadrature()] to change it.
#' @examples
#' fit <- mlmix(irt(item1:item5, type = "2pl"), lsat, starts = 1, seed = 1)
#' integration(fit)
#' @export
integration <- function(fit) {
  check_fit(fit)
  new_integration(fit$integration)
}

# From the engine's list to a data frame of dimensions and single values.
new_integration <- function(part) {
  columns <- c("name", "level", "how", "why")
  dimensions <- lapply(columns, function(column) vapply(part$dimensions, function(d) as.character(d[[column]]), ""))
  names(dimensions) <- columns
  structure(
    list(
      dimensions = data.frame(dimensions, stringsAsFactors = FALSE), method = part$method,
      points = part$points, adaptive = part$adaptive, n_nodes = part$n_nodes, error = number_or_na(part$error)
    ),
    class = "mlmix_integration"
  )
}

#' @export
print.mlmix_integration <- function(x, ...) {
  if (nrow(x$dimensions) == 0) {
    cat("No latent variable to integrate.\n")
    return(invisible(x))
  }
  cat(integration_words(x), sep = "\n")
  cat("\n")
  cat(dimension_lines(x$dimensions), sep = "\n")
  invisible(x)
}

# The rule in one sentence, wrapped.
integration_words <- function(x) {
  n <- sum(x$dimensions$how == "numeric")
  if (n == 0) return("Latent variables are integrated in closed form.")
  error <- if (!is.na(x$error)) {
    paste0("; twice the points change the log-likelihood by ", if (abs(x$error) < 1e-6) "less than 1e-06" else
      format(signif(x$error, 2)))
  }
  strwrap(paste0("Numerical integration in ", plural(n, "dimension"), ": ", rule_words(x), error), 80, exdent = 2)
}

rule_words <- function(x) {
  grid <- x$method %in% grid_rules
  several <- nrow(x$dimensions[x$dimensions$how == "numeric", ]) > 1
  levels <- unique(x$dimensions$level[x$dimensions$how == "numeric"])
  each <- if (grid && several) " each" else if (!grid && length(levels) > 1) " at each level" else ""
  name <- switch(x$method, gauss_hermite = "Gauss-Hermite", monte_carlo = "Monte Carlo", sobol = "Sobol", x$method)
  paste0(name, ", ", plural(big_number(x$points), "point"), each, if (isTRUE(x$adaptive)) ", adaptive",
    if (several) paste0(", ", plural(big_number(x$n_nodes), "node")))
}

big_number <- function(n) format(n, big.mark = ",", scientific = FALSE, trim = TRUE)

# A table of the dimensions within 80 columns; reasons are wrapped.
dimension_lines <- function(dimensions) {
  pad <- function(x, title) formatC(c(title, x), width = -max(nchar(c(title, x))))
  left <- paste0("  ", pad(shorten(dimensions$name, 24), "dimension"), "  ", pad(dimensions$level, "level"), "  ",
    pad(dimensions$how, "how"), "  ")
  width <- nchar(left[[1]])
  why <- strwrap(c("why", dimensions$why), max(20, 80 - width), simplify = FALSE)
  unlist(Map(function(start, lines) paste0(c(start, rep(strrep(" ", width), length(lines) - 1)), lines), left, why),
    use.names = FALSE)
}
