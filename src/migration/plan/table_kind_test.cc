#include "migration/plan/table_kind.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

maxcompute::Column Target(const std::string& name, const std::string& type) {
  return {name, *maxcompute::ParseType(type), "", true};
}

TablePlan PlanOf(const std::vector<maxcompute::Column>& columns) {
  TablePlan plan;
  for (const maxcompute::Column& target : columns) {
    ColumnPlan column;
    column.source_name = target.name;
    column.target = target;
    plan.columns.push_back(column);
  }
  return plan;
}

TEST(TableKind, APkTableNamesItsKeyAndIsStaged) {
  TablePlan plan = PlanOf({Target("id", "BIGINT"), Target("v", "STRING")});
  plan.target_table = "orders";
  plan.settings.kind = TableKind::kPkDelta;
  plan.settings.primary_key = {"ID"};
  plan.settings.cluster.buckets = 16;
  ASSERT_TRUE(SettleKind(std::nullopt, &plan));
  EXPECT_EQ(StagingTable(plan), "orders__mms_stage");
  EXPECT_EQ(CreateTableSql(plan, "t").statement,
            "CREATE TABLE IF NOT EXISTS t (\n  `id` BIGINT NOT NULL,\n  `v` STRING,\n"
            "  PRIMARY KEY (`id`)\n)\n"
            "TBLPROPERTIES ('transactional'='true', 'write.bucket.num'='16');");
  const TablePlan staging = StagingPlan(plan);
  EXPECT_EQ(CreateTableSql(staging, "s").statement,
            "CREATE TABLE IF NOT EXISTS s (\n  `id` BIGINT,\n  `v` STRING\n)\n"
            "COMMENT 'staging of orders, dropped when it is done'\nLIFECYCLE 7;");
}

TEST(TableKind, AnAppendTableHasItsPropertiesFlagsClusteringAndLifecycle) {
  TablePlan plan = PlanOf({Target("id", "BIGINT"), Target("d", "DECIMAL(38,20)")});
  plan.settings.kind = TableKind::kAppendDelta;
  plan.settings.cluster = {{"id"}, {"id"}, 8, false};
  plan.settings.lifecycle_days = 30;
  plan.settings.properties = {{"owner.team", "it's"}};
  ASSERT_TRUE(SettleKind(std::nullopt, &plan));
  const Ddl ddl = CreateTableSql(plan, "t");
  EXPECT_EQ(ddl.statement,
            "CREATE TABLE IF NOT EXISTS t (\n  `id` BIGINT,\n  `d` DECIMAL(38,20)\n)\n"
            "CLUSTERED BY (`id`) SORTED BY (`id`) INTO 8 BUCKETS\n"
            "TBLPROPERTIES ('owner.team'='it\\'s', 'table.format.version'='2')\nLIFECYCLE 30;");
  EXPECT_EQ(ddl.settings,
            (std::map<std::string, std::string>{{"odps.sql.decimal2.extended.scale.enable", "true"},
                                                {"odps.table.append2.enable", "true"},
                                                {"odps.table.hash.delta.enable", "true"}}));
}

TEST(TableKind, SettingsThatDoNotFitAreNamed) {
  struct Case {
    TableSettings settings;
    std::string named;
  };
  const Case cases[] = {
      {{TableKind::kPkDelta, {}, {}, 0, {}}, "no primary_key"},
      {{TableKind::kStandard, {"id"}, {}, 0, {}}, "kind: pk_delta"},
      {{TableKind::kPkDelta, {"nope"}, {}, 0, {}}, "nope"},
      {{TableKind::kPkDelta, {"dt"}, {}, 0, {}}, "partition column"},
      {{TableKind::kPkDelta, {"id"}, {{"id"}, {}, 4, false}, 0, {}}, "only buckets"},
      {{TableKind::kStandard, {}, {{"id"}, {}, 0, false}, 0, {}}, "buckets"},
      {{TableKind::kStandard, {}, {{}, {"id"}, 4, false}, 0, {}}, "no `by`"},
  };
  for (const Case& item : cases) {
    TablePlan plan = PlanOf({Target("id", "BIGINT")});
    plan.partition_columns = PlanOf({Target("dt", "STRING")}).columns;
    plan.settings = item.settings;
    const Status status = SettleKind(std::nullopt, &plan);
    ASSERT_FALSE(status) << item.named;
    EXPECT_EQ(status.error().code(), "TABLE_SETTINGS");
    EXPECT_NE(status.error().message().find(item.named), std::string::npos)
        << status.error().ToString();
  }
}

TEST(TableKind, AViewAtTheTargetIsNotWrittenTo) {
  TablePlan plan = PlanOf({Target("id", "BIGINT")});
  maxcompute::TableInfo view;
  view.type = "VIRTUAL_VIEW";
  const Status status = SettleKind(view, &plan);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "TARGET_KIND_DIFFERS");
}

}  // namespace
}  // namespace mms::migration
