#include "migration/plan/plan.h"

#include <arrow/type.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

using nlohmann::json;

/// A table with the data columns and partition columns named, all of one type.
Snapshot MakeSnapshot(const std::vector<std::string>& data,
                      const std::vector<std::string>& partitions,
                      const std::string& type = "string") {
  Snapshot snapshot;
  snapshot.source.name = "main.sales.orders";
  snapshot.source.schema = "sales";
  snapshot.source.table = "Orders";
  snapshot.source.location = {false, "acct", "core.windows.net", "lake", "t/orders"};
  snapshot.version = 12;
  snapshot.table_id = "f8a0";
  snapshot.partition_columns = partitions;
  json fields = json::array();
  arrow::FieldVector logical;
  arrow::FieldVector physical;
  const auto add = [&](const std::string& name, bool partition) {
    fields.push_back(
        {{"name", name}, {"type", type}, {"nullable", true}, {"metadata", json::object()}});
    logical.push_back(arrow::field(name, arrow::utf8()));
    if (!partition) physical.push_back(arrow::field("col-" + name, arrow::utf8()));
    snapshot.physical_names[name] = "col-" + name;
  };
  // Delta keeps partition columns anywhere among the others.
  for (const std::string& name : partitions) add(name, true);
  for (const std::string& name : data) add(name, false);
  snapshot.schema_json = json{{"type", "struct"}, {"fields", fields}}.dump();
  snapshot.logical = arrow::schema(logical);
  snapshot.physical = arrow::schema(physical);
  return snapshot;
}

delta::File File(const std::string& path, int64_t size_bytes, std::optional<int64_t> rows) {
  delta::File file;
  file.path = path;
  file.size_bytes = size_bytes;
  file.rows = rows;
  return file;
}

std::vector<std::string> Names(const std::string& prefix, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}

/// The whole plan as text, units included.
std::string Dump(const TablePlan& plan) {
  std::string text = ToJson(plan).dump();
  for (const UnitPlan& unit : plan.units) text += "\n" + ToJson(unit).dump();
  return text;
}

std::string CodeOf(const Snapshot& snapshot, const PlanOptions& options = {}) {
  const auto plan = MakePlan(snapshot, options, std::nullopt);
  if (plan) return "planned";
  EXPECT_NE(plan.error().where().find("main.sales.orders"), std::string::npos);
  return plan.error().code();
}

TEST(Plan, PutsDataColumnsInOrderAndPartitionColumnsLast) {
  Snapshot snapshot = MakeSnapshot({"Id", "name"}, {"dt", "country"});
  snapshot.source.column_comments["Id"] = "number";
  const auto plan = MakePlan(snapshot, {}, std::nullopt);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(plan->target_table, "orders");
  EXPECT_EQ(plan->version, 12);
  ASSERT_EQ(plan->columns.size(), 2U);
  EXPECT_EQ(plan->columns[0].source_name, "Id");
  EXPECT_EQ(plan->columns[0].target.name, "id");
  EXPECT_EQ(plan->columns[0].target.comment, "number");
  EXPECT_EQ(plan->physical->field_names(), (std::vector<std::string>{"col-Id", "col-name"}));
  const maxcompute::TableSchema schema = plan->TargetSchema();
  ASSERT_EQ(schema.partition_columns.size(), 2U);
  EXPECT_EQ(schema.partition_columns[1].name, "country");
  EXPECT_TRUE(plan->units.empty()) << "a partitioned table without files has no unit";
}

TEST(Plan, AnEmptyTableWithoutPartitionsIsOneUnitWithoutSplits) {
  const auto plan = MakePlan(MakeSnapshot({"id"}, {}), {}, std::nullopt);
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->units.size(), 1U);
  EXPECT_TRUE(plan->units[0].splits.empty());
  EXPECT_TRUE(plan->units[0].target_partition.empty());
  EXPECT_EQ(plan->units[0].rows, 0);
}

