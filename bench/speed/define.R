# What a task of the speed benchmark consists of: tasks have variants, variants have programs and goals.

# `title`, `size`: words for the table; `...`: variants.
speed_task <- function(id, title, size, ...) {
  list(id = id, title = title, size = size, variants = list(...))
}

# One data set and model that several programs fit.
#   data            name of the CSV in speed_data (simulate.R)
#   log_likelihood  to reach, found by several programs (NA: not known)
#   programs        list of program(); ours come first
#   goals           list of faster_than(), within_seconds(), grows_less()
#   elsewhere       named CPU seconds of programs measured on another occasion, under load
speed_variant <- function(name, data, log_likelihood, programs, goals, elsewhere = numeric(0)) {
  list(
    name = name, data = data, log_likelihood = log_likelihood, programs = programs, goals = goals,
    elsewhere = elsewhere
  )
}

# One program's way to fit.
#   package   R package that must be installed (NULL: none)
#   fit       function of the prepared data (and of a seed, or it has its own), timed; the file it is written in shows
#             the whole call
#   result    function of the fit: list(log_likelihood, parameters, iterations)
#   prepare   function of the data frame, not timed: coding, reshaping
#   rule      convergence rule and starts, in words
#   warm      whether an untimed fit goes before (not for those that take minutes)
#   less      whether it does less than the task asks (one start instead of ten): shown, but no yardstick
program <- function(name, package, fit, result, prepare = identity, rule = "", warm = TRUE, less = FALSE,
                    python = NULL) {
  list(
    name = name, package = package, fit = fit, result = result, prepare = prepare, rule = rule, warm = warm,
    less = less, python = python
  )
}

# Two programs of ours: everything, as a user calls it, and without standard errors.
#   fit: function(data, ...) that hands `...` on to mlmix()
# The fits of a process have seeds 1, 2, ...: how long one random start takes is chance.
ours <- function(fit, starts, prepare = identity, warm = TRUE) {
  rule <- paste0("starts = c(", starts[[1]], ", ", starts[[2]], "), Newton decrement below 1e-8")
  result <- function(fit) {
    list(
      log_likelihood = fit$log_likelihood, parameters = fit$n_free, iterations = fit$convergence$e_steps,
      status = fit$convergence$status
    )
  }
  one <- function(name, se, more) {
    program(name, "mlmix", function(data, seed) {
      suppressMessages(fit(data, starts = starts, se = se, seed = seed, threads = bench_threads(), progress = FALSE))
    }, result, prepare, paste0(rule, more), warm)
  }
  list(
    one("mlmix", "robust", "; robust standard errors"),
    one("mlmix, se = \"none\"", "none", "")
  )
}

as_less <- function(one) utils::modifyList(one, list(less = TRUE))

# A model of StepMix (Python): bench/speed/stepmix_fit.py fits it.
stepmix <- function(name, items, classes, starts, measurement, covariates = character(0), rule, less = FALSE) {
  program(name, NULL, NULL, NULL, rule = rule, less = less, python = list(
    items = I(items), classes = classes, starts = starts, measurement = measurement, covariates = I(covariates)
  ))
}

# Goals. `peer` is the beginning of a program's name here and in `elsewhere`; NULL: the fastest that does the same work
# and reaches the log-likelihood. grows_less(): at most `ratio` times the wall time of the variant `than`.
faster_than <- function(peer, ratio) list(kind = "ratio", peer = peer, ratio = ratio)
within_seconds <- function(seconds) list(kind = "seconds", seconds = seconds)
grows_less <- function(than, ratio) list(kind = "growth", than = than, ratio = ratio)

bench_threads <- function() {
  given <- Sys.getenv("MLMIX_BENCH_THREADS")
  if (nzchar(given)) as.integer(given) else 2L
}

# Small helpers for the peers' calls.
as_factors <- function(data) {
  data[] <- lapply(data, factor)
  data
}

item_names <- function(n, prefix = "u") paste0(prefix, seq_len(n))

# cbind(u1, ..., un) ~ rhs
cbind_formula <- function(items, rhs = "1") {
  stats::as.formula(paste0("cbind(", paste(items, collapse = ", "), ") ~ ", rhs))
}

from_log_lik <- function(fit) {
  value <- stats::logLik(fit)
  list(log_likelihood = as.numeric(value), parameters = attr(value, "df"), iterations = NA)
}
