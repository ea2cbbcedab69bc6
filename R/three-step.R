# three_step(): classes related to predictors and outcomes that took no part in forming them.

#' Classes with predictors and outcomes, in three steps
#'
#' First a model without them was fitted. Then units are assigned to classes, and last the assigned classes are related
#' to predictors and outcomes, correcting for the errors of assignment. So the classes keep their meaning.
#'
#' @param fit A fit from [mlmix()], the first step.
#' @param formula Formula, or a list of them. With a class variable on the left (`c ~ age + sex`, or `~ age + sex` where
#'   there is one only) the predictors of the classes; with a class variable on the right (`income ~ c`,
#'   `c(y1, y2) ~ c * x`) outcomes that differ by class, whose coefficients are reported for each class. Class
#'   variables may also predict one another (`c2 ~ c1`).
#' @param data The data frame that the model was fitted to, with further columns.
#' @param method Text: `"ML"` (default), a model in which the assigned class is an indicator of the true one with known
#'   errors (R3STEP); `"BCH"`, known classes with weights from the inverse of the errors, which is robust where an
#'   outcome is not distributed as assumed within classes.
#' @param assignment Text: `"modal"` (default), to the most probable class; `"proportional"`, to every class with its
#'   probability.
#' @param family Response family of the outcomes, or a list of families by their names. By default (`NULL`) numbers are
#'   gaussian, 0/1 and factors with two levels bernoulli, ordered factors ordinal, other factors nominal.
#' @param variances Text: `"varying"` (default), each class has its residual variance; `"equal"`.
#' @param correct `TRUE` (default) or `FALSE`: whether standard errors allow for the uncertainty of the first step.
#' @param ... For `method = "ML"`: arguments of [mlmix()] such as `starts` (default `c(10, 3)`), `seed`, `threads`.
#' @return A list of class `mlmix_three_step` with
#'   * `estimates`: data frame of coefficients, as from [estimates()];
#'   * `means`: data frame of the outcomes' means, or probabilities of `category`, by class with standard errors and 95
#'     percent intervals, where other predictors are 0; `NULL` without outcomes;
#'   * `tests`: data frame of Wald tests: `target`, `term`, `hypothesis`, `difference`, `std.error`, `statistic`
#'     (chi-square), `df`, `p.value`. For each predictor `"no effect"`, jointly over all logits, classes, and categories
#'     of a factor, of which each is also tested alone; for what differs by class `"all classes equal"` and each pair.
#'     Others by [wald_test()];
#'   * `coefficients`, `vcov`, and `vcov_uncorrected`, which takes the first step as known;
#'   * `errors`: the probability of being assigned (columns) given the true class (rows);
#'   * `shift`: the share whose most probable class in step three is not the assigned one (`NA` for BCH). Above 0.2 the
#'     outcomes have changed the classes, and a warning is given;
#'   * `fit`: for ML the fit of step three; `method`, `assignment`, `corrected`, `classes` (variables that took part),
#'     `n`, `call`.
#'
#'   With methods for [print()], [tidy()], [glance()], [coef()], [vcov()], [confint()] and [nobs()]; [wald_test()] and
#'   [derive()] take it as they take a fit.
#' @details
#' Standard errors are robust (sandwich); by clusters where the first step was. `correct = TRUE` adds what the sampling
#' error of the assignment errors contributes, by the delta method through the estimates of the first step (Bakk,
#' Oberski and Vermunt 2014); parameters at a boundary count as known. Mplus's R3STEP and DU3STEP are `method = "ML"`
#' with `correct = FALSE`.
#'
#' With several class variables the assigned combinations are the indicator, so that also classes that were formed
#' together may explain each other. Classes of clusters are explained at the level of clusters; outcomes that vary
#' within clusters are taken as repeated within them.
#'
#' Classes of units in a model with a between level are assigned from the unit's own outcomes only, as if it were alone
#' in its cluster. The posterior of the fit also depends on the other units, so that errors of assignment would differ
#' between clusters, and with everything that clusters differ in. Standard errors are robust by clusters, and the
#' formula may have random effects of its own (`c ~ x + (1 | school)`, only with `method = "ML"` and modal assignment).
#' Where the outcomes of the first step depend on the cluster in other ways than through the class (random intercepts of
#' items, classes of clusters that change the items), the errors are those of an average cluster: prefer [two_step()].
#' It is also what is left for class variables of both levels together, whose errors of assignment depend on each other,
#' and for models that stack items.
#'
#' BCH weights may be negative. A variance that they make negative has no estimate (`NA`, with a warning); where no
#' solution exists, as for a probability beyond 0 or 1, there is an error.
#'
#' The corrections suppose that predictors and outcomes are independent of the indicators given the classes. If the
#' first step had predictors of the classes, give these here too.
#' @references Asparouhov, T. and Muthén, B. (2014). Auxiliary variables in mixture modeling: Three-step approaches
#'   using Mplus. *Structural Equation Modeling*, 21, 329-341.
#'
#'   Bakk, Z., Oberski, D. L. and Vermunt, J. K. (2014). Relating latent class assignments to external variables:
#'   Standard errors for correct inference. *Political Analysis*, 22, 520-540.
#'
#'   Bakk, Z., Tekle, F. B. and Vermunt, J. K. (2013). Estimating the association between latent class membership and
#'   external variables using bias-adjusted three-step approaches. *Sociological Methodology*, 43, 272-311.
#'
#'   Bolck, A., Croon, M. and Hagenaars, J. (2004). Estimating latent structure models with categorical variables:
#'   One-step versus three-step estimators. *Political Analysis*, 12, 3-27.
#'
#'   Vermunt, J. K. (2010). Latent class modeling with covariates: Two improved three-step approaches. *Political
#'   Analysis*, 18, 450-469.
#' @seealso [two_step()], [classification_table()], [plausible_draws()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' three_step(fit, c(E, G) ~ c, carcinoma, seed = 1)
#' three_step(fit, c ~ E, carcinoma, method = "BCH")
#' @export
three_step <- function(fit, formula, data, method = c("ML", "BCH"), assignment = c("modal", "proportional"),
                       family = NULL, variances = c("varying", "equal"), correct = TRUE, ...) {
  frame <- rlang::current_env()
  call <- match.call()
  check_fit(fit)
  method <- check_choice(method, c("ML", "BCH"), "method")
  assignment <- check_choice(assignment, c("modal", "proportional"), "assignment")
  variances <- check_choice(variances, c("varying", "equal"), "variances")
  correct <- check_flag(correct, "correct")
  dots <- check_step_dots(list(...), frame)
  data <- check_fit_data(data, fit, frame)
  check_first_step(fit, correct, frame)
  parts <- structural_parts(fit, formula, frame)
  check_structural_variables(parts, data, names(fit_classes(fit)), frame)
  three_step_level(fit, parts$used, frame)
  alone <- with_joint_between(units_alone(fit, parts$used), parts$used)
  step <- assign_patterns(alone, parts$used, assignment, frame)
  third <- third_data(fit, parts, step, data, frame)
  outcomes <- vapply(parts$outcomes, `[[`, "", "name")
  if (method == "ML") {
    found <- ml_third_step(fit, parts, step, third, assignment, family, variances, dots, frame)
    plain <- found$vcov
    if (correct) found <- with_vcov(found, ml_first_step(alone, found, parts$used, step, assignment, frame))
    shift <- class_shift(found, parts, step)
    warn_shift(shift)
  } else {
    found <- bch_third_step(alone, parts, step, third, family, variances, correct, assignment, frame)
    plain <- found$vcov_uncorrected
    shift <- NA_real_
  }
  errors <- step$errors
  dimnames(errors) <- list(step$labels, step$labels[step$seen])
  new_structural("mlmix_three_step", call, found, outcomes, list(
    vcov_uncorrected = plain, corrected = correct, errors = errors, shift = shift, method = method,
    assignment = assignment, classes = parts$used, fit = if (method == "ML") found
  ))
}

