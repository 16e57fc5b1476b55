#include "migration/plan/staging_sql.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

TablePlan Keyed() {
  TablePlan plan;
  for (const char* name : {"id", "it`s", "v"}) {
    ColumnPlan column;
    column.target.name = name;
    plan.columns.push_back(column);
  }
  plan.settings.kind = TableKind::kPkDelta;
  plan.settings.primary_key = {"id", "it`s"};
  return plan;
}

const StagedPartition kUnit = {"`p`.`s`", "`p`.`t`", {{"dt", "it's"}, {"n", "2"}}};

TEST(StagingSql, KeysAreCountedInOneStatement) {
  EXPECT_EQ(
      KeyCountsSql(Keyed(), kUnit),
      "SELECT SUM(rows_of_key) AS rows_staged, "
      "SUM(CASE WHEN rows_of_key > 1 AND key_is_null = 0 THEN 1 ELSE 0 END) AS keys_repeated, "
      "SUM(CASE WHEN key_is_null = 1 THEN rows_of_key ELSE 0 END) AS rows_without_key "
      "FROM (SELECT COUNT(*) AS rows_of_key, "
      "MAX(CASE WHEN `id` IS NULL OR `it``s` IS NULL THEN 1 ELSE 0 END) AS key_is_null "
      "FROM `p`.`s` WHERE `dt`='it\\'s' AND `n`='2' GROUP BY `id`, `it``s`) keys_of_unit;");
}

TEST(StagingSql, SamplesAreOfKeysThatRepeatOrHaveANull) {
  EXPECT_EQ(KeySampleSql(Keyed(), {"s", "t", {}}, {.nulls = false, .rows_max = 3}),
            "SELECT `id`, `it``s`, COUNT(*) AS rows_of_key FROM s "
            "WHERE NOT (`id` IS NULL OR `it``s` IS NULL) GROUP BY `id`, `it``s` "
            "HAVING COUNT(*) > 1 ORDER BY rows_of_key DESC LIMIT 3;");
  EXPECT_EQ(KeySampleSql(Keyed(), {"s", "t", {{"dt", "x"}}}, {.nulls = true}),
            "SELECT `id`, `it``s`, COUNT(*) AS rows_of_key FROM s "
            "WHERE `dt`='x' AND (`id` IS NULL OR `it``s` IS NULL) GROUP BY `id`, `it``s` "
            "ORDER BY rows_of_key DESC LIMIT 5;");
}

TEST(StagingSql, AMoveOverwritesOnePartition) {
  EXPECT_EQ(MoveSql(Keyed(), kUnit),
            "INSERT OVERWRITE TABLE `p`.`t` PARTITION (`dt`='it\\'s', `n`='2') "
            "SELECT `id`, `it``s`, `v` FROM `p`.`s` WHERE `dt`='it\\'s' AND `n`='2';");
  EXPECT_EQ(MoveSql(Keyed(), {"s", "t", {}}),
            "INSERT OVERWRITE TABLE t SELECT `id`, `it``s`, `v` FROM s;");
}

}  // namespace
}  // namespace mms::migration
