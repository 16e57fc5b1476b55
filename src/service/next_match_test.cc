#include "service/next_match.h"

#include <date/date.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <string>

#include "base/time_zone.h"

namespace mms::service {
namespace {

using migration::MetaTimer;

/// Of "2026-03-29 01:30:00", UTC.
int64_t Utc(const std::string& text) {
  int year = 0, hour = 0, minute = 0, second = 0;
  unsigned month = 0, day = 0;
  EXPECT_EQ(
      std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%d", &year, &month, &day, &hour, &minute, &second),
      6);
  const date::sys_days days(date::year(year) / static_cast<int>(month) / static_cast<int>(day));
  return int64_t{days.time_since_epoch().count()} * 86'400'000 +
         (hour * 3'600 + minute * 60 + second) * int64_t{1'000};
}

std::string Text(int64_t ms) {
  return date::format("%F %T", date::sys_seconds(std::chrono::seconds(ms / 1000)));
}

MetaTimer Daily(int hour, int minute) { return {MetaTimer::Type::kDaily, hour, minute}; }
MetaTimer Hourly(int minute) { return {MetaTimer::Type::kHourly, 0, minute}; }

std::string Next(const MetaTimer& timer, const std::string& zone, const std::string& after) {
  const auto match = NextMatch(timer, zone, Utc(after));
  EXPECT_TRUE(match);
  return match ? Text(*match) : "";
}

TEST(NextMatchTest, ADailyTimerFiresAtItsTimeInItsZone) {
  EXPECT_EQ(Next(Daily(2, 30), "UTC", "2026-01-05 02:29:59"), "2026-01-05 02:30:00");
  EXPECT_EQ(Next(Daily(2, 30), "UTC", "2026-01-05 02:30:00"), "2026-01-06 02:30:00");
  EXPECT_EQ(Next(Daily(2, 30), "Asia/Shanghai", "2026-01-05 00:00:00"), "2026-01-05 18:30:00");
  EXPECT_EQ(Next(Daily(23, 59), "Pacific/Kiritimati", "2026-01-05 09:59:00"),
            "2026-01-06 09:59:00");
}

TEST(NextMatchTest, AnHourlyTimerFiresAtItsMinuteOfTheZonesClock) {
  EXPECT_EQ(Next(Hourly(5), "UTC", "2026-01-05 02:05:00"), "2026-01-05 03:05:00");
  EXPECT_EQ(Next(Hourly(5), "UTC", "2026-01-05 02:04:59"), "2026-01-05 02:05:00");
  EXPECT_EQ(Next(Hourly(0), "Asia/Kolkata", "2026-01-05 02:00:00"), "2026-01-05 02:30:00");
  EXPECT_EQ(Next(Hourly(50), "Asia/Kathmandu", "2026-01-05 02:00:00"), "2026-01-05 02:05:00");
}

TEST(NextMatchTest, ADailyTimeInAGapFiresWhenTheGapEnds) {
  // Berlin: 02:00 -> 03:00 at 01:00 UTC on 2026-03-29.
  EXPECT_EQ(Next(Daily(2, 30), "Europe/Berlin", "2026-03-28 12:00:00"), "2026-03-29 01:00:00");
  EXPECT_EQ(Next(Daily(2, 30), "Europe/Berlin", "2026-03-29 01:00:00"), "2026-03-30 00:30:00");
  // New York: 02:00 -> 03:00 at 07:00 UTC on 2026-03-08.
  EXPECT_EQ(Next(Daily(2, 0), "America/New_York", "2026-03-07 12:00:00"), "2026-03-08 07:00:00");
  // Lord Howe moves by half an hour: 02:00 -> 02:30 on 2026-10-04, 15:30 UTC the day before.
  EXPECT_EQ(Next(Daily(2, 15), "Australia/Lord_Howe", "2026-10-03 12:00:00"),
            "2026-10-03 15:30:00");
}

TEST(NextMatchTest, ADailyTimeThatComesTwiceFiresAtTheFirst) {
  // Berlin: 03:00 -> 02:00 at 01:00 UTC on 2026-10-25.
  EXPECT_EQ(Next(Daily(2, 30), "Europe/Berlin", "2026-10-24 12:00:00"), "2026-10-25 00:30:00");
  EXPECT_EQ(Next(Daily(2, 30), "Europe/Berlin", "2026-10-25 00:30:00"), "2026-10-26 01:30:00");
  EXPECT_EQ(Next(Daily(1, 30), "America/New_York", "2026-10-31 12:00:00"), "2026-11-01 05:30:00");
  EXPECT_EQ(Next(Daily(1, 30), "America/New_York", "2026-11-01 05:30:00"), "2026-11-02 06:30:00");
}

TEST(NextMatchTest, ADailyTimerDoesNotFireForADayThatItsZoneSkips) {
  // Samoa: from 2011-12-29 24:00 (-10) straight to 2011-12-31 00:00 (+14), at 10:00 UTC.
  EXPECT_EQ(Next(Daily(2, 30), "Pacific/Apia", "2011-12-29 00:00:00"), "2011-12-29 12:30:00");
  EXPECT_EQ(Next(Daily(2, 30), "Pacific/Apia", "2011-12-29 12:30:00"), "2011-12-30 12:30:00");
  EXPECT_EQ(Next(Daily(0, 0), "Pacific/Apia", "2011-12-29 12:30:00"), "2011-12-30 10:00:00");
  EXPECT_EQ(Next(Daily(0, 0), "Pacific/Apia", "2011-12-30 10:00:00"), "2011-12-31 10:00:00");
  // Kwajalein skipped 1993-08-21, at 12:00 UTC.
  EXPECT_EQ(Next(Daily(6, 0), "Pacific/Kwajalein", "1993-08-20 18:00:00"), "1993-08-21 18:00:00");
}

TEST(NextMatchTest, AnHourlyTimerFiresInEachHourThatPasses) {
  for (const char* zone : {"Europe/Berlin", "America/New_York", "Australia/Sydney"}) {
    int64_t at = Utc("2026-01-01 00:00:00");
    int count = 0;
    while (at < Utc("2027-01-01 00:00:00")) {
      const auto next = NextMatch(Hourly(30), zone, at);
      ASSERT_TRUE(next);
      EXPECT_LE(*next - at, 3'600'000) << zone << " " << Text(at);
      at = *next;
      ++count;
    }
    EXPECT_EQ(count, 365 * 24 + 1) << zone;  // the last one is of the next year
  }
}

TEST(NextMatchTest, ADailyTimerFiresOnceOnEachDayOfTheYearInManyZones) {
  for (const char* zone : {"UTC", "Europe/Berlin", "America/New_York", "America/St_Johns",
                           "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Shanghai",
                           "America/Santiago", "Pacific/Chatham", "Africa/Cairo"}) {
    for (const MetaTimer& timer : {Daily(0, 0), Daily(0, 30), Daily(2, 30), Daily(23, 30)}) {
      int64_t at = Utc("2025-12-31 23:59:59") - 14 * 3'600'000;
      std::set<int64_t> matches;
      for (int i = 0; i < 366; ++i) {
        const auto next = NextMatch(timer, zone, at);
        ASSERT_TRUE(next);
        EXPECT_GE(*next - at, i == 0 ? 0 : 22 * 3'600'000) << zone << " " << Text(at);
        EXPECT_LE(*next - at, 26 * 3'600'000) << zone << " " << Text(at);
        at = *next;
        matches.insert(at);
      }
      EXPECT_EQ(matches.size(), 366u);
    }
  }
}

TEST(NextMatchTest, AZoneThatDoesNotExistIsRefused) {
  for (const char* zone : {"", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "CEST+1"}) {
    const Status checked = CheckZone(zone);
    ASSERT_FALSE(checked) << zone;
    EXPECT_EQ(checked.error().code(), "CONFIG_VALUE");
    EXPECT_FALSE(NextMatch(Daily(1, 0), zone, 0));
  }
  EXPECT_TRUE(CheckZone("Europe/Berlin"));
}

int64_t Due(const MetaTimer& timer, const std::string& last, const std::string& now) {
  const auto match = DueMatch(timer, "UTC", Utc(last), Utc(now));
  EXPECT_TRUE(match);
  return match ? *match : -1;
}

TEST(DueMatchTest, AMatchIsAnsweredOnce) {
  EXPECT_EQ(Due(Daily(2, 30), "2026-01-04 02:30:00", "2026-01-05 02:29:59"), 0);
  EXPECT_EQ(Due(Daily(2, 30), "2026-01-04 02:30:00", "2026-01-05 02:30:00"),
            Utc("2026-01-05 02:30:00"));
  EXPECT_EQ(Due(Daily(2, 30), "2026-01-05 02:30:00", "2026-01-05 02:30:20"), 0);
}

TEST(DueMatchTest, MatchesThatWereMissedAreAnsweredByOne) {
  EXPECT_EQ(Due(Hourly(5), "2026-01-05 02:05:00", "2026-01-05 07:30:00"),
            Utc("2026-01-05 07:05:00"));
  EXPECT_EQ(Due(Daily(2, 30), "2020-01-05 02:30:00", "2026-01-05 12:00:00"),
            Utc("2026-01-05 02:30:00"));
}

TEST(DueMatchTest, AClockSetBackFiresNothingAgain) {
  EXPECT_EQ(Due(Hourly(5), "2026-01-05 02:05:00", "2026-01-05 01:05:30"), 0);
  EXPECT_EQ(Due(Hourly(5), "2026-01-05 02:05:00", "2026-01-05 02:05:30"), 0);
  EXPECT_EQ(Due(Hourly(5), "2026-01-05 02:05:00", "2026-01-05 03:05:00"),
            Utc("2026-01-05 03:05:00"));
}

TEST(DueMatchTest, NoTimerIsNeverDue) {
  EXPECT_EQ(Due(MetaTimer{}, "2020-01-01 00:00:00", "2026-01-01 00:00:00"), 0);
}

TEST(MinuteOfDay, IsThatOfTheZonesClock) {
  constexpr int64_t kNoon = 1'767'614'400'000;  // 2026-01-05 12:00:00 UTC
  EXPECT_EQ(MinuteOfDay("UTC", kNoon).value(), 720);
  EXPECT_EQ(MinuteOfDay("Asia/Shanghai", kNoon).value(), 1'200);
  EXPECT_EQ(MinuteOfDay("America/New_York", kNoon + 59'999).value(), 420);
  EXPECT_FALSE(MinuteOfDay("Nowhere", kNoon));
}

}  // namespace
}  // namespace mms::service
