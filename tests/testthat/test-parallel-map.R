draw <- function(element, seed, shift = 0) c(element + shift, seed, stats::runif(1))

test_that("every element has its own seed, whatever their number, and R's generator is left alone", {
  set.seed(10)
  expected <- stats::runif(1)
  set.seed(10)
  five <- parallel_map(c(a = 1, b = 2, c = 3, d = 4, e = 5), draw, seed = 3, shift = 2)
  expect_identical(stats::runif(1), expected)
  expect_named(five, c("a", "b", "c", "d", "e"))
  expect_equal(vapply(five, `[[`, 0, 1), c(a = 3, b = 4, c = 5, d = 6, e = 7))
  seeds <- vapply(five, `[[`, 0, 2)
  expect_equal(anyDuplicated(seeds), 0)
  # The draws are those of R's generator at the element's seed.
  expect_equal(five[[4]][[3]], {
    set.seed(seeds[[4]])
    stats::runif(1)
  })
  expect_identical(unname(parallel_map(1:2, draw, seed = 3, shift = 2)), unname(five[1:2]))
  expect_false(any(vapply(parallel_map(1:2, draw, seed = 4), `[[`, 0, 2) %in% seeds))
  expect_identical(parallel_map(list(), draw, seed = 1), list())
})

test_that("a generator that was never used stays unused", {
  before <- get0(".Random.seed", globalenv(), inherits = FALSE)
  withr::defer(if (!is.null(before)) assign(".Random.seed", before, envir = globalenv()))
  suppressWarnings(rm(".Random.seed", envir = globalenv()))
  parallel_map(1:2, draw, seed = 3)
  expect_false(exists(".Random.seed", globalenv(), inherits = FALSE))
})

test_that("parallel workers give the same numbers, with one thread each", {
  skip_on_cran()
  skip_if_not_installed("future.apply")
  skip_if_not(nzchar(installed_library()))
  fit_once <- function(element, seed, model, data) {
    fit <- suppressWarnings(mlmix(model, data, starts = 2, seed = seed))
    list(element, unclass(logLik(fit)), coef(fit), stats::rnorm(1))
  }
  one_by_one <- parallel_map(1:3, fit_once, seed = 8, model = lca(seven, k = 2), data = carcinoma)
  old <- future::plan(future::multisession, workers = 2)
  withr::defer(future::plan(old))
  expect_gt(map_workers(), 1)
  together <- parallel_map(1:3, fit_once, seed = 8, model = lca(seven, k = 2), data = carcinoma)
  expect_identical(together, one_by_one)
  options <- parallel_map(1:2, function(element, seed) engine_options(list(threads = 4)), seed = 1,
    globals = list(engine_options = engine_options))
  expect_equal(options, rep(list(list(threads = 1L)), 2))
  expect_equal(engine_options(list(threads = 4)), list(threads = 4))
  # Processes of their own; the user's functions go with `globals`.
  pids <- parallel_map(1:2, function(element, seed) twice(Sys.getpid()), seed = 1,
    globals = list(twice = function(x) 2 * x))
  expect_false(any(unlist(pids) == 2 * Sys.getpid()))
  broken <- function(element, seed) if (element == 2) mlmix(3, carcinoma) else 1
  expect_error(parallel_map(1:3, broken, seed = 1), "must be a model")
})

test_that("what is finished is kept in the file and not done again", {
  file <- withr::local_tempfile(fileext = ".rds")
  counted <- withr::local_tempfile(lines = character(0))
  ran <- function() length(readLines(counted))
  slow <- function(element, seed, fail) {
    if (element %in% fail) stop("power cut")
    cat("ran\n", file = counted, append = TRUE)
    draw(element, seed)
  }
  task <- list(what = "a test", numbers = stats::rnorm(9))
  expect_error(parallel_map(1:5, slow, seed = 2, fail = 3, file = file, task = task), "power cut")
  expect_equal(ran(), 2)
  expect_length(list.files(dirname(file), pattern = basename(file)), 1) # no temporary file is left
  five <- parallel_map(1:5, slow, seed = 2, fail = 0, file = file, task = task)
  expect_equal(ran(), 5)
  expect_identical(five, parallel_map(1:5, draw, seed = 2))
  # More of the same, and fewer.
  expect_identical(parallel_map(1:7, slow, seed = 2, fail = 0, file = file, task = task)[1:5], five)
  expect_equal(ran(), 7)
  expect_identical(parallel_map(1:4, slow, seed = 2, fail = 0, file = file, task = task), five[1:4])
  expect_equal(ran(), 7)
})

test_that("a file of another task, or of something else, is refused", {
  file <- file.path(withr::local_tempdir(), "kept.rds")
  parallel_map(1:2, draw, seed = 2, file = file, task = list(type = "parametric", data = 1:10))
  hide <- function(x) gsub("'[^']*kept.rds'|[^ ]*/kept.rds|/[^ ]*/file[^ ]*", "<file>", x)
  expect_snapshot(error = TRUE, transform = hide, {
    parallel_map(1:2, draw, seed = 3, file = file, task = list(type = "cluster", data = 1:10))
    parallel_map(1:2, draw, seed = 2, file = file, task = list(type = "parametric", data = 2:11))
  })
  other <- file.path(dirname(file), "other.rds")
  saveRDS(1:3, other)
  expect_error(parallel_map(1:2, draw, seed = 2, file = other), "holds no replications")
  writeLines("text", other)
  expect_error(parallel_map(1:2, draw, seed = 2, file = other), "holds no replications")
  expect_identical(readLines(other), "text")
  expect_error(parallel_map(1:2, draw, seed = 2, file = "no/such/place.rds"), "directory that exists",
    class = "mlmix_error_spec")
  expect_error(parallel_map(1:2, draw, seed = 2, file = 3), class = "mlmix_error_spec")
})

test_that("progress is shown when asked for", {
  withr::local_options(cli.progress_show_after = 0, cli.dynamic = FALSE, cli.progress_handlers_only = "cli")
  expect_no_error(capture.output(x <- parallel_map(1:3, draw, seed = 1, progress = TRUE), type = "message"))
})

test_that("jobs of a batch queue give the same numbers", {
  skip_on_cran()
  skip_if_not_installed("future.apply")
  skip_if_not(rlang::is_installed("future.batchtools"), "future.batchtools is not installed")
  withr::local_dir(withr::local_tempdir()) # where the registry is made
  queue <- getExportedValue("future.batchtools", "batchtools_interactive")
  old <- future::plan(queue)
  withr::defer(future::plan(old))
  queued <- suppressMessages(parallel_map(1:2, draw, seed = 3))
  future::plan(old)
  expect_identical(queued, parallel_map(1:2, draw, seed = 3))
})
