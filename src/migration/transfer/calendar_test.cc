#include "migration/transfer/calendar.h"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <chrono>

namespace mms::migration {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;

int32_t Days(int y, unsigned m, unsigned d) {
  return static_cast<int32_t>(sys_days(year(y) / month(m) / day(d)).time_since_epoch().count());
}

std::shared_ptr<arrow::Array> Make(const std::shared_ptr<arrow::DataType>& type,
                                   const std::string& json) {
  return *arrow::json::ArrayFromJSONString(type, json);
}

TEST(Calendar, ADayOfTheOldCalendarKeepsItsYearMonthAndDay) {
  EXPECT_EQ(FromHybridDays(Days(1582, 10, 15)), Days(1582, 10, 15));
  // The day before it was 4 October.
  EXPECT_EQ(FromHybridDays(Days(1582, 10, 15) - 1), Days(1582, 10, 4));
  // In the year 1 the Julian calendar was two days behind.
  EXPECT_EQ(FromHybridDays(Days(1, 1, 1) - 2), Days(1, 1, 1));
  // The Julian year 1500 was a leap year: its 29 February is followed by its 1 March.
  const int32_t leap = Days(1500, 3, 1) + 9;
  EXPECT_EQ(FromHybridDays(leap - 1), Days(1500, 2, 28));
  EXPECT_EQ(FromHybridDays(leap), Days(1500, 3, 1));
  EXPECT_EQ(FromHybridDays(leap + 1), Days(1500, 3, 1));
  EXPECT_EQ(FromHybridDays(-2440588), Days(-4712, 1, 1));
  EXPECT_EQ(FromHybridDays(-2440589), std::nullopt);
}

TEST(Calendar, EveryDayOfTheOldCalendarFollowsTheOneBefore) {
  int32_t before = *FromHybridDays(Days(-10, 1, 1));
  for (int32_t days = Days(-10, 1, 1) + 1; days < Days(1582, 10, 15); ++days) {
    const int32_t now = *FromHybridDays(days);
    ASSERT_TRUE(now == before + 1 || now == before) << days;
    before = now;
  }
}

TEST(Calendar, DatesAndInstantsAreReadAtAnyDepthAndNullsStay) {
  Calendars calendars{.old_dates = true, .old_int96 = false, .zone = "Etc/UTC"};
  const auto micros = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto type =
      arrow::list(arrow::struct_({arrow::field("d", arrow::date32()), arrow::field("t", micros)}));
  // 1582-10-04 in the Julian calendar, one microsecond before midnight; and what needs no change.
  const auto array = Make(type, R"([[{"d": -141428, "t": -12219292800000001}, {"d": null, "t": 5}],
                                     null, [{"d": 0, "t": null}]])");
  const auto wanted = Make(type, R"([[{"d": -141438, "t": -12220156800000001}, {"d": null, "t": 5}],
                                      null, [{"d": 0, "t": null}]])");
  const auto read = FromHybrid(array, calendars, false);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_TRUE((*read)->Equals(*wanted)) << (*read)->ToString();
  EXPECT_TRUE((*FromHybrid(array->Slice(1), calendars, false))->Equals(*wanted->Slice(1)));
}

TEST(Calendar, EachPhysicalTypeHasItsOwnMark) {
  const auto naive = Make(arrow::timestamp(arrow::TimeUnit::MICRO), "[-12219292800000001]");
  const auto same = [&](Calendars calendars, bool int96) {
    calendars.zone = "UTC";
    return (*FromHybrid(naive, calendars, int96))->Equals(*naive);
  };
  EXPECT_FALSE(same({false, true, ""}, true));
  EXPECT_TRUE(same({true, false, ""}, true));
  EXPECT_TRUE(same({true, true, ""}, false)) << "a TIMESTAMP_NTZ is in no calendar";
}

TEST(Calendar, OldInstantsOfAnotherZoneAreRefusedAndLaterOnesAreNot) {
  const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  for (const char* zone : {"America/Los_Angeles", ""}) {
    const Calendars calendars{.old_dates = true, .old_int96 = true, .zone = zone};
    EXPECT_TRUE(FromHybrid(Make(type, "[-2208988800000000]"), calendars, false)) << "1900";
    const auto old = FromHybrid(Make(type, "[-2208988800000001]"), calendars, false);
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code(), "FILE_LEGACY_CALENDAR");
    EXPECT_TRUE(FromHybrid(Make(arrow::date32(), "[-141428]"), calendars, false)) << "a date";
  }
}

TEST(Calendar, TheFooterTellsByMarksOrByTheVersionOfSpark) {
  using Metadata = arrow::KeyValueMetadata;
  const auto of = [](std::vector<std::string> keys, std::vector<std::string> values) {
    const Metadata footer(std::move(keys), std::move(values));
    const Calendars found = CalendarsOf(&footer);
    return std::pair(found.old_dates, found.old_int96);
  };
  const std::string version = "org.apache.spark.version";
  EXPECT_FALSE(CalendarsOf(nullptr).any());
  EXPECT_EQ(of({}, {}), std::pair(false, false));
  EXPECT_EQ(of({version}, {"2.4.8"}), std::pair(true, true));
  EXPECT_EQ(of({version}, {"3.0.1"}), std::pair(false, true));
  EXPECT_EQ(of({version}, {"3.1.0"}), std::pair(false, false));
  EXPECT_EQ(of({version, "org.apache.spark.legacyDateTime"}, {"4.0.1", ""}),
            std::pair(true, false));
  EXPECT_EQ(of({version, "org.apache.spark.legacyINT96"}, {"10.2", ""}), std::pair(false, true));
}

}  // namespace
}  // namespace mms::migration
