# parallel_map(): many independent computations, on whatever future plan is in force, with the same numbers on all.
#
# Each element has a seed of its own, drawn up front from the one seed, and nothing else random. So the result does not
# depend on the plan, on the order of execution, or on where a computation was stopped and resumed. The seeds of the
# first elements stay the same when there are more elements.

# fun(element, seed, ...) for every element of `x`, in order, as a list with the names of `x`.
#
#   seed      one whole number, from check_seed()
#   progress  TRUE or FALSE: a progress bar, with `label` in front
#   ...       passed to `fun`; give data here, not through the environment of `fun`, which workers receive as well
#   file      NULL, or where finished elements are kept: they are skipped when the same task is started again
#   task      named list of plain values that say what is computed, without environments; a file of another task is
#             refused. Leave out the number of elements, so that more can be added.
#   globals   list of what `fun` needs of the user's workspace, by name, which workers do not have; from
#             workspace_globals()
#
# R's generator is at the element's seed while `fun` runs, and afterwards where it was. On parallel plans the engine
# has one thread in each worker. An error in `fun` ends the computation; what was finished before is in `file`.
parallel_map <- function(x, fun, seed, progress = FALSE, ..., file = NULL, task = list(), label = "Replication",
                         globals = list(), call = rlang::caller_env()) {
  jobs <- Map(function(element, seed) list(element = element, seed = seed), unname(as.list(x)),
    element_seeds(seed, length(x)))
  store <- open_store(file, task, seed, call)
  done <- intersect(names(store$results), as.character(seq_along(jobs)))
  results <- vector("list", length(jobs))
  results[as.integer(done)] <- store$results[done]
  waiting <- setdiff(seq_along(jobs), as.integer(done))
  on.exit(close_store(store), add = TRUE)
  tick <- map_progress(progress, length(jobs), length(done), label)
  workers <- map_workers()
  per_worker <- 1
  while (length(waiting) > 0) {
    round <- utils::head(waiting, min(workers * per_worker, length(waiting)))
    started <- proc.time()[["elapsed"]]
    values <- if (workers == 1) lapply(jobs[round], run_job, fun = fun, one_thread = FALSE, ...) else
      map_round(jobs[round], fun, globals, ...)
    results[round] <- values
    keep_in_store(store, round, values)
    waiting <- setdiff(waiting, round)
    tick(length(jobs) - length(waiting))
    # Longer rounds cost less between them; shorter ones show progress and lose less when stopped.
    if (workers > 1 && proc.time()[["elapsed"]] - started < 20) per_worker <- 2 * per_worker
  }
  stats::setNames(results, names(x))
}

# Sampling without replacement from so many numbers goes one by one: the first seeds do not depend on `n`.
element_seeds <- function(seed, n) with_seed(seed, sample.int(.Machine$integer.max, n))

run_job <- function(job, fun, one_thread, ...) {
  if (one_thread) {
    before <- options(mlmix.one_thread = TRUE) # engine_options() in engine.R heeds it
    on.exit(options(before))
  }
  with_seed(job$seed, fun(job$element, job$seed, ...))
}

