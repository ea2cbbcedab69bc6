# r_squared(): how much of each response its predictors explain, and at which level.

#' Explained variance
#'
#' Splits the variance of every response that has predictors: what covariates, the cluster, and the unit's own classes
#' and factors explain, and the residual.
#'
#' A categorical response or a class has an underlying continuous variable, its linear predictor (the logit against the
#' last category) plus a residual of variance \eqn{\pi^2/3} for a logit and 1 for a probit. The variance of the
#' underlying variable is split by the law of total variance, in the order of the rows:
#'
#' * `covariates`: covariates of units and clusters, as they are distributed in the data;
#' * `cluster`: between classes and random effects, given the covariates. Where these also move the class variables and
#'   factors that predict the response, there are two rows: `cluster, shared` is what the between variables behind the
#'   predictors bring, by whatever way, `cluster, own` the rest;
#' * `individual`: within class variables and factors, given all of the cluster;
#' * `residual`.
#'
#' `explained` is everything but the residual. For responses with within classes as predictors, `classes alone` is what
#' the classes explain by themselves, with the clusters left aside, and `reduction` is how much of this is due to
#' the cluster: `classes alone` less `individual`.
#'
#' In the two-level latent transition model (`lta()` with `cluster`) the response `c2#1` has the linear predictor
#' \eqn{a_{2j} + \gamma [C_1 = 1]} with \eqn{a_{2j} = \mu + \beta a_{1j} + e_j}: `cluster, shared` is the part of the
#' classroom effect \eqn{a_{1j}}, `cluster, own` that of the residual classroom effect \eqn{e_j}, `individual` that of
#' the first class given the classroom.
#'
#' Classes are enumerated, latent variables that move class probabilities integrated by Gauss-Hermite quadrature, all
#' others enter in closed form. Counts have no underlying variable; they are left out.
#'
#' @param fit A fit from [mlmix()].
#' @param target Text or `NULL` (default: class variables, factors and random effects with predictors, and outcomes with
#'   covariates or random effects; items, which depend on classes and factors only, if there is nothing else): names of
#'   responses, such as `"c2"` or `"u1"`; random effects that are regressed on others have names such as
#'   `"c2#1@school"`.
#' @param level Number between 0 and 1, default 0.95: of the confidence intervals.
#' @param bootstrap `NULL` (default: the delta method), or the result of [bootstrap()] for the same fit: standard
#'   deviations and percentile intervals over its draws. Variances near 0 or very large make the delta method
#'   unreliable.
#' @return A data frame of class `mlmix_r_squared`: `target` (class logits and categories as `c2#1`), `level`, `part`
#'   (see above), `variance`, `estimate` (the proportion of the total variance), `std.error`, `conf.low`, `conf.high`
#'   (on the logit scale; of `reduction` on the plain one), `status`: `"boundary"` where a parameter at its boundary
#'   matters, such as a logit held at 15, whose size is arbitrary and with it the variance, or
#'   the share is 0 or 1; otherwise `"free"`.
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models, section 4.
#'
#'   McKelvey, R. D. and Zavoina, W. (1975). A statistical model for the analysis of ordinal level dependent variables.
#'   *Journal of Mathematical Sociology*, 4, 103--120.
#' @seealso [icc()], [derive()], [transitions()].
#' @examples
#' model <- mixture_model(latent_class("c", 2),
#'   outcome(c(A, B, C, D, E, F, G) ~ c, family = bernoulli()))
#' fit <- mlmix(model, carcinoma, starts = c(5, 2), seed = 1)
#' r_squared(fit, "A")
#' @export
r_squared <- function(fit, target = NULL, level = 0.95, bootstrap = NULL) {
  check_fit(fit)
  level <- check_level(level)
  targets <- Filter(has_predictors, variance_targets(fit))
  if (length(targets) == 0) {
    abort_spec(c(
      "Nothing is explained: no response of the model has predictors.",
      i = "Predictors are covariates, class variables, factors and random effects."
    ))
  }
  structural <- Filter(function(t) !is_measurement(t), targets)
  chosen <- if (is.null(target) && length(structural) > 0) structural else select_targets(targets, target)
  ready <- variance_functions(fit, chosen)
  rows <- lapply(ready$targets, r_squared_rows)
  shares <- function(theta) {
    unlist(lapply(ready$targets, function(t) r_squared_values(t$value(theta))[r_squared_rows(t)]))
  }
  variance <- unlist(lapply(ready$targets, function(t) r_squared_variances(t$value(fit$parameters$estimate))[
    r_squared_rows(t)]))
  part <- unlist(rows, use.names = FALSE)
  n <- lengths(rows)
  out <- data.frame(
    target = rep(names(ready$targets), n), level = rep(ready$level, n), part = r_squared_words[part],
    variance = unname(variance), share_limits(fit, shares, level, bootstrap, plain = part == "reduction"),
    row.names = NULL, stringsAsFactors = FALSE
  )
  structure(out, behind = lapply(ready$targets, function(t) t$plan$individuals),
    class = c("mlmix_r_squared", "data.frame"))
}

