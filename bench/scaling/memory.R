# Peak memory of a fit in a process of its own: Rscript bench/scaling/memory.R units kind result.json
# What counts is what the fit adds to the process, against the size of the data frame.

source(file.path("bench", "scaling", "growth.R"))
suppressMessages(library(mlmix))

process_memory <- function(field) {
  line <- grep(paste0("^", field, ":"), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

arguments <- commandArgs(TRUE)
n <- as.numeric(arguments[[1]])
growth <- growths()[[arguments[[2]]]]
small <- growth$at(200)
fit <- function(case) {
  suppressMessages(suppressWarnings(mlmix(case$model, case$data, starts = 1, seed = 3, threads = 2, progress = FALSE,
    se = "robust", control = mlmix_control(max_iterations = 5, stage1_iterations = 1))))
}
invisible(fit(small))
case <- growth$at(n)
gc(FALSE)
# The peak so far (drawing the data) is forgotten where the system allows it, so that it does not hide the fit's.
cleared <- tryCatch({
  writeLines("5", "/proc/self/clear_refs")
  TRUE
}, error = function(e) FALSE, warning = function(w) FALSE)
before <- process_memory("VmRSS")
result <- fit(case)
writeLines(jsonlite::toJSON(list(
  units = n, kind = arguments[[2]], data_mb = as.numeric(utils::object.size(case$data)) / 2^20,
  double_mb = prod(dim(case$data)) * 8 / 2^20, fit_mb = as.numeric(utils::object.size(result)) / 2^20,
  before_mb = before, peak_mb = process_memory("VmHWM"), cleared = cleared
), auto_unbox = TRUE, digits = NA), arguments[[3]])
