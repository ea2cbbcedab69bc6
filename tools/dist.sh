#!/bin/sh
# Makes the source package with the Rust libraries bundled: dist.sh [folder the tarball goes to]
# Works on a copy, so that nothing is written into the checkout.
set -e
root=$(pwd)
out="${1:-$root}"
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH="$PATH:$HOME/.cargo/bin"; export PATH

mkdir "$work/mlmix"
tar -cf - --exclude=./.git --exclude=./src/rust/target --exclude=./demo-output --exclude=./test-output \
  --exclude='./*.Rcheck' --exclude='*.tar.gz' --exclude='*.o' --exclude='*.so' . | tar -xf - -C "$work/mlmix"
(cd "$work/mlmix" && Rscript tools/vendor.R)

# Vignettes need an installed mlmix: build that one in development mode, where compiled crates are shared.
NOT_CRAN=true; export NOT_CRAN
MLMIX_TARGET_DIR="${MLMIX_TARGET_DIR:-$root/src/rust/target}"; export MLMIX_TARGET_DIR
(cd "$work" && R CMD build mlmix)
mv "$work"/mlmix_*.tar.gz "$out/"
ls -l "$out"/mlmix_*.tar.gz
