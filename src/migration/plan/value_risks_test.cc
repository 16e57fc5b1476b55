#include "migration/plan/value_risks.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

using nlohmann::json;

json Field(const std::string& name, const json& type) {
  return {{"name", name},
          {"type", type},
          {"nullable", true},
          {"metadata", {{"delta.columnMapping.physicalName", "col-" + name}}}};
}

/// All columns are copied but those left out.
ValueRisks Make(const std::vector<json>& fields, const ValuePolicy& values = {},
                const std::string& left_out = "") {
  TablePlan plan;
  plan.values = values;
  for (const json& field : fields) {
    ColumnPlan column;
    column.source_name = field["name"];
    if (column.source_name != left_out) plan.columns.push_back(column);
  }
  auto risks = ValueRisks::Make(json{{"type", "struct"}, {"fields", fields}}.dump(), plan);
  EXPECT_TRUE(risks.has_value()) << risks.error().ToString();
  return *std::move(risks);
}

delta::File File(const json& statistics) {
  delta::File file;
  file.statistics = statistics.is_null() ? "" : statistics.dump();
  return file;
}

json Bounds(const std::string& column, const json& low, const json& high) {
  return {{"numRecords", 2},
          {"minValues", {{column, low}}},
          {"maxValues", {{column, high}}},
          {"nullCount", {{column, 0}}}};
}

/// "within/beyond/unknown lowest highest" of the only column after one file.
std::string Judge(const std::string& type, const json& statistics) {
  ValueRisks risks = Make({Field("c", type)});
  risks.Add(File(statistics));
  const auto found = std::move(risks).Finish();
  EXPECT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].files, 1);
  const std::string place = found[0].files_within == 1   ? "within"
                            : found[0].files_beyond == 1 ? "beyond"
                                                         : "unknown";
  return place + (found[0].lowest.empty() ? "" : " from " + found[0].lowest) +
         (found[0].highest.empty() ? "" : " to " + found[0].highest);
}

TEST(ValueRisks, ATimestampIsJudgedByBothItsBounds) {
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {"2024-01-01T00:00:00.000Z", "2024-12-31T23:59:59.999Z", "within"},
      {"1678-01-01T00:00:00.000Z", "2262-01-01T00:00:00.000-08:00", "within"},
      {"2024-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z",
       "beyond to 9999-12-31T23:59:59.999Z"},
      {"0001-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z",
       "beyond from 0001-01-01T00:00:00.000Z"},
      {"-0044-03-15T00:00:00.000Z", "+10000-01-01T00:00:00.000Z",
       "beyond from -0044-03-15T00:00:00.000Z to +10000-01-01T00:00:00.000Z"},
      // Statistics are cut to milliseconds and may have any zone: at the very border nothing is
      // proved.
      {"2024-01-01T00:00:00.000Z", "2262-04-11T23:47:16.854Z", "unknown"},
      {"1677-09-21T00:12:43.145Z", "2024-01-01T00:00:00.000Z", "unknown"},
      {"2024-01-01T00:00:00.000Z", "soon", "unknown"},
      {"2024-01-01T00:00:00.000Z", "2024-13-01T00:00:00.000Z", "unknown"},
  };
  for (const char* type : {"timestamp", "timestamp_ntz"}) {
    for (const auto& [low, high, expected] : cases) {
      EXPECT_EQ(Judge(type, Bounds("col-c", low, high)), expected) << low << " " << high;
    }
  }
}

TEST(ValueRisks, ADateIsJudgedToTheDay) {
  EXPECT_EQ(Judge("date", Bounds("col-c", "0001-01-01", "9999-12-31")), "within");
  EXPECT_EQ(Judge("date", Bounds("col-c", "0000-12-31", "2024-01-01")), "beyond from 0000-12-31");
  EXPECT_EQ(Judge("date", Bounds("col-c", "2024-01-01", "10000-01-01")), "beyond to 10000-01-01");
}

TEST(ValueRisks, WhatStatisticsDoNotProveIsUnknown) {
  const json good = Bounds("col-c", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z");
  EXPECT_EQ(Judge("timestamp", good), "within");
  EXPECT_EQ(Judge("timestamp", nullptr), "unknown") << "no statistics at all";
  EXPECT_EQ(Judge("timestamp", {{"numRecords", 2}}), "unknown") << "beyond the first 32 columns";
  for (const char* member : {"minValues", "maxValues"}) {
    json half = good;
    half.erase(member);
    EXPECT_EQ(Judge("timestamp", half), "unknown") << member;
  }
  EXPECT_EQ(Judge("timestamp", Bounds("c", "2024-01-01", "2024-01-01")), "unknown")
      << "statistics go by physical names";

  json nulls = {{"numRecords", 2}, {"nullCount", {{"col-c", 2}}}};
  EXPECT_EQ(Judge("timestamp", nulls), "within") << "nothing but NULL";
  nulls["tightBounds"] = false;
  EXPECT_EQ(Judge("timestamp", nulls), "unknown");
  EXPECT_EQ(Judge("timestamp", {{"numRecords", 0}}), "within");
}

TEST(ValueRisks, FilesAreCountedAndTheFarthestBoundsKept) {
  ValueRisks risks = Make({Field("c", "timestamp")});
  risks.Add(File(Bounds("col-c", "0500-01-01T00:00:00Z", "3000-01-01T00:00:00Z")));
  risks.Add(File(Bounds("col-c", "1000-01-01T00:00:00Z", "9999-01-01T00:00:00Z")));
  risks.Add(File(Bounds("col-c", "2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z")));
  risks.Add(File(nullptr));
  const auto found = std::move(risks).Finish();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].files, 4);
  EXPECT_EQ(found[0].files_within, 1);
  EXPECT_EQ(found[0].files_beyond, 2);
  EXPECT_EQ(found[0].files_unknown, 1);
  EXPECT_EQ(found[0].lowest, "0500-01-01T00:00:00Z");
  EXPECT_EQ(found[0].highest, "9999-01-01T00:00:00Z");
}

