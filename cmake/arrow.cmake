# Arrow C++ out of the pyarrow wheel that set-up unpacked: headers and .so files, no Python. The
# wheel has neither CMake files nor libX.so links, so the imported targets are made here from the
# full file names.
set(ARROW_ROOT "${MMS_CACHE}/arrow/pyarrow" CACHE PATH "Folder with include/ and libarrow.so.*")
file(GLOB arrow_library "${ARROW_ROOT}/libarrow.so.*")
list(LENGTH arrow_library arrow_found)
if(NOT arrow_found EQUAL 1)
  message(FATAL_ERROR "No Arrow C++ in ${ARROW_ROOT}: run `make setup` first")
endif()
string(REGEX REPLACE ".*\\.so\\." "" arrow_soversion "${arrow_library}")
foreach(pair "Arrow::arrow=arrow" "Arrow::compute=arrow_compute" "Parquet::parquet=parquet")
  string(REPLACE "=" ";" pair "${pair}")
  list(GET pair 0 target)
  list(GET pair 1 file)
  add_library(${target} SHARED IMPORTED)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION "${ARROW_ROOT}/lib${file}.so.${arrow_soversion}"
    INTERFACE_INCLUDE_DIRECTORIES "${ARROW_ROOT}/include")
endforeach()

# SOCI: Debian's CMake files name only the shared libraries, and that of SQLite hides the classes
# that src/migration/ledger/kept_statements.cc derives from; the static one has them.
find_library(soci_core_archive libsoci_core.a REQUIRED)
find_library(soci_sqlite3_archive libsoci_sqlite3.a REQUIRED)
add_library(Soci::sqlite3 INTERFACE IMPORTED)
target_include_directories(Soci::sqlite3 INTERFACE /usr/include/soci)
target_link_libraries(Soci::sqlite3 INTERFACE
  ${soci_sqlite3_archive} ${soci_core_archive} ${CMAKE_DL_LIBS} SQLite::SQLite3)
