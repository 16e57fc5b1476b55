#include "sandbox/sql/duckdb_type.h"

#include <gtest/gtest.h>

#include "sandbox/sql/implicit_cast.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox::sql {
namespace {

std::string Shown(const std::string& duckdb) {
  auto type = FromDuckDbType(duckdb);
  if (!type) return type.error().ToString();
  return *type ? (*type)->ToText() : "null";
}

TEST(DuckDbType, ReadsBackEveryTypeItSays) {
  for (std::string text :
       {"tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "string", "binary",
        "date", "datetime", "timestamp", "timestamp_ntz", "decimal(10,2)", "array<datetime>",
        "map<string,array<bigint>>", "struct<x:int,y:struct<z:decimal(38,18)>>"}) {
    EXPECT_EQ(Shown(DuckDbType(ParseType(text).value())), text);
  }
}

TEST(DuckDbType, ShowsTypesThatMaxComputeLacks) {
  EXPECT_EQ(Shown("HUGEINT"), "bigint");
  EXPECT_EQ(Shown("UBIGINT"), "decimal(38,0)");
  EXPECT_EQ(Shown("TIME WITH TIME ZONE"), "string");
  EXPECT_EQ(Shown("ENUM('a', 'b')"), "string");
  EXPECT_EQ(Shown("STRUCT(\"a b\" INTEGER[3])[]"), "array<struct<a b:array<int>>>");
  EXPECT_EQ(Shown("\"NULL\""), "null");
}

bool Assigns(const std::string& from, const std::string& to) {
  return CanAssign(ParseType(from).value(), ParseType(to).value());
}

TEST(ImplicitCast, TakesWiderNumbersAndText) {
  for (const auto& [from, to] : {std::pair{"int", "bigint"},
                                 {"bigint", "double"},
                                 {"bigint", "decimal(38,0)"},
                                 {"double", "decimal(10,2)"},
                                 {"string", "double"},
                                 {"date", "string"},
                                 {"varchar(9)", "string"},
                                 {"string", "varchar(9)"},
                                 {"datetime", "timestamp"},
                                 {"array<int>", "array<bigint>"},
                                 {"decimal(38,18)", "decimal(10,2)"}}) {
    EXPECT_TRUE(Assigns(from, to)) << from << " to " << to;
  }
}

TEST(ImplicitCast, RefusesWhatMayLoseValues) {
  for (const auto& [from, to] : {std::pair{"bigint", "int"},
                                 {"double", "float"},
                                 {"double", "bigint"},
                                 {"string", "bigint"},
                                 {"string", "date"},
                                 {"boolean", "string"},
                                 {"binary", "string"},
                                 {"timestamp", "datetime"},
                                 {"struct<a:int>", "struct<b:int>"},
                                 {"array<int>", "string"}}) {
    EXPECT_FALSE(Assigns(from, to)) << from << " to " << to;
  }
}

}  // namespace
}  // namespace mms::sandbox::sql