TEST(ValueRisks, FieldsOfStructsAreFoundAndThoseOfArraysAndMapsAreUnknown) {
  const json inner = {{"type", "struct"},
                      {"fields", {Field("at", "timestamp"), Field("n", "long")}}};
  const json list = {{"type", "array"}, {"elementType", inner}, {"containsNull", true}};
  const json map = {{"type", "map"}, {"keyType", "date"}, {"valueType", "long"}};
  ValueRisks risks = Make({Field("s", inner), Field("l", list), Field("m", map),
                           Field("id", "long"), Field("out", "timestamp")},
                          {}, "out");
  json statistics = {{"numRecords", 2}};
  for (const char* member : {"minValues", "maxValues"}) {
    statistics[member]["col-s"]["col-at"] = "2024-01-01T00:00:00Z";
  }
  risks.Add(File(statistics));
  const auto found = std::move(risks).Finish();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].column, "s.at");
  EXPECT_EQ(found[0].files_within, 1);
  EXPECT_EQ(found[1].column, "l.element.at");
  EXPECT_EQ(found[1].files_unknown, 1);
  EXPECT_EQ(found[2].column, "m.key");
  EXPECT_EQ(found[2].source_type, "DATE");
  EXPECT_EQ(found[2].files_unknown, 1);
}

TEST(ValueRisks, WhatBecomesOfAValueIsWhatThePolicySays) {
  const auto outcome = [](const char* type, ValuePolicy values) {
    return std::move(Make({Field("c", type)}, values)).Finish()[0].outcome;
  };
  EXPECT_NE(outcome("timestamp", {}).find("record by record"), std::string::npos);
  EXPECT_NE(outcome("timestamp", {.on_timestamp_range = FarTimestamp::kNull}).find("NULL"),
            std::string::npos);
  EXPECT_NE(outcome("timestamp", {.on_timestamp_range = FarTimestamp::kFail}).find("fails"),
            std::string::npos);
  EXPECT_EQ(outcome("date", {}).find("fails its partition"), 0U);
  EXPECT_EQ(outcome("date", {.on_timestamp_range = FarTimestamp::kNull}).find("NULL"), 0U);
}

TEST(ValueRisks, LengthsAreUnknownOfEachColumnWithTextOrBytes) {
  TablePlan plan;
  const std::tuple<const char*, const char*, std::shared_ptr<arrow::DataType>> columns[] = {
      {"note", "STRING", arrow::utf8()},
      {"price", "DECIMAL(38,20)", arrow::decimal128(38, 20)},
      {"raw", "ARRAY<BINARY>", arrow::list(arrow::binary())}};
  arrow::FieldVector fields;
  for (const auto& [name, type, arrow_type] : columns) {
    ColumnPlan column;
    column.source_name = name;
    column.source_type = type;
    column.index = static_cast<int>(fields.size());
    plan.columns.push_back(column);
    fields.push_back(arrow::field(name, arrow_type));
  }
  plan.columns.emplace_back().origin = Origin::kNull;
  plan.physical = arrow::schema(fields);
  plan.values.on_long_value = LongValue::kTruncate;
  const auto risks = LengthRisks(plan, 7);
  ASSERT_EQ(risks.size(), 2U);
  EXPECT_EQ(risks[0].column, "note");
  EXPECT_EQ(risks[1].column, "raw");
  EXPECT_EQ(risks[1].files_unknown, 7);
  EXPECT_NE(risks[0].outcome.find("cut"), std::string::npos);

  EXPECT_FALSE(HasTimes(plan));
  fields.push_back(arrow::field("at", arrow::list(arrow::date32())));
  plan.physical = arrow::schema(fields);
  EXPECT_TRUE(HasTimes(plan));
}

TEST(ValueRisks, ASchemaThatIsNoneIsCorrupt) {
  TablePlan plan;
  ColumnPlan column;
  column.source_name = "c";
  plan.columns.push_back(column);
  for (const char* text :
       {"{}", R"({"fields":[{"name":"c","type":{"type":"struct","fields":[{"name":1}]}}]})"}) {
    const auto risks = ValueRisks::Make(text, plan);
    ASSERT_FALSE(risks.has_value()) << text;
    EXPECT_EQ(risks.error().code(), "DELTA_SCHEMA_INVALID");
  }
}

}  // namespace
}  // namespace mms::migration