# Arguments handed on to mlmix().
check_step_dots <- function(dots, call) {
  accepted <- c("starts", "seed", "threads", "progress", "integration", "control")
  unknown <- setdiff(names(dots), accepted)
  if (length(dots) > 0 && (is.null(names(dots)) || length(unknown) > 0)) {
    abort_spec(c(
      "{.arg ...} takes arguments of {.fn mlmix}: {.arg {accepted}}.",
      x = if (length(unknown) > 0) "You gave {.arg {unknown}}."
    ), call = call)
  }
  dots
}

# The result of a later step; `found` is its fit, or what of one BCH has.
new_structural <- function(class, call, found, outcomes, more) {
  structure(c(
    list(
      estimates = natural_estimates(found, 0.95, fixed = FALSE),
      means = if (length(outcomes) > 0) third_means(found, outcomes), tests = third_tests(found, outcomes),
      predictors = term_groups(found$data$designs),
      coefficients = stats::setNames(found$parameters$estimate[found$free], found$parameters$name[found$free]),
      vcov = found$vcov
    ), more, list(n = found$n, call = call)
  ), class = c(class, "mlmix_structural"))
}

warn_shift <- function(shift) {
  if (isTRUE(shift > 0.2)) {
    cli::cli_warn(c(
      "The outcomes have changed the classes.",
      x = "{percent(shift)} of units are most probably in another class than assigned.",
      i = "Use {.code method = \"BCH\"}."
    ), class = c("mlmix_warning_shift", "mlmix_warning"))
  }
}

