# R code run in a fresh R process that loads the installed package.

# Where the package under test is installed; skips the test where it is only loaded from its sources.
installed_library <- function() {
  path <- system.file(package = "mlmix")
  testthat::skip_if_not(file.exists(file.path(path, "Meta", "package.rds")), "mlmix is not installed")
  dirname(path)
}

child_code <- function(code) {
  c(paste0(".libPaths(c(", deparse1(installed_library()), ", .libPaths()))"), "suppressMessages(library(mlmix))", code)
}

r_binary <- function() file.path(R.home("bin"), "R")

# Runs code to its end; returns what it prints.
run_child <- function(code) {
  script <- withr::local_tempfile(fileext = ".R", lines = child_code(code))
  suppressWarnings(system2(r_binary(), c("--vanilla", "--no-echo", "-f", shQuote(script)), stdout = TRUE, stderr = TRUE))
}
