# Recovery study: data simulated from thirteen models at known values, refitted, summarised in bench/recovery.md.
#
# From the package's directory, with mlmix installed:
#   Rscript bench/recovery.R [replications, default 200] [names of cases, default all]
# About 20 minutes on one core. The replications of every model are kept in MLMIX_RECOVERY_CACHE (default: the user's
# cache directory), so that a run that was stopped goes on where it was; a new commit starts anew.

suppressMessages(library(mlmix))
for (file in c("cases.R", "replicate.R", "summarise.R")) source(file.path("bench", "recovery", file))

package_commit <- function() {
  given <- Sys.getenv("MLMIX_COMMIT")
  if (nzchar(given)) given else system2("git", c("rev-parse", "--short", "HEAD"), stdout = TRUE)
}

machine <- function() {
  cpu <- "unknown processor"
  if (file.exists("/proc/cpuinfo")) {
    line <- grep("^model name", readLines("/proc/cpuinfo"), value = TRUE)
    if (length(line) > 0) cpu <- trimws(sub("^[^:]*:", "", line[[1]]))
  }
  paste0(cpu, ", one core, ", R.version.string, ", ", utils::sessionInfo()$running)
}

# All replications of one case, from the cache as far as they are there; saved after every twenty.
run_case <- function(case, key, replications, cache) {
  file <- file.path(cache, paste0(key, ".rds"))
  done <- if (file.exists(file)) readRDS(file)
  prepared <- prepare_case(case)
  for (replication in setdiff(seq_len(replications), done$replication)) {
    done <- rbind(done, replicate_case(prepared, replication))
    if (replication %% 20 == 0 || replication == replications) saveRDS(done, file)
  }
  done[done$replication <= replications, ]
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
    "(`estimates()`) with the truth inside: mean over parameters (smallest - largest), in percent. The mean is to lie between 90 and 98;",
    "one parameter's coverage has a Monte Carlo standard error of 1.5 in 200 replications. \"Held\": replications with",
    "an estimate at a boundary or not identified; such an estimate has no interval and does not enter. Seconds: one fit",
    "with robust standard errors.", "",
    "| Model | Parameters | Replications | Converged | Held | Bias / SD | SE / SD, robust | SE / SD, model | Coverage, robust | Coverage, model | Within 90-98 | Seconds |",
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

main <- function(arguments) {
  replications <- if (length(arguments) > 0) as.integer(arguments[[1]]) else 200L
  cases <- recovery_cases()
  if (length(arguments) > 1) cases <- cases[arguments[-1]]
  commit <- package_commit()
  cache <- Sys.getenv("MLMIX_RECOVERY_CACHE", file.path(tools::R_user_dir("mlmix", "cache"), "recovery"))
  cache <- file.path(cache, commit)
  dir.create(cache, recursive = TRUE, showWarnings = FALSE)
  results <- list()
  for (key in names(cases)) {
    started <- sum(proc.time()[1:2])
    results[[key]] <- run_case(cases[[key]], key, replications, cache)
    cat(sprintf("%s: %.0f CPU seconds\n", key, sum(proc.time()[1:2]) - started))
    print(summarise_model(results[[key]], key), row.names = FALSE)
  }
  if (setequal(names(cases), names(recovery_cases()))) {
    write_table(results, cases, commit, file.path("bench", "recovery.md"))
  }
}

main(commandArgs(TRUE))
