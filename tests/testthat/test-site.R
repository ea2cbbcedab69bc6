# The index of the web site (_pkgdown.yml): every exported function and every vignette has its place.

site_file <- function(...) {
  file <- test_path("..", "..", ...)
  skip_if_not(file.exists(test_path("..", "..", "_pkgdown.yml")), "this is not the source of the package")
  file
}

# "  - name" under `section:`, up to the next line that begins a section of its own.
index_names <- function(section) {
  lines <- readLines(site_file("_pkgdown.yml"))
  top <- grep("^[a-z]+:", lines)
  first <- which(lines == paste0(section, ":"))
  last <- c(top[top > first] - 1, length(lines))[[1]]
  sub("^ +- ", "", grep("^ +- [A-Za-z_.-]+$", lines[first:last], value = TRUE))
}

help_pages <- function() {
  files <- list.files(site_file("man"), "[.]Rd$", full.names = TRUE)
  lapply(stats::setNames(files, sub("[.]Rd$", "", basename(files))), function(file) {
    lines <- readLines(file, warn = FALSE, encoding = "UTF-8")
    list(
      internal = any(lines == "\\keyword{internal}"),
      aliases = gsub("^\\\\alias\\{|\\}$", "", grep("^\\\\alias", lines, value = TRUE))
    )
  })
}

test_that("every help page is in the index once, and nothing else", {
  pages <- help_pages()
  public <- names(pages)[!vapply(pages, function(page) page$internal, NA)]
  listed <- index_names("reference")
  expect_identical(setdiff(public, listed), character(0))
  expect_identical(setdiff(listed, public), character(0))
  expect_identical(anyDuplicated(listed), 0L)
})

test_that("every exported function has a page", {
  exported <- readLines(site_file("NAMESPACE"))
  exported <- gsub("^export\\(|\\)$", "", grep("^export\\(", exported, value = TRUE))
  aliases <- unlist(lapply(help_pages(), function(page) page$aliases))
  expect_identical(setdiff(exported, aliases), character(0))
})

test_that("every vignette is in the index of articles", {
  files <- sub("[.]Rmd$", "", list.files(site_file("vignettes"), "[.]Rmd$"))
  expect_setequal(index_names("articles"), files)
})
