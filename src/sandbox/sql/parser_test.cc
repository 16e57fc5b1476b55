#include "sandbox/sql/parser.h"

#include <gtest/gtest.h>

namespace mms::sandbox::sql {
namespace {

template <class Kind>
Kind ParseOne(std::string_view text) {
  auto statements = ParseStatements(text);
  EXPECT_TRUE(statements.has_value())
      << text << ": " << (statements ? "" : statements.error().ToString());
  if (!statements || !std::holds_alternative<Kind>(statements->back())) {
    ADD_FAILURE() << "another statement kind: " << text;
    return Kind{};
  }
  return std::get<Kind>(statements->back());
}

std::string FailureOf(std::string_view text) {
  auto statements = ParseStatements(text);
  return statements ? "parsed" : statements.error().code() + ":" + statements.error().message();
}

TEST(SqlParser, ReadsTheCreateTableOfPyOdps) {
  auto create = ParseOne<CreateTable>(
      "CREATE TABLE IF NOT EXISTS p1.`tp` (\n  `a` BIGINT,\n  `b` STRING\n)\nPARTITIONED BY (\n"
      "  `pt` STRING\n)\nLIFECYCLE 7;");
  EXPECT_TRUE(create.if_not_exists);
  EXPECT_EQ(create.name.parts, (std::vector<std::string>{"p1", "tp"}));
  ASSERT_EQ(create.table.columns.size(), 2U);
  EXPECT_EQ(create.table.columns[0].type.id, TypeId::kBigint);
  ASSERT_EQ(create.table.partition_columns.size(), 1U);
  EXPECT_EQ(create.table.partition_columns[0].name, "pt");
  EXPECT_EQ(create.table.lifecycle_days, 7);
}

TEST(SqlParser, ReadsEveryTypeInAnyCase) {
  for (std::string text : {"tinyint",
                           "smallint",
                           "int",
                           "bigint",
                           "float",
                           "double",
                           "boolean",
                           "string",
                           "binary",
                           "date",
                           "datetime",
                           "timestamp",
                           "timestamp_ntz",
                           "json",
                           "decimal(10,2)",
                           "char(5)",
                           "varchar(100)",
                           "array<string>",
                           "map<string,array<bigint>>",
                           "struct<x:int,y:struct<z:decimal(38,18)>>"}) {
    auto type = ParseType(text);
    ASSERT_TRUE(type.has_value()) << text;
    EXPECT_EQ(type->ToText(), text);
    EXPECT_EQ(ParseType(UpperName(text)).value().ToText(), text);
  }
  EXPECT_EQ(ParseType("DECIMAL").value().ToText(), "decimal(38,18)");
  EXPECT_EQ(ParseType("decimal(10)").value().ToText(), "decimal(10,0)");
  EXPECT_EQ(ParseType("STRUCT<`a b`:INT>").value().field_names[0], "a b");
  for (std::string text :
       {"text", "array<>", "map<string>", "int int", "decimal(", "struct<x int>"}) {
    EXPECT_FALSE(ParseType(text).has_value()) << text;
  }
}

TEST(SqlParser, ReadsColumnAndTableClausesInAnyOrder) {
  auto create = ParseOne<CreateTable>(
      "create table s.t (id bigint not null comment 'it''s' default 5, v string, primary key (id)) "
      "tblproperties ('transactional'='true', 'x'='y') comment 'line\\nbreak' "
      "partitioned by (dt date comment 'd', hh int) lifecycle 3");
  EXPECT_FALSE(create.table.columns[0].nullable);
  EXPECT_EQ(create.table.columns[0].comment, "its");  // adjacent literals join, as in MaxCompute
  EXPECT_EQ(create.table.columns[0].default_text, "5");
  EXPECT_EQ(create.table.primary_key, std::vector<std::string>{"id"});
  EXPECT_EQ(create.table.comment, "line\nbreak");
  EXPECT_EQ(create.table.properties.at("x"), "y");
  EXPECT_EQ(create.table.partition_columns[1].type.id, TypeId::kInt);
}

TEST(SqlParser, ReadsPartitionListsOfBothSdks) {
  auto python =
      ParseOne<AddPartitions>("ALTER TABLE p1.`tp` ADD IF NOT EXISTS  PARTITION (pt='x');");
  EXPECT_TRUE(python.if_not_exists);
  ASSERT_EQ(python.specs.size(), 1U);
  auto many = ParseOne<AddPartitions>(
      "ALTER TABLE t ADD PARTITION (a='1', b=2) PARTITION (a='3'/b='-4'), PARTITION (a=5,b=-6)");
  ASSERT_EQ(many.specs.size(), 3U);
  EXPECT_EQ(many.specs[1][1].second, "-4");
  EXPECT_EQ(many.specs[2][1].second, "-6");
  auto drop = ParseOne<DropPartitions>("alter table t drop if exists partition (a='1');");
  EXPECT_TRUE(drop.if_exists);
}

TEST(SqlParser, ReadsDropsWithTwoBlanks) {
  auto drop = ParseOne<DropTable>("DROP TABLE  IF EXISTS `p1`.`j1`;");
  EXPECT_TRUE(drop.if_exists);
  EXPECT_EQ(drop.name.parts, (std::vector<std::string>{"p1", "j1"}));
}

TEST(SqlParser, TakesSetLinesBeforeTheStatement) {
  auto statements = ParseStatements("SET odps.sql.allow.fullscan=true;\nSELECT 1;");
  ASSERT_TRUE(statements.has_value());
  ASSERT_EQ(statements->size(), 2U);
  EXPECT_EQ(std::get<SetFlag>((*statements)[0]).key, "odps.sql.allow.fullscan");
  EXPECT_EQ(std::get<SetFlag>((*statements)[0]).value, "true");
}

TEST(SqlParser, KeepsSemicolonsCommentsAndQuotesInsideStrings) {
  auto query = ParseOne<Query>("SELECT ';--''x' AS a -- comment; not a border\n FROM t");
  EXPECT_EQ(query.items[0].expr.text, ";--x");
  EXPECT_EQ(ParseOne<Query>(R"(SELECT "a\"b\\c\td")").items[0].expr.text, "a\"b\\c\td");
}

TEST(SqlParser, BindsOperatorsByPrecedence) {
  auto query = ParseOne<Query>("SELECT 1 + 2 * 3 = 7 AND NOT a OR b");
  const Expr& top = query.items[0].expr;
  EXPECT_EQ(top.text, "OR");
  EXPECT_EQ(top.args[0].text, "AND");
  EXPECT_EQ(top.args[0].args[0].text, "=");
  EXPECT_EQ(top.args[0].args[0].args[0].text, "+");
  EXPECT_EQ(top.args[0].args[1].text, "NOT");
}

TEST(SqlParser, ReadsTheClausesOfSelect) {
  auto query = ParseOne<Query>(
      "select pt, count(*) as n, sum(cast(crc32(a) as decimal(38,0))) from p.t x where pt in "
      "('a','b') and v is not null and v not between 1 and 2 group by pt having count(*) > 1 order "
      "by pt desc nulls last limit 5, 10");
  EXPECT_EQ(query.items.size(), 3U);
  EXPECT_EQ(query.sources[0].alias, "x");
  EXPECT_EQ(query.group_by.size(), 1U);
  EXPECT_TRUE(query.order_by[0].descending);
  EXPECT_EQ(*query.limit, "10");
  EXPECT_EQ(*query.offset, "5");
}

TEST(SqlParser, SaysWhereAStatementIsWrong) {
  EXPECT_EQ(FailureOf("SELEC 1"),
            "ODPS-0130161:[1,1] Parse exception - invalid token 'SELEC', expect a statement");
  EXPECT_EQ(FailureOf("CREATE TABLE t (\n  a BIGINT,\n  b TEXT)"),
            "ODPS-0130161:[3,5] Parse exception - invalid token 'TEXT', expect a type");
  EXPECT_EQ(FailureOf("SELECT (1"),
            "ODPS-0130161:[1,10] Parse exception - invalid token '<EOF>', expect ')'");
  EXPECT_EQ(FailureOf("SELECT 'open").substr(0, 12), "ODPS-0130161");
  EXPECT_EQ(FailureOf("").substr(0, 12), "ODPS-0130161");
}

TEST(SqlParser, RefusesHostileNestingInsteadOfOverflowing) {
  std::string deep = "SELECT ";
  for (int i = 0; i < 100'000; ++i) deep += "(";
  EXPECT_EQ(FailureOf(deep).substr(0, 12), "ODPS-0130161");
  std::string arrays;
  for (int i = 0; i < 100'000; ++i) arrays += "array<";
  EXPECT_FALSE(ParseType(arrays).has_value());
  std::string minus = "SELECT ";
  for (int i = 0; i < 100'000; ++i) minus += "- ";
  EXPECT_EQ(FailureOf(minus + "1").substr(0, 12), "ODPS-0130161");
  for (std::string_view link : {"+1", " IS NULL", "[0]", " UNION ALL SELECT 1"}) {
    std::string chain = "SELECT a";
    for (int i = 0; i < 100'000; ++i) chain += link;
    EXPECT_EQ(FailureOf(chain).substr(0, 12), "ODPS-0130161") << link;
  }
  std::string list = "SELECT a FROM t WHERE a = 0";
  for (int i = 0; i < 20'000; ++i) list += " OR a = " + std::to_string(i);
  EXPECT_EQ(ParseOne<Query>(list).where->args.size(), 20'001U);
}

TEST(SqlParser, ReadsInsertsWithStaticDynamicAndMixedPartitions) {
  auto fixed = ParseOne<Insert>("INSERT OVERWRITE TABLE p.t PARTITION (a='x', b=1) SELECT 1;");
  EXPECT_TRUE(fixed.overwrite);
  EXPECT_EQ(fixed.name.parts, (std::vector<std::string>{"p", "t"}));
  EXPECT_EQ(*fixed.partition[0].second, "x");
  EXPECT_EQ(*fixed.partition[1].second, "1");
  auto mixed = ParseOne<Insert>("insert into t partition (a='x', b) (c, b) values (1, 2), (3, 4)");
  EXPECT_FALSE(mixed.overwrite);
  EXPECT_FALSE(mixed.partition[1].second.has_value());
  EXPECT_EQ(mixed.columns, (std::vector<std::string>{"c", "b"}));
  EXPECT_EQ(mixed.query.values.size(), 2U);
  auto with = ParseOne<Insert>("WITH q AS (SELECT 1 AS a) INSERT INTO t SELECT * FROM q");
  EXPECT_EQ(with.query.with[0].first, "q");
  EXPECT_TRUE(ParseOne<Insert>("INSERT INTO t (SELECT a FROM s)").columns.empty());
}

TEST(SqlParser, RefusesInsertsThatMaxComputeRefuses) {
  EXPECT_EQ(FailureOf("INSERT OVERWRITE t SELECT 1"),
            "ODPS-0130161:[1,18] Parse exception - invalid token 't', expect 'TABLE'");
  EXPECT_EQ(FailureOf("INSERT OVERWRITE TABLE t (a) SELECT 1").substr(0, 12), "ODPS-0130161");
  EXPECT_EQ(FailureOf("INSERT INTO t VALUES (1), (1, 2)").substr(0, 12), "ODPS-0130161");
}

TEST(SqlParser, ReadsUpdateDeleteAndMerge) {
  auto update = ParseOne<ChangeRows>("UPDATE p.t AS x SET x.a = b + 1, b = NULL WHERE c = 'v'");
  EXPECT_EQ(update.alias, "x");
  EXPECT_EQ(update.actions[0].set[0].column, "a");
  EXPECT_EQ(update.actions[0].set[1].value.kind, ExprKind::kNull);
  EXPECT_TRUE(update.found.has_value());
  auto many = ParseOne<ChangeRows>("update t set (a, b) = (1, s.b) from s join r on s.a = r.a");
  EXPECT_EQ(many.actions[0].set.size(), 2U);
  EXPECT_EQ(many.others.size(), 2U);
  auto remove = ParseOne<ChangeRows>("DELETE FROM t d WHERE d.a > 3");
  EXPECT_EQ(remove.alias, "d");
  EXPECT_TRUE(remove.actions[0].set.empty());
  auto merge = ParseOne<ChangeRows>(
      "MERGE INTO t USING (SELECT * FROM s) AS n ON t.a = n.a "
      "WHEN MATCHED AND n.gone THEN DELETE WHEN MATCHED THEN UPDATE SET b = n.b "
      "WHEN NOT MATCHED AND NOT n.gone THEN INSERT (a, b) VALUES (n.a, n.b)");
  EXPECT_EQ(merge.alias, "");
  EXPECT_EQ(merge.others[0].alias, "n");
  EXPECT_TRUE(merge.actions[0].set.empty());
  EXPECT_EQ(merge.actions[1].set[0].column, "b");
  EXPECT_EQ(merge.insert->columns.size(), 2U);
  EXPECT_EQ(FailureOf("UPDATE t SET (a, b) = (1)").substr(0, 12), "ODPS-0130161");
  EXPECT_EQ(FailureOf("DELETE t WHERE a = 1").substr(0, 12), "ODPS-0130161");
  EXPECT_EQ(FailureOf("MERGE INTO t USING s ON t.a = s.a").substr(0, 12), "ODPS-0130161");
  EXPECT_TRUE(ParseOne<Explain>("EXPLAIN INSERT INTO t SELECT 1").into.has_value());
  EXPECT_EQ(ParseOne<Explain>("explain with q as (select 1) select * from q").query.with.size(),
            1U);
}

TEST(SqlParser, ReadsWindowsSubqueriesAndLateralViews) {
  auto query = ParseOne<Query>(
      "select row_number() over (partition by a order by b desc) r, x.f, m['k'].g from t "
      "lateral view outer explode(l) v as e where a in (select a from s) and exists (select 1) "
      "union all (select 1, 2, 3) order by r limit 3");
  ASSERT_NE(query.items[0].expr.window, nullptr);
  EXPECT_TRUE(query.items[0].expr.window->order_by[0].descending);
  EXPECT_EQ(query.items[2].expr.kind, ExprKind::kField);
  EXPECT_EQ(query.sources[1].join, "LEFT JOIN");
  EXPECT_EQ(query.set_operation, "UNION ALL");
  EXPECT_EQ(*query.set_right->limit, "3");
}

TEST(SqlParser, TypesNumbersBySuffixAndForm) {
  auto query = ParseOne<Query>("select 1, 1L, 2S, 3Y, 1.5, 1e3, 1.5BD");
  EXPECT_EQ(query.items[0].expr.kind, ExprKind::kNumber);
  EXPECT_EQ(query.items[1].expr.type.id, TypeId::kBigint);
  EXPECT_EQ(query.items[2].expr.type.id, TypeId::kSmallint);
  EXPECT_EQ(query.items[3].expr.type.id, TypeId::kTinyint);
  EXPECT_EQ(query.items[4].expr.type.id, TypeId::kDouble);
  EXPECT_EQ(query.items[5].expr.type.id, TypeId::kDouble);
  EXPECT_EQ(query.items[6].expr.kind, ExprKind::kNumber);
}

TEST(SqlParser, ReadsTheKindsOfTables) {
  auto hash = ParseOne<CreateTable>(
      "CREATE TABLE t (a BIGINT, b STRING) CLUSTERED BY (a, b) SORTED BY (a DESC, b) INTO 8 "
      "BUCKETS");
  ASSERT_TRUE(hash.table.clustering.has_value());
  EXPECT_FALSE(hash.table.clustering->range);
  EXPECT_EQ(hash.table.clustering->buckets, 8);
  EXPECT_TRUE(hash.table.clustering->sort[0].second);
  auto range = ParseOne<CreateTable>("CREATE TABLE t (a BIGINT) RANGE CLUSTERED BY (a)");
  EXPECT_TRUE(range.table.clustering->range);
  EXPECT_EQ(range.table.clustering->buckets, 0);
  EXPECT_TRUE(ParseOne<CreateTable>("CREATE OR REPLACE TABLE t AS SELECT 1 AS a").or_replace);
  EXPECT_EQ(FailureOf("CREATE TABLE t (a BIGINT) CLUSTERED BY (a)").substr(0, 12), "ODPS-0130161");
}

TEST(SqlParser, ReadsTheFormsOfAlter) {
  EXPECT_EQ(ParseOne<AlterTable>("alter table t drop columns a, b").drop_columns.size(), 2U);
  EXPECT_EQ(
      ParseOne<AlterTable>("ALTER TABLE t CHANGE COLUMN a RENAME TO b").change_column->new_name,
      "b");
  auto change = ParseOne<AlterTable>("ALTER TABLE t CHANGE COLUMN a a BIGINT COMMENT 'c'");
  EXPECT_EQ(change.change_column->type->id, TypeId::kBigint);
  EXPECT_EQ(*change.change_column->comment, "c");
  EXPECT_EQ(*ParseOne<AlterTable>("ALTER TABLE t CHANGEOWNER TO 'u'").owner, "u");
  EXPECT_TRUE(
      ParseOne<AlterTable>("ALTER TABLE t PARTITION (p='x') MERGE SMALLFILES").merge_small_files);
  auto drop = ParseOne<DropPartitions>("ALTER TABLE t DROP PARTITION (a < 'x', b = '1')");
  EXPECT_TRUE(drop.choices[0].filter.has_value());
}

TEST(SqlParser, RefusesMoreThanTwoMegabytes) {
  std::string text = "SELECT '" + std::string((2 << 20) - 9, 'x') + "'";
  EXPECT_EQ(FailureOf(text), "parsed");
  EXPECT_TRUE(FailureOf(text + " ").starts_with("ODPS-0130071"));
}

TEST(SqlParser, NamesWhatItDoesNotSupport) {
  for (const auto& [text, name] :
       {std::pair{"FROM t SELECT a", "FROM"}, std::pair{"CREATE VIEW v AS SELECT 1", "CREATE VIEW"},
        std::pair{"CREATE TABLE t (a INT) STORED AS orc", "STORED"},
        std::pair{"CREATE TABLE t (a INT) AUTO PARTITIONED BY (x)", "AUTO"}}) {
    std::string failure = FailureOf(text);
    EXPECT_TRUE(failure.starts_with("ODPS-0130071")) << failure;
    EXPECT_NE(failure.find(std::string(name) + " is not supported"), std::string::npos) << failure;
  }
}

}  // namespace
}  // namespace mms::sandbox::sql