TEST(Plan, RowsAreThoseOfTheLogLessDeletedOnesOrUnknown) {
  Snapshot snapshot = MakeSnapshot({"id"}, {});
  snapshot.files = {File("a", 10, 500), File("b", 10, 500)};
  snapshot.files[1].deletion_vector = delta::DeletionVector{"u", "x", 1, 40, 50};
  auto plan = MakePlan(snapshot, {}, std::nullopt);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->units[0].rows, 950);
  EXPECT_EQ(plan->units[0].bytes, 20);
  EXPECT_EQ(plan->units[0].files, 2);
  EXPECT_TRUE(plan->warnings.empty());
  const std::string fingerprint = plan->units[0].fingerprint;

  snapshot.files[0].rows.reset();
  plan = MakePlan(snapshot, {}, std::nullopt);
  ASSERT_TRUE(plan.has_value());
  EXPECT_FALSE(plan->units[0].rows.has_value());
  EXPECT_EQ(plan->units[0].fingerprint, fingerprint);
  EXPECT_EQ(plan->warnings.size(), 1U);
}

/// A table of one partition column, as read by SQL.
Snapshot SqlSnapshot(std::optional<int64_t> version, const std::string& reading) {
  Snapshot snapshot = MakeSnapshot({"id"}, {"p"});
  snapshot.physical_names["p"] = "p";
  snapshot.sql = SqlReading{"`main`.`sales`.`orders`", version, false};
  snapshot.reading = reading;
  snapshot.files = {File(R"(["a"])", 0, 3), File("[null]", 0, 2)};
  snapshot.files[0].partition_values["p"] = "a";
  snapshot.files[1].partition_values["p"] = std::nullopt;
  return snapshot;
}

TEST(Plan, ATableReadBySqlHasAStatementForEachPartition) {
  const auto plan = MakePlan(SqlSnapshot(7, "version 7"), {}, std::nullopt);
  ASSERT_TRUE(plan) << plan.error().ToString();
  ASSERT_EQ(plan->units.size(), 2u);
  std::vector<SqlPart> parts;
  for (const UnitPlan& unit : plan->units) {
    ASSERT_EQ(unit.splits.size(), 1u);
    ASSERT_EQ(unit.splits[0].slices.size(), 1u);
    EXPECT_EQ(unit.splits[0].block_id, 0);
    EXPECT_EQ(unit.files, 0);
    parts.push_back(*unit.splits[0].slices[0].sql);
    EXPECT_EQ(unit.rows, parts.back().rows);
  }
  EXPECT_EQ(parts[0], (SqlPart{"`p` IS NULL", 2}));
  EXPECT_EQ(parts[1], (SqlPart{"`p` = 'a'", 3}));
}

TEST(Plan, WhatIsReadAtAnotherTimeOrVersionIsNeverTakenForTheSame) {
  const auto first = MakePlan(SqlSnapshot(std::nullopt, "one"), {}, std::nullopt);
  const auto second = MakePlan(SqlSnapshot(std::nullopt, "two"), {}, std::nullopt);
  const auto again = MakePlan(SqlSnapshot(std::nullopt, "one"), {}, std::nullopt);
  ASSERT_TRUE(first && second && again);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NE(first->units[i].fingerprint, second->units[i].fingerprint);
    EXPECT_EQ(first->units[i].fingerprint, again->units[i].fingerprint);
  }
  EXPECT_NE(first->units[0].fingerprint, first->units[1].fingerprint);
  EXPECT_FALSE(first->warnings.empty());
}

TEST(Plan, SqlsPlanSurvivesItsJson) {
  const auto plan = MakePlan(SqlSnapshot(7, "version 7"), {}, std::nullopt);
  ASSERT_TRUE(plan);
  const auto table = TablePlanFromJson(ToJson(*plan));
  const auto unit = UnitPlanFromJson(ToJson(plan->units[0]));
  ASSERT_TRUE(table && unit);
  EXPECT_EQ(table->sql, plan->sql);
  EXPECT_EQ(*unit, plan->units[0]);
}

