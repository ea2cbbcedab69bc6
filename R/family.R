# Response families: what kind of outcome, which link, and how other spellings are read.

new_family <- function(type, link = NULL, ...) {
  `class<-`(list(type = type, link = link, ...), "mlmix_family") # structure() takes its time, for every item of lca()
}

#' Response families
#'
#' The distribution of an [outcome()], beside R's own `gaussian()`, `binomial()` and `poisson()`. A family can also be
#' given as text, as in `family = "bernoulli"`. One model may mix families freely.
#'
#' @param link Text, default `"logit"`; the other choice is `"probit"`.
#' @param family Text, the distribution of the counts: `"poisson"` (default) or `"negbin"`.
#' @param zero One-sided formula, default `~ 1`: predictors of the logit of an extra zero.
#' @param lower,upper Numbers, default `-Inf` and `Inf`: the limits at which a censored outcome piles up. At least one
#'   must be finite.
#' @return A list of class `mlmix_family` with `type`, `link` and what else the family needs.
#' @details
#' * `bernoulli()`: two categories, P(y = 1) = F(linear predictor). The data may be 0/1, logical, or a factor with two
#'   levels (the second counts as 1).
#' * `ordinal()`: ordered categories with thresholds, P(y <= k) = F(threshold k - linear predictor).
#' * `nominal()`: unordered categories, one logit for each category but the last.
#' * `negbin()`: counts with variance mean + dispersion * mean^2.
#' * `zero_inflated()`: counts with extra zeros, beside those of a Poisson or a negative binomial distribution. As text:
#'   `"zip"`, `"zinb"`.
#' * `censored()`: a normal variable of which values beyond a limit are recorded as the limit (tobit).
#' @references Asparouhov, T. and Muthén, B. (2006). Multilevel mixture models.
#' @seealso [outcome()].
#' @examples
#' outcome(u1:u5 ~ c, family = ordinal("probit"))
#' outcome(visits ~ c * x, family = zero_inflated("poisson", zero = ~ c))
#' outcome(hours ~ c, family = censored(lower = 0))
#' @name families
NULL

#' @rdname families
#' @export
bernoulli <- function(link = c("logit", "probit")) {
  new_family("bernoulli", check_choice(link, c("logit", "probit"), "link"))
}

#' @rdname families
#' @export
ordinal <- function(link = c("logit", "probit")) {
  new_family("ordinal", check_choice(link, c("logit", "probit"), "link"))
}

#' @rdname families
#' @export
nominal <- function() {
  new_family("nominal", "logit")
}

#' @rdname families
#' @export
negbin <- function() {
  new_family("negative_binomial", "log")
}

#' @rdname families
#' @export
zero_inflated <- function(family = c("poisson", "negbin"), zero = ~ 1) {
  family <- check_choice(family, c("poisson", "negbin"), "family")
  type <- if (family == "poisson") "zero_inflated_poisson" else "zero_inflated_negative_binomial"
  new_family(type, "log", zero = check_zero(zero))
}

#' @rdname families
#' @export
censored <- function(lower = -Inf, upper = Inf) {
  one_number <- function(x) is.numeric(x) && length(x) == 1 && !is.na(x)
  ok <- one_number(lower) && one_number(upper) && lower < upper && any(is.finite(c(lower, upper)))
  if (!ok) {
    abort_spec(c(
      "{.arg lower} and {.arg upper} must be two numbers, the first below the second, at least one of them finite.",
      x = "You gave {.code lower = {describe(lower)}} and {.code upper = {describe(upper)}}."
    ))
  }
  new_family("censored", "identity", lower = lower, upper = upper)
}

check_zero <- function(zero, call = rlang::caller_env()) {
  equation <- parse_equation(zero, "zero", lhs = "none", call = call)
  if (length(equation$random) > 0) {
    abort_spec("{.arg zero} cannot have random effects.", call = call)
  }
  equation
}

# The family is chosen from the data when the model meets them (the items of lca()).
auto_family <- function(link = "logit") {
  new_family("auto", link)
}

family_words <- c(
  "gaussian", "bernoulli", "binomial", "ordinal", "nominal", "poisson", "negbin", "zero_inflated", "censored"
)

# Reads whatever a user may give as a family: ours, R's, a function, or text.
as_family <- function(family, arg = "family", call = rlang::caller_env()) {
  if (inherits(family, "mlmix_family")) {
    return(family)
  }
  if (is.character(family) && length(family) == 1 && !is.na(family)) {
    return(family_from_text(family, arg, call))
  }
  if (is.function(family)) {
    family <- tryCatch(family(), error = function(e) family)
    if (inherits(family, "mlmix_family")) {
      return(family)
    }
  }
  if (inherits(family, "family")) {
    return(family_from_stats(family, arg, call))
  }
  abort_unknown_family(describe(family), arg, call)
}

family_from_text <- function(text, arg, call) {
  switch(text,
    gaussian = ,
    normal = new_family("gaussian", "identity"),
    binary = ,
    binomial = ,
    logit = ,
    bernoulli = bernoulli(),
    probit = bernoulli("probit"),
    ordinal = ,
    ordered = ordinal(),
    nominal = ,
    categorical = ,
    multinomial = nominal(),
    poisson = new_family("poisson", "log"),
    negbin = ,
    negative_binomial = negbin(),
    zip = ,
    zero_inflated_poisson = zero_inflated("poisson"),
    zinb = ,
    zero_inflated_negative_binomial = zero_inflated("negbin"),
    auto = auto_family(),
    abort_unknown_family(describe(text), arg, call)
  )
}

family_from_stats <- function(family, arg, call) {
  allowed <- list(gaussian = "identity", binomial = c("logit", "probit"), poisson = "log")
  links <- allowed[[family$family]]
  if (is.null(links)) {
    abort_unknown_family(paste0(family$family, "()"), arg, call)
  }
  if (!family$link %in% links) {
    abort_spec(c(
      "{.arg {arg}}: {.fn {family$family}} takes the link {.or {.val {links}}}.",
      x = "You gave the link {.val {family$link}}."
    ), call = call)
  }
  type <- if (family$family == "binomial") "bernoulli" else family$family
  new_family(type, family$link)
}

abort_unknown_family <- function(given, arg, call) {
  abort_spec(c(
    "{.arg {arg}} must be a response family.",
    x = "You gave {given}.",
    i = "Accepted: {.fn {family_words}}."
  ), call = call)
}

has_residual_variance <- function(type) type %in% c("gaussian", "censored")
has_dispersion <- function(type) type %in% c("negative_binomial", "zero_inflated_negative_binomial")
has_zero_part <- function(type) type %in% c("zero_inflated_poisson", "zero_inflated_negative_binomial")
has_categories <- function(type) type %in% c("ordinal", "nominal")

#' @export
print.mlmix_family <- function(x, ...) {
  cat(family_label(x), "\n", sep = "")
  invisible(x)
}

family_label <- function(family) {
  type <- family$type
  if (has_zero_part(type)) {
    return(paste0("zero_inflated(\"", if (type == "zero_inflated_poisson") "poisson" else "negbin", "\")"))
  }
  if (type == "negative_binomial") type <- "negbin"
  link <- family$link
  detail <- if (type == "censored") {
    limits <- c(lower = family$lower, upper = family$upper)
    limits <- limits[is.finite(limits)]
    paste(names(limits), "=", limits, collapse = ", ")
  } else if (type %in% c("bernoulli", "binomial", "ordinal")) {
    link
  } else {
    ""
  }
  if (type == "auto") "chosen from the data" else paste0(type, "(", detail, ")")
}
