#include "base/bandwidth_limit.h"

#include <gtest/gtest.h>

namespace mms {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BandwidthLimit, HoldsTheRateOverAnyMixOfBookings) {
  BandwidthLimit limit(1'000'000);
  const auto start = BandwidthLimit::Clock::time_point(seconds(1000));
  auto now = start;
  int64_t bytes = 0;
  for (int i = 0; now < start + seconds(60); ++i) {
    const size_t piece = static_cast<size_t>(1 + i * 7919 % 200'000);
    now += limit.Book(piece, now);
    bytes += static_cast<int64_t>(piece);
  }
  const double elapsed = std::chrono::duration<double>(now - start).count();
  EXPECT_NEAR(static_cast<double>(bytes) / elapsed, 1e6, 1e4);
}

TEST(BandwidthLimit, SeveralMoversShareTheLine) {
  BandwidthLimit limit(1'000'000);
  const auto now = BandwidthLimit::Clock::time_point(seconds(1000));
  EXPECT_EQ(limit.Book(100'000, now), microseconds(0)) << "a tenth of a second goes at once";
  EXPECT_EQ(limit.Book(500'000, now), milliseconds(500));
  EXPECT_EQ(limit.Book(500'000, now), milliseconds(1000));
}

TEST(BandwidthLimit, AnIdleLineSavesUpATenthOfASecondOnly) {
  BandwidthLimit limit(1'000'000);
  const auto start = BandwidthLimit::Clock::time_point(seconds(1000));
  (void)limit.Book(1, start);
  EXPECT_EQ(limit.Book(1'100'000, start + seconds(3600)), seconds(1));
}

TEST(BandwidthLimit, SlowLinesMoveInSmallPieces) {
  EXPECT_EQ(BandwidthLimit(1'000'000).piece_bytes(), 250'000u);
  EXPECT_EQ(BandwidthLimit(2).piece_bytes(), 1u);
}

}  // namespace
}  // namespace mms
