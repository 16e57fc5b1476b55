#include "migration/plan/drift.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
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

/// One column s of the target's type, read from files in which it has this type.
TablePlan PlanOfNested(const std::string& type, const std::shared_ptr<arrow::DataType>& files) {
  TablePlan plan = PlanOf({Target("s", type)});
  plan.physical = arrow::schema({arrow::field("col-s", files)});
  return plan;
}

bool IsTakenUp(const TablePlan& before, TablePlan now) {
  FollowEarlierPlan(before, &now);
  return !now.taken_up.empty() && now.units[0].fingerprint != "f";
}

TEST(Drift, AFieldThatWasDroppedAndAddedAgainIsTakenUp) {
  using arrow::field;
  using arrow::int32;
  const std::string type = "STRUCT<x:INT,y:INT>";
  const auto first = arrow::struct_({field("x1", int32()), field("y1", int32())});
  const auto added = arrow::struct_({field("x1", int32()), field("y9", int32())});
  const auto swapped = arrow::struct_({field("y1", int32()), field("x1", int32())});
  const TablePlan before = PlanOfNested(type, first);
  EXPECT_FALSE(IsTakenUp(before, before));
  EXPECT_TRUE(IsTakenUp(before, PlanOfNested(type, added)));
  EXPECT_TRUE(IsTakenUp(before, PlanOfNested(type, swapped)));
  EXPECT_FALSE(IsTakenUp(before, PlanOfNested("STRUCT<y:INT,x:INT>", swapped)));
  EXPECT_TRUE(IsTakenUp(PlanOfNested("ARRAY<" + type + ">", arrow::list(first)),
                        PlanOfNested("ARRAY<" + type + ">", arrow::list(added))));
  EXPECT_TRUE(IsTakenUp(PlanOfNested("MAP<INT," + type + ">", arrow::map(int32(), first)),
                        PlanOfNested("MAP<INT," + type + ">", arrow::map(int32(), added))));
  EXPECT_TRUE(IsTakenUp(PlanOfNested("STRING", first), PlanOfNested("STRING", added)));
}

TEST(Drift, AFieldThatIsNewWithinAColumnTakesNothingUp) {
  using arrow::field;
  using arrow::int32;
  const auto x = field("x1", int32());
  EXPECT_FALSE(
      IsTakenUp(PlanOfNested("STRUCT<x:INT>", arrow::struct_({x})),
                PlanOfNested("STRUCT<x:INT,y:INT>", arrow::struct_({x, field("y1", int32())}))));
}

TEST(Drift, IdsTellFieldsOfOneNameApartWhereBothHaveThem) {
  const auto files = [](const char* id) {
    const auto ids = id[0] == 0 ? nullptr : arrow::key_value_metadata({"PARQUET:field_id"}, {id});
    return arrow::struct_({arrow::field("x", arrow::int32(), true, ids)});
  };
  const auto plan = [&](const char* id) { return PlanOfNested("STRUCT<x:INT>", files(id)); };
  EXPECT_FALSE(IsTakenUp(plan("1"), plan("1")));
  EXPECT_FALSE(IsTakenUp(plan(""), plan("1"))) << "column mapping was turned on";
  EXPECT_TRUE(IsTakenUp(plan("1"), plan("2")));
}

}  // namespace
}  // namespace mms::migration
