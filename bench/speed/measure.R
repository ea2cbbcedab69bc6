# Runs one program on one data set in this process and writes what it took as JSON.
#
# From the package's directory: Rscript bench/speed/measure.R task variant program data.csv result.json
# The fit is made once untimed (unless it takes minutes), then five times, or fewer once ten seconds have gone. Medians
# count, and of log-likelihoods the lowest: programs that take a seed get another for every fit.

source(file.path("bench", "speed", "load.R"))

# A field of /proc/self/status in megabytes: VmRSS (now), VmHWM (the peak of this process). NA where there is none.
process_memory <- function(field) {
  if (!file.exists("/proc/self/status")) return(NA_real_)
  lines <- readLines("/proc/self/status")
  line <- grep(paste0("^", field, ":"), lines, value = TRUE)
  if (length(line) == 0) NA_real_ else as.numeric(gsub("[^0-9]", "", line)) / 1024
}

time_once <- function(expr) {
  gc(FALSE)
  time <- system.time(expr, gcFirst = FALSE)
  c(wall = time[["elapsed"]], cpu = sum(time[c("user.self", "sys.self", "user.child", "sys.child")], na.rm = TRUE))
}

measure_program <- function(one, data) {
  data <- one$prepare(data)
  suppressWarnings(suppressMessages(library(one$package, character.only = TRUE)))
  gc(FALSE)
  before <- process_memory("VmRSS")
  times <- NULL
  results <- list()
  fit_number <- function(i) if (length(formals(one$fit)) > 1) one$fit(data, i) else one$fit(data)
  if (one$warm) fit_number(1)
  while (is.null(times) || (one$warm && nrow(times) < 5 && sum(times[, "wall"]) < 10)) {
    times <- rbind(times, time_once(fit <- fit_number(length(results) + 1)))
    results <- c(results, list(one$result(fit)))
  }
  peak <- process_memory("VmHWM")
  values <- function(field) as.numeric(unlist(lapply(results, `[[`, field)))
  at <- which.min(values("log_likelihood"))
  lowest <- results[[if (length(at) == 1) at else 1]]
  lowest$iterations <- if (length(values("iterations")) > 0) stats::median(values("iterations"))
  c(
    utils::modifyList(list(status = "ok"), lowest),
    list(version = as.character(utils::packageVersion(one$package)), wall = stats::median(times[, "wall"]),
      cpu = stats::median(times[, "cpu"]), peak_mb = peak, added_mb = peak - before)
  )
}

main <- function(arguments) {
  task <- read_task(arguments[[1]])
  one <- task$variants[[as.integer(arguments[[2]])]]$programs[[as.integer(arguments[[3]])]]
  data <- utils::read.csv(arguments[[4]])
  result <- suppressWarnings(measure_program(one, data))
  writeLines(jsonlite::toJSON(result, auto_unbox = TRUE, digits = NA,
    na = "null"), arguments[[5]])
}

main(commandArgs(TRUE))
