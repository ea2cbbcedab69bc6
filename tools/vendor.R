# Writes src/rust/vendor.tar.xz (the Rust libraries mlmix is built from) and inst/AUTHORS.
# Run when a source package is made: Rscript tools/vendor.R, from the package root.

manifest <- normalizePath(file.path("src", "rust", "Cargo.toml"))
# The platforms R is built for: a crate that none of them compiles is emptied.
targets <- c(
  "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu",
  "aarch64-pc-windows-gnullvm", "x86_64-apple-darwin", "aarch64-apple-darwin"
)
own <- c("mlmix", "mlmix-engine")
# Folders and files of a crate that its compilation does not read.
not_compiled <- c(
  "tests", "benches", "examples", "test_data", "ci", "assets", "fuzz", "Cargo.lock", "Cargo.toml.orig"
)

cargo <- function(...) {
  output <- system2("cargo", c("-q", ...), stdout = TRUE)
  if (!is.null(attr(output, "status"))) {
    stop("cargo ", paste(c(...), collapse = " "), " failed", call. = FALSE)
  }
  output
}

# "name-version" of every crate that some target compiles (not those only tests need).
crates_compiled <- function() {
  trees <- lapply(targets, function(target) {
    cargo(
      "tree", "--locked", "--manifest-path", shQuote(manifest), "--target", target,
      "-e", "normal,build", "--prefix", "none", "-f", shQuote("{p}")
    )
  })
  unique(sub("^(\\S+) v(\\S+).*", "\\1-\\2", unlist(trees)))
}

strip_crate <- function(folder) {
  files <- list.files(folder, all.files = TRUE, no.. = TRUE)
  drop <- c(intersect(files, not_compiled), grep("^[.]", files, value = TRUE))
  unlink(file.path(folder, setdiff(drop, ".cargo-checksum.json")), recursive = TRUE)
}

# cargo wants every crate of the lock file to exist: keep the manifest and an empty library.
empty_crate <- function(folder) {
  toml <- paste(readLines(file.path(folder, "Cargo.toml")), collapse = "\n")
  library_path <- regmatches(toml, regexec("\\[lib\\][^\\[]*?path = \"([^\"]+)\"", toml, perl = TRUE))[[1]][2]
  if (is.na(library_path)) library_path <- file.path("src", "lib.rs")
  files <- list.files(folder, all.files = TRUE, no.. = TRUE)
  unlink(file.path(folder, setdiff(files, c("Cargo.toml", ".cargo-checksum.json"))), recursive = TRUE)
  dir.create(dirname(file.path(folder, library_path)), recursive = TRUE, showWarnings = FALSE)
  file.create(file.path(folder, library_path))
}

# The package checksum stays (it is in Cargo.lock); those of the single files go, as files went.
reset_checksum <- function(folder) {
  file <- file.path(folder, ".cargo-checksum.json")
  writeLines(sprintf("{\"files\":{},\"package\":\"%s\"}", jsonlite::fromJSON(file)$package), file)
}

write_authors <- function(needed) {
  metadata <- cargo("metadata", "--locked", "--format-version", "1", "--manifest-path", shQuote(manifest))
  packages <- jsonlite::fromJSON(paste(metadata, collapse = "\n"), simplifyVector = FALSE)$packages
  packages <- Filter(function(p) paste0(p$name, "-", p$version) %in% needed && !p$name %in% own, packages)
  lines <- vapply(packages, function(p) {
    licence <- if (is.null(p$license)) p$license_file else p$license
    authors <- if (length(p$authors) == 0) "see its repository" else paste(unlist(p$authors), collapse = ", ")
    sprintf("%s %s: %s (licence: %s)", p$name, p$version, authors, licence)
  }, "")
  writeLines(
    c("Authors of the Rust crates bundled in src/rust/vendor.tar.xz", "", sort(lines)),
    file.path("inst", "AUTHORS")
  )
}

work <- tempfile("vendor")
dir.create(work)
vendor <- file.path(work, "vendor")
invisible(cargo("vendor", "--locked", "--versioned-dirs", "--manifest-path", shQuote(manifest), shQuote(vendor)))
needed <- crates_compiled()
folders <- list.dirs(vendor, recursive = FALSE)
used <- basename(folders) %in% needed
for (folder in folders[used]) strip_crate(folder)
for (folder in folders[!used]) empty_crate(folder)
for (folder in folders) reset_checksum(folder)
write_authors(needed)

archive <- file.path(normalizePath(file.path("src", "rust")), "vendor.tar.xz")
command <- sprintf(
  "cd %s && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - vendor | xz -9e > %s",
  shQuote(work), shQuote(archive)
)
if (system(command) != 0) stop("the archive could not be written: ", archive, call. = FALSE)
message(sprintf(
  "%s: %.2f MB, %d crates used, %d emptied", archive, file.size(archive) / 2^20, sum(used), sum(!used)
))
