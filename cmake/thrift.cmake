# The Thrift code of src/clients/databricks/tcli_service.thrift, made by Debian's thrift-compiler
# when the file changes. It is a library of its own: not our style, so not our warnings.
find_program(THRIFT_COMPILER thrift REQUIRED)
find_path(THRIFT_INCLUDE thrift/Thrift.h REQUIRED)
# Its static library, all of it, and none of its names shown to shared libraries: libparquet holds
# another release of Thrift and shows 56 of its names, tables of virtual functions among them. Of
# two that are shown the loader takes one for both, and memory is spoilt.
find_library(THRIFT_ARCHIVE libthrift.a REQUIRED)
add_library(thrift_whole STATIC IMPORTED)
set_target_properties(thrift_whole PROPERTIES
  IMPORTED_LOCATION "${THRIFT_ARCHIVE}"
  INTERFACE_LINK_LIBRARIES "OpenSSL::SSL;OpenSSL::Crypto")
set(tcli_idl "${CMAKE_SOURCE_DIR}/src/clients/databricks/tcli_service.thrift")
set(tcli_folder "${CMAKE_BINARY_DIR}/thrift")
set(tcli_files)
foreach(name TCLIService tcli_service_types)
  list(APPEND tcli_files "${tcli_folder}/${name}.cpp" "${tcli_folder}/${name}.h")
endforeach()
add_custom_command(OUTPUT ${tcli_files}
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${tcli_folder}"
  COMMAND "${THRIFT_COMPILER}" --out "${tcli_folder}"
    --gen cpp:no_skeleton,no_default_operators,no_ostream_operators,moveable_types "${tcli_idl}"
  DEPENDS "${tcli_idl}"
  COMMENT "Thrift code of tcli_service.thrift")
add_library(mms_tcli STATIC ${tcli_files})
target_include_directories(mms_tcli SYSTEM PUBLIC "${tcli_folder}" "${THRIFT_INCLUDE}")
target_compile_options(mms_tcli PRIVATE -w -O1)
target_link_libraries(mms_tcli PUBLIC "$<LINK_LIBRARY:WHOLE_ARCHIVE,thrift_whole>")
target_link_options(mms_tcli INTERFACE "LINKER:--exclude-libs,ALL")
