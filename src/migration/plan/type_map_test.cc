#include "migration/plan/type_map.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

using nlohmann::json;

DeltaField Field(const std::string& type, const std::string& metadata = "{}") {
  return {"c", json::parse(type), json::parse(metadata)};
}

std::string Array(const std::string& element) {
  return R"({"type":"array","elementType":)" + element + R"(,"containsNull":true})";
}
std::string Map(const std::string& key, const std::string& value) {
  return R"({"type":"map","keyType":)" + key + R"(,"valueType":)" + value +
         R"(,"valueContainsNull":true})";
}
std::string StructField(const std::string& name, const std::string& type) {
  return R"({"name":")" + name + R"(","type":)" + type + R"(,"nullable":true,"metadata":{}})";
}
std::string Struct(const std::string& fields) {
  return R"({"type":"struct","fields":[)" + fields + "]}";
}

struct TypeCase {
  std::string delta;
  std::string source;
  std::string target;
  std::string note;
  std::string metadata = "{}";
};

// No raw strings: clang-format would lay out their text.
constexpr const char* kCollation = "{\"__COLLATIONS\":{\"c\":\"ICU.UNICODE_CI\"}}";
constexpr const char* kVarchar = "{\"__CHAR_VARCHAR_TYPE_STRING\":\"varchar(10)\"}";
constexpr const char* kChar = "{\"__CHAR_VARCHAR_TYPE_STRING\":\"char(5)\"}";
constexpr const char* kCharArray = "{\"__CHAR_VARCHAR_TYPE_STRING\":\"array<char(5)>\"}";

TEST(TypeMap, EveryTypeThatDeltaStoresHasItsTarget) {
  const TypeCase cases[] = {
      {"\"byte\"", "TINYINT", "TINYINT", ""},
      {"\"short\"", "SMALLINT", "SMALLINT", ""},
      {"\"integer\"", "INT", "INT", ""},
      {"\"long\"", "BIGINT", "BIGINT", ""},
      {"\"float\"", "FLOAT", "FLOAT", ""},
      {"\"double\"", "DOUBLE", "DOUBLE", ""},
      {"\"boolean\"", "BOOLEAN", "BOOLEAN", ""},
      {"\"date\"", "DATE", "DATE", ""},
      {"\"string\"", "STRING", "STRING", ""},
      {"\"string\"", "STRING", "STRING", "the collation is dropped", kCollation},
      {"\"string\"", "VARCHAR(10)", "STRING", "VARCHAR(10) becomes STRING, as stored", kVarchar},
      {"\"string\"", "CHAR(5)", "STRING",
       "CHAR(5) becomes STRING, padded with blanks as Databricks shows it", kChar},
      {Array("\"string\""), "array<char(5)>", "ARRAY<STRING>",
       "array<char(5)> becomes ARRAY<STRING>, as stored", kCharArray},
      {"\"binary\"", "BINARY", "BINARY", ""},
      {"\"decimal(10,2)\"", "DECIMAL(10,2)", "DECIMAL(10,2)", ""},
      {"\"decimal(38,0)\"", "DECIMAL(38,0)", "DECIMAL(38,0)", ""},
      {"\"decimal(38,18)\"", "DECIMAL(38,18)", "DECIMAL(38,18)", ""},
      {"\"decimal\"", "DECIMAL(10,0)", "DECIMAL(10,0)", ""},
      {"\"decimal(38,19)\"", "DECIMAL(38,19)", "STRING",
       "DECIMAL(38,19) becomes STRING, plain digits: MaxCompute keeps 18 after the point"},
      {"\"decimal(38,38)\"", "DECIMAL(38,38)", "STRING",
       "DECIMAL(38,38) becomes STRING, plain digits: MaxCompute keeps 18 after the point"},
      {"\"timestamp\"", "TIMESTAMP", "TIMESTAMP", ""},
      {"\"timestamp_ntz\"", "TIMESTAMP_NTZ", "TIMESTAMP_NTZ", ""},
      {"\"void\"", "VOID", "STRING", "VOID becomes STRING, all NULL"},
      {Array("\"long\""), "ARRAY<BIGINT>", "ARRAY<BIGINT>", ""},
      {Map("\"string\"", "\"integer\""), "MAP<STRING, INT>", "MAP<STRING,INT>", ""},
      {Struct(StructField("A", "\"integer\"")), "STRUCT<A: INT>", "STRUCT<a:INT>", ""},
      {Array(Map("\"date\"", Struct(StructField("k", Array("\"double\""))))),
       "ARRAY<MAP<DATE, STRUCT<k: ARRAY<DOUBLE>>>>", "ARRAY<MAP<DATE,STRUCT<k:ARRAY<DOUBLE>>>>",
       ""},
      {Array(Struct(StructField("v", "\"decimal(20,19)\""))), "ARRAY<STRUCT<v: DECIMAL(20,19)>>",
       "ARRAY<STRUCT<v:STRING>>",
       "c.element.v: DECIMAL(20,19) becomes STRING, plain digits: MaxCompute keeps 18 after the "
       "point"},
  };
  for (const TypeCase& item : cases) {
    const auto mapped = MapType(Field(item.delta, item.metadata), {});
    ASSERT_TRUE(mapped.has_value()) << item.delta << ": " << mapped.error().ToString();
    EXPECT_EQ(mapped->source_text, item.source);
    EXPECT_EQ(maxcompute::ToText(mapped->target), item.target);
    EXPECT_EQ(mapped->note, item.note);
  }
}

