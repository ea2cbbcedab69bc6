# Plain tables of text within 80 columns, and numbers as text. In documents they are Markdown (knit-print.R).

# A table of text columns: the first to the left, the others to the right, two spaces in front. Where it would be wider
# than 80 columns the entries of the first are shortened.
print_plain <- function(table) {
  if (isTRUE(document_state$active)) return(cat(paste0(table_mark, markdown_table(table)), sep = "\n"))
  width <- vapply(seq_along(table), function(i) max(nchar(c(names(table)[[i]], as.character(table[[i]])))), 1L)
  table[[1]] <- shorten(as.character(table[[1]]), max(16, 80 - 2 - sum(width[-1] + 2)))
  columns <- Map(function(name, values, first) {
    formatC(c(name, values), width = if (first) -max(nchar(c(name, values))) else max(nchar(c(name, values))))
  }, names(table), lapply(table, as.character), seq_along(table) == 1)
  cat(sub(" +$", "", paste0("  ", do.call(paste, c(unname(columns), sep = "  ")))), sep = "\n")
}

shorten <- function(x, width) ifelse(nchar(x) > width, paste0(substr(x, 1, width - 1), "~"), x)

p_words <- function(p) ifelse(is.na(p), "", ifelse(p < 0.001, "<0.001", formatC(p, format = "f", digits = 3)))

# Text columns (a named list) as data frames, each of which fits into `room` characters.
column_blocks <- function(columns, room) {
  width <- vapply(names(columns), function(name) 2 + max(nchar(c(name, columns[[name]]))), 1)
  block <- integer(length(width))
  used <- Inf
  for (i in seq_along(width)) {
    if (used + width[[i]] > room) {
      block[[i]] <- max(block) + 1L
      used <- width[[i]]
    } else {
      block[[i]] <- max(block)
      used <- used + width[[i]]
    }
  }
  lapply(split(seq_along(columns), block), function(i) {
    data.frame(columns[i], check.names = FALSE, stringsAsFactors = FALSE)
  })
}
