# Recovery study: data simulated from thirteen models at known values, refitted, summarised in bench/recovery.md.
#
# From the package's directory, with mlmix installed:
#   Rscript bench/recovery.R [replications, default 200] [names of cases, default all]
# About 25 minutes on one core; other cores are used on the plan that R_FUTURE_PLAN names, such as multisession. The
# replications of every model are kept in MLMIX_RECOVERY_CACHE (default: the user's cache directory), so that a run that
# was stopped goes on where it was; a new commit starts anew.

suppressMessages(library(mlmix))
for (file in c("cases.R", "study.R", "summarise.R", "table.R")) source(file.path("bench", "recovery", file))

package_commit <- function() {
  given <- Sys.getenv("MLMIX_COMMIT")
  if (nzchar(given)) given else system2("git", c("rev-parse", "--short", "HEAD"), stdout = TRUE)
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
    results[[key]] <- study_case(cases[[key]], key, replications, cache)
    cat(sprintf("%s: %.0f CPU seconds\n", key, sum(proc.time()[1:2]) - started))
    print(summarise_model(results[[key]], key), row.names = FALSE)
  }
  if (setequal(names(cases), names(recovery_cases()))) {
    write_table(results, cases, commit, file.path("bench", "recovery.md"))
  }
}

main(commandArgs(TRUE))
