# Pages opened in a headless Chromium.

chromium <- function() {
  found <- Sys.which(c("chromium", "chromium-browser", "google-chrome"))
  found <- found[nzchar(found)]
  testthat::skip_if(length(found) == 0, "no Chromium is installed")
  found[[1]]
}

# Opens a page and returns its document as text after scripts ran; with `picture`, a screenshot as well.
open_page <- function(file, width = 1280, height = 900, picture = NULL) {
  profile <- withr::local_tempdir()
  arguments <- c(
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    paste0("--user-data-dir=", profile), paste0("--window-size=", width, ",", height),
    if (is.null(picture)) "--dump-dom" else paste0("--screenshot=", picture), paste0("file://", normalizePath(file))
  )
  out <- suppressWarnings(system2(chromium(), shQuote(arguments), stdout = TRUE, stderr = FALSE, timeout = 60))
  paste(out, collapse = "\n")
}

# What JavaScript says about a page: `script` is an expression that gives text.
ask_page <- function(file, script, width = 1280) {
  copy <- withr::local_tempfile(fileext = ".html")
  question <- paste0("<script>addEventListener('load', () => { document.title = 'ANSWER ' + (", script, "); });</script>")
  writeLines(c(readLines(file), question), copy)
  dom <- open_page(copy, width)
  sub("^ANSWER ", "", regmatches(dom, regexpr("ANSWER [^<]*", dom)))
}
