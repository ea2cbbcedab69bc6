# Fits, summaries, models and comparisons in R Markdown: tables and equations in Markdown that pandoc takes to any format.

#' Fits, summaries and models in R Markdown
#'
#' In R Markdown and Quarto documents a fit, its summary and a table of models appear as tables of the document instead
#' of console text, and a model as its equations. They are plain Markdown, so that HTML, PDF and Word look alike.
#'
#' @param x A fit from [mlmix()], its [summary()][summary.mlmix], a model, or a table from [compare_models()] or
#'   [enumerate_classes()].
#' @param ... Not used.
#' @return Text that knitr takes as it is. With the chunk option `render = normal_print` the console's text appears
#'   instead.
#' @seealso [report()] for a whole page about a fit.
#' @name knit_print.mlmix
#' @examplesIf rlang::is_installed("knitr")
#' model <- lca(c(A, B, C, D, E, F, G), k = 2)
#' knitr::knit_print(model)
#' fit <- mlmix(model, carcinoma, starts = c(5, 2), seed = 1)
#' knitr::knit_print(summary(fit))
NULL

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.mlmix <- function(x, ...) {
  tables <- if (nrow(class_sizes(x)) > 0) list(size_text(summary(x)))
  knitr::asis_output(report_text(x, tables))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.summary.mlmix <- function(x, ...) {
  knitr::asis_output(report_text(x$fit, summary_tables(x), alike_lines(x$fit)))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.mlmix_model <- function(x, ...) {
  levels <- gsub("`", "", trimws(describe_levels(x)))
  sections <- lapply(model_equation_sections(x), function(section) {
    items <- lapply(section$items, function(item) {
      c(escape_markdown(item$words), "", vapply(item$equations, function(one) {
        paste0("$$", math_tex(one), "$$\n")
      }, ""))
    })
    c(paste0("**", section$title, "**"), "", unlist(items))
  })
  opening <- escape_markdown(paste(c(paste0(model_title(x), "."), levels), collapse = " "))
  legend <- paste("-", escape_markdown(equation_legend(x)))
  knitr::asis_output(paste(c("", opening, "", unlist(sections), "", legend, ""), collapse = "\n"))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.mlmix_comparison <- function(x, ...) {
  if (!all(c("model", "log_likelihood", "parameters") %in% names(x))) return(knitr::normal_print(x))
  knitr::asis_output(paste(c("", markdown_table(comparison_text(x)), "", comparison_note, ""), collapse = "\n"))
}

report_text <- function(fit, tables, remarks = character()) {
  facts <- fit_facts(fit)
  facts <- data.frame(` ` = names(facts), `  ` = unname(facts), check.names = FALSE)
  opening <- paste0("Mixture model with ", model_words(fit), ". ", data_words(fit), ".")
  paste(c(
    "", escape_markdown(opening), "", markdown_table(facts, right = FALSE), "",
    unlist(lapply(tables, function(one) {
      c(paste0("**", escape_markdown(one$title), "**"), "", markdown_table(one$table), "")
    })),
    escape_markdown(paste(trimws(remarks), collapse = " ")), "",
    unlist(lapply(escape_markdown(warning_texts(fit)), function(text) c(text, "")))
  ), collapse = "\n")
}

# A pipe table; everything but the first column stands to the right.
markdown_table <- function(table, right = TRUE) {
  table[] <- lapply(table, function(column) escape_markdown(as.character(column)))
  align <- c("l", rep(if (right) "r" else "l", length(table) - 1))
  knitr::kable(table, format = "pipe", align = align, row.names = FALSE, col.names = escape_markdown(names(table)))
}

# Characters that mean something in Markdown, taken literally; kable() itself sees to "|". Brackets become entities,
# since R Markdown reads "\\[" as the beginning of an equation.
escape_markdown <- function(text) {
  text <- gsub("([\\\\`*_{}<>#~^$@])", "\\\\\\1", text, perl = TRUE)
  gsub("]", "&#93;", gsub("[", "&#91;", text, fixed = TRUE), fixed = TRUE)
}