TEST(Plan, IntegerPartitionsWithNullBecomeString) {
  Snapshot snapshot = MakeSnapshot({"id"}, {"n"}, "integer");
  snapshot.files = {File("a", 10, 1), File("b", 10, 1)};
  snapshot.files[0].partition_values["col-n"] = "7";
  snapshot.files[1].partition_values["col-n"] = "8";
  EXPECT_EQ(
      maxcompute::ToText(MakePlan(snapshot, {}, std::nullopt)->partition_columns[0].target.type),
      "INT");
  snapshot.files[1].partition_values["col-n"] = std::nullopt;
  const auto plan = MakePlan(snapshot, {}, std::nullopt);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(maxcompute::ToText(plan->partition_columns[0].target.type), "STRING");
  EXPECT_EQ(plan->partition_columns[0].note, "INT becomes STRING: a partition's value is NULL");
  ASSERT_EQ(plan->units.size(), 2U);
  EXPECT_EQ(plan->units[1].target_partition[0].second, "__HIVE_DEFAULT_PARTITION__");
}

TEST(Plan, TakesTheMostColumnsAndLevelsAndNoMore) {
  EXPECT_EQ(CodeOf(MakeSnapshot(Names("c", 1200), {})), "planned");
  EXPECT_EQ(CodeOf(MakeSnapshot(Names("c", 1201), {})), "COLUMNS_LIMIT");
  EXPECT_EQ(CodeOf(MakeSnapshot(Names("c", 1199), {"p"})), "planned");
  EXPECT_EQ(CodeOf(MakeSnapshot(Names("c", 1200), {"p"})), "COLUMNS_LIMIT");
  EXPECT_EQ(CodeOf(MakeSnapshot({"c"}, Names("p", 6))), "planned");
  EXPECT_EQ(CodeOf(MakeSnapshot({"c"}, Names("p", 7))), "PARTITION_LEVELS");
}

TEST(Plan, LevelsBeyondTheMostThatIsWantedBecomeOrdinaryColumnsOfEachFile) {
  Snapshot snapshot = MakeSnapshot({"c"}, Names("p", 7));
  snapshot.files = {File("a", 10, 1), File("b", 10, 1)};
  for (const std::string& name : Names("p", 7)) {
    for (delta::File& file : snapshot.files) file.partition_values["col-" + name] = name;
  }
  snapshot.files[1].partition_values["col-p6"] = std::nullopt;
  PlanOptions options;
  options.policy.max_partition_levels = 6;
  const auto plan = MakePlan(snapshot, options, std::nullopt);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(plan->partition_columns.size(), 6U);
  ASSERT_EQ(plan->columns.size(), 2U) << "in the order of the source's columns";
  EXPECT_EQ(plan->columns[0].target.name, "p6");
  EXPECT_EQ(plan->columns[0].origin, Origin::kPartition);
  EXPECT_EQ(plan->columns[1].origin, Origin::kFile);
  EXPECT_EQ(plan->columns[1].index, 0);
  EXPECT_EQ(plan->merged->field_names(), (std::vector<std::string>{"p6"}));
  ASSERT_EQ(plan->units.size(), 1U) << "both files differ only in the level that is merged";
  std::vector<std::optional<std::string>> values;
  for (const Split& split : plan->units[0].splits) {
    for (const FileSlice& slice : split.slices) values.push_back(slice.merged_values.at(0));
  }
  EXPECT_EQ(values, (std::vector<std::optional<std::string>>{"p6", std::nullopt}));
}

TEST(Plan, PoliciesShowInTheColumnsThatTheyMayChange) {
  Snapshot snapshot = MakeSnapshot({"s", "n b"}, {});
  PlanOptions options;
  options.policy.values = {LongValue::kTruncate, BadUtf8::kNull, FarTimestamp::kNull};
  options.policy.column_name_map = {{" ", "_"}};
  const auto plan = MakePlan(snapshot, options, std::nullopt);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(plan->columns[0].may_change, (std::vector<Change>{Change::kCut, Change::kNullUtf8}));
  EXPECT_EQ(plan->columns[1].target.name, "n_b");
  EXPECT_EQ(plan->columns[1].note, "renamed by column_name_map");
  EXPECT_NE(plan->choices, MakePlan(MakeSnapshot({"s"}, {}), {}, std::nullopt)->choices);
  EXPECT_TRUE(MakePlan(MakeSnapshot({"s"}, {}), {}, std::nullopt)->columns[0].may_change.empty());
}

