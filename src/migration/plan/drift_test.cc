#include "migration/plan/drift.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

namespace mms::migration {
namespace {

maxcompute::Column Target(const std::string& name, const std::string& type, bool nullable = true) {
  return {name, *maxcompute::ParseType(type), "", nullable};
}

/// A plan of these columns, each read from physical column "col-" + its name.
TablePlan PlanOf(const std::vector<maxcompute::Column>& columns) {
  TablePlan plan;
  arrow::FieldVector physical;
  for (const maxcompute::Column& target : columns) {
    ColumnPlan column;
    column.source_name = target.name;
    column.source_type = maxcompute::ToText(target.type);
    column.target = target;
    column.index = static_cast<int>(physical.size());
    physical.push_back(arrow::field("col-" + target.name, arrow::utf8()));
    plan.columns.push_back(column);
  }
  plan.physical = arrow::schema(physical);
  plan.units.resize(1);
  plan.units[0].fingerprint = "f";
  return plan;
}

maxcompute::TableInfo Table(std::vector<maxcompute::Column> columns) {
  maxcompute::TableInfo info;
  info.name = "t";
  info.schema.columns = std::move(columns);
  return info;
}

std::vector<std::string> Names(const TablePlan& plan) {
  std::vector<std::string> names;
  for (const ColumnPlan& column : plan.columns) names.push_back(column.target.name);
  return names;
}

TEST(Drift, ColumnsFollowTheTargetsOrderAndNamesHaveNoCase) {
  TablePlan plan = PlanOf({Target("a", "BIGINT"), Target("b", "STRUCT<x:INT>")});
  ASSERT_TRUE(
      FollowTarget(Table({Target("B", "STRUCT<X:INT>"), Target("A", "BIGINT")}), {}, {}, &plan));
  EXPECT_EQ(Names(plan), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(plan.columns[0].index, 1);
  EXPECT_EQ(plan.columns[1].index, 0);
  EXPECT_TRUE(plan.add_columns.empty());
}

TEST(Drift, EveryDifferenceIsNamedByColumnAndStops) {
  TablePlan plan = PlanOf({Target("a", "BIGINT"), Target("b", "INT"), Target("new", "DATE")});
  const Status status = FollowTarget(
      Table({Target("a", "STRING"), Target("b", "INT", false), Target("old", "DOUBLE")}), {}, {},
      &plan);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "TARGET_SCHEMA_DIFFERS");
  EXPECT_EQ(status.error().kind(), ErrorKind::kConflict);
  for (const char* line :
       {"column a is STRING, needed is BIGINT", "column b is NOT NULL, needed is one that takes",
        "column old DOUBLE is not in the source", "column new DATE is missing",
        "on_extra_column: add or ignore", "on_missing_column: null"}) {
    EXPECT_NE(status.error().message().find(line), std::string::npos) << line;
  }
}

TEST(Drift, ASourceColumnWithoutNullsFitsANotNullTarget) {
  TablePlan plan = PlanOf({Target("a", "BIGINT")});
  ASSERT_TRUE(FollowTarget(Table({Target("a", "BIGINT", false)}), {}, {"a"}, &plan));
  EXPECT_FALSE(plan.columns[0].target.nullable);
}

TEST(Drift, AnExtraColumnIsAddedBehindTheOthers) {
  Policy policy;
  policy.on_extra_column = ExtraColumn::kAdd;
  TablePlan plan = PlanOf({Target("new", "DATE", false), Target("a", "BIGINT")});
  ASSERT_TRUE(FollowTarget(Table({Target("a", "BIGINT")}), policy, {}, &plan));
  EXPECT_EQ(Names(plan), (std::vector<std::string>{"a", "new"}));
  EXPECT_EQ(plan.add_columns, (std::vector<std::string>{"new"}));
  EXPECT_TRUE(plan.columns[1].target.nullable) << "rows that are there have no value for it";
  EXPECT_EQ(AddColumnsSql(plan, plan.add_columns, "`p`.`t`").statement,
            "ALTER TABLE `p`.`t` ADD COLUMNS IF NOT EXISTS (\n  `new` DATE\n);");
}

TEST(Drift, AnIgnoredColumnIsNotReadAndTold) {
  Policy policy;
  policy.on_extra_column = ExtraColumn::kIgnore;
  TablePlan plan = PlanOf({Target("x", "INT"), Target("a", "BIGINT")});
  ASSERT_TRUE(FollowTarget(Table({Target("a", "BIGINT")}), policy, {}, &plan));
  EXPECT_EQ(plan.left_out, (std::vector<LeftOutColumn>{{"x", "col-x", "INT"}}));
  EXPECT_EQ(plan.physical->field_names(), (std::vector<std::string>{"col-a"}));
  EXPECT_EQ(plan.columns[0].index, 0);
}

TEST(Drift, AMissingColumnIsNullInItsPlaceUnlessTheTargetTakesNoNull) {
  Policy policy;
  policy.on_missing_column = MissingColumn::kNull;
  TablePlan plan = PlanOf({Target("a", "BIGINT")});
  ASSERT_TRUE(
      FollowTarget(Table({Target("gone", "DATE"), Target("a", "BIGINT")}), policy, {}, &plan));
  EXPECT_EQ(Names(plan), (std::vector<std::string>{"gone", "a"}));
  EXPECT_EQ(plan.columns[0].origin, Origin::kNull);
  plan = PlanOf({Target("a", "BIGINT")});
  EXPECT_FALSE(FollowTarget(Table({Target("gone", "DATE", false), Target("a", "BIGINT")}), policy,
                            {}, &plan));
}

TEST(Drift, PartitionColumnsMustBeTheSame) {
  TablePlan plan = PlanOf({Target("a", "BIGINT")});
  plan.partition_columns = PlanOf({Target("dt", "STRING")}).columns;
  maxcompute::TableInfo target = Table({Target("a", "BIGINT")});
  const Status status = FollowTarget(target, {}, {}, &plan);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("partition column dt STRING is missing"),
            std::string::npos);
}

TEST(Drift, AFinishedPartitionStaysUnlessItsFilesHaveAColumnThatItLacks) {
  const auto fingerprint = [](TablePlan before, TablePlan plan) {
    FollowEarlierPlan(before, &plan);
    return plan.units[0].fingerprint;
  };
  const TablePlan one = PlanOf({Target("a", "INT")});
  const TablePlan two = PlanOf({Target("a", "INT"), Target("b", "INT")});
  EXPECT_EQ(fingerprint(one, two), "f") << "a new column is NULL in every earlier file";

  TablePlan left_out = one;
  left_out.left_out = {{"b", "col-b", "INT"}};
  EXPECT_EQ(fingerprint(left_out, two), "f+b");
  TablePlan taken = two;
  taken.taken_up = {"b"};
  EXPECT_EQ(fingerprint(taken, two), "f+b") << "as the partitions were copied then";

  TablePlan renamed = two;
  renamed.columns[1].target.name = "c";
  EXPECT_EQ(fingerprint(two, renamed), "f+c");
  TablePlan made_again = two;
  made_again.physical =
      arrow::schema({arrow::field("col-a", arrow::utf8()), arrow::field("col-b2", arrow::utf8())});
  EXPECT_EQ(fingerprint(two, made_again), "f+b") << "dropped, and added again under its name";
}

}  // namespace
}  // namespace mms::migration
