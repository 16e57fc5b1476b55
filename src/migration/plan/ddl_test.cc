#include "migration/plan/ddl.h"

#include <gtest/gtest.h>

#include "migration/plan/plan.h"

namespace mms::migration {
namespace {

ColumnPlan Column(const std::string& name, const std::string& type,
                  const std::string& comment = "") {
  ColumnPlan column;
  column.source_name = name;
  column.target = {name, *maxcompute::ParseType(type), comment, true};
  return column;
}

TEST(Ddl, CreateTableNamesColumnsCommentsAndPartitions) {
  TablePlan plan;
  plan.columns = {Column("id", "BIGINT", "it's the \"id\""), Column("金额", "DECIMAL(10,2)"),
                  Column("deep", "STRUCT<a:INT,b:ARRAY<STRING>>")};
  plan.columns[1].target.nullable = false;
  plan.partition_columns = {Column("dt", "STRING", "day"), Column("n", "INT")};
  plan.comment = "all 'orders'";
  EXPECT_EQ(CreateTableSql(plan, "`p`.`orders`").statement,
            "CREATE TABLE IF NOT EXISTS `p`.`orders` (\n"
            "  `id` BIGINT COMMENT 'it\\'s the \\\"id\\\"',\n"
            "  `金额` DECIMAL(10,2) NOT NULL,\n"
            "  `deep` STRUCT<`a`:INT,`b`:ARRAY<STRING>>\n"
            ")\n"
            "COMMENT 'all \\'orders\\''\n"
            "PARTITIONED BY (\n"
            "  `dt` STRING COMMENT 'day',\n"
            "  `n` INT\n"
            ");");
  plan.partition_columns.clear();
  plan.comment.clear();
  plan.columns.resize(1);
  plan.columns[0].target.comment.clear();
  EXPECT_EQ(CreateTableSql(plan, "t").statement,
            "CREATE TABLE IF NOT EXISTS t (\n  `id` BIGINT\n);");
}

TEST(Ddl, NamesAreQualifiedWithTheSchemaOnlyWhereThereAreSchemas) {
  maxcompute::Options target;
  target.project = "dw";
  EXPECT_EQ(QualifiedTableName(target, "t"), "`dw`.`t`");
  target.schema = "default";
  EXPECT_EQ(QualifiedTableName(target, "t"), "`dw`.`t`");
  target.schema = "sales";
  EXPECT_EQ(QualifiedTableName(target, "t"), "`dw`.`sales`.`t`");
}

TEST(Ddl, CommentsAreCutBetweenCharacters) {
  EXPECT_EQ(CutComment("short"), "short");
  EXPECT_EQ(CutComment(std::string(1024, 'x')), std::string(1024, 'x'));
  EXPECT_EQ(CutComment(std::string(1025, 'x')), std::string(1024, 'x'));
  EXPECT_EQ(CutComment(std::string(1023, 'x') + "é"), std::string(1023, 'x'));
  EXPECT_EQ(CutComment(std::string(1022, 'x') + "中中"), std::string(1022, 'x'));
  EXPECT_EQ(CutComment(std::string(1021, 'x') + "中中"), std::string(1021, 'x') + "中");
}

TEST(Ddl, PartitionsAreAddedInStatementsBelowBothLimits) {
  std::vector<maxcompute::PartitionSpec> partitions;
  EXPECT_TRUE(AddPartitionSql(partitions, "t").empty());
  for (int i = 0; i < 2500; ++i)
    partitions.push_back({{"dt", "d" + std::to_string(i)}, {"n", "-1"}});

  const auto by_count = AddPartitionSql(partitions, "`p`.`t`");
  ASSERT_EQ(by_count.size(), 3U);
  EXPECT_TRUE(
      by_count[0].starts_with("ALTER TABLE `p`.`t` ADD IF NOT EXISTS\n"
                              "PARTITION (`dt`='d0',`n`='-1')\nPARTITION (`dt`='d1',`n`='-1')\n"));
  EXPECT_TRUE(by_count[2].ends_with("PARTITION (`dt`='d2499',`n`='-1');"));

  const auto by_bytes = AddPartitionSql(partitions, "`p`.`t`", 4000);
  EXPECT_GT(by_bytes.size(), 3U);
  size_t clauses = 0;
  for (const std::string& statement : by_bytes) {
    EXPECT_LE(statement.size(), 4000U);
    EXPECT_TRUE(statement.starts_with("ALTER TABLE `p`.`t` ADD IF NOT EXISTS\nPARTITION ("));
    EXPECT_TRUE(statement.ends_with(";"));
    for (size_t at = statement.find("\nPARTITION"); at != std::string::npos;
         at = statement.find("\nPARTITION", at + 1)) {
      ++clauses;
    }
  }
  EXPECT_EQ(clauses, 2500U);
}

maxcompute::Column Plain(const std::string& name, const std::string& type, bool nullable = true) {
  return {name, *maxcompute::ParseType(type), "", nullable};
}

TEST(Ddl, DiffOfSchemasHasALineForEachColumnThatIsNotUsable) {
  const maxcompute::TableSchema wanted = {{Plain("id", "BIGINT"), Plain("s", "STRUCT<a:INT>")},
                                          {Plain("dt", "STRING")}};
  maxcompute::TableSchema found = {{Plain("ID", "BIGINT"), Plain("s", "STRUCT<A:INT>")},
                                   {Plain("dt", "STRING")}};
  found.columns[0].comment = "another comment";
  EXPECT_TRUE(DiffSchema(wanted, found).empty());

  found.columns[0] = Plain("id", "INT", false);
  found.columns[1] = Plain("other", "STRING");
  found.columns.push_back(Plain("more", "DATE"));
  found.partition_columns[0] = Plain("dt", "INT");
  EXPECT_EQ(DiffSchema(wanted, found),
            (std::vector<std::string>{"column id is INT, needed is BIGINT",
                                      "column id is NOT NULL, needed is one that takes NULL",
                                      "column 2 is other, needed is s",
                                      "column more DATE is not in the source",
                                      "partition column dt is INT, needed is STRING"}));
  EXPECT_EQ(DiffSchema(wanted, {{Plain("id", "BIGINT")}, {}}),
            (std::vector<std::string>{"column s STRUCT<a:INT> is missing",
                                      "partition column dt STRING is missing"}));
}

}  // namespace
}  // namespace mms::migration
