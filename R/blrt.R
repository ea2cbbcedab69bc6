# blrt(): the parametric bootstrap likelihood-ratio test of McLachlan (1987), of one class fewer or of any nested pair.
#
# Data sets are drawn from the smaller model at its estimates, with the covariates, clusters and missing values of the
# data; both models are estimated from each. The p-value is (1 + number of draws whose statistic reaches the observed
# one) / (1 + number of draws). No theory of the statistic's distribution is used, so parameters at a boundary do no
# harm: a variance of zero, a class of size zero.

#' Bootstrap likelihood-ratio test
#'
#' Tests a model with one class fewer against the fit, or any model against a larger one that contains it, by data sets
#' drawn from the smaller model (parametric bootstrap).
#'
#' Draws run on the [future plan][future::plan()] in force if the future.apply package is installed, with the same
#' result for the same seed on any plan. On each draw the smaller model starts from its estimates, the larger one from
#' its own and from random starts. Where the larger model ends below the smaller one it is tried again with four times
#' the starts. Each estimation uses as many threads as the fits did, on parallel plans one. Draws in which that fails
#' too, or in which an estimation does not converge, do not count; they are
#' counted in `failures`.
#'
#' With `level` the draws end as soon as it is clear on which side of that level the p-value lies: when the number of
#' draws that reach the statistic is so large, or so small, that with a p-value of exactly `level` it would be seen with
#' a probability of at most 2 % (Gandy, 2009). A p-value from few draws is then rough, but on the right side.
#'
#' Units are drawn independently of each other (of one cluster: dependent as the model says). So sampling weights are
#' refused, and clusters that only standard errors know of make the test approximate.
#'
#' @param fit A fit from [mlmix()]: the larger model, or, with `alternative`, the smaller one.
#' @param alternative `NULL` (default), or the fit of the larger model, to the same data.
#' @param class Text or `NULL` (default): the class variables that lose a class. Needed if there are several, and
#'   `alternative` is not given.
#' @param draws Whole number, default 100: the most draws.
#' @param level Number between 0 and 1, default 0.05: draws end when it is clear whether the p-value is above or below.
#'   `NULL`: all draws.
#' @param starts Two whole numbers, default `c(10, 2)`: random starts of the larger model on each draw, and how many of
#'   them go on to convergence; at least 2 and 1. The smaller model made from `fit` has twice as many.
#' @param seed Whole number, or `NULL` (default): drawn from R's generator, so that [set.seed()] governs.
#' @param file `NULL` (default), or the name of a file where finished draws are kept. Started again with the same
#'   arguments, the test goes on where it stopped, also with more `draws` or another `level`.
#' @param progress `TRUE` or `FALSE`: whether to show a progress bar, by default in interactive sessions.
#' @return A list of class `mlmix_blrt`: `statistic` (twice the difference of the log-likelihoods), `df` (difference of
#'   the numbers of parameters), `p.value`, `draws` (statistics of the draws that count, in order), `n_draws`,
#'   `n_reached` (draws that reach the statistic), `failures` (named counts of draws that do not count), `at_zero`
#'   (share of draws with a statistic of 0), `ended` (`"all"`, or `"below"` or `"above"` the level), `level`, `seed`,
#'   `null` and `alternative` (the fits), `notes`. [tidy()] gives the test in one row.
#' @references
#' McLachlan, G. J. (1987). On bootstrapping the likelihood ratio test statistic for the number of components in a
#' normal mixture. *Applied Statistics*, 36, 318-324.
#'
#' Nylund, K. L., Asparouhov, T. and Muthén, B. O. (2007). Deciding on the number of classes in latent class analysis
#' and growth mixture modeling. *Structural Equation Modeling*, 14, 535-569.
#'
#' Gandy, A. (2009). Sequential implementation of Monte Carlo tests with uniformly bounded resampling risk. *Journal of
#' the American Statistical Association*, 104, 1504-1511.
#' @seealso [vlmr()], [anova.mlmix()], [compare_models()].
#' @examples
#' fit <- mlmix(lca(c(A, B, C, D, E, F, G), k = 2), carcinoma, starts = c(5, 2), seed = 1)
#' blrt(fit, draws = 10, starts = c(3, 1), seed = 1)
#' @export
blrt <- function(fit, alternative = NULL, class = NULL, draws = 100, level = 0.05, starts = c(10, 2), seed = NULL,
                 file = NULL, progress = interactive()) {
  frame <- rlang::current_env()
  draws <- check_count(draws, "draws")
  if (!is.null(level)) level <- check_level(level)
  starts <- check_draw_starts(starts, frame)
  progress <- check_flag(progress, "progress")
  check_store_file(file, frame)
  pair <- null_and_alternative(fit, alternative, class, 2L * starts, seed, se = "none", call = frame)
  for (one in pair[c("null", "alternative")]) check_can_draw(one, frame)
  statistic <- 2 * (pair$alternative$log_likelihood - pair$null$log_likelihood)
  result <- bootstrap_statistics(pair, statistic, draws, level, starts, progress, file, frame)
  counted <- result$statistics[is.finite(result$statistics)]
  reached <- sum(reaches(counted, statistic))
  structure(list(
    statistic = statistic, df = pair$alternative$n_free - pair$null$n_free,
    p.value = if (length(counted) == 0) NA_real_ else (1 + reached) / (1 + length(counted)), draws = counted,
    n_draws = length(counted), n_reached = reached, failures = result$failures,
    at_zero = if (length(counted) == 0) NA_real_ else mean(counted < 1e-3), ended = result$ended, level = level,
    seed = pair$seed, null = pair$null, alternative = pair$alternative,
    notes = blrt_notes(pair, statistic, counted, result$failures)
  ), class = "mlmix_blrt")
}

