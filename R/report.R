# report(): a fit as one web page that needs nothing else.

#' Write a report of a fit
#'
#' One self-contained HTML file: the model in words and equations, the data, the fit, classes, estimates, diagnostics
#' and warnings, plots, words for a methods section, how to cite, and how to reproduce it. It needs no network and
#' no other file, reads well on wide and narrow screens, and prints.
#'
#' Equations are MathML, which browsers show by themselves (Firefox, Safari, and Chrome or Edge from version 109).
#' Plots are PNG pictures inside the page; without ggplot2 the report has none and says so.
#'
#' @param fit A fit from [mlmix()].
#' @param file Text, default `"report.html"`: where to write. An existing file is written over.
#' @param title Text or `NULL` (default): the heading; otherwise made from the model.
#' @param author Text or `NULL` (default): names below the heading.
#' @param comparison `NULL` (default), or a table from [compare_models()] or [enumerate_classes()] to show how the model
#'   was chosen.
#' @param plots `TRUE` or `FALSE`: whether to draw plots, by default if ggplot2 is installed.
#' @param level Number between 0 and 1, default 0.95: of the confidence intervals.
#' @return The path of the file, invisibly.
#' @seealso [summary.mlmix()] for the console; in R Markdown a fit and its summary print as tables
#'   ([knit_print.mlmix]).
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' file <- report(fit, tempfile(fileext = ".html"), plots = FALSE)
#' if (interactive()) browseURL(file)
#' @export
report <- function(fit, file = "report.html", title = NULL, author = NULL, comparison = NULL,
                   plots = rlang::is_installed("ggplot2"), level = 0.95) {
  check_fit(fit)
  check_report_file(file)
  if (!is.null(title)) check_string(title, "title", "one title")
  if (!is.null(author) && !is.character(author)) {
    abort_spec(c("{.arg author} must be text.", x = "You gave {describe(author)}."))
  }
  if (!is.null(comparison) && !inherits(comparison, "mlmix_comparison")) {
    abort_spec(c(
      "{.arg comparison} must come from {.fn compare_models} or {.fn enumerate_classes}.",
      x = "You gave {describe(comparison)}."
    ))
  }
  if (check_flag(plots, "plots")) rlang::check_installed("ggplot2", "to draw the plots of a report.")
  level <- check_level(level)
  if (is.null(title)) title <- report_title(fit)
  sections <- Filter(function(section) nzchar(section$body), list(
    report_section("brief", "In brief", report_brief(fit)),
    report_section("model", "Model", report_model(fit, plots)),
    report_section("data", "Data", report_data(fit)),
    report_section("comparison", "Choice of the model", report_comparison(comparison)),
    report_section("classes", "Classes", report_classes(fit, plots, level)),
    report_section("estimates", "Estimates", report_estimates(fit, plots, level)),
    report_section("diagnostics", "Diagnostics", report_diagnostics(fit, plots)),
    report_section("methods", "Words for a methods section", report_methods(fit)),
    report_section("citation", "How to cite", report_citation()),
    report_section("reproduction", "Reproduction", report_reproduction(fit))
  ))
  writeLines(enc2utf8(report_page(fit, title, author, sections)), file, useBytes = TRUE)
  invisible(file)
}

check_report_file <- function(file, call = rlang::caller_env()) {
  check_string(file, "file", "the path of one file", call = call)
  folder <- dirname(file)
  if (!dir.exists(folder)) {
    abort_spec(c(
      "The folder of {.arg file} does not exist.", x = "You gave {.file {file}}.",
      i = "Make it with {.code dir.create(\"{folder}\")}."
    ), call = call)
  }
  if (dir.exists(file)) {
    abort_spec(c(
      "{.arg file} must be a file, such as {.val fit.html}.", x = "{.file {file}} is a folder."
    ), call = call)
  }
}

report_section <- function(id, title, body) {
  list(id = id, title = title, body = paste(unlist(body), collapse = "\n"))
}

report_title <- function(fit) {
  title <- model_title(fit$model)
  classes <- fit_classes(fit)
  if (length(classes) == 0) return(title)
  paste0(title, ": ", paste(vapply(classes, function(one) {
    paste(c(
      plural(one$k, "class", "classes"), if (one$level == "between") "of clusters",
      if (length(classes) > 1) paste0("(", one$name, ")")
    ), collapse = " ")
  }, ""), collapse = ", "))
}

# The template's {{ fields }} filled in, each once: what is filled in is not searched again.
report_page <- function(fit, title, author, sections) {
  folder <- system.file("report", package = "mlmix", mustWork = TRUE)
  read <- function(name) paste(readLines(file.path(folder, name), encoding = "UTF-8"), collapse = "\n")
  fields <- list(
    title = escape_html(title), style = read("report.css"), subtitle = escape_html(paste0(data_words(fit), ".")),
    meta = escape_html(paste0(
      if (!is.null(author)) paste0(paste(author, collapse = ", "), " \u00b7 "), format(Sys.Date(), "%d %B %Y"),
      " \u00b7 mlmix ", fit$version
    )),
    contents = paste(vapply(sections, function(section) {
      html("li", html("a", escape_html(section$title), attributes = list(href = paste0("#", section$id))))
    }, ""), collapse = "\n"),
    body = paste(vapply(sections, function(section) {
      html("section", html("h2", escape_html(section$title)), section$body, attributes = list(id = section$id))
    }, ""), collapse = "\n")
  )
  pieces <- strsplit(read("template.html"), "{{", fixed = TRUE)[[1]]
  filled <- vapply(pieces[-1], function(piece) {
    end <- regexpr("}}", piece, fixed = TRUE)
    name <- trimws(substr(piece, 1, end - 1))
    paste0(fields[[name]], substring(piece, end + 2))
  }, "")
  paste0(pieces[[1]], paste(filled, collapse = ""))
}
