# The Rust crate in src/clients/delta/kernel, built by cargo into a cache outside the tree (the
# build of its dependencies takes minutes; an unchanged crate costs a second). The library is copied
# into the build folder, since another clone's crate is built in the same cache.
#
# No add_dependencies: Ninja knows from BYPRODUCTS which links need the library, and a dependency
# between targets would keep every C++ file of their users waiting for cargo.
set(DELTA_KERNEL_TARGET "${MMS_CACHE}/cargo-target" CACHE PATH "cargo's target folder")
set(delta_kernel_library "${CMAKE_BINARY_DIR}/libmms_delta.so")
add_custom_target(delta_kernel_build
  COMMAND "${CMAKE_SOURCE_DIR}/tools/setup/delta_kernel.sh" "${DELTA_KERNEL_TARGET}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
    "${DELTA_KERNEL_TARGET}/release/libmms_delta.so" "${delta_kernel_library}"
  BYPRODUCTS "${delta_kernel_library}"
  COMMENT "Rust crate mms-delta")
add_library(mms_delta_kernel SHARED IMPORTED)
set_target_properties(mms_delta_kernel PROPERTIES
  IMPORTED_LOCATION "${delta_kernel_library}" IMPORTED_NO_SONAME TRUE
  INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_SOURCE_DIR}/src/clients/delta/kernel")