#' @export
print.mlmix_three_step <- function(x, ...) print_structural(x)

# What stands above and below the tables of a later step.
structural_opening <- function(x) {
  classes <- paste0("class variable", if (length(x$classes) > 1) "s", " ", paste(x$classes, collapse = ", "))
  paste0(
    if (inherits(x, "mlmix_two_step")) "Two-step analysis"
    else paste0("Three-step analysis (", x$method, ", ", x$assignment, " assignment)"),
    " of ", classes, "; ", format(x$n), " cases"
  )
}

structural_closing <- function(x) {
  c(
    if (!is.null(x$fit) && !is_converged(x$fit)) paste0("NOT CONVERGED: ", convergence_words(x$fit)),
    paste0(
      "Standard errors: robust, ", if (x$corrected) "with" else "without", " the uncertainty of the first step.",
      if (!is.null(x$shift) && !is.na(x$shift)) {
        paste0(" Class in step three other than assigned: ", percent(x$shift), ".")
      }
    )
  )
}

# The tables as text, list(title, table) each: errors of assignment, coefficients, means, tests.
structural_tables <- function(x) {
  out <- list()
  add <- function(title, table) out <<- c(out, list(list(title = title, table = table)))
  if (!is.null(x$errors)) {
    add("Assigned class (columns) by true class: probabilities",
      data.frame(` ` = rownames(x$errors), apply(x$errors, 2, fixed_digits, digits = 3), check.names = FALSE))
  }
  out <- c(out, estimate_text(x$estimates, has_classes = TRUE))
  if (!is.null(x$means)) {
    where <- if (means_elsewhere(x)) " (other predictors and random effects at 0)"
    add(paste0("Means and probabilities by class", where), data.frame(
      ` ` = shorten(paste0(x$means$outcome, ifelse(x$means$category == "", "", paste0(" = ", x$means$category))), 30),
      class = x$means$class, estimate = fixed_digits(x$means$estimate, 3),
      std.error = fixed_digits(x$means$std.error, 3), `95 % from` = fixed_digits(x$means$conf.low, 3),
      to = fixed_digits(x$means$conf.high, 3), check.names = FALSE
    ))
  }
  if (nrow(x$tests) > 0) {
    add("Wald tests", data.frame(
      ` ` = shorten(paste0(x$tests$target, ifelse(x$tests$term == "1", "", paste0(": ", x$tests$term))), 24),
      hypothesis = x$tests$hypothesis, difference = fixed_digits(x$tests$difference, 3),
      `chi-square` = fixed_digits(x$tests$statistic, 2), df = as.character(x$tests$df), p = p_words(x$tests$p.value),
      check.names = FALSE
    ))
  }
  out
}

print_structural <- function(x) {
  old <- options(width = 80)
  on.exit(options(old))
  cat(strwrap(structural_opening(x), 80, exdent = 2), sep = "\n")
  for (part in structural_tables(x)) {
    cat("\n", part$title, "\n", sep = "")
    print_plain(part$table)
  }
  cat("", strwrap(structural_closing(x), 80, exdent = 2), sep = "\n")
  invisible(x)
}

# Whether outcomes depend on more than classes.
means_elsewhere <- function(x) {
  part <- x$estimates[x$estimates$target %in% x$means$outcome, , drop = FALSE]
  any(part$kind %in% c("slope", "loading")) || any(grepl("@", x$estimates$target, fixed = TRUE))
}
