# DuckDB's C API for the sandbox: the library out of the npm bindings, the header out of the Rust
# crate that wraps the same release. The two versions below belong together (1.10506.0 is the crate
# for 1.5.6).
title='DuckDB 1.5.6'
remedy='check that npm and cargo can reach their registries'

npm_package=@duckdb/node-bindings-linux-x64@1.5.6-r.1
crate_version=1.10506.0
library_sha256=3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633
header_sha256=e85f70155b5948c8575e59f66e60d43575cec8b252293534c9e8598eb313a293

there() { stamped && [ -e "$MMS_CACHE/duckdb/libduckdb.so" ]; }

install() {
  mkdir -p duckdb header/src
  npm pack --silent "$npm_package"
  tar -xzf duckdb-node-bindings-*.tgz -C duckdb --strip-components 1 package/libduckdb.so

  cat >header/Cargo.toml <<MANIFEST
[package]
name = "duckdb-header"
version = "0.0.0"
edition = "2021"
[dependencies]
libduckdb-sys = { version = "=$crate_version", default-features = false }
MANIFEST
  touch header/src/lib.rs
  (cd header && cargo vendor -q crates)
  tar -xzOf header/crates/libduckdb-sys/duckdb.tar.gz duckdb/src/include/duckdb.h >duckdb/duckdb.h

  sha256sum -c - <<SUMS
$library_sha256  duckdb/libduckdb.so
$header_sha256  duckdb/duckdb.h
SUMS
  replace "$work/duckdb" "$MMS_CACHE/duckdb"
}
