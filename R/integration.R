# integration(): which latent variables were integrated how, and how accurately.

#' How latent variables were integrated
#'
#' @param fit A fit from [mlmix()].
#' @return A list of class `mlmix_integration`: `dimensions` (data frame: `name`, `level`, `how` (numeric or
#'   analytic), `why`), `method`, `points`, `adaptive`, `n_nodes`, `error` (change of the log-likelihood when
#'   evaluated with about twice the points; `NA` without numeric dimensions).
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' integration(fit)
#' @export
integration <- function(fit) {
  check_fit(fit)
  part <- fit$integration
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
  cat(integration_lines(x), sep = "\n")
  invisible(x)
}

integration_lines <- function(x) {
  d <- x$dimensions
  if (nrow(d) == 0) return("No latent variable to integrate.")
  lines <- unlist(lapply(seq_len(nrow(d)), function(i) {
    strwrap(paste0(d$name[[i]], " (", d$level[[i]], "): ", d$how[[i]], ", ", d$why[[i]]), 78, exdent = 4, prefix = "  ",
      initial = "  ")
  }))
  numeric <- d$how == "numeric"
  if (!any(numeric)) return(c("Latent variables integrated in closed form:", lines))
  c(
    paste0("Numerical integration in ", plural(sum(numeric), "dimension"), ": ", gsub("_", "-", x$method), ", ",
      x$points, " points, ", if (isTRUE(x$adaptive)) "adaptive" else "not adaptive", ", ", plural(x$n_nodes, "node")),
    lines,
    if (!is.na(x$error)) paste0("  Change of the log-likelihood with twice the points: ", format(signif(x$error, 2)))
  )
}