TEST(Plan, NotNullAndVarcharAndLongDecimalsStayWhereThePolicySaysSo) {
  Snapshot snapshot = MakeSnapshot({"d"}, {}, "decimal(38,20)");
  PlanOptions options;
  options.policy.extended_decimal = true;
  options.policy.keep_not_null = true;
  snapshot.schema_json.replace(snapshot.schema_json.find("\"nullable\":true"), 15,
                               "\"nullable\":false");
  auto plan = MakePlan(snapshot, options, std::nullopt);
  ASSERT_TRUE(plan.has_value()) << plan.error().ToString();
  EXPECT_EQ(maxcompute::ToText(plan->columns[0].target.type), "DECIMAL(38,20)");
  EXPECT_FALSE(plan->columns[0].target.nullable);
  plan = MakePlan(snapshot, {}, std::nullopt);
  EXPECT_EQ(maxcompute::ToText(plan->columns[0].target.type), "STRING");
  EXPECT_TRUE(plan->columns[0].target.nullable);
}

TEST(Plan, RefusesByNameWhatCannotBeAtTheTarget) {
  EXPECT_EQ(CodeOf(MakeSnapshot({"v"}, {}, "variant")), "TYPE_UNSUPPORTED");
  EXPECT_EQ(CodeOf(MakeSnapshot({"a", "A"}, {})), "NAME_COLLISION");
  EXPECT_EQ(CodeOf(MakeSnapshot({"a"}, {"A"})), "NAME_COLLISION");
  EXPECT_EQ(CodeOf(MakeSnapshot({}, {"p"})), "DELTA_SCHEMA_INVALID");
  Snapshot named = MakeSnapshot({"a"}, {});
  named.source.table = "my-orders";
  EXPECT_EQ(CodeOf(named), "NAME_INVALID");
  named.source.target_as = "My_Orders";
  EXPECT_EQ(MakePlan(named, {}, std::nullopt)->target_table, "my_orders");
  Snapshot odd = MakeSnapshot({"a"}, {});
  odd.physical = arrow::schema({});
  EXPECT_EQ(CodeOf(odd), "PLAN_SCHEMAS_DIFFER");
  Snapshot refused = MakeSnapshot({"a"}, {});
  refused.source.refusal = Error(ErrorKind::kUnsupported, "TABLE_ROW_FILTER", "it has a row filter")
                               .At("table main.sales.orders");
  EXPECT_EQ(CodeOf(refused), "TABLE_ROW_FILTER");
}

TEST(Plan, NamesAllBadColumnsTogether) {
  const auto plan = MakePlan(MakeSnapshot({"unit price", "ok", "a;b"}, {"p q"}), {}, std::nullopt);
  ASSERT_FALSE(plan.has_value());
  for (const char* name : {"\"unit price\"", "\"a;b\"", "\"p q\""}) {
    EXPECT_NE(plan.error().message().find(name), std::string::npos) << plan.error().ToString();
  }
}

TEST(Plan, CutsCommentsAndSaysSo) {
  Snapshot snapshot = MakeSnapshot({"id"}, {});
  snapshot.source.comment = std::string(2000, 'c');
  snapshot.source.column_comments["id"] = std::string(2000, 'c');
  const auto plan = MakePlan(snapshot, {}, std::nullopt);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->comment.size(), 1024U);
  EXPECT_EQ(plan->columns[0].target.comment.size(), 1024U);
  EXPECT_EQ(plan->warnings.size(), 2U);
}

