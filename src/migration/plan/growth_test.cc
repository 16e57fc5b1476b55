#include "migration/plan/growth.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

FileSlice Slice(const std::string& path, int64_t start = 0) {
  FileSlice slice;
  slice.path = path;
  slice.size_bytes = 100;
  slice.start = start;
  slice.length = 50;
  return slice;
}

UnitPlan UnitOf(const std::vector<std::vector<FileSlice>>& splits) {
  UnitPlan unit;
  unit.rows = 30;
  for (size_t i = 0; i < splits.size(); ++i) {
    unit.splits.push_back({static_cast<int64_t>(i), 100, splits[i]});
  }
  return unit;
}

TablePlan PlanOf(UnitPlan unit, int64_t version) {
  TablePlan plan;
  plan.version = version;
  plan.table_id = "id";
  plan.target_table = "t";
  plan.at_target = true;
  plan.units.push_back(std::move(unit));
  return plan;
}

class GrowthTest : public ::testing::Test {
 protected:
  bool Append() { return AppendGrowth(before_, copied_, &plan_); }

  TablePlan before_ = PlanOf(UnitPlan(), 1);
  CopiedUnit copied_{UnitOf({{Slice("a"), Slice("b")}}), 20, "sum", ""};
  TablePlan plan_ = PlanOf(UnitOf({{Slice("a"), Slice("c")}, {Slice("b")}, {Slice("c", 50)}}), 2);
};

TEST_F(GrowthTest, OnlyTheNewFilesStayInTheirBlocksAndWhatWasThereIsRemembered) {
  ASSERT_TRUE(Append());
  const UnitPlan& unit = plan_.units.front();
  ASSERT_EQ(unit.splits.size(), 2U);
  EXPECT_EQ(unit.splits[0].block_id, 0);
  EXPECT_EQ(unit.splits[0].slices, (std::vector<FileSlice>{Slice("c")}));
  EXPECT_EQ(unit.splits[1].block_id, 2);
  EXPECT_EQ(unit.bytes, 100);
  EXPECT_EQ(unit.files, 1);
  EXPECT_EQ(unit.rows, 30) << "of all";
  ASSERT_TRUE(unit.base.has_value());
  EXPECT_EQ(unit.base->rows, 20);
  EXPECT_EQ(plan_.warnings.size(), 1U);

  // The next growth knows all of it, though its blocks were but of the new file.
  before_ = plan_;
  copied_ = {unit, 30, "sum of all", ""};
  plan_ = PlanOf(UnitOf({{Slice("a"), Slice("b"), Slice("c"), Slice("d")}}), 3);
  ASSERT_TRUE(Append());
  EXPECT_EQ(plan_.units.front().splits.front().slices, (std::vector<FileSlice>{Slice("d")}));
  EXPECT_EQ(plan_.units.front().base->files.size(), 3U);
  auto kept = UnitPlanFromJson(ToJson(plan_.units.front()));
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(*kept, plan_.units.front());
}

TEST_F(GrowthTest, AFileThatIsGoneOrHasLostRowsIsNoGrowth) {
  TablePlan gone = PlanOf(UnitOf({{Slice("a"), Slice("c"), Slice("d")}}), 2);
  EXPECT_FALSE(AppendGrowth(before_, copied_, &gone));
  FileSlice less = Slice("b");
  less.deletion_vector = delta::DeletionVector{"u", "x", 1, 2, 3};
  TablePlan deleted = PlanOf(UnitOf({{Slice("a"), less, Slice("c")}}), 2);
  EXPECT_FALSE(AppendGrowth(before_, copied_, &deleted));
  TablePlan same = PlanOf(UnitOf({{Slice("a"), Slice("b")}}), 2);
  EXPECT_FALSE(AppendGrowth(before_, copied_, &same));
}

TEST_F(GrowthTest, AnotherTableOrWayOfCopyingIsNoGrowth) {
  const auto refused = [this](auto change) {
    TablePlan plan = plan_;
    change(plan);
    return !AppendGrowth(before_, copied_, &plan);
  };
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.table_id = "made again"; }));
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.target_table = "u"; }));
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.at_target = false; }));
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.columns.resize(1); }));
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.settings.kind = TableKind::kPkDelta; }));
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.version = kNoVersion; }));
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.values.on_bad_utf8 = BadUtf8::kNull; }));
  EXPECT_TRUE(refused([](TablePlan& plan) { plan.taken_up = {"c"}; }));
  EXPECT_TRUE(Append());
}

}  // namespace
}  // namespace mms::migration
