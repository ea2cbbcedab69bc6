# Ctrl-C during a long fit: back at the prompt at once, with the session alive.

test_that("an interrupt ends the fit within a second and leaves the session usable", {
  skip_on_cran()
  skip_on_os("windows")
  script <- withr::local_tempfile(fileext = ".R", lines = child_code(c(
    "data <- as.data.frame(matrix(rbinom(20000 * 12, 1, 0.5), 20000))",
    "names(data) <- paste0('u', 1:12)",
    "fit <- 'untouched'",
    "cat('pid', Sys.getpid(), '\\n'); flush(stdout())",
    "fit <- mlmix(lca(u1:u12, k = 8), data, starts = c(2000, 2000), seed = 1, threads = 2, progress = FALSE)",
    "cat('back', format(as.numeric(Sys.time()), nsmall = 3), fit, '\\n')",
    "small <- mlmix(lca(c(A, B, C, D), k = 2), carcinoma, starts = 2, seed = 1)",
    "cat('again', round(logLik(small), 3), '\\n')"
  )))
  output <- withr::local_tempfile()
  # R reads its commands from a file as from a terminal: an interrupt goes on with the next command.
  system2(r_binary(), c("--interactive", "--vanilla", "--no-echo", "--no-readline"), stdin = script, stdout = output,
    stderr = output, wait = FALSE)
  said <- function(word) {
    lines <- if (file.exists(output)) readLines(output, warn = FALSE) else character()
    line <- grep(paste0("^", word, " "), lines, value = TRUE)
    if (length(line) == 1) strsplit(trimws(line), " +")[[1]][-1]
  }
  wait_for <- function(word, seconds = 30) {
    end <- Sys.time() + seconds
    while (is.null(said(word)) && Sys.time() < end) Sys.sleep(0.05)
    said(word)
  }
  pid <- as.integer(wait_for("pid"))
  expect_length(pid, 1)
  withr::defer(tools::pskill(pid, tools::SIGKILL))
  Sys.sleep(1.5)
  expect_null(said("back"))
  sent <- as.numeric(Sys.time())
  tools::pskill(pid, tools::SIGINT)
  back <- wait_for("back")
  expect_lt(as.numeric(back[[1]]) - sent, 1)
  expect_equal(back[[2]], "untouched")
  again <- wait_for("again")
  expect_equal(length(again), 1)
})
