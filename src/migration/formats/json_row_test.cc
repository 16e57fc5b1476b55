#include "migration/formats/json_row.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mms::migration {
namespace {

using Outcome = JsonRow::Outcome;

class JsonRowTest : public testing::Test {
 protected:
  JsonRowTest() { Renew(); }

  void Renew() {
    const auto inner = arrow::struct_({arrow::field("c", arrow::utf8())});
    const auto type = arrow::struct_(
        {arrow::field("id", arrow::int64()), arrow::field("price", arrow::decimal128(22, 2)),
         arrow::field("ratio", arrow::float64()), arrow::field("text", arrow::utf8()),
         arrow::field("yes", arrow::boolean()), arrow::field("day", arrow::date32()),
         arrow::field("items", arrow::list(arrow::field("element", arrow::int32()))),
         arrow::field("deep", arrow::struct_({arrow::field("b", inner)})),
         arrow::field("pairs", arrow::map(arrow::utf8(), arrow::int8()))});
    std::unique_ptr<arrow::ArrayBuilder> builder;
    CHECK(arrow::MakeBuilder(arrow::default_memory_pool(), type, &builder).ok());
    builder_.reset(static_cast<arrow::StructBuilder*>(builder.release()));
    row_ = std::make_unique<JsonRow>(formats_, builder_.get());
  }

  /// The one value of the column that `line` gives; or the problem.
  std::string Read(const std::string& column, const std::string& line) {
    switch (row_->Append(line)) {
      case Outcome::kRow: break;
      case Outcome::kMalformed:
      case Outcome::kNoValue: {
        const std::string problem = row_->problem();
        Renew();
        return problem;
      }
    }
    const auto array = *builder_->Finish();
    EXPECT_TRUE(array->ValidateFull().ok()) << line;
    const auto& rows = static_cast<const arrow::StructArray&>(*array);
    EXPECT_EQ(rows.length(), 1);
    return (*rows.GetFieldByName(column)->GetScalar(0))->ToString();
  }

  TextFormats formats_;
  std::unique_ptr<arrow::StructBuilder> builder_;
  std::unique_ptr<JsonRow> row_;
};

TEST_F(JsonRowTest, NumbersAreExact) {
  EXPECT_EQ(Read("id", R"({"id":-9223372036854775808})"), "-9223372036854775808");
  EXPECT_EQ(Read("price", R"({"price":12345678901234567890.12})"), "12345678901234567890.12");
  EXPECT_EQ(Read("price", R"({"price":"7.005"})"), "7.01");
  EXPECT_EQ(Read("price", R"({"price":3})"), "3.00");
  EXPECT_EQ(Read("ratio", R"({"ratio":1e-3})"), "0.001");
  EXPECT_EQ(Read("ratio", R"({"ratio":2})"), "2");
  EXPECT_EQ(Read("ratio", R"({"ratio":"NaN"})"), "nan");
  EXPECT_EQ(Read("text", R"({"text":12})"), "12");
}

TEST_F(JsonRowTest, WhatIsNotThereIsNullAndWhatNobodyKnowsIsLeftOut) {
  EXPECT_EQ(Read("id", "{}"), "null");
  EXPECT_EQ(Read("deep", R"({"deep":null})"), "null");
  EXPECT_EQ(Read("id", R"({"other":{"id":[{"id":1},2]},"more":[[]],"id":7,"last":"x"})"), "7");
  // Keys are told apart by case, as Spark does.
  EXPECT_EQ(Read("id", R"({"ID":7})"), "null");
}

TEST_F(JsonRowTest, NestedValuesKeepTheirNulls) {
  const std::string items = Read("items", R"({"items":[1,null,3]})");
  EXPECT_NE(items.find("null"), std::string::npos) << items;
  EXPECT_EQ(Read("deep", R"({"deep":{"x":1,"b":{"c":"\u4e2d"}}})"),
            "{b:struct<c: string> = {c:string = \xE4\xB8\xAD}}");
  EXPECT_EQ(Read("deep", R"({"deep":{}})"), "{b:struct<c: string> = null}");
  const std::string pairs = Read("pairs", R"({"pairs":{"a":1,"b":null}})");
  EXPECT_NE(pairs.find("null"), std::string::npos) << pairs;
}

TEST_F(JsonRowTest, WhatSparkWouldMakeNullNamesTheColumn) {
  for (const char* line :
       {R"({"id":"1"})", R"({"id":1.0})", R"({"id":9223372036854775808})", R"({"yes":"true"})",
        R"({"yes":1})", R"({"text":1.5})", R"({"text":{}})", R"({"day":"2024-02-30"})",
        R"({"day":5})", R"({"items":1})", R"({"items":["x"]})", R"({"deep":[]})",
        R"({"ratio":"1"})", R"({"pairs":{"a":128}})", R"({"price":1e30})"}) {
    EXPECT_TRUE(Read("id", line).starts_with("the value of column ")) << line;
  }
}

TEST_F(JsonRowTest, ALineIsOneObject) {
  for (const char* line : {"", "null", "7", "[{}]", "{", "{} {}", R"({"id":1,})", R"({'id':1})",
                           R"({"id":1,"id":2})", "{\"text\":\"\xE4\xB8\"}", R"({"id":01})"}) {
    const std::string problem = Read("id", line);
    EXPECT_TRUE(problem.starts_with("it is ") || problem.starts_with("it has ") ||
                problem.starts_with("more than one"))
        << line << ": " << problem;
  }
}

TEST(JsonTypes, MapsAreByTextAndBinaryIsNotRead) {
  EXPECT_TRUE(CheckJsonType(*arrow::field("a", arrow::map(arrow::utf8(), arrow::int32()))));
  EXPECT_FALSE(CheckJsonType(*arrow::field("a", arrow::map(arrow::int32(), arrow::int32()))));
  EXPECT_FALSE(CheckJsonType(*arrow::field("a", arrow::list(arrow::binary()))));
}

}  // namespace
}  // namespace mms::migration
