# wald_test(): Wald tests of hypotheses about the parameters, written with their names.
#
# For hypotheses h(theta) = 0, h with q components, with the covariance matrix V of the estimates and J = dh / dtheta,
#
#     W = h' (J V J')^-1 h   is chi-squared with q degrees of freedom          (Wald 1943)

#' Wald tests of hypotheses
#'
#' Tests equations between parameters, one by one and jointly, with the covariance matrix of the fit (robust by
#' default).
#'
#' A hypothesis that is not linear in the parameters is tested at its linear approximation, and an equivalent equation
#' written in another way may give another result: prefer differences to ratios. For a variance of 0, which lies at the
#' boundary of its range, a Wald test is not valid: use [anova.mlmix()] or [blrt()].
#'
#' `test()` is the same function by its short name. The devtools package has a function of that name: where it is
#' attached after mlmix, write `wald_test()`.
#'
#' @param fit A fit from [mlmix()], or a result of [three_step()] or [two_step()].
#' @param ... Hypotheses in quotes: equations of parameter names as [estimates()] prints them, such as
#'   `"u1~1[c=1] = u1~1[c=2]"`, `"y~x = 0.5"`, or with any expression, `"exp(y~x) = 2 * exp(z~x)"`; `"a = b = c"` is two
#'   hypotheses, and without `=` the expression is tested against 0. Or unquoted with names in backticks,
#'   `` `y~x` == 0.5 ``. Named arguments label their hypotheses.
#' @param term,target Text or `NULL` (default). `term = "age"` is the hypothesis that a predictor has no effect: all
#'   coefficients of it are 0, those of all categories of a factor, of all logits of a class variable, in all classes.
#'   Several terms are tested jointly. `target` says of what (`"c"`, an outcome, a factor), by default of everything
#'   that
#'   it predicts.
#' @param level Number between 0 and 1, default 0.95: of the confidence intervals.
#' @return A list of class `mlmix_test`: `statistic`, `df`, `p.value` of the joint test; `hypotheses`, a data frame with
#'   a row for each: `hypothesis`, `estimate` (left side less right side), `std.error`, `statistic` (z), `p.value`,
#'   `conf.low`, `conf.high`; `se` (the kind of standard errors), `notes`. `tidy()` gives the data frame `hypotheses`
#'   with `term` for `hypothesis` and `df`, and the joint test (its statistic is a chi-squared) as last row if there are
#'   several; `glance()` the joint test alone.
#'
#'   Hypotheses that follow from the others are not counted in `df`. The test is `NA`, with a note, where a parameter is
#'   not identified or all of a hypothesis is fixed or held at a boundary; a parameter that is held counts as known.
#' @references Wald, A. (1943). Tests of statistical hypotheses concerning several parameters when the number of
#'   observations is large. *Transactions of the American Mathematical Society*, 54, 426-482.
#' @seealso [derive()], [anova.mlmix()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' wald_test(fit, "B~1[c=1] = E~1[c=1]")
#' wald_test(fit, "B~1[c=2] = E~1[c=2] = 0", sizes = "c#1~1 = 0")
#'
#' # No effect of a predictor: all categories, all logits
#' later <- cut(toca$spring1 + toca$spring2 + toca$spring3, c(-1, 0, 2, 3), c("none", "some", "all"))
#' fall <- mlmix(lca(fall1:fall10, k = 2), toca, starts = c(3, 1), seed = 1)
#' third <- three_step(fall, c ~ later, transform(toca, later = later), seed = 1)
#' wald_test(third, term = "later")
#' @export
wald_test <- function(fit, ..., term = NULL, target = NULL, level = 0.95) {
  frame <- rlang::current_env()
  fit <- estimated_part(fit, frame)
  level <- check_level(level)
  given <- rlang::enquos(...)
  if (!is.null(term)) {
    check_names_of(term, "term", frame)
    if (!is.null(target)) check_names_of(target, "target", frame)
    names <- term_parameters(fit$parameters[fit$free, ], fit$groups, term, target, frame)
    given <- c(given, rlang::as_quosures(as.list(paste0("`", names, "`")), env = frame))
  }
  if (length(given) == 0) {
    abort_spec(c(
      "{.fn wald_test} needs at least one hypothesis.",
      i = "For example {.code wald_test(fit, \"{fit$parameters$name[[fit$free[[1]]]]} = 0\")}."
    ))
  }
  names <- c(fit$parameters$name, names(fit$data$merged))
  differences <- unlist(unname(Map(read_hypothesis, given, rlang::names2(given),
    MoreArgs = list(names = names, caller = rlang::caller_env(), call = frame))), recursive = FALSE)
  for (one in differences) check_expression(one$quo, names, frame)
  evaluate <- function(theta) {
    mask <- named_parameters(fit, theta)
    lapply(differences, function(one) rlang::eval_tidy(one$quo, data = mask))
  }
  values <- evaluate(fit$parameters$estimate)
  names(values) <- labels <- vapply(differences, `[[`, "", "label")
  check_quantities(values, frame)
  long <- lengths(values) != 1
  if (any(long)) {
    abort_spec(
      "The hypothesis {.val {labels[long][[1]]}} must be about one number; it gives {lengths(values)[long][[1]]}."
    )
  }
  delta <- delta_method(fit, function(theta) as.numeric(unlist(evaluate(theta))))
  new_test(fit, labels, delta, level, frame)
}