has_predictors <- function(target) {
  !is.null(target$refused) || !all(vapply(target$predictor$terms, is_plain_constant, TRUE))
}

# An item: an outcome that depends on nothing but classes and factors.
is_measurement <- function(target) {
  target$kind == "outcome" && is.null(target$refused) && !any(vapply(target$predictor$terms, function(term) {
    !is.null(term$covariate) || any(grepl("@", unlist(term$latents), fixed = TRUE))
  }, TRUE))
}

# A term that is the same for everybody.
is_plain_constant <- function(term) is_constant_term(term) && is.null(term$coefficient[["by"]])

# The targets asked for, by label ("c2#1"), by name ("c2"); all of them by default.
select_targets <- function(targets, chosen, call = rlang::caller_env()) {
  if (is.null(chosen)) return(targets)
  labels <- names(targets)
  names <- vapply(targets, function(target) target$name, "")
  unknown <- if (is.character(chosen)) setdiff(chosen, c(labels, names)) else chosen
  if (!is.character(chosen) || length(unknown) > 0) {
    abort_spec(c(
      "{.arg target} must name responses with predictors.",
      x = "You gave {describe(chosen)}.",
      suggest_names(as.character(unknown)[[1]], unique(c(names, labels)), "Responses")
    ), call = call)
  }
  targets[labels %in% chosen | names %in% chosen]
}

# The variance functions of targets, those without one told: list(targets, level).
variance_functions <- function(fit, targets, call = rlang::caller_env()) {
  ready <- lapply(targets, variance_function, fit = fit, memory = new.env(parent = emptyenv()))
  refused <- vapply(ready, function(part) !is.null(part$refused), TRUE)
  if (any(refused)) {
    reasons <- vapply(ready[refused], function(part) part$refused, "")
    lines <- vapply(unique(reasons), function(reason) {
      cli::format_inline("{.val {names(reasons)[reasons == reason]}}: {reason}.")
    }, "")
    lines <- stats::setNames(cli_safe(lines), rep("i", length(lines)))
    if (all(refused)) abort_spec(c("The variance of these responses cannot be split.", lines), call = call)
    inform_data(c("Left out:", lines))
  }
  list(targets = ready[!refused], level = vapply(targets[!refused], function(target) target$level, ""))
}

cli_safe <- function(text) gsub("}", "}}", gsub("{", "{{", text, fixed = TRUE), fixed = TRUE)

r_squared_words <- c(
  covariates = "covariates", shared = "cluster, shared", own = "cluster, own", cluster = "cluster",
  individual = "individual", predictors = "predictors", residual = "residual", explained = "explained",
  alone = "classes alone", reduction = "reduction"
)

# Which parts a target has, from its structure.
r_squared_rows <- function(ready) {
  plan <- ready$plan
  between <- any(plan$between) || any(vapply(plan$classes, function(class) class$level == "between", TRUE))
  at_between <- plan$target$level == "between"
  within <- length(plan$individuals) > 0
  classes <- !at_between && within && all(plan$individuals %in% names(plan$classes))
  c(
    if (length(plan$x) > 0) "covariates",
    if (between && !at_between) if (!plan$has_shared) "cluster" else c("shared", if (plan$has_own) "own"),
    if (within) if (at_between) "predictors" else "individual",
    "residual", "explained",
    if (classes && between) c("alone", "reduction")
  )
}

r_squared_variances <- function(v) {
  c(
    v[c("covariates", "shared", "own")], cluster = v[["shared"]] + v[["own"]], v["individual"],
    predictors = v[["individual"]], v["residual"], explained = sum(v[c("covariates", "shared", "own", "individual")]),
    v["alone"], reduction = v[["alone"]] - v[["individual"]]
  )
}