/// 100,000 files of 20 partitions (or of none).
Snapshot Large(bool partitioned) {
  Snapshot snapshot = MakeSnapshot(
      {"id"}, partitioned ? std::vector<std::string>{"p"} : std::vector<std::string>{});
  for (int i = 0; i < 100000; ++i) {
    delta::File file = File(fmt::format("p={}/part-{:08}-{}.snappy.parquet", i % 20, i,
                                        "0123456789abcdef0123456789abcdef"),
                            1000000 + i * 7919 % 99999937, 1000);
    file.partition_values["col-p"] = std::to_string(i % 20);
    snapshot.files.push_back(std::move(file));
  }
  return snapshot;
}

TEST(Plan, TheSameTableTwiceGivesTheSameDocuments) {
  Snapshot snapshot = Large(true);
  const auto first = MakePlan(snapshot, {}, std::nullopt);
  std::reverse(snapshot.files.begin(), snapshot.files.end());
  const auto second = MakePlan(snapshot, {}, std::nullopt);
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(Dump(*first), Dump(*second));
  EXPECT_EQ(first->units.size(), 20U);
}

TEST(Plan, AHundredThousandFilesOfOneUnitTakeSeconds) {
  const Snapshot snapshot = Large(false);
  const auto start = std::chrono::steady_clock::now();
  const auto plan = MakePlan(snapshot, {}, std::nullopt);
  const auto spent = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->units.size(), 1U);
  EXPECT_EQ(plan->units[0].splits.size(), 400U);
  // Takes about 0.2 s; what grows with the square of the files would take minutes.
  EXPECT_LT(std::chrono::duration<double>(spent).count(), 20.0);
}

/// Partitions of a region and a day, a file each.
Snapshot ByRegionAndDay(const std::vector<std::pair<std::string, std::string>>& values) {
  Snapshot snapshot = MakeSnapshot({"id"}, {"region", "day"});
  for (const auto& [region, day] : values) {
    delta::File file = File(region + day, 10, 1);
    file.partition_values["col-region"] = region;
    file.partition_values["col-day"] = day;
    snapshot.files.push_back(std::move(file));
  }
  return snapshot;
}

Result<TablePlan> PlanPart(Snapshot snapshot, const std::string& partitions,
                           const PlanOptions& options = {}) {
  snapshot.source.settings.partitions = partitions;
  return MakePlan(snapshot, options, std::nullopt);
}

TEST(Plan, OnlyThePartitionsThatAreMeantAreInIt) {
  const Snapshot snapshot = ByRegionAndDay({{"eu", "1"}, {"us", "1"}, {"eu", "2"}, {"a/b", "2"}});
  EXPECT_FALSE(PlanPart(snapshot, ""));  // a/b is no value of MaxCompute
  const auto plan = PlanPart(snapshot, "region = 'eu' AND day >= '2'");
  ASSERT_TRUE(plan) << plan.error().ToString();
  ASSERT_EQ(plan->units.size(), 1U);
  EXPECT_EQ(plan->units[0].target_partition,
            (maxcompute::PartitionSpec{{"region", "eu"}, {"day", "2"}}));
  ASSERT_EQ(plan->warnings.size(), 1U);
  EXPECT_EQ(plan->warnings[0],
            "only the partitions with region = 'eu' AND day >= '2' are copied and compared");
}

TEST(Plan, AConditionThatMeansNothingIsRefusedByName) {
  const Snapshot snapshot = ByRegionAndDay({{"eu", "1"}});
  for (const auto& [text, why] : {std::pair("region = 'us'", "none of the table's partitions"),
                                  std::pair("city = 'x'", "these are: region, day"),
                                  std::pair("region > 5", "column region")}) {
    const auto plan = PlanPart(snapshot, text);
    ASSERT_FALSE(plan) << text;
    EXPECT_EQ(plan.error().code(), "PARTITION_FILTER");
    EXPECT_NE(plan.error().message().find(why), std::string::npos) << plan.error().ToString();
  }
  Snapshot flat = MakeSnapshot({"id"}, {});
  flat.files = {File("a", 1, 1)};
  EXPECT_EQ(PlanPart(flat, "a = 1").error().code(), "PARTITION_FILTER");
}

