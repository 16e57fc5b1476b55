#include "migration/inspect/sql_statement.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

namespace mms::migration {
namespace {

TEST(SqlStatement, NamesStandBetweenBackQuotesWhateverIsInThem) {
  EXPECT_EQ(QuotedName("a b"), "`a b`");
  EXPECT_EQ(QuotedName("odd`name"), "`odd``name`");
  EXPECT_EQ(QuotedTable({"main", "s.x", "t"}), "`main`.`s.x`.`t`");
}

TEST(SqlStatement, APartitionIsNamedByTypedLiterals) {
  EXPECT_EQ(PartitionCondition({}), "");
  EXPECT_EQ(PartitionCondition({{"day", "date", "2024-02-29"}, {"n", "integer", "-3"}}),
            "`day` = CAST('2024-02-29' AS date) AND `n` = CAST('-3' AS INT)");
  EXPECT_EQ(PartitionCondition({{"price", "decimal(9,2)", "1.50"}}),
            "`price` = CAST('1.50' AS decimal(9,2))");
  EXPECT_EQ(PartitionCondition({{"at", "timestamp", "2024-03-10 07:00:00.5Z"}}),
            "`at` = CAST('2024-03-10 07:00:00.5Z' AS timestamp)");
}

TEST(SqlStatement, NullIsNoValue) {
  EXPECT_EQ(PartitionCondition({{"p", "string", std::nullopt}, {"q", "string", ""}}),
            "`p` IS NULL AND `q` = ''");
}

TEST(SqlStatement, NoValueEndsItsLiteral) {
  EXPECT_EQ(PartitionCondition({{"p", "string", R"(it's \ "x" -- ` %)"}}),
            R"(`p` = 'it\'s \\ "x" -- ` %')");
  EXPECT_EQ(PartitionCondition({{"b", "binary", std::string("a'\0", 3)}}), "`b` = X'612700'");
}

TEST(SqlStatement, EveryStatementHoldsTheVersion) {
  const SqlReading pinned{"`c`.`s`.`t`", 7, false};
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  EXPECT_EQ(SelectSql(pinned, *schema, "`p` IS NULL"),
            "SELECT `id` FROM `c`.`s`.`t` VERSION AS OF 7 WHERE `p` IS NULL");
  EXPECT_EQ(CountSql(pinned, ""), "SELECT count(*) AS `rows` FROM `c`.`s`.`t` VERSION AS OF 7");
  EXPECT_EQ(PartitionsSql(pinned, {"p", "q"}),
            "SELECT CAST(`p` AS STRING) AS `value0`, CAST(`q` AS STRING) AS `value1`, count(*) AS "
            "`rows` FROM `c`.`s`.`t` VERSION AS OF 7 GROUP BY `p`, `q`");
  EXPECT_EQ(CountSql({"`c`.`s`.`t`", std::nullopt, false}, ""),
            "SELECT count(*) AS `rows` FROM `c`.`s`.`t`");
}

TEST(SqlStatement, NestedColumnsBecomeJsonOnlyWhereNoArrowIsSent) {
  const auto schema = arrow::schema(
      {arrow::field("id", arrow::int64()), arrow::field("tags", arrow::list(arrow::utf8()))});
  const SqlReading arrow_reading{"`t`", std::nullopt, false};
  EXPECT_TRUE(JsonColumns(arrow_reading, *schema).empty());
  EXPECT_EQ(SelectSql(arrow_reading, *schema, ""), "SELECT `id`, `tags` FROM `t`");
  const SqlReading json_reading{"`t`", std::nullopt, true};
  EXPECT_EQ(JsonColumns(json_reading, *schema), std::set<size_t>{1});
  EXPECT_TRUE(SelectSql(json_reading, *schema, "").starts_with("SELECT `id`, to_json(`tags`"));
}

}  // namespace
}  // namespace mms::migration
