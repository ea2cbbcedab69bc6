# Writes the table of the recovery study as Markdown.

machine <- function() {
  cpu <- "unknown processor"
  if (file.exists("/proc/cpuinfo")) {
    line <- grep("^model name", readLines("/proc/cpuinfo"), value = TRUE)
    if (length(line) > 0) cpu <- trimws(sub("^[^:]*:", "", line[[1]]))
  }
  paste0(cpu, ", one core, ", R.version.string, ", ", utils::sessionInfo()$running)
}

write_table <- function(results, cases, commit, file) {
  titles <- vapply(cases, `[[`, "", "name")
  rows <- do.call(rbind, Map(summarise_model, results, titles))
  odd <- unlist(Map(unusual_parameters, results, titles))
  lines <- c(
    "# Recovery of known parameters", "",
    sprintf(
      "Written by `bench/recovery.R` on %s: %s; mlmix %s, commit %s.", format(Sys.Date()), machine(),
      utils::packageVersion("mlmix"), commit
    ), "",
    "Each data set is simulated from the model at the values in `bench/recovery/cases.R` and fitted again, with one start",
    "from the true values so that classes keep their numbers. Bias is the mean over parameters of |mean estimate -",
    "truth| / SD of the estimates; SE / SD the mean standard error against that SD; coverage the share of 95 % intervals",
    "(`estimates()`) with the truth inside: mean over parameters (smallest - largest), in percent. The mean is to lie",
    "between 90 and 98; one parameter's coverage has a Monte Carlo standard error of 1.5 in 200 replications. Held:",
    "replications with an estimate at a boundary or not identified; such an estimate has no interval and does not enter.",
    "Seconds: one fit with robust standard errors, elapsed (upper limits where other programs ran).", "",
    paste(
      "| Model | Parameters | Replications | Converged | Held | Bias / SD | SE / SD, robust | SE / SD, model",
      "| Coverage, robust | Coverage, model | Within 90-98 | Seconds |"
    ),
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|:-:|--:|",
    with(rows, sprintf(
      "| %s | %d | %d | %d | %d | %.3f | %.3f | %.3f | %s | %s | %s | %.3f |", title, parameters, replications, converged,
      boundary, bias, robust_ratio, model_ratio, robust, model, ifelse(passed, "yes", "**no**"), seconds
    )),
    "", "## Single parameters with a coverage outside 90-98", "",
    if (length(odd) == 0) "None." else c(
      "| Model | Parameter | True | Bias / SD | SE / SD, robust | Coverage, robust | SE / SD, model | Coverage, model |",
      "|---|---|--:|--:|--:|--:|--:|--:|", odd
    )
  )
  writeLines(lines, file)
}
