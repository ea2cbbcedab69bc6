# Turns a typed frequency table into a data frame of 0/1 items, with one row per pattern or per person.

# `patterns`: strings such as "01011", one character per item. Integer columns and a last one, `frequency`.
pattern_table <- function(items, patterns, frequency) {
  stopifnot(length(patterns) == length(frequency), !anyDuplicated(patterns), nchar(patterns) == length(items))
  digits <- matrix(as.integer(unlist(strsplit(patterns, ""))), ncol = length(items), byrow = TRUE)
  colnames(digits) <- items
  data.frame(digits, frequency = as.integer(frequency))
}

# One row per person, in the order of the patterns.
expand_persons <- function(table) {
  persons <- table[rep(seq_len(nrow(table)), table$frequency), names(table) != "frequency"]
  rownames(persons) <- NULL
  persons
}

save_data <- function(name) {
  save(list = name, file = file.path("data", paste0(name, ".rda")), compress = "xz", version = 2)
}
