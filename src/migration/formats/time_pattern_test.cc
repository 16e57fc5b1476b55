#include "migration/formats/time_pattern.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

constexpr int64_t kNoon = 1'709'208'000'000'000;  // 2024-02-29 12:00:00 UTC

TEST(TimePattern, DatesAreReadAsCastReadsThem) {
  EXPECT_EQ(ParseDate("2024-02-29"), 19782);
  EXPECT_EQ(ParseDate(" 1970-1-1 "), 0);
  EXPECT_EQ(ParseDate("0001-01-01"), -719162);
  for (const char* none : {"2023-02-29", "2024-13-01", "24-01-01", "2024-01", "2024-01-01x", ""}) {
    EXPECT_EQ(ParseDate(none), std::nullopt) << none;
  }
}

TEST(TimePattern, InstantsAreInUtcUnlessTheyNameAZone) {
  const auto utc = [](std::string_view text) {
    return ParseInstant(text, ZoneRule::kUtcUnlessNamed);
  };
  EXPECT_EQ(utc("2024-02-29 12:00:00"), kNoon);
  EXPECT_EQ(utc("2024-02-29T12:00:00.000Z"), kNoon);
  EXPECT_EQ(utc("2024-02-29T14:30:00+02:30"), kNoon);
  EXPECT_EQ(utc("2024-02-29T08:00:00.1234567-0400"), kNoon + 123456);
  EXPECT_EQ(utc("2024-02-29"), kNoon - 12 * 3'600'000'000);
  for (const char* none : {"2024-02-29 24:00:00", "2024-02-29 12:00", "2024-02-29 12:00:00 CET",
                           "2024-02-29 12:00:00.", "12:00:00", "2024-02-29 12:00:00+19:00"}) {
    EXPECT_EQ(utc(none), std::nullopt) << none;
  }
}

TEST(TimePattern, ATimeWithoutAZoneMayNotNameOne) {
  EXPECT_EQ(ParseInstant("2024-02-29 12:00:00", ZoneRule::kNone), kNoon);
  EXPECT_EQ(ParseInstant("2024-02-29 12:00:00Z", ZoneRule::kNone), std::nullopt);
}

TEST(TimePattern, APatternIsReadToTheLetter) {
  const auto read = [](std::string_view pattern, std::string_view text) {
    return TimePattern::Parse(pattern).value().Read(text, ZoneRule::kUtcUnlessNamed);
  };
  EXPECT_EQ(read("dd/MM/yyyy HH:mm:ss", "29/02/2024 12:00:00"), kNoon);
  EXPECT_EQ(read("yyyyMMdd'T'HHmmssSSS", "20240229T120000250"), kNoon + 250'000);
  EXPECT_EQ(read("yyyy-M-d H:m:s", "2024-2-29 12:0:0"), kNoon);
  const std::string optional = "yyyy-MM-dd'T'HH:mm:ss[.SSS][" + std::string(3, 'X') + "]";
  EXPECT_EQ(read(optional, "2024-02-29T12:00:00"), kNoon);
  EXPECT_EQ(read(optional, "2024-02-29T12:00:00.500+01:00"), kNoon - 3'599'500'000);
  EXPECT_EQ(read("dd/MM/yyyy", "29/2/2024"), std::nullopt);
  EXPECT_EQ(read("dd/MM/yyyy", "30/02/2024"), std::nullopt);
  EXPECT_EQ(read("dd/MM/yyyy", "29/02/2024 "), std::nullopt);
}

TEST(TimePattern, WordsAndOtherLettersAreRefused) {
  for (const char* pattern : {"dd-MMM-yyyy", "yy-MM-dd", "EEE", "hh:mm a", "yyyy[", "z", "'open"}) {
    const auto parsed = TimePattern::Parse(pattern);
    ASSERT_FALSE(parsed) << pattern;
    EXPECT_EQ(parsed.error().code(), "TABLE_OPTION_UNSUPPORTED");
  }
}

}  // namespace
}  // namespace mms::migration