#' @rdname wald_test
#' @export
test <- wald_test

# One argument as a list of list(quo, label): one for each equation in it.
read_hypothesis <- function(quo, label, names, caller, call) {
  expr <- rlang::quo_get_expr(quo)
  if (rlang::is_call(expr, "==", n = 2)) {
    text <- gsub("`", "", paste(deparse1(expr[[2]]), "=", deparse1(expr[[3]])))
    return(list(new_difference(expr[[2]], expr[[3]], rlang::quo_get_env(quo), if (nzchar(label)) label else text)))
  }
  text <- if (is.character(expr)) expr else tryCatch(rlang::eval_tidy(quo), error = function(e) NULL)
  if (!is.character(text) || length(text) == 0 || anyNA(text) || !all(nzchar(trimws(text)))) {
    abort_spec(c(
      "A hypothesis must be an equation in quotes, or an expression with {.code ==}.",
      x = "You gave {.code {rlang::as_label(quo)}}.",
      i = "For example {.code wald_test(fit, \"{names[[1]]} = 0\")}."
    ), call = call)
  }
  unlist(lapply(text, text_differences, label = label, names = names, env = caller, call = call), recursive = FALSE)
}

new_difference <- function(left, right, env, label) {
  expr <- if (identical(right, 0)) left else rlang::call2("-", left, rlang::call2("(", right))
  list(quo = rlang::new_quosure(expr, env), label = label)
}

# "a = b = c" as a - b and b - c.
text_differences <- function(text, label, names, env, call) {
  pieces <- split_equation(text, names)
  sides <- lapply(pieces, function(piece) {
    tryCatch(rlang::parse_expr(piece), error = function(e) {
      abort_spec(c(
        "The hypothesis {.val {text}} cannot be read.", x = "There is no expression in {.code {trimws(piece)}}.",
        i = "Parameters are written as {.code estimates(fit)$name} lists them, with {.code + - * / ^} and functions."
      ), call = call)
    })
  })
  for (i in seq_along(sides)) {
    if ("~" %in% all.names(sides[[i]])) {
      abort_spec(c(
        "The hypothesis {.val {text}} names no parameter of the fit with {.code {trimws(pieces[[i]])}}.",
        suggest_names(trimws(pieces[[i]]), names, "Parameters"), i = "{.code estimates(fit)$name} lists them."
      ), call = call)
    }
  }
  if (length(sides) == 1) sides <- c(sides, 0)
  plain <- trimws(gsub("`", "", c(pieces, if (length(pieces) == 1) "0")))
  lapply(seq_len(length(sides) - 1), function(i) {
    own <- paste(plain[[i]], "=", plain[[i + 1]])
    if (nzchar(label)) own <- if (length(sides) == 2) label else paste0(label, ": ", own)
    new_difference(sides[[i]], sides[[i + 1]], env, own)
  })
}

