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

# Seconds of one E-step, the least of `times` pairs of runs; `cost` is the CPU time, which does not wait for others.
cost_of_e_step <- function(case, threads = 1, times = 3, short = 2, long = 12) {
  limited_fit(case, 1, threads)
  pairs <- lapply(seq_len(times), function(i) list(limited_fit(case, short, threads), limited_fit(case, long, threads)))
  least <- function(column, which) min(vapply(pairs, function(pair) pair[[which]][[column]], 0))
  steps <- pairs[[1]][[2]][["e_steps"]] - pairs[[1]][[1]][["e_steps"]]
  per_step <- function(column) if (steps > 0) (least(column, 2) - least(column, 1)) / steps else NA_real_
  data.frame(cpu = per_step("cpu"), wall = per_step("wall"), call = least("wall", 2), e_steps = steps,
    nodes = pairs[[1]][[2]][["nodes"]])
}

# All sizes of a growth, in order, until the time for it is used up (then the larger sizes are left out).
measure_growth <- function(growth, seconds) {
  started <- proc.time()[["elapsed"]]
  rows <- list()
  for (size in growth$sizes) {
    last <- if (length(rows) > 0) rows[[length(rows)]]$call else 0
    if (proc.time()[["elapsed"]] - started + 8 * last > seconds) break
    case <- growth$at(size)
    row <- data.frame(title = growth$title, x = growth$x, size = size, work = case$work,
      cost_of_e_step(case, times = if (last > 2) 1 else 3))
    cat(sprintf("%s, %s %s: %.4g ms per E-step\n", growth$title, format(size, big.mark = ","), growth$x, 1e3 * row$cpu))
    rows <- c(rows, list(row))
  }
  do.call(rbind, rows)
}
