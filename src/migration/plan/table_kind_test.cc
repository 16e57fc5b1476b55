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

/// A plan of two columns under these settings.
TablePlan PlanUnder(TableSettings settings) {
  TablePlan plan = PlanOf({Target("id", "BIGINT"), Target("day", "STRING")});
  plan.target_table = "orders";
  plan.settings = std::move(settings);
  return plan;
}

maxcompute::TableInfo TableWith(maxcompute::TableTraits traits) {
  maxcompute::TableInfo info;
  info.type = "MANAGED_TABLE";
  info.traits = std::move(traits);
  return info;
}

TEST(TableKind, ATableOfAnotherKindIsRefusedWithWhatIsThereAndWhatIsNeeded) {
  using Traits = maxcompute::TableTraits;
  const TableSettings standard;
  const TableSettings keyed{TableKind::kPkDelta, {"ID"}, {}, 0, {}};
  const TableSettings clustered{TableKind::kStandard, {}, {{"id"}, {}, 8, false}, 0, {}};
  const struct {
    TableSettings settings;
    Traits found;
    const char *is, *needed, *remedy;
  } cases[] = {
      {standard,
       {.primary_key = {{"id"}}},
       "a pk_delta table with primary_key [id]",
       "needed is a standard table",
       "write kind: pk_delta and primary_key: [id]"},
      {keyed,
       {.primary_key = {{"id", "day"}}},
       "a pk_delta table with primary_key [id, day]",
       "needed is a pk_delta table with primary_key [id]",
       "primary_key: [id, day]"},
      {keyed,
       {.primary_key = std::vector<std::string>()},
       "a table without a primary key",
       "needed is a pk_delta table with primary_key [id]",
       "write kind: standard"},
      {clustered,
       {.clustering = Traits::Clustering{}},
       "a table that is not clustered",
       "needed is one clustered by [id]",
       "leave cluster out"},
      {clustered,
       {.clustering = Traits::Clustering{false, {"day"}, 8}},
       "a table clustered by [day]",
       "needed is one clustered by [id]",
       "the same cluster"},
      {clustered,
       {.clustering = Traits::Clustering{true, {"id"}, 8}},
       "a table range clustered by [id]",
       "needed is one clustered by [id]",
       "the same cluster"},
  };
  for (const auto& item : cases) {
    TablePlan plan = PlanUnder(item.settings);
    const Status status = SettleKind(TableWith(item.found), &plan);
    ASSERT_FALSE(status) << item.is;
    EXPECT_EQ(status.error().code(), "TARGET_KIND_DIFFERS");
    EXPECT_EQ(status.error().where(), "target table orders");
    for (const char* words : {item.is, item.needed, item.remedy}) {
      EXPECT_NE(status.error().message().find(words), std::string::npos)
          << words << " is not in: " << status.error().message();
    }
  }
}

TEST(TableKind, WhatLoadsAlikeIsAWarning) {
  const struct {
    TableSettings settings;
    maxcompute::TableTraits found;
    const char* warning;
  } cases[] = {
      {{TableKind::kAppendDelta, {}, {}, 0, {}},
       {.format_version = ""},
       "kind standard, not append"},
      {{}, {.format_version = "2"}, "kind append_delta, not standard"},
      {{TableKind::kStandard, {}, {{"id"}, {}, 8, false}, 0, {}},
       {.clustering = maxcompute::TableTraits::Clustering{false, {"id"}, 16}},
       "16 buckets, not 8"},
  };
  for (const auto& item : cases) {
    TablePlan plan = PlanUnder(item.settings);
    const Status status = SettleKind(TableWith(item.found), &plan);
    ASSERT_TRUE(status) << status.error().ToString();
    ASSERT_EQ(plan.warnings.size(), 1U) << item.warning;
    EXPECT_NE(plan.warnings[0].find(item.warning), std::string::npos) << plan.warnings[0];
  }
}

TEST(TableKind, ATableAsPlannedOrOfUnknownKindPassesWithoutAWord) {
  const std::pair<TableSettings, maxcompute::TableTraits> cases[] = {
      {{TableKind::kPkDelta, {"id"}, {}, 0, {}}, {}},
      {{TableKind::kStandard, {}, {{"id"}, {}, 8, false}, 0, {}}, {}},
      {{TableKind::kAppendDelta, {}, {}, 0, {}}, {.format_version = "2"}},
      {{TableKind::kPkDelta, {"day", "ID"}, {}, 0, {}}, {.primary_key = {{"id", "day"}}}},
      {{},
       {.primary_key = std::vector<std::string>(),
        .format_version = "",
        .clustering = maxcompute::TableTraits::Clustering{false, {"day"}, 4}}},
  };
  for (const auto& [settings, found] : cases) {
    TablePlan plan = PlanUnder(settings);
    const Status status = SettleKind(TableWith(found), &plan);
    ASSERT_TRUE(status) << status.error().ToString();
    EXPECT_TRUE(plan.warnings.empty());
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