TEST(Plan, AConditionIsOnTheSourcesValuesBeforeTheyAreMapped) {
  PlanOptions options;
  options.policy.partition_value_map = {{"/", "_"}};
  const Snapshot snapshot = ByRegionAndDay({{"a/b", "1"}, {"c", "1"}});
  const auto plan = PlanPart(snapshot, "region = 'a/b'", options);
  ASSERT_TRUE(plan) << plan.error().ToString();
  ASSERT_EQ(plan->units.size(), 1U);
  EXPECT_EQ(plan->units[0].target_partition[0].second, "a_b");
  EXPECT_EQ(PlanPart(snapshot, "region = 'a_b'", options).error().code(), "PARTITION_FILTER");
}

TEST(Plan, AConditionThatAnotherReadingWouldTakeOtherwiseIsWarnedOf) {
  const Snapshot snapshot = ByRegionAndDay({{"eu", "1"}, {"us", "1"}});
  const auto plan = PlanPart(snapshot, "region = 'eu' OR region = 'us' AND day = '2'");
  ASSERT_TRUE(plan) << plan.error().ToString();
  EXPECT_EQ(plan->units.size(), 1U);
  ASSERT_EQ(plan->warnings.size(), 2U);
  EXPECT_EQ(plan->warnings[0].find("partitions: \"region = 'us' AND day = '2'\" is taken"), 0U);
}

TEST(Plan, UnderAnotherOrderOfACharacterMapATableIsPlannedAnew) {
  Policy policy, other;
  policy.table_name_map = {{"a", "b"}, {"b", "c"}};
  other.table_name_map = {{"b", "c"}, {"a", "b"}};
  EXPECT_NE(ChoicesId(policy, {}), ChoicesId(other, {}));
}

/// Tasks by the text of their partitions' values.
Snapshot Selected(Snapshot snapshot, std::unordered_map<std::string, int64_t> task_of,
                  int64_t whole_task = 0) {
  auto selection = std::make_shared<PartitionSelection>();
  selection->id = "job 3";
  selection->task_of = std::move(task_of);
  selection->whole_task = whole_task;
  snapshot.source.selection = selection;
  snapshot.source.settings.selection = selection->id;
  return snapshot;
}

TEST(Plan, AJobsPartitionsAreInItWithTheirTasks) {
  const Snapshot all = ByRegionAndDay({{"eu", "1"}, {"us", "1"}, {"eu", "2"}, {"a/b", "2"}});
  const auto some = MakePlan(Selected(all, {{R"(["eu","1"])", 7}, {R"(["eu","2"])", 8}}), {}, {});
  ASSERT_TRUE(some) << some.error().ToString();
  ASSERT_EQ(some->units.size(), 2U);
  EXPECT_EQ(some->units[0].task, 7);
  EXPECT_EQ(some->units[1].task, 8);
  EXPECT_EQ(some->settings.selection, "job 3");

  // What left the source meanwhile is in no unit; a job for the schema alone has none at all.
  const auto none = MakePlan(Selected(all, {{R"(["gone","1"])", 7}}), {}, {});
  ASSERT_TRUE(none) << none.error().ToString();
  EXPECT_TRUE(none->units.empty());
  const auto whole = MakePlan(Selected(ByRegionAndDay({{"eu", "1"}, {"us", "1"}}), {}, 9), {}, {});
  ASSERT_TRUE(whole) << whole.error().ToString();
  ASSERT_EQ(whole->units.size(), 2U);
  EXPECT_EQ(whole->units[1].task, 9);
}

TEST(Plan, OfMergedLevelsATargetPartitionIsTakenWhole) {
  PlanOptions options;
  options.policy.max_partition_levels = 1;
  const Snapshot all = ByRegionAndDay({{"eu", "1"}, {"us", "1"}, {"eu", "2"}});
  const auto plan = MakePlan(Selected(all, {{R"(["eu","2"])", 7}}), options, {});
  ASSERT_TRUE(plan) << plan.error().ToString();
  ASSERT_EQ(plan->units.size(), 1U);
  EXPECT_EQ(plan->units[0].files, 2);  // writing it without eu/1 would take that away
  EXPECT_EQ(plan->units[0].task, 7);
}

