# One replication of the recovery study: simulate from the true values, refit from them, keep what was estimated.

# The parts of a case that do not change between replications.
# resolved  the specification and the numeric columns;  true  all parameters in table order;  free  TRUE where estimated
prepare_case <- function(case) {
  resolved <- suppressMessages(mlmix::resolve_model(case$model, case$rows))
  table <- resolved$parameters
  odd <- c(setdiff(table$name[table$free], names(case$truth)), setdiff(names(case$truth), table$name[table$free]))
  if (length(odd) > 0) stop(case$name, ": true values do not match the free parameters: ", toString(odd))
  true <- table$value
  true[table$free] <- case$truth[table$name[table$free]]
  c(case, list(resolved = resolved, true = true, names = table$name[table$free]))
}

# The case's rows with outcomes drawn at the true values.
simulate_case <- function(case, seed) {
  resolved <- case$resolved
  drawn <- mlmix:::raw_simulate(
    mlmix::to_spec_json(resolved$spec), resolved$columns, resolved$cluster,
    options_json = mlmix:::options_json(draw_options(seed)), parameters = case$true
  )
  data <- case$rows
  for (name in names(drawn$outcomes)) {
    values <- as.numeric(drawn$outcomes[[name]])
    seen <- !is.nan(values)
    data[[name]][resolved$row_used[seen]] <- values[seen]
  }
  data
}

draw_options <- function(seed) {
  list(starts = 1, final_starts = 1, seed = seed, se = "none", quadrature = unclass(mlmix::quadrature()), threads = 1)
}

# A data frame, one row per free parameter: the estimate, and standard error and 95 % interval, robust and model-based.
# The second fit starts from the first one's estimates, so that it only repeats the last step with other errors.
replicate_case <- function(case, replication) {
  data <- simulate_case(case, seed = replication)
  first <- refit(case, data, case$true, "robust")
  second <- refit(case, data, coef(first, fixed = TRUE), "observed")
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
    case$model, data, starts = 1, seed = 1, se = se, threads = 1, progress = FALSE,
    integration = case$integration,    control = mlmix::mlmix_control(start_values = from)
  )))
}
