// Planning what Inspect reads of the tables that Spark wrote (tests/corpus).
#include "migration/inspect/corpus.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "migration/plan/plan.h"

namespace mms::migration {
namespace {

class CorpusPlan : public Corpus {};

TEST_F(CorpusPlan, EveryTableIsReadAtTheVersionAndWithTheRowsThatSparkSaw) {
  size_t tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "corpus")) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory() || name == "unknown_feature") continue;
    SCOPED_TRACE(name);
    ++tables;
    const auto snapshot = Inspect(name);
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().ToString();
    const nlohmann::json expected = Expected(name);
    EXPECT_EQ(snapshot->version, expected["delta_version"].get<int64_t>());
    EXPECT_EQ(snapshot->partition_columns,
              expected["partition_columns"].get<std::vector<std::string>>());
    std::vector<std::string> columns;
    for (const auto& column : expected["columns"]) columns.push_back(column["name"]);
    EXPECT_EQ(snapshot->logical->field_names(), columns);

    const auto plan = MakePlan(*snapshot, {}, std::nullopt);
    if (name == "bad_parts" || name == "renamed") {
      EXPECT_FALSE(plan.has_value());
      continue;
    }
    ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
    std::multiset<int64_t> rows;
    std::multiset<int64_t> expected_rows;
    for (const UnitPlan& unit : plan->units) rows.insert(unit.rows.value_or(-1));
    if (snapshot->partition_columns.empty()) {
      expected_rows = {expected["rows"].get<int64_t>()};
    } else {
      for (const auto& one : expected["partitions"])
        expected_rows.insert(one["rows"].get<int64_t>());
    }
    EXPECT_EQ(rows, expected_rows);
    EXPECT_EQ(plan->columns.size() + plan->partition_columns.size(), columns.size());
  }
  EXPECT_GE(tables, 22U);
}

TEST_F(CorpusPlan, MappedColumnsHaveTheirPhysicalNames) {
  const auto snapshot = Inspect("mapped_by_id");
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->column_mapping, "id");
  EXPECT_TRUE(snapshot->physical_names.at("unit_price").starts_with("col-"));
  const auto plan = MakePlan(*snapshot, {}, std::nullopt);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(plan->physical->num_fields(), static_cast<int>(plan->columns.size()));
  EXPECT_EQ(plan->units.size(), 3U);
}

TEST_F(CorpusPlan, CharAndVarcharAreSeenThroughTheSchema) {
  const auto snapshot = Inspect("types");
  ASSERT_TRUE(snapshot.has_value());
  const auto plan = MakePlan(*snapshot, {}, std::nullopt);
  ASSERT_TRUE(plan.has_value());
  std::map<std::string, std::string> types;
  for (const ColumnPlan& column : plan->columns) types[column.source_name] = column.source_type;
  EXPECT_EQ(types["c_char"], "CHAR(5)");
  EXPECT_EQ(types["c_varchar"], "VARCHAR(10)");
  EXPECT_EQ(types["c_decimal_38_18"], "DECIMAL(38,18)");
}

TEST_F(CorpusPlan, CommentsOfTheLogGoToTheTarget) {
  const auto plan = MakePlan(*Inspect("plain"), {}, std::nullopt);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->columns[1].target.comment, "its 'name', or none");
}

TEST_F(CorpusPlan, TypedPartitionValuesBecomeText) {
  const auto plan = MakePlan(*Inspect("typed_parts"), {}, std::nullopt);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  ASSERT_EQ(plan->units.size(), 4U);
  std::set<std::string> texts;
  for (const UnitPlan& unit : plan->units)
    texts.insert(maxcompute::ToTunnelText(unit.target_partition));
  EXPECT_TRUE(
      texts.contains("p_int=-2147483648,p_date=0001-01-01,p_bool=false,p_decimal=-9999999.99,"
                     "p_at=1969-12-31 23:59:59.999999"));
  EXPECT_TRUE(texts.contains(
      "p_int=7,p_date=2024-02-29,p_bool=true,p_decimal=1.50,p_at=2024-03-10 07:00:00"));
  EXPECT_EQ(maxcompute::ToText(plan->partition_columns[0].target.type), "STRING")
      << "it has a NULL";
}

TEST_F(CorpusPlan, OddPartitionValuesAreTakenAndBadOnesNamed) {
  EXPECT_TRUE(MakePlan(*Inspect("odd_parts"), {}, std::nullopt).has_value());
  const auto bad = MakePlan(*Inspect("bad_parts"), {}, std::nullopt);
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code(), "PARTITION_VALUE_INVALID");
  EXPECT_NE(bad.error().message().find("and 4 more"), std::string::npos) << bad.error().ToString();
}

}  // namespace
}  // namespace mms::migration
