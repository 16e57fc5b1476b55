#include "migration/workflow/engine.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

TEST(PartitionName, ValuesWithSlashesNeverShareAName) {
  EXPECT_EQ(PartitionName({}), "");
  EXPECT_EQ(PartitionName({{"ds", "2026-01-01"}, {"hour", "3"}}), "ds=2026-01-01/hour=3");
  EXPECT_NE(PartitionName({{"a", "1/b=2"}, {"b", "3"}}),
            PartitionName({{"a", "1"}, {"b", "2/b=3"}}));
  EXPECT_NE(PartitionName({{"a", "%2F"}}), PartitionName({{"a", "/"}}));
}

TEST(ReadUnitPlan, ADamagedPlanIsAnErrorThatNamesItsPartition) {
  UnitRecord unit;
  unit.partition = "ds=1";
  unit.plan_json = "{";
  auto plan = ReadUnitPlan(unit);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code(), "LEDGER_PLAN_UNREADABLE");
  EXPECT_NE(plan.error().ToString().find("ds=1"), std::string::npos);
}

}  // namespace
}  // namespace mms::migration
