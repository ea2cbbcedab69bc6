# Which coefficients belong together: those of one factor, or of one product of covariates, in a formula.

# The terms of formulas by the labels of the columns that they became: c(eduB = "edu", eduC = "edu", age = "age").
term_groups <- function(designs) {
  groups <- unlist(lapply(designs, function(design) {
    terms <- attr(stats::terms(design$terms, keep.order = TRUE), "term.labels")
    stats::setNames(terms[design$product], design$labels)
  }))
  if (is.null(groups)) character(0) else groups[!duplicated(names(groups))]
}

# For each `term` of a parameter table the term of the formula; factors and random effects that it is multiplied with
# stay where they are.
term_group <- function(term, groups) {
  known <- unname(groups[match(term, names(groups))])
  ifelse(is.na(known), term, known)
}

# The free parameters that say what a covariate does: the rows of `parameters` (with `term` and `target`) whose term of
# the formula is one of `terms`, or has it as a part if it stands in no formula alone.
term_parameters <- function(parameters, groups, terms, target, call) {
  p <- parameters
  p$group <- term_group(p$term, groups)
  p$root <- sub("#[0-9]+$", "", p$target)
  p <- p[p$kind %in% c("logit", "slope", "loading", "regression") & p$term != "1", , drop = FALSE]
  unknown <- setdiff(terms, c(p$group, p$term))
  if (length(unknown) > 0) {
    abort_spec(c(
      "{.arg term} must name predictors of the model.", x = "You gave {.val {unknown}}.",
      if (nrow(p) > 0) suggest_names(unknown[[1]], unique(c(p$group, p$term)), "Predictors")
      else c(i = "It has none with a free coefficient.")
    ), call = call)
  }
  p <- p[p$group %in% terms | p$term %in% terms, , drop = FALSE]
  if (is.null(target)) return(p$name)
  strange <- setdiff(target, c(p$root, p$target))
  if (length(strange) > 0) {
    abort_spec(c(
      "{.arg target} must name what {.val {terms}} predict{?s/}.", x = "You gave {.val {strange}}.",
      suggest_names(strange[[1]], unique(p$root), "Accepted")
    ), call = call)
  }
  p$name[p$root %in% target | p$target %in% target]
}
