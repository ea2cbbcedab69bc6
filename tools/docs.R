# Writes NAMESPACE and man/ from the roxygen comments; builds the site in docs/ if pkgdown is installed.
roxygen2::roxygenise(".", load_code = roxygen2::load_source) # the R code alone: nothing is compiled
if (requireNamespace("pkgdown", quietly = TRUE)) {
  pkgdown::build_site(".", preview = FALSE)
} else {
  message("pkgdown is not installed: the help pages are written, the web site is not")
}