# The sides of an equation, with parameter names in backticks. Names contain `=`, `~`, `-` and brackets, so they are
# looked for first, the longest first, where nothing that could belong to a name stands beside them.
split_equation <- function(text, names) {
  names <- names[order(nchar(names), decreasing = TRUE)]
  sides <- ""
  rest <- text
  before <- ""
  add <- function(piece) sides[[length(sides)]] <<- paste0(sides[[length(sides)]], piece)
  while (nzchar(rest)) {
    quoted <- regmatches(rest, regexpr("^`[^`]*`", rest))
    hit <- names[startsWith(rest, names) & !grepl("[A-Za-z0-9._~:@#|]", before)]
    hit <- Filter(function(name) !grepl("^[][A-Za-z0-9._~:@#|]", substring(rest, nchar(name) + 1)), hit)
    if (length(quoted) > 0) {
      taken <- quoted
      add(quoted)
    } else if (length(hit) > 0) {
      taken <- hit[[1]]
      add(paste0("`", taken, "`"))
    } else if (grepl("^[[][^]]*[]]", rest)) {
      taken <- sub("^([[][^]]*[]]).*$", "\\1", rest)
      add(taken)
    } else if (grepl("^==?", rest) && !grepl("[<>!]", before)) {
      taken <- sub("^(==?).*$", "\\1", rest)
      sides <- c(sides, "")
    } else {
      taken <- substr(rest, 1, 1)
      add(taken)
    }
    before <- substring(taken, nchar(taken))
    rest <- substring(rest, nchar(taken) + 1)
  }
  sides
}

new_test <- function(fit, labels, delta, level, call) {
  fixed <- delta$fixed
  delta$std_error[fixed] <- NA_real_
  wald <- wald_columns(delta$estimate, delta$std_error, level)
  joint <- joint_wald(delta$estimate, delta$vcov, is.na(delta$std_error))
  if (joint$contradiction) {
    abort_spec(c(
      "The hypotheses contradict one another: no values of the parameters satisfy all of them.",
      i = "Hypotheses: {.val {labels}}."
    ), call = call)
  }
  notes <- c(
    if (is.null(fit$vcov)) "The fit has no standard errors: it was made with se = \"none\".",
    if (any(fixed)) {
      paste0("Nothing to test: ", paste0("\"", labels[fixed], "\"", collapse = ", "),
        if (sum(fixed) == 1) " has" else " have", " no free parameter; what is fixed has the value that the model gives it.")
    },
    if (!is.null(fit$vcov) && anyNA(delta$std_error[!fixed])) {
      "No test where a parameter is not identified or the whole hypothesis is held at a boundary."
    },
    if (any(delta$boundary & !is.na(delta$std_error))) "Parameters held at a boundary count as known.",
    if (joint$df < length(labels) && !anyNA(delta$std_error)) {
      paste("Of", length(labels), "hypotheses", length(labels) - joint$df,
        if (length(labels) - joint$df == 1) "follows" else "follow", "from the others.")
    }
  )
  zero <- zero_variance_labels(fit, labels, delta)
  if (length(zero) > 0) {
    cli::cli_warn(c(
      "A variance of 0 lies at the boundary of its range: the Wald test of {.val {zero}} is not valid.",
      i = "Compare the models with and without it by {.fn anova}, or use {.fn blrt}."
    ), class = c("mlmix_warning_boundary", "mlmix_warning"))
  }
  structure(
    list(
      statistic = joint$statistic, df = joint$df, p.value = joint$p.value,
      hypotheses = data.frame(hypothesis = labels, wald, row.names = NULL, stringsAsFactors = FALSE),
      se = fit$options$se, notes = notes
    ),
    class = "mlmix_test"
  )
}

