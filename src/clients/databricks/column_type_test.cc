#include "clients/databricks/column_type.h"

#include <gtest/gtest.h>

namespace mms::databricks {
namespace {

TEST(ColumnType, ReadsTheThreeFormsOfTypeJson) {
  const char* field =
      R"({"name":"v","type":"long","nullable":true,"metadata":{"comment":"x","delta.id":1}})";
  EXPECT_EQ(ColumnType(field, "bigint"), "bigint");
  EXPECT_EQ(ColumnType("\"long\"", ""), "bigint");
  EXPECT_EQ(ColumnType(R"({"type":"array","elementType":"integer","containsNull":true})", ""),
            "array<int>");
}

TEST(ColumnType, TellsANestedTypeFromAFieldByItsName) {
  const char* nested =
      R"({"type":"struct","fields":[{"name":"name","type":"short","nullable":true,"metadata":{}},)"
      R"({"name":"a b`","type":{"type":"map","keyType":"string","valueType":"byte"}}]})";
  EXPECT_EQ(ColumnType(nested, ""), "struct<name:smallint,`a b```:map<string,tinyint>>");
  EXPECT_EQ(ColumnType(std::string(R"({"name":"v","type":)") + nested + "}", ""),
            "struct<name:smallint,`a b```:map<string,tinyint>>");
  EXPECT_EQ(ColumnType(R"({"type":"struct","fields":[]})", ""), "struct<>");
}

TEST(ColumnType, TakesThePrecisionAndTheDeclaredLengthFromTypeJson) {
  EXPECT_EQ(ColumnType(R"j({"name":"d","type":"decimal(10,2)"})j", "decimal"), "decimal(10,2)");
  const char* varchar =
      R"j({"name":"s","type":"string","metadata":{"__CHAR_VARCHAR_TYPE_STRING":"varchar(10)"}})j";
  EXPECT_EQ(ColumnType(varchar, "string"), "varchar(10)");
}

TEST(ColumnType, FallsBackToTypeText) {
  std::string deep(500, '[');
  for (const char* json :
       {"", "null", "7", "[]", "{}", "\"\"", "long", R"({"name":"v","type":null})",
        R"({"name":"v","type":{"type":"array"}})", R"({"type":"map","keyType":"string"})",
        R"({"type":"struct","fields":[{"type":"long"}]})", R"({"type":"geometry"})"}) {
    EXPECT_EQ(ColumnType(json, "decimal(5,1)"), "decimal(5,1)") << json;
  }
  EXPECT_EQ(ColumnType(deep, "int"), "int");
}

TEST(ColumnType, LetsUnknownNamesThrough) {
  EXPECT_EQ(ColumnType("\"variant\"", ""), "variant");
  EXPECT_EQ(ColumnType(R"({"name":"v","type":"string collate UNICODE"})", ""),
            "string collate UNICODE");
}

TEST(ColumnField, IsOneFieldWhateverTheFormAndNothingWithoutAType) {
  const std::string whole =
      R"({"metadata":{"comment":"x"},"name":"v","nullable":false,"type":"long"})";
  EXPECT_EQ(ColumnField("v", R"({"name":"V","type":"long","metadata":{"comment":"x"}})", false),
            whole);
  const std::string bare = R"({"metadata":{},"name":"v","nullable":true,"type":"long"})";
  EXPECT_EQ(ColumnField("v", "\"long\"", true), bare);
  EXPECT_EQ(ColumnField("v", R"({"name":"v","type":"long"})", true), bare);
  for (const char* json : {"", "null", "7", "long", "\"\"", R"({"name":"v","type":null})"}) {
    EXPECT_EQ(ColumnField("v", json, true), "") << json;
  }
}

}  // namespace
}  // namespace mms::databricks