r_squared_values <- function(v) {
  parts <- r_squared_variances(v)
  total <- parts[["explained"]] + parts[["residual"]]
  ifelse(abs(parts) < 1e-12 * total, 0, parts / total)
}

# Estimate, error and limits of shares of a whole: on the logit scale, or plain where they may be negative.
share_columns <- function(delta, level, plain = FALSE) {
  p <- delta$estimate
  z <- stats::qnorm(1 - (1 - level) / 2)
  plain <- rep(plain, length.out = length(p))
  limit <- !plain & (abs(p) < 1e-6 | abs(1 - p) < 1e-6)
  se <- ifelse(limit, NA_real_, delta$std_error)
  width <- z * se / (p * (1 - p))
  logit <- stats::qlogis(pmin(pmax(p, 0), 1))
  data.frame(
    estimate = p, std.error = se, conf.low = ifelse(plain, p - z * se, stats::plogis(logit - width)),
    conf.high = ifelse(plain, p + z * se, stats::plogis(logit + width)),
    status = ifelse(delta$boundary | limit, "boundary", "free")
  )
}

# The same by the delta method, or over the draws of a bootstrap.
share_limits <- function(fit, fun, level, bootstrap, plain = FALSE, call = rlang::caller_env()) {
  if (is.null(bootstrap)) return(share_columns(delta_method(fit, fun), level, plain))
  estimate <- unname(fun(fit$parameters$estimate))
  draws <- bootstrap_draws(fit, bootstrap, fun, call)
  tail <- (1 - level) / 2
  limit <- function(p) apply(draws, 2, stats::quantile, p, na.rm = TRUE, names = FALSE)
  at_limit <- !rep(plain, length.out = length(estimate)) & (abs(estimate) < 1e-6 | abs(1 - estimate) < 1e-6)
  data.frame(
    estimate = estimate, std.error = apply(draws, 2, stats::sd, na.rm = TRUE), conf.low = limit(tail),
    conf.high = limit(1 - tail), status = ifelse(at_limit, "boundary", "free")
  )
}

# `fun` of the parameters at the estimates of every replication that converged: [replications x length(fun)].
bootstrap_draws <- function(fit, bootstrap, fun, call) {
  if (!inherits(bootstrap, "mlmix_bootstrap")) {
    abort_spec(c("{.arg bootstrap} must come from {.fn bootstrap}.", x = "You gave {describe(bootstrap)}."), call = call)
  }
  values <- bootstrap_matrix(bootstrap)
  name <- fit$parameters$name[fit$free]
  place <- match(name, bootstrap$original$name)
  if (anyNA(place) || !isTRUE(all.equal(bootstrap$original$estimate[place], fit$parameters$estimate[fit$free]))) {
    abort_spec(c(
      "{.arg bootstrap} is not of this fit: its parameters or their estimates differ.",
      i = "Make it with {.code bootstrap(fit)}."
    ), call = call)
  }
  theta <- fit$parameters$estimate
  draws <- lapply(seq_len(nrow(values)), function(r) fun(replace(theta, fit$free, values[r, place])))
  matrix(unlist(draws), nrow = length(draws), byrow = TRUE)
}

#' @export
print.mlmix_r_squared <- function(x, ...) {
  columns <- c("target", "part", "variance", "estimate", "std.error", "conf.low", "conf.high")
  if (!all(columns %in% names(x))) return(NextMethod())
  cat("Explained variance, as proportions of the total\n")
  for (target in unique(x$target)) {
    rows <- as.data.frame(x)[x$target == target, ]
    behind <- attr(x, "behind")[[target]]
    what <- intersect(c("individual", "predictors"), rows$part)
    behind <- if (length(what) > 0) paste0(" (", what, ": ", paste(behind, collapse = ", "), ")")
    cat("\n", paste0(strwrap(paste0(target, behind), 80, exdent = 2), "\n"), sep = "")
    print_plain(data.frame(
      part = rows$part, variance = fixed_digits(rows$variance, 3), proportion = fixed_digits(rows$estimate, 3),
      std.error = fixed_digits(rows$std.error, 3), conf.low = fixed_digits(rows$conf.low, 3),
      conf.high = fixed_digits(rows$conf.high, 3),
      ` ` = ifelse(rows$status == "free", "", rows$status), check.names = FALSE
    ))
  }
  invisible(x)
}