check_draw_starts <- function(starts, call) {
  starts <- check_starts(starts, call)
  if (starts[[1]] < 2) {
    abort_spec(c(
      "{.arg starts}: each draw needs at least 2 starts of the larger model.", x = "You gave {starts[[1]]}.",
      i = "With fewer, its statistics are too small and the test finds too much."
    ), call = call)
  }
  starts
}

# Draws have neither sampling weights nor broken frequencies.
check_can_draw <- function(fit, call) {
  frequency <- contribution_counts(fit)
  weights <- c(fit$data$unit_weights, if (is.null(fit$data$reshape)) fit$data$cluster_weights)
  if (any(abs(weights - 1) > 1e-8) || any(abs(frequency - round(frequency)) > 1e-8)) {
    abort_spec(c(
      "Data cannot be drawn from a model that was fitted with sampling weights.",
      i = "A model says how units are distributed, not how they were sampled.",
      i = "Compare models with {.fn compare_models} or {.fn vlmr} instead."
    ), call = call)
  }
}

# How often each row of a fit was observed; of stacked items, each person.
contribution_counts <- function(fit) {
  data <- fit$data
  if (!is.null(data$reshape)) return(if (is.null(data$cluster_weights)) rep(1, length(data$row_used)) else
    data$cluster_weights)
  if (is.null(data$frequency)) rep(1, length(data$row_used)) else data$frequency
}

# The draws ------------------------------------------------------------------------------------------------------------

