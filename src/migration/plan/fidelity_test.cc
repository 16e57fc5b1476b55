#include "migration/plan/fidelity.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "migration/plan/plan.h"

namespace mms::migration {
namespace {

using nlohmann::json;

struct Column {
  std::string name;
  std::string type;
  std::shared_ptr<arrow::DataType> arrow;
};

/// Partitioned by its first columns.
Snapshot MakeSnapshot(const std::vector<Column>& columns, size_t partition_columns = 0) {
  Snapshot snapshot;
  snapshot.source.name = "main.sales.orders";
  snapshot.source.table = "orders";
  json fields = json::array();
  arrow::FieldVector logical;
  for (const Column& column : columns) {
    fields.push_back({{"name", column.name},
                      {"type", column.type},
                      {"nullable", true},
                      {"metadata", json::object()}});
    logical.push_back(arrow::field(column.name, column.arrow));
    if (logical.size() <= partition_columns) snapshot.partition_columns.push_back(column.name);
  }
  snapshot.schema_json = json{{"type", "struct"}, {"fields", fields}}.dump();
  snapshot.logical = arrow::schema(logical);
  logical.erase(logical.begin(), logical.begin() + static_cast<ptrdiff_t>(partition_columns));
  snapshot.physical = arrow::schema(logical);
  return snapshot;
}

const std::vector<Column> kColumns = {
    {"id", "long", arrow::int64()},
    {"price", "decimal(38,20)", arrow::decimal128(38, 20)},
    {"note", "string", arrow::utf8()},
    {"seen", "timestamp", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")},
};

FidelityCounts CountsUnder(const Policy& policy) {
  PlanOptions options;
  options.policy = policy;
  const auto plan = MakePlan(MakeSnapshot(kColumns), options, std::nullopt);
  EXPECT_TRUE(plan.has_value()) << plan.error().ToString();
  return plan->CountFidelity().value_or(FidelityCounts());
}

TEST(Fidelity, AColumnIsLossyOnlyUnderAPolicyThatMayChangeItsValues) {
  EXPECT_EQ(CountsUnder({}), (FidelityCounts{3, 1, 0, 0, 0}));
  Policy policy;
  policy.values.on_long_value = LongValue::kTruncate;
  EXPECT_EQ(CountsUnder(policy), (FidelityCounts{2, 1, 1, 0, 0}));
  policy.values.on_timestamp_range = FarTimestamp::kNull;
  EXPECT_EQ(CountsUnder(policy), (FidelityCounts{1, 1, 2, 0, 0}));
  policy.values = {};
  policy.extended_decimal = true;
  EXPECT_EQ(CountsUnder(policy), (FidelityCounts{4, 0, 0, 0, 0}));
}

TEST(Fidelity, APartitionColumnIsLossyWhereTheMapChangesAValue) {
  Snapshot snapshot = MakeSnapshot({kColumns[2], kColumns[0]}, 1);
  for (const char* value : {"a/b", "c"}) {
    delta::File file;
    file.path = value;
    file.partition_values["note"] = value;
    snapshot.files.push_back(file);
  }
  PlanOptions options;
  options.policy.partition_value_map = {{"/", "_"}};
  const auto plan = MakePlan(snapshot, options, std::nullopt);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(plan->partition_columns[0].fidelity, Fidelity::kLossy);
  EXPECT_EQ(plan->partition_columns[0].note,
            "another value in 1 of 2 partitions (partition_value_map)");
  snapshot.files.erase(snapshot.files.begin());
  EXPECT_EQ(MakePlan(snapshot, options, std::nullopt)->partition_columns[0].fidelity,
            Fidelity::kLossless);
}

TEST(Fidelity, ColumnsOfTheTargetAreNotJudgedAndThoseLeftOutAreCountedApart) {
  PlanOptions options;
  options.policy.on_extra_column = ExtraColumn::kIgnore;
  options.policy.on_missing_column = MissingColumn::kNull;
  maxcompute::TableInfo target;
  target.name = "orders";
  target.schema.columns = {{"id", *maxcompute::ParseType("BIGINT"), "", true},
                           {"more", *maxcompute::ParseType("STRING"), "", true}};
  const auto plan = MakePlan(MakeSnapshot(kColumns), options, target);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(plan->columns[1].fidelity, std::nullopt);
  EXPECT_EQ(plan->CountFidelity(), (FidelityCounts{1, 0, 0, 0, 3}));
}

TEST(Fidelity, ATableRefusedForItsColumnsNamesThemAndCountsTheOthers) {
  std::vector<Column> columns = kColumns;
  columns.push_back({"v", "variant", arrow::utf8()});
  columns.push_back({"a b", "string", arrow::utf8()});
  ColumnRefusals refusals;
  const auto plan = MakePlan(MakeSnapshot(columns), {}, std::nullopt, &refusals);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(refusals.counts, (FidelityCounts{3, 1, 0, 2, 0}));
  ASSERT_EQ(refusals.columns.size(), 2U);
  EXPECT_EQ(refusals.columns[0].source_name, "v");
  EXPECT_EQ(refusals.columns[0].source_type, "VARIANT");
  EXPECT_NE(refusals.columns[0].reason.find("is not copied yet"), std::string::npos);
  EXPECT_EQ(refusals.columns[1].source_name, "a b");

  const auto back = ColumnRefusalsFromJson(ToJson(refusals));
  ASSERT_TRUE(back.has_value()) << back.error().ToString();
  EXPECT_EQ(*back, refusals);
  const char* half = "{\"lossless\":1,\"widening\":0,\"lossy\":0,\"columns\":[1]}";
  for (const char* text : {"null", "{}", half}) {
    EXPECT_EQ(ColumnRefusalsFromJson(json::parse(text)).error().code(), "PLAN_INVALID") << text;
  }

  // Refused for something else: nothing is said of columns.
  ColumnRefusals none;
  PlanOptions options;
  options.columns_max = 1;
  EXPECT_FALSE(MakePlan(MakeSnapshot(kColumns), options, std::nullopt, &none).has_value());
  EXPECT_EQ(none, ColumnRefusals());
}

TEST(Fidelity, NamesComeBack) {
  for (const Fidelity fidelity :
       {Fidelity::kLossless, Fidelity::kWidening, Fidelity::kLossy, Fidelity::kRefused}) {
    EXPECT_EQ(ParseFidelity(FidelityName(fidelity)), fidelity);
  }
  EXPECT_EQ(ParseFidelity("fine"), std::nullopt);
}

}  // namespace
}  // namespace mms::migration
