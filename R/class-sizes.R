# class_sizes(): how large the classes are, as estimated and by modal assignment.

#' Class sizes
#'
#' @param fit A fit from [mlmix()].
#' @param joint `FALSE` (default): each class variable by itself. `TRUE`: every combination of the within class
#'   variables.
#' @return A data frame: `variable` (class variable; with `joint` all their names), `level`, `class` (`"c=1"`),
#'   `proportion` (estimated by the model; with `joint` the average posterior probability), `n` (the same as a number
#'   of units or clusters), `posterior_proportion` (the average posterior probability), `modal_n` and
#'   `modal_proportion` (by most probable class). Counts are weighted where there are weights or frequencies.
#' @seealso [posterior()], [classification_table()], [transitions()], [order_classes()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' class_sizes(fit)
#' @export
class_sizes <- function(fit, joint = FALSE) {
  check_fit(fit)
  if (check_flag(joint, "joint")) {
    classes <- fit_classes(fit, "within")
    part <- if (length(classes) > 0) pattern_posterior(fit)
    if (is.null(part)) {
      abort_spec(c(
        "There are no combinations of classes to report.",
        i = "{.code joint = TRUE} needs within class variables, with at most 1024 combinations."
      ))
    }
    labels <- fit_pattern_labels(fit_patterns(classes))
    name <- paste(names(classes), collapse = ",")
    return(readable(size_table(name, "within", labels, part$p, part$weight, NULL), hidden_sizes))
  }
  readable(bind_rows(lapply(fit_classes(fit), function(class) {
    weight <- if (class$level == "within") unit_weight(fit) else cluster_weight(fit)
    size_table(class$name, class$level, class$labels, class_posterior(fit, class$name), weight,
      as.numeric(fit$class_prob[[class$name]]))
  })), hidden_sizes)
}

# The labels of classes say to which variable they belong; the average posterior is the proportion at a maximum.
hidden_sizes <- c("variable", "posterior_proportion")

size_table <- function(name, level, labels, posterior, weight, estimated) {
  average <- colSums(posterior * weight) / sum(weight)
  if (is.null(estimated)) estimated <- average
  modal <- modal_class(posterior)
  modal_n <- vapply(seq_along(labels), function(k) sum(weight[modal == k]), 0)
  data.frame(
    variable = name, level = level, class = labels, proportion = estimated, n = estimated * sum(weight),
    posterior_proportion = average, modal_n = modal_n, modal_proportion = modal_n / sum(weight),
    stringsAsFactors = FALSE
  )
}
