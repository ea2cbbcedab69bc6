#!/bin/sh
# Runs every test: the engine's (cargo), then R CMD check --as-cran on the built source package.
# Leaves logs and `summary` in test-output/; fails on any failing test, check ERROR or WARNING.
root=$(pwd)
out="$root/test-output"
rm -rf "$out"
mkdir -p "$out"
echo '*' > "$out/.gitignore"
PATH="$PATH:$HOME/.cargo/bin"; export PATH
MLMIX_TARGET_DIR="${MLMIX_TARGET_DIR:-$root/src/rust/target}"; export MLMIX_TARGET_DIR
MLMIX_REFERENCE=$(cd "${MLMIX_REFERENCE:-$root/../shared/reference}" 2> /dev/null && pwd)
export MLMIX_REFERENCE

# Runs a command, shows its output and keeps it in a log; the status is the command's.
logged() { # log file, command ...
  log="$1"; shift
  { "$@" 2>&1; echo $? > "$out/status"; } | tee "$log"
  return "$(cat "$out/status")"
}

echo "== Engine tests (cargo)"
logged "$out/engine.log" cargo test --manifest-path src/rust/Cargo.toml -p mlmix-engine \
  --release --locked -j 2 --no-fail-fast --target-dir "$MLMIX_TARGET_DIR"
engine=$?

echo "== Source package"
logged "$out/dist.log" sh tools/dist.sh "$out"
dist=$?

check=1
if [ "$dist" = 0 ]; then
  echo "== R CMD check --as-cran"
  # Offline: no clock server, no CRAN pages, no index of other packages.
  export _R_CHECK_SYSTEM_CLOCK_=0 _R_CHECK_FORCE_SUGGESTS_=false _R_CHECK_CRAN_INCOMING_=false
  export _R_CHECK_CRAN_INCOMING_REMOTE_=false R_RD4PDF=times,hyper
  # The tests that CRAN skips run here (tests/testthat.R); the installation is the one CRAN makes.
  export MLMIX_ALL_TESTS=true
  unset NOT_CRAN
  logged "$out/check.log" R CMD check --as-cran --no-stop-on-test-error -o "$out" "$out"/mlmix_*.tar.gz
  check=$?
fi

sh tools/count-tests.sh "$out" "$engine" "$check" > "$out/summary"
counted=$?
echo "== Summary"
cat "$out/summary"
exit "$counted"
