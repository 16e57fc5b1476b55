# Fuzz targets (src/**/x_fuzz.cc) under libFuzzer, ASan and UBSan, each with the few sources its
# parser needs: a build of its own (preset fuzz), since libFuzzer is Clang's. Each is a test that
# runs for FUZZ_SECONDS (10), starts from the inputs kept in tests/fuzz/<target>/ and adds its finds
# to corpus/<target>/ of the build folder.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "libFuzzer needs Clang: cmake --preset fuzz")
endif()
enable_testing()

file(GLOB fuzz_sql CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/src/sandbox/sql/*parser.cc" "${CMAKE_SOURCE_DIR}/src/sandbox/sql/token*.cc")
set(fuzz_sources src/base/error.cc src/base/secret.cc)
foreach(name arrow_block column_type crc32c frame record_reader record_writer recycling_pool table
    wide_time xml)
  list(APPEND fuzz_sources src/sandbox/${name}.cc)
endforeach()
add_library(fuzzed STATIC ${fuzz_sources} ${fuzz_sql})
target_include_directories(fuzzed PUBLIC src)
# What libFuzzer cannot guess is let through: see SumsMatch in sandbox/crc32c.h.
target_compile_definitions(fuzzed PUBLIC FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
# vptr: Arrow's own library is not instrumented.
target_compile_options(fuzzed PUBLIC -O1 -g -fsanitize=fuzzer-no-link,address,undefined
  -fno-sanitize=vptr,function -fno-sanitize-recover=undefined -Wno-error)
target_link_libraries(fuzzed PUBLIC Arrow::arrow Arrow::compute Parquet::parquet
  pugixml::pugixml nlohmann_json::nlohmann_json OpenSSL::Crypto Threads::Threads)

function(fuzz_target name source)
  add_executable(${name}_fuzz ${source})
  target_link_libraries(${name}_fuzz PRIVATE fuzzed)
  target_link_options(${name}_fuzz PRIVATE
    -fsanitize=fuzzer,address,undefined -fno-sanitize=vptr,function)
  set(finds "${CMAKE_BINARY_DIR}/corpus/${name}")
  file(MAKE_DIRECTORY "${finds}")
  add_test(NAME fuzz.${name} COMMAND sh -c "exec '$<TARGET_FILE:${name}_fuzz>' \
-max_total_time=\"\${FUZZ_SECONDS:-10}\" -timeout=10 -rss_limit_mb=1500 -print_final_stats=1 \
-artifact_prefix='${CMAKE_BINARY_DIR}/' '${finds}' '${CMAKE_SOURCE_DIR}/tests/fuzz/${name}'")
  # Arrow's containers are made outside of ASan's sight.
  set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 7200
    ENVIRONMENT "ASAN_OPTIONS=detect_container_overflow=0;UBSAN_OPTIONS=print_stacktrace=1")
endfunction()

fuzz_target(frame src/sandbox/frame_fuzz.cc)
fuzz_target(record_block src/sandbox/record_block_fuzz.cc)
fuzz_target(xml src/sandbox/xml_fuzz.cc)
fuzz_target(sql src/sandbox/sql/parser_fuzz.cc)