# list(statistics in order with NA for failures, failures, ended). Draws beyond the end of the test, which other workers
# or an earlier test with the same `file` may have made already, are not looked at: the result is the same on any plan.
bootstrap_statistics <- function(pair, statistic, draws, level, starts, progress, file, call) {
  null <- draw_model(pair$null)
  alternative <- draw_model(pair$alternative)
  seeds <- element_seeds(pair$seed, draws)
  limits <- if (!is.null(level)) stopping_limits(level, draws)
  store <- open_store(file, blrt_task(null, alternative, starts), pair$seed, call)
  on.exit(close_store(store))
  made <- vector("list", draws)
  kept <- intersect(names(store$results), as.character(seq_len(draws)))
  made[as.integer(kept)] <- store$results[kept]
  tick <- map_progress(progress, draws, 0, "Bootstrap draw")
  statistics <- numeric(0)
  failures <- c(error = 0L, `not converged` = 0L, `below the smaller model` = 0L)
  ended <- "all"
  for (draw in seq_len(draws)) {
    if (is.null(made[[draw]])) {
      batch <- utils::head(which(vapply(made, is.null, TRUE)), map_workers())
      made[batch] <- parallel_map(seeds[batch], bootstrap_draw, pair$seed, null = null, alternative = alternative,
        starts = starts)
      keep_in_store(store, batch, made[batch])
    }
    statistics[[draw]] <- made[[draw]]$statistic
    failure <- made[[draw]]$failure
    if (!is.null(failure)) failures[[failure]] <- failures[[failure]] + 1L
    tick(draw)
    ended <- has_ended(statistics, statistic, limits)
    if (ended != "all") break
  }
  list(statistics = statistics, failures = failures, ended = ended)
}

# What makes the draws of two tests the same.
blrt_task <- function(null, alternative, starts) {
  words <- function(model) {
    model$options <- model$options[setdiff(names(model$options), c("threads", "seed", "se"))]
    model
  }
  list(`smaller model` = words(null), `larger model` = words(alternative), `starts of a draw` = starts)
}

# Small enough to be sent to a worker: the specification as JSON, the columns of single units, the estimates. `key`
# numbers the units over both models, in order of the rows of the data.
draw_model <- function(fit) {
  data <- fit$data
  rows <- expanded_rows(fit)
  list(
    spec = to_spec_json(fit$spec), columns = lapply(data$columns, function(column) column[rows$row]),
    cluster = rows$cluster, key = rows$key, n_units = rows$n_units,
    outcomes = vapply(fit$spec$outcomes, function(outcome) outcome$column, ""),
    names = vapply(fit$spec$outcomes, function(outcome) outcome$name, ""),
    parameters = fit$parameters$name, estimates = fit$parameters$estimate,
    start = movable(fit$parameters$estimate, fit$spec, fit$parameters), options = fit$options
  )
}

# A row observed f times becomes f units; of stacked items, a person f persons.
expanded_rows <- function(fit) {
  data <- fit$data
  times <- as.integer(round(contribution_counts(fit)))
  of_data_row <- rep(0L, data$n_rows)
  of_data_row[data$row_used] <- times
  before <- cumsum(of_data_row) - of_data_row
  row <- rep(seq_along(times), times)
  copy <- sequence(times)
  key <- before[data$row_used[row]] + copy
  cluster <- data$cluster[row]
  if (!is.null(data$reshape)) {
    order <- order(key)
    row <- row[order]
    key <- key[order]
    cluster <- match(key, unique(key)) - 1L
  }
  list(row = row, key = key, cluster = cluster, n_units = sum(of_data_row))
}

# One draw: list(statistic, failure = NULL or why the statistic is NA).
bootstrap_draw <- function(draw_seed, seed, null, alternative, starts) {
  threads <- check_threads(NULL, NULL)
  nothing <- function(e) NULL
  attempt <- function(expr) {
    tryCatch(expr, mlmix_error_engine = nothing, mlmix_error_data = nothing, mlmix_error_spec = nothing)
  }
  drawn <- attempt(draw_outcomes(null, draw_seed))
  if (is.null(drawn)) return(list(statistic = NA_real_, failure = "error"))
  estimate <- function(model, starts, seed) {
    attempt(estimate_draw(model, put_outcomes(model, drawn), starts, seed, threads))
  }
  small <- estimate(null, c(2L, 1L), draw_seed)
  large <- estimate(alternative, starts, draw_seed)
  if (!is.null(small) && !is.null(large) && falls_short(small, large)) {
    # Once more, now first from the solution of the smaller model in what both have in common.
    common <- match(null$parameters, alternative$parameters, nomatch = 0)
    alternative$start[common] <- small$estimates[common > 0]
    again <- estimate(alternative, 4L * starts, (draw_seed + 1L) %% .Machine$integer.max)
    if (!is.null(again) && again$log_likelihood > large$log_likelihood) large <- again
  }
  failure <- if (is.null(small) || is.null(large)) "error"
    else if (!small$converged || !large$converged) "not converged"
    else if (falls_short(small, large)) "below the smaller model"
  statistic <- if (is.null(failure)) max(2 * (large$log_likelihood - small$log_likelihood), 0) else NA_real_
  list(statistic = statistic, failure = failure)
}

