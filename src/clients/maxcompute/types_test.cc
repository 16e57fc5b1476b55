#include "clients/maxcompute/types.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

namespace mms::maxcompute {
namespace {

TEST(ParseType, ReadsEveryTypeInEitherCaseAndPrintsItBack) {
  const std::pair<const char*, const char*> kCases[] = {
      {"tinyint", "TINYINT"},
      {"SMALLINT", "SMALLINT"},
      {" int ", "INT"},
      {"BigInt", "BIGINT"},
      {"float", "FLOAT"},
      {"double", "DOUBLE"},
      {"boolean", "BOOLEAN"},
      {"string", "STRING"},
      {"varchar(20)", "VARCHAR(20)"},
      {"char( 3 )", "CHAR(3)"},
      {"binary", "BINARY"},
      {"json", "JSON"},
      {"date", "DATE"},
      {"datetime", "DATETIME"},
      {"timestamp", "TIMESTAMP"},
      {"timestamp_ntz", "TIMESTAMP_NTZ"},
      {"decimal", "DECIMAL(38,18)"},
      {"decimal(10)", "DECIMAL(10,0)"},
      {"decimal(10, 2)", "DECIMAL(10,2)"},
      {"decimal(38,38)", "DECIMAL(38,38)"},
      {"array<string>", "ARRAY<STRING>"},
      {"map<string, array<int>>", "MAP<STRING,ARRAY<INT>>"},
      {"struct<x:int, `y z`:string>", "STRUCT<x:INT,y z:STRING>"},
      {"STRUCT<a:STRUCT<b:DECIMAL(3,1)>>", "STRUCT<a:STRUCT<b:DECIMAL(3,1)>>"},
  };
  for (const auto& [text, printed] : kCases) {
    Result<Type> type = ParseType(text);
    ASSERT_TRUE(type) << text << ": " << type.error().ToString();
    EXPECT_EQ(ToText(*type), printed);
  }
}

TEST(ParseType, QuotedFormSurvivesOddFieldNames) {
  Result<Type> type = ParseType("struct<`a``b:>`:array<struct<数:int>>>");
  ASSERT_TRUE(type) << type.error().ToString();
  EXPECT_EQ(type->names[0], "a`b:>");
  EXPECT_EQ(ToText(*type, true), "STRUCT<`a``b:>`:ARRAY<STRUCT<`数`:INT>>>");
  Result<Type> again = ParseType(ToText(*type, true));
  ASSERT_TRUE(again);
  EXPECT_EQ(*type, *again);
}

TEST(ParseType, RefusesWhatItDoesNotKnowByName) {
  const std::string deep = [] {
    std::string text = "int";
    for (int i = 0; i < 40; ++i) text = "array<" + text + ">";
    return text;
  }();
  for (const std::string& text :
       {std::string("vector<float,3>"), std::string("interval_day_time"), std::string(""),
        std::string("decimal(54,18)"), std::string("decimal(10,11)"), std::string("decimal(x)"),
        std::string("varchar"), std::string("char(256)"), std::string("int int"),
        std::string("array<int,int>"), std::string("map<int>"), std::string("struct<int>"),
        std::string("struct<`a:int>"), std::string("array<int"), deep}) {
    Result<Type> type = ParseType(text);
    ASSERT_FALSE(type) << text;
    EXPECT_EQ(type.error().kind(), ErrorKind::kUnsupported);
    EXPECT_EQ(type.error().code(), "ODPS_TYPE_UNKNOWN");
    EXPECT_NE(type.error().message().find("'" + text + "'"), std::string::npos);
  }
}

TEST(ToArrow, GivesTheLayoutThatBlocksCarry) {
  const std::pair<const char*, std::shared_ptr<arrow::DataType>> kCases[] = {
      {"tinyint", arrow::int8()},
      {"smallint", arrow::int16()},
      {"int", arrow::int32()},
      {"bigint", arrow::int64()},
      {"float", arrow::float32()},
      {"double", arrow::float64()},
      {"boolean", arrow::boolean()},
      {"string", arrow::utf8()},
      {"varchar(9)", arrow::utf8()},
      {"char(9)", arrow::utf8()},
      {"json", arrow::utf8()},
      {"binary", arrow::binary()},
      {"date", arrow::date32()},
      {"datetime", arrow::timestamp(arrow::TimeUnit::MILLI)},
      {"timestamp", arrow::timestamp(arrow::TimeUnit::NANO)},
      {"timestamp_ntz", arrow::timestamp(arrow::TimeUnit::NANO)},
      {"decimal(12,3)", arrow::decimal128(12, 3)},
      {"array<date>", arrow::list(arrow::date32())},
      {"map<string,int>", arrow::map(arrow::utf8(), arrow::int32())},
      {"struct<a:int,b:string>",
       arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", arrow::utf8())})},
  };
  for (const auto& [text, expected] : kCases) {
    Result<Type> type = ParseType(text);
    ASSERT_TRUE(type) << text;
    EXPECT_TRUE(ToArrow(*type)->Equals(*expected)) << text << ": " << ToArrow(*type)->ToString();
  }
}

TEST(ToArrow, SchemaHasOneNullableFieldPerColumn) {
  const std::vector<Column> columns = {{"a", *ParseType("bigint"), "", false},
                                       {"b", *ParseType("string"), "text", true}};
  const auto schema = ToArrow(columns);
  ASSERT_EQ(schema->num_fields(), 2);
  EXPECT_EQ(schema->field(0)->name(), "a");
  EXPECT_TRUE(schema->field(0)->nullable());
  EXPECT_TRUE(schema->field(1)->type()->Equals(arrow::utf8()));
}

}  // namespace
}  // namespace mms::maxcompute
