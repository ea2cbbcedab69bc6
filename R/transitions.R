# transitions(): from one class variable to the next.

#' Transition probabilities
#'
#' The probability of each class given the classes that predict it, as the data and the model show it on average:
#' expected counts from the posterior, so marginal over covariates and random effects.
#'
#' @param fit A fit from [mlmix()] whose model has a class variable predicted by another.
#' @return A data frame: `from` (class or combination of classes), `to` (class), `probability` (of `to` given `from`;
#'   `NA` if nobody is in `from`), `n` (expected number of units with both).
#' @seealso [estimates()] with `scale = "probability"` for the same probabilities where covariates and random effects
#'   are 0, with standard errors.
#' @examples
#' \donttest{
#' model <- mixture_model(
#'   latent_class("c1", 2), latent_class("c2", 2, ~ c1),
#'   outcome(c(A, B, C, E) ~ c1, family = bernoulli()),
#'   outcome(c(D, F, G) ~ c2, family = bernoulli())
#' )
#' fit <- mlmix(model, carcinoma, starts = c(5, 2), seed = 1)
#' transitions(fit)
#' }
#' @export
transitions <- function(fit) {
  check_fit(fit)
  classes <- fit_classes(fit)
  tables <- lapply(names(fit$transitions), function(name) {
    parents <- parent_classes(fit, name)
    counts <- matrix(as.numeric(fit$transitions[[name]]), ncol = classes[[name]]$k)
    from <- fit_pattern_labels(fit_patterns(classes[parents]))
    total <- rowSums(counts)
    probability <- counts / ifelse(total > 0, total, NA_real_)
    data.frame(
      from = rep(from, each = ncol(counts)), to = rep(classes[[name]]$labels, times = length(from)),
      probability = as.numeric(t(probability)), n = as.numeric(t(counts)), stringsAsFactors = FALSE
    )
  })
  if (length(tables) == 0) {
    abort_spec(c(
      "The model has no transitions: no class variable is predicted by another.",
      i = "In {.code latent_class(\"c2\", 2, ~ c1)} the variable c1 predicts c2."
    ))
  }
  readable(bind_rows(tables))
}

# The class variables that the logits of `name` depend on, in the model's order.
parent_classes <- function(fit, name) {
  class <- Filter(function(cl) cl$name == name, fit$spec$classes)[[1]]
  used <- unlist(lapply(class$logits, function(p) lapply(p$terms, function(term) unlist(term$coefficient$by))))
  names <- names(fit_classes(fit))
  names[names %in% used]
}