# The value of `expr` with R's generator at `seed`, of R's default kind; the generator is put back afterwards.
with_seed <- function(seed, expr) {
  before <- get0(".Random.seed", globalenv(), mode = "integer", inherits = FALSE)
  on.exit({
    if (is.null(before)) rm(".Random.seed", envir = globalenv()) else
      assign(".Random.seed", before, envir = globalenv())
  })
  set.seed(seed, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  expr
}

# How many elements run at a time: 1 without future.apply or on a sequential plan.
map_workers <- function() {
  if (!requireNamespace("future.apply", quietly = TRUE)) return(1)
  if (inherits(future::plan(), "sequential")) return(1)
  # A batch queue may have no limit; one worker of a parallel plan still runs in a process of its own.
  min(max(future::nbrOfWorkers(), 2), 1000)
}

map_round <- function(jobs, fun, globals, ...) {
  # As a list, globals are not searched for: what is needed is given here. future_lapply() sends `fun` and `...`.
  future.apply::future_lapply(
    jobs, run_job, fun = fun, one_thread = TRUE, ..., future.seed = NULL, future.globals = as.list(globals),
    future.packages = unique(c("mlmix", attr(globals, "packages")))
  )
}

map_progress <- function(progress, total, done, label, env = parent.frame()) {
  if (!isTRUE(progress)) return(function(n) NULL)
  id <- cli::cli_progress_bar(
    total = total, clear = TRUE, auto_terminate = FALSE, .envir = env,
    format = paste(label, "{cli::pb_current}/{cli::pb_total} {cli::pb_bar} {cli::pb_eta_str}")
  )
  tick <- function(n) cli::cli_progress_update(set = n, id = id, .envir = env)
  tick(done)
  tick
}

# The file of finished elements ---------------------------------------------------------------------------------------

# An environment: the results so far, and when they were last written. Nothing is written without a file.
open_store <- function(file, task, seed, call) {
  store <- new.env(parent = emptyenv())
  store$file <- check_store_file(file, call)
  store$task <- lapply(c(task, list(seed = seed, `version of mlmix` = package_version_text())), task_part)
  store$results <- list()
  store$written <- 0
  if (!is.null(file) && file.exists(file)) store$results <- read_store(file, store$task, call)
  store$saved <- length(store$results)
  store
}

package_version_text <- function() unname(getNamespaceVersion("mlmix"))

# Short values are kept as they are, so that a message can show them; of others only a hash.
task_part <- function(value) {
  if (is.atomic(value) && length(value) <= 3) return(describe(value))
  rlang::hash(value)
}

check_store_file <- function(file, call) {
  if (is.null(file)) return(NULL)
  check_string(file, "file", "the name of a file for finished replications", call = call)
  if (!dir.exists(dirname(file)) || dir.exists(file)) {
    abort_spec(c(
      "{.arg file} must be the name of a file in a directory that exists.", x = "You gave {.file {file}}.",
      i = "It is made there, or read if a computation that was stopped is to go on."
    ), call = call)
  }
  file
}

read_store <- function(file, task, call) {
  kept <- tryCatch(suppressWarnings(readRDS(file)), error = function(e) NULL)
  if (!inherits(kept, "mlmix_store")) {
    abort_spec(c(
      "{.arg file}: {.file {file}} exists, but holds no replications of mlmix.", i = "Give the name of a new file."
    ), call = call)
  }
  parts <- union(names(task), names(kept$task))
  other <- parts[!vapply(parts, function(part) identical(task[[part]], kept$task[[part]]), TRUE)]
  if (length(other) > 0) {
    shown <- vapply(other, function(part) {
      values <- c(kept$task[[part]] %||% "none", task[[part]] %||% "none")
      if (any(nchar(values) == 32)) part else paste0(part, " (", values[[1]], ", now ", values[[2]], ")")
    }, "")
    abort_spec(c(
      "{.arg file}: {.file {file}} holds replications of another task.", x = "It differs in: {shown}.",
      i = "Give the name of a new file, or the same arguments as then."
    ), call = call)
  }
  kept$results
}

# Written at most every two seconds, in between only if the computation is stopped.
keep_in_store <- function(store, places, values) {
  if (is.null(store$file)) return(invisible())
  store$results[as.character(places)] <- values
  if (proc.time()[["elapsed"]] - store$written > 2) write_store(store)
}

close_store <- function(store) {
  if (!is.null(store$file) && length(store$results) > store$saved) write_store(store)
}

# A new file is written beside the old one and takes its name in one step: a stop never leaves half a file.
write_store <- function(store) {
  new <- tempfile(paste0(basename(store$file), "-"), dirname(store$file))
  on.exit(unlink(new))
  saveRDS(structure(list(task = store$task, results = store$results), class = "mlmix_store"), new)
  file.rename(new, store$file)
  store$saved <- length(store$results)
  store$written <- proc.time()[["elapsed"]]
  invisible()
}
