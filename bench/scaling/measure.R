# What an E-step costs: the difference between a long and a short call of the engine on the same climb, per E-step.

# The engine's call alone, for a model resolved with its data: function(iterations, threads) giving CPU seconds, E-steps
# and nodes. The R layer's share would hide differences of a millisecond.
engine_call <- function(case) {
  inside <- asNamespace("mlmix")
  integration <- if (is.null(case$integration)) quadrature() else case$integration
  resolved <- inside$separate_robust_cluster(inside$resolve_model(case$model, case$data))
  weights <- inside$engine_weights(resolved, NULL, NULL, NULL, NULL)
  function(iterations, threads) {
    control <- mlmix_control(max_iterations = iterations, stage1_iterations = 1)
    options <- inside$fit_options(1, 3, "none", integration, threads, control, NULL)
    time <- system.time(result <- inside$engine_fit(resolved, weights, options, NULL, NULL), gcFirst = FALSE)
    c(cpu = time[["user.self"]] + time[["sys.self"]], e_steps = result$convergence$e_steps,
      nodes = result$integration$n_nodes)
  }
}

# Seconds of one E-step (CPU time, which does not wait for others), from pairs of calls: at least two and half a second
# in all, then more until the standard error of their mean difference is 3 % of it, or four seconds are used up.
# NA where it is still above 25 %.
cost_of_e_step <- function(case, threads = 1, short = 2, long = 12, enough = 0.5, most = 4) {
  call <- engine_call(case)
  call(1, threads)
  pairs <- NULL
  spent <- 0
  error <- Inf
  while (spent < enough || NROW(pairs) < 2 || (error > 0.03 && spent < most)) {
    few <- call(short, threads)
    many <- call(long, threads)
    spent <- spent + few[["cpu"]] + many[["cpu"]]
    pairs <- rbind(pairs, data.frame(gain = many[["cpu"]] - few[["cpu"]], steps = many[["e_steps"]] - few[["e_steps"]]))
    if (nrow(pairs) > 2) error <- stats::sd(pairs$gain) / sqrt(nrow(pairs)) / abs(mean(pairs$gain))
    if (nrow(pairs) == 2 && spent > most) break
  }
  known <- nrow(pairs) == 2 || error < 0.25
  data.frame(cpu = if (known) mean(pairs$gain) / mean(pairs$steps) else NA_real_, error = if (nrow(pairs) > 2) error else NA,
    call = many[["cpu"]], e_steps = mean(pairs$steps), nodes = many[["nodes"]])
}

# All sizes of a growth, in order, until the CPU time for it is used up (then the larger sizes are left out).
measure_growth <- function(growth, seconds) {
  used <- function() sum(proc.time()[c("user.self", "sys.self")])
  started <- used()
  rows <- list()
  for (size in growth$sizes) {
    last <- if (length(rows) > 0) rows[[length(rows)]] else list(call = 0, size = size)
    expected <- last$call * size / last$size
    if (used() - started + 3 * expected > seconds) break
    case <- growth$at(size)
    row <- data.frame(title = growth$title, x = growth$x, size = size, work = case$work, cost_of_e_step(case))
    cat(sprintf("%s, %s %s: %.4g ms per E-step\n", growth$title, format(size, big.mark = ","), growth$x, 1e3 * row$cpu))
    rows <- c(rows, list(row))
  }
  do.call(rbind, rows)
}
