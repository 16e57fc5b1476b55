#include "base/bandwidth_limit.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace mms {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BandwidthLimit, HoldsTheRateOverAnyMixOfBookings) {
  BandwidthLimit limit(Bandwidth{1'000'000, {}});
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
  BandwidthLimit limit(Bandwidth{1'000'000, {}});
  const auto now = BandwidthLimit::Clock::time_point(seconds(1000));
  EXPECT_EQ(limit.Book(100'000, now), microseconds(0)) << "a tenth of a second goes at once";
  EXPECT_EQ(limit.Book(500'000, now), milliseconds(500));
  EXPECT_EQ(limit.Book(500'000, now), milliseconds(1000));
}

TEST(BandwidthLimit, AnIdleLineSavesUpATenthOfASecondOnly) {
  BandwidthLimit limit(Bandwidth{1'000'000, {}});
  const auto start = BandwidthLimit::Clock::time_point(seconds(1000));
  (void)limit.Book(1, start);
  EXPECT_EQ(limit.Book(1'100'000, start + seconds(3600)), seconds(1));
}

TEST(BandwidthLimit, SlowLinesMoveInSmallPieces) {
  EXPECT_EQ(BandwidthLimit(Bandwidth{1'000'000, {}}).piece_bytes(), 250'000u);
  EXPECT_EQ(BandwidthLimit(Bandwidth{2, {}}).piece_bytes(), 1u);
}

TEST(BandwidthLimit, TheRateFollowsTheTimeOfDay) {
  int minute = 7 * 60 + 59;
  Bandwidth bandwidth{0, {{8 * 60, 18 * 60, 1'000'000}}};
  BandwidthLimit limit(bandwidth, [&] { return minute; });
  const auto now = BandwidthLimit::Clock::time_point(seconds(1000));
  EXPECT_EQ(limit.Book(50'000'000, now), microseconds(0)) << "no limit before eight";
  minute = 8 * 60;
  EXPECT_EQ(limit.piece_bytes(), 250'000u);
  EXPECT_EQ(limit.Book(1'100'000, now), seconds(1));
  minute = 18 * 60;
  EXPECT_EQ(limit.Book(1'100'000, now), microseconds(0)) << "none from six on, nothing left over";
}

TEST(Bandwidth, SpansMayCrossMidnightAndTheFirstCounts) {
  const Bandwidth bandwidth{5, {{22 * 60, 6 * 60, 1}, {0, 12 * 60, 2}}};
  EXPECT_EQ(bandwidth.At(22 * 60), 1);
  EXPECT_EQ(bandwidth.At(0), 1);
  EXPECT_EQ(bandwidth.At(6 * 60 - 1), 1);
  EXPECT_EQ(bandwidth.At(6 * 60), 2);
  EXPECT_EQ(bandwidth.At(12 * 60), 5);
  EXPECT_TRUE(bandwidth.limited());
  EXPECT_FALSE((Bandwidth{0, {{0, 60, 0}}}).limited());
}

TEST(Bandwidth, AShareOfALimitIsNeverNoLimit) {
  const Bandwidth shared = Bandwidth{3, {{0, 60, 100}, {60, 120, 0}}}.SharedBy(4);
  EXPECT_EQ(shared, (Bandwidth{1, {{0, 60, 25}, {60, 120, 0}}}));
}

TEST(ParseBandwidthTimes, ReadsSpansAndNamesABadOne) {
  const auto spans = ParseBandwidthTimes("08:00-18:00 20, 18:00-08:00 0,00:00-24:00  3 ");
  ASSERT_TRUE(spans) << spans.error().ToString();
  EXPECT_EQ(*spans, (std::vector<Bandwidth::Span>{
                        {480, 1080, 20'000'000}, {1080, 480, 0}, {0, 0, 3'000'000}}));
  EXPECT_EQ((Bandwidth{0, *ParseBandwidthTimes("00:00-24:00 3")}).At(1439), 3'000'000);
  for (const char* text : {"", "08:00-18:00", "8:00-18:00 20", "08:60-18:00 20", "25:00-18:00 20",
                           "24:01-18:00 20", "08:00 18:00 20", "08:00-18:00 -1", "08:00-18:00 20MB",
                           "08:00-18:00 20,", "08:00-18:00 100001"}) {
    const auto bad = ParseBandwidthTimes(text);
    ASSERT_FALSE(bad) << text;
    EXPECT_EQ(bad.error().code(), "BANDWIDTH_TIMES");
  }
}

TEST(MinuteOfDay, IsThatOfTheMachinesZone) {
  // POSIX zones count westwards: UTC+05:30 is "-5:30".
  const char* before = std::getenv("TZ");
  const std::string saved = before == nullptr ? "" : before;
  setenv("TZ", "TEST-5:30", 1);
  tzset();
  EXPECT_EQ(MinuteOfDay(std::chrono::system_clock::time_point(seconds(86'400))), 5 * 60 + 30);
  before == nullptr ? unsetenv("TZ") : setenv("TZ", saved.c_str(), 1);
  tzset();
}

}  // namespace
}  // namespace mms
