# One replication of the recovery study: simulate from the true values, refit from them, keep what was estimated.

# The case's data, drawn at the true values.
simulate_case <- function(case, seed) {
  if (is.data.frame(case$size)) {
    mlmix::simulate_data(case$model, case$truth, data = case$size, seed = seed)
  } else {
    mlmix::simulate_data(case$model, case$truth, n = case$size, seed = seed)
  }
}

# The true values in the order of the parameter table, fixed parameters at their values.
true_start <- function(case, data) {
  table <- suppressMessages(mlmix::parameters(case$model, data))
  ifelse(table$free, case$truth[table$name], table$value)
}

# A data frame, one row per free parameter: the estimate, and standard error and 95 % interval, robust and model-based.
# The second fit starts from the first one's estimates, so that it only repeats the last step with other errors.
replicate_case <- function(case, replication) {
  data <- simulate_case(case, seed = replication)
  first <- refit(case, data, true_start(case, data), "robust")
  second <- refit(case, data, stats::coef(first, fixed = TRUE), "observed")
  robust <- mlmix::estimates(first)
  model <- mlmix::estimates(second)
  data.frame(
    replication = replication, name = robust$name, true = unname(case$truth[robust$name]), estimate = robust$estimate,
    robust_se = robust$std.error, robust_low = robust$conf.low, robust_high = robust$conf.high,
    model_se = model$std.error, model_low = model$conf.low, model_high = model$conf.high,
    status = robust$status, convergence = first$convergence$status, seconds = first$time, row.names = NULL
  )
}

refit <- function(case, data, from, se) {
  suppressWarnings(suppressMessages(mlmix::mlmix(
    case$model, data, starts = 1, seed = 1, se = se, threads = 1, progress = FALSE, integration = case$integration,
    control = mlmix::mlmix_control(start_values = from)
  )))
}
