# icc(): how much of the variance lies between clusters.

#' Intraclass correlation
#'
#' The share of the variance of each response that lies between clusters. Of a class variable with a random intercept
#' \eqn{a_j} it is \eqn{Var(a_j) / (Var(a_j) + \pi^2 / 3)}: the classes of units are a logit with a standard logistic
#' residual.
#'
#' All that differs between clusters counts: random intercepts and slopes, between classes, and the class variables and
#' factors behind a response as far as they differ between clusters. Covariates do not: the correlation is that of two
#' units of one cluster with the same covariates, averaged over the covariates of the data. The residual is as in
#' [r_squared()]; counts have none and are left out.
#'
#' The intraclass correlation of a class variable says whether it belongs to units or to clusters. Near 1 all units of
#' a cluster are in the same class. Above 0.8 or so, fit the model with the class variable at the between level too: it
#' has fewer parameters, and where its log-likelihood is as high it is the better description (Asparouhov and Muthén,
#' 2006, section 5, Models 5 and 6). The printed result says so.
#'
#' @inheritParams r_squared
#' @param target Text or `NULL` (default: the responses in whose own equation something differs between clusters): names
#'   of responses. Others may be asked for, such as the items behind which a class variable differs between clusters.
#' @return A data frame of class `mlmix_icc`: `target` (class logits as `c#1`), `kind` (class, outcome, latent),
#'   `between` and `within` (the two variances), `estimate`, `std.error`, `conf.low`, `conf.high`, `status` (see
#'   [r_squared()]).
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 5, equation (20).
#'
#'   Snijders, T. A. B. and Bosker, R. J. (2012). *Multilevel analysis* (2nd ed.), chapter 17. Sage.
#' @seealso [r_squared()], [multilevel_lca()].
#' @examples
#' set.seed(1)
#' school <- rep(1:30, each = 10)
#' data <- data.frame(school, y = rnorm(30)[school] + rnorm(300))
#' fit <- mlmix(mixture_model(outcome(y ~ (1 | school))), data, seed = 1)
#' icc(fit)
#' @export
icc <- function(fit, target = NULL, level = 0.95, bootstrap = NULL) {
  check_fit(fit)
  level <- check_level(level)
  targets <- icc_targets(fit)
  if (length(targets) == 0) {
    abort_spec(c(
      "Nothing differs between clusters in this model: it has no intraclass correlation.",
      i = "Add a random intercept, {.code (1 | school)}, or a class variable with {.code level = \"between\"}."
    ))
  }
  own <- Filter(function(target) target$own_cluster, targets)
  chosen <- if (is.null(target)) (if (length(own) > 0) own else targets) else select_targets(targets, target)
  ready <- variance_functions(fit, chosen)$targets
  variances <- function(theta) vapply(ready, function(t) icc_variances(t$value(theta)), numeric(2))
  shares <- function(theta) {
    v <- variances(theta)
    unname(v[1, ] / colSums(v))
  }
  v <- variances(fit$parameters$estimate)
  out <- data.frame(
    target = names(ready), kind = vapply(ready, function(t) t$plan$target$kind, ""), between = v[1, ], within = v[2, ],
    share_limits(fit, shares, level, bootstrap), row.names = NULL, stringsAsFactors = FALSE
  )
  structure(out, class = c("mlmix_icc", "data.frame"))
}

icc_variances <- function(v) c(v[["shared"]] + v[["own"]], v[["individual"]] + v[["residual"]])

# Within responses behind which something differs between clusters. Where items were stacked the cluster is a person,
# who answers each item once: only class variables then.
icc_targets <- function(fit) {
  parents <- variable_parents(fit$spec)
  parts <- c(fit$spec$classes, fit$spec$latents)
  between <- vapply(Filter(function(part) part$level == "between", parts), function(part) part$name, "")
  targets <- lapply(variance_targets(fit), function(target) {
    direct <- if (is.null(target$refused)) as.character(predictor_parents(target$predictor))
    target$own_cluster <- any(direct %in% between)
    target$clustered <- target$level == "within" && any(with_ancestors(direct, parents) %in% between) &&
      (is.null(fit$data$reshape) || target$kind == "class")
    target
  })
  Filter(function(target) target$clustered, targets)
}

#' @export
print.mlmix_icc <- function(x, ...) {
  columns <- c("target", "kind", "between", "within", "estimate", "std.error", "conf.low", "conf.high")
  if (!all(columns %in% names(x))) return(NextMethod())
  cat("Intraclass correlations\n")
  print_plain(data.frame(
    target = x$target, between = fixed_digits(x$between, 3), within = fixed_digits(x$within, 3),
    ICC = fixed_digits(x$estimate, 3), std.error = fixed_digits(x$std.error, 3), conf.low = fixed_digits(x$conf.low, 3),
    conf.high = fixed_digits(x$conf.high, 3), ` ` = ifelse(x$status == "free", "", x$status), check.names = FALSE
  ))
  high <- x$kind == "class" & x$estimate > 0.8
  if (any(high)) {
    cat(strwrap(paste0(
      paste(x$target[high], collapse = ", "), ": above 0.8, nearly all units of a cluster are in the same class. ",
      "Compare the model that has this class variable at level = \"between\": with fewer parameters it may fit as well."
    ), 80), sep = "\n")
  }
  invisible(x)
}
