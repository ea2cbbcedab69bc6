# start_table(): what became of every random start.

#' Table of random starts
#'
#' @param fit A fit from [mlmix()].
#' @return A data frame, best start first (with priors, log-likelihoods include the log-densities of the priors): `start` (its number), `stage1` (log-likelihood after the first iterations),
#'   `final` (log-likelihood at the end, `NA` if the start was not carried on), `iterations`, `status`
#'   (`"converged"`, `"max_iterations"`, `"stalled"`, `"cancelled"`, or as the engine reports for starts not carried
#'   on), `best` (whether it reached the best log-likelihood to 0.01 or 1e-6 of it).
#' @seealso [mlmix()], [integration()]; [plot.mlmix()] with `type = "starts"`.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' start_table(fit)
#' @export
start_table <- function(fit) {
  check_fit(fit)
  table <- fit$starts
  best <- suppressWarnings(max(table$final, na.rm = TRUE))
  table$best <- !is.na(table$final) & best - table$final <= max(0.01, 1e-6 * abs(best))
  table <- table[order(-table$final, -table$stage1, na.last = TRUE), , drop = FALSE]
  rownames(table) <- NULL
  table
}
