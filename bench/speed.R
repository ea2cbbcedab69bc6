# Speed: thirteen tasks, mlmix and every installed package of the field on the same data; writes bench/speed.md.
#
# From the package's directory, with mlmix installed:
#   Rscript bench/speed.R [tasks, such as T1 T8; default all]
#   MLMIX_BENCH=quick         one round, mlmix alone; prints, writes nothing
#   MLMIX_BENCH_ROUNDS=3      rounds, all programs in turn in each
#   MLMIX_BENCH_TIMEOUT=600   seconds after which a program is stopped
#   MLMIX_BENCH_THREADS=2     threads of mlmix
#   MLMIX_BENCH_PYTHON        a Python with StepMix (otherwise one is made in the cache, if the network allows)
#   MLMIX_BENCH_CACHE         where data are kept (default: the user's cache directory)
# Tasks that are not run keep their rows of bench/speed.csv. To run on a quiet machine.

for (file in c("load.R", "machine.R", "run.R", "table.R")) source(file.path("bench", "speed", file))

main <- function(arguments) {
  quick <- identical(Sys.getenv("MLMIX_BENCH"), "quick")
  rounds <- if (quick) 1L else as.integer(Sys.getenv("MLMIX_BENCH_ROUNDS", "3"))
  ids <- if (length(arguments) > 0) toupper(arguments) else speed_task_ids()
  unknown <- setdiff(ids, speed_task_ids())
  if (length(unknown) > 0) {
    stop("There is no task ", paste(unknown, collapse = ", "), "; there are ", paste(speed_task_ids(), collapse = " "))
  }
  if (!requireNamespace("mlmix", quietly = TRUE)) stop("mlmix is not installed in ", toString(.libPaths()))
  folder <- file.path(bench_cache(), "data")
  simulate_speed_data(folder)
  if (!quick) install_stepmix()
  csv <- file.path("bench", "speed.csv")
  for (id in ids) {
    task <- read_task(id)
    rows <- lapply(seq_along(task$variants), function(v) run_variant(task, v, folder, rounds, quick))
    if (quick) next
    before <- if (file.exists(csv)) utils::read.csv(csv, colClasses = c(version = "character", commit = "character",
      variant = "character"), na.strings = "NA")
    results <- rbind(before[before$task != id, ], do.call(rbind, rows))
    utils::write.csv(results[order(match(results$task, speed_task_ids())), ], csv, row.names = FALSE)
    write_speed_table(results, file.path("bench", "speed.md"))
  }
}

main(commandArgs(TRUE))
