# Cost as work grows: units, classes, items, nodes, dimensions, clusters, times, threads, memory; writes
# bench/scaling.md and bench/scaling.png.
#
# From the package's directory, with mlmix installed:
#   Rscript bench/scaling.R [seconds for each way to grow, default 40]
# About five minutes on a quiet machine.

source(file.path("bench", "speed", "machine.R"))
for (file in c("growth.R", "measure.R", "threads.R", "report.R")) source(file.path("bench", "scaling", file))
suppressMessages(library(mlmix))

measure_memory <- function(units, kind) {
  output <- tempfile(fileext = ".json")
  on.exit(unlink(output))
  system2(file.path(R.home("bin"), "Rscript"), c("bench/scaling/memory.R", units, kind, output), stdout = FALSE,
    stderr = FALSE, timeout = 180)
  if (!file.exists(output)) return(NULL)
  row <- as.data.frame(jsonlite::fromJSON(output))
  cat(sprintf("%s, %s units: %.0f MB of data, %.0f MB added at the peak\n", kind, format(units, big.mark = ","),
    row$data_mb, row$peak_mb - row$before_mb))
  row
}

main <- function(arguments) {
  seconds <- if (length(arguments) > 0) as.numeric(arguments[[1]]) else 40
  costs <- do.call(rbind, lapply(growths(), measure_growth, seconds = seconds))
  threads <- do.call(rbind, lapply(thread_cases(), measure_threads))
  memory <- NULL
  if (file.exists("/proc/self/status")) {
    for (kind in c("units_lca", "units_lpa")) {
      memory <- rbind(memory, do.call(rbind, lapply(10^(3:6), measure_memory, kind = kind)))
    }
  }
  write_scaling(costs, threads, memory, file.path("bench", "scaling.md"))
  plot_scaling(costs, file.path("bench", "scaling.png"))
}

main(commandArgs(TRUE))
