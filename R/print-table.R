# Plain tables of text within 80 columns, and numbers as text.

# A table of text columns: the first to the left, the others to the right, two spaces in front.
print_plain <- function(table) {
  columns <- Map(function(name, values, first) {
    formatC(c(name, values), width = if (first) -max(nchar(c(name, values))) else max(nchar(c(name, values))))
  }, names(table), lapply(table, as.character), seq_along(table) == 1)
  cat(sub(" +$", "", paste0("  ", do.call(paste, c(unname(columns), sep = "  ")))), sep = "\n")
}

shorten <- function(x, width) ifelse(nchar(x) > width, paste0(substr(x, 1, width - 1), "~"), x)

p_words <- function(p) ifelse(is.na(p), "", ifelse(p < 0.001, "<0.001", formatC(p, format = "f", digits = 3)))