# The larger model contains the smaller one: it cannot be below it by more than the error of the integration.
falls_short <- function(small, large) {
  error <- max(abs(c(small$error, large$error, 0)), na.rm = TRUE)
  large$log_likelihood < small$log_likelihood - max(5e-4, 3 * error)
}

# Outcomes drawn from the smaller model: one vector over units for each.
draw_outcomes <- function(model, seed) {
  options <- model$options
  options$seed <- seed
  options["start_values"] <- list(NULL)
  drawn <- raw_simulate(
    model$spec, model$columns, model$cluster, options = engine_options(options), parameters = model$estimates,
    call = NULL
  )
  lapply(stats::setNames(nm = model$names), function(name) {
    values <- drawn$outcomes[[name]]
    out <- rep(NA_real_, model$n_units)
    seen <- !is.na(values)
    out[model$key[seen]] <- values[seen]
    out
  })
}

# The columns of a model with the drawn outcomes where it has observed ones.
put_outcomes <- function(model, drawn) {
  columns <- model$columns
  for (i in seq_along(model$names)) {
    name <- model$outcomes[[i]]
    seen <- !is.na(columns[[name]])
    columns[[name]][seen] <- drawn[[model$names[[i]]]][model$key[seen]]
  }
  columns
}

estimate_draw <- function(model, columns, starts, seed, threads) {
  options <- model$options
  options[c("starts", "final_starts")] <- as.list(starts)
  options$seed <- seed
  options$se <- "none"
  options$start_values <- model$start
  options$threads <- min(options$threads, threads)
  result <- raw_fit(model$spec, columns, model$cluster, options = engine_options(options), call = NULL)
  list(
    log_likelihood = result$log_likelihood, converged = identical(result$convergence$status, "converged"),
    estimates = as.numeric(result$estimate), error = number_or_na(result$integration$error)
  )
}

# When to stop ---------------------------------------------------------------------------------------------------------

# A draw whose statistic equals the observed one to rounding reaches it.
reaches <- function(draws, statistic) draws >= statistic - 1e-6 * max(1, abs(statistic))

has_ended <- function(statistics, statistic, limits) {
  counted <- statistics[is.finite(statistics)]
  n <- length(counted)
  if (is.null(limits) || n == 0) return("all")
  reached <- sum(reaches(counted, statistic))
  if (reached >= limits$upper[[n]]) "above" else if (reached <= limits$lower[[n]]) "below" else "all"
}

# Gandy's (2009) limits: after n draws the test ends with p above `level` when upper[n] draws or more have reached the
# statistic, with p below it when lower[n] or fewer have. If p were `level`, each would happen with a probability of at
# most `risk` in all; by draw n a part n / (n + 10) of it may be spent. The counts of paths that have not ended follow
# from one draw to the next by the binomial recursion.
stopping_limits <- function(level, draws, risk = 0.02) {
  upper <- rep(Inf, draws)
  lower <- rep(-1, draws)
  open <- 1 # probabilities of 0, 1, ... draws reached, on paths that have not ended
  spent <- c(upper = 0, lower = 0)
  for (n in seq_len(draws)) {
    open <- c(open * (1 - level), 0) + c(0, open * level)
    allowed <- risk * n / (n + 10)
    from_above <- rev(cumsum(rev(open)))
    ends <- which(open > 0 & spent[["upper"]] + from_above <= allowed)
    if (length(ends) > 0) upper[[n]] <- min(ends) - 1
    from_below <- cumsum(open)
    ends <- which(open > 0 & spent[["lower"]] + from_below <= allowed)
    if (length(ends) > 0) lower[[n]] <- max(ends) - 1
    count <- seq_along(open) - 1
    spent <- spent + c(sum(open[count >= upper[[n]]]), sum(open[count <= lower[[n]]]))
    open[count >= upper[[n]] | count <= lower[[n]]] <- 0
  }
  list(upper = upper, lower = lower)
}

