# From the replications of a model to one row of the table, and the parameters whose coverage is unusual.

# Coverage of a parameter's 95 % intervals in 200 replications has a standard error of 1.5 %.
usual_coverage <- c(0.90, 0.98)

# One row per parameter. Replications that did not converge and estimates without a standard error (held at a
# boundary) are left out and counted in `used`.
summarise_parameters <- function(results) {
  rows <- lapply(split(results, factor(results$name, unique(results$name))), function(one) {
    one <- one[one$convergence == "converged" & !is.na(one$robust_se) & !is.na(one$model_se), ]
    spread <- stats::sd(one$estimate)
    inside <- function(low, high) mean(low <= one$true & one$true <= high)
    data.frame(
      name = one$name[1], true = one$true[1], used = nrow(one), bias = mean(one$estimate) - one$true[1], spread = spread,
      robust_ratio = mean(one$robust_se) / spread, model_ratio = mean(one$model_se) / spread,
      robust_coverage = inside(one$robust_low, one$robust_high), model_coverage = inside(one$model_low, one$model_high)
    )
  })
  do.call(rbind, unname(rows))
}

summarise_model <- function(results, title) {
  each <- summarise_parameters(results)
  fits <- results[!duplicated(results$replication), ]
  data.frame(
    title = title, parameters = nrow(each), replications = nrow(fits), converged = sum(fits$convergence == "converged"),
    boundary = sum(tapply(results$status != "free", results$replication, any)),
    bias = mean(abs(each$bias / each$spread)), robust_ratio = mean(each$robust_ratio),
    model_ratio = mean(each$model_ratio), robust = coverage_words(each$robust_coverage),
    model = coverage_words(each$model_coverage), passed = passes(each$robust_coverage) && passes(each$model_coverage),
    seconds = mean(fits$seconds)
  )
}

passes <- function(coverage) mean(coverage) >= usual_coverage[1] && mean(coverage) <= usual_coverage[2]

coverage_words <- function(x) sprintf("%.1f (%.1f–%.1f)", 100 * mean(x), 100 * min(x), 100 * max(x))

# Parameters with a coverage outside 90 to 98 %, one line each.
unusual_parameters <- function(results, title) {
  each <- summarise_parameters(results)
  outside <- function(x) x < usual_coverage[1] | x > usual_coverage[2]
  odd <- each[outside(each$robust_coverage) | outside(each$model_coverage), ]
  sprintf(
    "| %s | `%s` | %.2f | %+.2f | %.2f | %.1f | %.2f | %.1f |", rep(title, nrow(odd)), sub("|", "\\|", odd$name, fixed = TRUE),
    odd$true, odd$bias / odd$spread, odd$robust_ratio, 100 * odd$robust_coverage, odd$model_ratio, 100 * odd$model_coverage
  )
}
