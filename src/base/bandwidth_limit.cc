#include "base/bandwidth_limit.h"

#include <algorithm>

namespace mms {
namespace {

constexpr std::chrono::milliseconds kAtOnce{100};
constexpr int64_t kPiecesPerSecond = 4;

}  // namespace

std::chrono::microseconds BandwidthLimit::Book(size_t bytes, Clock::time_point now) {
  using std::chrono::microseconds;
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
  const auto price =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::lock_guard lock(mutex_);
  free_at_ = std::max(free_at_, now - kAtOnce) + price;
  return std::max(std::chrono::duration_cast<microseconds>(free_at_ - now), microseconds(0));
}

size_t BandwidthLimit::piece_bytes() const {
  return static_cast<size_t>(std::max<int64_t>(1, bytes_per_second_ / kPiecesPerSecond));
}

}  // namespace mms
