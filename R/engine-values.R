# Rebuilds R matrices in what the engine returns: Rust sends them as list(.matrix, n_rows, n_cols).

engine_values <- function(x) {
  if (!is.list(x)) {
    return(x)
  }
  if (identical(names(x), c(".matrix", "n_rows", "n_cols"))) {
    return(matrix(x$.matrix, x$n_rows, x$n_cols))
  }
  lapply(x, engine_values)
}