TEST(Plan, AJobsOwnLevelsGoBeforeThoseOfThePolicy) {
  PlanOptions options;
  options.policy.max_partition_levels = 2;
  Snapshot snapshot = ByRegionAndDay({{"eu", "1"}, {"us", "1"}, {"eu", "2"}});
  snapshot.source.settings.partition_levels = 1;
  EXPECT_EQ(MakePlan(snapshot, options, {})->units.size(), 2U);
  snapshot.source.settings.partition_levels = 0;
  const auto flat = MakePlan(snapshot, options, {});
  ASSERT_TRUE(flat) << flat.error().ToString();
  EXPECT_TRUE(flat->partition_columns.empty());
  ASSERT_EQ(flat->units.size(), 1U);
  EXPECT_EQ(flat->units[0].files, 3);
  EXPECT_EQ(TableSettingsFromJson(ToJson(flat->settings)).partition_levels, 0);
  snapshot.source.settings.partition_levels = 6;
  EXPECT_EQ(MakePlan(snapshot, options, {})->partition_columns.size(), 2U);
}

TEST(Plan, OfNoLevelByThePolicyTheTargetHasNoPartitionsAsByAJob) {
  const Snapshot snapshot = ByRegionAndDay({{"eu", "1"}, {"us", "1"}});
  PlanOptions options;
  const auto parted = MakePlan(snapshot, options, {});
  EXPECT_EQ(parted->partition_columns.size(), 2U);
  options.policy.max_partition_levels = 0;
  const auto flat = MakePlan(snapshot, options, {});
  ASSERT_TRUE(flat) << flat.error().ToString();
  EXPECT_TRUE(flat->partition_columns.empty());
  ASSERT_EQ(flat->units.size(), 1U);
  EXPECT_EQ(flat->units[0].files, 2);
  EXPECT_NE(flat->choices, parted->choices) << "a plan of the one is not gone on with by the other";
  Snapshot of_job = snapshot;
  of_job.source.settings.partition_levels = 0;
  const auto by_job = MakePlan(of_job, {}, {});
  EXPECT_EQ(flat->columns.size(), by_job->columns.size());
  EXPECT_EQ(flat->merged->field_names(), by_job->merged->field_names());
}

TEST(Plan, AColumnMappingNamesColumnsBeforeTheCharacterMapDoes) {
  Snapshot snapshot = MakeSnapshot({"unit price", "Id"}, {"sale day"});
  snapshot.source.settings.column_names = {{"UNIT PRICE", "price"}, {"sale day", "ds"}};
  PlanOptions options;
  options.policy.column_name_map = {{" ", "_"}};
  const auto plan = MakePlan(snapshot, options, std::nullopt);
  ASSERT_TRUE(plan) << plan.error().ToString();
  EXPECT_EQ(plan->columns[0].target.name, "price");
  EXPECT_EQ(plan->columns[0].note, "renamed by the column mapping");
  EXPECT_EQ(plan->columns[1].target.name, "id");
  EXPECT_EQ(plan->partition_columns[0].target.name, "ds");
}

TEST(Plan, AMergedLevelIsNoPartitionToChooseBy) {
  PlanOptions options;
  options.policy.max_partition_levels = 1;
  const Snapshot snapshot = ByRegionAndDay({{"eu", "1"}, {"eu", "2"}});
  EXPECT_EQ(PlanPart(snapshot, "region = 'eu'", options)->units.size(), 1U);
  EXPECT_EQ(PlanPart(snapshot, "day = '1'", options).error().code(), "PARTITION_FILTER");
}

TEST(Plan, APartitionThatIsNotMeantIsStillNotOverwrittenByOneThatIs) {
  PlanOptions options;
  options.policy.partition_value_map = {{"/", "_"}};
  const Snapshot snapshot = ByRegionAndDay({{"a/b", "1"}, {"a_b", "1"}});
  EXPECT_EQ(PlanPart(snapshot, "region = 'a_b'", options).error().code(), "PARTITION_COLLISION");
}

}  // namespace
}  // namespace mms::migration
