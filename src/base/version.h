// The version of the product; equal to the project's version in CMakeLists.txt.
#pragma once

namespace mms {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace mms
