# What an E-step costs: the difference between a long and a short run of the same climb, per E-step.

# One fit from one start with a limit of iterations: wall and CPU seconds, E-steps.
limited_fit <- function(case, iterations, threads) {
  integration <- if (is.null(case$integration)) quadrature() else case$integration
  gc(FALSE)
  time <- system.time(
    fit <- suppressMessages(suppressWarnings(mlmix(case$model, case$data, starts = 1, seed = 3, se = "none",
      integration = integration, threads = threads, progress = FALSE,
      control = mlmix_control(max_iterations = iterations, stage1_iterations = 1)))),
    gcFirst = FALSE
  )
  c(wall = time[["elapsed"]], cpu = time[["user.self"]] + time[["sys.self"]], e_steps = fit$convergence$e_steps,
    nodes = fit$integration$n_nodes)
}

# Seconds of one E-step from pairs of runs, as many as make `enough` CPU seconds (at least two, unless one takes that
# long), for the clock counts milliseconds. The cost is the CPU time, which does not wait for others.
cost_of_e_step <- function(case, threads = 1, short = 2, long = 12, enough = 0.5) {
  limited_fit(case, 1, threads)
  pairs <- list()
  spent <- 0
  while (spent < enough || (length(pairs) < 2 && spent < 2)) {
    pair <- list(short = limited_fit(case, short, threads), long = limited_fit(case, long, threads))
    spent <- spent + pair$long[["cpu"]]
    pairs <- c(pairs, list(pair))
  }
  mean_of <- function(which, column) mean(vapply(pairs, function(pair) pair[[which]][[column]], 0))
  steps <- mean_of("long", "e_steps") - mean_of("short", "e_steps")
  per_step <- function(column) if (steps > 0) (mean_of("long", column) - mean_of("short", column)) / steps else NA_real_
  data.frame(cpu = per_step("cpu"), wall = per_step("wall"), call = mean_of("long", "cpu"), e_steps = steps,
    nodes = pairs[[1]]$long[["nodes"]])
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
