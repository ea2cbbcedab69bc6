# Data frames that print in 80 columns, numbers with as many digits as are read; nothing else about them is special.

# `hidden`: columns that are not printed, because another says the same.
readable <- function(table, hidden = character(0)) {
  if (length(hidden) > 0) attr(table, "hidden") <- hidden
  class(table) <- c("mlmix_table", "data.frame")
  table
}

#' @export
print.mlmix_table <- function(x, n = 50, ...) {
  if (nrow(x) == 0 || ncol(x) == 0) return(NextMethod())
  text <- table_text(utils::head(x, n))
  blocks <- blocks_beside_first(text)
  # A row goes on in the next block where its first column says which it is, or its number.
  if (length(blocks) > 1 && anyDuplicated(text[[1]])) {
    blocks <- blocks_beside_first(data.frame(` ` = as.character(seq_len(nrow(text))), text, check.names = FALSE))
  }
  for (i in seq_along(blocks)) {
    if (i > 1) cat("\n")
    print_plain(blocks[[i]])
  }
  more <- nrow(x) - n
  if (more > 0) cat("... and ", plural(more, "more row"), "; print(x, n = Inf) shows all\n", sep = "")
  invisible(x)
}

blocks_beside_first <- function(text) {
  if (length(text) == 1) return(list(text))
  text[[1]] <- shorten(text[[1]], 30)
  blocks <- column_blocks(as.list(text[-1]), 78 - max(nchar(c(names(text)[[1]], text[[1]]))))
  lapply(blocks, function(block) data.frame(text[1], block, check.names = FALSE))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.mlmix_table <- function(x, ...) {
  if (nrow(x) == 0 || ncol(x) == 0 || nrow(x) > 100) return(knitr::normal_print(x))
  document_text(c("", markdown_table(table_text(x)), ""))
}

# The columns as text. Of a whole table those that are hidden are left out, and `status` where all parameters are free.
table_text <- function(x) {
  hidden <- attr(x, "hidden")
  if (length(hidden) > 0 && all(hidden %in% names(x))) x <- x[setdiff(names(x), hidden)]
  if ("std.error" %in% names(x) && all(x$status %in% "free")) x <- x[setdiff(names(x), "status")]
  text <- Map(column_text, as.list(x), names(x))
  data.frame(text, check.names = FALSE, stringsAsFactors = FALSE)
}

column_text <- function(column, name) {
  if (!is.numeric(column)) return(ifelse(is.na(column), "", as.character(column)))
  if (grepl("^p.value", name)) return(p_words(column))
  seen <- abs(column[is.finite(column)])
  if (all(seen == round(seen))) return(ifelse(is.na(column), "", format(column, scientific = FALSE, trim = TRUE)))
  # Small and very large numbers in one column.
  if (max(seen) >= 1e4 && min(seen) < 10) {
    return(ifelse(is.na(column), "", trimws(formatC(column, format = "g", digits = 4, flag = "#"))))
  }
  text <- formatC(column, format = "f", digits = if (max(seen) >= 1000) 1 else if (max(seen) >= 100) 2 else 3)
  ifelse(is.na(column), "", sub("^-(0[.]0*)$", "\\1", text))
}
