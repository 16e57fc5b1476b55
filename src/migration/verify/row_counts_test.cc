#include "migration/verify/row_counts.h"

#include <gtest/gtest.h>

#include "migration/verify/read_back.h"

namespace mms::migration {
namespace {

using maxcompute::PartitionSpec;

TEST(RowCounts, AWholeTableIsCountedWithoutACondition) {
  EXPECT_EQ(CountSql("`p`.`t`", {}), "SELECT COUNT(*) AS `rows_found` FROM `p`.`t`;");
}

TEST(RowCounts, ExactlyThePartitionsAskedForAreNamed) {
  EXPECT_EQ(CountSql("`p`.`t`", {{{"ds", "1"}}, {{"ds", "it's"}}}),
            "SELECT `ds`, COUNT(*) AS `rows_found` FROM `p`.`t` WHERE (`ds` IN ('1', " +
                maxcompute::QuoteLiteral("it's") + ")) GROUP BY `ds`;");
}

TEST(RowCounts, UpperLevelsAreWrittenOnceForAllBelowThem) {
  const std::vector<PartitionSpec> partitions = {
      {{"ds", "1"}, {"h", "1"}}, {{"ds", "2"}, {"h", "1"}}, {{"ds", "1"}, {"h", "2"}}};
  EXPECT_EQ(CountSql("`p`.`t`", partitions),
            "SELECT `ds`, `h`, COUNT(*) AS `rows_found` FROM `p`.`t` WHERE "
            "(`ds` = '1' AND `h` IN ('1', '2')) OR (`ds` = '2' AND `h` IN ('1')) "
            "GROUP BY `ds`, `h`;");
}

TEST(RowCounts, GroupsStayBelowTheLimitsAndLoseNoPartition) {
  std::vector<PartitionSpec> partitions;
  for (int i = 0; i < 25'000; ++i) {
    partitions.push_back({{"ds", std::to_string(i)}, {"h", std::string(40, 'x')}});
  }
  size_t seen = 0;
  for (const auto& group : GroupForCounting(partitions)) {
    ASSERT_FALSE(group.empty());
    EXPECT_LE(group.size(), 9000u);
    EXPECT_LT(CountSql("`p`.`t`", group).size(), 2'000'000u);
    for (const PartitionSpec& spec : group) EXPECT_EQ(spec, partitions[seen++]);
  }
  EXPECT_EQ(seen, partitions.size());
}

TEST(ReadBack, RangesAreAMillionRowsUnlessRowsAreWide) {
  EXPECT_EQ(RowsPerRange(10'000'000, 10'000'000), 1'000'000);
  EXPECT_EQ(RowsPerRange(1'000'000, 320LL << 20), 100'000);
  EXPECT_EQ(RowsPerRange(1000, 1LL << 30), 50'000);
  EXPECT_EQ(RowsPerRange(5, 0), 1'000'000);
}

}  // namespace
}  // namespace mms::migration
