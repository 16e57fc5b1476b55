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

/// A plan that copies all fields of a table, and the table's Delta schema.
TablePlan PlanOf(const arrow::FieldVector& fields) {
  TablePlan plan;
  plan.physical = arrow::schema(fields);
  for (const auto& field : fields) {
    ColumnPlan column;
    column.source_name = field->name();
    column.index = static_cast<int>(plan.columns.size());
    plan.columns.push_back(column);
  }
  return plan;
}

/// "within", "beyond from ... to ..." or "unknown" of a table's only column after a file of which
/// nothing but this is known.
std::string JudgeByFooter(const std::shared_ptr<arrow::DataType>& type, const LeafBounds& bounds) {
  ValueRisks risks = ValueRisks::MakeWithoutLog(PlanOf({arrow::field("c", type)}));
  auto judgements = risks.JudgeStatistics({});
  EXPECT_TRUE(risks.NeedsFooter(judgements));
  risks.JudgeFooter({bounds}, &judgements);
  risks.Count(judgements);
  const auto found = std::move(risks).Finish();
  EXPECT_EQ(found.at(0).files_by_footer, 1 - found[0].files_unknown);
  const std::string place = found[0].files_within == 1   ? "within"
                            : found[0].files_beyond == 1 ? "beyond"
                                                         : "unknown";
  return place + (found[0].lowest.empty() ? "" : " from " + found[0].lowest) +
         (found[0].highest.empty() ? "" : " to " + found[0].highest);
}

LeafBounds Range(Instant low, Instant high, bool covers_all = true) {
  return {covers_all, low, high, std::nullopt};
}

TEST(ValueRisks, AFooterJudgesInstantsToTheBorderItself) {
  constexpr int64_t kDayMicros = 86'400'000'000;
  const auto micros = [](int64_t value) { return InstantOf(value, kDayMicros); };
  const auto type = arrow::timestamp(arrow::TimeUnit::MICRO);
  const Instant first = micros(-9'223'372'036'854'775);
  const Instant last = micros(9'223'372'036'854'775);
  EXPECT_EQ(JudgeByFooter(type, Range(first, last)), "within");
  EXPECT_EQ(JudgeByFooter(type, Range(micros(-9'223'372'036'854'776), last)),
            "beyond from 1677-09-21T00:12:43.145224Z");
  EXPECT_EQ(JudgeByFooter(type, Range(first, micros(9'223'372'036'854'776))),
            "beyond to 2262-04-11T23:47:16.854776Z");
  EXPECT_EQ(JudgeByFooter(type, Range(first, last, false)), "unknown");
  EXPECT_EQ(JudgeByFooter(type, Range(first, micros(9'223'372'036'854'776), false)),
            "beyond to 2262-04-11T23:47:16.854776Z")
      << "one known row group is enough";
  EXPECT_EQ(JudgeByFooter(type, LeafBounds{true, {}, {}, 0}), "within") << "nothing but NULL";
  EXPECT_EQ(JudgeByFooter(type, LeafBounds()), "unknown");
}

TEST(ValueRisks, AFooterJudgesDatesToTheDayWhateverTheYear) {
  const auto judge = [](int64_t low, int64_t high) {
    return JudgeByFooter(arrow::date32(), Range({low, 0}, {high, 0}));
  };
  EXPECT_EQ(judge(-719'162, 2'932'896), "within");
  EXPECT_EQ(judge(-719'163, 2'932'897), "beyond from 0000-12-31 to +10000-01-01");
  EXPECT_EQ(judge(-735'525, 0), "beyond from -0044-03-15");
  EXPECT_EQ(judge(0, 2'147'483'647), "beyond to +5881580-07-11");
  EXPECT_EQ(judge(-2'147'483'648LL, 0), "beyond from -5877641-06-23");
}

TEST(ValueRisks, AFooterProvesLengthsOfAllTextInAColumn) {
  const auto type = arrow::struct_(
      {arrow::field("a", arrow::list(arrow::utf8())), arrow::field("b", arrow::binary())});
  ValueRisks risks = ValueRisks::MakeWithoutLog(PlanOf({arrow::field("c", type)}));
  EXPECT_EQ(risks.leaves(), (std::vector<LeafPath>{{0, 0, 0}, {0, 1}}));
  const auto add = [&](std::optional<int64_t> a, std::optional<int64_t> b) {
    auto judgements = risks.JudgeStatistics({});
    risks.JudgeFooter({{false, {}, {}, a}, {false, {}, {}, b}}, &judgements);
    risks.Count(judgements);
  };
  add(8 << 20, 8 << 20);
  add((8 << 20) + 1, 1);
  add(1, std::nullopt);
  const auto found = std::move(risks).Finish();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].limit, "8 MiB");
  EXPECT_EQ(found[0].files, 3);
  EXPECT_EQ(found[0].files_within, 1);
  EXPECT_EQ(found[0].files_unknown, 2);
}

TEST(ValueRisks, AFooterIsAskedForWhatStatisticsDoNotTellAlone) {
  const auto at = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const TablePlan plan = PlanOf({arrow::field("at", at), arrow::field("l", arrow::list(at)),
                                 arrow::field("note", arrow::utf8())});
  const json list = {{"type", "array"}, {"elementType", "timestamp"}, {"containsNull", true}};
  const json schema = {{"type", "struct"},
                       {"fields", {Field("at", "timestamp"), Field("l", list)}}};
  auto made = ValueRisks::Make(schema.dump(), plan, /*lengths=*/false);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->leaves(), (std::vector<LeafPath>{{0}, {1, 0}}));
  auto judgements =
      made->JudgeStatistics(File(Bounds("col-at", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z")));
  EXPECT_TRUE(made->NeedsFooter(judgements)) << "of the list";
  const LeafBounds far = Range({3'000'000, 0}, {3'000'000, 0});
  made->JudgeFooter({far, Range({0, 0}, {1, 0})}, &judgements);
  made->Count(judgements);
  EXPECT_FALSE(made->NeedsFooter(judgements));
  const auto found = std::move(*made).Finish();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].files_within, 1) << "what the log proves stays";
  EXPECT_EQ(found[0].files_by_footer, 0);
  EXPECT_EQ(found[1].column, "l.element");
  EXPECT_EQ(found[1].files_within, 1);
  EXPECT_EQ(found[1].files_by_footer, 1);

  auto with_lengths = ValueRisks::Make(schema.dump(), plan, /*lengths=*/true);
  ASSERT_TRUE(with_lengths.has_value());
  EXPECT_EQ(with_lengths->leaves().size(), 3U);
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
