# What the numbers depend on: the machine, its load, versions.

machine_words <- function() {
  cpu <- read_first("/proc/cpuinfo", "^model name\\s*:\\s*")
  memory <- suppressWarnings(as.numeric(gsub("[^0-9]", "", read_first("/proc/meminfo", "^MemTotal:\\s*")))) / 2^20
  info <- utils::sessionInfo()
  paste0(
    if (nzchar(cpu)) cpu else Sys.info()[["machine"]], ", ", parallel::detectCores(), " cores",
    if (is.finite(memory)) sprintf(", %.0f GB", memory), "; ", info$running, "; ", R.version.string, " with ",
    basename(info$BLAS)
  )
}

read_first <- function(file, pattern) {
  lines <- if (file.exists(file)) readLines(file, warn = FALSE) else character(0)
  sub(pattern, "", c(grep(pattern, lines, value = TRUE), "")[[1]])
}

# The load of the last minute; NA where it is not known.
current_load <- function() {
  if (!file.exists("/proc/loadavg")) return(NA_real_)
  as.numeric(strsplit(readLines("/proc/loadavg", n = 1), " ")[[1]][[1]])
}

package_commit <- local({
  commit <- NULL
  function() {
    if (is.null(commit)) {
      given <- Sys.getenv("MLMIX_COMMIT")
      commit <<- if (nzchar(given)) given else {
        tryCatch(system2("git", c("rev-parse", "--short", "HEAD"), stdout = TRUE, stderr = FALSE),
          error = function(e) "", warning = function(w) "")
      }
      commit <<- c(commit, "")[[1]]
    }
    commit
  }
})
