#include "migration/verify/unit_group.h"

#include <gtest/gtest.h>

#include "migration/verify/partition_filter.h"

namespace mms::migration {
namespace {

using maxcompute::PartitionSpec;

constexpr int64_t kMiB = 1 << 20;

PartitionSpec Day(int number) { return {{"ds", std::to_string(number)}}; }

TEST(UnitGroup, OnlyWhereSessionsWouldHaveToWait) {
  EXPECT_FALSE(ReadsTogether(VerifyBy::kAuto, 200));
  EXPECT_TRUE(ReadsTogether(VerifyBy::kAuto, 201));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kSessions, 60'000));
  EXPECT_TRUE(ReadsTogether(VerifyBy::kSelect, 2));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kSelect, 1));
}

TEST(UnitGroup, LargeUnitsAndThoseOfRecordBlocksKeepTheirSessions) {
  EXPECT_TRUE(ReadsTogether(VerifyBy::kAuto, {1000, 16 * kMiB}));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kAuto, {1000, 16 * kMiB + 1}));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kAuto, {500'001, kMiB}));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kAuto, {1, 1, true}));
  EXPECT_TRUE(ReadsTogether(VerifyBy::kSelect, {1000, 17 * kMiB}));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kSelect, {1000, 513 * kMiB}));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kSelect, {1, 1, true}));
  EXPECT_FALSE(ReadsTogether(VerifyBy::kSessions, {1, 1}));
}

/// How many partitions a group takes.
size_t Fill(size_t columns, const GroupMember& each, const std::string& upper_level = "") {
  UnitGroup group(columns);
  for (int i = 0; i < 100'000; ++i) {
    PartitionSpec partition = Day(i);
    if (!upper_level.empty()) partition.insert(partition.begin(), {"up", upper_level});
    if (!group.Fits(partition, each)) break;
    group.Add(std::move(partition), each);
  }
  return group.partitions().size();
}

TEST(UnitGroup, EachLimitEndsAGroup) {
  EXPECT_EQ(Fill(10, {1, 1}), 2000u);
  EXPECT_EQ(Fill(1000, {1, 1}), 100u);
  EXPECT_EQ(Fill(10, {1, 16 * kMiB}), 32u);
  EXPECT_EQ(Fill(10, {500'000, 1}), 20u);
  const size_t long_names = Fill(10, {1, 1}, std::string(900, 'x'));
  EXPECT_GT(long_names, 900u);
  EXPECT_LT(long_names, 1200u);
}

TEST(UnitGroup, TheFirstFitsHoweverLargeItIs) {
  EXPECT_TRUE(UnitGroup(200'000).Fits(Day(1), {INT64_MAX, INT64_MAX}));
}

TEST(UnitGroup, TheStatementNamesEveryColumnAndPartition) {
  maxcompute::TableSchema schema;
  schema.columns = {{"id", {}, ""}, {"or`der", {}, ""}};
  schema.partition_columns = {{"ds", {}, ""}, {"h", {}, ""}};
  EXPECT_EQ(
      GroupSql(
          "`p`.`t`", schema,
          {{{"ds", "1"}, {"h", "0"}}, {{"ds", "2"}, {"h", "it's"}}, {{"ds", "1"}, {"h", "1"}}}),
      "SELECT CAST(`ds` AS STRING), CAST(`h` AS STRING), `id`, `or``der` FROM `p`.`t` WHERE "
      "(`ds` = '1' AND `h` IN ('0', '1')) OR (`ds` = '2' AND `h` IN (" +
          maxcompute::QuoteLiteral("it's") + "));");
}

}  // namespace
}  // namespace mms::migration