struct RefusalCase {
  std::string delta;
  std::string code;
  std::string named;
};

TEST(TypeMap, WhatHasNoTargetIsRefusedByPathAndType) {
  std::string deep = "\"integer\"";
  for (int i = 0; i < 40; ++i) deep = Array(deep);
  const RefusalCase cases[] = {
      {"\"variant\"", "TYPE_UNSUPPORTED", "column \"c\" has type VARIANT"},
      {Array("\"variant\""), "TYPE_UNSUPPORTED", "column \"c.element\" has type VARIANT"},
      {"\"interval day to second\"", "TYPE_UNSUPPORTED", "INTERVAL DAY TO SECOND"},
      {"\"geometry(4326)\"", "TYPE_UNSUPPORTED", "GEOMETRY(4326)"},
      {Map(Array("\"string\""), "\"string\""), "TYPE_UNSUPPORTED",
       "MAP with a key of ARRAY<STRING>"},
      {Struct(""), "TYPE_UNSUPPORTED", "STRUCT<>"},
      {deep, "TYPE_UNSUPPORTED", "32 deep"},
      {Struct(StructField("a b", "\"string\"")), "NAME_INVALID", "column \"c.a b\""},
      {Struct(StructField("x", "\"long\"") + "," + StructField("X", "\"long\"")), "NAME_COLLISION",
       "\"c.x\" and \"c.X\""},
      {"\"decimal(39,2)\"", "DELTA_SCHEMA_INVALID", "decimal(39,2)"},
      {"\"decimal(2,3)\"", "DELTA_SCHEMA_INVALID", "decimal(2,3)"},
      {"\"decimal(5,2) \"", "DELTA_SCHEMA_INVALID", "decimal(5,2) "},
      {"7", "DELTA_SCHEMA_INVALID", "\"c\""},
      {R"({"type":"array"})", "DELTA_SCHEMA_INVALID", "elementType"},
      {R"({"type":7})", "DELTA_SCHEMA_INVALID", "\"c\""},
  };
  for (const RefusalCase& item : cases) {
    const auto mapped = MapType(Field(item.delta), {});
    ASSERT_FALSE(mapped.has_value()) << item.delta;
    EXPECT_EQ(mapped.error().code(), item.code) << item.delta;
    EXPECT_NE(mapped.error().message().find(item.named), std::string::npos)
        << mapped.error().ToString();
  }
}

