# The replications of one case: two Monte Carlo studies on the same draws, with robust and with model-based errors.

# A data frame, one row for each replication and free parameter: true value, estimate, and standard error and 95 %
# interval, robust and model-based. Finished replications are kept in `folder`.
study_case <- function(case, key, replications, folder) {
  robust <- study_errors(case, replications, "robust", file.path(folder, paste0(key, "-robust.rds")))
  model <- study_errors(case, replications, "observed", file.path(folder, paste0(key, "-model.rds")))
  rows <- robust$estimates
  twin <- model$estimates[match(paste(rows$replication, rows$name),
    paste(model$estimates$replication, model$estimates$name)), ]
  fit <- robust$fits[match(rows$replication, robust$fits$replication), ]
  data.frame(
    replication = rows$replication, name = rows$name, true = rows$true, estimate = rows$estimate,
    robust_se = rows$std.error, robust_low = rows$conf.low, robust_high = rows$conf.high,
    model_se = twin$std.error, model_low = twin$conf.low, model_high = twin$conf.high,
    status = rows$status, convergence = fit$status, seconds = fit$seconds
  )
}

study_errors <- function(case, replications, se, file) {
  covariates <- is.data.frame(case$size)
  mlmix::monte_carlo(
    case$model, case$truth, n = if (!covariates) case$size, data = if (covariates) case$size, seed = 1,
    replications = replications, file = file, se = se, integration = case$integration, threads = 1, progress = FALSE
  )
}
