// Holds all transfers of a process to one number of bytes a second. Thread-safe.
//
// Virtual scheduling: every booking moves the instant at which the line is free again, and tells
// how long the one who booked has to pause. A tenth of a second's bytes may go at once, so that
// threads which sleep a little too long do not lose rate.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include "base/result.h"

namespace mms {

class BandwidthLimit {
 public:
  using Clock = std::chrono::steady_clock;

  explicit BandwidthLimit(int64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {
    CHECK(bytes_per_second > 0);
  }

  /// Books bytes that were moved at `now`; the mover pauses for so long before it moves more.
  std::chrono::microseconds Book(size_t bytes, Clock::time_point now);

  /// More than this in one piece would make the line stutter: a quarter of a second's bytes.
  size_t piece_bytes() const;

 private:
  const int64_t bytes_per_second_;
  std::mutex mutex_;
  Clock::time_point free_at_;  // guarded by mutex_
};

}  // namespace mms
