# DuckDB's C API: library from the npm bindings package, header from the libduckdb-sys crate (set-up
# pairs the two versions). Only the sandbox links it.
set(DUCKDB_ROOT "${MMS_CACHE}/duckdb" CACHE PATH "Folder with duckdb.h and libduckdb.so")
if(NOT EXISTS "${DUCKDB_ROOT}/libduckdb.so")
  message(FATAL_ERROR "No DuckDB in ${DUCKDB_ROOT}: run `make setup` first")
endif()
add_library(DuckDB::duckdb SHARED IMPORTED)
set_target_properties(DuckDB::duckdb PROPERTIES
  IMPORTED_LOCATION "${DUCKDB_ROOT}/libduckdb.so"
  INTERFACE_INCLUDE_DIRECTORIES "${DUCKDB_ROOT}")
