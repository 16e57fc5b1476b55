// Holds all transfers of a process to a number of bytes a second, which may depend on the time of
// day. Thread-safe.
//
// Virtual scheduling: every booking moves the instant at which the line is free again, and tells
// how long the one who booked has to pause. A tenth of a second's bytes may go at once, so that
// threads which sleep a little too long do not lose rate.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mms {

/// Bytes a second by time of day; 0 = no limit.
struct Bandwidth {
  struct Span {
    int from_minute = 0;   ///< of the day, 0 to 1439
    int until_minute = 0;  ///< not of the span itself; at or before from_minute: on the next day
    int64_t bytes_per_second = 0;

    bool operator==(const Span&) const = default;
  };

  int64_t bytes_per_second = 0;  ///< outside the spans
  std::vector<Span> spans;       ///< the first that holds a minute counts

  int64_t At(int minute_of_day) const;
  /// True when some time of day has a limit.
  bool limited() const;
  /// The share of one of `count` processes that stay below this together.
  Bandwidth SharedBy(int count) const;

  bool operator==(const Bandwidth&) const = default;
};

/// "08:00-18:00 20, 18:00-08:00 0": spans of the day with megabytes a second, 0 = no limit. Errors:
/// kInvalidInput BANDWIDTH_TIMES, naming the span.
Result<std::vector<Bandwidth::Span>> ParseBandwidthTimes(std::string_view text);

/// Minute of the day by this machine's clock and time zone.
int MinuteOfDay(std::chrono::system_clock::time_point time);

class BandwidthLimit {
 public:
  using Clock = std::chrono::steady_clock;
  /// Tells the minute of the day.
  using DayClock = std::function<int()>;

  explicit BandwidthLimit(Bandwidth bandwidth, DayClock day_clock = LocalMinute)
      : bandwidth_(std::move(bandwidth)), day_clock_(std::move(day_clock)) {}

  /// Books bytes that were moved at `now`; the mover pauses for so long before it moves more.
  std::chrono::microseconds Book(size_t bytes, Clock::time_point now);

  /// More than this in one piece would make the line stutter: a quarter of a second's bytes.
  size_t piece_bytes() const;

 private:
  static int LocalMinute();

  const Bandwidth bandwidth_;
  const DayClock day_clock_;
  std::mutex mutex_;
  Clock::time_point free_at_;  // guarded by mutex_
};

}  // namespace mms
