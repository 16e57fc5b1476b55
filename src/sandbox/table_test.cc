#include "sandbox/table.h"

#include <gtest/gtest.h>

#include "sandbox/sql/parser.h"

namespace mms::sandbox {
namespace {

Column MakeColumn(const std::string& name, const std::string& type) {
  Column column;
  column.name = name;
  column.type = sql::ParseType(type).value();
  return column;
}

Table Partitioned() {
  Table table;
  table.name = {"p", "default", "t"};
  table.columns = {MakeColumn("a", "bigint")};
  table.partition_columns = {MakeColumn("pt", "string"), MakeColumn("hh", "int")};
  return table;
}

Result<PartitionSpec> Spec(const std::string& text) {
  TRY(auto pairs, SplitPartitionText(text));
  return MakePartitionSpec(Partitioned(), pairs);
}

TEST(PartitionSpec, ReadsTheFormsOfRestAndTunnel) {
  for (std::string text : {"pt='x',hh='1'", "pt=x,hh=1", "pt=x/hh=1", "hh=1,pt=\"x\"",
                           "PT = 'x' , HH = '01'", "`pt`=x/hh=001"}) {
    auto spec = Spec(text);
    ASSERT_TRUE(spec.has_value()) << text << spec.error().ToString();
    EXPECT_EQ(*spec, "pt=x/hh=1") << text;
  }
}

TEST(PartitionSpec, RefusesWhatMaxComputeRefuses) {
  for (std::string text : {"pt=x", "pt=x,hh=1,zz=2", "pt=x,zz=1", "pt=,hh=1", "pt=x,hh=one",
                           "pt=x,hh=99999999999", "pt='a/b',hh=1", "pt='a\tb',hh=1", "pt='a*',hh=1",
                           "pt='\xe4\xb8\xad',hh=1", "pt", "", "pt='x,hh=1"}) {
    auto spec = Spec(text);
    ASSERT_FALSE(spec.has_value()) << text;
    EXPECT_EQ(spec.error().code(), "InvalidPartitionSpec") << text;
  }
  EXPECT_FALSE(Spec("pt=" + std::string(256, 'x') + ",hh=1").has_value());
  EXPECT_TRUE(Spec("pt=" + std::string(255, 'x') + ",hh=1").has_value());
}

TEST(PartitionSpec, KeepsTheSafeCharacters) {
  EXPECT_EQ(Spec("pt='2026-01-02 03:04:05.6',hh=1").value(), "pt=2026-01-02 03:04:05.6/hh=1");
  EXPECT_EQ(PartitionValues("pt=a b/hh=1"), (std::vector<std::string>{"a b", "1"}));
}

TEST(Table, KeepsItsDescriptionAsJson) {
  Table table = Partitioned();
  table.comment = "quote \" and \xe4\xb8\xad";
  table.lifecycle_days = 9;
  table.properties = {{"k", "v"}};
  table.columns[0].nullable = false;
  table.columns.push_back(MakeColumn("s", "struct<x:array<map<string,decimal(10,2)>>>"));
  Table copy;
  ASSERT_TRUE(TableFromJson(TableToJson(table), &copy).has_value());
  EXPECT_EQ(TableToJson(copy), TableToJson(table));
  EXPECT_EQ(copy.columns[1].type.ToText(), "struct<x:array<map<string,decimal(10,2)>>>");
}

TEST(Table, ChecksNamesTypesAndCounts) {
  EXPECT_TRUE(CheckTable(Partitioned(), false).has_value());
  for (const std::string& name :
       std::vector<std::string>{"", "1a", "a-b", "a b", std::string(129, 'a')}) {
    Table table = Partitioned();
    table.name.table = name;
    EXPECT_FALSE(CheckTable(table, false).has_value()) << name;
  }
  Table repeated = Partitioned();
  repeated.columns.push_back(MakeColumn("pt", "string"));
  EXPECT_FALSE(CheckTable(repeated, false).has_value());
  Table levels = Partitioned();
  for (int i = 0; i < 5; ++i) {
    levels.partition_columns.push_back(MakeColumn("l" + std::to_string(i), "string"));
  }
  EXPECT_FALSE(CheckTable(levels, false).has_value());
  Table typed = Partitioned();
  typed.partition_columns[0] = MakeColumn("pt", "double");
  EXPECT_FALSE(CheckTable(typed, false).has_value());
  Table wide = Partitioned();
  for (int i = 0; i < 1'198; ++i)
    wide.columns.push_back(MakeColumn("c" + std::to_string(i), "int"));
  EXPECT_FALSE(CheckTable(wide, false).has_value());
  wide.columns.pop_back();
  EXPECT_TRUE(CheckTable(wide, false).has_value());
}

TEST(Table, BoundsDecimalAndLengthTypes) {
  for (std::string type : {"decimal(39,0)", "decimal(38,19)", "decimal(5,6)", "char(256)",
                           "char(0)", "varchar(65536)", "array<json>", "map<array<int>,int>"}) {
    EXPECT_FALSE(CheckType(sql::ParseType(type).value(), false).has_value()) << type;
  }
  EXPECT_TRUE(CheckType(sql::ParseType("decimal(38,38)").value(), true).has_value());
  EXPECT_TRUE(CheckType(sql::ParseType("decimal(38,18)").value(), false).has_value());
}

TEST(Table, WantsNotNullAndTransactionalForAPrimaryKey) {
  Table table = Partitioned();
  table.primary_key = {"a"};
  EXPECT_FALSE(CheckTable(table, false).has_value());
  table.columns[0].nullable = false;
  EXPECT_FALSE(CheckTable(table, false).has_value());
  table.properties["transactional"] = "true";
  EXPECT_TRUE(CheckTable(table, false).has_value());
}

}  // namespace
}  // namespace mms::sandbox
