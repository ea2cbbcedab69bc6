# Table of the engine's micro-benchmarks: bench/kernels.md from what `cargo bench` left in its target folder.
#
# From the package's directory, after `cargo bench`: Rscript bench/kernels.R
# The least time of the samples counts: on a machine with other work it is the one that was disturbed least.

source(file.path("bench", "speed", "machine.R"))

criterion_folder <- function() {
  candidates <- file.path(c(Sys.getenv("CRITERION_HOME"), file.path(c(Sys.getenv("CARGO_TARGET_DIR"),
    file.path("src", "rust", "target"), Sys.getenv("MLMIX_TARGET_DIR")), "criterion")))
  c(candidates[dir.exists(candidates) & nzchar(candidates)], NA)[[1]]
}

# Seconds of one iteration and elements of it for every benchmark: group, name.
read_benches <- function(folder) {
  files <- list.files(folder, "^sample\\.json$", recursive = TRUE, full.names = TRUE)
  files <- files[basename(dirname(files)) == "new"]
  rows <- lapply(files, function(file) {
    sample <- jsonlite::fromJSON(file)
    what <- jsonlite::fromJSON(file.path(dirname(file), "benchmark.json"))
    elements <- what$throughput$Elements
    data.frame(
      group = what$group_id, name = if (is.null(what$function_id)) what$value_str else what$function_id,
      seconds = min(sample$times / sample$iters) * 1e-9, elements = if (is.null(elements)) 1 else elements
    )
  })
  do.call(rbind, rows)
}

limit_lines <- function(benches) {
  of <- function(group, name) benches$seconds[benches$group == group & benches$name == name]
  what <- c(T1 = "LCA, 7,326 x 17, 3 classes", T5 = "factor mixture, 2,000 x 10, 2 classes, 49 points",
    T6 = "latent Markov, 2,000 x 4 x 5, 3 states", T8 = "2PL, 5,000 x 30, 49 points",
    T12 = "two-level LTA, 60 x 20 x 20 items, 2 x 2 classes, 15 x 15 adaptive points")
  rows <- lapply(intersect(names(what), benches$name), function(name) {
    cells <- benches$elements[benches$group == "e_step" & benches$name == name]
    sprintf("| %s | %s | %.3f | %.3f | %.3f | %.2f | %.2f | %.1f |", name, what[[name]], 1e3 * of("e_step", name),
      1e3 * of("log_likelihood", name), 1e3 * of("limit", name), 1e9 * of("e_step", name) / cells,
      1e9 * of("limit", name) / cells, of("e_step", name) / of("limit", name))
  })
  c("| task | | E-step ms | log L alone ms | bare arithmetic ms | ns per unit x class x node | bare | ratio |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |", unlist(rows))
}

kernel_lines <- function(benches) {
  kernels <- benches[!benches$group %in% c("e_step", "log_likelihood", "limit"), ]
  kernels <- kernels[order(kernels$group, kernels$name), ]
  c("| kernel | ns |", "| --- | --- |",
    sprintf("| %s: %s%s | %.3g |", kernels$group, kernels$name, ifelse(kernels$elements > 1, ", each number", ""),
      1e9 * kernels$seconds / kernels$elements))
}

main <- function() {
  folder <- criterion_folder()
  if (is.na(folder)) stop("There are no results of cargo bench.")
  benches <- read_benches(folder)
  writeLines(c(
    "# The engine's micro-benchmarks", "",
    paste0("Written by `bench/kernels.R` from `cargo bench` (Criterion): ", machine_words(), "; load ",
      format(current_load(), nsmall = 1), ", commit ", package_commit(), ". Least of 20 samples, one thread."), "",
    "## The limit", "",
    strwrap(paste(
      "One E-step (log-likelihood, gradient, complete-data information) against the arithmetic that it cannot do",
      "without: the same number of multiply-adds, on rows in the first cache and sums in registers, and of",
      "exponentials (`src/rust/engine/benches/e_step.rs` counts them, for the distinct response patterns). The goal",
      "is a ratio of 2."
    ), 120), "", limit_lines(benches), "", "## Kernels", "", kernel_lines(benches)
  ), file.path("bench", "kernels.md"))
}

main()
