# Pieces of HTML: escaping, elements, tables, pictures. Everything that comes from a user passes escape_html().

escape_html <- function(text) {
  text <- gsub("&", "&amp;", enc2utf8(as.character(text)), fixed = TRUE)
  text <- gsub("<", "&lt;", text, fixed = TRUE)
  text <- gsub(">", "&gt;", text, fixed = TRUE)
  gsub("\"", "&quot;", text, fixed = TRUE)
}

# <name attributes>content</name>; the content is HTML already, attributes are escaped.
html <- function(name, ..., attributes = NULL) {
  given <- attributes[!vapply(attributes, is.null, NA)]
  inside <- paste0(" ", names(given), "=\"", escape_html(unlist(given)), "\"", recycle0 = TRUE, collapse = "")
  paste0("<", name, inside, ">", paste(c(...), collapse = "\n"), "</", name, ">")
}

html_text <- function(text, element = "p", class = NULL) {
  paste0(vapply(text, function(one) html(element, escape_html(one), attributes = list(class = class)), ""),
    collapse = "\n")
}

html_list <- function(items) if (length(items) > 0) html("ul", html_text(items, "li"))

html_code <- function(lines) html("pre", html("code", escape_html(paste(lines, collapse = "\n"))))

# A data frame of text as a table: the first column heads its rows, numbers stand to the right.
html_table <- function(table, caption = NULL, note = NULL) {
  if (is.null(table) || nrow(table) == 0) return("")
  right <- c(FALSE, vapply(table[-1], looks_numeric, NA))
  class <- ifelse(right, "n", "t")
  cell <- function(element, text, class, scope = NULL) {
    html(element, escape_html(minus_sign(text)), attributes = list(class = class, scope = scope))
  }
  head <- html("tr", mapply(cell, "th", names(table), class, MoreArgs = list(scope = "col")))
  rows <- vapply(seq_len(nrow(table)), function(i) {
    values <- vapply(table, function(column) as.character(column[[i]]), "")
    html("tr", cell("th", values[[1]], "t", "row"), mapply(cell, "td", values[-1], class[-1]))
  }, "")
  body <- html("table",
    if (!is.null(caption)) html("caption", escape_html(caption)), html("thead", head), html("tbody", rows)
  )
  paste0(html("div", body, attributes = list(class = "table", tabindex = "0", role = "group",
    "aria-label" = caption)), if (!is.null(note)) html_text(note, class = "note"))
}

looks_numeric <- function(column) {
  all(grepl("^(NA|[<>~-]*[0-9][0-9.,e+ %-]*)?$", as.character(column))) && any(nzchar(as.character(column)))
}

minus_sign <- function(text) gsub("(^|(?<=[ (\\[]))-(?=[0-9])", "\u2212", text, perl = TRUE)

# A figure with a ggplot drawn into the page itself; "" where it cannot be drawn.
html_figure <- function(plot, caption, width = 7, height = 4.5) {
  file <- tempfile(fileext = ".png")
  on.exit(unlink(file))
  suppressMessages(suppressWarnings(
    ggplot2::ggsave(file, plot, width = width, height = height, dpi = 160, bg = "white")
  ))
  data <- jsonlite::base64_enc(readBin(file, "raw", file.size(file)))
  image <- paste0("<img alt=\"", escape_html(caption), "\" width=\"", round(96 * width), "\" height=\"",
    round(96 * height), "\" src=\"data:image/png;base64,", gsub("[\r\n]", "", data), "\">")
  html("figure", image, html("figcaption", escape_html(caption)))
}
