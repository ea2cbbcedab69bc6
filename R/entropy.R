# Entropy: how certain the class memberships are.

# Sum over cases of -p log p for probabilities [n x k], weighted.
classification_uncertainty <- function(posterior, weight) {
  terms <- ifelse(posterior > 0, -posterior * log(posterior), 0)
  sum(weight * rowSums(terms))
}

# The posterior of all class patterns together and its weights: within patterns of units, or, without within class
# variables, the classes of clusters. NULL if there is none (or too many patterns).
pattern_posterior <- function(fit) {
  within <- fit_classes(fit, "within")
  between <- fit_classes(fit, "between")
  if (length(within) == 1) return(list(p = class_posterior(fit, within[[1]]$name), weight = unit_weight(fit)))
  if (length(within) > 1) {
    if (is.null(fit$posterior_joint)) return(NULL)
    cells <- prod(vapply(within, function(cl) cl$k, 1))
    return(list(p = matrix(as.numeric(fit$posterior_joint), ncol = cells), weight = unit_weight(fit)))
  }
  if (length(between) == 1) return(list(p = class_posterior(fit, between[[1]]$name), weight = cluster_weight(fit)))
  NULL
}

# Relative entropy 1 - sum(-p log p) / (n log K) (Ramaswamy, DeSarbo, Reibstein and Robinson, 1993); of one class
# variable, or of all class patterns together. NA with one class.
entropy <- function(fit, class = NULL) {
  part <- if (is.null(class)) {
    pattern_posterior(fit)
  } else {
    level <- fit_classes(fit)[[class]]$level
    list(p = class_posterior(fit, class), weight = if (level == "within") unit_weight(fit) else cluster_weight(fit))
  }
  if (is.null(part) || ncol(part$p) < 2) return(NA_real_)
  1 - classification_uncertainty(part$p, part$weight) / (sum(part$weight) * log(ncol(part$p)))
}
