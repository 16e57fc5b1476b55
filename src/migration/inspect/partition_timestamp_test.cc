#include "migration/inspect/partition_timestamp.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

std::string Utc(const std::string& text, const std::string& zone) {
  const auto in_utc = TextInUtc(text, zone);
  if (!in_utc) return in_utc.error().code();
  return in_utc->value_or("no time");
}

TEST(PartitionTimestamp, AClockIsReadByTheRulesOfItsZoneAndDay) {
  EXPECT_EQ(Utc("2024-01-01 03:11:11", "America/Los_Angeles"), "2024-01-01 11:11:11");
  EXPECT_EQ(Utc("2024-07-01 11:11:11.25", "America/Los_Angeles"), "2024-07-01 18:11:11.25");
  EXPECT_EQ(Utc("2024-01-01 00:00:00", "Asia/Shanghai"), "2023-12-31 16:00:00");
  EXPECT_EQ(Utc("2024-02-29 00:00:00", "UTC"), "2024-02-29 00:00:00");
}

TEST(PartitionTimestamp, AnHourThatPassedTwiceIsTheFirstAndAGapIsPassedAsSparkDoes) {
  EXPECT_EQ(Utc("2024-11-03 01:30:00", "America/Los_Angeles"), "2024-11-03 08:30:00");
  EXPECT_EQ(Utc("2024-03-10 02:30:00", "America/Los_Angeles"), "2024-03-10 10:30:00");
}

TEST(PartitionTimestamp, WhatIsNoTimeIsTold) {
  EXPECT_EQ(Utc("2024-02-30 00:00:00", "UTC"), "no time");
  EXPECT_EQ(Utc("2024-01-01 24:00:00", "UTC"), "no time");
  EXPECT_EQ(Utc("9999-12-31 23:00:00", "America/Los_Angeles"), "no time");
  EXPECT_EQ(Utc("2024-01-01 00:00:00", "Mars/Olympus"), "CONFIG_VALUE");
}

}  // namespace
}  // namespace mms::migration
