# Fits, summaries, models and comparisons in R Markdown: tables and equations in Markdown that pandoc takes to any
# format.

#' Fits, summaries and models in R Markdown
#'
#' In R Markdown and Quarto documents a fit, its summary and a table of models appear as tables of the document instead
#' of console text, and a model as its equations. They are plain Markdown, so that HTML, PDF and Word look alike.
#'
#' @param x A fit from [mlmix()], its [summary()][summary.mlmix], a model, a table from [compare_models()] or
#'   [enumerate_classes()], or a result of [three_step()], [two_step()] or [wald_test()]. Others that print tables, such as
#'   [fit_tests()], [residuals()][residuals.mlmix], [icc()], [blrt()], have tables too.
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
  document_text(report_text(x, tables))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.summary.mlmix <- function(x, ...) {
  document_text(report_text(x$fit, summary_tables(x), alike_lines(x$fit)))
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
  document_text(c("", opening, "", unlist(sections), "", legend, ""))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.mlmix_comparison <- function(x, ...) {
  if (!all(c("model", "log_likelihood", "parameters") %in% names(x))) return(knitr::normal_print(x))
  document_text(c("", markdown_table(comparison_text(x)), "", comparison_note, ""))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.mlmix_structural <- function(x, ...) {
  document_text(c(
    "", escape_markdown(paste0(structural_opening(x), ".")), "", titled_tables(structural_tables(x)),
    escape_markdown(paste(structural_closing(x), collapse = " ")), ""
  ))
}

#' @rdname knit_print.mlmix
#' @exportS3Method knitr::knit_print
knit_print.mlmix_test <- function(x, ...) {
  document_text(c(
    "", escape_markdown(paste0(test_title(x), ".")), "", markdown_table(test_text(x)), "",
    escape_markdown(paste(c(paste0(joint_words(x), "."), if (length(x$notes) > 0) paste("Note:", x$notes)),
      collapse = " ")), ""
  ))
}

# Tables with their titles, list(title, table) each.
titled_tables <- function(tables) {
  unlist(lapply(tables, function(one) {
    c(paste0("**", escape_markdown(one$title), "**"), "", markdown_table(one$table), "")
  }))
}

report_text <- function(fit, tables, remarks = character()) {
  facts <- fit_facts(fit)
  facts <- data.frame(` ` = names(facts), `  ` = unname(facts), check.names = FALSE)
  opening <- paste0("Mixture model with ", model_words(fit), ". ", data_words(fit), ".")
  paste(c(
    "", escape_markdown(opening), "", markdown_table(facts), "",
    titled_tables(tables), escape_markdown(paste(trimws(remarks), collapse = " ")), "",
    unlist(lapply(escape_markdown(warning_texts(fit)), function(text) c(text, "")))
  ), collapse = "\n")
}

# Whether print_plain() writes for a document, and how its lines are known among others.
document_state <- new.env(parent = emptyenv())
table_mark <- "\001"

# What print() shows, for a document: tables as tables, other lines as paragraphs (indented ones go on with the line
# before).
printed_text <- function(x) {
  document_state$active <- TRUE
  on.exit(document_state$active <- FALSE)
  lines <- utils::capture.output(print(x))
  document_state$active <- FALSE
  table <- startsWith(lines, table_mark)
  goes_on <- !table & grepl("^ +[^ ]", lines) & c(FALSE, !utils::head(table, -1) & nzchar(utils::head(lines, -1)))
  out <- character(0)
  for (i in seq_along(lines)) {
    text <- if (table[[i]]) substring(lines[[i]], 2) else escape_markdown(trimws(lines[[i]]))
    if (goes_on[[i]]) {
      out[[length(out)]] <- paste(out[[length(out)]], text)
    } else {
      out <- c(out, if (i > 1 && !(table[[i]] && table[[i - 1]])) "", text)
    }
  }
  document_text(c("", out, ""))
}

#' @exportS3Method knitr::knit_print
knit_print.mlmix_fit_tests <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_residuals <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_icc <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_r_squared <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_irt <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_vlmr <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_blrt <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_recovery <- function(x, ...) printed_text(x)

#' @exportS3Method knitr::knit_print
knit_print.mlmix_bootstrap <- function(x, ...) printed_text(x)

# Text for the document. R Markdown's own style sheet puts all headings of a table to the left, whatever the column.
document_text <- function(lines) {
  style <- if (knitr::is_html_output()) "<style>th[align=\"right\"] { text-align: right; }</style>"
  # knitr takes empty lines off the end; with the comment a heading that follows at once is still a heading.
  knitr::asis_output(paste(c(style, "", lines, "", "<!-- -->"), collapse = "\n"))
}

# A pipe table; numbers stand to the right, words to the left.
markdown_table <- function(table) {
  text <- lapply(table, as.character)
  align <- ifelse(vapply(text, all_numbers, TRUE), "r", "l")
  table[] <- lapply(text, escape_markdown)
  knitr::kable(table, format = "pipe", align = align, row.names = FALSE, col.names = escape_markdown(names(table)))
}

# Whether a column has nothing but numbers, with what may stand around them.
all_numbers <- function(text) {
  any(nzchar(text)) && all(grepl("^([<>] ?)?-?[0-9][0-9.,]*(e[-+]?[0-9]+)?( ?%)?$|^-?Inf$|^NA$|^$", text))
}

# Characters that mean something in Markdown, taken literally; kable() itself sees to "|". Brackets become entities,
# since R Markdown reads "\\[" as the beginning of an equation.
escape_markdown <- function(text) {
  text <- gsub("([\\\\`*_{}<>#~^$@])", "\\\\\\1", text, perl = TRUE)
  gsub("]", "&#93;", gsub("[", "&#91;", text, fixed = TRUE), fixed = TRUE)
}
