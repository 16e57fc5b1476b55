#include "migration/plan/plan_json.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

using nlohmann::json;

TablePlan FullPlan() {
  TablePlan plan;
  plan.source_name = "main.sales.orders";
  plan.location = {false, "acct", "z12.storage.azure.net", "lake", "t/ü %41"};
  plan.version = 1LL << 40;
  plan.table_id = "f8a0";
  plan.target_table = "orders";
  plan.comment = "it's \"all\"\n";
  plan.column_mapping = "id";
  const char* types[] = {"BIGINT", "DECIMAL(38,18)",
                         "STRUCT<a:INT,`金额`:MAP<STRING,ARRAY<TIMESTAMP_NTZ>>>"};
  for (const char* type : types) {
    ColumnPlan column;
    column.source_name = std::string("C ") + type;
    column.source_type = type;
    column.target = {"c", *maxcompute::ParseType(type), "说明", false};
    column.note = "a note";
    column.index = static_cast<int>(plan.columns.size());
    plan.columns.push_back(column);
  }
  plan.columns[0].fidelity = Fidelity::kLossless;
  plan.columns[1].fidelity = Fidelity::kLossy;
  plan.columns[1].origin = Origin::kPartition;
  plan.columns[1].may_change = {Change::kCut, Change::kNullTimestamp};
  plan.partition_columns = {plan.columns[0]};
  plan.physical = arrow::schema(
      {arrow::field("col-1", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false,
                    arrow::key_value_metadata({"PARQUET:field_id"}, {"7"})),
       arrow::field("col-2", arrow::map(arrow::utf8(), arrow::struct_({arrow::field(
                                                           "x", arrow::decimal128(20, 4))})))});
  plan.merged = arrow::schema({arrow::field("a", arrow::date32())});
  plan.at_target = true;
  plan.add_columns = {"c"};
  plan.left_out = {{"L", "col-9", "INT"}};
  plan.taken_up = {"c"};
  plan.settings.kind = TableKind::kPkDelta;
  plan.settings.primary_key = {"c"};
  plan.settings.cluster = {{"c"}, {"c"}, 16, true};
  plan.settings.lifecycle_days = 30;
  plan.settings.properties = {{"a", "b"}};
  plan.values = {LongValue::kTruncate, BadUtf8::kReplace, FarTimestamp::kNull};
  plan.choices = "00ff";
  plan.warnings = {"one", "two"};
  return plan;
}

TEST(PlanJson, ATablePlanComesBackExactly) {
  const TablePlan plan = FullPlan();
  const std::string text = ToJson(plan).dump();
  const auto back = TablePlanFromJson(json::parse(text));
  ASSERT_TRUE(back.has_value()) << back.error().ToString();
  EXPECT_EQ(ToJson(*back).dump(), text);
  EXPECT_EQ(back->columns, plan.columns);
  EXPECT_EQ(back->partition_columns, plan.partition_columns);
  EXPECT_EQ(back->location, plan.location);
  EXPECT_EQ(back->version, plan.version);
  EXPECT_TRUE(back->physical->Equals(*plan.physical, true));
  EXPECT_TRUE(back->merged->Equals(*plan.merged, true));
  EXPECT_EQ(back->left_out, plan.left_out);
  EXPECT_EQ(back->settings, plan.settings);
  EXPECT_EQ(back->values, plan.values);
  EXPECT_EQ(back->physical->field(0)->metadata()->Get("PARQUET:field_id").ValueOr(""), "7");
  EXPECT_EQ(back->warnings, plan.warnings);

  const TablePlan bare;
  EXPECT_EQ(TablePlanFromJson(ToJson(bare))->physical, nullptr);
}

TEST(PlanJson, APlanOfAnEarlierReleaseIsReadWithWhatItMeantThen) {
  json old = ToJson(FullPlan());
  for (const char* name : {"merged", "at_target", "add_columns", "left_out", "taken_up", "settings",
                           "values", "choices"}) {
    old.erase(name);
  }
  for (json& column : old["columns"]) {
    for (const char* name : {"origin", "index", "may_change", "partitions_mapped", "fidelity"}) {
      column.erase(name);
    }
  }
  const auto plan = TablePlanFromJson(old);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(plan->columns[2].origin, Origin::kFile);
  EXPECT_EQ(plan->columns[2].index, 2);
  EXPECT_EQ(plan->columns[2].fidelity, std::nullopt);
  EXPECT_EQ(plan->CountFidelity(), std::nullopt) << "what was not judged is no lossless column";
  EXPECT_EQ(plan->settings, TableSettings{});
  EXPECT_EQ(plan->values, ValuePolicy{});
}

TEST(PlanJson, AUnitComesBackExactly) {
  UnitPlan unit;
  unit.target_partition = {{"zz", "it's"}, {"aa", "b=c"}};
  unit.rows = 0;
  unit.bytes = 1LL << 50;
  unit.files = 2;
  unit.fingerprint = "00ff";
  unit.sources = {R"(["it's","b=c"])", R"([null,"ü"])"};
  const delta::DeletionVector vector{"p", "abfss://c@a.dfs.core.windows.net/x%20y", std::nullopt,
                                     34, 1LL << 33};
  unit.splits = {{0,
                  10,
                  {{"a b/ü.parquet", 10, 0, 5, vector, {}},
                   {"z", 7, 2, 5, std::nullopt, {"2024-01-01", std::nullopt}}}},
                 {1, 0, {}}};
  const auto back = UnitPlanFromJson(json::parse(ToJson(unit).dump()));
  ASSERT_TRUE(back.has_value()) << back.error().ToString();
  EXPECT_EQ(*back, unit);
  unit.rows.reset();
  unit.splits[0].slices[0].deletion_vector->offset = 0;
  EXPECT_EQ(*UnitPlanFromJson(ToJson(unit)), unit);
  EXPECT_TRUE(ToJson(unit)["rows"].is_null());
  json old = ToJson(unit);
  old.erase("sources");
  EXPECT_TRUE(UnitPlanFromJson(old)->sources.empty());
}

TEST(PlanJson, WhatIsNoPlanIsRefusedAndNothingThrows) {
  for (const char* text : {"null", "{}", "[]", R"({"source_name":7})", R"("x")"}) {
    const json document = json::parse(text);
    for (const Error& error :
         {TablePlanFromJson(document).error(), UnitPlanFromJson(document).error(),
          SplitFromJson(document).error()}) {
      EXPECT_EQ(error.code(), "PLAN_INVALID") << text;
      EXPECT_EQ(error.kind(), ErrorKind::kCorrupt) << text;
    }
  }
  EXPECT_FALSE(PartitionFromJson(json::parse(R"([["a"]])")).has_value());
  EXPECT_FALSE(PartitionFromJson(json::parse(R"({"a":"b"})")).has_value());
  json broken = ToJson(FullPlan());
  broken["physical"] = "AAAA";
  EXPECT_EQ(TablePlanFromJson(broken).error().code(), "PLAN_INVALID");
  broken = ToJson(FullPlan());
  broken["columns"][0]["type"] = "NO_TYPE";
  EXPECT_FALSE(TablePlanFromJson(broken).has_value());
}

}  // namespace
}  // namespace mms::migration
