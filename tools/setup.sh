#!/bin/sh
# Installs what is missing to build mlmix and run its demo or its tests: setup.sh demo|test
set -e
what="${1:-demo}"
msrv=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' src/rust/Cargo.toml)
PATH="$PATH:$HOME/.cargo/bin"; export PATH

r_packages="cli generics jsonlite rlang ggplot2"
tools="curl xz make cc"
if [ "$what" = test ]; then
  r_packages="$r_packages testthat withr vdiffr knitr rmarkdown lme4 tibble numDeriv future future.apply DBI dbplyr dplyr RSQLite"
  tools="$tools chromium pandoc qpdf tidy checkbashisms pdflatex pdftotext"
fi

say() { printf '%s\n' "$*"; }
have() { command -v "$1" > /dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo; then sudo "$@"
  else
    say "This needs administrator rights; please run as root: $*" >&2
    exit 1
  fi
}

debian_package_of() { # a command
  case "$1" in
    R) say "r-base-core" ;;
    cc) say "gcc" ;;
    xz) say "xz-utils" ;;
    checkbashisms) say "devscripts" ;;
    pdflatex) say "texlive-latex-base texlive-fonts-recommended texlive-latex-recommended lmodern" ;;
    pdftotext) say "poppler-utils" ;;
    curl) say "curl ca-certificates" ;;
    *) say "$1" ;;
  esac
}

r_packages_missing() {
  Rscript -e 'p <- commandArgs(TRUE); cat(p[!vapply(p, requireNamespace, NA, quietly = TRUE)])' $r_packages
}

apt_updated=no
apt_install() {
  if [ "$apt_updated" = no ]; then as_root apt-get update -qq; apt_updated=yes; fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

install_commands() {
  missing=""
  for tool in R $tools; do have "$tool" || missing="$missing $tool"; done
  [ -n "$missing" ] || return 0
  if have apt-get; then
    say "Installing:$missing"
    # shellcheck disable=SC2046 # one word per package
    apt_install $(for tool in $missing; do debian_package_of "$tool"; done)
  else
    say "Missing on this system:$missing" >&2
    say "Please install R (4.1 or newer, https://cran.r-project.org), a C compiler," >&2
    say "and the programs named above with your system's package manager; then try again." >&2
    exit 1
  fi
}

install_r_packages() {
  missing=$(r_packages_missing)
  [ -n "$missing" ] || return 0
  say "Installing the R packages: $missing"
  if have apt-get; then
    for package in $missing; do
      apt_install "r-cran-$(say "$package" | tr '[:upper:]' '[:lower:]')" || true
    done
    missing=$(r_packages_missing)
    [ -n "$missing" ] || return 0
  fi
  Rscript -e 'lib <- Sys.getenv("R_LIBS_USER"); dir.create(lib, FALSE, TRUE)
    install.packages(commandArgs(TRUE), lib = lib, repos = "https://cloud.r-project.org")' $missing
  missing=$(r_packages_missing)
  if [ -n "$missing" ]; then
    say "These R packages could not be installed: $missing" >&2
    say "Please install them in R with install.packages(), then try again." >&2
    exit 1
  fi
}

rust_is_new_enough() {
  have cargo && have rustc || return 1
  version=$(rustc --version | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p')
  [ "$(printf '%s\n%s\n' "$msrv" "$version" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$msrv" ]
}

install_rust() {
  rust_is_new_enough && return 0
  if have rustup; then
    say "Updating Rust (mlmix needs $msrv or newer): rustup update stable"
    rustup update stable && rustup default stable || true
  else
    say "Installing Rust $msrv or newer into ~/.cargo with rustup (a system's own Rust is often too old)"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y -q --profile minimal --no-modify-path || true
    PATH="$HOME/.cargo/bin:$PATH"; export PATH
  fi
  rust_is_new_enough && return 0
  say "Rust $msrv or newer could not be installed." >&2
  say "Please follow https://rustup.rs (or run 'rustup update stable'), then try again." >&2
  exit 1
}

install_commands
install_r_packages
install_rust
say "Ready: $(R --version | head -n 1), $(rustc --version)"
