# run_variant(): all programs of a variant in turn, round after round, each in a process of its own.

# A data frame, one row for each program and round; programs that are not installed have no rows.
run_variant <- function(task, v, folder, rounds, quick) {
  variant <- task$variants[[v]]
  data <- file.path(folder, paste0(variant$data, ".csv"))
  programs <- which(vapply(variant$programs, is_available, TRUE, quick = quick))
  if (quick) programs <- programs[[1]]
  rows <- list()
  given_up <- integer(0)
  for (round in seq_len(rounds)) {
    for (p in setdiff(programs, given_up)) {
      one <- variant$programs[[p]]
      result <- run_program(task$id, v, p, one, data)
      cat(sprintf("%s %s, %s, round %d: %s\n", task$id, variant$name, one$name, round, result_words(result)))
      rows <- c(rows, list(new_row(task, variant, one, p, round, result)))
      # What failed or took minutes is not repeated.
      if (!identical(result$failed, FALSE) || isTRUE(result$wall > 60)) given_up <- c(given_up, p)
    }
  }
  do.call(rbind, rows)
}

is_available <- function(one, quick) {
  if (!is.null(one$python)) return(!quick && !is.null(find_python()))
  requireNamespace(one$package, quietly = TRUE)
}

run_program <- function(id, v, p, one, data) {
  output <- tempfile(fileext = ".json")
  messages <- tempfile()
  on.exit(unlink(c(output, messages)))
  limit <- as.numeric(Sys.getenv("MLMIX_BENCH_TIMEOUT", "600"))
  if (is.null(one$python)) {
    command <- file.path(R.home("bin"), "Rscript")
    arguments <- c("bench/speed/measure.R", id, v, p, data, output)
    code <- system2(command, shQuote(arguments), stdout = messages, stderr = messages, timeout = limit)
  } else {
    model <- tempfile(fileext = ".json")
    writeLines(jsonlite::toJSON(one$python, auto_unbox = TRUE), model)
    code <- system2(find_python(), shQuote(c("bench/speed/stepmix_fit.py", model, data)), stdout = output,
      stderr = messages, timeout = limit, env = paste0("OMP_NUM_THREADS=", bench_threads()))
  }
  if (code == 0 && file.exists(output)) {
    text <- utils::tail(readLines(output, warn = FALSE), 1)
    return(c(jsonlite::fromJSON(text), list(failed = FALSE)))
  }
  why <- if (code == 124) {
    paste("not finished in", limit, "seconds")
  } else {
    said <- readLines(messages, warn = FALSE)
    said <- said[nzchar(said) & !grepl("^(Calls:|Execution halted)", said)]
    paste("failed:", substr(paste(utils::tail(said, 2), collapse = " "), 1, 100))
  }
  list(status = why, failed = TRUE)
}

result_words <- function(result) {
  if (result$failed) return(result$status)
  sprintf("log-likelihood %.4f, wall %.3f s, CPU %.3f s, %.0f MB", result$log_likelihood, result$wall, result$cpu,
    result$peak_mb)
}

new_row <- function(task, variant, one, p, round, result) {
  number <- function(field) if (length(result[[field]]) == 1) as.numeric(result[[field]]) else NA_real_
  data.frame(
    task = task$id, variant = variant$name, program = one$name, place = p,
    version = if (is.null(result$version)) "" else as.character(result$version), round = round,
    status = result$status, log_likelihood = number("log_likelihood"), parameters = number("parameters"),
    iterations = number("iterations"), wall = number("wall"), cpu = number("cpu"), peak_mb = number("peak_mb"),
    added_mb = number("added_mb"), load = current_load(), date = format(Sys.Date()), commit = package_commit(),
    stringsAsFactors = FALSE
  )
}

# The Python that has StepMix: MLMIX_BENCH_PYTHON, or the one in the path; NULL if neither has it.
find_python <- local({
  found <- NULL
  function() {
    if (is.null(found)) {
      candidates <- unique(c(Sys.getenv("MLMIX_BENCH_PYTHON"), file.path(bench_cache(), "python", "bin", "python"),
        unname(Sys.which(c("python3", "python")))))
      has <- function(python) {
        nzchar(python) && file.exists(python) &&
          system2(python, c("-c", shQuote("import stepmix")), stdout = FALSE, stderr = FALSE) == 0
      }
      found <<- c(Filter(has, candidates), "")[[1]]
    }
    if (nzchar(found)) found else NULL
  }
})

# StepMix in an environment of its own, where Python is there and the package index can be reached.
install_stepmix <- function() {
  python <- Sys.which("python3")
  if (!is.null(find_python()) || !nzchar(python)) return(invisible())
  folder <- file.path(bench_cache(), "python")
  cat("Installing StepMix into", folder, "\n")
  system2(python, c("-m", "venv", shQuote(folder)), stdout = FALSE, stderr = FALSE)
  pip <- file.path(folder, "bin", "pip")
  if (file.exists(pip)) system2(pip, c("install", "--quiet", "stepmix"), stdout = FALSE, stderr = FALSE, timeout = 300)
  environment(find_python)$found <- NULL
}

bench_cache <- function() {
  folder <- Sys.getenv("MLMIX_BENCH_CACHE", file.path(tools::R_user_dir("mlmix", "cache"), "bench"))
  dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  normalizePath(folder)
}
