# posterior(): class probabilities of units and clusters.

#' Posterior class probabilities
#'
#' @param fit A fit from [mlmix()].
#' @param level Text: `"within"` for units, `"between"` for clusters. The default is the lowest level with a class
#'   variable.
#' @param joint `FALSE` (default): each class variable by itself. `TRUE`: every combination of the class variables of
#'   the level.
#' @return A data frame. Within: one row for each row of the data, in their order, `NA` for rows left out; `row` (the
#'   row's number), the cluster's id under the cluster variable's name, then for each class variable the
#'   probabilities `c=1`, `c=2`, ... and under its name the modal class. For models that stack items ([gom()]) one
#'   row for each person and item, `row` being the person's. Between: one row for each cluster, in order of first
#'   appearance. With `joint = TRUE` the columns are combinations, `c1=1,c2=1` and so on, and `pattern` is the most
#'   probable one.
#' @seealso [augment.mlmix()], [class_sizes()], [classification_table()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' head(posterior(fit))
#' @export
posterior <- function(fit, level = c("within", "between"), joint = FALSE) {
  check_fit(fit)
  level <- if (missing(level)) lowest_class_level(fit) else check_choice(level, c("within", "between"), "level")
  joint <- check_flag(joint, "joint")
  classes <- fit_classes(fit, level)
  if (length(classes) == 0) {
    abort_spec(c(
      "The model has no class variable at the {level} level.",
      i = "Its class variables: {.val {c(names(fit_classes(fit)), if (length(fit_classes(fit)) == 0) 'none')}}."
    ))
  }
  part <- if (joint) joint_probabilities(fit, classes, level) else marginal_probabilities(fit, classes)
  readable(with_ids(fit, part, level))
}

lowest_class_level <- function(fit) if (length(fit_classes(fit, "within")) > 0) "within" else "between"

marginal_probabilities <- function(fit, classes) {
  parts <- lapply(classes, function(class) {
    p <- class_posterior(fit, class$name)
    part <- data.frame(p, modal_class(p))
    names(part) <- c(class$labels, class$name)
    part
  })
  do.call(cbind, unname(parts))
}

joint_probabilities <- function(fit, classes, level) {
  if (length(classes) == 1) {
    p <- class_posterior(fit, classes[[1]]$name)
  } else if (level == "within" && !is.null(fit$posterior_joint)) {
    p <- matrix(as.numeric(fit$posterior_joint), ncol = prod(vapply(classes, function(cl) cl$k, 1)))
  } else {
    abort_spec(c(
      "Probabilities of combinations are not kept here.",
      i = if (level == "between") "At the between level each class variable is reported by itself."
          else "The model has more than 1024 combinations of classes."
    ), call = rlang::caller_env())
  }
  labels <- fit_pattern_labels(fit_patterns(classes))
  part <- data.frame(p, labels[modal_class(p)])
  names(part) <- c(labels, "pattern")
  part
}

modal_class <- function(p) {
  if (nrow(p) == 0) return(integer())
  max.col(replace(p, is.na(p), -1), ties.method = "first")
}

# Puts a part computed for the units (or clusters) used into the data's order, with ids in front.
with_ids <- function(fit, part, level) {
  data <- fit$data
  if (level == "between") {
    out <- data.frame(data$cluster_ids)
    names(out) <- data$cluster_name
    return(cbind(out, part))
  }
  if (!is.null(data$reshape)) {
    ids <- data.frame(row = data$row_used, item = stacked_items(fit))
    return(cbind(ids, part))
  }
  place <- match(seq_len(data$n_rows), data$row_used)
  ids <- data.frame(row = seq_len(data$n_rows))
  if (!is.null(data$cluster)) ids[[data$cluster_name]] <- data$cluster_ids[data$cluster[place] + 1]
  out <- cbind(ids, part[place, , drop = FALSE])
  rownames(out) <- NULL
  out
}

# Which item each stacked row observes: the one outcome that is not missing there.
stacked_items <- function(fit) {
  outcomes <- fit$spec$outcomes
  item <- rep(NA_character_, length(fit$data$row_used))
  for (outcome in outcomes) item[!is.na(fit$data$columns[[outcome$column]])] <- outcome$name
  item
}

bind_rows <- function(tables) {
  out <- do.call(rbind, unname(tables))
  if (is.null(out)) return(data.frame())
  rownames(out) <- NULL
  out
}
