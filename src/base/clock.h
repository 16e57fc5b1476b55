// This machine's clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace mms {

/// Milliseconds since 1970 UTC.
inline int64_t UnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// UnixMs when this was first called, and from then on without what its clock is set by: for what
/// is measured, not for what stands in a calendar.
inline int64_t SteadyMs() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  static const int64_t kBegun = UnixMs();
  static const auto kFrom = steady_clock::now();
  return kBegun + duration_cast<milliseconds>(steady_clock::now() - kFrom).count();
}

}  // namespace mms