# Words ----------------------------------------------------------------------------------------------------------------

blrt_notes <- function(pair, statistic, counted, failures) {
  errors <- vapply(pair[c("null", "alternative")], function(fit) number_or_na(fit$integration$error), 0)
  error <- 2 * sum(abs(errors), na.rm = TRUE)
  c(
    convergence_notes(pair$null, pair$alternative, statistic),
    if (error > 0.01 * max(1, statistic)) paste0(
      "The statistic has an integration error of about ", format(error, digits = 2),
      ": fit both models with more points, see quadrature()."
    ),
    if (length(counted) == 0) "No draw could be used: there is no p-value.",
    if (length(counted) > 0 && sum(failures) > 0.1 * length(counted)) paste(
      "Many draws failed: the p-value may be off. More starts may help, or the larger model asks too much of the data."
    ),
    if (!is.null(pair$null$data$robust_cluster)) paste(
      "Draws know nothing of the clusters, which only the standard errors allow for: the p-value is too small."
    )
  )
}

#' @export
print.mlmix_blrt <- function(x, ...) {
  cat("Bootstrap likelihood-ratio test\n")
  cat(test_lines(x$null, x$alternative), sep = "\n")
  cat("\n")
  cat("Statistic   ", fixed_digits(x$statistic, 3), ", ", plural(x$df, "parameter"), " more\n", sep = "")
  if (x$n_draws > 0) {
    limits <- stats::binom.test(x$n_reached, x$n_draws)$conf.int
    cat("p-value     ", p_words(x$p.value), ": ", x$n_reached, " of ", plural(x$n_draws, "draw"), " reached it ",
      "(95 % limits ", fixed_digits(limits[[1]], 3), " to ", fixed_digits(limits[[2]], 3), ")\n", sep = "")
    quantiles <- stats::quantile(x$draws, c(0.5, 0.95), names = FALSE)
    cat("Draws       median ", fixed_digits(quantiles[[1]], 2), ", 95 % quantile ", fixed_digits(quantiles[[2]], 2),
      if (x$at_zero > 0) paste0(", ", percent(x$at_zero), " at 0"), "\n", sep = "")
  }
  failed <- x$failures[x$failures > 0]
  remarks <- c(
    if (x$ended != "all") paste0(
      "Ended early: the p-value is ", x$ended, " ", format(x$level), " with little doubt. `level = NULL` makes all ",
      "draws."
    ),
    if (length(failed) > 0) paste0("Draws that do not count: ", paste(failed, names(failed), collapse = ", "), "."),
    x$notes
  )
  if (length(remarks) > 0) cat("", strwrap(remarks, 80, exdent = 2), sep = "\n")
  invisible(x)
}

#' @method tidy mlmix_blrt
#' @export
tidy.mlmix_blrt <- function(x, ...) {
  as_tibble_if_any(data.frame(
    method = "bootstrap likelihood-ratio test", statistic = x$statistic, parameter = x$df, p.value = x$p.value,
    draws = x$n_draws, failures = sum(x$failures)
  ))
}

#' @method tidy mlmix_vlmr
#' @export
tidy.mlmix_vlmr <- function(x, ...) {
  as_tibble_if_any(data.frame(
    method = paste0(x$test, ", ", x$weights, " weights"), statistic = x$statistic, parameter = attr(x, "df"),
    p.value = x$p.value, mean = x$mean, sd = x$sd
  ))
}
