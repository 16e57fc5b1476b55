#include "migration/plan/frozen_table.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

FrozenTable Orders() {
  FrozenTable table;
  table.source_name = "main.sales.orders";
  table.version = 3;
  table.table_id = "f8a0";
  table.target_table = "orders";
  table.kind = "standard";
  table.choices = "00ff";
  table.columns = {"id BIGINT -> id BIGINT", "partition day DATE -> day STRING"};
  table.units = 2;
  table.units_digest = "aa";
  table.units_committed = 1;
  return table;
}

TEST(FrozenTable, ComesBackFromItsDocument) {
  FrozenTable table = Orders();
  EXPECT_EQ(FrozenTableFromJson(ToJson(table)), table);
  table.version.reset();
  table.target_id = "77";
  table.dropped = 9;
  table.appends = true;
  table.dropped_digest = "dd";
  EXPECT_EQ(FrozenTableFromJson(ToJson(table)), table);
  EXPECT_TRUE(ToJson(table)["version"].is_null());
}

TEST(FrozenTable, EachThingThatDiffersIsNamed) {
  EXPECT_TRUE(Differences(Orders(), Orders(), false).empty());
  const std::pair<std::function<void(FrozenTable&)>, std::string> cases[] = {
      {[](FrozenTable& t) { t.version = 4; }, "it is at version 4, the plan has version 3"},
      {[](FrozenTable& t) { t.version.reset(); }, "it is at no version"},
      {[](FrozenTable& t) { t.table_id = "b"; }, "another table of that name"},
      {[](FrozenTable& t) { t.target_table = "b"; }, "it would go into b, by the plan into orders"},
      {[](FrozenTable& t) { t.kind = "pk_delta"; }, "its kind is pk_delta"},
      {[](FrozenTable& t) { t.choices = "b"; }, "policy"},
      {[](FrozenTable& t) { t.columns[0] = "id INT -> id INT"; },
       "column 1 is \"id INT -> id INT\", the plan has \"id BIGINT -> id BIGINT\""},
      {[](FrozenTable& t) { t.columns.pop_back(); }, "column 2 is none"},
      {[](FrozenTable& t) { t.units = 3; }, "it has 3 partitions, the plan has 2"},
      {[](FrozenTable& t) { t.units_digest = "b"; }, "the files in them"},
      {[](FrozenTable& t) { t.appends = true; }, "new rows would be appended"},
      {[](FrozenTable& t) { t.units_committed = 0; }, "0 of its partitions are copied"},
  };
  for (const auto& [change, text] : cases) {
    FrozenTable now = Orders();
    change(now);
    const std::vector<std::string> lines = Differences(Orders(), now, true);
    EXPECT_EQ(Differences(Orders(), now, false), lines);
    ASSERT_EQ(lines.size(), 1U) << text;
    EXPECT_NE(lines[0].find(text), std::string::npos) << lines[0];
  }
  FrozenTable further = Orders();
  further.units_committed = 2;
  EXPECT_TRUE(Differences(Orders(), further, true).empty()) << "a run that went on is none";
}

TEST(FrozenTable, WhatARunLeftAtTheTargetIsNoDifferenceButWhatOthersDidIs) {
  const std::pair<std::function<void(FrozenTable&)>, std::string> cases[] = {
      {[](FrozenTable& t) { t.target_id = "b"; }, "its target table is there now"},
      {[](FrozenTable& t) { t.dropped = 1; }, "1 partitions at the target would be dropped, by"},
      {[](FrozenTable& t) { t.dropped_digest = "b"; }, "other partitions"},
  };
  FrozenTable frozen = Orders();
  frozen.dropped = 2;
  frozen.dropped_digest = "dd";
  for (const auto& [change, text] : cases) {
    FrozenTable now = frozen;
    change(now);
    const std::vector<std::string> lines = Differences(frozen, now, false);
    ASSERT_EQ(lines.size(), 1U) << text;
    EXPECT_NE(lines[0].find(text), std::string::npos) << lines[0];
    EXPECT_TRUE(Differences(frozen, now, true).empty()) << text;
  }
  FrozenTable more = frozen;
  more.dropped = 3;
  EXPECT_EQ(Differences(frozen, more, true).size(), 1U) << "never more than was planned";
  frozen.target_id = "a";
  FrozenTable gone = frozen;
  gone.target_id = "";
  EXPECT_NE(Differences(frozen, gone, false)[0].find("no longer there"), std::string::npos);
  gone.target_id = "b";
  EXPECT_NE(Differences(frozen, gone, false)[0].find("other columns"), std::string::npos);
}

TEST(FrozenTable, ATargetIsToldByItsNameKindAndColumns) {
  EXPECT_EQ(TargetId(std::nullopt), "");
  maxcompute::TableInfo table;
  table.name = "orders";
  table.schema.columns = {{"id", *maxcompute::ParseType("BIGINT"), "", true},
                          {"day", *maxcompute::ParseType("STRING"), "", true}};
  const std::string id = TargetId(table);
  maxcompute::TableInfo other = table;
  other.schema.columns[0].name = "ID";
  other.schema.columns[0].comment = "a comment";
  EXPECT_EQ(TargetId(other), id) << "names know no case";
  other.schema.columns[0].nullable = false;
  EXPECT_NE(TargetId(other), id);
  other = table;
  other.schema.columns[1].type = *maxcompute::ParseType("DATE");
  EXPECT_NE(TargetId(other), id);
  other = table;
  other.schema.partition_columns = {table.schema.columns[1]};
  other.schema.columns.pop_back();
  EXPECT_NE(TargetId(other), id) << "a partition column is no data column";
  other = table;
  other.type = "VIRTUAL_VIEW";
  EXPECT_NE(TargetId(other), id);
}

TEST(FrozenTable, APlanIsFrozenWithItsColumnsInTargetOrder) {
  TablePlan plan;
  plan.source_name = "main.sales.orders";
  plan.version = kNoVersion;
  plan.target_table = "orders";
  ColumnPlan column;
  column.source_name = "Id";
  column.source_type = "BIGINT";
  column.target = {"id", *maxcompute::ParseType("BIGINT"), "", false};
  plan.columns.push_back(column);
  column.target = {"more", *maxcompute::ParseType("STRING"), "", true};
  column.origin = Origin::kNull;
  plan.columns.push_back(column);
  plan.partition_columns.push_back(plan.columns[0]);
  const FrozenTable frozen = FreezeTable(plan);
  EXPECT_EQ(frozen.version, std::nullopt);
  EXPECT_EQ(frozen.columns,
            (std::vector<std::string>{"Id BIGINT -> id BIGINT NOT NULL", "NULL -> more STRING",
                                      "partition Id BIGINT -> id BIGINT NOT NULL"}));
}

}  // namespace
}  // namespace mms::migration