# The joint test by the eigenvectors of J V J' in correlation units; directions without variance are hypotheses that
# follow from the others, or, where h is not 0 along them, contradict these.
joint_wald <- function(value, vcov, lost) {
  none <- list(statistic = NA_real_, df = length(value), p.value = NA_real_, contradiction = FALSE)
  if (any(lost) || any(diag(vcov) <= 0)) return(none)
  sd <- sqrt(diag(vcov))
  split <- eigen(vcov / outer(sd, sd), symmetric = TRUE)
  kept <- split$values > 1e-9 * max(split$values)
  along <- as.numeric(crossprod(split$vectors, value / sd))
  statistic <- sum(along[kept]^2 / split$values[kept])
  list(
    statistic = statistic, df = sum(kept), p.value = stats::pchisq(statistic, sum(kept), lower.tail = FALSE),
    contradiction = any(abs(along[!kept]) > 1e-4 * max(1, abs(value / sd)))
  )
}

# Hypotheses that put one variance at 0: the difference is the variance itself.
zero_variance_labels <- function(fit, labels, delta) {
  p <- fit$parameters
  variances <- p$estimate[p$free & p$kind %in% c("variance", "dispersion")]
  names <- p$name[p$free & p$kind %in% c("variance", "dispersion")]
  alone <- vapply(labels, function(label) any(label == paste(names, "= 0")), TRUE)
  labels[alone & delta$estimate %in% variances]
}

#' @param x From `wald_test()`.
#' @rdname wald_test
#' @method tidy mlmix_test
#' @export
tidy.mlmix_test <- function(x, ...) {
  rows <- data.frame(x$hypotheses, df = 1L)
  if (nrow(rows) > 1) {
    rows <- rbind(rows, data.frame(
      hypothesis = "joint", estimate = NA_real_, std.error = NA_real_, statistic = x$statistic, p.value = x$p.value,
      conf.low = NA_real_, conf.high = NA_real_, df = as.integer(x$df)
    ))
  }
  names(rows)[[1]] <- "term"
  rows
}

#' @rdname wald_test
#' @method glance mlmix_test
#' @export
glance.mlmix_test <- function(x, ...) {
  data.frame(statistic = x$statistic, df = as.integer(x$df), p.value = x$p.value, se = x$se)
}

#' @rdname wald_test
#' @export
print.mlmix_test <- function(x, ...) {
  cat(test_title(x), "\n\n", sep = "")
  print_within(test_text(x))
  cat("\n", joint_words(x), "\n", sep = "")
  if (length(x$notes) > 0) cat(strwrap(paste("Note:", x$notes), 80, exdent = 2), sep = "\n")
  invisible(x)
}

test_title <- function(x) {
  paste0("Wald test", if (nrow(x$hypotheses) > 1) paste(" of", nrow(x$hypotheses), "hypotheses"),
    switch(x$se, robust = ", robust standard errors", observed = ", standard errors from the observed information",
      opg = ", standard errors from the outer product of gradients", ""))
}

test_text <- function(x) {
  h <- x$hypotheses
  data.frame(
    hypothesis = h$hypothesis, difference = study_number(h$estimate), std.error = study_number(h$std.error),
    z = study_number(h$statistic), p = p_words(h$p.value)
  )
}

joint_words <- function(x) {
  if (is.na(x$statistic)) return("No joint test")
  p <- p_words(x$p.value)
  p <- if (startsWith(p, "<")) sub("<", "< ", p) else paste("=", p)
  paste0("Chi-squared ", study_number(x$statistic), " with ", x$df, " df, p ", p)
}
