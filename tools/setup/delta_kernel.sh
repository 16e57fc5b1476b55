#!/bin/sh
# Builds the Rust crate mms-delta: delta_kernel.sh TARGET_DIR. Leaves
# TARGET_DIR/release/libmms_delta.so.
#
# The first build compiles some 320 crates (10 to 20 minutes on two cores); after that only ours,
# and an unchanged crate costs under a second. Cargo's lock file names the registry's host, which no
# file of this repository does, so the repository keeps Cargo.lock.in and the lock is made from it
# here.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: delta_kernel.sh TARGET_DIR" >&2
  exit 2
fi
target_dir=$1
crate=$(cd "$(dirname "$0")/../../src/clients/delta/kernel" && pwd -P)

fail() {
  echo "delta_kernel.sh: $*" >&2
  exit 1
}

remedy="install cargo >= 1.88; on Debian 12: apt-get install rustc-web cargo-web (they come from the
bookworm-security suite, which must be enabled)"
command -v cargo >/dev/null 2>&1 || fail "cargo is not installed: $remedy"
version=$(cargo --version | cut -d' ' -f2)
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
if [ "$major" -lt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -lt 88 ]; }; then
  fail "cargo $version is too old: $remedy"
fi

# Flags from outside would give another fingerprint and compile everything anew.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET_DIR CARGO_TARGET_DIR

mkdir -p "$target_dir"
source_file="$target_dir/registry-source"
if [ ! -s "$source_file" ]; then
  # Cargo itself says how it spells its default registry, in the lock of a crate made for that.
  probe="$target_dir/registry-probe.$$"
  mkdir -p "$probe/src"
  trap 'rm -rf "$probe"' EXIT
  : >"$probe/src/lib.rs"
  cat >"$probe/Cargo.toml" <<TOML
[package]
name = "probe"
version = "0.0.0"
edition = "2021"
[dependencies]
cfg-if = "1"
[workspace]
TOML
  (cd "$probe" && cargo generate-lockfile --quiet) ||
    fail "cargo cannot reach its registry; check the network or cargo's source replacement"
  sed -n 's/^source = "\(.*\)"$/\1/p' "$probe/Cargo.lock" | head -n 1 >"$source_file.new"
  [ -s "$source_file.new" ] || fail "cargo wrote a lock without a source line"
  mv "$source_file.new" "$source_file"
  rm -rf "$probe"
fi

new_lock=$(mktemp "$target_dir/lock.XXXXXX")
sed "s|@REGISTRY@|$(cat "$source_file")|" "$crate/Cargo.lock.in" >"$new_lock"
# Written only when it differs: cargo looks at the time of the file.
if cmp -s "$new_lock" "$crate/Cargo.lock"; then
  rm -f "$new_lock"
else
  mv "$new_lock" "$crate/Cargo.lock"
  chmod 644 "$crate/Cargo.lock"
fi

cd "$crate"
cargo build --release --locked --quiet --target-dir "$target_dir" ||
  fail "the build of mms-delta failed (see above); an error of aws-lc-sys = no C compiler"
