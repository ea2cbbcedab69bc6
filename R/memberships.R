# memberships(): the share of every class in each person or cluster.
#
# In a grade-of-membership model person j has class probabilities g_jk = P(C = k | random effects of j) of its own; the
# membership scores are their posterior means E(g_jk | y_j). The engine does the averaging: a further class variable R
# with the logits of C, on which no outcome depends, has the posterior P(R = k | y) = E(P(C = k | b) | y). R has K x K
# classes here, two independent draws from C, so that it gives E(g_jk^2 | y) too and with it the standard error.

#' Membership scores
#'
#' How much each person belongs to each class in a grade-of-membership model ([gom()], [fma_gom()]): the posterior mean
#' of the person's own class probabilities. For two-level models in general: the share of each class in every cluster.
#'
#' A membership score is not the posterior probability of a class. [posterior()] says of which class a response (or a
#' unit) was; the membership score says in which proportions the person's (or cluster's) responses are drawn from the
#' classes. Where class probabilities differ between the items or units of a person or cluster (by covariates or by
#' other class variables), the score is their average, and the standard error is an upper bound.
#'
#' @param fit A fit from [mlmix()] whose model has a class variable of units with random effects, or with predictors
#'   that differ between clusters.
#' @return A data frame, a row for each row of the data of models that stack items (`NA` for rows left out; first column
#'   `row`), otherwise for each cluster (first column its id), and for each within class variable `c` the scores `c=1`,
#'   `c=2`, ... and their posterior standard deviations `c=1.se`, `c=2.se`, ...
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 7.
#'
#'   Erosheva, E. A., Fienberg, S. E. and Joutard, C. (2007). Describing disability through individual-level mixture
#'   models for multivariate binary data. *Annals of Applied Statistics*, 1, 502--537.
#' @seealso [posterior()], [random_effects()], [gom()].
#' @examples
#' items <- paste0("item", 1:5)
#' fit <- mlmix(gom(item1:item5, k = 2), lsat[1:300, ], starts = c(3, 1), seed = 1)
#' head(memberships(fit))
#' @export
memberships <- function(fit) {
  check_fit(fit)
  classes <- fit_classes(fit, "within")
  if (length(classes) == 0 || is.null(fit$data$cluster)) {
    abort_spec(c(
      "Membership scores belong to persons or clusters whose units have classes.",
      x = if (length(classes) == 0) "The model has no class variable of units." else "The model has no clusters.",
      i = "See {.fn gom} and {.fn multilevel_lca}; of single units {.fn posterior} gives the class probabilities."
    ))
  }
  frame <- rlang::current_env()
  parts <- lapply(classes, function(class) {
    scores <- membership_scores(fit, class, frame)
    out <- data.frame(scores$mean, scores$sd)
    names(out) <- c(class$labels, paste0(class$labels, ".se"))
    out
  })
  part <- do.call(cbind, unname(parts))
  if (is.null(fit$data$reshape)) return(readable(with_ids(fit, part, "between")))
  person <- fit$data$row_used[!duplicated(fit$data$cluster)]
  out <- data.frame(row = seq_len(fit$data$n_rows), part[match(seq_len(fit$data$n_rows), person), , drop = FALSE],
    check.names = FALSE)
  rownames(out) <- NULL
  readable(out)
}

# list(mean, sd): [clusters x classes].
membership_scores <- function(fit, class, call) {
  spec <- fixed_spec(fit$spec, fit$parameters$estimate)
  place <- match(class$name, vapply(spec$classes, function(cl) cl$name, ""))
  logits <- c(spec$classes[[place]]$logits, list(list(terms = list())))
  pairs <- expand.grid(a = seq_len(class$k), b = seq_len(class$k))
  copy <- list(
    name = response_name, level = "within", n_classes = nrow(pairs), known = NULL,
    logits = lapply(seq_len(nrow(pairs) - 1), function(i) {
      list(terms = c(logits[[pairs$a[[i]]]]$terms, logits[[pairs$b[[i]]]]$terms))
    })
  )
  spec$classes <- c(spec$classes, list(copy))
  result <- engine_at(fit, spec, fit$data, call)
  p <- matrix(as.numeric(result$posterior_within[[response_name]]), ncol = nrow(pairs))
  mean <- p %*% (outer(pairs$a, seq_len(class$k), "==") + 0)
  square <- p[, which(pairs$a == pairs$b), drop = FALSE]
  sd <- sqrt(pmax(square - mean^2, 0))
  cluster <- fit$data$cluster
  weight <- unit_weight(fit)
  average <- function(x) rowsum(x * weight, cluster) / as.numeric(rowsum(weight, cluster))
  list(mean = unname(average(mean)), sd = unname(average(sd)))
}
