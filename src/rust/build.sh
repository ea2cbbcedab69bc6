#!/bin/sh
# Builds lib/libmlmix.a with cargo: build.sh build|clean dev(yes|no); run by make in src/.
set -e
cd "`dirname "$0"`"
here=`pwd`
PATH="$PATH:$HOME/.cargo/bin"; export PATH

# Development mode keeps its compiled crates, here or where MLMIX_TARGET_DIR says.
target="$here/target"
if [ "$2" = yes ] && [ -n "$MLMIX_TARGET_DIR" ]; then target="$MLMIX_TARGET_DIR"; fi

if [ "$1" = clean ]; then
  rm -rf lib vendor .cargo-home
  [ "$2" = yes ] || rm -rf target
  exit 0
fi

# At most two jobs, as CRAN asks.
opts="--locked --lib --release -j 2"
if [ "$2" != yes ]; then
  # Nothing is written outside the build directory.
  CARGO_HOME="$here/.cargo-home"; export CARGO_HOME
  mkdir -p "$CARGO_HOME"
  if [ -f vendor.tar.xz ]; then
    xz -dc vendor.tar.xz | tar -xf -
    { echo '[source.crates-io]'
      echo 'replace-with = "vendored-sources"'
      echo '[source.vendored-sources]'
      echo "directory = \"$here/vendor\""
    } > "$CARGO_HOME/config.toml"
    opts="$opts --offline"
  fi
fi
echo "cargo build $opts"
cargo build $opts --target-dir "$target"
mkdir -p lib
cp "$target/release/libmlmix.a" lib/libmlmix.a
