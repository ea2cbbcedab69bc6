# Where the time of our fits goes: shares of samples by stage of the work, from Linux's `perf`.
#
# From the package's directory, with mlmix installed and `perf` in the path:
#   Rscript bench/profile.R T1 T2 T8:2       (task, or task:variant; prints a table for each)
# One thread; the fit is repeated for five seconds (or made twice). bench/profiles.md is written by hand from this.

for (file in c("load.R", "machine.R", "run.R")) source(file.path("bench", "speed", file))

# Functions of the engine by what they do; a stage's share is that of the first of its functions found on a stack, and
# stages inside others (a table filled during an E-step) are shown for themselves.
stages <- c(
  "compile the program" = "Program::build", "E-steps" = "likelihood::run::evaluate",
  "  tables of log densities" = "likelihood::table::fill|likelihood::rows::fill",
  "  scores and information" = "likelihood::table::contract|likelihood::rows::contract",
  "  forward" = "lane::Lane<S>>::forward", "  back" = "class_graph::Buffers::backward",
  "  weights to tables" = "lane::Lane<S>::scatter", "surrogate of EM steps" = "tables::complete_data",
  "adapting nodes" = "em::search::adapt",
  "information by differences" = "information::observed_information", "information in closed form" = "louis_information",
  "scores of clusters" = "inference::scores", "class posteriors" = "posterior::classes",
  "factor scores" = "posterior::latents", "result" = "result::assemble"
)

repeat_fit <- function(task, variant, seconds) {
  v <- read_task(task)$variants[[variant]]
  suppressMessages(library(mlmix))
  one <- v$programs[[1]]
  data <- one$prepare(utils::read.csv(file.path(bench_cache(), "data", paste0(v$data, ".csv"))))
  started <- proc.time()[[3]]
  seed <- 0
  while (seed < 2 || proc.time()[[3]] - started < seconds) {
    seed <- seed + 1
    suppressWarnings(one$fit(data, seed))
  }
}

# Shares (per cent) of the stacks that contain a pattern, among the samples of the fits.
profile_task <- function(task, variant) {
  data <- tempfile()
  on.exit(unlink(data))
  self <- c("bench/profile.R", "--repeat", task, variant)
  system2("perf", c("record", "-q", "-F", "249", "--call-graph", "dwarf,16384", "-o", data, "Rscript", self),
    env = "MLMIX_BENCH_THREADS=1", stdout = FALSE, stderr = FALSE)
  lines <- system2("perf", c("script", "-i", data, "-F", "comm,ip,sym"), stdout = TRUE, stderr = FALSE)
  sample <- cumsum(!nzchar(lines))
  stacks <- vapply(split(lines, sample), paste, "", collapse = "\n")
  stacks <- stacks[nzchar(trimws(stacks))]
  engine <- grepl("mlmix-", stacks, fixed = TRUE)
  r_code <- !engine & grepl("R_execClosure|bcEval|Rf_eval", stacks)
  kept <- stacks[engine | r_code]
  share <- function(pattern) 100 * mean(grepl(pattern, kept))
  rows <- vapply(stages, share, 0)
  cat(sprintf("\n%s %s: %d samples\n", task, variant, length(kept)))
  cat(sprintf("| %s | %.0f |\n", c("R", "engine", trimws(names(rows), "right")), c(
    100 * mean(r_code) / mean(engine | r_code), 100 * mean(engine) / mean(engine | r_code), rows)), sep = "")
}

main <- function(arguments) {
  if (identical(arguments[1], "--repeat")) return(repeat_fit(arguments[2], as.integer(arguments[3]), 5))
  simulate_speed_data(file.path(bench_cache(), "data"))
  for (name in strsplit(toupper(arguments), ":", fixed = TRUE)) {
    profile_task(name[1], if (length(name) > 1) as.integer(name[2]) else 1L)
  }
}

main(commandArgs(TRUE))
