# augment(): the data with class probabilities, modal classes and factor scores.

#' Data with class memberships and factor scores
#'
#' @param x A fit from [mlmix()].
#' @param data Data frame or `NULL` (default): the data of the fit. Without it only the new columns and `.row` are
#'   given.
#' @param ... Not used.
#' @return A data frame (a tibble where the tibble package is installed), one row for each row of the data, `NA` in
#'   rows left out. For each class variable `c`, also those of clusters: `.class_c` (modal class), `.prob_c_1`,
#'   `.prob_c_2`, ... (posterior probabilities); for each factor `f`: `.score_f`, `.se_f`. Models that stack items
#'   ([gom()]) have within class variables of persons' items, which are left out here; see [posterior()].
#' @seealso [posterior()], [predict.mlmix()], [tidy.mlmix()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' augment(fit, carcinoma)
#' @method augment mlmix
#' @export
augment.mlmix <- function(x, data = NULL, ...) {
  n <- x$data$n_rows
  if (!is.null(data) && (!is.data.frame(data) || nrow(data) != n)) {
    abort_data(c(
      "{.arg data} must be the data frame that the model was fitted to, with {n} row{?s}.",
      x = if (is.data.frame(data)) "You gave {nrow(data)} row{?s}." else "You gave {describe(data)}."
    ))
  }
  out <- if (is.null(data)) data.frame(.row = seq_len(n)) else as.data.frame(data)
  for (class in fit_classes(x)) {
    place <- level_place(x, class$level)
    if (is.null(place)) next
    p <- class_posterior(x, class$name)[place, , drop = FALSE]
    modal <- modal_class(p)
    modal[is.na(place)] <- NA
    out[[paste0(".class_", class$name)]] <- modal
    for (k in seq_len(class$k)) out[[paste0(".prob_", class$name, "_", k)]] <- p[, k]
  }
  for (latent in factor_latents(x)) {
    place <- level_place(x, latent$level)
    if (is.null(place)) next
    out[[paste0(".score_", latent$name)]] <- latent$mean[place]
    out[[paste0(".se_", latent$name)]] <- latent$sd[place]
  }
  as_tibble_if_any(out)
}

# For each row of the data: its position among units (or clusters) used, NA if left out; NULL if rows have no single
# one.
level_place <- function(fit, level) {
  data <- fit$data
  first <- match(seq_len(data$n_rows), data$row_used)
  if (level == "between") return(data$cluster[first] + 1L)
  if (is.null(data$reshape)) first else NULL
}
