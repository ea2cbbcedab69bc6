# Writes NAMESPACE and man/ from the roxygen comments; builds the site in docs/ if pkgdown is installed.

# The R code and the data alone: nothing is compiled.
load_code <- function(path) {
  code <- roxygen2::load_source(path)
  for (file in list.files(file.path(path, "data"), full.names = TRUE)) load(file, code)
  code
}

roxygen2::roxygenise(".", load_code = load_code)
if (requireNamespace("pkgdown", quietly = TRUE)) {
  options(pkgdown.internet = FALSE) # links to CRAN are not looked up, so that it works without a network
  pkgdown::build_site(".", preview = FALSE)
} else {
  message("pkgdown is not installed: the help pages are written, the web site is not")
}