TEST(TypeMap, PartitionColumnsKeepIntegersAndBecomeStringElse) {
  const std::pair<std::string, std::string> cases[] = {
      {"byte", "TINYINT"},     {"short", "SMALLINT"},       {"integer", "INT"},
      {"long", "BIGINT"},      {"string", "STRING"},        {"date", "STRING"},
      {"timestamp", "STRING"}, {"timestamp_ntz", "STRING"}, {"boolean", "STRING"},
      {"float", "STRING"},     {"double", "STRING"},        {"decimal(9,2)", "STRING"},
      {"binary", "STRING"},
  };
  for (const auto& [delta, target] : cases) {
    const auto mapped = MapPartitionType(Field("\"" + delta + "\""), false);
    ASSERT_TRUE(mapped.has_value()) << delta;
    EXPECT_EQ(maxcompute::ToText(mapped->target), target) << delta;
    EXPECT_EQ(mapped->note.empty(), mapped->source_text == target) << delta;
    const auto with_null = MapPartitionType(Field("\"" + delta + "\""), true);
    ASSERT_TRUE(with_null.has_value());
    EXPECT_EQ(maxcompute::ToText(with_null->target), "STRING") << delta;
  }
  EXPECT_FALSE(MapPartitionType(Field(Array("\"string\"")), false).has_value());
}

TEST(TypeMap, ATypeThatHoldsMoreIsWideningAndAllElseIsLossless) {
  const std::tuple<std::string, std::string, Fidelity> cases[] = {
      {"\"integer\"", "{}", Fidelity::kLossless},
      {"\"string\"", kChar, Fidelity::kLossless},
      {"\"decimal(38,18)\"", "{}", Fidelity::kLossless},
      {"\"decimal(38,19)\"", "{}", Fidelity::kWidening},
      {Array(Struct(StructField("v", "\"decimal(20,19)\""))), "{}", Fidelity::kWidening},
      {"\"void\"", "{}", Fidelity::kWidening},
  };
  for (const auto& [type, metadata, fidelity] : cases) {
    EXPECT_EQ(MapType(Field(type, metadata), {})->fidelity, fidelity) << type;
  }
  Policy extended;
  extended.extended_decimal = true;
  EXPECT_EQ(MapType(Field("\"decimal(38,19)\""), extended)->fidelity, Fidelity::kLossless);

  EXPECT_EQ(MapPartitionType(Field("\"integer\""), false)->fidelity, Fidelity::kLossless);
  EXPECT_EQ(MapPartitionType(Field("\"integer\""), true)->fidelity, Fidelity::kWidening);
  EXPECT_EQ(MapPartitionType(Field("\"date\""), false)->fidelity, Fidelity::kWidening);
  EXPECT_EQ(MapPartitionType(Field("\"string\""), true)->fidelity, Fidelity::kLossless);
}

TEST(TypeMap, ATypeWithoutATargetStillHasItsName) {
  EXPECT_EQ(SourceTypeText(Field("\"variant\"")), "VARIANT");
  EXPECT_EQ(SourceTypeText(Field("\"string\"", kChar)), "CHAR(5)");
  EXPECT_EQ(SourceTypeText(Field(Struct(""))), "STRUCT");
  EXPECT_EQ(SourceTypeText(Field("7")), "?");
}

TEST(TypeMap, ASchemaThatIsNoneIsCorrupt) {
  for (const char* text :
       {"", "[]", "{}", R"({"fields":[{}]})", R"({"fields":[{"name":1,"type":"long"}]})"}) {
    const auto fields = ParseDeltaSchema(text);
    ASSERT_FALSE(fields.has_value()) << text;
    EXPECT_EQ(fields.error().code(), "DELTA_SCHEMA_INVALID");
    EXPECT_EQ(fields.error().kind(), ErrorKind::kCorrupt);
  }
}

}  // namespace
}  // namespace mms::migration
