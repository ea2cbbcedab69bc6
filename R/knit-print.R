# Fits and summaries in R Markdown: their tables as Markdown tables.

#' Fits and summaries in reports
#'
#' In R Markdown and Quarto documents a fit and its summary appear as tables of the document instead of console text.
#'
#' @param x A fit from [mlmix()] or its [summary()][summary.mlmix].
#' @param ... Not used.
#' @return Text that knitr takes as it is.
#' @name knit_print.mlmix
#' @examplesIf rlang::is_installed("knitr")
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
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
knit_print.summary.mlmix <- function(x, ...) knitr::asis_output(report_text(x$fit, summary_tables(x), alike_lines(x$fit)))

report_text <- function(fit, tables, remarks = character()) {
  facts <- fit_facts(fit)
  facts <- data.frame(names(facts), unname(facts), stringsAsFactors = FALSE)
  paste(c(
    paste0("Mixture model with ", model_words(fit), ". ", data_words(fit), "."), "",
    knitr::kable(facts, format = "pipe", col.names = c("", "")), "",
    unlist(lapply(tables, function(one) {
      align <- c("l", rep("r", length(one$table) - 1))
      rows <- one$table
      rows[[1]] <- paste0("`", rows[[1]], "`")
      c(paste0("**", one$title, "**"), "", knitr::kable(rows, format = "pipe", align = align, row.names = FALSE), "")
    })),
    remarks, "", unlist(lapply(warning_texts(fit), function(text) c(text, "")))
  ), collapse = "\n")
}
