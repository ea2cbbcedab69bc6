# summary(fit): what a paper's table needs, with the estimates by level and class, within 80 columns.

#' Summary of a fit
#'
#' @param object A fit from [mlmix()].
#' @param ... Not used.
#' @return A list of class `summary.mlmix`: `fit`, `estimates` (as [estimates()]), `statistics` (as [glance()]),
#'   `class_sizes`, `entropy` (named, one per class variable), `transitions` (data frame or `NULL`), `integration`.
#'   Printing it shows them.
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' summary(fit)
#' @export
summary.mlmix <- function(object, ...) {
  structure(
    list(
      fit = object, estimates = estimates(object), statistics = glance(object), class_sizes = class_sizes(object),
      entropy = vapply(names(fit_classes(object)), function(name) entropy(object, name), 0),
      transitions = if (length(object$transitions) > 0) transitions(object), integration = integration(object)
    ),
    class = "summary.mlmix"
  )
}

#' @export
print.summary.mlmix <- function(x, ...) {
  cat(fit_lines(x$fit), sep = "\n")
  if (nrow(x$class_sizes) > 0) {
    cat("\nClass sizes\n")
    print_plain(data.frame(
      class = x$class_sizes$class, estimated = percent(x$class_sizes$proportion), n = fixed_digits(x$class_sizes$n, 1),
      `most likely` = fixed_digits(x$class_sizes$modal_n, 1), ` ` = percent(x$class_sizes$modal_proportion),
      check.names = FALSE
    ))
    if (length(x$entropy) > 1) {
      cat("Entropy: ", paste0(names(x$entropy), " ", fixed_digits(x$entropy, 3), collapse = ", "), "\n", sep = "")
    }
  }
  if (!is.null(x$transitions)) {
    cat("\nTransitions\n")
    print_plain(data.frame(from = x$transitions$from, to = x$transitions$to,
      probability = fixed_digits(x$transitions$probability, 3), n = fixed_digits(x$transitions$n, 1)))
  }
  print_estimates(x$estimates)
  notes <- warning_lines(x$fit)
  if (length(notes) > 0) cat("", notes, sep = "\n")
  invisible(x)
}

# Estimates under a heading for each level and class pattern.
print_estimates <- function(table) {
  table$heading <- paste0(
    ifelse(table$level == "within", "Within", "Between"),
    ifelse(table$kind == "logit", ": class probabilities (logits)",
      ifelse(table$class == "", ": the same in all classes", paste0(": class ", gsub(",", ", ", table$class))))
  )
  for (heading in unique(table$heading)) {
    part <- table[table$heading == heading, , drop = FALSE]
    label <- if (part$kind[[1]] == "logit") part$name else sub("\\[[^]]*\\]$", "", part$name)
    cat("\n", heading, "\n", sep = "")
    print_plain(data.frame(
      ` ` = shorten(label, 34), estimate = fixed_digits(part$estimate, 3),
      `std.error` = fixed_digits(part$std.error, 3), z = fixed_digits(part$statistic, 2), p = p_words(part$p.value),
      `  ` = ifelse(part$status == "free", "", part$status),
      check.names = FALSE
    ))
  }
}

# A table of text columns: the first to the left, the others to the right, two spaces in front.
print_plain <- function(table) {
  table <- table[!vapply(table, function(column) all(column == ""), TRUE)]
  columns <- Map(function(name, values, first) {
    formatC(c(name, values), width = if (first) -max(nchar(c(name, values))) else max(nchar(c(name, values))))
  }, names(table), lapply(table, as.character), seq_along(table) == 1)
  cat(paste0("  ", do.call(paste, c(unname(columns), sep = "  "))), sep = "\n")
}

shorten <- function(x, width) ifelse(nchar(x) > width, paste0(substr(x, 1, width - 1), "~"), x)

p_words <- function(p) ifelse(is.na(p), "", ifelse(p < 0.001, "<0.001", formatC(p, format = "f", digits = 3)))
